#include "daemon/published.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct published {
	struct published_settings settings;
	struct trust *trust;
	uint64_t counts[COSIGNATURES_MAX]; /* cosignatures taken, by witness of the policy */

	struct cosigned published;
	uint64_t published_us;

	bool has_candidate;
	struct cosigned candidate;
	uint64_t taken_us; /* when the newest candidate was taken, published by now or not */

	uint64_t timeouts;
};

static void begin(struct cosigned *cosigned, const struct head *head)
{
	cosigned->head = *head;
	cosigned->cosignatures.count = 0;
}

enum err published_new(const struct published_settings *settings, struct trust *trust, const struct head *latest,
    uint64_t now_us, struct published **ret_published)
{
	struct published *published = calloc(1, sizeof(*published));

	assert(trust_witness_count(trust) <= COSIGNATURES_MAX);
	if (published == NULL)
		return ERR_MEMORY;
	published->settings = *settings;
	published->trust = trust;
	published->published_us = published->taken_us = now_us;
	begin(&published->published, latest);
	*ret_published = published;
	return OK;
}

void published_free(struct published *published)
{
	if (published == NULL)
		return;
	trust_free(published->trust);
	free(published);
}

static bool has_quorum(const struct published *published, const struct cosigned *cosigned)
{
	return trust_is_met(published->trust, cosignatures_bits(&cosigned->cosignatures, published->trust));
}

static void publish(struct published *published, uint64_t now_us)
{
	assert(published->candidate.head.size > published->published.head.size);
	published->published = published->candidate;
	published->published_us = now_us;
	published->has_candidate = false;
}

enum published_event published_poke(struct published *published, const struct head *latest, uint64_t now_us)
{
	if (!published->has_candidate) {
		if (latest->size <= published->published.head.size ||
		    now_us - published->taken_us < published->settings.interval_us)
			return PUBLISHED_NOTHING;
		begin(&published->candidate, latest);
		published->has_candidate = true;
		published->taken_us = now_us;
	}
	if (has_quorum(published, &published->candidate)) {
		publish(published, now_us);
		return PUBLISHED_BY_QUORUM;
	}
	if (now_us - published->taken_us < published->settings.timeout_us)
		return PUBLISHED_NOTHING;
	publish(published, now_us);
	published->timeouts++;
	return PUBLISHED_BY_TIMEOUT;
}

enum place { PLACE_NONE, PLACE_CANDIDATE, PLACE_PUBLISHED };

/* Whose size it is. */
static enum place find(const struct published *published, uint64_t size)
{
	if (published->has_candidate && published->candidate.head.size == size)
		return PLACE_CANDIDATE;
	return published->published.head.size == size ? PLACE_PUBLISHED : PLACE_NONE;
}

/* Its place in the policy; the number of witnesses where it has none. */
static size_t find_witness(const struct trust *trust, const struct key *key)
{
	size_t i = 0;

	while (i < trust_witness_count(trust) && !key_equal(trust_witness_key(trust, i), key))
		i++;
	return i;
}

void published_add(struct published *published, uint64_t size, const struct cosignatures *cosignatures)
{
	enum place place = find(published, size);
	struct cosigned *cosigned = place == PLACE_CANDIDATE ? &published->candidate : &published->published;

	for (size_t i = 0; place != PLACE_NONE && i < cosignatures->count; i++) {
		size_t witness = find_witness(published->trust, &cosignatures->lines[i].key);

		if (witness < trust_witness_count(published->trust) &&
		    cosignatures_add(&cosigned->cosignatures, &cosignatures->lines[i]))
			published->counts[witness]++;
	}
}

void published_set_trust(struct published *published, struct trust *trust)
{
	uint64_t counts[COSIGNATURES_MAX] = {0};

	assert(trust_witness_count(trust) <= COSIGNATURES_MAX);
	for (size_t i = 0; i < trust_witness_count(trust); i++) {
		size_t before = find_witness(published->trust, trust_witness_key(trust, i));

		if (before < trust_witness_count(published->trust))
			counts[i] = published->counts[before];
	}
	memcpy(published->counts, counts, sizeof(counts));
	cosignatures_keep(&published->published.cosignatures, trust);
	cosignatures_keep(&published->candidate.cosignatures, trust);
	trust_free(published->trust);
	published->trust = trust;
}

const struct trust *published_trust(const struct published *published)
{
	return published->trust;
}

void published_head(const struct published *published, struct head *ret_head)
{
	cosigned_head(&published->published, ret_head);
}

void published_candidate(const struct published *published, struct head *ret_head)
{
	cosigned_head(published->has_candidate ? &published->candidate : &published->published, ret_head);
}

uint64_t published_cosigned(const struct published *published, uint64_t size)
{
	enum place place = find(published, size);
	const struct cosigned *cosigned = place == PLACE_CANDIDATE ? &published->candidate : &published->published;

	return place == PLACE_NONE ? 0 : cosignatures_bits(&cosigned->cosignatures, published->trust);
}

bool published_is_met(const struct published *published, uint64_t size)
{
	return find(published, size) != PLACE_NONE &&
	       trust_is_met(published->trust, published_cosigned(published, size));
}

void published_count(const struct published *published, uint64_t now_us, struct published_counts *ret_counts)
{
	struct published_counts counts = {
	    .size = published->published.head.size,
	    .age_us = now_us - published->published_us,
	    .is_quorum_met = has_quorum(published, &published->published),
	    .candidate_size =
		published->has_candidate ? published->candidate.head.size : published->published.head.size,
	    .candidate_age_us = published->has_candidate ? now_us - published->taken_us : 0,
	    .timeouts = published->timeouts,
	    .witness_count = trust_witness_count(published->trust),
	};

	for (size_t i = 0; i < counts.witness_count; i++)
		counts.witnesses[i] = (struct published_witness){
		    .name = trust_witness_name(published->trust, i), .cosignatures = published->counts[i]};
	*ret_counts = counts;
}

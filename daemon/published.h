/*
 * Which head is published: the state machine of the three heads.
 *
 *	latest		every commit has one; receipts and proofs are under it. The writer's, and given in here.
 *	candidate	a latest one that waits for its quorum of witnesses. It stays as it is until it is published, however
 *			many commits come meanwhile: else under load no cosignature would ever fit.
 *	published	the newest candidate whose quorum has cosigned, or whose time was up
 *
 * Once a candidate is published the next one is taken, `interval` after the one before was, as soon as there are new
 * entries. A start publishes the latest head, without any cosignature; published sizes only grow. Cosignatures of the
 * published head are still taken: with them it gets its quorum late, and witnesses show again that they watch.
 *
 * Pure: times are given in, in monotonic microseconds. Nothing here logs; one thread at a time.
 */
#ifndef DAEMON_PUBLISHED_H
#define DAEMON_PUBLISHED_H

#include "daemon/cosigned.h"

struct published;

struct published_settings {
	uint64_t interval_us;
	uint64_t timeout_us;
};

enum published_event {
	PUBLISHED_NOTHING,
	PUBLISHED_BY_QUORUM,
	PUBLISHED_BY_TIMEOUT,
};

/* Takes the policy over where it succeeds; it has at most COSIGNATURES_MAX witnesses (asserted). ERR_MEMORY. */
enum err published_new(const struct published_settings *settings, struct trust *trust, const struct head *latest,
    uint64_t now_us, struct published **ret_published) must_check;
void published_free(struct published *published);	/* NULL-safe */

/* Takes and publishes what is due; tells why one was published. To be called often, and behind published_add. */
enum published_event published_poke(struct published *published, const struct head *latest, uint64_t now_us);

/*
 * Takes cosignatures of a checkpoint of this size, which is part of this ledger's history; those of witnesses that the
 * policy does not name (any more) are left out. Does nothing where neither candidate nor published head has that size.
 */
void published_add(struct published *published, uint64_t size, const struct cosignatures *cosignatures);

/* Another policy from now on; takes it over. Cosignatures of witnesses that it names too are kept. */
void published_set_trust(struct published *published, struct trust *trust);
const struct trust *published_trust(const struct published *published);

/* With every cosignature they have; the candidate is the published head where nothing waits. */
void published_head(const struct published *published, struct head *ret_head);
void published_candidate(const struct published *published, struct head *ret_head);

/* What there is of a size: bit i for witness i of the policy; and is that its quorum? 0 and false where it is neither's. */
uint64_t published_cosigned(const struct published *published, uint64_t size);
bool published_is_met(const struct published *published, uint64_t size);

/* Numbers for metrics and log lines. */
struct published_counts {
	uint64_t size;			/* of the published head */
	uint64_t age_us;		/* since it was published */
	bool is_quorum_met;		/* of the published head, late or in time */
	uint64_t candidate_size;
	uint64_t candidate_age_us;	/* since it was taken; 0 where nothing waits */
	uint64_t timeouts;		/* heads published without their quorum, since the start */
	size_t witness_count;
	struct published_witness {
		const char *name;	/* of the policy: valid until that is replaced */
		uint64_t cosignatures;	/* taken since the start */
	} witnesses[COSIGNATURES_MAX];
};
void published_count(const struct published *published, uint64_t now_us, struct published_counts *ret_counts);

#endif

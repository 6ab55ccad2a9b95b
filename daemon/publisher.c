#include "daemon/publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/trustfile.h"

#define LOOK_US 100000 /* between two looks at what is due; the shortest interval is a second */

struct publisher {
	struct publisher_settings settings;
	struct key *ledger_keys; /* a copy */
	struct published *published;
	struct head_box *box;
	struct event *timer;
	bool is_late; /* the newest head was published without its quorum, and that is logged */
};

/* ---- publishing */

/* The names of those whose cosignature is missing, with commas between; cut where they are many. */
static void list_missing(const struct publisher *publisher, uint64_t size, char *ret_text, size_t text_size)
{
	const struct trust *trust = published_trust(publisher->published);
	uint64_t cosigned = published_cosigned(publisher->published, size);
	size_t used = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < trust_witness_count(trust) && used < text_size; i++)
		if (!(cosigned >> i & 1))
			used += (size_t)snprintf(ret_text + used, text_size - used, "%s%s", used > 0 ? ", " : "",
			    trust_witness_name(trust, i));
}

/* An outage of witnesses is one line when it begins and one when it ends, however many heads are published in it. */
static void log_event(struct publisher *publisher, enum published_event event, uint64_t size)
{
	char names[512];

	if (event == PUBLISHED_BY_QUORUM && publisher->is_late)
		log_notice("witnesses: the quorum has cosigned again, at %llu entries", (unsigned long long)size);
	if (event == PUBLISHED_BY_TIMEOUT && !publisher->is_late) {
		list_missing(publisher, size, names, sizeof(names));
		log_warn("witnesses: %llu entries are published without the quorum, after %u s; missing: %s",
		    (unsigned long long)size, publisher->settings.timeout_s, names);
	}
	publisher->is_late = event == PUBLISHED_BY_TIMEOUT;
}

static void show(struct publisher *publisher)
{
	struct head head;

	published_head(publisher->published, &head);
	head_publish(publisher->box, &head);
}

static void poke(struct publisher *publisher)
{
	struct published_counts counts;
	enum published_event event;
	struct head latest;

	head_get(publisher->settings.latest, &latest);
	event = published_poke(publisher->published, &latest, clock_monotonic_us());
	if (event == PUBLISHED_NOTHING)
		return;
	show(publisher);
	publisher_count(publisher, &counts);
	log_event(publisher, event, counts.size);
}

static void on_timer(evutil_socket_t fd, short what, void *cookie)
{
	(void)fd, (void)what;
	poke(cookie);
}

void publisher_add(struct publisher *publisher, uint64_t size, const struct cosignatures *cosignatures)
{
	published_add(publisher->published, size, cosignatures);
	show(publisher);
	poke(publisher);
}

/* ---- the policy */

static enum err load_trust(const struct publisher *publisher, struct trust **ret_trust, struct why *why)
{
	return trustfile_load(
	    publisher->settings.policy, publisher->ledger_keys, publisher->settings.ledger_key_count, ret_trust, why);
}

void publisher_reload(struct publisher *publisher)
{
	struct why why = {.text = ""};
	struct trust *trust;
	enum err err = load_trust(publisher, &trust, &why);

	if (err != OK) {
		log_error(
		    "witnesses: the policy in use is kept: %s", why.text[0] != '\0' ? why.text : err_sentence(err));
		return;
	}
	published_set_trust(publisher->published, trust);
	log_notice("witnesses: policy read again: %zu witnesses", trust_witness_count(trust));
	show(publisher);
	poke(publisher);
}

/* ---- opening */

static enum err open_published(struct publisher *publisher, struct why *why)
{
	const struct published_settings settings = {.interval_us = publisher->settings.interval_s * 1000000ULL,
	    .timeout_us = publisher->settings.timeout_s * 1000000ULL};
	struct trust *trust;
	struct head latest;
	enum err err = load_trust(publisher, &trust, why);

	if (err != OK)
		return err;
	head_get(publisher->settings.latest, &latest);
	err = published_new(&settings, trust, &latest, clock_monotonic_us(), &publisher->published);
	if (err != OK)
		trust_free(trust);
	return err;
}

static enum err open_timer(struct publisher *publisher, struct event_base *base)
{
	static const struct timeval look = {.tv_usec = LOOK_US};

	publisher->timer = event_new(base, -1, EV_PERSIST, on_timer, publisher);
	return publisher->timer != NULL && event_add(publisher->timer, &look) == 0 ? OK : ERR_MEMORY;
}

enum err publisher_new(struct event_base *base, const struct publisher_settings *settings,
    struct publisher **ret_publisher, struct why *why)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));
	enum err err = ERR_MEMORY;

	if (publisher == NULL)
		return ERR_MEMORY;
	publisher->settings = *settings;
	publisher->box = head_box_new();
	publisher->ledger_keys = calloc(settings->ledger_key_count, sizeof(*publisher->ledger_keys));
	if (publisher->box != NULL && publisher->ledger_keys != NULL) {
		memcpy(publisher->ledger_keys, settings->ledger_keys,
		    settings->ledger_key_count * sizeof(*publisher->ledger_keys));
		err = open_published(publisher, why);
	}
	if (err == OK)
		err = open_timer(publisher, base);
	if (err != OK) {
		publisher_free(publisher);
		return err;
	}
	show(publisher);
	*ret_publisher = publisher;
	return OK;
}

void publisher_free(struct publisher *publisher)
{
	if (publisher == NULL)
		return;
	if (publisher->timer != NULL)
		event_free(publisher->timer);
	published_free(publisher->published);
	head_box_free(publisher->box);
	free(publisher->ledger_keys);
	free(publisher);
}

/* ---- asking */

struct head_box *publisher_box(const struct publisher *publisher)
{
	return publisher->box;
}

size_t publisher_keys(const struct publisher *publisher, struct key ret_keys[static COSIGNATURES_MAX])
{
	const struct trust *trust = published_trust(publisher->published);

	for (size_t i = 0; i < trust_witness_count(trust); i++)
		ret_keys[i] = *trust_witness_key(trust, i);
	return trust_witness_count(trust);
}

const struct published *publisher_state(const struct publisher *publisher)
{
	return publisher->published;
}

void publisher_count(const struct publisher *publisher, struct published_counts *ret_counts)
{
	published_count(publisher->published, clock_monotonic_us(), ret_counts);
}

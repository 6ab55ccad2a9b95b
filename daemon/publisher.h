/*
 * The loop's half of publishing: gives the state machine of published.h its times and heads, shows what it decides to
 * everyone, logs what an operator must know, and reads the policy of the witnesses. Loop thread, but for the box.
 */
#ifndef DAEMON_PUBLISHER_H
#define DAEMON_PUBLISHER_H

#include "daemon/published.h"

struct event_base;
struct publisher;

struct publisher_settings {
	const char *policy;		/* the path; must outlive the publisher */
	unsigned interval_s, timeout_s;
	struct head_box *latest;	/* the writer's; has a head by now */
	/* Keys that sign, or have signed, this ledger's checkpoints: a policy that names logs names one of them. */
	const struct key *ledger_keys;
	size_t ledger_key_count;
};

/* Reads the policy, and publishes the latest head. ERR_CONFIG with what is wrong with the policy, ERR_MEMORY. */
enum err publisher_new(struct event_base *base, const struct publisher_settings *settings,
    struct publisher **ret_publisher, struct why *why) must_check;
void publisher_free(struct publisher *publisher);	/* NULL-safe */

/* Where the published head is shown. Any thread may read it. */
struct head_box *publisher_box(const struct publisher *publisher);
/* Reads the policy again; on an error the one in use is kept, and the log says why. */
void publisher_reload(struct publisher *publisher);

/* The keys whose cosignatures are taken, for a worker to verify by. */
size_t publisher_keys(const struct publisher *publisher, struct key ret_keys[static COSIGNATURES_MAX]);
/* See published_add; then publishes what is due. */
void publisher_add(struct publisher *publisher, uint64_t size, const struct cosignatures *cosignatures);
const struct published *publisher_state(const struct publisher *publisher);
void publisher_count(const struct publisher *publisher, struct published_counts *ret_counts);

#endif

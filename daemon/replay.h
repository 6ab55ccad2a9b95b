/*
 * Replaying a ledger: every command is made anew from its entries, checked as if it had just arrived (form, keys,
 * signatures, feed roots, quorums, dates), folded into an empty scratch store, and must give the same bytes again.
 * What the scratch store then holds is what the derived databases of the original must hold.
 */
#ifndef DAEMON_REPLAY_H
#define DAEMON_REPLAY_H

#include "daemon/store.h"

struct replay_counts {
	uint64_t entries, records, pushes, orders, evidence;
};

struct replay_progress {
	void (*report)(void *cookie, uint64_t done, uint64_t total);	/* now and then; NULL: never */
	void *cookie;
};

/*
 * `original` is a read transaction, `scratch` an empty store made with STORE_SCRATCH. ERR_DAMAGED with the first
 * entry that is wrong and why; ERR_MEMORY, ERR_DISK_FULL, ERR_IO for the machine's troubles.
 */
enum err replay_run(struct store_txn *original, struct store *scratch, const struct replay_progress *progress,
    struct replay_counts *ret_counts, struct why *why) must_check;

#endif

/*
 * Replaying a ledger: every command is made anew from its entries, checked as if it had just arrived (form, keys,
 * signatures, feed roots, quorums, dates), folded into a scratch store, and must give the same bytes again. What the
 * scratch store then holds is what the derived databases of the original must hold.
 *
 * The scratch store may hold what an earlier replay of the same ledger gave: then the entries before its head are only
 * looked at for being those, byte by byte through their hashes, and the replay goes on behind them.
 *
 * The fold is one thread. Others read ahead for it (ahead.h); what is found first is the same with any number of them.
 */
#ifndef DAEMON_REPLAY_H
#define DAEMON_REPLAY_H

#include "daemon/finding.h"
#include "daemon/ledger.h"
#include "daemon/store.h"

struct replay_counts {
	uint64_t entries, records, pushes, orders, evidence;	/* of those that were replayed */
	uint64_t held;						/* entries before, whose hashes alone were looked at */
};

struct replay_progress {
	void (*report)(void *cookie, uint64_t done, uint64_t total);	/* now and then; NULL: never */
	void *cookie;
};

struct replay_task {
	struct store_txn *original;	/* a transaction of the replay's thread: nothing but its entries is read */
	struct store *store;		/* its store, for threads that read ahead; may be NULL where there are none */
	struct store *scratch;		/* nobody else has a transaction of it */
	uint64_t size;			/* entries that there should be */
	const struct ledger_head *head;	/* what the original says it ends with, or NULL */
	bool takes_entries;		/* into the scratch store, too: it is to be a ledger */
	unsigned thread_count;		/* that read ahead; 0: the replay's thread does all */
	struct replay_progress progress;
};

/*
 * ERR_DAMAGED with the first entry that is wrong, and how, in the finding; ERR_MEMORY, ERR_DISK_FULL, ERR_IO for the
 * machine's troubles.
 */
enum err replay_run(const struct replay_task *task, struct replay_counts *ret_counts, struct finding *finding) must_check;

#endif

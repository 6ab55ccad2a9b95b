/*
 * Reading ahead of a replay: what needs the bytes of entries alone (decoding, the canonical form, leaf hashes, records,
 * notes, and signatures by keys that are known already) is done by threads of its own, in runs of 256 entries, while the
 * replay folds what came before. It takes the runs in their order, so what it finds first does not depend on threads.
 *
 * Nothing is decided here: an entry that does not decode is handed on with its error. One thread takes and gives back.
 */
#ifndef DAEMON_AHEAD_H
#define DAEMON_AHEAD_H

#include "daemon/orders.h"
#include "daemon/store.h"
#include "proto/checkpoint.h"
#include "proto/entry.h"

#define AHEAD_RUN_ENTRIES 256

struct ahead_item {
	struct slice bytes;		/* in the original's map; size 0: the entry is not there */
	struct hash leaf;
	enum err err;			/* of entry_decode */
	struct entry entry;
	enum err content_err;		/* of what the entry carries: record, note, order */
	struct record record;		/* of a record entry, with its leaf hash in the feed */
	struct hash record_leaf;
	struct note *note;		/* of a push entry, with the checkpoint that was signed */
	struct checkpoint *checkpoint;
	struct order_plan *plan;	/* of an order entry, decoded */
};

struct ahead_run {
	uint64_t first;			/* index of items[0] */
	size_t count;
	enum err err;			/* ERR_MEMORY, or what the store says: the items are then worth nothing */
	struct arena arena;		/* of everything in the items */
	struct ahead_run *next;		/* of those that are free */
	struct ahead_item items[AHEAD_RUN_ENTRIES];
};

struct ahead_task {
	struct store_txn *original;	/* read by the taker where thread_count is 0 */
	struct store *store;		/* of the original; may be NULL where thread_count is 0 */
	uint64_t first, end;		/* entries to read */
	bool is_light;			/* entries and leaf hashes alone */
	unsigned thread_count;		/* 0: the taker does it itself */
};

struct ahead;
/* ERR_MEMORY. Threads that can't be started are done without. */
enum err ahead_open(const struct ahead_task *task, struct ahead **ret_ahead) must_check;
void ahead_close(struct ahead *ahead);	/* NULL-safe; every run that was taken must have been given back */

/* The next run, in order; asked for no more often than there are runs (asserted). NULL: memory is short. */
struct ahead_run *ahead_take(struct ahead *ahead);
void ahead_give_back(struct ahead *ahead, struct ahead_run *run);

/* Runs that are read and were not taken yet: at most VERIFY_AHEAD_MAX. Any thread. */
size_t ahead_waiting(struct ahead *ahead);

/* Signatures by this key are verified ahead from now on. A key that is there already, or one too many, changes nothing. */
void ahead_add_key(struct ahead *ahead, const struct key *key);

#endif

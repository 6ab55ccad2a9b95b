/* What a replay's way through the entries and what it makes of them share. Nobody else includes this. */
#ifndef DAEMON_REPLAY_INTERNAL_H
#define DAEMON_REPLAY_INTERNAL_H

#include "daemon/ahead.h"
#include "daemon/eras.h"
#include "daemon/replay.h"

/* Runs of the command in hand: a push of the most records with its push entry, begun within one, and one to look at. */
#define RUNS_MAX (PUSH_RECORDS_MAX / AHEAD_RUN_ENTRIES + 4)

struct replay {
	const struct replay_task *task;
	struct finding *finding;
	struct store_txn *txn; /* of the scratch store */
	struct ledger ledger;
	struct replay_counts counts;
	uint64_t uncommitted;

	/* The entries from here to there, and those in hand. */
	struct ahead *ahead;
	uint64_t end;
	struct ahead_run *runs[RUNS_MAX];
	size_t run_count;
	enum err read_err; /* sticky, of where nothing can be returned */

	/* The ledgers of a continued one, the one whose entries are in hand, and the trees of those before the last. */
	struct eras *eras;
	size_t era;
	struct frontier trees[CONTINUED_LEDGERS_MAX];

	/* The entry before the next one. */
	uint64_t next_index;
	struct hash last_leaf;
	uint64_t last_time_us;

	/* The records of the push being gathered. */
	struct slice *bytes;
	struct record *records;
	struct hash *leaves;
};

/* A finding about an entry. */
enum err replay_invalid(struct replay *replay, uint64_t index, const char *text);

/* From the next entry on, up to `end`; with `is_light` no more than bytes and hashes. */
enum err replay_open_ahead(struct replay *replay, uint64_t end, bool is_light) must_check;
void replay_close_ahead(struct replay *replay);
/* The next entry, checked to follow the one before: index, chain and time. Good until its run is dropped. */
enum err replay_next_item(struct replay *replay, const struct ahead_item **ret_item) must_check;
/* Nobody looks at entries before `index` any more. */
void replay_drop_runs(struct replay *replay, uint64_t index);
/* The entry that the fold must make again: for ledger_append; the cookie is the replay. */
bool replay_stored_entry(void *cookie, uint64_t index, struct ledger_stored *ret_stored);

#endif

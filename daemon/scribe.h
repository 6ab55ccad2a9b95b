/*
 * A scribe: a thread that makes the record entries of a push, encodes them and hashes them into chain and tree, while the
 * writer decides the records that follow. What an entry says is the writer's alone; its bytes follow from that and from
 * the entry before. They are stored by the writer when the push is decided, so that the transaction stays in one thread.
 *
 * The entries are those that ledger_append would have made one by one.
 */
#ifndef DAEMON_SCRIBE_H
#define DAEMON_SCRIBE_H

#include "daemon/ledger.h"

struct scribe;

/* ERR_MEMORY. */
enum err scribe_start(struct scribe **ret_scribe) must_check;
void scribe_stop(struct scribe *scribe);	/* NULL-safe */

/* The new records of a push, which must stay as they are until scribe_end. */
struct scribe_push {
	struct slice venue;
	uint32_t generation;
	uint64_t feed_index;		/* of the first */
	const struct slice *records;	/* their bytes */
	size_t count;
};
/* What was decided of one. */
struct scribe_line {
	enum disposition disposition;
	uint64_t refers;
	size_t link_count;
	uint64_t links[2];
};

/* What the entry of one of the records says; its time, flags and predecessor are the ledger's. */
void scribe_entry(const struct scribe_push *push, size_t place, const struct scribe_line *line, struct entry *ret_entry);

/* The entries shall follow the ledger's last. ERR_MEMORY, or ERR_INVALID for a time beyond every date: nothing is begun. */
enum err scribe_begin(struct scribe *scribe, const struct ledger *ledger, const struct scribe_push *push) must_check;
/* Of the next record. */
void scribe_tell(struct scribe *scribe, const struct scribe_line *line);
/*
 * Waits until all that was told is written down, and stores it, unless the transaction is in error. Errors stick to
 * that. After each scribe_begin that gave OK.
 */
void scribe_end(struct scribe *scribe, struct ledger *ledger, struct store_txn *txn);

#endif

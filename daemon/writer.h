/*
 * The writer: the one thread that changes the ledger. It owns LMDB's write transaction, takes what waits (group commit
 * by back-pressure: while one group is being committed the next one gathers), applies the commands in order, and commits
 * once. Its other half, the sealer, signs the new head, guards it, publishes it, and only then hands the commands back,
 * each with its answer; meanwhile the writer is at the next group.
 *
 * It is also the sequencer: here a command gets its order, its time and its salts, and nothing below knows who asked.
 * Between commands of others it has some of its own, while a venue's key is distrusted whose trades are not all on hold
 * yet: a slice of them after each group, and one after the other while nobody asks for anything.
 *
 * A refusal is decided before the first put of a command; one that is itself worth keeping (ERR_FEED_CONFLICT) is kept
 * in the same commit. Any failure after a put (disk, damage) ends the process:
 * the group was not acknowledged, and the next start finds the ledger as the last commit left it.
 */
#ifndef DAEMON_WRITER_H
#define DAEMON_WRITER_H

#include "daemon/fold.h"
#include "daemon/guard.h"
#include "daemon/head.h"
#include "daemon/mailbox.h"
#include "daemon/writer_counts.h"
#include "proto/text.h"

enum command_kind { COMMAND_PUSH = 1, COMMAND_ORDER };

/* Belongs to whoever submitted it, except between writer_submit and its `done`. */
struct command {
	struct mail mail;		/* link of the queues; first member */
	enum command_kind kind;
	struct ingest *ingest;		/* COMMAND_PUSH: decoded, and checked in some earlier transaction */
	struct order_plan *plan;	/* COMMAND_ORDER: decoded */
	enum text_language language;	/* of `why`, and of nothing that is stored */
	void (*done)(struct command *command);	/* on the loop thread */
	void *cookie;
	/* The answer. */
	enum err err;
	struct why why;
	uint64_t index;			/* of its push entry or order entry; with ERR_FEED_CONFLICT of the evidence */
};

struct writer;
struct writer_settings {
	struct store *store;
	struct guard *guard;
	const struct log_signers *signers;	/* of the ledger's keys */
	struct head_box *head;
	struct mailbox *finished;	/* commands go back through here, to the loop */
	uint64_t slice_trades_max, slice_look_max;	/* of a distrust; 0: as in limits.h */
};

/* Starts the thread. The head must have been published already (writer_open_head does). */
enum err writer_start(const struct writer_settings *settings, struct writer **ret_writer) must_check;
/* ERR_OVERLOADED at COMMANDS_WAITING_MAX, ERR_STOPPING. Loop thread. */
enum err writer_submit(struct writer *writer, struct command *command) must_check;
/* The operator's word that the machine's clock is right; see gate.h. Any thread. */
void writer_trust_clock(struct writer *writer);
/* From any thread. */
void writer_counts(struct writer *writer, struct writer_counts *ret_counts);
void writer_venue_counts(struct writer *writer, struct venue_counts ret_counts[static VENUE_COUNTS]);
/* Finishes what was submitted, then ends the thread; the finished commands wait in the mailbox. */
void writer_stop(struct writer *writer);
void writer_free(struct writer *writer);

/*
 * Opening for service: compares the ledger with its guard (smaller or different: ERR_GUARD), signs and guards again
 * where a crash left the ledger ahead, and publishes the head. ERR_KEY_FILE where the private half of a valid key is not
 * among the signers.
 */
enum err writer_open_head(struct store *store, struct guard *guard, const struct log_signers *signers,
    struct head_box *head, struct why *why) must_check;

/* The size of the checkpoint in the guard file, signed by the ledger; it may be larger than the ledger. ERR_GUARD. */
enum err writer_read_guard(struct store_txn *txn, const struct guard *guard, uint64_t *ret_guarded_size, struct why *why) must_check;
/* Only the comparison: ERR_GUARD, or ERR_DAMAGED where the stored head is not that of the entries. */
enum err writer_check_guard(struct store_txn *txn, const struct guard *guard, uint64_t *ret_guarded_size, struct why *why) must_check;

#endif

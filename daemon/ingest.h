/*
 * Ingest: what is checked of a push before it may enter. Two stages: `ingest_decode` needs nothing but the bytes and
 * runs in a worker, also while the feed's push before is still in work; `ingest_check` compares with the feed as it
 * stands, in any transaction: in a worker first, and again by the writer where the feed has moved since.
 *
 * Neither reads a clock: the day that dates may not lie after comes from the caller.
 */
#ifndef DAEMON_INGEST_H
#define DAEMON_INGEST_H

#include "daemon/rowplan.h"
#include "daemon/state.h"

/* One thing wrong with one record of the push. */
struct ingest_fault {
	uint64_t feed_index;
	struct record_fault fault;
};

/* What a checked push makes of its feed, for one behind it that is checked before this one is written. */
struct ingest_foreseen {
	uint64_t venue_version;
	uint32_t feed_number;
	struct frontier after;
};

struct ingest {
	/* Given by the caller. */
	char venue_id[VENUE_ID_SIZE_MAX + 1];
	struct slice body;		/* PbPush; must outlive the ingest */
	bool is_check;			/* check=1: no note, nothing will be stored */
	const struct ingest_foreseen *foreseen;	/* of ingest_check_ahead, or NULL */

	/* Set by ingest_decode. */
	struct arena arena;
	struct push push;
	struct record *records;
	struct hash *leaves;		/* leaf hash of each record */
	uint32_t latest_date;		/* of all records */
	struct rowplan plan;		/* not of a check */
	struct note note;
	struct checkpoint checkpoint;	/* the feed checkpoint that was signed */

	/* Set by ingest_check: the feed it looked at, and what follows. */
	bool is_checked;
	struct venue venue;
	uint32_t generation;		/* of that feed: the open one, or of a retry the one it was pushed to */
	struct feed feed;
	uint64_t held_count;		/* leading records that the feed holds already, equal */
	uint64_t conflict_index;	/* ERR_FEED_CONFLICT: feed index of the first record that differs */
	struct frontier frontier;	/* of the feed's tree, after this push */
	struct hash root;		/* of the same */
	struct tiles_root *tiles;	/* that its records complete, in that order; in the arena */
	size_t tile_count;

	/* Why it was refused, record by record (ERR_RECORDS). */
	struct ingest_fault *faults;	/* in the arena; the first ERRORS_REPORTED_MAX */
	size_t fault_count;		/* listed */
	uint64_t fault_total;
};

void ingest_init(struct ingest *ingest, const char *venue_id, struct slice body, bool is_check);
void ingest_done(struct ingest *ingest);

/* Form only. ERR_SYNTAX, ERR_EMPTY_PUSH, ERR_TOO_MANY, ERR_TOO_LARGE, ERR_RECORDS (see faults), ERR_NOTE, ERR_MEMORY. */
enum err ingest_decode(struct ingest *ingest, struct why *why) must_check;

/*
 * In place of ingest_init and ingest_decode, for a replay, whose entries were decoded one by one: the records with their
 * bytes and leaves, and the note. All must outlive the ingest, which copies none of it but the note. ERR_MEMORY.
 */
struct ingest_parts {
	uint64_t start;
	size_t record_count;
	struct slice *bytes;
	struct record *records;
	struct hash *leaves;
	struct slice note_bytes;
	const struct note *note;
	const struct checkpoint *checkpoint;
};
enum err ingest_init_decoded(struct ingest *ingest, const char *venue_id, const struct ingest_parts *parts) must_check;

/*
 * Against the state: is the venue licensed and not suspended, does the feed go on from here, is the checkpoint of this
 * feed and of exactly these records, signed by a valid key of the venue, and does it keep what is held. ERR_VENUE,
 * ERR_SUSPENDED, ERR_FEED_GAP, ERR_FEED_ORIGIN, ERR_FEED_SIZE, ERR_UNKNOWN_KEY, ERR_SIGNATURE, ERR_FEED_ROOT,
 * ERR_FEED_CONFLICT, ERR_DAMAGED. On these, `feed` is what is held (where the venue is known: is_checked stays false).
 *
 * A key that was revoked, and a feed that was closed, are good for one thing: to be told again of a push whose records
 * are all held, and that the key was valid for.
 */
enum err ingest_check(struct ingest *ingest, struct store_txn *txn, struct why *why) must_check;
/*
 * The same for a push of new records alone, as if the one before it were written: OK, and then the writer sees whether it
 * came so (ingest_is_stale); any other answer says only that the push must wait for its turn,
 * ERR_FEED_BUSY where nothing was looked at.
 */
enum err ingest_check_ahead(struct ingest *ingest, const struct ingest_foreseen *foreseen, struct store_txn *txn) must_check;
/* Of a push that is checked. */
void ingest_foresee(const struct ingest *ingest, struct ingest_foreseen *ret_foreseen);
/* Has the feed or the venue changed since ingest_check? Then it must be checked again. */
bool ingest_is_stale(const struct ingest *ingest, struct store_txn *txn);
/* No new record may be dated after `today` (YYYYMMDD): ERR_RECORDS, with faults. After ingest_check. */
enum err ingest_check_dates(struct ingest *ingest, uint32_t today, struct why *why) must_check;

/* Number of records that are new. */
uint64_t ingest_new_count(const struct ingest *ingest);

/*
 * A feed's own tree, whose leaves are its records. It remembers the push it looked at last, for neighbours mostly share
 * one. In the caller's storage, which must not move; sources and leaves are good until done.
 */
struct feed_lookup {
	struct store_txn *txn;
	const struct feed *feed;
	struct arena arena;
	uint64_t start, count, first_index;	/* of that push; count 0 at first */
};
void feed_lookup_init(struct feed_lookup *lookup, struct store_txn *txn, const struct feed *feed);
void feed_lookup_done(struct feed_lookup *lookup);
struct tree_source feed_lookup_source(struct feed_lookup *lookup);
struct tiles_leaves feed_lookup_leaves(struct feed_lookup *lookup);

/* Frontier of the first `size` leaves of a feed. ERR_DAMAGED. */
enum err feed_frontier(struct store_txn *txn, const struct feed *feed, uint64_t size, struct frontier *ret_frontier) must_check;
/* Ledger index of the record at a feed index below the feed's size. ERR_DAMAGED. */
enum err feed_record_index(struct store_txn *txn, const struct feed *feed, uint64_t feed_index, uint64_t *ret_index) must_check;

#endif

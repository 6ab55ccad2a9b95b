/*
 * Receipts of pushes: the tlog-proof of a push entry, checked against what was sent. Pure.
 */
#ifndef CLIENT_RECEIPT_H
#define CLIENT_RECEIPT_H

#include "client/client.h"
#include "proto/entry.h"
#include "proto/feed.h"

/* What a receipt must be of. */
struct receipt_terms {
	const struct key *ledger;	/* who signs the checkpoint */
	const struct key *venue_key;	/* who signed the push */
	const char *venue;
	uint32_t generation;
	struct slice note;		/* the feed checkpoint that was sent */
	struct slice last_checkpoint;	/* the newest ledger checkpoint seen before, or empty: a ledger never shrinks */
};

struct receipt {
	uint64_t index;			/* of the push entry in the ledger */
	uint64_t time_us;
	uint64_t start, count;		/* the feed's records that this entry made new */
	uint64_t first_index;
	uint64_t tally[DISPOSITION_COUNT];
	uint64_t ledger_size;
	struct slice checkpoint;	/* points into the receipt's text */
};

/*
 * ERR_PROOF, ERR_SIGNATURE, ERR_UNKNOWN_KEY, ERR_SYNTAX: not a proof of this push by this ledger. ERR_ROLLED_BACK: the
 * ledger is smaller than it was, or another. ERR_FEED_SIZE: a true receipt, but of a later push signed by the same
 * key: the ledger holds more of this feed than was sent.
 */
enum err receipt_verify(struct slice text, const struct receipt_terms *terms, struct receipt *ret_receipt,
    struct why *why) must_check;

#endif

/*
 * Evidence: a venue has signed another history than the one held. The entry keeps its checkpoint, one per feed and size;
 * what is held stays the only history, and nothing freezes.
 */
#ifndef DAEMON_EVIDENCE_H
#define DAEMON_EVIDENCE_H

#include "daemon/ingest.h"

struct evidence {
	struct slice venue;
	uint32_t generation, feed_number;
	uint64_t size;			/* of the feed, as the note says */
	struct slice note;
	uint64_t push_index;		/* push entry that holds the first record that differs */
};

/* Of a push that ingest_check refused with ERR_FEED_CONFLICT; points into it. ERR_DAMAGED. */
enum err evidence_of_push(const struct ingest *ingest, struct store_txn *txn, struct evidence *ret_evidence) must_check;
/*
 * Of an evidence entry, when a ledger is replayed: signed by a key that was valid then, of the feed that was open, kept
 * once, and no checkpoint of what is held. ERR_DAMAGED, ERR_MEMORY.
 */
enum err evidence_of_entry(const struct entry *entry, struct store_txn *txn, struct evidence *ret_evidence, struct why *why) must_check;

#endif

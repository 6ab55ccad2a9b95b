/*
 * What a replay gave against what is stored: the derived databases row by row, and the awards that follow from them. By
 * several threads, each with transactions of its own; what is found first is the same with any number of them.
 */
#ifndef DAEMON_COMPARE_H
#define DAEMON_COMPARE_H

#include "daemon/finding.h"
#include "daemon/store.h"

/* Is there a row in the original's entries that is none of its first `size` entries? */
enum err compare_entries(struct store_txn *original, uint64_t size, struct finding *finding) must_check;
/* Every database but the entries: FINDING_STATE with database and row. Gives how many there are. */
enum err compare_databases(struct store *original, struct store *replayed, unsigned thread_count, unsigned *ret_count,
    struct finding *finding) must_check;

struct compare_awards {
	uint64_t enterprises;	/* that entries concern */
	size_t policies;
	int64_t award_fen;	/* all of theirs, before any division of a pool */
};
/* From the replayed state; the entries are the original's. ERR_OVERFLOW, and what reading says. */
enum err compare_awards(struct store *original, struct store *replayed, unsigned thread_count,
    struct compare_awards *ret_awards) must_check;

#endif

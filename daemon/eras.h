/*
 * The ledgers of a continued one, oldest first, and itself at last: who wrote which of its entries. Entries of an era are
 * judged by its own origin, id, key, officers and quorums (FORMAT.md, "Continued ledgers"). A ledger that continues none is
 * one era.
 */
#ifndef DAEMON_ERAS_H
#define DAEMON_ERAS_H

#include "daemon/state.h"

struct era {
	struct genesis *genesis;
	struct slice note;			/* signed; belongs to the eras */
	struct hash leaf;			/* of its own entry 0 */
	char ledger_id[LEDGER_ID_SIZE + 1];
	uint64_t time_us;			/* of its entry 0: the same in all eras */
	uint64_t end;				/* the first entry that is not its own any more; UINT64_MAX of the last era */
};

struct eras {
	size_t count;
	struct era list[CONTINUED_LEDGERS_MAX];
	struct arena arena;
};

/*
 * From entry 0, whose bytes must live as long. Each genesis is checked with its signatures, and against the one before it:
 * another origin and another key, the same time, no fewer entries. ERR_DAMAGED, ERR_MEMORY, or what the genesis' own
 * check says. Call eras_done whatever it answers.
 */
enum err eras_load(struct slice entry, struct eras *ret_eras, struct why *why) must_check;
void eras_done(struct eras *eras);

/*
 * May this era begin, in the state that the one before left? The last checkpoint known of that one is its ledger's, and
 * the genesis has the signatures that `officer.add` needs of the officers in office. `root` is that of the ledger before at
 * the size taken over. ERR_QUORUM, ERR_SIGNATURE, ERR_UNKNOWN_KEY, ERR_REFUSED, ERR_DAMAGED.
 */
enum err era_check(const struct era *era, const struct hash *root, struct store_txn *txn, struct why *why) must_check;

#endif

/*
 * The ledgers of a continued one, oldest first, and itself at last: who wrote which of its entries. Entries of an era are
 * judged by its own origin, id, key, officers and quorums (FORMAT.md, "Continued ledgers"). A ledger that continues none is
 * one era.
 */
#ifndef PROTO_ERAS_H
#define PROTO_ERAS_H

#include "proto/entry.h"
#include "proto/order.h"

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

#endif

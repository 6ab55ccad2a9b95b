/*
 * An entry of an enterprise's chain, together with the trade that it is or acts on: all that says whom it concerns and
 * which entry did so before. Pure; whoever reads chains finds the entries and the trades.
 */
#ifndef PROTO_CHAIN_ITEM_H
#define PROTO_CHAIN_ITEM_H

#include "proto/code.h"
#include "proto/entry.h"

struct chain_item {
	uint64_t index;
	struct entry entry;		/* slices point into the reader's arena */
	struct record record;		/* of record entries: the record itself */
	/* Of records and of effects on trades. */
	uint64_t trade_index;		/* ledger index of the trade it is or acts on (a duplicate's first); 0 for none */
	struct trade trade;		/* that trade */
	struct code supplier, buyer;	/* that trade's parties */
};

/*
 * Which trade is the entry about, as far as it says so itself? Its ledger index, 0 for none. False for a duplicate
 * adjustment: that is about the first trade of its original_trade_no at the venue, where there is one before it.
 */
bool chain_item_refers(const struct chain_item *item, uint64_t *ret_trade_index);
/* Does the entry concern the enterprise, and which entry did so before (0 for none)? */
bool chain_item_link(const struct chain_item *item, const struct code *code, uint64_t *ret_link);
/*
 * May the enterprise have the entry's bytes? What is on its chain, but for a duplicate that names others: that stands on
 * the chains of the first trade's parties, and is told to those who are named in it.
 */
bool chain_item_is_shown(const struct chain_item *item, const struct code *code);

#endif

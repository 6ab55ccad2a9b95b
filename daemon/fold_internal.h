/* What the fold of pushes and that of orders share. Nobody else includes this. */
#ifndef DAEMON_FOLD_INTERNAL_H
#define DAEMON_FOLD_INTERNAL_H

#include "daemon/cells.h"
#include "daemon/chain.h"
#include "daemon/fold.h"

/* The chain's links, from the parties as they stand before this entry. */
void fold_set_links(struct store_txn *txn, const struct code *codes, size_t code_count, struct entry *entry);
/* Makes the entry the newest of its parties' chains. */
void fold_advance_parties(struct store_txn *txn, const struct code *codes, size_t code_count, uint64_t index);
/* Moves a trade's share of both parties' cells from one shape to another; NULL for one that was not there. */
void fold_refile(struct store_txn *txn, const struct trade *trade, uint16_t venue_number, bool is_listed,
    const struct touched *from, const struct touched *to);

/* A trade that does not count: its parties see that it exists. */
struct uncounted {
	const struct trade *trade;
	const struct code *supplier, *buyer;	/* on whose chains it is */
	uint16_t venue_number;
};
void fold_file_uncounted(struct store_txn *txn, const struct uncounted *uncounted, bool is_removal);

/* A revoked key goes to the retired ones; the others move up. */
void fold_retire_key(struct venue *venue, size_t place, uint64_t order_index);

/* An effect on one trade: its entry, on the chains of both parties, and the trade's share of the cells. */
struct trade_change {
	enum effect_kind kind;
	uint64_t order_index;
	uint32_t item;
	struct slice venue, trade_no;
	uint16_t venue_number;
};
void fold_change_trade(struct ledger *ledger, struct store_txn *txn, const struct trade_change *change, const struct chain_item *trade);
/* venue.distrust: the key is retired, and the first slice of its trades held. */
void fold_distrust_order(struct ledger *ledger, struct store_txn *txn, const struct order *order, uint64_t order_index);

#endif

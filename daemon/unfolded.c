#include "daemon/unfolded.h"

#include "daemon/chain.h"

struct reading {
	struct store_txn *txn;
	const struct venues *venues;
	uint64_t from, end; /* the unfolded entries */
	enum err (*each)(void *cookie, const struct cell_key *key, const struct cell_sums *sums);
	void *cookie;
};

static enum err begin(struct reading *reading)
{
	struct ledger_head head;
	enum err err = ledger_read_head(reading->txn, &head);

	if (err != OK)
		return err;
	reading->from = head.folded;
	reading->end = head.size;
	return head.size - head.folded > UNFOLDED_MAX ? ERR_DAMAGED : OK;
}

/* The share of each side; of `code` alone where that is not NULL. */
static enum err give(const struct reading *reading, const struct chain_item *item, const struct code *code)
{
	const struct touched untouched = {0};
	uint16_t venue_number;
	uint64_t relation;
	bool is_listed;
	enum err err = OK;

	if (item->entry.kind != ENTRY_RECORD || !ledger_may_lag_behind(&item->entry) ||
	    item->record.kind != RECORD_TRADE)
		return ERR_DAMAGED;
	venue_number = venues_number(reading->venues, item->entry.record.venue);
	if (venue_number == 0)
		return ERR_DAMAGED;
	is_listed = relation_get(reading->txn, &item->supplier, &item->buyer, &relation);
	for (enum side side = SIDE_SUPPLIER; side <= SIDE_BUYER && err == OK; side++) {
		const struct policy_fact fact = life_fact(&item->record.trade, NULL, side, is_listed, &untouched);
		const struct code *party = side == SIDE_SUPPLIER ? &item->supplier : &item->buyer;
		struct cell_key key;
		struct cell_sums sums;

		if (code != NULL && !code_equal(party, code))
			continue;
		cell_of_fact(&fact, party, venue_number, &key, &sums);
		err = reading->each(reading->cookie, &key, &sums);
	}
	return err == OK ? store_error(reading->txn) : err;
}

enum err unfolded_each(struct store_txn *txn, const struct venues *venues,
    enum err (*each)(void *cookie, const struct cell_key *key, const struct cell_sums *sums), void *cookie)
{
	struct reading reading = {.txn = txn, .venues = venues, .each = each, .cookie = cookie};
	enum err err = begin(&reading);
	struct chain_item item;
	struct arena arena;

	arena_init(&arena, CHAIN_ARENA_SIZE);
	for (uint64_t index = reading.from; index < reading.end && err == OK; index++) {
		arena_reset(&arena);
		err = chain_item_read(txn, index, &arena, &item);
		/* What may stand there and is no record adds nothing. */
		if (err == OK && (item.entry.kind == ENTRY_RECORD || !ledger_may_lag_behind(&item.entry)))
			err = give(&reading, &item, NULL);
	}
	arena_done(&arena);
	return err;
}

enum err unfolded_each_of(struct store_txn *txn, const struct venues *venues, const struct code *code,
    enum err (*each)(void *cookie, const struct cell_key *key, const struct cell_sums *sums), void *cookie)
{
	struct reading reading = {.txn = txn, .venues = venues, .each = each, .cookie = cookie};
	enum err err = begin(&reading);
	struct chain_item item;
	struct chain chain;

	if (err != OK || reading.from == reading.end)
		return err;
	chain_begin(&chain, txn, code, reading.end, UNFOLDED_MAX);
	while (err == OK && chain.next_index >= reading.from && chain_next(&chain, &item))
		err = give(&reading, &item, code);
	if (err == OK)
		err = chain.err;
	chain_done(&chain);
	return err;
}

struct change {
	struct store_txn *txn;
	bool is_removal;
};

static enum err change_cell(void *cookie, const struct cell_key *key, const struct cell_sums *sums)
{
	const struct change *change = cookie;

	cells_change(change->txn, key, sums, change->is_removal);
	return store_error(change->txn);
}

enum err unfolded_add(struct store_txn *txn, bool is_removal)
{
	struct change change = {.txn = txn, .is_removal = is_removal};
	struct venues venues;
	enum err err = venues_read(txn, &venues);

	if (err == OK)
		err = unfolded_each(txn, &venues, change_cell, &change);
	venues_done(&venues);
	return err;
}

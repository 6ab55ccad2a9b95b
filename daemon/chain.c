#include "daemon/chain.h"

#include <assert.h>
#include <string.h>

/* Short memory stays what it is; anything else that does not decode is damage, for it was checked on its way in. */
static enum err as_damage(enum err err)
{
	return err == OK || err == ERR_MEMORY ? err : ERR_DAMAGED;
}

static enum err read_record(struct slice bytes, struct arena *arena, struct record *ret_record)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	size_t fault_count;

	return as_damage(record_decode(bytes, arena, ret_record, faults, &fault_count));
}

/* Which trade is an entry about, as far as it was known when the entry came? 0 for none. */
static enum err find_trade(struct store_txn *txn, const struct chain_item *item, uint64_t *ret_index)
{
	struct venue venue;
	uint64_t index = 0;

	if (!chain_item_refers(item, &index)) {
		if (!venue_get(txn, item->entry.record.venue, &venue))
			return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
		if (!trade_find(txn, venue.number, item->record.refund.original_trade_no, &index) ||
		    index > item->index)
			index = 0;
	}
	*ret_index = index;
	return store_error(txn);
}

static enum err read_trade(struct store_txn *txn, struct arena *arena, struct chain_item *item)
{
	struct entry entry;
	struct record record;
	enum err err = find_trade(txn, item, &item->trade_index);

	if (err != OK || item->trade_index == 0)
		return err;
	if (item->trade_index == item->index) {
		if (item->record.kind != RECORD_TRADE)
			return ERR_DAMAGED;
		item->trade = item->record.trade;
	} else {
		if (item->trade_index > item->index)
			return ERR_DAMAGED;
		err = as_damage(ledger_entry(txn, item->trade_index, arena, &entry));
		if (err == OK && entry.kind != ENTRY_RECORD)
			err = ERR_DAMAGED;
		if (err == OK)
			err = read_record(entry.record.record, arena, &record);
		if (err == OK && record.kind != RECORD_TRADE)
			err = ERR_DAMAGED;
		if (err != OK)
			return err;
		item->trade = record.trade;
	}
	item->supplier = code_of(item->trade.supplier);
	item->buyer = code_of(item->trade.buyer);
	return OK;
}

enum err chain_item_read(struct store_txn *txn, uint64_t index, struct arena *arena, struct chain_item *ret_item)
{
	struct chain_item item = {.index = index};
	enum err err;

	err = as_damage(ledger_entry(txn, index, arena, &item.entry));
	if (err == OK && item.entry.kind == ENTRY_RECORD)
		err = read_record(item.entry.record.record, arena, &item.record);
	if (err == OK)
		err = read_trade(txn, arena, &item);
	if (err == OK)
		*ret_item = item;
	return err;
}

static void chain_init(
    struct chain *chain, struct store_txn *txn, const struct code *code, uint64_t size, uint64_t step_max)
{
	*chain = (struct chain){.txn = txn, .code = *code, .size = size, .step_max = step_max};
	arena_init(&chain->arena, CHAIN_ARENA_SIZE);
}

bool chain_next(struct chain *chain, struct chain_item *ret_item)
{
	struct chain_item item;
	uint64_t link;

	if (chain->err != OK || chain->next_index == 0)
		return false;
	if (chain->step_count >= chain->step_max) {
		chain->err = ERR_TOO_LARGE;
		return false;
	}
	chain->step_count++;
	arena_reset(&chain->arena);
	chain->err = chain_item_read(chain->txn, chain->next_index, &chain->arena, &item);
	/* Links lead backwards only, so a walk ends whatever the bytes say. */
	if (chain->err == OK && (!chain_item_link(&item, &chain->code, &link) || link >= item.index))
		chain->err = ERR_DAMAGED;
	if (chain->err != OK)
		return false;
	chain->next_index = link;
	*ret_item = item;
	return true;
}

void chain_begin(struct chain *chain, struct store_txn *txn, const struct code *code, uint64_t size, uint64_t step_max)
{
	struct party party;
	struct chain_item item;

	chain_init(chain, txn, code, size, step_max);
	party_get(txn, code, &party);
	chain->err = store_error(txn);
	chain->next_index = party.last_index;
	while (chain->next_index >= size && chain_next(chain, &item))
		;
}

void chain_begin_after(
    struct chain *chain, struct store_txn *txn, const struct code *code, uint64_t after, uint64_t step_max)
{
	struct chain_item item;
	uint64_t link;

	/* Whatever concerns an enterprise is on its chain: that the entry does is all there is to see. */
	chain_init(chain, txn, code, after, step_max);
	if (after == 0 || after >= ledger_size(txn)) {
		chain->err = store_error(txn) != OK ? store_error(txn) : ERR_BAD_REQUEST;
		return;
	}
	chain->err = chain_item_read(txn, after, &chain->arena, &item);
	if (chain->err == OK && !chain_item_link(&item, code, &link))
		chain->err = ERR_BAD_REQUEST;
	if (chain->err == OK)
		chain->next_index = after;
	(void)chain_next(chain, &item);
}

void chain_done(struct chain *chain)
{
	arena_done(&chain->arena);
}

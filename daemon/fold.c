/*
 * Rules version 1. What is decided here decides money, and is repeated by every replay for ever: a change of any rule
 * is a new rules version.
 */
#include "daemon/fold.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cells.h"
#include "daemon/chain.h"
#include "daemon/tiles.h"
#include "proto/date.h"

/* What one record does: decided first, then carried out. */
struct outcome {
	enum disposition disposition;
	uint64_t refers;
	bool has_parties;
	struct code supplier, buyer; /* whose chains it joins */
	bool is_known;               /* its number was seen before */
	uint64_t trade_index;        /* a refund's trade */
	struct trade trade;          /* that trade; strings in the push's scratch arena */
};

struct push_fold {
	struct ledger *ledger;
	struct store_txn *txn;
	const struct ingest *ingest;
	uint16_t venue_number;
	struct feed feed;
	struct arena scratch;
	uint64_t counts[DISPOSITION_COUNT];
};

/* The trade at a ledger index and what became of it. Damage sticks to the transaction. */
static bool read_trade(
    struct push_fold *push, uint64_t index, struct trade *ret_trade, enum disposition *ret_disposition)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	struct entry entry;
	struct record record;
	size_t fault_count;
	enum err err;

	arena_reset(&push->scratch);
	err = ledger_entry(push->txn, index, &push->scratch, &entry);
	if (err == OK && entry.kind == ENTRY_RECORD)
		err = record_decode(entry.record.record, &push->scratch, &record, faults, &fault_count);
	if (err != OK || entry.kind != ENTRY_RECORD || record.kind != RECORD_TRADE) {
		store_fail(push->txn, err == ERR_MEMORY ? err : ERR_DAMAGED);
		return false;
	}
	*ret_trade = record.trade;
	*ret_disposition = entry.record.disposition;
	return true;
}

static void set_parties(struct outcome *outcome, const struct trade *trade)
{
	outcome->has_parties = true;
	outcome->supplier = code_of(trade->supplier);
	outcome->buyer = code_of(trade->buyer);
}

/* A party's running total bounds every sum that can be made of its trades. */
static bool would_overflow(struct store_txn *txn, const struct code *code, uint64_t amount_fen)
{
	struct party party;

	party_get(txn, code, &party);
	return party.total_fen > (uint64_t)INT64_MAX - amount_fen;
}

static void decide_trade(struct push_fold *push, const struct trade *trade, struct outcome *outcome)
{
	enum disposition first_disposition;
	struct trade first;

	if (trade_find(push->txn, push->venue_number, trade->trade_no, &outcome->refers)) {
		outcome->is_known = true;
		outcome->disposition = DISPOSITION_DUPLICATE_TRADE;
		if (read_trade(push, outcome->refers, &first, &first_disposition))
			set_parties(outcome, &first);
		return;
	}
	set_parties(outcome, trade);
	if (slice_equal(trade->supplier, trade->buyer))
		outcome->disposition = DISPOSITION_SELF_TRADE;
	else if (would_overflow(push->txn, &outcome->supplier, trade->amount_fen) ||
		 would_overflow(push->txn, &outcome->buyer, trade->amount_fen))
		outcome->disposition = DISPOSITION_OVERFLOW;
	else
		outcome->disposition = DISPOSITION_COUNTED;
}

static bool exceeds(const struct touched *touched, const struct refund *refund, const struct trade *trade)
{
	/* All of these are at most 2 x 10^13. */
	uint64_t amount = touched->refunded_fen + refund->amount_fen;
	uint64_t tax = touched->refunded_tax_fen + refund->tax_fen;

	return amount > trade->amount_fen || tax > trade->tax_fen || amount - tax > trade->amount_fen - trade->tax_fen;
}

static void decide_refund(struct push_fold *push, const struct refund *refund, struct outcome *outcome)
{
	enum disposition trade_disposition = DISPOSITION_COUNTED;
	struct touched touched;
	uint64_t first;
	bool has_trade;

	has_trade = trade_find(push->txn, push->venue_number, refund->original_trade_no, &outcome->trade_index) &&
		    read_trade(push, outcome->trade_index, &outcome->trade, &trade_disposition);
	if (has_trade) {
		set_parties(outcome, &outcome->trade);
		outcome->refers = outcome->trade_index;
	}
	if (adjust_find(push->txn, push->venue_number, refund->adjust_no, &first)) {
		outcome->is_known = true;
		outcome->refers = first;
		outcome->disposition = DISPOSITION_DUPLICATE_ADJUST;
		return;
	}
	outcome->disposition = DISPOSITION_REFUND_UNKNOWN;
	if (!has_trade || trade_disposition != DISPOSITION_COUNTED)
		return;
	touched_get(push->txn, outcome->trade_index, &touched);
	outcome->disposition =
	    exceeds(&touched, refund, &outcome->trade) ? DISPOSITION_REFUND_EXCEEDS : DISPOSITION_COUNTED;
}

/* The chain's links, from the parties as they stand before this entry. */
static void set_links(struct store_txn *txn, const struct code *codes, size_t code_count, struct entry *entry)
{
	struct party party;

	entry->link_count = code_count;
	for (size_t i = 0; i < code_count; i++) {
		party_get(txn, &codes[i], &party);
		entry->links[i] = party.last_index;
	}
}

/* Makes the entry the newest of its parties' chains, and adds to their totals. */
static void advance_parties(
    struct store_txn *txn, const struct code *codes, size_t code_count, uint64_t index, uint64_t counted_fen)
{
	struct party party;

	for (size_t i = 0; i < code_count; i++) {
		party_get(txn, &codes[i], &party);
		party.last_index = index;
		party.total_fen += counted_fen;
		party_put(txn, &codes[i], &party);
	}
}

static void add_venue_month(struct push_fold *push, const struct record *record, enum disposition disposition)
{
	bool is_trade = record->kind == RECORD_TRADE;
	uint16_t month = month_of_date(record_latest_date(record));
	struct venue_month sums;

	venue_month_get(push->txn, push->venue_number, month, record->kind, disposition, &sums);
	sums.records++;
	sums.amount_fen += is_trade ? record->trade.amount_fen : record->refund.amount_fen;
	sums.tax_fen += is_trade ? record->trade.tax_fen : record->refund.tax_fen;
	venue_month_put(push->txn, push->venue_number, month, record->kind, disposition, &sums);
}

/* A trade that does not count: its parties see that it exists. */
static void file_uncounted(struct push_fold *push, const struct trade *trade, const struct outcome *outcome)
{
	const struct cell_sums one = {.trades = 1};

	for (enum side side = SIDE_SUPPLIER; side <= SIDE_BUYER; side++) {
		struct cell_key key = {.settled_month = month_of_date(trade->settled_on),
		    .code = side == SIDE_SUPPLIER ? outcome->supplier : outcome->buyer,
		    .signed_month = month_of_date(trade->signed_on),
		    .venue_number = push->venue_number,
		    .side = side,
		    .product_kind = trade->product_kind,
		    .flags = CELL_NOT_COUNTED};

		cells_change(push->txn, &key, &one, false);
	}
}

/* Moves a trade's share of both parties' cells from one shape to another; NULL for one that was not there. */
static void refile(struct store_txn *txn, const struct trade *trade, uint16_t venue_number, bool is_listed,
    const struct touched *from, const struct touched *to)
{
	for (enum side side = SIDE_SUPPLIER; side <= SIDE_BUYER; side++) {
		struct cell_key key = cell_of_trade(trade, venue_number, side, is_listed);
		struct cell_sums sums;

		if (from != NULL) {
			sums = cell_sums_of(trade, from);
			cells_change(txn, &key, &sums, true);
		}
		if (to != NULL) {
			sums = cell_sums_of(trade, to);
			cells_change(txn, &key, &sums, false);
		}
	}
}

static void apply_trade(
    struct push_fold *push, const struct trade *trade, const struct outcome *outcome, uint64_t index)
{
	const struct touched untouched = {0};
	uint64_t relation;

	if (!outcome->is_known)
		trade_put(push->txn, push->venue_number, trade->trade_no, index);
	if (outcome->disposition != DISPOSITION_COUNTED) {
		file_uncounted(push, trade, outcome);
		return;
	}
	refile(push->txn, trade, push->venue_number,
	    relation_get(push->txn, &outcome->supplier, &outcome->buyer, &relation), NULL, &untouched);
}

static void apply_refund(
    struct push_fold *push, const struct refund *refund, const struct outcome *outcome, uint64_t index)
{
	struct touched before, after;
	uint64_t relation;

	if (!outcome->is_known)
		adjust_put(push->txn, push->venue_number, refund->adjust_no, index);
	if (outcome->disposition != DISPOSITION_COUNTED)
		return;
	touched_get(push->txn, outcome->trade_index, &before);
	after.refunded_fen = before.refunded_fen + refund->amount_fen;
	after.refunded_tax_fen = before.refunded_tax_fen + refund->tax_fen;
	touched_put(push->txn, outcome->trade_index, &after);
	refile(push->txn, &outcome->trade, push->venue_number,
	    relation_get(push->txn, &outcome->supplier, &outcome->buyer, &relation), &before, &after);
}

static enum disposition fold_record(struct push_fold *push, size_t place)
{
	const struct ingest *ingest = push->ingest;
	const struct record *record = &ingest->records[place];
	struct outcome outcome = {0};
	struct entry entry = {.kind = ENTRY_RECORD};
	struct code codes[2];
	size_t code_count = 0;
	uint64_t index;

	if (record->kind == RECORD_TRADE)
		decide_trade(push, &record->trade, &outcome);
	else
		decide_refund(push, &record->refund, &outcome);
	if (store_error(push->txn) != OK)
		return outcome.disposition;
	codes[0] = outcome.supplier;
	codes[1] = outcome.buyer;
	if (outcome.has_parties)
		code_count = 2;
	set_links(push->txn, codes, code_count, &entry);
	entry.record.venue = slice_text(ingest->venue.id);
	entry.record.generation = ingest->venue.generation;
	entry.record.feed_index = ingest->push.start + place;
	entry.record.record = ingest->push.records[place];
	entry.record.disposition = outcome.disposition;
	entry.record.refers = outcome.refers;
	index = ledger_append(push->ledger, push->txn, &entry);

	/* Of a self-trade both are the same: one chain, joined once. */
	if (code_count == 2 && code_equal(&codes[0], &codes[1]))
		code_count = 1;
	advance_parties(push->txn, codes, code_count, index,
	    record->kind == RECORD_TRADE && outcome.disposition == DISPOSITION_COUNTED ? record->trade.amount_fen : 0);
	if (record->kind == RECORD_TRADE)
		apply_trade(push, &record->trade, &outcome, index);
	else
		apply_refund(push, &record->refund, &outcome, index);
	add_venue_month(push, record, outcome.disposition);
	tiles_append(push->txn, push->feed.number, &push->feed.frontier, &ingest->leaves[place]);
	return outcome.disposition;
}

static void set_tally(const struct push_fold *push, struct entry *entry)
{
	for (unsigned disposition = 1; disposition < DISPOSITION_COUNT; disposition++) {
		if (push->counts[disposition] == 0)
			continue;
		entry->push.tally[entry->push.tally_count].disposition = (enum disposition)disposition;
		entry->push.tally[entry->push.tally_count++].count = push->counts[disposition];
	}
}

uint64_t fold_push(struct ledger *ledger, struct store_txn *txn, const struct ingest *ingest)
{
	struct push_fold push = {
	    .ledger = ledger, .txn = txn, .ingest = ingest, .venue_number = ingest->venue.number, .feed = ingest->feed};
	uint64_t new_count = ingest_new_count(ingest), first_index = ledger->head.size, index = 0;
	struct entry entry = {.kind = ENTRY_PUSH};
	uint8_t *dispositions = malloc((size_t)new_count);

	assert(ingest->is_checked && new_count > 0);
	if (dispositions == NULL) {
		store_fail(txn, ERR_MEMORY);
		return 0;
	}
	arena_init(&push.scratch, 16 * ENTRY_SIZE_MAX);
	for (uint64_t i = 0; i < new_count && store_error(txn) == OK; i++) {
		enum disposition disposition = fold_record(&push, (size_t)(ingest->held_count + i));

		dispositions[i] = (uint8_t)disposition;
		push.counts[disposition]++;
	}
	if (store_error(txn) == OK) {
		entry.push.venue = slice_text(ingest->venue.id);
		entry.push.generation = ingest->venue.generation;
		entry.push.start = ingest->push.start + ingest->held_count;
		entry.push.count = new_count;
		entry.push.first_index = first_index;
		entry.push.note = ingest->push.note;
		set_tally(&push, &entry);
		entry.push.dispositions_hash = hash_sha256(slice_of(dispositions, (size_t)new_count));
		index = ledger_append(ledger, txn, &entry);
		push_put(txn, push.feed.number, entry.push.start, index);
		push.feed.last_push = index;
		feed_put(txn, ingest->venue.number, ingest->venue.generation, &push.feed);
	}
	arena_done(&push.scratch);
	free(dispositions);
	return index;
}

/* ---- orders */

static void license_venue(struct store_txn *txn, const struct order *order, uint64_t order_index)
{
	struct venue venue = {.generation = 1, .license_index = order_index, .key_count = order->venue_key_count};
	struct feed feed = {.number = feed_count(txn) + 1};

	memcpy(venue.id, order->venue, sizeof(venue.id));
	memcpy(venue.name, order->venue_name, sizeof(venue.name));
	memcpy(venue.keys, order->venue_keys, sizeof(venue.keys));
	venue.number = (uint16_t)(venue_count(txn) + 1);
	frontier_init(&feed.frontier);
	venue_put(txn, &venue);
	store_create_trades(txn, venue.number);
	feed_put(txn, venue.number, venue.generation, &feed);
}

static void register_enterprise(
    struct ledger *ledger, struct store_txn *txn, const struct order_item *item, uint64_t order_index, uint32_t place)
{
	struct entry entry = {.kind = ENTRY_EFFECT};
	struct account account = {.list_count = item->list_count};
	struct code code = code_of(item->code);

	entry.effect.order_index = order_index;
	entry.effect.item = place;
	entry.effect.kind = EFFECT_REGISTERED;
	entry.effect.code = item->code;
	entry.effect.name = item->name;
	entry.effect.list_count = item->list_count;
	memcpy(entry.effect.lists, item->lists, sizeof(entry.effect.lists));
	set_links(txn, &code, 1, &entry);
	account.index = ledger_append(ledger, txn, &entry);
	advance_parties(txn, &code, 1, account.index, 0);
	memcpy(account.name, item->name.data, item->name.size);
	for (size_t i = 0; i < item->list_count; i++)
		memcpy(account.lists[i], item->lists[i].data, item->lists[i].size);
	account_put(txn, &code, &account);
}

/* Past trades between the two go to the cells of listed relations. order_check counted them. */
static void refile_past_trades(
    struct store_txn *txn, const struct code *first, const struct code *second, uint64_t size)
{
	struct venue venue = {0};
	struct chain chain;
	struct chain_item item;

	/* The items before this one may have added their effects to what order_check walked. */
	chain_begin(&chain, txn, first, size, RELATE_WALK_MAX + ORDER_ITEMS_MAX);
	while (chain_next(&chain, &item)) {
		struct touched touched;

		if (item.entry.kind != ENTRY_RECORD || item.record.kind != RECORD_TRADE ||
		    item.entry.record.disposition != DISPOSITION_COUNTED ||
		    !(code_equal(&item.supplier, second) || code_equal(&item.buyer, second)))
			continue;
		if (!slice_equal(slice_text(venue.id), item.entry.record.venue) &&
		    !venue_get(txn, item.entry.record.venue, &venue))
			break;
		touched_get(txn, item.index, &touched);
		refile(txn, &item.trade, venue.number, false, &touched, NULL);
		refile(txn, &item.trade, venue.number, true, NULL, &touched);
	}
	if (chain.err != OK)
		store_fail(txn, chain.err == ERR_TOO_LARGE ? ERR_DAMAGED : chain.err);
	chain_done(&chain);
}

static void relate_enterprises(
    struct ledger *ledger, struct store_txn *txn, const struct order_item *item, uint64_t order_index, uint32_t place)
{
	struct entry entry = {.kind = ENTRY_EFFECT};
	struct code codes[2] = {code_of(item->code), code_of(item->second)};
	uint64_t index;

	entry.effect.order_index = order_index;
	entry.effect.item = place;
	entry.effect.kind = EFFECT_RELATED;
	entry.effect.code = item->code;
	entry.effect.second = item->second;
	set_links(txn, codes, 2, &entry);
	index = ledger_append(ledger, txn, &entry);
	refile_past_trades(txn, &codes[0], &codes[1], index);
	advance_parties(txn, codes, 2, index, 0);
	relation_put(txn, &codes[0], &codes[1], index);
}

static void apply_order(struct ledger *ledger, struct store_txn *txn, const struct order *order, uint64_t order_index)
{
	switch (order->type) {
	case ORDER_VENUE_LICENSE: license_venue(txn, order, order_index); break;
	case ORDER_ENTERPRISE_REGISTER:
		for (size_t i = 0; i < order->item_count; i++)
			register_enterprise(ledger, txn, &order->items[i], order_index, (uint32_t)i);
		break;
	case ORDER_ENTERPRISE_RELATE:
		for (size_t i = 0; i < order->item_count; i++)
			relate_enterprises(ledger, txn, &order->items[i], order_index, (uint32_t)i);
		break;
	case ORDER_POLICY_ADOPT:
		policy_put(txn, slice_text(order->policy.id), order_index, order->policy.version);
		break;
	case ORDER_GRANT_ADD:
		for (size_t i = 0; i < order->item_count; i++) {
			struct grant_row row = {
			    .grant = order->items[i].grant, .index = order_index, .item = (uint32_t)i};

			grant_put(txn, &row);
		}
		break;
	}
}

uint64_t fold_order(struct ledger *ledger, struct store_txn *txn, const struct order_plan *plan)
{
	struct entry entry = {.kind = ENTRY_ORDER};
	struct slice *items = NULL;
	uint64_t index;

	assert(!plan->is_known);
	if (plan->item_count > 0) {
		items = malloc(plan->item_count * sizeof(*items));
		if (items == NULL) {
			store_fail(txn, ERR_MEMORY);
			return 0;
		}
		memcpy(items, plan->items, plan->item_count * sizeof(*items));
	}
	entry.order.note = plan->note_bytes;
	entry.order.items = items;
	entry.order.item_count = plan->item_count;
	index = ledger_append(ledger, txn, &entry);
	free(items);
	order_put(txn, slice_text(plan->order.id), index);
	if (store_error(txn) == OK)
		apply_order(ledger, txn, &plan->order, index);
	return index;
}

void fold_genesis(struct ledger *ledger, struct store_txn *txn, struct slice note, const struct genesis *genesis)
{
	struct ledger_identity identity = {.rules = genesis->rules, .ledger_key = genesis->ledger_key};
	struct entry entry = {.kind = ENTRY_GENESIS};
	char id[2 * HASH_SIZE + 1];
	enum err err;

	assert(ledger->head.size == 0);
	entry.genesis.note = note;
	ledger_append(ledger, txn, &entry);
	if (store_error(txn) != OK)
		return;
	memcpy(identity.origin, genesis->origin, sizeof(identity.origin));
	/* The ledger id is the first digits of the genesis entry's leaf hash, so it can't be chosen. */
	hex_format(hash_slice(&ledger->head.last_leaf), id);
	memcpy(identity.ledger_id, id, LEDGER_ID_SIZE);
	ledger_save_identity(txn, &identity);
	for (size_t i = 0; i < genesis->officer_count; i++)
		officer_put(txn, &genesis->officers[i]);
	err = quorums_put(txn, &genesis->quorums);
	if (err != OK)
		store_fail(txn, err);
}

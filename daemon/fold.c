/*
 * Rules version 1. What is decided here decides money, and is repeated by every replay for ever: a change of any rule
 * is a new rules version.
 */
#include "daemon/fold_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cells.h"
#include "daemon/tiles.h"
#include "proto/date.h"

#define EXPECTED_RECORDS 32u /* whose rows are asked for at a time: more than a memory's delay, less than a cache */
#define MONTH_SUMS 32 /* sums by month that a push keeps before it adds them to the state: records are chronological */

/* What one record does: decided first, then carried out. */
struct outcome {
	enum disposition disposition;
	uint64_t refers;
	struct code supplier, buyer; /* whose chains it joins */
	struct party_row parties[2]; /* the same; of a trade with oneself one alone */
	size_t party_count;
	bool is_known;        /* a refund's number was seen before */
	uint64_t trade_index; /* a refund's trade */
	struct trade trade;   /* that trade; strings in the push's scratch arena */
};

struct push_fold {
	struct ledger *ledger;
	struct store_txn *txn;
	const struct ingest *ingest;
	uint16_t venue_number;
	struct feed feed;
	struct arena scratch;
	bool has_relations; /* of any two parties */
	uint64_t counts[DISPOSITION_COUNT];
	struct month_sums {
		uint16_t month;
		enum record_kind kind;
		enum disposition disposition;
		struct venue_month sums;
	} months[MONTH_SUMS]; /* of this push, not in the state yet */
	size_t month_count;
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

static void set_parties(struct push_fold *push, struct outcome *outcome, const struct trade *trade)
{
	outcome->supplier = code_of(trade->supplier);
	outcome->buyer = code_of(trade->buyer);
	outcome->party_count = code_equal(&outcome->supplier, &outcome->buyer) ? 1 : 2;
	party_open(&outcome->parties[0], push->txn, &outcome->supplier);
	if (outcome->party_count == 2)
		party_open(&outcome->parties[1], push->txn, &outcome->buyer);
}

/* A party's running total bounds every sum that can be made of its trades. */
static bool would_overflow(const struct party_row *row, uint64_t amount_fen)
{
	return row->party.total_fen > (uint64_t)INT64_MAX - amount_fen;
}

static void decide_trade(struct push_fold *push, const struct trade *trade, struct outcome *outcome)
{
	enum disposition first_disposition;
	struct trade first;

	/* The first of its number is this one, which will stand next. */
	if (!trade_put(push->txn, push->venue_number, trade->trade_no, push->ledger->head.size, &outcome->refers)) {
		outcome->disposition = DISPOSITION_DUPLICATE_TRADE;
		if (store_error(push->txn) == OK && read_trade(push, outcome->refers, &first, &first_disposition))
			set_parties(push, outcome, &first);
		return;
	}
	set_parties(push, outcome, trade);
	if (outcome->party_count == 1)
		outcome->disposition = DISPOSITION_SELF_TRADE;
	else if (would_overflow(&outcome->parties[0], trade->amount_fen) ||
		 would_overflow(&outcome->parties[1], trade->amount_fen))
		outcome->disposition = DISPOSITION_OVERFLOW;
	else
		outcome->disposition = DISPOSITION_COUNTED;
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
		set_parties(push, outcome, &outcome->trade);
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
	if (touched.state == TRADE_VOIDED)
		return;
	outcome->disposition =
	    life_refund_exceeds(&touched, refund, &outcome->trade) ? DISPOSITION_REFUND_EXCEEDS : DISPOSITION_COUNTED;
}

void fold_set_links(struct store_txn *txn, const struct code *codes, size_t code_count, struct entry *entry)
{
	struct party party;

	entry->link_count = code_count;
	for (size_t i = 0; i < code_count; i++) {
		party_get(txn, &codes[i], &party);
		entry->links[i] = party.last_index;
	}
}

void fold_advance_parties(struct store_txn *txn, const struct code *codes, size_t code_count, uint64_t index)
{
	struct party party;

	for (size_t i = 0; i < code_count; i++) {
		party_get(txn, &codes[i], &party);
		party.last_index = index;
		party_put(txn, &codes[i], &party);
	}
}

/* Adds what was kept to the state. */
static void save_months(struct push_fold *push)
{
	for (size_t i = 0; i < push->month_count; i++) {
		const struct month_sums *kept = &push->months[i];
		struct venue_month sums;

		venue_month_get(push->txn, push->venue_number, kept->month, kept->kind, kept->disposition, &sums);
		sums.records += kept->sums.records;
		sums.amount_fen += kept->sums.amount_fen;
		sums.tax_fen += kept->sums.tax_fen;
		venue_month_put(push->txn, push->venue_number, kept->month, kept->kind, kept->disposition, &sums);
	}
	push->month_count = 0;
}

static void add_venue_month(struct push_fold *push, const struct record *record, enum disposition disposition)
{
	bool is_trade = record->kind == RECORD_TRADE;
	uint16_t month = month_of_date(record_latest_date(record));
	size_t i = 0;

	while (i < push->month_count && (push->months[i].month != month || push->months[i].kind != record->kind ||
					    push->months[i].disposition != disposition))
		i++;
	if (i == MONTH_SUMS) {
		save_months(push);
		i = 0;
	}
	if (i == push->month_count)
		push->months[push->month_count++] =
		    (struct month_sums){.month = month, .kind = record->kind, .disposition = disposition};
	push->months[i].sums.records++;
	push->months[i].sums.amount_fen += is_trade ? record->trade.amount_fen : record->refund.amount_fen;
	push->months[i].sums.tax_fen += is_trade ? record->trade.tax_fen : record->refund.tax_fen;
}

void fold_file_uncounted(struct store_txn *txn, const struct uncounted *uncounted, bool is_removal)
{
	const struct cell_sums one = {.trades = 1};
	const struct trade *trade = uncounted->trade;

	for (enum side side = SIDE_SUPPLIER; side <= SIDE_BUYER; side++) {
		struct cell_key key = {.settled_month = month_of_date(trade->settled_on),
		    .code = side == SIDE_SUPPLIER ? *uncounted->supplier : *uncounted->buyer,
		    .signed_month = month_of_date(trade->signed_on),
		    .venue_number = uncounted->venue_number,
		    .side = side,
		    .product_kind = trade->product_kind,
		    .flags = CELL_NOT_COUNTED};

		cells_change(txn, &key, &one, is_removal);
	}
}

void fold_refile(struct store_txn *txn, const struct trade *trade, uint16_t venue_number, bool is_listed,
    const struct touched *from, const struct touched *to)
{
	const struct touched *const shapes[] = {from, to};

	for (enum side side = SIDE_SUPPLIER; side <= SIDE_BUYER; side++) {
		struct code code = code_of(side == SIDE_SUPPLIER ? trade->supplier : trade->buyer);

		for (size_t i = 0; i < 2; i++) {
			struct policy_fact fact;
			struct cell_key key;
			struct cell_sums sums;

			if (shapes[i] == NULL)
				continue;
			fact = life_fact(trade, NULL, side, is_listed, shapes[i]);
			cell_of_fact(&fact, &code, venue_number, &key, &sums);
			cells_change(txn, &key, &sums, i == 0);
		}
	}
}

static bool is_related(const struct push_fold *push, const struct outcome *outcome)
{
	uint64_t relation;

	return push->has_relations && relation_get(push->txn, &outcome->supplier, &outcome->buyer, &relation);
}

static void apply_trade(struct push_fold *push, const struct trade *trade, const struct outcome *outcome)
{
	const struct uncounted uncounted = {.trade = trade,
	    .supplier = &outcome->supplier,
	    .buyer = &outcome->buyer,
	    .venue_number = push->venue_number};
	const struct touched untouched = {0};

	if (outcome->disposition != DISPOSITION_COUNTED)
		fold_file_uncounted(push->txn, &uncounted, false);
	else
		fold_refile(push->txn, trade, push->venue_number, is_related(push, outcome), NULL, &untouched);
}

static void apply_refund(
    struct push_fold *push, const struct refund *refund, const struct outcome *outcome, uint64_t index)
{
	struct touched before, after;

	if (!outcome->is_known)
		adjust_put(push->txn, push->venue_number, refund->adjust_no, index);
	if (outcome->disposition != DISPOSITION_COUNTED)
		return;
	touched_get(push->txn, outcome->trade_index, &before);
	after = before;
	after.refunded_fen += refund->amount_fen;
	after.refunded_tax_fen += refund->tax_fen;
	touched_put(push->txn, outcome->trade_index, &after);
	if (before.state != TRADE_COUNTED)
		return; /* held: in no counted cell; what is taken now is missing from it on release */
	fold_refile(push->txn, &outcome->trade, push->venue_number, is_related(push, outcome), &before, &after);
}

static enum disposition fold_record(struct push_fold *push, size_t place)
{
	const struct ingest *ingest = push->ingest;
	const struct record *record = &ingest->records[place];
	struct outcome outcome = {0};
	struct entry entry = {.kind = ENTRY_RECORD};
	uint64_t index;

	if (record->kind == RECORD_TRADE)
		decide_trade(push, &record->trade, &outcome);
	else
		decide_refund(push, &record->refund, &outcome);
	if (store_error(push->txn) != OK)
		return outcome.disposition;
	if (outcome.party_count > 0) {
		entry.link_count = 2;
		entry.links[0] = outcome.parties[0].party.last_index;
		entry.links[1] = outcome.parties[outcome.party_count - 1].party.last_index;
	}
	entry.record.venue = slice_text(ingest->venue.id);
	entry.record.generation = ingest->generation;
	entry.record.feed_index = ingest->push.start + place;
	entry.record.record = ingest->push.records[place];
	entry.record.disposition = outcome.disposition;
	entry.record.refers = outcome.refers;
	index = ledger_append(push->ledger, push->txn, &entry);
	for (size_t i = 0; i < outcome.party_count; i++) {
		outcome.parties[i].party.last_index = index;
		if (record->kind == RECORD_TRADE && outcome.disposition == DISPOSITION_COUNTED)
			outcome.parties[i].party.total_fen += record->trade.amount_fen;
		party_save(&outcome.parties[i]);
	}
	if (record->kind == RECORD_TRADE)
		apply_trade(push, &record->trade, &outcome);
	else
		apply_refund(push, &record->refund, &outcome, index);
	add_venue_month(push, record, outcome.disposition);
	return outcome.disposition;
}

/* The feed's own tree, as it was computed when the push was checked. Tiles of records held before are put again. */
static void advance_feed(struct push_fold *push)
{
	const struct ingest *ingest = push->ingest;

	for (size_t i = 0; i < ingest->tile_count; i++)
		tiles_put(push->txn, push->feed.number, ingest->tiles[i].level, ingest->tiles[i].size,
		    &ingest->tiles[i].root);
	push->feed.frontier = ingest->frontier;
}

/*
 * Asks for the rows of the next records before the first of them is folded: two parties and two cells each, found in
 * memory at random places, which is what most of a trade's time would go into. Refunds are few.
 */
static void expect_rows(const struct push_fold *push, size_t place, size_t count)
{
	uint32_t hints[EXPECTED_RECORDS * 4];
	size_t hint_count = 0;

	for (size_t i = place; i < place + count; i++) {
		const struct record *record = &push->ingest->records[i];
		const struct trade *trade = &record->trade;
		uint16_t month;

		if (record->kind != RECORD_TRADE)
			continue;
		month = month_of_date(trade->settled_on);
		for (enum side side = SIDE_SUPPLIER; side <= SIDE_BUYER; side++) {
			struct code code = code_of(side == SIDE_SUPPLIER ? trade->supplier : trade->buyer);

			hints[hint_count++] = party_expect(push->txn, &code);
			hints[hint_count++] = cells_expect(push->txn, month, &code);
		}
	}
	for (size_t i = 0; i < hint_count; i++)
		store_row_expect_value(push->txn, hints[i]);
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
	struct push_fold push = {.ledger = ledger,
	    .txn = txn,
	    .ingest = ingest,
	    .venue_number = ingest->venue.number,
	    .feed = ingest->feed,
	    .has_relations = store_count(txn, STORE_RELATIONS) > 0};
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
		size_t place = (size_t)(ingest->held_count + i), left = (size_t)(new_count - i);
		enum disposition disposition;

		if (i % EXPECTED_RECORDS == 0)
			expect_rows(&push, place, left < EXPECTED_RECORDS ? left : EXPECTED_RECORDS);
		disposition = fold_record(&push, place);
		dispositions[i] = (uint8_t)disposition;
		push.counts[disposition]++;
	}
	if (store_error(txn) == OK) {
		save_months(&push);
		advance_feed(&push);
	}
	if (store_error(txn) == OK) {
		entry.push.venue = slice_text(ingest->venue.id);
		entry.push.generation = ingest->generation;
		entry.push.start = ingest->push.start + ingest->held_count;
		entry.push.count = new_count;
		entry.push.first_index = first_index;
		entry.push.note = ingest->push.note;
		set_tally(&push, &entry);
		entry.push.dispositions_hash = hash_sha256(slice_of(dispositions, (size_t)new_count));
		index = ledger_append(ledger, txn, &entry);
		push_put(txn, push.feed.number, entry.push.start, index);
		push.feed.last_push = index;
		feed_put(txn, ingest->venue.number, ingest->generation, &push.feed);
	}
	arena_done(&push.scratch);
	free(dispositions);
	return index;
}

uint64_t fold_evidence(struct ledger *ledger, struct store_txn *txn, const struct evidence *evidence)
{
	struct entry entry = {.kind = ENTRY_EVIDENCE};
	uint64_t index;

	entry.evidence.venue = evidence->venue;
	entry.evidence.generation = evidence->generation;
	entry.evidence.size = evidence->size;
	entry.evidence.note = evidence->note;
	entry.evidence.push_index = evidence->push_index;
	index = ledger_append(ledger, txn, &entry);
	evidence_put(txn, evidence->feed_number, evidence->size, index);
	return index;
}

/* Who the ledger is and who may act. Those in office before are none any more. */
static void put_genesis(struct store_txn *txn, const struct genesis *genesis, const char *ledger_id)
{
	struct ledger_identity identity = {.rules = genesis->rules, .ledger_key = genesis->ledger_key};
	enum err err;

	memcpy(identity.origin, genesis->origin, sizeof(identity.origin));
	memcpy(identity.ledger_id, ledger_id, LEDGER_ID_SIZE);
	ledger_save_identity(txn, &identity);
	for (size_t i = 0; i < genesis->officer_count; i++)
		officer_put(txn, &genesis->officers[i]);
	err = quorums_put(txn, &genesis->quorums);
	if (err != OK)
		store_fail(txn, err);
}

void fold_genesis(struct ledger *ledger, struct store_txn *txn, struct slice note, const struct genesis *genesis)
{
	struct entry entry = {.kind = ENTRY_GENESIS};
	char id[2 * HASH_SIZE + 1];

	assert(ledger->head.size == 0);
	entry.genesis.note = note;
	ledger_append(ledger, txn, &entry);
	if (store_error(txn) != OK)
		return;
	/* The ledger id is the first digits of the genesis entry's leaf hash, so it can't be chosen. */
	hex_format(hash_slice(&ledger->head.last_leaf), id);
	put_genesis(txn, genesis, id);
}

void fold_continued(struct ledger *ledger, struct store_txn *txn, struct slice entry, const struct eras *eras)
{
	const struct era *oldest = &eras->list[0];

	ledger_append_first(ledger, txn, entry, &oldest->leaf);
	put_genesis(txn, oldest->genesis, oldest->ledger_id);
}

void fold_era(struct store_txn *txn, const struct era *era)
{
	struct store_cursor cursor;
	struct officer officer;
	bool is_there;

	do {
		store_cursor_open(&cursor, txn, STORE_OFFICERS);
		is_there = store_cursor_first(&cursor);
		if (is_there && !officer_decode(cursor.key, cursor.value, &officer)) {
			store_fail(txn, ERR_DAMAGED);
			is_there = false;
		}
		store_cursor_close(&cursor);
		if (is_there)
			officer_delete(txn, officer.name);
	} while (is_there);
	log_keys_forget(txn);
	put_genesis(txn, era->genesis, era->ledger_id);
}

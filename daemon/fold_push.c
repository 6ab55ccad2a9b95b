/*
 * Rules version 1. What is decided here decides money, and is repeated by every replay for ever: a change of any rule
 * is a new rules version.
 *
 * Each record is decided in its turn, with its parties as those before left them. What follows for the rows of parties
 * and cells is done at the end, each once, by the push's plan.
 */
#include "daemon/fold_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cells.h"
#include "daemon/scribe.h"
#include "daemon/tiles.h"
#include "proto/date.h"

#define EXPECTED_ROWS 64u /* asked for at a time: more than a memory's delay, less than a cache */
#define MONTH_SUMS 32 /* sums by month that a push keeps before it adds them to the state: records are chronological */

/* What one record does: decided first, then carried out. */
struct outcome {
	enum disposition disposition;
	uint64_t refers;
	const struct code *supplier, *buyer; /* whose chains it joins */
	struct party_row *parties[2];        /* the same; of a trade with oneself one alone */
	size_t party_count;
	struct code others[2]; /* where these are not of the push's own parties */
	struct party_row other_rows[2];
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
	bool has_relations;               /* of any two parties */
	uint64_t first_index, next_index; /* of its entries, and of the one to come */
	struct scribe_push records;       /* the new ones, as entries hold them */
	struct scribe *scribe;            /* that makes these entries, or NULL */
	struct party_row *parties;        /* those of the plan; saved at the end */
	uint8_t *dispositions;            /* of the new records */
	bool *is_filed; /* of each record: its share of the cells is there, or none is due to it by the plan */
	uint64_t counts[DISPOSITION_COUNT];
	struct month_sums {
		uint16_t month;
		enum record_kind kind;
		enum disposition disposition;
		struct venue_month sums;
	} months[MONTH_SUMS]; /* of this push, not in the state yet */
	size_t month_count;
};

/* The place of one of this push's own records. */
static size_t place_of(const struct push_fold *push, uint64_t index)
{
	return (size_t)(push->ingest->held_count + index - push->first_index);
}

/* One that is not stored yet: of those before the record in hand. */
static bool take_own_trade(
    struct push_fold *push, uint64_t index, struct trade *ret_trade, enum disposition *ret_disposition)
{
	const struct record *record = index < push->next_index ? &push->ingest->records[place_of(push, index)] : NULL;

	if (record == NULL || record->kind != RECORD_TRADE) {
		store_fail(push->txn, ERR_DAMAGED);
		return false;
	}
	*ret_trade = record->trade;
	*ret_disposition = (enum disposition)push->dispositions[index - push->first_index];
	return true;
}

/* The trade at a ledger index and what became of it. Damage sticks to the transaction. */
static bool read_trade(
    struct push_fold *push, uint64_t index, struct trade *ret_trade, enum disposition *ret_disposition)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	struct entry entry;
	struct record record;
	size_t fault_count;
	enum err err;

	if (index >= push->first_index)
		return take_own_trade(push, index, ret_trade, ret_disposition);
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

/* One of the push's own, or one that is opened for this record alone. */
static struct party_row *open_party(struct push_fold *push, const struct code *code, struct party_row *other)
{
	size_t place;

	if (rowplan_find(&push->ingest->plan, code, &place))
		return &push->parties[place];
	party_open(other, push->txn, code);
	return other;
}

/* Of a trade that is not this record: of the first of its number, or of the one that a refund names. */
static void set_parties_of(struct push_fold *push, struct outcome *outcome, const struct trade *trade)
{
	outcome->others[0] = code_of(trade->supplier);
	outcome->others[1] = code_of(trade->buyer);
	outcome->supplier = &outcome->others[0];
	outcome->buyer = &outcome->others[1];
	outcome->party_count = code_equal(outcome->supplier, outcome->buyer) ? 1 : 2;
	for (size_t i = 0; i < outcome->party_count; i++)
		outcome->parties[i] = open_party(push, &outcome->others[i], &outcome->other_rows[i]);
}

static void set_own_parties(struct push_fold *push, struct outcome *outcome, size_t place)
{
	const struct rowplan *plan = &push->ingest->plan;
	const struct rowplan_parties *parties = &plan->parties[place];

	outcome->supplier = &plan->codes[parties->supplier];
	outcome->buyer = &plan->codes[parties->buyer];
	outcome->parties[0] = &push->parties[parties->supplier];
	outcome->parties[1] = &push->parties[parties->buyer];
	outcome->party_count = parties->supplier == parties->buyer ? 1 : 2;
}

/* A party's running total bounds every sum that can be made of its trades. */
static bool would_overflow(const struct party_row *row, uint64_t amount_fen)
{
	return row->party.total_fen > (uint64_t)INT64_MAX - amount_fen;
}

static void decide_trade(struct push_fold *push, size_t place, struct outcome *outcome)
{
	const struct trade *trade = &push->ingest->records[place].trade;
	enum disposition first_disposition;
	struct trade first;

	/* The first of its number is this one, which will stand next. */
	if (!trade_put(push->txn, push->venue_number, trade->trade_no, push->next_index, &outcome->refers)) {
		outcome->disposition = DISPOSITION_DUPLICATE_TRADE;
		if (store_error(push->txn) == OK && read_trade(push, outcome->refers, &first, &first_disposition))
			set_parties_of(push, outcome, &first);
		return;
	}
	set_own_parties(push, outcome, place);
	if (outcome->party_count == 1)
		outcome->disposition = DISPOSITION_SELF_TRADE;
	else if (would_overflow(outcome->parties[0], trade->amount_fen) ||
		 would_overflow(outcome->parties[1], trade->amount_fen))
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
		set_parties_of(push, outcome, &outcome->trade);
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

static bool is_related(const struct push_fold *push, const struct outcome *outcome)
{
	uint64_t relation;

	return push->has_relations && relation_get(push->txn, outcome->supplier, outcome->buyer, &relation);
}

/* Files a counted trade by itself, and not with those that are like it. */
static void file_trade(struct push_fold *push, size_t place, bool is_listed)
{
	const struct touched untouched = {0};

	fold_refile(push->txn, &push->ingest->records[place].trade, push->venue_number, is_listed, NULL, &untouched);
	push->is_filed[place] = true;
}

/* Counted trades are filed at the end, where they are as the plan says. */
static void apply_trade(struct push_fold *push, size_t place, const struct outcome *outcome)
{
	const struct uncounted uncounted = {.trade = &push->ingest->records[place].trade,
	    .supplier = outcome->supplier,
	    .buyer = outcome->buyer,
	    .venue_number = push->venue_number};

	if (outcome->disposition != DISPOSITION_COUNTED) {
		fold_file_uncounted(push->txn, &uncounted, false);
		push->is_filed[place] = true;
	} else if (is_related(push, outcome)) {
		file_trade(push, place, true);
	}
}

/* A trade of this very push, before anything is taken from its share. Between related parties it is filed already. */
static void file_own_trade(struct push_fold *push, const struct outcome *outcome)
{
	size_t place;

	if (outcome->trade_index < push->first_index)
		return;
	place = place_of(push, outcome->trade_index);
	if (!push->is_filed[place])
		file_trade(push, place, false);
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
	file_own_trade(push, outcome);
	fold_refile(push->txn, &outcome->trade, push->venue_number, is_related(push, outcome), &before, &after);
}

/* The entry of the next record, whose index it gives. */
static uint64_t append_record(struct push_fold *push, const struct outcome *outcome)
{
	struct scribe_line line = {.disposition = outcome->disposition, .refers = outcome->refers};
	uint64_t index = push->next_index++;
	struct entry entry;

	if (outcome->party_count > 0) {
		line.link_count = 2;
		line.links[0] = outcome->parties[0]->party.last_index;
		line.links[1] = outcome->parties[outcome->party_count - 1]->party.last_index;
	}
	if (push->scribe != NULL) {
		scribe_tell(push->scribe, &line);
		return index;
	}
	scribe_entry(&push->records, (size_t)(index - push->first_index), &line, &entry);
	return ledger_append(push->ledger, push->txn, &entry);
}

static enum disposition fold_record(struct push_fold *push, size_t place)
{
	const struct record *record = &push->ingest->records[place];
	struct outcome outcome = {0};
	uint64_t index;

	if (record->kind == RECORD_TRADE)
		decide_trade(push, place, &outcome);
	else
		decide_refund(push, &record->refund, &outcome);
	if (store_error(push->txn) != OK)
		return outcome.disposition;
	index = append_record(push, &outcome);
	for (size_t i = 0; i < outcome.party_count; i++) {
		outcome.parties[i]->party.last_index = index;
		if (record->kind == RECORD_TRADE && outcome.disposition == DISPOSITION_COUNTED)
			outcome.parties[i]->party.total_fen += record->trade.amount_fen;
		if (outcome.parties[i] == &outcome.other_rows[i])
			party_save(outcome.parties[i]);
	}
	if (record->kind == RECORD_TRADE)
		apply_trade(push, place, &outcome);
	else
		apply_refund(push, &record->refund, &outcome, index);
	add_venue_month(push, record, outcome.disposition);
	return outcome.disposition;
}

/* The feed's own tree, as it was computed when the push was checked. Tiles of records held before are put again. */
static void advance_feed(struct push_fold *push)
{
	const struct ingest *ingest = push->ingest;

	tiles_put(push->txn, push->feed.number, ingest->tiles, ingest->tile_count);
	push->feed.frontier = ingest->frontier;
}

static uint32_t expect_party(const struct push_fold *push, size_t place)
{
	return party_expect(push->txn, &push->ingest->plan.codes[place]);
}

static uint32_t expect_cell(const struct push_fold *push, size_t place)
{
	const struct cell_key *key = &push->ingest->plan.cells[place].key;

	return cells_expect(push->txn, key->settled_month, &key->code);
}

/*
 * Now and then, before the row of `place` is needed: asks for the next ones. They are found in memory at random places,
 * which is what most of the time would go into.
 */
static void expect_rows(const struct push_fold *push, size_t place, size_t end,
    uint32_t (*expect)(const struct push_fold *push, size_t place))
{
	uint32_t hints[EXPECTED_ROWS];
	size_t count = end - place < EXPECTED_ROWS ? end - place : EXPECTED_ROWS;

	if (place % EXPECTED_ROWS != 0)
		return;
	for (size_t i = 0; i < count; i++)
		hints[i] = expect(push, place + i);
	for (size_t i = 0; i < count; i++)
		store_row_expect_value(push->txn, hints[i]);
}

static void open_parties(struct push_fold *push)
{
	const struct rowplan *plan = &push->ingest->plan;

	for (size_t i = 0; i < plan->code_count; i++) {
		expect_rows(push, i, plan->code_count, expect_party);
		party_open(&push->parties[i], push->txn, &plan->codes[i]);
	}
}

/* Those that an entry of this push concerns. */
static void save_parties(struct push_fold *push)
{
	for (size_t i = 0; i < push->ingest->plan.code_count; i++)
		if (push->parties[i].party.last_index >= push->first_index)
			party_save(&push->parties[i]);
}

/* What is due to a cell: all that the plan says, without what was filed otherwise. */
static struct cell_sums due_to_cell(const struct push_fold *push, const struct rowplan_cell *cell)
{
	struct cell_sums due = cell->sums, sums;

	for (size_t i = 0; i < cell->share_count; i++) {
		uint32_t place = push->ingest->plan.shares[cell->first_share + i];

		if (!push->is_filed[place])
			continue;
		rowplan_sums(&push->ingest->records[place].trade, &sums);
		if (!cell_sums_combine(&due, &sums, true))
			store_fail(push->txn, ERR_DAMAGED);
	}
	return due;
}

static void file_cells(struct push_fold *push)
{
	const struct rowplan *plan = &push->ingest->plan;

	for (size_t i = 0; i < plan->cell_count && store_error(push->txn) == OK; i++) {
		const struct rowplan_cell *cell = &plan->cells[i];
		struct cell_sums due = due_to_cell(push, cell);
		struct cell_key key = cell->key;

		expect_rows(push, i, plan->cell_count, expect_cell);
		key.venue_number = push->venue_number;
		if (due.trades > 0)
			cells_change(push->txn, &key, &due, false);
	}
}

static void decide_records(struct push_fold *push)
{
	uint64_t new_count = ingest_new_count(push->ingest);

	/* Of records that are held their trades were filed long ago. */
	for (uint64_t i = 0; i < push->ingest->held_count; i++)
		push->is_filed[i] = true;
	open_parties(push);
	for (uint64_t i = 0; i < new_count && store_error(push->txn) == OK; i++) {
		enum disposition disposition = fold_record(push, (size_t)(push->ingest->held_count + i));

		push->dispositions[i] = (uint8_t)disposition;
		push->counts[disposition]++;
	}
	if (store_error(push->txn) != OK)
		return;
	save_parties(push);
	file_cells(push);
	save_months(push);
	advance_feed(push);
}

/* A few entries are made sooner than another thread is woken; and where it can't begin, the writer does it by itself. */
static struct scribe *begin_scribe(const struct push_fold *push)
{
	struct scribe *scribe = push->ledger->scribe;

	if (scribe == NULL || push->records.count < SCRIBE_RECORDS_MIN)
		return NULL;
	return scribe_begin(scribe, push->ledger, &push->records) == OK ? scribe : NULL;
}

static void fold_records(struct push_fold *push)
{
	push->scribe = begin_scribe(push);
	decide_records(push);
	if (push->scribe != NULL)
		scribe_end(push->scribe, push->ledger, push->txn);
}

static enum err push_fold_init(struct push_fold *push)
{
	const struct ingest *ingest = push->ingest;

	push->dispositions = malloc((size_t)ingest_new_count(ingest));
	push->is_filed = calloc(ingest->push.record_count, sizeof(*push->is_filed));
	push->parties = calloc(ingest->plan.code_count + 1, sizeof(*push->parties));
	arena_init(&push->scratch, 16 * ENTRY_SIZE_MAX);
	return push->dispositions == NULL || push->is_filed == NULL || push->parties == NULL ? ERR_MEMORY : OK;
}

static void push_fold_done(struct push_fold *push)
{
	arena_done(&push->scratch);
	free(push->parties);
	free(push->is_filed);
	free(push->dispositions);
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
	    .first_index = ledger->head.size,
	    .next_index = ledger->head.size,
	    .records = {.venue = slice_text(ingest->venue.id),
		.generation = ingest->generation,
		.feed_index = ingest->push.start + ingest->held_count,
		.records = ingest->push.records + ingest->held_count,
		.count = (size_t)ingest_new_count(ingest)},
	    .has_relations = store_count(txn, STORE_RELATIONS) > 0};
	struct entry entry = {.kind = ENTRY_PUSH};
	uint64_t new_count = ingest_new_count(ingest), index = 0;
	enum err err = push_fold_init(&push);

	assert(ingest->is_checked && new_count > 0);
	if (err == OK)
		fold_records(&push);
	else
		store_fail(txn, err);
	if (store_error(txn) == OK) {
		entry.push.venue = slice_text(ingest->venue.id);
		entry.push.generation = ingest->generation;
		entry.push.start = ingest->push.start + ingest->held_count;
		entry.push.count = new_count;
		entry.push.first_index = push.first_index;
		entry.push.note = ingest->push.note;
		set_tally(&push, &entry);
		entry.push.dispositions_hash = hash_sha256(slice_of(push.dispositions, (size_t)new_count));
		index = ledger_append(ledger, txn, &entry);
		push_put(txn, push.feed.number, entry.push.start, index);
		push.feed.last_push = index;
		feed_put(txn, ingest->venue.number, ingest->generation, &push.feed);
	}
	push_fold_done(&push);
	return index;
}

/* The rules of version 1: dispositions, links, cells, totals, effects. */
#include "ledger_fixture.h"

#include "daemon/cells.h"

static char a[USCI_SIZE + 1], b[USCI_SIZE + 1], c[USCI_SIZE + 1];
static struct hash leaves[2000];

static int setup(void **state)
{
	struct ledger_fixture *fixture = malloc(sizeof(*fixture));

	fixture_code(1, a);
	fixture_code(2, b);
	fixture_code(3, c);
	ledger_setup(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	ledger_teardown(*state);
	free(*state);
	return 0;
}

static struct party party_of(struct ledger_fixture *fixture, const char *code)
{
	struct code key = code_of(slice_text(code));
	struct party party;

	party_get(fixture->txn, &key, &party);
	return party;
}

/* Sums of all cells of one enterprise that carry these flags. */
struct sum_query {
	uint8_t flags;
	struct cell_sums total;
	uint64_t cell_count;
};

static enum err add_cell(void *cookie, const struct cell_key *key, const struct cell_sums *sums)
{
	struct sum_query *query = cookie;

	if (key->flags != query->flags)
		return OK;
	query->cell_count++;
	query->total.trades += sums->trades;
	query->total.contracts += sums->contracts;
	query->total.amount_fen += sums->amount_fen;
	query->total.refunded_fen += sums->refunded_fen;
	query->total.gross_zero_trades += sums->gross_zero_trades;
	query->total.net_zero_trades += sums->net_zero_trades;
	return OK;
}

static struct sum_query cells_of(struct ledger_fixture *fixture, const char *code, uint8_t flags)
{
	struct sum_query query = {.flags = flags};
	struct code key = code_of(slice_text(code));

	assert_int_equal(cells_each(fixture->txn, &key, add_cell, &query), OK);
	return query;
}

/* Each record of one push with what must become of it. */
static void gives_each_record_its_disposition(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	struct record records[] = {
	    ledger_trade("T1", a, b, 1000), ledger_trade("T1", a, c, 5000),     /* duplicate, other content */
	    ledger_trade("T2", a, a, 1000),                                     /* self */
	    ledger_refund("A1", "T9", 10, 1),                                   /* unknown */
	    ledger_trade("T9", b, c, 1000), ledger_refund("A2", "T9", 400, 40), /* counts */
	    ledger_refund("A2", "T9", 1, 0),                                    /* doubled */
	    ledger_refund("A3", "T9", 601, 10),                                 /* amount exceeds */
	    ledger_refund("A4", "T9", 300, 61),                                 /* tax exceeds */
	    ledger_refund("A5", "T9", 600, 59),                                 /* net exceeds: 360 + 541 of 900 */
	    ledger_refund("A6", "T9", 600, 60),                                 /* the rest exactly */
	    ledger_refund("A1", "T9", 1, 0),  /* a used number, though its first one was unknown */
	    ledger_refund("A7", "T2", 10, 1), /* of a trade that does not count */
	    ledger_refund("A1", "T9", 1, 0),  /* the third of its number; it is still the first that has it */
	};
	static const enum disposition want[] = {DISPOSITION_COUNTED, DISPOSITION_DUPLICATE_TRADE,
	    DISPOSITION_SELF_TRADE, DISPOSITION_REFUND_UNKNOWN, DISPOSITION_COUNTED, DISPOSITION_COUNTED,
	    DISPOSITION_DUPLICATE_ADJUST, DISPOSITION_REFUND_EXCEEDS, DISPOSITION_REFUND_EXCEEDS,
	    DISPOSITION_REFUND_EXCEEDS, DISPOSITION_COUNTED, DISPOSITION_DUPLICATE_ADJUST, DISPOSITION_REFUND_UNKNOWN,
	    DISPOSITION_DUPLICATE_ADJUST};
	/* What each refers to: a place in the push, or -1. */
	static const int refers[] = {-1, 0, -1, -1, -1, 4, 5, 4, 4, 4, 4, 3, 2, 3};
	size_t count = sizeof(records) / sizeof(records[0]);
	uint64_t index = ledger_push(fixture, signer, "qddex", leaves, 0, records, count), first = index - count;
	struct arena arena;
	struct entry entry;

	arena_init(&arena, 1u << 20);
	for (size_t i = 0; i < count; i++) {
		ledger_get(fixture, first + i, &arena, &entry);
		if (entry.record.disposition != want[i])
			fail_msg("record %zu: %s, want %s", i, disposition_name(entry.record.disposition),
			    disposition_name(want[i]));
		if (entry.record.refers != (refers[i] < 0 ? 0 : first + (uint64_t)refers[i]))
			fail_msg("record %zu refers to %llu", i, (unsigned long long)entry.record.refers);
	}
	ledger_get(fixture, index, &arena, &entry);
	assert_int_equal(entry.kind, ENTRY_PUSH);
	assert_int_equal(entry.push.count, count);
	assert_int_equal(entry.push.first_index, first);
	assert_int_equal(entry.push.tally_count, 6);
	assert_int_equal(entry.push.tally[0].count, 4);
	arena_done(&arena);
	signer_free(signer);
}

static void links_each_party_to_its_entry_before(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	struct record records[] = {ledger_trade("T1", a, b, 1000), ledger_trade("T2", b, c, 1000),
	    ledger_trade("T1", c, a, 7), ledger_refund("A1", "T2", 10, 1), ledger_trade("T3", c, c, 5),
	    ledger_refund("A2", "T7", 1, 0)};
	uint64_t index = ledger_push(fixture, signer, "qddex", leaves, 0, records, 6), first = index - 6;
	/* Supplier's and buyer's link of each, as places + 1 in the push; 0: none. A duplicate joins its first's parties. */
	static const uint64_t want[6][2] = {{0, 0}, {1, 0}, {1, 2}, {3, 2}, {4, 4}, {0, 0}};
	static const size_t link_count[6] = {2, 2, 2, 2, 2, 0};
	struct arena arena;
	struct entry entry;

	arena_init(&arena, 1u << 20);
	for (size_t i = 0; i < 6; i++) {
		ledger_get(fixture, first + i, &arena, &entry);
		assert_int_equal(entry.link_count, link_count[i]);
		for (size_t side = 0; side < link_count[i]; side++)
			if (entry.links[side] != (want[i][side] == 0 ? 0 : first + want[i][side] - 1))
				fail_msg(
				    "record %zu, side %zu: link %llu", i, side, (unsigned long long)entry.links[side]);
	}
	assert_int_equal(party_of(fixture, a).last_index, first + 2);
	assert_int_equal(party_of(fixture, b).last_index, first + 3);
	assert_int_equal(party_of(fixture, c).last_index, first + 4);
	arena_done(&arena);
	signer_free(signer);
}

static void files_trades_and_refunds_in_cells(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	struct record records[] = {ledger_trade("T1", a, b, 1000), ledger_trade("T2", a, b, 2000),
	    ledger_trade("T3", a, b, 500), ledger_refund("A1", "T1", 1000, 100), ledger_refund("A2", "T2", 300, 30),
	    ledger_trade("T2", a, b, 9), ledger_trade("T4", a, a, 9)};
	struct sum_query sums;

	records[1].trade.instalment = 2;
	records[2].trade.other_subsidy = DECLARED_YES;
	ledger_push(fixture, signer, "qddex", leaves, 0, records, 7);
	sums = cells_of(fixture, a, 0);
	assert_int_equal(sums.cell_count, 1);
	assert_int_equal(sums.total.trades, 2);
	assert_int_equal(sums.total.contracts, 1);
	assert_int_equal(sums.total.amount_fen, 3000);
	assert_int_equal(sums.total.refunded_fen, 1300);
	assert_int_equal(sums.total.gross_zero_trades, 1);
	assert_int_equal(sums.total.net_zero_trades, 1);
	assert_int_equal(cells_of(fixture, b, CELL_OTHER_SUBSIDY).total.amount_fen, 500);
	/* The duplicate on both sides, the self-trade on both of the one. */
	assert_int_equal(cells_of(fixture, a, CELL_NOT_COUNTED).total.trades, 3);
	assert_int_equal(cells_of(fixture, b, CELL_NOT_COUNTED).total.trades, 1);
	assert_int_equal(party_of(fixture, a).total_fen, 3500);
	signer_free(signer);
}

static void refuses_to_count_what_overflows_a_party(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	struct record records[] = {
	    ledger_trade("T1", a, b, 2), ledger_trade("T2", a, b, 1), ledger_trade("T3", c, b, 1)};
	struct code key = code_of(slice_text(b));
	struct party party = {.total_fen = (uint64_t)INT64_MAX - 1};
	struct arena arena;
	struct entry entry;
	uint64_t index;

	for (size_t i = 0; i < 3; i++)
		records[i].trade.tax_fen = 0;
	party_put(fixture->txn, &key, &party);
	index = ledger_push(fixture, signer, "qddex", leaves, 0, records, 3);
	arena_init(&arena, 1u << 20);
	ledger_get(fixture, index - 3, &arena, &entry);
	assert_int_equal(entry.record.disposition, DISPOSITION_OVERFLOW);
	ledger_get(fixture, index - 2, &arena, &entry);
	assert_int_equal(entry.record.disposition, DISPOSITION_COUNTED); /* reaches the maximum exactly */
	ledger_get(fixture, index - 1, &arena, &entry);
	assert_int_equal(entry.record.disposition, DISPOSITION_OVERFLOW);
	arena_done(&arena);
	signer_free(signer);
}

static void keeps_numbers_apart_between_venues(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *first = ledger_license(fixture, KEY_ED25519, "qddex"),
		      *second = ledger_license(fixture, KEY_SM2, "sddex");
	struct record trade = ledger_trade("T1", a, b, 1000), refund = ledger_refund("A1", "T1", 10, 1);
	static struct hash other[10];
	struct arena arena;
	struct entry entry;
	uint64_t index;

	ledger_push(fixture, first, "qddex", leaves, 0, &trade, 1);
	index = ledger_push(fixture, second, "sddex", other, 0, &refund, 1);
	arena_init(&arena, 1u << 20);
	ledger_get(fixture, index - 1, &arena, &entry);
	assert_int_equal(entry.record.disposition, DISPOSITION_REFUND_UNKNOWN);
	index = ledger_push(fixture, second, "sddex", other, 1, &trade, 1);
	ledger_get(fixture, index - 1, &arena, &entry);
	assert_int_equal(entry.record.disposition, DISPOSITION_COUNTED);
	arena_done(&arena);
	signer_free(first);
	signer_free(second);
}

static void relates_past_and_coming_trades(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	struct record records[] = {ledger_trade("T1", a, b, 1000), ledger_trade("T2", b, a, 2000),
	    ledger_trade("T3", a, c, 4000), ledger_refund("A1", "T1", 100, 10)};
	struct record later = ledger_trade("T4", a, b, 50), refund = ledger_refund("A2", "T2", 200, 20);
	uint64_t index;

	ledger_push(fixture, signer, "qddex", leaves, 0, records, 4);
	assert_int_equal(ledger_try_relate(fixture, a, b, &index), OK);
	assert_int_equal(cells_of(fixture, a, 0).total.amount_fen, 4000);
	assert_int_equal(cells_of(fixture, b, 0).cell_count, 0);
	assert_int_equal(cells_of(fixture, a, CELL_LISTED).total.amount_fen, 3000);
	assert_int_equal(cells_of(fixture, b, CELL_LISTED).total.refunded_fen, 100);
	ledger_push(fixture, signer, "qddex", leaves, 4, &later, 1);
	ledger_push(fixture, signer, "qddex", leaves, 5, &refund, 1);
	assert_int_equal(cells_of(fixture, a, CELL_LISTED).total.amount_fen, 3050);
	assert_int_equal(cells_of(fixture, a, CELL_LISTED).total.refunded_fen, 300);
	assert_int_equal(ledger_try_relate(fixture, a, b, &index), ERR_REFUSED);
	signer_free(signer);
}

static void writes_an_effect_for_each_item(void **state)
{
	struct ledger_fixture *fixture = *state;
	uint64_t index = ledger_register(fixture, a, "Alpha", "default");
	struct code key = code_of(slice_text(a));
	struct account account;
	struct arena arena;
	struct entry entry;

	arena_init(&arena, 1u << 20);
	ledger_get(fixture, index + 1, &arena, &entry);
	assert_int_equal(entry.kind, ENTRY_EFFECT);
	assert_int_equal(entry.effect.order_index, index);
	assert_int_equal(entry.link_count, 1);
	assert_int_equal(entry.links[0], 0);
	assert_true(account_get(fixture->txn, &key, &account));
	assert_string_equal(account.name, "Alpha");
	assert_string_equal(account.lists[0], "default");
	assert_int_equal(account.index, index + 1);
	/* Registering again replaces name and lists, and joins the chain. */
	index = ledger_register(fixture, a, "Alpha Two", NULL);
	ledger_get(fixture, index + 1, &arena, &entry);
	assert_int_equal(entry.links[0], index - 1);
	assert_true(account_get(fixture->txn, &key, &account));
	assert_string_equal(account.name, "Alpha Two");
	assert_int_equal(account.list_count, 0);
	arena_done(&arena);
}

static void gives_the_same_bytes_for_the_same_commands(void **state)
{
	struct hash roots[2];

	(void)state;
	for (int run = 0; run < 2; run++) {
		struct ledger_fixture fixture;
		struct record record = ledger_trade("T1", a, b, 1000);
		struct signer *signer;

		ledger_setup(&fixture);
		signer = ledger_license(&fixture, KEY_ED25519, "qddex");
		ledger_register(&fixture, a, "Alpha", "default");
		ledger_push(&fixture, signer, "qddex", leaves, 0, &record, 1);
		roots[run] = frontier_root(&fixture.ledger.head.frontier);
		signer_free(signer);
		ledger_teardown(&fixture);
	}
	assert_memory_equal(&roots[0], &roots[1], sizeof(roots[0]));
}

static void sums_each_month_for_reconciliation(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	struct record records[] = {
	    ledger_trade("T1", a, b, 1000), ledger_trade("T1", a, b, 700), ledger_refund("A1", "T1", 100, 10)};
	struct venue_month sums;

	ledger_push(fixture, signer, "qddex", leaves, 0, records, 3);
	venue_month_get(fixture->txn, 1, month_of_date(20250215), RECORD_TRADE, DISPOSITION_COUNTED, &sums);
	assert_int_equal(sums.records, 1);
	assert_int_equal((uint64_t)sums.amount_fen, 1000);
	venue_month_get(fixture->txn, 1, month_of_date(20250215), RECORD_TRADE, DISPOSITION_DUPLICATE_TRADE, &sums);
	assert_int_equal((uint64_t)sums.amount_fen, 700);
	venue_month_get(fixture->txn, 1, month_of_date(20250320), RECORD_REFUND, DISPOSITION_COUNTED, &sums);
	assert_int_equal((uint64_t)sums.tax_fen, 10);
	signer_free(signer);
}

/* A push may reach over more months than it keeps sums of at a time, and come back to each of them. */
static void sums_up_months_of_a_push_that_jumps_between_many(void **state)
{
	enum { MONTHS = 70, ROUNDS = 3 };
	static char numbers[MONTHS * ROUNDS][12];
	static struct record records[MONTHS * ROUNDS];
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	struct venue_month sums;
	uint64_t all = 0;

	for (unsigned i = 0; i < MONTHS * ROUNDS; i++) {
		unsigned month = i % MONTHS;

		snprintf(numbers[i], sizeof(numbers[i]), "M%u", i);
		records[i] = ledger_trade(numbers[i], a, b, 1000 + month);
		records[i].trade.signed_on = 20180101;
		records[i].trade.settled_on = (2019 + month / 12) * 10000 + (month % 12 + 1) * 100 + 5;
	}
	ledger_push(fixture, signer, "qddex", leaves, 0, records, MONTHS * ROUNDS);
	for (unsigned month = 0; month < MONTHS; month++) {
		venue_month_get(fixture->txn, 1, month_of_date(records[month].trade.settled_on), RECORD_TRADE,
		    DISPOSITION_COUNTED, &sums);
		if (sums.records != ROUNDS || sums.amount_fen != ROUNDS * (1000 + month) ||
		    sums.tax_fen != ROUNDS * ((1000 + month) / 10))
			fail_msg("month %u: %llu records", month, (unsigned long long)sums.records);
		all += sums.records;
	}
	assert_int_equal(all, MONTHS * ROUNDS);
	signer_free(signer);
}

/* A number whose row was changed, so that it leads to none of the trades that there are. */
static void expect_damage(const struct record *records, size_t record_count, uint64_t ahead)
{
	struct ledger_fixture fixture;
	struct ledger_push push = {
	    .venue = "qddex", .records = records, .record_count = record_count, .earlier = leaves};
	struct ingest ingest;
	struct buf body;
	uint64_t first;

	ledger_setup(&fixture);
	push.signer = ledger_license(&fixture, KEY_ED25519, "qddex");
	assert_true(trade_put(fixture.txn, 1, slice_text("T9"), fixture.ledger.head.size + ahead, &first));
	buf_init(&body, PUSH_SIZE_MAX);
	ledger_push_body(&fixture, &push, &body);
	ingest_init(&ingest, "qddex", buf_slice(&body), false);
	assert_int_equal(ingest_decode(&ingest, &fixture.why), OK);
	ledger_stamp_now(&fixture);
	assert_int_equal(ingest_check(&ingest, fixture.txn, &fixture.why), OK);
	(void)fold_push(&fixture.ledger, fixture.txn, &ingest);
	assert_int_equal(store_error(fixture.txn), ERR_DAMAGED);
	ingest_done(&ingest);
	buf_done(&body);
	signer_free(push.signer);
	ledger_teardown(&fixture);
}

static void stops_at_a_number_that_leads_nowhere(void **state)
{
	const struct record duplicate[] = {ledger_refund("A1", "T1", 1, 0), ledger_trade("T9", a, b, 100)};
	const struct record refund[] = {ledger_refund("A1", "T1", 1, 0), ledger_refund("A2", "T9", 1, 0)};

	(void)state;
	/* To a refund of this push, to the record itself, to its push entry, to what is not there. */
	for (uint64_t ahead = 0; ahead < 4; ahead++) {
		expect_damage(duplicate, 2, ahead);
		expect_damage(refund, 2, ahead);
	}
	expect_damage(duplicate, 2, TREE_SIZE_MAX / 2);
	expect_damage(refund, 2, TREE_SIZE_MAX / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(gives_each_record_its_disposition, setup, teardown),
	    cmocka_unit_test_setup_teardown(links_each_party_to_its_entry_before, setup, teardown),
	    cmocka_unit_test_setup_teardown(files_trades_and_refunds_in_cells, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_to_count_what_overflows_a_party, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_numbers_apart_between_venues, setup, teardown),
	    cmocka_unit_test_setup_teardown(relates_past_and_coming_trades, setup, teardown),
	    cmocka_unit_test_setup_teardown(writes_an_effect_for_each_item, setup, teardown),
	    cmocka_unit_test_setup_teardown(gives_the_same_bytes_for_the_same_commands, setup, teardown),
	    cmocka_unit_test_setup_teardown(sums_each_month_for_reconciliation, setup, teardown),
	    cmocka_unit_test_setup_teardown(sums_up_months_of_a_push_that_jumps_between_many, setup, teardown),
	    cmocka_unit_test_setup_teardown(stops_at_a_number_that_leads_nowhere, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

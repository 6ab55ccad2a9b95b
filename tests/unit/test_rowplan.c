/* The row plan of a push: each party and each cell once and in order, every trade on both its sides. */
#define LEDGER_PUSH_RECORDS 400
#include "feed_fixture.h"

#include "daemon/history.h"

#define SEEDS 6

static int compare_cell_keys(const struct cell_key *a, const struct cell_key *b)
{
	const unsigned left[] = {a->signed_month, a->side, (unsigned)a->product_kind, a->flags};
	const unsigned right[] = {b->signed_month, b->side, (unsigned)b->product_kind, b->flags};
	int order = a->settled_month - b->settled_month;

	if (order == 0)
		order = memcmp(a->code.text, b->code.text, USCI_SIZE);
	for (size_t i = 0; order == 0 && i < 4; i++)
		order = (left[i] > right[i]) - (left[i] < right[i]);
	return order;
}

/* The same by way of what files a trade by itself. */
static void expect_cell(const struct record *records, const struct rowplan *plan, const struct rowplan_cell *cell)
{
	const struct touched untouched = {0};
	struct cell_sums all = {0}, sums, again;
	struct cell_key key;

	assert_true(cell->share_count > 0);
	for (size_t i = 0; i < cell->share_count; i++) {
		const struct trade *trade = &records[plan->shares[cell->first_share + i]].trade;
		const struct policy_fact fact = life_fact(trade, NULL, cell->key.side, false, &untouched);
		struct code code = code_of(cell->key.side == SIDE_SUPPLIER ? trade->supplier : trade->buyer);

		cell_of_fact(&fact, &code, 0, &key, &sums);
		assert_int_equal(compare_cell_keys(&key, &cell->key), 0);
		assert_int_equal(key.venue_number, cell->key.venue_number);
		rowplan_sums(trade, &again);
		assert_memory_equal(&again, &sums, sizeof(sums));
		assert_true(cell_sums_combine(&all, &sums, false));
	}
	assert_memory_equal(&all, &cell->sums, sizeof(all));
}

static void expect_plan(const struct record *records, size_t count, const struct rowplan *plan)
{
	size_t trade_count = 0, share_count = 0, place;

	for (size_t i = 0; i < plan->code_count; i++) {
		assert_true(i == 0 || memcmp(plan->codes[i - 1].text, plan->codes[i].text, USCI_SIZE) < 0);
		assert_true(rowplan_find(plan, &plan->codes[i], &place));
		assert_int_equal(place, i);
	}
	for (size_t i = 0; i < count; i++) {
		const struct rowplan_parties *parties = &plan->parties[i];

		if (records[i].kind != RECORD_TRADE)
			continue;
		trade_count++;
		assert_true(slice_equal(code_slice(&plan->codes[parties->supplier]), records[i].trade.supplier));
		assert_true(slice_equal(code_slice(&plan->codes[parties->buyer]), records[i].trade.buyer));
	}
	for (size_t i = 0; i < plan->cell_count; i++) {
		assert_true(i == 0 || compare_cell_keys(&plan->cells[i - 1].key, &plan->cells[i].key) < 0);
		assert_int_equal(plan->cells[i].first_share, share_count);
		expect_cell(records, plan, &plan->cells[i]);
		share_count += plan->cells[i].share_count;
	}
	/* With cells that differ in their side, each trade is in one of either side. */
	assert_int_equal(share_count, 2 * trade_count);
}

static void plans_whatever_comes(void **state)
{
	static struct record records[LEDGER_PUSH_RECORDS];
	struct arena arena;
	struct rowplan plan;

	(void)state;
	arena_init(&arena, 8u << 20);
	for (uint32_t seed = 1; seed <= SEEDS; seed++) {
		uint32_t numbers = seed;

		for (size_t count = 0; count <= LEDGER_PUSH_RECORDS; count += count < 4 ? 1 : 66) {
			arena_reset(&arena);
			for (size_t i = 0; i < count; i++)
				records[i] = draw(&numbers, 10) == 0 ? ledger_refund("A1", "T1", 10, 1)
								     : any_trade(&numbers, "T1");
			assert_int_equal(rowplan_make(records, count, &arena, &plan), OK);
			expect_plan(records, count, &plan);
		}
	}
	arena_done(&arena);
}

static void finds_no_party_that_has_no_trade(void **state)
{
	struct record records[] = {ledger_trade("T1", firms[3], firms[5], 1), ledger_refund("A1", "T1", 1, 0)};
	struct arena arena;
	struct rowplan plan;
	size_t place;

	(void)state;
	arena_init(&arena, 1u << 20);
	assert_int_equal(rowplan_make(records, 2, &arena, &plan), OK);
	for (unsigned i = 0; i < FIRMS; i++) {
		struct code code = code_of(slice_text(firms[i]));

		assert_int_equal(rowplan_find(&plan, &code, &place), i == 3 || i == 5);
	}
	assert_int_equal(rowplan_make(records + 1, 1, &arena, &plan), OK);
	assert_int_equal(plan.code_count + plan.cell_count, 0);
	arena_done(&arena);
}

/* The largest push: nobody meets twice, and every amount is the largest. */
static void plans_the_largest_push(void **state)
{
	struct record *records = calloc(PUSH_RECORDS_MAX, sizeof(*records));
	char(*codes)[USCI_SIZE + 1] = calloc(2 * PUSH_RECORDS_MAX, USCI_SIZE + 1);
	struct arena arena;
	struct rowplan plan;

	(void)state;
	assert_non_null(records);
	assert_non_null(codes);
	for (size_t i = 0; i < PUSH_RECORDS_MAX; i++) {
		snprintf(codes[2 * i], USCI_SIZE + 1, "S%017zu", i);
		snprintf(codes[2 * i + 1], USCI_SIZE + 1, "B%017zu", i);
		records[i] = ledger_trade("T", codes[2 * i], codes[2 * i + 1], AMOUNT_FEN_MAX);
	}
	arena_init(&arena, PUSH_ARENA_MAX);
	assert_int_equal(rowplan_make(records, PUSH_RECORDS_MAX, &arena, &plan), OK);
	assert_int_equal(plan.code_count, 2 * PUSH_RECORDS_MAX);
	assert_int_equal(plan.cell_count, 2 * PUSH_RECORDS_MAX);
	expect_plan(records, PUSH_RECORDS_MAX, &plan);
	/* And all of them between the same two. */
	arena_reset(&arena);
	for (size_t i = 0; i < PUSH_RECORDS_MAX; i++)
		records[i] = ledger_trade("T", codes[0], codes[1], AMOUNT_FEN_MAX);
	assert_int_equal(rowplan_make(records, PUSH_RECORDS_MAX, &arena, &plan), OK);
	assert_int_equal(plan.cell_count, 2);
	assert_true(plan.cells[0].sums.amount_fen == PUSH_RECORDS_MAX * AMOUNT_FEN_MAX);
	expect_plan(records, PUSH_RECORDS_MAX, &plan);
	arena_done(&arena);
	free(codes);
	free(records);
}

static void says_that_memory_is_short(void **state)
{
	struct record records[] = {
	    ledger_trade("T1", firms[3], firms[5], 1), ledger_trade("T2", firms[2], firms[5], 1)};
	struct arena arena;
	struct rowplan plan;
	size_t refused = 0;

	(void)state;
	for (size_t max = 0; max < 4096; max += 16) {
		enum err err;

		arena_init(&arena, max);
		err = rowplan_make(records, 2, &arena, &plan);
		assert_true(err == OK || err == ERR_MEMORY);
		refused += err != OK;
		if (err == OK)
			expect_plan(records, 2, &plan);
		arena_done(&arena);
	}
	assert_in_range(refused, 16, 255);
}

/* ---- the state that comes of it */

/* Two pairs are related, and one firm has traded almost all that a sum can hold. */
static void prepare(struct ledger_fixture *fixture)
{
	struct code code = code_of(slice_text(firms[8]));
	struct party party;
	uint64_t index;

	assert_int_equal(ledger_try_relate(fixture, firms[0], firms[1], &index), OK);
	assert_int_equal(ledger_try_relate(fixture, firms[2], firms[7], &index), OK);
	party_get(fixture->txn, &code, &party);
	party.total_fen = INT64_MAX - 20000;
	party_put(fixture->txn, &code, &party);
}

/* Pushes the records so many at a time, each time with some that are held already. */
static void push_by(struct ledger_fixture *fixture, const struct feed_of_records *feed, size_t step, size_t overlap)
{
	static struct hash leaves[LEDGER_PUSH_RECORDS];
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");

	prepare(fixture);
	for (size_t next = 0; next < LEDGER_PUSH_RECORDS; next += step) {
		size_t start = next < overlap ? next : next - overlap, end = next + step;

		if (end > LEDGER_PUSH_RECORDS)
			end = LEDGER_PUSH_RECORDS;
		ledger_push(fixture, signer, "qddex", leaves, start, feed->records + start, end - start);
	}
	signer_free(signer);
}

/* Cells, which the plan files, against what the chain of entries says. */
static void expect_cells_of_the_chain(struct ledger_fixture *fixture)
{
	uint64_t size = ledger_size(fixture->txn);
	struct history *filed, *walked;

	for (unsigned i = 0; i < FIRMS; i++) {
		struct code code = code_of(slice_text(firms[i]));

		assert_int_equal(history_read(fixture->txn, &code, size, &filed, &fixture->why), OK);
		assert_int_equal(history_read_chain(fixture->txn, &code, size, &walked, &fixture->why), OK);
		assert_true(history_equal(filed, walked));
		history_free(filed);
		history_free(walked);
	}
}

static void expect_same_rows(struct store_txn *a, struct store_txn *b, unsigned db)
{
	struct store_cursor left, right;
	bool is_there;
	size_t count = 0;

	store_cursor_open(&left, a, db);
	store_cursor_open(&right, b, db);
	for (is_there = store_cursor_first(&left), assert_int_equal(store_cursor_first(&right), is_there); is_there;
	     is_there = store_cursor_next(&left), assert_int_equal(store_cursor_next(&right), is_there)) {
		count++;
		assert_true(slice_equal(left.key, right.key));
		assert_true(slice_equal(left.value, right.value));
	}
	assert_true(count > 8);
	store_cursor_close(&left);
	store_cursor_close(&right);
}

static void expect_same_totals(struct store_txn *a, struct store_txn *b)
{
	for (unsigned i = 0; i < FIRMS; i++) {
		struct code code = code_of(slice_text(firms[i]));
		struct party left, right;

		party_get(a, &code, &left);
		party_get(b, &code, &right);
		assert_true(left.total_fen == right.total_fen);
	}
}

/* Whether records come together or one by one, the same is filed. */
static void files_the_same_in_one_push_or_in_many(void **state)
{
	static struct feed_of_records feed;
	static struct ledger_fixture one, many;

	(void)state;
	for (uint32_t seed = 1; seed <= SEEDS; seed++) {
		fill(&feed, seed);
		ledger_setup(&one);
		ledger_setup(&many);
		push_by(&one, &feed, 1, 0);
		push_by(&many, &feed, seed == 1 ? LEDGER_PUSH_RECORDS : 7 * seed, seed);
		expect_same_rows(one.txn, many.txn, STORE_CELLS);
		expect_same_rows(one.txn, many.txn, STORE_VENUE_MONTHS);
		expect_same_totals(one.txn, many.txn);
		expect_cells_of_the_chain(&one);
		ledger_teardown(&one);
		ledger_teardown(&many);
	}
}

/* A number that is taken says nothing of the parties that it now comes with. */
static void knows_nobody_by_a_duplicate(void **state)
{
	static struct ledger_fixture fixture;
	static struct hash leaves[LEDGER_PUSH_RECORDS];
	struct record records[] = {
	    ledger_trade("T1", firms[0], firms[1], 1), ledger_trade("T1", firms[2], firms[3], 1)};
	struct signer *signer;
	struct slice row;

	(void)state;
	ledger_setup(&fixture);
	signer = ledger_license(&fixture, KEY_ED25519, "qddex");
	ledger_push(&fixture, signer, "qddex", leaves, 0, records, 2);
	for (unsigned i = 0; i < FIRMS; i++)
		assert_int_equal(store_get(fixture.txn, STORE_HEADS, slice_text(firms[i]), &row), i < 2);
	signer_free(signer);
	ledger_teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plans_whatever_comes),
	    cmocka_unit_test(finds_no_party_that_has_no_trade),
	    cmocka_unit_test(plans_the_largest_push),
	    cmocka_unit_test(says_that_memory_is_short),
	    cmocka_unit_test(files_the_same_in_one_push_or_in_many),
	    cmocka_unit_test(knows_nobody_by_a_duplicate),
	};
	return cmocka_run_group_tests(tests, set_firms, NULL);
}

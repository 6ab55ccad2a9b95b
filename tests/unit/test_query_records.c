/* A venue's own records back: the very bytes, page by page, within each bound of a page. */
#include "tests/unit/query_fixture.h"

static json_t *records_of(struct store_txn *txn, unsigned venue_number, struct records_query query)
{
	struct venue venue = venue_of(txn, venue_number);
	struct why why = {0};
	json_t *answer;

	if (query_records(txn, &venue, &query, &answer, &why) != OK)
		fail_msg("%s", why.text);
	return answer;
}

static void gives_records_back_page_by_page(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	static const char *const numbers[] = {"'T1'", "'T2'", "'T1'", "'T3'", "'R1'", "'R2'"};
	static const uint64_t indexes[] = {8, 10, 14, 15, 17, 21};

	(void)state;
	for (size_t limit = 1; limit <= 7; limit++) {
		struct records_query query = {.limit = limit};
		size_t seen = 0;

		for (bool has_more = true; has_more;) {
			json_t *answer = records_of(txn, 0, query), *rows = json_object_get(answer, "records");
			const json_t *next = json_object_get(answer, "next");

			assert_true(json_array_size(rows) > 0 && json_array_size(rows) <= limit);
			for (size_t i = 0; i < json_array_size(rows); i++, seen++) {
				json_t *row = json_array_get(rows, i);

				expect(row, "number", numbers[seen]);
				assert_int_equal(json_integer_value(json_object_get(row, "feed_index")), seen);
				assert_int_equal(json_integer_value(json_object_get(row, "index")), indexes[seen]);
			}
			has_more = !json_is_null(next);
			query.from = (uint64_t)json_integer_value(next);
			json_decref(answer);
		}
		assert_int_equal(seen, 6);
	}
	store_abort(txn);
	world_free(world);
}

static void gives_the_very_bytes_of_a_record(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct record record = {.kind = RECORD_TRADE, .trade = plain("T2", A, A, 1000)};
	struct records_query query = {.from = 1, .limit = 1};
	struct buf bytes, text;
	json_t *answer = records_of(txn, 0, query);

	(void)state;
	buf_init(&bytes, RECORD_SIZE_MAX);
	buf_init(&text, 2 * RECORD_SIZE_MAX);
	assert_int_equal(record_encode(&record, &bytes), OK);
	base64_add(&text, buf_slice(&bytes));
	assert_string_equal(json_string_value(at_path(answer, "records.0.record")), buf_text(&text));
	expect(answer, "records.0.disposition", "'self_trade'");
	assert_string_equal(
	    json_string_value(at_path(answer, "records.0.reason")), disposition_sentence(DISPOSITION_SELF_TRADE));
	expect(answer, "records.0.refers", "null");
	expect(answer, "size", "6");
	json_decref(answer);
	buf_done(&bytes);
	buf_done(&text);
	store_abort(txn);
	world_free(world);
}

static void gives_only_what_does_not_count(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	json_t *answer = records_of(txn, 0, (struct records_query){.limit = 10, .is_not_counted_only = true});

	(void)state;
	assert_int_equal(json_array_size(at_path(answer, "records")), 3);
	expect(answer, "records.0.feed_index", "1");
	expect(answer, "records.1.feed_index", "2");
	expect(answer, "records.1.refers", "8");
	expect(answer, "records.2.feed_index", "5");
	expect(answer, "next", "null");
	json_decref(answer);
	answer = records_of(txn, 1, (struct records_query){.limit = 10, .is_not_counted_only = true});
	expect(answer, "records", "[]");
	expect(answer, "next", "null");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

static void refuses_records_that_are_not_there(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct venue venue = venue_of(txn, 0);
	struct records_query beyond = {.from = 7, .limit = 1}, end = {.from = 6, .limit = 1},
			     generation = {.generation = 2, .limit = 1};
	struct why why;
	json_t *answer;

	(void)state;
	assert_int_equal(query_records(txn, &venue, &beyond, &answer, &why), ERR_BAD_REQUEST);
	assert_int_equal(query_records(txn, &venue, &generation, &answer, &why), ERR_NOT_FOUND);
	assert_int_equal(query_records(txn, &venue, &end, &answer, &why), OK);
	expect(answer, "records", "[]");
	expect(answer, "next", "null");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

static size_t size_of_base64(const char *text)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	size_t size;

	assert_int_equal(base64_parse(slice_text(text), bytes, sizeof(bytes), &size), OK);
	return size;
}

/* The page ends before the record that would make it larger than it may be, and the next one begins there. */
static void bounds_a_page_of_records_by_bytes(void **state)
{
	char name[PRODUCT_NAME_SIZE_MAX + 1], contract[CONTRACT_NO_SIZE_MAX + 1], trade_no[16];
	struct world *world = make_world();
	struct store_txn *txn;
	json_t *answer, *rows;
	size_t seen = 0, pages = 0;

	(void)state;
	memset(name, 'n', PRODUCT_NAME_SIZE_MAX);
	memset(contract, 'c', CONTRACT_NO_SIZE_MAX);
	name[PRODUCT_NAME_SIZE_MAX] = contract[CONTRACT_NO_SIZE_MAX] = '\0';
	for (unsigned i = 0; i < 3000; i++) {
		struct trade trade;

		snprintf(trade_no, sizeof(trade_no), "big-%04u", i);
		trade = world_trade(trade_no, A, B, WORLD_YUAN(1));
		trade.product_name = slice_text(name);
		trade.contract_no = slice_text(contract);
		world_add_trade(world, trade);
	}
	world_push(world, 0);
	txn = world_read(world);
	for (struct records_query query = {.limit = 10000}; seen < 3006; pages++) {
		size_t bytes = 0;

		answer = records_of(txn, 0, query);
		rows = json_object_get(answer, "records");
		assert_true(json_array_size(rows) > 0);
		for (size_t i = 0; i < json_array_size(rows); i++, seen++) {
			const json_t *row = json_array_get(rows, i);

			assert_int_equal(json_integer_value(json_object_get(row, "feed_index")), seen);
			bytes += size_of_base64(json_string_value(json_object_get(row, "record")));
		}
		assert_true(bytes <= RECORDS_PAGE_SIZE_MAX);
		query.from = (uint64_t)json_integer_value(json_object_get(answer, "next"));
		json_decref(answer);
	}
	assert_int_equal(seen, 3006);
	assert_true(pages > 1);
	store_abort(txn);
	world_free(world);
}

/* A page looks at so many entries and no more; where they hold nothing to show, it says where to go on. */
static void bounds_what_one_page_looks_at(void **state)
{
	struct world *world = world_new();
	struct records_query query = {.limit = PAGE_ROWS_MAX, .is_not_counted_only = true};
	const size_t pushes = PUSH_RECORDS_MAX / WORLD_RECORDS_MAX + 1;
	size_t seen = 0, pages = 0;
	struct store_txn *txn;
	char trade_no[32];

	(void)state;
	world_license(world, 0);
	for (size_t push = 0; push < pushes; push++) {
		for (size_t i = 0; i < WORLD_RECORDS_MAX; i++) {
			snprintf(trade_no, sizeof(trade_no), "P%zu-%zu", push, i);
			/* The last of each push is a self-trade. */
			world_add_trade(world, plain(trade_no, A, i + 1 < WORLD_RECORDS_MAX ? B : A, 1));
		}
		world_push(world, 0);
	}
	txn = world_read(world);
	for (bool has_more = true; has_more; pages++) {
		json_t *answer = records_of(txn, 0, query);

		seen += json_array_size(at_path(answer, "records"));
		has_more = !json_is_null(at_path(answer, "next"));
		query.from = (uint64_t)json_integer_value(at_path(answer, "next"));
		json_decref(answer);
	}
	assert_int_equal(seen, pushes);
	assert_int_equal(pages, 2);
	store_abort(txn);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_records_back_page_by_page),
	    cmocka_unit_test(gives_the_very_bytes_of_a_record),
	    cmocka_unit_test(gives_only_what_does_not_count),
	    cmocka_unit_test(refuses_records_that_are_not_there),
	    cmocka_unit_test(bounds_a_page_of_records_by_bytes),
	    cmocka_unit_test(bounds_what_one_page_looks_at),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

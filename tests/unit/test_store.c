/* Values, sticky transactions, cursors, and the venues' databases. */
#include "store_fixture.h"

static void keeps_values_over_commit_and_reopening(void **state)
{
	struct place *place = *state;

	begin(place);
	put(place, STORE_META, "a", "1");
	put(place, STORE_CELLS, "a", "2");
	assert_string_equal(value_of(place->txn, STORE_META, "a"), "1");
	commit(place);
	close_store(place);
	assert_int_equal(open_at(place, MAP_SIZE, STORE_OPEN), OK);
	assert_int_equal(store_read(place->store, &place->txn), OK);
	assert_string_equal(value_of(place->txn, STORE_META, "a"), "1");
	assert_string_equal(value_of(place->txn, STORE_CELLS, "a"), "2");
	assert_string_equal(value_of(place->txn, STORE_HEADS, "a"), "");
	assert_string_equal(value_of(place->txn, STORE_META, "b"), "");
	assert_int_equal(store_error(place->txn), OK);
}

static void sticks_to_the_first_error(void **state)
{
	struct place *place = *state;
	struct store_cursor cursor, earlier;
	struct slice value;

	begin(place);
	put(place, STORE_META, "a", "1");
	commit(place);
	begin(place);
	put(place, STORE_META, "b", "2");
	store_cursor_open(&earlier, place->txn, STORE_META);
	store_fail(place->txn, ERR_DAMAGED);
	store_fail(place->txn, ERR_MEMORY);
	assert_int_equal(store_error(place->txn), ERR_DAMAGED);
	assert_false(store_get(place->txn, STORE_META, slice_text("a"), &value));
	put(place, STORE_META, "c", "3");
	store_append(place->txn, STORE_META, slice_text("d"), slice_text("4"));
	store_delete(place->txn, STORE_META, slice_text("a"));
	store_create_trades(place->txn, 1);
	store_create_trades(place->txn, 2); /* whatever number: it makes nothing */
	assert_false(store_has_db(place->txn, STORE_TRADES + 1));
	assert_false(store_cursor_first(&earlier));
	store_cursor_close(&earlier);
	store_cursor_open(&cursor, place->txn, STORE_META);
	assert_false(store_cursor_first(&cursor));
	assert_false(store_cursor_last(&cursor));
	assert_false(store_cursor_next(&cursor));
	assert_false(store_cursor_seek(&cursor, slice_text("a")));
	assert_false(store_cursor_seek_before(&cursor, slice_text("a")));
	store_cursor_close(&cursor);
	assert_int_equal(store_commit(place->txn), ERR_DAMAGED);
	assert_int_equal(store_read(place->store, &place->txn), OK);
	assert_string_equal(value_of(place->txn, STORE_META, "a"), "1");
	assert_string_equal(value_of(place->txn, STORE_META, "b"), "");
	assert_string_equal(value_of(place->txn, STORE_META, "c"), "");
	assert_string_equal(value_of(place->txn, STORE_META, "d"), "");
}

static void reports_a_key_that_lmdb_can_not_hold(void **state)
{
	struct place *place = *state;
	static const uint8_t key[512];

	begin(place);
	store_put(place->txn, STORE_META, slice_of(key, 511), slice_text("1"));
	assert_int_equal(store_error(place->txn), OK);
	store_put(place->txn, STORE_META, slice_of(key, 512), slice_text("1"));
	assert_int_not_equal(store_error(place->txn), OK);
}

static void drops_what_is_aborted(void **state)
{
	struct place *place = *state;

	begin(place);
	put(place, STORE_META, "a", "1");
	store_abort(place->txn);
	store_abort(NULL);
	assert_int_equal(store_read(place->store, &place->txn), OK);
	assert_string_equal(value_of(place->txn, STORE_META, "a"), "");
}

static void shows_readers_what_was_committed_before_they_began(void **state)
{
	struct place *place = *state;
	struct store_txn *reader;

	begin(place);
	put(place, STORE_META, "a", "1");
	assert_int_equal(store_read(place->store, &reader), OK);
	commit(place);
	assert_string_equal(value_of(reader, STORE_META, "a"), "");
	store_abort(reader);
	assert_int_equal(store_read(place->store, &reader), OK);
	assert_string_equal(value_of(reader, STORE_META, "a"), "1");
	store_abort(reader);
}

static void deletes_what_is_there_and_minds_no_absence(void **state)
{
	struct place *place = *state;

	begin(place);
	put(place, STORE_META, "a", "1");
	put(place, STORE_META, "b", "2");
	store_delete(place->txn, STORE_META, slice_text("a"));
	store_delete(place->txn, STORE_META, slice_text("nothing"));
	assert_string_equal(value_of(place->txn, STORE_META, "a"), "");
	assert_string_equal(value_of(place->txn, STORE_META, "b"), "2");
	assert_int_equal(store_error(place->txn), OK);
}

static void appends_in_any_order(void **state)
{
	static const char *const rows[][2] = {{"b", "1"}, {"c", "2"}, {"a", "3"}, {"c", "4"}, {"b", "5"}, {"d", "6"}};
	struct place *place = *state;

	begin(place);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		store_append(place->txn, STORE_META, slice_text(rows[i][0]), slice_text(rows[i][1]));
		if (strcmp(value_of(place->txn, STORE_META, rows[i][0]), rows[i][1]) != 0)
			fail_msg("row %zu: %s", i, err_name(store_error(place->txn)));
	}
	assert_string_equal(value_of(place->txn, STORE_META, "a"), "3");
	assert_string_equal(value_of(place->txn, STORE_META, "b"), "5");
}

static void expect_at(const struct store_cursor *cursor, bool is_there, const char *key, const char *what)
{
	if (is_there != (key != NULL) || (is_there && !slice_equal(cursor->key, slice_text(key))))
		fail_msg("%s: is %s", what, is_there ? "elsewhere" : "nowhere");
	if (is_there)
		assert_int_equal(cursor->value.data[0], cursor->key.data[0] + 1);
}

static void seeks_from_either_side(void **state)
{
	static const struct {
		const char *key, *at, *before;
	} rows[] = {{"a", "b", NULL}, {"b", "b", "b"}, {"c", "d", "b"}, {"d", "d", "d"}, {"d0", "f", "d"},
	    {"e", "f", "d"}, {"f", "f", "f"}, {"g", NULL, "f"}};
	struct place *place = *state;
	struct store_cursor cursor, empty;

	begin(place);
	put(place, STORE_CELLS, "d", "e");
	put(place, STORE_CELLS, "b", "c");
	put(place, STORE_CELLS, "f", "g");
	put(place, STORE_HEADS, "c", "x"); /* a neighbour's rows are none of this cursor's */
	store_cursor_open(&cursor, place->txn, STORE_CELLS);
	store_cursor_open(&empty, place->txn, STORE_GRANTS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect_at(&cursor, store_cursor_seek(&cursor, slice_text(rows[i].key)), rows[i].at, rows[i].key);
		expect_at(
		    &cursor, store_cursor_seek_before(&cursor, slice_text(rows[i].key)), rows[i].before, rows[i].key);
		assert_false(store_cursor_seek(&empty, slice_text(rows[i].key)));
		assert_false(store_cursor_seek_before(&empty, slice_text(rows[i].key)));
	}
	expect_at(&cursor, store_cursor_first(&cursor), "b", "first");
	expect_at(&cursor, store_cursor_previous(&cursor), NULL, "before the first");
	expect_at(&cursor, store_cursor_first(&cursor), "b", "first");
	expect_at(&cursor, store_cursor_next(&cursor), "d", "second");
	expect_at(&cursor, store_cursor_next(&cursor), "f", "third");
	expect_at(&cursor, store_cursor_next(&cursor), NULL, "behind the last");
	expect_at(&cursor, store_cursor_last(&cursor), "f", "last");
	expect_at(&cursor, store_cursor_previous(&cursor), "d", "last but one");
	assert_false(store_cursor_first(&empty));
	assert_false(store_cursor_last(&empty));
	assert_int_equal(store_error(place->txn), OK);
	store_cursor_close(&cursor);
	store_cursor_close(&empty);
	store_cursor_close(&empty); /* twice does no harm */
}

static void shows_a_venues_database_after_its_commit_only(void **state)
{
	struct place *place = *state;
	struct store_txn *before, *during, *after;
	struct store_cursor cursor;

	assert_int_equal(store_read(place->store, &before), OK);
	begin(place);
	assert_false(store_has_db(place->txn, STORE_TRADES + 1));
	store_create_trades(place->txn, 1);
	assert_true(store_has_db(place->txn, STORE_TRADES + 1));
	put(place, STORE_TRADES + 1, "T1", "7");
	assert_string_equal(value_of(place->txn, STORE_TRADES + 1, "T1"), "7");
	assert_int_equal(store_read(place->store, &during), OK);
	commit(place);
	assert_int_equal(store_read(place->store, &after), OK);
	assert_false(store_has_db(before, STORE_TRADES + 1));
	assert_false(store_has_db(during, STORE_TRADES + 1));
	assert_string_equal(value_of(before, STORE_TRADES + 1, "T1"), "");
	store_cursor_open(&cursor, during, STORE_TRADES + 1);
	assert_false(store_cursor_first(&cursor));
	store_cursor_close(&cursor);
	assert_int_equal(store_error(during), OK);
	assert_true(store_has_db(after, STORE_TRADES + 1));
	assert_false(store_has_db(after, STORE_TRADES + 2));
	assert_false(store_has_db(after, STORE_TRADES));
	assert_true(store_has_db(after, STORE_FIXED_COUNT - 1));
	assert_string_equal(value_of(after, STORE_TRADES + 1, "T1"), "7");
	store_abort(before);
	store_abort(during);
	store_abort(after);
}

static void forgets_a_venues_database_that_was_aborted(void **state)
{
	struct place *place = *state;

	begin(place);
	store_create_trades(place->txn, 1);
	put(place, STORE_TRADES + 1, "T1", "7");
	store_abort(place->txn);
	begin(place);
	assert_false(store_has_db(place->txn, STORE_TRADES + 1));
	store_create_trades(place->txn, 1);
	store_create_trades(place->txn, 2);
	assert_string_equal(value_of(place->txn, STORE_TRADES + 1, "T1"), "");
	put(place, STORE_TRADES + 1, "T1", "8");
	put(place, STORE_TRADES + 2, "T1", "9");
	commit(place);
	close_store(place);
	assert_int_equal(open_at(place, MAP_SIZE, STORE_OPEN), OK);
	assert_int_equal(store_read(place->store, &place->txn), OK);
	assert_string_equal(value_of(place->txn, STORE_TRADES + 1, "T1"), "8");
	assert_string_equal(value_of(place->txn, STORE_TRADES + 2, "T1"), "9");
	assert_false(store_has_db(place->txn, STORE_TRADES + 3));
}

/* Entries of another store: they are read there, never written, and what is wrong with them is this one's error, too. */
static void borrows_the_entries_of_another(void **state)
{
	struct place *place = *state, *lender;
	void *other;

	assert_int_equal(setup(&other), 0);
	lender = other;
	begin(lender);
	put(lender, STORE_ENTRIES, "a", "lent");
	put(lender, STORE_META, "a", "not lent");
	begin(place);
	store_borrow_entries(place->txn, lender->txn);
	assert_string_equal(value_of(place->txn, STORE_ENTRIES, "a"), "lent");
	assert_string_equal(value_of(place->txn, STORE_META, "a"), "");
	store_append(place->txn, STORE_ENTRIES, slice_text("b"), slice_text("dropped"));
	assert_string_equal(value_of(place->txn, STORE_ENTRIES, "b"), "");
	assert_int_equal(store_error(place->txn), OK);
	store_fail(lender->txn, ERR_DAMAGED);
	assert_string_equal(value_of(place->txn, STORE_META, "a"), "");
	assert_int_equal(store_error(place->txn), OK);
	assert_string_equal(value_of(place->txn, STORE_ENTRIES, "a"), "");
	assert_int_equal(store_error(place->txn), ERR_DAMAGED);
	store_abort(place->txn);
	place->txn = NULL;
	assert_int_equal(teardown(&other), 0);
}

static void names_its_databases(void **state)
{
	char name[24];

	(void)state;
	store_db_name(STORE_META, name);
	assert_string_equal(name, "meta");
	store_db_name(STORE_VENUE_MONTHS, name);
	assert_string_equal(name, "venue_months");
	store_db_name(STORE_TRADES + 3, name);
	assert_string_equal(name, "trades.3");
	store_db_name(STORE_DB_COUNT - 1, name);
	assert_string_equal(name, "trades.1023");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(keeps_values_over_commit_and_reopening, setup, teardown),
	    cmocka_unit_test_setup_teardown(sticks_to_the_first_error, setup, teardown),
	    cmocka_unit_test_setup_teardown(reports_a_key_that_lmdb_can_not_hold, setup, teardown),
	    cmocka_unit_test_setup_teardown(drops_what_is_aborted, setup, teardown),
	    cmocka_unit_test_setup_teardown(shows_readers_what_was_committed_before_they_began, setup, teardown),
	    cmocka_unit_test_setup_teardown(deletes_what_is_there_and_minds_no_absence, setup, teardown),
	    cmocka_unit_test_setup_teardown(appends_in_any_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(seeks_from_either_side, setup, teardown),
	    cmocka_unit_test_setup_teardown(shows_a_venues_database_after_its_commit_only, setup, teardown),
	    cmocka_unit_test_setup_teardown(forgets_a_venues_database_that_was_aborted, setup, teardown),
	    cmocka_unit_test_setup_teardown(borrows_the_entries_of_another, setup, teardown),
	    cmocka_unit_test(names_its_databases),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

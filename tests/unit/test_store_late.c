/* Cells that a commit leaves in memory: until a later one stores them, or until they are lost and the store says so. */
#define MAP_SIZE (1u << 30)
#include "store_fixture.h"

#include "proto/limits.h"

#define LARGE (1u << 20)

static void expect_stored(struct place *place, unsigned db, const char *key, const char *value)
{
	struct store_txn *txn;

	assert_int_equal(store_read(place->store, &txn), OK);
	assert_string_equal(value_of(txn, db, key), value);
	store_abort(txn);
}

static void leave(struct place *place)
{
	assert_true(store_leave_cells(place->txn));
	commit(place);
}

/* A commit of this cell alone, which leaves it. */
static void leave_cell(struct place *place, const char *key, const char *value)
{
	begin(place);
	put(place, STORE_CELLS, key, value);
	leave(place);
}

static void expect_left(struct place *place, bool is_left)
{
	assert_int_equal(store_has_left_cells(place->txn), is_left);
}

static void puts_many(struct place *place, unsigned db, size_t count)
{
	struct slice large = slice_of(calloc(1, LARGE), LARGE);
	char key[24];

	for (size_t i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "k%zu", i);
		store_put(place->txn, db, slice_text(key), large);
	}
	free((void *)(uintptr_t)large.data);
	assert_int_equal(store_error(place->txn), OK);
}

static void leaves_cells_and_nothing_else(void **state)
{
	struct place *place = *state;

	begin(place);
	expect_left(place, false);
	put(place, STORE_CELLS, "c", "1");
	put(place, STORE_HEADS, "h", "1");
	put(place, STORE_TOUCHED, "t", "1");
	put(place, STORE_VENUE_MONTHS, "v", "1");
	put(place, STORE_META, "m", "1");
	leave(place);
	expect_stored(place, STORE_CELLS, "c", "");
	expect_stored(place, STORE_HEADS, "h", "1");
	expect_stored(place, STORE_TOUCHED, "t", "1");
	expect_stored(place, STORE_VENUE_MONTHS, "v", "1");
	expect_stored(place, STORE_META, "m", "1");
	/* The writer goes on with what it left. */
	begin(place);
	expect_left(place, true);
	assert_string_equal(value_of(place->txn, STORE_CELLS, "c"), "1");
	put(place, STORE_CELLS, "c", "2");
	put(place, STORE_CELLS, "d", "1");
	leave(place);
	expect_stored(place, STORE_CELLS, "c", "");
	/* A commit that is told nothing writes them all. */
	begin(place);
	expect_left(place, true);
	put(place, STORE_CELLS, "e", "1");
	commit(place);
	expect_stored(place, STORE_CELLS, "c", "2");
	expect_stored(place, STORE_CELLS, "d", "1");
	expect_stored(place, STORE_CELLS, "e", "1");
	begin(place);
	expect_left(place, false);
	store_abort(place->txn);
	place->txn = NULL;
}

/* Cells are either all left or all stored. */
static void refuses_where_some_are_written(void **state)
{
	struct place *place = *state;
	struct store_cursor cursor;

	leave_cell(place, "c", "1");
	begin(place);
	put(place, STORE_CELLS, "d", "1");
	store_cursor_open(&cursor, place->txn, STORE_HEADS);
	store_cursor_close(&cursor);
	put(place, STORE_CELLS, "e", "1");
	assert_false(store_leave_cells(place->txn));
	commit(place);
	expect_stored(place, STORE_CELLS, "c", "1");
	expect_stored(place, STORE_CELLS, "d", "1");
	expect_stored(place, STORE_CELLS, "e", "1");
	begin(place);
	expect_left(place, false);
	/* Where memory was full in between they are written, too. */
	put(place, STORE_CELLS, "c", "2");
	leave(place);
	begin(place);
	puts_many(place, STORE_HEADS, STORE_OVERLAY_MAX / LARGE + 1);
	assert_false(store_leave_cells(place->txn));
	commit(place);
	expect_stored(place, STORE_CELLS, "c", "2");
}

/* A value may grow by half in its place. */
static void refuses_where_half_of_the_memory_is_taken(void **state)
{
	struct place *place = *state;
	size_t half = STORE_OVERLAY_MAX / 2 / (LARGE + LARGE / 2);

	begin(place);
	put(place, STORE_CELLS, "c", "1");
	puts_many(place, STORE_HEADS, half);
	leave(place);
	expect_stored(place, STORE_CELLS, "c", "");
	begin(place);
	puts_many(place, STORE_HEADS, half + 1);
	put(place, STORE_CELLS, "d", "1");
	assert_false(store_leave_cells(place->txn));
	commit(place);
	expect_stored(place, STORE_CELLS, "c", "1");
	expect_stored(place, STORE_CELLS, "d", "1");
	/* And then there is room again. */
	leave_cell(place, "c", "2");
	expect_stored(place, STORE_CELLS, "c", "1");
}

static void refuses_in_error(void **state)
{
	struct place *place = *state;

	begin(place);
	put(place, STORE_CELLS, "c", "1");
	store_fail(place->txn, ERR_DAMAGED);
	assert_false(store_leave_cells(place->txn));
	assert_int_equal(store_commit(place->txn), ERR_DAMAGED);
	begin(place);
	expect_left(place, false);
	assert_string_equal(value_of(place->txn, STORE_CELLS, "c"), "");
	store_abort(place->txn);
	place->txn = NULL;
}

static void keeps_them_where_a_transaction_changed_nothing(void **state)
{
	struct place *place = *state;

	leave_cell(place, "c", "1");
	begin(place);
	assert_string_equal(value_of(place->txn, STORE_CELLS, "c"), "1");
	assert_string_equal(value_of(place->txn, STORE_HEADS, "none"), "");
	put(place, STORE_META, "m", "1");
	store_abort(place->txn);
	begin(place);
	expect_left(place, true);
	commit(place);
	expect_stored(place, STORE_CELLS, "c", "1");
	expect_stored(place, STORE_META, "m", "");
}

static void forgets_them_where_a_change_was_dropped(void **state)
{
	static const struct {
		unsigned db;
		const char *key;
		bool has_cursor; /* instead: what was left is written, and dropped */
	} rows[] = {{STORE_CELLS, "c", false}, {STORE_CELLS, "d", false}, {STORE_HEADS, "h", false}, {0, NULL, true}};
	struct place *place = *state;
	struct store_cursor cursor;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		leave_cell(place, "c", "1");
		begin(place);
		if (rows[i].has_cursor) {
			store_cursor_open(&cursor, place->txn, STORE_CELLS);
			store_cursor_close(&cursor);
		} else {
			put(place, rows[i].db, rows[i].key, "2");
		}
		store_abort(place->txn);
		begin(place);
		expect_left(place, false);
		assert_string_equal(value_of(place->txn, STORE_CELLS, "c"), "");
		commit(place);
		expect_stored(place, STORE_CELLS, "c", "");
		expect_stored(place, STORE_CELLS, "d", "");
	}
}

static void has_none_after_a_start(void **state)
{
	struct place *place = *state;

	leave_cell(place, "c", "1");
	close_store(place);
	assert_int_equal(open_at(place, MAP_SIZE, STORE_OPEN), OK);
	begin(place);
	expect_left(place, false);
	assert_string_equal(value_of(place->txn, STORE_CELLS, "c"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(leaves_cells_and_nothing_else, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_where_some_are_written, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_where_half_of_the_memory_is_taken, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_in_error, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_them_where_a_transaction_changed_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(forgets_them_where_a_change_was_dropped, setup, teardown),
	    cmocka_unit_test_setup_teardown(has_none_after_a_start, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Rows found once: read and changed in place, also while memory for them runs out, and rows that must be new. */
#define MAP_SIZE (1u << 30)
#include "store_fixture.h"

#include "proto/limits.h"

#define LARGE (1u << 20)

static struct store_row open_row(struct place *place, const char *key)
{
	struct store_row row;

	store_row_open(&row, place->txn, STORE_CELLS, slice_text(key));
	return row;
}

static void write_row(struct store_row *row, const char *text)
{
	uint8_t *bytes = store_row_edit(row, strlen(text));

	assert_non_null(bytes);
	memcpy(bytes, text, strlen(text));
}

static void expect_row(struct store_row *row, const char *text)
{
	struct slice value;

	assert_int_equal(store_row_get(row, &value), text != NULL);
	if (text != NULL)
		assert_true(slice_equal(value, slice_text(text)));
}

static void expect_stored(struct place *place, const char *key, const char *text)
{
	assert_int_equal(store_read(place->store, &place->txn), OK);
	assert_string_equal(value_of(place->txn, STORE_CELLS, key), text != NULL ? text : "");
	store_abort(place->txn);
	place->txn = NULL;
}

static void changes_a_row_in_place(void **state)
{
	struct place *place = *state;
	struct store_row row, same;
	struct slice value;

	begin(place);
	row = open_row(place, "a");
	expect_row(&row, NULL);
	write_row(&row, "one");
	expect_row(&row, "one");
	assert_true(store_get(place->txn, STORE_CELLS, slice_text("a"), &value));
	same = open_row(place, "a");
	expect_row(&same, "one");
	commit(place);
	expect_stored(place, "a", "one");

	/* What was there stays in front; what others do to it is seen. */
	begin(place);
	row = open_row(place, "a");
	memcpy(store_row_edit(&row, 6) + 3, "two", 3);
	expect_row(&row, "onetwo");
	(void)store_row_edit(&row, 2);
	expect_row(&row, "on");
	store_delete(place->txn, STORE_CELLS, slice_text("a"));
	expect_row(&row, NULL);
	write_row(&row, "again");
	commit(place);
	expect_stored(place, "a", "again");
}

/* Other rows take all the memory there is, several times, while one is open. */
static void keeps_a_row_while_memory_is_written_out(void **state)
{
	struct place *place = *state;
	struct slice large = slice_of(calloc(1, LARGE), LARGE);
	char key[16], text[16];
	struct store_row row, other;

	begin(place);
	row = open_row(place, "row");
	other = open_row(place, "other");
	write_row(&other, "quiet");
	for (unsigned i = 0; i < 3 * (STORE_OVERLAY_MAX / LARGE); i++) {
		snprintf(text, sizeof(text), "%u", i);
		write_row(&row, text);
		snprintf(key, sizeof(key), "k%u", i % 8);
		store_delete(place->txn, STORE_CELLS, slice_text(key));
		snprintf(key, sizeof(key), "k%u", (i + 1) % 8);
		store_put(place->txn, STORE_HEADS, slice_text(key), large);
		snprintf(key, sizeof(key), "n%u", i);
		store_put(place->txn, STORE_CELLS, slice_text(key), large);
		store_delete(place->txn, STORE_CELLS, slice_text(key));
		expect_row(&row, text);
	}
	expect_row(&other, "quiet");
	commit(place);
	expect_stored(place, "row", text);
	expect_stored(place, "other", "quiet");
	free((void *)(uintptr_t)large.data);
}

/* One row as large as all the memory is no row that can be edited; store_put takes it. */
static void leaves_a_row_alone_that_memory_does_not_hold(void **state)
{
	struct place *place = *state;
	struct slice large = slice_of(calloc(1, STORE_OVERLAY_MAX), STORE_OVERLAY_MAX), value;
	struct store_row row;

	begin(place);
	row = open_row(place, "a");
	write_row(&row, "small");
	assert_null(store_row_edit(&row, STORE_OVERLAY_MAX));
	assert_int_equal(store_error(place->txn), OK);
	expect_row(&row, "small");
	store_put(place->txn, STORE_CELLS, row.key, large);
	assert_true(store_row_get(&row, &value));
	assert_int_equal(value.size, STORE_OVERLAY_MAX);
	assert_null(store_row_edit(&row, STORE_OVERLAY_MAX - 1));
	store_put(place->txn, STORE_CELLS, row.key, slice_text("small again"));
	expect_row(&row, "small again");
	write_row(&row, "edited");
	commit(place);
	expect_stored(place, "a", "edited");
	free((void *)(uintptr_t)large.data);
}

/* Memory is as the last commit left it: what was dropped is read anew. */
static void forgets_what_was_not_committed(void **state)
{
	struct place *place = *state;
	struct store_row row;

	begin(place);
	row = open_row(place, "a");
	write_row(&row, "one");
	commit(place);
	begin(place);
	row = open_row(place, "a");
	expect_row(&row, "one");
	write_row(&row, "two");
	store_abort(place->txn);
	begin(place);
	row = open_row(place, "a");
	expect_row(&row, "one");
	write_row(&row, "two");
	store_fail(place->txn, ERR_INVALID);
	assert_int_equal(store_commit(place->txn), ERR_INVALID);
	begin(place);
	row = open_row(place, "a");
	expect_row(&row, "one");
	/* Asking for rows is no promise of any. */
	store_row_expect_value(place->txn, store_row_expect(place->txn, STORE_CELLS, slice_text("a")));
	store_row_expect_value(place->txn, store_row_expect(place->txn, STORE_CELLS, slice_text("none")));
	store_delete(place->txn, STORE_CELLS, slice_text("a"));
	commit(place);
	begin(place);
	row = open_row(place, "a");
	expect_row(&row, NULL);
	write_row(&row, "three");
	commit(place);
	expect_stored(place, "a", "three");
}

static void sticks_to_the_transactions_error(void **state)
{
	struct place *place = *state;
	struct store_row row;
	struct slice value = slice_text("v");

	begin(place);
	row = open_row(place, "a");
	write_row(&row, "one");
	store_create_trades(place->txn, 1);
	store_fail(place->txn, ERR_DAMAGED);
	expect_row(&row, NULL);
	assert_null(store_row_edit(&row, 3));
	row = open_row(place, "b");
	expect_row(&row, NULL);
	assert_false(store_put_new(place->txn, STORE_META, slice_text("m"), value, &value));
	assert_int_equal(store_commit(place->txn), ERR_DAMAGED);
	place->txn = NULL;
	expect_stored(place, "a", NULL);
}

static void puts_new_rows_only(void **state)
{
	static const char *const keys[] = {"m", "z", "a", "n", "zz"};
	struct place *place = *state;
	struct slice value;

	begin(place);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_true(store_put_new(place->txn, STORE_ORDERS, slice_text(keys[i]), slice_text(keys[i]), &value));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_false(store_put_new(place->txn, STORE_ORDERS, slice_text(keys[i]), slice_text("other"), &value));
		assert_true(slice_equal(value, slice_text(keys[i])));
		assert_true(store_get(place->txn, STORE_ORDERS, slice_text(keys[i]), &value));
		assert_true(slice_equal(value, slice_text(keys[i])));
	}
	assert_int_equal(store_error(place->txn), OK);
	store_abort(place->txn);
	place->txn = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(changes_a_row_in_place, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_a_row_while_memory_is_written_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(leaves_a_row_alone_that_memory_does_not_hold, setup, teardown),
	    cmocka_unit_test_setup_teardown(forgets_what_was_not_committed, setup, teardown),
	    cmocka_unit_test_setup_teardown(sticks_to_the_transactions_error, setup, teardown),
	    cmocka_unit_test_setup_teardown(puts_new_rows_only, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

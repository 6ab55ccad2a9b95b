/* Rows held back: found again, changed in place, written once and in order, and bounded. */
#include "daemon/overlay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE_MAX_TESTED (1u << 20)
#define LATE_DB 9

static int setup(void **state)
{
	*state = overlay_new(SIZE_MAX_TESTED, LATE_DB);
	return *state == NULL;
}

static int teardown(void **state)
{
	overlay_free(*state);
	return 0;
}

static enum err set(struct overlay *overlay, unsigned db, const char *key, const char *value, bool is_dirty)
{
	struct slice text = slice_text(value == NULL ? "" : value);

	return overlay_set(overlay, db, slice_text(key), value == NULL ? NULL : &text, is_dirty);
}

static void expect_row(struct overlay *overlay, unsigned db, const char *key, const char *value)
{
	const struct overlay_row *row = overlay_find(overlay, db, slice_text(key));

	assert_non_null(row);
	assert_int_equal(row->is_absent, value == NULL);
	if (value != NULL)
		assert_true(slice_equal(row->value, slice_text(value)));
}

/* What was written, as "db:key=value " or "db:key- ". */
static enum err note_row(void *cookie, const struct overlay_row *row)
{
	struct buf *text = cookie;

	buf_printf(text, "%u:%.*s", row->db, (int)row->key.size, (const char *)row->key.data);
	if (row->is_absent)
		buf_add_text(text, "- ");
	else
		buf_printf(text, "=%.*s ", (int)row->value.size, (const char *)row->value.data);
	return OK;
}

static void expect_these_written(struct overlay *overlay, bool with_late, const char *want)
{
	struct buf text;

	buf_init(&text, SIZE_MAX_TESTED);
	assert_int_equal(overlay_write(overlay, with_late, note_row, &text), OK);
	assert_string_equal(buf_text(&text), want);
	buf_done(&text);
}

static void expect_written(struct overlay *overlay, const char *want)
{
	expect_these_written(overlay, true, want);
}

static void finds_what_was_set_by_database_and_key(void **state)
{
	assert_null(overlay_find(*state, 1, slice_text("a")));
	assert_int_equal(set(*state, 1, "a", "one", true), OK);
	assert_int_equal(set(*state, 2, "a", "two", true), OK);
	assert_int_equal(set(*state, 1, "ab", "three", false), OK);
	assert_int_equal(set(*state, 1, "b", NULL, false), OK);
	expect_row(*state, 1, "a", "one");
	expect_row(*state, 2, "a", "two");
	expect_row(*state, 1, "ab", "three");
	expect_row(*state, 1, "b", NULL);
	assert_null(overlay_find(*state, 2, slice_text("ab")));
}

static void writes_dirty_rows_once_and_in_order(void **state)
{
	assert_int_equal(set(*state, 2, "a", "1", true), OK);
	assert_int_equal(set(*state, 1, "b", "2", true), OK);
	assert_int_equal(set(*state, 1, "a", "3", false), OK);
	assert_int_equal(set(*state, 1, "ab", NULL, true), OK);
	assert_int_equal(set(*state, 1, "b", "4", true), OK);
	expect_written(*state, "1:ab- 1:b=4 2:a=1 ");
	expect_written(*state, "");
	expect_row(*state, 1, "b", "4");
	assert_int_equal(set(*state, 1, "a", "5", true), OK);
	expect_written(*state, "1:a=5 ");
}

static void stays_dirty_when_a_clean_value_follows(void **state)
{
	assert_int_equal(set(*state, 1, "a", "1", true), OK);
	assert_int_equal(set(*state, 1, "a", "2", false), OK);
	expect_written(*state, "1:a=2 ");
}

static void grows_and_shrinks_values_and_brings_absent_rows_back(void **state)
{
	char text[2000] = {0};

	for (size_t size = 1; size < sizeof(text); size++) {
		memset(text, 'a' + (int)(size % 26), size);
		assert_int_equal(set(*state, 1, "k", text, true), OK);
		expect_row(*state, 1, "k", text);
	}
	assert_int_equal(set(*state, 1, "k", "x", true), OK);
	expect_row(*state, 1, "k", "x");
	assert_int_equal(set(*state, 1, "k", NULL, true), OK);
	expect_row(*state, 1, "k", NULL);
	assert_int_equal(set(*state, 1, "k", "y", true), OK);
	expect_written(*state, "1:k=y ");
}

static void takes_a_value_of_its_own(void **state)
{
	const struct overlay_row *row;
	struct slice value;

	assert_int_equal(set(*state, 1, "a", "a long value, to be moved within its own row", true), OK);
	row = overlay_find(*state, 1, slice_text("a"));
	value = slice_of(row->value.data + 2, row->value.size - 2);
	assert_int_equal(overlay_set(*state, 1, slice_text("a"), &value, true), OK);
	expect_row(*state, 1, "a", "long value, to be moved within its own row");
}

static void edits_a_row_in_its_place(void **state)
{
	char text[400] = {0};
	struct overlay_row *row;
	uint8_t *bytes;

	assert_int_equal(set(*state, 1, "a", NULL, false), OK);
	row = overlay_find(*state, 1, slice_text("a"));
	for (size_t size = 1; size < sizeof(text); size++) {
		assert_int_equal(overlay_edit(*state, row, size, &bytes), OK);
		bytes[size - 1] = (uint8_t)(text[size - 1] = (char)('a' + size % 26));
		expect_row(*state, 1, "a", text);
	}
	assert_ptr_equal(overlay_find(*state, 1, slice_text("a")), row);
	assert_int_equal(overlay_edit(*state, row, 3, &bytes), OK);
	expect_written(*state, "1:a=bcd ");
	assert_int_equal(overlay_edit(*state, row, SIZE_MAX_TESTED, &bytes), ERR_TOO_LARGE);
	expect_row(*state, 1, "a", "bcd");
	expect_written(*state, "");
	assert_int_equal(overlay_clear_count(*state), 0);
	overlay_clear(*state);
	assert_int_equal(overlay_clear_count(*state), 1);
}

static void holds_many_rows(void **state)
{
	char key[16], value[16];

	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		snprintf(value, sizeof(value), "%d", i * 7);
		assert_int_equal(set(*state, (unsigned)i % 3, key, value, i % 2 == 0), OK);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		snprintf(value, sizeof(value), "%d", i * 7);
		expect_row(*state, (unsigned)i % 3, key, value);
	}
	overlay_clear(*state);
	assert_null(overlay_find(*state, 0, slice_text("key-0")));
	expect_written(*state, "");
}

static void says_when_it_is_full_and_has_changed_nothing_then(void **state)
{
	char key[16];
	uint64_t count = 0;
	enum err err;

	do {
		snprintf(key, sizeof(key), "key-%llu", (unsigned long long)count++);
		err = set(*state, 1, key, "some value of some size, that fills the rows", true);
	} while (err == OK);
	assert_int_equal(err, ERR_TOO_LARGE);
	assert_in_range(count, SIZE_MAX_TESTED / 512, SIZE_MAX_TESTED / 64);
	assert_null(overlay_find(*state, 1, slice_text(key)));
	expect_row(*state, 1, "key-0", "some value of some size, that fills the rows");
	overlay_clear(*state);
	assert_int_equal(set(*state, 1, key, "now", true), OK);
	expect_row(*state, 1, key, "now");
}

/* From one transaction to the next rows stay, as long as they leave room for those to come. */
static void settles_to_half_of_its_memory(void **state)
{
	static char text[SIZE_MAX_TESTED / 8];

	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(set(*state, 1, "a", text, false), OK);
	assert_int_equal(set(*state, 1, "b", text, false), OK);
	assert_int_equal(set(*state, 1, "c", "small", true), OK);
	expect_written(*state, "1:c=small ");
	overlay_settle(*state);
	expect_row(*state, 1, "b", text);
	assert_int_equal(set(*state, 1, "d", text, false), OK);
	overlay_settle(*state);
	assert_null(overlay_find(*state, 1, slice_text("b")));
	assert_null(overlay_find(*state, 1, slice_text("c")));
	assert_int_equal(overlay_clear_count(*state), 1);
}

static void refuses_a_row_larger_than_all(void **state)
{
	uint8_t *bytes = calloc(1, SIZE_MAX_TESTED);
	struct slice value = slice_of(bytes, SIZE_MAX_TESTED);

	assert_non_null(bytes);
	assert_int_equal(overlay_set(*state, 1, slice_text("a"), &value, true), ERR_TOO_LARGE);
	assert_null(overlay_find(*state, 1, slice_text("a")));
	free(bytes);
}

static enum err fail_at_b(void *cookie, const struct overlay_row *row)
{
	(void)cookie;
	return row->key.data[0] == 'b' ? ERR_IO : OK;
}

static void stops_at_the_first_error_and_keeps_the_rest_dirty(void **state)
{
	assert_int_equal(set(*state, 1, "a", "1", true), OK);
	assert_int_equal(set(*state, 1, "b", "2", true), OK);
	assert_int_equal(set(*state, 1, "c", "3", true), OK);
	assert_int_equal(overlay_write(*state, true, fail_at_b, NULL), ERR_IO);
	expect_written(*state, "1:b=2 1:c=3 ");
}

static void leaves_late_rows_until_they_are_asked_for(void **state)
{
	assert_int_equal(set(*state, LATE_DB, "b", "1", true), OK);
	assert_int_equal(set(*state, 1, "z", "2", true), OK);
	assert_int_equal(set(*state, LATE_DB + 1, "a", "3", true), OK);
	expect_these_written(*state, false, "1:z=2 10:a=3 ");
	assert_int_equal(set(*state, LATE_DB, "b", "4", true), OK);
	assert_int_equal(set(*state, LATE_DB, "a", NULL, true), OK);
	assert_int_equal(set(*state, LATE_DB, "c", "clean", false), OK);
	assert_int_equal(set(*state, 1, "z", "5", true), OK);
	expect_these_written(*state, false, "1:z=5 ");
	expect_row(*state, LATE_DB, "b", "4");
	assert_int_equal(set(*state, LATE_DB + 1, "d", "6", true), OK);
	/* Each once, as it is by then, behind all others. */
	expect_written(*state, "10:d=6 9:a- 9:b=4 ");
	expect_written(*state, "");
}

static void keeps_late_rows_behind_an_error(void **state)
{
	assert_int_equal(set(*state, LATE_DB, "a", "1", true), OK);
	assert_int_equal(set(*state, LATE_DB, "b", "2", true), OK);
	assert_int_equal(set(*state, 1, "b", "3", true), OK);
	assert_int_equal(overlay_write(*state, true, fail_at_b, NULL), ERR_IO);
	expect_these_written(*state, false, "1:b=3 ");
	assert_int_equal(overlay_write(*state, true, fail_at_b, NULL), ERR_IO);
	expect_written(*state, "9:b=2 ");
}

/* Late rows that are not written yet are in no database: they are never settled away. */
static void does_not_settle_while_late_rows_are_left(void **state)
{
	static char value[SIZE_MAX_TESTED / 2];
	struct overlay *overlay = *state;

	memset(value, 'v', sizeof(value) - 1);
	assert_int_equal(set(overlay, LATE_DB, "a", "1", true), OK);
	assert_false(overlay_is_half_full(overlay));
	assert_int_equal(set(overlay, 1, "large", value, false), OK);
	assert_true(overlay_is_half_full(overlay));
	overlay_settle(overlay);
	expect_row(overlay, LATE_DB, "a", "1");
	expect_written(overlay, "9:a=1 ");
	overlay_settle(overlay);
	assert_null(overlay_find(overlay, LATE_DB, slice_text("a")));
	assert_false(overlay_is_half_full(overlay));
	/* What is forgotten is not written either. */
	assert_int_equal(set(overlay, LATE_DB, "a", "1", true), OK);
	overlay_clear(overlay);
	expect_written(overlay, "");
}

/* Also of a row that is dirty already; but not where a row is only remembered, written, or forgotten. */
static void counts_changes(void **state)
{
	struct overlay *overlay = *state;
	struct overlay_row *row;
	uint64_t count = overlay_change_count(overlay);
	uint8_t *bytes;

	assert_int_equal(set(overlay, 1, "a", "1", false), OK);
	assert_int_equal(overlay_change_count(overlay), count);
	assert_int_equal(set(overlay, 1, "a", "2", true), OK);
	assert_int_equal(set(overlay, 1, "a", "3", true), OK);
	assert_int_equal(set(overlay, LATE_DB, "a", NULL, true), OK);
	assert_int_equal(overlay_change_count(overlay), count + 3);
	row = overlay_find(overlay, 1, slice_text("a"));
	assert_int_equal(overlay_edit(overlay, row, 1, &bytes), OK);
	assert_int_equal(overlay_change_count(overlay), count + 4);
	expect_written(overlay, "1:a=3 9:a- ");
	overlay_clear(overlay);
	assert_int_equal(overlay_change_count(overlay), count + 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(finds_what_was_set_by_database_and_key, setup, teardown),
	    cmocka_unit_test_setup_teardown(writes_dirty_rows_once_and_in_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(stays_dirty_when_a_clean_value_follows, setup, teardown),
	    cmocka_unit_test_setup_teardown(grows_and_shrinks_values_and_brings_absent_rows_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_a_value_of_its_own, setup, teardown),
	    cmocka_unit_test_setup_teardown(edits_a_row_in_its_place, setup, teardown),
	    cmocka_unit_test_setup_teardown(holds_many_rows, setup, teardown),
	    cmocka_unit_test_setup_teardown(says_when_it_is_full_and_has_changed_nothing_then, setup, teardown),
	    cmocka_unit_test_setup_teardown(settles_to_half_of_its_memory, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_row_larger_than_all, setup, teardown),
	    cmocka_unit_test_setup_teardown(stops_at_the_first_error_and_keeps_the_rest_dirty, setup, teardown),
	    cmocka_unit_test_setup_teardown(leaves_late_rows_until_they_are_asked_for, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_late_rows_behind_an_error, setup, teardown),
	    cmocka_unit_test_setup_teardown(does_not_settle_while_late_rows_are_left, setup, teardown),
	    cmocka_unit_test_setup_teardown(counts_changes, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

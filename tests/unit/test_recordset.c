/* Sets of records: how many of a content, and what a number stands for; also after growing. */
#include "client/recordset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/client_fixture.h"

static struct recordset_key key_of(const char *trade_no, const char *amount)
{
	struct slice record = fixture_record(trade_no, amount);
	struct recordset_key key;

	assert_int_equal(recordset_key_of(record, &key), OK);
	fixture_free(record);
	return key;
}

static void assert_found(
    const struct recordset *set, struct recordset_key key, bool has_number, uint64_t value, uint64_t same_count)
{
	struct recordset_found found = recordset_find(set, &key);

	assert_int_equal(found.has_number, has_number);
	assert_int_equal(found.value, value);
	assert_int_equal(found.same_count, same_count);
}

static void counts_contents_and_keeps_a_numbers_first_value(void **state)
{
	struct recordset_key first = key_of("T-1", "100"), changed = key_of("T-1", "101"), other = key_of("T-2", "100");
	struct recordset set;

	(void)state;
	recordset_init(&set);
	assert_found(&set, first, false, 0, 0);
	assert_int_equal(recordset_add(&set, &first, 7), OK);
	assert_found(&set, first, true, 7, 1);
	assert_found(&set, changed, true, 7, 0);
	assert_found(&set, other, false, 0, 0);
	assert_int_equal(recordset_add(&set, &changed, 8), OK);
	assert_int_equal(recordset_add(&set, &first, 9), OK);
	assert_found(&set, first, true, 7, 2);
	assert_found(&set, changed, true, 7, 1);
	assert_int_equal(recordset_add(&set, &other, 0), OK);
	assert_found(&set, other, true, 0, 1);
	recordset_done(&set);
	assert_found(&set, first, false, 0, 0);
}

static void changes_what_a_number_stands_for(void **state)
{
	struct recordset_key first = key_of("T-1", "100"), changed = key_of("T-1", "101"), other = key_of("T-2", "100");
	struct recordset set;

	(void)state;
	recordset_init(&set);
	assert_int_equal(recordset_add(&set, &first, 1), OK);
	assert_int_equal(recordset_add(&set, &other, 2), OK);
	recordset_change(&set, &changed, 5);
	assert_found(&set, first, true, 5, 1);
	assert_found(&set, other, true, 2, 1);
	recordset_done(&set);
}

static void tells_a_refund_from_a_trade_of_the_same_number(void **state)
{
	struct recordset_key trade = key_of("A-1", "100"), refund;
	struct row row = fixture_row(fixture_refund);
	struct recordset set;
	struct rows rows;

	(void)state;
	rows_init(&rows);
	row_add(&row, &rows);
	assert_int_equal(recordset_key_of(rows_record(&rows, 0), &refund), OK);
	rows_done(&rows);
	recordset_init(&set);
	assert_int_equal(recordset_add(&set, &trade, 1), OK);
	assert_found(&set, refund, false, 0, 0);
	recordset_done(&set);
}

static void knows_no_key_of_what_is_no_record(void **state)
{
	struct recordset_key key;

	(void)state;
	assert_int_not_equal(recordset_key_of(slice_text("garbage"), &key), OK);
}

static void keeps_everything_while_it_grows(void **state)
{
	enum { COUNT = 3000 };
	struct recordset set;

	(void)state;
	recordset_init(&set);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < COUNT; i++) {
			struct recordset_found found;
			struct recordset_key key;
			char number[24];

			(void)snprintf(number, sizeof(number), "T-%u", i);
			key = key_of(number, "100");
			if (round == 0)
				assert_int_equal(recordset_add(&set, &key, i), OK);
			found = recordset_find(&set, &key);
			if (!found.has_number || found.value != i || found.same_count != 1)
				fail_msg("row %u of round %u", i, round);
		}
	}
	recordset_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_contents_and_keeps_a_numbers_first_value),
	    cmocka_unit_test(changes_what_a_number_stands_for),
	    cmocka_unit_test(tells_a_refund_from_a_trade_of_the_same_number),
	    cmocka_unit_test(knows_no_key_of_what_is_no_record),
	    cmocka_unit_test(keeps_everything_while_it_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

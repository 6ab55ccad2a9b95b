/* The rows of one file: as many as may be, and one more. */
#include "client/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/limits.h"

static void holds_so_many_records_of_one_file(void **state)
{
	const struct record record = {.kind = RECORD_REFUND,
	    .refund = {.adjust_no = slice_text("A1"),
		.original_trade_no = slice_text("T1"),
		.amount_fen = 100,
		.occurred_on = 20250307,
		.reason_code = slice_text("quality")}};
	struct rows rows;

	(void)state;
	rows_init(&rows);
	for (uint64_t number = 2; rows.record_count < CSV_ROWS_MAX - 1; number++)
		rows_add(&rows, number, &record);
	assert_int_equal(rows.err, OK);
	rows_add(&rows, CSV_ROWS_MAX + 1, &record);
	assert_int_equal(rows.err, OK);
	assert_int_equal(rows.record_count, CSV_ROWS_MAX);
	assert_int_equal(rows.refunded_fen, 100 * (int64_t)CSV_ROWS_MAX);
	rows_add(&rows, CSV_ROWS_MAX + 2, &record);
	assert_int_equal(rows.err, ERR_TOO_MANY);
	assert_int_equal(rows.record_count, CSV_ROWS_MAX);
	assert_int_equal(rows.refunded_fen, 100 * (int64_t)CSV_ROWS_MAX);
	rows_done(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(holds_so_many_records_of_one_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

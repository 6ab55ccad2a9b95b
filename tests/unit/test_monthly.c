/* Sums by month: every row that was added is in one row and in its totals, and what can't be read is said. */
#include "client/monthly.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/client_fixture.h"

static const char answer[] =
    "[{'month':'2025-02','kind':'trade','disposition':'counted','records':3,'amount':'300.50','tax':'30.00'},"
    "{'month':'2025-02','kind':'trade','disposition':'self_trade','records':1,'amount':'7.00','tax':'0.00'},"
    "{'month':'2025-02','kind':'trade','disposition':'duplicate_trade','records':2,'amount':'9.00','tax':'1.00'},"
    "{'month':'2025-03','kind':'refund','disposition':'counted','records':1,'amount':'400.00','tax':'40.00'},"
    "{'month':'2025-03','kind':'refund','disposition':'refund_unknown','records':1,'amount':'5.00','tax':'0.50'}]";

static json_t *json_of(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	assert_non_null(copy);
	for (char *at = copy; *at != '\0'; at++)
		if (*at == '\'')
			*at = '"';
	json = json_loads(copy, 0, NULL);
	assert_non_null(json);
	free(copy);
	return json;
}

/* The table as CSV without its mark; freed by the caller. */
static char *csv_of(struct table *table)
{
	char *text = NULL, *rest;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(table_print_csv(table, file), OK);
	fclose(file);
	table_done(table);
	rest = strdup(text + 3);
	free(text);
	return rest;
}

static void adds_up_every_disposition_of_a_month(void **state)
{
	struct monthly *monthly = monthly_new();
	json_t *months = json_of(answer);
	uint16_t february = 35 * 12 + 1, april = 35 * 12 + 3;
	struct table table;
	char *text;

	(void)state;
	assert_non_null(monthly);
	assert_int_equal(monthly_add_answer(monthly, months, NULL), OK);
	table_init(&table, monthly_columns, MONTHLY_COLUMN_COUNT);
	monthly_fill(monthly, &february, &table);
	text = csv_of(&table);
	assert_string_equal(text, "month,kind,disposition,records,amount,tax,net\r\n"
				  "2025-02,trade,counted,3,300.50,30.00,270.50\r\n"
				  "2025-02,trade,duplicate_trade,2,9.00,1.00,8.00\r\n"
				  "2025-02,trade,self_trade,1,7.00,0.00,7.00\r\n"
				  "2025-02,trade,not_counted,3,16.00,1.00,15.00\r\n"
				  "2025-02,trade,all,6,316.50,31.00,285.50\r\n"
				  "2025-02,refund,counted,0,0.00,0.00,0.00\r\n"
				  "2025-02,refund,not_counted,0,0.00,0.00,0.00\r\n"
				  "2025-02,refund,all,0,0.00,0.00,0.00\r\n"
				  "2025-02,trade - refund,counted,3,300.50,30.00,270.50\r\n");
	free(text);
	table_init(&table, monthly_columns, MONTHLY_COLUMN_COUNT);
	monthly_fill(monthly, &april, &table);
	text = csv_of(&table);
	assert_non_null(strstr(text, "2025-04,trade,all,0,0.00,0.00,0.00\r\n"));
	free(text);
	table_init(&table, monthly_columns, MONTHLY_COLUMN_COUNT);
	monthly_fill(monthly, NULL, &table);
	text = csv_of(&table);
	assert_null(strstr(text, "2025-04"));
	assert_non_null(strstr(text, "2025-03,refund,refund_unknown,1,5.00,0.50,4.50\r\n"));
	assert_non_null(strstr(text, "total,refund,all,2,405.00,40.50,364.50\r\n"
				     "total,trade - refund,counted,4,-99.50,-10.00,-89.50\r\n"));
	free(text);
	json_decref(months);
	monthly_free(monthly);
}

static void refuses_sums_that_it_can_not_read(void **state)
{
	static const struct {
		const char *text;
		enum err err;
	} rows[] = {
	    {"[{}]", ERR_SYNTAX},
	    {"[{'month':'2025-13','kind':'trade','disposition':'counted','records':1,'amount':'1.00','tax':'0.00'}]",
		ERR_SYNTAX},
	    {"[{'month':'2025-12','kind':'loan','disposition':'counted','records':1,'amount':'1.00','tax':'0.00'}]",
		ERR_SYNTAX},
	    {"[{'month':'2025-12','kind':'trade','disposition':'lost','records':1,'amount':'1.00','tax':'0.00'}]",
		ERR_SYNTAX},
	    {"[{'month':'2025-12','kind':'trade','disposition':'counted','records':-1,'amount':'1.00','tax':'0.00'}]",
		ERR_SYNTAX},
	    {"[{'month':'2025-12','kind':'trade','disposition':'counted','records':1,'amount':1,'tax':'0.00'}]",
		ERR_SYNTAX},
	    {"[{'month':'2025-12','kind':'trade','disposition':'counted','records':1,'amount':'1.00'}]", ERR_SYNTAX},
	    {"[{'month':'2025-12','kind':'trade','disposition':'counted','records':1,'amount':'92233720368547758.07',"
	     "'tax':'0.00'},{'month':'2025-11','kind':'trade','disposition':'self_trade','records':1,'amount':'0.01',"
	     "'tax':'0.00'}]",
		ERR_OVERFLOW},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct monthly *monthly = monthly_new();
		json_t *months = json_of(rows[i].text);

		assert_non_null(monthly);
		if (monthly_add_answer(monthly, months, NULL) != rows[i].err)
			fail_msg("row %zu", i);
		json_decref(months);
		monthly_free(monthly);
	}
}

static void adds_up_what_a_file_holds(void **state)
{
	static const char *const dates[] = {"2025-02-28", "2025-03-01", "2025-03-31"};
	struct row refund = fixture_row(fixture_refund);
	struct monthly *monthly = monthly_new();
	struct table table;
	struct rows rows;
	json_t *json;
	char *text;

	(void)state;
	assert_non_null(monthly);
	rows_init(&rows);
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		struct row trade = fixture_row(fixture_trade);

		trade.cells[COLUMN_SETTLED_ON] = slice_text(dates[i]);
		row_add(&trade, &rows);
	}
	row_add(&refund, &rows);
	assert_int_equal(rows.record_count, 4);
	assert_int_equal(monthly_add_rows(monthly, &rows), OK);
	table_init(&table, monthly_file_columns, MONTHLY_FILE_COLUMN_COUNT);
	monthly_fill_file(monthly, &table);
	text = csv_of(&table);
	assert_string_equal(text, "month,kind,records,amount,tax\r\n"
				  "2025-02,trade,1,1234.50,34.56\r\n"
				  "2025-03,trade,2,2469.00,69.12\r\n"
				  "2025-03,refund,1,100.00,5.50\r\n"
				  "total,trade,3,3703.50,103.68\r\n"
				  "total,refund,1,100.00,5.50\r\n");
	free(text);
	json = monthly_json_file(monthly);
	assert_int_equal(json_array_size(json), 3);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json, 1), "amount")), "2469.00");
	json_decref(json);
	rows_done(&rows);
	monthly_free(monthly);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(adds_up_every_disposition_of_a_month),
	    cmocka_unit_test(refuses_sums_that_it_can_not_read),
	    cmocka_unit_test(adds_up_what_a_file_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

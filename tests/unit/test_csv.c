/* A venue's CSV: columns in any order and language, rows numbered as a spreadsheet does, bad files told apart. */
#include "client/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/client_fixture.h"

#define HEAD "kind,amount,tax,adjust_no,original_trade_no,occurred_on,reason_code,reason\n"

static enum err csv_take(const char *text, size_t size, struct rows *ret_rows, struct why *why)
{
	FILE *file = tmpfile();
	enum err err;

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	rewind(file);
	rows_init(ret_rows);
	err = csv_read(file, ret_rows, why);
	fclose(file);
	return err;
}

static void takes_good_files(void **state)
{
	static const struct {
		const char *text;
		size_t record_count;
		uint64_t last_row;
	} vectors[] = {
	    {HEAD "refund,1,0,A-1,T-1,2025-01-01,x,\n", 1, 2},
	    {HEAD "refund,1,0,A-1,T-1,2025-01-01,x,", 1, 2},
	    {"\xef\xbb\xbf" HEAD "refund,1,0,A-1,T-1,2025-01-01,x,\r\nrefund,1,0,A-2,T-1,2025-01-01,x,\r\n", 2, 3},
	    {HEAD "\n\r\nrefund,1,0,A-1,T-1,2025-01-01,x,\n,,,,,,,\n", 1, 4},
	    {HEAD "refund,1,0,A-1,T-1,2025-01-01,x,\"a \"\"b\"\", c\"\nrefund,1,0,A-2,T-1,2025-01-01,x,\n", 2, 3},
	    {"税额,金额,退款编号,原交易编号,退款日期,退款原因代码,记录类型\n0,1,A-1,T-1,2025-01-01,x,退款\n", 1, 2},
	    {HEAD, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct rows rows;

		assert_int_equal(csv_take(vectors[i].text, strlen(vectors[i].text), &rows, NULL), OK);
		if (rows.fault_total != 0 || rows.record_count != vectors[i].record_count)
			fail_msg("row %zu: %zu records, %s", i, rows.record_count,
			    rows.fault_count > 0 ? rows.faults[0].rule : "no fault");
		if (rows.record_count > 0)
			assert_int_equal(rows.records[rows.record_count - 1].row, vectors[i].last_row);
		rows_done(&rows);
	}
}

static void names_row_and_column_of_faults(void **state)
{
	static const struct {
		const char *text;
		uint64_t row;
		const char *column, *rule;
	} vectors[] = {
	    {HEAD "refund,x,0,A-1,T-1,2025-01-01,x,\n", 2, "amount", "yuan"},
	    {HEAD "\n\nrefund,1,0,A-1,T-1,2025-01-01,x,\nrefund,1,x,A-1,T-1,2025-01-01,x,\n", 5, "tax", "yuan"},
	    {HEAD "refund,1,0,A-1,T-1,2025-01-01,x,\"two\nlines\"\n", 2, "reason", ""},
	    {HEAD "refund,1,0,A-1,T-1,2025-01-01,x\n", 2, "", "7 cells"},
	    {HEAD "refund,1,0,A-1,T-1,2025-01-01,x,y,z\n", 2, "", "9 cells"},
	    {"amount,prize\n", 1, "", "no known name"},
	    {"amount,tax,amount\n", 1, "amount", "stood before"},
	    {"amount,金额\n", 1, "amount", "stood before"},
	    {"\xbd\xf0\xb6\xee\n", 1, "", "CSV UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct rows rows;

		assert_int_equal(csv_take(vectors[i].text, strlen(vectors[i].text), &rows, NULL), OK);
		if (rows.fault_total != 1)
			fail_msg("row %zu: %llu faults", i, (unsigned long long)rows.fault_total);
		if (rows.faults[0].row != vectors[i].row || strcmp(rows.faults[0].column, vectors[i].column) != 0 ||
		    strstr(rows.faults[0].rule, vectors[i].rule) == NULL)
			fail_msg("row %zu: %llu %s %s", i, (unsigned long long)rows.faults[0].row,
			    rows.faults[0].column, rows.faults[0].rule);
		rows_done(&rows);
	}
}

static void refuses_what_is_not_csv(void **state)
{
	static const struct {
		const char *text;
		enum err err;
		const char *why;
	} vectors[] = {
	    {"", ERR_SYNTAX, "empty"},
	    {"\n\n", ERR_SYNTAX, "empty"},
	    {HEAD "refund,1,0,\"A-1,T-1,2025-01-01,x,\n", ERR_SYNTAX, "row 2"},
	    {HEAD "refund,1,0,A\"1,T-1,2025-01-01,x,\n", ERR_SYNTAX, "row 2"},
	    {HEAD "refund,1,0,\"A\"1,T-1,2025-01-01,x,\n", ERR_SYNTAX, "row 2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct why why = {""};
		struct rows rows;
		enum err err = csv_take(vectors[i].text, strlen(vectors[i].text), &rows, &why);

		if (err != vectors[i].err || strstr(why.text, vectors[i].why) == NULL)
			fail_msg("row %zu: %s: %s", i, err_name(err), why.text);
		rows_done(&rows);
	}
}

static void bounds_the_size_of_a_cell(void **state)
{
	size_t size = 4 * CSV_FIELD_SIZE_MAX;
	char *text = malloc(size);
	struct why why = {""};
	struct rows rows;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', size);
	memcpy(text, HEAD "\"", sizeof(HEAD));
	assert_int_equal(csv_take(text, size, &rows, &why), ERR_TOO_LARGE);
	assert_non_null(strstr(why.text, "row 2"));
	free(text);
	rows_done(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_good_files),
	    cmocka_unit_test(names_row_and_column_of_faults),
	    cmocka_unit_test(refuses_what_is_not_csv),
	    cmocka_unit_test(bounds_the_size_of_a_cell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

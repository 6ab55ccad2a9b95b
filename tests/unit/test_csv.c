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
	    {HEAD "refund,1,0,A-1,T-1,2025-01-01,x,\n　, ,\xc2\xa0,,,,,\n", 1, 2},
	    {"kind;amount;tax;adjust_no;original_trade_no;occurred_on;reason_code\nrefund;1;0;A-1;T-1;2025-01-01;x\n",
		1, 2},
	    {"kind\tamount\ttax\tadjust_no\toriginal_trade_no\toccurred_on\treason_code\n"
	     "refund\t1,000.00\t0\tA-1\tT-1\t2025-01-01\t\"x\"\n",
		1, 2},
	    {"\n\nkind\tamount\ttax\tadjust_no\toriginal_trade_no\toccurred_on\treason_code\treason\n"
	     "refund\t1\t0\tA-1\tT-1\t2025-01-01\tx\t\n",
		1, 4},
	    {"kind,amount,tax,adjust_no,original_trade_no,occurred_on,reason_code,,\n"
	     "refund,1,0,A-1,T-1,2025-01-01,x,,\n",
		1, 2},
	    {"　kind ,\"amount\",tax,adjust_no,original_trade_no,occurred_on,reason_code\n"
	     "refund,\"1,000,000.00\",0,A-1,T-1,2025/1/1,x\n",
		1, 2},
	    {"\xbd\xf0\xb6\xee,tax,adjust_no,original_trade_no,occurred_on,reason_code,kind\n1,0,A-1,T-1,2025-01-01,x,"
	     "\xcd\xcb\xbf\xee\n",
		1, 2},
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
	    {"amount,tax;\n", 1, "", "column 2 has no known name"},
	    {"amount,tax,amount\n", 1, "amount", "stood before"},
	    {"amount,金额\n", 1, "amount", "stood before"},
	    {"\"amo\nunt\"\n", 1, "", "line break"},
	    {HEAD "refund,1,0,A-1,T-1,2025-01-01,x,\"two\nlines\"\n", 2, "reason", "line break"},
	    {"kind;amount;tax;adjust_no;original_trade_no;occurred_on;reason_code\nrefund;1,00;0;A-1;T-1;2025-01-01;"
	     "x\n",
		2, "amount", "decimal point"},
	    {"kind,amount,tax,adjust_no,original_trade_no,occurred_on,reason_code,\n"
	     "refund,1,0,A-1,T-1,2025-01-01,x,\nrefund,1,0,A-1,T-1,2025-01-01,x,!\n",
		3, "", "does not name"},
	    {"amount,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n", 1, "", "33 columns"},
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
	    {HEAD "\n\nrefund,1,0,\xff,T-1,2025-01-01,x,\n", ERR_SYNTAX, "row 4: the byte 0xff"},
	    {HEAD "refund,1,0,A,T-1,2025-01-01,x,\"a\r\nb\"\r\n\xbd\xf0\x80\n", ERR_SYNTAX, "row 3: the byte 0x80"},
	    {"\xef\xbb\xbf" HEAD "\xbd\xf0\n", ERR_SYNTAX, "row 2: the byte 0xbd is not UTF-8"},
	    {HEAD "refund,1,0,A-1,T-1,2025-01-01,x,数据\xe6\n", ERR_SYNTAX, "row 2: the byte 0xe6 is not UTF-8"},
	    {HEAD "refund,1,0,A-1,T-1,2025-01-01,x,caf\xc3\xa9\n", ERR_SYNTAX, "CSV UTF-8"},
	    {"PK\3\4", ERR_SYNTAX, "workbook"},
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

/* The vectors are files as spreadsheets write them; tests/vectors/csv/README.md says which holds what. */
static void reads_files_as_spreadsheets_save_them(void **state)
{
	static const char *const names[] = {"plain.csv", "wps-gb18030.csv", "libreoffice-gb18030.csv",
	    "excel-unicode-text.csv", "excel-semicolons.csv", "utf16-big-endian.csv", "by-hand.csv"};
	struct rows first;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct why why = {""};
		struct rows rows;
		char path[128];
		FILE *file;

		(void)snprintf(path, sizeof(path), "tests/vectors/csv/%s", names[i]);
		file = fopen(path, "re");
		if (file == NULL)
			fail_msg("%s is missing", path);
		rows_init(&rows);
		if (csv_read(file, &rows, &why) != OK || rows.fault_total > 0)
			fail_msg("%s: %s%s", path, why.text, rows.fault_count > 0 ? rows.faults[0].rule : "");
		fclose(file);
		assert_int_equal(rows.record_count, 3);
		for (size_t at = 0; i > 0 && at < rows.record_count; at++)
			if (!slice_equal(rows_record(&rows, at), rows_record(&first, at)))
				fail_msg("%s: record %zu is another one", path, at);
		if (i == 0)
			first = rows;
		else
			rows_done(&rows);
	}
	rows_done(&first);
}

static void names_every_wrong_cell_of_a_clerks_file(void **state)
{
	static const struct {
		uint64_t row;
		const char *column, *rule;
	} expected[] = {{2, "supplier", "E-notation"}, {2, "settled_on", "four digits"},
	    {3, "amount", "more than one way"}, {3, "invoice_no", "scientific"}, {4, "amount", "two decimals"},
	    {4, "adjust_no", "apostrophe"}};
	FILE *file = fopen("tests/vectors/csv/wrong-gb18030.csv", "re");
	struct rows rows;

	(void)state;
	assert_non_null(file);
	rows_init(&rows);
	assert_int_equal(csv_read(file, &rows, NULL), OK);
	fclose(file);
	assert_int_equal(rows.record_count, 0);
	assert_int_equal(rows.fault_total, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		size_t at = 0;

		while (at < rows.fault_count && (rows.faults[at].row != expected[i].row ||
						    strcmp(rows.faults[at].column, expected[i].column) != 0))
			at++;
		if (at == rows.fault_count || strstr(rows.faults[at].rule, expected[i].rule) == NULL)
			fail_msg("row %zu: %s", i, at < rows.fault_count ? rows.faults[at].rule : "not found");
	}
	rows_done(&rows);
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
	    cmocka_unit_test(reads_files_as_spreadsheets_save_them),
	    cmocka_unit_test(names_every_wrong_cell_of_a_clerks_file),
	    cmocka_unit_test(bounds_the_size_of_a_cell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

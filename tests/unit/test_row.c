/* Rows: cells of both kinds and in both languages become records, and every fault is named once, at its cell. */
#include "client/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/client_fixture.h"

static struct row row_with(const char *const *cells, enum column column, const char *text)
{
	struct row row = fixture_row(cells);

	row.cells[column] = slice_text(text);
	return row;
}

/* Adds the row and gives its record, decoded again. */
static void row_decode(const struct row *row, struct rows *rows, struct arena *arena, struct record *ret_record)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	size_t fault_count;

	rows_init(rows);
	row_add(row, rows);
	for (size_t i = 0; i < rows->fault_count; i++)
		print_error("%s: %s\n", rows->faults[i].column, rows->faults[i].rule);
	assert_int_equal(rows->fault_total, 0);
	assert_int_equal(rows->record_count, 1);
	arena_init(arena, 1 << 16);
	assert_int_equal(record_decode(rows_record(rows, 0), arena, ret_record, faults, &fault_count), OK);
}

static void takes_every_cell_of_a_trade(void **state)
{
	struct row row = fixture_row(fixture_trade);
	const struct trade *trade;
	struct record record;
	struct rows rows;
	struct arena arena;

	(void)state;
	row_decode(&row, &rows, &arena, &record);
	assert_int_equal(record.kind, RECORD_TRADE);
	trade = &record.trade;
	assert_true(slice_equal(trade->trade_no, slice_text("T-1")));
	assert_true(slice_equal(trade->contract_no, slice_text("C〔2025〕1号")));
	assert_int_equal(trade->contract_hash.data[0], 0x9d);
	assert_int_equal(trade->contract_kind, CONTRACT_PROVIDE);
	assert_int_equal(trade->product_kind, PRODUCT_DATASET);
	assert_true(slice_equal(trade->supplier, slice_text("91370202MA0XTE011C")));
	assert_true(slice_equal(trade->broker, slice_text("91370202MA0XTE0384")));
	assert_true(slice_equal(trade->buyer_name, slice_text("需方")));
	assert_int_equal(trade->amount_fen, 123450);
	assert_int_equal(trade->tax_fen, 3456);
	assert_int_equal(trade->instalment, 2);
	assert_int_equal(trade->signed_on, 20250105);
	assert_int_equal(trade->settled_on, 20250206);
	assert_int_equal(trade->invoice_count, 2);
	assert_true(slice_equal(trade->invoice_no[1], slice_text("26370000000000000916")));
	assert_int_equal(trade->related_declared, DECLARED_NO);
	assert_int_equal(trade->other_subsidy, DECLARED_YES);
	assert_int_equal(rows.trade_count, 1);
	assert_int_equal(rows.amount_fen, 123450);
	arena_done(&arena);
	rows_done(&rows);
}

static void takes_every_cell_of_a_refund(void **state)
{
	struct row row = fixture_row(fixture_refund);
	struct record record;
	struct rows rows;
	struct arena arena;

	(void)state;
	row_decode(&row, &rows, &arena, &record);
	assert_int_equal(record.kind, RECORD_REFUND);
	assert_true(slice_equal(record.refund.adjust_no, slice_text("A-1")));
	assert_true(slice_equal(record.refund.original_trade_no, slice_text("T-1")));
	assert_int_equal(record.refund.amount_fen, 10000);
	assert_int_equal(record.refund.tax_fen, 550);
	assert_int_equal(record.refund.occurred_on, 20250307);
	assert_true(slice_equal(record.refund.reason, slice_text("质量不符")));
	assert_int_equal(rows.refund_count, 1);
	assert_int_equal(rows.refunded_fen, 10000);
	arena_done(&arena);
	rows_done(&rows);
}

static void reads_words_of_both_languages_and_fills_in_what_is_empty(void **state)
{
	static const struct {
		enum column column;
		const char *text;
		unsigned value;
	} vectors[] = {
	    {COLUMN_CONTRACT_KIND, "数据提供", CONTRACT_PROVIDE},
	    {COLUMN_CONTRACT_KIND, "数据委托处理", CONTRACT_PROCESS},
	    {COLUMN_CONTRACT_KIND, "数据融合开发", CONTRACT_FUSION},
	    {COLUMN_CONTRACT_KIND, "数据中介", CONTRACT_INTERMEDIARY},
	    {COLUMN_CONTRACT_KIND, "fusion", CONTRACT_FUSION},
	    {COLUMN_PRODUCT_KIND, "数据集", PRODUCT_DATASET},
	    {COLUMN_PRODUCT_KIND, "数据接口", PRODUCT_API},
	    {COLUMN_PRODUCT_KIND, "数据报告", PRODUCT_REPORT},
	    {COLUMN_PRODUCT_KIND, "数据模型", PRODUCT_MODEL},
	    {COLUMN_PRODUCT_KIND, "数据工具", PRODUCT_TOOL},
	    {COLUMN_PRODUCT_KIND, "算力", PRODUCT_COMPUTE},
	    {COLUMN_PRODUCT_KIND, "其他", PRODUCT_OTHER},
	    {COLUMN_RELATED_DECLARED, "是", DECLARED_YES},
	    {COLUMN_RELATED_DECLARED, "否", DECLARED_NO},
	    {COLUMN_RELATED_DECLARED, "未声明", DECLARED_NOT_STATED},
	    {COLUMN_RELATED_DECLARED, "", DECLARED_NOT_STATED},
	    {COLUMN_INSTALMENT, "", 1},
	    {COLUMN_INSTALMENT, "9999", 9999},
	    {COLUMN_KIND, "", RECORD_TRADE},
	    {COLUMN_KIND, "交易", RECORD_TRADE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct row row = row_with(fixture_trade, vectors[i].column, vectors[i].text);
		unsigned value = 0;
		struct record record;
		struct rows rows;
		struct arena arena;

		row_decode(&row, &rows, &arena, &record);
		if (vectors[i].column == COLUMN_CONTRACT_KIND)
			value = record.trade.contract_kind;
		else if (vectors[i].column == COLUMN_PRODUCT_KIND)
			value = record.trade.product_kind;
		else if (vectors[i].column == COLUMN_RELATED_DECLARED)
			value = record.trade.related_declared;
		else if (vectors[i].column == COLUMN_INSTALMENT)
			value = record.trade.instalment;
		else
			value = record.kind;
		if (value != vectors[i].value)
			fail_msg("row %zu: %s gives %u", i, vectors[i].text, value);
		arena_done(&arena);
		rows_done(&rows);
	}
}

static void mends_what_is_only_a_way_of_writing(void **state)
{
	static const struct {
		enum column column;
		const char *text;
	} vectors[] = {
	    {COLUMN_SUPPLIER, " ９１３７0202ma0xte011c "},
	    {COLUMN_TRADE_NO, "\tT-1 \r\n"},
	    {COLUMN_CONTRACT_HASH, "9D374245F41F172A5F3E52882F5D8F7C1BE3A6378A8CE034F2447CA6AE50580A"},
	    {COLUMN_INVOICE_NO, "26370000000000000915 ； 26370000000000000916"},
	    {COLUMN_INVOICE_NO, "26370000000000000915\n26370000000000000916"},
	    {COLUMN_INVOICE_NO, "26370000000000000915\r\n26370000000000000916"},
	    {COLUMN_INVOICE_NO, "26370000000000000915、26370000000000000916"},
	    {COLUMN_INVOICE_NO, "'26370000000000000915，26370000000000000916"},
	    {COLUMN_INVOICE_NO, "２６370000000000000915,26370000000000000916"},
	    {COLUMN_AMOUNT, "1234.50"},
	    {COLUMN_AMOUNT, "￥1,234.50"},
	    {COLUMN_SIGNED_ON, "2025年1月5日"},
	    {COLUMN_SETTLED_ON, "2025/2/6"},
	    {COLUMN_SUPPLIER, "'91370202MA0XTE011C"},
	    {COLUMN_BROKER, "\xc2\xa0"
			    "91370202MA0XTE0384"},
	    {COLUMN_TRADE_NO, "Ｔ－１"},
	    {COLUMN_CONTRACT_KIND, "　数据提供"},
	    {COLUMN_CONTRACT_KIND, "ｐｒｏｖｉｄｅ"},
	    {COLUMN_INSTALMENT, "２"},
	    {COLUMN_PRODUCT_NAME, "　气象数据　"},
	};
	struct row plain = fixture_row(fixture_trade);
	struct rows rows;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct row row = row_with(fixture_trade, vectors[i].column, vectors[i].text);

		rows_init(&rows);
		row_add(&plain, &rows);
		row_add(&row, &rows);
		if (rows.record_count != 2 || !slice_equal(rows_record(&rows, 0), rows_record(&rows, 1)))
			fail_msg("row %zu: %s", i, vectors[i].text);
		rows_done(&rows);
	}
}

static void names_the_cell_and_the_rule_of_every_fault(void **state)
{
	static const struct {
		enum column column;
		const char *text, *rule;
	} vectors[] = {
	    {COLUMN_KIND, "sale", "trade or refund"},
	    {COLUMN_TRADE_NO, "", ""},
	    {COLUMN_TRADE_NO, "T 1", ""},
	    {COLUMN_CONTRACT_HASH, "", "64 hex digits"},
	    {COLUMN_CONTRACT_HASH, "9d37", "64 hex digits"},
	    {COLUMN_CONTRACT_KIND, "", "intermediary"},
	    {COLUMN_PRODUCT_KIND, "car", "dataset"},
	    {COLUMN_SUPPLIER, "91370202MA0XTE011D", ""},
	    {COLUMN_SUPPLIER, "", ""},
	    {COLUMN_AMOUNT, "", "empty"},
	    {COLUMN_AMOUNT, "-5", "no sign"},
	    {COLUMN_AMOUNT, "1.234,50", "more than one way"},
	    {COLUMN_TRADE_NO, "'T-1", "apostrophe"},
	    {COLUMN_TRADE_NO, "2.0251E+12", "scientific"},
	    {COLUMN_TRADE_NO, "编号1", ""},
	    {COLUMN_VOUCHER_NO, "2.0251E+12", "scientific"},
	    {COLUMN_CONTRACT_NO, "2.0251E+12", "scientific"},
	    {COLUMN_CONTRACT_NO, "", ""},
	    {COLUMN_PRODUCT_CODE, "1E+12", "scientific"},
	    {COLUMN_SUPPLIER, "9.137E+17", "E-notation"},
	    {COLUMN_SUPPLIER, "913702020000000000", "spreadsheet"},
	    {COLUMN_AMOUNT, "1234.567", "two decimals"},
	    {COLUMN_AMOUNT, "100000000000.01", "at most"},
	    {COLUMN_TAX, "1234.5", "less than"},
	    {COLUMN_INSTALMENT, "0", "1 to 9999"},
	    {COLUMN_INSTALMENT, "10000", "1 to 9999"},
	    {COLUMN_SIGNED_ON, "25/1/5", "four digits"},
	    {COLUMN_SIGNED_ON, "45662", "number of a day"},
	    {COLUMN_SIGNED_ON, "2025-02-29", "no such day"},
	    {COLUMN_SETTLED_ON, "2025-01-04", ""},
	    {COLUMN_SETTLED_ON, "2025-02-08", "future"},
	    {COLUMN_INVOICE_NO, "2.637E+19", "scientific"},
	    {COLUMN_INVOICE_NO, "26370000000000000915;", "nothing between"},
	    {COLUMN_INVOICE_NO, ";26370000000000000915", "nothing between"},
	    {COLUMN_RELATED_DECLARED, "maybe", "not_stated"},
	    {COLUMN_ADJUST_NO, "A-1", "belongs to a refund"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct row row = row_with(fixture_trade, vectors[i].column, vectors[i].text);
		struct rows rows;

		rows_init(&rows);
		rows.today = 20250207;
		row_add(&row, &rows);
		if (rows.fault_total != 1 || rows.record_count != 0)
			fail_msg("row %zu: %llu faults", i, (unsigned long long)rows.fault_total);
		if (strcmp(rows.faults[0].column, column_name(vectors[i].column)) != 0 || rows.faults[0].row != 2 ||
		    strcmp(rows.faults[0].value, vectors[i].text) != 0 ||
		    strstr(rows.faults[0].rule, vectors[i].rule) == NULL)
			fail_msg(
			    "row %zu: %s: %s: %s", i, rows.faults[0].column, rows.faults[0].value, rows.faults[0].rule);
		rows_done(&rows);
	}
}

static void names_the_cell_of_every_fault_of_a_refund(void **state)
{
	static const struct {
		enum column column;
		const char *text, *rule;
	} vectors[] = {
	    {COLUMN_ADJUST_NO, "'A-1", "apostrophe"},
	    {COLUMN_ORIGINAL_TRADE_NO, "2.0251E+12", "scientific"},
	    {COLUMN_REASON_CODE, "=1", "equals sign"},
	    {COLUMN_REASON, "a\nb", "line break"},
	    {COLUMN_RED_INVOICE_NO, "2.637E+19", "scientific"},
	    {COLUMN_RED_INVOICE_NO, "2637", ""},
	    {COLUMN_OCCURRED_ON, "7/3/2025", "year first"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct row row = row_with(fixture_refund, vectors[i].column, vectors[i].text);
		struct rows rows;

		rows_init(&rows);
		row_add(&row, &rows);
		if (rows.fault_total != 1 || strcmp(rows.faults[0].column, column_name(vectors[i].column)) != 0 ||
		    strstr(rows.faults[0].rule, vectors[i].rule) == NULL)
			fail_msg("row %zu: %s", i, rows.fault_count > 0 ? rows.faults[0].rule : "no fault");
		rows_done(&rows);
	}
}

static void names_line_breaks_within_a_text(void **state)
{
	static const enum column columns[] = {
	    COLUMN_CONTRACT_NO, COLUMN_PRODUCT_CODE, COLUMN_PRODUCT_NAME, COLUMN_SUPPLIER_NAME, COLUMN_BUYER_NAME};

	(void)state;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		struct row row = row_with(fixture_trade, columns[i], "a\nb");
		struct rows rows;

		rows_init(&rows);
		row_add(&row, &rows);
		assert_int_equal(rows.fault_total, 1);
		assert_string_equal(rows.faults[0].column, column_name(columns[i]));
		assert_non_null(strstr(rows.faults[0].rule, "line break"));
		rows_done(&rows);
	}
}

static void doubts_a_comma_where_the_file_gives_reason_to(void **state)
{
	struct row row = row_with(fixture_trade, COLUMN_AMOUNT, "1,234");
	struct rows rows;

	(void)state;
	rows_init(&rows);
	row_add(&row, &rows);
	assert_int_equal(rows.amount_fen, 123400);
	row.is_comma_doubtful = true;
	row_add(&row, &rows);
	assert_int_equal(rows.fault_total, 1);
	assert_int_equal(rows.record_count, 1);
	rows_done(&rows);
}

static void lets_today_pass_and_names_all_faults_of_a_row_at_once(void **state)
{
	struct row row = fixture_row(fixture_trade);
	struct rows rows;

	(void)state;
	rows_init(&rows);
	rows.today = 20250206;
	row_add(&row, &rows);
	assert_int_equal(rows.record_count, 1);
	row.cells[COLUMN_AMOUNT] = slice_text("x");
	row.cells[COLUMN_BUYER] = slice_text("y");
	row.cells[COLUMN_SIGNED_ON] = slice_text("z");
	row.cells[COLUMN_VOUCHER_NO] = slice_text("");
	row_add(&row, &rows);
	assert_int_equal(rows.fault_total, 4);
	assert_int_equal(rows.record_count, 1);
	rows_done(&rows);
}

static void complains_once_of_missing_columns_and_never_of_optional_ones(void **state)
{
	static const enum column optional[] = {COLUMN_KIND, COLUMN_SUPPLIER_NAME, COLUMN_BUYER_NAME, COLUMN_BROKER,
	    COLUMN_INSTALMENT, COLUMN_INVOICE_NO, COLUMN_RELATED_DECLARED, COLUMN_OTHER_SUBSIDY, COLUMN_REASON,
	    COLUMN_ADJUST_NO};
	struct row row = fixture_row(fixture_trade);
	struct rows rows;

	(void)state;
	rows_init(&rows);
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		row.columns &= ~(1u << optional[i]);
	row_add(&row, &rows);
	assert_int_equal(rows.fault_total, 0);
	assert_int_equal(rows.record_count, 1);
	row.columns &= ~(1u << COLUMN_TAX | 1u << COLUMN_BUYER);
	row_add(&row, &rows);
	row_add(&row, &rows);
	assert_int_equal(rows.fault_total, 2);
	assert_int_equal(rows.faults[0].row, 1);
	assert_string_equal(rows.faults[0].column, "buyer");
	assert_string_equal(rows.faults[1].column, "tax");
	rows_done(&rows);
}

static void finds_columns_by_either_name(void **state)
{
	(void)state;
	for (int i = 0; i < COLUMN_COUNT; i++) {
		enum column column = (enum column)i;

		assert_int_equal(column_by_name(slice_text(column_name(column))), i);
		assert_int_equal(column_by_name(slice_text(column_chinese(column))), i);
	}
	assert_int_equal(column_by_name(slice_text("Amount")), COLUMN_COUNT);
	assert_int_equal(column_by_name(slice_text("")), COLUMN_COUNT);
}

static void shows_bytes_that_are_not_text_escaped_and_cut(void **state)
{
	char bytes[200];
	struct rows rows;

	(void)state;
	memset(bytes, 0xb2, sizeof(bytes));
	rows_init(&rows);
	rows_complain(&rows, 7, COLUMN_REASON, slice_of(bytes, sizeof(bytes)), "rule %d", 1);
	assert_int_equal(rows.fault_count, 1);
	assert_true(utf8_is_text(slice_text(rows.faults[0].value)));
	assert_memory_equal(rows.faults[0].value, "\\xb2\\xb2", 8);
	assert_true(strlen(rows.faults[0].value) < 4 * sizeof(bytes));
	assert_string_equal(rows.faults[0].rule, "rule 1");
	rows_done(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_every_cell_of_a_trade),
	    cmocka_unit_test(takes_every_cell_of_a_refund),
	    cmocka_unit_test(reads_words_of_both_languages_and_fills_in_what_is_empty),
	    cmocka_unit_test(mends_what_is_only_a_way_of_writing),
	    cmocka_unit_test(names_the_cell_and_the_rule_of_every_fault),
	    cmocka_unit_test(names_the_cell_of_every_fault_of_a_refund),
	    cmocka_unit_test(names_line_breaks_within_a_text),
	    cmocka_unit_test(doubts_a_comma_where_the_file_gives_reason_to),
	    cmocka_unit_test(lets_today_pass_and_names_all_faults_of_a_row_at_once),
	    cmocka_unit_test(complains_once_of_missing_columns_and_never_of_optional_ones),
	    cmocka_unit_test(finds_columns_by_either_name),
	    cmocka_unit_test(shows_bytes_that_are_not_text_escaped_and_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Cells: every way of writing that FORMAT.md lists is read, and what has two meanings is refused with its own rule. */
#include "client/cell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* As a row's cells are read: without white space, full width and the text mark. */
static struct slice plain(const char *text, struct arena *arena)
{
	return cell_unquote(cell_narrow(cell_trim(slice_text(text)), arena));
}

static void reads_amounts_that_mean_one_thing(void **state)
{
	static const struct {
		const char *text;
		uint64_t fen;
	} vectors[] = {
	    {"0", 0},
	    {"1", 100},
	    {"1.5", 150},
	    {"1234.50", 123450},
	    {"1,234.50", 123450},
	    {"1,000", 100000},
	    {"1,000,000.00", 100000000},
	    {"12,345,678.9", 1234567890},
	    {"123,456", 12345600},
	    {"¥5", 500},
	    {"￥ 1,000.00", 100000},
	    {"¥ 1234.50", 123450},
	    {"１，０００．００", 100000},
	    {"￥１２", 1200},
	    {"'12.50", 1250},
	    {"　12.50　", 1250},
	    {"\xc2\xa0"
	     "12.50\xc2\xa0",
		1250},
	    {"100000000000.00", 10000000000000},
	    {"100,000,000,000.00", 10000000000000},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint64_t fen = 7;
		const char *rule = cell_parse_amount(plain(vectors[i].text, &arena), false, &fen);

		if (rule != NULL || fen != vectors[i].fen)
			fail_msg("row %zu: %s: %llu, %s", i, vectors[i].text, (unsigned long long)fen, rule);
	}
	arena_done(&arena);
}

static void refuses_other_amounts_and_says_why(void **state)
{
	static const struct {
		const char *text, *rule;
	} vectors[] = {
	    {"", "empty"},
	    {"　", "empty"},
	    {"'", "empty"},
	    {"¥", "amount in yuan"},
	    {"abc", "amount in yuan"},
	    {"-5", "no sign"},
	    {"+5", "no sign"},
	    {"(5)", "amount in yuan"},
	    {"5元", "no words"},
	    {"5万元", "no words"},
	    {"120万", "no words"},
	    {"$5", "amount in yuan"},
	    {"1.", "amount in yuan"},
	    {".5", "amount in yuan"},
	    {"007", "amount in yuan"},
	    {"1 000", "amount in yuan"},
	    {"1.234", "two decimals"},
	    {"1234.567", "two decimals"},
	    {"1234.500", "two decimals"},
	    {"1,234.567", "two decimals"},
	    {"1.000,00", "more than one way"},
	    {"1.234.567", "more than one way"},
	    {"1,00", "more than one way"},
	    {"1,0000", "more than one way"},
	    {"1234,567", "more than one way"},
	    {"12,34,567", "more than one way"},
	    {",123", "more than one way"},
	    {"1,,000", "more than one way"},
	    {"1,000,", "more than one way"},
	    {"1,000.00,000", "more than one way"},
	    {"9.137E+17", "scientific"},
	    {"1E+5", "scientific"},
	    {"1.5e-3", "scientific"},
	    {"100000000000.01", "at most"},
	    {"99999999999999999999999", "at most"},
	    {"1111111111111111111111111111111111111", "amount in yuan"},
	    {"--", "amount in yuan"},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint64_t fen = 7;
		const char *rule = cell_parse_amount(plain(vectors[i].text, &arena), false, &fen);

		if (rule == NULL || strstr(rule, vectors[i].rule) == NULL || fen != 7)
			fail_msg("row %zu: %s: %s", i, vectors[i].text, rule);
	}
	arena_done(&arena);
}

static void doubts_commas_where_cells_are_separated_by_something_else(void **state)
{
	uint64_t fen = 0;

	(void)state;
	assert_non_null(strstr(cell_parse_amount(slice_text("1,000"), true, &fen), "decimal point"));
	assert_non_null(strstr(cell_parse_amount(slice_text("1,00"), true, &fen), "decimal point"));
	assert_null(cell_parse_amount(slice_text("1,000.00"), true, &fen));
	assert_int_equal(fen, 100000);
	assert_null(cell_parse_amount(slice_text("1000"), true, &fen));
}

static void reads_dates_that_mean_one_thing(void **state)
{
	static const char *const vectors[] = {"2025-01-05", "2025-1-5", "2025/1/5", "2025/01/05", "2025.1.5",
	    "20250105", "2025年1月5日", "2025年01月05日", "2025年1月5", "'2025-01-05", "２０２５－０１－０５",
	    "２０２５／１／５", "　2025-01-05 "};
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint32_t date = 0;
		const char *rule = cell_parse_date(plain(vectors[i], &arena), &date);

		if (rule != NULL || date != 20250105)
			fail_msg("row %zu: %s: %u, %s", i, vectors[i], date, rule);
	}
	arena_done(&arena);
}

static void refuses_other_dates_and_says_why(void **state)
{
	static const struct {
		const char *text, *rule;
	} vectors[] = {
	    {"", "empty"},
	    {"25-1-5", "four digits"},
	    {"25/01/05", "four digits"},
	    {"25年1月5日", "four digits"},
	    {"5/1/2025", "year first"},
	    {"05.01.2025", "year first"},
	    {"45662", "number of a day"},
	    {"2025-01", "without a time"},
	    {"2025年1月", "without a time"},
	    {"2025-01-05 0:00", "without a time"},
	    {"2025-01/05", "without a time"},
	    {"2025--01-05", "without a time"},
	    {"2025-001-05", "without a time"},
	    {"2025-1-5-", "without a time"},
	    {"202501055", "without a time"},
	    {"2025105", "without a time"},
	    {"Jan 5, 2025", "without a time"},
	    {"2025-02-29", "no such day"},
	    {"2025/13/1", "no such day"},
	    {"20250230", "no such day"},
	    {"1989-12-31", "no such day"},
	    {"2100-01-01", "no such day"},
	    {"2025-0-5", "no such day"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint32_t date = 7;
		const char *rule = cell_parse_date(slice_text(vectors[i].text), &date);

		if (rule == NULL || strstr(rule, vectors[i].rule) == NULL || date != 7)
			fail_msg("row %zu: %s: %s", i, vectors[i].text, rule);
	}
}

static void sees_what_a_spreadsheet_did_to_a_number(void **state)
{
	static const struct {
		const char *text, *rule; /* NULL: nothing */
	} vectors[] = {
	    {"QD-T-1", NULL},
	    {"123", NULL},
	    {"1E5", NULL},
	    {"E+5", NULL},
	    {"1.5E+", NULL},
	    {"1E+5x", NULL},
	    {"", NULL},
	    {"2.02501E+15", "scientific"},
	    {"2E+15", "scientific"},
	    {"1.E-2", "scientific"},
	    {"'QD-1", "apostrophe"},
	    {"=QD-1", "apostrophe"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const char *rule = cell_check_number(slice_text(vectors[i].text));

		if ((rule == NULL) != (vectors[i].rule == NULL) ||
		    (rule != NULL && strstr(rule, vectors[i].rule) == NULL))
			fail_msg("row %zu: %s: %s", i, vectors[i].text, rule);
	}
	assert_null(cell_check_text(slice_text("气象 数据")));
	assert_non_null(strstr(cell_check_text(slice_text("气象\n数据")), "line break"));
	assert_non_null(cell_check_text(slice_text("\x7f")));
}

static void keeps_a_text_that_no_arena_holds(void **state)
{
	struct slice text = slice_text("ＡＢＣ");
	struct arena arena;

	(void)state;
	arena_init(&arena, 8);
	assert_true(slice_equal(cell_narrow(text, &arena), text));
	arena_done(&arena);
	arena_init(&arena, 64);
	assert_true(slice_equal(cell_narrow(text, &arena), slice_text("ABC")));
	/* U+FF5E is the last of them, U+FF5F none. */
	assert_true(slice_equal(cell_narrow(slice_text("！～｟"), &arena), slice_text("!~｟")));
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_amounts_that_mean_one_thing),
	    cmocka_unit_test(refuses_other_amounts_and_says_why),
	    cmocka_unit_test(doubts_commas_where_cells_are_separated_by_something_else),
	    cmocka_unit_test(reads_dates_that_mean_one_thing),
	    cmocka_unit_test(refuses_other_dates_and_says_why),
	    cmocka_unit_test(sees_what_a_spreadsheet_did_to_a_number),
	    cmocka_unit_test(keeps_a_text_that_no_arena_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

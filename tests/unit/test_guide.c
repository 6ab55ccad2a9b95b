/* What a clerk is shown: examples that pass their own rules, and a template that can be filled in and pushed. */
#include "client/guide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/csv.h"

static void has_an_example_and_a_rule_for_every_column(void **state)
{
	(void)state;
	for (enum column column = 0; column < COLUMN_COUNT; column++) {
		assert_true(guide_example(column, false)[0] != '\0');
		assert_true(guide_example(column, true)[0] != '\0');
		assert_non_null(strstr(guide_rule_chinese(column), "。"));
		/* It goes into a CSV file as it is. */
		assert_null(strpbrk(guide_example(column, false), ",\"\r\n"));
		assert_null(strpbrk(guide_example(column, true), ",\"\r\n"));
	}
	assert_string_equal(guide_example(COLUMN_COUNT, true), "");
	assert_string_equal(guide_rule_chinese(COLUMN_COUNT), "");
}

static void makes_templates_that_can_be_pushed(void **state)
{
	(void)state;
	for (int is_chinese = 0; is_chinese < 2; is_chinese++) {
		FILE *file = tmpfile();
		struct rows rows;
		struct buf csv;

		assert_non_null(file);
		buf_init(&csv, 1 << 16);
		guide_template(is_chinese != 0, &csv);
		assert_int_equal(memcmp(csv.data, "\xef\xbb\xbf", 3), 0);
		assert_non_null(strstr(buf_text(&csv), is_chinese != 0 ? "交易编号" : "trade_no"));
		assert_null(strstr(buf_text(&csv), is_chinese != 0 ? "trade_no" : "交易编号"));
		assert_int_equal(fwrite(csv.data, 1, csv.size, file), csv.size);
		rewind(file);
		rows_init(&rows);
		assert_int_equal(csv_read(file, &rows, NULL), OK);
		assert_int_equal(rows.fault_total, 0);
		assert_int_equal(rows.trade_count, 1);
		assert_int_equal(rows.refund_count, 1);
		rows_done(&rows);
		buf_done(&csv);
		fclose(file);
	}
}

static void follows_the_first_setting_that_says_a_language(void **state)
{
	static const struct {
		const char *all, *messages, *lang;
		bool is_chinese;
	} rows[] = {
	    {NULL, NULL, NULL, false},
	    {NULL, NULL, "zh_CN.UTF-8", true},
	    {NULL, "zh_CN", "en_US.UTF-8", true},
	    {"zh", NULL, "C", true},
	    {"C.UTF-8", "zh_CN", "zh_CN", false},
	    {"", "", "zh_CN", true},
	    {NULL, "en_GB", "zh_CN", false},
	};
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *values[] = {rows[i].all, rows[i].messages, rows[i].lang};

		for (size_t at = 0; at < 3; at++) {
			if (values[at] != NULL)
				assert_int_equal(setenv(names[at], values[at], 1), 0);
			else
				assert_int_equal(unsetenv(names[at]), 0);
		}
		if (guide_is_chinese() != rows[i].is_chinese)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(has_an_example_and_a_rule_for_every_column),
	    cmocka_unit_test(makes_templates_that_can_be_pushed),
	    cmocka_unit_test(follows_the_first_setting_that_says_a_language),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tables: columns line up on a terminal whatever the script, and hostile text stays harmless. */
#include "client/table.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/text.h"

static const struct table_column columns[] = {{"name", false}, {"amount", true}, {"note", false}};

static char *print(const struct table *table)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = tmpfile();

	assert_non_null(file);
	assert_int_equal(table_print(table, file), OK);
	size = (size_t)ftell(file);
	rewind(file);
	text = calloc(1, size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, size, file), size);
	fclose(file);
	return text;
}

static void counts_columns_as_a_terminal_does(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} vectors[] = {{"", 0}, {"abc", 3}, {"青岛", 4}, {"a青b", 4}, {"〔2025〕", 8}, {"e\xcc\x81", 1}, {"\xff", 1},
	    {"\xe9\x9d", 2}};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		if (table_width(vectors[i].text) != vectors[i].width)
			fail_msg("row %zu: %zu", i, table_width(vectors[i].text));
}

static void lines_columns_up(void **state)
{
	struct table table;
	char *text;

	(void)state;
	table_init(&table, columns, 3);
	table_cell(&table, "青岛");
	table_cellf(&table, "%d", 5);
	table_cell(&table, NULL);
	table_cell(&table, "ab");
	table_cell(&table, "1234.50");
	table_cell(&table, "x");
	table_cell(&table, "last");
	text = print(&table);
	assert_string_equal(text, "name   amount  note\n"
				  "青岛        5  -\n"
				  "ab    1234.50  x\n"
				  "last           \n");
	free(text);
	table_done(&table);
}

static void shows_titles_and_words_in_the_readers_language_and_nothing_else(void **state)
{
	struct table table;
	char *text, csv[256] = "";
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	table_init(&table, columns, 3);
	table_word(&table, "yes");
	table_cell(&table, "1");
	table_cell(&table, "yes");
	text_use(TEXT_CHINESE);
	text = print(&table);
	assert_int_equal(table_print_csv(&table, file), OK);
	text_use(TEXT_ENGLISH);
	assert_string_equal(text, "名称  金额  note\n"
				  "是       1  yes\n");
	rewind(file);
	assert_true(fread(csv, 1, sizeof(csv) - 1, file) > 0);
	assert_string_equal(csv, "\xef\xbb\xbfname,amount,note\r\nyes,1,yes\r\n");
	fclose(file);
	free(text);
	table_done(&table);
}

static void escapes_control_characters_and_colours_no_file(void **state)
{
	static const struct table_column plain[] = {{NULL, false}, {NULL, true}};
	struct table table;
	char *text;

	(void)state;
	table_init(&table, plain, 2);
	table_cell(&table, "a\x1b[31m\n\xc2\x9b");
	table_style(&table, TABLE_BAD);
	table_cell(&table, "1");
	text = print(&table);
	assert_string_equal(text, "a\\x1b[31m\\x0a\\xc2\\x9b  1\n");
	free(text);
	table_done(&table);
}

static void grows_with_its_rows(void **state)
{
	struct table table;
	char *text, *at;
	size_t line_count = 0;

	(void)state;
	table_init(&table, columns, 3);
	for (int i = 0; i < 1000; i++)
		for (int column = 0; column < 3; column++)
			table_cellf(&table, "%d", i);
	text = print(&table);
	for (at = text; (at = strchr(at, '\n')) != NULL; at++)
		line_count++;
	assert_int_equal(line_count, 1001);
	free(text);
	table_done(&table);
}

static void writes_csv_that_a_spreadsheet_neither_breaks_nor_computes(void **state)
{
	static const struct table_column sheet[] = {{"name", false}, {"a, b", false}, {"n", true}};
	static const char *const cells[] = {"青岛\"甲\"", "a,b", "-1.00", "=1+2", "-x", "1.00", "@a", NULL, "2", "\r"};
	struct table table;
	char *text = NULL;
	size_t size = 0;
	FILE *file;

	(void)state;
	table_init(&table, sheet, 3);
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		table_cell(&table, cells[i]);
	file = open_memstream(&text, &size);
	assert_non_null(file);
	assert_int_equal(table_print_csv(&table, file), OK);
	fclose(file);
	assert_string_equal(text, "\xef\xbb\xbfname,\"a, b\",n\r\n"
				  "\"青岛\"\"甲\"\"\",\"a,b\",-1.00\r\n"
				  "'=1+2,'-x,1.00\r\n"
				  "'@a,,2\r\n"
				  "\\x0d,,\r\n");
	free(text);
	table_done(&table);
	table_init(&table, sheet, 3);
	file = open_memstream(&text, &size);
	assert_non_null(file);
	assert_int_equal(table_print_csv(&table, file), OK);
	fclose(file);
	assert_string_equal(text, "\xef\xbb\xbfname,\"a, b\",n\r\n");
	free(text);
	table_done(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_columns_as_a_terminal_does),
	    cmocka_unit_test(lines_columns_up),
	    cmocka_unit_test(shows_titles_and_words_in_the_readers_language_and_nothing_else),
	    cmocka_unit_test(escapes_control_characters_and_colours_no_file),
	    cmocka_unit_test(grows_with_its_rows),
	    cmocka_unit_test(writes_csv_that_a_spreadsheet_neither_breaks_nor_computes),
	};

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

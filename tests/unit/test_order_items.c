#include "client/order_items.h"

#include "tests/unit/order_fixture.h"

#include "client/order_list.h"

#define A "91370202MA0XTE011C"
#define B "91370202MA0XTE02X4"
#define EXPIRES 20271124

/* Reads a list and finishes it. */
static enum err list_read(enum order_type type, const char *text, struct items *items, struct why *why)
{
	char *copy = strdup(text);
	FILE *file = copy != NULL ? fmemopen(copy, strlen(copy), "r") : NULL;
	enum err err;

	assert_non_null(file);
	items_init(items, type, EXPIRES);
	err = order_list_read(items, file, why);
	items_finish(items);
	fclose(file);
	free(copy);
	return err;
}

/* The list has these items, each line beginning with its text. */
static void expect_lines(enum order_type type, const char *text, const char *const *lines, size_t line_count)
{
	struct why why = {""};
	struct items items;

	if (list_read(type, text, &items, &why) != OK)
		fail_msg("%s: %s", text, why.text);
	if (items.fault_total > 0)
		fail_msg("%s: %s %s", text, items.faults[0].column, items.faults[0].rule);
	assert_int_equal(items.err, OK);
	assert_int_equal(items.item_count, line_count);
	for (size_t i = 0; i < line_count; i++)
		if (items.items[i].line.size < strlen(lines[i]) ||
		    memcmp(items.items[i].line.data, lines[i], strlen(lines[i])) != 0)
			fail_msg("%s\nis not how this begins:\n%.*s", lines[i], (int)items.items[i].line.size,
			    (const char *)items.items[i].line.data);
	items_done(&items);
}

static void reads_a_list_of_firms(void **state)
{
	static const char *const lines[] = {
	    "{\"code\":\"" A "\",\"name\":\"海纹\",\"lists\":[\"default\",\"pilot\"],\"salt\":\"",
	    "{\"code\":\"" B "\",\"name\":\"b \\\"c\\\"\",\"lists\":[],\"salt\":\"",
	};

	(void)state;
	expect_lines(
	    ORDER_ENTERPRISE_REGISTER, "code,name,lists\n" A ",海纹,default;pilot\n" B ",\"b \"\"c\"\"\",\n", lines, 2);
}

static void mends_what_spreadsheets_do_to_a_list(void **state)
{
	static const char *const lines[] = {
	    "{\"code\":\"" A "\",\"name\":\"海纹\",\"lists\":[\"default\",\"pilot\"],\"salt\":\"",
	    "{\"code\":\"" B "\",\"name\":\"b\",\"lists\":[],\"salt\":\"",
	};

	(void)state;
	/* A byte order mark, Chinese columns in another order, CR LF, empty rows, full-width and lower-case codes,
	 * white space of three kinds, lists doubled and out of order. */
	expect_lines(ORDER_ENTERPRISE_REGISTER,
	    "\xef\xbb\xbf名单,企业名称,统一社会信用代码\r\n"
	    "\r\n"
	    "\" pilot ；default pilot,\", 海纹\xe3\x80\x80,９1370202ma0xte011c\xc2\xa0\r\n"
	    ",b," B "\r\n",
	    lines, 2);
}

static void puts_the_lower_code_of_a_pair_first(void **state)
{
	static const char *const lines[] = {"{\"codes\":[\"" A "\",\"" B "\"],\"salt\":\""};

	(void)state;
	expect_lines(ORDER_ENTERPRISE_RELATE, "first,second\n" A "," B "\n", lines, 1);
	expect_lines(ORDER_ENTERPRISE_RELATE, "first,second\n" B "," A "\n", lines, 1);
}

static void makes_an_access_code_for_every_grant(void **state)
{
	static const char *const subjects[] = {"bureau", "auditor", "venue:qddex", A};
	char hash_text[2 * HASH_SIZE + 1];
	struct why why = {""};
	struct items items;

	(void)state;
	assert_int_equal(list_read(ORDER_GRANT_ADD,
			     "subject,holder,expires\nbureau,李,\nauditor,b,2026-12-31\nvenue:qddex,c,\n"
			     "91370202ma0xte011c,d,\n",
			     &items, &why),
	    OK);
	assert_int_equal(items.item_count, 4);
	for (size_t i = 0; i < 4; i++) {
		struct hash hash = hash_sha256(slice_of(items.items[i].token, ITEM_TOKEN_SIZE));
		const char *expires = i == 1 ? "\"expires\":\"2026-12-31\"" : "\"expires\":\"2027-11-24\"";
		struct slice line = items.items[i].line;

		hex_format(hash_slice(&hash), hash_text);
		assert_non_null(memmem(line.data, line.size, hash_text, strlen(hash_text)));
		assert_non_null(memmem(line.data, line.size, expires, strlen(expires)));
		hex_format(slice_of(items.items[i].token, ITEM_TOKEN_SIZE), hash_text);
		assert_null(memmem(line.data, line.size, hash_text, strlen(hash_text)));
		assert_string_equal(items.items[i].subject, subjects[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(items.items[i].token, items.items[j].token, ITEM_TOKEN_SIZE);
	}
	items_done(&items);
}

static void salts_every_line_anew(void **state)
{
	struct item_row row = {.columns = 1u << ITEM_FIRST | 1u << ITEM_SECOND};
	struct items items;

	(void)state;
	row.cells[ITEM_FIRST] = slice_text(A);
	row.cells[ITEM_SECOND] = slice_text(B);
	items_init(&items, ORDER_ENTERPRISE_RELATE, EXPIRES);
	items_add(&items, &row);
	items_add(&items, &row);
	assert_int_equal(items.item_count, 2);
	assert_false(slice_equal(items.items[0].line, items.items[1].line));
	items_done(&items);
}

static void names_row_column_value_and_rule_of_a_fault(void **state)
{
	static const struct {
		enum order_type type;
		const char *text;
		uint64_t row;
		const char *column, *value, *rule;
	} rows[] = {
	    {ORDER_ENTERPRISE_REGISTER, "code,name\n" A ",a\n91370202MA0XTE02X5,b\n", 3, "code", "91370202MA0XTE02X5",
		"check character"},
	    {ORDER_ENTERPRISE_REGISTER, "code,name\n9137,a\n", 2, "code", "9137", "18"},
	    {ORDER_ENTERPRISE_REGISTER, "code,name\n" A ",  \n", 2, "name", "", "is empty"},
	    {ORDER_ENTERPRISE_REGISTER, "code,name\n" A ",\"a\nb\"\n", 2, "name", "a\nb", "control"},
	    {ORDER_ENTERPRISE_REGISTER, "code,name,lists\n" A ",a,ok;Pilot\n", 2, "lists", "Pilot", "lower-case"},
	    {ORDER_ENTERPRISE_REGISTER, "code,name\n" A ",a\n" B ",b\n" A ",c\n", 4, "code", A, "row 2"},
	    {ORDER_ENTERPRISE_REGISTER, "code,name,first\n" A ",a," B "\n", 1, "", "first", "no known name"},
	    {ORDER_ENTERPRISE_REGISTER, "code,name,name\n" A ",a,b\n", 1, "name", "name", "stood before"},
	    {ORDER_ENTERPRISE_REGISTER, "code\n" A "\n" B "\n", 1, "name", "", "missing"},
	    {ORDER_ENTERPRISE_REGISTER, "code,name\n" A ",a,b\n", 2, "", "", "3 cells"},
	    {ORDER_ENTERPRISE_RELATE, "first,second\n" A "," A "\n", 2, "second", A, "itself"},
	    {ORDER_ENTERPRISE_RELATE, "first,second\n" A "," B "\n" B "," A "\n", 3, "", A, "row 2"},
	    {ORDER_GRANT_ADD, "subject,holder\nqddex,a\n", 2, "subject", "qddex", "18"},
	    {ORDER_GRANT_ADD, "subject,holder\nvenue:QD,a\n", 2, "subject", "venue:QD", "neither"},
	    {ORDER_GRANT_ADD, "subject,holder\nbureau,\n", 2, "holder", "", "is empty"},
	    {ORDER_GRANT_ADD, "subject,holder,expires\nbureau,a,2026-02-30\n", 2, "expires", "2026-02-30", "date"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct why why = {""};
		struct items items;

		if (list_read(rows[i].type, rows[i].text, &items, &why) != OK || items.fault_total != 1)
			fail_msg("row %zu: %s, %llu faults", i, why.text, (unsigned long long)items.fault_total);
		if (items.faults[0].row != rows[i].row || strcmp(items.faults[0].column, rows[i].column) != 0 ||
		    strcmp(items.faults[0].value, rows[i].value) != 0 ||
		    strstr(items.faults[0].rule, rows[i].rule) == NULL)
			fail_msg("row %zu: row %llu, %s, %s, %s", i, (unsigned long long)items.faults[0].row,
			    items.faults[0].column, items.faults[0].value, items.faults[0].rule);
		items_done(&items);
	}
}

static void tells_every_fault_of_every_row(void **state)
{
	struct why why = {""};
	struct items items;

	(void)state;
	assert_int_equal(
	    list_read(ORDER_GRANT_ADD, "subject,holder,expires\nx,,never\nbureau,a,\ny,,\n", &items, &why), OK);
	assert_int_equal(items.fault_total, 5);
	assert_int_equal(items.fault_count, 5);
	assert_int_equal(items.item_count, 1);
	items_done(&items);
}

static void refuses_lists_without_content(void **state)
{
	static const char *const texts[] = {"\n", "first,second\n", "first,second\n,\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct why why = {""};
		struct items items;

		if (list_read(ORDER_ENTERPRISE_RELATE, texts[i], &items, &why) != ERR_SYNTAX)
			fail_msg("text %zu: %s", i, why.text);
		items_done(&items);
	}
}

/* One firm or grant with a value of `size` bytes in a column; the number of faults. */
static uint64_t faults_of_size(enum order_type type, enum item_column column, size_t size)
{
	bool is_firm = type == ORDER_ENTERPRISE_REGISTER;
	struct item_row row = {
	    .columns = is_firm ? 1u << ITEM_CODE | 1u << ITEM_NAME : 1u << ITEM_SUBJECT | 1u << ITEM_HOLDER};
	char *text = fixture_repeat('x', size);
	uint64_t fault_total;
	struct items items;

	row.columns |= 1u << column;
	row.cells[ITEM_CODE] = slice_text(A);
	row.cells[ITEM_NAME] = row.cells[ITEM_HOLDER] = slice_text("a");
	row.cells[ITEM_SUBJECT] = slice_text("bureau");
	row.cells[column] = slice_text(text);
	items_init(&items, type, EXPIRES);
	items_add(&items, &row);
	fault_total = items.fault_total;
	assert_int_equal(items.item_count, fault_total == 0);
	items_done(&items);
	free(text);
	return fault_total;
}

static void bounds_names_and_holders(void **state)
{
	static const struct {
		enum order_type type;
		enum item_column column;
		size_t max;
	} rows[] = {
	    {ORDER_ENTERPRISE_REGISTER, ITEM_NAME, PARTY_NAME_SIZE_MAX},
	    {ORDER_ENTERPRISE_REGISTER, ITEM_LISTS, LIST_NAME_SIZE_MAX},
	    {ORDER_GRANT_ADD, ITEM_HOLDER, GRANT_HOLDER_SIZE_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t size = rows[i].max - 1; size <= rows[i].max + 1; size++)
			if (faults_of_size(rows[i].type, rows[i].column, size) != (size > rows[i].max))
				fail_msg("row %zu, %zu bytes", i, size);
}

static void bounds_the_number_of_lists(void **state)
{
	(void)state;
	for (size_t count = LISTS_MAX - 1; count <= LISTS_MAX + 1; count++) {
		struct item_row row = {.columns = 1u << ITEM_CODE | 1u << ITEM_NAME | 1u << ITEM_LISTS};
		struct items items;
		struct buf lists;

		buf_init(&lists, FIXTURE_TEXT_MAX);
		for (size_t i = 0; i < count; i++)
			buf_printf(&lists, "list%zu;", i);
		row.cells[ITEM_CODE] = slice_text(A);
		row.cells[ITEM_NAME] = slice_text("a");
		row.cells[ITEM_LISTS] = buf_slice(&lists);
		items_init(&items, ORDER_ENTERPRISE_REGISTER, EXPIRES);
		items_add(&items, &row);
		assert_int_equal(items.fault_total, count > LISTS_MAX);
		assert_int_equal(items.item_count, count <= LISTS_MAX);
		items_done(&items);
		buf_done(&lists);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_a_list_of_firms),
	    cmocka_unit_test(mends_what_spreadsheets_do_to_a_list),
	    cmocka_unit_test(puts_the_lower_code_of_a_pair_first),
	    cmocka_unit_test(makes_an_access_code_for_every_grant),
	    cmocka_unit_test(salts_every_line_anew),
	    cmocka_unit_test(names_row_column_value_and_rule_of_a_fault),
	    cmocka_unit_test(tells_every_fault_of_every_row),
	    cmocka_unit_test(refuses_lists_without_content),
	    cmocka_unit_test(bounds_names_and_holders),
	    cmocka_unit_test(bounds_the_number_of_lists),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

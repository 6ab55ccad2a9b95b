/* Item lines: written and read again, each field spoiled, nothing named twice by one order. */
#include "proto/order.h"

#include "tests/unit/order_fixture.h"

#define CODE_1 "91370200MA00000015"
#define CODE_2 "91370200MA00000028"
#define HASH_1 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SALT "00112233445566778899aabbccddeeff"

static const char register_line[] =
    "{\"code\":\"" CODE_1 "\",\"name\":\"甲公司\",\"lists\":[\"default\",\"pilot_1\"],\"salt\":\"" SALT "\"}";
static const char relate_line[] = "{\"codes\":[\"" CODE_1 "\",\"" CODE_2 "\"],\"salt\":\"" SALT "\"}";
static const char grant_line[] = "{\"token_hash\":\"" HASH_1 "\",\"subject\":\"venue:qddex\",\"holder\":\"王 财务\","
				 "\"scope\":\"read\",\"expires\":\"2027-12-31\",\"salt\":\"" SALT "\"}";

static struct order_item register_item(void)
{
	return (struct order_item){.code = slice_text(CODE_1),
	    .name = slice_text("甲公司"),
	    .list_count = 2,
	    .lists = {slice_text("default"), slice_text("pilot_1")}};
}

static struct order_item relate_item(void)
{
	return (struct order_item){.code = slice_text(CODE_1), .second = slice_text(CODE_2)};
}

static struct order_item grant_item(void)
{
	struct order_item item = {
	    .grant = {.subject = SUBJECT_VENUE, .name = "qddex", .holder = "王 财务", .expires = 20271231}};

	for (size_t i = 0; i < HASH_SIZE; i++)
		item.grant.token_hash[i] = (uint8_t)i;
	return item;
}

static void expect_line(enum order_type type, struct order_item item, const char *line)
{
	uint8_t salt[SALT_SIZE];
	struct buf buf;

	buf_init(&buf, FIXTURE_TEXT_MAX);
	assert_int_equal(hex_parse(slice_text(SALT), salt, SALT_SIZE), OK);
	assert_int_equal(order_item_format(type, &item, salt, &buf), OK);
	assert_string_equal(buf_text(&buf), line);
	buf_done(&buf);
}

static void writes_the_published_lines(void **state)
{
	(void)state;
	expect_line(ORDER_ENTERPRISE_REGISTER, register_item(), register_line);
	expect_line(ORDER_ENTERPRISE_RELATE, relate_item(), relate_line);
	expect_line(ORDER_GRANT_ADD, grant_item(), grant_line);
}

/* Composes an order over the lines, which parses it; then parses it for the caller. */
static enum err carry(enum order_type type, const char *const *lines, size_t line_count, struct arena *arena,
    struct order *ret_order, struct why *why)
{
	struct slice items[4];
	struct order_draft draft = {.type = type,
	    .id = "1",
	    .origin = FIXTURE_ORIGIN,
	    .ledger_id = FIXTURE_LEDGER_ID,
	    .expires = 20261224,
	    .made_at_size = 1,
	    .items = items,
	    .item_count = line_count};
	struct buf text;
	enum err err;

	for (size_t i = 0; i < line_count; i++)
		items[i] = slice_text(lines[i]);
	buf_init(&text, FIXTURE_TEXT_MAX);
	why->text[0] = '\0';
	err = order_compose(&draft, &text, why);
	if (err == OK && arena != NULL)
		err = order_parse(buf_slice(&text), items, line_count, arena, ret_order, why);
	buf_done(&text);
	return err;
}

static void reads_what_it_wrote(void **state)
{
	const char *line = register_line;
	struct order_item grant = grant_item();
	struct order order;
	struct arena arena;
	struct why why;

	(void)state;
	arena_init(&arena, ORDER_ARENA_SIZE);
	assert_int_equal(carry(ORDER_ENTERPRISE_REGISTER, &line, 1, &arena, &order, &why), OK);
	assert_true(slice_equal(order.items[0].code, slice_text(CODE_1)));
	assert_true(slice_equal(order.items[0].name, slice_text("甲公司")));
	assert_int_equal(order.items[0].list_count, 2);
	assert_true(slice_equal(order.items[0].lists[0], slice_text("default")));
	line = relate_line;
	assert_int_equal(carry(ORDER_ENTERPRISE_RELATE, &line, 1, &arena, &order, &why), OK);
	assert_true(slice_equal(order.items[0].code, slice_text(CODE_1)));
	assert_true(slice_equal(order.items[0].second, slice_text(CODE_2)));
	line = grant_line;
	assert_int_equal(carry(ORDER_GRANT_ADD, &line, 1, &arena, &order, &why), OK);
	assert_memory_equal(order.items[0].grant.token_hash, grant.grant.token_hash, HASH_SIZE);
	assert_int_equal(order.items[0].grant.subject, SUBJECT_VENUE);
	assert_string_equal(order.items[0].grant.name, "qddex");
	assert_string_equal(order.items[0].grant.holder, "王 财务");
	assert_int_equal(order.items[0].grant.expires, 20271231);
	arena_done(&arena);
}

static void expect_refusals(
    enum order_type type, const char *line, const struct fixture_refusal *rows, size_t row_count)
{
	struct why why;
	struct buf text;

	buf_init(&text, FIXTURE_TEXT_MAX);
	for (size_t i = 0; i < row_count; i++) {
		const char *changed;

		fixture_replace(line, rows[i].from, rows[i].to, &text);
		changed = buf_text(&text);
		fixture_expect(&rows[i], carry(type, &changed, 1, NULL, NULL, &why), &why, changed);
		assert_non_null(strstr(why.text, "item 1: "));
	}
	buf_done(&text);
}

static void refuses_each_change_of_a_registration(void **state)
{
	static const struct fixture_refusal rows[] = {
	    {CODE_1, "91370200MA00000025", ERR_ORDER, "item 1: "},
	    {CODE_1, "91370200ma00000015", ERR_ORDER, "item 1: "},
	    {"\"" CODE_1 "\"", "7", ERR_ORDER, "the code is empty"},
	    {"\"code\"", "\"codes\"", ERR_ORDER, "the key \"code\" is missing"},
	    {"甲公司", "", ERR_ORDER, "\"name\" is not a text of 1 to 200 bytes"},
	    {"甲公司", "a\\u001fb", ERR_ORDER, "\"name\" is not a text of 1 to 200 bytes"},
	    {"\"甲公司\"", "null", ERR_ORDER, "\"name\" is not a text of 1 to 200 bytes"},
	    {"[\"default\",\"pilot_1\"]", "\"default\"", ERR_ORDER, "\"lists\" is not an array"},
	    {"\"default\",\"pilot_1\"", "\"pilot_1\",\"default\"", ERR_ORDER, "lists 1 and 2 are not in ascending"},
	    {"\"default\",\"pilot_1\"", "\"default\",\"default\"", ERR_ORDER, "lists 1 and 2 are not in ascending"},
	    {"\"pilot_1\"", "\"Pilot\"", ERR_ORDER, "list 2 is not 1 to 32 lower-case letters"},
	    {"\"pilot_1\"", "\"\"", ERR_ORDER, "list 2 is not 1 to 32 lower-case letters"},
	    {"\"pilot_1\"", "1", ERR_ORDER, "list 2 is not 1 to 32 lower-case letters"},
	    {"\"salt\":\"0011", "\"salt\":\"00", ERR_ORDER, "\"salt\" is not 32 lower-case hex digits"},
	    {"\"salt\":\"0011", "\"salt\":\"001100", ERR_ORDER, "\"salt\" has 34 bytes"},
	    {"ccddeeff", "CCDDEEFF", ERR_ORDER, "\"salt\" is not 32 lower-case hex digits"},
	    {",\"salt\":\"" SALT "\"", "", ERR_ORDER, "the key \"salt\" is missing"},
	    {"{\"code\"", "{\"why\":1,\"code\"", ERR_ORDER, "unknown key: \"why\""},
	    {"\"code\":", "\"code\": ", ERR_ORDER, "the line is not written in its one compact form"},
	    {"}", "}\n", ERR_ORDER, "the line is not written in its one compact form"},
	    {"}", "", ERR_ORDER, "not valid JSON"},
	};

	(void)state;
	expect_refusals(ORDER_ENTERPRISE_REGISTER, register_line, rows, sizeof(rows) / sizeof(rows[0]));
}

static void refuses_each_change_of_a_relation(void **state)
{
	static const struct fixture_refusal rows[] = {
	    {CODE_1 "\",\"" CODE_2, CODE_2 "\",\"" CODE_1, ERR_ORDER, "two codes are not in ascending order"},
	    {CODE_1 "\",\"" CODE_2, CODE_1 "\",\"" CODE_1, ERR_ORDER, "two codes are not in ascending order"},
	    {CODE_2, "91370200MA00000029", ERR_ORDER, "item 1: "},
	    {",\"" CODE_2 "\"", "", ERR_ORDER, "\"codes\" is not an array of two codes"},
	    {"\"" CODE_2 "\"", "\"" CODE_2 "\",\"" CODE_2 "\"", ERR_ORDER, "\"codes\" is not an array of two codes"},
	    {"\"salt\"", "\"name\":\"x\",\"salt\"", ERR_ORDER, "unknown key: \"name\""},
	};

	(void)state;
	expect_refusals(ORDER_ENTERPRISE_RELATE, relate_line, rows, sizeof(rows) / sizeof(rows[0]));
}

static void refuses_each_change_of_a_grant(void **state)
{
	static const struct fixture_refusal rows[] = {
	    {"\"0001", "\"00", ERR_ORDER, "\"token_hash\" is not 64 lower-case hex digits"},
	    {"0a0b", "0A0B", ERR_ORDER, "\"token_hash\" is not 64 lower-case hex digits"},
	    {"venue:qddex", "venue:", ERR_ORDER, "\"subject\" is not"},
	    {"venue:qddex", "venue:QD", ERR_ORDER, "\"subject\" is not"},
	    {"venue:qddex", "Bureau", ERR_ORDER, "\"subject\" is not"},
	    {"venue:qddex", "91370200MA00000016", ERR_ORDER, "\"subject\" is not"},
	    {"王 财务", "", ERR_ORDER, "\"holder\" has 0 bytes"},
	    {"\"scope\":\"read\"", "\"scope\":\"all\"", ERR_ORDER, "\"scope\" is not \"read\""},
	    {"\"scope\":\"read\",", "", ERR_ORDER, "the key \"scope\" is missing"},
	    {"2027-12-31", "2027-11-31", ERR_ORDER, "\"expires\" is not a date"},
	    {"\"holder\":", "\"owner\":1,\"holder\":", ERR_ORDER, "unknown key: \"owner\""},
	};

	(void)state;
	expect_refusals(ORDER_GRANT_ADD, grant_line, rows, sizeof(rows) / sizeof(rows[0]));
}

static void refuses_what_is_named_twice(void **state)
{
	static const struct {
		enum order_type type;
		const char *line, *from, *to; /* the change that makes the second line another one */
		const char *what;
	} rows[] = {
	    {ORDER_ENTERPRISE_REGISTER, register_line, CODE_1, CODE_2, "enterprise"},
	    {ORDER_ENTERPRISE_RELATE, relate_line, CODE_2, "91370200MA0000003B", "pair"},
	    {ORDER_GRANT_ADD, grant_line, "0001", "0002", "token hash"},
	};
	char wanted[64];
	struct why why;
	struct buf other, salted;

	(void)state;
	buf_init(&other, FIXTURE_TEXT_MAX);
	buf_init(&salted, FIXTURE_TEXT_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *lines[3];

		/* Another salt makes another line of it, but not another thing. */
		fixture_replace(rows[i].line, rows[i].from, rows[i].to, &other);
		fixture_replace(rows[i].line, "ccddeeff", "ccddee00", &salted);
		lines[0] = rows[i].line;
		lines[1] = buf_text(&other);
		lines[2] = buf_text(&salted);
		assert_int_equal(carry(rows[i].type, lines, 2, NULL, NULL, &why), OK);
		assert_int_equal(carry(rows[i].type, lines, 3, NULL, NULL, &why), ERR_ORDER);
		snprintf(wanted, sizeof(wanted), "items 1 and 3 name the same %s", rows[i].what);
		assert_string_equal(why.text, wanted);
		lines[0] = buf_text(&other);
		lines[1] = rows[i].line;
		assert_int_equal(carry(rows[i].type, lines, 3, NULL, NULL, &why), ERR_ORDER);
		snprintf(wanted, sizeof(wanted), "items 2 and 3 name the same %s", rows[i].what);
		assert_string_equal(why.text, wanted);
	}
	buf_done(&other);
	buf_done(&salted);
}

static enum err format(enum order_type type, const struct order_item *item)
{
	const uint8_t salt[SALT_SIZE] = {0};
	struct buf buf;
	enum err err;

	buf_init(&buf, FIXTURE_TEXT_MAX);
	err = order_item_format(type, item, salt, &buf);
	if (err == OK) {
		const char *line = buf_text(&buf);
		struct why why;

		assert_int_equal(carry(type, &line, 1, NULL, NULL, &why), OK);
	}
	buf_done(&buf);
	return err;
}

static void holds_each_limit(void **state)
{
	(void)state;
	for (size_t step = 0; step <= 2; step++) {
		enum err wanted = step <= 1 ? OK : ERR_INVALID;
		struct order_item item = register_item();
		char *name = fixture_repeat('n', PARTY_NAME_SIZE_MAX - 1 + step);
		char *list = fixture_repeat('l', LIST_NAME_SIZE_MAX - 1 + step);

		item.name = slice_text(name);
		assert_int_equal(format(ORDER_ENTERPRISE_REGISTER, &item), wanted);
		item = register_item();
		item.lists[1] = slice_text(list);
		assert_int_equal(format(ORDER_ENTERPRISE_REGISTER, &item), wanted);
		free(name);
		free(list);
	}
}

static void holds_the_limits_of_a_line(void **state)
{
	struct why why;
	struct buf line, lists;
	const char *text;

	(void)state;
	buf_init(&line, FIXTURE_TEXT_MAX);
	buf_init(&lists, FIXTURE_TEXT_MAX);
	for (unsigned count = LISTS_MAX - 1; count <= LISTS_MAX + 1; count++) {
		buf_clear(&lists);
		for (unsigned i = 0; i < count; i++)
			buf_printf(&lists, "%s\"l%02u\"", i == 0 ? "" : ",", i);
		fixture_replace(register_line, "\"default\",\"pilot_1\"", buf_text(&lists), &line);
		text = buf_text(&line);
		assert_int_equal(
		    carry(ORDER_ENTERPRISE_REGISTER, &text, 1, NULL, NULL, &why), count <= LISTS_MAX ? OK : ERR_ORDER);
	}
	for (size_t size = GRANT_HOLDER_SIZE_MAX - 1; size <= GRANT_HOLDER_SIZE_MAX + 1; size++) {
		char *holder = fixture_repeat('h', size);

		fixture_replace(grant_line, "王 财务", holder, &line);
		text = buf_text(&line);
		assert_int_equal(
		    carry(ORDER_GRANT_ADD, &text, 1, NULL, NULL, &why), size <= GRANT_HOLDER_SIZE_MAX ? OK : ERR_ORDER);
		free(holder);
	}
	buf_done(&line);
	buf_done(&lists);
}

static void writes_no_item_that_breaks_a_rule(void **state)
{
	struct order_item item = register_item();
	char lists[LISTS_MAX][8];

	(void)state;
	for (size_t i = 0; i < LISTS_MAX; i++) {
		snprintf(lists[i], sizeof(lists[i]), "l%02u", (unsigned)(i % 100));
		item.lists[i] = slice_text(lists[i]);
	}
	item.list_count = LISTS_MAX;
	assert_int_equal(format(ORDER_ENTERPRISE_REGISTER, &item), OK);
	/* What lies behind the lists would pass for one more. */
	item.second = slice_text("l99");
	item.list_count = LISTS_MAX + 1;
	assert_int_equal(format(ORDER_ENTERPRISE_REGISTER, &item), ERR_INVALID);
	item = register_item();
	item.name = slice_text("\xff");
	assert_int_equal(format(ORDER_ENTERPRISE_REGISTER, &item), ERR_INVALID);
	item = relate_item();
	item.second = item.code;
	assert_int_equal(format(ORDER_ENTERPRISE_RELATE, &item), ERR_INVALID);
	item = grant_item();
	item.grant.expires = 20270229;
	assert_int_equal(format(ORDER_GRANT_ADD, &item), ERR_INVALID);
	item = grant_item();
	item.grant.subject = SUBJECT_ENTERPRISE;
	assert_int_equal(format(ORDER_GRANT_ADD, &item), ERR_INVALID);
	item = grant_item();
	item.grant.holder[0] = '\0';
	assert_int_equal(format(ORDER_GRANT_ADD, &item), ERR_INVALID);
}

static void reads_each_subject(void **state)
{
	static const struct {
		const char *text, *name;
		enum grant_subject subject; /* 0: refused */
	} rows[] = {
	    {"bureau", "", SUBJECT_BUREAU},
	    {"auditor", "", SUBJECT_AUDITOR},
	    {"venue:qddex", "qddex", SUBJECT_VENUE},
	    {"venue:abcdefghijklmnopqrstuvwxyz-12345", "abcdefghijklmnopqrstuvwxyz-12345", SUBJECT_VENUE},
	    {CODE_1, CODE_1, SUBJECT_ENTERPRISE},
	    {"venue:abcdefghijklmnopqrstuvwxyz-123456", "", 0},
	    {"venue:bureau:x", "", 0},
	    {"venue", "", 0},
	    {"qddex", "", 0},
	    {"", "", 0},
	    {"bureau ", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct grant grant = {.subject = SUBJECT_BUREAU};
		enum err err = grant_subject_parse(slice_text(rows[i].text), &grant);
		char text[64];

		if ((err == OK) != (rows[i].subject != 0))
			fail_msg("%s: %s", rows[i].text, err_name(err));
		if (err != OK)
			continue;
		assert_int_equal(grant.subject, rows[i].subject);
		assert_string_equal(grant.name, rows[i].name);
		grant_subject_format(&grant, text);
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_the_published_lines),
	    cmocka_unit_test(reads_what_it_wrote),
	    cmocka_unit_test(refuses_each_change_of_a_registration),
	    cmocka_unit_test(refuses_each_change_of_a_relation),
	    cmocka_unit_test(refuses_each_change_of_a_grant),
	    cmocka_unit_test(refuses_what_is_named_twice),
	    cmocka_unit_test(holds_each_limit),
	    cmocka_unit_test(holds_the_limits_of_a_line),
	    cmocka_unit_test(writes_no_item_that_breaks_a_rule),
	    cmocka_unit_test(reads_each_subject),
	};
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

/* Orders have one spelling: every other way to write the same JSON is refused, and so is what is too deep. */
#include "proto/order_internal.h"

#include "tests/unit/order_fixture.h"

#define TEXT                                                                                                           \
	"subsidy.order/v1\nsubsidy.example/ledger1\n0123456789abcdef\n"                                                \
	"{\"id\":\"a/1\",\"type\":\"venue.license\",\"expires\":\"2026-12-24\",\"made_at_size\":12,"                   \
	"\"body\":{\"venue\":\"qddex\",\"name\":\"青岛\","                                                           \
	"\"keys\":[\"qddex+b4c39f82+AT1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM\"]}}\n"

static enum err parse(const char *text, struct why *why)
{
	struct order order;
	struct arena arena;
	enum err err;

	arena_init(&arena, ORDER_ARENA_SIZE);
	why->text[0] = '\0';
	err = order_parse(slice_text(text), NULL, 0, &arena, &order, why);
	arena_done(&arena);
	return err;
}

static void refuses_every_other_spelling(void **state)
{
	static const char form[] = "the order is not written in its one compact form";
	static const struct fixture_refusal rows[] = {
	    {"{\"id\"", " {\"id\"", ERR_ORDER, form},
	    {"\"id\":", "\"id\": ", ERR_ORDER, form},
	    {",\"type\"", ", \"type\"", ERR_ORDER, form},
	    {"]}}\n", "]}} \n", ERR_ORDER, form},
	    {"]}}\n", "]}}\r\n", ERR_ORDER, form},
	    {"[\"qddex", "[\t\"qddex", ERR_ORDER, form},
	    {"\"id\":\"a/1\",\"type\":\"venue.license\"", "\"type\":\"venue.license\",\"id\":\"a/1\"", ERR_ORDER, form},
	    {"\"venue\":\"qddex\",\"name\":\"青岛\"", "\"name\":\"青岛\",\"venue\":\"qddex\"", ERR_ORDER, form},
	    {"a/1", "a\\/1", ERR_ORDER, form},
	    {"a/1", "a\\u002f1", ERR_ORDER, form},
	    {"青岛", "\\u9752\\u5c9b", ERR_ORDER, form},
	    {"\"made_at_size\":12,", "\"made_at_size\":12.0,", ERR_ORDER, "\"made_at_size\" is not"},
	    {"\"made_at_size\":12,", "\"made_at_size\":1.2e1,", ERR_ORDER, "\"made_at_size\" is not"},
	    {"\"made_at_size\":12,", "\"made_at_size\":012,", ERR_ORDER, "not valid JSON"},
	    {"\"made_at_size\":12,", "\"made_at_size\":12,\"made_at_size\":12,", ERR_ORDER, "duplicate"},
	    {"\"venue\":\"qddex\",", "\"venue\":\"qddex\",\"venue\":\"qddex\",", ERR_ORDER, "duplicate"},
	    {"\"made_at_size\":12,", "\"made_at_size\":12,,", ERR_ORDER, "not valid JSON"},
	    {"\"made_at_size\":12,", "\"made_at_size\":99999999999999999999,", ERR_ORDER, "not valid JSON"},
	    {"]}}\n", "]}}{}\n", ERR_ORDER, "not valid JSON"},
	    {"]}}\n", "]},}\n", ERR_ORDER, "not valid JSON"},
	    {"青岛", "青岛\\u0000", ERR_ORDER, "not valid JSON"},
	    {"青岛", "\\ud800", ERR_ORDER, "not valid JSON"},
	    {"青岛", "\xe9\x9d", ERR_ORDER, "not valid JSON"},
	    {"{\"id\"", "[\"id\"", ERR_ORDER, "not valid JSON"},
	};
	struct buf text;
	struct why why;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	if (parse(TEXT, &why) != OK)
		fail_msg("%s", why.text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fixture_replace(TEXT, rows[i].from, rows[i].to, &text);
		fixture_expect(&rows[i], parse(buf_text(&text), &why), &why, buf_text(&text));
	}
	buf_done(&text);
}

static void says_where_the_spelling_differs(void **state)
{
	struct buf text;
	struct why why;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	fixture_replace(TEXT, "青岛", "青 岛", &text);
	assert_int_equal(parse(buf_text(&text), &why), OK);
	fixture_replace(TEXT, "\"id\":", "\"id\": ", &text);
	assert_int_equal(parse(buf_text(&text), &why), ERR_ORDER);
	assert_string_equal(why.text, "the order is not written in its one compact form; from byte 64 on it should be: "
				      "\"a/1\",\"type\":\"venue.license\",\"expires\":\"");
	buf_done(&text);
}

static void cuts_the_right_spelling_at_characters(void **state)
{
	struct buf written;
	struct why why;

	(void)state;
	buf_init(&written, FIXTURE_TEXT_MAX);
	/* The first difference lies within the second character, and forty bytes on lies within another. */
	buf_add_text(&written, "青岛青岛青岛青岛青岛青岛青岛青岛青岛");
	assert_int_equal(order_json_compare(slice_text("青\xe5\xb0"), &written, "it", &why), ERR_NOT_CANONICAL);
	assert_true(utf8_is_text(slice_text(why.text)));
	assert_non_null(strstr(why.text, "from byte 4 on it should be: 岛青岛青岛青岛青岛青岛青岛"));
	assert_int_equal(order_json_compare(buf_slice(&written), &written, "it", &why), OK);
	buf_done(&written);
}

static enum err load_depth(unsigned depth, bool is_in_string, struct why *why)
{
	json_t *root;
	struct buf text;
	enum err err;

	buf_init(&text, FIXTURE_TEXT_MAX);
	buf_add_text(&text, "{\"\\\"a\":");
	if (is_in_string)
		buf_add_text(&text, "\"\\\"");
	for (unsigned i = 1; i < depth; i++)
		buf_add_text(&text, "[");
	for (unsigned i = 1; i < depth && !is_in_string; i++)
		buf_add_text(&text, "]");
	buf_add_text(&text, is_in_string ? "\"}" : "}");
	err = order_json_load(buf_slice(&text), "it", &root, why);
	if (err == OK)
		json_decref(root);
	buf_done(&text);
	return err;
}

static void bounds_the_depth_before_it_reads(void **state)
{
	struct why why;

	(void)state;
	assert_int_equal(load_depth(JSON_DEPTH_MAX - 1, false, &why), OK);
	assert_int_equal(load_depth(JSON_DEPTH_MAX, false, &why), OK);
	assert_int_equal(load_depth(JSON_DEPTH_MAX + 1, false, &why), ERR_SYNTAX);
	assert_string_equal(why.text, "it is nested deeper than 16 levels");
	/* Brackets inside a string, behind an escaped quote, are no levels. */
	assert_int_equal(load_depth(100, true, &why), OK);
}

static void wants_an_object(void **state)
{
	json_t *root;
	struct why why;

	(void)state;
	assert_int_equal(order_json_load(slice_text("[]"), "it", &root, &why), ERR_SYNTAX);
	assert_int_equal(order_json_load(slice_text("1"), "it", &root, &why), ERR_SYNTAX);
	assert_int_equal(order_json_load(slice_text(""), "it", &root, &why), ERR_SYNTAX);
}

static void writes_what_a_compact_printer_writes(void **state)
{
	static const char *const texts[] = {"plain", "青岛", "a\"b\\c/d", "\\\"", "\xf0\x9f\x90\x89", "a\nb"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *json = json_string(texts[i]);
		char *wanted = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
		struct buf buf;

		buf_init(&buf, FIXTURE_TEXT_MAX);
		order_json_add_string(&buf, slice_text(texts[i]));
		assert_string_equal(buf_text(&buf), wanted);
		buf_done(&buf);
		free(wanted);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refuses_every_other_spelling),
	    cmocka_unit_test(says_where_the_spelling_differs),
	    cmocka_unit_test(cuts_the_right_spelling_at_characters),
	    cmocka_unit_test(bounds_the_depth_before_it_reads),
	    cmocka_unit_test(wants_an_object),
	    cmocka_unit_test(writes_what_a_compact_printer_writes),
	};
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

/* Strict reading: the first thing wrong is kept, with its path, and nothing is read or written after it. */
#include "proto/policy_json.h"

#include "policy_fixture.h"

static void keeps_the_first_thing_that_is_wrong(void **state)
{
	static const char *const keys[] = {"!a", "b", NULL};
	json_t *json = fixture_load("{'a':'x','b':7}");
	struct why why = {""};
	struct policy_check check = {.err = OK, .why = &why};
	struct policy_json node;
	int64_t value = 5;
	char text[8] = "kept";

	(void)state;
	policy_json_open(&node, &check, json, "outer");
	policy_json_keys(&node, keys);
	assert_int_equal(check.err, OK);
	assert_false(policy_json_int(&node, "a", 0, 9, &value));
	assert_int_equal(check.err, ERR_INVALID);
	assert_string_equal(why.text, "outer.a: must be a whole number from 0 to 9, found a string");
	/* What would be right and what would be wrong are now alike: nothing happens. */
	assert_false(policy_json_int(&node, "b", 0, 9, &value));
	policy_json_text(&node, "a", json_object_get(json, "a"), 4, text);
	policy_json_refuse(&node, "b", "another thing");
	assert_null(policy_json_get(&node, "a"));
	assert_int_equal(value, 5);
	assert_string_equal(text, "kept");
	assert_string_equal(why.text, "outer.a: must be a whole number from 0 to 9, found a string");
	json_decref(json);
}

static void leaves_the_default_where_a_key_is_absent_or_null(void **state)
{
	static const char *const words[] = {"one", "two", NULL};
	static const char *const keys[] = {"x", NULL};
	json_t *json = fixture_load("{'null':null,'child':{'x':1}}");
	struct policy_check check = {.err = OK, .why = NULL};
	struct policy_json node, child;
	int64_t fen = 3;
	uint32_t ppm = 4;

	(void)state;
	policy_json_open(&node, &check, json, "");
	policy_json_amount(&node, "absent", 0, &fen);
	policy_json_ppm(&node, "absent", 0, 9, &ppm);
	assert_int_equal(policy_json_word(&node, "absent", policy_json_get(&node, "absent"), words), 0);
	assert_int_equal(policy_json_list(&node, "absent", false, 1), 0);
	assert_false(policy_json_child(&node, "absent", keys, &child));
	assert_false(policy_json_child_set(&node, "null", keys, &child));
	assert_null(policy_json_get_set(&node, "null"));
	assert_int_equal(check.err, OK);
	assert_int_equal(fen, 3);
	assert_int_equal(ppm, 4);
	assert_true(policy_json_child(&node, "child", keys, &child));
	assert_string_equal(child.path, "child");
	/* Where null has no meaning it is a value of a wrong type. */
	assert_false(policy_json_child(&node, "null", keys, &child));
	assert_int_equal(check.err, ERR_INVALID);
	json_decref(json);
}

static void allows_in_names_what_the_rule_says(void **state)
{
	static const struct {
		const char *more, *name;
		bool is_ok;
	} rows[] = {
	    {"", "a-0", true},
	    {"", "A", false},
	    {"A", "A", true},
	    {"", "a_b", false},
	    {"_", "a_b", true},
	    {"_", "a.b", false},
	    {"A._", "Q.d_-", true},
	    {"A._", "a b", false},
	    {"A._", "青", false},
	    {"", "", false},
	    {"", "abcdefgh", true},
	    {"", "abcdefghi", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_json_name_rule rule = {rows[i].more, 8, "as the row says"};
		struct policy_check check = {.err = OK, .why = NULL};
		json_t *json = json_pack("{s:s}", "k", rows[i].name);
		struct policy_json node;
		char name[9] = "";

		policy_json_open(&node, &check, json, "");
		policy_json_name(&node, "k", policy_json_get(&node, "k"), &rule, name);
		if ((check.err == OK) != rows[i].is_ok || strcmp(name, rows[i].is_ok ? rows[i].name : "") != 0)
			fail_msg("row %zu: \"%s\"", i, rows[i].name);
		json_decref(json);
	}
}

static void takes_integers_at_both_bounds(void **state)
{
	(void)state;
	for (int64_t value = 0; value <= 6; value++) {
		struct policy_check check = {.err = OK, .why = NULL};
		json_t *json = json_pack("{s:I}", "k", (json_int_t)value);
		struct policy_json node;
		int64_t read = -1;

		policy_json_open(&node, &check, json, "");
		assert_int_equal(policy_json_int(&node, "k", 1, 5, &read), value >= 1 && value <= 5);
		assert_int_equal(read, value >= 1 && value <= 5 ? value : -1);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keeps_the_first_thing_that_is_wrong),
	    cmocka_unit_test(leaves_the_default_where_a_key_is_absent_or_null),
	    cmocka_unit_test(allows_in_names_what_the_rule_says),
	    cmocka_unit_test(takes_integers_at_both_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

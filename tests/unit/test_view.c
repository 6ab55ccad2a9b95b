#include "client/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/policy.h"

static void builds_a_path_from_what_is_given(void **state)
{
	struct buf path;

	(void)state;
	view_path_init(&path, "/v1/enterprises");
	view_path_query(&path, "sort", NULL);
	assert_string_equal(buf_text(&path), "/v1/enterprises");
	view_path_query(&path, "sort", "award");
	view_path_query(&path, "find", "青 &a=b");
	assert_string_equal(buf_text(&path), "/v1/enterprises?sort=award&find=%E9%9D%92%20%26a%3Db");
	buf_done(&path);
}

static void asks_for_a_code_in_its_one_form(void **state)
{
	static const struct {
		const char *word, *path;
	} rows[] = {
	    {"91370202MA0XTE011C", "/v1/enterprises/91370202MA0XTE011C"},
	    {" ９1370202ma0xte011c ", "/v1/enterprises/91370202MA0XTE011C"},
	    {"../overview", "/v1/enterprises/..%2FOVERVIEW"},
	    {"", "/v1/enterprises/"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf path;

		view_path_enterprise(&path, rows[i].word);
		assert_string_equal(buf_text(&path), rows[i].path);
		buf_done(&path);
	}
}

static void explains_every_word_but_the_good_ones(void **state)
{
	(void)state;
	for (int i = DISPOSITION_COUNTED + 1; i < DISPOSITION_COUNT; i++)
		assert_string_equal(
		    view_meaning(disposition_name((enum disposition)i)), disposition_sentence((enum disposition)i));
	for (int i = GATE_ELIGIBLE + 1; i < GATE_COUNT; i++)
		assert_string_equal(
		    view_meaning(policy_gate_name((enum policy_gate)i)), policy_gate_sentence((enum policy_gate)i));
	assert_string_equal(view_meaning("not_listed"), policy_reason_sentence(REASON_NOT_LISTED));
	assert_string_equal(view_meaning("rate_not_set"), policy_reason_sentence(REASON_RATE_NOT_SET));
	assert_string_equal(view_meaning("below_threshold"), policy_reason_sentence(REASON_BELOW_THRESHOLD));
	assert_string_equal(view_meaning("no_eligible_trade"), policy_reason_sentence(REASON_NO_ELIGIBLE_TRADE));
	assert_null(view_meaning("counted"));
	assert_null(view_meaning("eligible"));
	assert_null(view_meaning("nonsense"));
	assert_null(view_meaning(NULL));
}

/* What a table of one column prints; freed by the caller. */
static char *printed(struct table *table)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(table_print(table, file), OK);
	fclose(file);
	table_done(table);
	return text;
}

static void shows_every_kind_of_member_as_a_cell(void **state)
{
	static const struct table_column columns[] = {{NULL, false}};
	json_t *object = json_loads("{\"text\":\"1234.50\",\"number\":7,\"yes\":true,\"no\":false,\"null\":null,"
				    "\"lists\":[\"a\",\"b\"],\"none\":[],\"counts\":{\"x\":1,\"y\":2}}",
	    0, NULL);
	struct table table;
	char *text;

	(void)state;
	assert_non_null(object);
	table_init(&table, columns, 1);
	view_cell(&table, object, "text");
	view_cell(&table, object, "number");
	view_cell(&table, object, "yes");
	view_cell(&table, object, "no");
	view_cell(&table, object, "null");
	view_cell(&table, object, "absent");
	view_cell(&table, object, "lists");
	view_cell(&table, object, "none");
	view_cell_counts(&table, json_object_get(object, "counts"));
	view_cell_counts(&table, json_object_get(object, "absent"));
	text = printed(&table);
	assert_string_equal(text, "1234.50\n7\nyes\nno\n-\n-\na b\n-\nx: 1, y: 2\n-\n");
	free(text);
	json_decref(object);
}

static void says_of_an_assumed_policy_that_it_is(void **state)
{
	json_t *assumed = json_pack("{s:s}", "status", "assumed"),
	       *published = json_pack("{s:s}", "status", "published");

	(void)state;
	assert_non_null(strstr(view_status(assumed), "按假设参数测算"));
	assert_string_equal(view_status(published), "published");
	json_decref(published);
	json_decref(assumed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(builds_a_path_from_what_is_given),
	    cmocka_unit_test(asks_for_a_code_in_its_one_form),
	    cmocka_unit_test(explains_every_word_but_the_good_ones),
	    cmocka_unit_test(shows_every_kind_of_member_as_a_cell),
	    cmocka_unit_test(says_of_an_assumed_policy_that_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Paths and queries: decoded with their sizes, or refused with the reason. */
#include "daemon/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void decodes_paths(void **state)
{
	static const struct {
		const char *text, *path;
	} rows[] = {
	    {"/", "/"},
	    {"/v1/feeds/qdex", "/v1/feeds/qdex"},
	    {"/a/", "/a/"},
	    {"/%E9%9D%92%e5%B2%9b", "/青岛"},
	    {"/a%20b", "/a b"},
	    {"/a+b", "/a+b"},
	    {"/a...b/.c/..d", "/a...b/.c/..d"},
	    {"/a?", "/a"},
	    {"/%3Fa=1", "/?a=1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct target target;
		struct why why = {""};

		if (target_decode(slice_text(rows[i].text), &target, &why) != OK)
			fail_msg("%s: %s", rows[i].text, why.text);
		if (!slice_equal(target.path, slice_text(rows[i].path)) || target.parameter_count != 0)
			fail_msg("%s gave %.*s", rows[i].text, (int)target.path.size, target.path.data);
	}
}

static void decodes_parameters(void **state)
{
	static const char text[] = "/p?a=1&b=x%26y%3dz&%63=%E5%B2%9B+1%2B2&d&e=&f=a=b?c/d";
	static const struct {
		const char *name, *value;
	} rows[] = {{"a", "1"}, {"b", "x&y=z"}, {"c", "岛 1+2"}, {"d", ""}, {"e", ""}, {"f", "a=b?c/d"}};
	static const char *const all[] = {"f", "e", "d", "c", "b", "a", NULL}, *const some[] = {"a", "b", "d", NULL};
	struct target target;
	struct slice value;
	struct why why;

	(void)state;
	assert_int_equal(target_decode(slice_text(text), &target, &why), OK);
	assert_int_equal(target.parameter_count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_true(target_parameter(&target, rows[i].name, &value));
		if (!slice_equal(value, slice_text(rows[i].value)))
			fail_msg("%s gave %.*s", rows[i].name, (int)value.size, value.data);
	}
	assert_false(target_parameter(&target, "g", &value));
	assert_int_equal(target_check_parameters(&target, all, &why), OK);
	assert_int_equal(target_check_parameters(&target, some, &why), ERR_BAD_REQUEST);
	assert_non_null(strstr(why.text, "'c'"));
}

static void refuses_what_is_doubtful(void **state)
{
	static const char *const rows[] = {"", "a", "*", "http://h/a", "//a", "/a//b", "/a/./b", "/a/../b", "/..", "/.",
	    "/%2e%2e/b", "/a%2fb", "/a%2Fb", "/a%00", "/a%0a", "/a%", "/a%4", "/a%4g", "/a%zz", "/%ff", "/%c0%af",
	    "/a b", "/a\x80", "/a\x7f", "/a#b", "/a?b#c", "/a?b=%00", "/a?b=%", "/a?b=%f", "/a?%00=1", "/a?b=%ff",
	    "/a?=1", "/a?&", "/a?b=1&", "/a?b=1&&c=2", "/a?b=1&b=2", "/a?b&b", "/a?b=1&%62=1", "/a?b=\xe9\x9d\x92",
	    "/a?b=%09"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct target target;
		struct why why = {""};

		if (target_decode(slice_text(rows[i]), &target, &why) != ERR_BAD_REQUEST || why.text[0] == '\0')
			fail_msg("row %zu, %s: not refused", i, rows[i]);
	}
}

static void refuses_a_raw_nul_instead_of_stopping_there(void **state)
{
	struct target target;
	struct why why;

	(void)state;
	assert_int_equal(target_decode(slice_of("/a\0?b=1", 7), &target, &why), ERR_BAD_REQUEST);
	assert_int_equal(target_decode(slice_of("/a?b\0=1", 7), &target, &why), ERR_BAD_REQUEST);
}

static void keeps_its_bounds(void **state)
{
	char text[HTTP_TARGET_SIZE_MAX + 2];
	struct target target;
	struct why why;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	assert_int_equal(target_decode(slice_of(text, HTTP_TARGET_SIZE_MAX - 1), &target, &why), OK);
	assert_int_equal(target_decode(slice_of(text, HTTP_TARGET_SIZE_MAX), &target, &why), OK);
	assert_int_equal(target.path.size, HTTP_TARGET_SIZE_MAX);
	assert_int_equal(target_decode(slice_of(text, HTTP_TARGET_SIZE_MAX + 1), &target, &why), ERR_BAD_REQUEST);
	for (int count = TARGET_PARAMETERS_MAX - 1; count <= TARGET_PARAMETERS_MAX + 1; count++) {
		size_t used = 2;

		memcpy(text, "/?", 2);
		for (int i = 0; i < count; i++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%sp%d=%d", i > 0 ? "&" : "", i, i);
		assert_int_equal(target_decode(slice_of(text, used), &target, &why),
		    count <= TARGET_PARAMETERS_MAX ? OK : ERR_BAD_REQUEST);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decodes_paths),
	    cmocka_unit_test(decodes_parameters),
	    cmocka_unit_test(refuses_what_is_doubtful),
	    cmocka_unit_test(refuses_a_raw_nul_instead_of_stopping_there),
	    cmocka_unit_test(keeps_its_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

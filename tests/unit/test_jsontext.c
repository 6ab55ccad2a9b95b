/* JSON text: the bytes that jansson writes for the same value. */
#include "proto/jsontext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define TEXT_MAX 4096

static void puts_commas_where_they_are_due(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, TEXT_MAX);
	jsontext_object(&text);
	jsontext_name(&text, "a");
	jsontext_object(&text);
	jsontext_object_end(&text);
	jsontext_name(&text, "b");
	jsontext_string(&text, slice_text("x:{,"));
	jsontext_name(&text, "c");
	jsontext_number(&text, 0);
	jsontext_name(&text, "d");
	jsontext_object(&text);
	jsontext_name(&text, "e");
	jsontext_number(&text, UINT64_MAX);
	jsontext_name(&text, "f");
	jsontext_string(&text, slice_of("", 0));
	jsontext_object_end(&text);
	jsontext_object_end(&text);
	assert_string_equal(
	    buf_text(&text), "{\"a\":{},\"b\":\"x:{,\",\"c\":0,\"d\":{\"e\":18446744073709551615,\"f\":\"\"}}");
	buf_done(&text);
}

static void puts_arrays_into_objects_and_back(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, TEXT_MAX);
	jsontext_array(&text);
	jsontext_number(&text, 1);
	jsontext_null(&text);
	jsontext_object(&text);
	jsontext_name(&text, "a");
	jsontext_array(&text);
	jsontext_array(&text);
	jsontext_array_end(&text);
	jsontext_bool(&text, true);
	jsontext_bool(&text, false);
	jsontext_array_end(&text);
	jsontext_name(&text, "b");
	jsontext_null(&text);
	jsontext_object_end(&text);
	jsontext_string(&text, slice_text("["));
	jsontext_object(&text);
	jsontext_object_end(&text);
	jsontext_array_end(&text);
	assert_string_equal(buf_text(&text), "[1,null,{\"a\":[[],true,false],\"b\":null},\"[\",{}]");
	buf_done(&text);
}

static void compare_with_jansson(const char *value, size_t size)
{
	json_t *json = json_stringn(value, size);
	char *due = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	struct buf text;

	assert_non_null(due);
	buf_init(&text, TEXT_MAX);
	jsontext_string(&text, slice_of(value, size));
	assert_string_equal(buf_text(&text), due);
	buf_done(&text);
	free(due);
	json_decref(json);
}

static void escapes_as_jansson_does(void **state)
{
	static const char *const values[] = {"", "plain", "\n", "a\nb\n", "\"", "\\\"\\", "\xe2\x80\x94 ledger",
	    "\xe8\xb4\xa2\xe5\x8a\xa1\xe9\x83\xa8\t", "\xf0\x9f\x90\xa6", "/"};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		compare_with_jansson(values[i], strlen(values[i]));
	for (unsigned c = 0; c < 0x80; c++) {
		const char text[] = {'a', (char)c, 'b', (char)c};

		compare_with_jansson(text, sizeof(text));
	}
}

static void keeps_the_error_of_its_buffer(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 8);
	jsontext_object(&text);
	jsontext_name(&text, "name");
	assert_int_equal(text.err, OK);
	jsontext_number(&text, 1);
	assert_int_equal(text.err, ERR_TOO_LARGE);
	jsontext_string(&text, slice_text("more"));
	jsontext_object_end(&text);
	assert_int_equal(text.err, ERR_TOO_LARGE);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(puts_commas_where_they_are_due),
	    cmocka_unit_test(puts_arrays_into_objects_and_back),
	    cmocka_unit_test(escapes_as_jansson_does),
	    cmocka_unit_test(keeps_the_error_of_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Cursors: only what was made here, for this viewer and this query, is taken back. */
#include "daemon/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/key.h"

#define BINDING "viewer and query"

static void gives_back_each_place(void **state)
{
	static const struct cursor_place places[] = {{0, 0}, {1, 0}, {0, 1}, {255, 256}, {256, 255}, {1ULL << 32, 7},
	    {TREE_SIZE_MAX, TREE_SIZE_MAX}, {UINT64_MAX, UINT64_MAX - 1}};
	struct cursor_secret secret;

	(void)state;
	cursor_secret_init(&secret);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char text[CURSOR_TEXT_SIZE];
		struct cursor_place place = {77, 78};

		cursor_format(&secret, slice_text(BINDING), &places[i], text);
		assert_int_equal(strlen(text), CURSOR_TEXT_SIZE - 1);
		assert_int_equal(cursor_parse(&secret, slice_text(BINDING), slice_text(text), &place, NULL), OK);
		assert_true(place.position == places[i].position && place.size == places[i].size);
	}
}

static void expect_refused(const struct cursor_secret *secret, const char *binding, const char *text)
{
	struct cursor_place place = {77, 78};
	struct why why = {.text = ""};

	if (cursor_parse(secret, slice_text(binding), slice_text(text), &place, &why) != ERR_BAD_REQUEST)
		fail_msg("\"%s\" of \"%s\" was taken", text, binding);
	assert_true(place.position == 77 && place.size == 78);
	assert_true(why.text[0] != '\0');
}

static void refuses_a_change_of_any_digit(void **state)
{
	struct cursor_secret secret;
	char text[CURSOR_TEXT_SIZE];

	(void)state;
	cursor_secret_init(&secret);
	cursor_format(
	    &secret, slice_text(BINDING), &(struct cursor_place){0x123456789abcdef0, 0xfedcba987654321}, text);
	for (size_t i = 0; i < CURSOR_TEXT_SIZE - 1; i++) {
		char digit = text[i];

		text[i] = digit == '0' ? '1' : '0';
		expect_refused(&secret, BINDING, text);
		text[i] = digit;
	}
}

static void refuses_another_binding(void **state)
{
	static const char *const bindings[] = {"", "viewer and quer", "viewer and query ", "Viewer and query"};
	struct cursor_secret secret;
	char text[CURSOR_TEXT_SIZE];

	(void)state;
	cursor_secret_init(&secret);
	cursor_format(&secret, slice_text(BINDING), &(struct cursor_place){5, 9}, text);
	for (size_t i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++)
		expect_refused(&secret, bindings[i], text);
}

static void refuses_cursors_of_another_process(void **state)
{
	struct cursor_secret secret, other;
	char text[CURSOR_TEXT_SIZE];

	(void)state;
	cursor_secret_init(&secret);
	cursor_secret_init(&other);
	cursor_format(&secret, slice_text(BINDING), &(struct cursor_place){5, 9}, text);
	expect_refused(&other, BINDING, text);
	/* Both halves of the secret matter. */
	memcpy(other.inner, secret.inner, sizeof(other.inner));
	expect_refused(&other, BINDING, text);
	cursor_secret_init(&other);
	memcpy(other.outer, secret.outer, sizeof(other.outer));
	expect_refused(&other, BINDING, text);
}

static void refuses_other_sizes_and_letters(void **state)
{
	struct cursor_secret secret;
	char text[CURSOR_TEXT_SIZE + 1];

	(void)state;
	cursor_secret_init(&secret);
	/* A place of which every digit is a letter, so that the other case is another text. */
	cursor_format(&secret, slice_text(BINDING), &(struct cursor_place){0xabcdefabcdefabcd, 9}, text);
	text[0] = 'A';
	expect_refused(&secret, BINDING, text);
	text[0] = 'g';
	expect_refused(&secret, BINDING, text);
	text[0] = 'a';
	text[CURSOR_TEXT_SIZE - 1] = '0';
	text[CURSOR_TEXT_SIZE] = '\0';
	expect_refused(&secret, BINDING, text);
	text[CURSOR_TEXT_SIZE - 2] = '\0';
	expect_refused(&secret, BINDING, text);
	expect_refused(&secret, BINDING, "");
}

static void forgets_its_secret(void **state)
{
	static const struct cursor_secret empty;
	struct cursor_secret secret;

	(void)state;
	cursor_secret_init(&secret);
	assert_memory_not_equal(&secret, &empty, sizeof(secret));
	cursor_secret_done(&secret);
	assert_memory_equal(&secret, &empty, sizeof(secret));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_back_each_place),
	    cmocka_unit_test(refuses_a_change_of_any_digit),
	    cmocka_unit_test(refuses_another_binding),
	    cmocka_unit_test(refuses_cursors_of_another_process),
	    cmocka_unit_test(refuses_other_sizes_and_letters),
	    cmocka_unit_test(forgets_its_secret),
	};

	return key_global_init() == OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

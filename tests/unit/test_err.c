/* The list of errors: names are unique and can be looked up, texts are there, causes are cut at a character. */
#include "proto/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void finds_each_error_by_its_name(void **state)
{
	(void)state;
	for (int err = 0; err < ERR_COUNT; err++)
		assert_int_equal(err_by_name(err_name((enum err)err)), err);
	assert_int_equal(err_by_name("no_such_error"), ERR_COUNT);
}

static void has_a_status_and_a_sentence_for_each(void **state)
{
	(void)state;
	for (int err = 0; err < ERR_COUNT; err++) {
		assert_in_range(err_status((enum err)err), 200, 599);
		assert_true(strlen(err_sentence((enum err)err)) > 5);
	}
}

static void cuts_a_long_cause_at_a_character(void **state)
{
	struct why why;
	char text[3 * WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < WHY_SIZE; i++)
		memcpy(text + 3 * i, "\xe9\x9d\x92", 3);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(why_set(&why, ERR_INVALID, "%s", text), ERR_INVALID);
	assert_int_equal(strlen(why.text) % 3, 0);
	assert_in_range(strlen(why.text), WHY_SIZE - 4, WHY_SIZE - 1);
	assert_int_equal(why_set(NULL, ERR_IO, "ignored"), ERR_IO);
}

static void keeps_a_last_character_that_fits(void **state)
{
	static const char *const characters[] = {"\xc2\xa5", "\xe9\x9d\x92", "\xf0\x9f\x98\x80"};

	(void)state;
	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		size_t size = strlen(characters[i]);

		/* `room` bytes are left for the character before the cut. */
		for (size_t room = 0; room <= size; room++) {
			int before = (int)(WHY_SIZE - 1 - room);
			size_t expected = (size_t)before + (room == size ? size : 0);
			struct why why;

			why_set(&why, ERR_INVALID, "%*s%sx", before, "", characters[i]);
			if (strlen(why.text) != expected)
				fail_msg("%zu of %zu bytes: %zu", room, size, strlen(why.text));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_each_error_by_its_name),
	    cmocka_unit_test(has_a_status_and_a_sentence_for_each),
	    cmocka_unit_test(cuts_a_long_cause_at_a_character),
	    cmocka_unit_test(keeps_a_last_character_that_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

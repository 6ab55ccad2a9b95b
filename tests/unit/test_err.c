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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_each_error_by_its_name),
		cmocka_unit_test(has_a_status_and_a_sentence_for_each),
		cmocka_unit_test(cuts_a_long_cause_at_a_character),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

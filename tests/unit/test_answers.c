/* What is remembered of answers: given again under its own stamp only, and bounded. */
#include "daemon/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/limits.h"

static const struct query_stamp stamp = {.last_index = 7, .order_count = 3};

static struct code code_number(unsigned number)
{
	char text[USCI_SIZE + 1];

	snprintf(text, sizeof(text), "9137%014u", number);
	return code_of(slice_text(text));
}

/* An answer of a text with "#" where the ledger's size is. */
static void make(struct query_answer *answer, const struct query_stamp *made_under, const char *text)
{
	const char *size = strchr(text, '#');

	query_answer_init(answer);
	buf_add_text(&answer->text, text);
	answer->size_start = (size_t)(size - text);
	answer->size_end = answer->size_start + 1;
	answer->stamp = *made_under;
}

static void keep(struct answers *answers, unsigned number, enum text_language language,
    const struct query_stamp *made_under, const char *text)
{
	struct code code = code_number(number);
	struct query_answer answer;

	make(&answer, made_under, text);
	answers_keep(answers, &code, language, &answer);
	query_answer_done(&answer);
}

/* NULL: nothing may be found. */
static void expect(struct answers *answers, unsigned number, enum text_language language,
    const struct query_stamp *asked_under, const char *text)
{
	struct code code = code_number(number);
	struct slice found;

	if (!answers_find(answers, &code, language, asked_under, 12345, &found)) {
		if (text != NULL)
			fail_msg("%u: nothing found", number);
		return;
	}
	if (text == NULL)
		fail_msg("%u: found %.*s", number, (int)found.size, (const char *)found.data);
	assert_true(slice_equal(found, slice_text(text)));
}

static struct answers *make_answers(size_t count_max, size_t size_max, size_t text_size_max)
{
	const struct answers_limits limits = {
	    .count_max = count_max, .size_max = size_max, .text_size_max = text_size_max};
	struct answers *answers;

	assert_int_equal(answers_new(&limits, &answers), OK);
	return answers;
}

static void gives_a_text_under_its_own_stamp_only(void **state)
{
	struct answers *answers = make_answers(10, 100000, 1000);
	const struct query_stamp later = {.last_index = 8, .order_count = 3},
				 ordered = {.last_index = 7, .order_count = 4},
				 none = {.last_index = 0, .order_count = 3};

	(void)state;
	expect(answers, 1, TEXT_ENGLISH, &stamp, NULL);
	keep(answers, 1, TEXT_ENGLISH, &stamp, "{\"size\":#,\"x\":1}\n");
	expect(answers, 1, TEXT_ENGLISH, &stamp, "{\"size\":12345,\"x\":1}\n");
	expect(answers, 1, TEXT_CHINESE, &stamp, NULL);
	expect(answers, 2, TEXT_ENGLISH, &stamp, NULL);
	expect(answers, 1, TEXT_ENGLISH, &later, NULL);
	expect(answers, 1, TEXT_ENGLISH, &ordered, NULL);
	expect(answers, 1, TEXT_ENGLISH, &none, NULL);
	/* Both languages side by side, and a newer text in the place of the old. */
	keep(answers, 1, TEXT_CHINESE, &stamp, "中#文");
	keep(answers, 1, TEXT_ENGLISH, &later, "#longer than before, so that it needs another place in memory");
	expect(answers, 1, TEXT_CHINESE, &stamp, "中12345文");
	expect(answers, 1, TEXT_ENGLISH, &stamp, NULL);
	expect(answers, 1, TEXT_ENGLISH, &later, "12345longer than before, so that it needs another place in memory");
	assert_int_equal(answers_counts(answers).count, 1);
	assert_int_equal(answers_counts(answers).found, 3);
	/* What is as of an earlier size is not kept. */
	keep(answers, 3, TEXT_ENGLISH, &none, "#");
	expect(answers, 3, TEXT_ENGLISH, &none, NULL);
	assert_int_equal(answers_counts(answers).count, 1);
	answers_free(answers);
}

static void remembers_caps(void **state)
{
	struct answers *answers = make_answers(10, 100000, 1000);
	struct code code = code_number(1), other = code_number(2);
	struct query_answer answer;
	struct history_cap *cap;
	struct array caps;

	(void)state;
	make(&answer, &(struct query_stamp){.last_index = 0}, "#");
	for (unsigned i = 1; i <= 2; i++) {
		cap = array_add(&answer.caps);
		cap->policy_index = i;
		cap->index = 10 * i;
	}
	answers_keep(answers, &code, TEXT_ENGLISH, &answer);
	query_answer_done(&answer);
	array_init(&caps, sizeof(struct history_cap));
	answers_add_caps(answers, &other, &caps);
	assert_int_equal(caps.count, 0);
	answers_add_caps(answers, &code, &caps);
	assert_int_equal(caps.count, 2);
	cap = array_at(&caps, 1);
	assert_int_equal(cap->index, 20);
	array_done(&caps);
	/* An answer that had no use for them leaves them. */
	keep(answers, 1, TEXT_ENGLISH, &stamp, "#");
	answers_add_caps(answers, &code, &caps);
	assert_int_equal(caps.count, 2);
	array_done(&caps);
	answers_free(answers);
}

static void keep_with_cap(struct answers *answers, unsigned number)
{
	struct code code = code_number(number);
	struct query_answer answer;
	struct history_cap *cap;

	make(&answer, &stamp, "#0123456789012345678901234567890123456789012345678901234567890123456789");
	cap = array_add(&answer.caps);
	cap->index = number;
	answers_keep(answers, &code, TEXT_ENGLISH, &answer);
	query_answer_done(&answer);
}

static size_t count_caps(struct answers *answers, unsigned number)
{
	struct code code = code_number(number);
	struct array caps;
	size_t count;

	array_init(&caps, sizeof(struct history_cap));
	answers_add_caps(answers, &code, &caps);
	count = caps.count;
	array_done(&caps);
	return count;
}

/* Texts go first, of those asked about longest ago; then all that is known of them. */
static void keeps_caps_longer_than_texts(void **state)
{
	struct answers *answers = make_answers(100, 100000, 1000);
	size_t one, bare;

	(void)state;
	keep_with_cap(answers, 0);
	one = answers_counts(answers).size;
	bare = one - 71;
	answers_free(answers);
	answers = make_answers(100, 2 * one + bare, 71);
	for (unsigned i = 0; i < 3; i++)
		keep_with_cap(answers, i);
	expect(answers, 0, TEXT_ENGLISH, &stamp, NULL);
	assert_int_equal(count_caps(answers, 0), 1);
	assert_int_equal(answers_counts(answers).size, 2 * one + bare);
	/* By now 1 was asked about longest ago, and then 2. */
	(void)count_caps(answers, 2);
	(void)count_caps(answers, 0);
	keep_with_cap(answers, 3);
	assert_int_equal(answers_counts(answers).count, 3);
	assert_int_equal(count_caps(answers, 1), 0);
	assert_int_equal(count_caps(answers, 0), 1);
	assert_int_equal(count_caps(answers, 2), 1);
	answers_free(answers);
}

static void forgets_who_was_not_asked_about_for_longest(void **state)
{
	struct answers *answers = make_answers(ANSWERS_KEPT_MAX, ANSWERS_SIZE_MAX, ANSWER_KEPT_SIZE_MAX);

	(void)state;
	for (unsigned i = 0; i < ANSWERS_KEPT_MAX - 1; i++)
		keep(answers, i, TEXT_ENGLISH, &stamp, "#");
	assert_int_equal(answers_counts(answers).count, ANSWERS_KEPT_MAX - 1);
	keep(answers, ANSWERS_KEPT_MAX - 1, TEXT_ENGLISH, &stamp, "#");
	assert_int_equal(answers_counts(answers).count, ANSWERS_KEPT_MAX);
	expect(answers, 0, TEXT_ENGLISH, &stamp, "12345");
	keep(answers, ANSWERS_KEPT_MAX, TEXT_ENGLISH, &stamp, "#");
	assert_int_equal(answers_counts(answers).count, ANSWERS_KEPT_MAX);
	expect(answers, 0, TEXT_ENGLISH, &stamp, "12345");
	expect(answers, 1, TEXT_ENGLISH, &stamp, NULL);
	for (unsigned i = 2; i <= ANSWERS_KEPT_MAX; i++)
		expect(answers, i, TEXT_ENGLISH, &stamp, "12345");
	answers_free(answers);
}

static char long_text[ANSWER_KEPT_SIZE_MAX + 2];

static const char *text_of_size(size_t size)
{
	memset(long_text, 'x', size);
	long_text[0] = '#';
	long_text[size] = '\0';
	return long_text;
}

static void bounds_the_size_of_one_text(void **state)
{
	struct answers *answers = make_answers(ANSWERS_KEPT_MAX, ANSWERS_SIZE_MAX, ANSWER_KEPT_SIZE_MAX);
	struct code code = code_number(1);
	struct slice text;

	(void)state;
	for (size_t size = ANSWER_KEPT_SIZE_MAX - 1; size <= ANSWER_KEPT_SIZE_MAX + 1; size++) {
		keep(answers, 1, TEXT_ENGLISH, &stamp, text_of_size(size));
		assert_int_equal(
		    answers_find(answers, &code, TEXT_ENGLISH, &stamp, 1, &text), size <= ANSWER_KEPT_SIZE_MAX);
	}
	/* The size's digits come on top, and don't matter. */
	keep(answers, 1, TEXT_ENGLISH, &stamp, text_of_size(ANSWER_KEPT_SIZE_MAX));
	assert_true(answers_find(answers, &code, TEXT_ENGLISH, &stamp, UINT64_MAX, &text));
	assert_int_equal(text.size, ANSWER_KEPT_SIZE_MAX + 19);
	answers_free(answers);
}

static void bounds_the_size_of_all(void **state)
{
	struct answers *answers = make_answers(ANSWERS_KEPT_MAX, ANSWERS_SIZE_MAX, ANSWER_KEPT_SIZE_MAX);
	size_t one, room;
	unsigned count;

	(void)state;
	keep(answers, 0, TEXT_ENGLISH, &stamp, text_of_size(ANSWER_KEPT_SIZE_MAX));
	one = answers_counts(answers).size;
	assert_true(one > ANSWER_KEPT_SIZE_MAX);
	count = (unsigned)(ANSWERS_SIZE_MAX / one);
	for (unsigned i = 1; i < count; i++)
		keep(answers, i, TEXT_CHINESE, &stamp, text_of_size(ANSWER_KEPT_SIZE_MAX));
	assert_int_equal(answers_counts(answers).count, count);
	/* Up to the last byte, and no further. */
	room = ANSWERS_SIZE_MAX - answers_counts(answers).size - (one - ANSWER_KEPT_SIZE_MAX);
	for (size_t size = room - 1; size <= room; size++) {
		keep(answers, count, TEXT_ENGLISH, &stamp, text_of_size(size));
		assert_int_equal(answers_counts(answers).count, count + 1);
	}
	assert_int_equal(answers_counts(answers).size, ANSWERS_SIZE_MAX);
	keep(answers, count, TEXT_ENGLISH, &stamp, text_of_size(room + 1));
	assert_int_equal(answers_counts(answers).size, ANSWERS_SIZE_MAX + 1 - ANSWER_KEPT_SIZE_MAX);
	expect(answers, 0, TEXT_ENGLISH, &stamp, NULL);
	/* Shorter texts and those that are gone give their room back. */
	keep(answers, count, TEXT_ENGLISH, &stamp, "#");
	assert_int_equal(answers_counts(answers).size, (count - 1) * one + 2 * (one - ANSWER_KEPT_SIZE_MAX) + 1);
	answers_free(answers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_a_text_under_its_own_stamp_only),
	    cmocka_unit_test(remembers_caps),
	    cmocka_unit_test(keeps_caps_longer_than_texts),
	    cmocka_unit_test(forgets_who_was_not_asked_about_for_longest),
	    cmocka_unit_test(bounds_the_size_of_one_text),
	    cmocka_unit_test(bounds_the_size_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

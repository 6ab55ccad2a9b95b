#include "proto/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/err.h"
#include "proto/policy.h"
#include "proto/record.h"

static int use_english(void **state)
{
	(void)state;
	text_use(TEXT_ENGLISH);
	return 0;
}

static void gives_a_text_in_the_language_of_the_thread(void **state)
{
	(void)state;
	assert_string_equal(text_of("the order is not valid"), "the order is not valid");
	assert_string_equal(err_sentence(ERR_ORDER), "the order is not valid");
	text_use(TEXT_CHINESE);
	assert_int_equal(text_language(), TEXT_CHINESE);
	assert_string_equal(err_sentence(ERR_ORDER), "指令无效");
	assert_string_equal(disposition_sentence(DISPOSITION_SELF_TRADE), "供方和需方是同一企业");
	assert_string_equal(policy_gate_sentence(GATE_WINDOW), "交易日期不在政策期限内");
	assert_string_equal(policy_reason_sentence(REASON_BELOW_THRESHOLD), "符合条件的交易没有达到政策的门槛");
}

static void never_translates_the_name_of_an_error(void **state)
{
	(void)state;
	text_use(TEXT_CHINESE);
	assert_string_equal(err_name(ERR_ORDER), "bad_order");
	assert_int_equal(err_by_name("bad_order"), ERR_ORDER);
	assert_string_equal(disposition_name(DISPOSITION_SELF_TRADE), "self_trade");
	assert_string_equal(policy_gate_name(GATE_WINDOW), "window");
}

static void gives_back_what_has_no_row(void **state)
{
	(void)state;
	text_use(TEXT_CHINESE);
	assert_string_equal(text_of(""), "");
	assert_string_equal(text_of("%s"), "%s");
	assert_string_equal(text_of("nobody says this"), "nobody says this");
}

static void finds_every_row_of_every_table(void **state)
{
	size_t count = 0;

	(void)state;
	text_use(TEXT_CHINESE);
	for (size_t i = 0; i < TEXT_PARTS; i++)
		for (size_t j = 0; j < text_parts[i]->row_count; j++, count++) {
			const struct text_row *row = &text_parts[i]->rows[j];

			if (strcmp(text_of(row->english), row->chinese) != 0)
				fail_msg("\"%s\" is not found", row->english);
		}
	assert_true(count > 500);
}

static void formats_arguments_in_another_order(void **state)
{
	struct why why;

	(void)state;
	text_use(TEXT_CHINESE);
	(void)why_set(&why, ERR_INVALID,
	    "the byte 0x%02x at position %u is not a character of a code: a code has the digits and the letters A to Y "
	    "without I, O, S and V",
	    0xffu, 7u);
	assert_string_equal(why.text, "第7位的字节0xff不能用于代码：代码只含数字和除I、O、S、V以外的字母A至Y");
}

static void keeps_the_english_of_a_reason_for_the_log(void **state)
{
	struct why cause, why;

	(void)state;
	assert_int_equal(why_set(&why, ERR_REFUSED, "venue %s is not suspended", "qddex"), ERR_REFUSED);
	assert_string_equal(why_english(&why), "venue qddex is not suspended");
	text_use(TEXT_CHINESE);
	(void)why_set(&why, ERR_REFUSED, "venue %s is not suspended", "qddex");
	assert_string_equal(why.text, "数据交易机构qddex没有被暂停");
	assert_string_equal(why_english(&why), "venue qddex is not suspended");
	(void)why_set(&cause, ERR_REFUSED, "no such trade is in the ledger");
	assert_int_equal(
	    why_set_cause(&why, ERR_REFUSED, &cause, "item %zu, trade %.*s of %.*s: ", (size_t)3, 2, "T1", 5, "qddex"),
	    ERR_REFUSED);
	assert_string_equal(why.text, "第3项，交易T1（qddex）：账本中没有这笔交易");
	assert_string_equal(why_english(&why), "item 3, trade T1 of qddex: no such trade is in the ledger");
	/* A reason of an English thread leaves nothing of the Chinese one before it. */
	text_use(TEXT_ENGLISH);
	(void)why_set(&why, ERR_REFUSED, "no such trade is in the ledger");
	assert_string_equal(why_english(&why), "no such trade is in the ledger");
}

static void cuts_a_long_cause_at_a_character(void **state)
{
	struct why cause = {.text = ""}, why;
	size_t size;

	(void)state;
	for (size_t i = 0; i + 4 < WHY_SIZE; i += 3)
		memcpy(cause.text + i, "中", 4);
	for (int before = 0; before < 4; before++) {
		(void)why_set_cause(&why, ERR_INVALID, &cause, "%.*s", before, "xxxx");
		size = strlen(why.text);
		assert_in_range(size, WHY_SIZE - 4, WHY_SIZE - 1);
		assert_int_equal((size - (size_t)before) % 3, 0);
	}
}

static void takes_the_language_of_a_locale_by_its_name(void **state)
{
	static const struct {
		const char *locale;
		enum text_language language;
	} rows[] = {
	    {"zh_CN.UTF-8", TEXT_CHINESE},
	    {"zh", TEXT_CHINESE},
	    {"zh_TW", TEXT_CHINESE},
	    {"zh.GB18030", TEXT_CHINESE},
	    {"zh@pinyin", TEXT_CHINESE},
	    {"ZH-Hans", TEXT_CHINESE},
	    {"C", TEXT_ENGLISH},
	    {"", TEXT_ENGLISH},
	    {"z", TEXT_ENGLISH},
	    {"zha_CN", TEXT_ENGLISH},
	    {"en_US.UTF-8", TEXT_ENGLISH},
	    {"de_DE", TEXT_ENGLISH},
	    {NULL, TEXT_ENGLISH},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (text_language_of_locale(rows[i].locale) != rows[i].language)
			fail_msg("locale %s", rows[i].locale);
}

static void takes_the_first_of_the_known_languages_by_weight(void **state)
{
	static const struct {
		const char *header;
		enum text_language language;
	} rows[] = {
	    {NULL, TEXT_ENGLISH},
	    {"", TEXT_ENGLISH},
	    {"zh", TEXT_CHINESE},
	    {"zh-CN", TEXT_CHINESE},
	    {"ZH-hans-cn", TEXT_CHINESE},
	    {"zh-CN,zh;q=0.9,en;q=0.8", TEXT_CHINESE},
	    {"en,zh", TEXT_ENGLISH},
	    {"zh,en", TEXT_CHINESE},
	    {"en;q=0.5, zh;q=0.6", TEXT_CHINESE},
	    {"en ; q=0.7\t, zh;q=0.6", TEXT_ENGLISH},
	    {"zh;Q=0.001", TEXT_CHINESE},
	    {"zh;q=0", TEXT_ENGLISH},
	    {"zh;q=0.000, en;q=0", TEXT_ENGLISH},
	    {"zh;q=1.000, en", TEXT_CHINESE},
	    {"fr, zh;q=0.2", TEXT_CHINESE},
	    {"fr, de", TEXT_ENGLISH},
	    {"*", TEXT_ENGLISH},
	    {", ,zh,", TEXT_CHINESE},
	    {"zha", TEXT_ENGLISH},
	    {"zh-", TEXT_CHINESE},
	    /* Malformed: then nothing of it counts. */
	    {"zh;", TEXT_ENGLISH},
	    {"zh;q", TEXT_ENGLISH},
	    {"zh;q=", TEXT_ENGLISH},
	    {"zh;q=2", TEXT_ENGLISH},
	    {"zh;q=1.001", TEXT_ENGLISH},
	    {"zh;q=0.1234", TEXT_ENGLISH},
	    {"zh;q=-1", TEXT_ENGLISH},
	    {"zh;q=0.5x", TEXT_ENGLISH},
	    {"zh;level=1", TEXT_ENGLISH},
	    {"zh en", TEXT_ENGLISH},
	    {"zh, en;q=x", TEXT_ENGLISH},
	    {"zh\"", TEXT_ENGLISH},
	    {"中文", TEXT_ENGLISH},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (text_language_of_header(rows[i].header) != rows[i].language)
			fail_msg("Accept-Language: %s", rows[i].header);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(gives_a_text_in_the_language_of_the_thread, use_english),
	    cmocka_unit_test_teardown(never_translates_the_name_of_an_error, use_english),
	    cmocka_unit_test_teardown(gives_back_what_has_no_row, use_english),
	    cmocka_unit_test_teardown(finds_every_row_of_every_table, use_english),
	    cmocka_unit_test_teardown(formats_arguments_in_another_order, use_english),
	    cmocka_unit_test_teardown(keeps_the_english_of_a_reason_for_the_log, use_english),
	    cmocka_unit_test_teardown(cuts_a_long_cause_at_a_character, use_english),
	    cmocka_unit_test(takes_the_language_of_a_locale_by_its_name),
	    cmocka_unit_test(takes_the_first_of_the_known_languages_by_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

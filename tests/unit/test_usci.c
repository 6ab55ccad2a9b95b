/* Credit codes: published codes pass, near misses don't, and each fault is explained so that a clerk can mend it. */
#include "proto/usci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Six published codes, the last of them the example of GB 32100-2015, and four made for tests. */
static const char *const valid[] = {"91370200264574251E", "914403001922038216", "9144030071526726XG",
    "91330100799655058B", "91110108551385082Q", "91350100M000100Y43", "91370202000000019Q", "91370202MA0XTE011C",
    "91370202MA0XTE02X4", "91370202MA0XTE0384"};

static void accepts_published_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(valid); i++) {
		struct why why = {"untouched"};
		unsigned position = 99;

		if (usci_check(slice_text(valid[i]), &position) != USCI_OK || position != 99 ||
		    usci_explain(slice_text(valid[i]), &why) != OK || strcmp(why.text, "untouched") != 0)
			fail_msg("refused %s", valid[i]);
		if (!usci_inner_is_ok(slice_text(valid[i])))
			fail_msg("inner check of %s", valid[i]);
		assert_int_equal(usci_check_character(valid[i]), valid[i][USCI_SIZE - 1]);
	}
}

static void refuses_codes_that_only_look_real(void **state)
{
	static const struct {
		const char *code;
		enum usci_fault fault;
		char right;
	} rows[] = {
	    {"9133010057462616XH", USCI_CHECK, '9'},
	    {"91110108717809965C", USCI_CHECK, 'J'},
	    {"91110000800088421P", USCI_CHECK, 'W'},
	    {"91370200MA3D5T9W2X", USCI_CHECK, 'Y'},
	    {"91350100M000100Y4Z", USCI_LETTER, '3'},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct why why;
		char right[] = "'?'";

		right[1] = rows[i].right;
		if (usci_check(slice_text(rows[i].code), NULL) != rows[i].fault ||
		    usci_check_character(rows[i].code) != rows[i].right)
			fail_msg("%s", rows[i].code);
		assert_int_equal(usci_explain(slice_text(rows[i].code), &why), ERR_INVALID);
		if (strstr(why.text, right) == NULL)
			fail_msg("%s: %s", rows[i].code, why.text);
	}
}

static void takes_exactly_eighteen_bytes(void **state)
{
	static const char longer[] = "91370200264574251E0";

	(void)state;
	for (size_t size = 0; size <= sizeof(longer) - 1; size++) {
		enum usci_fault fault = usci_check(slice_of(longer, size), NULL);

		if (fault != (size == USCI_SIZE ? USCI_OK : USCI_LENGTH))
			fail_msg("a code of %zu bytes", size);
		if (usci_inner_is_ok(slice_of(longer, size)) != (size == USCI_SIZE))
			fail_msg("the inner code of %zu bytes", size);
	}
}

static void takes_no_byte_outside_the_alphabet_in_any_place(void **state)
{
	(void)state;
	for (unsigned at = 0; at < USCI_SIZE; at++) {
		for (unsigned c = 0; c < 256; c++) {
			bool is_allowed = c != 0 && strchr("0123456789ABCDEFGHJKLMNPQRTUWXY", (int)c) != NULL;
			uint8_t code[USCI_SIZE];
			unsigned position = 0;
			enum usci_fault fault;

			memcpy(code, valid[0], USCI_SIZE);
			code[at] = (uint8_t)c;
			fault = usci_check(slice_of(code, USCI_SIZE), &position);
			if ((fault == USCI_LETTER) == is_allowed || position != (is_allowed ? 0 : at + 1))
				fail_msg("0x%02x at %u", c, at + 1);
			/* One changed character never passes: that is what a check character is for. */
			if ((fault == USCI_OK) != (c == (uint8_t)valid[0][at]))
				fail_msg("0x%02x at %u passed", c, at + 1);
		}
	}
}

static void warns_of_an_inner_code_that_does_not_check(void **state)
{
	(void)state;
	assert_true(usci_inner_is_ok(slice_text("00000000D2143569X0"))); /* the example of GB 11714 */
	assert_false(usci_inner_is_ok(slice_text("00000000D214356910")));
	assert_true(usci_inner_is_ok(slice_text("000000000000000000")));
	assert_false(usci_inner_is_ok(slice_text("00000000000000001X")));
	assert_false(usci_inner_is_ok(slice_text("00000000d2143569X0")));
}

static void normalises_what_office_programs_write(void **state)
{
	static const struct {
		const char *text;
		const char *code;
	} rows[] = {
	    {"91370200264574251E", "91370200264574251E"},
	    {"91370200264574251e", "91370200264574251E"},
	    {" \t91370200264574251E\r\n\v\f", "91370200264574251E"},
	    {"\xe3\x80\x80\xc2\xa0"
	     "91370200264574251E \xe3\x80\x80\xc2\xa0",
		"91370200264574251E"},
	    {"\xef\xbc\x99\xef\xbc\x91\xef\xbd\x85\xef\xbc\xa5", "91EE"},
	    {"\xef\xbc\x81\xef\xbc\xbf\xef\xbd\x80\xef\xbd\x9e", "!_`~"},
	    {"\xef\xbc\x80\xef\xbd\x9f", "\xef\xbc\x80\xef\xbd\x9f"},
	    {"a b", "A B"},
	    {"\xe9\x9d\x92z", "\xe9\x9d\x92Z"},
	    {"\xef\xbc", "\xef\xbc"},
	    {"\xe3\x80", "\xe3\x80"},
	    {"", ""},
	    {" \xe3\x80\x80 ", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t size = strlen(rows[i].text);
		uint8_t *text = malloc(size + 1); /* of the exact size, so that a sanitizer sees an overrun */
		struct buf code;

		assert_non_null(text);
		memcpy(text, rows[i].text, size);
		buf_init(&code, 100);
		buf_add_text(&code, "left over");
		if (usci_normalise(slice_of(text, size), &code) != OK || strcmp(buf_text(&code), rows[i].code) != 0)
			fail_msg("row %zu: '%s'", i, buf_text(&code));
		buf_done(&code);
		free(text);
	}
}

static void normalises_up_to_the_maximum(void **state)
{
	(void)state;
	for (size_t size = USCI_TEXT_SIZE_MAX - 1; size <= USCI_TEXT_SIZE_MAX + 1; size++) {
		char text[3 + USCI_TEXT_SIZE_MAX + 1 + 3];
		struct buf code;
		enum err err;

		memset(text, ' ', sizeof(text));
		memset(text + 3, 'x', size);
		buf_init(&code, 100);
		buf_add_text(&code, "kept");
		err = usci_normalise(slice_of(text, sizeof(text)), &code);
		if (err != (size <= USCI_TEXT_SIZE_MAX ? OK : ERR_TOO_LARGE) || code.size != (err == OK ? size : 4))
			fail_msg("%zu bytes: %s", size, err_name(err));
		buf_done(&code);
	}
}

static void explains_what_is_wrong(void **state)
{
	static const struct {
		const char *code;
		const char *has[3];
	} rows[] = {
	    {"", {"empty", "18", ""}},
	    {"91370200264574251", {"17 characters", "18", ""}},
	    {"91370200264574251E1", {"19 characters", "18", ""}},
	    {"\xe9\x9d\x92\xe5\xb2\x9b\xe6\xb5\xb7\xe5\xb0\x94", {"4 characters", "18", ""}},
	    /* 18 bytes, but 16 characters */
	    {"\xe9\x9d\x92"
	     "370200264574251",
		{"16 characters", "18", ""}},
	    {"9137O200264574251E", {"'O'", "position 5", "without I, O, S and V"}},
	    {"9137020026457425IE", {"'I'", "position 17", ""}},
	    {"91370200264574251e", {"'e'", "position 18", "here belongs 'E'"}},
	    {"9\xe9\x9d\x92"
	     "370200264574251E",
		{"'\xe9\x9d\x92'", "position 2", ""}},
	    {"91\xff"
	     "70200264574251E",
		{"byte 0xff", "position 3", ""}},
	    {"9137020\n264574251E", {"byte 0x0a", "position 8", ""}},
	    {"91370200264574251F", {"'F'", "'E'", "one of the 18 characters is wrong"}},
	    {"913702002645742000", {"'0'", "spreadsheet", "last three digits"}},
	    {"9.137E+17", {"'9.137E+17'", "E-notation", "spreadsheet has lost the code's digits"}},
	    {"9.1370200264574E+17", {"E-notation", "spreadsheet", ""}},
	    {"9.13702002645E+17 ", {"'.'", "position 2", ""}}, /* 18 characters, but not quite the notation */
	    {"9.1370200264e+0017", {"E-notation", "spreadsheet", ""}},
	    {"9E+17", {"E-notation", "spreadsheet", ""}},
	    {"E+17", {"4 characters", "", ""}},
	    {"9.137E+", {"7 characters", "", ""}},
	    {"9.137E", {"6 characters", "", ""}},
	    {"9.", {"2 characters", "", ""}},
	    {"9", {"1 character;", "", ""}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct why why = {""};

		assert_int_equal(usci_explain(slice_text(rows[i].code), &why), ERR_INVALID);
		for (size_t k = 0; k < COUNT_OF(rows[i].has); k++)
			if (strstr(why.text, rows[i].has[k]) == NULL)
				fail_msg("row %zu, '%s' is missing: %s", i, rows[i].has[k], why.text);
		assert_true(utf8_is_text(slice_text(why.text)));
	}
}

static void explains_a_very_long_code_shortly(void **state)
{
	static char digits[100000];
	struct why why;

	(void)state;
	memset(digits, '9', sizeof(digits));
	assert_int_equal(usci_explain(slice_of(digits, sizeof(digits)), &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "100000 characters"));
	memcpy(digits + sizeof(digits) - 4, "E+17", 4);
	assert_int_equal(usci_explain(slice_of(digits, sizeof(digits)), &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "E-notation"));
	assert_int_equal(usci_explain(slice_text("9"), NULL), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accepts_published_codes),
	    cmocka_unit_test(refuses_codes_that_only_look_real),
	    cmocka_unit_test(takes_exactly_eighteen_bytes),
	    cmocka_unit_test(takes_no_byte_outside_the_alphabet_in_any_place),
	    cmocka_unit_test(warns_of_an_inner_code_that_does_not_check),
	    cmocka_unit_test(normalises_what_office_programs_write),
	    cmocka_unit_test(normalises_up_to_the_maximum),
	    cmocka_unit_test(explains_what_is_wrong),
	    cmocka_unit_test(explains_a_very_long_code_shortly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

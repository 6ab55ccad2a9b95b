/* What a letter says, what it escapes, and that its code stands in it once and in the list not at all. */
#include "client/letter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/key.h"

#define CODE "91370202MA0XTE011C"
#define EVIL "<script>\"a\" & 'b'</script>"
#define EVIL_ESCAPED "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;"

static const struct letter_issue plain_issue = {
    .origin = "ledger.example/1", .order_id = "order-1", .server = "https://ledger.example", .issued_on = 20261124};

static struct letter letter_make(const char *subject)
{
	struct letter letter = {.subject = subject, .name = "甲公司", .holder = "张三", .expires = 20271231};

	for (size_t i = 0; i < sizeof(letter.token); i++)
		letter.token[i] = (uint8_t)(0x10 + 7 * i);
	return letter;
}

static void letter_write(const struct letter_issue *issue, const struct letter *letter, struct buf *html)
{
	buf_init(html, LETTER_SIZE_MAX);
	assert_int_equal(letter_format(issue, letter, html), OK);
}

static void expect_text(struct buf *html, const char *text, bool is_there)
{
	if ((strstr(buf_text(html), text) != NULL) != is_there)
		fail_msg("%s %s", text, is_there ? "is missing" : "stands there");
}

/* The text without its marks, as a browser would copy it. */
static void text_extract(struct buf *html, struct buf *text)
{
	bool is_mark = false;

	buf_init(text, LETTER_SIZE_MAX);
	for (const char *at = buf_text(html); *at != '\0'; at++) {
		is_mark = is_mark || *at == '<';
		if (!is_mark)
			buf_u8(text, (uint8_t)*at);
		is_mark = is_mark && *at != '>';
	}
}

static void holds_the_code_once_in_groups_of_four(void **state)
{
	struct letter letter = letter_make(CODE);
	char digits[2 * LETTER_TOKEN_SIZE + 1], group[32];
	const char *found;
	struct buf html, text;
	size_t count = 0;

	(void)state;
	letter_write(&plain_issue, &letter, &html);
	hex_format(slice_of(letter.token, sizeof(letter.token)), digits);
	for (size_t i = 0; i < 64; i += 4) {
		snprintf(group, sizeof(group), "<span>%.4s</span>", digits + i);
		expect_text(&html, group, true);
	}
	for (found = buf_text(&html); (found = strstr(found, "<span>")) != NULL; found++)
		count++;
	assert_int_equal(count, 16);
	text_extract(&html, &text);
	found = strstr(buf_text(&text), digits);
	assert_non_null(found);
	assert_null(strstr(found + 1, digits));
	buf_done(&text);
	buf_done(&html);
}

static void says_what_each_subject_needs(void **state)
{
	static const struct {
		const char *subject, *command, *field;
	} rows[] = {
	    {CODE, "subsidy explain " CODE "</pre>", "<td>" CODE "</td>"},
	    {"venue:qddex", "subsidy feed qddex</pre>", "<td>qddex</td>"},
	    {"bureau", "subsidy overview\n", "<td>bureau</td>"},
	    {"auditor", "subsidy list</pre>", "<td>auditor</td>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct letter letter = letter_make(rows[i].subject);
		struct buf html;

		letter_write(&plain_issue, &letter, &html);
		expect_text(&html, rows[i].command, true);
		expect_text(&html, rows[i].field, true);
		expect_text(&html, "<td>甲公司</td>", true);
		expect_text(&html, "<td>张三</td>", true);
		expect_text(&html, "<td>2027-12-31</td>", true);
		expect_text(&html, "SUBSIDY_SERVER=https://ledger.example\n", true);
		buf_done(&html);
	}
}

static void leaves_room_for_what_is_not_known(void **state)
{
	struct letter_issue issue = plain_issue;
	struct letter letter = letter_make(CODE);
	struct buf html;

	(void)state;
	issue.server = NULL;
	letter.name = NULL;
	letter_write(&issue, &letter, &html);
	expect_text(&html, "SUBSIDY_SERVER=https://____", true);
	expect_text(&html, "名称 Name", false);
	expect_text(&html, "交给您本函的人", true);
	buf_done(&html);
	issue.contact = "王女士 0532";
	letter_write(&issue, &letter, &html);
	expect_text(&html, "交给您本函的人", false);
	expect_text(&html, "王女士 0532", true);
	buf_done(&html);
}

static void escapes_every_text_from_outside(void **state)
{
	const struct letter_issue issue = {
	    .origin = EVIL, .order_id = EVIL, .server = EVIL, .contact = EVIL, .issued_on = 20261124};
	struct letter letter = {.subject = EVIL, .name = EVIL, .holder = EVIL, .expires = 20271231};
	struct buf html;
	size_t count = 0;

	(void)state;
	letter_write(&issue, &letter, &html);
	expect_text(&html, "<script", false);
	for (const char *at = buf_text(&html); (at = strstr(at, EVIL_ESCAPED)) != NULL; at++)
		count++;
	/* Origin, name, subject, holder, order, server, three commands, contact twice. */
	assert_int_equal(count, 11);
	buf_done(&html);
	buf_init(&html, LETTER_SIZE_MAX);
	letter_index_begin(&issue, 1, &html);
	letter_index_add(&letter, 1, EVIL, &html);
	letter_index_end(&html);
	assert_int_equal(html.err, OK);
	expect_text(&html, "<script", false);
	expect_text(&html, "href=\"" EVIL_ESCAPED "\"", true);
	buf_done(&html);
}

static void lists_letters_without_their_codes(void **state)
{
	char digits[2 * LETTER_TOKEN_SIZE + 1], reference[LETTER_REFERENCE_SIZE];
	struct letter letters[] = {letter_make(CODE), letter_make("venue:qddex")};
	struct buf html;

	(void)state;
	letters[1].token[0] ^= 1;
	buf_init(&html, LETTER_SIZE_MAX);
	letter_index_begin(&plain_issue, 2, &html);
	for (size_t i = 0; i < 2; i++)
		letter_index_add(&letters[i], i + 1, "file.html", &html);
	letter_index_end(&html);
	for (size_t i = 0; i < 2; i++) {
		hex_format(slice_of(letters[i].token, sizeof(letters[i].token)), digits);
		digits[8] = '\0';
		expect_text(&html, digits, false);
		letter_reference(&letters[i], reference);
		expect_text(&html, reference, true);
		expect_text(&html, letters[i].subject, true);
	}
	buf_done(&html);
}

static void asks_for_nothing_from_anywhere(void **state)
{
	struct letter letter = letter_make(CODE);
	struct buf html;

	(void)state;
	letter_write(&plain_issue, &letter, &html);
	expect_text(&html, "default-src 'none'", true);
	expect_text(&html, "src=", false);
	expect_text(&html, "url(", false);
	expect_text(&html, "@import", false);
	expect_text(&html, "href", false);
	buf_done(&html);
}

static void fits_with_every_text_at_its_longest(void **state)
{
	static char name[PARTY_NAME_SIZE_MAX + 1], holder[GRANT_HOLDER_SIZE_MAX + 1],
	    contact[LETTER_CONTACT_SIZE_MAX + 1];
	static char server[HTTP_TARGET_SIZE_MAX + 1], order_id[ORDER_ID_SIZE_MAX + 1], origin[ORIGIN_SIZE_MAX + 1];
	const struct letter_issue issue = {
	    .origin = origin, .order_id = order_id, .server = server, .contact = contact, .issued_on = 20261124};
	struct letter letter = {.subject = CODE, .name = name, .holder = holder, .expires = 20271231};
	struct buf html;

	(void)state;
	memset(name, '"', sizeof(name) - 1);
	memset(holder, '"', sizeof(holder) - 1);
	memset(contact, '"', sizeof(contact) - 1);
	memset(server, '"', sizeof(server) - 1);
	memset(order_id, '"', sizeof(order_id) - 1);
	memset(origin, '"', sizeof(origin) - 1);
	letter_write(&issue, &letter, &html);
	buf_done(&html);
}

static int setup(void **state)
{
	(void)state;
	return key_global_init() == OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(holds_the_code_once_in_groups_of_four),
	    cmocka_unit_test(says_what_each_subject_needs),
	    cmocka_unit_test(leaves_room_for_what_is_not_known),
	    cmocka_unit_test(escapes_every_text_from_outside),
	    cmocka_unit_test(lists_letters_without_their_codes),
	    cmocka_unit_test(asks_for_nothing_from_anywhere),
	    cmocka_unit_test(fits_with_every_text_at_its_longest),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

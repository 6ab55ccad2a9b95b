#include "proto/usci.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/* Value plus one of each byte, 0 outside the alphabet. Every record's codes go through here: a table, no search. */
/* clang-format off */
static const uint8_t value_plus_one[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8,
	['8'] = 9, ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
	['G'] = 17, ['H'] = 18, ['J'] = 19, ['K'] = 20, ['L'] = 21, ['M'] = 22, ['N'] = 23, ['P'] = 24,
	['Q'] = 25, ['R'] = 26, ['T'] = 27, ['U'] = 28, ['W'] = 29, ['X'] = 30, ['Y'] = 31,
};
/* clang-format on */

char usci_check_character(const char code[static USCI_SIZE - 1])
{
	/* 3^i mod 31, GB 32100-2015 section 5 */
	static const uint8_t weights[USCI_SIZE - 1] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
	unsigned sum = 0;

	for (unsigned i = 0; i < USCI_SIZE - 1; i++) {
		unsigned plus_one = value_plus_one[(uint8_t)code[i]];

		assert(plus_one != 0);
		sum += (plus_one - 1) * weights[i];
	}
	return alphabet[(31 - sum % 31) % 31];
}

enum usci_fault usci_check(struct slice code, unsigned *ret_position)
{
	if (code.size != USCI_SIZE)
		return USCI_LENGTH;
	for (unsigned i = 0; i < USCI_SIZE; i++) {
		if (value_plus_one[code.data[i]] != 0)
			continue;
		if (ret_position != NULL)
			*ret_position = i + 1;
		return USCI_LETTER;
	}
	if (usci_check_character((const char *)code.data) != (char)code.data[USCI_SIZE - 1])
		return USCI_CHECK;
	return USCI_OK;
}

bool usci_inner_is_ok(struct slice code)
{
	static const uint8_t weights[8] = {3, 7, 9, 10, 5, 8, 4, 2};
	const uint8_t *inner = code.data + 8;
	unsigned sum = 0, check;

	if (code.size != USCI_SIZE)
		return false;
	for (unsigned i = 0; i < 8; i++) {
		/* Here a letter counts by its place among all 26: A = 10 .. Z = 35. */
		if (inner[i] >= '0' && inner[i] <= '9')
			sum += (unsigned)(inner[i] - '0') * weights[i];
		else if (inner[i] >= 'A' && inner[i] <= 'Z')
			sum += (unsigned)(inner[i] - 'A' + 10) * weights[i];
		else
			return false;
	}
	check = 11 - sum % 11;
	return inner[8] == (check == 10 ? 'X' : check == 11 ? '0' : '0' + check);
}

/* Size of the white space at the start of `text`, or 0. Office programs leave U+00A0 and U+3000 behind. */
static size_t space_size(struct slice text)
{
	if (text.size >= 1 && (text.data[0] == ' ' || (text.data[0] >= '\t' && text.data[0] <= '\r')))
		return 1;
	if (text.size >= 2 && memcmp(text.data, "\xc2\xa0", 2) == 0)
		return 2;
	if (text.size >= 3 && memcmp(text.data, "\xe3\x80\x80", 3) == 0)
		return 3;
	return 0;
}

static struct slice trim(struct slice text)
{
	size_t size;

	while ((size = space_size(text)) > 0)
		text = slice_of(text.data + size, text.size - size);
	for (size = 1; size <= 3 && size <= text.size;) {
		if (space_size(slice_of(text.data + text.size - size, size)) == size) {
			text.size -= size;
			size = 1;
		} else {
			size++;
		}
	}
	return text;
}

/* U+FF01..U+FF5E are the visible ASCII characters in full width; 0 if `text` does not begin with one. */
static uint8_t half_width(struct slice text)
{
	if (text.size < 3 || text.data[0] != 0xef)
		return 0;
	if (text.data[1] == 0xbc && text.data[2] >= 0x81 && text.data[2] <= 0xbf)
		return (uint8_t)(text.data[2] - 0x81 + 0x21);
	if (text.data[1] == 0xbd && text.data[2] >= 0x80 && text.data[2] <= 0x9e)
		return (uint8_t)(text.data[2] - 0x80 + 0x60);
	return 0;
}

enum err usci_normalise(struct slice text, struct buf *ret_code)
{
	uint8_t code[USCI_TEXT_SIZE_MAX];
	size_t size = 0;

	text = trim(text);
	while (text.size > 0) {
		uint8_t half = half_width(text);
		uint8_t c = half != 0 ? half : text.data[0];

		if (size == sizeof(code))
			return ERR_TOO_LARGE;
		code[size++] = c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
		text = slice_of(text.data + (half != 0 ? 3 : 1), text.size - (half != 0 ? 3 : 1));
	}
	buf_clear(ret_code);
	buf_add(ret_code, code, size);
	return ret_code->err;
}

static size_t digits_size(struct slice text, size_t at)
{
	size_t end = at;

	while (end < text.size && text.data[end] >= '0' && text.data[end] <= '9')
		end++;
	return end - at;
}

/* "9.137E+17": what a spreadsheet shows, and exports, for a code that it took for a number. */
static bool is_e_notation(struct slice code)
{
	size_t at = digits_size(code, 0), digits;

	if (at == 0)
		return false;
	if (at < code.size && code.data[at] == '.')
		at += 1 + digits_size(code, at + 1);
	if (code.size - at < 2 || (code.data[at] != 'E' && code.data[at] != 'e') || code.data[at + 1] != '+')
		return false;
	digits = digits_size(code, at + 2);
	return digits > 0 && at + 2 + digits == code.size;
}

/* Size in bytes of the character at the start; where the whole is no text, a byte is taken for a character. */
static size_t character_size(struct slice code, bool is_text)
{
	uint8_t lead = code.data[0];

	if (!is_text)
		return 1;
	return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* `at` and `position` (counted in characters from 1) tell where the wrong character is. */
static enum err explain_letter(struct slice code, size_t at, unsigned position, struct why *ret_why)
{
	struct slice rest = slice_of(code.data + at, code.size - at);
	bool is_text = utf8_is_text(code);

	if (!is_text && (rest.data[0] < 0x20 || rest.data[0] > 0x7e))
		return why_set(ret_why, ERR_INVALID,
		    "the byte 0x%02x at position %u is not a character of a code: a code has the digits and the "
		    "letters A to Y without I, O, S and V",
		    rest.data[0], position);
	if (position == USCI_SIZE)
		return why_set(ret_why, ERR_INVALID,
		    "'%.*s' at position %u is not a character of a code: a code has the digits and the letters A to Y "
		    "without I, O, S and V; here belongs '%c'",
		    (int)character_size(rest, is_text), (const char *)rest.data, position,
		    usci_check_character((const char *)code.data));
	return why_set(ret_why, ERR_INVALID,
	    "'%.*s' at position %u is not a character of a code: a code has the digits and the letters A to Y without "
	    "I, O, S and V",
	    (int)character_size(rest, is_text), (const char *)rest.data, position);
}

static enum err explain_check(struct slice code, struct why *ret_why)
{
	char right = usci_check_character((const char *)code.data);
	bool is_cut = digits_size(code, 0) == USCI_SIZE && memcmp(code.data + USCI_SIZE - 3, "000", 3) == 0;

	return why_set(ret_why, ERR_INVALID,
	    is_cut ? "the check character is '%c', but the first 17 characters ask for '%c'; a spreadsheet may have "
		     "replaced the last three digits by zeros, so take the code from its source"
		   : "the check character is '%c', but the first 17 characters ask for '%c'; one of the 18 characters "
		     "is wrong",
	    code.data[USCI_SIZE - 1], right);
}

enum err usci_explain(struct slice code, struct why *ret_why)
{
	bool is_text = utf8_is_text(code);
	size_t count = 0, bad_at = code.size;
	unsigned bad_position = 0;

	if (usci_check(code, NULL) == USCI_OK)
		return OK;
	if (code.size == 0)
		return why_set(ret_why, ERR_INVALID, "the code is empty; a code has %d characters", USCI_SIZE);
	if (is_e_notation(code))
		return why_set(ret_why, ERR_INVALID,
		    "'%.*s' is a number in E-notation: a spreadsheet has lost the code's digits; make the column text "
		    "and "
		    "enter the code again from its source",
		    code.size > USCI_TEXT_SIZE_MAX ? USCI_TEXT_SIZE_MAX : (int)code.size, (const char *)code.data);
	for (size_t at = 0; at < code.size; count++) {
		if (bad_at == code.size && value_plus_one[code.data[at]] == 0) {
			bad_at = at;
			bad_position = (unsigned)count + 1;
		}
		at += character_size(slice_of(code.data + at, code.size - at), is_text);
	}
	if (count != USCI_SIZE)
		return why_set(ret_why, ERR_INVALID,
		    count == 1 ? "the code has %zu character; a code has %d"
			       : "the code has %zu characters; a code has %d",
		    count, USCI_SIZE);
	if (bad_at < code.size)
		return explain_letter(code, bad_at, bad_position, ret_why);
	return explain_check(code, ret_why);
}

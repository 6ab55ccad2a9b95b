#include "client/cell.h"

#include <string.h>

#include "proto/date.h"
#include "proto/limits.h"
#include "proto/money.h"
#include "proto/text.h"

#define PLAIN_SIZE_MAX 32 /* of an amount or a date without what is left out */

static const char rule_empty[] = TEXT("must not be empty");
static const char rule_amount[] =
    TEXT("must be an amount in yuan, for example 1234.50: digits, and at most two decimals; no sign, no words");
static const char rule_grouping[] =
    TEXT("the commas and points can be read in more than one way; write the amount as 1234.50, or as 1,234.50");
static const char rule_comma[] =
    TEXT("the comma may be a decimal point here, for the file's cells are not separated by commas; write 1234.50");
static const char rule_decimals[] =
    TEXT("has more than two decimals; round it to the fen yourself, for example 1234.50");
static const char rule_exponent[] =
    TEXT("is in scientific notation: a spreadsheet has lost its digits; format the column as text, and enter it again "
	 "from its source");
static const char rule_amount_max[] = TEXT("must be at most 100000000000.00");
static const char rule_date[] =
    TEXT("must be a date without a time: 2025-01-05, 2025/1/5, 2025.1.5, 20250105 or 2025年1月5日");
static const char rule_year[] = TEXT("must have a year of four digits, and the year first, for example 2025-01-05");
static const char rule_serial[] =
    TEXT("is a spreadsheet's number of a day; format the column as a date, for example 2025-01-05");
static const char rule_day[] = TEXT("there is no such day between 1990 and 2099");
static const char rule_apostrophe[] =
    TEXT("begins with an apostrophe or an equals sign, which a spreadsheet leaves there; remove it");
static const char rule_control[] =
    TEXT("holds a line break or another control character; write it in one line, without it");

/* ---- text */

/* Size of the white space at the start, or 0. */
static size_t space_size(struct slice text)
{
	static const char *const wide[] = {"\xc2\xa0", "\xe3\x80\x80", "\xef\xbb\xbf"};

	if (text.size > 0 && (text.data[0] == ' ' || (text.data[0] >= '\t' && text.data[0] <= '\r')))
		return 1;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (text.size >= strlen(wide[i]) && memcmp(text.data, wide[i], strlen(wide[i])) == 0)
			return strlen(wide[i]);
	return 0;
}

struct slice cell_trim(struct slice text)
{
	size_t size;

	while ((size = space_size(text)) > 0)
		text = slice_of(text.data + size, text.size - size);
	for (size = 1; size <= 3 && size <= text.size; size++)
		if (space_size(slice_of(text.data + text.size - size, size)) == size) {
			text.size -= size;
			size = 0;
		}
	return text;
}

/* U+FF01..U+FF5E are the visible ASCII characters in full width; 0 if the text does not begin with one. */
static uint8_t half_width(const uint8_t *at, const uint8_t *end)
{
	if (end - at < 3 || at[0] != 0xef)
		return 0;
	if (at[1] == 0xbc && at[2] >= 0x81 && at[2] <= 0xbf)
		return (uint8_t)(at[2] - 0x81 + 0x21);
	if (at[1] == 0xbd && at[2] >= 0x80 && at[2] <= 0x9e)
		return (uint8_t)(at[2] - 0x80 + 0x60);
	return 0;
}

struct slice cell_narrow(struct slice text, struct arena *arena)
{
	const uint8_t *end = text.data + text.size;
	uint8_t *copy, half;
	size_t size = 0;

	if (text.size == 0 || memchr(text.data, 0xef, text.size) == NULL)
		return text;
	copy = arena_alloc(arena, text.size);
	if (copy == NULL)
		return text;
	for (const uint8_t *at = text.data; at < end; at += half != 0 ? 3 : 1) {
		half = half_width(at, end);
		copy[size++] = half != 0 ? half : *at;
	}
	return cell_trim(slice_of(copy, size));
}

struct slice cell_unquote(struct slice text)
{
	if (text.size > 0 && text.data[0] == '\'')
		return cell_trim(slice_of(text.data + 1, text.size - 1));
	return text;
}

const char *cell_check_text(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			return rule_control;
	return NULL;
}

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Digits from `at` on. */
static size_t digit_count(struct slice text, size_t at)
{
	size_t end = at;

	while (end < text.size && is_digit(text.data[end]))
		end++;
	return end - at;
}

/* "9.137E+17": digits, perhaps a point and more, E, a sign, digits. */
static bool is_scientific(struct slice text)
{
	size_t at = digit_count(text, 0), digits;

	if (at == 0)
		return false;
	if (at < text.size && text.data[at] == '.')
		at += 1 + digit_count(text, at + 1);
	if (text.size - at < 3 || (text.data[at] != 'E' && text.data[at] != 'e') ||
	    (text.data[at + 1] != '+' && text.data[at + 1] != '-'))
		return false;
	digits = digit_count(text, at + 2);
	return digits > 0 && at + 2 + digits == text.size;
}

const char *cell_check_number(struct slice text)
{
	if (text.size > 0 && (text.data[0] == '\'' || text.data[0] == '='))
		return rule_apostrophe;
	return is_scientific(text) ? rule_exponent : NULL;
}

/* ---- amounts */

/* The yuan sign in front, U+00A5 or U+FFE5, and the space behind it. */
static struct slice yuan_skip(struct slice text)
{
	static const char *const signs[] = {"\xc2\xa5", "\xef\xbf\xa5"};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t size = strlen(signs[i]);

		if (text.size > size && memcmp(text.data, signs[i], size) == 0)
			return cell_trim(slice_of(text.data + size, text.size - size));
	}
	return text;
}

/* Takes out the commas of "1,234,567.50": one to three digits, then groups of three, then no comma any more. False for
 * any other use of them. */
static bool commas_skip(struct slice text, uint8_t *ret_plain, size_t *ret_size)
{
	size_t whole = 0, size = 0, group = 0;
	bool has_comma = false;

	while (whole < text.size && text.data[whole] != '.')
		whole++;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] != ',') {
			if (size == PLAIN_SIZE_MAX)
				return false;
			ret_plain[size++] = text.data[i];
			group += i < whole;
			continue;
		}
		if (group == 0 || group > 3 || (has_comma && group != 3))
			return false;
		has_comma = true;
		group = 0;
	}
	if (has_comma && group != 3)
		return false;
	*ret_size = size;
	return true;
}

/* Which of the rules an amount breaks that money_parse refuses. */
static const char *amount_explain(struct slice text)
{
	size_t digits = digit_count(text, 0), decimals;

	if (is_scientific(text))
		return rule_exponent;
	if (digits == 0 || digits == text.size || text.data[digits] != '.')
		return rule_amount;
	decimals = digit_count(text, digits + 1);
	if (digits + 1 + decimals == text.size && decimals > 2)
		return rule_decimals;
	return digits + 1 + decimals < text.size && text.data[digits + 1 + decimals] == '.' ? rule_grouping
											    : rule_amount;
}

const char *cell_parse_amount(struct slice text, bool is_comma_doubtful, uint64_t *ret_fen)
{
	bool has_comma, has_point;
	uint8_t plain[PLAIN_SIZE_MAX];
	int64_t fen;
	size_t size;
	enum err err;

	text = yuan_skip(text);
	if (text.size == 0)
		return rule_empty;
	has_comma = memchr(text.data, ',', text.size) != NULL;
	has_point = memchr(text.data, '.', text.size) != NULL;
	if (has_comma && !has_point && is_comma_doubtful)
		return rule_comma;
	if (!commas_skip(text, plain, &size))
		return has_comma ? rule_grouping : rule_amount;
	err = money_parse(slice_of(plain, size), &fen);
	if (err == ERR_OVERFLOW || (err == OK && fen > (int64_t)AMOUNT_FEN_MAX))
		return rule_amount_max;
	if (err != OK)
		return amount_explain(slice_of(plain, size));
	*ret_fen = (uint64_t)fen;
	return NULL;
}

/* ---- dates */

/* What stands between year, month and day, and behind the day. */
static const struct {
	const char *first, *second, *end;
} date_forms[] = {{"-", "-", ""}, {"/", "/", ""}, {".", ".", ""}, {"年", "月", "日"}, {"年", "月", ""}};

/* Skips `mark`; false where something else stands. */
static bool mark_skip(struct slice *text, const char *mark)
{
	size_t size = strlen(mark);

	if (text->size < size || memcmp(text->data, mark, size) != 0)
		return false;
	*text = slice_of(text->data + size, text->size - size);
	return true;
}

/* At most `max` digits; false where there are none or more. */
static bool digits_take(struct slice *text, size_t max, uint32_t *ret_value)
{
	size_t count = digit_count(*text, 0);
	uint32_t value = 0;

	if (count == 0 || count > max)
		return false;
	for (size_t i = 0; i < count; i++)
		value = 10 * value + (uint32_t)(text->data[i] - '0');
	*text = slice_of(text->data + count, text->size - count);
	*ret_value = value;
	return true;
}

static bool form_parse(struct slice text, size_t form, uint32_t *ret_date)
{
	uint32_t year, month, day;

	if (digit_count(text, 0) != 4 || !digits_take(&text, 4, &year) || !mark_skip(&text, date_forms[form].first) ||
	    !digits_take(&text, 2, &month) || !mark_skip(&text, date_forms[form].second) ||
	    !digits_take(&text, 2, &day) || !mark_skip(&text, date_forms[form].end) || text.size > 0)
		return false;
	*ret_date = 10000 * year + 100 * month + day;
	return true;
}

/* Which of the rules a date breaks that has none of the forms. */
static const char *date_explain(struct slice text)
{
	size_t digits = digit_count(text, 0);

	if (digits == text.size && digits == 5)
		return rule_serial;
	/* "25/1/5", "5.1.2025", "25年1月5日" */
	return (digits == 1 || digits == 2) && digits < text.size ? rule_year : rule_date;
}

const char *cell_parse_date(struct slice text, uint32_t *ret_date)
{
	struct slice rest = text;
	uint32_t date = 0;
	bool is_date;

	if (text.size == 0)
		return rule_empty;
	is_date = digit_count(text, 0) == 8 && text.size == 8 && digits_take(&rest, 8, &date);
	for (size_t i = 0; i < sizeof(date_forms) / sizeof(date_forms[0]) && !is_date; i++)
		is_date = form_parse(text, i, &date);
	if (!is_date)
		return date_explain(text);
	if (!date_is_valid(date))
		return rule_day;
	*ret_date = date;
	return NULL;
}

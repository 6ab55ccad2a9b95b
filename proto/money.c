#include "proto/money.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FEN_PER_YUAN 100

/* Decimals of a yuan in an exact value: two of the fen, six of the rate. */
#define EXACT_DECIMALS 8
#define EXACT_PER_YUAN ((uint64_t)FEN_PER_YUAN * MONEY_EXACT_UNIT)

enum err money_parse(struct slice text, int64_t *ret_fen)
{
	const uint8_t *point = text.size == 0 ? NULL : memchr(text.data, '.', text.size);
	struct slice whole = text;
	uint64_t yuan;
	int64_t fen, part = 0;
	enum err err;

	if (point != NULL) {
		struct slice decimals;

		whole.size = (size_t)(point - text.data);
		decimals = slice_of(point + 1, text.size - whole.size - 1);
		if (decimals.size < 1 || decimals.size > 2)
			return ERR_SYNTAX;
		for (size_t i = 0; i < decimals.size; i++) {
			if (decimals.data[i] < '0' || decimals.data[i] > '9')
				return ERR_SYNTAX;
			part = part * 10 + decimals.data[i] - '0';
		}
		if (decimals.size == 1)
			part *= 10;
	}
	err = decimal_parse(whole, INT64_MAX, &yuan);
	if (err != OK)
		return err;
	if (__builtin_mul_overflow((int64_t)yuan, FEN_PER_YUAN, &fen) || __builtin_add_overflow(fen, part, &fen))
		return ERR_OVERFLOW;
	*ret_fen = fen;
	return OK;
}

void money_format(int64_t fen, char ret_text[static MONEY_TEXT_SIZE])
{
	uint64_t magnitude = fen < 0 ? 0 - (uint64_t)fen : (uint64_t)fen;
	char digits[MONEY_TEXT_SIZE];
	size_t place = sizeof(digits);

	/* Digit by digit: an answer has hundreds of amounts, and printf takes longer than all else about them. */
	digits[--place] = '\0';
	for (unsigned i = 0; magnitude > 0 || i < 3; i++) {
		if (i == 2)
			digits[--place] = '.';
		digits[--place] = (char)('0' + magnitude % 10);
		magnitude /= 10;
	}
	if (fen < 0)
		digits[--place] = '-';
	memcpy(ret_text, digits + place, sizeof(digits) - place);
}

enum err money_add(int64_t a_fen, int64_t b_fen, int64_t *ret_sum)
{
	int64_t sum;

	if (__builtin_add_overflow(a_fen, b_fen, &sum))
		return ERR_OVERFLOW;
	*ret_sum = sum;
	return OK;
}

enum err money_sub(int64_t a_fen, int64_t b_fen, int64_t *ret_difference)
{
	int64_t difference;

	if (__builtin_sub_overflow(a_fen, b_fen, &difference))
		return ERR_OVERFLOW;
	*ret_difference = difference;
	return OK;
}

money_exact money_rate(int64_t amount_fen, uint32_t rate_ppm)
{
	assert(amount_fen >= 0);
	return (money_exact)amount_fen * rate_ppm;
}

enum err money_round(money_exact exact, int64_t unit_fen, enum money_round mode, int64_t *ret_fen)
{
	money_exact unit = (money_exact)unit_fen * MONEY_EXACT_UNIT, count, fen;
	bool is_up = false;

	assert(exact >= 0 && unit_fen > 0);
	assert(mode == MONEY_FLOOR || mode == MONEY_HALF_UP);
	count = exact / unit;
	switch (mode) {
	case MONEY_FLOOR: break;
	case MONEY_HALF_UP:
		/* Not (exact + unit / 2) / unit: that could overflow. The doubled remainder is below 2^85. */
		is_up = exact % unit * 2 >= unit;
		break;
	}
	/* At most exact / 10^6 + unit_fen: far from the end of 128 bits. */
	fen = (count + is_up) * unit_fen;
	if (fen > INT64_MAX)
		return ERR_OVERFLOW;
	*ret_fen = (int64_t)fen;
	return OK;
}

void money_exact_format(money_exact exact, char ret_text[static MONEY_EXACT_TEXT_SIZE])
{
	const uint64_t split = 1000000000000000000; /* printf has no 128 bits: two halves of up to 18 digits */
	unsigned __int128 magnitude = exact < 0 ? 0 - (unsigned __int128)exact : (unsigned __int128)exact;
	unsigned __int128 yuan = magnitude / EXACT_PER_YUAN;
	uint64_t high = (uint64_t)(yuan / split), low = (uint64_t)(yuan % split);
	unsigned part = (unsigned)(magnitude % EXACT_PER_YUAN);
	const char *sign = exact < 0 ? "-" : "";
	size_t size;

	if (high > 0)
		snprintf(ret_text, MONEY_EXACT_TEXT_SIZE, "%s%" PRIu64 "%018" PRIu64 ".%08u", sign, high, low, part);
	else
		snprintf(ret_text, MONEY_EXACT_TEXT_SIZE, "%s%" PRIu64 ".%08u", sign, low, part);
	size = strlen(ret_text);
	for (unsigned i = 0; i < EXACT_DECIMALS - 2 && ret_text[size - 1] == '0'; i++)
		ret_text[--size] = '\0';
}

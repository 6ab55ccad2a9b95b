/*
 * Money: integer fen (分), never a float. Rates are parts per million; products use 128 bits.
 *
 * "Exact" values are fen x 10^6 in 128 bits: what rate functions give before the one rounding
 * (domain rule: rounded once per cap period, then capped).
 */
#ifndef PROTO_MONEY_H
#define PROTO_MONEY_H

#include <stdint.h>

#include "proto/bytes.h"

#define MONEY_TEXT_SIZE 32	/* "-92233720368547758.08" and its NUL */
#define MONEY_EXACT_UNIT 1000000

__extension__ typedef __int128 money_exact;	/* the one typedef: the type has no portable name */

/* "1234567.89", "0.5", "12": digits, then optionally a point and one or two digits; no sign, no separators, no
 * leading zeros. ERR_SYNTAX, ERR_OVERFLOW beyond INT64_MAX fen. */
enum err money_parse(struct slice text, int64_t *ret_fen) must_check;
/* Always two decimals: "1234567.89", "-0.05". */
void money_format(int64_t fen, char ret_text[static MONEY_TEXT_SIZE]);

/* Checked arithmetic: ERR_OVERFLOW, and *ret_sum untouched. */
enum err money_add(int64_t a_fen, int64_t b_fen, int64_t *ret_sum) must_check;
enum err money_sub(int64_t a_fen, int64_t b_fen, int64_t *ret_difference) must_check;

/* amount x ppm, exact. Both non-negative (asserted). Can't overflow: 2^63 x 2^24. */
money_exact money_rate(int64_t amount_fen, uint32_t rate_ppm);

enum money_round { MONEY_FLOOR = 1, MONEY_HALF_UP = 2 };

/* Rounds an exact value >= 0 to a multiple of unit_fen (> 0). ERR_OVERFLOW beyond INT64_MAX fen. */
enum err money_round(money_exact exact, int64_t unit_fen, enum money_round mode, int64_t *ret_fen) must_check;
/* "4320.9873": yuan with the decimals it needs, at least two. */
#define MONEY_EXACT_TEXT_SIZE 64
void money_exact_format(money_exact exact, char ret_text[static MONEY_EXACT_TEXT_SIZE]);

#endif

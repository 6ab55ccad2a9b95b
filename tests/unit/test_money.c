/* Money: strict texts, checked sums, exact rates and the one rounding. */
#include "proto/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int64_t fen_of(const char *text)
{
	int64_t fen = -1;

	if (money_parse(slice_text(text), &fen) != OK)
		fail_msg("'%s' is not an amount", text);
	return fen;
}

static void parses_yuan_into_fen(void **state)
{
	static const struct {
		const char *text;
		enum err err;
		int64_t fen;
	} rows[] = {
	    {"0", OK, 0},
	    {"12", OK, 1200},
	    {"0.5", OK, 50},
	    {"0.05", OK, 5},
	    {"0.00", OK, 0},
	    {"10.10", OK, 1010},
	    {"1234567.89", OK, 123456789},
	    {"92233720368547758.06", OK, INT64_MAX - 1},
	    {"92233720368547758.07", OK, INT64_MAX},
	    {"92233720368547758.08", ERR_OVERFLOW, 0},
	    {"92233720368547759", ERR_OVERFLOW, 0},
	    {"9223372036854775807", ERR_OVERFLOW, 0},
	    {"9223372036854775808", ERR_OVERFLOW, 0},
	    {"99999999999999999999999999", ERR_OVERFLOW, 0},
	    {"", ERR_SYNTAX, 0},
	    {".", ERR_SYNTAX, 0},
	    {".5", ERR_SYNTAX, 0},
	    {"1.", ERR_SYNTAX, 0},
	    {"1.234", ERR_SYNTAX, 0},
	    {"1.2.3", ERR_SYNTAX, 0},
	    {"1..2", ERR_SYNTAX, 0},
	    {"1.2 ", ERR_SYNTAX, 0},
	    {"1.x", ERR_SYNTAX, 0},
	    {"1.0/", ERR_SYNTAX, 0},
	    {"1.0:", ERR_SYNTAX, 0},
	    {"00", ERR_SYNTAX, 0},
	    {"01.00", ERR_SYNTAX, 0},
	    {"-1", ERR_SYNTAX, 0},
	    {"+1", ERR_SYNTAX, 0},
	    {" 1", ERR_SYNTAX, 0},
	    {"1,000.00", ERR_SYNTAX, 0},
	    {"1e3", ERR_SYNTAX, 0},
	    {"\xc2\xa5"
	     "1",
		ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t fen = -7;
		enum err err = money_parse(slice_text(rows[i].text), &fen);

		if (err != rows[i].err || fen != (err == OK ? rows[i].fen : -7))
			fail_msg("'%s': %s, %lld", rows[i].text, err_name(err), (long long)fen);
	}
}

static void formats_fen_with_two_decimals(void **state)
{
	static const struct {
		int64_t fen;
		const char *text;
	} rows[] = {
	    {0, "0.00"},
	    {5, "0.05"},
	    {50, "0.50"},
	    {100, "1.00"},
	    {-5, "-0.05"},
	    {-123456, "-1234.56"},
	    {123456789, "1234567.89"},
	    {INT64_MAX, "92233720368547758.07"},
	    {INT64_MIN, "-92233720368547758.08"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[MONEY_TEXT_SIZE];

		money_format(rows[i].fen, text);
		assert_string_equal(text, rows[i].text);
		if (rows[i].fen >= 0)
			assert_true(fen_of(text) == rows[i].fen);
	}
}

static void leaves_the_sum_alone_when_it_overflows(void **state)
{
	int64_t fen = 42;

	(void)state;
	assert_int_equal(money_add(INT64_MAX, 1, &fen), ERR_OVERFLOW);
	assert_int_equal(money_add(INT64_MIN, -1, &fen), ERR_OVERFLOW);
	assert_int_equal(money_sub(INT64_MIN, 1, &fen), ERR_OVERFLOW);
	assert_int_equal(money_sub(0, INT64_MIN, &fen), ERR_OVERFLOW);
	assert_true(fen == 42);
	assert_int_equal(money_add(INT64_MAX - 1, 1, &fen), OK);
	assert_true(fen == INT64_MAX);
	assert_int_equal(money_sub(INT64_MIN + 1, 1, &fen), OK);
	assert_true(fen == INT64_MIN);
	assert_int_equal(money_sub(3, 5, &fen), OK);
	assert_true(fen == -2);
}

/* One award: the net volume at a rate, rounded once, then capped. */
static int64_t award_fen(int64_t net_fen, uint32_t rate_ppm, int64_t unit_fen)
{
	const int64_t cap_fen = 30000000;
	int64_t fen = -1;

	assert_int_equal(money_round(money_rate(net_fen, rate_ppm), unit_fen, MONEY_FLOOR, &fen), OK);
	return fen < cap_fen ? fen : cap_fen;
}

static void computes_the_sample_awards(void **state)
{
	static const struct {
		const char *volumes[2];
		const char *refund;
		const char *award;
	} rows[] = {
	    {{"1000000.00", "2500000.00"}, "0", "175000.00"},
	    {{"7000000.00", "0"}, "0", "300000.00"},
	    {{"7000000.00", "0"}, "500000.00", "300000.00"},
	    {{"7000000.00", "0"}, "2000000.00", "250000.00"},
	    {{"7000000.00", "7000000.00"}, "0", "300000.00"},
	    {{"5999999.99", "0"}, "0", "299999.00"},
	    {{"6000000.00", "0"}, "0", "300000.00"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t net;

		assert_int_equal(money_add(fen_of(rows[i].volumes[0]), fen_of(rows[i].volumes[1]), &net), OK);
		assert_int_equal(money_sub(net, fen_of(rows[i].refund), &net), OK);
		if (award_fen(net, 50000, 100) != fen_of(rows[i].award))
			fail_msg("row %zu", i);
	}
	/* A cap for each year: two awards, each capped alone. */
	assert_true(2 * award_fen(fen_of("7000000.00"), 50000, 100) == fen_of("600000.00"));
}

static void claws_back_what_net_totals_no_longer_earn(void **state)
{
	const int64_t paid = fen_of("300000.00");
	int64_t back;

	(void)state;
	assert_int_equal(money_sub(paid, award_fen(fen_of("6500000.00"), 50000, 100), &back), OK);
	assert_true(back == 0);
	assert_int_equal(money_sub(paid, award_fen(fen_of("5000000.00"), 50000, 100), &back), OK);
	assert_true(back == fen_of("50000.00"));
}

static void adds_tiers_exactly(void **state)
{
	money_exact marginal = money_rate(fen_of("1000000"), 100000) + money_rate(fen_of("4000000"), 50000) +
			       money_rate(fen_of("1000000"), 20000);
	money_exact thirds = money_rate(33, 333333) + money_rate(33, 333333) + money_rate(34, 333334);
	int64_t fen;

	(void)state;
	assert_int_equal(money_round(marginal, 100, MONEY_FLOOR, &fen), OK);
	assert_true(fen == fen_of("320000.00"));
	assert_int_equal(money_round(money_rate(fen_of("6000000"), 20000), 100, MONEY_FLOOR, &fen), OK);
	assert_true(fen == fen_of("120000.00"));
	/* Rounded one by one these would be 10 + 10 + 11. */
	assert_int_equal(money_round(thirds, 1, MONEY_FLOOR, &fen), OK);
	assert_true(fen == 33);
}

/* The shares of a pool are divided in fen by floor and the remainder is below one fen for each claim. */
static void leaves_less_than_a_fen_for_each_share_of_a_pool(void **state)
{
	const money_exact share = (money_exact)fen_of("700000.00") * MONEY_EXACT_UNIT / 3;
	int64_t fen;

	(void)state;
	assert_int_equal(money_round(share, 1, MONEY_FLOOR, &fen), OK);
	assert_true(fen == fen_of("233333.33"));
	assert_true(fen_of("700000.00") - 3 * fen == 1);
}

static void rounds_down_or_half_up_to_a_unit(void **state)
{
	static const struct {
		money_exact exact;
		int64_t unit_fen, floor_fen, half_up_fen;
	} rows[] = {
	    {432098730000, 100, 432000, 432100}, /* 123,456.78 at 3.5 % = 4,320.9873 */
	    {432098730000, 1, 432098, 432099},
	    {0, 100, 0, 0},
	    {499999, 1, 0, 0},
	    {500000, 1, 0, 1},
	    {500001, 1, 0, 1},
	    {999999, 1, 0, 1},
	    {1000000, 1, 1, 1},
	    {49999999, 100, 0, 0},
	    {50000000, 100, 0, 100},
	    {149999999, 100, 100, 100},
	    {150000000, 100, 100, 200},
	    {1499999, 3, 0, 0}, /* an odd unit has its half between two fen */
	    {1500000, 3, 0, 3},
	    {(money_exact)INT64_MAX * MONEY_EXACT_UNIT, 1, INT64_MAX, INT64_MAX},
	    {(money_exact)INT64_MAX * MONEY_EXACT_UNIT, INT64_MAX, INT64_MAX, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t floor_fen = -1, half_up_fen = -1;

		assert_int_equal(money_round(rows[i].exact, rows[i].unit_fen, MONEY_FLOOR, &floor_fen), OK);
		assert_int_equal(money_round(rows[i].exact, rows[i].unit_fen, MONEY_HALF_UP, &half_up_fen), OK);
		if (floor_fen != rows[i].floor_fen || half_up_fen != rows[i].half_up_fen)
			fail_msg("row %zu: %lld, %lld", i, (long long)floor_fen, (long long)half_up_fen);
	}
}

static void refuses_to_round_beyond_the_range(void **state)
{
	const money_exact last = (money_exact)INT64_MAX * MONEY_EXACT_UNIT;
	const money_exact largest = (money_exact)(((unsigned __int128)1 << 127) - 1);
	int64_t fen = 42;

	(void)state;
	assert_int_equal(money_round(last + MONEY_EXACT_UNIT, 1, MONEY_FLOOR, &fen), ERR_OVERFLOW);
	assert_int_equal(money_round(last + MONEY_EXACT_UNIT / 2, 1, MONEY_HALF_UP, &fen), ERR_OVERFLOW);
	assert_int_equal(money_round(last, 100, MONEY_HALF_UP, &fen), OK);
	assert_true(fen == INT64_MAX / 100 * 100);
	fen = 42;
	assert_int_equal(money_round(largest, 1, MONEY_HALF_UP, &fen), ERR_OVERFLOW);
	assert_int_equal(money_round(largest, INT64_MAX, MONEY_HALF_UP, &fen), ERR_OVERFLOW);
	assert_int_equal(money_round(last - 1, INT64_MAX - 1, MONEY_FLOOR, &fen), OK);
	assert_true(fen == INT64_MAX - 1);
	assert_true(money_rate(INT64_MAX, UINT32_MAX) / UINT32_MAX == INT64_MAX);
}

static void shows_exact_values_with_the_decimals_they_need(void **state)
{
	static const struct {
		money_exact exact;
		const char *text;
	} rows[] = {
	    {432098730000, "4320.9873"},
	    {0, "0.00"},
	    {1, "0.00000001"},
	    {1000000, "0.01"},
	    {10000000, "0.10"},
	    {100000000, "1.00"},
	    {100100000, "1.001"},
	    {-150000000, "-1.50"},
	    {(money_exact)100000000 * 1000000000000000000, "1000000000000000000.00"},
	    {(money_exact)(((unsigned __int128)1 << 127) - 1), "1701411834604692317316873037158.84105727"},
	    {-(money_exact)(((unsigned __int128)1 << 127) - 1) - 1, "-1701411834604692317316873037158.84105728"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[MONEY_EXACT_TEXT_SIZE];

		money_exact_format(rows[i].exact, text);
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parses_yuan_into_fen),
	    cmocka_unit_test(formats_fen_with_two_decimals),
	    cmocka_unit_test(leaves_the_sum_alone_when_it_overflows),
	    cmocka_unit_test(computes_the_sample_awards),
	    cmocka_unit_test(claws_back_what_net_totals_no_longer_earn),
	    cmocka_unit_test(adds_tiers_exactly),
	    cmocka_unit_test(leaves_less_than_a_fen_for_each_share_of_a_pool),
	    cmocka_unit_test(rounds_down_or_half_up_to_a_unit),
	    cmocka_unit_test(refuses_to_round_beyond_the_range),
	    cmocka_unit_test(shows_exact_values_with_the_decimals_they_need),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

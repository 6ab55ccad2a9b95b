/* Dates: the calendar of 1990..2099, Shanghai's midnight, and what happens at both ends of time. */
#include "proto/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/limits.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define US_PER_DAY 86400000000ULL

static void parses_days_that_exist(void **state)
{
	static const struct {
		const char *text;
		enum err err;
		uint32_t date;
	} rows[] = {
	    {"2025-01-05", OK, 20250105},
	    {"1990-01-01", OK, 19900101},
	    {"1989-12-31", ERR_OVERFLOW, 0},
	    {"2099-12-31", OK, 20991231},
	    {"2100-01-01", ERR_OVERFLOW, 0},
	    {"2024-02-29", OK, 20240229},
	    {"2025-02-28", OK, 20250228},
	    {"2025-02-29", ERR_OVERFLOW, 0},
	    {"2000-02-29", OK, 20000229},
	    {"2024-02-30", ERR_OVERFLOW, 0},
	    {"2025-04-30", OK, 20250430},
	    {"2025-04-31", ERR_OVERFLOW, 0},
	    {"2025-12-32", ERR_OVERFLOW, 0},
	    {"2025-00-10", ERR_OVERFLOW, 0},
	    {"2025-13-10", ERR_OVERFLOW, 0},
	    {"2025-10-00", ERR_OVERFLOW, 0},
	    {"", ERR_SYNTAX, 0},
	    {"2025-1-05", ERR_SYNTAX, 0},
	    {"2025-01-5", ERR_SYNTAX, 0},
	    {"2025-01-051", ERR_SYNTAX, 0},
	    {"2025/01/05", ERR_SYNTAX, 0},
	    {"2025-01/05", ERR_SYNTAX, 0},
	    {"20250105", ERR_SYNTAX, 0},
	    {"2025-01- 5", ERR_SYNTAX, 0},
	    {"2025-0x-05", ERR_SYNTAX, 0},
	    {"+025-01-05", ERR_SYNTAX, 0},
	    {"202:-01-05", ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint32_t date = 7;
		enum err err = date_parse(slice_text(rows[i].text), &date);
		char text[DATE_TEXT_SIZE];

		if (err != rows[i].err || date != (err == OK ? rows[i].date : 7))
			fail_msg("'%s': %s", rows[i].text, err_name(err));
		if (err != OK)
			continue;
		date_format(date, text);
		assert_string_equal(text, rows[i].text);
	}
	assert_false(date_is_valid(0));
	assert_false(date_is_valid(UINT32_MAX));
}

static void parses_months(void **state)
{
	static const struct {
		const char *text;
		enum err err;
		uint16_t month;
	} rows[] = {
	    {"1990-01", OK, 0},
	    {"1989-12", ERR_OVERFLOW, 0},
	    {"2025-01", OK, 420},
	    {"2099-12", OK, 1319},
	    {"2100-01", ERR_OVERFLOW, 0},
	    {"2025-00", ERR_OVERFLOW, 0},
	    {"2025-13", ERR_OVERFLOW, 0},
	    {"", ERR_SYNTAX, 0},
	    {"2025-1", ERR_SYNTAX, 0},
	    {"2025/01", ERR_SYNTAX, 0},
	    {"2025-011", ERR_SYNTAX, 0},
	    {"x025-01", ERR_SYNTAX, 0},
	    {"2025-0x", ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint16_t month = 7;
		enum err err = month_parse(slice_text(rows[i].text), &month);
		char text[MONTH_TEXT_SIZE];

		if (err != rows[i].err || month != (err == OK ? rows[i].month : 7))
			fail_msg("'%s': %s", rows[i].text, err_name(err));
		if (err != OK)
			continue;
		month_format(month, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void walks_every_day_from_1970_to_2400(void **state)
{
	static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	uint32_t date = 19700101, day_count = 0;

	(void)state;
	for (uint32_t year = 1970; year <= 2400; year++) {
		bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		for (uint32_t month = 1; month <= 12; month++) {
			uint32_t last = month == 2 && is_leap ? 29 : days[month];

			for (uint32_t day = 1; day <= last; day++, day_count++) {
				uint32_t expected = year * 10000 + month * 100 + day;
				uint64_t start = day_count * US_PER_DAY;

				if (date != expected)
					fail_msg("%u came where %u belongs", date, expected);
				if (date_add_days(19700101, (int32_t)day_count) != date ||
				    date_add_days(date, -(int32_t)day_count) != 19700101)
					fail_msg("%u days to %u", day_count, date);
				if (date_is_month_first(date) != (day == 1) ||
				    date_is_month_last(date) != (day == last))
					fail_msg("ends of the month at %u", date);
				if (date_is_valid(date) != (year >= DATE_YEAR_MIN && year <= DATE_YEAR_MAX))
					fail_msg("validity of %u", date);
				if (day_count > 0 && date_start_us(date) != start - 8 * 3600000000ULL)
					fail_msg("start of %u", date);
				date = date_add_days(date, 1);
			}
			if (year >= 1990 &&
			    (month_of_date(year * 10000 + month * 100 + 1) != (year - 1990) * 12 + month - 1 ||
				month_year(month_of_date(year * 10000 + month * 100 + last)) != year))
				fail_msg("month %u-%u", year, month);
		}
	}
}

static void changes_day_at_midnight_in_shanghai(void **state)
{
	/* Ends of the award window, as UTC: 16:00 the day before. */
	static const struct {
		uint64_t time_us;
		uint32_t date;
		const char *text;
	} rows[] = {
	    {1735660799999999, 20241231, "2024-12-31T23:59:59.999999+08:00"},
	    {1735660800000000, 20250101, "2025-01-01T00:00:00.000000+08:00"},
	    {1736043072000001, 20250105, "2025-01-05T10:11:12.000001+08:00"},
	    {1798732799999999, 20261231, "2026-12-31T23:59:59.999999+08:00"},
	    {1798732800000000, 20270101, "2027-01-01T00:00:00.000000+08:00"},
	    {0, 19700101, "1970-01-01T08:00:00.000000+08:00"},
	    {253402271999999999, 99991231, "9999-12-31T23:59:59.999999+08:00"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[TIME_TEXT_SIZE];

		if (date_of_time(rows[i].time_us) != rows[i].date)
			fail_msg("day of %s", rows[i].text);
		time_format(rows[i].time_us, text);
		assert_string_equal(text, rows[i].text);
	}
	assert_true(date_start_us(20250101) == 1735660800000000);
	assert_true(date_start_us(20270101) == 1798732800000000);
}

static void stops_at_the_ends_of_time(void **state)
{
	char text[TIME_TEXT_SIZE];

	(void)state;
	time_format(253402272000000000, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999999+08:00");
	time_format(UINT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999999+08:00");
	assert_int_equal(date_of_time(UINT64_MAX), 99991231);
	assert_int_equal(date_add_days(20250101, INT32_MAX), 99991231);
	assert_int_equal(date_add_days(20250101, INT32_MIN), 19700101);
	assert_int_equal(date_add_days(99991230, 1), 99991231);
	assert_int_equal(date_add_days(99991231, 1), 99991231);
	assert_int_equal(date_add_days(19700102, -1), 19700101);
	assert_int_equal(date_add_days(19700101, -1), 19700101);
	assert_true(date_start_us(19700101) == 0);
	assert_true(date_start_us(19700102) == 16 * 3600000000ULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parses_days_that_exist),
	    cmocka_unit_test(parses_months),
	    cmocka_unit_test(walks_every_day_from_1970_to_2400),
	    cmocka_unit_test(changes_day_at_midnight_in_shanghai),
	    cmocka_unit_test(stops_at_the_ends_of_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

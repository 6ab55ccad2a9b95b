/*
 * Days are counted from 1970-01-01 with the proleptic Gregorian calendar; a year is taken to begin in March, so
 * that the leap day is its last (Howard Hinnant, "chrono-compatible low-level date algorithms").
 *
 * Times and sums outside 1970..9999 stop at the nearer end instead of wrapping: order is kept, texts keep their
 * size, and a damaged time can't bring the program down.
 */
#include "proto/date.h"

#include <assert.h>

#include "proto/limits.h"

#define US_PER_SECOND 1000000ULL
#define US_PER_DAY (86400 * US_PER_SECOND)
#define SHANGHAI_AHEAD_US (8 * 3600 * US_PER_SECOND)

#define DAY_LAST 2932896 /* 9999-12-31 */

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && is_leap ? 29 : days[month - 1];
}

static bool is_day_of_years(uint32_t date, uint32_t year_min, uint32_t year_max)
{
	uint32_t year = date / 10000, month = date / 100 % 100, day = date % 100;

	return year >= year_min && year <= year_max && month >= 1 && month <= 12 && day >= 1 &&
	       day <= days_in_month(year, month);
}

bool date_is_valid(uint32_t date)
{
	return is_day_of_years(date, DATE_YEAR_MIN, DATE_YEAR_MAX);
}

static int64_t day_of_date(uint32_t date)
{
	uint32_t month = date / 100 % 100, day = date % 100;
	uint32_t year = date / 10000 - (month <= 2);
	uint32_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	assert(is_day_of_years(date, 1970, 9999));
	return (int64_t)year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

static uint32_t date_of_day(int64_t day)
{
	uint32_t since, era, day_of_era, year_of_era, day_of_year, month_from_march, year, month;

	day = day < 0 ? 0 : day > DAY_LAST ? DAY_LAST : day;
	since = (uint32_t)day + 719468; /* days since 0000-03-01 */
	era = since / 146097;
	day_of_era = since % 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month_from_march = (5 * day_of_year + 2) / 153;
	month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	year = era * 400 + year_of_era + (month <= 2);
	return year * 10000 + month * 100 + day_of_year - (153 * month_from_march + 2) / 5 + 1;
}

static bool parse_digits(struct slice text, size_t at, size_t count, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (size_t i = at; i < at + count; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + text.data[i] - '0';
	}
	*ret_value = value;
	return true;
}

/* Writes exactly `count` digits and returns the place behind them. */
static char *put_digits(char *place, uint64_t value, unsigned count)
{
	for (unsigned i = count; i > 0; i--, value /= 10)
		place[i - 1] = (char)('0' + value % 10);
	return place + count;
}

enum err date_parse(struct slice text, uint32_t *ret_date)
{
	uint32_t year, month, day, date;

	if (text.size != DATE_TEXT_SIZE - 1 || text.data[4] != '-' || text.data[7] != '-')
		return ERR_SYNTAX;
	if (!parse_digits(text, 0, 4, &year) || !parse_digits(text, 5, 2, &month) || !parse_digits(text, 8, 2, &day))
		return ERR_SYNTAX;
	date = year * 10000 + month * 100 + day;
	if (!date_is_valid(date))
		return ERR_OVERFLOW;
	*ret_date = date;
	return OK;
}

void date_format(uint32_t date, char ret_text[static DATE_TEXT_SIZE])
{
	char *place = put_digits(ret_text, date / 10000, 4);

	*place++ = '-';
	place = put_digits(place, date / 100 % 100, 2);
	*place++ = '-';
	place = put_digits(place, date % 100, 2);
	*place = '\0';
}

/* Microseconds since 1970-01-01T00:00 on a Shanghai clock. */
static uint64_t local_us(uint64_t time_us)
{
	const uint64_t last = (DAY_LAST + 1) * US_PER_DAY - 1;

	return time_us > last - SHANGHAI_AHEAD_US ? last : time_us + SHANGHAI_AHEAD_US;
}

uint32_t date_of_time(uint64_t time_us)
{
	return date_of_day((int64_t)(local_us(time_us) / US_PER_DAY));
}

uint64_t date_start_us(uint32_t date)
{
	uint64_t start = (uint64_t)day_of_date(date) * US_PER_DAY;

	return start < SHANGHAI_AHEAD_US ? 0 : start - SHANGHAI_AHEAD_US;
}

uint32_t date_add_days(uint32_t date, int32_t days)
{
	return date_of_day(day_of_date(date) + days);
}

uint16_t month_of_date(uint32_t date)
{
	assert(is_day_of_years(date, 1990, 7000));
	return (uint16_t)((date / 10000 - 1990) * 12 + date / 100 % 100 - 1);
}

uint16_t month_year(uint16_t month)
{
	return (uint16_t)(1990 + month / 12);
}

bool date_is_month_first(uint32_t date)
{
	return date % 100 == 1;
}

bool date_is_month_last(uint32_t date)
{
	assert(is_day_of_years(date, 1970, 9999));
	return date % 100 == days_in_month(date / 10000, date / 100 % 100);
}

enum err month_parse(struct slice text, uint16_t *ret_month)
{
	uint32_t year, month;

	if (text.size != MONTH_TEXT_SIZE - 1 || text.data[4] != '-')
		return ERR_SYNTAX;
	if (!parse_digits(text, 0, 4, &year) || !parse_digits(text, 5, 2, &month))
		return ERR_SYNTAX;
	if (!date_is_valid(year * 10000 + month * 100 + 1))
		return ERR_OVERFLOW;
	*ret_month = month_of_date(year * 10000 + month * 100 + 1);
	return OK;
}

void month_format(uint16_t month, char ret_text[static MONTH_TEXT_SIZE])
{
	char *place = put_digits(ret_text, month_year(month), 4);

	*place++ = '-';
	place = put_digits(place, month % 12u + 1, 2);
	*place = '\0';
}

void time_format(uint64_t time_us, char ret_text[static TIME_TEXT_SIZE])
{
	static const char zone[] = "+08:00";
	uint64_t us = local_us(time_us) % US_PER_DAY, second = us / US_PER_SECOND;
	char *place = ret_text + DATE_TEXT_SIZE - 1;

	date_format(date_of_time(time_us), ret_text);
	*place++ = 'T';
	place = put_digits(place, second / 3600, 2);
	*place++ = ':';
	place = put_digits(place, second / 60 % 60, 2);
	*place++ = ':';
	place = put_digits(place, second % 60, 2);
	*place++ = '.';
	place = put_digits(place, us % US_PER_SECOND, 6);
	for (size_t i = 0; i < sizeof(zone); i++)
		place[i] = zone[i];
}

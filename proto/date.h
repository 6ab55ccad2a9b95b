/*
 * Calendar dates of Asia/Shanghai (UTC+8 without summer time since 1992), as numbers YYYYMMDD, and months as
 * the count since January 1990. Pure arithmetic: no tzdata, no clock, no locale.
 */
#ifndef PROTO_DATE_H
#define PROTO_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"

#define DATE_TEXT_SIZE 11	/* "2025-01-05" and NUL */
#define MONTH_TEXT_SIZE 8	/* "2025-01" and NUL */
#define TIME_TEXT_SIZE 36	/* "2025-01-05T10:11:12.000001+08:00" and NUL */

/* A real calendar day in DATE_YEAR_MIN..DATE_YEAR_MAX. */
bool date_is_valid(uint32_t date);
/* "2025-01-05" only. ERR_SYNTAX, ERR_OVERFLOW (no such day). */
enum err date_parse(struct slice text, uint32_t *ret_date) must_check;
void date_format(uint32_t date, char ret_text[static DATE_TEXT_SIZE]);
/* Day of a time in microseconds since 1970-01-01T00:00Z, in Shanghai. */
uint32_t date_of_time(uint64_t time_us);
/* First microsecond of that day in Shanghai. */
uint64_t date_start_us(uint32_t date);
uint32_t date_add_days(uint32_t date, int32_t days);

uint16_t month_of_date(uint32_t date);
uint16_t month_year(uint16_t month);
bool date_is_month_first(uint32_t date);
bool date_is_month_last(uint32_t date);
enum err month_parse(struct slice text, uint16_t *ret_month) must_check;	/* "2025-01" */
void month_format(uint16_t month, char ret_text[static MONTH_TEXT_SIZE]);

/* "2025-01-05T10:11:12.000001+08:00" */
void time_format(uint64_t time_us, char ret_text[static TIME_TEXT_SIZE]);

#endif

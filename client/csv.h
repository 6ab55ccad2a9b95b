/*
 * Reading CSV files (RFC 4180) in the charsets of charset.h: the one door to libcsv.
 *
 * csv_scan hands on the rows of any file; where its cells are separated by semicolons or tabs, or it is not UTF-8, a
 * line on stderr says so. csv_read takes a venue's: the first row names the columns, in any order, in English or
 * Chinese; unknown, missing and doubled columns are faults of row 1. Rows without any content are skipped, but counted,
 * and so are columns that have neither a name nor content.
 */
#ifndef CLIENT_CSV_H
#define CLIENT_CSV_H

#include <stdio.h>

#include "client/row.h"

#define CSV_CELLS_MAX 32 /* of one row that are handed on */

struct csv_row {
	uint64_t number;	/* from 1, as a spreadsheet shows it */
	char separator;		/* between the file's cells: comma, semicolon or tab */
	size_t cell_count;	/* may be more than CSV_CELLS_MAX; `cells` are then the first of them */
	struct slice cells[CSV_CELLS_MAX];	/* valid during the call */
};

/* Hands every row with content to on_row, until that gives an error, which is passed on. ERR_IO, ERR_MEMORY,
 * ERR_SYNTAX and ERR_TOO_LARGE (not CSV, or no text, with the row). */
enum err csv_scan(FILE *file, enum err (*on_row)(void *cookie, const struct csv_row *row), void *cookie, struct why *why)
    must_check;

/* Adds every row's record or faults. Errors as csv_scan, and ERR_TOO_MANY. */
enum err csv_read(FILE *file, struct rows *rows, struct why *why) must_check;

#endif

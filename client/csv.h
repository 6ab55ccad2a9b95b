/*
 * Reading a venue's CSV file (RFC 4180, UTF-8 with or without a byte order mark): the one door to libcsv.
 *
 * The first row names the columns, in any order, in English or Chinese. Unknown, missing and doubled columns are
 * faults of row 1. Rows without any content are skipped, but counted.
 */
#ifndef CLIENT_CSV_H
#define CLIENT_CSV_H

#include <stdio.h>

#include "client/row.h"

/* Adds every row's record or faults. ERR_IO, ERR_MEMORY, ERR_SYNTAX (not CSV at all, with the row), ERR_TOO_MANY. */
enum err csv_read(FILE *file, struct rows *rows, struct why *why) must_check;

#endif

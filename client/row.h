/*
 * One row, from whichever form (CSV, JSON Lines), becomes a record, or faults that name its cells.
 */
#ifndef CLIENT_ROW_H
#define CLIENT_ROW_H

#include "client/rows.h"

/* The cells of one row. A column that the file does not have is absent in `columns`. */
struct row {
	uint64_t number;
	uint64_t head_number;		/* of the row that names the columns: whose fault a missing one is */
	uint32_t columns;		/* bit 1 << column */
	bool is_comma_doubtful;		/* a comma in an amount may be a decimal point */
	struct slice cells[COLUMN_COUNT];
};

/* Checks one row and adds its record, or its faults. Cells may be written as FORMAT.md, "Ways of writing", says. */
void row_add(const struct row *row, struct rows *rows);

#endif

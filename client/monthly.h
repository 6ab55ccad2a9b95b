/*
 * Records by month, kind and disposition with their totals: what a venue and the bureau lay beside each other at the
 * end of a month. Trades stand under the month of their settlement, refunds under that in which they occurred.
 */
#ifndef CLIENT_MONTHLY_H
#define CLIENT_MONTHLY_H

#include <jansson.h>

#include "client/rows.h"
#include "client/table.h"

struct monthly_sum {
	uint64_t records;
	int64_t amount_fen, tax_fen;
};

struct monthly;

/* NULL on lack of memory. */
struct monthly *monthly_new(void) must_check;
void monthly_free(struct monthly *monthly);
/* The "months" of a feed's answer. ERR_SYNTAX for one that can't be read, ERR_OVERFLOW. */
enum err monthly_add_answer(struct monthly *monthly, const json_t *months, struct why *why) must_check;
/* A file's records, as if they all counted: the ledger decides only when it has them. */
enum err monthly_add_rows(struct monthly *monthly, const struct rows *rows) must_check;

/* What became of the records: for each month a row for every disposition and kind that occurs, and the totals "counted",
 * "not_counted" and "all", which are there even where nothing is; last what counts of the trades less the refunds.
 * One month, or with NULL all that have records and their total. */
#define MONTHLY_COLUMN_COUNT 7
extern const struct table_column monthly_columns[MONTHLY_COLUMN_COUNT];
void monthly_fill(const struct monthly *monthly, const uint16_t *month, struct table *table);

/* What a file holds: month, kind, records, amount, tax, and the totals of both kinds. */
#define MONTHLY_FILE_COLUMN_COUNT 5
extern const struct table_column monthly_file_columns[MONTHLY_FILE_COLUMN_COUNT];
void monthly_fill_file(const struct monthly *monthly, struct table *table);
/* [{"month","kind","records","amount","tax"}]; NULL on lack of memory. */
json_t *monthly_json_file(const struct monthly *monthly) must_check;

#endif

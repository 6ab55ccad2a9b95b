/*
 * What a venue's file holds: its records, checked and encoded, and every fault of every row, with the row's number as
 * a spreadsheet shows it, so that a clerk mends a file once. A file with one fault yields nothing to send.
 */
#ifndef CLIENT_ROWS_H
#define CLIENT_ROWS_H

#include "client/column.h"

/* One fault. Texts are owned by the list. */
struct row_fault {
	uint64_t row;			/* 1 is a CSV's head, or the first line of JSON Lines */
	const char *column;		/* English name, or "" for the row as a whole */
	char *value;			/* as it stands in the file, cut */
	char *rule;
};

struct row_record {
	size_t offset;			/* of its canonical bytes in rows.bytes */
	uint32_t size;
	uint64_t row;
};

struct rows {
	struct buf bytes;
	struct row_record *records;
	size_t record_count, record_capacity;
	struct row_fault *faults;	/* at most CLIENT_ERRORS_MAX */
	size_t fault_count, fault_capacity;
	uint64_t fault_total;
	uint64_t trade_count, refund_count;
	int64_t amount_fen, refunded_fen;
	uint32_t today;			/* YYYYMMDD: a settlement or refund after it is a fault; 0 to let it pass */
	unsigned missing_told;		/* kinds whose missing columns have been complained of */
	enum err err;			/* ERR_MEMORY, ERR_TOO_LARGE, ERR_TOO_MANY, ERR_OVERFLOW: the list is not whole */
};

void rows_init(struct rows *rows);
void rows_done(struct rows *rows);
struct slice rows_record(const struct rows *rows, size_t index);
/* The canonical bytes of a record that passes, of row `number`. A failure is in rows->err. */
void rows_add(struct rows *rows, uint64_t number, const struct record *record);
/* Complains of a cell or (COLUMN_COUNT) of a row. */
void rows_complain(struct rows *rows, uint64_t number, enum column column, struct slice value, const char *format, ...)
    printf_like(5, 6);

#endif

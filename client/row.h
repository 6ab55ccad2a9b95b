/*
 * Rows: what a venue's file holds, from whichever form (CSV, JSON Lines), checked and encoded as records.
 *
 * Every fault of every row is kept, with the row's number as a spreadsheet shows it, so that a clerk mends a file
 * once. A file with one fault yields nothing to send.
 */
#ifndef CLIENT_ROW_H
#define CLIENT_ROW_H

#include "client/client.h"
#include "proto/record.h"

enum column {
	COLUMN_KIND,
	COLUMN_TRADE_NO, COLUMN_CONTRACT_NO, COLUMN_CONTRACT_HASH, COLUMN_CONTRACT_KIND,
	COLUMN_PRODUCT_CODE, COLUMN_PRODUCT_NAME, COLUMN_PRODUCT_KIND,
	COLUMN_SUPPLIER, COLUMN_SUPPLIER_NAME, COLUMN_BUYER, COLUMN_BUYER_NAME, COLUMN_BROKER,
	COLUMN_AMOUNT, COLUMN_TAX, COLUMN_INSTALMENT, COLUMN_SIGNED_ON, COLUMN_SETTLED_ON,
	COLUMN_VOUCHER_NO, COLUMN_INVOICE_NO, COLUMN_RELATED_DECLARED, COLUMN_OTHER_SUBSIDY,
	COLUMN_ADJUST_NO, COLUMN_ORIGINAL_TRADE_NO, COLUMN_OCCURRED_ON,
	COLUMN_REASON_CODE, COLUMN_REASON, COLUMN_RED_INVOICE_NO,
	COLUMN_COUNT
};

/* The English name; it is the record's field, too. */
const char *column_name(enum column column);
const char *column_chinese(enum column column);
/* By its English or Chinese name, or COLUMN_COUNT. */
enum column column_by_name(struct slice name);

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

/* The cells of one row. A column that the file does not have is absent in `columns`. */
struct row {
	uint64_t number;
	uint64_t head_number;		/* of the row that names the columns: whose fault a missing one is */
	uint32_t columns;		/* bit 1 << column */
	struct slice cells[COLUMN_COUNT];
};

/* Checks one row and adds its record, or its faults. White space around cells is ignored. */
void row_add(const struct row *row, struct rows *rows);
/* Complains of a cell or (COLUMN_COUNT) of a row. */
void row_complain(struct rows *rows, uint64_t number, enum column column, struct slice value, const char *format, ...)
    printf_like(5, 6);

#endif

/* A well-formed trade and refund, as rows and as canonical bytes, and folders that vanish. For the client's tests. */
#ifndef TESTS_UNIT_CLIENT_FIXTURE_H
#define TESTS_UNIT_CLIENT_FIXTURE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/row.h"
#include "tests/unit/folder.h"

#define FIXTURE_HASH "9d374245f41f172a5f3e52882f5d8f7c1be3a6378a8ce034f2447ca6ae50580a"

/* Every column of a trade, in the order of enum column. */
static const char *const fixture_trade[COLUMN_COUNT] = {
    [COLUMN_KIND] = "trade",
    [COLUMN_TRADE_NO] = "T-1",
    [COLUMN_CONTRACT_NO] = "C〔2025〕1号",
    [COLUMN_CONTRACT_HASH] = FIXTURE_HASH,
    [COLUMN_CONTRACT_KIND] = "provide",
    [COLUMN_PRODUCT_CODE] = "P-1",
    [COLUMN_PRODUCT_NAME] = "气象数据",
    [COLUMN_PRODUCT_KIND] = "dataset",
    [COLUMN_SUPPLIER] = "91370202MA0XTE011C",
    [COLUMN_SUPPLIER_NAME] = "供方",
    [COLUMN_BUYER] = "91370202MA0XTE02X4",
    [COLUMN_BUYER_NAME] = "需方",
    [COLUMN_BROKER] = "91370202MA0XTE0384",
    [COLUMN_AMOUNT] = "1234.5",
    [COLUMN_TAX] = "34.56",
    [COLUMN_INSTALMENT] = "2",
    [COLUMN_SIGNED_ON] = "2025-01-05",
    [COLUMN_SETTLED_ON] = "2025-02-06",
    [COLUMN_VOUCHER_NO] = "V-1",
    [COLUMN_INVOICE_NO] = "26370000000000000915;26370000000000000916",
    [COLUMN_RELATED_DECLARED] = "no",
    [COLUMN_OTHER_SUBSIDY] = "yes",
};

static const char *const fixture_refund[COLUMN_COUNT] = {
    [COLUMN_KIND] = "refund",
    [COLUMN_AMOUNT] = "100",
    [COLUMN_TAX] = "5.5",
    [COLUMN_ADJUST_NO] = "A-1",
    [COLUMN_ORIGINAL_TRADE_NO] = "T-1",
    [COLUMN_OCCURRED_ON] = "2025-03-07",
    [COLUMN_REASON_CODE] = "quality",
    [COLUMN_REASON] = "质量不符",
    [COLUMN_RED_INVOICE_NO] = "26370000000000000917",
};

/* All columns are there; NULL is an empty cell. */
static inline struct row fixture_row(const char *const *cells)
{
	struct row row = {.number = 2, .head_number = 1, .columns = (1u << COLUMN_COUNT) - 1};

	for (int i = 0; i < COLUMN_COUNT; i++)
		row.cells[i] = slice_text(cells[i] != NULL ? cells[i] : "");
	return row;
}

/* The canonical bytes of the trade with another number and amount; freed by the caller. */
static inline struct slice fixture_record(const char *trade_no, const char *amount)
{
	struct row row = fixture_row(fixture_trade);
	struct slice copy = {NULL, 0};
	struct rows rows;
	uint8_t *bytes;

	row.cells[COLUMN_TRADE_NO] = slice_text(trade_no);
	row.cells[COLUMN_AMOUNT] = slice_text(amount);
	rows_init(&rows);
	row_add(&row, &rows);
	if (rows.record_count == 1) {
		struct slice record = rows_record(&rows, 0);

		bytes = malloc(record.size);
		if (bytes != NULL) {
			memcpy(bytes, record.data, record.size);
			copy = slice_of(bytes, record.size);
		}
	}
	rows_done(&rows);
	return copy;
}

static inline void fixture_free(struct slice record)
{
	union {
		const uint8_t *constant;
		void *plain;
	} pointer = {.constant = record.data};

	free(pointer.plain);
}

/* A new folder below /tmp; freed by fixture_folder_remove. */
static inline char *fixture_folder(void)
{
	char *path = strdup("/tmp/subsidy-test-XXXXXX");

	return path != NULL ? mkdtemp(path) : NULL;
}

static inline int fixture_on_file(const char *path, const struct stat *stat, int type, struct FTW *place)
{
	(void)stat;
	(void)type;
	(void)place;
	return remove(path);
}

/* The folder with all that is in it. */
static inline void fixture_remove(const char *path)
{
	if (nftw(path, fixture_on_file, 16, FTW_DEPTH | FTW_PHYS) != 0)
		fprintf(stderr, "%s is left behind\n", path);
}

static inline void fixture_folder_remove(char *path)
{
	fixture_remove(path);
	free(path);
}

#endif

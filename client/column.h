/*
 * The columns of a venue's file: their names in English, which are the record's fields, and in Chinese; of which kind
 * of record they are, and whether a file with such records must have them.
 */
#ifndef CLIENT_COLUMN_H
#define CLIENT_COLUMN_H

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
bool column_is_of(enum column column, enum record_kind kind);
bool column_is_required(enum column column);

#endif

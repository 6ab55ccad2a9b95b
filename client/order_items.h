/*
 * The items of an order over many: firms to register or to take off lists, pairs to relate, readers to grant access or
 * to take it from, trades to hold, release or void; from the rows of a list (order_list.h), or one by one.
 *
 * Every fault of every row is kept, so that a list is mended once; with one fault there are no items to sign. An
 * access code is made here, and lives in its item until items_done wipes it: the line has its hash only.
 */
#ifndef CLIENT_ORDER_ITEMS_H
#define CLIENT_ORDER_ITEMS_H

#include "client/client.h"
#include "proto/order.h"

#define ITEM_TOKEN_SIZE 32
#define ITEM_SUBJECT_SIZE 64

enum item_column {
	ITEM_CODE, ITEM_NAME, ITEM_LISTS,	/* enterprise.register; without a name, enterprise.delist */
	ITEM_FIRST, ITEM_SECOND,		/* enterprise.relate */
	ITEM_SUBJECT, ITEM_HOLDER, ITEM_EXPIRES, /* grant.add */
	ITEM_SUBJECT_NAME,			/* the same, for its letter alone */
	ITEM_TOKEN_HASH,			/* grant.revoke */
	ITEM_VENUE, ITEM_TRADE_NO,		/* trade.hold, trade.release, trade.void */
	ITEM_REASON,				/* of all that take something away */
	ITEM_COLUMN_COUNT
};

struct item_column_rule {
	const char *name, *chinese;
	unsigned types;				/* bits 1 << order_type: of the items that have it */
	bool is_required;
};
extern const struct item_column_rule items_columns[ITEM_COLUMN_COUNT];

/* The cells of one row. A column that isn't there is absent in `columns`. */
struct item_row {
	uint64_t number;
	uint32_t columns;			/* bit 1 << column */
	struct slice cells[ITEM_COLUMN_COUNT];
};

/* The texts lie in the arena. */
struct item_fault {
	uint64_t row;				/* 0: not of a row */
	const char *column;			/* "" for the row as a whole */
	const char *value, *rule;
};

struct item {
	struct slice line;			/* in its final form, in the arena */
	uint64_t row;
	struct slice about;			/* what one order may name once; empty for a grant */
	char subject[ITEM_SUBJECT_SIZE];	/* grant.add, and all below */
	const char *holder, *name;		/* in the arena; name is "" where it is not known */
	uint32_t expires;
	uint8_t token[ITEM_TOKEN_SIZE];
};

struct items {
	enum order_type type;
	uint32_t grant_expires;			/* where a grant does not say */
	const char *reason;			/* where a row does not say; may be NULL */
	struct arena arena;
	struct item *items;
	size_t item_count, item_capacity;
	struct item_fault *faults;		/* at most CLIENT_ERRORS_MAX */
	size_t fault_count, fault_capacity;
	uint64_t fault_total;
	enum err err;				/* ERR_MEMORY: the list is not whole */
};

/* Do items of that type have the column, and must they? */
bool items_has_column(enum order_type type, enum item_column column);
bool items_needs_column(const struct items *items, enum item_column column);
void items_init(struct items *items, enum order_type type, uint32_t grant_expires);
void items_done(struct items *items);
/* Adds one row's item, or its faults. White space around cells is ignored, codes are normalised. */
void items_add(struct items *items, const struct item_row *row);
/* Complains of a cell or (ITEM_COLUMN_COUNT) of a row. */
void items_complain(struct items *items, uint64_t row, enum item_column column, struct slice value, const char *rule);
/* A copy in the arena; "" on lack of memory, which items->err tells. */
const char *items_keep_text(struct items *items, struct slice text);
/* Complains of what the list names twice. After the last row. */
void items_finish(struct items *items);
/* Without the white space around it, also that of spreadsheets (U+00A0, U+3000). */
struct slice items_trim(struct slice text);

#endif

/*
 * The JSON files of a statement's folder: strict, bounded, pure. FORMAT.md, "Statements".
 */
#ifndef CLIENT_STATEMENT_JSON_H
#define CLIENT_STATEMENT_JSON_H

#include <jansson.h>

#include "proto/code.h"
#include "proto/order.h"

/* statement.json */
struct statement_head {
	char origin[ORIGIN_TEXT_SIZE];
	char ledger_id[LEDGER_ID_SIZE + 1];
	struct code code;
	uint64_t size;			/* of the ledger */
	uint64_t entry_count;		/* of the chain */
	json_t *vkeys;			/* texts; the head's own */
	json_t *policies;		/* objects {"policy","version","index","eligible_volume","award"}; the head's own */
	json_t *root;
};
/* ERR_SYNTAX, ERR_INVALID, ERR_MEMORY with the reason, as all of these. */
enum err statement_head_parse(struct slice bytes, struct statement_head *ret_head, struct why *why) must_check;
void statement_head_done(struct statement_head *head);

/* orders/<index>.json: an item's line under the officers' note. */
struct statement_order {
	uint64_t order_index;
	uint32_t item;
	size_t count;
	struct slice note, line;	/* the root's own */
	struct tree_path path;
	json_t *root;
};
enum err statement_order_parse(struct slice bytes, struct statement_order *ret_order, struct why *why) must_check;
void statement_order_done(struct statement_order *order);

/* withheld/<index>.json: a leaf without its bytes. */
struct statement_withheld {
	uint64_t index;
	struct hash leaf;
	struct tree_path path;
};
enum err statement_withheld_parse(struct slice bytes, struct statement_withheld *ret_withheld, struct why *why) must_check;

/* policies/<id>.json: any object; its members are compared by whoever knows what they must be. */
enum err statement_object_parse(struct slice bytes, json_t **ret_root, struct why *why) must_check;

#endif

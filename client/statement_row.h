/*
 * One row of a statement as it comes from the ledger, checked by itself: the entry is in the tree of the checkpoint, the
 * record in its venue's feed, the item line among those whose root the officers' note gives. What the rows say together
 * (that none is missing, that keys and officers were in force) is for who has them all: statement_verify.h.
 */
#ifndef CLIENT_STATEMENT_ROW_H
#define CLIENT_STATEMENT_ROW_H

#include <jansson.h>

#include "client/client.h"
#include "proto/checkpoint.h"
#include "proto/entry.h"

struct statement_row {
	uint64_t index;
	bool is_withheld;		/* the entry is another's: its leaf alone */
	struct hash leaf;
	struct slice bytes;		/* the entry's; points into the arena, as `entry` does */
	struct entry entry;
	struct tree_path path;
	const char *feed;		/* of a record, else NULL; the JSON's own */
	const json_t *order;		/* of an effect of an item, else NULL; the JSON's own */
	uint64_t act_index;		/* of an effect of an order without items that order, an act; else 0 */
	struct arena arena;
};

void statement_row_init(struct statement_row *row);
void statement_row_done(struct statement_row *row);
/* A row of the chain. ERR_SYNTAX where it is no row, ERR_PROOF where something in it is not proven, ERR_MEMORY. The row
 * holds until the next call, and no longer than the JSON. */
enum err statement_row_read(
    const json_t *json, const struct checkpoint *checkpoint, struct statement_row *row, struct why *why) must_check;
/* The same of an act: genesis, or an order without items. */
enum err statement_act_read(
    const json_t *json, const struct checkpoint *checkpoint, struct statement_row *row, struct why *why) must_check;
/* Where the chain may go on behind a row: which of an entry's links is the enterprise's own is not looked at here. */
struct statement_link {
	bool is_any;			/* at the beginning, and behind what is withheld */
	size_t count;
	uint64_t indexes[ENTRY_LINKS_MAX];
};
struct statement_link statement_row_link(const struct statement_row *row);
bool statement_link_holds(const struct statement_link *link, uint64_t index);

#endif

/*
 * An enterprise's chain: every entry that concerned it, newest first, by the links that entries carry. It is read
 * without any index, and it is what a statement proves complete.
 */
#ifndef DAEMON_CHAIN_H
#define DAEMON_CHAIN_H

#include "daemon/state.h"
#include "proto/chain_item.h"

struct chain {
	struct store_txn *txn;
	struct code code;
	uint64_t size;			/* entries from here on are not seen */
	uint64_t next_index;		/* 0 at the end */
	uint64_t step_count, step_max;	/* entries read, and how many may be */
	struct arena arena;
	enum err err;			/* sticky: ERR_DAMAGED, ERR_TOO_LARGE (step_max), ERR_MEMORY */
};

/* Starts at the newest entry below `size`. */
void chain_begin(struct chain *chain, struct store_txn *txn, const struct code *code, uint64_t size, uint64_t step_max);
/* Goes on behind an entry of the chain, for the next page. ERR_BAD_REQUEST (in `err`) when the entry is not on it. */
void chain_begin_after(struct chain *chain, struct store_txn *txn, const struct code *code, uint64_t after, uint64_t step_max);
bool chain_next(struct chain *chain, struct chain_item *ret_item);
void chain_done(struct chain *chain);

/* One entry of any kind by itself, with its record and trade where it has them. Needs an arena of CHAIN_ARENA_SIZE.
 * ERR_DAMAGED, ERR_MEMORY. */
#define CHAIN_ARENA_SIZE (8u * ENTRY_SIZE_MAX)
enum err chain_item_read(struct store_txn *txn, uint64_t index, struct arena *arena, struct chain_item *ret_item) must_check;

#endif

/*
 * What an enterprise is and has done, at a ledger size: enough for every policy. Lives no longer than the read
 * transaction it was read in.
 *
 * Its cells come from the state where nothing has concerned the enterprise since that size, and are folded again from
 * its chain else, bounded by AS_OF_WALK_MAX. Both ways give the same cells; `subsidyd verify` compares them.
 */
#ifndef DAEMON_HISTORY_H
#define DAEMON_HISTORY_H

#include "daemon/cells.h"

struct history;

/* ERR_NOT_FOUND for a code that no entry below `size` concerned, ERR_TOO_LARGE, ERR_MEMORY, ERR_DAMAGED. */
enum err history_read(struct store_txn *txn, const struct code *code, uint64_t size, struct history **ret_history,
    struct why *why) must_check;
/* The same from the chain even where the state would do: for verify, which compares. */
enum err history_read_chain(struct store_txn *txn, const struct code *code, uint64_t size, struct history **ret_history,
    struct why *why) must_check;
/* As history_read, with a budget of chain entries that many histories share; it is lowered by what was read. */
enum err history_read_within(struct store_txn *txn, const struct code *code, uint64_t size, uint64_t *steps_left,
    struct history **ret_history, struct why *why) must_check;
void history_free(struct history *history);	/* NULL-safe */

const struct code *history_code(const struct history *history);
uint64_t history_size(const struct history *history);	/* the asked one */
/* Name and lists at that size; NULL when not registered. */
const struct account *history_account(const struct history *history);
/* The cells in the order of month and key, those of trades that don't count among them. */
struct history_cell {
	struct cell_key key;
	struct cell_sums sums;
};
const struct history_cell *history_cells(const struct history *history, size_t *ret_count);
const char *history_venue_id(const struct history *history, uint16_t number);
/* Same register row and same cells? */
bool history_equal(const struct history *a, const struct history *b);

/* One policy's sums and result. ERR_OVERFLOW. */
enum err history_evaluate(const struct history *history, const struct policy *policy, struct policy_sums *ret_sums,
    struct policy_result *ret_result) must_check;

/*
 * The record at which the running award is all that the policy can give (struct life_cap). Nothing is found either where
 * the chain is longer than AS_OF_WALK_MAX.
 *
 * To find it all trades are walked, so what was found is worth remembering: a policy never changes, and a trade that comes
 * later is behind the one that was found, whatever it is. What can move it is anything else on the chain, a refund say, or
 * a relation, which changes trades that came before.
 */
struct history_cap {
	uint64_t policy_index;		/* of the order that adopted the policy; the caller's */
	uint64_t last_index;		/* the newest entry of the chain then; 0: not to be remembered, an earlier size was asked */
	uint64_t entry_count;		/* of the chain up to there; with more than AS_OF_WALK_MAX nothing is found, ever */
	bool is_found;
	uint64_t index;
	char trade_no[TRADE_NO_SIZE_MAX + 1];
};
/*
 * `known` is what was found before, of the same enterprise and policy and in any transaction of the same ledger, or NULL.
 * It spares the walk where the state answers (not at an earlier size) and only trades have come since. ERR_OVERFLOW,
 * ERR_MEMORY, ERR_DAMAGED.
 */
enum err history_capped_at(const struct history *history, const struct policy *policy, const struct history_cap *known,
    struct history_cap *ret_cap) must_check;

#endif

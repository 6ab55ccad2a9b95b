/*
 * An enterprise as of a ledger size: who it was in the register, whom it was related to, what refunds and
 * orders had done to its trades.
 *
 * Where nothing has concerned the enterprise since that size, the state says all of it. Else its chain is walked back
 * once, from the size to its beginning, and its life is folded from what the walk met (proto/life.h). Lives no longer
 * than the read transaction.
 */
#ifndef DAEMON_PAST_H
#define DAEMON_PAST_H

#include "daemon/chain.h"

struct past {
	struct store_txn *txn;
	struct code code;
	uint64_t size;
	uint64_t last_index;		/* its newest entry in the transaction, below `size` or not */
	bool is_walked;			/* from the chain; else the state answers */
	bool is_registered;
	struct account account;
	struct life life;		/* of a walk */
};

/*
 * `must_walk`: from the chain in any case. `steps_left` bounds the entries read and is lowered by them. ERR_NOT_FOUND
 * for a code that no entry below `size` concerned, ERR_TOO_LARGE, ERR_MEMORY, ERR_DAMAGED. Call past_done in any case.
 */
enum err past_open(struct past *past, struct store_txn *txn, const struct code *code, uint64_t size, bool must_walk,
    uint64_t *steps_left, struct why *why) must_check;
void past_done(struct past *past);
/* NULL when not registered. */
const struct account *past_account(const struct past *past);
void past_touched(const struct past *past, uint64_t trade_index, struct touched *ret_touched);
bool past_is_related(const struct past *past, const struct code *other);

/* Of a walk: each trade record in ledger order, valid during the call. Stops on the first error of `each`, and where it
 * says that no further ones need to come. */
enum err past_each_trade(const struct past *past,
    enum err (*each)(void *cookie, const struct life_trade *trade, bool *ret_is_enough), void *cookie) must_check;

#endif

/*
 * An enterprise as of a ledger size: who it was in the register, whom it was related to, what refunds and
 * orders had done to its trades.
 *
 * Where nothing has concerned the enterprise since that size, the state says all of it. Else its chain is walked back
 * once, from the size to its beginning, and what the walk met is kept: what was done to a trade comes before it there, and a
 * relation also holds for the trades made before it was known. Lives no longer than the read transaction.
 */
#ifndef DAEMON_PAST_H
#define DAEMON_PAST_H

#include "daemon/array.h"
#include "daemon/chain.h"
#include "daemon/venues.h"

struct past {
	struct store_txn *txn;
	struct code code;
	uint64_t size;
	bool is_walked;			/* from the chain; else the state answers */
	bool is_registered;
	struct account account;
	/* During a walk: what was taken off the register's lists after the registration that is still to come. */
	size_t delisted_count;
	char delisted[LISTS_MAX][LIST_NAME_SIZE_MAX + 1];
	uint64_t delisted_index;
	/* Of a walk. */
	struct array trades;		/* of uint64_t: its trade records, counted or not, newest first */
	struct array changes;		/* of struct past_change, by trade, each once */
	struct array relatives;		/* of struct code, ascending */
};

/* What refunds and orders did to a trade. */
struct past_change {
	uint64_t trade_index;
	struct touched touched;
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

/* A trade record on the chain, as it stands at the size. */
struct past_trade {
	uint64_t index;
	enum disposition disposition;
	const struct trade *trade;	/* the record's own; valid during the call */
	struct code supplier, buyer;	/* whose chains it is on: of a duplicate those of its first */
	struct touched touched;		/* zero where it never counted */
	bool is_listed;			/* the bureau listed the two as related */
	uint16_t venue_number;
	bool is_last;			/* set by `each`: no further ones, please */
};
/* Does it count? It did when it came, and no order holds or voids it. */
bool past_trade_counts(const struct past_trade *trade);
/* Of a walk: each trade record in ledger order. Stops on the first error of `each`. */
enum err past_each_trade(const struct past *past, const struct venues *venues,
    enum err (*each)(void *cookie, struct past_trade *trade), void *cookie) must_check;

#endif

/*
 * An enterprise's life, out of the entries of its chain: who it is in the register, whom it is related to, what refunds
 * and orders did to its trades, and what all of that is to a policy. The one place where entries become figures: the
 * daemon asks it for answers as of an earlier size, and the client checks statements with it.
 *
 * Entries are taken from the chain's end to its beginning or the other way round. Only then is known how a trade stands,
 * for a refund comes after its trade, and a relation also holds for the trades made before it was known: so the trades
 * are asked for in a second round, one by one, by whoever holds their entries.
 */
#ifndef PROTO_LIFE_H
#define PROTO_LIFE_H

#include "proto/array.h"
#include "proto/chain_item.h"
#include "proto/policy.h"

/* What refunds and orders did to a counted trade. All zero for an untouched one. */
enum trade_state { TRADE_COUNTED, TRADE_HELD, TRADE_VOIDED };
const char *trade_state_name(enum trade_state state);		/* "held" */
struct touched {
	uint64_t refunded_fen, refunded_tax_fen;
	enum trade_state state;
	/* Effect entry that holds or voids it, 0 while it counts. In the ledger's rows of a venue with a distrusted key
	 * also the one that released it: what orders did after the distrust is left as it is. */
	uint64_t state_index;
};

/* The register's row. */
struct account {
	char name[PARTY_NAME_SIZE_MAX + 1];
	size_t list_count;
	char lists[LISTS_MAX][LIST_NAME_SIZE_MAX + 1];
	uint64_t index;			/* effect that wrote it */
};

struct life {
	struct code code;
	uint64_t registered_index;	/* the newest registration that was met, 0 for none; the row is that effect's */
	struct account registered;
	size_t delisted_count;		/* what was taken off its lists since */
	struct life_delisted {
		char list[LIST_NAME_SIZE_MAX + 1];
		uint64_t index;
	} delisted[LISTS_MAX];
	uint64_t delisted_index;	/* the newest effect that took something off */
	struct array trades;		/* of uint64_t: its trade records, counted or not, as they were taken */
	struct array changes;		/* of struct life_change; by trade, each once, after life_finish */
	struct array relatives;		/* of struct code; ascending after life_finish */
};
/* What refunds and orders did to a trade. */
struct life_change {
	uint64_t trade_index;
	struct touched touched;
};

void life_init(struct life *life, const struct code *code);
void life_done(struct life *life);
/* A record or an effect of the chain, each once, in ascending or descending order. ERR_MEMORY; ERR_DAMAGED for what no
 * ledger writes. */
enum err life_take(struct life *life, const struct chain_item *item) must_check;
/* After the last. */
void life_finish(struct life *life);

/* The register's row by what was taken so far; false where it is not registered. */
bool life_account(const struct life *life, struct account *ret_account);
/* After life_finish. */
void life_touched(const struct life *life, uint64_t trade_index, struct touched *ret_touched);
bool life_is_related(const struct life *life, const struct code *other);

/* A trade record of the chain, as it stands. */
struct life_trade {
	uint64_t index;
	struct slice venue;		/* as trade: the item's own */
	enum disposition disposition;
	const struct trade *trade;	/* the record's */
	struct code supplier, buyer;	/* whose chains it is on: of a duplicate those of its first */
	struct touched touched;		/* zero where it never counted */
	bool is_listed;			/* the bureau listed the two as related */
};
/* After life_finish. ERR_DAMAGED where more was refunded than the trade has. */
enum err life_trade(const struct life *life, const struct chain_item *item, struct life_trade *ret_trade) must_check;
/* Does it count? It did when it came, and no order holds or voids it. */
bool life_trade_counts(const struct life_trade *trade);
/* Which side of a trade that counts is it on? */
enum side life_side(const struct life_trade *trade, const struct code *code);
/* A trade by itself, as a policy sees it from one side. `venue` is kept as a pointer, and may be NULL until it is asked
 * for. */
struct policy_fact life_fact(const struct trade *trade, const char *venue, enum side side, bool is_listed,
    const struct touched *touched);

/* With it the trade's refunds would be more than the trade, in amount, tax or net amount. */
bool life_refund_exceeds(const struct touched *touched, const struct refund *refund, const struct trade *trade);

/* Do the lists let it take part? `account` may be NULL. */
bool life_lists_ok(const struct policy *policy, const struct account *account);

/*
 * The first record in ledger order, with the net amounts as they stand, at which the running award is all that the policy
 * can give. Nothing is found where the award touched the cap at no single record (slab tiers, a baseline).
 */
struct life_cap {
	const struct policy *policy;
	struct policy_sums sums;
	bool is_found;
	uint64_t index;
	char trade_no[TRADE_NO_SIZE_MAX + 1];
};
void life_cap_init(struct life_cap *cap, const struct policy *policy, const struct account *account);
/* The trades in ledger order; once it is found, no further ones need to come. ERR_OVERFLOW. */
enum err life_cap_add(struct life_cap *cap, const struct life_trade *trade, const struct code *code, const char *venue) must_check;

#endif

/*
 * Policies: strict parsing, what a policy accepts, the arithmetic, and the explanation of every step.
 *
 * A policy is data, signed by officers: an unknown key is an error, for a condition silently ignored is money. The
 * evaluation never sees a record: it is fed *facts*, each a cell of trades that are alike in everything a policy can
 * ask about (one trade is a cell of one), and keeps sums. So trying out a policy costs the same after a hundred
 * million trades. Order of evaluation and every rule: FORMAT.md, "Policy". Pure; no allocation after parsing.
 */
#ifndef PROTO_POLICY_H
#define PROTO_POLICY_H

#include <jansson.h>

#include "proto/money.h"
#include "proto/record.h"

enum side { SIDE_SUPPLIER = 1, SIDE_BUYER = 2 };
enum policy_base { BASE_GROSS = 1, BASE_NET };
enum policy_date { DATE_SETTLED = 1, DATE_SIGNED };
enum policy_related { RELATED_EXCLUDE = 1, RELATED_FLAG, RELATED_ALLOW };
enum policy_rate_type { RATE_FLAT = 1, RATE_MARGINAL, RATE_SLAB, RATE_FIXED };
enum policy_pool_method { POOL_PRORATA = 1, POOL_FIRST_COME, POOL_RANK };
enum cap_scope { CAP_TERM = 1, CAP_YEAR };

struct policy_tier {
	bool is_last;			/* up_to is null */
	int64_t up_to_fen;		/* inclusive */
	uint32_t rate_ppm;
};

struct policy_rate {
	enum policy_rate_type type;
	uint32_t rate_ppm;		/* flat */
	int64_t fixed_fen;		/* fixed: this sum once the threshold is met and there is volume */
	size_t tier_count;		/* marginal, slab */
	struct policy_tier tiers[POLICY_TIERS_MAX];
};

struct policy {
	char id[POLICY_ID_SIZE_MAX + 1];
	uint32_t version;
	bool is_assumed;
	char title[POLICY_TEXT_SIZE_MAX + 1], basis[POLICY_TEXT_SIZE_MAX + 1];
	uint32_t from, to;		/* first and last day of months, YYYYMMDD */
	enum policy_date date_basis;
	bool has_side[3];		/* by enum side */
	enum policy_base base;
	size_t venue_count;
	char venues[POLICY_VENUES_MAX][VENUE_ID_SIZE_MAX + 1];
	bool is_listed_only;
	char list[LIST_NAME_SIZE_MAX + 1];
	char exclude_list[LIST_NAME_SIZE_MAX + 1];	/* "" for none */
	enum policy_related related;
	bool excludes_other_subsidy;
	bool excludes_kind[PRODUCT_OTHER + 1];
	bool has_threshold;
	uint64_t threshold_trades, threshold_contracts;
	int64_t threshold_fen;
	bool has_rate, is_by_side;
	struct policy_rate rate;			/* the one rate, or the supplier's */
	struct policy_rate buyer_rate;			/* by_side only */
	bool has_growth;				/* volume above that of a baseline period */
	uint32_t growth_from, growth_to;
	int64_t cap_fen;
	enum cap_scope cap_scope;
	int64_t round_unit_fen;
	enum money_round round_mode;
	bool has_pool;
	int64_t pool_fen;
	enum policy_pool_method pool_method;
	bool may_review_lower;				/* the computed value is a maximum that a review may lower */
	size_t instalment_count;
	uint32_t instalment_ppm[POLICY_INSTALMENTS_MAX];	/* how a payment is split; sums to 10^6 */
};

/* Strict. ERR_INVALID with key and rule; for text also ERR_SYNTAX, ERR_MEMORY, and ERR_TOO_LARGE
 * beyond ORDER_BODY_SIZE_MAX. */
enum err policy_parse(const json_t *json, struct policy *ret_policy, struct why *why) must_check;
enum err policy_parse_text(struct slice text, struct policy *ret_policy, struct why *why) must_check;
/* The whole policy with every default written out, keys in the order of FORMAT.md. NULL on lack of memory. */
json_t *policy_format(const struct policy *policy);

/* Trades of one enterprise that are alike. Counts and sums of *counted* trades only. */
struct policy_fact {
	uint16_t settled_month, signed_month;
	const char *venue;
	enum side side;
	enum product_kind product_kind;
	bool is_related_declared, is_related_listed, has_other_subsidy, has_invoice;
	uint64_t trades, contracts;			/* contracts: trades with instalment 1 */
	uint64_t gross_zero_trades, gross_zero_contracts;	/* of these, those whose amount is refunded in full */
	uint64_t net_zero_trades, net_zero_contracts;	/* those whose amount - tax is refunded in full */
	int64_t amount_fen, tax_fen, refunded_fen, refunded_tax_fen;
};

/* Why a fact does or doesn't take part: the first rule, in the order of evaluation, that turns it away. */
enum policy_gate {
	GATE_ELIGIBLE, GATE_WINDOW, GATE_SIDE, GATE_VENUE, GATE_LIST, GATE_RELATED, GATE_OTHER_SUBSIDY, GATE_PRODUCT_KIND,
};
#define GATE_COUNT 8
const char *policy_gate_name(enum policy_gate gate);	/* "eligible", "window", "side", … */
const char *policy_gate_sentence(enum policy_gate gate);

/* Enterprise-wide: is it on the list (and on no excluded one)? `lists` are those of the register at the asked size. */
bool policy_lists_ok(const struct policy *policy, const char *const *lists, size_t list_count);
enum policy_gate policy_gate(const struct policy *policy, bool is_list_ok, const struct policy_fact *fact);
/* Facts settled in other months than these are neither volume nor baseline: nobody is settled before it is signed. */
void policy_settled_months(const struct policy *policy, uint16_t *ret_first, uint16_t *ret_last);
/* The policy's base of a fact: gross = amount - refunded; net = gross - (tax - refunded tax). */
int64_t policy_base(const struct policy *policy, const struct policy_fact *fact);

struct policy_period_sums {
	int64_t volume_fen[3], baseline_fen[3];		/* by enum side; baseline only with growth */
	uint64_t trades, contracts;			/* with a base above zero */
};

struct policy_sums {
	bool is_list_ok;
	struct policy_period_sums periods[POLICY_YEARS_MAX];	/* one, or one per calendar year of the window */
	uint64_t gate_trades[GATE_COUNT];
	int64_t gate_fen[GATE_COUNT];			/* in the policy's base */
};

size_t policy_period_count(const struct policy *policy);
uint16_t policy_period_year(const struct policy *policy, size_t period_index);	/* 0 for scope term */
void policy_sums_init(struct policy_sums *sums, bool is_list_ok);
/* ERR_OVERFLOW where a sum leaves int64; sums are then unusable. */
enum err policy_add(const struct policy *policy, struct policy_sums *sums, const struct policy_fact *fact) must_check;

enum policy_reason { REASON_NONE, REASON_NOT_LISTED, REASON_RATE_NOT_SET, REASON_BELOW_THRESHOLD, REASON_NO_ELIGIBLE_TRADE };
const char *policy_reason_name(enum policy_reason reason);	/* "not_listed", … */
const char *policy_reason_sentence(enum policy_reason reason);

struct policy_period_result {
	uint16_t year;					/* 0 for scope term */
	int64_t supplier_fen, buyer_fen, volume_fen;	/* eligible, in the base, net of refunds */
	uint64_t trades, contracts;
	money_exact exact;
	int64_t rounded_fen;
	int64_t award_fen;				/* after the cap */
	bool is_capped;					/* the rounded value reached the cap */
	bool is_below_threshold;
};

struct policy_result {
	bool has_award;					/* false where no rate is set */
	int64_t supplier_fen, buyer_fen, volume_fen;
	int64_t award_fen;
	int64_t cap_fen;				/* cap x periods: the most that can ever be awarded */
	int64_t remaining_fen;				/* cap_fen - award_fen */
	bool is_capped;					/* nothing remains */
	size_t period_count;
	struct policy_period_result periods[POLICY_YEARS_MAX];
	enum policy_reason reason;			/* why there is no award above zero */
};

/* Steps 3 to 6 of the order of evaluation. ERR_OVERFLOW. */
enum err policy_evaluate(const struct policy *policy, const struct policy_sums *sums, struct policy_result *ret_result) must_check;

/*
 * Every step as a JSON array of {"step","text","amount"?,"trades"?,"rate_ppm"?,…}: what each gate turned away, the
 * volume of each side, each tier, the exact value, the rounding, the cap. Amounts are decimal strings. NULL on
 * lack of memory.
 */
json_t *policy_explain(const struct policy *policy, const struct policy_sums *sums, const struct policy_result *result);

/* One claim on a limited pool. Divide never rounds to units again: fen, largest remainder, ties by code order. */
struct policy_claim {
	const char *code;
	int64_t claim_fen;
	uint64_t first_index;				/* first_come: ledger index that ranks it */
	int64_t ret_award_fen;
};
/* Reorders nothing; writes ret_award_fen. prorata: in proportion; first_come by first_index, rank by claim (largest
 * first, ties by code): in full while it lasts, the last one the rest. ERR_MEMORY, ERR_OVERFLOW. */
enum err policy_pool_divide(struct policy_claim *claims, size_t claim_count, int64_t pool_fen,
    enum policy_pool_method method) must_check;

#endif

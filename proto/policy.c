/*
 * Gates, sums and the award. Facts only ever add to sums, and the award is computed from the sums as a whole, never
 * by adding or subtracting rate x amount trade by trade: a refund after the cap was reached would else be worth money.
 */
#include "proto/policy.h"

#include <assert.h>
#include <string.h>

#include "proto/date.h"
#include "proto/policy_rate.h"
#include "proto/text.h"

static const struct {
	const char *name, *sentence;
} gates[GATE_COUNT] = {
    [GATE_ELIGIBLE] = {"eligible", TEXT("The trade takes part")},
    [GATE_WINDOW] = {"window", TEXT("The trade's date lies outside the policy's window")},
    [GATE_SIDE] = {"side", TEXT("The policy does not reward this side of a trade")},
    [GATE_VENUE] = {"venue", TEXT("The trade was made at a venue that the policy does not name")},
    [GATE_LIST] = {"list", TEXT("The enterprise is not on the policy's list, or is on the list that it excludes")},
    [GATE_RELATED] = {"related", TEXT("The parties are related, as declared or as listed")},
    [GATE_OTHER_SUBSIDY] = {"other_subsidy", TEXT("The trade is declared to be subsidised elsewhere")},
    [GATE_PRODUCT_KIND] = {"product_kind", TEXT("The policy excludes products of this kind")},
};

static const struct {
	const char *name, *sentence;
} reasons[] = {
    [REASON_NONE] = {"none", TEXT("There is nothing that stands against an award")},
    [REASON_NOT_LISTED] = {"not_listed",
	TEXT("The enterprise is not on the policy's list, or is on the list that it excludes")},
    [REASON_RATE_NOT_SET] = {"rate_not_set", TEXT("The policy sets no rate yet, so there are volumes but no amount")},
    [REASON_BELOW_THRESHOLD] = {"below_threshold", TEXT("The eligible trades do not reach the policy's threshold")},
    [REASON_NO_ELIGIBLE_TRADE] = {"no_eligible_trade", TEXT("No trade with an amount left after refunds takes part")},
};

const char *policy_gate_name(enum policy_gate gate)
{
	return gates[gate].name;
}

const char *policy_gate_sentence(enum policy_gate gate)
{
	return text_of(gates[gate].sentence);
}

const char *policy_reason_name(enum policy_reason reason)
{
	return reasons[reason].name;
}

const char *policy_reason_sentence(enum policy_reason reason)
{
	return text_of(reasons[reason].sentence);
}

bool policy_lists_ok(const struct policy *policy, const char *const *lists, size_t list_count)
{
	bool is_listed = !policy->is_listed_only;

	for (size_t i = 0; i < list_count; i++) {
		if (policy->exclude_list[0] != '\0' && strcmp(lists[i], policy->exclude_list) == 0)
			return false;
		if (policy->is_listed_only && strcmp(lists[i], policy->list) == 0)
			is_listed = true;
	}
	return is_listed;
}

static uint16_t fact_month(const struct policy *policy, const struct policy_fact *fact)
{
	return policy->date_basis == DATE_SETTLED ? fact->settled_month : fact->signed_month;
}

static bool is_within(uint16_t month, uint32_t from, uint32_t to)
{
	return month >= month_of_date(from) && month <= month_of_date(to);
}

static bool has_venue(const struct policy *policy, const char *venue)
{
	for (size_t i = 0; i < policy->venue_count; i++)
		if (strcmp(policy->venues[i], venue) == 0)
			return true;
	return false;
}

/* Every gate but the window: also what baseline trades have to pass. */
static enum policy_gate gate_within_window(const struct policy *policy, bool is_list_ok, const struct policy_fact *fact)
{
	if (!policy->has_side[fact->side])
		return GATE_SIDE;
	if (!has_venue(policy, fact->venue))
		return GATE_VENUE;
	if (!is_list_ok)
		return GATE_LIST;
	if (policy->related == RELATED_EXCLUDE && (fact->is_related_declared || fact->is_related_listed))
		return GATE_RELATED;
	if (policy->excludes_other_subsidy && fact->has_other_subsidy)
		return GATE_OTHER_SUBSIDY;
	if (policy->excludes_kind[fact->product_kind])
		return GATE_PRODUCT_KIND;
	return GATE_ELIGIBLE;
}

enum policy_gate policy_gate(const struct policy *policy, bool is_list_ok, const struct policy_fact *fact)
{
	if (!is_within(fact_month(policy, fact), policy->from, policy->to))
		return GATE_WINDOW;
	return gate_within_window(policy, is_list_ok, fact);
}

void policy_settled_months(const struct policy *policy, uint16_t *ret_first, uint16_t *ret_last)
{
	/* A baseline lies before the window. */
	*ret_first = month_of_date(policy->has_growth ? policy->growth_from : policy->from);
	*ret_last = policy->date_basis == DATE_SETTLED ? month_of_date(policy->to) : UINT16_MAX;
}

int64_t policy_base(const struct policy *policy, const struct policy_fact *fact)
{
	int64_t base_fen;

	/* A refund that takes more than is left has no effect, so none of these can be negative. */
	assert(fact->refunded_fen >= 0 && fact->refunded_fen <= fact->amount_fen);
	assert(fact->refunded_tax_fen >= 0 && fact->refunded_tax_fen <= fact->tax_fen);
	base_fen = fact->amount_fen - fact->refunded_fen;
	if (policy->base == BASE_NET)
		base_fen -= fact->tax_fen - fact->refunded_tax_fen;
	assert(base_fen >= 0);
	return base_fen;
}

size_t policy_period_count(const struct policy *policy)
{
	return policy->cap_scope == CAP_TERM ? 1 : policy->to / 10000 - policy->from / 10000 + 1;
}

uint16_t policy_period_year(const struct policy *policy, size_t period_index)
{
	assert(period_index < policy_period_count(policy));
	return policy->cap_scope == CAP_TERM ? 0 : (uint16_t)(policy->from / 10000 + period_index);
}

void policy_sums_init(struct policy_sums *sums, bool is_list_ok)
{
	memset(sums, 0, sizeof(*sums));
	sums->is_list_ok = is_list_ok;
}

/* Counts go out as JSON integers, which are signed. */
static enum err add_count(uint64_t count, uint64_t *sum)
{
	if (count > INT64_MAX || *sum > INT64_MAX - count)
		return ERR_OVERFLOW;
	*sum += count;
	return OK;
}

static enum err add_eligible(const struct policy *policy, struct policy_sums *sums, const struct policy_fact *fact)
{
	bool is_gross = policy->base == BASE_GROSS;
	uint64_t zero_trades = is_gross ? fact->gross_zero_trades : fact->net_zero_trades;
	uint64_t zero_contracts = is_gross ? fact->gross_zero_contracts : fact->net_zero_contracts;
	struct policy_period_sums *period = &sums->periods[0];
	enum err err;

	if (policy->cap_scope == CAP_YEAR)
		period += month_year(fact_month(policy, fact)) - policy->from / 10000;
	assert(zero_trades <= fact->trades && zero_contracts <= fact->contracts);
	err = add_count(fact->trades - zero_trades, &period->trades);
	if (err == OK)
		err = add_count(fact->contracts - zero_contracts, &period->contracts);
	if (err == OK)
		err = money_add(
		    period->volume_fen[fact->side], policy_base(policy, fact), &period->volume_fen[fact->side]);
	return err;
}

enum err policy_add(const struct policy *policy, struct policy_sums *sums, const struct policy_fact *fact)
{
	enum policy_gate gate = policy_gate(policy, sums->is_list_ok, fact);
	int64_t base_fen = policy_base(policy, fact);
	int64_t *baseline_fen = &sums->periods[0].baseline_fen[fact->side];
	enum err err;

	err = add_count(fact->trades, &sums->gate_trades[gate]);
	if (err == OK)
		err = money_add(sums->gate_fen[gate], base_fen, &sums->gate_fen[gate]);
	if (err == OK && gate == GATE_ELIGIBLE)
		err = add_eligible(policy, sums, fact);
	/* A baseline trade is one that would be eligible, had it not come before the window. */
	if (err == OK && gate == GATE_WINDOW && policy->has_growth &&
	    is_within(fact_month(policy, fact), policy->growth_from, policy->growth_to) &&
	    gate_within_window(policy, sums->is_list_ok, fact) == GATE_ELIGIBLE)
		err = money_add(*baseline_fen, base_fen, baseline_fen);
	return err;
}

static bool threshold_is_met(const struct policy *policy, const struct policy_period_result *period)
{
	return !policy->has_threshold ||
	       (period->trades >= policy->threshold_trades && period->contracts >= policy->threshold_contracts &&
		   period->volume_fen >= policy->threshold_fen);
}

static enum err evaluate_period(
    const struct policy *policy, const struct policy_period_sums *sums, struct policy_period_result *result)
{
	struct policy_rate_use uses[POLICY_RATE_USES_MAX];
	struct policy_rate_part parts[POLICY_TIERS_MAX];
	size_t use_count, part_count;
	enum err err;

	result->supplier_fen = sums->volume_fen[SIDE_SUPPLIER];
	result->buyer_fen = sums->volume_fen[SIDE_BUYER];
	result->trades = sums->trades;
	result->contracts = sums->contracts;
	err = money_add(result->supplier_fen, result->buyer_fen, &result->volume_fen);
	if (err != OK)
		return err;
	result->is_below_threshold = !threshold_is_met(policy, result);
	if (!policy->has_rate || result->is_below_threshold)
		return OK;
	use_count = policy_rate_uses(policy, sums, uses);
	for (size_t i = 0; i < use_count; i++) {
		part_count = policy_rate_parts(&uses[i], parts);
		for (size_t k = 0; k < part_count; k++)
			result->exact += parts[k].exact;
	}
	err = money_round(result->exact, policy->round_unit_fen, policy->round_mode, &result->rounded_fen);
	if (err != OK)
		return err;
	result->is_capped = result->rounded_fen >= policy->cap_fen;
	result->award_fen = result->is_capped ? policy->cap_fen : result->rounded_fen;
	return OK;
}

/* The first thing that stands against any award; the threshold only where no period with trades has met it. */
static enum policy_reason find_reason(const struct policy *policy, bool is_list_ok, const struct policy_result *result)
{
	if (!is_list_ok)
		return REASON_NOT_LISTED;
	if (!policy->has_rate)
		return REASON_RATE_NOT_SET;
	if (result->award_fen > 0)
		return REASON_NONE;
	if (result->volume_fen == 0)
		return REASON_NO_ELIGIBLE_TRADE;
	for (size_t i = 0; i < result->period_count; i++)
		if (result->periods[i].volume_fen > 0 && !result->periods[i].is_below_threshold)
			return REASON_NONE;
	return REASON_BELOW_THRESHOLD;
}

enum err policy_evaluate(const struct policy *policy, const struct policy_sums *sums, struct policy_result *ret_result)
{
	struct policy_result result = {.has_award = policy->has_rate, .period_count = policy_period_count(policy)};
	enum err err = OK;

	assert(result.period_count <= POLICY_YEARS_MAX);
	for (size_t i = 0; i < result.period_count && err == OK; i++) {
		struct policy_period_result *period = &result.periods[i];

		period->year = policy_period_year(policy, i);
		err = evaluate_period(policy, &sums->periods[i], period);
		if (err == OK)
			err = money_add(result.supplier_fen, period->supplier_fen, &result.supplier_fen);
		if (err == OK)
			err = money_add(result.buyer_fen, period->buyer_fen, &result.buyer_fen);
		if (err == OK)
			err = money_add(result.volume_fen, period->volume_fen, &result.volume_fen);
		if (err == OK)
			err = money_add(result.award_fen, period->award_fen, &result.award_fen);
	}
	if (err == OK && __builtin_mul_overflow(policy->cap_fen, (int64_t)result.period_count, &result.cap_fen))
		err = ERR_OVERFLOW;
	if (err != OK)
		return err;
	result.remaining_fen = result.cap_fen - result.award_fen;
	result.is_capped = result.remaining_fen == 0;
	result.reason = find_reason(policy, sums->is_list_ok, &result);
	*ret_result = result;
	return OK;
}

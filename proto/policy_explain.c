/*
 * The evaluation told step by step, so that a finance clerk can follow it with a calculator: what each gate turned
 * away, each side's volume, what each tier gives, the exact value, its rounding, the cap. Every number in a text
 * stands in a member of its own as well. The steps come from the same parts that the evaluation summed.
 */
#include "proto/policy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/date.h"
#include "proto/policy_json.h"
#include "proto/policy_rate.h"
#include "proto/text.h"

#define STEP_TEXT_SIZE 1024 /* title and basis of 200 bytes each, and a sentence around them */
#define RATE_TEXT_SIZE 24   /* "1000.0000 %" */
#define INSTALMENTS_TEXT_SIZE (POLICY_INSTALMENTS_MAX * RATE_TEXT_SIZE)

struct steps {
	json_t *array;
	bool has_failed; /* no memory; the whole is then NULL */
	uint16_t year;   /* of the period being told, 0 for none */
};

static void put(struct steps *steps, json_t *step, const char *key, json_t *value)
{
	if (json_object_set_new(step, key, value) != 0)
		steps->has_failed = true;
}

static void put_amount(struct steps *steps, json_t *step, const char *key, int64_t fen)
{
	char text[MONEY_TEXT_SIZE];

	money_format(fen, text);
	put(steps, step, key, json_string(text));
}

static void put_exact(struct steps *steps, json_t *step, money_exact exact)
{
	char text[MONEY_EXACT_TEXT_SIZE];

	money_exact_format(exact, text);
	put(steps, step, "exact", json_string(text));
}

static void put_count(struct steps *steps, json_t *step, const char *key, uint64_t count)
{
	put(steps, step, key, json_integer((json_int_t)count));
}

/*
 * Appends a step and returns it, borrowed; NULL once memory has run out, which every put_* takes. Formats are whole
 * sentences, translated here.
 */
static json_t *step_add(struct steps *steps, const char *name, const char *format, ...) printf_like(3, 4);
static json_t *step_add(struct steps *steps, const char *name, const char *format, ...)
{
	char text[STEP_TEXT_SIZE];
	json_t *step = json_object();
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(text, sizeof(text), text_of(format), arguments);
	va_end(arguments);
	assert(size >= 0 && (size_t)size < sizeof(text));
	put(steps, step, "step", json_string(name));
	if (steps->year != 0)
		put(steps, step, "year", json_integer(steps->year));
	put(steps, step, "text", json_string(text));
	if (json_array_append_new(steps->array, step) != 0) {
		steps->has_failed = true;
		return NULL;
	}
	return step;
}

/* "5 %", "3.25 %": parts per million as a percentage, without trailing zeros. */
static const char *rate_format(uint32_t rate_ppm, char ret_text[static RATE_TEXT_SIZE])
{
	size_t size =
	    (size_t)snprintf(ret_text, RATE_TEXT_SIZE, "%" PRIu32 ".%04" PRIu32, rate_ppm / 10000, rate_ppm % 10000);

	while (ret_text[size - 1] == '0')
		size--;
	if (ret_text[size - 1] == '.')
		size--;
	snprintf(ret_text + size, RATE_TEXT_SIZE - size, " %%");
	return ret_text;
}

static void tell_policy(struct steps *steps, const struct policy *policy)
{
	char from[DATE_TEXT_SIZE], to[DATE_TEXT_SIZE];
	json_t *step;

	date_format(policy->from, from);
	date_format(policy->to, to);
	step = step_add(steps, "policy",
	    policy->is_assumed
		? "按假设参数测算 (assumed parameters, not a published rule). Policy %s, version %" PRIu32
		  ": %s, by %s. Trades %s from %s to %s count, in %s, less refunds."
		: "Policy %s, version %" PRIu32 ": %s, by %s. Trades %s from %s to %s count, in %s, less refunds.",
	    policy->id, policy->version, policy->title, policy->basis,
	    policy->date_basis == DATE_SIGNED ? T("signed") : T("settled"), from, to,
	    policy->base == BASE_NET ? T("net amounts (without tax)") : T("gross amounts (with tax)"));
	put(steps, step, "policy", json_string(policy->id));
	put(steps, step, "version", json_integer(policy->version));
	put(steps, step, "status", json_string(policy_json_statuses[policy->is_assumed ? 0 : 1]));
}

static void tell_gates(struct steps *steps, const struct policy_sums *sums)
{
	char amount[MONEY_TEXT_SIZE];

	for (unsigned i = 1; i <= GATE_COUNT; i++) {
		/* What is left over is told last. */
		enum policy_gate gate = i == GATE_COUNT ? GATE_ELIGIBLE : (enum policy_gate)i;
		json_t *step;

		money_format(sums->gate_fen[gate], amount);
		step = step_add(steps, policy_gate_name(gate),
		    gate == GATE_ELIGIBLE
			? (sums->gate_trades[gate] == 1 ? "%s: %" PRIu64 " trade, %s yuan."
							: "%s: %" PRIu64 " trades, %s yuan.")
			: (sums->gate_trades[gate] == 1 ? "%s: %" PRIu64 " trade turned away, %s yuan."
							: "%s: %" PRIu64 " trades turned away, %s yuan."),
		    policy_gate_sentence(gate), sums->gate_trades[gate], amount);
		put_count(steps, step, "trades", sums->gate_trades[gate]);
		put_amount(steps, step, "amount", sums->gate_fen[gate]);
	}
}

static void tell_side(
    struct steps *steps, const struct policy *policy, const struct policy_period_sums *period, enum side side)
{
	const char *name = policy_json_sides[side - 1];
	int64_t growth_fen = policy_rate_volume(policy, period, side);
	char volume[MONEY_TEXT_SIZE], baseline[MONEY_TEXT_SIZE], growth[MONEY_TEXT_SIZE];
	json_t *step;

	money_format(period->volume_fen[side], volume);
	step = step_add(steps, "volume",
	    side == SIDE_SUPPLIER ? "Eligible volume as supplier: %s yuan." : "Eligible volume as buyer: %s yuan.",
	    volume);
	put(steps, step, "side", json_string(name));
	put_amount(steps, step, "amount", period->volume_fen[side]);
	if (!policy->has_growth)
		return;
	money_format(period->baseline_fen[side], baseline);
	money_format(growth_fen, growth);
	step = step_add(steps, "growth",
	    side == SIDE_SUPPLIER
		? "Only growth is rewarded: %s less the baseline of %s, but not below zero, is %s yuan as supplier."
		: "Only growth is rewarded: %s less the baseline of %s, but not below zero, is %s yuan as buyer.",
	    volume, baseline, growth);
	put(steps, step, "side", json_string(name));
	put_amount(steps, step, "baseline", period->baseline_fen[side]);
	put_amount(steps, step, "amount", growth_fen);
}

static void tell_threshold(struct steps *steps, const struct policy *policy, const struct policy_period_result *period)
{
	char volume[MONEY_TEXT_SIZE], least[MONEY_TEXT_SIZE];
	json_t *step;

	if (!policy->has_threshold)
		return;
	money_format(period->volume_fen, volume);
	money_format(policy->threshold_fen, least);
	step = step_add(steps, "threshold",
	    period->is_below_threshold
		? "At least %" PRIu64 " trades, %" PRIu64 " contracts and %s yuan are asked for; there are %" PRIu64
		  ", %" PRIu64 " and %s (trades refunded in full do not count): not reached, so nothing is awarded."
		: "At least %" PRIu64 " trades, %" PRIu64 " contracts and %s yuan are asked for; there are %" PRIu64
		  ", %" PRIu64 " and %s (trades refunded in full do not count): reached.",
	    policy->threshold_trades, policy->threshold_contracts, least, period->trades, period->contracts, volume);
	put_count(steps, step, "trades", period->trades);
	put_count(steps, step, "contracts", period->contracts);
	put_amount(steps, step, "amount", period->volume_fen);
	put_count(steps, step, "least_trades", policy->threshold_trades);
	put_count(steps, step, "least_contracts", policy->threshold_contracts);
	put_amount(steps, step, "least_amount", policy->threshold_fen);
	put(steps, step, "is_met", json_boolean(!period->is_below_threshold));
}

/* The sentence of one part: "Of 6000000.00 yuan, 1000000.00 lie above 0.00 up to 1000000.00; at 10 % that is …" */
static void part_text(
    const struct policy_rate_use *use, const struct policy_rate_part *part, char ret_text[static STEP_TEXT_SIZE])
{
	char volume[MONEY_TEXT_SIZE], amount[MONEY_TEXT_SIZE], above[MONEY_TEXT_SIZE], up_to[MONEY_TEXT_SIZE];
	char rate[RATE_TEXT_SIZE], exact[MONEY_EXACT_TEXT_SIZE];
	char what[2 * MONEY_TEXT_SIZE];

	money_format(use->volume_fen, volume);
	if (use->side == 0)
		snprintf(what, sizeof(what), T("%s yuan"), volume);
	else if (use->side == SIDE_SUPPLIER)
		snprintf(what, sizeof(what), T("%s yuan as supplier"), volume);
	else
		snprintf(what, sizeof(what), T("%s yuan as buyer"), volume);
	money_format(part->amount_fen, amount);
	money_format(part->above_fen, above);
	if (part->is_last)
		snprintf(up_to, sizeof(up_to), "%s", T("any sum"));
	else
		money_format(part->up_to_fen, up_to);
	rate_format(part->rate_ppm, rate);
	money_exact_format(part->exact, exact);
	switch (use->rate->type) {
	case RATE_FLAT: snprintf(ret_text, STEP_TEXT_SIZE, T("%s of %s is %s."), rate, what, exact); break;
	case RATE_MARGINAL:
		snprintf(ret_text, STEP_TEXT_SIZE, T("Of %s, %s lie above %s up to %s: %s of that is %s."), what,
		    amount, above, up_to, rate, exact);
		break;
	case RATE_SLAB:
		snprintf(ret_text, STEP_TEXT_SIZE, T("The whole of %s lies above %s up to %s: %s of all of it is %s."),
		    what, above, up_to, rate, exact);
		break;
	case RATE_FIXED:
		snprintf(ret_text, STEP_TEXT_SIZE,
		    use->side == 0               ? T("The fixed sum for any volume is %s.")
		    : use->side == SIDE_SUPPLIER ? T("The fixed sum for any volume as supplier is %s.")
						 : T("The fixed sum for any volume as buyer is %s."),
		    exact);
		break;
	}
}

static void tell_rates(struct steps *steps, const struct policy *policy, const struct policy_period_sums *period)
{
	struct policy_rate_use uses[POLICY_RATE_USES_MAX];
	struct policy_rate_part parts[POLICY_TIERS_MAX];
	size_t use_count = policy_rate_uses(policy, period, uses);
	char text[STEP_TEXT_SIZE];

	for (size_t i = 0; i < use_count; i++) {
		const struct policy_rate_use *use = &uses[i];
		bool has_tiers = use->rate->type == RATE_MARGINAL || use->rate->type == RATE_SLAB;
		size_t part_count = policy_rate_parts(use, parts);

		for (size_t k = 0; k < part_count; k++) {
			json_t *step;

			part_text(use, &parts[k], text);
			step = step_add(steps, policy_json_rate_types[use->rate->type - 1], "%s", text);
			if (use->side != 0)
				put(steps, step, "side", json_string(policy_json_sides[use->side - 1]));
			put_amount(steps, step, "amount", parts[k].amount_fen);
			if (has_tiers) {
				put_amount(steps, step, "above", parts[k].above_fen);
				if (parts[k].is_last)
					put(steps, step, "up_to", json_null());
				else
					put_amount(steps, step, "up_to", parts[k].up_to_fen);
			}
			if (use->rate->type != RATE_FIXED)
				put(steps, step, "rate_ppm", json_integer(parts[k].rate_ppm));
			put_exact(steps, step, parts[k].exact);
		}
	}
}

static void tell_value(struct steps *steps, const struct policy *policy, const struct policy_period_result *period)
{
	char exact[MONEY_EXACT_TEXT_SIZE], unit[MONEY_TEXT_SIZE], rounded[MONEY_TEXT_SIZE], cap[MONEY_TEXT_SIZE];
	json_t *step;

	money_exact_format(period->exact, exact);
	step = step_add(steps, "exact", "The exact value is %s yuan.", exact);
	put_exact(steps, step, period->exact);
	money_format(policy->round_unit_fen, unit);
	money_format(period->rounded_fen, rounded);
	step = step_add(steps, "round",
	    policy->round_mode == MONEY_FLOOR
		? "Rounded once, down to whole multiples of %s yuan: %s."
		: "Rounded once, to the nearest (halves up) of whole multiples of %s yuan: %s.",
	    unit, rounded);
	put(steps, step, "unit_fen", json_integer(policy->round_unit_fen));
	put(steps, step, "mode", json_string(policy_json_round_modes[policy->round_mode - 1]));
	put_amount(steps, step, "amount", period->rounded_fen);
	money_format(policy->cap_fen, cap);
	step = step_add(steps, "cap",
	    policy->cap_scope == CAP_TERM
		? (period->is_capped ? "At most %s yuan for the whole term: reached, so that is the amount."
				     : "At most %s yuan for the whole term: not reached.")
		: (period->is_capped ? "At most %s yuan for each calendar year: reached, so that is the amount."
				     : "At most %s yuan for each calendar year: not reached."),
	    cap);
	put_amount(steps, step, "cap", policy->cap_fen);
	put(steps, step, "is_capped", json_boolean(period->is_capped));
	put_amount(steps, step, "amount", period->award_fen);
}

static void tell_period(struct steps *steps, const struct policy *policy, const struct policy_period_sums *sums,
    const struct policy_period_result *period)
{
	steps->year = period->year;
	for (unsigned side = SIDE_SUPPLIER; side <= SIDE_BUYER; side++)
		if (policy->has_side[side])
			tell_side(steps, policy, sums, (enum side)side);
	tell_threshold(steps, policy, period);
	if (policy->has_rate && !period->is_below_threshold) {
		tell_rates(steps, policy, sums);
		tell_value(steps, policy, period);
	}
	steps->year = 0;
}

static void tell_award(struct steps *steps, const struct policy *policy, const struct policy_result *result)
{
	char award[MONEY_TEXT_SIZE], cap[MONEY_TEXT_SIZE], remaining[MONEY_TEXT_SIZE];
	json_t *step;

	if (!result->has_award) {
		step = step_add(steps, "award", "%s.", policy_reason_sentence(result->reason));
		put(steps, step, "amount", json_null());
	} else {
		money_format(result->award_fen, award);
		money_format(result->cap_fen, cap);
		money_format(result->remaining_fen, remaining);
		step = result->reason == REASON_NONE
			   ? step_add(steps, "award",
				 policy->is_assumed
				     ? "The accrued award (按假设参数测算) is %s yuan, of at most %s; %s remain."
				     : "The accrued award is %s yuan, of at most %s; %s remain.",
				 award, cap, remaining)
			   : step_add(steps, "award",
				 policy->is_assumed
				     ? "The accrued award (按假设参数测算) is %s yuan, of at most %s; %s remain. %s."
				     : "The accrued award is %s yuan, of at most %s; %s remain. %s.",
				 award, cap, remaining, policy_reason_sentence(result->reason));
		put_amount(steps, step, "amount", result->award_fen);
	}
	put_amount(steps, step, "cap", result->cap_fen);
	put_amount(steps, step, "remaining", result->remaining_fen);
	put(steps, step, "reason",
	    result->reason == REASON_NONE ? json_null() : json_string(policy_reason_name(result->reason)));
}

static void tell_payment(struct steps *steps, const struct policy *policy)
{
	char pool[MONEY_TEXT_SIZE], rate[RATE_TEXT_SIZE], parts[INSTALMENTS_TEXT_SIZE] = "";
	json_t *step;

	if (policy->has_pool) {
		money_format(policy->pool_fen, pool);
		step = step_add(steps, "pool",
		    policy->pool_method == POOL_PRORATA ? "All awards together can't exceed %s yuan; if they do, it is "
							  "divided in proportion to the claims, "
							  "and this amount may shrink."
		    : policy->pool_method == POOL_FIRST_COME ? "All awards together can't exceed %s yuan; if they do, "
							       "it is divided in the order in which they "
							       "came, and this amount may shrink."
							     : "All awards together can't exceed %s yuan; if they do, "
							       "it is divided by rank, the largest first, "
							       "and this amount may shrink.",
		    pool);
		put_amount(steps, step, "amount", policy->pool_fen);
		put(steps, step, "method", json_string(policy_json_pool_methods[policy->pool_method - 1]));
	}
	if (policy->instalment_count > 0) {
		for (size_t i = 0; i < policy->instalment_count; i++) {
			size_t used = strlen(parts);

			snprintf(parts + used, sizeof(parts) - used, "%s%s", i == 0 ? "" : ", ",
			    rate_format(policy->instalment_ppm[i], rate));
		}
		step_add(steps, "instalments", "It is paid in %zu parts: %s.", policy->instalment_count, parts);
	}
	step_add(steps, "caveat",
	    policy->may_review_lower ? "An accrual is not a promise of payment: it is a maximum, which the review may "
				       "lower with a reason; the review decides."
				     : "An accrual is not a promise of payment: the review decides.");
}

json_t *policy_explain(const struct policy *policy, const struct policy_sums *sums, const struct policy_result *result)
{
	struct steps steps = {.array = json_array()};

	tell_policy(&steps, policy);
	tell_gates(&steps, sums);
	for (size_t i = 0; i < result->period_count; i++)
		tell_period(&steps, policy, &sums->periods[i], &result->periods[i]);
	tell_award(&steps, policy, result);
	tell_payment(&steps, policy);
	if (steps.has_failed) {
		json_decref(steps.array);
		return NULL;
	}
	return steps.array;
}

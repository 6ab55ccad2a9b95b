/*
 * Any bytes as a policy. What parses must format and parse back to itself, and must evaluate and explain sums at the
 * edges: the first eight bytes of the policy's name choose them, so that one input is one case.
 */
#include "proto/policy.h"

#include <stdlib.h>
#include <string.h>

#define MONTH_COUNT (12 * (DATE_YEAR_MAX - DATE_YEAR_MIN + 1))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void check_format(const struct policy *policy)
{
	json_t *json = policy_format(policy);
	struct policy back;

	require(json != NULL);
	require(policy_parse(json, &back, NULL) == OK);
	require(memcmp(policy, &back, sizeof(back)) == 0);
	json_decref(json);
}

static void check_evaluation(const struct policy *policy, int64_t amount_fen)
{
	struct policy_fact fact = {.venue = policy->venues[0],
	    .side = policy->has_side[SIDE_BUYER] ? SIDE_BUYER : SIDE_SUPPLIER,
	    .product_kind = PRODUCT_MODEL,
	    .trades = 3,
	    .contracts = 2,
	    .amount_fen = amount_fen,
	    .tax_fen = amount_fen / 17};
	struct policy_result result;
	struct policy_sums sums;
	json_t *steps;

	policy_sums_init(&sums, true);
	for (fact.settled_month = 0; fact.settled_month < MONTH_COUNT; fact.settled_month++) {
		fact.signed_month = fact.settled_month;
		if (policy_add(policy, &sums, &fact) != OK)
			return;
	}
	if (policy_evaluate(policy, &sums, &result) != OK)
		return;
	require(result.award_fen >= 0 && result.award_fen <= result.cap_fen);
	require(result.remaining_fen == result.cap_fen - result.award_fen);
	require(result.reason == REASON_NONE || result.award_fen == 0);
	steps = policy_explain(policy, &sums, &result);
	require(steps != NULL);
	json_decref(steps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy policy;
	struct why why;
	uint64_t chosen;

	if (policy_parse_text(slice_of(data, size), &policy, &why) != OK)
		return 0;
	check_format(&policy);
	memcpy(&chosen, policy.id, sizeof(chosen));
	check_evaluation(&policy, (int64_t)(chosen % (INT64_MAX / 1000)));
	check_evaluation(&policy, (int64_t)(chosen % 1000));
	return 0;
}

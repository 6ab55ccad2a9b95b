/* The explanation: every step is there, and its own numbers lead to the award again. */
#include "proto/policy.h"

#include "policy_fixture.h"

#define TIERS                                                                                                          \
	"'tiers':[{'up_to':'1000000.00','ppm':100000},{'up_to':'5000000.00','ppm':50000},{'up_to':null,'ppm':20000}]"

static json_t *explain(const struct policy *policy, bool is_list_ok, const struct policy_fact *facts, size_t fact_count)
{
	struct policy_result result;
	struct policy_sums sums;
	json_t *steps;

	policy_sums_init(&sums, is_list_ok);
	for (size_t i = 0; i < fact_count; i++)
		assert_int_equal(policy_add(policy, &sums, &facts[i]), OK);
	assert_int_equal(policy_evaluate(policy, &sums, &result), OK);
	steps = policy_explain(policy, &sums, &result);
	assert_non_null(steps);
	return steps;
}

static const char *text_of(const json_t *step, const char *key)
{
	const char *text = json_string_value(json_object_get(step, key));

	return text == NULL ? "" : text;
}

/* The n-th step of that name, or NULL. */
static const json_t *find(const json_t *steps, const char *name, size_t n)
{
	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);

		if (strcmp(text_of(step, "step"), name) == 0 && n-- == 0)
			return step;
	}
	return NULL;
}

/* Yuan with up to eight decimals as fen x 10^6, read in a way of its own. */
static money_exact exact_of(const char *text)
{
	money_exact value = 0;
	int decimals = -1;

	for (; *text != '\0'; text++) {
		if (*text == '.') {
			decimals = 0;
			continue;
		}
		assert_in_range(*text, '0', '9');
		value = value * 10 + (*text - '0');
		decimals += decimals >= 0;
	}
	for (decimals = decimals < 0 ? 0 : decimals; decimals < 8; decimals++)
		value *= 10;
	return value;
}

static void tells_the_steps_in_order(void **state)
{
	static const char *const expected[] = {"policy", "window", "side", "venue", "list", "related", "other_subsidy",
	    "product_kind", "eligible", "volume", "volume", "threshold", "marginal", "marginal", "marginal", "exact",
	    "round", "cap", "award", "pool", "instalments", "caveat"};
	struct policy policy = fixture_policy("{'rate':{'type':'marginal'," TIERS "},'threshold':{'trades':1},"
					      "'pool':{'amount':'100000000','method':'prorata'},'review':'lower',"
					      "'instalments':[300000,700000]}");
	struct policy_fact facts[2] = {fixture_fact(YUAN(6000000)), fixture_fact(YUAN(7))};
	json_t *steps;

	(void)state;
	facts[1].is_related_declared = true;
	steps = explain(&policy, true, facts, 2);
	assert_int_equal(json_array_size(steps), sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < json_array_size(steps); i++) {
		assert_string_equal(text_of(json_array_get(steps, i), "step"), expected[i]);
		assert_true(strlen(text_of(json_array_get(steps, i), "text")) > 10);
	}
	assert_string_equal(text_of(find(steps, "related", 0), "amount"), "7.00");
	assert_int_equal(json_integer_value(json_object_get(find(steps, "related", 0), "trades")), 1);
	assert_string_equal(text_of(find(steps, "eligible", 0), "amount"), "6000000.00");
	assert_string_equal(text_of(find(steps, "marginal", 0), "exact"), "100000.00");
	assert_string_equal(text_of(find(steps, "marginal", 1), "exact"), "200000.00");
	assert_string_equal(text_of(find(steps, "marginal", 2), "exact"), "20000.00");
	assert_string_equal(text_of(find(steps, "marginal", 1), "above"), "1000000.00");
	assert_string_equal(text_of(find(steps, "marginal", 1), "up_to"), "5000000.00");
	assert_true(json_is_null(json_object_get(find(steps, "marginal", 2), "up_to")));
	assert_string_equal(text_of(find(steps, "exact", 0), "exact"), "320000.00");
	assert_string_equal(text_of(find(steps, "round", 0), "amount"), "320000.00");
	assert_true(json_is_true(json_object_get(find(steps, "cap", 0), "is_capped")));
	assert_string_equal(text_of(find(steps, "award", 0), "amount"), "300000.00");
	assert_string_equal(text_of(find(steps, "award", 0), "remaining"), "0.00");
	assert_non_null(strstr(text_of(find(steps, "instalments", 0), "text"), "30 %, 70 %"));
	assert_non_null(strstr(text_of(find(steps, "caveat", 0), "text"), "not a promise"));
	assert_non_null(strstr(text_of(find(steps, "caveat", 0), "text"), "lower"));
	json_decref(steps);
}

static void says_so_where_parameters_are_assumed(void **state)
{
	struct policy policy = fixture_policy("{}");
	json_t *steps = explain(&policy, true, NULL, 0);

	(void)state;
	assert_non_null(strstr(text_of(find(steps, "policy", 0), "text"), "按假设参数测算"));
	assert_non_null(strstr(text_of(find(steps, "award", 0), "text"), "按假设参数测算"));
	assert_string_equal(text_of(find(steps, "policy", 0), "status"), "assumed");
	json_decref(steps);
	policy = fixture_policy("{'status':'published'}");
	steps = explain(&policy, true, NULL, 0);
	assert_null(strstr(text_of(find(steps, "policy", 0), "text"), "假设"));
	assert_null(strstr(text_of(find(steps, "award", 0), "text"), "假设"));
	json_decref(steps);
}

static void gives_the_reason_of_no_award(void **state)
{
	static const struct {
		const char *changes;
		bool is_list_ok;
		const char *reason;
	} rows[] = {
	    {"{}", false, "not_listed"},
	    {"{'rate':null}", true, "rate_not_set"},
	    {"{'threshold':{'trades':2}}", true, "below_threshold"},
	    {"{'venues':['elsewhere']}", true, "no_eligible_trade"},
	};
	struct policy_fact fact = fixture_fact(YUAN(100));

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy policy = fixture_policy(rows[i].changes);
		json_t *steps = explain(&policy, rows[i].is_list_ok, &fact, 1);
		const json_t *award = find(steps, "award", 0);

		assert_string_equal(text_of(award, "reason"), rows[i].reason);
		assert_true(json_is_null(json_object_get(award, "amount")) == !policy.has_rate);
		json_decref(steps);
	}
	{
		struct policy policy = fixture_policy("{}");
		json_t *steps = explain(&policy, true, &fact, 1);

		assert_true(json_is_null(json_object_get(find(steps, "award", 0), "reason")));
		json_decref(steps);
	}
}

static void shows_the_threshold_that_was_missed(void **state)
{
	struct policy policy = fixture_policy("{'threshold':{'trades':2,'contracts':3,'amount':'100.50'}}");
	struct policy_fact fact = fixture_fact(YUAN(100));
	json_t *steps = explain(&policy, true, &fact, 1);
	const json_t *step = find(steps, "threshold", 0);

	(void)state;
	assert_true(json_is_false(json_object_get(step, "is_met")));
	assert_int_equal(json_integer_value(json_object_get(step, "trades")), 1);
	assert_int_equal(json_integer_value(json_object_get(step, "least_trades")), 2);
	assert_int_equal(json_integer_value(json_object_get(step, "least_contracts")), 3);
	assert_string_equal(text_of(step, "amount"), "100.00");
	assert_string_equal(text_of(step, "least_amount"), "100.50");
	assert_null(find(steps, "exact", 0));
	json_decref(steps);
}

static void names_year_and_side_where_there_are_several(void **state)
{
	struct policy policy =
	    fixture_policy("{'cap':{'amount':'300000.00','scope':'year'},'rate':{'by_side':"
			   "{'supplier':{'type':'flat','ppm':32500},'buyer':{'type':'fixed','amount':'8'}}}}");
	struct policy_fact facts[2] = {fixture_fact(YUAN(100)), fixture_fact(YUAN(100))};
	json_t *steps;

	(void)state;
	facts[1].side = SIDE_BUYER;
	facts[1].settled_month = month_of_date(20260101);
	steps = explain(&policy, true, facts, 2);
	assert_int_equal(json_integer_value(json_object_get(find(steps, "flat", 0), "year")), 2025);
	assert_string_equal(text_of(find(steps, "flat", 0), "side"), "supplier");
	assert_non_null(strstr(text_of(find(steps, "flat", 0), "text"), "3.25 % of 100.00"));
	assert_int_equal(json_integer_value(json_object_get(find(steps, "fixed", 0), "year")), 2026);
	assert_string_equal(text_of(find(steps, "fixed", 0), "side"), "buyer");
	assert_int_equal(json_integer_value(json_object_get(find(steps, "cap", 1), "year")), 2026);
	assert_null(json_object_get(find(steps, "award", 0), "year"));
	assert_null(find(steps, "flat", 1));
	json_decref(steps);
}

static void shows_growth_above_the_baseline(void **state)
{
	struct policy policy = fixture_policy("{'growth':{'from':'2024-01-01','to':'2024-12-31'}}");
	struct policy_fact facts[2] = {fixture_fact(YUAN(100)), fixture_fact(YUAN(30))};
	json_t *steps;

	(void)state;
	facts[1].settled_month = month_of_date(20240501);
	steps = explain(&policy, true, facts, 2);
	assert_string_equal(text_of(find(steps, "growth", 0), "baseline"), "30.00");
	assert_string_equal(text_of(find(steps, "growth", 0), "amount"), "70.00");
	assert_string_equal(text_of(find(steps, "flat", 0), "amount"), "70.00");
	json_decref(steps);
}

/* A clerk's recomputation from nothing but the steps: parts = amount x rate, their sum rounds and caps to the award. */
static void can_be_recomputed_from_its_own_numbers(void **state)
{
	static const char *const changes[] = {"{'rate':{'type':'marginal'," TIERS "}}",
	    "{'rate':{'type':'slab'," TIERS "}}",
	    "{'rate':{'by_side':{'supplier':{'type':'slab'," TIERS "},'buyer':{'type':'flat','ppm':33333}}}}",
	    "{'rate':{'type':'flat','ppm':35000},'round':{'unit_fen':7,'mode':'floor'}}"};
	uint64_t seed = 11;

	(void)state;
	for (size_t round = 0; round < 200; round++) {
		struct policy policy = fixture_policy(changes[round % 4]);
		struct policy_fact facts[2] = {
		    fixture_fact(fixture_random(&seed, 400000000)), fixture_fact(fixture_random(&seed, 400000000))};
		money_exact sum = 0, rounded;
		json_t *steps;

		facts[1].side = SIDE_BUYER;
		steps = explain(&policy, true, facts, 2);
		for (size_t i = 0; i < json_array_size(steps); i++) {
			const json_t *step = json_array_get(steps, i), *rate = json_object_get(step, "rate_ppm");

			if (rate == NULL)
				continue;
			assert_true(exact_of(text_of(step, "amount")) / MONEY_EXACT_UNIT * json_integer_value(rate) ==
				    exact_of(text_of(step, "exact")));
			sum += exact_of(text_of(step, "exact"));
		}
		assert_true(sum == exact_of(text_of(find(steps, "exact", 0), "exact")));
		rounded = sum / MONEY_EXACT_UNIT / policy.round_unit_fen * policy.round_unit_fen;
		assert_true(rounded * MONEY_EXACT_UNIT == exact_of(text_of(find(steps, "round", 0), "amount")));
		if (rounded > policy.cap_fen)
			rounded = policy.cap_fen;
		assert_true(rounded * MONEY_EXACT_UNIT == exact_of(text_of(find(steps, "cap", 0), "amount")));
		assert_true(rounded * MONEY_EXACT_UNIT == exact_of(text_of(find(steps, "award", 0), "amount")));
		json_decref(steps);
	}
}

static void holds_the_longest_texts_and_sums(void **state)
{
	struct policy policy =
	    fixture_policy("{'cap':{'amount':'92233720368547758.07'},"
			   "'instalments':[83334,83334,83334,83334,83333,83333,83333,83333,83333,83333,83333,83333]}");
	struct policy_fact fact = fixture_fact(INT64_MAX);
	json_t *steps;

	(void)state;
	memset(policy.id, 'x', POLICY_ID_SIZE_MAX);
	memset(policy.title, 'x', POLICY_TEXT_SIZE_MAX);
	memset(policy.basis, 'x', POLICY_TEXT_SIZE_MAX);
	fact.trades = fact.contracts = INT64_MAX;
	policy.has_threshold = true;
	policy.threshold_trades = policy.threshold_contracts = INT64_MAX;
	steps = explain(&policy, true, &fact, 1);
	assert_string_equal(text_of(find(steps, "volume", 0), "amount"), "92233720368547758.07");
	assert_non_null(strstr(text_of(find(steps, "instalments", 0), "text"), "8.3333 %."));
	json_decref(steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_the_steps_in_order),
	    cmocka_unit_test(says_so_where_parameters_are_assumed),
	    cmocka_unit_test(gives_the_reason_of_no_award),
	    cmocka_unit_test(shows_the_threshold_that_was_missed),
	    cmocka_unit_test(names_year_and_side_where_there_are_several),
	    cmocka_unit_test(shows_growth_above_the_baseline),
	    cmocka_unit_test(can_be_recomputed_from_its_own_numbers),
	    cmocka_unit_test(holds_the_longest_texts_and_sums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

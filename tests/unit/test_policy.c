/* Gates, sums and awards: every rule of the order of evaluation, and every vector, fen for fen. */
#include "proto/policy.h"

#include "policy_fixture.h"

#define TIERS                                                                                                          \
	"'tiers':[{'up_to':'1000000.00','ppm':100000},{'up_to':'5000000.00','ppm':50000},{'up_to':null,'ppm':20000}]"
#define YEARLY "'cap':{'amount':'300000.00','scope':'year'}"

static const struct vector {
	const char *name, *changes;
	int64_t amount_fen[2]; /* the second one is settled in 2026 */
	int64_t refunded_fen;  /* of the first */
	int64_t award_fen;
	bool is_capped;
} vectors[] = {
    {"two trades", "{}", {YUAN(1000000), YUAN(2500000)}, 0, YUAN(175000), false},
    {"capped", "{}", {YUAN(7000000), 0}, 0, YUAN(300000), true},
    {"small refund after the cap", "{}", {YUAN(7000000), 0}, YUAN(500000), YUAN(300000), true},
    {"large refund after the cap", "{}", {YUAN(7000000), 0}, YUAN(2000000), YUAN(250000), false},
    {"two years, term cap", "{}", {YUAN(7000000), YUAN(7000000)}, 0, YUAN(300000), true},
    {"two years, yearly cap", "{" YEARLY "}", {YUAN(7000000), YUAN(7000000)}, 0, YUAN(600000), true},
    {"one year of two, yearly cap", "{" YEARLY "}", {YUAN(7000000), YUAN(1000000)}, 0, YUAN(350000), false},
    {"marginal", "{'rate':{'type':'marginal'," TIERS "}}", {YUAN(6000000), 0}, 0, YUAN(300000), true},
    {"marginal, high cap", "{'cap':{'amount':'400000'},'rate':{'type':'marginal'," TIERS "}}", {YUAN(6000000), 0}, 0,
	YUAN(320000), false},
    {"slab", "{'rate':{'type':'slab'," TIERS "}}", {YUAN(6000000), 0}, 0, YUAN(120000), false},
    {"slab, a refund raises it", "{'rate':{'type':'slab'," TIERS "}}", {YUAN(6000000), 0}, YUAN(1000000), YUAN(250000),
	false},
    {"slab afresh each year", "{" YEARLY ",'rate':{'type':'slab'," TIERS "}}", {YUAN(1000000), YUAN(5500000)}, 0,
	YUAN(210000), false},
    {"floor to yuan", "{'rate':{'type':'flat','ppm':35000}}", {12345678, 0}, 0, YUAN(4320), false},
    {"half up to fen", "{'rate':{'type':'flat','ppm':35000},'round':{'unit_fen':1,'mode':'half_up'}}", {12345678, 0}, 0,
	432099, false},
    {"rounded once per term", "{'rate':{'type':'flat','ppm':500000}}", {101, 101}, 0, 100, false},
    {"rounded once per year", "{" YEARLY ",'rate':{'type':'flat','ppm':500000}}", {101, 101}, 0, 0, false},
    {"cap - 1", "{'round':{'unit_fen':1,'mode':'floor'}}", {YUAN(6000000) - 20, 0}, 0, YUAN(300000) - 1, false},
    {"cap", "{'round':{'unit_fen':1,'mode':'floor'}}", {YUAN(6000000), 0}, 0, YUAN(300000), true},
    {"cap + 1", "{'round':{'unit_fen':1,'mode':'floor'}}", {YUAN(6000000) + 20, 0}, 0, YUAN(300000), true},
    {"rounded before capped", "{'cap':{'amount':'1.50'},'round':{'unit_fen':100,'mode':'half_up'}}", {YUAN(30), 0}, 0,
	150, true},
    {"one side's rate alone is zero", "{'rate':{'type':'marginal','tiers':[{'up_to':null,'ppm':0}]}}", {YUAN(1), 0}, 0,
	0, false},
};

static void gives_each_vector_fen_for_fen(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *vector = &vectors[i];
		struct policy policy = fixture_policy(vector->changes);
		struct policy_fact facts[2] = {
		    fixture_fact(vector->amount_fen[0]), fixture_fact(vector->amount_fen[1])};
		struct policy_result result;

		facts[0].refunded_fen = vector->refunded_fen;
		facts[1].settled_month = month_of_date(20260301);
		result = fixture_evaluate(&policy, facts, vector->amount_fen[1] == 0 ? 1 : 2);
		if (result.award_fen != vector->award_fen || result.is_capped != vector->is_capped ||
		    !result.has_award || result.remaining_fen != result.cap_fen - result.award_fen ||
		    (result.period_count == 1 && result.periods[0].is_capped != vector->is_capped))
			fail_msg(
			    "%s: award %lld, capped %d", vector->name, (long long)result.award_fen, result.is_capped);
	}
}

static void recomputes_a_clawback_from_net_totals(void **state)
{
	static const struct {
		int64_t refunded_fen, clawback_fen;
	} rows[] = {{YUAN(500000), 0}, {YUAN(2000000), YUAN(50000)}};
	struct policy policy = fixture_policy("{}");
	struct policy_fact fact = fixture_fact(YUAN(7000000));
	int64_t paid_fen = fixture_evaluate(&policy, &fact, 1).award_fen;

	(void)state;
	assert_int_equal(paid_fen, YUAN(300000));
	for (size_t i = 0; i < 2; i++) {
		fact.refunded_fen = rows[i].refunded_fen;
		assert_int_equal(paid_fen - fixture_evaluate(&policy, &fact, 1).award_fen, rows[i].clawback_fen);
	}
}

static void places_a_trade_by_its_month(void **state)
{
	static const struct {
		uint32_t date;
		enum policy_gate gate;
	} rows[] = {
	    {20241231, GATE_WINDOW}, {20250101, GATE_ELIGIBLE}, {20261231, GATE_ELIGIBLE}, {20270101, GATE_WINDOW}};
	struct policy by_settled = fixture_policy("{}"), by_signed = fixture_policy("{'date_basis':'signed'}");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_fact fact = fixture_fact(100);

		fact.settled_month = month_of_date(rows[i].date);
		assert_int_equal(policy_gate(&by_settled, true, &fact), rows[i].gate);
		assert_int_equal(policy_gate(&by_signed, true, &fact), GATE_ELIGIBLE);
		fact.signed_month = fact.settled_month;
		fact.settled_month = month_of_date(20250601);
		assert_int_equal(policy_gate(&by_settled, true, &fact), GATE_ELIGIBLE);
		assert_int_equal(policy_gate(&by_signed, true, &fact), rows[i].gate);
	}
}

static void names_the_first_gate_in_order(void **state)
{
	struct policy policy = fixture_policy("{'sides':['buyer'],'exclude_product_kinds':['compute']}");
	struct policy_fact fact = fixture_fact(100);
	bool is_list_ok = false;

	(void)state;
	fact.settled_month = month_of_date(20270101);
	fact.venue = "elsewhere";
	fact.is_related_listed = true;
	fact.has_other_subsidy = true;
	fact.product_kind = PRODUCT_COMPUTE;
	assert_int_equal(policy_gate(&policy, is_list_ok, &fact), GATE_WINDOW);
	fact.settled_month = month_of_date(20261231);
	assert_int_equal(policy_gate(&policy, is_list_ok, &fact), GATE_SIDE);
	fact.side = SIDE_BUYER;
	assert_int_equal(policy_gate(&policy, is_list_ok, &fact), GATE_VENUE);
	fact.venue = "sddex";
	assert_int_equal(policy_gate(&policy, is_list_ok, &fact), GATE_LIST);
	is_list_ok = true;
	assert_int_equal(policy_gate(&policy, is_list_ok, &fact), GATE_RELATED);
	fact.is_related_listed = false;
	fact.is_related_declared = true;
	assert_int_equal(policy_gate(&policy, is_list_ok, &fact), GATE_RELATED);
	fact.is_related_declared = false;
	assert_int_equal(policy_gate(&policy, is_list_ok, &fact), GATE_OTHER_SUBSIDY);
	fact.has_other_subsidy = false;
	assert_int_equal(policy_gate(&policy, is_list_ok, &fact), GATE_PRODUCT_KIND);
	fact.product_kind = PRODUCT_API;
	assert_int_equal(policy_gate(&policy, is_list_ok, &fact), GATE_ELIGIBLE);
}

static void lets_pass_what_the_policy_allows(void **state)
{
	static const char *const open[] = {
	    "{'related':'flag','other_subsidy':'allow'}", "{'related':'allow','other_subsidy':'allow'}"};
	struct policy_fact fact = fixture_fact(100);

	(void)state;
	fact.is_related_declared = fact.is_related_listed = fact.has_other_subsidy = true;
	for (size_t i = 0; i < 2; i++) {
		struct policy policy = fixture_policy(open[i]);

		assert_int_equal(policy_gate(&policy, true, &fact), GATE_ELIGIBLE);
	}
}

static void asks_for_the_lists_of_the_policy(void **state)
{
	static const char *const lists[] = {"other", "default", "bad"};
	static const struct {
		const char *changes;
		size_t first, count;
		bool is_ok;
	} rows[] = {
	    {"{}", 0, 0, false},
	    {"{}", 0, 1, false},
	    {"{}", 0, 2, true},
	    {"{'list':'other'}", 0, 1, true},
	    {"{'list':'other'}", 1, 2, false},
	    {"{'exclude_list':'bad'}", 0, 2, true},
	    {"{'exclude_list':'bad'}", 0, 3, false},
	    {"{'enterprises':'all'}", 0, 0, true},
	    {"{'enterprises':'all','exclude_list':'bad'}", 0, 0, true},
	    {"{'enterprises':'all','exclude_list':'bad'}", 2, 1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy policy = fixture_policy(rows[i].changes);

		if (policy_lists_ok(&policy, lists + rows[i].first, rows[i].count) != rows[i].is_ok)
			fail_msg("row %zu: %s", i, rows[i].changes);
	}
}

static void takes_tax_off_a_net_base_only(void **state)
{
	struct policy gross = fixture_policy("{'base':'gross'}"), net = fixture_policy("{}");
	struct policy_fact fact = fixture_fact(10600);

	(void)state;
	fact.tax_fen = 600;
	assert_int_equal(policy_base(&gross, &fact), 10600);
	assert_int_equal(policy_base(&net, &fact), 10000);
	fact.refunded_fen = 5300;
	assert_int_equal(policy_base(&gross, &fact), 5300);
	assert_int_equal(policy_base(&net, &fact), 4700);
	fact.refunded_tax_fen = 300;
	assert_int_equal(policy_base(&net, &fact), 5000);
	fact.refunded_fen = 10600;
	fact.refunded_tax_fen = 600;
	assert_int_equal(policy_base(&gross, &fact), 0);
	assert_int_equal(policy_base(&net, &fact), 0);
}

static void keeps_what_each_gate_turned_away(void **state)
{
	struct policy policy = fixture_policy("{}");
	struct policy_fact fact = fixture_fact(10600);
	struct policy_sums sums;

	(void)state;
	policy_sums_init(&sums, true);
	fact.tax_fen = 600;
	fact.trades = 4;
	assert_int_equal(policy_add(&policy, &sums, &fact), OK);
	fact.is_related_listed = true;
	assert_int_equal(policy_add(&policy, &sums, &fact), OK);
	assert_int_equal(policy_add(&policy, &sums, &fact), OK);
	assert_int_equal(sums.gate_trades[GATE_ELIGIBLE], 4);
	assert_int_equal(sums.gate_fen[GATE_ELIGIBLE], 10000);
	assert_int_equal(sums.gate_trades[GATE_RELATED], 8);
	assert_int_equal(sums.gate_fen[GATE_RELATED], 20000);
	assert_int_equal(sums.periods[0].volume_fen[SIDE_SUPPLIER], 10000);
	assert_int_equal(sums.periods[0].volume_fen[SIDE_BUYER], 0);
	assert_int_equal(sums.periods[0].trades, 4);
}

static void includes_the_threshold_itself(void **state)
{
	static const struct {
		int64_t amount_fen;
		uint64_t trades, contracts;
		bool is_below;
	} rows[] = {
	    {YUAN(100000) - 1, 3, 2, true},
	    {YUAN(100000), 3, 2, false},
	    {YUAN(100000) + 1, 3, 2, false},
	    {YUAN(100000), 2, 2, true},
	    {YUAN(100000), 4, 2, false},
	    {YUAN(100000), 3, 1, true},
	    {YUAN(100000), 3, 3, false},
	};
	struct policy policy = fixture_policy("{'threshold':{'trades':3,'contracts':2,'amount':'100000.00'}}");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_fact fact = fixture_fact(rows[i].amount_fen);
		struct policy_result result;

		fact.trades = rows[i].trades;
		fact.contracts = rows[i].contracts;
		result = fixture_evaluate(&policy, &fact, 1);
		if (result.periods[0].is_below_threshold != rows[i].is_below ||
		    result.award_fen != (rows[i].is_below ? 0 : YUAN(5000)) ||
		    result.reason != (rows[i].is_below ? REASON_BELOW_THRESHOLD : REASON_NONE))
			fail_msg("row %zu: award %lld", i, (long long)result.award_fen);
	}
}

static void counts_no_trade_without_a_base_for_thresholds(void **state)
{
	static const char *const changes[] = {
	    "{'base':'gross','threshold':{'trades':3,'contracts':2}}", "{'threshold':{'trades':3,'contracts':2}}"};
	struct policy_fact fact = fixture_fact(YUAN(1000));

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct policy policy = fixture_policy(changes[i]);
		struct policy_result result;

		fact.trades = 4;
		fact.contracts = 3;
		/* The other base's zeros must not matter. */
		fact.gross_zero_trades = i == 0 ? 1 : 2;
		fact.net_zero_trades = i == 1 ? 1 : 2;
		fact.gross_zero_contracts = i == 0 ? 1 : 2;
		fact.net_zero_contracts = i == 1 ? 1 : 2;
		result = fixture_evaluate(&policy, &fact, 1);
		assert_int_equal(result.periods[0].trades, 3);
		assert_int_equal(result.periods[0].contracts, 2);
		assert_int_equal(result.award_fen, YUAN(50));
	}
}

static void asks_the_threshold_of_each_year(void **state)
{
	struct policy yearly = fixture_policy("{" YEARLY ",'threshold':{'amount':'1000.00'}}");
	struct policy term = fixture_policy("{'threshold':{'amount':'1000.00'}}");
	struct policy_fact facts[2] = {fixture_fact(YUAN(999)), fixture_fact(YUAN(2000))};
	struct policy_result result;

	(void)state;
	facts[1].settled_month = month_of_date(20260101);
	assert_int_equal(fixture_evaluate(&term, facts, 2).award_fen, YUAN(149));
	result = fixture_evaluate(&yearly, facts, 2);
	assert_int_equal(result.period_count, 2);
	assert_int_equal(result.periods[0].year, 2025);
	assert_int_equal(result.periods[1].year, 2026);
	assert_true(result.periods[0].is_below_threshold);
	assert_false(result.periods[1].is_below_threshold);
	assert_int_equal(result.award_fen, YUAN(100));
	assert_int_equal(result.volume_fen, YUAN(2999));
	assert_int_equal(result.cap_fen, YUAN(600000));
	assert_int_equal(result.reason, REASON_NONE);
}

static void adds_the_sides_exactly_under_one_cap(void **state)
{
	struct policy one = fixture_policy("{'rate':{'type':'marginal'," TIERS "},'cap':{'amount':'9000000.00'}}");
	struct policy two = fixture_policy(
	    "{'round':{'unit_fen':1,'mode':'floor'},'rate':{'by_side':{'supplier':{'type':'flat','ppm':150000},"
	    "'buyer':{'type':'flat','ppm':800000}}}}");
	struct policy_fact facts[2] = {fixture_fact(YUAN(1000000)), fixture_fact(YUAN(1000000))};
	struct policy_result result;

	(void)state;
	facts[1].side = SIDE_BUYER;
	/* One rate: the sides fill the tiers together. */
	assert_int_equal(fixture_evaluate(&one, facts, 2).award_fen, YUAN(150000));
	result = fixture_evaluate(&two, facts, 2);
	assert_int_equal(result.periods[0].rounded_fen, YUAN(950000));
	assert_int_equal(result.award_fen, YUAN(300000));
	assert_int_equal(result.supplier_fen, YUAN(1000000));
	assert_int_equal(result.buyer_fen, YUAN(1000000));
	/* 0.15 x 3 + 0.8 x 2 = 2.05 fen; rounded side by side it would be 1. */
	facts[0].amount_fen = 3;
	facts[1].amount_fen = 2;
	result = fixture_evaluate(&two, facts, 2);
	assert_true(result.periods[0].exact == 2050000);
	assert_int_equal(result.award_fen, 2);
}

static void rewards_growth_above_the_baseline_of_each_side(void **state)
{
	struct policy policy =
	    fixture_policy("{'growth':{'from':'2024-01-01','to':'2024-12-31'},'threshold':{'amount':'1500.00'}}");
	struct policy_fact facts[5] = {fixture_fact(YUAN(1000)), fixture_fact(YUAN(400)), fixture_fact(YUAN(500)),
	    fixture_fact(YUAN(900)), fixture_fact(YUAN(100))};
	struct policy_result result;

	(void)state;
	facts[1].settled_month = month_of_date(20240101);
	facts[2].side = facts[3].side = SIDE_BUYER;
	facts[3].settled_month = month_of_date(20241201);
	/* What lies before the baseline belongs to nothing. */
	facts[4].settled_month = month_of_date(20231201);
	result = fixture_evaluate(&policy, facts, 5);
	assert_int_equal(result.volume_fen, YUAN(1500));
	assert_int_equal(result.award_fen, YUAN(30));
	facts[1].is_related_declared = true;
	assert_int_equal(fixture_evaluate(&policy, facts, 5).award_fen, YUAN(50));
	facts[1] = fixture_fact(YUAN(1000));
	facts[1].settled_month = month_of_date(20240601);
	result = fixture_evaluate(&policy, facts, 5);
	assert_int_equal(result.award_fen, 0);
	assert_int_equal(result.reason, REASON_NONE);
}

static void pays_a_fixed_sum_once_there_is_volume(void **state)
{
	struct policy policy =
	    fixture_policy("{'rate':{'type':'fixed','amount':'100000.00'},'threshold':{'trades':1,'amount':'5.00'}}");
	struct policy_fact facts[2] = {fixture_fact(499), fixture_fact(1)};

	(void)state;
	assert_int_equal(fixture_evaluate(&policy, facts, 1).award_fen, 0);
	assert_int_equal(fixture_evaluate(&policy, facts, 2).award_fen, YUAN(100000));
	policy.has_threshold = false;
	assert_int_equal(fixture_evaluate(&policy, facts, 0).award_fen, 0);
	assert_int_equal(fixture_evaluate(&policy, facts, 1).award_fen, YUAN(100000));
}

static void says_why_there_is_no_award(void **state)
{
	static const struct {
		const char *changes;
		bool is_list_ok;
		int64_t amount_fen;
		enum policy_reason reason;
	} rows[] = {
	    {"{}", true, YUAN(1000), REASON_NONE},
	    {"{}", false, YUAN(1000), REASON_NOT_LISTED},
	    {"{'rate':null}", false, YUAN(1000), REASON_NOT_LISTED},
	    {"{'rate':null}", true, YUAN(1000), REASON_RATE_NOT_SET},
	    {"{'threshold':{'trades':2}}", true, YUAN(1000), REASON_BELOW_THRESHOLD},
	    {"{'threshold':{'trades':2}}", true, 0, REASON_NO_ELIGIBLE_TRADE},
	    {"{'exclude_product_kinds':['dataset']}", true, YUAN(1000), REASON_NO_ELIGIBLE_TRADE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy policy = fixture_policy(rows[i].changes);
		struct policy_fact fact = fixture_fact(rows[i].amount_fen);
		struct policy_result result;
		struct policy_sums sums;

		policy_sums_init(&sums, rows[i].is_list_ok);
		if (rows[i].amount_fen > 0)
			assert_int_equal(policy_add(&policy, &sums, &fact), OK);
		assert_int_equal(policy_evaluate(&policy, &sums, &result), OK);
		if (result.reason != rows[i].reason || result.has_award != policy.has_rate ||
		    (result.award_fen > 0) != (result.reason == REASON_NONE))
			fail_msg("row %zu: %s", i, policy_reason_name(result.reason));
	}
	assert_string_equal(policy_reason_name(REASON_NOT_LISTED), "not_listed");
	assert_string_equal(policy_reason_name(REASON_RATE_NOT_SET), "rate_not_set");
	assert_string_equal(policy_reason_name(REASON_BELOW_THRESHOLD), "below_threshold");
	assert_string_equal(policy_reason_name(REASON_NO_ELIGIBLE_TRADE), "no_eligible_trade");
}

static void shows_volumes_without_a_rate(void **state)
{
	struct policy policy = fixture_policy("{'rate':null}");
	struct policy_fact fact = fixture_fact(YUAN(7000000));
	struct policy_result result = fixture_evaluate(&policy, &fact, 1);

	(void)state;
	assert_false(result.has_award);
	assert_int_equal(result.volume_fen, YUAN(7000000));
	assert_int_equal(result.award_fen, 0);
	assert_int_equal(result.remaining_fen, YUAN(300000));
	assert_false(result.is_capped);
}

static void refuses_sums_beyond_64_bits(void **state)
{
	struct policy policy = fixture_policy("{'rate':{'type':'flat','ppm':1}}");
	struct policy_fact fact = fixture_fact(INT64_MAX), one = fixture_fact(1);
	struct policy_result result = {.award_fen = 77};
	struct policy_sums sums;

	(void)state;
	assert_int_equal(fixture_evaluate(&policy, &fact, 1).award_fen, YUAN(300000));
	policy_sums_init(&sums, true);
	assert_int_equal(policy_add(&policy, &sums, &fact), OK);
	assert_int_equal(policy_add(&policy, &sums, &one), ERR_OVERFLOW);
	/* The same through the other side, and through what a gate turned away. */
	policy_sums_init(&sums, true);
	fact.side = SIDE_BUYER;
	assert_int_equal(policy_add(&policy, &sums, &fact), OK);
	assert_int_equal(policy_add(&policy, &sums, &one), ERR_OVERFLOW);
	policy_sums_init(&sums, false);
	assert_int_equal(policy_add(&policy, &sums, &fact), OK);
	assert_int_equal(policy_add(&policy, &sums, &one), ERR_OVERFLOW);
	/* Counts. */
	policy_sums_init(&sums, true);
	one.trades = INT64_MAX;
	assert_int_equal(policy_add(&policy, &sums, &one), OK);
	one.trades = 1;
	assert_int_equal(policy_add(&policy, &sums, &one), ERR_OVERFLOW);
	policy_sums_init(&sums, true);
	one.trades = UINT64_MAX;
	assert_int_equal(policy_add(&policy, &sums, &one), ERR_OVERFLOW);
	/* The exact value of a rate above 100 %. */
	policy.rate.rate_ppm = RATE_PPM_MAX;
	policy_sums_init(&sums, true);
	sums.periods[0].volume_fen[SIDE_SUPPLIER] = INT64_MAX / 5;
	assert_int_equal(policy_evaluate(&policy, &sums, &result), ERR_OVERFLOW);
	sums.periods[0].volume_fen[SIDE_SUPPLIER] = INT64_MAX;
	sums.periods[0].volume_fen[SIDE_BUYER] = 1;
	policy.rate.rate_ppm = 1;
	assert_int_equal(policy_evaluate(&policy, &sums, &result), ERR_OVERFLOW);
	assert_int_equal(result.award_fen, 77);
	sums.periods[0].volume_fen[SIDE_BUYER] = 0;
	assert_int_equal(policy_evaluate(&policy, &sums, &result), OK);
	/* Volumes that fit in each year, but not together. */
	policy = fixture_policy("{" YEARLY ",'rate':{'type':'flat','ppm':1}}");
	sums.periods[1].volume_fen[SIDE_BUYER] = 1;
	assert_int_equal(policy_evaluate(&policy, &sums, &result), ERR_OVERFLOW);
	policy.cap_fen = INT64_MAX / 2 + 1;
	sums.periods[1].volume_fen[SIDE_BUYER] = 0;
	assert_int_equal(policy_evaluate(&policy, &sums, &result), ERR_OVERFLOW);
}

static void has_a_period_for_each_year_it_touches(void **state)
{
	struct policy policy = fixture_policy("{'window':{'from':'2025-07-01','to':'2027-06-30'}," YEARLY "}");

	(void)state;
	assert_int_equal(policy_period_count(&policy), 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(policy_period_year(&policy, i), 2025 + i);
	policy.cap_scope = CAP_TERM;
	assert_int_equal(policy_period_count(&policy), 1);
	assert_int_equal(policy_period_year(&policy, 0), 0);
}

/* How trades are grouped into facts, and in which order they come, must not matter. */
static void gives_one_award_however_trades_are_grouped(void **state)
{
	static const char *const changes[] = {"{'rate':{'type':'marginal'," TIERS "}}", "{" YEARLY "}",
	    "{'rate':{'type':'slab'," TIERS "},'threshold':{'trades':10}}", "{'base':'gross'}"};
	uint64_t seed = 20250601;

	(void)state;
	for (size_t round = 0; round < 400; round++) {
		struct policy policy = fixture_policy(changes[round % 4]);
		struct policy_fact facts[24], cells[4];
		struct policy_result apart, together;

		for (size_t i = 0; i < 4; i++) {
			cells[i] = fixture_fact(0);
			cells[i].trades = cells[i].contracts = 0;
			cells[i].side = i % 2 == 0 ? SIDE_SUPPLIER : SIDE_BUYER;
			cells[i].settled_month = month_of_date(i < 2 ? 20250601 : 20260601);
		}
		for (size_t i = 0; i < 24; i++) {
			struct policy_fact *cell = &cells[fixture_random(&seed, 4)];

			facts[i] = *cell;
			facts[i].trades = facts[i].contracts = 1;
			facts[i].amount_fen = 2 + fixture_random(&seed, 50000000);
			facts[i].tax_fen = facts[i].amount_fen / 17;
			facts[i].refunded_fen = fixture_random(&seed, 2) * (facts[i].amount_fen / 2);
			facts[i].refunded_tax_fen = facts[i].refunded_fen == 0 ? 0 : facts[i].tax_fen / 2;
			cell->trades++;
			cell->contracts++;
			cell->amount_fen += facts[i].amount_fen;
			cell->tax_fen += facts[i].tax_fen;
			cell->refunded_fen += facts[i].refunded_fen;
			cell->refunded_tax_fen += facts[i].refunded_tax_fen;
			/* A fact starts from its cell's key, not from its sums. */
			facts[i].gross_zero_trades = facts[i].net_zero_trades = 0;
		}
		apart = fixture_evaluate(&policy, facts, 24);
		together = fixture_evaluate(&policy, cells, 4);
		assert_memory_equal(&apart, &together, sizeof(apart));
	}
}

static void names_each_gate_and_reason(void **state)
{
	static const char *const names[GATE_COUNT] = {
	    "eligible", "window", "side", "venue", "list", "related", "other_subsidy", "product_kind"};

	(void)state;
	for (unsigned gate = 0; gate < GATE_COUNT; gate++) {
		assert_string_equal(policy_gate_name((enum policy_gate)gate), names[gate]);
		assert_true(strlen(policy_gate_sentence((enum policy_gate)gate)) > 10);
	}
	for (unsigned reason = 0; reason <= REASON_NO_ELIGIBLE_TRADE; reason++)
		assert_true(strlen(policy_reason_sentence((enum policy_reason)reason)) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_each_vector_fen_for_fen),
	    cmocka_unit_test(recomputes_a_clawback_from_net_totals),
	    cmocka_unit_test(places_a_trade_by_its_month),
	    cmocka_unit_test(names_the_first_gate_in_order),
	    cmocka_unit_test(lets_pass_what_the_policy_allows),
	    cmocka_unit_test(asks_for_the_lists_of_the_policy),
	    cmocka_unit_test(takes_tax_off_a_net_base_only),
	    cmocka_unit_test(keeps_what_each_gate_turned_away),
	    cmocka_unit_test(includes_the_threshold_itself),
	    cmocka_unit_test(counts_no_trade_without_a_base_for_thresholds),
	    cmocka_unit_test(asks_the_threshold_of_each_year),
	    cmocka_unit_test(adds_the_sides_exactly_under_one_cap),
	    cmocka_unit_test(rewards_growth_above_the_baseline_of_each_side),
	    cmocka_unit_test(pays_a_fixed_sum_once_there_is_volume),
	    cmocka_unit_test(says_why_there_is_no_award),
	    cmocka_unit_test(shows_volumes_without_a_rate),
	    cmocka_unit_test(refuses_sums_beyond_64_bits),
	    cmocka_unit_test(has_a_period_for_each_year_it_touches),
	    cmocka_unit_test(gives_one_award_however_trades_are_grouped),
	    cmocka_unit_test(names_each_gate_and_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

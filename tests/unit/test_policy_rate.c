/* Rates part by part: bounds are inclusive, parts sum to what a slow count of every single fen gives. */
#include "proto/policy_rate.h"

#include "policy_fixture.h"

static struct policy_rate tiers_of(
    enum policy_rate_type type, const int64_t *up_to_fen, const uint32_t *ppm, size_t count)
{
	struct policy_rate rate = {.type = type, .tier_count = count};

	for (size_t i = 0; i < count; i++)
		rate.tiers[i] = (struct policy_tier){
		    .is_last = i + 1 == count, .up_to_fen = i + 1 == count ? 0 : up_to_fen[i], .rate_ppm = ppm[i]};
	return rate;
}

static money_exact exact_of(const struct policy_rate *rate, int64_t volume_fen)
{
	struct policy_rate_use use = {rate, 0, volume_fen};
	struct policy_rate_part parts[POLICY_TIERS_MAX];
	size_t count = policy_rate_parts(&use, parts);
	money_exact sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += parts[i].exact;
	return sum;
}

static void includes_the_bound_of_a_tier(void **state)
{
	static const int64_t bounds[] = {1000, 5000};
	static const uint32_t ppm[] = {100000, 50000, 20000};
	static const struct {
		int64_t volume_fen;
		int64_t marginal, slab; /* fen x 10^6 */
	} rows[] = {
	    {0, 0, 0},
	    {1, 100000, 100000},
	    {999, 99900000, 99900000},
	    {1000, 100000000, 100000000},
	    {1001, 100050000, 50050000},
	    {4999, 299950000, 249950000},
	    {5000, 300000000, 250000000},
	    {5001, 300020000, 100020000},
	};
	struct policy_rate marginal = tiers_of(RATE_MARGINAL, bounds, ppm, 3),
			   slab = tiers_of(RATE_SLAB, bounds, ppm, 3);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (exact_of(&marginal, rows[i].volume_fen) != rows[i].marginal ||
		    exact_of(&slab, rows[i].volume_fen) != rows[i].slab)
			fail_msg("volume %lld", (long long)rows[i].volume_fen);
	}
}

/* The slow, independent way: every fen looks for its own tier (marginal), the last one decides for all (slab). */
static money_exact count_fen(
    const int64_t *up_to_fen, const uint32_t *ppm, size_t count, int64_t volume_fen, bool is_slab)
{
	money_exact sum = 0;
	uint32_t rate_ppm = 0;

	for (int64_t fen = 1; fen <= volume_fen; fen++) {
		for (size_t i = count; i-- > 0;)
			if (i + 1 == count || fen <= up_to_fen[i])
				rate_ppm = ppm[i];
		sum += rate_ppm;
	}
	return is_slab ? (money_exact)rate_ppm * volume_fen : sum;
}

static void agrees_with_a_count_of_every_fen(void **state)
{
	uint64_t seed = 47;

	(void)state;
	for (size_t round = 0; round < 2000; round++) {
		int64_t bounds[POLICY_TIERS_MAX];
		uint32_t ppm[POLICY_TIERS_MAX];
		size_t count = 1 + fixture_random(&seed, round % 10 == 0 ? POLICY_TIERS_MAX : 4);
		struct policy_rate marginal, slab;
		int64_t volume_fen;

		for (size_t i = 0; i < count; i++) {
			bounds[i] = (i == 0 ? 0 : bounds[i - 1]) + 1 + fixture_random(&seed, 60);
			ppm[i] = fixture_random(&seed, RATE_PPM_MAX + 1);
		}
		marginal = tiers_of(RATE_MARGINAL, bounds, ppm, count);
		slab = tiers_of(RATE_SLAB, bounds, ppm, count);
		volume_fen =
		    round % 3 == 0 ? bounds[fixture_random(&seed, (uint32_t)count)] : fixture_random(&seed, 600);
		assert_true(exact_of(&marginal, volume_fen) == count_fen(bounds, ppm, count, volume_fen, false));
		assert_true(exact_of(&slab, volume_fen) == count_fen(bounds, ppm, count, volume_fen, true));
	}
}

static void divides_the_whole_volume_among_its_parts(void **state)
{
	static const int64_t bounds[] = {1, 2, INT64_MAX};
	static const uint32_t ppm[] = {1, RATE_PPM_MAX, 0, RATE_PPM_MAX};
	static const int64_t volumes[] = {1, 2, 3, INT64_MAX - 1, INT64_MAX};
	struct policy_rate rate = tiers_of(RATE_MARGINAL, bounds, ppm, 4);
	struct policy_rate_part parts[POLICY_TIERS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(volumes) / sizeof(volumes[0]); i++) {
		struct policy_rate_use use = {&rate, 0, volumes[i]};
		size_t count = policy_rate_parts(&use, parts);
		int64_t left_fen = volumes[i];

		assert_int_equal(count, volumes[i] < 3 ? volumes[i] : 3);
		for (size_t k = 0; k < count; k++) {
			assert_true(parts[k].amount_fen > 0);
			assert_int_equal(parts[k].above_fen, k == 0 ? 0 : bounds[k - 1]);
			left_fen -= parts[k].amount_fen;
		}
		assert_int_equal(left_fen, 0);
	}
}

static void carries_the_largest_products(void **state)
{
	struct policy_rate rate = {.type = RATE_FLAT, .rate_ppm = RATE_PPM_MAX};
	struct policy_rate fixed = {.type = RATE_FIXED, .fixed_fen = INT64_MAX};

	(void)state;
	assert_true(exact_of(&rate, INT64_MAX) == (money_exact)INT64_MAX * RATE_PPM_MAX);
	assert_true(exact_of(&fixed, 1) == (money_exact)INT64_MAX * MONEY_EXACT_UNIT);
	assert_true(exact_of(&fixed, 0) == 0);
}

static void uses_one_rate_for_both_sides_or_one_each(void **state)
{
	struct policy policy = fixture_policy("{}");
	struct policy_period_sums period = {.volume_fen = {0, 30, 12}, .baseline_fen = {0, 10, 20}};
	struct policy_rate_use uses[POLICY_RATE_USES_MAX];

	(void)state;
	assert_int_equal(policy_rate_uses(&policy, &period, uses), 1);
	assert_int_equal(uses[0].volume_fen, 42);
	policy.has_growth = true;
	assert_int_equal(policy_rate_uses(&policy, &period, uses), 1);
	assert_int_equal(uses[0].volume_fen, 20);
	policy.is_by_side = true;
	assert_int_equal(policy_rate_uses(&policy, &period, uses), 2);
	assert_ptr_equal(uses[0].rate, &policy.rate);
	assert_ptr_equal(uses[1].rate, &policy.buyer_rate);
	assert_int_equal(uses[0].volume_fen, 20);
	assert_int_equal(uses[1].volume_fen, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(includes_the_bound_of_a_tier),
	    cmocka_unit_test(agrees_with_a_count_of_every_fen),
	    cmocka_unit_test(divides_the_whole_volume_among_its_parts),
	    cmocka_unit_test(carries_the_largest_products),
	    cmocka_unit_test(uses_one_rate_for_both_sides_or_one_each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "proto/policy_rate.h"

#include <assert.h>

int64_t policy_rate_volume(const struct policy *policy, const struct policy_period_sums *period, enum side side)
{
	int64_t volume_fen = period->volume_fen[side];

	assert(volume_fen >= 0 && period->baseline_fen[side] >= 0);
	if (!policy->has_growth)
		return volume_fen;
	return volume_fen > period->baseline_fen[side] ? volume_fen - period->baseline_fen[side] : 0;
}

size_t policy_rate_uses(const struct policy *policy, const struct policy_period_sums *period,
    struct policy_rate_use ret_uses[static POLICY_RATE_USES_MAX])
{
	int64_t supplier_fen = policy_rate_volume(policy, period, SIDE_SUPPLIER);
	int64_t buyer_fen = policy_rate_volume(policy, period, SIDE_BUYER);

	assert(policy->has_rate);
	if (policy->is_by_side) {
		ret_uses[0] = (struct policy_rate_use){&policy->rate, SIDE_SUPPLIER, supplier_fen};
		ret_uses[1] = (struct policy_rate_use){&policy->buyer_rate, SIDE_BUYER, buyer_fen};
		return 2;
	}
	assert(supplier_fen <= INT64_MAX - buyer_fen);
	ret_uses[0] = (struct policy_rate_use){&policy->rate, 0, supplier_fen + buyer_fen};
	return 1;
}

static struct policy_rate_part tier_part(const struct policy_rate *rate, size_t index, int64_t amount_fen)
{
	const struct policy_tier *tier = &rate->tiers[index];

	return (struct policy_rate_part){.is_last = tier->is_last,
	    .above_fen = index == 0 ? 0 : rate->tiers[index - 1].up_to_fen,
	    .up_to_fen = tier->up_to_fen,
	    .amount_fen = amount_fen,
	    .rate_ppm = tier->rate_ppm,
	    .exact = money_rate(amount_fen, tier->rate_ppm)};
}

/* The tier a volume falls into: bounds are inclusive, and the last tier has none. */
static size_t tier_of(const struct policy_rate *rate, int64_t volume_fen)
{
	size_t index = 0;

	assert(rate->tier_count > 0 && rate->tiers[rate->tier_count - 1].is_last);
	while (!rate->tiers[index].is_last && volume_fen > rate->tiers[index].up_to_fen)
		index++;
	return index;
}

size_t policy_rate_parts(const struct policy_rate_use *use, struct policy_rate_part ret_parts[static POLICY_TIERS_MAX])
{
	const struct policy_rate *rate = use->rate;
	int64_t volume_fen = use->volume_fen, below_fen = 0;
	size_t last;

	assert(volume_fen >= 0);
	if (volume_fen == 0)
		return 0;
	switch (rate->type) {
	case RATE_FLAT:
		ret_parts[0] = (struct policy_rate_part){.is_last = true,
		    .amount_fen = volume_fen,
		    .rate_ppm = rate->rate_ppm,
		    .exact = money_rate(volume_fen, rate->rate_ppm)};
		return 1;
	case RATE_FIXED:
		ret_parts[0] = (struct policy_rate_part){.is_last = true,
		    .amount_fen = volume_fen,
		    .exact = (money_exact)rate->fixed_fen * MONEY_EXACT_UNIT};
		return 1;
	case RATE_SLAB: ret_parts[0] = tier_part(rate, tier_of(rate, volume_fen), volume_fen); return 1;
	case RATE_MARGINAL: break;
	}
	last = tier_of(rate, volume_fen);
	for (size_t i = 0; i < last; i++) {
		ret_parts[i] = tier_part(rate, i, rate->tiers[i].up_to_fen - below_fen);
		below_fen = rate->tiers[i].up_to_fen;
	}
	ret_parts[last] = tier_part(rate, last, volume_fen - below_fen);
	return last + 1;
}

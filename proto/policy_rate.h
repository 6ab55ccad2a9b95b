/*
 * What a rate makes of a volume, part by part. The evaluation sums the parts, the explanation shows them: so what is
 * shown is what was paid. Internal to policy.c and policy_explain.c.
 */
#ifndef PROTO_POLICY_RATE_H
#define PROTO_POLICY_RATE_H

#include "proto/policy.h"

struct policy_rate_part {
	bool is_last;                 /* no upper bound */
	int64_t above_fen, up_to_fen; /* the tier's bounds; zero where there are no tiers */
	int64_t amount_fen;           /* the volume that falls to this part */
	uint32_t rate_ppm;            /* zero for a fixed sum */
	money_exact exact;
};

/* A rate and the volume it acts on: both sides together, or one of them. */
struct policy_rate_use {
	const struct policy_rate *rate;
	unsigned side; /* enum side, 0 for both */
	int64_t volume_fen;
};
#define POLICY_RATE_USES_MAX 2

/* The volume of a side that rates act on: what lies above its baseline where the policy rewards growth. */
int64_t policy_rate_volume(const struct policy *policy, const struct policy_period_sums *period, enum side side);
/* The uses of a policy's rates in one period; the policy has a rate, and both volumes together fit an int64. */
size_t policy_rate_uses(const struct policy *policy, const struct policy_period_sums *period,
    struct policy_rate_use ret_uses[static POLICY_RATE_USES_MAX]);
/* The parts of a use: none without volume, one per tier that holds any of it (marginal), one otherwise. */
size_t policy_rate_parts(const struct policy_rate_use *use, struct policy_rate_part ret_parts[static POLICY_TIERS_MAX]);

#endif

/*
 * Dividing a pool. Pro rata: everyone's share rounded down to the fen, then one fen each to those who lost most by
 * that, so that the sum is the pool exactly. (No share passes its claim: only a share that was cut gets a fen.)
 */
#include "proto/policy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct place {
	const struct policy_claim *claim;
	size_t index;          /* in the caller's order */
	money_exact remainder; /* prorata: what rounding down took, in parts of the total claim */
	int64_t award_fen;
};

static int compare_codes(const struct place *a, const struct place *b)
{
	int order = strcmp(a->claim->code, b->claim->code);

	if (order != 0)
		return order;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int compare_remainder(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->remainder != b->remainder)
		return a->remainder > b->remainder ? -1 : 1;
	return compare_codes(a, b);
}

static int compare_first(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->claim->first_index != b->claim->first_index)
		return a->claim->first_index < b->claim->first_index ? -1 : 1;
	return compare_codes(a, b);
}

static int compare_rank(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->claim->claim_fen != b->claim->claim_fen)
		return a->claim->claim_fen > b->claim->claim_fen ? -1 : 1;
	return compare_codes(a, b);
}

static void divide_in_proportion(struct place *places, size_t count, int64_t pool_fen, int64_t total_fen)
{
	int64_t left_fen = pool_fen;

	for (size_t i = 0; i < count; i++) {
		money_exact product = (money_exact)places[i].claim->claim_fen * pool_fen;

		places[i].award_fen = (int64_t)(product / total_fen);
		places[i].remainder = product % total_fen;
		left_fen -= places[i].award_fen;
	}
	qsort(places, count, sizeof(*places), compare_remainder);
	assert(left_fen >= 0 && (size_t)left_fen < count);
	for (size_t i = 0; i < (size_t)left_fen; i++)
		places[i].award_fen++;
}

static void divide_in_turn(struct place *places, size_t count, int64_t pool_fen)
{
	int64_t left_fen = pool_fen;

	for (size_t i = 0; i < count; i++) {
		places[i].award_fen = places[i].claim->claim_fen < left_fen ? places[i].claim->claim_fen : left_fen;
		left_fen -= places[i].award_fen;
	}
}

enum err policy_pool_divide(
    struct policy_claim *claims, size_t claim_count, int64_t pool_fen, enum policy_pool_method method)
{
	struct place *places;
	int64_t total_fen = 0;

	assert(pool_fen >= 0);
	for (size_t i = 0; i < claim_count; i++) {
		assert(claims[i].claim_fen >= 0);
		if (money_add(total_fen, claims[i].claim_fen, &total_fen) != OK)
			return ERR_OVERFLOW;
	}
	if (total_fen <= pool_fen) {
		for (size_t i = 0; i < claim_count; i++)
			claims[i].ret_award_fen = claims[i].claim_fen;
		return OK;
	}
	places = calloc(claim_count, sizeof(*places));
	if (places == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < claim_count; i++)
		places[i] = (struct place){.claim = &claims[i], .index = i};
	switch (method) {
	case POOL_PRORATA: divide_in_proportion(places, claim_count, pool_fen, total_fen); break;
	case POOL_FIRST_COME:
		qsort(places, claim_count, sizeof(*places), compare_first);
		divide_in_turn(places, claim_count, pool_fen);
		break;
	case POOL_RANK:
		qsort(places, claim_count, sizeof(*places), compare_rank);
		divide_in_turn(places, claim_count, pool_fen);
		break;
	}
	for (size_t i = 0; i < claim_count; i++)
		claims[places[i].index].ret_award_fen = places[i].award_fen;
	free(places);
	return OK;
}

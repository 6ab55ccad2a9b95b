/* Dividing a pool: the sum is the pool to the fen, nobody gets more than the claim, order decides nothing but ties. */
#include "proto/policy.h"

#include "policy_fixture.h"

#define COUNT_MAX 40

static void divides_the_vector_by_largest_remainder(void **state)
{
	/* Given out of order: ties go by code. */
	struct policy_claim claims[] = {
	    {"C", YUAN(300000), 1, 0}, {"A", YUAN(300000), 2, 0}, {"B", YUAN(300000), 3, 0}};

	(void)state;
	assert_int_equal(policy_pool_divide(claims, 3, YUAN(700000), POOL_PRORATA), OK);
	assert_int_equal(claims[0].ret_award_fen, 23333333);
	assert_int_equal(claims[1].ret_award_fen, 23333334);
	assert_int_equal(claims[2].ret_award_fen, 23333333);
	assert_string_equal(claims[0].code, "C");
}

static void gives_the_fen_left_to_those_who_lost_most(void **state)
{
	/* Seven tenths of each: 1.4, 2.1, 3.5. */
	struct policy_claim claims[] = {{"A", 2, 0, 0}, {"B", 3, 0, 0}, {"C", 5, 0, 0}};

	(void)state;
	assert_int_equal(policy_pool_divide(claims, 3, 7, POOL_PRORATA), OK);
	assert_int_equal(claims[0].ret_award_fen, 1);
	assert_int_equal(claims[1].ret_award_fen, 2);
	assert_int_equal(claims[2].ret_award_fen, 4);
}

static void serves_the_first_or_the_largest_in_full(void **state)
{
	static const struct {
		enum policy_pool_method method;
		int64_t awards[4];
	} rows[] = {
	    /* B, then of two with one index the earlier code; what is left goes to C. */
	    {POOL_FIRST_COME, {40, 50, 40, 0}},
	    /* C, A, then of two claims of 40 the earlier code gets what is left. */
	    {POOL_RANK, {20, 50, 60, 0}},
	};

	(void)state;
	for (size_t row = 0; row < 2; row++) {
		struct policy_claim claims[] = {{"B", 40, 1, 0}, {"A", 50, 2, 0}, {"C", 60, 2, 0}, {"D", 40, 9, 0}};

		assert_int_equal(policy_pool_divide(claims, 4, 130, rows[row].method), OK);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(claims[i].ret_award_fen, rows[row].awards[i]);
	}
}

static void pays_in_full_up_to_the_pool_itself(void **state)
{
	static const enum policy_pool_method methods[] = {POOL_PRORATA, POOL_FIRST_COME, POOL_RANK};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (int64_t pool_fen = 99; pool_fen <= 101; pool_fen++) {
			struct policy_claim claims[] = {{"A", 60, 1, 0}, {"B", 40, 2, 0}};
			int64_t sum_fen;

			assert_int_equal(policy_pool_divide(claims, 2, pool_fen, methods[i]), OK);
			sum_fen = claims[0].ret_award_fen + claims[1].ret_award_fen;
			assert_int_equal(sum_fen, pool_fen < 100 ? pool_fen : 100);
		}
	}
	assert_int_equal(policy_pool_divide(NULL, 0, 0, POOL_PRORATA), OK);
}

static void holds_the_largest_products(void **state)
{
	struct policy_claim claims[] = {{"A", INT64_MAX - 1, 1, 0}, {"B", 1, 2, 0}};

	(void)state;
	assert_int_equal(policy_pool_divide(claims, 2, INT64_MAX - 1, POOL_PRORATA), OK);
	assert_int_equal(claims[0].ret_award_fen + claims[1].ret_award_fen, INT64_MAX - 1);
	assert_int_equal(claims[0].ret_award_fen, INT64_MAX - 2);
	claims[1].claim_fen = 2;
	claims[0].ret_award_fen = 5;
	assert_int_equal(policy_pool_divide(claims, 2, INT64_MAX, POOL_PRORATA), ERR_OVERFLOW);
	assert_int_equal(claims[0].ret_award_fen, 5);
}

/* Against the definition: floor(claim x pool / total), or one fen more, and never more to a smaller remainder. */
static void keeps_to_the_definition_for_any_claims(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (size_t round = 0; round < 1000; round++) {
		struct policy_claim claims[COUNT_MAX];
		char codes[COUNT_MAX][8];
		size_t count = 1 + fixture_random(&seed, COUNT_MAX);
		int64_t total_fen = 0, sum_fen = 0, pool_fen;

		for (size_t i = 0; i < count; i++) {
			snprintf(codes[i], sizeof(codes[i]), "E%03u", (unsigned)(i * 37 % 101));
			claims[i] =
			    (struct policy_claim){codes[i], fixture_random(&seed, round % 2 == 0 ? 8 : 30000000), 0, 0};
			total_fen += claims[i].claim_fen;
		}
		pool_fen = total_fen == 0 ? 0 : fixture_random(&seed, (uint32_t)total_fen);
		assert_int_equal(policy_pool_divide(claims, count, pool_fen, POOL_PRORATA), OK);
		for (size_t i = 0; i < count; i++) {
			int64_t share_fen = total_fen == 0 ? 0 : claims[i].claim_fen * pool_fen / total_fen;
			int64_t extra_fen = claims[i].ret_award_fen - share_fen;

			assert_true(extra_fen == 0 || extra_fen == 1);
			assert_true(claims[i].ret_award_fen <= claims[i].claim_fen);
			sum_fen += claims[i].ret_award_fen;
			for (size_t k = 0; k < count && extra_fen == 1; k++) {
				int64_t mine = claims[i].claim_fen * pool_fen % total_fen,
					other = claims[k].claim_fen * pool_fen % total_fen;
				bool is_before = other > mine || (other == mine && strcmp(codes[k], codes[i]) < 0);

				if (is_before)
					assert_int_equal(
					    claims[k].ret_award_fen, claims[k].claim_fen * pool_fen / total_fen + 1);
			}
		}
		assert_int_equal(sum_fen, pool_fen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(divides_the_vector_by_largest_remainder),
	    cmocka_unit_test(gives_the_fen_left_to_those_who_lost_most),
	    cmocka_unit_test(serves_the_first_or_the_largest_in_full),
	    cmocka_unit_test(pays_in_full_up_to_the_pool_itself),
	    cmocka_unit_test(holds_the_largest_products),
	    cmocka_unit_test(keeps_to_the_definition_for_any_claims),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

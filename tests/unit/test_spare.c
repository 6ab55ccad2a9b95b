/* Spare memory: given again where it fits, bounded, and no one's but who took it. */
#include "daemon/spare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/limits.h"

#define MIB ((size_t)1 << 20)
/* What a piece is more than what was asked for is not counted. */
#define PIECES (SPARE_SIZE_MAX / MIB)

static int clear(void **state)
{
	(void)state;
	spare_clear();
	return 0;
}

static void gives_a_piece_again(void **state)
{
	void *first = spare_take(MIB), *second;

	(void)state;
	assert_non_null(first);
	assert_int_equal((uintptr_t)first % 16, 0);
	memset(first, 1, MIB);
	assert_int_equal(spare_size(), 0);
	spare_give(first, MIB);
	assert_int_equal(spare_size(), MIB);
	second = spare_take(MIB - 1);
	assert_ptr_equal(first, second);
	assert_int_equal(spare_size(), 0);
	/* What is in use is nobody else's. */
	first = spare_take(MIB);
	assert_ptr_not_equal(first, second);
	spare_give(first, MIB);
	spare_give(second, MIB - 1);
	assert_int_equal(spare_size(), 2 * MIB);
	spare_give(NULL, MIB);
	spare_clear();
	assert_int_equal(spare_size(), 0);
}

static void finds_one_that_fits(void **state)
{
	void *large = spare_take(4 * MIB), *small, *larger, *taken;

	(void)state;
	spare_give(large, 4 * MIB);
	small = spare_take(2 * MIB - 1); /* less than half of it */
	assert_ptr_not_equal(small, large);
	larger = spare_take(4 * MIB + 1);
	assert_ptr_not_equal(larger, large);
	taken = spare_take(2 * MIB);
	assert_ptr_equal(taken, large);
	assert_int_equal(spare_size(), 0);
	spare_give(taken, 2 * MIB);
	spare_give(larger, 4 * MIB + 1);
	spare_give(small, 2 * MIB - 1);
	assert_int_equal(spare_size(), 10 * MIB);
}

static void keeps_nothing_small(void **state)
{
	void *memory = spare_take(MIB / 8 - 1);

	(void)state;
	spare_give(memory, MIB / 8 - 1);
	assert_int_equal(spare_size(), 0);
	memory = spare_take(MIB / 8);
	spare_give(memory, MIB / 8);
	assert_int_equal(spare_size(), MIB / 8);
	memory = spare_take(0);
	assert_non_null(memory);
	spare_give(memory, 0);
	assert_int_equal(spare_size(), MIB / 8);
	assert_null(spare_take(SIZE_MAX));
}

static void keeps_no_more_than_the_limit(void **state)
{
	static void *pieces[PIECES];
	void *one_more = spare_take(MIB / 2);

	(void)state;
	for (size_t i = 0; i < PIECES; i++)
		pieces[i] = spare_take(i == 0 ? MIB - 1 : MIB);
	for (size_t i = 0; i < PIECES; i++)
		spare_give(pieces[i], i == 0 ? MIB - 1 : MIB);
	assert_int_equal(spare_size(), SPARE_SIZE_MAX - 1);
	spare_give(one_more, MIB / 2);
	assert_int_equal(spare_size(), SPARE_SIZE_MAX - 1);
	spare_clear();
	for (size_t i = 0; i < PIECES; i++)
		pieces[i] = spare_take(MIB);
	for (size_t i = 0; i < PIECES; i++)
		spare_give(pieces[i], MIB);
	assert_int_equal(spare_size(), SPARE_SIZE_MAX);
	one_more = spare_take(MIB + 1);
	spare_give(one_more, MIB + 1);
	assert_int_equal(spare_size(), SPARE_SIZE_MAX);
}

static void feeds_arenas(void **state)
{
	struct arena arena;
	uint8_t *first, *again;

	(void)state;
	arena_init_from(&arena, 8 * MIB, &spare_source);
	first = arena_alloc(&arena, MIB);
	assert_non_null(first);
	memset(first, 2, MIB);
	arena_done(&arena);
	assert_in_range(spare_size(), MIB, MIB + 4096);
	arena_init_from(&arena, 8 * MIB, &spare_source);
	again = arena_alloc(&arena, MIB);
	assert_ptr_equal(first, again);
	assert_int_equal(spare_size(), 0);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(gives_a_piece_again, clear),
	    cmocka_unit_test_teardown(finds_one_that_fits, clear),
	    cmocka_unit_test_teardown(keeps_nothing_small, clear),
	    cmocka_unit_test_teardown(keeps_no_more_than_the_limit, clear),
	    cmocka_unit_test_teardown(feeds_arenas, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

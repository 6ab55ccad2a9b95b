/* Arrays that grow: items stay in their order, new ones are zero, a sorted one finds what is in it. */
#include "proto/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int compare(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void keeps_items_while_it_grows(void **state)
{
	struct array array;

	(void)state;
	array_init(&array, sizeof(uint32_t));
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t *item = array_add(&array);

		assert_non_null(item);
		assert_int_equal(*item, 0);
		*item = i;
	}
	assert_int_equal(array.count, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(*(uint32_t *)array_at(&array, i), i);
	array_done(&array);
	assert_int_equal(array.count, 0);
}

static void inserts_in_front_and_behind(void **state)
{
	static const struct {
		size_t position;
		uint32_t value;
	} rows[] = {{0, 30}, {0, 10}, {1, 20}, {3, 40}};
	struct array array;

	(void)state;
	array_init(&array, sizeof(uint32_t));
	for (size_t i = 0; i < 4; i++) {
		uint32_t *item = array_insert(&array, rows[i].position);

		assert_int_equal(*item, 0);
		*item = rows[i].value;
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(*(uint32_t *)array_at(&array, i), 10 * (i + 1));
	array_done(&array);
}

static void sorts_and_finds(void **state)
{
	struct array array;
	uint32_t key = 7;

	(void)state;
	array_init(&array, sizeof(uint32_t));
	array_sort(&array, compare);
	assert_null(array_find(&array, &key, compare));
	for (uint32_t i = 0; i < 50; i++)
		*(uint32_t *)array_add(&array) = i * 37 % 50 * 2;
	array_sort(&array, compare);
	for (uint32_t i = 0; i < 100; i++) {
		const uint32_t *found = array_find(&array, &i, compare);

		assert_int_equal(found != NULL, i % 2 == 0);
		assert_true(found == NULL || *found == i);
	}
	array_done(&array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keeps_items_while_it_grows),
	    cmocka_unit_test(inserts_in_front_and_behind),
	    cmocka_unit_test(sorts_and_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

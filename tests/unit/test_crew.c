/* A crew: every number once, and the error of the lowest. */
#include "order_fixture.h"

#include <stdatomic.h>

#include "daemon/crew.h"

struct count {
	atomic_uint done[VERIFY_THREADS_MAX];
	unsigned failing_from;
};

static enum err work(void *cookie, unsigned number)
{
	struct count *count = cookie;

	atomic_fetch_add(&count->done[number], 1);
	return number == count->failing_from ? ERR_IO : number > count->failing_from ? ERR_MEMORY : OK;
}

static void runs_each_number_once(void **state)
{
	static const unsigned sizes[] = {1, 2, 7, VERIFY_THREADS_MAX - 1, VERIFY_THREADS_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct count count = {.failing_from = VERIFY_THREADS_MAX};

		assert_int_equal(crew_run(sizes[i], work, &count), OK);
		for (unsigned number = 0; number < VERIFY_THREADS_MAX; number++)
			assert_int_equal(count.done[number], number < sizes[i]);
	}
}

static void gives_the_error_of_the_lowest_number(void **state)
{
	(void)state;
	for (unsigned failing = 0; failing < 9; failing++) {
		struct count count = {.failing_from = failing};

		assert_int_equal(crew_run(9, work, &count), ERR_IO);
		assert_int_equal(count.done[8], 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(runs_each_number_once),
	    cmocka_unit_test(gives_the_error_of_the_lowest_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

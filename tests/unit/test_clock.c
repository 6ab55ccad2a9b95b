/* Two clocks of one unit: the wall, and one that only goes ahead. */
#include "daemon/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void reads_the_wall_clock_in_microseconds(void **state)
{
	time_t before = time(NULL);
	uint64_t now_us = clock_now_us();

	(void)state;
	assert_in_range(now_us / 1000000, before, before + 2);
}

static void never_goes_back(void **state)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	uint64_t last_us = clock_monotonic_us(), first_us = last_us;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint64_t now_us = clock_monotonic_us();

		assert_true(now_us >= last_us && now_us > 0);
		last_us = now_us;
	}
	nanosleep(&pause, NULL);
	assert_in_range(clock_monotonic_us() - first_us, 20000, 20000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_the_wall_clock_in_microseconds),
	    cmocka_unit_test(never_goes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "daemon/clock.h"

#include <assert.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec now;
	int failed = clock_gettime(id, &now);

	assert(failed == 0 && now.tv_sec >= 0);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_now_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t clock_monotonic_us(void)
{
	return read_clock(CLOCK_MONOTONIC) + 1;
}

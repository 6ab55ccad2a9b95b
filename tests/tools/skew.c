/*
 * Loaded ahead of the C library (LD_PRELOAD), it sets a program's wall clock ahead while it runs: by the number of
 * seconds that stands in the file SKEW_CONTROL, which a test writes. The monotonic clock stays as it is, as it does
 * where a machine's clock is set wrong.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t none;
static volatile int64_t *ahead_s = &none;
static int (*next_clock_gettime)(clockid_t clock, struct timespec *time);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("SKEW_CONTROL");
	void *function = dlsym(RTLD_NEXT, "clock_gettime"), *map = MAP_FAILED;
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0)
		map = mmap(NULL, sizeof(*ahead_s), PROT_READ, MAP_SHARED, fd, 0);
	if (function == NULL || map == MAP_FAILED)
		abort(); /* a test that believes the clock is set would prove nothing */
	close(fd);
	memcpy(&next_clock_gettime, &function, sizeof(function));
	ahead_s = map;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int result;

	if (next_clock_gettime == NULL) { /* asked before we are ready */
		errno = EINVAL;
		return -1;
	}
	result = next_clock_gettime(clock, time);
	if (result == 0 && clock == CLOCK_REALTIME)
		time->tv_sec += *ahead_s;
	return result;
}

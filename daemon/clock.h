/*
 * The one place where a clock is read. Tests link a fake in its place. Any thread; but the fold, the store and
 * proto/ never call it.
 */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include <stdint.h>

/* Wall clock: microseconds since 1970-01-01T00:00:00Z. It may step in either direction. */
uint64_t clock_now_us(void);
/* Monotonic clock: microseconds from an arbitrary origin, for intervals and deadlines. Never 0. */
uint64_t clock_monotonic_us(void);

#endif

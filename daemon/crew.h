/*
 * A crew: some threads that do the same on parts of one thing, and are waited for. The caller is one of them.
 */
#ifndef DAEMON_CREW_H
#define DAEMON_CREW_H

#include "proto/err.h"
#include "proto/limits.h"

/*
 * Runs `work` once for each number below `count` (1 to VERIFY_THREADS_MAX, asserted), all at the same time, and returns
 * when the last has ended. Gives the error of the lowest number, so that it is the same however they ran. Where no
 * further thread can be started, the caller does that part afterwards itself.
 */
enum err crew_run(unsigned count, enum err (*work)(void *cookie, unsigned number), void *cookie) must_check;

#endif

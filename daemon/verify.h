/*
 * `subsidyd verify`: replays the ledger and compares everything that is stored with what the replay gives.
 */
#ifndef DAEMON_VERIFY_H
#define DAEMON_VERIFY_H

#include <stdio.h>

#include "daemon/config.h"

/*
 * Takes the data folder's lock (the daemon must be stopped). Writes what was found to `out`; progress to stderr when
 * that is a terminal. Gives the exit code: 0 everything agrees, 6 something differs (the first difference is named),
 * 9 the data file or the guard can't be used at all, 1 trouble of the machine.
 */
int verify_run(const struct config *config, FILE *out);
/* The same of a copy in a folder of its own, which no guard belongs to. */
int verify_copy(const char *folder, uint64_t map_size, FILE *out);

#endif

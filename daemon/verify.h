/*
 * `subsidyd verify`: replays a ledger, or a copy that `subsidy export` made, and compares everything that is stored with
 * what the replay gives.
 */
#ifndef DAEMON_VERIFY_H
#define DAEMON_VERIFY_H

#include <stdio.h>

#include "daemon/config.h"

struct verify_options {
	const struct config *config;	/* NULL: the copy in export_path */
	const char *export_path;
	const char *vkey;		/* of the copy: a key that its checkpoint must be signed by, or NULL */
	const char *keep_path;		/* where to keep the replayed state, or NULL */
	const char *from_path;		/* kept state to go on from, or NULL */
	unsigned thread_count;		/* 1 to VERIFY_THREADS_MAX; 0: as many as the machine has cores */
};

/*
 * Takes the data folder's lock (the daemon must be stopped). Writes what was found to `out`; progress to stderr when
 * that is a terminal. Gives the exit code: 0 everything agrees, the finding's (finding.h) where something is wrong,
 * 1 trouble of the machine, or of the kept state, 2 a key that is none.
 */
int verify_run(const struct verify_options *options, FILE *out);
/* The same of a copy in a folder of its own, which no guard belongs to. */
int verify_copy(const char *folder, uint64_t map_size, FILE *out);

#endif

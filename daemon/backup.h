/*
 * `subsidyd backup`: a verified copy of the ledger in a folder of its own, made while the daemon serves it, or without it.
 */
#ifndef DAEMON_BACKUP_H
#define DAEMON_BACKUP_H

#include <stdio.h>

#include "daemon/config.h"

struct backup_options {
	const char *folder;	/* must not exist yet */
	bool skips_replay;	/* looks at the copy's head and tree alone */
};

/*
 * Where a daemon serves the ledger, it copies; else this process takes the data folder's lock. The copy is made under
 * "folder.partial", verified, and gets its name when all of it is on disk; after an error nothing is left of it. Writes
 * what was found to `out`. ERR_INVALID where the folder exists, ERR_LOCKED, ERR_DISK_FULL, ERR_DAMAGED where the copy does
 * not verify, ERR_OVERLOADED while another one is being made.
 */
enum err backup_run(const struct config *config, const struct backup_options *options, FILE *out, struct why *why)
    must_check;

#endif

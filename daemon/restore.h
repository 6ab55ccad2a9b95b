/*
 * `subsidyd restore`: puts a backup's data file where the ledger's was lost or damaged, if the guard allows it: a copy
 * that holds less than what was signed must never go on, for it would sign a second history.
 */
#ifndef DAEMON_RESTORE_H
#define DAEMON_RESTORE_H

#include <stdio.h>

#include "daemon/config.h"

struct restore_options {
	const char *folder;	/* of the backup */
	bool skips_replay;	/* looks at the copy's head and tree alone */
};

/*
 * Takes the data folder's lock. A data file that is there is moved aside where it is damaged or not that of the guard, and
 * left alone where it is whole: ERR_INVALID. The copy is verified before it gets its name. ERR_GUARD where the guard is
 * missing or knows of more; ERR_DAMAGED where the backup does not verify; ERR_LOCKED, ERR_DISK_FULL.
 */
enum err restore_run(const struct config *config, const struct restore_options *options, FILE *out, struct why *why)
    must_check;

#endif

/*
 * `subsidyd restore`: puts a backup's data file where the ledger's was lost or damaged, if the guard allows it: a copy
 * that holds less than what was signed must never go on, for it would sign a second history. What is left can be taken
 * over by a new ledger, which says what was lost.
 */
#ifndef DAEMON_RESTORE_H
#define DAEMON_RESTORE_H

#include <stdio.h>

#include "daemon/config.h"

struct restore_options {
	const char *folder;	/* of the backup */
	bool skips_replay;	/* looks at the copy's head and tree alone */
	/* For a new ledger that takes over what is left of one: */
	bool accepts_loss;
	bool describes;			/* writes what the new genesis' draft needs, and restores nothing */
	const char *genesis_file;
	/* A checkpoint of the old ledger where the guard's is not the newest, or by a key that the backup does not know; or NULL. */
	const char *last_known_file;
};

/*
 * Takes the data folder's lock. A data file that is there is moved aside where it is damaged or not that of the guard, and
 * left alone where it is whole: ERR_INVALID. The copy is verified before it gets its name. ERR_GUARD where the guard is
 * missing or knows of more; ERR_DAMAGED where the backup does not verify; ERR_LOCKED, ERR_DISK_FULL.
 *
 * With accepts_loss the entries of the backup become those of a new ledger (FORMAT.md, "Continued ledgers") in an empty data
 * folder, with a new guard file; with describes its configuration is still that of the old ledger.
 */
enum err restore_run(const struct config *config, const struct restore_options *options, FILE *out, struct why *why)
    must_check;

#endif

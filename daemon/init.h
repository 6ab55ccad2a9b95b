/*
 * Making a ledger: checks the officers' genesis note, adds the ledger's own signature, writes entry 0 and the guard.
 */
#ifndef DAEMON_INIT_H
#define DAEMON_INIT_H

#include "daemon/config.h"

/*
 * Takes the data folder's lock. Refuses a folder that holds a ledger (ERR_INVALID) and an existing guard file
 * (ERR_GUARD). ERR_QUORUM where an officer has not signed, ERR_KEY_FILE where the configured key is not the one the
 * genesis names.
 */
enum err ledger_init(const struct config *config, const char *genesis_file, struct why *why) must_check;

#endif

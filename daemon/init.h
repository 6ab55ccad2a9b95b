/*
 * Making a ledger: checks the officers' genesis note, adds the ledger's own signature, writes entry 0 and the guard.
 */
#ifndef DAEMON_INIT_H
#define DAEMON_INIT_H

#include "daemon/config.h"
#include "proto/order.h"

/*
 * Takes the data folder's lock. Refuses a folder that holds a ledger (ERR_INVALID) and an existing guard file
 * (ERR_GUARD). ERR_QUORUM where an officer has not signed, ERR_KEY_FILE where the configured key is not the one the
 * genesis names.
 */
enum err ledger_init(const struct config *config, const char *genesis_file, struct why *why) must_check;

/* A genesis note with everybody's signature under it, and the key that made the ledger's. */
struct genesis_file {
	struct buf note;
	struct genesis *genesis;
	struct signer *signer;
};
/* Checks the officers' note and adds the configured key's signature. Call genesis_done whatever it answers. */
enum err genesis_load(const struct config *config, const char *genesis_file, struct genesis_file *ret_file, struct why *why)
    must_check;
void genesis_done(struct genesis_file *file);

#endif

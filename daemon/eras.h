/*
 * From one era of a continued ledger to the next, in the state that a replay has come to.
 */
#ifndef DAEMON_ERAS_H
#define DAEMON_ERAS_H

#include "daemon/state.h"
#include "proto/eras.h"

/*
 * May this era begin, in the state that the one before left? The last checkpoint known of that one is its ledger's, and
 * the genesis has the signatures that `officer.add` needs of the officers in office. `root` is that of the ledger before at
 * the size taken over. ERR_QUORUM, ERR_SIGNATURE, ERR_UNKNOWN_KEY, ERR_REFUSED, ERR_DAMAGED.
 */
enum err era_check(const struct era *era, const struct hash *root, struct store_txn *txn, struct why *why) must_check;

#endif

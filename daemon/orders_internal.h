/* What orders.c and orders_types.c share. Nobody else includes this. */
#ifndef DAEMON_ORDERS_INTERNAL_H
#define DAEMON_ORDERS_INTERNAL_H

#include "daemon/orders.h"

/* What the type of the order asks for. ERR_REFUSED, ERR_DAMAGED, ERR_MEMORY. */
enum err order_check_type(const struct order_plan *plan, struct store_txn *txn, uint32_t today, struct why *why) must_check;
enum err order_check_log_key(const struct order_plan *plan, struct store_txn *txn, struct why *why) must_check;

/* Nobody else's key, of officers in office or earlier, and not the ledger's. ERR_REFUSED. */
enum err order_check_officer_key(const struct key *key, const char *name, struct store_txn *txn, struct why *why)
    must_check;

/* A key for the ledger itself: it is and was no officer's and no venue's. ERR_REFUSED, ERR_DAMAGED, ERR_MEMORY. */
enum err order_check_log_owner(struct store_txn *txn, const struct key *key, const char *vkey, struct why *why) must_check;

#endif

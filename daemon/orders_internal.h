/* What orders.c and orders_types.c share. Nobody else includes this. */
#ifndef DAEMON_ORDERS_INTERNAL_H
#define DAEMON_ORDERS_INTERNAL_H

#include "daemon/orders.h"

/* What the type of the order asks for. ERR_REFUSED, ERR_DAMAGED, ERR_MEMORY. */
enum err order_check_type(const struct order_plan *plan, struct store_txn *txn, uint32_t today, struct why *why) must_check;
enum err order_check_log_key(const struct order_plan *plan, struct store_txn *txn, struct why *why) must_check;

#endif

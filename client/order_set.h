/*
 * The values of an order that stand on the command line: --set NAME=VALUE.
 */
#ifndef CLIENT_ORDER_SET_H
#define CLIENT_ORDER_SET_H

#include "client/client.h"
#include "proto/order.h"

/* Has an order of one of these types (bits 1 << order_type) all these names, and none twice that may stand once?
 * Complains by itself. */
bool order_set_check(const struct args *args, unsigned types) must_check;
/* The value of NAME (of a repeatable one the first), or NULL. */
const char *order_set_text(const struct args *args, const char *name);
const char *order_set_text_at(const struct args *args, const char *name, size_t index);

#endif

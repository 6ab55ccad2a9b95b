/*
 * Access codes that a grant has made: to a file each, readable by its owner alone, or once on stdout.
 */
#ifndef CLIENT_ORDER_TOKEN_H
#define CLIENT_ORDER_TOKEN_H

#include "client/order_items.h"

/* By --tokens-dir, --token-out, or else on stdout. Complains by itself. */
enum exit_code order_token_keep(const struct settings *settings, const struct args *args, const struct items *items)
    must_check;

#endif

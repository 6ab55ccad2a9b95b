/*
 * Access codes that a grant has made: to a file each, readable by its owner alone, or once on stdout.
 */
#ifndef CLIENT_ORDER_TOKEN_H
#define CLIENT_ORDER_TOKEN_H

#include "client/order_items.h"

/* What the file of a grant's code or letter is called, without its end: "<subject>", for a subject's second one
 * "<subject>_2", which no other is called; "venue:x" as "venue-x". */
enum err order_token_name(const struct items *items, size_t index, struct buf *ret_name) must_check;

/* By --tokens-dir, --token-out, or, where there are no letters either, on stdout. Complains by itself. */
enum exit_code order_token_keep(const struct settings *settings, const struct args *args, const struct items *items)
    must_check;

#endif

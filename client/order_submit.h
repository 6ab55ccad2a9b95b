/*
 * Carrying orders to the ledger, one after the other, until one is refused; each is acknowledged by a receipt that
 * is verified. An order that was carried out before is answered with the same, so repeating is safe.
 */
#ifndef CLIENT_ORDER_SUBMIT_H
#define CLIENT_ORDER_SUBMIT_H

#include "client/bundle.h"

/* Keeps the receipt at receipt_path, where that is not NULL; of a bundle, of order 2 at "<path>-2" and so on.
 * Complains by itself. */
enum exit_code order_submit(const struct settings *settings, const struct bundle *bundle, const char *receipt_path)
    must_check;

/* Is this the receipt of this order, by this ledger? Gives the entry's index. ERR_PROOF and proof_verify's. */
enum err order_submit_check(struct slice receipt, const struct bundle_order *order, const struct key *ledger,
    uint64_t *ret_index, struct why *why) must_check;

#endif

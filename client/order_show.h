/*
 * What a NOTE file says, and who signed it, for the officer who is to sign it too.
 */
#ifndef CLIENT_ORDER_SHOW_H
#define CLIENT_ORDER_SHOW_H

#include "client/bundle.h"

/* Complains by itself: EXIT_REFUSED for a note that no ledger would take. */
enum exit_code order_show(const struct settings *settings, const struct bundle *bundle) must_check;

#endif

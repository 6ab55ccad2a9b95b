/*
 * subsidy order genesis: from a draft to the note that a ledger begins with.
 */
#ifndef CLIENT_GENESIS_MAKE_H
#define CLIENT_GENESIS_MAKE_H

#include "client/client.h"

/* Complains by itself. */
enum exit_code genesis_make(const struct args *args) must_check;

#endif

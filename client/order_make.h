/*
 * subsidy order TYPE, and subsidy order genesis: from options and files to signed notes.
 */
#ifndef CLIENT_ORDER_MAKE_H
#define CLIENT_ORDER_MAKE_H

#include "client/client.h"

/* words[0] is the type or "genesis". Complains by itself. */
enum exit_code order_make(const struct settings *settings, const struct args *args) must_check;
enum exit_code order_make_genesis(const struct settings *settings, const struct args *args) must_check;

#endif

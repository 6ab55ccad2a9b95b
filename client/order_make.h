/*
 * subsidy order TYPE: from options and files to signed orders.
 */
#ifndef CLIENT_ORDER_MAKE_H
#define CLIENT_ORDER_MAKE_H

#include "client/client.h"

/* words[0] is the type. Complains by itself. */
enum exit_code order_make(const struct settings *settings, const struct args *args) must_check;

#endif

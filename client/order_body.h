/* The body of an order that is about no list: from the command line's values, or from a file of JSON. */
#ifndef CLIENT_ORDER_BODY_H
#define CLIENT_ORDER_BODY_H

#include <jansson.h>

#include "client/client.h"
#include "proto/order.h"

/* Complains by itself of what is missing. Whether the values are right is seen when the order is composed. */
enum exit_code order_body_make(const struct args *args, enum order_type type, json_t **ret_body) must_check;

#endif

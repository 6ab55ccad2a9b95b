/*
 * Lists of items: CSV files, and what is told of their faults.
 */
#ifndef CLIENT_ORDER_LIST_H
#define CLIENT_ORDER_LIST_H

#include <stdio.h>

#include "client/order_items.h"

/* Reads a list; its first row names the columns, in English or Chinese. ERR_IO, ERR_MEMORY, ERR_SYNTAX, ERR_TOO_LARGE
 * with the reason; faults of rows are no error here. */
enum err order_list_read(struct items *items, FILE *file, struct why *why) must_check;

/* Every fault: a table on stderr, or JSON on stdout. Gives EXIT_REFUSED. */
enum exit_code order_list_print_faults(const struct items *items, const struct settings *settings);

#endif

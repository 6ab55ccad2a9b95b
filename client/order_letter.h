/*
 * The letters of a grant's access codes, in a folder that appears with all of them in it or not at all: it is filled
 * under another name and then renamed, so that no letter of a run that was interrupted is ever handed to anybody.
 */
#ifndef CLIENT_ORDER_LETTER_H
#define CLIENT_ORDER_LETTER_H

#include "client/letter.h"
#include "client/order_items.h"

/* What can be wrong with --letters and --contact, before anybody signs. Complains by itself. */
bool order_letter_check(const struct args *args) must_check;
/* Fills in the names of subjects that the list does not give, as far as the ledger tells them to our access code. */
enum exit_code order_letter_ask_names(const struct settings *settings, struct items *items) must_check;
/* Writes DIR/<subject>.html for each and DIR/index.html. Complains by itself. */
enum exit_code order_letter_keep(const char *folder, const struct letter_issue *issue, const struct items *items)
    must_check;

#endif

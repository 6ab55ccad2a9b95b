/*
 * grant.replace: another access code for one that was lost. It is no order of its own, but two in one file, signed and
 * submitted in one act: first the old code is revoked, then the new one granted to the same subject.
 */
#ifndef CLIENT_ORDER_REPLACE_H
#define CLIENT_ORDER_REPLACE_H

#include "client/draft.h"
#include "client/order_items.h"
#include "client/signers.h"

#define ORDER_REPLACE_NAME "grant.replace"
#define ORDER_REPLACE_TYPES (1u << ORDER_GRANT_ADD | 1u << ORDER_GRANT_REVOKE)

/* The item that revokes the old code, or its faults, into `revoked`; items_done it in any case. */
void order_replace_take(const struct args *args, struct items *revoked);
/* Asks the ledger, where it can be asked, whether that code is the subject's and not revoked yet. Complains by itself. */
enum exit_code order_replace_check(const struct settings *settings, const struct args *args, const char *subject)
    must_check;
/* Both orders; their ids are the draft's with "-1" and "-2" behind it. Errors as draft_sign. */
enum err order_replace_sign(const struct order_draft *add, const struct items *revoked, const struct signers *signers,
    struct bundle *bundle, struct why *why) must_check;

#endif

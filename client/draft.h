/*
 * From what is to be ordered to signed orders: a list too long for one order becomes several, signed in one act.
 */
#ifndef CLIENT_DRAFT_H
#define CLIENT_DRAFT_H

#include "client/bundle.h"

/* How many of the items, from the first on, one order can carry besides its head and the signatures of as many
 * officers as a quorum may ask for. 0 only where the first is too large by itself, or there is none. */
size_t draft_take(const struct slice *items, size_t item_count);

/*
 * Composes and signs the order, or the orders that its items need: then each id is the draft's with "-1", "-2" and
 * so on behind it. ERR_ORDER and the like with the reason.
 */
enum err draft_sign(const struct order_draft *draft, struct signer *const *signers, size_t signer_count,
    struct bundle *bundle, struct why *why) must_check;

#endif

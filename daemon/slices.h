/* The slices of a distrust as the writer makes them: folded, and told to the log. See fold_distrust.c. */
#ifndef DAEMON_SLICES_H
#define DAEMON_SLICES_H

#include "daemon/fold.h"

/* Orders that have trades left to hold, or to look for. */
uint64_t slices_count_pending(struct store_txn *txn);
/* The beginning, for the log: an order that was carried out in a commit before. */
void slices_log_order(struct store_txn *txn, uint64_t order_index, const char *venue_id);
/*
 * Folds the next slice as a command of its own and saves the head; the caller commits. True where its order is done with
 * it, or none was under way. Whatever fails ends the process.
 */
bool slices_fold(struct ledger *ledger, struct store_txn *txn, uint64_t now_us);

#endif

/*
 * What the stored cells lack. A push of one record would rewrite two rows of cells, far from each other, in each commit:
 * so the writer may store cells later than the entries they follow from, and the head says how far they reach (`folded`).
 *
 * Behind that, for at most UNFOLDED_MAX entries, there are only trades that count, the entries of their pushes, and
 * evidence: what such a trade adds to the cells of its parties can be read off it, for nothing has touched it since.
 * Whatever else comes (a refund, an order, a duplicate) is stored together with every cell. So a reader adds these trades,
 * in its own transaction, to what the cells hold, and cells and `folded` are never seen apart.
 *
 * In the writer's own transactions cells are complete, for those it has not stored are in its memory.
 */
#ifndef DAEMON_UNFOLDED_H
#define DAEMON_UNFOLDED_H

#include "daemon/cells.h"
#include "daemon/venues.h"

/*
 * Calls `each` with what the unfolded trades add: for each trade two shares, its supplier's and its buyer's, in the order
 * of entries. Stops on its first error. ERR_DAMAGED where there are entries of other kinds, or too many; ERR_MEMORY.
 */
enum err unfolded_each(struct store_txn *txn, const struct venues *venues,
    enum err (*each)(void *cookie, const struct cell_key *key, const struct cell_sums *sums), void *cookie) must_check;
/* The shares of one enterprise, newest first, by its chain. */
enum err unfolded_each_of(struct store_txn *txn, const struct venues *venues, const struct code *code,
    enum err (*each)(void *cookie, const struct cell_key *key, const struct cell_sums *sums), void *cookie) must_check;

/*
 * In a write transaction that has nothing of it in memory: adds to the cells what they lack or, with `is_removal`, takes
 * it away from complete ones. The head is the caller's. ERR_DAMAGED, ERR_MEMORY.
 */
enum err unfolded_add(struct store_txn *txn, bool is_removal) must_check;

#endif

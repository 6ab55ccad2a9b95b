/*
 * The fold: commands in, entries and state out. Deterministic: it sees the command, its stamp and the state, nothing
 * else, so that the same entries give the same bytes on any machine for ever (rules version 1). The writer applies
 * new commands with it, and a replay the old ones.
 *
 * None of these can refuse; errors stick to the transaction (store_error). The stamp was given to
 * ledger_begin_command before.
 */
#ifndef DAEMON_FOLD_H
#define DAEMON_FOLD_H

#include "daemon/eras.h"
#include "daemon/evidence.h"
#include "daemon/ingest.h"
#include "daemon/orders.h"

/* Entry 0. */
void fold_genesis(struct ledger *ledger, struct store_txn *txn, struct slice note, const struct genesis *genesis);
/* Entry 0 of a ledger that continues others: the state begins as that of the oldest. */
void fold_continued(struct ledger *ledger, struct store_txn *txn, struct slice entry, const struct eras *eras);
/* A checked era begins: its officers, quorums, origin, id and key take the place of those before. */
void fold_era(struct store_txn *txn, const struct era *era);
/* A checked push with at least one new record: a record entry for each, then the push entry, whose index it gives. */
uint64_t fold_push(struct ledger *ledger, struct store_txn *txn, const struct ingest *ingest);
/* A checked order that is not known yet: the order entry, whose index it gives, and its effects. */
uint64_t fold_order(struct ledger *ledger, struct store_txn *txn, const struct order_plan *plan);
/* A conflict that nothing is kept of yet: the evidence entry, whose index it gives. */
uint64_t fold_evidence(struct ledger *ledger, struct store_txn *txn, const struct evidence *evidence);


/*
 * The next slice of the oldest distrust that is not done, of at most slice_trades_max held trades and slice_look_max
 * records looked at: a command of its own, though one that may have no entries. Nothing where none is under way.
 */
void fold_distrust_slice(struct ledger *ledger, struct store_txn *txn);
/* As ledger_stamp, for a slice: it begins 2 us after the entry before or later, so that one can tell it from what is before. */
struct stamp fold_distrust_stamp(const struct ledger *ledger, uint64_t now_us, const uint8_t seed[static 32]);
/*
 * The slice that a replay finds as effects of that order, which must be those of the next trades. ERR_DAMAGED, or what
 * is in the transaction.
 */
enum err fold_distrust_again(struct ledger *ledger, struct store_txn *txn, uint64_t order_index, struct why *why) must_check;
/* At the end of a replay: takes over how far the original has looked, if nothing was to be held on the way. */
enum err fold_distrust_follow(struct ledger *ledger, struct store_txn *txn, struct why *why) must_check;

#endif

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

#include "daemon/evidence.h"
#include "daemon/ingest.h"
#include "daemon/orders.h"

/* Entry 0. */
void fold_genesis(struct ledger *ledger, struct store_txn *txn, struct slice note, const struct genesis *genesis);
/* A checked push with at least one new record: a record entry for each, then the push entry, whose index it gives. */
uint64_t fold_push(struct ledger *ledger, struct store_txn *txn, const struct ingest *ingest);
/* A checked order that is not known yet: the order entry, whose index it gives, and its effects. */
uint64_t fold_order(struct ledger *ledger, struct store_txn *txn, const struct order_plan *plan);
/* A conflict that nothing is kept of yet: the evidence entry, whose index it gives. */
uint64_t fold_evidence(struct ledger *ledger, struct store_txn *txn, const struct evidence *evidence);

#endif

/* What the data file says of the ledger, whatever is in somebody's memory. */
#ifndef TESTS_UNIT_STORED_HEAD_H
#define TESTS_UNIT_STORED_HEAD_H

#include "daemon/ledger.h"

static inline struct ledger_head stored_head(struct store *store)
{
	struct ledger_head head;
	struct store_txn *txn;

	assert_int_equal(store_read(store, &txn), OK);
	assert_int_equal(ledger_read_head(txn, &head), OK);
	store_abort(txn);
	return head;
}

/* How many entries the stored cells lack. */
static inline uint64_t stored_lag(struct store *store)
{
	struct ledger_head head = stored_head(store);

	return head.size - head.folded;
}

#endif

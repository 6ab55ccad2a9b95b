#include "daemon/slices.h"

#include "daemon/log.h"
#include "daemon/memory.h"

static void expect_sound(const struct ledger *ledger, struct store_txn *txn)
{
	if (store_error(txn) != OK)
		log_fatal("stopping: %s while entry %llu was to be written", err_sentence(store_error(txn)),
		    (unsigned long long)ledger->head.size);
}

uint64_t slices_count_pending(struct store_txn *txn)
{
	struct distrust distrust = {0};
	uint64_t count = 0;

	for (uint64_t least = 0; distrust_next(txn, least, &distrust); least = distrust.order_index + 1)
		count += distrust.is_done ? 0 : 1;
	if (store_error(txn) != OK)
		log_fatal("stopping: the rows of distrusted keys: %s", err_sentence(store_error(txn)));
	return count;
}

void slices_log_order(struct store_txn *txn, uint64_t order_index, const char *venue_id)
{
	struct distrust distrust;

	if (!distrust_get(txn, order_index, &distrust))
		return;
	log_notice("entry %llu: a key of %s is distrusted from entry %llu on; %llu trades are held%s",
	    (unsigned long long)order_index, venue_id, (unsigned long long)distrust.from,
	    (unsigned long long)distrust.held, distrust.is_done ? ", which are all" : " so far");
}

bool slices_fold(struct ledger *ledger, struct store_txn *txn, uint64_t now_us)
{
	struct distrust distrust;
	struct stamp stamp;
	uint8_t seed[32];

	if (!distrust_find_pending(txn, &distrust)) {
		expect_sound(ledger, txn);
		return true;
	}
	key_random(seed, sizeof(seed));
	stamp = fold_distrust_stamp(ledger, now_us, seed);
	ledger_begin_command(ledger, &stamp);
	memory_watch();
	fold_distrust_slice(ledger, txn);
	if (memory_was_short())
		store_fail(txn, ERR_MEMORY);
	ledger_save(ledger, txn);
	expect_sound(ledger, txn);
	if (!distrust_get(txn, distrust.order_index, &distrust))
		store_fail(txn, ERR_DAMAGED);
	expect_sound(ledger, txn);
	if (distrust.is_done)
		log_notice("entry %llu: all %llu trades of the distrusted key are held",
		    (unsigned long long)distrust.order_index, (unsigned long long)distrust.held);
	return distrust.is_done;
}

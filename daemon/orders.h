/*
 * Orders against the state: may this order be carried out here and now? Everything is decided by order_check, in the
 * transaction that would carry it out; fold_order then can't refuse.
 */
#ifndef DAEMON_ORDERS_H
#define DAEMON_ORDERS_H

#include "daemon/log_signers.h"

struct order_plan {
	/* Given by the caller: the bytes must outlive the plan. */
	struct slice note_bytes;
	const struct slice *items;
	size_t item_count;
	/* What the daemon can sign with, where the order is new: it takes no key that it could not use. NULL in a replay,
	 * for what was carried out is not asked again. */
	const struct log_signers *signers;

	/* Set by order_plan_decode. */
	struct arena arena;
	struct note note;
	struct order order;

	/* Set by order_check. */
	bool is_known;			/* the same order was carried out already, as entry known_index */
	uint64_t known_index;
};

void order_plan_init(struct order_plan *plan, struct slice note_bytes, const struct slice *items, size_t item_count);
void order_plan_done(struct order_plan *plan);
/* Form only: note, order, items. Any thread. ERR_NOTE, ERR_ORDER, ERR_ORDER_ITEMS, ERR_MEMORY. */
enum err order_plan_decode(struct order_plan *plan, struct why *why) must_check;
/*
 * Ledger, id, expiry, signatures, quorum, and what the type asks for. `today` (YYYYMMDD, Shanghai) is that of the
 * command's stamp. ERR_ORDER_LEDGER, ERR_ORDER_ID, ERR_ORDER_EXPIRED, ERR_UNKNOWN_KEY, ERR_SIGNATURE, ERR_QUORUM,
 * ERR_REFUSED, ERR_DAMAGED.
 */
enum err order_check(struct order_plan *plan, struct store_txn *txn, uint32_t today, struct why *why) must_check;

/*
 * The genesis note of a ledger that continues this one: is it signed as an `officer.add` must be, by officers in office?
 * ERR_QUORUM, ERR_UNKNOWN_KEY, ERR_SIGNATURE.
 */
enum err genesis_check_succession(struct slice note_bytes, struct store_txn *txn, struct why *why) must_check;

#endif

#include "daemon/orders_internal.h"

#include <stdlib.h>
#include <string.h>

#include "proto/date.h"
#include "proto/signatories.h"

void order_plan_init(struct order_plan *plan, struct slice note_bytes, const struct slice *items, size_t item_count)
{
	memset(plan, 0, sizeof(*plan));
	plan->note_bytes = note_bytes;
	plan->items = items;
	plan->item_count = item_count;
	arena_init(&plan->arena, ORDER_ARENA_SIZE);
}

void order_plan_done(struct order_plan *plan)
{
	arena_done(&plan->arena);
}

enum err order_plan_decode(struct order_plan *plan, struct why *why)
{
	enum err err = note_parse(plan->note_bytes, &plan->note, why);

	if (err != OK)
		return err;
	return order_parse(plan->note.text, plan->items, plan->item_count, &plan->arena, &plan->order, why);
}

/* ---- who signed */

static enum err find_signatories(struct store_txn *txn, const struct note *note, struct signatories *ret_signatories)
{
	struct store_cursor cursor;
	struct officer officer;
	enum err err = OK;

	ret_signatories->count = 0;
	store_cursor_open(&cursor, txn, STORE_OFFICERS);
	for (bool is_there = store_cursor_first(&cursor); is_there && err == OK;
	     is_there = store_cursor_next(&cursor)) {
		if (officer_decode(cursor.key, cursor.value, &officer))
			signatories_add(ret_signatories, note, &officer);
		else
			err = ERR_DAMAGED;
	}
	store_cursor_close(&cursor);
	return err == OK ? store_error(txn) : err;
}

static enum err check_signatures(const struct order_plan *plan, struct store_txn *txn, struct signatories *signatories,
    bool *ret_is_quorum, struct why *why)
{
	struct quorums quorums;
	enum err err = find_signatories(txn, &plan->note, signatories);

	if (err == OK)
		err = quorums_get(txn, &quorums);
	if (err == OK)
		err = signatories_verify(signatories, &plan->note, &plan->order, &quorums, ret_is_quorum, why);
	return err;
}

/* ---- the same order again */

static enum err check_id(struct order_plan *plan, struct store_txn *txn, struct why *why)
{
	struct entry entry;
	struct note note;
	uint64_t index;
	enum err err;

	if (!order_find(txn, slice_text(plan->order.id), &index))
		return store_error(txn);
	err = ledger_entry(txn, index, &plan->arena, &entry);
	if (err == ERR_MEMORY)
		return err;
	if (err != OK || entry.kind != ENTRY_ORDER || note_parse(entry.order.note, &note, NULL) != OK)
		return ERR_DAMAGED;
	if (!slice_equal(note.text, plan->note.text))
		return why_set(why, ERR_ORDER_ID,
		    "entry %llu is another order with the id %s; give this one an id of its own",
		    (unsigned long long)index, plan->order.id);
	plan->is_known = true;
	plan->known_index = index;
	return OK;
}

/* ---- the whole */

static enum err check_form(const struct order *order, struct store_txn *txn, uint32_t today, struct why *why)
{
	char limit[DATE_TEXT_SIZE];
	uint64_t size = ledger_size(txn);

	if (order->expires < today || order->expires > date_add_days(today, ORDER_EXPIRY_DAYS_MAX)) {
		date_format(date_add_days(today, ORDER_EXPIRY_DAYS_MAX), limit);
		return why_set(why, ERR_ORDER_EXPIRED,
		    "an order must expire today at the earliest and on %s at the latest", limit);
	}
	if (order->made_at_size > size)
		return why_set(why, ERR_ORDER_LEDGER,
		    "the order was made at size %llu, but this ledger holds %llu entries",
		    (unsigned long long)order->made_at_size, (unsigned long long)size);
	return store_error(txn);
}

enum err order_check(struct order_plan *plan, struct store_txn *txn, uint32_t today, struct why *why)
{
	struct signatories *signatories = NULL;
	struct ledger_identity identity;
	bool is_quorum = false;
	enum err err;

	plan->is_known = false;
	err = ledger_read_identity(txn, &identity);
	if (err != OK)
		return err;
	if (strcmp(identity.origin, plan->order.origin) != 0 || strcmp(identity.ledger_id, plan->order.ledger_id) != 0)
		return why_set(why, ERR_ORDER_LEDGER, "the order is for ledger %s of %s; this is ledger %s of %s",
		    plan->order.ledger_id, plan->order.origin, identity.ledger_id, identity.origin);
	signatories = malloc(sizeof(*signatories));
	if (signatories == NULL)
		return ERR_MEMORY;
	err = check_signatures(plan, txn, signatories, &is_quorum, why);
	free(signatories);
	if (err != OK)
		return err;
	err = check_id(plan, txn, why);
	if (err != OK || plan->is_known)
		return err;
	if (!is_quorum)
		return ERR_QUORUM;
	err = check_form(&plan->order, txn, today, why);
	if (err != OK)
		return err;
	return order_check_type(plan, txn, today, why);
}

enum err genesis_check_succession(struct slice note_bytes, struct store_txn *txn, struct why *why)
{
	struct signatories *signatories = malloc(sizeof(*signatories));
	struct order *as = calloc(1, sizeof(*as)); /* whoever may add officers may replace them all */
	struct quorums quorums;
	struct note note;
	bool is_quorum = false;
	enum err err = signatories == NULL || as == NULL ? ERR_MEMORY : note_parse(note_bytes, &note, why);

	if (err == OK)
		err = find_signatories(txn, &note, signatories);
	if (err == OK)
		err = quorums_get(txn, &quorums);
	if (err == OK) {
		as->type = ORDER_OFFICER_ADD;
		err = signatories_verify(signatories, &note, as, &quorums, &is_quorum, why);
	}
	if (err == OK && !is_quorum)
		err = ERR_QUORUM;
	free(as);
	free(signatories);
	return err;
}

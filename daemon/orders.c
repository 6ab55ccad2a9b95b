#include "daemon/orders_internal.h"

#include <stdlib.h>
#include <string.h>

#include "proto/date.h"

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

/* A note can carry NOTE_SIGNATURES_MAX lines, so no more keys than that can matter. */
struct candidates {
	size_t count;
	struct key keys[NOTE_SIGNATURES_MAX];
	struct officer officers[NOTE_SIGNATURES_MAX]; /* whose key it is */
};

static enum err find_candidates(struct store_txn *txn, const struct note *note, struct candidates *ret_candidates)
{
	struct store_cursor cursor;
	struct officer officer;
	enum err err = OK;

	ret_candidates->count = 0;
	store_cursor_open(&cursor, txn, STORE_OFFICERS);
	for (bool is_there = store_cursor_first(&cursor); is_there && err == OK;
	     is_there = store_cursor_next(&cursor)) {
		if (!officer_decode(cursor.key, cursor.value, &officer)) {
			err = ERR_DAMAGED;
			break;
		}
		for (size_t i = 0; i < officer.key_count && ret_candidates->count < NOTE_SIGNATURES_MAX; i++) {
			if (!note_names_key(note, &officer.keys[i]))
				continue;
			ret_candidates->keys[ret_candidates->count] = officer.keys[i];
			ret_candidates->officers[ret_candidates->count++] = officer;
		}
	}
	store_cursor_close(&cursor);
	return err == OK ? store_error(txn) : err;
}

/* Roles of the officers, each named once, whose signature holds. */
static size_t signer_roles(
    const struct candidates *candidates, uint64_t signed_by, enum officer_role ret_roles[static NOTE_SIGNATURES_MAX])
{
	const char *names[NOTE_SIGNATURES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < candidates->count; i++) {
		bool is_new = (signed_by >> i & 1) != 0;

		for (size_t known = 0; known < count && is_new; known++)
			is_new = strcmp(names[known], candidates->officers[i].name) != 0;
		if (!is_new)
			continue;
		names[count] = candidates->officers[i].name;
		ret_roles[count++] = candidates->officers[i].role;
	}
	return count;
}

static bool are_all_enterprises(const struct order *order)
{
	if (order->type != ORDER_GRANT_ADD)
		return false;
	for (size_t i = 0; i < order->item_count; i++)
		if (order->items[i].grant.subject != SUBJECT_ENTERPRISE)
			return false;
	return true;
}

static enum err check_signatures(const struct order_plan *plan, struct store_txn *txn, struct candidates *candidates,
    bool *ret_is_quorum, struct why *why)
{
	enum officer_role roles[NOTE_SIGNATURES_MAX];
	struct quorums quorums;
	const struct quorum *quorum;
	uint64_t signed_by;
	size_t role_count;
	struct why wanted;
	enum err err = find_candidates(txn, &plan->note, candidates);

	if (err != OK)
		return err;
	err = note_verify(&plan->note, candidates->keys, candidates->count, &signed_by);
	if (err == ERR_UNKNOWN_KEY)
		return why_set(why, err, "no officer in office has signed this order");
	if (err != OK)
		return why_set(why, err, "a signature does not match the order's text; it was changed after signing");
	err = quorums_get(txn, &quorums);
	if (err != OK)
		return err;
	role_count = signer_roles(candidates, signed_by, roles);
	quorum = quorum_for(&quorums, plan->order.type, are_all_enterprises(&plan->order));
	*ret_is_quorum = quorum_is_met(quorum, roles, role_count);
	if (!*ret_is_quorum) {
		quorum_format(quorum, &wanted);
		why_set(why, ERR_QUORUM,
		    "%s needs the signatures of %s, each another officer; %zu of the officers in office signed",
		    order_type_name(plan->order.type), wanted.text, role_count);
	}
	return OK;
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
	struct candidates *candidates = NULL;
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
	candidates = malloc(sizeof(*candidates));
	if (candidates == NULL)
		return ERR_MEMORY;
	err = check_signatures(plan, txn, candidates, &is_quorum, why);
	free(candidates);
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
	return order_check_type(&plan->order, txn, today, why);
}

/* ---- genesis */

/* Every officer must have signed with at least one key. */
static enum err check_officers_signed(const struct note *note, const struct genesis *genesis, struct why *why)
{
	for (size_t i = 0; i < genesis->officer_count; i++) {
		const struct officer *officer = &genesis->officers[i];
		uint64_t signed_by;
		enum err err = note_verify(note, officer->keys, officer->key_count, &signed_by);

		if (err == ERR_UNKNOWN_KEY)
			return why_set(why, ERR_QUORUM,
			    "officer %s has not signed the genesis; every officer it names must", officer->name);
		if (err != OK)
			return why_set(
			    why, err, "the signature of officer %s does not match the genesis", officer->name);
	}
	return OK;
}

enum err genesis_check(
    struct slice note_bytes, bool needs_ledger_signature, struct genesis *ret_genesis, struct why *why)
{
	struct genesis *genesis = malloc(sizeof(*genesis));
	struct note note;
	uint64_t signed_by;
	enum err err;

	if (genesis == NULL)
		return ERR_MEMORY;
	err = note_parse(note_bytes, &note, why);
	if (err == OK)
		err = genesis_parse(note.text, genesis, why);
	if (err == OK)
		err = check_officers_signed(&note, genesis, why);
	if (err == OK && needs_ledger_signature) {
		err = note_verify(&note, &genesis->ledger_key, 1, &signed_by);
		if (err != OK)
			err = why_set(why, err, "the ledger's own signature under the genesis is missing or wrong");
	}
	if (err == OK)
		*ret_genesis = *genesis;
	free(genesis);
	return err;
}

/*
 * An enterprise's chain as a table, newest first. A row shows the entry itself, and, of a trade, how it stands at the
 * asked size: what was refunded, and what each policy says of it.
 */
#include <string.h>

#include "daemon/past.h"
#include "daemon/query_internal.h"
#include "daemon/venues.h"
#include "proto/text.h"

struct trades_view {
	struct store_txn *txn;
	struct past past;
	struct venues venues;
	struct array policies;
};

static json_t *flag(bool value)
{
	return json_boolean(value);
}

/* What the register called a party at the size; else what the trade calls it; else null. */
static enum err party_name(
    const struct trades_view *view, const struct code *code, struct slice claim, json_t **ret_json)
{
	struct account account;

	if (account_get(view->txn, code, &account) && account.index < view->past.size)
		return query_take(json_string(account.name), ret_json);
	if (store_error(view->txn) != OK)
		return store_error(view->txn);
	return query_take(query_slice_or_null(claim), ret_json);
}

/* ---- what the policies say of a trade */

static json_t *verdict(const struct policy *policy, enum policy_gate gate)
{
	bool is_eligible = gate == GATE_ELIGIBLE;

	return json_pack("{s:s, s:b, s:s, s:o}", "policy", policy->id, "eligible", is_eligible, "gate",
	    policy_gate_name(gate), "reason", is_eligible ? json_null() : json_string(policy_gate_sentence(gate)));
}

static const char *state_sentence(enum trade_state state)
{
	return state == TRADE_HELD ? T("an order holds this trade") : T("an order voided this trade");
}

static json_t *verdict_uncounted(
    const struct policy *policy, enum disposition disposition, const struct touched *touched)
{
	return json_pack("{s:s, s:b, s:n, s:o}", "policy", policy->id, "eligible", 0, "gate", "reason",
	    disposition == DISPOSITION_COUNTED ? json_string(state_sentence(touched->state))
					       : query_disposition_reason(disposition));
}

static enum err add_verdicts(
    const struct trades_view *view, const struct chain_item *item, enum side side, json_t *rows)
{
	const struct account *account = past_account(&view->past);
	uint16_t venue_number = venues_number(&view->venues, item->entry.record.venue);
	struct touched touched;
	struct policy_fact fact;
	enum err err = OK;

	if (item->record.kind != RECORD_TRADE)
		return OK;
	past_touched(&view->past, item->index, &touched);
	for (size_t i = 0; i < view->policies.count && err == OK; i++) {
		const struct query_policy *row = array_at(&view->policies, i);
		const struct policy *policy = &row->policy;

		if (item->entry.record.disposition != DISPOSITION_COUNTED || touched.state != TRADE_COUNTED) {
			err = query_append(rows, verdict_uncounted(policy, item->entry.record.disposition, &touched));
			continue;
		}
		fact = life_fact(&item->trade, venues_id(&view->venues, venue_number), side,
		    past_is_related(&view->past, side == SIDE_SUPPLIER ? &item->buyer : &item->supplier), &touched);
		err = query_append(rows, verdict(policy, policy_gate(policy, life_lists_ok(policy, account), &fact)));
	}
	return err == OK ? store_error(view->txn) : err;
}

/* ---- what orders did */

/* The reason that an order without items gives for all its effects: of a venue's key that is distrusted. */
static enum err body_reason(struct slice note_bytes, json_t **ret_json)
{
	struct note note;
	struct order *order = malloc(sizeof(*order));
	struct arena arena;
	enum err err = order == NULL ? ERR_MEMORY : note_parse(note_bytes, &note, NULL);

	arena_init(&arena, ORDER_ARENA_SIZE);
	if (err == OK)
		err = order_parse(note.text, NULL, 0, &arena, order, NULL);
	if (err == OK) {
		*ret_json = json_string(order->reason);
		err = *ret_json != NULL ? OK : ERR_MEMORY;
	}
	arena_done(&arena);
	free(order);
	return err;
}

/* The reason that an order's item line gives; of an order without items that of its body. */
static enum err item_reason(struct store_txn *txn, uint64_t order_index, uint32_t place, json_t **ret_json)
{
	json_t *line = NULL, *reason = NULL;
	struct arena arena;
	struct entry order;
	enum err err;

	arena_init(&arena, CHAIN_ARENA_SIZE);
	err = ledger_entry(txn, order_index, &arena, &order);
	if (err == OK && order.kind != ENTRY_ORDER)
		err = ERR_DAMAGED;
	if (err == OK && order.order.item_count == 0) {
		err = body_reason(order.order.note, ret_json);
		goto out;
	}
	if (err == OK && place >= order.order.item_count)
		err = ERR_DAMAGED;
	if (err == OK) {
		line = json_loadb((const char *)order.order.items[place].data, order.order.items[place].size, 0, NULL);
		reason = json_object_get(line, "reason");
		err = reason != NULL ? OK : ERR_DAMAGED;
	}
	if (err == OK)
		*ret_json = json_incref(reason);
	json_decref(line);
out:
	arena_done(&arena);
	return err == OK || err == ERR_MEMORY ? err : ERR_DAMAGED;
}

/* The reason behind an effect, by the effect's index. */
static enum err effect_reason(struct store_txn *txn, uint64_t effect_index, json_t **ret_json)
{
	struct arena arena;
	struct entry effect;
	enum err err;

	arena_init(&arena, CHAIN_ARENA_SIZE);
	err = ledger_entry(txn, effect_index, &arena, &effect);
	if (err == OK && effect.kind != ENTRY_EFFECT)
		err = ERR_DAMAGED;
	if (err == OK)
		err = item_reason(txn, effect.effect.order_index, effect.effect.item, ret_json);
	arena_done(&arena);
	return err == OK || err == ERR_MEMORY ? err : ERR_DAMAGED;
}

/* ---- rows */

static enum err update(json_t *row, json_t *more)
{
	enum err err = more != NULL && json_object_update(row, more) == 0 ? OK : ERR_MEMORY;

	json_decref(more);
	return err;
}

/*
 * The fields of the record itself. A duplicate may be of a trade between others that was pushed under a number already
 * taken: it is then on the chain of the first trade's parties, and its figures are none of theirs.
 */
static enum err add_trade_fields(const struct trades_view *view, const struct chain_item *item, json_t *row)
{
	const struct trade *trade = &item->record.trade;
	struct slice code = code_slice(&view->past.code);
	struct touched touched = {0};

	if (!slice_equal(trade->supplier, code) && !slice_equal(trade->buyer, code))
		return update(row, json_pack("{s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n}", "contract_no",
				       "product_name", "product_kind", "signed_on", "settled_on", "amount", "tax",
				       "refunded", "instalment", "related_declared", "other_subsidy"));
	if (item->entry.record.disposition == DISPOSITION_COUNTED)
		past_touched(&view->past, item->index, &touched);
	return update(row,
	    json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s}", "contract_no",
		query_slice(trade->contract_no), "product_name", query_slice(trade->product_name), "product_kind",
		product_kind_name(trade->product_kind), "signed_on", query_date(trade->signed_on), "settled_on",
		query_date(trade->settled_on), "amount", query_money((int64_t)trade->amount_fen), "tax",
		query_money((int64_t)trade->tax_fen), "refunded", query_money((int64_t)touched.refunded_fen),
		"instalment", query_number(trade->instalment), "related_declared",
		declaration_name(trade->related_declared), "other_subsidy", declaration_name(trade->other_subsidy)));
}

/* How the trade stands at the size; null where it never counted. */
static enum err add_state(const struct trades_view *view, const struct chain_item *item, json_t *row)
{
	struct touched touched;
	json_t *reason = NULL;
	enum err err;

	if (item->entry.record.disposition != DISPOSITION_COUNTED)
		return update(row, json_pack("{s:n, s:n, s:n}", "state", "state_reason", "state_index"));
	past_touched(&view->past, item->index, &touched);
	if (touched.state != TRADE_COUNTED) {
		err = effect_reason(view->txn, touched.state_index, &reason);
		if (err != OK)
			return err;
	}
	return update(
	    row, json_pack("{s:s, s:o?, s:o}", "state", trade_state_name(touched.state), "state_reason", reason,
		     "state_index", query_index(touched.state == TRADE_COUNTED ? 0 : touched.state_index)));
}

static enum err add_refund_fields(const struct chain_item *item, json_t *row)
{
	const struct refund *refund = &item->record.refund;

	return update(row,
	    json_pack("{s:o, s:o, s:o, s:o, s:o}", "original_trade_no", query_slice(refund->original_trade_no),
		"occurred_on", query_date(refund->occurred_on), "amount", query_money((int64_t)refund->amount_fen),
		"tax", query_money((int64_t)refund->tax_fen), "refund_reason", query_slice_or_null(refund->reason)));
}

static enum err record_row(const struct trades_view *view, const struct chain_item *item, json_t **ret_row)
{
	enum side side = code_equal(&item->supplier, &view->past.code) ? SIDE_SUPPLIER : SIDE_BUYER;
	const struct code *other = side == SIDE_SUPPLIER ? &item->buyer : &item->supplier;
	struct slice claim = side == SIDE_SUPPLIER ? item->trade.buyer_name : item->trade.supplier_name;
	bool is_trade = item->record.kind == RECORD_TRADE;
	json_t *row = NULL, *verdicts = json_array(), *name = NULL;
	enum err err;

	err = party_name(view, other, claim, &name);
	if (err == OK)
		err = add_verdicts(view, item, side, verdicts);
	if (err != OK) {
		json_decref(name);
		json_decref(verdicts);
		return err;
	}
	row = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o}", "index",
	    query_number(item->index), "time", query_time(item->entry.time_us), "kind", is_trade ? "trade" : "refund",
	    "venue", query_slice(item->entry.record.venue), "feed_index", query_number(item->entry.record.feed_index),
	    "number", query_slice(record_number(&item->record)), "side", query_side_name(side), "counterparty",
	    other->text, "counterparty_name", name, "related_listed", flag(past_is_related(&view->past, other)),
	    "disposition", disposition_name(item->entry.record.disposition), "reason",
	    query_disposition_reason(item->entry.record.disposition), "refers", query_index(item->entry.record.refers),
	    "policies", verdicts);
	if (row == NULL)
		return ERR_MEMORY;
	err = is_trade ? add_trade_fields(view, item, row) : add_refund_fields(item, row);
	if (err == OK && is_trade)
		err = add_state(view, item, row);
	if (err != OK) {
		json_decref(row);
		return err;
	}
	*ret_row = row;
	return OK;
}

static json_t *effect_lists(const struct entry *entry)
{
	json_t *lists = json_array();

	for (size_t i = 0; i < entry->effect.list_count; i++) {
		if (query_append(lists, query_slice(entry->effect.lists[i])) != OK) {
			json_decref(lists);
			return NULL;
		}
	}
	return lists;
}

static enum err related_row(const struct trades_view *view, const struct chain_item *item, json_t **ret_row)
{
	struct code other = code_of(item->entry.effect.code);
	json_t *name;
	enum err err;

	if (code_equal(&other, &view->past.code))
		other = code_of(item->entry.effect.second);
	err = party_name(view, &other, slice_of(NULL, 0), &name);
	if (err != OK)
		return err;
	return query_take(json_pack("{s:s, s:o}", "counterparty", other.text, "counterparty_name", name), ret_row);
}

/* What the order's item gave as its reason, and what it was about. */
static enum err reasoned_row(const struct trades_view *view, const struct chain_item *item, json_t **ret_row)
{
	const struct entry *entry = &item->entry;
	json_t *reason;
	enum err err = item_reason(view->txn, entry->effect.order_index, entry->effect.item, &reason);

	if (err != OK)
		return err;
	if (entry->effect.kind == EFFECT_DELISTED)
		return query_take(
		    json_pack("{s:o, s:o}", "lists", effect_lists(entry), "effect_reason", reason), ret_row);
	return query_take(json_pack("{s:o, s:o, s:o, s:o}", "venue", query_slice(entry->effect.venue), "number",
			      query_slice(entry->effect.trade_no), "refers", query_index(entry->effect.trade_index),
			      "effect_reason", reason),
	    ret_row);
}

static enum err effect_row(const struct trades_view *view, const struct chain_item *item, json_t **ret_row)
{
	const struct entry *entry = &item->entry;
	json_t *row = NULL;
	enum err err = OK;

	switch (entry->effect.kind) {
	case EFFECT_REGISTERED:
		err = query_take(
		    json_pack("{s:o, s:o}", "name", query_slice(entry->effect.name), "lists", effect_lists(entry)),
		    &row);
		break;
	case EFFECT_RELATED: err = related_row(view, item, &row); break;
	case EFFECT_DELISTED:
	case EFFECT_HELD:
	case EFFECT_RELEASED:
	case EFFECT_VOIDED: err = reasoned_row(view, item, &row); break;
	}
	if (err == OK)
		err = update(row, json_pack("{s:o, s:o, s:s}", "index", query_number(item->index), "time",
				      query_time(entry->time_us), "kind", effect_kind_name(entry->effect.kind)));
	if (err != OK) {
		json_decref(row);
		return err;
	}
	*ret_row = row;
	return OK;
}

/* ---- the page */

static enum err fill_page(const struct trades_view *view, struct query_page *page, json_t *rows, struct why *why)
{
	struct chain chain;
	struct chain_item item;
	json_t *row = NULL;
	uint64_t last = 0;
	enum err err = OK;

	if (page->after >= view->past.size)
		return why_set(why, ERR_BAD_REQUEST, "there is no page after entry %llu; start from the first page",
		    (unsigned long long)page->after);
	if (page->after != 0)
		chain_begin_after(&chain, view->txn, &view->past.code, page->after, page->limit + 1);
	else
		chain_begin(&chain, view->txn, &view->past.code, view->past.size, AS_OF_WALK_MAX);
	while (err == OK && json_array_size(rows) < page->limit && chain_next(&chain, &item)) {
		err = item.entry.kind == ENTRY_RECORD ? record_row(view, &item, &row) : effect_row(view, &item, &row);
		if (err == OK)
			err = query_append(rows, row);
		last = item.index;
	}
	if (err == OK)
		err = chain.err;
	if (err == OK)
		page->ret_after = chain.next_index != 0 ? last : 0;
	chain_done(&chain);
	if (err == ERR_BAD_REQUEST)
		why_set(why, err, "there is no page after entry %llu; start from the first page",
		    (unsigned long long)page->after);
	return err;
}

enum err query_trades(struct store_txn *txn, const struct code *code, uint64_t size, struct query_page *page,
    json_t **ret_json, struct why *why)
{
	struct trades_view view = {.txn = txn};
	json_t *rows = json_array(), *name = NULL;
	uint64_t steps_left = AS_OF_WALK_MAX;
	enum err err;

	array_init(&view.policies, sizeof(struct query_policy));
	err = past_open(&view.past, txn, code, size, false, &steps_left, why);
	if (err == OK)
		err = venues_read(txn, &view.venues);
	if (err == OK)
		err = query_policies_in_force(txn, size, NULL, &view.policies, why);
	if (err == OK)
		err = fill_page(&view, page, rows, why);
	if (err == OK)
		err = query_name(txn, code, size, past_account(&view.past), &name);
	if (err == OK)
		err = query_take(json_pack("{s:s, s:o, s:o, s:O}", "code", code->text, "name", name, "ledger_size",
				     query_number(size), "trades", rows),
		    ret_json);
	json_decref(rows);
	array_done(&view.policies);
	venues_done(&view.venues);
	past_done(&view.past);
	return err;
}

/*
 * Rules version 1, the orders' part: what each does to the state, and the effects it leaves on enterprises' chains.
 * Everything was decided by order_check; nothing here can refuse.
 */
#include "daemon/fold_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/chain.h"

/* ---- venues */

/* An empty feed for the venue's generation. */
static void open_feed(struct store_txn *txn, const struct venue *venue)
{
	struct feed feed = {.number = feed_count(txn) + 1};

	frontier_init(&feed.frontier);
	feed_put(txn, venue->number, venue->generation, &feed);
}

static void license_venue(struct store_txn *txn, const struct order *order, uint64_t order_index)
{
	struct venue venue = {
	    .generation = 1, .license_index = order_index, .version = order_index, .key_count = order->venue_key_count};

	memcpy(venue.id, order->venue, sizeof(venue.id));
	memcpy(venue.name, order->venue_name, sizeof(venue.name));
	memcpy(venue.keys, order->venue_keys, sizeof(venue.keys));
	for (size_t i = 0; i < venue.key_count; i++)
		venue.key_since[i] = order_index;
	venue.number = (uint16_t)(venue_count(txn) + 1);
	venue_put(txn, &venue);
	store_create_trades(txn, venue.number);
	open_feed(txn, &venue);
}

/* order_check found the venue. */
static bool read_venue(struct store_txn *txn, const struct order *order, struct venue *ret_venue)
{
	if (venue_get(txn, slice_text(order->venue), ret_venue))
		return true;
	store_fail(txn, ERR_DAMAGED);
	return false;
}

static void suspend_venue(struct store_txn *txn, const struct order *order, uint64_t order_index)
{
	struct venue venue;

	if (!read_venue(txn, order, &venue))
		return;
	venue.suspended_index = order->type == ORDER_VENUE_SUSPEND ? order_index : 0;
	venue.version = order_index;
	venue_put(txn, &venue);
}

void fold_retire_key(struct venue *venue, size_t place, uint64_t order_index)
{
	struct venue_retired *retired = &venue->retired[venue->retired_count++];
	size_t behind = venue->key_count - place - 1;

	retired->key = venue->keys[place];
	retired->since = venue->key_since[place];
	retired->until = order_index;
	memmove(&venue->keys[place], &venue->keys[place + 1], behind * sizeof(venue->keys[0]));
	memmove(&venue->key_since[place], &venue->key_since[place + 1], behind * sizeof(venue->key_since[0]));
	venue->key_count--;
}

static void change_keys(struct store_txn *txn, const struct order *order, uint64_t order_index)
{
	struct venue venue;

	if (!read_venue(txn, order, &venue))
		return;
	for (size_t i = 0; i < order->revoked_key_count; i++)
		for (size_t place = venue.key_count; place > 0; place--)
			if (key_equal(&venue.keys[place - 1], &order->revoked_keys[i]))
				fold_retire_key(&venue, place - 1, order_index);
	for (size_t i = 0; i < order->venue_key_count; i++) {
		venue.keys[venue.key_count] = order->venue_keys[i];
		venue.key_since[venue.key_count++] = order_index;
	}
	venue.version = order_index;
	/* The old feed stays as it is, closed by there being a later one. */
	if (order->is_new_generation) {
		venue.generation++;
		open_feed(txn, &venue);
	}
	venue_put(txn, &venue);
}

/* ---- enterprises */

static void register_enterprise(
    struct ledger *ledger, struct store_txn *txn, const struct order_item *item, uint64_t order_index, uint32_t place)
{
	struct entry entry = {.kind = ENTRY_EFFECT};
	struct account account = {.list_count = item->list_count};
	struct code code = code_of(item->code);

	entry.effect.order_index = order_index;
	entry.effect.item = place;
	entry.effect.kind = EFFECT_REGISTERED;
	entry.effect.code = item->code;
	entry.effect.name = item->name;
	entry.effect.list_count = item->list_count;
	memcpy(entry.effect.lists, item->lists, sizeof(entry.effect.lists));
	fold_set_links(txn, &code, 1, &entry);
	account.index = ledger_append(ledger, txn, &entry);
	fold_advance_parties(txn, &code, 1, account.index);
	memcpy(account.name, item->name.data, item->name.size);
	for (size_t i = 0; i < item->list_count; i++)
		memcpy(account.lists[i], item->lists[i].data, item->lists[i].size);
	account_put(txn, &code, &account);
}

/* Is the list among those to take away? None named: all are. */
static bool is_taken(const struct order_item *item, const char *list)
{
	for (size_t i = 0; i < item->list_count; i++)
		if (slice_equal(item->lists[i], slice_text(list)))
			return true;
	return item->list_count == 0;
}

static void delist_enterprise(
    struct ledger *ledger, struct store_txn *txn, const struct order_item *item, uint64_t order_index, uint32_t place)
{
	struct entry entry = {.kind = ENTRY_EFFECT};
	struct account account, left;
	struct code code = code_of(item->code);

	if (!account_get(txn, &code, &account)) {
		store_fail(txn, ERR_DAMAGED);
		return;
	}
	left = account;
	left.list_count = 0;
	entry.effect.order_index = order_index;
	entry.effect.item = place;
	entry.effect.kind = EFFECT_DELISTED;
	entry.effect.code = item->code;
	for (size_t i = 0; i < account.list_count; i++) {
		if (is_taken(item, account.lists[i]))
			entry.effect.lists[entry.effect.list_count++] = slice_text(account.lists[i]);
		else
			memcpy(left.lists[left.list_count++], account.lists[i], sizeof(account.lists[i]));
	}
	fold_set_links(txn, &code, 1, &entry);
	left.index = ledger_append(ledger, txn, &entry);
	fold_advance_parties(txn, &code, 1, left.index);
	account_put(txn, &code, &left);
}

/* Past trades between the two go to the cells of listed relations. order_check counted them. */
static void refile_past_trades(
    struct store_txn *txn, const struct code *first, const struct code *second, uint64_t size)
{
	struct venue venue = {0};
	struct chain chain;
	struct chain_item item;

	/* The items before this one may have added their effects to what order_check walked. */
	chain_begin(&chain, txn, first, size, RELATE_WALK_MAX + ORDER_ITEMS_MAX);
	while (chain_next(&chain, &item)) {
		struct touched touched;

		if (item.entry.kind != ENTRY_RECORD || item.record.kind != RECORD_TRADE ||
		    item.entry.record.disposition != DISPOSITION_COUNTED ||
		    !(code_equal(&item.supplier, second) || code_equal(&item.buyer, second)))
			continue;
		if (!slice_equal(slice_text(venue.id), item.entry.record.venue) &&
		    !venue_get(txn, item.entry.record.venue, &venue))
			break;
		touched_get(txn, item.index, &touched);
		if (touched.state != TRADE_COUNTED)
			continue; /* in no counted cell; a release files it by the relations of its day */
		fold_refile(txn, &item.trade, venue.number, false, &touched, NULL);
		fold_refile(txn, &item.trade, venue.number, true, NULL, &touched);
	}
	if (chain.err != OK)
		store_fail(txn, chain.err == ERR_TOO_LARGE ? ERR_DAMAGED : chain.err);
	chain_done(&chain);
}

static void relate_enterprises(
    struct ledger *ledger, struct store_txn *txn, const struct order_item *item, uint64_t order_index, uint32_t place)
{
	struct entry entry = {.kind = ENTRY_EFFECT};
	struct code codes[2] = {code_of(item->code), code_of(item->second)};
	uint64_t index;

	entry.effect.order_index = order_index;
	entry.effect.item = place;
	entry.effect.kind = EFFECT_RELATED;
	entry.effect.code = item->code;
	entry.effect.second = item->second;
	fold_set_links(txn, codes, 2, &entry);
	index = ledger_append(ledger, txn, &entry);
	refile_past_trades(txn, &codes[0], &codes[1], index);
	fold_advance_parties(txn, codes, 2, index);
	relation_put(txn, &codes[0], &codes[1], index);
}

/* ---- trades */

static enum effect_kind effect_of(enum order_type type)
{
	return type == ORDER_TRADE_HOLD ? EFFECT_HELD : type == ORDER_TRADE_RELEASE ? EFFECT_RELEASED : EFFECT_VOIDED;
}

static enum trade_state state_of(enum effect_kind kind)
{
	return kind == EFFECT_HELD ? TRADE_HELD : kind == EFFECT_RELEASED ? TRADE_COUNTED : TRADE_VOIDED;
}

/* Moves a trade between the cells of those that count and those of the others. */
static void move_trade(struct store_txn *txn, const struct chain_item *trade, uint16_t venue_number,
    const struct touched *before, const struct touched *after)
{
	const struct uncounted uncounted = {
	    .trade = &trade->trade, .supplier = &trade->supplier, .buyer = &trade->buyer, .venue_number = venue_number};
	bool was_counted = before->state == TRADE_COUNTED, is_counted = after->state == TRADE_COUNTED;
	uint64_t relation;
	bool is_listed = relation_get(txn, &trade->supplier, &trade->buyer, &relation);

	if (was_counted == is_counted)
		return;
	fold_refile(
	    txn, &trade->trade, venue_number, is_listed, was_counted ? before : NULL, is_counted ? after : NULL);
	fold_file_uncounted(txn, &uncounted, is_counted);
}

/* What an order did behind a distrust is left as it is by the distrust's later slices: they must see that it was done. */
static uint64_t state_index_of(
    struct store_txn *txn, const struct trade_change *change, enum trade_state state, uint64_t index)
{
	return state != TRADE_COUNTED || distrust_of_venue(txn, change->venue_number) ? index : 0;
}

void fold_change_trade(
    struct ledger *ledger, struct store_txn *txn, const struct trade_change *change, const struct chain_item *trade)
{
	struct code codes[2] = {trade->supplier, trade->buyer};
	struct entry entry = {.kind = ENTRY_EFFECT};
	struct touched before, after;
	uint64_t index;

	entry.effect.order_index = change->order_index;
	entry.effect.item = change->item;
	entry.effect.kind = change->kind;
	entry.effect.venue = change->venue;
	entry.effect.trade_no = change->trade_no;
	entry.effect.trade_index = trade->index;
	fold_set_links(txn, codes, 2, &entry);
	index = ledger_append(ledger, txn, &entry);
	fold_advance_parties(txn, codes, 2, index);
	touched_get(txn, trade->index, &before);
	after = before;
	after.state = state_of(change->kind);
	after.state_index = state_index_of(txn, change, after.state, index);
	touched_put(txn, trade->index, &after);
	move_trade(txn, trade, change->venue_number, &before, &after);
}

static void change_trades(struct ledger *ledger, struct store_txn *txn, const struct order *order, uint64_t order_index)
{
	struct venue *venue = malloc(sizeof(*venue));
	struct chain_item trade;
	struct arena arena;
	uint64_t index;
	enum err err = venue == NULL ? ERR_MEMORY : OK;

	arena_init(&arena, CHAIN_ARENA_SIZE);
	for (size_t i = 0; i < order->item_count && err == OK; i++) {
		struct trade_change change = {.kind = effect_of(order->type),
		    .order_index = order_index,
		    .item = (uint32_t)i,
		    .venue = order->items[i].venue,
		    .trade_no = order->items[i].trade_no};

		arena_reset(&arena);
		if (!venue_get(txn, change.venue, venue) || !trade_find(txn, venue->number, change.trade_no, &index))
			err = ERR_DAMAGED;
		else
			err = chain_item_read(txn, index, &arena, &trade);
		if (err != OK)
			break;
		change.venue_number = venue->number;
		fold_change_trade(ledger, txn, &change, &trade);
	}
	arena_done(&arena);
	free(venue);
	if (err != OK)
		store_fail(txn, err);
}

/* ---- grants, quorums, rules */

static void revoke_grant(struct store_txn *txn, const struct order_item *item, uint64_t order_index)
{
	struct grant_row row;

	if (!grant_get(txn, item->grant.token_hash, &row)) {
		store_fail(txn, ERR_DAMAGED);
		return;
	}
	row.revoked_index = order_index;
	grant_put(txn, &row);
}

static void set_quorums(struct store_txn *txn, const struct order *order)
{
	enum err err = quorums_put(txn, &order->quorums);

	if (err != OK)
		store_fail(txn, err);
}

static void set_rules(struct store_txn *txn, const struct order *order)
{
	struct ledger_identity identity;
	enum err err = ledger_read_identity(txn, &identity);

	if (err != OK) {
		store_fail(txn, err);
		return;
	}
	identity.rules = order->rules;
	ledger_save_identity(txn, &identity);
}

/* ---- the ledger's own keys */

static void change_log_keys(struct store_txn *txn, const struct order *order, uint64_t order_index)
{
	struct log_keys keys;
	enum err err = log_keys_get(txn, &keys);

	if (err != OK) {
		store_fail(txn, err);
		return;
	}
	for (size_t i = 0; i < order->retired_log_key_count; i++)
		for (size_t place = 0; place < keys.count; place++)
			if (key_equal(&keys.keys[place].key, &order->retired_log_keys[i]))
				keys.keys[place].until = order_index;
	for (size_t i = 0; i < order->added_log_key_count; i++) {
		const struct key *key = &order->added_log_keys[i];

		assert(keys.count < LOG_KEYS_EVER_MAX);
		keys.keys[keys.count++] =
		    (struct log_key){.key = *key, .use = log_key_use_of(key, order->origin), .since = order_index};
	}
	log_keys_put(txn, &keys);
}

/* ---- the order */

static void apply_item(
    struct ledger *ledger, struct store_txn *txn, const struct order *order, size_t place, uint64_t order_index)
{
	const struct order_item *item = &order->items[place];
	struct grant_row row = {.grant = item->grant, .index = order_index, .item = (uint32_t)place};

	if (order->type == ORDER_ENTERPRISE_REGISTER)
		register_enterprise(ledger, txn, item, order_index, (uint32_t)place);
	else if (order->type == ORDER_ENTERPRISE_RELATE)
		relate_enterprises(ledger, txn, item, order_index, (uint32_t)place);
	else if (order->type == ORDER_ENTERPRISE_DELIST)
		delist_enterprise(ledger, txn, item, order_index, (uint32_t)place);
	else if (order->type == ORDER_GRANT_ADD)
		grant_put(txn, &row);
	else
		revoke_grant(txn, item, order_index);
}

static void apply_order(struct ledger *ledger, struct store_txn *txn, const struct order *order, uint64_t order_index)
{
	switch (order->type) {
	case ORDER_VENUE_LICENSE: license_venue(txn, order, order_index); break;
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME: suspend_venue(txn, order, order_index); break;
	case ORDER_VENUE_KEY: change_keys(txn, order, order_index); break;
	case ORDER_VENUE_DISTRUST: fold_distrust_order(ledger, txn, order, order_index); break;
	case ORDER_POLICY_ADOPT:
		policy_put(txn, slice_text(order->policy.id), order_index, order->policy.version);
		break;
	case ORDER_OFFICER_ADD: officer_put(txn, &order->officer); break;
	case ORDER_OFFICER_REMOVE: officer_delete(txn, order->officer.name); break;
	case ORDER_QUORUM_SET: set_quorums(txn, order); break;
	case ORDER_RULES_SET: set_rules(txn, order); break;
	case ORDER_LOG_KEY: change_log_keys(txn, order, order_index); break;
	case ORDER_ENTERPRISE_REGISTER:
	case ORDER_ENTERPRISE_RELATE:
	case ORDER_ENTERPRISE_DELIST:
	case ORDER_GRANT_ADD:
	case ORDER_GRANT_REVOKE:
		for (size_t i = 0; i < order->item_count && store_error(txn) == OK; i++)
			apply_item(ledger, txn, order, i, order_index);
		break;
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID: change_trades(ledger, txn, order, order_index); break;
	}
}

uint64_t fold_order(struct ledger *ledger, struct store_txn *txn, const struct order_plan *plan)
{
	struct entry entry = {.kind = ENTRY_ORDER};
	struct slice *items = NULL;
	uint64_t index;

	assert(!plan->is_known);
	if (plan->item_count > 0) {
		items = malloc(plan->item_count * sizeof(*items));
		if (items == NULL) {
			store_fail(txn, ERR_MEMORY);
			return 0;
		}
		memcpy(items, plan->items, plan->item_count * sizeof(*items));
	}
	entry.order.note = plan->note_bytes;
	entry.order.items = items;
	entry.order.item_count = plan->item_count;
	index = ledger_append(ledger, txn, &entry);
	free(items);
	order_put(txn, slice_text(plan->order.id), index);
	if (store_error(txn) == OK)
		apply_order(ledger, txn, &plan->order, index);
	return index;
}

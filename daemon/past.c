#include "daemon/past.h"

#include <assert.h>
#include <string.h>

static int compare_codes(const void *a, const void *b)
{
	const struct code *left = a, *right = b;

	return memcmp(left->text, right->text, USCI_SIZE);
}

static int compare_changes(const void *a, const void *b)
{
	const struct past_change *left = a, *right = b;

	return (left->trade_index > right->trade_index) - (left->trade_index < right->trade_index);
}

static bool copy_text(struct slice text, char *ret_text, size_t capacity)
{
	if (text.size >= capacity)
		return false;
	memcpy(ret_text, text.data, text.size);
	ret_text[text.size] = '\0';
	return true;
}

static bool is_delisted(const struct past *past, struct slice list)
{
	for (size_t i = 0; i < past->delisted_count; i++)
		if (slice_equal(slice_text(past->delisted[i]), list))
			return true;
	return false;
}

/* The walk meets it before the registration that it changes. */
static enum err take_delisted(struct past *past, const struct chain_item *item)
{
	const struct entry *entry = &item->entry;

	if (past->is_registered)
		return OK;
	if (past->delisted_index == 0)
		past->delisted_index = item->index;
	for (size_t i = 0; i < entry->effect.list_count; i++) {
		/* An enterprise is taken off a list once, and was on no more than LISTS_MAX. */
		if (past->delisted_count == LISTS_MAX || is_delisted(past, entry->effect.lists[i]) ||
		    !copy_text(entry->effect.lists[i], past->delisted[past->delisted_count], sizeof(past->delisted[0])))
			return ERR_DAMAGED;
		past->delisted_count++;
	}
	return OK;
}

/* The register's row as effects wrote it; the walk meets the newest one first. */
static enum err take_registered(struct past *past, const struct chain_item *item)
{
	const struct entry *entry = &item->entry;
	struct account *account = &past->account;

	if (past->is_registered)
		return OK;
	if (!copy_text(entry->effect.name, account->name, sizeof(account->name)))
		return ERR_DAMAGED;
	for (size_t i = 0; i < entry->effect.list_count; i++) {
		if (is_delisted(past, entry->effect.lists[i]))
			continue;
		if (!copy_text(entry->effect.lists[i], account->lists[account->list_count], sizeof(account->lists[0])))
			return ERR_DAMAGED;
		account->list_count++;
	}
	account->index = past->delisted_index != 0 ? past->delisted_index : item->index;
	past->is_registered = true;
	return OK;
}

static enum err add_change(struct past *past, uint64_t trade_index, const struct touched *touched)
{
	struct past_change *change = array_add(&past->changes);

	if (change == NULL)
		return ERR_MEMORY;
	change->trade_index = trade_index;
	change->touched = *touched;
	return OK;
}

static enum err take_related(struct past *past, const struct chain_item *item)
{
	struct code first = code_of(item->entry.effect.code), *relative = array_add(&past->relatives);

	if (relative == NULL)
		return ERR_MEMORY;
	*relative = code_equal(&first, &past->code) ? code_of(item->entry.effect.second) : first;
	return OK;
}

static enum err take_effect(struct past *past, const struct chain_item *item)
{
	struct touched touched = {.state_index = item->index};

	switch (item->entry.effect.kind) {
	case EFFECT_REGISTERED: return take_registered(past, item);
	case EFFECT_RELATED: return take_related(past, item);
	case EFFECT_DELISTED: return take_delisted(past, item);
	case EFFECT_HELD: touched.state = TRADE_HELD; break;
	case EFFECT_RELEASED: touched.state = TRADE_COUNTED; break;
	case EFFECT_VOIDED: touched.state = TRADE_VOIDED; break;
	}
	return add_change(past, item->trade_index, &touched);
}

static enum err take_record(struct past *past, const struct chain_item *item)
{
	struct touched touched = {0};
	uint64_t *trade;

	if (item->record.kind == RECORD_TRADE) {
		trade = array_add(&past->trades);
		if (trade == NULL)
			return ERR_MEMORY;
		*trade = item->index;
	} else if (item->entry.record.disposition == DISPOSITION_COUNTED) {
		touched.refunded_fen = item->record.refund.amount_fen;
		touched.refunded_tax_fen = item->record.refund.tax_fen;
		return add_change(past, item->trade_index, &touched);
	}
	return OK;
}

/* Refunds add up; of effects the newest says how the trade stands. */
static void merge_change(struct touched *touched, const struct touched *more)
{
	touched->refunded_fen += more->refunded_fen;
	touched->refunded_tax_fen += more->refunded_tax_fen;
	if (more->state_index > touched->state_index) {
		touched->state = more->state;
		touched->state_index = more->state_index;
	}
}

/* Makes the changes of one trade one, as the state keeps them. */
static void merge_changes(struct array *changes)
{
	size_t kept = 0;

	array_sort(changes, compare_changes);
	for (size_t i = 1; i < changes->count; i++) {
		struct past_change *last = array_at(changes, kept), *change = array_at(changes, i);

		if (change->trade_index == last->trade_index)
			merge_change(&last->touched, &change->touched);
		else
			*(struct past_change *)array_at(changes, ++kept) = *change;
	}
	if (changes->count > 0)
		changes->count = kept + 1;
	for (size_t i = 0; i < changes->count; i++) {
		struct past_change *change = array_at(changes, i);

		if (change->touched.state == TRADE_COUNTED)
			change->touched.state_index = 0;
	}
}

static enum err not_found(const struct past *past, struct why *why)
{
	return why_set(why, ERR_NOT_FOUND, "no such enterprise: %s", past->code.text);
}

static enum err walk(struct past *past, uint64_t *steps_left, struct why *why)
{
	struct chain chain;
	struct chain_item item;
	bool is_known = false;
	enum err err = OK;

	past->is_walked = true;
	chain_begin(&chain, past->txn, &past->code, past->size, *steps_left);
	while (err == OK && chain_next(&chain, &item)) {
		is_known = true;
		err = item.entry.kind == ENTRY_RECORD ? take_record(past, &item) : take_effect(past, &item);
	}
	if (err == OK)
		err = chain.err;
	*steps_left -= chain.step_count;
	chain_done(&chain);
	if (err == ERR_TOO_LARGE)
		return why_set(why, err,
		    "more than %d entries would have to be read for this ledger size; ask for the newest one",
		    AS_OF_WALK_MAX);
	if (err == OK && !is_known)
		return not_found(past, why);
	merge_changes(&past->changes);
	array_sort(&past->relatives, compare_codes);
	return err;
}

enum err past_open(struct past *past, struct store_txn *txn, const struct code *code, uint64_t size, bool must_walk,
    uint64_t *steps_left, struct why *why)
{
	struct party party;

	*past = (struct past){.txn = txn, .code = *code, .size = size};
	array_init(&past->trades, sizeof(uint64_t));
	array_init(&past->changes, sizeof(struct past_change));
	array_init(&past->relatives, sizeof(struct code));
	party_get(txn, code, &party);
	if (store_error(txn) != OK)
		return store_error(txn);
	if (party.last_index == 0)
		return not_found(past, why);
	if (must_walk || party.last_index >= size)
		return walk(past, steps_left, why);
	past->is_registered = account_get(txn, code, &past->account);
	return store_error(txn);
}

void past_done(struct past *past)
{
	array_done(&past->trades);
	array_done(&past->changes);
	array_done(&past->relatives);
}

const struct account *past_account(const struct past *past)
{
	return past->is_registered ? &past->account : NULL;
}

void past_touched(const struct past *past, uint64_t trade_index, struct touched *ret_touched)
{
	struct past_change wanted = {.trade_index = trade_index};
	const struct past_change *found;

	if (!past->is_walked) {
		touched_get(past->txn, trade_index, ret_touched);
		return;
	}
	found = array_find(&past->changes, &wanted, compare_changes);
	*ret_touched = found != NULL ? found->touched : (struct touched){0};
}

bool past_is_related(const struct past *past, const struct code *other)
{
	uint64_t index;

	if (!past->is_walked)
		return relation_get(past->txn, &past->code, other, &index);
	return array_find(&past->relatives, other, compare_codes) != NULL;
}

/* Fills `ret_trade`, whose strings live in the arena of the item. */
static enum err describe(
    const struct past *past, const struct venues *venues, const struct chain_item *item, struct past_trade *ret_trade)
{
	bool is_supplier = code_equal(&item->supplier, &past->code);
	struct past_trade trade = {.index = item->index,
	    .disposition = item->entry.record.disposition,
	    .trade = &item->record.trade,
	    .supplier = item->supplier,
	    .buyer = item->buyer,
	    .venue_number = venues_number(venues, item->entry.record.venue)};

	if (trade.venue_number == 0)
		return ERR_DAMAGED;
	trade.is_listed = past_is_related(past, is_supplier ? &item->buyer : &item->supplier);
	past_touched(past, item->index, &trade.touched);
	if (trade.touched.refunded_fen > trade.trade->amount_fen ||
	    trade.touched.refunded_tax_fen > trade.trade->tax_fen)
		return ERR_DAMAGED;
	*ret_trade = trade;
	return OK;
}

bool past_trade_counts(const struct past_trade *trade)
{
	return trade->disposition == DISPOSITION_COUNTED && trade->touched.state == TRADE_COUNTED;
}

enum err past_each_trade(const struct past *past, const struct venues *venues,
    enum err (*each)(void *cookie, struct past_trade *trade), void *cookie)
{
	struct arena arena;
	struct chain_item item;
	struct past_trade trade = {0};
	enum err err = OK;

	assert(past->is_walked);
	arena_init(&arena, CHAIN_ARENA_SIZE);
	for (size_t i = past->trades.count; i > 0 && err == OK && !trade.is_last; i--) {
		const uint64_t *index = array_at(&past->trades, i - 1);

		arena_reset(&arena);
		err = chain_item_read(past->txn, *index, &arena, &item);
		if (err == OK)
			err = describe(past, venues, &item, &trade);
		if (err == OK)
			err = each(cookie, &trade);
	}
	arena_done(&arena);
	return err == OK ? store_error(past->txn) : err;
}

#include "daemon/past.h"

#include <assert.h>

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
		err = life_take(&past->life, &item);
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
	life_finish(&past->life);
	past->is_registered = life_account(&past->life, &past->account);
	return err;
}

enum err past_open(struct past *past, struct store_txn *txn, const struct code *code, uint64_t size, bool must_walk,
    uint64_t *steps_left, struct why *why)
{
	struct party party;

	*past = (struct past){.txn = txn, .code = *code, .size = size};
	life_init(&past->life, code);
	party_get(txn, code, &party);
	if (store_error(txn) != OK)
		return store_error(txn);
	if (party.last_index == 0)
		return not_found(past, why);
	past->last_index = party.last_index;
	if (must_walk || party.last_index >= size)
		return walk(past, steps_left, why);
	past->is_registered = account_get(txn, code, &past->account);
	return store_error(txn);
}

void past_done(struct past *past)
{
	life_done(&past->life);
}

const struct account *past_account(const struct past *past)
{
	return past->is_registered ? &past->account : NULL;
}

void past_touched(const struct past *past, uint64_t trade_index, struct touched *ret_touched)
{
	if (past->is_walked)
		life_touched(&past->life, trade_index, ret_touched);
	else
		touched_get(past->txn, trade_index, ret_touched);
}

bool past_is_related(const struct past *past, const struct code *other)
{
	uint64_t index;

	return past->is_walked ? life_is_related(&past->life, other)
			       : relation_get(past->txn, &past->code, other, &index);
}

enum err past_each_trade(const struct past *past,
    enum err (*each)(void *cookie, const struct life_trade *trade, bool *ret_is_enough), void *cookie)
{
	const struct array *trades = &past->life.trades;
	bool is_enough = false;
	struct arena arena;
	struct chain_item item;
	struct life_trade trade;
	enum err err = OK;

	assert(past->is_walked);
	arena_init(&arena, CHAIN_ARENA_SIZE);
	/* They were met newest first. */
	for (size_t i = trades->count; i > 0 && err == OK && !is_enough; i--) {
		const uint64_t *index = array_at(trades, i - 1);

		arena_reset(&arena);
		err = chain_item_read(past->txn, *index, &arena, &item);
		if (err == OK)
			err = life_trade(&past->life, &item, &trade);
		if (err == OK)
			err = each(cookie, &trade, &is_enough);
	}
	arena_done(&arena);
	return err == OK ? store_error(past->txn) : err;
}

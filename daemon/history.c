#include "daemon/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/past.h"
#include "daemon/unfolded.h"
#include "daemon/venues.h"
#include "proto/date.h"

struct history {
	struct past past;
	struct venues venues;
	struct array cells; /* of struct history_cell, ascending */
};

/* The order in which rows and cells are stored. */
static int compare_keys(const struct cell_key *a, const struct cell_key *b)
{
	const unsigned left[] = {
	    a->settled_month, a->signed_month, a->venue_number, a->side, (unsigned)a->product_kind, a->flags};
	const unsigned right[] = {
	    b->settled_month, b->signed_month, b->venue_number, b->side, (unsigned)b->product_kind, b->flags};

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

/* ---- from the state: the stored cells, and the trades that they lack */

static enum err take_cell(void *cookie, const struct cell_key *key, const struct cell_sums *sums)
{
	struct history *history = cookie;
	struct history_cell *cell = array_add(&history->cells);

	if (cell == NULL)
		return ERR_MEMORY;
	cell->key = *key;
	cell->sums = *sums;
	return OK;
}

/* ---- from the chain */

/* The cell of that key, made where there is none yet. */
static struct history_cell *cell_at(struct array *cells, const struct cell_key *key)
{
	size_t low = 0, high = cells->count;
	struct history_cell *cell;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order;

		cell = array_at(cells, middle);
		order = compare_keys(&cell->key, key);
		if (order == 0)
			return cell;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	cell = array_insert(cells, low);
	if (cell != NULL)
		cell->key = *key;
	return cell;
}

static enum err add_to_cell(void *cookie, const struct cell_key *key, const struct cell_sums *sums)
{
	struct history *history = cookie;
	struct history_cell *cell = cell_at(&history->cells, key);

	if (cell == NULL)
		return ERR_MEMORY;
	/* Bounded by the party's total and by the number of entries. */
	return cell_sums_combine(&cell->sums, sums, false) ? OK : ERR_DAMAGED;
}

/* What a trade record adds to the cell of one side; the rules are those of the fold. */
static void share_of_trade(const struct life_trade *trade, uint16_t venue_number, enum side side,
    struct cell_key *ret_key, struct cell_sums *ret_sums)
{
	const struct code *code = side == SIDE_SUPPLIER ? &trade->supplier : &trade->buyer;
	struct policy_fact fact;

	if (life_trade_counts(trade)) {
		fact = life_fact(trade->trade, NULL, side, trade->is_listed, &trade->touched);
		cell_of_fact(&fact, code, venue_number, ret_key, ret_sums);
		return;
	}
	*ret_key = (struct cell_key){.settled_month = month_of_date(trade->trade->settled_on),
	    .code = *code,
	    .signed_month = month_of_date(trade->trade->signed_on),
	    .venue_number = venue_number,
	    .side = side,
	    .product_kind = trade->trade->product_kind,
	    .flags = CELL_NOT_COUNTED};
	*ret_sums = (struct cell_sums){.trades = 1};
}

static enum err take_trade(void *cookie, const struct life_trade *trade, bool *ret_is_enough)
{
	struct history *history = cookie;
	uint16_t venue_number = venues_number(&history->venues, trade->venue);
	struct cell_key key;
	struct cell_sums sums;
	enum err err = venue_number == 0 ? ERR_DAMAGED : OK;

	(void)ret_is_enough;
	for (enum side side = SIDE_SUPPLIER; side <= SIDE_BUYER && err == OK; side++) {
		share_of_trade(trade, venue_number, side, &key, &sums);
		if (code_equal(&key.code, &history->past.code))
			err = add_to_cell(history, &key, &sums);
	}
	return err;
}

/* ---- reading */

static enum err read_state(struct history *history)
{
	const struct past *past = &history->past;
	enum err err = cells_each(past->txn, &past->code, take_cell, history);

	return err == OK ? unfolded_each_of(past->txn, &history->venues, &past->code, add_to_cell, history) : err;
}

static enum err read_with(struct store_txn *txn, const struct past *asked, bool must_walk, uint64_t *steps_left,
    struct history **ret_history, struct why *why)
{
	struct history *history = calloc(1, sizeof(*history));
	enum err err;

	if (history == NULL)
		return ERR_MEMORY;
	array_init(&history->cells, sizeof(struct history_cell));
	err = past_open(&history->past, txn, &asked->code, asked->size, must_walk, steps_left, why);
	if (err == OK)
		err = venues_read(txn, &history->venues);
	if (err == OK && history->past.is_walked)
		err = past_each_trade(&history->past, take_trade, history);
	else if (err == OK)
		err = read_state(history);
	if (err != OK) {
		history_free(history);
		return err;
	}
	*ret_history = history;
	return OK;
}

enum err history_read(
    struct store_txn *txn, const struct code *code, uint64_t size, struct history **ret_history, struct why *why)
{
	uint64_t steps_left = AS_OF_WALK_MAX;

	return history_read_within(txn, code, size, &steps_left, ret_history, why);
}

enum err history_read_chain(
    struct store_txn *txn, const struct code *code, uint64_t size, struct history **ret_history, struct why *why)
{
	const struct past asked = {.code = *code, .size = size};
	uint64_t steps_left = AS_OF_WALK_MAX;

	return read_with(txn, &asked, true, &steps_left, ret_history, why);
}

enum err history_read_within(struct store_txn *txn, const struct code *code, uint64_t size, uint64_t *steps_left,
    struct history **ret_history, struct why *why)
{
	const struct past asked = {.code = *code, .size = size};

	return read_with(txn, &asked, false, steps_left, ret_history, why);
}

void history_free(struct history *history)
{
	if (history == NULL)
		return;
	past_done(&history->past);
	venues_done(&history->venues);
	array_done(&history->cells);
	free(history);
}

const struct code *history_code(const struct history *history)
{
	return &history->past.code;
}

uint64_t history_size(const struct history *history)
{
	return history->past.size;
}

const struct account *history_account(const struct history *history)
{
	return past_account(&history->past);
}

const struct history_cell *history_cells(const struct history *history, size_t *ret_count)
{
	*ret_count = history->cells.count;
	return history->cells.items;
}

const char *history_venue_id(const struct history *history, uint16_t number)
{
	return venues_id(&history->venues, number);
}

static bool accounts_equal(const struct account *a, const struct account *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->index != b->index || strcmp(a->name, b->name) != 0 || a->list_count != b->list_count)
		return false;
	for (size_t i = 0; i < a->list_count; i++)
		if (strcmp(a->lists[i], b->lists[i]) != 0)
			return false;
	return true;
}

static bool sums_equal(const struct cell_sums *a, const struct cell_sums *b)
{
	return a->trades == b->trades && a->contracts == b->contracts && a->gross_zero_trades == b->gross_zero_trades &&
	       a->gross_zero_contracts == b->gross_zero_contracts && a->net_zero_trades == b->net_zero_trades &&
	       a->net_zero_contracts == b->net_zero_contracts && a->amount_fen == b->amount_fen &&
	       a->tax_fen == b->tax_fen && a->refunded_fen == b->refunded_fen &&
	       a->refunded_tax_fen == b->refunded_tax_fen;
}

bool history_equal(const struct history *a, const struct history *b)
{
	if (!accounts_equal(history_account(a), history_account(b)) || a->cells.count != b->cells.count)
		return false;
	for (size_t i = 0; i < a->cells.count; i++) {
		const struct history_cell *left = array_at(&a->cells, i), *right = array_at(&b->cells, i);

		if (compare_keys(&left->key, &right->key) != 0 || !code_equal(&left->key.code, &right->key.code) ||
		    !sums_equal(&left->sums, &right->sums))
			return false;
	}
	return true;
}

/* ---- evaluation */

enum err history_evaluate(const struct history *history, const struct policy *policy, struct policy_sums *ret_sums,
    struct policy_result *ret_result)
{
	struct policy_sums sums;
	enum err err = OK;

	policy_sums_init(&sums, life_lists_ok(policy, history_account(history)));
	for (size_t i = 0; i < history->cells.count && err == OK; i++) {
		const struct history_cell *cell = array_at(&history->cells, i);
		const char *venue = venues_id(&history->venues, cell->key.venue_number);
		struct policy_fact fact;

		if (venue == NULL)
			return ERR_DAMAGED;
		if ((cell->key.flags & CELL_NOT_COUNTED) != 0)
			continue;
		fact = cell_fact(&cell->key, &cell->sums, venue);
		err = policy_add(policy, &sums, &fact);
	}
	if (err == OK)
		err = policy_evaluate(policy, &sums, ret_result);
	if (err == OK)
		*ret_sums = sums;
	return err;
}

/* ---- where the cap was reached */

struct cap_search {
	const struct history *history;
	struct life_cap cap;
};

static enum err add_until_capped(void *cookie, const struct life_trade *trade, bool *ret_is_enough)
{
	struct cap_search *search = cookie;
	const struct venues *venues = &search->history->venues;
	const char *venue = venues_id(venues, venues_number(venues, trade->venue));
	enum err err = venue == NULL ? ERR_DAMAGED : OK;

	if (err == OK)
		err = life_cap_add(&search->cap, trade, &search->history->past.code, venue);
	*ret_is_enough = search->cap.is_found;
	return err;
}

/* Through all trades from the first; fills in what is found, and how long the chain is. */
static enum err search_cap(const struct history *history, const struct policy *policy, struct history_cap *cap)
{
	struct cap_search search = {.history = history};
	const struct past *asked = &history->past;
	uint64_t steps_left = AS_OF_WALK_MAX;
	struct past walked;
	enum err err = OK;

	life_cap_init(&search.cap, policy, history_account(history));
	if (asked->is_walked) {
		err = past_each_trade(asked, add_until_capped, &search);
	} else {
		err = past_open(&walked, asked->txn, &asked->code, asked->size, true, &steps_left, NULL);
		if (err == OK)
			err = past_each_trade(&walked, add_until_capped, &search);
		past_done(&walked);
	}
	if (err != OK && err != ERR_TOO_LARGE)
		return err;
	cap->entry_count = err == OK ? AS_OF_WALK_MAX - steps_left : (uint64_t)AS_OF_WALK_MAX + 1;
	cap->is_found = search.cap.is_found;
	cap->index = search.cap.index;
	memcpy(cap->trade_no, search.cap.trade_no, sizeof(cap->trade_no));
	return OK;
}

/* Has nothing but trades come on the chain behind an entry of it, and how many? */
static enum err count_trades_since(
    const struct past *past, uint64_t index, uint64_t *ret_count, bool *ret_is_only_trades)
{
	struct chain chain;
	struct chain_item item;
	bool is_only_trades = true;

	chain_begin(&chain, past->txn, &past->code, past->size, AS_OF_WALK_MAX);
	while (is_only_trades && chain.next_index > index && chain_next(&chain, &item))
		is_only_trades = item.entry.kind == ENTRY_RECORD && item.record.kind == RECORD_TRADE;
	*ret_count = chain.step_count;
	*ret_is_only_trades = is_only_trades && chain.next_index == index;
	chain_done(&chain);
	return chain.err == ERR_TOO_LARGE ? OK : chain.err;
}

/* Brings what was found before up to the newest entry; false where it has to be searched anew. */
static enum err follow(const struct past *past, struct history_cap *cap, bool *ret_holds)
{
	bool is_only_trades;
	uint64_t count;
	enum err err;

	/* A chain that was too long still is; and where nothing was found a trade that has come since may be the one. */
	*ret_holds = cap->entry_count > AS_OF_WALK_MAX;
	if (*ret_holds || !cap->is_found)
		return OK;
	err = count_trades_since(past, cap->last_index, &count, &is_only_trades);
	if (err != OK || !is_only_trades)
		return err;
	*ret_holds = true;
	cap->entry_count += count;
	if (cap->entry_count > AS_OF_WALK_MAX)
		*cap = (struct history_cap){.entry_count = cap->entry_count};
	return OK;
}

enum err history_capped_at(const struct history *history, const struct policy *policy, const struct history_cap *known,
    struct history_cap *ret_cap)
{
	const struct past *past = &history->past;
	struct history_cap cap = {0};
	bool holds = false;
	enum err err = OK;

	/* What was found in a later transaction than this says nothing here. */
	if (known != NULL && !past->is_walked && known->last_index != 0 && known->last_index <= past->last_index) {
		cap = *known;
		err = follow(past, &cap, &holds);
	}
	if (err == OK && !holds) {
		cap = (struct history_cap){0};
		err = search_cap(history, policy, &cap);
	}
	if (err != OK)
		return err;
	cap.last_index = past->is_walked ? 0 : past->last_index;
	*ret_cap = cap;
	return OK;
}

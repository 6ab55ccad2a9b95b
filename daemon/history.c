#include "daemon/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/past.h"
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

/* ---- from the state */

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

static enum err add_to_cell(struct history *history, const struct cell_key *key, const struct cell_sums *sums)
{
	struct history_cell *cell = cell_at(&history->cells, key);

	if (cell == NULL)
		return ERR_MEMORY;
	/* Bounded by the party's total and by the number of entries. */
	cell->sums.trades += sums->trades;
	cell->sums.contracts += sums->contracts;
	cell->sums.gross_zero_trades += sums->gross_zero_trades;
	cell->sums.gross_zero_contracts += sums->gross_zero_contracts;
	cell->sums.net_zero_trades += sums->net_zero_trades;
	cell->sums.net_zero_contracts += sums->net_zero_contracts;
	cell->sums.amount_fen += sums->amount_fen;
	cell->sums.tax_fen += sums->tax_fen;
	cell->sums.refunded_fen += sums->refunded_fen;
	cell->sums.refunded_tax_fen += sums->refunded_tax_fen;
	return OK;
}

/* What a trade record adds to the cell of one side; the rules are those of the fold. */
static void share_of_trade(
    const struct past_trade *trade, enum side side, struct cell_key *ret_key, struct cell_sums *ret_sums)
{
	if (past_trade_counts(trade)) {
		*ret_key = cell_of_trade(trade->trade, trade->venue_number, side, trade->is_listed);
		*ret_sums = cell_sums_of(trade->trade, &trade->touched);
		return;
	}
	*ret_key = (struct cell_key){.settled_month = month_of_date(trade->trade->settled_on),
	    .code = side == SIDE_SUPPLIER ? trade->supplier : trade->buyer,
	    .signed_month = month_of_date(trade->trade->signed_on),
	    .venue_number = trade->venue_number,
	    .side = side,
	    .product_kind = trade->trade->product_kind,
	    .flags = CELL_NOT_COUNTED};
	*ret_sums = (struct cell_sums){.trades = 1};
}

static enum err take_trade(void *cookie, struct past_trade *trade)
{
	struct history *history = cookie;
	struct cell_key key;
	struct cell_sums sums;
	enum err err = OK;

	for (enum side side = SIDE_SUPPLIER; side <= SIDE_BUYER && err == OK; side++) {
		share_of_trade(trade, side, &key, &sums);
		if (code_equal(&key.code, &history->past.code))
			err = add_to_cell(history, &key, &sums);
	}
	return err;
}

/* ---- reading */

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
		err = past_each_trade(&history->past, &history->venues, take_trade, history);
	else if (err == OK)
		err = cells_each(txn, &asked->code, take_cell, history);
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

bool history_lists_ok(const struct policy *policy, const struct account *account)
{
	const char *lists[LISTS_MAX];
	size_t count = account != NULL ? account->list_count : 0;

	for (size_t i = 0; i < count; i++)
		lists[i] = account->lists[i];
	return policy_lists_ok(policy, lists, count);
}

enum err history_evaluate(const struct history *history, const struct policy *policy, struct policy_sums *ret_sums,
    struct policy_result *ret_result)
{
	struct policy_sums sums;
	enum err err = OK;

	policy_sums_init(&sums, history_lists_ok(policy, history_account(history)));
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
	const struct policy *policy;
	struct policy_sums sums;
	struct history_capped_at capped_at;
};

static enum err add_until_capped(void *cookie, struct past_trade *trade)
{
	struct cap_search *search = cookie;
	const struct history *history = search->history;
	enum side side = code_equal(&trade->supplier, &history->past.code) ? SIDE_SUPPLIER : SIDE_BUYER;
	struct policy_result result;
	struct policy_fact fact;
	struct cell_key key;
	struct cell_sums sums;
	enum err err;

	if (!past_trade_counts(trade))
		return OK;
	share_of_trade(trade, side, &key, &sums);
	fact = cell_fact(&key, &sums, venues_id(&history->venues, key.venue_number));
	err = policy_add(search->policy, &search->sums, &fact);
	if (err != OK || policy_gate(search->policy, search->sums.is_list_ok, &fact) != GATE_ELIGIBLE)
		return err;
	err = policy_evaluate(search->policy, &search->sums, &result);
	if (err != OK || !result.has_award || !result.is_capped)
		return err;
	search->capped_at.is_found = trade->is_last = true;
	search->capped_at.index = trade->index;
	memcpy(search->capped_at.trade_no, trade->trade->trade_no.data, trade->trade->trade_no.size);
	return OK;
}

enum err history_capped_at(
    const struct history *history, const struct policy *policy, struct history_capped_at *ret_capped_at)
{
	struct cap_search search = {.history = history, .policy = policy};
	const struct past *asked = &history->past;
	uint64_t steps_left = AS_OF_WALK_MAX;
	struct past walked;
	enum err err = OK;

	policy_sums_init(&search.sums, history_lists_ok(policy, history_account(history)));
	if (asked->is_walked) {
		err = past_each_trade(asked, &history->venues, add_until_capped, &search);
	} else {
		err = past_open(&walked, asked->txn, &asked->code, asked->size, true, &steps_left, NULL);
		if (err == OK)
			err = past_each_trade(&walked, &history->venues, add_until_capped, &search);
		past_done(&walked);
	}
	if (err == ERR_TOO_LARGE)
		err = OK;
	if (err == OK)
		*ret_capped_at = search.capped_at;
	return err;
}

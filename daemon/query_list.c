/*
 * The list of enterprises. At the head every award comes from one pass over the cells; at an earlier size those that
 * something has concerned since are folded again from their chains, within one budget for all of them. Only the rows
 * of the page asked for are then shown in full.
 */
#include <string.h>

#include "daemon/population.h"
#include "daemon/query_internal.h"

#include "proto/text.h"

struct list_row {
	struct code code;
	int64_t award_fen, volume_fen;
};

struct list_view {
	struct store_txn *txn;
	struct list_query *query;
	struct array policies;
	bool has_policy; /* a policy to sort by */
	size_t policy_position;
	struct array rows; /* of struct list_row: those that pass the filter */
};

/* ---- filter */

static uint8_t lower(uint8_t letter)
{
	return letter >= 'A' && letter <= 'Z' ? (uint8_t)(letter - 'A' + 'a') : letter;
}

/* Is `part` somewhere in `text`, ASCII letters in either case? */
static bool contains(struct slice text, struct slice part)
{
	for (size_t start = 0; start + part.size <= text.size; start++) {
		size_t same = 0;

		while (same < part.size && lower(text.data[start + same]) == lower(part.data[same]))
			same++;
		if (same == part.size)
			return true;
	}
	return false;
}

static bool is_wanted(const struct list_query *query, const struct code *code, const struct account *account)
{
	bool is_listed = query->list == NULL;

	for (size_t i = 0; account != NULL && i < account->list_count && !is_listed; i++)
		is_listed = strcmp(account->lists[i], query->list) == 0;
	return is_listed && (contains(code_slice(code), query->find) ||
				(account != NULL && contains(slice_text(account->name), query->find)));
}

static enum err add_row(struct list_view *view, const struct code *code, int64_t award_fen, int64_t volume_fen)
{
	struct list_row *row = array_add(&view->rows);

	if (row == NULL)
		return ERR_MEMORY;
	*row = (struct list_row){*code, award_fen, volume_fen};
	return OK;
}

/* ---- everyone at the head */

static enum err add_member(struct list_view *view, const struct member *member, const struct standing *standing)
{
	struct account account;
	bool is_registered = member->is_registered && account_get(view->txn, &member->code, &account);

	if (store_error(view->txn) != OK)
		return store_error(view->txn);
	if (!is_wanted(view->query, &member->code, is_registered ? &account : NULL))
		return OK;
	return add_row(view, &member->code, standing != NULL ? standing->award_fen : 0,
	    standing != NULL ? standing->volume_fen : 0);
}

static enum err gather_head(struct list_view *view)
{
	bool needs_standings = view->has_policy && view->query->sort != LIST_BY_CODE;
	struct array standings = {.item_size = sizeof(struct standing)};
	struct population population;
	struct venues venues;
	enum err err;

	err = venues_read(view->txn, &venues);
	if (err != OK) {
		venues_done(&venues);
		return err;
	}
	err = population_read(view->txn, &view->policies, &population);
	if (err == OK && needs_standings)
		err = population_evaluate(&population, &venues, view->policy_position, &standings);
	for (size_t i = 0; i < population.members.count && err == OK; i++)
		err = add_member(
		    view, array_at(&population.members, i), needs_standings ? array_at(&standings, i) : NULL);
	array_done(&standings);
	population_done(&population);
	venues_done(&venues);
	return err;
}

/* ---- everyone at an earlier size */

static enum err add_history(struct list_view *view, const struct code *code, uint64_t *steps_left, struct why *why)
{
	const struct query_policy *row;
	struct policy_result result = {0};
	struct policy_sums sums;
	struct history *history;
	enum err err;

	err = history_read_within(view->txn, code, view->query->size, steps_left, &history, why);
	if (err == ERR_NOT_FOUND)
		return OK;
	if (err != OK)
		return err;
	if (is_wanted(view->query, code, history_account(history))) {
		if (view->has_policy && view->query->sort != LIST_BY_CODE) {
			row = array_at(&view->policies, view->policy_position);
			err = history_evaluate(history, &row->policy, &sums, &result);
		}
		if (err == OK)
			err = add_row(view, code, result.award_fen, result.volume_fen);
	}
	history_free(history);
	return err;
}

static enum err gather_past(struct list_view *view, struct why *why)
{
	struct store_cursor cursor;
	struct code code;
	uint64_t steps_left = AS_OF_WALK_MAX;
	enum err err = OK;

	store_cursor_open(&cursor, view->txn, STORE_HEADS);
	for (bool is_there = store_cursor_first(&cursor); is_there && err == OK;
	     is_there = store_cursor_next(&cursor)) {
		if (cursor.key.size != USCI_SIZE) {
			err = ERR_DAMAGED;
			break;
		}
		code = code_of(cursor.key);
		err = add_history(view, &code, &steps_left, why);
	}
	store_cursor_close(&cursor);
	return err == OK ? store_error(view->txn) : err;
}

/* ---- order */

static int compare_codes(const void *a, const void *b)
{
	const struct list_row *left = a, *right = b;

	return memcmp(left->code.text, right->code.text, USCI_SIZE);
}

static int compare_awards(const void *a, const void *b)
{
	const struct list_row *left = a, *right = b;

	if (left->award_fen != right->award_fen)
		return left->award_fen > right->award_fen ? -1 : 1;
	return compare_codes(a, b);
}

static int compare_volumes(const void *a, const void *b)
{
	const struct list_row *left = a, *right = b;

	if (left->volume_fen != right->volume_fen)
		return left->volume_fen > right->volume_fen ? -1 : 1;
	return compare_codes(a, b);
}

static void sort_rows(struct list_view *view)
{
	switch (view->query->sort) {
	case LIST_BY_CODE: array_sort(&view->rows, compare_codes); break;
	case LIST_BY_AWARD: array_sort(&view->rows, compare_awards); break;
	case LIST_BY_VOLUME: array_sort(&view->rows, compare_volumes); break;
	}
}

/* ---- the page */

static enum err policy_json(const struct history *history, const struct policy *policy, json_t **ret_json)
{
	struct policy_sums sums;
	struct policy_result result;
	enum err err = history_evaluate(history, policy, &sums, &result);

	if (err != OK)
		return err;
	return query_take(
	    json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:o}", "policy", policy->id, "status",
		policy->is_assumed ? "assumed" : "published", "eligible_volume", query_money(result.volume_fen),
		"award", result.has_award ? query_money(result.award_fen) : json_null(), "remaining",
		result.has_award ? query_money(result.remaining_fen) : json_null(), "capped",
		result.has_award && result.is_capped, "reasons", query_reasons(&result)),
	    ret_json);
}

static enum err row_json(
    const struct list_view *view, const struct list_row *row, uint64_t *steps_left, json_t *rows, struct why *why)
{
	struct history *history = NULL;
	const struct account *account;
	json_t *policies = json_array(), *policy = NULL, *name = NULL;
	enum err err;

	err = history_read_within(view->txn, &row->code, view->query->size, steps_left, &history, why);
	if (err != OK)
		goto out;
	account = history_account(history);
	for (size_t i = 0; i < view->policies.count && err == OK; i++) {
		const struct query_policy *in_force = array_at(&view->policies, i);

		err = policy_json(history, &in_force->policy, &policy);
		if (err == OK)
			err = query_append(policies, policy);
	}
	if (err == OK)
		err = query_name(view->txn, &row->code, view->query->size, account, &name);
	if (err == OK)
		err = query_append(
		    rows, json_pack("{s:s, s:o, s:b, s:o, s:O}", "code", row->code.text, "name", name, "registered",
			      account != NULL, "lists", query_lists(account), "policies", policies));
out:
	json_decref(policies);
	history_free(history);
	return err;
}

static enum err fill_page(struct list_view *view, json_t *rows, struct why *why)
{
	struct query_page *page = &view->query->page;
	uint64_t steps_left = AS_OF_WALK_MAX, shown = page->after, count = view->rows.count;
	enum err err = OK;

	while (err == OK && shown < count && json_array_size(rows) < page->limit)
		err = row_json(view, array_at(&view->rows, shown++), &steps_left, rows, why);
	page->ret_after = shown < count ? shown : 0;
	return err;
}

static enum err choose_policy(struct list_view *view, struct why *why)
{
	const char *id = view->query->policy_id;

	view->has_policy = view->policies.count > 0;
	if (id == NULL)
		return OK;
	for (size_t i = 0; i < view->policies.count; i++) {
		const struct query_policy *row = array_at(&view->policies, i);

		view->policy_position = i;
		if (strcmp(row->policy.id, id) == 0)
			return OK;
	}
	return why_set(why, ERR_NOT_FOUND, "no such policy is in force at this ledger size: %s",
	    strlen(id) <= POLICY_ID_SIZE_MAX && ascii_is_visible(slice_text(id)) ? id : T("(not an id)"));
}

enum err query_list(struct store_txn *txn, struct list_query *query, json_t **ret_json, struct why *why)
{
	struct list_view view = {.txn = txn, .query = query};
	const struct query_policy *policy;
	json_t *rows = json_array();
	enum err err;

	array_init(&view.rows, sizeof(struct list_row));
	err = query_policies_in_force(txn, query->size, NULL, &view.policies, why);
	if (err == OK)
		err = choose_policy(&view, why);
	if (err == OK)
		err = query->size == ledger_size(txn) ? gather_head(&view) : gather_past(&view, why);
	if (err != OK)
		goto out;
	sort_rows(&view);
	err = fill_page(&view, rows, why);
	if (err != OK)
		goto out;
	policy = view.has_policy ? array_at(&view.policies, view.policy_position) : NULL;
	err = query_take(
	    json_pack("{s:o, s:s?, s:o, s:O}", "ledger_size", query_number(query->size), "policy",
		policy != NULL ? policy->policy.id : NULL, "count", query_number(view.rows.count), "enterprises", rows),
	    ret_json);
out:
	json_decref(rows);
	array_done(&view.rows);
	array_done(&view.policies);
	return err;
}

/* One enterprise: what it has accrued under each policy, and how one of them came to its figure. */
#include <string.h>

#include "daemon/query_internal.h"
#include "proto/date.h"

static json_t *money_or_null(bool has_value, int64_t fen)
{
	return has_value ? query_money(fen) : json_null();
}

static const char *status_name(const struct policy *policy)
{
	return policy->is_assumed ? "assumed" : "published";
}

static enum err capped_at_json(
    const struct history *history, const struct policy *policy, const struct policy_result *result, json_t **ret_json)
{
	struct life_cap capped_at = {.is_found = false};
	enum err err = OK;

	if (result->has_award && result->is_capped)
		err = history_capped_at(history, policy, &capped_at);
	if (err != OK)
		return err;
	if (!capped_at.is_found)
		return query_take(json_null(), ret_json);
	return query_take(
	    json_pack("{s:o, s:s}", "index", query_number(capped_at.index), "trade_no", capped_at.trade_no), ret_json);
}

static json_t *years_json(const struct policy *policy, const struct policy_result *result)
{
	json_t *years;

	if (policy->cap_scope == CAP_TERM)
		return json_null();
	years = json_array();
	for (size_t i = 0; i < result->period_count; i++) {
		const struct policy_period_result *period = &result->periods[i];

		if (query_append(years, json_pack("{s:i, s:o, s:o, s:b}", "year", (int)period->year, "eligible_volume",
					    query_money(period->volume_fen), "award",
					    money_or_null(result->has_award, period->award_fen), "capped",
					    result->has_award && period->is_capped)) != OK) {
			json_decref(years);
			return NULL;
		}
	}
	return years;
}

static enum err policy_json(const struct history *history, const struct policy *policy, json_t **ret_json)
{
	struct policy_sums sums;
	struct policy_result result;
	json_t *capped_at;
	enum err err;

	err = history_evaluate(history, policy, &sums, &result);
	if (err == OK)
		err = capped_at_json(history, policy, &result, &capped_at);
	if (err != OK)
		return err;
	return query_take(
	    json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "policy", policy->id,
		"version", query_number(policy->version), "status", status_name(policy), "title", policy->title,
		"eligible_volume", query_money(result.volume_fen), "supplier_volume", query_money(result.supplier_fen),
		"buyer_volume", query_money(result.buyer_fen), "award",
		money_or_null(result.has_award, result.award_fen), "cap", query_money(result.cap_fen), "remaining",
		money_or_null(result.has_award, result.remaining_fen), "capped", result.has_award && result.is_capped,
		"capped_at", capped_at, "years", years_json(policy, &result), "reasons", query_reasons(&result)),
	    ret_json);
}

/* ---- months */

struct month_row {
	uint16_t month, venue_number;
	enum side side;
	uint64_t trades, not_counted, amount_fen, tax_fen, refunded_fen;
};

static int compare_months(const void *a, const void *b)
{
	const struct month_row *left = a, *right = b;

	if (left->month != right->month)
		return left->month < right->month ? -1 : 1;
	if (left->side != right->side)
		return left->side < right->side ? -1 : 1;
	return (left->venue_number > right->venue_number) - (left->venue_number < right->venue_number);
}

static void add_cell(struct month_row *row, const struct history_cell *cell)
{
	if ((cell->key.flags & CELL_NOT_COUNTED) != 0) {
		row->not_counted += cell->sums.trades;
		return;
	}
	row->trades += cell->sums.trades;
	row->amount_fen += cell->sums.amount_fen;
	row->tax_fen += cell->sums.tax_fen;
	row->refunded_fen += cell->sums.refunded_fen;
}

/* One row for each month, side and venue, ascending. */
static enum err sum_months(const struct history *history, struct array *months)
{
	size_t count, kept = 0;
	const struct history_cell *cells = history_cells(history, &count);

	for (size_t i = 0; i < count; i++) {
		struct month_row *row = array_add(months);

		if (row == NULL)
			return ERR_MEMORY;
		row->month = cells[i].key.settled_month;
		row->venue_number = cells[i].key.venue_number;
		row->side = cells[i].key.side;
		add_cell(row, &cells[i]);
	}
	array_sort(months, compare_months);
	for (size_t i = 1; i < months->count; i++) {
		struct month_row *last = array_at(months, kept), *row = array_at(months, i);

		if (compare_months(last, row) != 0) {
			*(struct month_row *)array_at(months, ++kept) = *row;
			continue;
		}
		last->trades += row->trades;
		last->not_counted += row->not_counted;
		last->amount_fen += row->amount_fen;
		last->tax_fen += row->tax_fen;
		last->refunded_fen += row->refunded_fen;
	}
	if (months->count > 0)
		months->count = kept + 1;
	return OK;
}

static enum err months_json(const struct history *history, json_t *rows)
{
	struct array months;
	enum err err;

	array_init(&months, sizeof(struct month_row));
	err = sum_months(history, &months);
	for (size_t i = 0; i < months.count && err == OK; i++) {
		const struct month_row *row = array_at(&months, i);

		err = query_append(
		    rows, json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "month", query_month(row->month),
			      "side", query_side_name(row->side), "venue", history_venue_id(history, row->venue_number),
			      "trades", query_number(row->trades), "amount", query_money((int64_t)row->amount_fen),
			      "tax", query_money((int64_t)row->tax_fen), "refunded",
			      query_money((int64_t)row->refunded_fen), "not_counted", query_number(row->not_counted)));
	}
	array_done(&months);
	return err;
}

/* ---- answers */

enum err query_enterprise(
    struct store_txn *txn, const struct code *code, uint64_t size, json_t **ret_json, struct why *why)
{
	json_t *rows = json_array(), *months = json_array(), *name = NULL, *row = NULL;
	const struct account *account;
	struct history *history = NULL;
	struct array policies;
	enum err err;

	array_init(&policies, sizeof(struct query_policy));
	err = history_read(txn, code, size, &history, why);
	if (err != OK)
		goto out;
	account = history_account(history);
	err = query_policies_in_force(txn, size, NULL, &policies, why);
	for (size_t i = 0; i < policies.count && err == OK; i++) {
		const struct query_policy *policy = array_at(&policies, i);

		err = policy_json(history, &policy->policy, &row);
		if (err == OK)
			err = query_append(rows, row);
	}
	if (err == OK)
		err = months_json(history, months);
	if (err == OK)
		err = query_name(txn, code, size, account, &name);
	if (err == OK)
		err = query_take(
		    json_pack("{s:s, s:o, s:b, s:o, s:o, s:o, s:O, s:O}", "code", code->text, "name", name,
			"registered", account != NULL, "lists", query_lists(account), "ledger_size", query_number(size),
			"note", query_note(&policies), "policies", rows, "months", months),
		    ret_json);
out:
	json_decref(rows);
	json_decref(months);
	array_done(&policies);
	history_free(history);
	return err;
}

static enum err explain_json(
    struct store_txn *txn, const struct history *history, const struct array *policies, json_t **ret_json)
{
	const struct query_policy *row = array_at(policies, 0);
	const struct policy *policy = &row->policy;
	struct policy_sums sums;
	struct policy_result result;
	json_t *capped_at, *text = NULL;
	enum err err;

	err = query_policy_text(txn, row->index, &text);
	if (err == OK)
		err = history_evaluate(history, policy, &sums, &result);
	if (err == OK)
		err = capped_at_json(history, policy, &result, &capped_at);
	if (err != OK) {
		json_decref(text);
		return err;
	}
	return query_take(
	    json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "policy", policy->id, "version",
		query_number(policy->version), "status", status_name(policy), "policy_index", query_number(row->index),
		"policy_text", text, "note", query_note(policies), "steps", policy_explain(policy, &sums, &result),
		"award", money_or_null(result.has_award, result.award_fen), "capped_at", capped_at),
	    ret_json);
}

enum err query_explain(struct store_txn *txn, const struct code *code, uint64_t size, const char *policy_id,
    json_t **ret_json, struct why *why)
{
	struct history *history = NULL;
	struct array policies;
	json_t *name = NULL, *explained = NULL, *answer = NULL;
	enum err err;

	array_init(&policies, sizeof(struct query_policy));
	err = history_read(txn, code, size, &history, why);
	if (err != OK)
		goto out;
	err = query_policies_in_force(txn, size, policy_id, &policies, why);
	if (err == OK)
		err = explain_json(txn, history, &policies, &explained);
	if (err == OK)
		err = query_name(txn, code, size, history_account(history), &name);
	if (err == OK)
		err = query_take(
		    json_pack("{s:s, s:o, s:o}", "code", code->text, "name", name, "ledger_size", query_number(size)),
		    &answer);
	if (err == OK && json_object_update(answer, explained) != 0) {
		json_decref(answer);
		err = ERR_MEMORY;
	}
	if (err == OK)
		*ret_json = answer;
out:
	json_decref(explained);
	array_done(&policies);
	history_free(history);
	return err;
}

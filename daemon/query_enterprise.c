/* One enterprise: what it has accrued under each policy, and how one of them came to its figure. */
#include <string.h>

#include "daemon/query_internal.h"
#include "proto/date.h"
#include "proto/jsontext.h"

/* Bytes: a row for each month, side and venue that there can be; and the rest. */
#define MONTH_ROW_SIZE_MAX ((size_t)256)
#define MONTH_ROWS_MAX ((DATE_YEAR_MAX - DATE_YEAR_MIN + 1) * 12 * 2 * VENUES_MAX)
#define ANSWER_SIZE_MAX (MONTH_ROWS_MAX * MONTH_ROW_SIZE_MAX + (1u << 20))

void query_answer_init(struct query_answer *answer)
{
	*answer = (struct query_answer){.size_start = 0};
	buf_init(&answer->text, ANSWER_SIZE_MAX);
	array_init(&answer->caps, sizeof(struct history_cap));
}

void query_answer_done(struct query_answer *answer)
{
	buf_done(&answer->text);
	array_done(&answer->caps);
}

struct query_stamp query_stamp(struct store_txn *txn, const struct code *code)
{
	struct party party;

	party_get(txn, code, &party);
	return (struct query_stamp){.last_index = party.last_index, .order_count = store_count(txn, STORE_ORDERS)};
}

static const char *status_name(const struct policy *policy)
{
	return policy->is_assumed ? "assumed" : "published";
}

/* ---- where the cap was reached */

static struct history_cap *known_cap(const struct array *caps, uint64_t policy_index)
{
	for (size_t i = 0; i < caps->count; i++) {
		struct history_cap *cap = array_at(caps, i);

		if (cap->policy_index == policy_index)
			return cap;
	}
	return NULL;
}

static enum err remember_cap(struct array *caps, const struct history_cap *cap)
{
	struct history_cap *place = known_cap(caps, cap->policy_index);

	/* Those of policies that were replaced are never asked for again, and would add up. */
	if (place == NULL && caps->count == POLICIES_MAX)
		caps->count = 0;
	if (place == NULL)
		place = array_add(caps);
	if (place == NULL)
		return ERR_MEMORY;
	*place = *cap;
	return OK;
}

/* Nothing is found where the award is not capped. */
static enum err find_cap(const struct history *history, const struct query_policy *policy,
    const struct policy_result *result, struct array *caps, struct history_cap *ret_cap)
{
	struct history_cap cap = {.is_found = false};
	enum err err = OK;

	if (result->has_award && result->is_capped) {
		err = history_capped_at(history, &policy->policy, known_cap(caps, policy->index), &cap);
		cap.policy_index = policy->index;
		if (err == OK && cap.last_index != 0)
			err = remember_cap(caps, &cap);
	}
	if (err == OK)
		*ret_cap = cap;
	return err;
}

/* ---- policies */

static void put_word(struct buf *text, const char *key, const char *word)
{
	jsontext_name(text, key);
	jsontext_string(text, slice_text(word));
}

static void put_number(struct buf *text, const char *key, uint64_t number)
{
	jsontext_name(text, key);
	jsontext_number(text, number);
}

static void put_fen(struct buf *text, int64_t fen)
{
	char amount[MONEY_TEXT_SIZE];

	money_format(fen, amount);
	jsontext_string(text, slice_text(amount));
}

static void put_money(struct buf *text, const char *key, int64_t fen)
{
	jsontext_name(text, key);
	put_fen(text, fen);
}

static void put_money_or_null(struct buf *text, const char *key, bool has_value, int64_t fen)
{
	jsontext_name(text, key);
	if (has_value)
		put_fen(text, fen);
	else
		jsontext_null(text);
}

static void put_bool(struct buf *text, const char *key, bool value)
{
	jsontext_name(text, key);
	jsontext_bool(text, value);
}

static void put_cap(struct buf *text, const struct history_cap *cap)
{
	jsontext_name(text, "capped_at");
	if (!cap->is_found) {
		jsontext_null(text);
		return;
	}
	jsontext_object(text);
	put_number(text, "index", cap->index);
	put_word(text, "trade_no", cap->trade_no);
	jsontext_object_end(text);
}

static void put_years(struct buf *text, const struct policy *policy, const struct policy_result *result)
{
	jsontext_name(text, "years");
	if (policy->cap_scope == CAP_TERM) {
		jsontext_null(text);
		return;
	}
	jsontext_array(text);
	for (size_t i = 0; i < result->period_count; i++) {
		const struct policy_period_result *period = &result->periods[i];

		jsontext_object(text);
		put_number(text, "year", period->year);
		put_money(text, "eligible_volume", period->volume_fen);
		put_money_or_null(text, "award", result->has_award, period->award_fen);
		put_bool(text, "capped", result->has_award && period->is_capped);
		jsontext_object_end(text);
	}
	jsontext_array_end(text);
}

static void put_reasons(struct buf *text, const struct policy_result *result)
{
	jsontext_name(text, "reasons");
	jsontext_array(text);
	if (result->reason != REASON_NONE)
		jsontext_string(text, slice_text(policy_reason_name(result->reason)));
	jsontext_array_end(text);
}

static enum err put_policy(
    struct buf *text, const struct history *history, const struct query_policy *row, struct array *caps)
{
	const struct policy *policy = &row->policy;
	struct policy_sums sums;
	struct policy_result result;
	struct history_cap cap;
	enum err err = history_evaluate(history, policy, &sums, &result);

	if (err == OK)
		err = find_cap(history, row, &result, caps, &cap);
	if (err != OK)
		return err;
	jsontext_object(text);
	put_word(text, "policy", policy->id);
	put_number(text, "version", policy->version);
	put_word(text, "status", status_name(policy));
	put_word(text, "title", policy->title);
	put_money(text, "eligible_volume", result.volume_fen);
	put_money(text, "supplier_volume", result.supplier_fen);
	put_money(text, "buyer_volume", result.buyer_fen);
	put_money_or_null(text, "award", result.has_award, result.award_fen);
	put_money(text, "cap", result.cap_fen);
	put_money_or_null(text, "remaining", result.has_award, result.remaining_fen);
	put_bool(text, "capped", result.has_award && result.is_capped);
	put_cap(text, &cap);
	put_years(text, policy, &result);
	put_reasons(text, &result);
	jsontext_object_end(text);
	return OK;
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

/* The row that the cell belongs to, among those from `start` on, which are of its month; made where there is none yet. */
static struct month_row *row_of(struct array *months, size_t start, const struct cell_key *key)
{
	struct month_row wanted = {.month = key->settled_month, .side = key->side, .venue_number = key->venue_number};
	size_t place = months->count;
	struct month_row *row;

	/* Cells of a row mostly follow each other, the newest rows being behind. */
	for (; place > start; place--) {
		int order = compare_months(array_at(months, place - 1), &wanted);

		if (order == 0)
			return array_at(months, place - 1);
		if (order < 0)
			break;
	}
	row = array_insert(months, place);
	if (row != NULL)
		*row = wanted;
	return row;
}

/* One row for each month, side and venue, ascending; the cells are in the order of months. */
static enum err sum_months(const struct history *history, struct array *months)
{
	size_t count, start = 0;
	const struct history_cell *cells = history_cells(history, &count);

	for (size_t i = 0; i < count; i++) {
		struct month_row *row;

		if (i > 0 && cells[i].key.settled_month != cells[i - 1].key.settled_month)
			start = months->count;
		row = row_of(months, start, &cells[i].key);
		if (row == NULL)
			return ERR_MEMORY;
		add_cell(row, &cells[i]);
	}
	return OK;
}

static enum err put_month(struct buf *text, const struct history *history, const struct month_row *row)
{
	const char *venue = history_venue_id(history, row->venue_number);
	char month[MONTH_TEXT_SIZE];

	if (venue == NULL)
		return ERR_DAMAGED;
	month_format(row->month, month);
	jsontext_object(text);
	put_word(text, "month", month);
	put_word(text, "side", query_side_name(row->side));
	put_word(text, "venue", venue);
	put_number(text, "trades", row->trades);
	put_money(text, "amount", (int64_t)row->amount_fen);
	put_money(text, "tax", (int64_t)row->tax_fen);
	put_money(text, "refunded", (int64_t)row->refunded_fen);
	put_number(text, "not_counted", row->not_counted);
	jsontext_object_end(text);
	return OK;
}

static enum err put_months(struct buf *text, const struct history *history)
{
	struct array months;
	enum err err;

	array_init(&months, sizeof(struct month_row));
	err = sum_months(history, &months);
	jsontext_name(text, "months");
	jsontext_array(text);
	for (size_t i = 0; i < months.count && err == OK; i++)
		err = put_month(text, history, array_at(&months, i));
	jsontext_array_end(text);
	array_done(&months);
	return err;
}

/* ---- answers */

static void put_lists(struct buf *text, const struct account *account)
{
	jsontext_name(text, "lists");
	jsontext_array(text);
	for (size_t i = 0; account != NULL && i < account->list_count; i++)
		jsontext_string(text, slice_text(account->lists[i]));
	jsontext_array_end(text);
}

static void put_size(struct buf *text, uint64_t size, struct query_answer *answer)
{
	jsontext_name(text, "ledger_size");
	answer->size_start = text->size;
	jsontext_number(text, size);
	answer->size_end = text->size;
}

static enum err put_enterprise(
    const struct history *history, const struct array *policies, struct slice name, struct query_answer *answer)
{
	struct buf *text = &answer->text;
	const struct account *account = history_account(history);
	enum err err = OK;

	jsontext_object(text);
	put_word(text, "code", history_code(history)->text);
	jsontext_name(text, "name");
	if (name.size > 0 || account != NULL)
		jsontext_string(text, name);
	else
		jsontext_null(text);
	put_bool(text, "registered", account != NULL);
	put_lists(text, account);
	put_size(text, history_size(history), answer);
	put_word(text, "note", query_note_text(policies));
	jsontext_name(text, "policies");
	jsontext_array(text);
	for (size_t i = 0; i < policies->count && err == OK; i++)
		err = put_policy(text, history, array_at(policies, i), &answer->caps);
	jsontext_array_end(text);
	if (err == OK)
		err = put_months(text, history);
	jsontext_object_end(text);
	buf_u8(text, '\n');
	return err == OK ? text->err : err;
}

enum err query_enterprise(
    struct store_txn *txn, const struct code *code, uint64_t size, struct query_answer *answer, struct why *why)
{
	char name[PARTY_NAME_SIZE_MAX + 1] = "";
	struct history *history = NULL;
	struct array policies;
	enum err err;

	array_init(&policies, sizeof(struct query_policy));
	buf_clear(&answer->text);
	err = history_read(txn, code, size, &history, why);
	if (err == OK)
		err = query_policies_in_force(txn, size, NULL, &policies, why);
	if (err == OK)
		err = query_name_text(txn, code, size, history_account(history), name);
	if (err == OK)
		err = put_enterprise(history, &policies, slice_text(name), answer);
	if (err == OK) {
		answer->stamp = query_stamp(txn, code);
		if (size != ledger_size(txn))
			answer->stamp.last_index = 0;
	}
	array_done(&policies);
	history_free(history);
	return err;
}

static json_t *cap_json(const struct history_cap *cap)
{
	if (!cap->is_found)
		return json_null();
	return json_pack("{s:o, s:s}", "index", query_number(cap->index), "trade_no", cap->trade_no);
}

static enum err explain_json(struct store_txn *txn, const struct history *history, const struct array *policies,
    struct array *caps, json_t **ret_json)
{
	const struct query_policy *row = array_at(policies, 0);
	const struct policy *policy = &row->policy;
	struct policy_sums sums;
	struct policy_result result;
	struct history_cap cap;
	json_t *text = NULL;
	enum err err;

	err = query_policy_text(txn, row->index, &text);
	if (err == OK)
		err = history_evaluate(history, policy, &sums, &result);
	if (err == OK)
		err = find_cap(history, row, &result, caps, &cap);
	if (err != OK) {
		json_decref(text);
		return err;
	}
	return query_take(
	    json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "policy", policy->id, "version",
		query_number(policy->version), "status", status_name(policy), "policy_index", query_number(row->index),
		"policy_text", text, "note", json_string(query_note_text(policies)), "steps",
		policy_explain(policy, &sums, &result), "award",
		result.has_award ? query_money(result.award_fen) : json_null(), "capped_at", cap_json(&cap)),
	    ret_json);
}

enum err query_explain(struct store_txn *txn, const struct code *code, uint64_t size, const char *policy_id,
    struct array *caps, json_t **ret_json, struct why *why)
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
		err = explain_json(txn, history, &policies, caps, &explained);
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

/* The policies in force, and the answer that lists them. */
#include <stdlib.h>
#include <string.h>

#include "daemon/query_internal.h"

#include "proto/text.h"

#define PROMISE                                                                                                        \
	"An accrual is not a promise: what is awarded is decided in review, and within the budget of the policy's "    \
	"pool."
#define ASSUMED " Computed with assumed parameters, not with published ones (按假设参数测算)."

static enum err add_policy(
    struct store_txn *txn, uint64_t size, const char *id, struct array *policies, struct why *why)
{
	struct query_policy *policy;
	uint64_t index;
	uint32_t version;

	if (!policy_find(txn, slice_text(id), size, &index, &version)) {
		if (store_error(txn) != OK)
			return store_error(txn);
		return why_set(why, ERR_NOT_FOUND, "no such policy is in force at this ledger size: %s",
		    strlen(id) <= POLICY_ID_SIZE_MAX && ascii_is_visible(slice_text(id)) ? id : T("(not an id)"));
	}
	policy = array_add(policies);
	if (policy == NULL)
		return ERR_MEMORY;
	policy->index = index;
	return policy_read(txn, index, &policy->policy);
}

enum err query_policies_in_force(
    struct store_txn *txn, uint64_t size, const char *id, struct array *ret_policies, struct why *why)
{
	char ids[POLICIES_MAX][POLICY_ID_SIZE_MAX + 1];
	size_t count;
	enum err err;

	array_init(ret_policies, sizeof(struct query_policy));
	if (id != NULL)
		return add_policy(txn, size, id, ret_policies, why);
	count = policy_ids(txn, size, ids, POLICIES_MAX);
	err = store_error(txn);
	for (size_t i = 0; i < count && err == OK; i++)
		err = add_policy(txn, size, ids[i], ret_policies, why);
	return err;
}

const char *query_note_text(const struct array *policies)
{
	for (size_t i = 0; i < policies->count; i++) {
		const struct query_policy *policy = array_at(policies, i);

		if (policy->policy.is_assumed)
			return T(PROMISE ASSUMED);
	}
	return T(PROMISE);
}

static enum err policy_row(struct store_txn *txn, const struct query_policy *row, json_t **ret_json)
{
	const struct policy *policy = &row->policy;
	struct arena arena;
	struct entry entry;
	json_t *text = NULL;
	enum err err;

	arena_init(&arena, ORDER_ARENA_SIZE);
	err = ledger_entry(txn, row->index, &arena, &entry);
	if (err == OK)
		err = query_policy_text(txn, row->index, &text);
	if (err == OK)
		err = query_take(
		    json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:o, s:o}", "policy", policy->id, "version",
			query_number(policy->version), "status", policy->is_assumed ? "assumed" : "published", "title",
			policy->title, "basis", policy->basis, "index", query_number(row->index), "adopted",
			query_time(entry.time_us), "text", text),
		    ret_json);
	arena_done(&arena);
	return err == ERR_NOT_FOUND ? ERR_DAMAGED : err;
}

enum err query_policy_text(struct store_txn *txn, uint64_t order_index, json_t **ret_json)
{
	struct buf text;
	json_t *json;
	enum err err;

	buf_init(&text, ORDER_BODY_SIZE_MAX);
	err = policy_read_text(txn, order_index, &text);
	if (err == OK) {
		json = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
		err = json == NULL ? ERR_DAMAGED : query_take(json, ret_json);
	}
	buf_done(&text);
	return err;
}

enum err query_policies(struct store_txn *txn, uint64_t size, json_t **ret_json, struct why *why)
{
	struct array policies;
	json_t *rows = json_array(), *row = NULL;
	enum err err;

	err = query_policies_in_force(txn, size, NULL, &policies, why);
	for (size_t i = 0; i < policies.count && err == OK; i++) {
		err = policy_row(txn, array_at(&policies, i), &row);
		if (err == OK)
			err = query_append(rows, row);
	}
	if (err == OK)
		err =
		    query_take(json_pack("{s:o, s:O}", "ledger_size", query_number(size), "policies", rows), ret_json);
	json_decref(rows);
	array_done(&policies);
	return err;
}

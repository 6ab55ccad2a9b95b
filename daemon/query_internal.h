/* What the query files share: small JSON values, and the policies in force. */
#ifndef DAEMON_QUERY_INTERNAL_H
#define DAEMON_QUERY_INTERNAL_H

#include "proto/array.h"
#include "daemon/chain.h"
#include "daemon/query.h"

/* New JSON values; NULL on lack of memory. Building goes on with NULL in hand: json_pack and query_append refuse it. */
json_t *query_money(int64_t fen);
json_t *query_wide(wide_fen fen);
json_t *query_number(uint64_t number);		/* an index, a size, a count */
json_t *query_index(uint64_t index);		/* null for 0 */
json_t *query_time(uint64_t time_us);
json_t *query_date(uint32_t date);
json_t *query_month(uint16_t month);
json_t *query_slice(struct slice text);
json_t *query_slice_or_null(struct slice text);	/* null for an empty one */
json_t *query_base64(struct slice bytes);
json_t *query_lists(const struct account *account);
json_t *query_reasons(const struct policy_result *result);
/* Why a record does not count: null for one that does. */
json_t *query_disposition_reason(enum disposition disposition);
const char *query_side_name(enum side side);
/* Adds and takes `value`. ERR_MEMORY when either is NULL. */
enum err query_append(json_t *array, json_t *value) must_check;
/* Gives `made` away, or says that memory was short. */
enum err query_take(json_t *made, json_t **ret_json) must_check;

/* Inclusion or consistency hashes in base64; NULL on lack of memory. */
json_t *query_path(const struct tree_path *path);
/*
 * That an order holds an item line: {"index","item","note","line","count","hashes"}, the line's path among the items
 * whose root the officers signed. No other line of the order is told. ERR_DAMAGED, ERR_MEMORY.
 */
enum err query_item_proof(struct store_txn *txn, uint64_t order_index, uint32_t place, json_t **ret_json) must_check;

/* The policies in force at a size, by id. */
struct query_policy {
	uint64_t index;			/* of the order that adopted it */
	struct policy policy;
};
/* `id` picks one: ERR_NOT_FOUND when no such policy is in force; NULL takes all. ERR_MEMORY, ERR_DAMAGED. The array is
 * of struct query_policy; array_done it in any case. */
enum err query_policies_in_force(struct store_txn *txn, uint64_t size, const char *id, struct array *ret_policies,
    struct why *why) must_check;
/* The text of the policy that an order adopted, as it was signed. ERR_MEMORY, ERR_DAMAGED. */
enum err query_policy_text(struct store_txn *txn, uint64_t order_index, json_t **ret_json) must_check;
/* That an accrual is not a promise, and, where a policy's parameters are assumed, that it is computed with them. */
const char *query_note_text(const struct array *policies);

/* Name in the register at that size, or as its newest trade claims it; "" and null when neither names it. */
enum err query_name_text(struct store_txn *txn, const struct code *code, uint64_t size, const struct account *account,
    char ret_name[static PARTY_NAME_SIZE_MAX + 1]) must_check;
enum err query_name(struct store_txn *txn, const struct code *code, uint64_t size, const struct account *account,
    json_t **ret_json) must_check;

#endif

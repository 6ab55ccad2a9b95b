/* What an enterprise may read of itself, and the bureau and auditors of all. */
#include "daemon/api_internal.h"

#include <string.h>

/* The code of the path, and the asked ledger size. */
static enum err begin(struct reading *reading, struct store_txn *txn, struct code *ret_code, uint64_t *ret_size)
{
	enum err err = api_as_of(reading->target, txn, ret_size, &reading->why);

	if (err != OK)
		return err;
	if (reading->subject.size != USCI_SIZE || usci_check(reading->subject, NULL) != USCI_OK)
		return access_absent(ACCESS_ENTERPRISE, &reading->why);
	*ret_code = code_of(reading->subject);
	return OK;
}

enum err api_enterprise(struct reading *reading, struct store_txn *txn)
{
	struct code code;
	uint64_t size;
	enum err err = begin(reading, txn, &code, &size);

	return err != OK ? err : query_enterprise(txn, &code, size, &reading->answer, &reading->why);
}

enum err api_trades(struct reading *reading, struct store_txn *txn)
{
	struct query_page page;
	struct code code;
	uint64_t size;
	enum err err = begin(reading, txn, &code, &size);

	if (err == OK)
		err = api_page_begin(reading, &page);
	if (err == OK)
		err = query_trades(txn, &code, size, &page, &reading->json, &reading->why);
	return err != OK ? err : api_page_end(reading, &page);
}

enum err api_explain(struct reading *reading, struct store_txn *txn)
{
	char policy[POLICY_ID_SIZE_MAX + 1] = "";
	struct code code;
	uint64_t size;
	enum err err = begin(reading, txn, &code, &size);

	if (err == OK)
		err = api_text(reading->target, "policy", sizeof(policy), policy, &reading->why);
	if (err == OK && policy[0] == '\0')
		err = why_set(&reading->why, ERR_BAD_REQUEST, "say which policy, as ?policy=ID");
	if (err != OK)
		return err;
	return query_explain(txn, &code, size, policy, &reading->answer.caps, &reading->json, &reading->why);
}

static enum err read_sort(const struct target *target, enum list_sort *ret_sort, struct why *why)
{
	static const char *const names[] = {
	    [LIST_BY_CODE] = "code", [LIST_BY_AWARD] = "award", [LIST_BY_VOLUME] = "volume"};
	struct slice text;

	*ret_sort = LIST_BY_CODE;
	if (!target_parameter(target, "sort", &text))
		return OK;
	for (size_t i = LIST_BY_CODE; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_equal(text, slice_text(names[i]))) {
			*ret_sort = (enum list_sort)i;
			return OK;
		}
	return why_set(why, ERR_BAD_REQUEST, "sort is code, award or volume");
}

enum err api_enterprises(struct reading *reading, struct store_txn *txn)
{
	char policy[POLICY_ID_SIZE_MAX + 1] = "", list[LIST_NAME_SIZE_MAX + 1] = "";
	const struct target *target = reading->target;
	struct list_query query = {.find = {.size = 0}};
	enum err err = api_as_of(target, txn, &query.size, &reading->why);

	if (err == OK)
		err = api_text(target, "policy", sizeof(policy), policy, &reading->why);
	if (err == OK)
		err = api_text(target, "list", sizeof(list), list, &reading->why);
	if (err == OK)
		err = read_sort(target, &query.sort, &reading->why);
	if (err == OK)
		err = api_page_begin(reading, &query.page);
	if (err != OK)
		return err;
	query.policy_id = policy[0] != '\0' ? policy : NULL;
	query.list = list[0] != '\0' ? list : NULL;
	(void)target_parameter(target, "find", &query.find);
	err = query_list(txn, &query, &reading->json, &reading->why);
	return err != OK ? err : api_page_end(reading, &query.page);
}

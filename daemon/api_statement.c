/*
 * An enterprise's own proof, page by page: its entries with their paths, and the acts of the bureau below the same size.
 * All pages are of one size, that of the published checkpoint when the first was asked for; the cursor carries it.
 */
#include "daemon/api_internal.h"

static enum err read_code(struct reading *reading, struct store_txn *txn, struct code *ret_code)
{
	struct party party;

	if (reading->subject.size != USCI_SIZE || usci_check(reading->subject, NULL) != USCI_OK)
		return access_absent(ACCESS_ENTERPRISE, &reading->why);
	*ret_code = code_of(reading->subject);
	party_get(txn, ret_code, &party);
	if (store_error(txn) != OK)
		return store_error(txn);
	return party.last_index != 0 ? OK : access_absent(ACCESS_ENTERPRISE, &reading->why);
}

enum err api_statement(struct reading *reading, struct store_txn *txn)
{
	const struct slice note = head_note(&reading->published);
	struct statement_query query = {.identity = &reading->api->identity};
	struct code code;
	enum err err = read_code(reading, txn, &code);

	if (err == OK)
		err = api_page_begin(reading, &query.page);
	if (err != OK)
		return err;
	query.code = &code;
	if (query.page.size == 0) {
		query.page.size = reading->published.size;
		query.checkpoint = &note;
	}
	err = query_statement(txn, &query, &reading->json, &reading->why);
	if (err == ERR_NOT_FOUND)
		err = access_absent(ACCESS_ENTERPRISE, &reading->why);
	return err != OK ? err : api_page_end(reading, &query.page);
}

enum err api_acts(struct reading *reading, struct store_txn *txn)
{
	uint64_t size = reading->published.size;
	struct query_page page;
	struct code code;
	enum err err = read_code(reading, txn, &code);

	if (err == OK)
		err = api_number(reading->target, "size", TREE_SIZE_MAX, &size, &reading->why);
	if (err == OK && (size == 0 || size > reading->head.size))
		err = why_set(&reading->why, ERR_BAD_REQUEST, "size: the ledger's sizes are 1 to %llu",
		    (unsigned long long)reading->head.size);
	if (err == OK)
		err = api_page_begin(reading, &page);
	if (err != OK)
		return err;
	if (page.size == 0)
		page.size = size;
	err = query_acts(txn, &page, &reading->json);
	return err != OK ? err : api_page_end(reading, &page);
}

/*
 * The grants of access: who may read, since which order, until when. The ledger knows an access code by its hash only,
 * and it is by this hash that an order revokes it.
 */
#include <string.h>

#include "daemon/query_internal.h"

/* Where a grant stands: its order, and its place there. Later orders only add rows behind all others, so that a count
 * of rows stays a place in the list. */
struct grant_place {
	uint64_t index;
	uint32_t item;
	uint8_t token_hash[HASH_SIZE];
};

static int compare_places(const void *a, const void *b)
{
	const struct grant_place *left = a, *right = b;

	if (left->index != right->index)
		return left->index < right->index ? -1 : 1;
	return (left->item > right->item) - (left->item < right->item);
}

static bool is_wanted(const struct grants_query *query, const struct grant *grant)
{
	return query->subject == NULL ||
	       (query->subject->subject == grant->subject && strcmp(query->subject->name, grant->name) == 0);
}

static enum err gather(struct store_txn *txn, const struct grants_query *query, struct array *places)
{
	struct store_cursor cursor;
	struct grant_place *place;
	struct grant_row row;
	enum err err = OK;

	store_cursor_open(&cursor, txn, STORE_GRANTS);
	for (bool is_there = store_cursor_first(&cursor); is_there && err == OK;
	     is_there = store_cursor_next(&cursor)) {
		if (cursor.key.size != HASH_SIZE || !grant_get(txn, cursor.key.data, &row)) {
			err = ERR_DAMAGED;
			break;
		}
		if (!is_wanted(query, &row.grant))
			continue;
		place = array_add(places);
		if (place == NULL) {
			err = ERR_MEMORY;
			break;
		}
		*place = (struct grant_place){.index = row.index, .item = row.item};
		memcpy(place->token_hash, row.grant.token_hash, HASH_SIZE);
	}
	store_cursor_close(&cursor);
	return store_error(txn) != OK ? store_error(txn) : err;
}

static enum err row_add(struct store_txn *txn, const struct grant_place *place, json_t *rows)
{
	char hash[2 * HASH_SIZE + 1], subject[64];
	struct grant_row row;

	if (!grant_get(txn, place->token_hash, &row))
		return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
	hex_format(slice_of(row.grant.token_hash, HASH_SIZE), hash);
	grant_subject_format(&row.grant, subject);
	return query_append(
	    rows, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "token_hash", hash, "subject", subject, "holder",
		      row.grant.holder, "expires", query_date(row.grant.expires), "index", query_number(row.index),
		      "item", query_number(row.item), "revoked_by", query_index(row.revoked_index)));
}

enum err query_grants(struct store_txn *txn, struct grants_query *query, json_t **ret_json)
{
	struct query_page *page = &query->page;
	uint64_t shown = page->after;
	json_t *rows = json_array();
	struct array places;
	enum err err;

	array_init(&places, sizeof(struct grant_place));
	err = gather(txn, query, &places);
	array_sort(&places, compare_places);
	while (err == OK && shown < places.count && json_array_size(rows) < page->limit)
		err = row_add(txn, array_at(&places, shown++), rows);
	if (err == OK)
		err = query_take(json_pack("{s:o, s:o, s:O}", "ledger_size", query_number(ledger_size(txn)), "count",
				     query_number(places.count), "grants", rows),
		    ret_json);
	if (err == OK)
		page->ret_after = shown < places.count ? shown : 0;
	json_decref(rows);
	array_done(&places);
	return err;
}

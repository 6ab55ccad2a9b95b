/* One entry: what its envelope says, and its bytes. */
#include "daemon/query_internal.h"

static json_t *links_json(const struct entry *entry)
{
	json_t *links = json_array();
	enum err err = links == NULL ? ERR_MEMORY : OK;

	for (size_t i = 0; i < entry->link_count && err == OK; i++)
		err = query_append(links, query_index(entry->links[i]));
	if (err == OK)
		return links;
	json_decref(links);
	return NULL;
}

/* Records have none. */
static json_t *salt_json(const struct entry *entry)
{
	return entry->kind == ENTRY_RECORD ? json_null() : query_base64(slice_of(entry->salt, SALT_SIZE));
}

enum err query_entry(struct store_txn *txn, uint64_t index, json_t **ret_json)
{
	struct arena arena;
	struct entry entry;
	struct slice bytes;
	struct hash leaf;
	enum err err;

	arena_init(&arena, 4 * ENTRY_SIZE_MAX);
	err = ledger_entry(txn, index, &arena, &entry);
	if (err == OK && !ledger_bytes(txn, index, &bytes))
		err = store_error(txn);
	if (err == OK) {
		leaf = hash_leaf(bytes);
		err = query_take(
		    json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "index", query_number(index), "kind",
			entry_kind_name(entry.kind), "time", query_time(entry.time_us), "previous",
			query_base64(hash_slice(&entry.previous)), "salt", salt_json(&entry), "links",
			links_json(&entry), "clock_stepped_back", (entry.flags & ENTRY_FLAG_CLOCK_STEPPED_BACK) != 0,
			"leaf", query_base64(hash_slice(&leaf)), "bytes", query_base64(bytes)),
		    ret_json);
	}
	arena_done(&arena);
	return err == ERR_NOT_FOUND ? ERR_DAMAGED : err;
}

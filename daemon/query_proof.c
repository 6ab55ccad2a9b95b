/* Proofs in answers: a path as JSON, a record in its venue's feed, an item line under the officers' note. */
#include <stdlib.h>

#include "daemon/query_internal.h"

#include "daemon/ingest.h"

json_t *query_path(const struct tree_path *path)
{
	json_t *hashes = json_array();
	enum err err = hashes == NULL ? ERR_MEMORY : OK;

	for (size_t i = 0; i < path->count && err == OK; i++)
		err = query_append(hashes, query_base64(hash_slice(&path->hashes[i])));
	if (err == OK)
		return hashes;
	json_decref(hashes);
	return NULL;
}

enum err query_feed_proof(struct store_txn *txn, const struct feed *feed, uint64_t index, struct buf *ret_proof)
{
	struct proof proof = {.has_extra = true, .index = index};
	struct tree_source source;
	struct feed_lookup lookup;
	uint64_t push_index;
	struct arena arena;
	struct entry entry;
	enum err err;

	if (!push_get(txn, feed->number, index, &push_index))
		return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
	arena_init(&arena, 4 * ENTRY_SIZE_MAX);
	feed_lookup_init(&lookup, txn, feed);
	source = feed_lookup_source(&lookup);
	err = ledger_entry(txn, push_index, &arena, &entry);
	if (err == OK && (entry.kind != ENTRY_PUSH || index - entry.push.start >= entry.push.count ||
			     entry.push.start + entry.push.count > feed->frontier.size))
		err = ERR_DAMAGED;
	if (err == OK)
		err = tree_inclusion(&source, index, entry.push.start + entry.push.count, &proof.path);
	if (err == OK)
		err = feed_lookup_leaves(&lookup).entry(&lookup, index, &proof.extra);
	if (err == OK) {
		proof.note = entry.push.note;
		proof_format(&proof, ret_proof);
		err = ret_proof->err;
	}
	feed_lookup_done(&lookup);
	arena_done(&arena);
	return err == ERR_NOT_FOUND ? ERR_DAMAGED : err;
}

/* ---- an order's items */

static enum err hash_of_items(void *cookie, unsigned level, uint64_t index, struct hash *ret_hash)
{
	const struct hash *leaves = cookie;

	*ret_hash = tree_root(leaves + (index << level), 1ULL << level);
	return OK;
}

static enum err item_path(const struct entry *order, uint32_t place, struct tree_path *ret_path)
{
	struct hash *leaves = calloc(order->order.item_count, sizeof(*leaves));
	const struct tree_source source = {.hash = hash_of_items, .cookie = leaves};
	enum err err = leaves == NULL ? ERR_MEMORY : OK;

	for (size_t i = 0; i < order->order.item_count && err == OK; i++)
		leaves[i] = hash_leaf(order->order.items[i]);
	if (err == OK)
		err = tree_inclusion(&source, place, order->order.item_count, ret_path);
	free(leaves);
	return err;
}

enum err query_item_proof(struct store_txn *txn, uint64_t order_index, uint32_t place, json_t **ret_json)
{
	struct tree_path path;
	struct arena arena;
	struct entry order;
	enum err err;

	arena_init(&arena, CHAIN_ARENA_SIZE);
	err = ledger_entry(txn, order_index, &arena, &order);
	/* Of an order without items, which is an act that all may see: nothing further is to be proven. */
	if (err == OK && order.kind == ENTRY_ORDER && order.order.item_count == 0) {
		*ret_json = json_null();
		goto out;
	}
	if (err == OK && (order.kind != ENTRY_ORDER || place >= order.order.item_count))
		err = ERR_DAMAGED;
	if (err == OK)
		err = item_path(&order, place, &path);
	if (err == OK)
		err = query_take(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "index", query_number(order_index), "item",
				     query_number(place), "note", query_slice(order.order.note), "line",
				     query_slice(order.order.items[place]), "count",
				     query_number(order.order.item_count), "hashes", query_path(&path)),
		    ret_json);
out:
	arena_done(&arena);
	return err == ERR_NOT_FOUND ? ERR_DAMAGED : err;
}

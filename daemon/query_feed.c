/* A venue's feed: where it stands, what became of its records, and its own bytes back. */
#include <string.h>

#include "daemon/query_internal.h"
#include "proto/date.h"
#include "proto/jsontext.h"

enum err query_push_read(struct store_txn *txn, uint64_t push_index, struct arena *arena, struct entry *ret_entry)
{
	enum err err = ledger_entry(txn, push_index, arena, ret_entry);

	if (err == ERR_NOT_FOUND || (err == OK && ret_entry->kind != ENTRY_PUSH))
		err = ERR_DAMAGED;
	return err;
}

static void put_number(struct buf *text, const char *name, uint64_t number)
{
	jsontext_name(text, name);
	jsontext_number(text, number);
}

void query_push_text(uint64_t push_index, const struct entry *entry, struct buf *ret_json)
{
	char time_text[TIME_TEXT_SIZE];

	time_format(entry->time_us, time_text);
	jsontext_object(ret_json);
	put_number(ret_json, "index", push_index);
	jsontext_name(ret_json, "time");
	jsontext_string(ret_json, slice_text(time_text));
	put_number(ret_json, "start", entry->push.start);
	put_number(ret_json, "count", entry->push.count);
	put_number(ret_json, "first_index", entry->push.first_index);
	jsontext_name(ret_json, "dispositions");
	jsontext_object(ret_json);
	for (size_t i = 0; i < entry->push.tally_count; i++)
		put_number(ret_json, disposition_name(entry->push.tally[i].disposition), entry->push.tally[i].count);
	jsontext_object_end(ret_json);
	jsontext_object_end(ret_json);
}

/* ---- where the feed stands */

#define PUSH_OBJECT_SIZE_MAX 4096 /* bytes: six members, and a number for each disposition */

/* From its text, so that it has one shape. NULL on lack of memory. */
static json_t *push_json(uint64_t index, const struct entry *entry)
{
	json_t *json = NULL;
	struct buf text;

	buf_init(&text, PUSH_OBJECT_SIZE_MAX);
	query_push_text(index, entry, &text);
	if (text.err == OK)
		json = json_loadb((const char *)text.data, text.size, 0, NULL);
	buf_done(&text);
	return json;
}

static json_t *frontier_json(const struct frontier *frontier)
{
	json_t *hashes = json_array();

	for (unsigned i = 0; i < frontier_count(frontier->size); i++) {
		if (query_append(hashes, query_base64(hash_slice(&frontier->hashes[i]))) != OK) {
			json_decref(hashes);
			return NULL;
		}
	}
	return hashes;
}

static json_t *keys_json(const struct venue *venue)
{
	char vkey[KEY_VKEY_SIZE];
	json_t *keys = json_array();

	for (size_t i = 0; i < venue->key_count; i++) {
		key_format(&venue->keys[i], vkey);
		if (query_append(keys, json_string(vkey)) != OK) {
			json_decref(keys);
			return NULL;
		}
	}
	return keys;
}

/* Keys that were revoked: each with the orders between which it was valid. */
static json_t *retired_json(const struct venue *venue)
{
	char vkey[KEY_VKEY_SIZE];
	json_t *keys = json_array();

	for (size_t i = 0; i < venue->retired_count; i++) {
		const struct venue_retired *retired = &venue->retired[i];

		key_format(&retired->key, vkey);
		if (query_append(keys, json_pack("{s:s, s:o, s:o}", "key", vkey, "since", query_number(retired->since),
					   "until", query_number(retired->until))) != OK) {
			json_decref(keys);
			return NULL;
		}
	}
	return keys;
}

/* Keys that the bureau distrusts: from which entry on, by which order, and how far that has got. */
static json_t *distrusted_json(struct store_txn *txn, const struct venue *venue)
{
	char vkey[KEY_VKEY_SIZE];
	json_t *rows = json_array();
	struct distrust distrust = {0};

	for (uint64_t least = 0; distrust_next(txn, least, &distrust); least = distrust.order_index + 1) {
		if (distrust.venue_number != venue->number)
			continue;
		key_format(&distrust.key, vkey);
		if (query_append(rows, json_pack("{s:s, s:o, s:o, s:o, s:b}", "key", vkey, "from",
					   query_number(distrust.from), "order", query_number(distrust.order_index),
					   "held", query_number(distrust.held), "is_done", distrust.is_done)) != OK) {
			json_decref(rows);
			return NULL;
		}
	}
	return rows;
}

static enum err months_json(struct store_txn *txn, const struct venue *venue, json_t *rows)
{
	const uint8_t prefix[2] = {(uint8_t)(venue->number >> 8), (uint8_t)venue->number};
	struct store_cursor cursor;
	struct venue_month_key key;
	struct venue_month sums;
	enum err err = OK;

	store_cursor_open(&cursor, txn, STORE_VENUE_MONTHS);
	for (bool is_there = store_cursor_seek(&cursor, slice_of(prefix, sizeof(prefix))); is_there && err == OK;
	     is_there = store_cursor_next(&cursor)) {
		if (!venue_month_decode(cursor.key, cursor.value, &key, &sums)) {
			err = ERR_DAMAGED;
			break;
		}
		if (key.venue_number != venue->number)
			break;
		err = query_append(rows, json_pack("{s:o, s:s, s:s, s:o, s:o, s:o}", "month", query_month(key.month),
					     "kind", key.kind == RECORD_TRADE ? "trade" : "refund", "disposition",
					     disposition_name(key.disposition), "records", query_number(sums.records),
					     "amount", query_wide(sums.amount_fen), "tax", query_wide(sums.tax_fen)));
	}
	store_cursor_close(&cursor);
	return err == OK ? store_error(txn) : err;
}

/* The note and the description of the newest push; both null where there is none. */
static enum err last_push_json(struct store_txn *txn, const struct feed *feed, json_t **ret_note, json_t **ret_push)
{
	struct arena arena;
	struct entry entry;
	json_t *note = NULL, *push = NULL;
	enum err err = OK;

	if (feed->last_push == 0) {
		*ret_note = json_null();
		*ret_push = json_null();
		return OK;
	}
	arena_init(&arena, CHAIN_ARENA_SIZE);
	err = query_push_read(txn, feed->last_push, &arena, &entry);
	if (err == OK) {
		note = query_slice(entry.push.note);
		push = push_json(feed->last_push, &entry);
		err = note != NULL && push != NULL ? OK : ERR_MEMORY;
	}
	arena_done(&arena);
	if (err != OK) {
		json_decref(note);
		json_decref(push);
		return err;
	}
	*ret_note = note;
	*ret_push = push;
	return OK;
}

static enum err open_feed(struct store_txn *txn, const struct venue *venue, struct feed *ret_feed)
{
	if (feed_get(txn, venue->number, venue->generation, ret_feed))
		return OK;
	return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
}

enum err query_feed(struct store_txn *txn, const struct venue *venue, json_t **ret_json, struct why *why)
{
	char origin[ORIGIN_TEXT_SIZE];
	struct ledger_identity identity;
	struct feed feed;
	struct hash root;
	json_t *months = json_array(), *note = NULL, *push = NULL;
	uint64_t size = ledger_size(txn);
	enum err err;

	(void)why;
	err = ledger_read_identity(txn, &identity);
	if (err == OK)
		err = open_feed(txn, venue, &feed);
	if (err == OK)
		err = months_json(txn, venue, months);
	if (err == OK)
		err = last_push_json(txn, &feed, &note, &push);
	if (err == OK)
		err = store_error(txn);
	if (err != OK) {
		json_decref(note);
		json_decref(push);
		goto out;
	}
	feed_origin_format(venue->id, identity.ledger_id, venue->generation, origin);
	root = frontier_root(&feed.frontier);
	err = query_take(
	    json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O, s:o, s:o, s:o}", "venue", venue->id,
		"name", venue->name, "generation", query_number(venue->generation), "origin", origin, "size",
		query_number(feed.frontier.size), "root", query_base64(hash_slice(&root)), "frontier",
		frontier_json(&feed.frontier), "note", note, "keys", keys_json(venue), "last_push", push, "ledger_size",
		query_number(size), "months", months, "suspended_by", query_index(venue->suspended_index),
		"retired_keys", retired_json(venue), "distrusted", distrusted_json(txn, venue)),
	    ret_json);
out:
	json_decref(months);
	return err;
}

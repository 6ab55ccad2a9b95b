/*
 * What an enterprise keeps as its own proof: every entry that concerned it, and the acts of the bureau that decide what
 * those mean, each with its inclusion path at one size of the ledger. Whoever has all pages needs nobody any more.
 */
#include <stdlib.h>

#include "daemon/query_internal.h"

/* ---- rows of either kind */

struct rows {
	struct store_txn *txn;
	uint64_t size; /* of the ledger that the paths lead to */
	struct ledger_source source;
	json_t *rows;
	size_t limit;
	size_t byte_count; /* of the rows as they will be sent */
};

static enum err rows_init(struct rows *rows, struct store_txn *txn, const struct query_page *page)
{
	*rows = (struct rows){.txn = txn, .size = page->size, .limit = page->limit, .rows = json_array()};
	ledger_source_init(&rows->source, txn);
	return rows->rows == NULL ? ERR_MEMORY : OK;
}

/* The envelope of a row: the entry's bytes, or of a withheld one its leaf's hash, and its path. */
static enum err row_of(const struct rows *rows, uint64_t index, bool is_shown, json_t **ret_row)
{
	struct tree_path path;
	struct slice bytes;
	struct hash leaf;
	json_t *row;
	enum err err;

	if (!ledger_bytes(rows->txn, index, &bytes))
		return store_error(rows->txn) != OK ? store_error(rows->txn) : ERR_DAMAGED;
	err = tree_inclusion(&rows->source.source, index, rows->size, &path);
	if (err != OK)
		return err;
	leaf = hash_leaf(bytes);
	err = query_take(json_pack("{s:o, s:o, s:o}", "index", query_number(index), "entry",
			     is_shown ? query_base64(bytes) : json_null(), "hashes", query_path(&path)),
	    &row);
	if (err == OK && !is_shown && json_object_set_new(row, "leaf", query_base64(hash_slice(&leaf))) != 0) {
		json_decref(row);
		err = ERR_MEMORY;
	}
	if (err == OK)
		*ret_row = row;
	return err;
}

/* Takes the row, unless it would make the page too large: then *ret_fits is false. A page of one row never is. */
static enum err rows_add(struct rows *rows, json_t *row, bool *ret_fits)
{
	size_t size = json_dumpb(row, NULL, 0, JSON_COMPACT);

	*ret_fits = json_array_size(rows->rows) == 0 || rows->byte_count + size <= STATEMENT_PAGE_SIZE_MAX;
	if (!*ret_fits) {
		json_decref(row);
		return OK;
	}
	rows->byte_count += size;
	return query_append(rows->rows, row);
}

/* ---- the chain */

/* The record in its venue's feed, as a text. */
static enum err feed_json(struct store_txn *txn, const struct entry *entry, json_t **ret_json)
{
	struct venue venue;
	struct feed feed;
	struct buf proof;
	enum err err;

	if (!venue_get(txn, entry->record.venue, &venue) ||
	    !feed_get(txn, venue.number, entry->record.generation, &feed))
		return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
	buf_init(&proof, STATEMENT_PAGE_SIZE_MAX);
	err = query_feed_proof(txn, &feed, entry->record.feed_index, &proof);
	if (err == OK)
		err = query_take(query_slice(buf_slice(&proof)), ret_json);
	buf_done(&proof);
	return err;
}

static enum err chain_row(
    const struct rows *rows, const struct code *code, const struct chain_item *item, json_t **ret_row)
{
	const struct entry *entry = &item->entry;
	bool is_shown = chain_item_is_shown(item, code);
	json_t *row = NULL, *feed = json_null(), *order = json_null();
	enum err err = row_of(rows, item->index, is_shown, &row);

	if (err == OK && is_shown && entry->kind == ENTRY_RECORD)
		err = feed_json(rows->txn, entry, &feed);
	if (err == OK && is_shown && entry->kind == ENTRY_EFFECT)
		err = query_item_proof(rows->txn, entry->effect.order_index, entry->effect.item, &order);
	if (err == OK && (json_object_set(row, "feed", feed) != 0 || json_object_set(row, "order", order) != 0))
		err = ERR_MEMORY;
	json_decref(feed);
	json_decref(order);
	if (err != OK) {
		json_decref(row);
		return err;
	}
	*ret_row = row;
	return OK;
}

static void begin_chain(struct chain *chain, struct store_txn *txn, const struct statement_query *query)
{
	const struct query_page *page = &query->page;

	if (page->after != 0)
		chain_begin_after(chain, txn, query->code, page->after, page->limit + 1);
	else
		chain_begin(chain, txn, query->code, page->size, AS_OF_WALK_MAX);
}

static enum err fill_chain(struct rows *rows, struct statement_query *query)
{
	struct query_page *page = &query->page;
	struct chain chain;
	struct chain_item item;
	json_t *row = NULL;
	uint64_t last = 0;
	bool is_last = false, fits = true;
	enum err err = OK;

	begin_chain(&chain, rows->txn, query);
	while (err == OK && fits && json_array_size(rows->rows) < rows->limit && chain_next(&chain, &item)) {
		is_last = chain.next_index == 0;
		err = chain_row(rows, query->code, &item, &row);
		if (err == OK)
			err = rows_add(rows, row, &fits);
		if (fits)
			last = item.index;
	}
	if (err == OK)
		err = chain.err;
	chain_done(&chain);
	if (err == OK && last == 0)
		err = ERR_NOT_FOUND;
	if (err == OK)
		page->ret_after = is_last && fits ? 0 : last;
	return err;
}

enum err query_statement(struct store_txn *txn, struct statement_query *query, json_t **ret_json, struct why *why)
{
	const struct ledger_identity *identity = query->identity;
	struct rows rows;
	enum err err = rows_init(&rows, txn, &query->page);

	if (err == OK)
		err = fill_chain(&rows, query);
	if (err == ERR_BAD_REQUEST)
		why_set(why, err, "there is no page after entry %llu; start from the first page",
		    (unsigned long long)query->page.after);
	if (err == OK)
		err = query_take(
		    json_pack("{s:s, s:s, s:s, s:o, s:o, s:O}", "origin", identity->origin, "ledger_id",
			identity->ledger_id, "code", query->code->text, "size", query_number(query->page.size),
			"checkpoint", query->checkpoint != NULL ? query_slice(*query->checkpoint) : json_null(),
			"entries", rows.rows),
		    ret_json);
	json_decref(rows.rows);
	return err;
}

/* ---- the acts */

/* The newest orders below a place, newest first; what more there is comes on a later page. */
struct act_list {
	uint64_t indexes[2 * ACTS_WALK_MAX];
	size_t count;
	bool is_cut;
};

static int compare_newest_first(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left > *right ? -1 : *left < *right ? 1 : 0;
}

static void act_list_cut(struct act_list *list)
{
	qsort(list->indexes, list->count, sizeof(list->indexes[0]), compare_newest_first);
	if (list->count > ACTS_WALK_MAX) {
		list->count = ACTS_WALK_MAX;
		list->is_cut = true;
	}
}

/* Orders are stored by their ids: all are passed over, and the newest are kept. */
static enum err act_list_read(struct store_txn *txn, uint64_t below, struct act_list *list)
{
	struct store_cursor cursor;
	struct reader reader;
	uint64_t index;
	enum err err = OK;

	store_cursor_open(&cursor, txn, STORE_ORDERS);
	for (bool is_there = store_cursor_first(&cursor); is_there && err == OK;
	     is_there = store_cursor_next(&cursor)) {
		reader = reader_of(cursor.value);
		index = reader_u64(&reader);
		if (!reader_is_done(&reader)) {
			err = ERR_DAMAGED;
		} else if (index < below) {
			if (list->count == 2 * ACTS_WALK_MAX)
				act_list_cut(list);
			list->indexes[list->count++] = index;
		}
	}
	store_cursor_close(&cursor);
	act_list_cut(list);
	return err == OK ? store_error(txn) : err;
}

/* Orders with items are somebody's business: their effects, and the lines of those whom they concern, are on the
 * chains. */
static enum err is_act(struct store_txn *txn, struct arena *arena, uint64_t index, bool *ret_is_act)
{
	struct entry entry;
	enum err err;

	arena_reset(arena);
	err = ledger_entry(txn, index, arena, &entry);
	if (err == OK && entry.kind != ENTRY_ORDER)
		err = ERR_DAMAGED;
	if (err == OK)
		*ret_is_act = entry.order.item_count == 0;
	return err == ERR_NOT_FOUND ? ERR_DAMAGED : err;
}

static enum err add_act(struct rows *rows, uint64_t index, bool *ret_fits)
{
	json_t *row;
	enum err err = row_of(rows, index, true, &row);

	return err != OK ? err : rows_add(rows, row, ret_fits);
}

static enum err fill_acts(struct rows *rows, struct act_list *list, struct query_page *page)
{
	uint64_t below = page->after != 0 && page->after < page->size ? page->after : page->size, last = 0;
	struct arena arena;
	bool is_wanted = false, fits = true;
	size_t i = 0;
	enum err err = act_list_read(rows->txn, below, list);

	arena_init(&arena, CHAIN_ARENA_SIZE);
	while (err == OK && fits && i < list->count && json_array_size(rows->rows) < rows->limit) {
		err = is_act(rows->txn, &arena, list->indexes[i], &is_wanted);
		if (err == OK && is_wanted)
			err = add_act(rows, list->indexes[i], &fits);
		if (fits)
			last = list->indexes[i++];
	}
	/* Genesis is the oldest act, and the end. */
	if (err == OK && fits && i == list->count && !list->is_cut && json_array_size(rows->rows) < rows->limit) {
		err = add_act(rows, 0, &fits);
		if (fits)
			last = 0;
	}
	arena_done(&arena);
	if (err == OK)
		page->ret_after = last;
	return err;
}

enum err query_acts(struct store_txn *txn, struct query_page *page, json_t **ret_json)
{
	struct act_list *list = calloc(1, sizeof(*list));
	struct rows rows;
	enum err err = rows_init(&rows, txn, page);

	if (list == NULL)
		err = ERR_MEMORY;
	if (err == OK)
		err = fill_acts(&rows, list, page);
	if (err == OK)
		err =
		    query_take(json_pack("{s:o, s:O}", "size", query_number(page->size), "acts", rows.rows), ret_json);
	json_decref(rows.rows);
	free(list);
	return err;
}

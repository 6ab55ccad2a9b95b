/*
 * A venue's own records back, in the order of its feed. They are found push by push: a push entry knows where its
 * records lie, and its tally says whether there is anything in it for a reader of what does not count.
 */
#include <string.h>

#include "daemon/query_internal.h"

struct records_page {
	struct store_txn *txn;
	const struct records_query *query;
	struct feed feed;
	struct arena arena;
	json_t *rows;
	uint64_t next;      /* feed index that comes next */
	uint64_t looked_at; /* entries read for this page */
	size_t byte_count;  /* of the records shown */
};

struct push_span {
	uint64_t start, count, first_index;
	bool has_uncounted;
};

static enum err read_span(struct records_page *page, struct push_span *ret_span)
{
	struct entry entry;
	uint64_t index;
	enum err err;

	if (!push_get(page->txn, page->feed.number, page->next, &index))
		return store_error(page->txn) != OK ? store_error(page->txn) : ERR_DAMAGED;
	page->looked_at++;
	arena_reset(&page->arena);
	err = ledger_entry(page->txn, index, &page->arena, &entry);
	if (err != OK)
		return err == ERR_MEMORY ? err : ERR_DAMAGED;
	if (entry.kind != ENTRY_PUSH || page->next < entry.push.start ||
	    page->next - entry.push.start >= entry.push.count)
		return ERR_DAMAGED;
	*ret_span = (struct push_span){entry.push.start, entry.push.count, entry.push.first_index, false};
	for (size_t i = 0; i < entry.push.tally_count; i++)
		if (entry.push.tally[i].disposition != DISPOSITION_COUNTED)
			ret_span->has_uncounted = true;
	return OK;
}

static enum err record_row(struct records_page *page, uint64_t index, const struct entry *entry, json_t **ret_row)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	struct record record;
	size_t fault_count;
	enum err err = record_decode(entry->record.record, &page->arena, &record, faults, &fault_count);

	if (err != OK)
		return err == ERR_MEMORY ? err : ERR_DAMAGED;
	return query_take(
	    json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:s}", "feed_index", query_number(entry->record.feed_index),
		"index", query_number(index), "disposition", disposition_name(entry->record.disposition), "reason",
		query_disposition_reason(entry->record.disposition), "refers", query_index(entry->record.refers),
		"record", query_base64(entry->record.record), "number", query_slice(record_number(&record)), "kind",
		record.kind == RECORD_TRADE ? "trade" : "refund"),
	    ret_row);
}

/* By rows, or by what was read for it. */
static bool is_full(const struct records_page *page)
{
	return json_array_size(page->rows) >= page->query->limit || page->looked_at >= PUSH_RECORDS_MAX;
}

/*
 * Sets *ret_fits to false, and leaves `next` where it is, when the record would make the page too large. A page of
 * one record never is.
 */
_Static_assert(RECORD_SIZE_MAX <= RECORDS_PAGE_SIZE_MAX, "a page holds any record");
static enum err add_record(struct records_page *page, uint64_t index, bool *ret_fits)
{
	struct entry entry;
	json_t *row = NULL;
	enum err err;

	*ret_fits = true;
	arena_reset(&page->arena);
	page->looked_at++;
	err = ledger_entry(page->txn, index, &page->arena, &entry);
	if (err != OK)
		return err == ERR_MEMORY ? err : ERR_DAMAGED;
	if (entry.kind != ENTRY_RECORD || entry.record.feed_index != page->next)
		return ERR_DAMAGED;
	if (!page->query->is_not_counted_only || entry.record.disposition != DISPOSITION_COUNTED) {
		if (page->byte_count + entry.record.record.size > RECORDS_PAGE_SIZE_MAX) {
			*ret_fits = false;
			return OK;
		}
		page->byte_count += entry.record.record.size;
		err = record_row(page, index, &entry, &row);
		if (err == OK)
			err = query_append(page->rows, row);
	}
	page->next++;
	return err;
}

static enum err add_span(struct records_page *page, const struct push_span *span, bool *ret_fits)
{
	enum err err = OK;

	*ret_fits = true;
	if (page->query->is_not_counted_only && !span->has_uncounted) {
		page->next = span->start + span->count;
		return OK;
	}
	while (err == OK && *ret_fits && page->next - span->start < span->count && !is_full(page))
		err = add_record(page, span->first_index + (page->next - span->start), ret_fits);
	return err;
}

static enum err find_feed(struct store_txn *txn, const struct venue *venue, const struct records_query *query,
    uint32_t generation, struct feed *ret_feed, struct why *why)
{
	if (!feed_get(txn, venue->number, generation, ret_feed)) {
		if (store_error(txn) != OK)
			return store_error(txn);
		return why_set(
		    why, ERR_NOT_FOUND, "venue %s has no feed of generation %u", venue->id, (unsigned)generation);
	}
	if (query->from > ret_feed->frontier.size)
		return why_set(why, ERR_BAD_REQUEST, "from=%llu lies beyond the feed, which has %llu records",
		    (unsigned long long)query->from, (unsigned long long)ret_feed->frontier.size);
	return OK;
}

enum err query_records(struct store_txn *txn, const struct venue *venue, const struct records_query *query,
    json_t **ret_json, struct why *why)
{
	uint32_t generation = query->generation != 0 ? query->generation : venue->generation;
	struct records_page page = {.txn = txn, .query = query, .next = query->from};
	struct push_span span = {0};
	bool has_room = true;
	enum err err;

	err = find_feed(txn, venue, query, generation, &page.feed, why);
	if (err != OK)
		return err;
	arena_init(&page.arena, CHAIN_ARENA_SIZE);
	page.rows = json_array();
	while (err == OK && has_room && page.next < page.feed.frontier.size && !is_full(&page)) {
		err = read_span(&page, &span);
		if (err == OK)
			err = add_span(&page, &span, &has_room);
	}
	if (err == OK)
		err = store_error(txn);
	if (err == OK)
		err = query_take(
		    json_pack("{s:s, s:o, s:o, s:O, s:o}", "venue", venue->id, "generation", query_number(generation),
			"size", query_number(page.feed.frontier.size), "records", page.rows, "next",
			page.next < page.feed.frontier.size ? query_number(page.next) : json_null()),
		    ret_json);
	json_decref(page.rows);
	arena_done(&page.arena);
	return err;
}

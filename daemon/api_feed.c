/* What a venue may read of its own feed, and the bureau and auditors of all. */
#include "daemon/api_internal.h"

#include <stdlib.h>

static enum err find_venue(struct reading *reading, struct store_txn *txn, struct venue *ret_venue)
{
	if (venue_get(txn, reading->subject, ret_venue))
		return OK;
	return store_error(txn) != OK ? store_error(txn) : access_absent(ACCESS_VENUE, &reading->why);
}

enum err api_feed(struct reading *reading, struct store_txn *txn)
{
	struct venue venue;
	enum err err = find_venue(reading, txn, &venue);

	return err != OK ? err : query_feed(txn, &venue, &reading->json, &reading->why);
}

enum err api_feed_records(struct reading *reading, struct store_txn *txn)
{
	const struct target *target = reading->target;
	struct records_query query = {.generation = 0};
	uint64_t generation = 0;
	struct venue venue;
	enum err err = api_limit(target, &query.limit, &reading->why);

	if (err == OK)
		err = api_number(target, "from", TREE_SIZE_MAX, &query.from, &reading->why);
	if (err == OK)
		err = api_number(target, "generation", FEED_GENERATIONS_MAX, &generation, &reading->why);
	if (err == OK)
		err = api_flag(target, "not_counted", &query.is_not_counted_only, &reading->why);
	if (err == OK)
		err = find_venue(reading, txn, &venue);
	if (err != OK)
		return err;
	query.generation = (uint32_t)generation;
	return query_records(txn, &venue, &query, &reading->json, &reading->why);
}

enum err api_find_feed(struct reading *reading, struct store_txn *txn, struct api_feed_named *ret_named)
{
	uint64_t generation;
	enum err err = find_venue(reading, txn, &ret_named->venue);

	if (err != OK)
		return err;
	generation = ret_named->venue.generation;
	err = api_number(reading->target, "generation", FEED_GENERATIONS_MAX, &generation, &reading->why);
	if (err != OK)
		return err;
	ret_named->generation = (uint32_t)generation;
	if (feed_get(txn, ret_named->venue.number, ret_named->generation, &ret_named->feed))
		return OK;
	return store_error(txn) != OK ? store_error(txn)
				      : why_set(&reading->why, ERR_NOT_FOUND, "venue %s has no feed of generation %llu",
					    ret_named->venue.id, (unsigned long long)generation);
}

/* The push entry that covers feed index size - 1; by default the last one. */
static enum err find_push(
    struct reading *reading, struct store_txn *txn, const struct feed *feed, struct push_answer *answer)
{
	uint64_t size = feed->frontier.size;
	enum err err = api_number(reading->target, "size", TREE_SIZE_MAX, &size, &reading->why);

	if (err != OK)
		return err;
	answer->feed_size = feed->frontier.size;
	if (size == 0 || size > feed->frontier.size)
		return why_set(&reading->why, ERR_NOT_FOUND,
		    "the feed holds %llu records: there is no push of size %llu",
		    (unsigned long long)feed->frontier.size, (unsigned long long)size);
	if (!push_get(txn, feed->number, size - 1, &answer->push_index) || answer->push_index >= ledger_size(txn))
		return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
	return OK;
}

enum err api_feed_receipt(struct reading *reading, struct store_txn *txn)
{
	struct push_answer answer = {.is_told_again = true, .head = &reading->head};
	struct ledger_source source;
	struct api_feed_named named;
	enum err err = api_find_feed(reading, txn, &named);

	if (err == OK)
		err = find_push(reading, txn, &named.feed, &answer);
	if (err != OK)
		return err;
	/* This transaction may see what was committed a moment ago and is not signed yet. */
	if (answer.push_index >= reading->head.size)
		return why_set(&reading->why, ERR_OVERLOADED, "this push is not signed yet");
	answer.venue_id = named.venue.id;
	answer.generation = named.generation;
	err = ledger_source_init_edge(&source, txn);
	if (err != OK)
		return err;
	reading->content_type = "application/json";
	buf_init(&reading->body, PUSH_TEXT_SIZE_MAX);
	return api_push_text(&source, &answer, &reading->body);
}

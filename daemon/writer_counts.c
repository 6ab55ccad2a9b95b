#include "daemon/writer_counts.h"

#include <assert.h>
#include <string.h>

#include "daemon/chain.h"

/* A group takes milliseconds on a healthy disk; seconds are a disk that an on-call person must look at. */
const uint64_t commit_us_bounds[HISTOGRAM_BUCKETS] = {
    1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};
const uint64_t group_records_bounds[HISTOGRAM_BUCKETS] = {1, 2, 5, 10, 50, 100, 500, 1000, 5000, 10000, 50000, 100000};

void histogram_add(struct histogram *histogram, const uint64_t bounds[static HISTOGRAM_BUCKETS], uint64_t value)
{
	size_t i = 0;

	while (i < HISTOGRAM_BUCKETS && value > bounds[i])
		i++;
	histogram->buckets[i]++;
	histogram->sum += value;
}

static enum err read_push(struct store_txn *txn, uint64_t index, struct arena *arena, struct entry *ret_entry)
{
	enum err err = ledger_entry(txn, index, arena, ret_entry);

	if (err == ERR_NOT_FOUND || (err == OK && ret_entry->kind != ENTRY_PUSH))
		err = ERR_DAMAGED;
	return err;
}

static enum err note_push(
    struct store_txn *txn, const struct venue *venue, uint64_t push_index, bool is_new, struct venue_counts *counts)
{
	struct arena arena;
	struct entry entry;
	enum err err;

	arena_init(&arena, CHAIN_ARENA_SIZE);
	err = read_push(txn, push_index, &arena, &entry);
	if (err == OK) {
		struct venue_counts *row = &counts[venue->number];

		memcpy(row->id, venue->id, sizeof(row->id));
		row->last_push_us = entry.time_us;
		for (size_t i = 0; is_new && i < entry.push.tally_count; i++)
			row->records[entry.push.tally[i].disposition] += entry.push.tally[i].count;
	}
	arena_done(&arena);
	return err;
}

enum err venue_counts_add(struct store_txn *txn, const struct venue *venue, uint64_t push_index,
    struct venue_counts counts[static VENUE_COUNTS])
{
	assert(venue->number < VENUE_COUNTS);
	return note_push(txn, venue, push_index, true, counts);
}

enum err venue_counts_load(struct store_txn *txn, struct venue_counts counts[static VENUE_COUNTS])
{
	uint16_t count = venue_count(txn);
	enum err err = count < VENUE_COUNTS ? OK : ERR_DAMAGED;

	for (uint16_t number = 1; err == OK && number <= count; number++) {
		struct venue venue;
		struct feed feed;

		if (!venue_get_by_number(txn, number, &venue) || !feed_get(txn, number, venue.generation, &feed))
			err = ERR_DAMAGED;
		else if (feed.last_push != 0)
			err = note_push(txn, &venue, feed.last_push, false, counts);
	}
	return err == OK ? store_error(txn) : err;
}

#include "daemon/scribe.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* Lines told at once: a wake costs some microseconds, and what the thread has left to do at the end is waited for. */
#define LINES_AT_ONCE 256u
/* Bytes of a record entry besides its record: no more than this, see FORMAT.md. */
#define ENTRY_OVERHEAD_MAX 512u

struct scribe {
	pthread_t thread;
	bool is_started;

	/* Of the push in hand, set while the thread rests. */
	struct scribe_push push;
	uint64_t first_time_us;
	uint32_t first_flags;
	size_t capacity; /* of the arrays */
	struct scribe_line *lines;

	/* The thread's, read when it has come to rest. */
	struct buf bytes;
	size_t *ends;
	struct tiles_root *tiles;
	struct ledger_made made;

	size_t line_count; /* the caller's */

	pthread_mutex_t lock;
	pthread_cond_t told, written;
	size_t told_count, written_count;
	bool is_stopping;
};

void scribe_entry(const struct scribe_push *push, size_t place, const struct scribe_line *line, struct entry *ret_entry)
{
	*ret_entry = (struct entry){
	    .kind = ENTRY_RECORD, .link_count = line->link_count, .links = {line->links[0], line->links[1]}};
	ret_entry->record.venue = push->venue;
	ret_entry->record.generation = push->generation;
	ret_entry->record.feed_index = push->feed_index + place;
	ret_entry->record.record = push->records[place];
	ret_entry->record.disposition = line->disposition;
	ret_entry->record.refers = line->refers;
}

/* ---- the thread */

static void write_line(struct scribe *scribe, size_t place)
{
	struct ledger_made *made = &scribe->made;
	struct entry entry;
	size_t start = scribe->bytes.size;
	enum err err;

	if (made->err != OK)
		return;
	scribe_entry(&scribe->push, place, &scribe->lines[place], &entry);
	entry.time_us = scribe->first_time_us + place;
	entry.previous = made->last_leaf;
	entry.flags = place == 0 ? scribe->first_flags : 0;
	err = entry_encode(&entry, &scribe->bytes);
	if (err != OK) {
		made->err = err;
		return;
	}
	made->last_leaf = hash_leaf(slice_of(scribe->bytes.data + start, scribe->bytes.size - start));
	made->tile_count += tiles_complete(&made->frontier, &made->last_leaf, scribe->tiles + made->tile_count);
	made->last_time_us = entry.time_us;
	made->must_fold |= !ledger_may_lag_behind(&entry);
	scribe->ends[made->count++] = scribe->bytes.size;
}

static void *run(void *cookie)
{
	struct scribe *scribe = cookie;

	pthread_mutex_lock(&scribe->lock);
	for (;;) {
		size_t place, end;

		while (scribe->written_count == scribe->told_count && !scribe->is_stopping)
			pthread_cond_wait(&scribe->told, &scribe->lock);
		if (scribe->is_stopping)
			break;
		place = scribe->written_count;
		end = scribe->told_count;
		pthread_mutex_unlock(&scribe->lock);
		while (place < end)
			write_line(scribe, place++);
		pthread_mutex_lock(&scribe->lock);
		scribe->written_count = end;
		pthread_cond_signal(&scribe->written);
	}
	pthread_mutex_unlock(&scribe->lock);
	return NULL;
}

/* ---- the writer */

static void *grow(void *old, size_t count, size_t size, enum err *err)
{
	void *grown = *err == OK ? reallocarray(old, count, size) : NULL;

	if (grown == NULL)
		*err = ERR_MEMORY;
	return grown != NULL ? grown : old;
}

static enum err reserve(struct scribe *scribe, size_t count)
{
	enum err err = OK;

	if (count <= scribe->capacity)
		return OK;
	scribe->lines = grow(scribe->lines, count, sizeof(*scribe->lines), &err);
	scribe->ends = grow(scribe->ends, count, sizeof(*scribe->ends), &err);
	scribe->tiles = grow(scribe->tiles, tiles_root_count_max(count), sizeof(*scribe->tiles), &err);
	if (err == OK)
		scribe->capacity = count;
	return err;
}

enum err scribe_begin(struct scribe *scribe, const struct ledger *ledger, const struct scribe_push *push)
{
	const struct ledger_head *head = &ledger->head;
	enum err err = reserve(scribe, push->count);

	assert(push->count > 0 && head->size + push->count <= TREE_SIZE_MAX);
	if (err != OK)
		return err;
	scribe->push = *push;
	scribe->first_time_us = ledger->stamp.time_us + (head->size - ledger->command_start);
	scribe->first_flags = head->size == ledger->command_start ? ledger->stamp.flags : 0;
	/* The push entry comes behind them. */
	if (!entry_time_is_valid(scribe->first_time_us + push->count))
		return ERR_INVALID;
	buf_clear(&scribe->bytes);
	scribe->made = (struct ledger_made){
	    .ends = scribe->ends, .tiles = scribe->tiles, .frontier = head->frontier, .last_leaf = head->last_leaf};
	scribe->line_count = 0;
	pthread_mutex_lock(&scribe->lock);
	scribe->told_count = scribe->written_count = 0;
	pthread_mutex_unlock(&scribe->lock);
	return OK;
}

static void publish(struct scribe *scribe)
{
	pthread_mutex_lock(&scribe->lock);
	scribe->told_count = scribe->line_count;
	pthread_cond_signal(&scribe->told);
	pthread_mutex_unlock(&scribe->lock);
}

void scribe_tell(struct scribe *scribe, const struct scribe_line *line)
{
	assert(scribe->line_count < scribe->push.count);
	scribe->lines[scribe->line_count++] = *line;
	if (scribe->line_count % LINES_AT_ONCE == 0)
		publish(scribe);
}

void scribe_end(struct scribe *scribe, struct ledger *ledger, struct store_txn *txn)
{
	publish(scribe);
	pthread_mutex_lock(&scribe->lock);
	while (scribe->written_count < scribe->told_count)
		pthread_cond_wait(&scribe->written, &scribe->lock);
	pthread_mutex_unlock(&scribe->lock);
	scribe->made.bytes = scribe->bytes.data;
	ledger_append_made(ledger, txn, &scribe->made);
}

/* ---- life */

enum err scribe_start(struct scribe **ret_scribe)
{
	struct scribe *scribe = calloc(1, sizeof(*scribe));

	if (scribe == NULL)
		return ERR_MEMORY;
	buf_init(&scribe->bytes, PUSH_SIZE_MAX + (size_t)PUSH_RECORDS_MAX * ENTRY_OVERHEAD_MAX);
	pthread_mutex_init(&scribe->lock, NULL);
	pthread_cond_init(&scribe->told, NULL);
	pthread_cond_init(&scribe->written, NULL);
	scribe->is_started = pthread_create(&scribe->thread, NULL, run, scribe) == 0;
	if (!scribe->is_started) {
		scribe_stop(scribe);
		return ERR_MEMORY;
	}
	*ret_scribe = scribe;
	return OK;
}

void scribe_stop(struct scribe *scribe)
{
	if (scribe == NULL)
		return;
	if (scribe->is_started) {
		pthread_mutex_lock(&scribe->lock);
		scribe->is_stopping = true;
		pthread_cond_signal(&scribe->told);
		pthread_mutex_unlock(&scribe->lock);
		pthread_join(scribe->thread, NULL);
	}
	pthread_cond_destroy(&scribe->written);
	pthread_cond_destroy(&scribe->told);
	pthread_mutex_destroy(&scribe->lock);
	buf_done(&scribe->bytes);
	free(scribe->tiles);
	free(scribe->ends);
	free(scribe->lines);
	free(scribe);
}

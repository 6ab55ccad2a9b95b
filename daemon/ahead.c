/*
 * The runs are numbered. Threads draw the next number, fill a free run, and lay it into the window, a ring of
 * VERIFY_AHEAD_MAX places; the taker empties the places in order, and nobody draws a number whose place is not empty.
 * Runs that were taken and not given back yet don't count, so a long push can't bring both sides to a stop.
 *
 * Bytes stay where they are in the original's map: nobody writes to that store while it is replayed.
 */
#include "daemon/ahead.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ledger.h"
#include "daemon/memory.h"
#include "daemon/state.h"

#define RUN_ARENA_MAX ((size_t)AHEAD_RUN_ENTRIES * 8 * ENTRY_SIZE_MAX)
#define KEYS_MAX 4096 /* keys known ahead; signatures by further ones are verified by the replay itself */

struct ahead {
	struct ahead_task task;
	uint64_t run_count;
	/* under the lock */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t next_drawn, next_taken;
	struct ahead_run *window[VERIFY_AHEAD_MAX];
	struct ahead_run *free_runs;
	struct key *keys[KEYS_MAX]; /* never moved nor freed while it is open */
	size_t key_count;
	bool is_stopping;
	bool is_short; /* of memory for a run: its place stays empty */
	/* constant */
	unsigned thread_count;
	pthread_t threads[VERIFY_THREADS_MAX];
};

/* ---- one run */

/* The keys that a note names, as many as are known. */
static size_t find_keys(struct ahead *ahead, const struct note *note, const struct key *ret_keys[NOTE_SIGNATURES_MAX])
{
	size_t count = 0;

	pthread_mutex_lock(&ahead->mutex);
	for (size_t i = 0; i < ahead->key_count && count < NOTE_SIGNATURES_MAX; i++)
		if (note_names_key(note, ahead->keys[i]))
			ret_keys[count++] = ahead->keys[i];
	pthread_mutex_unlock(&ahead->mutex);
	return count;
}

static void prove(struct ahead *ahead, struct note *note)
{
	const struct key *keys[NOTE_SIGNATURES_MAX];
	size_t count = find_keys(ahead, note, keys);

	note_prove(note, keys, count);
}

static void read_record_content(struct ahead_run *run, struct ahead_item *item)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	size_t fault_count;

	item->content_err = record_decode(item->entry.record.record, &run->arena, &item->record, faults, &fault_count);
	item->record_leaf = hash_leaf(item->entry.record.record);
}

static void read_push_content(struct ahead *ahead, struct ahead_run *run, struct ahead_item *item)
{
	item->note = arena_alloc(&run->arena, sizeof(*item->note));
	item->checkpoint = arena_alloc(&run->arena, sizeof(*item->checkpoint));
	if (item->note == NULL || item->checkpoint == NULL) {
		item->content_err = ERR_MEMORY;
		return;
	}
	item->content_err = note_parse(item->entry.push.note, item->note, NULL);
	if (item->content_err == OK)
		item->content_err = checkpoint_parse(item->note->text, item->checkpoint, NULL);
	if (item->content_err == OK)
		prove(ahead, item->note);
}

static void read_order_content(struct ahead *ahead, struct ahead_item *item)
{
	item->plan = malloc(sizeof(*item->plan));
	if (item->plan == NULL) {
		item->content_err = ERR_MEMORY;
		return;
	}
	order_plan_init(item->plan, item->entry.order.note, item->entry.order.items, item->entry.order.item_count);
	memory_watch();
	item->content_err = order_plan_decode(item->plan, NULL);
	if (item->content_err == OK)
		prove(ahead, &item->plan->note);
	if (memory_was_short())
		item->content_err = ERR_MEMORY;
}

static void read_item(struct ahead *ahead, struct ahead_run *run, struct ahead_item *item)
{
	item->leaf = hash_leaf(item->bytes);
	item->err = entry_decode(item->bytes, &run->arena, &item->entry);
	if (item->err != OK || ahead->task.is_light)
		return;
	switch (item->entry.kind) {
	case ENTRY_RECORD: read_record_content(run, item); break;
	case ENTRY_PUSH: read_push_content(ahead, run, item); break;
	case ENTRY_ORDER: read_order_content(ahead, item); break;
	case ENTRY_GENESIS:
	case ENTRY_EFFECT:
	case ENTRY_EVIDENCE: break;
	}
}

static void read_run(struct ahead *ahead, struct store_txn *txn, uint64_t number, struct ahead_run *run)
{
	const struct ahead_task *task = &ahead->task;
	struct store_cursor cursor;
	uint8_t key[STATE_U64_SIZE];
	bool is_there;

	run->first = task->first + number * AHEAD_RUN_ENTRIES;
	run->count = task->end - run->first < AHEAD_RUN_ENTRIES ? (size_t)(task->end - run->first) : AHEAD_RUN_ENTRIES;
	run->err = OK;
	store_cursor_open(&cursor, txn, STORE_ENTRIES);
	is_there = store_cursor_seek(&cursor, state_u64(run->first, key));
	for (size_t i = 0; i < run->count; i++) {
		struct ahead_item *item = &run->items[i];
		struct slice wanted = state_u64(run->first + i, key);

		item->bytes = slice_of(NULL, 0);
		item->err = item->content_err = OK;
		item->plan = NULL;
		/* Keys that are no index may lie between. */
		while (is_there && slice_compare(cursor.key, wanted) < 0)
			is_there = store_cursor_next(&cursor);
		if (!is_there || !slice_equal(cursor.key, wanted))
			continue;
		item->bytes = cursor.value;
		read_item(ahead, run, item);
		if (item->err == ERR_MEMORY || item->content_err == ERR_MEMORY)
			run->err = ERR_MEMORY;
	}
	store_cursor_close(&cursor);
	if (run->err == OK)
		run->err = store_error(txn);
}

static void clear_run(struct ahead_run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		if (run->items[i].plan == NULL)
			continue;
		order_plan_done(run->items[i].plan);
		free(run->items[i].plan);
	}
	run->count = 0;
	arena_reset(&run->arena);
}

static void free_run(struct ahead_run *run)
{
	if (run == NULL)
		return;
	clear_run(run);
	arena_done(&run->arena);
	free(run);
}

/* A run that was given back, or a new one; NULL on lack of memory. */
static struct ahead_run *draw_run(struct ahead *ahead)
{
	struct ahead_run *run = ahead->free_runs;

	if (run != NULL) {
		ahead->free_runs = run->next;
		return run;
	}
	run = malloc(sizeof(*run));
	if (run != NULL) {
		run->count = 0;
		arena_init(&run->arena, RUN_ARENA_MAX);
	}
	return run;
}

/* ---- threads */

/* Waits for a number whose place in the window is empty; false at the end. */
static bool draw_number(struct ahead *ahead, uint64_t *ret_number)
{
	while (!ahead->is_stopping && ahead->next_drawn < ahead->run_count &&
	       ahead->next_drawn - ahead->next_taken >= VERIFY_AHEAD_MAX)
		pthread_cond_wait(&ahead->changed, &ahead->mutex);
	if (ahead->is_stopping || ahead->next_drawn >= ahead->run_count)
		return false;
	*ret_number = ahead->next_drawn++;
	return true;
}

static void *read_ahead(void *argument)
{
	struct ahead *ahead = argument;
	struct store_txn *txn = NULL;
	enum err err = store_read(ahead->task.store, &txn);
	uint64_t number;

	pthread_mutex_lock(&ahead->mutex);
	while (draw_number(ahead, &number)) {
		struct ahead_run *run = draw_run(ahead);

		if (run == NULL) {
			ahead->is_short = ahead->is_stopping = true;
			break;
		}
		pthread_mutex_unlock(&ahead->mutex);
		if (err == OK)
			read_run(ahead, txn, number, run);
		else
			run->err = err;
		pthread_mutex_lock(&ahead->mutex);
		ahead->window[number % VERIFY_AHEAD_MAX] = run;
		pthread_cond_broadcast(&ahead->changed);
	}
	pthread_cond_broadcast(&ahead->changed);
	pthread_mutex_unlock(&ahead->mutex);
	store_abort(txn);
	return NULL;
}

enum err ahead_open(const struct ahead_task *task, struct ahead **ret_ahead)
{
	struct ahead *ahead = calloc(1, sizeof(*ahead));

	assert(task->thread_count <= VERIFY_THREADS_MAX && task->first <= task->end);
	if (ahead == NULL)
		return ERR_MEMORY;
	ahead->task = *task;
	ahead->run_count = (task->end - task->first + AHEAD_RUN_ENTRIES - 1) / AHEAD_RUN_ENTRIES;
	pthread_mutex_init(&ahead->mutex, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	while (ahead->thread_count < task->thread_count &&
	       pthread_create(&ahead->threads[ahead->thread_count], NULL, read_ahead, ahead) == 0)
		ahead->thread_count++;
	*ret_ahead = ahead;
	return OK;
}

void ahead_close(struct ahead *ahead)
{
	if (ahead == NULL)
		return;
	pthread_mutex_lock(&ahead->mutex);
	ahead->is_stopping = true;
	pthread_cond_broadcast(&ahead->changed);
	pthread_mutex_unlock(&ahead->mutex);
	for (unsigned i = 0; i < ahead->thread_count; i++)
		pthread_join(ahead->threads[i], NULL);
	for (size_t i = 0; i < VERIFY_AHEAD_MAX; i++)
		free_run(ahead->window[i]);
	while (ahead->free_runs != NULL) {
		struct ahead_run *run = ahead->free_runs;

		ahead->free_runs = run->next;
		free_run(run);
	}
	for (size_t i = 0; i < ahead->key_count; i++)
		free(ahead->keys[i]);
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->mutex);
	free(ahead);
}

/* ---- the taker */

/* The taker reads the next run itself. */
static struct ahead_run *take_here(struct ahead *ahead)
{
	struct ahead_run *run = draw_run(ahead);

	if (run != NULL)
		read_run(ahead, ahead->task.original, ahead->next_taken, run);
	return run;
}

static struct ahead_run *take_there(struct ahead *ahead)
{
	struct ahead_run **place = &ahead->window[ahead->next_taken % VERIFY_AHEAD_MAX];
	struct ahead_run *run;

	pthread_mutex_lock(&ahead->mutex);
	while (*place == NULL && !ahead->is_short)
		pthread_cond_wait(&ahead->changed, &ahead->mutex);
	run = *place;
	*place = NULL;
	ahead->next_taken++;
	pthread_cond_broadcast(&ahead->changed);
	pthread_mutex_unlock(&ahead->mutex);
	return run;
}

struct ahead_run *ahead_take(struct ahead *ahead)
{
	struct ahead_run *run;

	assert(ahead->next_taken < ahead->run_count);
	if (ahead->thread_count > 0)
		return take_there(ahead);
	run = take_here(ahead);
	ahead->next_taken++;
	return run;
}

void ahead_give_back(struct ahead *ahead, struct ahead_run *run)
{
	clear_run(run);
	pthread_mutex_lock(&ahead->mutex);
	run->next = ahead->free_runs;
	ahead->free_runs = run;
	pthread_mutex_unlock(&ahead->mutex);
}

size_t ahead_waiting(struct ahead *ahead)
{
	size_t count = 0;

	pthread_mutex_lock(&ahead->mutex);
	for (size_t i = 0; i < VERIFY_AHEAD_MAX; i++)
		count += ahead->window[i] != NULL;
	pthread_mutex_unlock(&ahead->mutex);
	return count;
}

void ahead_add_key(struct ahead *ahead, const struct key *key)
{
	struct key *copy;

	/* The taker alone adds keys, so it may look without the lock. */
	for (size_t i = 0; i < ahead->key_count; i++)
		if (key_equal(ahead->keys[i], key))
			return;
	copy = ahead->key_count < KEYS_MAX ? malloc(sizeof(*copy)) : NULL;
	if (copy == NULL)
		return;
	*copy = *key;
	pthread_mutex_lock(&ahead->mutex);
	ahead->keys[ahead->key_count++] = copy;
	pthread_mutex_unlock(&ahead->mutex);
}

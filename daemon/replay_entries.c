/* The original's entries, one after another, as they were read ahead. */
#include "daemon/replay_internal.h"

#include <assert.h>
#include <string.h>

#define PROGRESS_ENTRIES 4096

enum err replay_invalid(struct replay *replay, uint64_t index, const char *text)
{
	return finding_set(replay->finding, FINDING_INVALID, "entry %llu: %s", (unsigned long long)index, text);
}

/* A database that can't be read is no finding about an entry. */
static enum err unreadable(struct replay *replay, enum err err)
{
	if (err != ERR_DAMAGED)
		return err;
	return finding_set(replay->finding, FINDING_UNUSABLE, "database entries can't be read: its pages are damaged");
}

/* Below `end`, and not before the command in hand. Good until the next command. */
static enum err item_at(struct replay *replay, uint64_t index, const struct ahead_item **ret_item)
{
	size_t place;

	assert(index < replay->end && (replay->run_count == 0 || index >= replay->runs[0]->first));
	while (replay->run_count == 0 ||
	       index >= replay->runs[replay->run_count - 1]->first + replay->runs[replay->run_count - 1]->count) {
		struct ahead_run *run = ahead_take(replay->ahead);

		if (run == NULL)
			return ERR_MEMORY;
		assert(replay->run_count < RUNS_MAX);
		replay->runs[replay->run_count++] = run;
		if (run->err != OK)
			return unreadable(replay, run->err);
	}
	place = (size_t)(index - replay->runs[0]->first);
	*ret_item = &replay->runs[place / AHEAD_RUN_ENTRIES]->items[place % AHEAD_RUN_ENTRIES];
	return OK;
}

void replay_drop_runs(struct replay *replay, uint64_t index)
{
	size_t dropped = 0;

	while (dropped < replay->run_count && replay->runs[dropped]->first + replay->runs[dropped]->count <= index)
		ahead_give_back(replay->ahead, replay->runs[dropped++]);
	replay->run_count -= dropped;
	memmove(replay->runs, replay->runs + dropped, replay->run_count * sizeof(replay->runs[0]));
}

bool replay_stored_entry(void *cookie, uint64_t index, struct ledger_stored *ret_stored)
{
	struct replay *replay = cookie;
	const struct ahead_item *item;

	if (index >= replay->end || replay->read_err != OK)
		return false;
	replay->read_err = item_at(replay, index, &item);
	if (replay->read_err != OK || item->bytes.size == 0)
		return false;
	*ret_stored = (struct ledger_stored){
	    .bytes = item->bytes, .leaf = item->leaf, .salt = item->err == OK ? item->entry.salt : NULL};
	return true;
}

/* The entry is not there: is any behind it? */
static enum err absent(struct replay *replay, uint64_t index)
{
	uint8_t key[STATE_U64_SIZE];
	struct store_cursor cursor;
	bool is_gap = false;

	if (index >= replay->end)
		return finding_set(replay->finding, FINDING_MISSING,
		    "entry %llu: it is missing: the ledger ends within a command", (unsigned long long)index);
	store_cursor_open(&cursor, replay->task->original, STORE_ENTRIES);
	for (bool is_there = store_cursor_seek(&cursor, state_u64(index, key)); is_there && !is_gap;
	     is_there = store_cursor_next(&cursor))
		is_gap = cursor.key.size == STATE_U64_SIZE;
	store_cursor_close(&cursor);
	if (store_error(replay->task->original) != OK)
		return unreadable(replay, store_error(replay->task->original));
	if (is_gap)
		return finding_set(replay->finding, FINDING_GAP, "entry %llu: it is missing, and later ones are there",
		    (unsigned long long)index);
	return finding_set(replay->finding, FINDING_MISSING,
	    "entry %llu: it is missing: the entries end before it, and there should be %llu", (unsigned long long)index,
	    (unsigned long long)replay->task->size);
}

/*
 * Entry `index` does not hold the hash of the one before: one of the two was changed. Where the entry behind it holds
 * its hash (or, of the last one, the head does), it is itself as it was, and the one before is not.
 */
static enum err broken_chain(struct replay *replay, uint64_t index, const struct ahead_item *item)
{
	const struct ledger_head *head = replay->task->head;
	const struct ahead_item *next;
	bool is_sound = false;
	enum err err;

	if (index + 1 < replay->end) {
		err = item_at(replay, index + 1, &next);
		if (err != OK)
			return err;
		is_sound = next->bytes.size > 0 && next->err == OK && hash_equal(&next->entry.previous, &item->leaf);
	} else if (head != NULL) {
		is_sound = head->size == index + 1 && hash_equal(&head->last_leaf, &item->leaf);
	}
	if (!is_sound || index == 0)
		return replay_invalid(
		    replay, index, "the chain breaks here: it does not hold the hash of the entry before");
	return finding_set(replay->finding, FINDING_INVALID,
	    "entry %llu: it was changed, or one behind it taken out: the next entry holds another hash of it",
	    (unsigned long long)index - 1);
}

enum err replay_next_item(struct replay *replay, const struct ahead_item **ret_item)
{
	const struct replay_progress *progress = &replay->task->progress;
	uint64_t index = replay->next_index;
	const struct ahead_item *item;
	enum err err;

	if (index >= replay->end)
		return absent(replay, index);
	err = item_at(replay, index, &item);
	if (err != OK)
		return err;
	if (item->bytes.size == 0)
		return absent(replay, index);
	if (item->err != OK)
		return replay_invalid(replay, index, "its bytes are not a canonical entry");
	if (!hash_equal(&item->entry.previous, &replay->last_leaf))
		return broken_chain(replay, index, item);
	if (index > 0 && item->entry.time_us <= replay->last_time_us)
		return replay_invalid(replay, index, "its time does not lie after that of the entry before");
	replay->last_leaf = item->leaf;
	for (size_t i = replay->era; i + 1 < replay->eras->count; i++)
		frontier_append(&replay->trees[i], &replay->last_leaf);
	replay->last_time_us = item->entry.time_us;
	replay->next_index++;
	if (progress->report != NULL &&
	    (replay->next_index % PROGRESS_ENTRIES == 0 || replay->next_index == replay->task->size))
		progress->report(progress->cookie, replay->next_index, replay->task->size);
	*ret_item = item;
	return OK;
}

enum err replay_open_ahead(struct replay *replay, uint64_t end, bool is_light)
{
	struct ahead_task task = {.original = replay->task->original,
	    .store = replay->task->store,
	    .first = replay->next_index,
	    .end = end,
	    .is_light = is_light,
	    .thread_count = replay->task->thread_count};

	replay->end = end;
	return ahead_open(&task, &replay->ahead);
}

void replay_close_ahead(struct replay *replay)
{
	for (size_t i = 0; i < replay->run_count; i++)
		ahead_give_back(replay->ahead, replay->runs[i]);
	replay->run_count = 0;
	ahead_close(replay->ahead);
	replay->ahead = NULL;
}

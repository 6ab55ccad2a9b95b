#include "daemon/replay.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/fold.h"
#include "proto/date.h"

#define COMMIT_RECORDS 20000 /* records between commits of the scratch store: bounds its dirty pages */
#define PROGRESS_ENTRIES 4096

struct replay {
	struct store_txn *original;
	struct store *scratch;
	struct store_txn *txn; /* of the scratch store */
	struct ledger ledger;
	struct replay_counts counts;
	const struct replay_progress *progress;
	struct why *why;

	/* The ledgers of a continued one, the one whose entries are in hand, and the trees of those before the last. */
	struct eras *eras;
	size_t era;
	struct frontier trees[CONTINUED_LEDGERS_MAX];

	/* The entries of the command in hand. */
	uint64_t size; /* of the original */
	uint64_t next_index;
	struct hash last_leaf; /* of the entry before */
	uint64_t last_time_us;
	struct arena arena;
	struct slice *records; /* record bytes of the push being gathered */
	uint64_t uncommitted;
};

static enum err damaged(struct replay *replay, uint64_t index, const char *text)
{
	return why_set(replay->why, ERR_DAMAGED, "entry %llu: %s", (unsigned long long)index, text);
}

/* A check of the command at `index` refused it: that is damage, whatever the refusal was called. */
static enum err refused(struct replay *replay, uint64_t index, enum err err, const struct why *cause)
{
	if (err == ERR_MEMORY || err == ERR_IO || err == ERR_DISK_FULL)
		return err;
	return why_set(replay->why, ERR_DAMAGED, "entry %llu: %s%s%s", (unsigned long long)index, err_sentence(err),
	    cause->text[0] != '\0' ? ": " : "", cause->text);
}

/* The next entry, checked to follow the one before: index, chain and time. */
static enum err next_entry(struct replay *replay, struct entry *ret_entry)
{
	uint64_t index = replay->next_index;
	struct slice bytes;
	enum err err;

	if (index >= replay->size || !ledger_bytes(replay->original, index, &bytes))
		return damaged(
		    replay, index, index >= replay->size ? "the ledger ends within a command" : "it is missing");
	err = entry_decode(bytes, &replay->arena, ret_entry);
	if (err == ERR_MEMORY)
		return err;
	if (err != OK)
		return damaged(replay, index, "its bytes are not a canonical entry");
	if (!hash_equal(&ret_entry->previous, &replay->last_leaf))
		return damaged(replay, index, "the chain breaks here: this entry or the one before was changed");
	if (index > 0 && ret_entry->time_us <= replay->last_time_us)
		return damaged(replay, index, "its time does not lie after that of the entry before");
	replay->last_leaf = hash_leaf(bytes);
	for (size_t i = replay->era; i + 1 < replay->eras->count; i++)
		frontier_append(&replay->trees[i], &replay->last_leaf);
	replay->last_time_us = ret_entry->time_us;
	replay->next_index++;
	replay->counts.entries++;
	if (replay->progress->report != NULL && replay->counts.entries % PROGRESS_ENTRIES == 0)
		replay->progress->report(replay->progress->cookie, replay->counts.entries, replay->size);
	return OK;
}

static void begin_command(struct replay *replay, const struct entry *first)
{
	struct stamp stamp = {.time_us = first->time_us, .flags = first->flags};

	ledger_begin_command(&replay->ledger, &stamp);
}

/* After a command was folded: did it give what is stored, and all of it? */
static enum err end_command(struct replay *replay)
{
	struct entry entry;
	enum err err;

	if (store_error(replay->txn) != OK)
		return store_error(replay->txn);
	if (replay->ledger.is_different)
		return damaged(replay, replay->ledger.different_index,
		    "replaying gives another entry here (disposition, links, tally or order of effects)");
	/* So that the next command is checked against a ledger with this one in it, as it was the first time. */
	ledger_save(&replay->ledger, replay->txn);
	/* Effects of an order were made, not read: step over them, so that chain and times are looked at as well. */
	while (replay->next_index < replay->ledger.head.size) {
		arena_reset(&replay->arena);
		err = next_entry(replay, &entry);
		if (err != OK)
			return err;
	}
	return OK;
}

/* A ledger that continues others is one of several eras; its chain goes on from the oldest genesis. */
static enum err begin_eras(struct replay *replay, const struct entry *entry)
{
	struct eras *eras = replay->eras;
	struct slice bytes;
	struct why why = {{0}};
	enum err err;

	if (!ledger_bytes(replay->original, 0, &bytes))
		return damaged(replay, 0, "it is missing");
	err = eras_load(bytes, eras, &why);
	if (err != OK)
		return refused(replay, 0, err, &why);
	begin_command(replay, entry);
	if (eras->count == 1)
		fold_genesis(&replay->ledger, replay->txn, entry->genesis.note, eras->list[0].genesis);
	else
		fold_continued(&replay->ledger, replay->txn, bytes, eras);
	for (size_t i = 0; i + 1 < eras->count; i++)
		frontier_append(&replay->trees[i], &eras->list[i].leaf);
	replay->last_leaf = eras->list[0].leaf;
	return end_command(replay);
}

/* Between two commands: does the next era begin here? */
static enum err pass_eras(struct replay *replay)
{
	const struct eras *eras = replay->eras;
	enum err err = OK;

	while (err == OK && replay->era + 1 < eras->count && replay->next_index >= eras->list[replay->era].end) {
		struct hash root = frontier_root(&replay->trees[replay->era]);
		struct why why = {{0}};

		if (replay->next_index > eras->list[replay->era].end)
			return damaged(replay, eras->list[replay->era].end,
			    "a ledger was taken over to here, which is within a command");
		err = era_check(&eras->list[replay->era + 1], &root, replay->txn, &why);
		if (err != OK)
			return refused(replay, 0, err, &why);
		replay->era++;
		fold_era(replay->txn, &eras->list[replay->era]);
		err = store_error(replay->txn);
	}
	return err;
}

static enum err check_and_fold_push(
    struct replay *replay, const struct entry *first, uint64_t push_index, const struct entry *push, struct slice body)
{
	struct ingest ingest;
	struct why why = {{0}};
	char venue[VENUE_ID_SIZE_MAX + 1];
	enum err err;

	/* entry_decode checked that it fits. */
	memcpy(venue, push->push.venue.data, push->push.venue.size);
	venue[push->push.venue.size] = '\0';
	ingest_init(&ingest, venue, body, false);
	err = ingest_decode(&ingest, &why);
	if (err == OK)
		err = ingest_check(&ingest, replay->txn, &why);
	if (err == OK)
		err = ingest_check_dates(&ingest, date_of_time(first->time_us), &why);
	if (err != OK) {
		err = refused(replay, push_index, err, &why);
	} else if (ingest_new_count(&ingest) != ingest.push.record_count) {
		err = damaged(replay, push_index, "its records were in the feed before");
	} else {
		begin_command(replay, first);
		fold_push(&replay->ledger, replay->txn, &ingest);
		err = end_command(replay);
	}
	ingest_done(&ingest);
	return err;
}

/* Record entries up to their push entry. */
static enum err replay_push(struct replay *replay, const struct entry *first)
{
	struct entry entry = *first, push;
	struct push message = {.start = first->record.feed_index, .records = replay->records};
	struct buf body;
	enum err err = OK;

	while (err == OK && entry.kind == ENTRY_RECORD) {
		if (message.record_count == PUSH_RECORDS_MAX)
			return damaged(replay, replay->next_index - 1, "more records than one push may carry");
		replay->records[message.record_count++] = entry.record.record;
		err = next_entry(replay, &entry);
	}
	if (err != OK)
		return err;
	if (entry.kind != ENTRY_PUSH)
		return damaged(replay, replay->next_index - 1, "records must be followed by their push entry");
	push = entry;
	message.note = push.push.note;
	buf_init(&body, PUSH_SIZE_MAX);
	err = push_encode(&message, &body);
	if (err == OK)
		err = check_and_fold_push(replay, first, replay->next_index - 1, &push, buf_slice(&body));
	buf_done(&body);
	replay->counts.pushes++;
	replay->counts.records += message.record_count;
	replay->uncommitted += message.record_count;
	return err;
}

static enum err replay_order(struct replay *replay, const struct entry *entry)
{
	struct order_plan plan;
	struct why why = {{0}};
	uint64_t index = replay->next_index - 1;
	enum err err;

	order_plan_init(&plan, entry->order.note, entry->order.items, entry->order.item_count);
	err = order_plan_decode(&plan, &why);
	if (err == OK)
		err = order_check(&plan, replay->txn, date_of_time(entry->time_us), &why);
	if (err != OK) {
		err = refused(replay, index, err, &why);
	} else if (plan.is_known) {
		err = damaged(replay, index, "the same order was carried out before");
	} else {
		begin_command(replay, entry);
		fold_order(&replay->ledger, replay->txn, &plan);
		err = end_command(replay);
	}
	order_plan_done(&plan);
	replay->counts.orders++;
	replay->uncommitted += 1 + entry->order.item_count;
	return err;
}

/* Effects without their order before them: a later slice of a distrust. */
static enum err replay_slice(struct replay *replay, const struct entry *entry)
{
	enum err err;

	begin_command(replay, entry);
	err = fold_distrust_again(&replay->ledger, replay->txn, entry->effect.order_index, replay->why);
	replay->uncommitted += replay->ledger.head.size - replay->ledger.command_start;
	return err != OK ? err : end_command(replay);
}

static enum err replay_evidence(struct replay *replay, const struct entry *entry)
{
	struct evidence evidence;
	struct why why = {{0}};
	enum err err = evidence_of_entry(entry, replay->txn, &evidence, &why);

	if (err != OK)
		return err == ERR_MEMORY ? err : damaged(replay, replay->next_index - 1, why.text);
	begin_command(replay, entry);
	fold_evidence(&replay->ledger, replay->txn, &evidence);
	replay->counts.evidence++;
	replay->uncommitted++;
	return end_command(replay);
}

static enum err replay_command(struct replay *replay)
{
	struct entry entry;
	uint64_t index = replay->next_index;
	enum err err;

	arena_reset(&replay->arena);
	err = next_entry(replay, &entry);
	if (err != OK)
		return err;
	if ((entry.kind == ENTRY_GENESIS) != (index == 0))
		return damaged(replay, index,
		    index == 0 ? "the first entry must be the genesis" : "a genesis can only be the first entry");
	switch (entry.kind) {
	case ENTRY_GENESIS: return begin_eras(replay, &entry);
	case ENTRY_RECORD: return replay_push(replay, &entry);
	case ENTRY_ORDER: return replay_order(replay, &entry);
	case ENTRY_EVIDENCE: return replay_evidence(replay, &entry);
	case ENTRY_PUSH: return damaged(replay, index, "a push entry without records before it");
	case ENTRY_EFFECT: return replay_slice(replay, &entry);
	}
	return damaged(replay, index, "of no known kind");
}

static enum err commit(struct replay *replay, bool goes_on)
{
	enum err err = store_commit(replay->txn);

	replay->txn = NULL;
	replay->uncommitted = 0;
	if (err == OK && goes_on)
		err = store_write(replay->scratch, &replay->txn);
	return err;
}

enum err replay_run(struct store_txn *original, struct store *scratch, const struct replay_progress *progress,
    struct replay_counts *ret_counts, struct why *why)
{
	struct replay replay = {.original = original, .scratch = scratch, .progress = progress, .why = why};
	enum err err = OK;

	arena_init(&replay.arena, 2 * PUSH_ARENA_MAX);
	replay.size = ledger_size(original);
	replay.records = calloc(PUSH_RECORDS_MAX, sizeof(*replay.records));
	replay.eras = calloc(1, sizeof(*replay.eras));
	for (size_t i = 0; i < CONTINUED_LEDGERS_MAX; i++)
		frontier_init(&replay.trees[i]);
	if (replay.records == NULL || replay.eras == NULL)
		err = ERR_MEMORY;
	else if (store_error(original) != OK)
		err = why_set(why, ERR_DAMAGED, "the head row is missing or broken");
	if (err == OK)
		err = store_write(scratch, &replay.txn);
	if (err == OK)
		err = ledger_load(&replay.ledger, replay.txn);
	replay.ledger.original = original;
	while (err == OK && replay.next_index < replay.size) {
		err = replay_command(&replay);
		if (err == OK)
			err = pass_eras(&replay);
		if (err == OK && replay.uncommitted >= COMMIT_RECORDS)
			err = commit(&replay, true);
	}
	if (err == OK && replay.size == 0)
		err = why_set(why, ERR_DAMAGED, "the ledger has no entries");
	if (err == OK && replay.era + 1 < replay.eras->count)
		err = why_set(why, ERR_DAMAGED, "the ledger ends before the entries that it took over do");
	if (err == OK)
		err = fold_distrust_follow(&replay.ledger, replay.txn, why);
	if (err == OK)
		err = commit(&replay, false);
	store_abort(replay.txn);
	ledger_done(&replay.ledger);
	arena_done(&replay.arena);
	free(replay.records);
	if (replay.eras != NULL)
		eras_done(replay.eras);
	free(replay.eras);
	if (err == OK)
		*ret_counts = replay.counts;
	return err;
}

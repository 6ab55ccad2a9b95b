#include "daemon/replay_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/fold.h"
#include "daemon/unfolded.h"
#include "proto/date.h"

#define COMMIT_RECORDS 20000 /* records between commits of the scratch store: bounds its dirty pages */

static bool is_trouble(enum err err)
{
	return err == ERR_MEMORY || err == ERR_IO || err == ERR_DISK_FULL;
}

/* A check of the command at `index` refused it: that is damage, whatever the refusal was called. */
static enum err refused(struct replay *replay, uint64_t index, enum err err, const struct why *cause)
{
	if (is_trouble(err))
		return err;
	return finding_set(replay->finding, FINDING_INVALID, "entry %llu: %s%s%s", (unsigned long long)index,
	    err_sentence(err), cause->text[0] != '\0' ? ": " : "", cause->text);
}

/* ---- commands */

static void begin_command(struct replay *replay, const struct entry *first)
{
	struct stamp stamp = {.time_us = first->time_us, .flags = first->flags};

	ledger_begin_command(&replay->ledger, &stamp);
}

/* After a command was folded: did it give what is stored, and all of it? */
static enum err end_command(struct replay *replay)
{
	const struct ledger *ledger = &replay->ledger;
	uint64_t end = ledger->is_different ? ledger->different_index + 1 : ledger->head.size;
	const struct ahead_item *item;
	enum err err = OK;

	if (store_error(replay->txn) != OK)
		return store_error(replay->txn);
	if (replay->read_err != OK)
		return replay->read_err;
	/* So that the next command is checked against a ledger with this one in it, as it was the first time. */
	ledger_save(ledger, replay->txn);
	/* Effects of an order were made, not read: step over them, so that chain and times are looked at as well. */
	while (err == OK && replay->next_index < end)
		err = replay_next_item(replay, &item);
	if (err == OK && ledger->is_different)
		err = replay_invalid(replay, ledger->different_index,
		    "replaying gives another entry here (disposition, links, tally or order of effects)");
	return err;
}

/* A ledger that continues others is one of several eras; its chain goes on from the oldest genesis. */
static enum err load_eras(struct replay *replay, const struct ahead_item *item)
{
	struct eras *eras = replay->eras;
	struct why why = {{0}};
	enum err err = eras_load(item->bytes, eras, &why);

	if (err != OK)
		return refused(replay, 0, err, &why);
	for (size_t i = 0; i + 1 < eras->count; i++)
		frontier_append(&replay->trees[i], &eras->list[i].leaf);
	replay->last_leaf = eras->list[0].leaf;
	return OK;
}

static void add_keys_of_era(struct replay *replay)
{
	const struct genesis *genesis = replay->eras->list[replay->era].genesis;

	for (size_t i = 0; i < genesis->officer_count; i++)
		for (size_t k = 0; k < genesis->officers[i].key_count; k++)
			ahead_add_key(replay->ahead, &genesis->officers[i].keys[k]);
}

static enum err begin_eras(struct replay *replay, const struct ahead_item *item)
{
	const struct eras *eras = replay->eras;
	enum err err = load_eras(replay, item);

	if (err != OK)
		return err;
	begin_command(replay, &item->entry);
	if (eras->count == 1)
		fold_genesis(&replay->ledger, replay->txn, item->entry.genesis.note, eras->list[0].genesis);
	else
		fold_continued(&replay->ledger, replay->txn, item->bytes, eras);
	add_keys_of_era(replay);
	return end_command(replay);
}

static bool has_passed_era(const struct replay *replay)
{
	return replay->era + 1 < replay->eras->count && replay->next_index >= replay->eras->list[replay->era].end;
}

/* Between two commands: does the next era begin here? */
static enum err pass_eras(struct replay *replay)
{
	const struct eras *eras = replay->eras;
	enum err err = OK;

	while (err == OK && has_passed_era(replay)) {
		struct hash root = frontier_root(&replay->trees[replay->era]);
		struct why why = {{0}};

		if (replay->next_index > eras->list[replay->era].end)
			return replay_invalid(replay, eras->list[replay->era].end,
			    "a ledger was taken over to here, which is within a command");
		err = era_check(&eras->list[replay->era + 1], &root, replay->txn, &why);
		if (err != OK)
			return refused(replay, 0, err, &why);
		replay->era++;
		fold_era(replay->txn, &eras->list[replay->era]);
		add_keys_of_era(replay);
		err = store_error(replay->txn);
	}
	return err;
}

static enum err check_and_fold_push(
    struct replay *replay, const struct entry *first, uint64_t push_index, struct ingest *ingest)
{
	struct why why = {{0}};
	enum err err = ingest_check(ingest, replay->txn, &why);

	if (err == OK)
		err = ingest_check_dates(ingest, date_of_time(first->time_us), &why);
	if (err != OK)
		return refused(replay, push_index, err, &why);
	if (ingest_new_count(ingest) != ingest->push.record_count)
		return replay_invalid(replay, push_index, "its records were in the feed before");
	begin_command(replay, first);
	fold_push(&replay->ledger, replay->txn, ingest);
	return end_command(replay);
}

/* Why a record is none: found out once more, for the words. */
static enum err refused_record(struct replay *replay, uint64_t index, const struct ahead_item *item)
{
	struct record_fault *faults = calloc(RECORD_FAULTS_MAX, sizeof(*faults));
	struct why why = {{0}};
	struct record record;
	struct arena arena;
	size_t fault_count = 0;
	enum err err = faults == NULL ? ERR_MEMORY : OK;

	arena_init(&arena, 4 * ENTRY_SIZE_MAX);
	if (err == OK)
		err = record_decode(item->entry.record.record, &arena, &record, faults, &fault_count);
	if (err != OK && fault_count > 0)
		why_set_cause(&why, err, &faults[0].reason, "%s: ", faults[0].field);
	err = refused(replay, index, err == ERR_MEMORY ? err : ERR_RECORDS, &why);
	arena_done(&arena);
	free(faults);
	return err;
}

static enum err fold_gathered(
    struct replay *replay, const struct entry *first, size_t record_count, const struct ahead_item *push)
{
	struct ingest_parts parts = {.start = first->record.feed_index,
	    .record_count = record_count,
	    .bytes = replay->bytes,
	    .records = replay->records,
	    .leaves = replay->leaves,
	    .note_bytes = push->entry.push.note,
	    .note = push->note,
	    .checkpoint = push->checkpoint};
	uint64_t index = replay->next_index - 1;
	char venue[VENUE_ID_SIZE_MAX + 1];
	struct ingest *ingest;
	enum err err;

	if (push->content_err != OK)
		return refused(replay, index, ERR_NOTE, &(const struct why){{0}});
	ingest = malloc(sizeof(*ingest));
	if (ingest == NULL)
		return ERR_MEMORY;
	/* entry_decode checked that it fits. */
	memcpy(venue, push->entry.push.venue.data, push->entry.push.venue.size);
	venue[push->entry.push.venue.size] = '\0';
	err = ingest_init_decoded(ingest, venue, &parts);
	if (err == OK)
		err = check_and_fold_push(replay, first, index, ingest);
	ingest_done(ingest);
	free(ingest);
	replay->counts.pushes++;
	replay->counts.records += record_count;
	replay->uncommitted += record_count;
	return err;
}

/* Record entries up to their push entry. */
static enum err replay_push(struct replay *replay, const struct ahead_item *first)
{
	const struct ahead_item *item = first;
	size_t count = 0, size = 0;
	enum err err = OK;

	while (err == OK && item->entry.kind == ENTRY_RECORD) {
		uint64_t index = replay->next_index - 1;

		if (count == PUSH_RECORDS_MAX)
			return replay_invalid(replay, index, "more records than one push may carry");
		if (item->content_err != OK)
			return refused_record(replay, index, item);
		size += item->entry.record.record.size;
		if (size > PUSH_SIZE_MAX)
			return replay_invalid(replay, index, "more bytes of records than one push may carry");
		replay->bytes[count] = item->entry.record.record;
		replay->records[count] = item->record;
		replay->leaves[count++] = item->record_leaf;
		err = replay_next_item(replay, &item);
	}
	if (err != OK)
		return err;
	if (item->entry.kind != ENTRY_PUSH)
		return replay_invalid(replay, replay->next_index - 1, "records must be followed by their push entry");
	if (first->entry.record.feed_index > TREE_SIZE_MAX - PUSH_RECORDS_MAX)
		return replay_invalid(replay, replay->next_index - 1, "start lies beyond what a feed can hold");
	return fold_gathered(replay, &first->entry, count, item);
}

static enum err replay_order(struct replay *replay, const struct ahead_item *item)
{
	struct order_plan *plan = item->plan;
	struct why why = {{0}};
	uint64_t index = replay->next_index - 1;
	enum err err = item->content_err;

	if (err != OK) /* once more, for the words */
		(void)!order_plan_decode(plan, &why);
	else
		err = order_check(plan, replay->txn, date_of_time(item->entry.time_us), &why);
	if (err != OK)
		return refused(replay, index, err, &why);
	if (plan->is_known)
		return replay_invalid(replay, index, "the same order was carried out before");
	begin_command(replay, &item->entry);
	fold_order(&replay->ledger, replay->txn, plan);
	err = end_command(replay);
	for (size_t i = 0; err == OK && i < plan->order.venue_key_count; i++)
		ahead_add_key(replay->ahead, &plan->order.venue_keys[i]);
	for (size_t i = 0; err == OK && plan->order.type == ORDER_OFFICER_ADD && i < plan->order.officer.key_count; i++)
		ahead_add_key(replay->ahead, &plan->order.officer.keys[i]);
	replay->counts.orders++;
	replay->uncommitted += 1 + item->entry.order.item_count;
	return err;
}

/* Effects without their order before them: a later slice of a distrust. */
static enum err replay_slice(struct replay *replay, const struct entry *entry)
{
	struct finding *finding = replay->finding;
	enum err err;

	begin_command(replay, entry);
	err = fold_distrust_again(&replay->ledger, replay->txn, entry->effect.order_index, &finding->why);
	replay->uncommitted += replay->ledger.head.size - replay->ledger.command_start;
	if (err == ERR_DAMAGED)
		finding->kind = FINDING_INVALID;
	return err != OK ? err : end_command(replay);
}

static enum err replay_evidence(struct replay *replay, const struct entry *entry)
{
	struct evidence evidence;
	struct why why = {{0}};
	enum err err = evidence_of_entry(entry, replay->txn, &evidence, &why);

	if (err != OK)
		return is_trouble(err) ? err : replay_invalid(replay, replay->next_index - 1, why.text);
	begin_command(replay, entry);
	fold_evidence(&replay->ledger, replay->txn, &evidence);
	replay->counts.evidence++;
	replay->uncommitted++;
	return end_command(replay);
}

static enum err replay_command(struct replay *replay)
{
	const struct ahead_item *item;
	uint64_t index = replay->next_index;
	enum err err;

	replay_drop_runs(replay, index);
	err = replay_next_item(replay, &item);
	if (err != OK)
		return err;
	if ((item->entry.kind == ENTRY_GENESIS) != (index == 0))
		return replay_invalid(replay, index,
		    index == 0 ? "the first entry must be the genesis" : "a genesis can only be the first entry");
	switch (item->entry.kind) {
	case ENTRY_GENESIS: return begin_eras(replay, item);
	case ENTRY_RECORD: return replay_push(replay, item);
	case ENTRY_ORDER: return replay_order(replay, item);
	case ENTRY_EVIDENCE: return replay_evidence(replay, &item->entry);
	case ENTRY_PUSH: return replay_invalid(replay, index, "a push entry without records before it");
	case ENTRY_EFFECT: return replay_slice(replay, &item->entry);
	}
	return replay_invalid(replay, index, "of no known kind");
}

/* ---- the whole */

static enum err begin_write(struct replay *replay)
{
	enum err err = store_write(replay->task->scratch, &replay->txn);

	if (err == OK && !replay->task->takes_entries)
		store_borrow_entries(replay->txn, replay->task->original);
	return err;
}

static enum err commit(struct replay *replay, bool goes_on)
{
	enum err err = store_commit(replay->txn);

	replay->txn = NULL;
	replay->uncommitted = 0;
	return err == OK && goes_on ? begin_write(replay) : err;
}

/* The keys of a state that an earlier replay gave. */
static enum err add_held_keys(struct replay *replay)
{
	struct store_cursor cursor;
	struct officer officer;
	struct venue venue;

	store_cursor_open(&cursor, replay->txn, STORE_VENUES);
	for (bool is_there = store_cursor_first(&cursor); is_there; is_there = store_cursor_next(&cursor))
		for (size_t i = 0; venue_get(replay->txn, cursor.key, &venue) && i < venue.key_count; i++)
			ahead_add_key(replay->ahead, &venue.keys[i]);
	store_cursor_close(&cursor);
	store_cursor_open(&cursor, replay->txn, STORE_OFFICERS);
	for (bool is_there = store_cursor_first(&cursor); is_there; is_there = store_cursor_next(&cursor))
		for (size_t i = 0; officer_decode(cursor.key, cursor.value, &officer) && i < officer.key_count; i++)
			ahead_add_key(replay->ahead, &officer.keys[i]);
	store_cursor_close(&cursor);
	return store_error(replay->txn);
}

/* The entries before an earlier replay's end: are they the same? Their hashes say so, and the chain says where not. */
static enum err check_held(struct replay *replay)
{
	const struct ledger_head *held = &replay->ledger.head;
	const struct ahead_item *item;
	struct frontier frontier;
	enum err err = replay_open_ahead(replay, held->size, true);

	frontier_init(&frontier);
	while (err == OK && replay->next_index < held->size) {
		replay_drop_runs(replay, replay->next_index);
		err = replay_next_item(replay, &item);
		if (err != OK)
			break;
		frontier_append(&frontier, &item->leaf);
		if (replay->next_index == 1)
			err = load_eras(replay, item);
		while (err == OK && has_passed_era(replay))
			replay->era++; /* as the state that is held has done */
	}
	if (err == OK && !frontier_equal(&frontier, &held->frontier))
		err = finding_set(replay->finding, FINDING_INVALID,
		    "entry %llu: up to here the entries are not those that were replayed before: their root is another",
		    (unsigned long long)held->size - 1);
	replay_close_ahead(replay);
	replay->counts.held = held->size;
	return err;
}

/*
 * How far a distrust has looked is in the original's state alone. A transaction of its own, for an error sticks to it: a
 * row that can't be read is found when the rows are compared.
 */
static enum err follow_distrusts(struct replay *replay)
{
	struct store_txn *txn = NULL;
	enum err err = replay->task->store == NULL ? OK : store_read(replay->task->store, &txn);

	if (err != OK)
		return err;
	if (txn != NULL)
		replay->ledger.original = txn;
	err = fold_distrust_follow(&replay->ledger, replay->txn, &replay->finding->why);
	if (err == ERR_DAMAGED && store_error(replay->ledger.original) == ERR_DAMAGED)
		err = OK;
	else if (err == ERR_DAMAGED)
		replay->finding->kind = FINDING_INVALID;
	replay->ledger.original = replay->task->original;
	store_abort(txn);
	return err;
}

/* The last entry's hash is in no other entry, but in the head. */
static enum err check_end(struct replay *replay)
{
	const struct ledger_head *head = replay->task->head;

	if (head == NULL || head->size != replay->task->size || hash_equal(&head->last_leaf, &replay->last_leaf) ||
	    frontier_equal(&head->frontier, &replay->ledger.head.frontier))
		return OK;
	return replay_invalid(replay, head->size - 1, "it was changed: the head holds another hash of it");
}

/* An earlier replay left its cells as the original's were then: take_back_unfolded. */
static enum err complete_cells(struct replay *replay)
{
	enum err err = unfolded_add(replay->txn, false);

	if (err == ERR_DAMAGED)
		return why_set(&replay->finding->why, ERR_INVALID,
		    "the state that was kept is not as a replay leaves it: its cells can't be completed; leave --from "
		    "out");
	if (err != OK)
		return err;
	ledger_set_folded(&replay->ledger);
	ledger_save(&replay->ledger, replay->txn);
	return OK;
}

/*
 * The cells as the original should have stored them: without the trades behind `folded`. That these are such as may be
 * missing there is found on the way.
 */
static enum err take_back_unfolded(struct replay *replay)
{
	const struct ledger_head *head = replay->task->head;
	enum err err;

	if (head == NULL || head->size != replay->ledger.head.size || head->folded == head->size ||
	    replay->task->takes_entries)
		return OK;
	replay->ledger.head.folded = head->folded;
	ledger_save(&replay->ledger, replay->txn);
	err = unfolded_add(replay->txn, true);
	if (err == ERR_DAMAGED)
		err = finding_set(replay->finding, FINDING_STATE,
		    "database meta: row head says that cells hold what the first %llu entries give, but behind these "
		    "are some that cells must hold",
		    (unsigned long long)head->folded);
	return err;
}

static enum err replay_rest(struct replay *replay)
{
	enum err err = replay_open_ahead(replay, replay->task->size, false);

	if (err == OK)
		err = add_held_keys(replay);
	while (err == OK && replay->next_index < replay->end) {
		err = replay_command(replay);
		if (err == OK)
			err = pass_eras(replay);
		if (err == OK && replay->uncommitted >= COMMIT_RECORDS)
			err = commit(replay, true);
	}
	if (err == OK && replay->era + 1 < replay->eras->count)
		err = finding_set(replay->finding, FINDING_MISSING,
		    "entry %llu: it is missing: the ledger ends before the entries that it took over do",
		    (unsigned long long)replay->end);
	if (err == OK)
		err = follow_distrusts(replay);
	if (err == OK)
		err = take_back_unfolded(replay);
	if (err == OK)
		err = commit(replay, false);
	if (err == OK)
		err = check_end(replay);
	replay_close_ahead(replay);
	return err;
}

static enum err allocate(struct replay *replay)
{
	replay->bytes = calloc(PUSH_RECORDS_MAX, sizeof(*replay->bytes));
	replay->records = calloc(PUSH_RECORDS_MAX, sizeof(*replay->records));
	replay->leaves = calloc(PUSH_RECORDS_MAX, sizeof(*replay->leaves));
	replay->eras = calloc(1, sizeof(*replay->eras));
	for (size_t i = 0; i < CONTINUED_LEDGERS_MAX; i++)
		frontier_init(&replay->trees[i]);
	return replay->bytes == NULL || replay->records == NULL || replay->leaves == NULL || replay->eras == NULL
		   ? ERR_MEMORY
		   : OK;
}

enum err replay_run(const struct replay_task *task, struct replay_counts *ret_counts, struct finding *finding)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	enum err err = replay == NULL ? ERR_MEMORY : allocate(replay);

	if (err != OK)
		goto out;
	replay->task = task;
	replay->finding = finding;
	if (task->size == 0)
		err = finding_set(finding, FINDING_MISSING, "entry 0: it is missing: the ledger has no entries");
	if (err == OK)
		err = begin_write(replay);
	if (err == OK)
		err = ledger_load(&replay->ledger, replay->txn);
	replay->ledger.stored = replay_stored_entry;
	replay->ledger.stored_cookie = replay;
	replay->ledger.original = task->original;
	if (err == OK && replay->ledger.head.size > 0)
		err = check_held(replay);
	if (err == OK && replay->ledger.head.folded < replay->ledger.head.size)
		err = complete_cells(replay);
	if (err == OK)
		err = replay_rest(replay);
	replay->counts.entries = replay->next_index - replay->counts.held;
	if (err == OK)
		*ret_counts = replay->counts;
out:
	if (replay != NULL) {
		store_abort(replay->txn);
		ledger_done(&replay->ledger);
		if (replay->eras != NULL)
			eras_done(replay->eras);
		free(replay->eras);
		free(replay->bytes);
		free(replay->records);
		free(replay->leaves);
		free(replay);
	}
	return err;
}

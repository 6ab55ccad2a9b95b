#include "daemon/writer.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/gate.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/scribe.h"
#include "daemon/sealer.h"
#include "daemon/slices.h"
#include "daemon/unfolded.h"
#include "proto/date.h"

/* Bytes of the entries of one slice, numbers of trades and links as long as they can be. */
#define SLICE_BYTES ((size_t)DISTRUST_SLICE_MAX * 256)

struct writer {
	struct writer_settings settings;
	pthread_t thread;
	struct mailbox *inbox;
	struct ledger ledger;
	struct log_keys keys; /* of the ledger; read again once an order has changed them */
	struct sealer *sealer;

	struct gate gate;
	atomic_bool is_clock_trusted; /* the operator's word, until the writer has heard it */

	bool is_distrusting; /* a distrust has slices left */

	/* Taken from the inbox and not yet in a group, oldest first. */
	struct mail *pending, *pending_last;

	pthread_mutex_t counts_lock;
	struct writer_counts counts;
	struct venue_counts venues[VENUE_COUNTS];
};

static struct command *command_of(struct mail *mail)
{
	return mail_of(mail, struct command, mail);
}

static bool is_distrust(const struct command *command)
{
	return command->kind == COMMAND_ORDER && command->plan->order.type == ORDER_VENUE_DISTRUST;
}

static size_t command_records(const struct command *command)
{
	if (is_distrust(command))
		return DISTRUST_SLICE_MAX;
	return command->kind == COMMAND_PUSH ? command->ingest->push.record_count : 1;
}

static uint64_t command_rows(const struct command *command)
{
	if (command->kind == COMMAND_PUSH)
		return (uint64_t)command->ingest->push.record_count * ROOM_ROWS_PER_RECORD;
	/* Past trades between the two are filed anew, in the cells of both. */
	if (command->plan->order.type == ORDER_ENTERPRISE_RELATE)
		return 2 * RELATE_TRADES_MAX;
	if (is_distrust(command))
		return (DISTRUST_SLICE_MAX + 1) * ROOM_ROWS_PER_RECORD;
	return (command->plan->item_count + 1) * ROOM_ROWS_PER_RECORD;
}

static size_t command_bytes(const struct command *command)
{
	if (command->kind == COMMAND_PUSH)
		return command->ingest->body.size;
	if (is_distrust(command))
		return command->plan->note_bytes.size + SLICE_BYTES;
	/* An order's effects repeat its items, and each change rewrites rows. */
	return command->plan->note_bytes.size + ORDER_BODY_SIZE_MAX;
}

/* ---- one command: decide, then apply */

/* The conflict is kept once for each size; the index of the entry that keeps it. */
static enum err keep_evidence(struct writer *writer, struct store_txn *txn, struct command *command)
{
	const struct ingest *ingest = command->ingest;
	struct evidence evidence;
	enum err err;

	if (evidence_get(txn, ingest->feed.number, ingest->checkpoint.size, &command->index))
		return OK;
	err = evidence_of_push(ingest, txn, &evidence);
	if (err == OK)
		command->index = fold_evidence(&writer->ledger, txn, &evidence);
	return err;
}

static void decide_push(struct writer *writer, struct store_txn *txn, struct command *command, uint32_t today)
{
	struct ingest *ingest = command->ingest;

	command->err = OK;
	if (ingest_is_stale(ingest, txn))
		command->err = ingest_check(ingest, txn, &command->why);
	if (command->err == OK)
		command->err = ingest_check_dates(ingest, today, &command->why);
	if (command->err == ERR_FEED_CONFLICT && keep_evidence(writer, txn, command) != OK)
		command->err = ERR_DAMAGED;
	if (command->err != OK)
		return;
	if (ingest_new_count(ingest) > 0) {
		command->index = fold_push(&writer->ledger, txn, ingest);
		return;
	}
	/* All held: the receipt again, of the push that brought the last of these records. */
	if (!push_get(txn, ingest->feed.number, ingest->checkpoint.size - 1, &command->index))
		command->err = ERR_DAMAGED;
}

static void decide_order(struct writer *writer, struct store_txn *txn, struct command *command, uint32_t today)
{
	command->err = order_check(command->plan, txn, today, &command->why);
	if (command->err != OK)
		return;
	command->index =
	    command->plan->is_known ? command->plan->known_index : fold_order(&writer->ledger, txn, command->plan);
	if (command->plan->order.type == ORDER_LOG_KEY && log_keys_get(txn, &writer->keys) != OK)
		command->err = ERR_DAMAGED;
}

/*
 * Counted before the commit: where that fails, the process ends and its counts with it. Without memory the metrics
 * miss a push, which is no reason to refuse it.
 */
static void count_push(struct writer *writer, struct store_txn *txn, const struct command *command)
{
	enum err err;

	if (command->kind != COMMAND_PUSH || command->err != OK || ingest_new_count(command->ingest) == 0)
		return;
	pthread_mutex_lock(&writer->counts_lock);
	err = venue_counts_add(txn, &command->ingest->venue, command->index, writer->venues);
	pthread_mutex_unlock(&writer->counts_lock);
	if (err != OK)
		log_error("a push of %s is missing from the metrics: %s", command->ingest->venue.id, err_sentence(err));
}

static void run_command(struct writer *writer, struct store_txn *txn, struct command *command, uint64_t now_us)
{
	uint8_t seed[32];
	struct stamp stamp;
	uint32_t today;

	key_random(seed, sizeof(seed));
	stamp = ledger_stamp(&writer->ledger, now_us, seed);
	today = date_of_time(stamp.time_us);
	ledger_begin_command(&writer->ledger, &stamp);
	memory_watch();
	text_use(command->language);
	switch (command->kind) {
	case COMMAND_PUSH: decide_push(writer, txn, command, today); break;
	case COMMAND_ORDER: decide_order(writer, txn, command, today); break;
	}
	if (memory_was_short() && command->err != OK)
		command->err = why_set(&command->why, ERR_MEMORY, "nothing was stored; try again later");
	else if (memory_was_short())
		store_fail(txn, ERR_MEMORY);
	text_use(TEXT_ENGLISH);
	/* So that the next command of the group is checked against a ledger with this one in it. */
	ledger_save(&writer->ledger, txn);
	if (command->err == ERR_DAMAGED || store_error(txn) != OK)
		log_fatal("stopping: %s while entry %llu was to be written",
		    err_sentence(store_error(txn) != OK ? store_error(txn) : command->err),
		    (unsigned long long)writer->ledger.head.size);
	count_push(writer, txn, command);
}

/* ---- one group */

static void publish_gate(struct writer *writer)
{
	pthread_mutex_lock(&writer->counts_lock);
	writer->counts.is_read_only = writer->gate.obstacle != OK;
	writer->counts.read_only_cause = writer->gate.obstacle;
	writer->counts.is_room_short = writer->gate.is_room_short;
	pthread_mutex_unlock(&writer->counts_lock);
}

static void hear_operator(struct writer *writer)
{
	if (atomic_exchange(&writer->is_clock_trusted, false))
		gate_trust(&writer->gate);
}

/* Why this group may not be written now; OK when it may. */
static enum err find_obstacle(struct writer *writer, const struct gate_group *needs, uint64_t now_us)
{
	enum err obstacle;

	hear_operator(writer);
	obstacle = gate_enter(&writer->gate, needs, now_us, writer->ledger.head.last_time_us);
	publish_gate(writer);
	return obstacle;
}

/* Rows of cells that a commit may have to write for the entries before it. */
static uint64_t owed_rows(const struct writer *writer)
{
	return 2 * (writer->ledger.head.size - writer->ledger.head.folded);
}

static struct gate_group group_needs(struct mail *group, size_t group_bytes, uint64_t owed_rows)
{
	struct gate_group needs = {.byte_size = group_bytes, .row_count = owed_rows};

	for (struct mail *mail = group; mail != NULL; mail = mail->next)
		needs.row_count += command_rows(command_of(mail));
	return needs;
}

/* ---- cells that are stored later (unfolded.h) */

static struct store_txn *begin_txn(struct writer *writer)
{
	struct store_txn *txn;
	enum err err = store_write(writer->settings.store, &txn);

	if (err != OK)
		log_fatal("stopping: no transaction could be begun: %s", err_sentence(err));
	/* After a start the cells that are lacking are made again, once. */
	if (writer->ledger.head.folded < writer->ledger.head.size && !store_has_left_cells(txn)) {
		err = unfolded_add(txn, false);
		if (err != OK)
			log_fatal("stopping: the cells of entry %llu and later can't be made: %s",
			    (unsigned long long)writer->ledger.head.folded, err_sentence(err));
	}
	return txn;
}

/* Are the changed cells left in memory, or written with this commit? */
static void settle_cells(struct writer *writer, struct store_txn *txn)
{
	struct ledger *ledger = &writer->ledger;

	if (!ledger->must_fold && ledger->head.size - ledger->head.folded <= UNFOLDED_MAX &&
	    gate_may_owe(&writer->gate, owed_rows(writer)) && store_leave_cells(txn))
		return;
	ledger_set_folded(ledger);
	ledger_save(ledger, txn);
}

/* So that what is told of the gate is true while no command comes: nobody pushes to a ledger that says it is closed. */
static void look(struct writer *writer)
{
	hear_operator(writer);
	gate_look(&writer->gate, writer->ledger.head.last_time_us);
	publish_gate(writer);
}

/* Splits the next group off the pending commands. */
static struct mail *take_group(struct writer *writer, size_t *ret_records, size_t *ret_bytes)
{
	struct mail *group = writer->pending, *last = NULL;
	size_t records = 0, bytes = 0;

	while (writer->pending != NULL) {
		struct command *command = command_of(writer->pending);

		if (last != NULL && (records + command_records(command) > GROUP_RECORDS_MAX ||
					bytes + command_bytes(command) > GROUP_SIZE_MAX))
			break;
		records += command_records(command);
		bytes += command_bytes(command);
		last = writer->pending;
		writer->pending = last->next;
	}
	if (last != NULL)
		last->next = NULL;
	if (writer->pending == NULL)
		writer->pending_last = NULL;
	*ret_records = records;
	*ret_bytes = bytes;
	return group;
}

static void count_unfolded(struct writer *writer)
{
	pthread_mutex_lock(&writer->counts_lock);
	writer->counts.unfolded = writer->ledger.head.size - writer->ledger.head.folded;
	pthread_mutex_unlock(&writer->counts_lock);
}

/* Any failure is the end of the process. */
static void commit(struct writer *writer, struct store_txn *txn)
{
	enum err err;

	settle_cells(writer, txn);
	err = store_commit(txn);
	if (err != OK)
		log_fatal("stopping: the commit failed: %s", err_sentence(err));
	count_unfolded(writer);
}

/*
 * What is committed is signed, guarded, published and handed back by the sealer, while this thread is at the next group:
 * else it would wait for the disk once more in each.
 */
static void seal(struct writer *writer, const struct sealed_group *group, bool is_committed)
{
	sealer_submit(writer->sealer, is_committed ? &writer->ledger.head : NULL, &writer->keys, group);
}

/* The sealer's thread: the group is published, and about to be handed back. */
static void on_sealed(void *cookie, const struct sealed_group *group)
{
	struct writer *writer = cookie;
	uint64_t took_us = clock_monotonic_us() - group->start_us;
	struct writer_counts *counts = &writer->counts;
	size_t records = group->record_count;

	pthread_mutex_lock(&writer->counts_lock);
	counts->groups++;
	for (struct mail *mail = group->mail; mail != NULL; mail = mail->next) {
		struct command *command = command_of(mail);

		counts->commands++;
		if (command->err != OK)
			counts->refused++;
		else if (command->kind == COMMAND_PUSH)
			counts->records += ingest_new_count(command->ingest);
	}
	histogram_add(&counts->commit_us, commit_us_bounds, took_us);
	histogram_add(&counts->group_records, group_records_bounds, records);
	if (took_us > counts->commit_us_max)
		counts->commit_us_max = took_us;
	if (records > counts->group_records_max)
		counts->group_records_max = records;
	pthread_mutex_unlock(&writer->counts_lock);
}

/* What is under way, after a commit; and a line of the log for each order of the group. */
static void watch_distrusts(struct writer *writer, struct mail *group)
{
	uint64_t pending_count;
	struct store_txn *txn;

	if (store_read(writer->settings.store, &txn) != OK)
		log_fatal("stopping: no transaction could be begun");
	for (struct mail *mail = group; mail != NULL; mail = mail->next) {
		const struct command *command = command_of(mail);

		if (is_distrust(command) && command->err == OK && !command->plan->is_known)
			slices_log_order(txn, command->index, command->plan->order.venue);
	}
	pending_count = slices_count_pending(txn);
	store_abort(txn);
	writer->is_distrusting = pending_count > 0;
	pthread_mutex_lock(&writer->counts_lock);
	writer->counts.distrusts_pending = pending_count;
	pthread_mutex_unlock(&writer->counts_lock);
}

static bool has_distrust(struct mail *group)
{
	for (struct mail *mail = group; mail != NULL; mail = mail->next)
		if (is_distrust(command_of(mail)))
			return true;
	return false;
}

static void refuse_for_now(struct command *command, enum err obstacle)
{
	text_use(command->language);
	command->err = why_set(&command->why, obstacle, "nothing was stored; push again later");
	text_use(TEXT_ENGLISH);
}

static void run_group(struct writer *writer, struct mail *group, size_t records, size_t bytes)
{
	const struct gate_group needs = group_needs(group, bytes, owed_rows(writer));
	const struct sealed_group sealed = {.mail = group, .record_count = records, .start_us = clock_monotonic_us()};
	uint64_t now_us = clock_now_us(), size_before = writer->ledger.head.size;
	enum err obstacle = find_obstacle(writer, &needs, now_us);
	struct store_txn *txn;

	if (obstacle != OK) {
		for (struct mail *mail = group; mail != NULL; mail = mail->next)
			refuse_for_now(command_of(mail), obstacle);
	} else {
		txn = begin_txn(writer);
		for (struct mail *mail = group; mail != NULL; mail = mail->next)
			run_command(writer, txn, command_of(mail), now_us);
		if (writer->ledger.head.size > size_before) {
			commit(writer, txn);
		} else {
			store_abort(txn);
		}
	}
	if (has_distrust(group))
		watch_distrusts(writer, group);
	seal(writer, &sealed, writer->ledger.head.size > size_before);
}

/* ---- slices of a distrust: commands of the writer's own */

static void count_slice(struct writer *writer, uint64_t held, uint64_t start_us)
{
	uint64_t took_us = clock_monotonic_us() - start_us;
	struct writer_counts *counts = &writer->counts;

	pthread_mutex_lock(&writer->counts_lock);
	counts->distrust_slices++;
	counts->distrust_held += held;
	if (took_us > counts->distrust_us_max)
		counts->distrust_us_max = took_us;
	pthread_mutex_unlock(&writer->counts_lock);
}

/* False where it may not be written now. */
static bool run_slice(struct writer *writer)
{
	const struct gate_group needs = {.byte_size = SLICE_BYTES,
	    .row_count = (uint64_t)DISTRUST_SLICE_MAX * ROOM_ROWS_PER_RECORD + owed_rows(writer)};
	uint64_t start_us = clock_monotonic_us(), now_us = clock_now_us(), size_before = writer->ledger.head.size;
	struct store_txn *txn;
	bool is_done;

	if (find_obstacle(writer, &needs, now_us) != OK)
		return false;
	txn = begin_txn(writer);
	is_done = slices_fold(&writer->ledger, txn, now_us);
	/* Where nothing was to be held, how far that was seen is kept. */
	commit(writer, txn);
	if (writer->ledger.head.size > size_before)
		seal(writer, &(struct sealed_group){.start_us = start_us}, true);
	/* What the metrics say of a distrust is published. */
	sealer_wait(writer->sealer);
	count_slice(writer, writer->ledger.head.size - size_before, start_us);
	if (is_done)
		watch_distrusts(writer, NULL);
	return true;
}

/*
 * With nothing else to do: so that readers have nothing to add, and a stopped ledger's cells are complete. Where nothing
 * may be written they stay as they are, and the next start makes what they lack.
 */
static void fold(struct writer *writer)
{
	const struct gate_group needs = {.row_count = owed_rows(writer)};
	struct store_txn *txn;

	if (needs.row_count == 0 || find_obstacle(writer, &needs, clock_now_us()) != OK)
		return;
	txn = begin_txn(writer);
	writer->ledger.must_fold = true;
	commit(writer, txn);
}

/* ---- the thread */

static void add_pending(struct writer *writer, struct mail *mail)
{
	if (mail == NULL)
		return;
	if (writer->pending_last != NULL)
		writer->pending_last->next = mail;
	else
		writer->pending = mail;
	while (mail->next != NULL)
		mail = mail->next;
	writer->pending_last = mail;
}

static void *run(void *cookie)
{
	struct writer *writer = cookie;
	bool is_held_up = false; /* slices wait for clock or room */
	size_t records, bytes;

	for (;;) {
		bool is_idle = writer->pending == NULL && (!writer->is_distrusting || is_held_up);
		struct mail *group;

		add_pending(writer, is_idle ? mailbox_wait(writer->inbox, GATE_LOOK_MS) : mailbox_take(writer->inbox));
		if (writer->pending == NULL && mailbox_is_closed(writer->inbox) && mailbox_count(writer->inbox) == 0)
			break;
		if (writer->pending != NULL) {
			group = take_group(writer, &records, &bytes);
			run_group(writer, group, records, bytes);
		} else if (is_idle) {
			look(writer);
			fold(writer);
		}
		is_held_up = writer->is_distrusting && !run_slice(writer);
	}
	fold(writer);
	return NULL;
}

/* ---- life */

static enum err load(struct writer *writer)
{
	struct store_txn *txn;
	enum err err = store_read(writer->settings.store, &txn);

	if (err != OK)
		return err;
	err = ledger_load(&writer->ledger, txn);
	writer->ledger.may_lag = true;
	if (err == OK)
		err = log_keys_get(txn, &writer->keys);
	if (err == OK)
		err = venue_counts_load(txn, writer->venues);
	store_abort(txn);
	return err;
}

static enum err start_sealer(struct writer *writer)
{
	const struct sealer_settings settings = {.guard = writer->settings.guard,
	    .signers = writer->settings.signers,
	    .head = writer->settings.head,
	    .finished = writer->settings.finished,
	    .sealed = on_sealed,
	    .cookie = writer};

	return sealer_start(&settings, &writer->sealer);
}

enum err writer_start(const struct writer_settings *settings, struct writer **ret_writer)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	enum err err;

	if (writer == NULL)
		return ERR_MEMORY;
	writer->settings = *settings;
	writer->counts.start_us = clock_now_us();
	pthread_mutex_init(&writer->counts_lock, NULL);
	err = mailbox_new(COMMANDS_WAITING_MAX, &writer->inbox);
	if (err == OK)
		err = load(writer);
	if (err == OK) {
		if (settings->slice_trades_max != 0)
			writer->ledger.slice_trades_max = settings->slice_trades_max;
		if (settings->slice_look_max != 0)
			writer->ledger.slice_look_max = settings->slice_look_max;
		watch_distrusts(writer, NULL);
		if (writer->is_distrusting)
			log_notice("a venue's key is distrusted whose trades are not all held yet: it goes on");
		gate_init(&writer->gate, settings->store, writer->ledger.head.last_time_us);
		publish_gate(writer);
		count_unfolded(writer);
	}
	if (err == OK)
		err = scribe_start(&writer->ledger.scribe);
	if (err == OK)
		err = start_sealer(writer);
	if (err == OK && pthread_create(&writer->thread, NULL, run, writer) != 0)
		err = ERR_MEMORY;
	if (err != OK) {
		writer_free(writer);
		return err;
	}
	*ret_writer = writer;
	return OK;
}

enum err writer_submit(struct writer *writer, struct command *command)
{
	return mailbox_send(writer->inbox, &command->mail);
}

void writer_trust_clock(struct writer *writer)
{
	atomic_store(&writer->is_clock_trusted, true);
}

void writer_counts(struct writer *writer, struct writer_counts *ret_counts)
{
	pthread_mutex_lock(&writer->counts_lock);
	*ret_counts = writer->counts;
	pthread_mutex_unlock(&writer->counts_lock);
	ret_counts->waiting = mailbox_count(writer->inbox);
}

void writer_venue_counts(struct writer *writer, struct venue_counts ret_counts[static VENUE_COUNTS])
{
	pthread_mutex_lock(&writer->counts_lock);
	memcpy(ret_counts, writer->venues, sizeof(writer->venues));
	pthread_mutex_unlock(&writer->counts_lock);
}

void writer_stop(struct writer *writer)
{
	mailbox_close(writer->inbox);
	pthread_join(writer->thread, NULL);
	sealer_stop(writer->sealer);
}

void writer_free(struct writer *writer)
{
	if (writer == NULL)
		return;
	if (writer->inbox != NULL)
		mailbox_free(writer->inbox);
	sealer_free(writer->sealer);
	scribe_stop(writer->ledger.scribe);
	ledger_done(&writer->ledger);
	pthread_mutex_destroy(&writer->counts_lock);
	free(writer);
}

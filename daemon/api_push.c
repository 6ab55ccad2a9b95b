/*
 * A push goes through four stages, each begun by the loop:
 *
 *	decode	in a worker, at once, also while the feed's push before is still in work
 *	check	in a worker, in a read transaction, when the push before is at the writer; of a small push with none before
 *		it, in the same job
 *	write	by the writer, which checks again where the feed has moved
 *	answer	in a worker: the receipt, under the newest head; the pushes that the writer gave back together are
 *		answered by one job, for their proofs have most hashes in common
 *
 * A feed has one push in work and FEED_WAITING_MAX waiting behind it; the queue exists only while there are any, and
 * only for licensed venues. So that the writer need not wait for the next push, one is checked as if the push before it
 * were written, and goes to the writer behind that one, which judges it by what came of the other. What such a check finds
 * wrong is not told, for it may never come so: the push is checked again when it has the turn.
 *
 * A check (check=1) ends after the second stage. It asks for no signature, so it doesn't take the feed's turn: else a
 * stranger's checks could keep a venue from pushing.
 */
#include "daemon/api_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/query_internal.h"
#include "proto/date.h"

/*
 * Bytes of a push that counts as small: what it takes to look at is less than to hand it over twice more. Larger ones
 * leave the worker between their stages, so that others wait less for it.
 */
#define SMALL_PUSH_SIZE (32u << 10)
/* Pushes whose answers one job makes; the next ones may go to another worker. */
#define ANSWERS_TOGETHER 16u

struct push_work {
	struct job job;
	struct command command;
	struct api *api;
	struct http_request *request;
	/* Its turn. */
	struct feed_queue *queue; /* NULL for a check */
	STAILQ_ENTRY(push_work) turn_links;
	struct ingest_foreseen foreseen; /* by the push before */
	bool is_decoded, is_in_check, is_at_writer;
	bool is_ahead;  /* checked as if the push before were written */
	bool was_ahead; /* that was tried */
	/* The stages. */
	struct ingest ingest;
	uint32_t today; /* for a check; the writer judges by its own stamp */
	uint64_t push_index;
	uint64_t evidence_index; /* of a conflict, once it is kept */
	/* The answer. */
	STAILQ_ENTRY(push_work) links; /* of those that are answered together */
	struct push_list together;     /* of the first one: all that its job answers */
	enum err err;
	struct why why;
	json_t *json;    /* to a check */
	struct buf text; /* to a push */
};

struct feed_queue {
	LIST_ENTRY(feed_queue) links;
	char venue_id[VENUE_ID_SIZE_MAX + 1];
	STAILQ_HEAD(, push_work) pushes; /* the first has the turn */
	size_t count;
};

static void begin_check(struct push_work *work);

static bool is_small(const struct push_work *work)
{
	return work->ingest.body.size <= SMALL_PUSH_SIZE;
}

/* A check asks for no signature: whoever sends very many must not be in the way of those who read. */
static bool is_short(const struct push_work *work)
{
	return is_small(work) && !work->ingest.is_check;
}

static void begin_stage(struct push_work *work, void (*run)(struct job *job), void (*done)(struct job *job))
{
	work->job = (struct job){
	    .work = run, .done = done, .language = http_request_language(work->request), .is_short = is_short(work)};
}

/* ---- turns */

static struct feed_queue *find_queue(struct api *api, const char *venue_id)
{
	struct feed_queue *queue;

	LIST_FOREACH(queue, &api->feed_queues, links)
	if (strcmp(queue->venue_id, venue_id) == 0)
		return queue;
	return NULL;
}

static enum err take_turn(struct push_work *work)
{
	struct feed_queue *queue = find_queue(work->api, work->ingest.venue_id);

	if (queue == NULL) {
		queue = calloc(1, sizeof(*queue));
		if (queue == NULL)
			return ERR_MEMORY;
		memcpy(queue->venue_id, work->ingest.venue_id, sizeof(queue->venue_id));
		STAILQ_INIT(&queue->pushes);
		LIST_INSERT_HEAD(&work->api->feed_queues, queue, links);
	} else if (queue->count == 1 + FEED_WAITING_MAX) {
		return why_set(&work->why, ERR_FEED_BUSY, "%d pushes of this feed are in work; wait for their answers",
		    1 + FEED_WAITING_MAX);
	}
	STAILQ_INSERT_TAIL(&queue->pushes, work, turn_links);
	queue->count++;
	work->queue = queue;
	return OK;
}

static bool has_turn(const struct push_work *work)
{
	return work->queue == NULL || STAILQ_FIRST(&work->queue->pushes) == work;
}

/* Gives the turn on. */
static void leave_turn(struct push_work *work)
{
	struct feed_queue *queue = work->queue;

	if (queue == NULL)
		return;
	work->queue = NULL;
	STAILQ_REMOVE(&queue->pushes, work, push_work, turn_links);
	queue->count--;
	if (queue->count > 0) {
		begin_check(STAILQ_FIRST(&queue->pushes));
		return;
	}
	LIST_REMOVE(queue, links);
	free(queue);
}

/* ---- the end */

static json_t *held_json(const struct frontier *frontier)
{
	struct hash root = frontier_root(frontier);
	json_t *hashes = json_array();

	for (unsigned i = 0; i < frontier_count(frontier->size); i++)
		if (query_append(hashes, query_base64(hash_slice(&frontier->hashes[i]))) != OK) {
			json_decref(hashes);
			return NULL;
		}
	return json_pack("{s:I, s:o, s:o}", "size", (json_int_t)frontier->size, "root", query_base64(hash_slice(&root)),
	    "frontier", hashes);
}

static json_t *faults_json(const struct ingest *ingest)
{
	json_t *errors = json_array();

	for (size_t i = 0; i < ingest->fault_count; i++) {
		const struct ingest_fault *fault = &ingest->faults[i];

		if (query_append(errors, json_pack("{s:I, s:s, s:s}", "index", (json_int_t)fault->feed_index, "field",
					     fault->fault.field, "reason", fault->fault.reason.text)) != OK) {
			json_decref(errors);
			return NULL;
		}
	}
	return json_pack("{s:o, s:I}", "errors", errors, "error_count", (json_int_t)ingest->fault_total);
}

/* What is held there, and the entry that keeps the conflict; none does of a check. */
static json_t *conflict_json(const struct ingest *ingest, uint64_t evidence_index)
{
	json_t *json = held_json(&ingest->feed.frontier);

	if (json != NULL && evidence_index != 0 &&
	    json_object_set_new(json, "evidence", json_integer((json_int_t)evidence_index)) != 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* What helps the venue to mend its push; NULL where there is nothing more to say. */
static json_t *extra_json(enum err err, const struct push_work *work)
{
	const struct ingest *ingest = &work->ingest;

	if (err == ERR_FEED_GAP)
		return json_pack("{s:I}", "next", (json_int_t)ingest->feed.frontier.size);
	if (err == ERR_FEED_CONFLICT)
		return conflict_json(ingest, work->evidence_index);
	if (err == ERR_FEED_ROOT || err == ERR_FEED_SIZE)
		return held_json(&ingest->feed.frontier);
	if (err == ERR_RECORDS)
		return faults_json(ingest);
	return NULL;
}

static void push_free(struct push_work *work)
{
	if (work == NULL)
		return;
	leave_turn(work);
	ingest_done(&work->ingest);
	buf_done(&work->text);
	free(work);
}

static void refuse(struct push_work *work, enum err err)
{
	if (err == ERR_ROLLED_BACK)
		api_stop_rolled_back(work->api, &work->why);
	api_refuse_command(work->api, work->request,
	    &(struct refusal){
		.venue = work->ingest.venue_id, .err = err, .why = &work->why, .extra = extra_json(err, work)});
	push_free(work);
}

static void reply(struct push_work *work)
{
	const struct ingest *ingest = &work->ingest;
	struct logline line;

	api_log_begin(work->request, OK, NULL, &line);
	logline_text(&line, "venue", slice_text(ingest->venue_id));
	if (ingest->is_check) {
		logline_number(&line, "checked", ingest->push.record_count);
		log_debug("%s", line.text);
	} else {
		logline_number(&line, "new", ingest_new_count(ingest));
		logline_number(&line, "held", ingest->held_count);
		logline_number(&line, "entry", work->push_index);
		log_info("%s", line.text);
		work->api->last_push_us = clock_now_us();
	}
	if (ingest->is_check)
		http_reply_json(work->request, 200, work->json);
	else
		http_reply_text(work->request, 200, "application/json", &work->text);
	push_free(work);
}

/* ---- answer */

static enum err make_answer(struct push_work *work, struct ledger_source *source, const struct head *head)
{
	const struct ingest *ingest = &work->ingest;
	const struct push_answer answer = {
	    .venue_id = ingest->venue.id,
	    .generation = ingest->generation,
	    /* A push of old records may end before what is held. */
	    .feed_size = ingest->checkpoint.size > ingest->feed.frontier.size ? ingest->checkpoint.size
									      : ingest->feed.frontier.size,
	    .new_count = ingest_new_count(ingest),
	    .held_count = ingest->held_count,
	    .push_index = work->push_index,
	    .head = head,
	};

	buf_init(&work->text, PUSH_TEXT_SIZE_MAX);
	return api_push_text(source, &answer, &work->text);
}

static void run_answers(struct job *job)
{
	struct push_work *first = mail_of(job, struct push_work, job), *work;
	struct ledger_source source;
	struct store_txn *txn;
	struct head head;
	enum err err;

	/* First the head, then the transaction: so it holds whatever the head covers. */
	head_get(first->api->head, &head);
	err = store_read(first->api->store, &txn);
	if (err == OK)
		err = ledger_source_init_edge(&source, txn);
	else
		txn = NULL;
	STAILQ_FOREACH (work, &first->together, links)
		work->err = err != OK ? err : make_answer(work, &source, &head);
	store_abort(txn);
}

static void on_answers(struct job *job)
{
	struct push_work *work = mail_of(job, struct push_work, job), *next;

	if (job->is_cancelled)
		job_run(job); /* they are stored: receipts are due */
	for (work = STAILQ_FIRST(&work->together); work != NULL; work = next) {
		next = STAILQ_NEXT(work, links);
		if (work->err == OK)
			reply(work);
		else
			refuse(work, work->err);
	}
}

void api_answer_pushes(struct api *api)
{
	while (!STAILQ_EMPTY(&api->stored)) {
		struct push_work *first = STAILQ_FIRST(&api->stored), *work;

		STAILQ_INIT(&first->together);
		for (unsigned i = 0; i < ANSWERS_TOGETHER && (work = STAILQ_FIRST(&api->stored)) != NULL; i++) {
			STAILQ_REMOVE_HEAD(&api->stored, links);
			STAILQ_INSERT_TAIL(&first->together, work, links);
		}
		first->job = (struct job){.work = run_answers, .done = on_answers, .is_short = true};
		api_run_receipt(api, &first->job);
	}
}

/* ---- write */

static void on_written(struct command *command)
{
	struct push_work *work = command->cookie;

	api_command_is_back(work->api);
	if (command->err != OK) {
		work->why = command->why;
		if (command->err == ERR_FEED_CONFLICT) {
			work->evidence_index = command->index;
			log_warn("%s has signed another history than the one held: evidence in entry %llu",
			    work->ingest.venue_id, (unsigned long long)command->index);
		}
		refuse(work, command->err);
		return;
	}
	work->push_index = command->index;
	STAILQ_INSERT_TAIL(&work->api->stored, work, links);
}

static void begin_write(struct push_work *work)
{
	enum err err;

	work->command = (struct command){.kind = COMMAND_PUSH,
	    .ingest = &work->ingest,
	    .language = http_request_language(work->request),
	    .done = on_written,
	    .cookie = work};
	err = api_submit(work->api, &work->command);
	if (err != OK) {
		refuse(work, err);
		return;
	}
	work->is_at_writer = true;
	if (STAILQ_NEXT(work, turn_links) != NULL)
		begin_check(STAILQ_NEXT(work, turn_links));
}

/* ---- check */

/*
 * The newest checkpoint that the venue holds, where it sends one. Whatever isn't a checkpoint signed by our key says
 * nothing about this ledger, and is passed over.
 */
static enum err check_history(struct push_work *work, struct store_txn *txn)
{
	struct checkpoint checkpoint;
	struct note *note;
	enum err err = OK;

	if (work->ingest.push.ledger_checkpoint.size == 0)
		return OK;
	note = malloc(sizeof(*note));
	if (note == NULL)
		return ERR_MEMORY;
	if (note_parse(work->ingest.push.ledger_checkpoint, note, NULL) == OK &&
	    api_read_own_checkpoint(txn, note, &checkpoint, NULL) == OK)
		err = api_check_history(txn, &checkpoint, work->ingest.venue_id, &work->why);
	free(note);
	return err;
}

static enum err check_json(struct push_work *work)
{
	const struct ingest *ingest = &work->ingest;
	uint64_t count = ingest->push.record_count, size = ingest->push.start + count;

	work->json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:n}", "venue", ingest->venue_id, "generation",
	    (json_int_t)ingest->venue.generation, "checked", (json_int_t)count, "start", (json_int_t)ingest->push.start,
	    "size", (json_int_t)size, "root", query_base64(hash_slice(&ingest->root)), "dispositions");
	return work->json == NULL ? ERR_MEMORY : OK;
}

static void run_check(struct job *job)
{
	struct push_work *work = mail_of(job, struct push_work, job);
	struct store_txn *txn;
	enum err err = store_read(work->api->store, &txn);

	memory_watch();
	if (err == OK) {
		err = check_history(work, txn);
		if (err == OK)
			err = work->is_ahead ? ingest_check_ahead(&work->ingest, &work->foreseen, txn)
					     : ingest_check(&work->ingest, txn, &work->why);
		if (err == ERR_FEED_CONFLICT && !work->ingest.is_check)
			(void)evidence_get(
			    txn, work->ingest.feed.number, work->ingest.checkpoint.size, &work->evidence_index);
		if (store_error(txn) != OK)
			err = store_error(txn);
		store_abort(txn);
	}
	if (err == OK && work->ingest.is_check) {
		err = ingest_check_dates(&work->ingest, work->today, &work->why);
		if (err == OK)
			err = check_json(work);
	}
	if (memory_was_short())
		err = why_set(&work->why, ERR_MEMORY, "the push could not be looked at; push again later");
	work->err = err;
}

static void on_checked(struct job *job)
{
	struct push_work *work = mail_of(job, struct push_work, job);

	work->is_in_check = false;
	if (job->is_cancelled)
		work->err = ERR_STOPPING;
	if (work->is_ahead && work->err != OK && !job->is_cancelled) {
		work->is_ahead = false;
		if (has_turn(work))
			begin_check(work);
		return;
	}
	/* A conflict that is not kept yet goes on to the writer, which sees it for itself. */
	if (work->err != OK && (work->err != ERR_FEED_CONFLICT || work->ingest.is_check || work->evidence_index != 0))
		refuse(work, work->err);
	else if (work->ingest.is_check)
		reply(work);
	else
		begin_write(work);
}

/* May it be checked as if the push before it were written? Once only; a push behind another is in a queue. */
static bool can_look_ahead(struct push_work *work)
{
	struct push_work *before = STAILQ_FIRST(&work->queue->pushes);

	return !work->was_ahead && before->is_at_writer && STAILQ_NEXT(before, turn_links) == work;
}

/* Once it is decoded, and the turn of the feed is its own or the push before it is at the writer. */
static void begin_check(struct push_work *work)
{
	enum err err;

	if (!work->is_decoded || work->is_in_check || work->is_at_writer)
		return;
	if (!has_turn(work)) {
		if (!can_look_ahead(work))
			return;
		work->is_ahead = work->was_ahead = true;
		ingest_foresee(&STAILQ_FIRST(&work->queue->pushes)->ingest, &work->foreseen);
	}
	begin_stage(work, run_check, on_checked);
	work->is_in_check = true;
	err = pool_submit(work->api->pool, &work->job);
	if (err != OK)
		refuse(work, err);
}

/* ---- decode */

static void run_decode(struct job *job)
{
	struct push_work *work = mail_of(job, struct push_work, job);

	work->err = ingest_decode(&work->ingest, &work->why);
}

static void on_decoded(struct job *job)
{
	struct push_work *work = mail_of(job, struct push_work, job);

	if (job->is_cancelled)
		work->err = ERR_STOPPING;
	if (work->err != OK) {
		refuse(work, work->err);
		return;
	}
	work->is_decoded = true;
	begin_check(work);
}

/* What is too long for a name may be a secret in the wrong place, and is not repeated. */
static enum err refuse_venue(struct slice id, struct why *why)
{
	if (id.size > VENUE_ID_SIZE_MAX)
		return why_set(why, ERR_VENUE, "no venue of this name is licensed");
	return why_set(why, ERR_VENUE, "no venue %.*s is licensed", (int)id.size, (const char *)id.data);
}

/* ---- both at once */

static void run_decode_and_check(struct job *job)
{
	struct push_work *work = mail_of(job, struct push_work, job);

	run_decode(job);
	work->is_decoded = work->err == OK;
	if (work->is_decoded)
		run_check(job);
}

static void on_decoded_and_checked(struct job *job)
{
	struct push_work *work = mail_of(job, struct push_work, job);

	if (work->is_decoded)
		on_checked(job);
	else
		on_decoded(job);
}

static bool can_check_at_once(const struct push_work *work)
{
	return is_small(work) && has_turn(work);
}

/* ---- arrival */

/* Only of licensed venues, so that strangers can't make work. */
static enum err find_venue(struct api *api, struct slice id, struct why *why)
{
	struct store_txn *txn;
	enum err err = store_read(api->store, &txn);

	if (err != OK)
		return err;
	if (!venue_is_licensed(txn, id))
		err = store_error(txn) != OK ? store_error(txn) : refuse_venue(id, why);
	store_abort(txn);
	return err;
}

static void begin_push(struct api *api, struct http_request *request, const char *venue_id, bool is_check)
{
	struct push_work *work = calloc(1, sizeof(*work));
	struct why why = {.text = ""};
	enum err err;

	if (work == NULL) {
		api_refuse(request, ERR_MEMORY, &why, NULL);
		return;
	}
	work->api = api;
	work->request = request;
	work->today = date_of_time(clock_now_us());
	ingest_init(&work->ingest, venue_id, http_request_body(request), is_check);
	err = is_check ? OK : take_turn(work);
	work->is_in_check = err == OK && can_check_at_once(work);
	if (work->is_in_check)
		begin_stage(work, run_decode_and_check, on_decoded_and_checked);
	else
		begin_stage(work, run_decode, on_decoded);
	if (err == OK)
		err = pool_submit(api->pool, &work->job);
	if (err != OK)
		refuse(work, err);
}

void api_push(struct api *api, struct http_request *request, struct slice venue_id)
{
	char id[VENUE_ID_SIZE_MAX + 1];
	struct why why = {.text = ""};
	bool is_check = false;
	enum err err = api_flag(http_request_target(request), "check", &is_check, &why);

	if (err == OK && !http_request_is_of_type(request, "application/protobuf"))
		err = why_set(&why, ERR_MEDIA_TYPE, "a push is of type application/protobuf");
	if (err == OK)
		err = find_venue(api, venue_id, &why);
	snprintf(id, sizeof(id), "%.*s", (int)venue_id.size, (const char *)venue_id.data);
	if (err == OK) {
		begin_push(api, request, id, is_check);
		return;
	}
	api_refuse_command(api, request,
	    &(struct refusal){.venue = venue_id.size <= VENUE_ID_SIZE_MAX ? id : NULL, .err = err, .why = &why});
}

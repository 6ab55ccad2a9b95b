/*
 * An order is decoded and checked in a worker, in a read transaction: whoever can't sign never reaches the writer.
 * The writer checks it again as it carries it out, and a worker makes the receipt.
 */
#include "daemon/api_internal.h"

#include <stdlib.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "proto/date.h"

struct order_work {
	struct job job;
	struct command command;
	struct api *api;
	struct http_request *request;
	/* The stages. */
	struct slice body;
	uint32_t today;     /* for the worker; the writer judges by its own stamp */
	struct arena arena; /* of the request: note and items */
	struct order_plan *plan;
	uint64_t order_index;
	struct head head;
	/* The answer. */
	enum err err;
	struct why why;
	json_t *json;
};

static void order_free(struct order_work *work)
{
	if (work->plan != NULL) {
		order_plan_done(work->plan);
		free(work->plan);
	}
	arena_done(&work->arena);
	free(work);
}

static void refuse(struct order_work *work, enum err err)
{
	api_refuse_command(work->api, work->request, &(struct refusal){.err = err, .why = &work->why});
	order_free(work);
}

/* ---- answer */

/* The effects of an order stand right behind it, a microsecond apart: those of a distrust's later slices are not among them. */
static enum err count_effects(struct store_txn *txn, uint64_t order_index, uint64_t *ret_count)
{
	uint64_t size = ledger_size(txn), index = order_index + 1, start_us = 0;
	struct arena arena;
	struct entry entry;
	enum err err = store_error(txn);

	arena_init(&arena, 4 * ENTRY_SIZE_MAX);
	if (err == OK)
		err = ledger_entry(txn, order_index, &arena, &entry);
	if (err == OK)
		start_us = entry.time_us;
	while (err == OK && index < size) {
		arena_reset(&arena);
		err = ledger_entry(txn, index, &arena, &entry);
		if (err != OK || entry.kind != ENTRY_EFFECT || entry.effect.order_index != order_index ||
		    entry.time_us != start_us + (index - order_index))
			break;
		index++;
	}
	arena_done(&arena);
	*ret_count = index - order_index - 1;
	return err;
}

static enum err order_json(struct order_work *work, struct store_txn *txn)
{
	const struct order *order = &work->plan->order;
	uint64_t effect_count;
	json_t *receipt;
	enum err err = count_effects(txn, work->order_index, &effect_count);

	if (err == OK)
		err = api_receipt(txn, &work->head, work->order_index, &receipt);
	if (err != OK)
		return err;
	work->json = json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "id", order->id, "type", order_type_name(order->type),
	    "index", (json_int_t)work->order_index, "effects", (json_int_t)effect_count, "ledger_size",
	    (json_int_t)work->head.size, "receipt", receipt);
	return work->json == NULL ? ERR_MEMORY : OK;
}

static void run_answer(struct job *job)
{
	struct order_work *work = mail_of(job, struct order_work, job);
	struct store_txn *txn;

	/* First the head, then the transaction: so it holds whatever the head covers. */
	head_get(work->api->head, &work->head);
	work->err = store_read(work->api->store, &txn);
	if (work->err != OK)
		return;
	work->err = order_json(work, txn);
	store_abort(txn);
}

static void log_order(const struct order_work *work)
{
	const struct order *order = &work->plan->order;
	struct logline line;

	api_log_begin(work->request, OK, NULL, &line);
	logline_text(&line, "order", slice_text(order->id));
	logline_text(&line, "type", slice_text(order_type_name(order->type)));
	logline_number(&line, "entry", work->order_index);
	log_info("%s", line.text);
}

static void on_answer(struct job *job)
{
	struct order_work *work = mail_of(job, struct order_work, job);

	if (job->is_cancelled)
		job_run(job); /* it is carried out: a receipt is due */
	if (work->err != OK) {
		refuse(work, work->err);
		return;
	}
	log_order(work);
	http_reply_json(work->request, 200, work->json);
	order_free(work);
}

/* ---- write */

static void on_written(struct command *command)
{
	struct order_work *work = command->cookie;

	api_command_is_back(work->api);
	if (command->err != OK) {
		work->why = command->why;
		refuse(work, command->err);
		return;
	}
	work->order_index = command->index;
	work->job = (struct job){
	    .work = run_answer, .done = on_answer, .language = http_request_language(work->request), .is_short = true};
	api_run_receipt(work->api, &work->job);
}

/* ---- check */

static enum err decode(struct order_work *work)
{
	struct slice note, *items;
	size_t item_count;
	enum err err = order_request_decode(work->body, &work->arena, &note, &items, &item_count, &work->why);

	if (err != OK)
		return err;
	work->plan = malloc(sizeof(*work->plan));
	if (work->plan == NULL)
		return ERR_MEMORY;
	order_plan_init(work->plan, note, items, item_count);
	work->plan->signers = work->api->signers;
	return order_plan_decode(work->plan, &work->why);
}

static void run_check(struct job *job)
{
	struct order_work *work = mail_of(job, struct order_work, job);
	struct store_txn *txn;
	enum err err;

	memory_watch();
	err = decode(work);
	if (err == OK)
		err = store_read(work->api->store, &txn);
	if (err == OK) {
		err = order_check(work->plan, txn, work->today, &work->why);
		if (store_error(txn) != OK)
			err = store_error(txn);
		store_abort(txn);
	}
	if (memory_was_short())
		err = why_set(&work->why, ERR_MEMORY, "the order could not be looked at; submit it again later");
	work->err = err;
}

static void on_checked(struct job *job)
{
	struct order_work *work = mail_of(job, struct order_work, job);

	if (job->is_cancelled)
		work->err = ERR_STOPPING;
	work->command = (struct command){.kind = COMMAND_ORDER,
	    .plan = work->plan,
	    .language = http_request_language(work->request),
	    .done = on_written,
	    .cookie = work};
	/* What has expired is not known while the clock is in doubt. */
	if (work->err == ERR_ORDER_EXPIRED && api_obstacle(work->api) == ERR_CLOCK)
		work->err = why_set(&work->why, ERR_CLOCK, "nothing was stored; submit the order again later");
	if (work->err == OK)
		work->err = api_submit(work->api, &work->command);
	if (work->err != OK)
		refuse(work, work->err);
}

void api_order(struct api *api, struct http_request *request, struct slice subject)
{
	struct order_work *work = calloc(1, sizeof(*work));
	struct why why = {.text = ""};
	enum err err = OK;

	(void)subject;
	if (work == NULL) {
		api_refuse(request, ERR_MEMORY, &why, NULL);
		return;
	}
	work->job = (struct job){.work = run_check, .done = on_checked, .language = http_request_language(request)};
	work->api = api;
	work->request = request;
	work->body = http_request_body(request);
	work->today = date_of_time(clock_now_us());
	arena_init(&work->arena, ORDER_ARENA_SIZE);
	if (!http_request_is_of_type(request, "application/json"))
		err = why_set(&work->why, ERR_MEDIA_TYPE, "an order is of type application/json");
	if (err == OK)
		err = pool_submit(api->pool, &work->job);
	if (err != OK)
		refuse(work, err);
}

/*
 * Witnesses: what they are to cosign, and their cosignatures. These are looked at in a worker, in this order: is it a
 * note, a checkpoint of this ledger, signed by it, part of its history; then the lines of the witnesses. So a checkpoint
 * that shows that this ledger was set back is noticed whoever brings it, and with whatever lines.
 */
#include "daemon/api_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/publisher.h"
#include "daemon/query_internal.h"

#define NOTE_TYPE "text/plain"

void api_candidate(struct api *api, struct http_request *request, struct slice subject)
{
	struct head head;

	(void)subject;
	if (api->publisher != NULL)
		published_candidate(publisher_state(api->publisher), &head);
	else
		api_published(api, &head);
	http_reply(request, 200, NOTE_TYPE "; charset=utf-8", head_note(&head));
}

/* ---- the other way */

struct witness_work {
	struct job job;
	struct api *api;
	struct http_request *request;
	/* Those of the policy when it came in: that may be another one by the end. */
	size_t key_count;
	struct key keys[COSIGNATURES_MAX];
	/* Found in the worker. */
	struct note note;
	struct checkpoint checkpoint;
	struct cosignatures cosignatures;
	enum err err;
	struct why why;
};

static void refuse(struct witness_work *work, enum err err)
{
	if (err == ERR_ROLLED_BACK)
		api_stop_rolled_back(work->api, &work->why);
	api_refuse_command(work->api, work->request, &(struct refusal){.err = err, .why = &work->why});
	free(work);
}

/* The names of the witnesses that have cosigned it. */
static json_t *names_json(const struct trust *trust, uint64_t cosigned)
{
	json_t *names = json_array();

	for (size_t i = 0; i < trust_witness_count(trust); i++)
		if ((cosigned >> i & 1) != 0 && query_append(names, json_string(trust_witness_name(trust, i))) != OK) {
			json_decref(names);
			return NULL;
		}
	return names;
}

static json_t *answer_json(const struct publisher *publisher, uint64_t size)
{
	const struct published *state = publisher_state(publisher);
	const struct trust *trust = published_trust(state);
	uint64_t cosigned = published_cosigned(state, size);
	struct published_counts counts;

	publisher_count(publisher, &counts);
	return json_pack("{s:I, s:I, s:I, s:o, s:b}", "size", (json_int_t)size, "published", (json_int_t)counts.size,
	    "candidate", (json_int_t)counts.candidate_size, "witnesses", names_json(trust, cosigned), "is_quorum_met",
	    published_is_met(state, size));
}

static void reply(struct witness_work *work)
{
	struct publisher *publisher = work->api->publisher;
	struct logline line;

	assert(publisher != NULL); /* without witnesses there are no cosignatures to come so far with */
	publisher_add(publisher, work->checkpoint.size, &work->cosignatures);
	api_log_begin(work->request, OK, NULL, &line);
	logline_number(&line, "size", work->checkpoint.size);
	logline_number(&line, "cosignatures", work->cosignatures.count);
	log_debug("%s", line.text);
	http_reply_json(work->request, 200, answer_json(publisher, work->checkpoint.size));
	free(work);
}

static enum err check_history(struct witness_work *work)
{
	struct store_txn *txn;
	enum err err = store_read(work->api->store, &txn);

	if (err != OK)
		return err;
	err = api_read_own_checkpoint(txn, &work->note, &work->checkpoint, &work->why);
	if (err == OK)
		err = api_check_history(txn, &work->checkpoint, http_request_peer(work->request), &work->why);
	if (store_error(txn) != OK)
		err = store_error(txn);
	store_abort(txn);
	return err;
}

static void run_check(struct job *job)
{
	struct witness_work *work = mail_of(job, struct witness_work, job);
	enum err err = note_parse(http_request_body(work->request), &work->note, &work->why);

	memory_watch();
	if (err == OK)
		err = check_history(work);
	if (err == OK)
		err = cosignatures_read(&work->note, work->keys, work->key_count, &work->cosignatures, &work->why);
	if (memory_was_short())
		err = why_set(&work->why, ERR_MEMORY, "the cosignatures could not be looked at; send them again later");
	work->err = err;
}

static void on_checked(struct job *job)
{
	struct witness_work *work = mail_of(job, struct witness_work, job);

	if (job->is_cancelled)
		work->err = ERR_STOPPING;
	if (work->err == OK)
		reply(work);
	else
		refuse(work, work->err);
}

void api_cosignatures(struct api *api, struct http_request *request, struct slice subject)
{
	struct witness_work *work = calloc(1, sizeof(*work));
	size_t size = http_request_body(request).size;
	enum err err = OK;

	(void)subject;
	if (work == NULL) {
		api_refuse(request, ERR_MEMORY, NULL, NULL);
		return;
	}
	work->job = (struct job){.work = run_check, .done = on_checked, .language = http_request_language(request)};
	work->api = api;
	work->request = request;
	work->key_count = api->publisher == NULL ? 0 : publisher_keys(api->publisher, work->keys);
	if (!http_request_is_of_type(request, NOTE_TYPE))
		err = why_set(&work->why, ERR_MEDIA_TYPE, "a checkpoint with its cosignatures is of type text/plain");
	else if (size > COSIGNATURES_SIZE_MAX)
		err = why_set(&work->why, ERR_TOO_LARGE,
		    "a checkpoint with its cosignatures has at most %d bytes, this body has %zu", COSIGNATURES_SIZE_MAX,
		    size);
	if (err == OK)
		err = pool_submit(api->pool, &work->job);
	if (err != OK)
		refuse(work, err);
}

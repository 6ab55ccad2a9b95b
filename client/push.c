#include "client/push.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/file.h"
#include "client/out.h"
#include "client/push_sync.h"
#include "proto/text.h"

#define MEDIA_TYPE "application/protobuf"
#define REBUILD                                                                                                        \
	"this folder does not know all that the ledger holds of this feed; push with --token FILE (the venue's "       \
	"access code), which fetches and checks it first"

/* ---- beginning and end */

static enum exit_code session_open(struct push_session *session)
{
	const struct settings *settings = session->settings;
	struct why why = {""};
	enum exit_code code;
	enum err err;

	if (asprintf(&session->path, "/v1/feeds/%s", session->venue) < 0) {
		session->path = NULL;
		return out_fail(ERR_MEMORY, NULL, NULL);
	}
	err = link_open(settings, &session->link, &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	code = pin_ledger(session->link, settings, LINK_FEED, &session->ledger);
	if (code != EXIT_OK)
		return code;
	err = feedstate_open(settings->state, session->ledger.id, session->venue, &session->state, &why);
	if (err != OK)
		return out_fail(err, &why, err == ERR_LOCKED ? "wait for it to end, then repeat" : NULL);
	if (session->receipts != NULL)
		session->receipts_folder = strdup(session->receipts);
	else if (asprintf(&session->receipts_folder, "%s/receipts", feedstate_folder(session->state)) < 0)
		session->receipts_folder = NULL;
	err = session->receipts_folder != NULL ? file_make_folder(session->receipts_folder, &why) : ERR_MEMORY;
	return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
}

enum exit_code push_begin(struct push_session *session)
{
	enum exit_code code = session_open(session);

	if (code != EXIT_OK)
		return code;
	session->generation = feedstate_generation(session->state);
	/* A pending push may be just what the ledger has and this folder lacks: it is answered first. */
	if (feedstate_pending(session->state).size == 0 && link_has_token(session->link))
		code = push_sync(session);
	return code;
}

void push_end(struct push_session *session)
{
	feedstate_close(session->state);
	link_close(session->link);
	free(session->receipts_folder);
	free(session->path);
	session->state = NULL;
	session->link = NULL;
	session->receipts_folder = session->path = NULL;
}

/* ---- asking until there is an answer */

static bool is_worth_repeating(const struct link_answer *answer)
{
	return answer->err == ERR_UNREACHABLE || answer->err == ERR_UNCERTAIN || answer->status == 429 ||
	       answer->status == 503;
}

/* Requests of a push may be repeated at will: the ledger answers a push that it holds with its receipt again. */
static enum err ask_patiently(
    struct push_session *session, const struct link_request *request, struct link_answer *ret_answer)
{
	unsigned wait_s = 1;

	for (unsigned try = 1;; try++) {
		unsigned pause_s = wait_s;

		(void)link_ask(session->link, request, ret_answer);
		if (ret_answer->err == OK || !is_worth_repeating(ret_answer) || try == CLIENT_TRIES_MAX)
			return ret_answer->err;
		if (ret_answer->retry_after_s > pause_s)
			pause_s = ret_answer->retry_after_s;
		if (pause_s > CLIENT_WAIT_MAX_S)
			pause_s = CLIENT_WAIT_MAX_S;
		out_info("subsidy: %s (%s); trying again in %u s", err_sentence(ret_answer->err), ret_answer->why.text,
		    pause_s);
		link_answer_done(ret_answer);
		(void)sleep(pause_s);
		wait_s *= 2;
	}
}

/* ---- making pushes */

static enum err root_after(
    struct push_session *session, const struct slice *records, size_t record_count, struct checkpoint *ret_checkpoint)
{
	struct frontier frontier = *feedstate_frontier(session->state);

	if (record_count > TREE_SIZE_MAX - frontier.size)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < record_count; i++) {
		struct hash leaf = hash_leaf(records[i]);

		frontier_append(&frontier, &leaf);
	}
	ret_checkpoint->size = frontier.size;
	ret_checkpoint->root = frontier_root(&frontier);
	return OK;
}

/* The body of a push; the note is empty for a check. push_encode only reads the records. */
static enum err body_make(struct push_session *session, const struct slice *records, size_t record_count,
    struct slice note, struct buf *ret_body)
{
	struct slice *copy = calloc(record_count, sizeof(*copy));
	struct push push = {
	    .start = feedstate_frontier(session->state)->size,
	    .record_count = record_count,
	    .records = copy,
	    .note = note,
	    .ledger_checkpoint = note.size > 0 ? feedstate_checkpoint(session->state) : slice_of("", 0),
	};
	enum err err;

	if (copy == NULL)
		return ERR_MEMORY;
	memcpy(copy, records, record_count * sizeof(*copy));
	err = push_encode(&push, ret_body);
	free(copy);
	return err;
}

/* What a check's 200 must say; anything else means that the ledger's feed is not the one here. */
static enum exit_code check_conclude(
    struct push_session *session, const struct checkpoint *expected, const struct link_answer *answer)
{
	json_int_t generation = json_integer_value(json_object_get(answer->json, "generation"));
	const json_t *size = json_object_get(answer->json, "size");
	const char *root = json_text_or(answer->json, "root", "");
	struct why why = {""};
	struct hash hash;
	size_t hash_size;

	if (generation < 1 || generation > FEED_GENERATIONS_MAX || !json_is_integer(size) ||
	    json_integer_value(size) < 0 ||
	    base64_parse(slice_text(root), hash.bytes, sizeof(hash.bytes), &hash_size) != OK ||
	    hash_size != HASH_SIZE) {
		(void)why_set(&why, ERR_SYNTAX, "the ledger's answer to a check is not of the known form");
		(void)out_fail(ERR_SYNTAX, &why, NULL);
		return EXIT_OTHER;
	}
	if (session->generation != 0 && session->generation != (uint32_t)generation) {
		(void)why_set(&why, ERR_REFUSED,
		    "the ledger has begun generation %" JSON_INTEGER_FORMAT " of this feed; %s holds generation %u",
		    generation, feedstate_folder(session->state), session->generation);
		return out_fail(ERR_REFUSED, &why, "move that folder away, then push again");
	}
	session->generation = (uint32_t)generation;
	if ((uint64_t)json_integer_value(size) != expected->size)
		return out_fail(ERR_FEED_SIZE, NULL, REBUILD);
	if (!hash_equal(&hash, &expected->root)) {
		(void)why_set(&why, ERR_FEED_ROOT,
		    "what the ledger holds of this feed is not what was acknowledged to %s",
		    feedstate_folder(session->state));
		(void)out_fail(
		    ERR_FEED_ROOT, &why, "keep that folder, with its receipts: it is evidence; tell the bureau");
		return EXIT_UNVERIFIED;
	}
	return EXIT_OK;
}

/* The ledger refused a check. */
static enum exit_code check_refused(struct push_session *session, const struct link_answer *answer)
{
	if (answer->err == ERR_RECORDS)
		return EXIT_REFUSED;
	if (answer->err == ERR_FEED_CONFLICT || answer->err == ERR_FEED_SIZE)
		return out_fail(answer->err, &answer->why, REBUILD);
	if (answer->err == ERR_FEED_GAP) {
		(void)out_fail(answer->err, &answer->why,
		    "the ledger has lost records that it gave receipts for; keep the state folder and tell the bureau");
		return feedstate_frontier(session->state)->size > 0 ? EXIT_UNVERIFIED : EXIT_REFUSED;
	}
	return out_fail_answer(answer);
}

enum exit_code push_check(
    struct push_session *session, const struct slice *records, size_t record_count, struct link_answer *ret_answer)
{
	struct checkpoint expected;
	struct buf body, path;
	enum exit_code code;
	enum err err;

	*ret_answer = (struct link_answer){.why = {""}};
	buf_init(&body, PUSH_SIZE_MAX);
	buf_init(&path, HTTP_TARGET_SIZE_MAX);
	buf_printf(&path, "%s?check=1", session->path);
	err = root_after(session, records, record_count, &expected);
	if (err == OK)
		err = body_make(session, records, record_count, slice_of("", 0), &body);
	if (err != OK) {
		code = out_fail(err, NULL, NULL);
	} else {
		struct link_request request = {
		    .door = LINK_FEED, .path = buf_text(&path), .content_type = MEDIA_TYPE, .body = buf_slice(&body)};

		err = ask_patiently(session, &request, ret_answer);
		code = err == OK ? check_conclude(session, &expected, ret_answer) : check_refused(session, ret_answer);
	}
	buf_done(&path);
	buf_done(&body);
	return code;
}

enum exit_code push_sign(struct push_session *session, const struct slice *records, size_t record_count)
{
	struct signer *signers[1] = {session->signer};
	struct checkpoint checkpoint;
	struct buf text, note, body;
	struct why why = {""};
	enum err err;

	buf_init(&text, NOTE_TEXT_SIZE_MAX);
	buf_init(&note, NOTE_SIZE_MAX);
	buf_init(&body, PUSH_SIZE_MAX);
	feed_origin_format(session->venue, session->ledger.id, session->generation, checkpoint.origin);
	err = root_after(session, records, record_count, &checkpoint);
	if (err == OK) {
		checkpoint_format(&checkpoint, &text);
		err = note_sign(buf_slice(&text), signers, 1, &note);
	}
	if (err == OK)
		err = note.err;
	if (err == OK)
		err = body_make(session, records, record_count, buf_slice(&note), &body);
	if (err == OK)
		err = feedstate_save_pending(session->state, buf_slice(&body), &why);
	buf_done(&body);
	buf_done(&note);
	buf_done(&text);
	return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
}

/* ---- sending */

/* An answer that does not verify is kept, for it may be all that shows what the ledger did. */
static enum exit_code fail_unverified(
    struct push_session *session, enum err err, const struct why *why, struct slice answer)
{
	struct why file_why = {""};
	char *path = NULL, *next = NULL;

	if (asprintf(&path, "%s/evidence-%lld.json", feedstate_folder(session->state), (long long)time(NULL)) >= 0 &&
	    file_write(path, answer, 0600, &file_why) == OK) {
		if (asprintf(
			&next, T("the answer is kept in %s; show it to the bureau, and push nothing before"), path) < 0)
			next = NULL;
	} else {
		(void)out_fail(ERR_IO, &file_why, NULL);
	}
	(void)out_fail(err, why, next);
	free(next);
	free(path);
	return EXIT_UNVERIFIED;
}

static enum exit_code send_refused(struct push_session *session, const struct link_answer *answer)
{
	/* A refusal by a rule, said by the ledger itself. Whoever asked too often or without access may ask again. */
	bool is_final = answer->json != NULL && answer->status >= 400 && answer->status < 500 &&
			answer->status != 429 && answer->err != ERR_UNAUTHORIZED && answer->err != ERR_FORBIDDEN;
	enum exit_code code = out_fail_answer(answer);
	struct why why = {""};

	if (answer->err == ERR_FEED_CONFLICT || answer->err == ERR_FEED_GAP)
		out_info("         " REBUILD);
	if (is_final && feedstate_drop_pending(session->state, &why) != OK)
		(void)out_fail(ERR_IO, &why, NULL);
	else if (!is_final)
		out_info("         the signed push is kept in %s and is sent first the next time",
		    feedstate_folder(session->state));
	return code;
}

/* Writes the receipt's file before the state moves: once it has moved, nobody would ask for it again. */
static enum err receipt_store(
    struct push_session *session, const struct receipt *receipt, struct slice text, char **ret_path, struct why *why)
{
	char *path = NULL;
	enum err err;

	if (asprintf(&path, "%s/%s-%u-%010" PRIu64 "-%010" PRIu64 ".tlog-proof", session->receipts_folder,
		session->venue, session->generation, receipt->start, receipt->start + receipt->count) < 0)
		return ERR_MEMORY;
	err = file_write(path, text, 0644, why);
	if (err == OK)
		*ret_path = path;
	else
		free(path);
	return err;
}

/* The records of the pending push that are not here yet, and its note. */
static enum err state_advance(
    struct push_session *session, const struct push *push, const struct receipt *receipt, struct why *why)
{
	uint64_t held = feedstate_frontier(session->state)->size - push->start;
	enum err err = OK;

	for (size_t i = (size_t)held; err == OK && i < push->record_count; i++)
		err = feedstate_stage(session->state, push->records[i], why);
	if (err == OK)
		err = feedstate_commit(session->state, session->generation, push->note, receipt->checkpoint, why);
	return err;
}

static enum exit_code send_conclude(struct push_session *session, const struct push *push,
    const struct link_answer *answer, struct receipt *ret_receipt, char **ret_path)
{
	struct slice text = slice_text(json_text_or(answer->json, "receipt", ""));
	struct receipt_terms terms = {
	    .ledger = &session->ledger.key,
	    .venue_key = signer_key(session->signer),
	    .venue = session->venue,
	    .generation = session->generation,
	    .note = push->note,
	    .last_checkpoint = feedstate_checkpoint(session->state),
	};
	struct why why = {""};
	struct receipt receipt;
	enum err err;

	err = receipt_verify(text, &terms, &receipt, &why);
	if (err == ERR_MEMORY)
		return out_fail(err, &why, NULL);
	if (err == ERR_FEED_SIZE) {
		/* Nothing is lost: the ledger has these records, and this folder must learn the rest. */
		enum exit_code code = out_fail(err, &why, REBUILD);

		return feedstate_drop_pending(session->state, &why) == OK ? code : out_fail(ERR_IO, &why, NULL);
	}
	if (err != OK)
		return fail_unverified(session, err, &why, buf_slice(&answer->body));
	err = receipt_store(session, &receipt, text, ret_path, &why);
	if (err == OK)
		err = state_advance(session, push, &receipt, &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	receipt.checkpoint = slice_of("", 0); /* it dies with the answer */
	*ret_receipt = receipt;
	return EXIT_OK;
}

/* A push that an earlier process left behind says itself of which generation it is. */
static bool generation_of(const struct push *push, uint32_t *ret_generation)
{
	struct checkpoint checkpoint;
	const char *at;
	struct note note;
	uint64_t value;

	if (note_parse(push->note, &note, NULL) != OK || checkpoint_parse(note.text, &checkpoint, NULL) != OK)
		return false;
	at = strrchr(checkpoint.origin, '/');
	if (at == NULL || decimal_parse(slice_text(at + 1), FEED_GENERATIONS_MAX, &value) != OK || value == 0)
		return false;
	*ret_generation = (uint32_t)value;
	return true;
}

enum exit_code push_send(struct push_session *session, struct receipt *ret_receipt, char **ret_path)
{
	struct link_request request = {
	    .door = LINK_FEED,
	    .path = session->path,
	    .content_type = MEDIA_TYPE,
	    .body = feedstate_pending(session->state),
	    .on_progress = session->on_progress,
	    .cookie = session->cookie,
	};
	struct link_answer answer;
	struct why why = {""};
	struct arena arena;
	struct push push;
	enum exit_code code;
	enum err err;

	arena_init(&arena, sizeof(struct slice) * (PUSH_RECORDS_MAX + 1));
	err = push_decode(request.body, &arena, &push, &why);
	if (err == OK && !generation_of(&push, &session->generation))
		err = why_set(&why, ERR_SYNTAX, "the pending push carries no feed checkpoint");
	if (err != OK) {
		code = out_fail(err, &why, NULL);
		goto out;
	}
	err = ask_patiently(session, &request, &answer);
	code =
	    err == OK ? send_conclude(session, &push, &answer, ret_receipt, ret_path) : send_refused(session, &answer);
	link_answer_done(&answer);
out:
	arena_done(&arena);
	return code;
}

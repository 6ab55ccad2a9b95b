#include "client/push_sync.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/out.h"
#include "proto/text.h"

/* What GET /v1/feeds/{venue} says. Texts belong to the answer. */
struct held {
	uint32_t generation;
	uint64_t size;
	struct hash root;
	const char *note; /* NULL as long as nothing was pushed */
};

static bool held_parse(const json_t *json, struct held *ret_held)
{
	json_int_t generation = json_integer_value(json_object_get(json, "generation"));
	const json_t *size = json_object_get(json, "size");
	struct held held = {.note = json_string_value(json_object_get(json, "note"))};
	size_t root_size;

	if (generation < 1 || generation > FEED_GENERATIONS_MAX || !json_is_integer(size) ||
	    json_integer_value(size) < 0)
		return false;
	if (base64_parse(slice_text(json_text_or(json, "root", "")), held.root.bytes, HASH_SIZE, &root_size) != OK ||
	    root_size != HASH_SIZE)
		return false;
	held.generation = (uint32_t)generation;
	held.size = (uint64_t)json_integer_value(size);
	*ret_held = held;
	return held.size == 0 || held.note != NULL;
}

static enum exit_code fail_sync(struct push_session *session, enum err err, const struct why *why)
{
	char *next = NULL;

	if (asprintf(&next, T("nothing is signed on top of it; keep %s and tell the bureau"),
		feedstate_folder(session->state)) < 0)
		next = NULL;
	(void)out_fail(err, why, next);
	free(next);
	return EXIT_UNVERIFIED;
}

/* One page of records, staged behind those that are here. */
static enum err page_take(struct push_session *session, const json_t *json, uint64_t held_size, struct why *why)
{
	const json_t *rows = json_object_get(json, "records"), *row;
	size_t i;
	enum err err = OK;

	if (json_array_size(rows) == 0)
		return why_set(why, ERR_SYNTAX,
		    "the ledger gives no records from %" PRIu64 " on, but says it holds %" PRIu64,
		    feedstate_frontier(session->state)->size, held_size);
	json_array_foreach(rows, i, row)
	{
		uint64_t at = feedstate_frontier(session->state)->size;
		const char *text = json_text_or(row, "record", "");
		uint8_t record[RECORD_SIZE_MAX];
		size_t size;

		if (at == held_size)
			break; /* pushed since we asked for the size */
		if (json_integer_value(json_object_get(row, "feed_index")) != (json_int_t)at ||
		    base64_parse(slice_text(text), record, sizeof(record), &size) != OK)
			return why_set(
			    why, ERR_SYNTAX, "the ledger's answer for record %" PRIu64 " is not of the known form", at);
		err = feedstate_stage(session->state, slice_of(record, size), why);
		if (err != OK)
			return err;
	}
	return OK;
}

static enum exit_code records_fetch(struct push_session *session, uint64_t held_size)
{
	enum exit_code code = EXIT_OK;

	out_info("subsidy: fetching records %" PRIu64 " to %" PRIu64 " of this feed from the ledger",
	    feedstate_frontier(session->state)->size, held_size);
	while (code == EXIT_OK && feedstate_frontier(session->state)->size < held_size) {
		struct link_request request = {.door = LINK_FEED};
		struct link_answer answer;
		struct buf path;
		enum err err;

		buf_init(&path, HTTP_TARGET_SIZE_MAX);
		buf_printf(&path, "%s/records?from=%" PRIu64 "&limit=%d", session->path,
		    feedstate_frontier(session->state)->size, PAGE_ROWS_MAX);
		request.path = buf_text(&path);
		if (link_ask(session->link, &request, &answer) != OK) {
			code = out_fail_answer(&answer);
		} else {
			err = page_take(session, answer.json, held_size, &answer.why);
			if (err != OK)
				code = out_fail(err, &answer.why, NULL);
		}
		link_answer_done(&answer);
		buf_done(&path);
	}
	return code;
}

/* Of this ledger, or of one that it took the records over from. */
static bool is_our_feed(const struct push_session *session, const char *origin, uint32_t generation)
{
	char expected[ORIGIN_TEXT_SIZE];

	for (size_t i = 0; i < session->ledger.past_count; i++) {
		feed_origin_format(session->venue, session->ledger.past[i], generation, expected);
		if (strcmp(origin, expected) == 0) {
			out_info("subsidy: this ledger continues ledger %s, for which the last note was signed",
			    session->ledger.past[i]);
			return true;
		}
	}
	feed_origin_format(session->venue, session->ledger.id, generation, expected);
	return strcmp(origin, expected) == 0;
}

/* The note must be our own signature over this feed. That its size and root are those of the records is
 * feedstate_commit's to say. */
static enum err note_check(struct push_session *session, const struct held *held, struct why *why)
{
	const struct key *key = signer_key(session->signer);
	char origin[ORIGIN_TEXT_SIZE];
	struct checkpoint checkpoint;
	struct note note;
	uint64_t signed_by;
	enum err err;

	feed_origin_format(session->venue, session->ledger.id, held->generation, origin);
	err = note_parse(slice_text(held->note), &note, why);
	if (err == OK)
		err = checkpoint_parse(note.text, &checkpoint, why);
	if (err != OK)
		return err;
	err = note_verify(&note, key, 1, &signed_by);
	if (err != OK)
		return why_set(why, err, "the last note of this feed is not signed by the key of --key");
	if (!is_our_feed(session, checkpoint.origin, held->generation))
		return why_set(why, ERR_FEED_ORIGIN, "the last note is of %s, not of %s", checkpoint.origin, origin);
	if (checkpoint.size != held->size)
		return why_set(why, ERR_FEED_SIZE,
		    "our last note is of %" PRIu64 " records, the ledger says it holds %" PRIu64, checkpoint.size,
		    held->size);
	return OK;
}

static enum exit_code held_compare(struct push_session *session, const struct held *held)
{
	const struct frontier *frontier = feedstate_frontier(session->state);
	struct hash root = frontier_root(frontier);
	struct why why = {""};
	enum exit_code code;
	enum err err;

	if (session->generation != 0 && session->generation != held->generation) {
		(void)why_set(&why, ERR_REFUSED,
		    "the ledger has begun generation %u of this feed; %s holds generation %u", held->generation,
		    feedstate_folder(session->state), session->generation);
		return out_fail(ERR_REFUSED, &why, "move that folder away, then push again");
	}
	session->generation = held->generation;
	if (held->size < frontier->size) {
		(void)why_set(&why, ERR_FEED_SIZE,
		    "the ledger holds %" PRIu64 " of the %" PRIu64 " records it gave receipts for", held->size,
		    frontier->size);
		return fail_sync(session, ERR_FEED_SIZE, &why);
	}
	if (held->size == frontier->size)
		return hash_equal(&root, &held->root) ? EXIT_OK : fail_sync(session, ERR_FEED_ROOT, &why);
	err = note_check(session, held, &why);
	if (err != OK)
		return fail_sync(session, err, &why);
	code = records_fetch(session, held->size);
	if (code != EXIT_OK)
		return code;
	err = feedstate_commit(session->state, held->generation, slice_text(held->note), slice_of("", 0), &why);
	if (err == ERR_FEED_ROOT || err == ERR_FEED_SIZE)
		return fail_sync(session, err, &why);
	return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
}

enum exit_code push_sync(struct push_session *session)
{
	struct link_request request = {.door = LINK_FEED, .path = session->path};
	struct link_answer answer;
	enum exit_code code;
	struct held held;
	enum err err;

	err = link_ask(session->link, &request, &answer);
	if (err == OK && !held_parse(answer.json, &held)) {
		(void)why_set(&answer.why, ERR_SYNTAX, "what the ledger says of this feed is not of the known form");
		(void)out_fail(ERR_SYNTAX, &answer.why, NULL);
		code = EXIT_OTHER;
	} else if (err == OK) {
		code = held_compare(session, &held);
	} else if (session->generation != 0 &&
		   (err == ERR_FORBIDDEN || err == ERR_NOT_FOUND || err == ERR_UNAUTHORIZED)) {
		/* An access code for something else: what is here is enough to push on. */
		code = EXIT_OK;
	} else {
		code = out_fail_answer(&answer);
	}
	link_answer_done(&answer);
	return code;
}

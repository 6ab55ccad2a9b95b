#include "client/witness.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define SIZE_TYPE "text/x.tlog.size"

void witness_format(const struct witness_call *call, struct buf *ret_body)
{
	buf_printf(ret_body, "old %" PRIu64 "\n", call->old_size);
	for (size_t i = 0; i < call->path->count; i++) {
		base64_add(ret_body, hash_slice(&call->path->hashes[i]));
		buf_u8(ret_body, '\n');
	}
	buf_u8(ret_body, '\n');
	buf_add_slice(ret_body, call->note);
}

/* The last of its lines; all of them were verified. */
static void take_cosignature(const struct note *note, const struct key *key, struct witness_answer *answer)
{
	for (size_t i = 0; i < note->signature_count; i++) {
		const struct note_signature *line = &note->signatures[i];

		if (!note_line_is_of(line, key))
			continue;
		memcpy(answer->cosignature, line->bytes, line->size);
		answer->cosignature_size = line->size;
	}
	/* That it has one is known here. */
	assert(answer->cosignature_size > 0);
}

enum err witness_parse(
    struct slice lines, const struct witness_call *call, struct witness_answer *ret_answer, struct why *why)
{
	struct witness_answer answer = {.is_of_other_size = false};
	struct note own, cosigned;
	struct buf bytes;
	uint64_t signed_by;
	enum err err;

	buf_init(&bytes, NOTE_SIZE_MAX);
	err = note_parse(call->note, &own, why);
	assert(err == OK); /* the caller verified it */
	/* Behind the text its lines make a note again. */
	buf_add_slice(&bytes, own.text);
	buf_u8(&bytes, '\n');
	buf_add_slice(&bytes, lines);
	/* An empty line among them would make another text of it. */
	if (bytes.err != OK || note_parse(buf_slice(&bytes), &cosigned, NULL) != OK ||
	    !slice_equal(cosigned.text, own.text))
		err = why_set(why, ERR_NOTE, "%s: the answer is not lines of signatures", call->url);
	if (err == OK)
		err = note_verify(&cosigned, call->key, 1, &signed_by);
	if (err == ERR_UNKNOWN_KEY)
		(void)why_set(why, err, "%s: the answer has no cosignature by %s", call->url, call->key->name);
	else if (err == ERR_SIGNATURE)
		(void)why_set(why, err, "%s: its cosignature does not verify", call->url);
	if (err == OK) {
		take_cosignature(&cosigned, call->key, &answer);
		*ret_answer = answer;
	}
	buf_done(&bytes);
	return err;
}

/* "<size>\n" */
static bool size_parse(struct slice body, uint64_t *ret_size)
{
	return body.size > 0 && body.data[body.size - 1] == '\n' &&
	       decimal_parse(slice_of(body.data, body.size - 1), TREE_SIZE_MAX, ret_size) == OK;
}

static enum err refusal(
    const struct witness_call *call, const struct link_answer *got, struct witness_answer *ret_answer, struct why *why)
{
	uint64_t size;

	switch (got->status) {
	case 409:
		if (strcmp(got->type, SIZE_TYPE) != 0 || !size_parse(buf_slice(&got->body), &size))
			return why_set(why, ERR_REFUSED,
			    "%s: it holds another checkpoint than was thought, and does not say of which size",
			    call->url);
		*ret_answer = (struct witness_answer){.is_of_other_size = true, .held_size = size};
		return why_set(why, ERR_FEED_SIZE, "%s: it holds size %" PRIu64, call->url, size);
	case 404: return why_set(why, ERR_NOT_FOUND, "%s: it does not know this ledger", call->url);
	case 403: return why_set(why, ERR_FORBIDDEN, "%s: it does not take the ledger's signature", call->url);
	case 400: return why_set(why, ERR_BAD_REQUEST, "%s: it could not read what was sent", call->url);
	case 422:
		return why_set(
		    why, ERR_PROOF, "%s: it does not take the proof from size %" PRIu64, call->url, call->old_size);
	default: *why = got->why; return got->err;
	}
}

enum err witness_ask(
    struct link *link, const struct witness_call *call, struct witness_answer *ret_answer, struct why *why)
{
	struct link_request request = {
	    .content_type = "text/plain", .timeout_s = FEEDING_TIMEOUT_S, .answer_max = CHECKPOINT_SIZE_MAX};
	size_t url_size = strlen(call->url);
	struct link_answer answer;
	struct buf url, body;
	enum err err;

	buf_init(&url, HTTP_TARGET_SIZE_MAX);
	buf_init(&body, NOTE_SIZE_MAX);
	while (url_size > 0 && call->url[url_size - 1] == '/')
		url_size--;
	buf_add(&url, call->url, url_size);
	buf_add_text(&url, "/add-checkpoint");
	witness_format(call, &body);
	request.url = buf_text(&url);
	request.body = buf_slice(&body);
	err = url.err != OK ? url.err : body.err;
	if (err == OK) {
		if (link_ask(link, &request, &answer) == OK)
			err = witness_parse(buf_slice(&answer.body), call, ret_answer, why);
		else
			err = refusal(call, &answer, ret_answer, why);
		link_answer_done(&answer);
	}
	buf_done(&body);
	buf_done(&url);
	return err;
}

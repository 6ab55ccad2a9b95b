#include "client/kept.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/consistency.h"
#include "client/file.h"
#include "client/out.h"

#define EVIDENCE_SIZE_MAX (2u * CLIENT_FILE_SIZE_MAX + (64u << 10)) /* bytes: two proofs and the notes */
#define TELL "tell the bureau and the other venues at once, and keep every receipt"

void kept_head_init(struct kept_head *head)
{
	head->checkpoint = (struct checkpoint){.size = 0};
	buf_init(&head->note, CHECKPOINT_SIZE_MAX);
}

void kept_head_done(struct kept_head *head)
{
	buf_done(&head->note);
}

enum err kept_read_head(struct slice bytes, const struct key *ledger, struct kept_head *ret_head, struct why *why)
{
	struct note note;
	uint64_t signed_by;
	enum err err;

	buf_clear(&ret_head->note);
	buf_add_slice(&ret_head->note, bytes);
	err = ret_head->note.err;
	if (err == OK)
		err = note_parse(buf_slice(&ret_head->note), &note, why);
	if (err != OK)
		return err;
	err = note_verify(&note, ledger, 1, &signed_by);
	if (err != OK)
		return why_set(why, err, "the checkpoint is not signed by %s", ledger->name);
	err = checkpoint_parse(note.text, &ret_head->checkpoint, why);
	if (err == OK && strcmp(ret_head->checkpoint.origin, ledger->name) != 0)
		err = why_set(why, ERR_PROOF, "the checkpoint is of \"%s\", not of \"%s\"", ret_head->checkpoint.origin,
		    ledger->name);
	return err;
}

/* ---- evidence */

static json_t *text_json(const struct buf *text)
{
	json_t *json = json_stringn((const char *)text->data, text->size);

	/* What is no UTF-8 is no note either. */
	return json != NULL ? json : json_null();
}

static enum err evidence_write(const struct kept_question *question, const struct kept_head *held,
    const struct kept_head *newest, const struct kept_evidence *evidence, struct why *why)
{
	char vkey[KEY_VKEY_SIZE];
	struct buf bytes;
	json_t *json;
	enum err err;

	key_format(pin_signer(question->ledger, buf_slice(&newest->note)), vkey);
	json = json_pack("{s:s, s:o, s:o, s:O?}", "vkey", vkey, "held",
	    held != NULL ? text_json(&held->note) : json_null(), "newest", text_json(&newest->note), "answer",
	    evidence->answer);
	if (json != NULL && evidence->more != NULL && json_object_update(json, evidence->more) != 0) {
		json_decref(json);
		json = NULL;
	}
	buf_init(&bytes, EVIDENCE_SIZE_MAX);
	err = json_format(json, JSON_INDENT(2), &bytes);
	if (err == OK)
		err = file_write(question->evidence_path, buf_slice(&bytes), 0644, why);
	buf_done(&bytes);
	return err;
}

void kept_write_evidence(
    const struct kept_question *question, const struct kept_head *held, const struct kept_head *newest, json_t *answer)
{
	kept_write_evidence_of(question, held, newest, &(struct kept_evidence){.answer = json_incref(answer)});
}

void kept_write_evidence_of(const struct kept_question *question, const struct kept_head *held,
    const struct kept_head *newest, const struct kept_evidence *evidence)
{
	struct why why = {""};
	enum err err = evidence_write(question, held, newest, evidence, &why);

	json_decref(evidence->answer);
	json_decref(evidence->more);

	if (err != OK)
		(void)out_fail(
		    err, &why, "the evidence could not be written: repeat from a folder that can be written");
	else
		out_info("         the evidence is in %s", question->evidence_path);
}

/* Once the cause is said: says what it means, loudly, and keeps what shows it. */
static enum exit_code accuse(
    const struct kept_question *question, const struct kept_head *held, const struct kept_head *newest, json_t *answer)
{
	out_info("         THE LEDGER DOES NOT PROVE THAT IT STILL CONTAINS WHAT IT SIGNED AT SIZE %" PRIu64,
	    held->checkpoint.size);
	kept_write_evidence(question, held, newest, answer);
	return EXIT_UNVERIFIED;
}

/* ---- asking */

enum exit_code kept_believe(
    const struct kept_question *question, const struct kept_head *held, struct slice note, struct kept_head *ret_newest)
{
	struct why why = {""};
	enum err err = kept_read_head(note, pin_signer(question->ledger, note), ret_newest, &why);

	if (err == OK)
		return EXIT_OK;
	if (err == ERR_MEMORY)
		return out_fail(err, NULL, NULL);
	(void)out_fail(err, &why, held != NULL ? TELL : "this is not the ledger of that key");
	return held != NULL ? accuse(question, held, ret_newest, NULL) : EXIT_UNVERIFIED;
}

enum exit_code kept_latest(
    const struct kept_question *question, const struct kept_head *held, struct kept_head *ret_newest)
{
	struct link_request request = {
	    .door = LINK_SERVER, .path = "/checkpoint", .is_anonymous = true, .answer_max = CHECKPOINT_SIZE_MAX};
	struct link_answer answer;
	enum exit_code code;

	if (link_ask(question->link, &request, &answer) != OK)
		code = out_fail_answer(&answer);
	else
		code = kept_believe(question, held, buf_slice(&answer.body), ret_newest);
	link_answer_done(&answer);
	return code;
}

bool kept_path_read(const json_t *json, struct tree_path *ret_path)
{
	const json_t *hashes = json_object_get(json, "hashes");
	size_t size;

	ret_path->count = json_array_size(hashes);
	if (!json_is_array(hashes) || ret_path->count > PROOF_HASHES_MAX)
		return false;
	for (size_t i = 0; i < ret_path->count; i++) {
		const char *text = json_string_value(json_array_get(hashes, i));
		struct hash *hash = &ret_path->hashes[i];

		if (text == NULL || base64_parse(slice_text(text), hash->bytes, HASH_SIZE, &size) != OK ||
		    size != HASH_SIZE)
			return false;
	}
	return true;
}

static enum exit_code accuse_set_back(
    const struct kept_question *question, const struct kept_head *held, const struct kept_head *newest)
{
	struct why why = {""};

	(void)why_set(&why, ERR_ROLLED_BACK, "it signed size %" PRIu64 " and now signs %" PRIu64, held->checkpoint.size,
	    newest->checkpoint.size);
	(void)out_fail(ERR_ROLLED_BACK, &why, TELL);
	return accuse(question, held, newest, NULL);
}

/* From the shorter one to the longer one, whichever is which. */
static enum exit_code proof_ask(
    const struct kept_question *question, const struct kept_head *held, const struct kept_head *newest)
{
	bool is_ahead = held->checkpoint.size > newest->checkpoint.size;
	const struct checkpoint *from = is_ahead ? &newest->checkpoint : &held->checkpoint;
	const struct checkpoint *to = is_ahead ? &held->checkpoint : &newest->checkpoint;
	struct link_answer answer;
	struct tree_path hashes;
	struct why why = {""};
	enum exit_code code = EXIT_OK;
	enum err err = consistency_ask(question->link, from->size, to->size, &hashes, &answer);

	if (err == OK)
		err = tree_verify_consistency(from->size, to->size, &from->root, &to->root, &hashes);
	if (err == ERR_PROOF) {
		(void)why_set(&why, ERR_PROOF,
		    "its proof does not lead from the root at size %" PRIu64 " to that at size %" PRIu64, from->size,
		    to->size);
		(void)out_fail(ERR_PROOF, &why, TELL);
		code = accuse(question, held, newest, answer.json);
	} else if (err != OK) {
		/* One that was set back does not know the longer one any more. */
		code = is_ahead && err == ERR_BAD_REQUEST ? accuse_set_back(question, held, newest)
							  : out_fail_answer(&answer);
	}
	link_answer_done(&answer);
	return code;
}

enum exit_code kept_check(
    const struct kept_question *question, const struct kept_head *held, const struct kept_head *newest)
{
	const struct checkpoint *then = &held->checkpoint, *now = &newest->checkpoint;
	struct why why = {""};

	if (now->size > then->size || (now->size < then->size && question->is_of_receipt))
		return proof_ask(question, held, newest);
	if (now->size < then->size)
		return accuse_set_back(question, held, newest);
	if (hash_equal(&now->root, &then->root))
		return EXIT_OK;
	(void)why_set(&why, ERR_ROLLED_BACK, "it signed two roots at size %" PRIu64, now->size);
	(void)out_fail(ERR_ROLLED_BACK, &why, TELL);
	return accuse(question, held, newest, NULL);
}

#include "client/statement_ask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/consistency.h"
#include "client/out.h"
#include "client/statement_fetch.h"
#include "client/statement_files.h"
#include "client/view.h"

#define TELL "tell the bureau and the auditors at once, and keep the statement"

/* ---- evidence */

static json_t *text_json(const struct buf *text)
{
	return text->size > 0 ? json_stringn((const char *)text->data, text->size) : json_null();
}

/* The proof from the statement's checkpoint to the one of now, as the ledger answers; null where it gives none. */
static json_t *growth_json(const struct statement_question *question, const struct kept_head *newest)
{
	uint64_t from = question->held->checkpoint.size, to = newest->checkpoint.size;
	struct link_answer answer;
	struct tree_path path;
	json_t *json;
	enum err err;

	if (from >= to)
		return json_null();
	err = consistency_ask(question->kept->link, from, to, &path, &answer);
	json = err == OK ? json_incref(answer.json) : json_null();
	link_answer_done(&answer);
	return json;
}

static enum exit_code accuse(const struct statement_question *question, const struct statement_fetch *fetch)
{
	struct why why = {""};
	struct buf claim;
	json_t *more;

	buf_init(&claim, NOTE_SIZE_MAX);
	if (question->facts->has_claim &&
	    statement_files_read(question->folder, STATEMENT_HEAD_FILE, &claim, &why) != OK)
		buf_clear(&claim);
	if (question->facts->has_claim)
		out_info("         WHAT THE LEDGER SIGNED OF THIS ENTERPRISE AT SIZE %" PRIu64
			 " IS NOT WHAT IT SHOWS NOW",
		    question->facts->size);
	more = json_pack("{s:o, s:o, s:o}", "claim", text_json(&claim), "entry", text_json(&fetch->last_proof),
	    "before", text_json(&fetch->before_proof));
	kept_write_evidence_of(question->kept, question->held, &fetch->head,
	    &(struct kept_evidence){.answer = growth_json(question, &fetch->head), .more = more});
	buf_done(&claim);
	return EXIT_UNVERIFIED;
}

/* ---- comparing */

static enum exit_code compare(const struct statement_question *question, const struct statement_fetch *fetch)
{
	const struct statement_facts *facts = question->facts;
	struct why why = {""};

	if (fetch->last_index == facts->last_index)
		return EXIT_OK;
	if (fetch->last_index > facts->last_index && fetch->last_index < facts->size)
		(void)why_set(&why, ERR_PROOF,
		    "%s: entry %" PRIu64
		    " concerned the enterprise as well, and is not in the statement of size %" PRIu64,
		    question->folder, fetch->last_index, facts->size);
	else
		(void)why_set(&why, ERR_PROOF,
		    "%s: the chain of now does not lead to entry %" PRIu64
		    ", which is in the statement of size %" PRIu64,
		    question->folder, facts->last_index, facts->size);
	(void)out_fail(ERR_PROOF, &why, TELL);
	return accuse(question, fetch);
}

enum exit_code statement_ask_chain(const struct statement_question *question)
{
	struct statement_fetch *fetch = calloc(1, sizeof(*fetch));
	struct ledger_id ledger = *question->kept->ledger;
	struct buf path;
	enum exit_code code;

	if (fetch == NULL)
		return out_fail(ERR_MEMORY, NULL, NULL);
	statement_fetch_init(fetch);
	view_path_enterprise(&path, question->facts->code);
	fetch->path = buf_text(&path);
	fetch->link = question->kept->link;
	/* A key that was given says nothing of the id; the statement does, and it is proven. */
	memcpy(ledger.origin, question->facts->origin, sizeof(ledger.origin));
	memcpy(ledger.id, question->facts->ledger_id, sizeof(ledger.id));
	fetch->ledger = &ledger;
	memcpy(fetch->code, question->facts->code, sizeof(fetch->code));
	code = statement_fetch_until(fetch, question->facts->size);
	/* What the chain is under must be of the same history. */
	if (code == EXIT_OK)
		code = kept_check(question->kept, question->held, &fetch->head);
	if (code == EXIT_OK)
		code = compare(question, fetch);
	statement_fetch_done(fetch);
	free(fetch);
	buf_done(&path);
	return code;
}

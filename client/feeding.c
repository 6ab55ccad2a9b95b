#include "client/feeding.h"

#include <inttypes.h>
#include <stdlib.h>

#include "client/consistency.h"
#include "client/out.h"
#include "client/witness.h"

struct fed {
	bool has_delivered; /* a cosignature of delivered_size, to the ledger, by this process */
	uint64_t delivered_size;
	unsigned failures; /* in a row */
	uint64_t retry_ms; /* not asked before */
};

struct feeding {
	const struct trust *trust;
	struct fed witnesses[TRUST_WITNESSES_MAX];
};

struct feeding *feeding_new(const struct trust *trust)
{
	struct feeding *feeding = calloc(1, sizeof(*feeding));

	if (feeding != NULL)
		feeding->trust = trust;
	return feeding;
}

void feeding_free(struct feeding *feeding)
{
	free(feeding);
}

uint64_t feeding_pause_ms(unsigned failures, unsigned interval_s)
{
	uint64_t pause_s = interval_s;

	/* One interval would be over with the next round. */
	for (unsigned i = 0; i < failures && pause_s < FEEDING_PAUSE_MAX_S; i++)
		pause_s *= 2;
	return 1000 * (pause_s < FEEDING_PAUSE_MAX_S ? pause_s : FEEDING_PAUSE_MAX_S);
}

/* The proof that a witness needs: none where it holds nothing, or this very size. */
static enum err proof_get(
    const struct feeding_round *round, uint64_t old_size, struct tree_path *ret_path, struct why *why)
{
	uint64_t size = round->head->checkpoint.size;
	struct link_answer answer;
	enum err err;

	ret_path->count = 0;
	if (old_size == 0 || old_size == size)
		return OK;
	err = consistency_ask(round->link, old_size, size, ret_path, &answer);
	if (err != OK)
		*why = answer.why;
	/* tlog-witness takes 63 lines; no tree that we know needs more. */
	else if (ret_path->count >= TREE_DEPTH_MAX)
		err = why_set(why, ERR_PROOF, "the answer is not a consistency proof");
	link_answer_done(&answer);
	return err;
}

static enum err ask_from(const struct feeding_round *round, struct witness_call *call, uint64_t old_size,
    struct witness_answer *ret_answer, struct why *why)
{
	struct tree_path path;
	enum err err = proof_get(round, old_size, &path, why);

	if (err != OK)
		return err;
	call->old_size = old_size;
	call->path = &path;
	err = witness_ask(round->link, call, ret_answer, why);
	if (err == ERR_FEED_SIZE)
		monitorstate_set_witness(round->state, call->key, ret_answer->held_size);
	return err;
}

/* From the size that it is thought to hold, and once more where it names another. */
static enum err ask(
    const struct feeding_round *round, struct witness_call *call, struct witness_answer *ret_answer, struct why *why)
{
	uint64_t size = round->head->checkpoint.size, old_size = monitorstate_witness(round->state, call->key);
	enum err err = ask_from(round, call, old_size <= size ? old_size : 0, ret_answer, why);

	if (err != ERR_FEED_SIZE)
		return err;
	if (ret_answer->held_size > size)
		return why_set(why, ERR_REFUSED, "%s: it has cosigned size %" PRIu64 ", and the ledger offers %" PRIu64,
		    call->url, ret_answer->held_size, size);
	if (ret_answer->held_size != call->old_size)
		err = ask_from(round, call, ret_answer->held_size, ret_answer, why);
	if (err == ERR_FEED_SIZE && ret_answer->held_size == call->old_size)
		return why_set(why, ERR_REFUSED,
		    "%s: at size %" PRIu64 " it has cosigned another root: compare its checkpoint with this one",
		    call->url, ret_answer->held_size);
	return err;
}

/* Its line under the ledger's own, to the ledger. */
static enum err hand_in(
    const struct feeding_round *round, const struct key *witness, const struct witness_answer *answer)
{
	struct buf note;
	enum err err;

	buf_init(&note, CHECKPOINT_SIZE_MAX);
	err = cosigner_note(round->head, &note);
	if (err == OK) {
		note_add_line(&note, witness, slice_of(answer->cosignature, answer->cosignature_size));
		err = note.err;
	}
	if (err == OK)
		err = cosigner_post(round->cosigner, buf_slice(&note));
	buf_done(&note);
	return err;
}

static bool feed(struct feeding *feeding, const struct feeding_round *round, size_t index, struct slice note)
{
	struct witness_call call = {.url = trust_witness_url(feeding->trust, index),
	    .key = trust_witness_key(feeding->trust, index),
	    .note = note};
	struct fed *fed = &feeding->witnesses[index];
	struct witness_answer answer;
	struct why why = {""}, whole;
	enum err err = ask(round, &call, &answer, &why);

	if (err != OK) {
		fed->failures++;
		fed->retry_ms = round->now_ms + feeding_pause_ms(fed->failures, round->interval_s);
		(void)why_set(&whole, err, "%s: %s", trust_witness_name(feeding->trust, index), why.text);
		(void)out_fail(err, &whole, "the other witnesses are not kept waiting; this one is asked again later");
		return false;
	}
	fed->failures = 0;
	fed->retry_ms = 0;
	monitorstate_set_witness(round->state, call.key, round->head->checkpoint.size);
	fed->has_delivered = hand_in(round, call.key, &answer) == OK;
	fed->delivered_size = round->head->checkpoint.size;
	return true;
}

/* The ledger's own word on who cosigned already; lines that do not verify are nobody's. */
static uint64_t already_cosigned(const struct feeding *feeding, const struct kept_head *head)
{
	struct note note;
	uint64_t cosigned;

	if (note_parse(buf_slice(&head->note), &note, NULL) != OK ||
	    trust_cosigned(feeding->trust, &note, &cosigned) != OK)
		return 0;
	return cosigned;
}

unsigned feeding_run(struct feeding *feeding, const struct feeding_round *round)
{
	uint64_t size = round->head->checkpoint.size, cosigned = already_cosigned(feeding, round->head);
	unsigned count = 0;
	struct buf note;

	buf_init(&note, CHECKPOINT_SIZE_MAX);
	if (cosigner_note(round->head, &note) != OK) {
		(void)out_fail(ERR_MEMORY, NULL, NULL);
		goto out;
	}
	for (size_t i = 0; i < trust_witness_count(feeding->trust); i++) {
		const struct fed *fed = &feeding->witnesses[i];

		if (trust_witness_url(feeding->trust, i)[0] == '\0' || (cosigned >> i & 1) != 0 ||
		    (fed->has_delivered && fed->delivered_size == size) || round->now_ms < fed->retry_ms)
			continue;
		if (round->is_ending(round->cookie))
			break;
		count += feed(feeding, round, i, buf_slice(&note));
	}
out:
	buf_done(&note);
	return count;
}

/*
 * Has the ledger kept what it signed? Its newest checkpoint, and the proof that an earlier one is part of it. Where that
 * is not proven, both are written into a file: two notes by one key that contradict each other speak for themselves.
 */
#ifndef CLIENT_KEPT_H
#define CLIENT_KEPT_H

#include "client/pin.h"
#include "proto/checkpoint.h"

/* A checkpoint with the note that it is the text of. */
struct kept_head {
	struct checkpoint checkpoint;
	struct buf note;
};
void kept_head_init(struct kept_head *head);
void kept_head_done(struct kept_head *head);
/* Of a note: signed by `ledger`, of its own origin. ERR_SYNTAX, ERR_NOTE, ERR_UNKNOWN_KEY, ERR_SIGNATURE, ERR_PROOF. */
enum err kept_read_head(struct slice note, const struct key *ledger, struct kept_head *ret_head, struct why *why) must_check;

/* What is asked: does the ledger, at its newest checkpoint, contain `held`? */
struct kept_question {
	struct link *link;
	const struct ledger_id *ledger;	/* whose keys, present and before, must have signed */
	const char *evidence_path;	/* written where it does not; not touched else */
	/*
	 * `held` is of a receipt: it may be newer than what the ledger publishes while witnesses cosign (FORMAT.md,
	 * "Witnesses"). It then has to be proven that it extends that.
	 */
	bool is_of_receipt;
};
/* What else belongs to the evidence; both are taken over, and may be NULL. */
struct kept_evidence {
	json_t *answer;			/* what the ledger answered, as a proof */
	json_t *more;			/* an object, whose members are added */
};
void kept_write_evidence_of(const struct kept_question *question, const struct kept_head *held,
    const struct kept_head *newest, const struct kept_evidence *evidence);
/* What shows that it does not, into evidence_path: the notes, and what the ledger answered (`held`, `answer` may be NULL).
 * Tells where it is, or why it could not be written. */
void kept_write_evidence(const struct kept_question *question, const struct kept_head *held,
    const struct kept_head *newest, json_t *answer);
/*
 * A note that the ledger gave as its newest, into *ret_newest, which is initialised (it is kept even where it does not
 * verify). Complains by itself; EXIT_UNVERIFIED where the key did not sign it, with evidence if `held` is given.
 */
enum exit_code kept_believe(const struct kept_question *question, const struct kept_head *held, struct slice note,
    struct kept_head *ret_newest) must_check;
/*
 * The newest checkpoint into *ret_newest, which is initialised (its note is kept even where it does not verify).
 * Complains by itself; EXIT_UNVERIFIED where the answer is not signed by the key, with evidence if `held` is given.
 */
enum exit_code kept_latest(const struct kept_question *question, const struct kept_head *held,
    struct kept_head *ret_newest) must_check;
/* Is `held` part of `newest`? Complains by itself; EXIT_UNVERIFIED, with evidence, where that is not proven. */
enum exit_code kept_check(const struct kept_question *question, const struct kept_head *held,
    const struct kept_head *newest) must_check;

/* The member "hashes" of an answer: a path or a proof in base64. False where it is none. */
bool kept_path_read(const json_t *json, struct tree_path *ret_path) must_check;

#endif

/*
 * Has the ledger kept what it signed? Its newest checkpoint, and the proof that an earlier one is part of it. Where that
 * is not proven, both are written into a file: two notes by one key that contradict each other speak for themselves.
 */
#ifndef CLIENT_HISTORY_H
#define CLIENT_HISTORY_H

#include "client/link.h"
#include "proto/checkpoint.h"

/* A checkpoint with the note that it is the text of. */
struct history_head {
	struct checkpoint checkpoint;
	struct buf note;
};
void history_head_init(struct history_head *head);
void history_head_done(struct history_head *head);
/* Of a note: signed by `ledger`, of its own origin. ERR_SYNTAX, ERR_NOTE, ERR_UNKNOWN_KEY, ERR_SIGNATURE, ERR_PROOF. */
enum err history_read(struct slice note, const struct key *ledger, struct history_head *ret_head, struct why *why) must_check;

/* What is asked: does the ledger of `key`, at its newest checkpoint, contain `held`? */
struct history_question {
	struct link *link;
	const struct key *key;
	const char *evidence_path;	/* written where it does not; not touched else */
};
/*
 * The newest checkpoint into *ret_newest, which is initialised (its note is kept even where it does not verify).
 * Complains by itself; EXIT_UNVERIFIED where the answer is not signed by the key, with evidence if `held` is given.
 */
enum exit_code history_latest(const struct history_question *question, const struct history_head *held,
    struct history_head *ret_newest) must_check;
/* Is `held` part of `newest`? Complains by itself; EXIT_UNVERIFIED, with evidence, where that is not proven. */
enum exit_code history_check(const struct history_question *question, const struct history_head *held,
    const struct history_head *newest) must_check;

#endif

/*
 * Asking a witness for its cosignature: the add-checkpoint call of C2SP tlog-witness.
 *
 * A witness cosigns a checkpoint that extends the one it cosigned last, so it is told that one's size and given the
 * proof. Where it holds another size it says which, and the call is to be repeated from there.
 */
#ifndef CLIENT_WITNESS_H
#define CLIENT_WITNESS_H

#include "client/link.h"
#include "proto/note.h"
#include "proto/tree.h"

struct witness_call {
	const char *url;		/* its submission prefix */
	const struct key *key;		/* of type 04 */
	uint64_t old_size;		/* what it is thought to have cosigned last; 0 for nothing */
	const struct tree_path *path;	/* from there to the checkpoint; empty from 0 */
	struct slice note;		/* the checkpoint, signed by its ledger */
};

struct witness_answer {
	bool is_of_other_size;		/* 409: it holds held_size, not old_size */
	uint64_t held_size;
	uint8_t cosignature[KEY_SIGNATURE_MAX];	/* verified */
	size_t cosignature_size;
};

/*
 * ERR_FEED_SIZE with is_of_other_size: repeat from held_size. ERR_SIGNATURE, ERR_UNKNOWN_KEY, ERR_NOTE: what it answered
 * is no cosignature of its key. ERR_NOT_FOUND: it does not know this ledger. Else what the link says. Each with a
 * reason that names the witness's address.
 */
enum err witness_ask(struct link *link, const struct witness_call *call, struct witness_answer *ret_answer,
    struct why *why) must_check;

/* The body of the call. */
void witness_format(const struct witness_call *call, struct buf *ret_body);
/* The cosignature of `key` out of the lines that a witness answered; other lines are ignored. Errors as above. */
enum err witness_parse(struct slice lines, const struct witness_call *call, struct witness_answer *ret_answer,
    struct why *why) must_check;

#endif

/*
 * Checkpoints (C2SP tlog-checkpoint 1.0.0): the three lines origin, size, base64 root, as text of a signed note.
 * No extension lines are written; a ledger checkpoint with any is refused, for we never sign one. And
 * inclusion proofs as files (C2SP tlog-proof v1), the receipts that people keep.
 */
#ifndef PROTO_CHECKPOINT_H
#define PROTO_CHECKPOINT_H

#include "proto/note.h"
#include "proto/tree.h"

#define ORIGIN_TEXT_SIZE 256

struct checkpoint {
	char origin[ORIGIN_TEXT_SIZE];	/* schema-less, no spaces, no '+' */
	uint64_t size;
	struct hash root;
};

bool origin_is_valid(struct slice origin);
/* ERR_SYNTAX with the reason. Exactly three lines. */
enum err checkpoint_parse(struct slice text, struct checkpoint *ret_checkpoint, struct why *why) must_check;
void checkpoint_format(const struct checkpoint *checkpoint, struct buf *ret_text);

/* A tlog-proof file. Slices point into the parsed bytes, `extra` into the arena. */
struct proof {
	bool has_extra;
	struct slice extra;		/* the leaf's own bytes: an entry */
	uint64_t index;
	struct tree_path path;
	struct slice note;		/* the checkpoint, verbatim with its signatures */
};

enum err proof_parse(struct slice bytes, struct arena *arena, struct proof *ret_proof, struct why *why) must_check;
void proof_format(const struct proof *proof, struct buf *ret_bytes);
/* The whole check of a receipt: the checkpoint is signed by `ledger`, is of `origin` = the key's name, and
 * includes `extra` at `index`. Gives the checkpoint. ERR_PROOF, ERR_SIGNATURE, ERR_UNKNOWN_KEY, ERR_SYNTAX. */
enum err proof_verify(const struct proof *proof, const struct key *ledger, struct checkpoint *ret_checkpoint,
    struct why *why) must_check;
/* The same of a record in a feed: the checkpoint is signed by `venue`, and its origin is that of one of its feeds,
 * "<the key's name>/<ledger id>/<generation>". */
enum err proof_verify_feed(const struct proof *proof, const struct key *venue, struct checkpoint *ret_checkpoint,
    struct why *why) must_check;

#endif

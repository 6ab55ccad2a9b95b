/*
 * A head and its cosignatures: of each witness the newest, as lines under the ledger's own. Pure.
 */
#ifndef DAEMON_COSIGNED_H
#define DAEMON_COSIGNED_H

#include "daemon/head.h"
#include "proto/trust.h"

#define COSIGNATURE_SIZE 72	/* bytes: u64 seconds, Ed25519 */

struct cosignature {
	struct key key;			/* of type 04 */
	uint64_t time_s;		/* the witness's own */
	uint8_t bytes[COSIGNATURE_SIZE];
};

/* At most one of a key. */
struct cosignatures {
	size_t count;
	struct cosignature lines[COSIGNATURES_MAX];
};

struct cosigned {
	struct head head;		/* its note has the ledger's own lines only */
	struct cosignatures cosignatures;
};

/*
 * Takes the lines of `keys` out of a note, each verified; of a key that has several the newest. Lines of other keys are
 * passed over. ERR_UNKNOWN_KEY: there is none; ERR_SIGNATURE: one does not verify. Any thread.
 */
enum err cosignatures_read(const struct note *note, const struct key *keys, size_t key_count,
    struct cosignatures *ret_cosignatures, struct why *why) must_check;
/* Adds one, or puts it in the place of an older one; false where it is no newer. At most COSIGNATURES_MAX keys. */
bool cosignatures_add(struct cosignatures *cosignatures, const struct cosignature *cosignature);
/* Leaves out what is of no witness any more. */
void cosignatures_keep(struct cosignatures *cosignatures, const struct trust *trust);
/* Which witnesses they are of: bit i for witness i. */
uint64_t cosignatures_bits(const struct cosignatures *cosignatures, const struct trust *trust);

/* The head with all lines in its note. */
void cosigned_head(const struct cosigned *cosigned, struct head *ret_head);

#endif

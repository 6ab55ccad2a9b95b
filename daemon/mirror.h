/*
 * A copy of a ledger as `subsidy export` writes it: ledger.json, checkpoint, tiles of hashes and bundles of entries under
 * the paths of C2SP tlog-tiles. Read without believing any of it.
 *
 * Files that the checkpoint does not cover are not looked at: a copy that is being brought up to date has them, and the
 * partial tiles of earlier sizes stay.
 */
#ifndef DAEMON_MIRROR_H
#define DAEMON_MIRROR_H

#include "daemon/finding.h"
#include "daemon/ledger.h"
#include "daemon/store.h"
#include "proto/checkpoint.h"

struct mirror {
	const char *path;
	char origin[ORIGIN_TEXT_SIZE];
	char ledger_id[LEDGER_ID_SIZE + 1];
	size_t key_count;			/* of ledger.json: "vkey", and those of "vkeys" */
	struct key keys[LOG_KEYS_EVER_MAX];
	struct checkpoint checkpoint;
	size_t note_size;
	uint8_t note[CHECKPOINT_SIZE_MAX];	/* the checkpoint with its signatures */

	/* A bundle that can't be taken apart: the first entry that could not be had from it, and why. */
	bool is_broken;
	uint64_t broken_index;
	struct why broken;
};

/*
 * Reads ledger.json and the checkpoint, which must be signed by a key of that file and, unless NULL, by `trusted`. The path
 * must outlive it; the mirror is written in any case. ERR_DAMAGED with the finding (11: one is not there; 10: not right); ERR_IO, ERR_MEMORY.
 */
enum err mirror_open(
    const char *path, const struct key *trusted, struct mirror *ret_mirror, struct finding *finding) must_check;
/* Puts the entries of the bundles into an empty store. What is not there is left out. */
enum err mirror_load(struct mirror *mirror, struct store *store, struct finding *finding) must_check;
/*
 * After a replay: the ledger id, the keys, which must be the ledger's, the checkpoint's root, every tile against what
 * the entries gave, and whether the checkpoint is signed as the copy's policy says. `entries` is the store that was loaded. Gives the number of tiles.
 */
enum err mirror_check(const struct mirror *mirror, struct store *entries, struct store *replayed, unsigned thread_count,
    uint64_t *ret_tile_count, struct finding *finding) must_check;

#endif

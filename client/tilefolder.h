/*
 * A copy of the ledger as static files, under the paths of C2SP tlog-tiles: FOLDER/tile/0/x001/234 and so on. Nothing is
 * written before it is known to be right: the tiles at the right edge give the checkpoint's root, each full tile the hash
 * above it, and each entry the hash in its tile. So a copy can be broken off at any time and taken up again: what is
 * there is looked at in the same way, and fetched anew where it is not right.
 */
#ifndef CLIENT_TILEFOLDER_H
#define CLIENT_TILEFOLDER_H

#include "client/link.h"
#include "proto/checkpoint.h"
#include "proto/tile.h"

struct tilefolder {
	/* Given by the caller. */
	struct link *link;
	const char *path;
	const struct checkpoint *checkpoint;	/* verified */
	/* Told before each full tile of entries; may be NULL. */
	void (*on_progress)(void *cookie, uint64_t done_count, uint64_t total_count);
	void *cookie;

	/* Tiles by level: those at the right edge that are not full, and the last full one that was read. */
	struct tile_hashes edges[TILE_LEVELS], last[TILE_LEVELS];
	uint64_t fetched_count, kept_count;	/* files */
};

/* Makes the copy complete. Complains by itself; EXIT_UNVERIFIED where the server's tiles are not those of the checkpoint. */
enum exit_code tilefolder_fill(struct tilefolder *folder) must_check;

#endif

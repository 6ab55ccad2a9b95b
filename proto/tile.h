/*
 * Tiles (C2SP tlog-tiles v0.1.0): a tree in tiles of 256 hashes, and its leaves in bundles of 256 entries, under names
 * whose content never changes. Names, sizes and the form; what is in a tile comes from elsewhere.
 *
 *	0/x001/x234/067		tile 1234067 of level 0: the number in groups of three digits
 *	0/x001/x234/067.p/8	its first 8 hashes
 *	entries/000.p/44	the first 44 entries
 *
 * A tile is its hashes, 32 bytes each; a bundle is its entries, each behind its size (u16, big-endian).
 */
#ifndef PROTO_TILE_H
#define PROTO_TILE_H

#include "proto/hash.h"
#include "proto/limits.h"

#define TILE_LEVELS (TREE_DEPTH_MAX / TILE_HEIGHT)
#define TILE_PATH_SIZE 40				/* with the NUL: "entries/", six groups, ".p/255" */
#define BUNDLE_SIZE_MAX (TILE_WIDTH * (2u + ENTRY_SIZE_MAX))	/* bytes: C2SP bounds an entry, not a bundle */

struct tile {
	bool is_bundle;			/* of entries; its level is 0 */
	unsigned level;			/* below TILE_LEVELS: each hash is the root of 256^level leaves */
	uint64_t index;
	unsigned width;			/* 1 to TILE_WIDTH; a full one has that */
};

/* What stands behind "/tile/". Each name has one form: ERR_SYNTAX for any other, and for what no tree can hold. */
enum err tile_parse(struct slice path, struct tile *ret_tile) must_check;
void tile_format(const struct tile *tile, char ret_path[static TILE_PATH_SIZE]);
/* How many hashes (or entries) of tile `index` a tree of `size` leaves has: 0 to TILE_WIDTH. */
unsigned tile_width(unsigned level, uint64_t index, uint64_t size);

/* A tile of hashes with what is in it. */
struct tile_hashes {
	bool is_there;			/* false: none was read so far */
	uint64_t index;
	unsigned width;
	struct hash hashes[TILE_WIDTH];
};

/* False where the bytes are not as many as the tile's name says. */
bool tile_read(struct slice bytes, const struct tile *tile, struct tile_hashes *ret_hashes) must_check;

#endif

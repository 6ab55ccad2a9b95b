/*
 * Tile roots: the part of a tree that is stored. For every tree (the ledger: 0, each feed: its number) STORE_TREE
 * keeps the hash of each full tile of 256 hashes, at every level; leaves are hashed anew from what they are leaves of.
 * So a proof at any size costs at most three tiles of leaves, and nothing is kept twice.
 */
#ifndef DAEMON_TILES_H
#define DAEMON_TILES_H

#include "daemon/store.h"
#include "proto/tile.h"
#include "proto/tree.h"

/* The tile levels above the leaves' own. */
#define TILES_LEVELS (TREE_DEPTH_MAX / TILE_HEIGHT - 1)
/* The root of a tile that leaves complete: the last of its level in a tree of `size` leaves. */
struct tiles_root {
	uint64_t size;
	unsigned level;
	struct hash root;
};
/*
 * Appends a leaf to the frontier, and gives the roots of the tiles that it completes: on levels 1 to the answer, level
 * by level; no more are written. All but one leaf in 256 complete none.
 */
unsigned tiles_complete(struct frontier *frontier, const struct hash *leaf, struct tiles_root *ret_roots);
/* How many roots so many leaves complete at most: one in 256, one of these in 256 on the next level, and so on. */
size_t tiles_root_count_max(size_t leaf_count);
/* Stores them. */
void tiles_put(struct store_txn *txn, uint32_t tree, const struct tiles_root *roots, size_t count);
/* Both at once. */
void tiles_append(struct store_txn *txn, uint32_t tree, struct frontier *frontier, const struct hash *leaf);

/* Gives the leaf hash number `index` of the tree; and, for bundles, what it is a leaf of (valid until the next call). */
struct tiles_leaves {
	enum err (*leaf)(void *cookie, uint64_t index, struct hash *ret_hash);
	void *cookie;
	enum err (*entry)(void *cookie, uint64_t index, struct slice *ret_bytes);
};
/* Root of the full subtree `index` of height `level` (leaves [index << level, (index + 1) << level)). */
enum err tiles_hash(struct store_txn *txn, uint32_t tree, const struct tiles_leaves *leaves, unsigned level, uint64_t index,
    struct hash *ret_hash) must_check;
/* Appends the content of a tile or a bundle that lies wholly within the tree. */
enum err tiles_encode(struct store_txn *txn, uint32_t tree, const struct tiles_leaves *leaves, const struct tile *tile,
    struct buf *ret_bytes) must_check;

#endif

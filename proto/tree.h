/*
 * Merkle trees (RFC 6962 section 2.1 = RFC 9162 section 2.1) over SHA-256: frontier, root, inclusion and
 * consistency proofs. Pure: hashes of a tree that is stored elsewhere come in through a callback.
 *
 * A *frontier* of n leaves is the popcount(n) roots of the full subtrees that cover it, largest first: all that
 * appending needs.
 */
#ifndef PROTO_TREE_H
#define PROTO_TREE_H

#include "proto/hash.h"
#include "proto/limits.h"

struct frontier {
	uint64_t size;				/* leaves */
	struct hash hashes[TREE_DEPTH_MAX];	/* popcount(size) of them, largest subtree first */
};

void frontier_init(struct frontier *frontier);
unsigned frontier_count(uint64_t size);
/* Appends a leaf hash. Size must stay below TREE_SIZE_MAX (asserted). */
void frontier_append(struct frontier *frontier, const struct hash *leaf);
struct hash frontier_root(const struct frontier *frontier);
bool frontier_equal(const struct frontier *a, const struct frontier *b);
/* u64 size and the hashes, big-endian: the stored and transmitted form. */
void frontier_encode(const struct frontier *frontier, struct buf *ret_bytes);
enum err frontier_decode(struct slice bytes, struct frontier *ret_frontier) must_check;

/* Root over leaf hashes held in memory. */
struct hash tree_root(const struct hash *leaves, uint64_t leaf_count);

/*
 * Where proofs get their hashes: the root of the full subtree number `index` of height `level`, i.e. of the
 * leaves [index << level, (index + 1) << level). Only asked for subtrees that lie wholly inside the tree.
 */
struct tree_source {
	enum err (*hash)(void *cookie, unsigned level, uint64_t index, struct hash *ret_hash);
	void *cookie;
};

struct tree_path {
	struct hash hashes[PROOF_HASHES_MAX];
	size_t count;
};

/* Frontier of the first `size` leaves. */
enum err tree_frontier(const struct tree_source *source, uint64_t size, struct frontier *ret_frontier) must_check;
/* PATH(index, D[size]), the leaf's sibling first. index < size, asserted. */
enum err tree_inclusion(const struct tree_source *source, uint64_t index, uint64_t size, struct tree_path *ret_path) must_check;
/* PROOF(old_size, D[size]); empty for 0 and for equal sizes. old_size <= size, asserted. */
enum err tree_consistency(const struct tree_source *source, uint64_t old_size, uint64_t size, struct tree_path *ret_path) must_check;

/* ERR_PROOF unless the path leads from the leaf hash at `index` to `root` at `size`. */
enum err tree_verify_inclusion(uint64_t index, uint64_t size, const struct hash *leaf, const struct tree_path *path,
    const struct hash *root) must_check;
enum err tree_verify_consistency(uint64_t old_size, uint64_t size, const struct hash *old_root, const struct hash *root,
    const struct tree_path *path) must_check;

#endif

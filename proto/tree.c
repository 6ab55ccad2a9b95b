/*
 * Every proof is a walk up from one node. The walk has two parts: *inner* levels, below the point where the way
 * to the node and the way to the last leaf part, where siblings lie on either side; and the *border*, above it,
 * where every sibling is a full subtree on the left. Only the topmost inner sibling can be a partial subtree: it
 * holds the last leaf. This is RFC 6962's recursion, unrolled into loops over the bits of two numbers.
 *
 * A consistency proof is the same walk, begun at the largest full subtree that ends where the old tree ended.
 */
#include "proto/tree.h"

#include <assert.h>
#include <string.h>

static unsigned bit_length(uint64_t value)
{
	return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

static unsigned trailing_zeros(uint64_t value)
{
	return (unsigned)__builtin_ctzll(value);
}

static unsigned bit_count(uint64_t value)
{
	return (unsigned)__builtin_popcountll(value);
}

void frontier_init(struct frontier *frontier)
{
	memset(frontier, 0, sizeof(*frontier));
}

unsigned frontier_count(uint64_t size)
{
	return bit_count(size);
}

void frontier_append(struct frontier *frontier, const struct hash *leaf)
{
	unsigned count = frontier_count(frontier->size);
	struct hash hash = *leaf;

	assert(frontier->size < TREE_SIZE_MAX);
	/* Each trailing one bit is a full subtree that this leaf makes twice as large. */
	for (uint64_t size = frontier->size; (size & 1) != 0; size >>= 1)
		hash = hash_node(&frontier->hashes[--count], &hash);
	frontier->hashes[count] = hash;
	frontier->size++;
}

struct hash frontier_root(const struct frontier *frontier)
{
	unsigned count = frontier_count(frontier->size);
	struct hash hash;

	if (count == 0)
		return hash_empty();
	hash = frontier->hashes[--count];
	while (count > 0)
		hash = hash_node(&frontier->hashes[--count], &hash);
	return hash;
}

bool frontier_equal(const struct frontier *a, const struct frontier *b)
{
	return a->size == b->size && memcmp(a->hashes, b->hashes, frontier_count(a->size) * sizeof(a->hashes[0])) == 0;
}

void frontier_encode(const struct frontier *frontier, struct buf *ret_bytes)
{
	buf_u64(ret_bytes, frontier->size);
	for (unsigned i = 0; i < frontier_count(frontier->size); i++)
		buf_add_slice(ret_bytes, hash_slice(&frontier->hashes[i]));
}

enum err frontier_decode(struct slice bytes, struct frontier *ret_frontier)
{
	struct reader reader = reader_of(bytes);
	struct frontier frontier;

	frontier_init(&frontier);
	frontier.size = reader_u64(&reader);
	if (frontier.size > TREE_SIZE_MAX)
		return ERR_SYNTAX;
	for (unsigned i = 0; i < frontier_count(frontier.size); i++) {
		struct slice hash = reader_bytes(&reader, HASH_SIZE);

		if (hash.size != HASH_SIZE)
			return ERR_SYNTAX;
		memcpy(frontier.hashes[i].bytes, hash.data, HASH_SIZE);
	}
	if (!reader_is_done(&reader))
		return ERR_SYNTAX;
	*ret_frontier = frontier;
	return OK;
}

struct hash tree_root(const struct hash *leaves, uint64_t leaf_count)
{
	struct frontier frontier;

	frontier_init(&frontier);
	for (uint64_t i = 0; i < leaf_count; i++)
		frontier_append(&frontier, &leaves[i]);
	return frontier_root(&frontier);
}

enum err tree_frontier(const struct tree_source *source, uint64_t size, struct frontier *ret_frontier)
{
	struct frontier frontier;
	unsigned count = 0;
	uint64_t start = 0;
	enum err err;

	assert(size <= TREE_SIZE_MAX);
	frontier_init(&frontier);
	frontier.size = size;
	while (start < size) {
		unsigned level = bit_length(size - start) - 1;

		err = source->hash(source->cookie, level, start >> level, &frontier.hashes[count++]);
		if (err != OK)
			return err;
		start += 1ULL << level;
	}
	*ret_frontier = frontier;
	return OK;
}

/* Root over the leaves from `start` to the end, where `start` begins a subtree that reaches at least to the end. */
static enum err edge_root(const struct tree_source *source, uint64_t start, uint64_t size, struct hash *ret_hash)
{
	struct hash hash, left;
	uint64_t end = size;
	enum err err;

	while (end > start) {
		unsigned level = trailing_zeros(end - start);

		err = source->hash(source->cookie, level, (end >> level) - 1, &left);
		if (err != OK)
			return err;
		hash = end == size ? left : hash_node(&left, &hash);
		end -= 1ULL << level;
	}
	*ret_hash = hash;
	return OK;
}

/* Appends the walk from the full subtree (level, index), exclusive, to the root at `size`. */
static enum err add_walk(
    const struct tree_source *source, unsigned level, uint64_t index, uint64_t size, struct tree_path *path)
{
	unsigned top = level + bit_length(index ^ ((size - 1) >> level));
	enum err err;

	for (; level < top; level++, index >>= 1) {
		struct hash *hash = &path->hashes[path->count++];

		if (level + 1 == top)
			err = edge_root(source, (index ^ 1) << level, size, hash);
		else
			err = source->hash(source->cookie, level, index ^ 1, hash);
		if (err != OK)
			return err;
	}
	for (; index != 0; level++, index >>= 1) {
		if ((index & 1) == 0)
			continue;
		err = source->hash(source->cookie, level, index ^ 1, &path->hashes[path->count++]);
		if (err != OK)
			return err;
	}
	return OK;
}

enum err tree_inclusion(const struct tree_source *source, uint64_t index, uint64_t size, struct tree_path *ret_path)
{
	struct tree_path path = {.count = 0};
	enum err err;

	assert(index < size && size <= TREE_SIZE_MAX);
	err = add_walk(source, 0, index, size, &path);
	if (err == OK)
		*ret_path = path;
	return err;
}

enum err tree_consistency(
    const struct tree_source *source, uint64_t old_size, uint64_t size, struct tree_path *ret_path)
{
	struct tree_path path = {.count = 0};
	enum err err = OK;

	assert(old_size <= size && size <= TREE_SIZE_MAX);
	if (old_size != 0 && old_size != size) {
		unsigned level = trailing_zeros(old_size);
		uint64_t index = (old_size >> level) - 1;

		/* Index 0 is the whole old tree, whose root the verifier holds already. */
		if (index != 0)
			err = source->hash(source->cookie, level, index, &path.hashes[path.count++]);
		if (err == OK)
			err = add_walk(source, level, index, size, &path);
	}
	if (err == OK)
		*ret_path = path;
	return err;
}

enum err tree_verify_inclusion(
    uint64_t index, uint64_t size, const struct hash *leaf, const struct tree_path *path, const struct hash *root)
{
	struct hash hash = *leaf;
	unsigned inner, border;

	if (index >= size || size > TREE_SIZE_MAX)
		return ERR_PROOF;
	inner = bit_length(index ^ (size - 1));
	border = bit_count(index >> inner);
	if (path->count != inner + border)
		return ERR_PROOF;
	for (unsigned i = 0; i < path->count; i++) {
		if (i >= inner || (index >> i & 1) != 0)
			hash = hash_node(&path->hashes[i], &hash);
		else
			hash = hash_node(&hash, &path->hashes[i]);
	}
	return hash_equal(&hash, root) ? OK : ERR_PROOF;
}

/* The walk for 0 < old_size < size: from one node up to both roots at once. */
static enum err verify_growth(uint64_t old_size, uint64_t size, const struct hash *old_root, const struct hash *root,
    const struct tree_path *path)
{
	unsigned level = trailing_zeros(old_size);
	uint64_t index = (old_size >> level) - 1;
	unsigned inner = bit_length(index ^ ((size - 1) >> level));
	unsigned border = bit_count(index >> inner);
	unsigned first = index == 0 ? 0 : 1;
	struct hash old_hash, hash;

	if (path->count != first + inner + border)
		return ERR_PROOF;
	old_hash = hash = index == 0 ? *old_root : path->hashes[0];
	for (unsigned i = 0; i < inner + border; i++) {
		const struct hash *sibling = &path->hashes[first + i];

		if (i >= inner || (index >> i & 1) != 0) {
			old_hash = hash_node(sibling, &old_hash);
			hash = hash_node(sibling, &hash);
		} else {
			/* On the right of the old tree's edge: leaves that it did not have. */
			hash = hash_node(&hash, sibling);
		}
	}
	return hash_equal(&old_hash, old_root) && hash_equal(&hash, root) ? OK : ERR_PROOF;
}

enum err tree_verify_consistency(uint64_t old_size, uint64_t size, const struct hash *old_root, const struct hash *root,
    const struct tree_path *path)
{
	struct hash empty = hash_empty();

	if (old_size > size || size > TREE_SIZE_MAX)
		return ERR_PROOF;
	if (old_size == 0 && !hash_equal(old_root, &empty))
		return ERR_PROOF;
	if (old_size == size)
		return path->count == 0 && hash_equal(old_root, root) ? OK : ERR_PROOF;
	if (old_size == 0)
		return path->count == 0 ? OK : ERR_PROOF;
	return verify_growth(old_size, size, old_root, root, path);
}

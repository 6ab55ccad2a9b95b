#include "daemon/tiles.h"

#include <assert.h>

#define KEY_SIZE (4 + 1 + 8)

static struct slice tile_key(uint32_t tree, unsigned tile_level, uint64_t index, uint8_t ret_key[static KEY_SIZE])
{
	for (unsigned i = 0; i < 4; i++)
		ret_key[i] = (uint8_t)(tree >> (24 - 8 * i));
	ret_key[4] = (uint8_t)tile_level;
	for (unsigned i = 0; i < 8; i++)
		ret_key[5 + i] = (uint8_t)(index >> (56 - 8 * i));
	return slice_of(ret_key, KEY_SIZE);
}

unsigned tiles_complete(struct frontier *frontier, const struct hash *leaf, struct tiles_root *ret_roots)
{
	struct hash hash = *leaf;
	uint64_t size = frontier->size + 1;
	unsigned left = frontier_count(frontier->size), count;

	/* Tiles of level 1..k, where 256^k divides the new size; their roots are the leaf's merges. */
	for (count = 0; count < TILES_LEVELS && size % (1ULL << (TILE_HEIGHT * (count + 1))) == 0; count++) {
		for (unsigned i = 0; i < TILE_HEIGHT; i++) {
			assert(left > 0);
			hash = hash_node(&frontier->hashes[--left], &hash);
		}
		ret_roots[count] = (struct tiles_root){.size = size, .level = count + 1, .root = hash};
	}
	frontier_append(frontier, leaf);
	return count;
}

void tiles_put(struct store_txn *txn, uint32_t tree, const struct tiles_root *roots, size_t count)
{
	uint8_t key[KEY_SIZE];

	for (size_t i = 0; i < count; i++) {
		uint64_t place = (roots[i].size >> (TILE_HEIGHT * roots[i].level)) - 1;

		store_append(txn, STORE_TREE, tile_key(tree, roots[i].level, place, key), hash_slice(&roots[i].root));
	}
}

void tiles_append(struct store_txn *txn, uint32_t tree, struct frontier *frontier, const struct hash *leaf)
{
	struct tiles_root roots[TILES_LEVELS];
	unsigned count = tiles_complete(frontier, leaf, roots);

	tiles_put(txn, tree, roots, count);
}

size_t tiles_root_count_max(size_t leaf_count)
{
	return leaf_count / (TILE_WIDTH - 1) + TILES_LEVELS;
}

/* One hash of a tile: a stored tile root, or a leaf. */
static enum err hash_at(struct store_txn *txn, uint32_t tree, const struct tiles_leaves *leaves, unsigned tile_level,
    uint64_t index, struct hash *ret_hash)
{
	uint8_t key[KEY_SIZE];
	struct slice value;

	if (tile_level == 0)
		return leaves->leaf(leaves->cookie, index, ret_hash);
	if (!store_get(txn, STORE_TREE, tile_key(tree, tile_level, index, key), &value) || value.size != HASH_SIZE)
		return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
	for (unsigned i = 0; i < HASH_SIZE; i++)
		ret_hash->bytes[i] = value.data[i];
	return OK;
}

enum err tiles_hash(struct store_txn *txn, uint32_t tree, const struct tiles_leaves *leaves, unsigned level,
    uint64_t index, struct hash *ret_hash)
{
	unsigned tile_level = level / TILE_HEIGHT, height = level % TILE_HEIGHT;
	uint64_t first = index << height, count = 1ULL << height;
	struct hash row[TILE_WIDTH / 2];
	enum err err;

	assert(level < TREE_DEPTH_MAX);
	for (uint64_t i = 0; i < count; i++) {
		err = hash_at(txn, tree, leaves, tile_level, first + i, &row[i]);
		if (err != OK)
			return err;
	}
	for (; count > 1; count /= 2)
		for (uint64_t i = 0; i < count / 2; i++)
			row[i] = hash_node(&row[2 * i], &row[2 * i + 1]);
	*ret_hash = row[0];
	return OK;
}

enum err tiles_encode(struct store_txn *txn, uint32_t tree, const struct tiles_leaves *leaves, const struct tile *tile,
    struct buf *ret_bytes)
{
	uint64_t first = tile->index * TILE_WIDTH;
	struct slice bytes;
	struct hash hash;
	enum err err = OK;

	for (unsigned i = 0; i < tile->width && err == OK; i++) {
		if (tile->is_bundle) {
			err = leaves->entry(leaves->cookie, first + i, &bytes);
			if (err == OK)
				buf_sized(ret_bytes, bytes);
		} else {
			err = hash_at(txn, tree, leaves, tile->level, first + i, &hash);
			if (err == OK)
				buf_add_slice(ret_bytes, hash_slice(&hash));
		}
	}
	return err != OK ? err : ret_bytes->err;
}

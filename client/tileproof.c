/*
 * A proof asks for the roots of full subtrees. Such a root is one hash of a tile, or is folded from a run of them within
 * one tile; the tiles that a proof touches lie on two paths through the tree, so the last one of each level is kept.
 */
#include "client/tileproof.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/tile.h"

struct source {
	struct link *link;
	uint64_t size;
	struct why *why;
	struct tile_hashes tiles[TILE_LEVELS]; /* the last one of each level */
};

static enum err tile_fetch(struct source *source, const struct tile *tile)
{
	char path[TILE_PATH_SIZE + 8] = "/tile/";
	struct link_request request = {.door = LINK_SERVER,
	    .path = path,
	    .is_anonymous = true,
	    .timeout_s = MONITOR_REQUEST_TIMEOUT_S,
	    .answer_max = TILE_WIDTH * HASH_SIZE};
	struct link_answer answer;
	enum err err;

	tile_format(tile, path + strlen(path));
	err = link_ask(source->link, &request, &answer);
	if (err != OK) {
		*source->why = answer.why;
	} else if (!tile_read(buf_slice(&answer.body), tile, &source->tiles[tile->level])) {
		err = why_set(source->why, ERR_PROOF, "%s is not %u hashes", path, tile->width);
	}
	link_answer_done(&answer);
	return err;
}

/* As struct tree_source asks it. */
static enum err subtree_hash(void *cookie, unsigned level, uint64_t index, struct hash *ret_hash)
{
	struct source *source = cookie;
	unsigned height = level % TILE_HEIGHT, first;
	struct tile tile = {.level = level / TILE_HEIGHT};
	struct tile_hashes *kept = &source->tiles[tile.level];
	enum err err = OK;

	tile.index = (index << height) / TILE_WIDTH;
	tile.width = tile_width(tile.level, tile.index, source->size);
	if (!kept->is_there || kept->index != tile.index)
		err = tile_fetch(source, &tile);
	if (err != OK)
		return err;
	first = (unsigned)((index << height) % TILE_WIDTH);
	/* Only subtrees within the tree are asked for. */
	assert(first + (1u << height) <= kept->width);
	*ret_hash = tree_root(&kept->hashes[first], 1ULL << height);
	return OK;
}

enum err tileproof_consistency(
    struct link *link, uint64_t from, uint64_t to, struct tree_path *ret_path, struct why *why)
{
	struct source *source = calloc(1, sizeof(*source));
	struct why unused;
	enum err err;

	if (source == NULL)
		return ERR_MEMORY;
	source->link = link;
	source->size = to;
	source->why = why != NULL ? why : &unused;
	err = tree_consistency(&(struct tree_source){.hash = subtree_hash, .cookie = source}, from, to, ret_path);
	free(source);
	return err;
}

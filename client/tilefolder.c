#include "client/tilefolder.h"

#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "client/file.h"
#include "client/out.h"

#define PATH_SIZE_MAX 8192

static uint64_t hash_count(const struct tilefolder *folder, unsigned level)
{
	return folder->checkpoint->size >> (TILE_HEIGHT * level);
}

/* ---- one file */

static enum err path_of(const struct tilefolder *folder, const struct tile *tile, struct buf *ret_path)
{
	char name[TILE_PATH_SIZE];

	tile_format(tile, name);
	buf_init(ret_path, PATH_SIZE_MAX);
	buf_printf(ret_path, "%s/tile/%s", folder->path, name);
	return ret_path->err;
}

static enum err file_load(
    const struct tilefolder *folder, const struct tile *tile, struct buf *ret_bytes, struct why *why)
{
	struct buf path;
	enum err err = path_of(folder, tile, &path);

	if (err == OK)
		err = file_read(buf_text(&path), ret_bytes, why);
	buf_done(&path);
	return err;
}

static enum err file_store(
    const struct tilefolder *folder, const struct tile *tile, struct slice bytes, struct why *why)
{
	char *parent = NULL;
	struct buf path;
	enum err err = path_of(folder, tile, &path);

	if (err == OK) {
		parent = strdup(buf_text(&path));
		err = parent == NULL ? ERR_MEMORY : file_make_folder(dirname(parent), why);
	}
	if (err == OK)
		err = file_write(buf_text(&path), bytes, 0644, why);
	free(parent);
	buf_done(&path);
	return err;
}

/* Complains by itself. */
static enum exit_code fetch(struct tilefolder *folder, const struct tile *tile, struct buf *ret_bytes)
{
	char path[TILE_PATH_SIZE + 8] = "/tile/";
	struct link_request request = {
	    .door = LINK_SERVER, .path = path, .is_anonymous = !tile->is_bundle, .answer_max = BUNDLE_SIZE_MAX};
	struct link_answer answer;
	enum exit_code code = EXIT_OK;

	tile_format(tile, path + strlen(path));
	if (link_ask(folder->link, &request, &answer) != OK) {
		code = out_fail_answer(&answer);
	} else {
		buf_clear(ret_bytes);
		buf_add_slice(ret_bytes, buf_slice(&answer.body));
		if (ret_bytes->err != OK)
			code = out_fail(ret_bytes->err, NULL, NULL);
	}
	folder->fetched_count++;
	link_answer_done(&answer);
	return code;
}

static enum exit_code fail_wrong(const struct tile *tile)
{
	char name[TILE_PATH_SIZE];
	struct why why = {""};

	tile_format(tile, name);
	(void)why_set(&why, ERR_PROOF, "/tile/%s is not what the checkpoint was made of", name);
	(void)out_fail(ERR_PROOF, &why, "nothing of it was written; tell the ledger's operator");
	return EXIT_UNVERIFIED;
}

/* ---- hashes */

/* A hash of a tile that is known to be right: at the edge, or a full one that is written already. */
static enum err hash_at(struct tilefolder *folder, unsigned level, uint64_t index, struct hash *ret_hash)
{
	struct tile tile = {.level = level, .index = index / TILE_WIDTH, .width = TILE_WIDTH};
	struct tile_hashes *edge = &folder->edges[level], *last = &folder->last[level];
	struct buf bytes;
	enum err err = OK;

	if (edge->is_there && edge->index == tile.index) {
		*ret_hash = edge->hashes[index % TILE_WIDTH];
		return OK;
	}
	if (!last->is_there || last->index != tile.index) {
		buf_init(&bytes, TILE_WIDTH * HASH_SIZE);
		err = file_load(folder, &tile, &bytes, NULL);
		if (err == OK && !tile_read(buf_slice(&bytes), &tile, last))
			err = ERR_DAMAGED;
		buf_done(&bytes);
	}
	if (err == OK)
		*ret_hash = last->hashes[index % TILE_WIDTH];
	return err;
}

static enum err subtree_hash(void *cookie, unsigned level, uint64_t index, struct hash *ret_hash)
{
	unsigned height = level % TILE_HEIGHT;
	uint64_t count = 1ULL << height;
	struct hash row[TILE_WIDTH / 2];
	enum err err = OK;

	for (uint64_t i = 0; i < count && err == OK; i++)
		err = hash_at(cookie, level / TILE_HEIGHT, (index << height) + i, &row[i]);
	if (err == OK)
		*ret_hash = tree_root(row, count);
	return err;
}

/* ---- is it right? */

static bool is_right_tile(struct tilefolder *folder, const struct tile *tile, struct slice bytes)
{
	struct tile_hashes read;
	struct hash above, root;

	if (!tile_read(bytes, tile, &read) || hash_at(folder, tile->level + 1, tile->index, &above) != OK)
		return false;
	root = tree_root(read.hashes, TILE_WIDTH);
	if (!hash_equal(&root, &above))
		return false;
	folder->last[tile->level] = read;
	return true;
}

static bool is_right_bundle(struct tilefolder *folder, const struct tile *tile, struct slice bytes)
{
	struct reader reader = reader_of(bytes);
	struct hash want, found;

	for (unsigned i = 0; i < tile->width; i++) {
		found = hash_leaf(reader_sized(&reader));
		if (reader.is_short || hash_at(folder, 0, tile->index * TILE_WIDTH + i, &want) != OK ||
		    !hash_equal(&found, &want))
			return false;
	}
	return reader_is_done(&reader);
}

static bool is_right(struct tilefolder *folder, const struct tile *tile, struct slice bytes)
{
	return tile->is_bundle ? is_right_bundle(folder, tile, bytes) : is_right_tile(folder, tile, bytes);
}

/* Keeps what is there and right; fetches the rest. */
static enum exit_code obtain(struct tilefolder *folder, const struct tile *tile)
{
	struct why why = {""};
	struct buf bytes;
	enum exit_code code = EXIT_OK;
	enum err err;

	/* Room for what is too long to be right, too. */
	buf_init(&bytes, BUNDLE_SIZE_MAX);
	err = file_load(folder, tile, &bytes, &why);
	if (err == OK && is_right(folder, tile, buf_slice(&bytes))) {
		folder->kept_count++;
		goto out;
	}
	if (err != OK && err != ERR_NOT_FOUND && err != ERR_TOO_LARGE) {
		code = out_fail(err, &why, NULL);
		goto out;
	}
	code = fetch(folder, tile, &bytes);
	if (code == EXIT_OK && !is_right(folder, tile, buf_slice(&bytes)))
		code = fail_wrong(tile);
	if (code == EXIT_OK) {
		err = file_store(folder, tile, buf_slice(&bytes), &why);
		code = err == OK ? EXIT_OK : out_fail(err, &why, NULL);
	}
out:
	buf_done(&bytes);
	return code;
}

/* ---- the right edge */

/* The tile at the end of a level that is not full; false where all are. */
static bool edge_tile(const struct tilefolder *folder, unsigned level, struct tile *ret_tile)
{
	uint64_t count = hash_count(folder, level);

	*ret_tile = (struct tile){.level = level, .index = count / TILE_WIDTH, .width = (unsigned)(count % TILE_WIDTH)};
	return ret_tile->width > 0;
}

static enum exit_code edges_fetch(struct tilefolder *folder)
{
	enum exit_code code = EXIT_OK;
	struct frontier frontier;
	struct hash root;
	struct tile tile;
	struct buf bytes;

	buf_init(&bytes, BUNDLE_SIZE_MAX);
	for (unsigned level = 0; level < TILE_LEVELS && code == EXIT_OK; level++) {
		folder->edges[level].is_there = folder->last[level].is_there = false;
		if (!edge_tile(folder, level, &tile))
			continue;
		code = fetch(folder, &tile, &bytes);
		if (code == EXIT_OK && !tile_read(buf_slice(&bytes), &tile, &folder->edges[level]))
			code = fail_wrong(&tile);
	}
	buf_done(&bytes);
	if (code != EXIT_OK)
		return code;
	/* The full subtrees that a tree consists of all have their hashes in these tiles. */
	if (tree_frontier(&(struct tree_source){.hash = subtree_hash, .cookie = folder}, folder->checkpoint->size,
		&frontier) != OK)
		return out_fail(ERR_MEMORY, NULL, NULL);
	root = frontier_root(&frontier);
	if (hash_equal(&root, &folder->checkpoint->root))
		return EXIT_OK;
	(void)out_fail(ERR_PROOF, NULL, "the server's tiles do not give the root that it signed; nothing was written");
	return EXIT_UNVERIFIED;
}

static enum exit_code edges_store(struct tilefolder *folder)
{
	struct why why = {""};
	struct tile tile;
	struct buf bytes;
	enum err err = OK;

	buf_init(&bytes, TILE_WIDTH * HASH_SIZE);
	for (unsigned level = 0; level < TILE_LEVELS && err == OK; level++) {
		if (!edge_tile(folder, level, &tile))
			continue;
		buf_clear(&bytes);
		for (unsigned i = 0; i < tile.width; i++)
			buf_add_slice(&bytes, hash_slice(&folder->edges[level].hashes[i]));
		err = bytes.err == OK ? file_store(folder, &tile, buf_slice(&bytes), &why) : bytes.err;
	}
	buf_done(&bytes);
	return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
}

/* ---- all of it */

/* Each full tile of the leaves, and the entries that they are the leaves of. */
static enum exit_code leaves_fill(struct tilefolder *folder)
{
	uint64_t full_count = hash_count(folder, 0) / TILE_WIDTH;
	struct tile tile = {.width = TILE_WIDTH}, bundle = {.is_bundle = true, .width = TILE_WIDTH};
	enum exit_code code = EXIT_OK;

	for (uint64_t i = 0; i < full_count && code == EXIT_OK; i++) {
		if (folder->on_progress != NULL)
			folder->on_progress(folder->cookie, i * TILE_WIDTH, folder->checkpoint->size);
		tile.index = bundle.index = i;
		code = obtain(folder, &tile);
		if (code == EXIT_OK)
			code = obtain(folder, &bundle);
	}
	if (code != EXIT_OK || !edge_tile(folder, 0, &tile))
		return code;
	bundle.index = tile.index;
	bundle.width = tile.width;
	return obtain(folder, &bundle);
}

enum exit_code tilefolder_fill(struct tilefolder *folder)
{
	struct tile tile = {.width = TILE_WIDTH};
	enum exit_code code;

	code = edges_fetch(folder);
	if (code == EXIT_OK)
		code = edges_store(folder);
	/* From above: the hash that a tile must give is there before the tile is. */
	for (unsigned level = TILE_LEVELS - 1; level > 0 && code == EXIT_OK; level--) {
		tile.level = level;
		for (uint64_t i = 0; i < hash_count(folder, level) / TILE_WIDTH && code == EXIT_OK; i++) {
			tile.index = i;
			code = obtain(folder, &tile);
		}
	}
	return code == EXIT_OK ? leaves_fill(folder) : code;
}

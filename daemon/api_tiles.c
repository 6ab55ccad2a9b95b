/*
 * Tiles (C2SP tlog-tiles): the hashes of the ledger for anybody, the entries themselves for the bureau and auditors, and
 * a venue's feed for the venue. What is served of the ledger is what the newest checkpoint covers. A tile of a size
 * that was passed long ago is made as the present one is, from entries and stored tile roots: each answer costs at
 * most one tile of leaves.
 */
#include "daemon/api_internal.h"

#include <assert.h>
#include <string.h>

/* Whoever has it need never ask again. */
#define CACHE_FOR_EVER "public, max-age=31536000, immutable"
#define TILE_TYPE "application/octet-stream"

/* What stands behind "/tile/" in a feed's path. */
static struct slice path_in_feed(const struct reading *reading)
{
	size_t size = strlen("/v1/feeds/") + reading->subject.size + strlen("/tile/");
	struct slice path = reading->target->path;

	assert(path.size > size);
	return slice_of(path.data + size, path.size - size);
}

/* A name of another form, or a tile that `size` leaves do not fill so far, is absent. */
static enum err find_tile(struct slice path, uint64_t size, struct tile *ret_tile, struct why *why)
{
	struct tile tile;

	if (tile_parse(path, &tile) != OK)
		return why_set(why, ERR_NOT_FOUND, "this is no name of a tile");
	if (tile.width > tile_width(tile.level, tile.index, size))
		return why_set(
		    why, ERR_NOT_FOUND, "%llu leaves do not fill this tile so far", (unsigned long long)size);
	*ret_tile = tile;
	return OK;
}

static void begin_body(struct reading *reading, const struct tile *tile)
{
	reading->content_type = TILE_TYPE;
	buf_init(&reading->body, tile->is_bundle ? BUNDLE_SIZE_MAX : TILE_WIDTH * HASH_SIZE);
}

enum err api_tile(struct reading *reading, struct store_txn *txn)
{
	struct tiles_leaves leaves = ledger_leaves(txn);
	struct tile tile;
	enum err err = find_tile(reading->subject, reading->head.size, &tile, &reading->why);

	if (err != OK)
		return err;
	assert(!tile.is_bundle);
	begin_body(reading, &tile);
	reading->cache_control = CACHE_FOR_EVER;
	return tiles_encode(txn, LEDGER_TREE, &leaves, &tile, &reading->body);
}

enum err api_bundle(struct reading *reading, struct store_txn *txn)
{
	static const char prefix[] = "/tile/";
	struct tiles_leaves leaves = ledger_leaves(txn);
	struct slice path = reading->target->path;
	struct tile tile;
	enum err err = find_tile(
	    slice_of(path.data + strlen(prefix), path.size - strlen(prefix)), reading->head.size, &tile, &reading->why);

	if (err != OK)
		return err;
	assert(tile.is_bundle);
	begin_body(reading, &tile);
	return tiles_encode(txn, LEDGER_TREE, &leaves, &tile, &reading->body);
}

enum err api_feed_tile(struct reading *reading, struct store_txn *txn)
{
	struct feed_lookup lookup;
	struct tiles_leaves leaves;
	struct api_feed_named named;
	struct tile tile;
	enum err err = api_find_feed(reading, txn, &named);

	if (err == OK)
		err = find_tile(path_in_feed(reading), named.feed.frontier.size, &tile, &reading->why);
	if (err != OK)
		return err;
	begin_body(reading, &tile);
	feed_lookup_init(&lookup, txn, &named.feed);
	leaves = feed_lookup_leaves(&lookup);
	err = tiles_encode(txn, named.feed.number, &leaves, &tile, &reading->body);
	feed_lookup_done(&lookup);
	return err;
}

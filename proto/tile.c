#include "proto/tile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BUNDLES "entries"
#define GROUP_DIGITS 3

/* Takes `size` bytes off the front. */
static struct slice take(struct slice *rest, size_t size)
{
	struct slice taken = slice_of(rest->data, size);

	*rest = slice_of(rest->data + size, rest->size - size);
	return taken;
}

static bool take_text(struct slice *rest, const char *text)
{
	size_t size = strlen(text);

	if (rest->size < size || memcmp(rest->data, text, size) != 0)
		return false;
	(void)take(rest, size);
	return true;
}

static enum err take_level(struct slice *rest, struct tile *tile)
{
	const uint8_t *end = rest->size > 0 ? memchr(rest->data, '/', rest->size) : NULL;
	uint64_t level;
	struct slice word;
	enum err err;

	if (end == NULL)
		return ERR_SYNTAX;
	word = take(rest, (size_t)(end - rest->data));
	(void)take(rest, 1);
	tile->is_bundle = slice_equal(word, slice_text(BUNDLES));
	if (tile->is_bundle)
		return OK;
	err = decimal_parse(word, TILE_LEVELS - 1, &level);
	tile->level = (unsigned)level;
	return err == OK ? OK : ERR_SYNTAX;
}

/* x001/x234/067: every group but the last has its x, and the first of several is not zero. */
static enum err take_index(struct slice *rest, uint64_t *ret_index)
{
	uint64_t index = 0;
	bool is_last = false;

	for (bool is_first = true; !is_last; is_first = false) {
		unsigned group = 0;

		is_last = !take_text(rest, "x");
		if (rest->size < GROUP_DIGITS)
			return ERR_SYNTAX;
		for (unsigned i = 0; i < GROUP_DIGITS; i++) {
			if (rest->data[i] < '0' || rest->data[i] > '9')
				return ERR_SYNTAX;
			group = 10 * group + (rest->data[i] - '0');
		}
		(void)take(rest, GROUP_DIGITS);
		if (!is_last && ((is_first && group == 0) || !take_text(rest, "/")))
			return ERR_SYNTAX;
		index = 1000 * index + group;
		if (index >= TREE_SIZE_MAX / TILE_WIDTH)
			return ERR_SYNTAX;
	}
	*ret_index = index;
	return OK;
}

enum err tile_parse(struct slice path, struct tile *ret_tile)
{
	struct tile tile = {.width = TILE_WIDTH};
	uint64_t width;
	enum err err = take_level(&path, &tile);

	if (err == OK)
		err = take_index(&path, &tile.index);
	if (err != OK)
		return err;
	if (path.size > 0) {
		if (!take_text(&path, ".p/") || decimal_parse(path, TILE_WIDTH - 1, &width) != OK || width == 0)
			return ERR_SYNTAX;
		tile.width = (unsigned)width;
	}
	*ret_tile = tile;
	return OK;
}

void tile_format(const struct tile *tile, char ret_path[static TILE_PATH_SIZE])
{
	uint64_t power = 1;
	size_t size;

	assert(tile->level < TILE_LEVELS && tile->index < TREE_SIZE_MAX / TILE_WIDTH);
	assert(tile->width >= 1 && tile->width <= TILE_WIDTH);
	if (tile->is_bundle)
		size = (size_t)snprintf(ret_path, TILE_PATH_SIZE, "%s/", BUNDLES);
	else
		size = (size_t)snprintf(ret_path, TILE_PATH_SIZE, "%u/", tile->level);
	while (tile->index / power >= 1000)
		power *= 1000;
	for (; power > 1; power /= 1000)
		size += (size_t)snprintf(
		    ret_path + size, TILE_PATH_SIZE - size, "x%03" PRIu64 "/", tile->index / power % 1000);
	size += (size_t)snprintf(ret_path + size, TILE_PATH_SIZE - size, "%03" PRIu64, tile->index % 1000);
	if (tile->width < TILE_WIDTH)
		size += (size_t)snprintf(ret_path + size, TILE_PATH_SIZE - size, ".p/%u", tile->width);
	assert(size < TILE_PATH_SIZE);
}

unsigned tile_width(unsigned level, uint64_t index, uint64_t size)
{
	uint64_t count, first = index * TILE_WIDTH;

	assert(level < TILE_LEVELS && index < TREE_SIZE_MAX / TILE_WIDTH);
	count = size >> (TILE_HEIGHT * level);
	if (count <= first)
		return 0;
	return count - first < TILE_WIDTH ? (unsigned)(count - first) : TILE_WIDTH;
}

bool tile_read(struct slice bytes, const struct tile *tile, struct tile_hashes *ret_hashes)
{
	if (bytes.size != (size_t)tile->width * HASH_SIZE)
		return false;
	for (unsigned i = 0; i < tile->width; i++)
		memcpy(ret_hashes->hashes[i].bytes, bytes.data + (size_t)i * HASH_SIZE, HASH_SIZE);
	ret_hashes->is_there = true;
	ret_hashes->index = tile->index;
	ret_hashes->width = tile->width;
	return true;
}

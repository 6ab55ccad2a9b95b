/* Tile roots against trees over the leaves themselves, for the leaves "rec-0", "rec-1" … */
#include "daemon/tiles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MAP_SIZE (64u << 20)
#define LEAVES_MAX 70000

static struct hash leaves[LEAVES_MAX];

struct place {
	char folder[64];
	struct store *store;
	struct store_txn *txn;
	struct frontier frontier; /* of tree 5 */
};

static enum err leaf_at(void *cookie, uint64_t index, struct hash *ret_hash)
{
	const uint64_t *size = cookie;

	if (index >= *size)
		return ERR_IO;
	*ret_hash = leaves[index];
	return OK;
}

static int make_leaves(void **state)
{
	char text[24];

	(void)state;
	for (size_t i = 0; i < LEAVES_MAX; i++) {
		snprintf(text, sizeof(text), "rec-%zu", i);
		leaves[i] = hash_leaf(slice_text(text));
	}
	return 0;
}

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct why why;

	snprintf(place->folder, sizeof(place->folder), "/tmp/subsidyd-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	assert_int_equal(store_open(place->folder, MAP_SIZE, STORE_SCRATCH, &place->store, &why), OK);
	assert_int_equal(store_write(place->store, &place->txn), OK);
	frontier_init(&place->frontier);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
	struct place *place = *state;
	char path[128];

	store_abort(place->txn);
	store_close(place->store);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", place->folder, names[i]);
		unlink(path);
	}
	rmdir(place->folder);
	free(place);
	return 0;
}

static void append(struct place *place, uint64_t size)
{
	while (place->frontier.size < size)
		tiles_append(place->txn, 5, &place->frontier, &leaves[place->frontier.size]);
	assert_int_equal(store_error(place->txn), OK);
}

static void expect_hex(const struct hash *hash, const char *hex)
{
	char text[2 * HASH_SIZE + 1];

	hex_format(hash_slice(hash), text);
	assert_string_equal(text, hex);
}

static uint64_t count_tiles(struct place *place)
{
	struct store_cursor cursor;
	uint64_t count = 0;

	store_cursor_open(&cursor, place->txn, STORE_TREE);
	for (bool is_there = store_cursor_first(&cursor); is_there; is_there = store_cursor_next(&cursor))
		count++;
	store_cursor_close(&cursor);
	return count;
}

static void gives_the_published_roots(void **state)
{
	struct place *place = *state;
	uint64_t size = LEAVES_MAX;
	struct tiles_leaves source = {.leaf = leaf_at, .cookie = &size};
	struct hash root;

	append(place, 300);
	root = frontier_root(&place->frontier);
	expect_hex(&root, "df181a7a420cb0d817930ebb7151d194b4ae7b97459b132190388b4e039b5406");
	assert_int_equal(tiles_hash(place->txn, 5, &source, 8, 0, &root), OK);
	expect_hex(&root, "26addb29c15109363f2dc4306201b7a382bf4a199a8e959ff54e8c09555da038");
	append(place, 70000);
	root = frontier_root(&place->frontier);
	expect_hex(&root, "0e8c12c24a3eb04e41fe6445fba6ad86add93534d875beadb20ed4c1e6016279");
}

static void gives_the_hash_of_every_subtree(void **state)
{
	struct place *place = *state;
	uint64_t size = LEAVES_MAX;
	struct tiles_leaves source = {.leaf = leaf_at, .cookie = &size};

	append(place, size);
	/* 273 tiles of leaves, and one of the roots of 256 of these. */
	assert_int_equal(count_tiles(place), 274);
	for (unsigned level = 0; size >> level > 0; level++) {
		for (uint64_t index = 0; index < size >> level; index++) {
			struct hash want = tree_root(&leaves[index << level], 1ULL << level), hash;

			assert_int_equal(tiles_hash(place->txn, 5, &source, level, index, &hash), OK);
			if (!hash_equal(&hash, &want))
				fail_msg("level %u, index %llu", level, (unsigned long long)index);
		}
	}
}

static void stores_a_tile_when_it_is_full(void **state)
{
	static const struct {
		uint64_t size, tiles;
	} rows[] = {{255, 0}, {256, 1}, {257, 1}, {511, 1}, {512, 2}, {65535, 255}, {65536, 257}, {65537, 257}};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		append(place, rows[i].size);
		if (count_tiles(place) != rows[i].tiles)
			fail_msg("size %llu: %llu tiles", (unsigned long long)rows[i].size,
			    (unsigned long long)count_tiles(place));
	}
}

/* From above 8 levels only stored tiles are read: what is below is not asked for. */
static void reads_leaves_for_the_lowest_tiles_only(void **state)
{
	struct place *place = *state;
	uint64_t none = 0;
	struct tiles_leaves source = {.leaf = leaf_at, .cookie = &none};
	struct hash hash, want = tree_root(leaves, 512);

	append(place, 600);
	assert_int_equal(tiles_hash(place->txn, 5, &source, 9, 0, &hash), OK);
	assert_memory_equal(&hash, &want, sizeof(hash));
	assert_int_equal(tiles_hash(place->txn, 5, &source, 7, 0, &hash), ERR_IO);
}

static void keeps_trees_apart(void **state)
{
	struct place *place = *state;
	uint64_t size = LEAVES_MAX;
	struct tiles_leaves source = {.leaf = leaf_at, .cookie = &size};
	struct frontier other;
	struct hash hash, want = tree_root(leaves, 256), want_other = tree_root(leaves + 1000, 256);

	frontier_init(&other);
	for (uint64_t i = 0; i < 300; i++) {
		append(place, i + 1);
		tiles_append(place->txn, 0x010005, &other, &leaves[1000 + i]);
	}
	assert_int_equal(tiles_hash(place->txn, 5, &source, 8, 0, &hash), OK);
	assert_memory_equal(&hash, &want, sizeof(hash));
	assert_int_equal(tiles_hash(place->txn, 0x010005, &source, 8, 0, &hash), OK);
	assert_memory_equal(&hash, &want_other, sizeof(hash));
	assert_int_equal(tiles_hash(place->txn, 6, &source, 8, 0, &hash), ERR_DAMAGED);
}

static void takes_a_missing_or_misshapen_tile_for_damage(void **state)
{
	/* u32 tree, u8 level, u64 index */
	static const uint8_t key[] = {0, 0, 0, 5, 1, 0, 0, 0, 0, 0, 0, 0, 1};
	struct place *place = *state;
	uint64_t size = LEAVES_MAX;
	struct tiles_leaves source = {.leaf = leaf_at, .cookie = &size};
	struct hash hash;

	append(place, 1024);
	assert_int_equal(tiles_hash(place->txn, 5, &source, 8, 1, &hash), OK);
	for (size_t row_size = HASH_SIZE - 1; row_size <= HASH_SIZE + 1; row_size += 2) {
		store_put(place->txn, STORE_TREE, slice_of(key, sizeof(key)), slice_of(leaves, row_size));
		assert_int_equal(tiles_hash(place->txn, 5, &source, 8, 1, &hash), ERR_DAMAGED);
	}
	store_delete(place->txn, STORE_TREE, slice_of(key, sizeof(key)));
	assert_int_equal(tiles_hash(place->txn, 5, &source, 8, 1, &hash), ERR_DAMAGED);
	assert_int_equal(tiles_hash(place->txn, 5, &source, 10, 0, &hash), ERR_DAMAGED);
	assert_int_equal(tiles_hash(place->txn, 5, &source, 9, 1, &hash), OK);
	store_fail(place->txn, ERR_MEMORY);
	assert_int_equal(tiles_hash(place->txn, 5, &source, 9, 1, &hash), ERR_MEMORY);
}

/* ---- what is served */

/* The leaves' own bytes, below a size. */
static enum err text_at(void *cookie, uint64_t index, struct slice *ret_bytes)
{
	static char text[24];
	const uint64_t *size = cookie;

	if (index >= *size)
		return ERR_IO;
	*ret_bytes = slice_of(text, (size_t)snprintf(text, sizeof(text), "rec-%llu", (unsigned long long)index));
	return OK;
}

static void encode(struct place *place, const char *path, struct buf *ret_bytes)
{
	struct tiles_leaves source = {.leaf = leaf_at, .cookie = &place->frontier.size, .entry = text_at};
	struct tile tile;

	buf_clear(ret_bytes);
	if (tile_parse(slice_text(path), &tile) != OK)
		fail_msg("%s", path);
	if (tile.width > tile_width(tile.level, tile.index, place->frontier.size))
		fail_msg("%s is not there", path);
	if (tiles_encode(place->txn, 5, &source, &tile, ret_bytes) != OK)
		fail_msg("%s can't be made", path);
}

/* The published content for 300 leaves, and the tiles of 70,000 against trees over the leaves. */
static void makes_the_published_tiles(void **state)
{
	static const struct {
		const char *path, *sha256;
		size_t size;
	} rows[] = {
	    {"0/000", "f95e1907e8fc878b99c38187ec3c2a4eef2c9d28560d4d4a1ce04c80162227d4", 8192},
	    {"0/001.p/44", "c9c6987f67f7460e286ee5c8883401b7a4b8f0fd9ba052e6dd0f14fe1ead6294", 1408},
	    {"entries/000", "58619d40f20e4a750931dbcdc85789d94d9301d7ae29dfe370cd4d8b6082899b", 2194},
	    {"entries/001.p/44", "5e29f8e97a0a6a15bc520ebd0d01ba40171ab05b4a5d0cd53646002564749ead", 396},
	};
	struct place *place = *state;
	struct buf bytes;
	struct hash hash;

	buf_init(&bytes, BUNDLE_SIZE_MAX);
	append(place, 300);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		encode(place, rows[i].path, &bytes);
		assert_int_equal(bytes.size, rows[i].size);
		hash = hash_sha256(buf_slice(&bytes));
		expect_hex(&hash, rows[i].sha256);
	}
	encode(place, "1/000.p/1", &bytes);
	assert_int_equal(bytes.size, HASH_SIZE);
	memcpy(hash.bytes, bytes.data, HASH_SIZE);
	expect_hex(&hash, "26addb29c15109363f2dc4306201b7a382bf4a199a8e959ff54e8c09555da038");
	buf_done(&bytes);
}

static void lays_out_70000_leaves(void **state)
{
	static const struct {
		const char *path;
		uint64_t first, leaf_count; /* of each hash: leaves [first + i * leaf_count, …) */
		unsigned width;
	} rows[] = {{"0/000", 0, 1, 256}, {"0/272", 272 * 256, 1, 256}, {"0/273.p/112", 273 * 256, 1, 112},
	    {"0/273.p/1", 273 * 256, 1, 1}, {"1/000", 0, 256, 256}, {"1/001.p/17", 65536, 256, 17},
	    {"1/000.p/9", 0, 256, 9}, {"2/000.p/1", 0, 65536, 1}};
	struct place *place = *state;
	struct buf bytes;

	buf_init(&bytes, BUNDLE_SIZE_MAX);
	append(place, 70000);
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		encode(place, rows[row].path, &bytes);
		assert_int_equal(bytes.size, rows[row].width * HASH_SIZE);
		for (uint64_t i = 0; i < rows[row].width; i++) {
			struct hash want =
			    tree_root(leaves + rows[row].first + i * rows[row].leaf_count, rows[row].leaf_count);

			if (memcmp(bytes.data + i * HASH_SIZE, want.bytes, HASH_SIZE) != 0)
				fail_msg("%s: hash %llu", rows[row].path, (unsigned long long)i);
		}
	}
	buf_done(&bytes);
}

/* The eight leaves of Certificate Transparency's own tests. */
static enum err ct_leaf_at(void *cookie, uint64_t index, struct slice *ret_bytes)
{
	static const char *const texts[] = {
	    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
	static uint8_t bytes[16];

	(void)cookie;
	*ret_bytes = slice_of(bytes, strlen(texts[index]) / 2);
	return hex_parse(slice_text(texts[index]), bytes, ret_bytes->size);
}

static void makes_the_published_bundle(void **state)
{
	static const char want[] = "0000000100000110000220210002303100044041424300085051525354555657"
				   "0010606162636465666768696a6b6c6d6e6f";
	struct place *place = *state;
	struct tiles_leaves source = {.entry = ct_leaf_at};
	struct tile tile = {.is_bundle = true, .width = 8};
	struct buf bytes;
	char text[sizeof(want)];

	buf_init(&bytes, BUNDLE_SIZE_MAX);
	assert_int_equal(tiles_encode(place->txn, 5, &source, &tile, &bytes), OK);
	assert_int_equal(bytes.size, sizeof(want) / 2);
	hex_format(buf_slice(&bytes), text);
	assert_string_equal(text, want);
	buf_done(&bytes);
}

static void says_what_keeps_it_from_a_tile(void **state)
{
	struct place *place = *state;
	uint64_t size = 255;
	struct tiles_leaves source = {.leaf = leaf_at, .cookie = &size, .entry = text_at};
	struct tile tile = {.width = TILE_WIDTH}, bundle = {.is_bundle = true, .width = TILE_WIDTH};
	struct tile above = {.level = 1, .width = 2};
	struct buf bytes;

	append(place, 300);
	buf_init(&bytes, TILE_WIDTH * HASH_SIZE - 1);
	assert_int_equal(tiles_encode(place->txn, 5, &source, &tile, &bytes), ERR_IO);
	buf_clear(&bytes);
	assert_int_equal(tiles_encode(place->txn, 5, &source, &bundle, &bytes), ERR_IO);
	buf_clear(&bytes);
	assert_int_equal(tiles_encode(place->txn, 5, &source, &above, &bytes), ERR_DAMAGED);
	buf_clear(&bytes);
	size = 256;
	assert_int_equal(tiles_encode(place->txn, 5, &source, &tile, &bytes), ERR_TOO_LARGE);
	buf_done(&bytes);
}

/* Room for them is asked for beforehand: wherever the leaves begin, there are no more. */
static void knows_how_many_roots_come_at_most(void **state)
{
	static const uint64_t starts[] = {0, 1, 255, 65535, 65536, (1u << 24) - 1, (1ULL << 40) - 1};
	static const size_t counts[] = {1, 2, 255, 256, 257, 65535, 65536, 65537};

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++) {
			uint64_t roots = 0;

			for (unsigned level = 1; level <= TILES_LEVELS; level++)
				roots += ((starts[i] + counts[j]) >> (TILE_HEIGHT * level)) -
					 (starts[i] >> (TILE_HEIGHT * level));
			assert_in_range(tiles_root_count_max(counts[j]), roots, counts[j] + TILES_LEVELS);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(gives_the_published_roots, setup, teardown),
	    cmocka_unit_test_setup_teardown(gives_the_hash_of_every_subtree, setup, teardown),
	    cmocka_unit_test_setup_teardown(stores_a_tile_when_it_is_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(reads_leaves_for_the_lowest_tiles_only, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_trees_apart, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_a_missing_or_misshapen_tile_for_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(makes_the_published_tiles, setup, teardown),
	    cmocka_unit_test_setup_teardown(lays_out_70000_leaves, setup, teardown),
	    cmocka_unit_test_setup_teardown(makes_the_published_bundle, setup, teardown),
	    cmocka_unit_test_setup_teardown(says_what_keeps_it_from_a_tile, setup, teardown),
	    cmocka_unit_test(knows_how_many_roots_come_at_most),
	};
	return cmocka_run_group_tests(tests, make_leaves, NULL);
}

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
	struct tiles_leaves source = {leaf_at, &size};
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
	struct tiles_leaves source = {leaf_at, &size};

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
	struct tiles_leaves source = {leaf_at, &none};
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
	struct tiles_leaves source = {leaf_at, &size};
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
	struct tiles_leaves source = {leaf_at, &size};
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(gives_the_published_roots, setup, teardown),
	    cmocka_unit_test_setup_teardown(gives_the_hash_of_every_subtree, setup, teardown),
	    cmocka_unit_test_setup_teardown(stores_a_tile_when_it_is_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(reads_leaves_for_the_lowest_tiles_only, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_trees_apart, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_a_missing_or_misshapen_tile_for_damage, setup, teardown),
	};
	return cmocka_run_group_tests(tests, make_leaves, NULL);
}

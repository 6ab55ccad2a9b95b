/*
 * Trees against the Certificate Transparency vectors, and against the RFC's own recursion, written out here in its
 * plainest form, for every size to SIZE_MAX_TRIED. Sizes near the limit use a tree of equal leaves, whose subtrees
 * of one height are all the same.
 */
#include "proto/tree.h"

#include "tests/unit/tree_fixture.h"

#define SIZE_MAX_TRIED 70

static struct hash leaves[SIZE_MAX_TRIED];
static struct hash roots[SIZE_MAX_TRIED + 1];

static struct hash hash_of_hex(const char *hex)
{
	struct hash hash;

	assert_int_equal(hex_parse(slice_text(hex), hash.bytes, HASH_SIZE), OK);
	return hash;
}

static void expect_hash(const char *what, uint64_t number, const struct hash *hash, const char *hex)
{
	char text[2 * HASH_SIZE + 1];

	hex_format(hash_slice(hash), text);
	if (strcmp(text, hex) != 0)
		fail_msg("%s %llu: %s, expected %s", what, (unsigned long long)number, text, hex);
}

/* A source over hashes in memory that fails when asked for a subtree outside the tree, or once `fails_after` is 0. */
struct memory {
	const struct hash *leaves;
	uint64_t size;
	unsigned fails_after;
};

static enum err memory_hash(void *cookie, unsigned level, uint64_t index, struct hash *ret_hash)
{
	struct memory *memory = cookie;

	if (level >= 64 || (index + 1) << level > memory->size)
		fail_msg("asked for subtree %llu of height %u in a tree of %llu", (unsigned long long)index, level,
		    (unsigned long long)memory->size);
	if (memory->fails_after-- == 0)
		return ERR_DAMAGED;
	*ret_hash = rfc_root(memory->leaves + (index << level), (size_t)1 << level);
	return OK;
}

/* A tree of equal leaves: cookie is the array of its subtrees' roots by height. */
static enum err uniform_hash(void *cookie, unsigned level, uint64_t index, struct hash *ret_hash)
{
	(void)index;
	*ret_hash = ((const struct hash *)cookie)[level];
	return OK;
}

static int make_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZE_MAX_TRIED; i++) {
		uint8_t byte = (uint8_t)i;

		leaves[i] = hash_leaf(slice_of(&byte, 1));
	}
	for (size_t size = 0; size <= SIZE_MAX_TRIED; size++)
		roots[size] = rfc_root(leaves, size);
	return 0;
}

static const char *const ct_leaves[8] = {
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};

static void make_ct_leaves(struct hash *ret_leaves)
{
	for (size_t i = 0; i < 8; i++) {
		uint8_t bytes[16];
		size_t size = strlen(ct_leaves[i]) / 2;

		assert_int_equal(hex_parse(slice_text(ct_leaves[i]), bytes, size), OK);
		ret_leaves[i] = hash_leaf(slice_of(bytes, size));
	}
}

static struct hash *make_record_leaves(size_t count)
{
	struct hash *hashes = calloc(count, sizeof(*hashes));

	assert_non_null(hashes);
	for (size_t i = 0; i < count; i++) {
		char text[32];

		snprintf(text, sizeof(text), "rec-%zu", i);
		hashes[i] = hash_leaf(slice_text(text));
	}
	return hashes;
}

static void computes_the_roots_of_certificate_transparency(void **state)
{
	static const char *const expected[] = {
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	};
	struct hash hashes[8];

	(void)state;
	make_ct_leaves(hashes);
	for (size_t size = 0; size <= 8; size++) {
		struct hash root = tree_root(hashes, size);

		expect_hash("root at size", size, &root, expected[size]);
	}
}

static void makes_the_proofs_of_certificate_transparency(void **state)
{
	static const char *const inclusion_5_8[] = {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
	    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"};
	static const char *const consistency_6_8[] = {
	    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
	    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"};
	static const char *const consistency_2_8[] = {
	    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"};
	struct hash hashes[8];
	struct memory memory = {hashes, 8, UINT32_MAX};
	const struct tree_source source = {memory_hash, &memory};
	struct tree_path path;

	(void)state;
	make_ct_leaves(hashes);
	assert_int_equal(tree_inclusion(&source, 5, 8, &path), OK);
	assert_int_equal(path.count, 3);
	for (size_t i = 0; i < 3; i++)
		expect_hash("inclusion of 5 in 8, hash", i, &path.hashes[i], inclusion_5_8[i]);
	assert_int_equal(tree_consistency(&source, 6, 8, &path), OK);
	assert_int_equal(path.count, 3);
	for (size_t i = 0; i < 3; i++)
		expect_hash("consistency 6 to 8, hash", i, &path.hashes[i], consistency_6_8[i]);
	assert_int_equal(tree_consistency(&source, 2, 8, &path), OK);
	assert_int_equal(path.count, 2);
	for (size_t i = 0; i < 2; i++)
		expect_hash("consistency 2 to 8, hash", i, &path.hashes[i], consistency_2_8[i]);
}

static void computes_the_root_and_tiles_of_300_records(void **state)
{
	struct hash *hashes = make_record_leaves(300);
	struct hash root = tree_root(hashes, 300), full = tree_root(hashes, TILE_WIDTH);
	struct hash tile = hash_sha256(slice_of(hashes, TILE_WIDTH * sizeof(*hashes)));
	struct hash partial = hash_sha256(slice_of(hashes + TILE_WIDTH, 44 * sizeof(*hashes)));

	(void)state;
	expect_hash("root", 300, &root, "df181a7a420cb0d817930ebb7151d194b4ae7b97459b132190388b4e039b5406");
	expect_hash("root", 256, &full, "26addb29c15109363f2dc4306201b7a382bf4a199a8e959ff54e8c09555da038");
	expect_hash("tile/0/", 0, &tile, "f95e1907e8fc878b99c38187ec3c2a4eef2c9d28560d4d4a1ce04c80162227d4");
	expect_hash("tile/0/", 1, &partial, "c9c6987f67f7460e286ee5c8883401b7a4b8f0fd9ba052e6dd0f14fe1ead6294");
	free(hashes);
}

static void computes_the_root_of_70000_records(void **state)
{
	struct hash *hashes = make_record_leaves(70000);
	struct hash root = tree_root(hashes, 70000);

	(void)state;
	expect_hash("root", 70000, &root, "0e8c12c24a3eb04e41fe6445fba6ad86add93534d875beadb20ed4c1e6016279");
	free(hashes);
}

static void keeps_the_roots_while_a_frontier_grows(void **state)
{
	struct frontier grown, made;

	(void)state;
	frontier_init(&grown);
	for (uint64_t size = 0; size <= SIZE_MAX_TRIED; size++) {
		struct memory memory = {leaves, size, UINT32_MAX};
		const struct tree_source source = {memory_hash, &memory};
		struct hash root = frontier_root(&grown);

		assert_int_equal(grown.size, size);
		assert_true(hash_equal(&root, &roots[size]));
		assert_int_equal(tree_frontier(&source, size, &made), OK);
		assert_true(frontier_equal(&grown, &made));
		if (size > 0) {
			made.hashes[frontier_count(size) - 1].bytes[0] ^= 1;
			assert_false(frontier_equal(&grown, &made));
		}
		if (size < SIZE_MAX_TRIED)
			frontier_append(&grown, &leaves[size]);
	}
}

static void reads_back_the_frontiers_it_writes(void **state)
{
	struct frontier frontier, read;
	struct buf bytes, longer;

	(void)state;
	frontier_init(&frontier);
	buf_init(&bytes, 4096);
	buf_init(&longer, 4096);
	for (uint64_t size = 0; size <= SIZE_MAX_TRIED; size++) {
		buf_clear(&bytes);
		frontier_encode(&frontier, &bytes);
		assert_int_equal(bytes.size, 8 + HASH_SIZE * (size_t)__builtin_popcountll(size));
		assert_int_equal(frontier_decode(buf_slice(&bytes), &read), OK);
		assert_true(frontier_equal(&frontier, &read));
		for (size_t cut = 0; cut < bytes.size; cut++)
			assert_int_equal(frontier_decode(slice_of(bytes.data, cut), &read), ERR_SYNTAX);
		buf_clear(&longer);
		buf_add_slice(&longer, buf_slice(&bytes));
		buf_u8(&longer, 0);
		assert_int_equal(frontier_decode(buf_slice(&longer), &read), ERR_SYNTAX);
		if (size < SIZE_MAX_TRIED)
			frontier_append(&frontier, &leaves[size]);
	}
	buf_done(&longer);
	buf_done(&bytes);
}

static void refuses_a_frontier_beyond_the_largest_size(void **state)
{
	static const struct {
		uint64_t size;
		enum err err;
	} rows[] = {
	    {TREE_SIZE_MAX - 1, OK}, {TREE_SIZE_MAX, OK}, {TREE_SIZE_MAX + 1, ERR_SYNTAX}, {UINT64_MAX, ERR_SYNTAX}};
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frontier frontier;

		buf_clear(&bytes);
		buf_u64(&bytes, rows[i].size);
		for (unsigned k = 0; k < frontier_count(rows[i].size); k++)
			buf_add_slice(&bytes, hash_slice(&leaves[0]));
		if (frontier_decode(buf_slice(&bytes), &frontier) != rows[i].err)
			fail_msg("size %llu", (unsigned long long)rows[i].size);
	}
	buf_done(&bytes);
}

static void proves_every_leaf_and_nothing_else(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= SIZE_MAX_TRIED; size++) {
		struct memory memory = {leaves, size, UINT32_MAX};
		const struct tree_source source = {memory_hash, &memory};

		for (uint64_t index = 0; index < size; index++) {
			struct claim claim = {index, size, &leaves[index], &roots[size], claim_inclusion};
			struct tree_path path, expected = {.count = 0};

			assert_int_equal(tree_inclusion(&source, index, size, &path), OK);
			rfc_path(leaves, (size_t)index, (size_t)size, &expected);
			assert_int_equal(path.count, expected.count);
			assert_memory_equal(path.hashes, expected.hashes, path.count * sizeof(path.hashes[0]));
			expect_tampering_is_seen(&claim, &path);
			for (claim.a = 0; claim.a <= size; claim.a++)
				if (claim.a != index)
					expect_refused(&claim, &path, "wrong index");
			claim.a = index;
			for (claim.size = 0; claim.size <= SIZE_MAX_TRIED; claim.size++) {
				claim.root = &roots[claim.size];
				if (claim.size != size)
					expect_refused(&claim, &path, "wrong size");
			}
		}
	}
}

static void proves_every_growth_and_nothing_else(void **state)
{
	(void)state;
	for (uint64_t size = 0; size <= SIZE_MAX_TRIED; size++) {
		struct memory memory = {leaves, size, UINT32_MAX};
		const struct tree_source source = {memory_hash, &memory};

		for (uint64_t old_size = 0; old_size <= size; old_size++) {
			struct claim claim = {old_size, size, &roots[old_size], &roots[size], claim_consistency};
			struct tree_path path, expected = {.count = 0};

			assert_int_equal(tree_consistency(&source, old_size, size, &path), OK);
			if (old_size > 0 && old_size < size)
				rfc_subproof(leaves, (size_t)old_size, (size_t)size, true, &expected);
			assert_int_equal(path.count, expected.count);
			assert_memory_equal(path.hashes, expected.hashes, path.count * sizeof(path.hashes[0]));
			expect_tampering_is_seen(&claim, &path);
			/* An empty path proves growth from nothing and none at all, whatever path it was meant as. */
			for (claim.a = 1; claim.a <= size + 1; claim.a++) {
				claim.first = &roots[claim.a <= SIZE_MAX_TRIED ? claim.a : 0];
				if (claim.a != old_size && !(path.count == 0 && claim.a == size))
					expect_refused(&claim, &path, "wrong old size");
			}
			claim.a = old_size;
			claim.first = &roots[old_size];
			for (claim.size = 0; claim.size <= SIZE_MAX_TRIED; claim.size++) {
				claim.root = &roots[claim.size];
				if (claim.size != size && (path.count > 0 || (old_size > 0 && claim.size != old_size)))
					expect_refused(&claim, &path, "wrong size");
			}
		}
	}
}

static void refuses_an_old_tree_that_claims_to_be_empty_with_a_root(void **state)
{
	struct tree_path none = {.count = 0};

	(void)state;
	assert_int_equal(tree_verify_consistency(0, 5, &roots[0], &roots[5], &none), OK);
	assert_int_equal(tree_verify_consistency(0, 5, &roots[1], &roots[5], &none), ERR_PROOF);
	assert_int_equal(tree_verify_consistency(0, 0, &roots[1], &roots[1], &none), ERR_PROOF);
	assert_int_equal(tree_verify_consistency(0, 0, &roots[0], &roots[0], &none), OK);
}

static void passes_on_the_errors_of_its_source_and_writes_nothing(void **state)
{
	struct tree_path path = {.count = 99};
	struct frontier frontier = {.size = 99};
	unsigned asked;

	(void)state;
	for (asked = 0;; asked++) {
		struct memory memory = {leaves, 69, asked};
		const struct tree_source source = {memory_hash, &memory};
		enum err err = tree_inclusion(&source, 37, 69, &path);

		if (err == OK)
			break;
		assert_int_equal(err, ERR_DAMAGED);
		assert_int_equal(path.count, 99);
	}
	assert_true(asked > 5);
	path.count = 99;
	for (asked = 0;; asked++) {
		struct memory memory = {leaves, 69, asked};
		const struct tree_source source = {memory_hash, &memory};
		enum err err = tree_consistency(&source, 37, 69, &path);

		if (err == OK)
			break;
		assert_int_equal(err, ERR_DAMAGED);
		assert_int_equal(path.count, 99);
	}
	assert_true(asked > 5);
	for (asked = 0; asked < frontier_count(69); asked++) {
		struct memory memory = {leaves, 69, asked};
		const struct tree_source source = {memory_hash, &memory};

		assert_int_equal(tree_frontier(&source, 69, &frontier), ERR_DAMAGED);
		assert_int_equal(frontier.size, 99);
	}
}

static void proves_at_the_largest_size_and_refuses_beyond(void **state)
{
	static const uint64_t sizes[] = {TREE_SIZE_MAX - 1, TREE_SIZE_MAX};
	struct hash levels[TREE_DEPTH_MAX];
	const struct tree_source source = {uniform_hash, levels};

	(void)state;
	levels[0] = leaves[0];
	for (size_t level = 1; level < TREE_DEPTH_MAX; level++)
		levels[level] = hash_node(&levels[level - 1], &levels[level - 1]);
	for (size_t i = 0; i < 2; i++) {
		uint64_t size = sizes[i], indexes[] = {0, 1, size / 2, size / 2 + 1, size - 2, size - 1};
		struct frontier frontier, old;
		struct tree_path path;
		struct hash root, old_root;

		assert_int_equal(tree_frontier(&source, size, &frontier), OK);
		root = frontier_root(&frontier);
		for (size_t k = 0; k < sizeof(indexes) / sizeof(indexes[0]); k++) {
			assert_int_equal(tree_inclusion(&source, indexes[k], size, &path), OK);
			assert_int_equal(tree_verify_inclusion(indexes[k], size, &leaves[0], &path, &root), OK);
			assert_int_equal(tree_verify_inclusion(indexes[k], size, &leaves[1], &path, &root), ERR_PROOF);
			if (indexes[k] == 0)
				continue;
			assert_int_equal(tree_frontier(&source, indexes[k], &old), OK);
			old_root = frontier_root(&old);
			assert_int_equal(tree_consistency(&source, indexes[k], size, &path), OK);
			assert_int_equal(tree_verify_consistency(indexes[k], size, &old_root, &root, &path), OK);
			assert_int_equal(tree_verify_consistency(indexes[k], size, &root, &root, &path), ERR_PROOF);
		}
	}
	/* One leaf more is a tree like any other, but larger than any may be. */
	struct tree_path path = {.count = 1, .hashes = {levels[53]}};
	struct hash root = hash_node(&levels[53], &levels[0]);

	assert_int_equal(tree_verify_inclusion(TREE_SIZE_MAX, TREE_SIZE_MAX + 1, &leaves[0], &path, &root), ERR_PROOF);
	path.hashes[0] = leaves[0];
	assert_int_equal(
	    tree_verify_consistency(TREE_SIZE_MAX, TREE_SIZE_MAX + 1, &levels[53], &root, &path), ERR_PROOF);
	assert_int_equal(tree_verify_inclusion(0, UINT64_MAX, &leaves[0], &path, &root), ERR_PROOF);
}

static void refuses_a_flipped_direction(void **state)
{
	/* Leaf 5 of 8: its sibling stands left of it. Whoever claims 4 has it stand right, and must fail. */
	struct hash hashes[8], root;
	struct tree_path path = {.count = 3};

	(void)state;
	make_ct_leaves(hashes);
	root = tree_root(hashes, 8);
	path.hashes[0] = hash_of_hex("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b");
	path.hashes[1] = hash_of_hex("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0");
	path.hashes[2] = hash_of_hex("d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
	assert_int_equal(tree_verify_inclusion(5, 8, &hashes[5], &path, &root), OK);
	assert_int_equal(tree_verify_inclusion(4, 8, &hashes[5], &path, &root), ERR_PROOF);
	assert_int_equal(tree_verify_inclusion(8, 8, &hashes[5], &path, &root), ERR_PROOF);
}

/* The hashes come out right in each of these; only the numbers tell that no such tree can be. */
static void refuses_hashes_that_fit_no_tree_of_that_size(void **state)
{
	struct tree_path none = {.count = 0}, path = {.count = 1, .hashes = {leaves[0]}};
	struct hash deeper;

	(void)state;
	/* Leaf 1 of a tree of one leaf. */
	assert_int_equal(tree_verify_inclusion(1, 2, &leaves[1], &path, &roots[2]), OK);
	assert_int_equal(tree_verify_inclusion(1, 1, &leaves[1], &path, &roots[2]), ERR_PROOF);
	/* A tree that shrank to its own root. */
	assert_int_equal(tree_verify_consistency(2, 1, &roots[2], &roots[2], &none), ERR_PROOF);
	/* One level more than two leaves have. */
	path.hashes[path.count++] = leaves[2];
	deeper = hash_node(&leaves[2], &roots[2]);
	assert_int_equal(tree_verify_inclusion(1, 2, &leaves[1], &path, &deeper), ERR_PROOF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(computes_the_roots_of_certificate_transparency),
	    cmocka_unit_test(makes_the_proofs_of_certificate_transparency),
	    cmocka_unit_test(computes_the_root_and_tiles_of_300_records),
	    cmocka_unit_test(computes_the_root_of_70000_records),
	    cmocka_unit_test(keeps_the_roots_while_a_frontier_grows),
	    cmocka_unit_test(reads_back_the_frontiers_it_writes),
	    cmocka_unit_test(refuses_a_frontier_beyond_the_largest_size),
	    cmocka_unit_test(proves_every_leaf_and_nothing_else),
	    cmocka_unit_test(proves_every_growth_and_nothing_else),
	    cmocka_unit_test(refuses_an_old_tree_that_claims_to_be_empty_with_a_root),
	    cmocka_unit_test(passes_on_the_errors_of_its_source_and_writes_nothing),
	    cmocka_unit_test(proves_at_the_largest_size_and_refuses_beyond),
	    cmocka_unit_test(refuses_a_flipped_direction),
	    cmocka_unit_test(refuses_hashes_that_fit_no_tree_of_that_size),
	};
	return cmocka_run_group_tests(tests, make_trees, NULL);
}

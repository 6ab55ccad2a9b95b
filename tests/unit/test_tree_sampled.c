/*
 * Trees of sampled sizes up to 2,000: the proof of every leaf, and of the growth from every smaller tree, holds, and is
 * refused once anything about it is changed.
 */
#include "tests/unit/tree_fixture.h"

#define SIZE_LARGEST 2000u
#define LEVELS 11

static const uint64_t sizes[] = {
    71, 96, 127, 128, 129, 255, 256, 257, 300, 511, 512, 513, 777, 1000, 1023, 1024, 1025, 1500, 1999, 2000};

/* The roots of all full subtrees, by height and number, and those of the trees of every size. */
static struct hash subtrees[LEVELS][SIZE_LARGEST], roots[SIZE_LARGEST + 2];

static enum err subtree_hash(void *cookie, unsigned level, uint64_t index, struct hash *ret_hash)
{
	const uint64_t *size = cookie;

	if (level >= LEVELS || (index + 1) << level > *size)
		fail_msg("asked for subtree %llu of height %u in a tree of %llu", (unsigned long long)index, level,
		    (unsigned long long)*size);
	*ret_hash = subtrees[level][index];
	return OK;
}

static int make_trees(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SIZE_LARGEST; i++)
		subtrees[0][i] = hash_leaf(slice_of(&i, sizeof(i)));
	for (unsigned level = 1; level < LEVELS; level++)
		for (size_t i = 0; i < SIZE_LARGEST >> level; i++)
			subtrees[level][i] = hash_node(&subtrees[level - 1][2 * i], &subtrees[level - 1][2 * i + 1]);
	for (size_t size = 0; size <= SIZE_LARGEST; size++)
		roots[size] = rfc_root(subtrees[0], size);
	roots[SIZE_LARGEST + 1] = hash_leaf(slice_text("one more"));
	return 0;
}

/* Other indexes (or old sizes) and other sizes than the proof was made for, near it and far from it. */
static void expect_place_matters(const struct claim *claim, const struct tree_path *path)
{
	const uint64_t others[] = {0, 1, claim->a - 1, claim->a + 1, claim->a ^ 1, claim->a ^ 64, claim->size - 1};
	const uint64_t other_sizes[] = {1, 70, claim->size - 1, claim->size + 1, claim->size / 2, SIZE_LARGEST + 1};
	bool is_growth = claim->verify == claim_consistency;
	struct claim other = *claim;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		other.a = others[i];
		if (other.a == claim->a || other.a > SIZE_LARGEST || (is_growth && other.a == 0))
			continue;
		if (is_growth)
			other.first = &roots[other.a];
		expect_refused(&other, path, "wrong place");
	}
	other = *claim;
	for (size_t i = 0; i < sizeof(other_sizes) / sizeof(other_sizes[0]); i++) {
		other.size = other_sizes[i];
		other.root = &roots[other.size];
		if (other.size != claim->size && !(is_growth && other.size == claim->a))
			expect_refused(&other, path, "wrong size");
	}
}

static void proves_every_leaf_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t size = sizes[i];
		const struct tree_source source = {subtree_hash, &size};

		for (uint64_t index = 0; index < size; index++) {
			struct claim claim = {index, size, &subtrees[0][index], &roots[size], claim_inclusion};
			struct tree_path path;

			assert_int_equal(tree_inclusion(&source, index, size, &path), OK);
			expect_tampering_is_seen(&claim, &path);
			expect_place_matters(&claim, &path);
		}
	}
}

static void proves_every_growth_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t size = sizes[i];
		const struct tree_source source = {subtree_hash, &size};

		for (uint64_t old_size = 1; old_size < size; old_size++) {
			struct claim claim = {old_size, size, &roots[old_size], &roots[size], claim_consistency};
			struct tree_path path;

			assert_int_equal(tree_consistency(&source, old_size, size, &path), OK);
			expect_tampering_is_seen(&claim, &path);
			expect_place_matters(&claim, &path);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(proves_every_leaf_and_nothing_else),
	    cmocka_unit_test(proves_every_growth_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, make_trees, NULL);
}

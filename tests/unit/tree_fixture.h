/*
 * Trees by the RFC's own recursion, written out here in its plainest form, and what every spoilt proof must be refused for.
 */
#ifndef TESTS_UNIT_TREE_FIXTURE_H
#define TESTS_UNIT_TREE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/tree.h"

#define SIZE_ALL_BITS 40 /* to this size every bit is flipped, beyond it one bit of each hash */

/* The recursion of RFC 6962 section 2.1, as written there. */

static inline size_t split_of(size_t size)
{
	size_t split = 1;

	while (2 * split < size)
		split *= 2;
	return split;
}

static inline struct hash rfc_root(const struct hash *leaf, size_t size)
{
	struct hash left, right;

	if (size == 0)
		return hash_empty();
	if (size == 1)
		return leaf[0];
	left = rfc_root(leaf, split_of(size));
	right = rfc_root(leaf + split_of(size), size - split_of(size));
	return hash_node(&left, &right);
}

static inline void rfc_path(const struct hash *leaf, size_t index, size_t size, struct tree_path *path)
{
	size_t split = split_of(size);

	if (size == 1)
		return;
	if (index < split) {
		rfc_path(leaf, index, split, path);
		path->hashes[path->count++] = rfc_root(leaf + split, size - split);
	} else {
		rfc_path(leaf + split, index - split, size - split, path);
		path->hashes[path->count++] = rfc_root(leaf, split);
	}
}

static inline void rfc_subproof(const struct hash *leaf, size_t old_size, size_t size, bool is_whole, struct tree_path *path)
{
	size_t split = split_of(size);

	if (old_size == size) {
		if (!is_whole)
			path->hashes[path->count++] = rfc_root(leaf, size);
	} else if (old_size <= split) {
		rfc_subproof(leaf, old_size, split, is_whole, path);
		path->hashes[path->count++] = rfc_root(leaf + split, size - split);
	} else {
		rfc_subproof(leaf + split, old_size - split, size - split, false, path);
		path->hashes[path->count++] = rfc_root(leaf, split);
	}
}

/* What a path proves, so that both kinds of proof are spoilt in the same ways: `a` is an index or the old size. */
struct claim {
	uint64_t a, size;
	const struct hash *first, *root;
	enum err (*verify)(
	    uint64_t a, uint64_t size, const struct hash *first, const struct tree_path *path, const struct hash *root);
};

static inline enum err claim_inclusion(
    uint64_t a, uint64_t size, const struct hash *first, const struct tree_path *path, const struct hash *root)
{
	return tree_verify_inclusion(a, size, first, path, root);
}

static inline enum err claim_consistency(
    uint64_t a, uint64_t size, const struct hash *first, const struct tree_path *path, const struct hash *root)
{
	return tree_verify_consistency(a, size, first, root, path);
}

static inline void expect_refused(const struct claim *claim, const struct tree_path *path, const char *how)
{
	enum err err = claim->verify(claim->a, claim->size, claim->first, path, claim->root);

	if (err != ERR_PROOF)
		fail_msg("%s: proof of %llu in %llu answers %s", how, (unsigned long long)claim->a,
		    (unsigned long long)claim->size, err_name(err));
}

static inline void expect_bits_matter(const struct claim *claim, struct tree_path *path)
{
	for (size_t i = 0; i < path->count; i++) {
		size_t step = claim->size <= SIZE_ALL_BITS ? 1 : HASH_SIZE * 8;

		for (size_t bit = (claim->a * 31 + i) % step; bit < HASH_SIZE * 8; bit += step) {
			path->hashes[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			expect_refused(claim, path, "flipped bit");
			path->hashes[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static inline void expect_tampering_is_seen(const struct claim *claim, struct tree_path *path)
{
	struct claim other = *claim;
	struct hash wrong;

	assert_int_equal(claim->verify(claim->a, claim->size, claim->first, path, claim->root), OK);
	expect_bits_matter(claim, path);
	for (size_t i = 1; i < path->count; i++) {
		struct hash swapped = path->hashes[i];

		path->hashes[i] = path->hashes[i - 1];
		path->hashes[i - 1] = swapped;
		expect_refused(claim, path, "swapped hashes");
		path->hashes[i - 1] = path->hashes[i];
		path->hashes[i] = swapped;
	}
	if (path->count > 0) {
		path->count--;
		expect_refused(claim, path, "truncated path");
		path->count++;
	}
	path->hashes[path->count] = *claim->root;
	path->count++;
	expect_refused(claim, path, "extended path");
	path->count--;
	wrong = *claim->first;
	wrong.bytes[31] ^= 0x80;
	other.first = &wrong;
	expect_refused(&other, path, "other leaf or old root");
	other = *claim;
	wrong = *claim->root;
	wrong.bytes[0] ^= 1;
	other.root = &wrong;
	/* Nothing about the new root is claimed by growing from nothing. */
	if (claim->verify != claim_consistency || claim->a != 0 || claim->size == 0)
		expect_refused(&other, path, "other root");
}

#endif

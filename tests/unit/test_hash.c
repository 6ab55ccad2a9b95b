/* Digests against published vectors, and the two RFC 6962 prefixes. */
#include "proto/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_hash(const char *what, const struct hash *hash, const char *hex)
{
	char text[2 * HASH_SIZE + 1];

	hex_format(hash_slice(hash), text);
	if (strcmp(text, hex) != 0)
		fail_msg("%s: %s, expected %s", what, text, hex);
}

static void computes_the_published_digests(void **state)
{
	/* FIPS 180-4 examples; GB/T 32905-2016, appendix A. */
	static const struct {
		const char *name;
		struct hash (*compute)(struct slice data);
		const char *text;
		const char *hex;
	} rows[] = {
	    {"SHA-256 of nothing", hash_sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	    {"SHA-256 of abc", hash_sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {"SHA-256 of two blocks", hash_sha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	    {"SM3 of nothing", hash_sm3, "", "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"},
	    {"SM3 of abc", hash_sm3, "abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"},
	    {"SM3 of a block", hash_sm3, "abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd",
		"debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"},
	    {"leaf of nothing", hash_leaf, "", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hash hash = rows[i].compute(slice_text(rows[i].text));

		expect_hash(rows[i].name, &hash, rows[i].hex);
	}
}

static void takes_an_absent_slice_for_nothing(void **state)
{
	struct slice none = slice_of(NULL, 0);
	struct hash empty = hash_empty(), sha256 = hash_sha256(none), leaf = hash_leaf(none), sm3 = hash_sm3(none);

	(void)state;
	expect_hash("empty", &empty, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_true(hash_equal(&empty, &sha256));
	expect_hash("leaf", &leaf, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
	expect_hash("SM3", &sm3, "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b");
}

static void joins_parts_in_their_order(void **state)
{
	const struct slice parts[] = {slice_text("a"), slice_text(""), slice_text("bc")};
	const struct slice reversed[] = {slice_text("bc"), slice_text("a")};
	struct hash whole = hash_sha256(slice_text("abc"));
	struct hash joined = hash_sha256_parts(parts, 3), other = hash_sha256_parts(reversed, 2);

	(void)state;
	assert_true(hash_equal(&whole, &joined));
	assert_false(hash_equal(&whole, &other));
}

static void tells_a_node_from_a_leaf_of_the_same_bytes(void **state)
{
	struct hash left = hash_leaf(slice_text("")), right = hash_leaf(slice_of("\0", 1));
	struct hash node = hash_node(&left, &right), swapped = hash_node(&right, &left), leaf;
	uint8_t both[2 * HASH_SIZE];

	(void)state;
	memcpy(both, left.bytes, HASH_SIZE);
	memcpy(both + HASH_SIZE, right.bytes, HASH_SIZE);
	leaf = hash_leaf(slice_of(both, sizeof(both)));
	expect_hash("node", &node, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
	assert_false(hash_equal(&node, &swapped));
	assert_false(hash_equal(&node, &leaf));
}

static void compares_every_byte(void **state)
{
	struct hash a = hash_empty();

	(void)state;
	for (size_t i = 0; i < HASH_SIZE; i++) {
		struct hash b = a;

		assert_true(hash_equal(&a, &b));
		b.bytes[i] ^= 1;
		assert_false(hash_equal(&a, &b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(computes_the_published_digests),
	    cmocka_unit_test(takes_an_absent_slice_for_nothing),
	    cmocka_unit_test(joins_parts_in_their_order),
	    cmocka_unit_test(tells_a_node_from_a_leaf_of_the_same_bytes),
	    cmocka_unit_test(compares_every_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Keys against the vectors of RFC 8032, GB/T 32918.5, C2SP and Go's x/mod, and what a hostile key text may try. */
#include "proto/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

/* RFC 8032 section 7.1, TEST 1 and TEST 2. */
#define SECRET_1 "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define PUBLIC_1 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define SECRET_2 "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
#define LOG_NAME "subsidy.example/ledger1"
#define LOG_VKEY LOG_NAME "+aa6dea01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define WITNESS_NAME "witness.example/bureau"
#define WITNESS_VKEY WITNESS_NAME "+adda3fdd+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"
#define CHECKPOINT_TEXT LOG_NAME "\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
/* GB/T 32918.5-2017, appendix A. */
#define SM2_SECRET "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
#define SM2_POINT                                                                                                      \
	"0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"                                           \
	"ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
#define SM2_SIGNATURE                                                                                                  \
	"3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"                                   \
	"022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
#define SM2_ORDER "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123"

static const enum key_type types[] = {KEY_ED25519, KEY_COSIGNATURE, KEY_SM2};
#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

static size_t bytes_of_hex(const char *hex, uint8_t *ret_bytes)
{
	size_t size = strlen(hex) / 2;

	assert_int_equal(hex_parse(slice_text(hex), ret_bytes, size), OK);
	return size;
}

static struct signer *signer_of_hex(enum key_type type, const char *name, const char *hex)
{
	struct signer *signer = NULL;
	uint8_t secret[32];

	bytes_of_hex(hex, secret);
	assert_int_equal(signer_from_secret(type, slice_text(name), secret, &signer), OK);
	return signer;
}

static enum err sign_any(const struct signer *signer, struct slice message, uint8_t *ret_signature, size_t *ret_size)
{
	if (signer_key(signer)->type == KEY_COSIGNATURE)
		return signer_cosign(signer, message, 1679315147, ret_signature, ret_size);
	return signer_sign(signer, message, ret_signature, ret_size);
}

static int init(void **state)
{
	(void)state;
	return key_global_init() == OK ? 0 : -1;
}

static void signs_as_rfc_8032_does(void **state)
{
	/* TEST 1 to 3: secret, message, signature. */
	static const struct {
		const char *secret, *message, *signature;
	} rows[] = {
	    {SECRET_1, "",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5"
		"f0595bbe24"
		"655141438e7a100b"},
	    {SECRET_2, "72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2e"
		"aeb4302aee"
		"b00d291612bb0c00"},
	    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15"
		"e9716ed28d"
		"c027beceea1ec40a"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct signer *signer = signer_of_hex(KEY_ED25519, "n", rows[i].secret);
		uint8_t message[8], expected[KEY_SIGNATURE_MAX], signature[KEY_SIGNATURE_MAX];
		size_t message_size = bytes_of_hex(rows[i].message, message), size;

		bytes_of_hex(rows[i].signature, expected);
		assert_int_equal(signer_sign(signer, slice_of(message, message_size), signature, &size), OK);
		assert_int_equal(size, 64);
		if (memcmp(signature, expected, size) != 0)
			fail_msg("row %zu signs otherwise", i);
		signer_free(signer);
	}
}

static void verifies_the_sm2_standards_own_signature(void **state)
{
	struct signer *signer = signer_of_hex(KEY_SM2, "n", SM2_SECRET);
	uint8_t point[65], signature[KEY_SIGNATURE_MAX];
	size_t size = bytes_of_hex(SM2_SIGNATURE, signature);
	const struct key *key = signer_key(signer);

	(void)state;
	bytes_of_hex(SM2_POINT, point);
	assert_int_equal(key->material_size, sizeof(point));
	assert_memory_equal(key->material, point, sizeof(point));
	/* This fails with any signer id but the standard's. */
	assert_int_equal(key_verify(key, slice_text("message digest"), slice_of(signature, size)), OK);
	assert_int_equal(key_verify(key, slice_text("message digesu"), slice_of(signature, size)), ERR_SIGNATURE);
	signer_free(signer);
}

static void refuses_every_other_encoding_of_an_sm2_signature(void **state)
{
	struct signer *signer = signer_of_hex(KEY_SM2, "n", SM2_SECRET);
	static const char *const rows[] = {
	    /* a byte behind it; a long-form length; a needless zero before s; r and s without DER */
	    SM2_SIGNATURE "00",
	    "308146022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
	    "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
	    "3047022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
	    "02220000b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
	    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
	    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
	    "3006020100020100",
	    "",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t signature[KEY_SIGNATURE_MAX];
		size_t size = bytes_of_hex(rows[i], signature);

		if (key_verify(signer_key(signer), slice_text("message digest"), slice_of(signature, size)) !=
		    ERR_SIGNATURE)
			fail_msg("encoding %zu is taken", i);
	}
	signer_free(signer);
}

static void signs_the_published_cosignature(void **state)
{
	struct signer *signer = signer_of_hex(KEY_COSIGNATURE, WITNESS_NAME, SECRET_2);
	uint8_t expected[KEY_ID_SIZE + KEY_SIGNATURE_MAX], signature[KEY_SIGNATURE_MAX];
	char text[KEY_VKEY_SIZE];
	size_t expected_size, size;

	(void)state;
	key_format(signer_key(signer), text);
	assert_string_equal(text, WITNESS_VKEY);
	assert_int_equal(
	    base64_parse(slice_text("rdo/3QAAAABkGFDL/WBDmGYdb8pweBiKkkD9UtR+I0peg4/+IarE6FECj+e7RM+SC4gtc3BT"
				    "a2edOrbCQMxf/AhTCWf5i0rvzaRRCQ=="),
		expected, sizeof(expected), &expected_size),
	    OK);
	assert_int_equal(signer_cosign(signer, slice_text(CHECKPOINT_TEXT), 1679315147, signature, &size), OK);
	assert_int_equal(size + KEY_ID_SIZE, expected_size);
	assert_memory_equal(signature, expected + KEY_ID_SIZE, size);
	assert_int_equal(key_verify(signer_key(signer), slice_text(CHECKPOINT_TEXT), slice_of(signature, size)), OK);
	signer_free(signer);
}

static void keeps_cosigning_and_signing_apart(void **state)
{
	struct signer *witness = signer_of_hex(KEY_COSIGNATURE, WITNESS_NAME, SECRET_2);
	struct signer *ledger = signer_of_hex(KEY_ED25519, LOG_NAME, SECRET_1);
	uint8_t signature[KEY_SIGNATURE_MAX];
	size_t size = 77;

	(void)state;
	assert_int_equal(signer_sign(witness, slice_text("text\n"), signature, &size), ERR_INVALID);
	assert_int_equal(signer_cosign(ledger, slice_text("text\n"), 1, signature, &size), ERR_INVALID);
	assert_int_equal(size, 77);
	signer_free(witness);
	signer_free(ledger);
}

static void cosigns_no_more_than_a_checkpoint(void **state)
{
	struct signer *signer = signer_of_hex(KEY_COSIGNATURE, WITNESS_NAME, SECRET_2);
	uint8_t *text = calloc(1, CHECKPOINT_SIZE_MAX + 1), signature[KEY_SIGNATURE_MAX];
	const struct key *key = signer_key(signer);
	size_t size;

	(void)state;
	assert_non_null(text);
	for (size_t text_size = CHECKPOINT_SIZE_MAX - 1; text_size <= CHECKPOINT_SIZE_MAX; text_size++) {
		assert_int_equal(signer_cosign(signer, slice_of(text, text_size), UINT64_MAX, signature, &size), OK);
		assert_int_equal(key_verify(key, slice_of(text, text_size), slice_of(signature, size)), OK);
	}
	assert_int_equal(
	    signer_cosign(signer, slice_of(text, CHECKPOINT_SIZE_MAX + 1), 1, signature, &size), ERR_TOO_LARGE);
	assert_int_equal(
	    key_verify(key, slice_of(text, CHECKPOINT_SIZE_MAX + 1), slice_of(signature, size)), ERR_SIGNATURE);
	free(text);
	signer_free(signer);
}

static void verifies_what_it_signs_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		struct signer *signer, *stranger;
		uint8_t signature[KEY_SIGNATURE_MAX];
		const struct slice message = slice_text("a message\n");
		const struct key *key;
		size_t size;

		assert_int_equal(signer_generate(types[i], slice_text("signer.example"), &signer), OK);
		assert_int_equal(signer_generate(types[i], slice_text("signer.example"), &stranger), OK);
		key = signer_key(signer);
		assert_false(key_equal(key, signer_key(stranger)));
		assert_int_equal(sign_any(signer, message, signature, &size), OK);
		assert_in_range(size, 1, KEY_SIGNATURE_MAX);
		assert_int_equal(key_verify(key, message, slice_of(signature, size)), OK);
		assert_int_equal(key_verify(signer_key(stranger), message, slice_of(signature, size)), ERR_SIGNATURE);
		assert_int_equal(key_verify(key, slice_text("a message"), slice_of(signature, size)), ERR_SIGNATURE);
		for (size_t cut = 0; cut < size; cut++)
			assert_int_equal(key_verify(key, message, slice_of(signature, cut)), ERR_SIGNATURE);
		for (size_t bit = 0; bit < 8 * size; bit++) {
			signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (key_verify(key, message, slice_of(signature, size)) != ERR_SIGNATURE)
				fail_msg("type %02x: bit %zu of the signature doesn't matter", types[i], bit);
			signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		signer_free(signer);
		signer_free(stranger);
	}
}

static void refuses_an_ed25519_signature_that_is_not_reduced(void **state)
{
	/* S plus the group's order (RFC 8032 section 5.1.7): the same signature to a lax verifier. */
	static const char *const order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
	struct signer *signer = signer_of_hex(KEY_ED25519, "n", SECRET_1);
	uint8_t signature[KEY_SIGNATURE_MAX], added[32];
	unsigned carry = 0;
	size_t size;

	(void)state;
	bytes_of_hex(order, added);
	assert_int_equal(signer_sign(signer, slice_text("m"), signature, &size), OK);
	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)signature[32 + i] + added[i];
		signature[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(key_verify(signer_key(signer), slice_text("m"), slice_of(signature, size)), ERR_SIGNATURE);
	signer_free(signer);
}

static void reads_the_key_of_the_note_specification(void **state)
{
	static const char *const vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
	uint8_t bytes[KEY_ID_SIZE + KEY_SIGNATURE_MAX];
	char text[KEY_VKEY_SIZE];
	struct key key;
	size_t size;

	(void)state;
	assert_int_equal(key_parse(slice_text(vkey), &key), OK);
	assert_int_equal(key.type, KEY_ED25519);
	assert_string_equal(key.name, "example.com/foo");
	key_format(&key, text);
	assert_string_equal(text, vkey);
	assert_int_equal(
	    base64_parse(slice_text("Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXm"
				    "RKuwHjG1Yu72IneyaQM="),
		bytes, sizeof(bytes), &size),
	    OK);
	assert_memory_equal(bytes, key.id, KEY_ID_SIZE);
	assert_int_equal(key_verify(&key, slice_text("This is an example message.\n"),
			     slice_of(bytes + KEY_ID_SIZE, size - KEY_ID_SIZE)),
	    OK);
}

static void writes_and_reads_every_type(void **state)
{
	(void)state;
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		struct signer *signer, *read;
		char vkey[KEY_VKEY_SIZE];
		struct buf text, again;
		struct key key;

		buf_init(&text, 1024);
		buf_init(&again, 1024);
		assert_int_equal(signer_generate(types[i], slice_text("n.example/名"), &signer), OK);
		key_format(signer_key(signer), vkey);
		assert_int_equal(key_parse(slice_text(vkey), &key), OK);
		assert_true(key_equal(&key, signer_key(signer)));
		assert_memory_equal(key.id, signer_key(signer)->id, KEY_ID_SIZE);
		assert_int_equal(signer_format(signer, &text), OK);
		assert_int_equal(signer_parse(buf_slice(&text), &read), OK);
		assert_true(key_equal(signer_key(read), &key));
		assert_int_equal(signer_format(read, &again), OK);
		assert_true(slice_equal(buf_slice(&text), buf_slice(&again)));
		signer_free(read);
		/* A file's last newline is no part of the text, a second one is. */
		buf_u8(&text, '\n');
		assert_int_equal(signer_parse(buf_slice(&text), &read), OK);
		signer_free(read);
		buf_u8(&text, '\n');
		assert_int_equal(signer_parse(buf_slice(&text), &read), ERR_SYNTAX);
		for (size_t cut = 0; cut < again.size; cut++)
			assert_int_not_equal(signer_parse(slice_of(again.data, cut), &read), OK);
		for (size_t cut = 0; cut < strlen(vkey); cut++)
			assert_int_not_equal(key_parse(slice_of(vkey, cut), &key), OK);
		signer_free(signer);
		buf_done(&again);
		buf_done(&text);
	}
}

static void writes_the_published_key_texts(void **state)
{
	struct signer *signer = signer_of_hex(KEY_ED25519, LOG_NAME, SECRET_1);
	char vkey[KEY_VKEY_SIZE];
	struct buf text;

	(void)state;
	buf_init(&text, 1024);
	key_format(signer_key(signer), vkey);
	assert_string_equal(vkey, LOG_VKEY);
	assert_int_equal(signer_format(signer, &text), OK);
	assert_string_equal(
	    buf_text(&text), "PRIVATE+KEY+" LOG_NAME "+aa6dea01+AZ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g");
	signer_free(signer);
	buf_done(&text);
}

static void reads_the_private_key_of_gos_examples(void **state)
{
	/* golang.org/x/mod/sumdb/note, example of Sign. */
	static const char *const text =
	    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
	static const char *const vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	struct signer *signer;
	char formatted[KEY_VKEY_SIZE];

	(void)state;
	assert_int_equal(signer_parse(slice_text(text), &signer), OK);
	key_format(signer_key(signer), formatted);
	assert_string_equal(formatted, vkey);
	signer_free(signer);
}

static void refuses_malformed_public_texts(void **state)
{
	static const struct {
		const char *text;
		enum err err;
	} rows[] = {
	    {"", ERR_SYNTAX},
	    {"name", ERR_SYNTAX},
	    {"+aa6dea01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea", ERR_SYNTAX},
	    {LOG_NAME "+aa6dea0+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea", ERR_SYNTAX},
	    {LOG_NAME "+AA6DEA01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea", ERR_SYNTAX},
	    {LOG_NAME "+aa6dea01", ERR_SYNTAX},
	    {LOG_NAME "+aa6dea01+", ERR_SYNTAX},
	    {LOG_NAME "+aa6dea01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1E", ERR_SYNTAX},
	    {LOG_NAME "+aa6dea01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\n", ERR_SYNTAX},
	    {LOG_NAME "+aa6dea01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1EaAA==", ERR_SYNTAX},
	    /* types 0x02 (ECDSA) and 0x00; the id of another key; another name */
	    {LOG_NAME "+aa6dea01+AtdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea", ERR_SYNTAX},
	    {LOG_NAME "+aa6dea01+ANdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea", ERR_SYNTAX},
	    {LOG_NAME "+aa6dea02+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea", ERR_INVALID},
	    {"subsidy.example/ledger2+aa6dea01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea", ERR_INVALID},
	    /* the same key as a cosigner's has another id */
	    {LOG_NAME "+aa6dea01+BNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea", ERR_INVALID},
	};
	struct key key = {.material_size = 99};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (key_parse(slice_text(rows[i].text), &key) != rows[i].err)
			fail_msg("row %zu: %s", i, rows[i].text);
	assert_int_equal(key.material_size, 99);
}

static void refuses_malformed_private_texts(void **state)
{
	static const struct {
		const char *text;
		enum err err;
	} rows[] = {
	    {"", ERR_SYNTAX},
	    {"\n", ERR_SYNTAX},
	    {LOG_VKEY, ERR_SYNTAX},
	    {"private+KEY+" LOG_NAME "+aa6dea01+AZ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g", ERR_SYNTAX},
	    {"PRIVATE+KEY+" LOG_NAME "+aa6dea01+AZ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn8=", ERR_SYNTAX},
	    {"PRIVATE+KEY+" LOG_NAME "+aa6dea01+Ap1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g", ERR_SYNTAX},
	    {"PRIVATE+KEY+" LOG_NAME "+aa6dea02+AZ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g", ERR_INVALID},
	    {"PRIVATE+KEY+" LOG_NAME "+aa6dea01+AZ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9h", ERR_INVALID},
	};
	struct signer *signer = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (signer_parse(slice_text(rows[i].text), &signer) != rows[i].err)
			fail_msg("row %zu: %s", i, rows[i].text);
	assert_null(signer);
}

/* A vkey whose id is right for its bytes, so that only the point can be what is refused. */
static enum err parse_with_material(enum key_type type, const uint8_t *material, size_t size)
{
	static const char label[] = "\xff" KEY_SM2_LABEL;
	const uint8_t byte = (uint8_t)type;
	struct slice type_bytes = type == KEY_SM2 ? slice_of(label, sizeof(label) - 1) : slice_of(&byte, 1);
	const struct slice parts[] = {slice_text("n\n"), type_bytes, slice_of(material, size)};
	struct hash hash = hash_sha256_parts(parts, 3);
	struct buf bytes, vkey;
	char id[9];
	struct key key;
	enum err err;

	buf_init(&bytes, 256);
	buf_init(&vkey, 256);
	hex_format(slice_of(hash.bytes, KEY_ID_SIZE), id);
	buf_add_slice(&bytes, type_bytes);
	buf_add(&bytes, material, size);
	buf_printf(&vkey, "n+%s+", id);
	base64_add(&vkey, buf_slice(&bytes));
	err = key_parse(buf_slice(&vkey), &key);
	buf_done(&vkey);
	buf_done(&bytes);
	return err;
}

static void refuses_points_that_no_signature_can_be_checked_against(void **state)
{
	static const struct {
		const char *what;
		enum key_type type;
		const char *material;
		enum err err;
	} rows[] = {
	    {"the standard's point", KEY_SM2, SM2_POINT, OK},
	    {"y off by one", KEY_SM2,
		"0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
		"ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad14",
		ERR_INVALID},
	    {"hybrid form", KEY_SM2,
		"0709f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
		"ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
		ERR_INVALID},
	    {"all zero", KEY_SM2,
		"040000000000000000000000000000000000000000000000000000000000000000"
		"0000000000000000000000000000000000000000000000000000000000000000",
		ERR_INVALID},
	    {"compressed", KEY_SM2, "0309f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020", ERR_SYNTAX},
	    {"RFC 8032 TEST 1", KEY_ED25519, PUBLIC_1, OK},
	    {"TEST 1 as cosigner", KEY_COSIGNATURE, PUBLIC_1, OK},
	    {"order 1", KEY_ED25519, "0100000000000000000000000000000000000000000000000000000000000000", ERR_INVALID},
	    {"order 4", KEY_ED25519, "0000000000000000000000000000000000000000000000000000000000000000", ERR_INVALID},
	    {"order 8", KEY_COSIGNATURE, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		ERR_INVALID},
	    {"not on the curve", KEY_ED25519, "0200000000000000000000000000000000000000000000000000000000000000",
		ERR_INVALID},
	    {"y beyond the field", KEY_ED25519, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t material[KEY_MATERIAL_MAX];
		size_t size = bytes_of_hex(rows[i].material, material);
		enum err err = parse_with_material(rows[i].type, material, size);

		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].what, err_name(err));
	}
}

static void takes_sm2_secrets_from_1_to_the_order_less_2(void **state)
{
	static const struct {
		const char *what, *secret;
		enum err err;
	} rows[] = {
	    {"0", "0000000000000000000000000000000000000000000000000000000000000000", ERR_INVALID},
	    {"1", "0000000000000000000000000000000000000000000000000000000000000001", OK},
	    {"n - 2", "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54121", OK},
	    {"n - 1", "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54122", ERR_INVALID},
	    {"n", SM2_ORDER, ERR_INVALID},
	    {"all ones", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct signer *signer = NULL;
		uint8_t secret[32], signature[KEY_SIGNATURE_MAX];
		size_t size;

		bytes_of_hex(rows[i].secret, secret);
		if (signer_from_secret(KEY_SM2, slice_text("n"), secret, &signer) != rows[i].err)
			fail_msg("secret %s", rows[i].what);
		if (signer != NULL) {
			assert_int_equal(signer_sign(signer, slice_text("m"), signature, &size), OK);
			assert_int_equal(
			    key_verify(signer_key(signer), slice_text("m"), slice_of(signature, size)), OK);
		}
		signer_free(signer);
	}
}

static void judges_names(void **state)
{
	static const struct {
		const char *name;
		bool is_valid;
	} rows[] = {
	    {"", false},
	    {"a", true},
	    {"example.com/foo", true},
	    {"青岛.example/数据", true},
	    {"a b", false},
	    {"a+b", false},
	    {"a\tb", false},
	    {"a\nb", false},
	    {"a\x7f", false},
	    {"a\xff", false},
	    /* U+0085, U+00A0, U+1680, U+2000, U+200A, U+2028, U+2029, U+202F, U+205F, U+3000 */
	    {"a\xc2\x85", false},
	    {"a\xc2\xa0", false},
	    {"\xe1\x9a\x80", false},
	    {"\xe2\x80\x80", false},
	    {"\xe2\x80\x8a", false},
	    {"\xe2\x80\xa8", false},
	    {"\xe2\x80\xa9", false},
	    {"\xe2\x80\xaf", false},
	    {"\xe2\x81\x9f", false},
	    {"a\xe3\x80\x80z", false},
	    /* neighbours that are no spaces: U+0086, U+200B, U+2030, U+3001, and one of four bytes */
	    {"\xc2\x86", true},
	    {"\xe2\x80\x8b", true},
	    {"\xe2\x80\xb0", true},
	    {"\xe3\x80\x81", true},
	    {"\xf0\x9f\x8c\xb3", true},
	};
	char name[KEY_NAME_SIZE_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (key_name_is_valid(slice_text(rows[i].name)) != rows[i].is_valid)
			fail_msg("row %zu: \"%s\"", i, rows[i].name);
	memset(name, 'n', sizeof(name));
	assert_true(key_name_is_valid(slice_of(name, KEY_NAME_SIZE_MAX - 1)));
	assert_true(key_name_is_valid(slice_of(name, KEY_NAME_SIZE_MAX)));
	assert_false(key_name_is_valid(slice_of(name, KEY_NAME_SIZE_MAX + 1)));
	assert_false(key_name_is_valid(slice_of("a\0b", 3)));
}

static void holds_the_longest_name_in_every_text(void **state)
{
	char name[KEY_NAME_SIZE_MAX + 1] = {0}, vkey[KEY_VKEY_SIZE];
	struct signer *signer, *read;
	struct buf text;
	struct key key;

	(void)state;
	memset(name, 'n', KEY_NAME_SIZE_MAX);
	buf_init(&text, 1024);
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		assert_int_equal(signer_generate(types[i], slice_text(name), &signer), OK);
		key_format(signer_key(signer), vkey);
		assert_int_equal(key_parse(slice_text(vkey), &key), OK);
		assert_string_equal(key.name, name);
		buf_clear(&text);
		assert_int_equal(signer_format(signer, &text), OK);
		assert_int_equal(signer_parse(buf_slice(&text), &read), OK);
		assert_true(key_equal(signer_key(read), &key));
		signer_free(read);
		signer_free(signer);
	}
	assert_int_equal(signer_generate(KEY_ED25519, slice_text("two words"), &signer), ERR_SYNTAX);
	buf_done(&text);
}

static void tells_keys_apart_by_type_name_and_material(void **state)
{
	struct signer *signer = signer_of_hex(KEY_ED25519, "n", SECRET_1);
	struct signer *others[] = {signer_of_hex(KEY_COSIGNATURE, "n", SECRET_1),
	    signer_of_hex(KEY_ED25519, "m", SECRET_1), signer_of_hex(KEY_ED25519, "n", SECRET_2)};

	(void)state;
	assert_true(key_equal(signer_key(signer), signer_key(signer)));
	for (size_t i = 0; i < 3; i++) {
		assert_false(key_equal(signer_key(signer), signer_key(others[i])));
		assert_memory_not_equal(signer_key(signer)->id, signer_key(others[i])->id, KEY_ID_SIZE);
		signer_free(others[i]);
	}
	signer_free(signer);
}

/* A signer of another make. */
struct module {
	unsigned signed_count, freed_count;
};

static enum err module_sign(void *cookie, struct slice message, uint8_t *ret_signature, size_t *ret_size)
{
	struct module *module = cookie;

	(void)message;
	module->signed_count++;
	ret_signature[0] = 7;
	*ret_size = 1;
	return OK;
}

static void module_free(void *cookie)
{
	((struct module *)cookie)->freed_count++;
}

static void lets_a_module_sign_and_keeps_its_secret_there(void **state)
{
	static const struct signer_ops ops = {module_sign, module_free};
	struct signer *witness = signer_of_hex(KEY_COSIGNATURE, "w", SECRET_2), *signer;
	struct module module = {0, 0};
	uint8_t signature[KEY_SIGNATURE_MAX];
	struct buf text;
	struct key key;
	size_t size;

	(void)state;
	buf_init(&text, 1024);
	assert_int_equal(key_parse(slice_text(LOG_VKEY), &key), OK);
	signer = signer_new(&key, &ops, &module);
	assert_non_null(signer);
	assert_true(key_equal(signer_key(signer), &key));
	assert_int_equal(signer_sign(signer, slice_text("m"), signature, &size), OK);
	assert_int_equal(module.signed_count, 1);
	assert_int_equal(size, 1);
	assert_int_equal(signer_format(signer, &text), ERR_INVALID);
	assert_int_equal(text.size, 0);
	signer_free(signer);
	assert_int_equal(module.freed_count, 1);
	/* A cosignature is 64 bytes behind the time, whoever makes it. */
	signer = signer_new(signer_key(witness), &ops, &module);
	assert_non_null(signer);
	assert_int_equal(signer_cosign(signer, slice_text("m"), 1, signature, &size), ERR_SIGNATURE);
	signer_free(signer);
	signer_free(witness);
	signer_free(NULL);
	buf_done(&text);
}

/* What several threads do at once with one SM2 signer. */
static void *sign_and_verify(void *cookie)
{
	const struct signer *signer = cookie;
	uintptr_t failed_count = 0;

	for (int i = 0; i < 40; i++) {
		uint8_t signature[KEY_SIGNATURE_MAX];
		struct slice message = slice_of(&i, sizeof(i));
		size_t size;

		if (signer_sign(signer, message, signature, &size) != OK ||
		    key_verify(signer_key(signer), message, slice_of(signature, size)) != OK)
			failed_count++;
	}
	return (void *)failed_count;
}

static void shares_an_sm2_signer_among_threads(void **state)
{
	struct signer *signer = signer_of_hex(KEY_SM2, "n", SM2_SECRET);
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sign_and_verify, signer), 0);
	for (size_t i = 0; i < 4; i++) {
		void *failed_count;

		assert_int_equal(pthread_join(threads[i], &failed_count), 0);
		assert_null(failed_count);
	}
	signer_free(signer);
}

static void compares_and_wipes_secrets(void **state)
{
	uint8_t a[32], b[32], zero[32] = {0};

	(void)state;
	key_random(a, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(key_secret_equal(a, b, sizeof(a)));
	b[31] ^= 1;
	assert_false(key_secret_equal(a, b, sizeof(a)));
	key_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	key_wipe(a, sizeof(a));
	assert_memory_equal(a, zero, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signs_as_rfc_8032_does),
	    cmocka_unit_test(verifies_the_sm2_standards_own_signature),
	    cmocka_unit_test(refuses_every_other_encoding_of_an_sm2_signature),
	    cmocka_unit_test(signs_the_published_cosignature),
	    cmocka_unit_test(keeps_cosigning_and_signing_apart),
	    cmocka_unit_test(cosigns_no_more_than_a_checkpoint),
	    cmocka_unit_test(verifies_what_it_signs_and_nothing_else),
	    cmocka_unit_test(refuses_an_ed25519_signature_that_is_not_reduced),
	    cmocka_unit_test(reads_the_key_of_the_note_specification),
	    cmocka_unit_test(writes_and_reads_every_type),
	    cmocka_unit_test(writes_the_published_key_texts),
	    cmocka_unit_test(reads_the_private_key_of_gos_examples),
	    cmocka_unit_test(refuses_malformed_public_texts),
	    cmocka_unit_test(refuses_malformed_private_texts),
	    cmocka_unit_test(refuses_points_that_no_signature_can_be_checked_against),
	    cmocka_unit_test(takes_sm2_secrets_from_1_to_the_order_less_2),
	    cmocka_unit_test(judges_names),
	    cmocka_unit_test(holds_the_longest_name_in_every_text),
	    cmocka_unit_test(tells_keys_apart_by_type_name_and_material),
	    cmocka_unit_test(lets_a_module_sign_and_keeps_its_secret_there),
	    cmocka_unit_test(shares_an_sm2_signer_among_threads),
	    cmocka_unit_test(compares_and_wipes_secrets),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}

/* Signatures against the vectors of RFC 8032, GB/T 32918.5 and C2SP, and the signers that make them. */
#include "proto/key.h"

#include <pthread.h>

#include "key_fixture.h"

static enum err sign_any(const struct signer *signer, struct slice message, uint8_t *ret_signature, size_t *ret_size)
{
	if (signer_key(signer)->type == KEY_COSIGNATURE)
		return signer_cosign(signer, message, 1679315147, ret_signature, ret_size);
	return signer_sign(signer, message, ret_signature, ret_size);
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
	    cmocka_unit_test(lets_a_module_sign_and_keeps_its_secret_there),
	    cmocka_unit_test(shares_an_sm2_signer_among_threads),
	    cmocka_unit_test(compares_and_wipes_secrets),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}

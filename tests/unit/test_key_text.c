/* Key texts against the vectors of C2SP and Go's x/mod, and what a hostile key text may try. */
#include "proto/key.h"

#include "key_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};
	return cmocka_run_group_tests(tests, init, NULL);
}

/* Signed notes: the published vectors, and what a hostile or damaged note may look like. */
#include "proto/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DASH "\xe2\x80\x94 "

/* C2SP signed-note, its example. */
#define SPEC_VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define SPEC_TEXT "This is an example message.\n"
#define SPEC_LINE                                                                                                      \
	DASH "example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72Ine" \
	     "yaQM=\n"
#define SPEC_NOTE SPEC_TEXT "\n" SPEC_LINE

/* A checkpoint by the keys of RFC 8032, TEST 1, with a cosignature by TEST 2. */
#define LOG_VKEY "subsidy.example/ledger1+aa6dea01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define WITNESS_VKEY "witness.example/bureau+adda3fdd+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"
#define LOG_TEXT "subsidy.example/ledger1\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
#define LOG_LINE                                                                                                       \
	DASH "subsidy.example/ledger1 qm3qARJhljcAQuteB58xeuD/Kee8yLLAhWZCIc/zWIUxWk+MraNXf14twKlk728wYlKjR71OJwV8Cvn" \
	     "Ux0jTiBWZuwQ=\n"
#define WITNESS_LINE                                                                                                   \
	DASH "witness.example/bureau rdo/3QAAAABkGFDL/WBDmGYdb8pweBiKkkD9UtR+I0peg4/+IarE6FECj+e7RM+SC4gtc3BTa2edOrbC" \
	     "QMxf/AhTCWf5i0rvzaRRCQ==\n"
#define LOG_NOTE LOG_TEXT "\n" LOG_LINE WITNESS_LINE

/* A line of a type that nobody knows: key id 00000000 and one byte. */
#define UNKNOWN_LINE DASH "unknown.example AAAAAAA=\n"

static struct key key_of(const char *vkey)
{
	struct key key;

	assert_int_equal(key_parse(slice_text(vkey), &key), OK);
	return key;
}

static struct signer *signer_of(enum key_type type, const char *name, uint8_t number)
{
	uint8_t secret[32] = {0};
	struct signer *signer;

	secret[31] = number;
	assert_int_equal(signer_from_secret(type, slice_text(name), secret, &signer), OK);
	return signer;
}

static struct note parse(const char *text)
{
	struct note note;
	struct why why = {""};

	if (note_parse(slice_text(text), &note, &why) != OK)
		fail_msg("%s", why.text);
	return note;
}

static int init(void **state)
{
	(void)state;
	return key_global_init() == OK ? 0 : -1;
}

static void verifies_the_published_notes(void **state)
{
	const struct key keys[] = {key_of(SPEC_VKEY), key_of(LOG_VKEY), key_of(WITNESS_VKEY)};
	static const struct {
		const char *note, *text;
		uint64_t signed_by;
	} rows[] = {
	    {SPEC_NOTE, SPEC_TEXT, 1},
	    {LOG_NOTE, LOG_TEXT, 6},
	    {LOG_TEXT "\n" LOG_LINE, LOG_TEXT, 2},
	    {LOG_TEXT "\n" WITNESS_LINE, LOG_TEXT, 4},
	    {LOG_TEXT "\n" UNKNOWN_LINE LOG_LINE UNKNOWN_LINE, LOG_TEXT, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct note note = parse(rows[i].note);
		uint64_t signed_by = 0;

		assert_true(slice_equal(note.text, slice_text(rows[i].text)));
		assert_int_equal(note_verify(&note, keys, 3, &signed_by), OK);
		if (signed_by != rows[i].signed_by)
			fail_msg("row %zu is signed by %llx", i, (unsigned long long)signed_by);
	}
}

static void writes_the_published_note(void **state)
{
	static const uint8_t secrets[2][32] = {
	    {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
		0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60},
	    {0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b, 0x8a,
		0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb},
	};
	struct signer *ledger, *witness;
	uint8_t cosignature[KEY_SIGNATURE_MAX];
	struct buf note;
	size_t size;

	(void)state;
	buf_init(&note, NOTE_SIZE_MAX);
	assert_int_equal(
	    signer_from_secret(KEY_ED25519, slice_text("subsidy.example/ledger1"), secrets[0], &ledger), OK);
	assert_int_equal(
	    signer_from_secret(KEY_COSIGNATURE, slice_text("witness.example/bureau"), secrets[1], &witness), OK);
	assert_int_equal(note_sign(slice_text(LOG_TEXT), &ledger, 1, &note), OK);
	assert_string_equal(buf_text(&note), LOG_TEXT "\n" LOG_LINE);
	assert_int_equal(signer_cosign(witness, slice_text(LOG_TEXT), 1679315147, cosignature, &size), OK);
	note_add_line(&note, signer_key(witness), slice_of(cosignature, size));
	assert_string_equal(buf_text(&note), LOG_NOTE);
	signer_free(witness);
	signer_free(ledger);
	buf_done(&note);
}

static void refuses_what_is_no_note(void **state)
{
	static const char *const rows[] = {
	    "",
	    "\n",
	    "\n\n",
	    "text\n",
	    "text\n\n",
	    "text\n\n\n",
	    "text\n" SPEC_LINE,
	    "\n" SPEC_LINE,
	    SPEC_LINE,
	    SPEC_NOTE "\n",
	    SPEC_NOTE "text\n",
	    SPEC_TEXT "\ntext\n" SPEC_LINE,
	    SPEC_TEXT "\n" DASH "\n",
	    SPEC_TEXT "\n" DASH "name\n",
	    SPEC_TEXT "\n" DASH "name \n",
	    SPEC_TEXT "\n" DASH " AAAAAAA=\n",
	    SPEC_TEXT "\n" DASH "na+me AAAAAAA=\n",
	    SPEC_TEXT "\n" DASH "na\xc2\xa0me AAAAAAA=\n",
	    SPEC_TEXT "\n" DASH "name  AAAAAAA=\n",
	    SPEC_TEXT "\n" DASH "name AAAAAAA= \n",
	    SPEC_TEXT "\n" DASH "name AAAAAAA\n",
	    SPEC_TEXT "\n" DASH "name AAAAAAB=\n",
	    SPEC_TEXT "\n" DASH "name AAAAAA==\n", /* a key id and no signature */
	    SPEC_TEXT "\n" DASH "name AAA=\n",
	    SPEC_TEXT "\n" DASH "name AAAAAAA-\n",
	    SPEC_TEXT "\n- name AAAAAAA=\n",
	    SPEC_TEXT "\n\xe2\x80\x94name AAAAAAA=\n",
	    SPEC_TEXT "\n " DASH "name AAAAAAA=\n",
	    SPEC_TEXT "\r\n" SPEC_LINE,
	    "text\n\xff\n\n" SPEC_LINE,
	    "text\n\xc0\xaf\n\n" SPEC_LINE,
	    "text\n\xed\xa0\x80\n\n" SPEC_LINE,
	};
	struct note note = {.signature_count = 99};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct why why = {""};

		if (note_parse(slice_text(rows[i]), &note, &why) != ERR_NOTE)
			fail_msg("row %zu is taken for a note: %s", i, rows[i]);
		assert_true(why.text[0] != '\0');
	}
	assert_int_equal(note.signature_count, 99);
}

static void refuses_control_characters_anywhere(void **state)
{
	static const size_t places[] = {0, 4, sizeof(SPEC_TEXT) - 2, sizeof(SPEC_TEXT) + 6};
	struct note note;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (unsigned byte = 0; byte <= 0x7f; byte = byte == 0x1f ? 0x7f : byte + 1) {
			char text[] = SPEC_NOTE;

			text[places[i]] = (char)byte;
			if (byte != '\n' && note_parse(slice_of(text, sizeof(text) - 1), &note, NULL) != ERR_NOTE)
				fail_msg("byte %02x is taken at %zu", byte, places[i]);
		}
	}
}

static void reads_each_truncation_as_nothing_or_the_same_text(void **state)
{
	size_t taken_count = 0;

	(void)state;
	for (size_t cut = 0; cut < strlen(LOG_NOTE); cut++) {
		struct note note;
		enum err err = note_parse(slice_of(LOG_NOTE, cut), &note, NULL);

		if (err == OK) {
			taken_count++;
			assert_true(slice_equal(note.text, slice_text(LOG_TEXT)));
			assert_int_equal(note.signature_count, 1);
			assert_int_equal(cut, strlen(LOG_TEXT "\n" LOG_LINE));
		} else {
			assert_int_equal(err, ERR_NOTE);
		}
	}
	assert_int_equal(taken_count, 1);
}

static void splits_at_the_last_empty_line(void **state)
{
	static const char *const texts[] = {"one\n\ntwo\n", "\n", "one\n\n", "\n\n\n", "one\n\n" SPEC_LINE};
	struct signer *signer = signer_of(KEY_ED25519, "signer.example", 1);
	const struct key *key = signer_key(signer);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct note note;
		uint64_t signed_by;
		struct buf buf;

		buf_init(&buf, NOTE_SIZE_MAX);
		assert_int_equal(note_sign(slice_text(texts[i]), &signer, 1, &buf), OK);
		assert_int_equal(note_parse(buf_slice(&buf), &note, NULL), OK);
		if (!slice_equal(note.text, slice_text(texts[i])))
			fail_msg("text %zu reads otherwise", i);
		assert_int_equal(note_verify(&note, key, 1, &signed_by), OK);
		buf_done(&buf);
	}
	signer_free(signer);
}

static void refuses_to_sign_what_is_no_text(void **state)
{
	static const char *const rows[] = {"", "text", "text\r\n", "\xff\n", "a\tb\n"};
	struct signer *signers[] = {
	    signer_of(KEY_ED25519, "a", 1), signer_of(KEY_SM2, "b", 1), signer_of(KEY_COSIGNATURE, "c", 1)};
	struct signer *twice[] = {signers[0], signers[1], signers[0]};
	struct buf buf;

	(void)state;
	buf_init(&buf, NOTE_SIZE_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (note_sign(slice_text(rows[i]), signers, 1, &buf) != ERR_NOTE)
			fail_msg("row %zu is signed", i);
	assert_int_equal(note_sign(slice_text("text\n"), signers, 0, &buf), ERR_INVALID);
	assert_int_equal(note_sign(slice_text("text\n"), twice, 3, &buf), ERR_INVALID);
	/* A witness signs checkpoints at a time, never a bare text. */
	assert_int_equal(note_sign(slice_text("text\n"), signers, 3, &buf), ERR_INVALID);
	assert_int_equal(buf.size, 0);
	assert_int_equal(note_sign(slice_text("text\n"), signers, 2, &buf), OK);
	for (size_t i = 0; i < 3; i++)
		signer_free(signers[i]);
	buf_done(&buf);
}

static void keeps_the_limits_of_size(void **state)
{
	struct signer *signer = signer_of(KEY_ED25519, "signer.example", 1);
	char *text = malloc(NOTE_SIZE_MAX + 1);
	struct note note;
	struct buf buf;

	(void)state;
	assert_non_null(text);
	buf_init(&buf, 2 * NOTE_SIZE_MAX);
	for (size_t size = NOTE_TEXT_SIZE_MAX - 1; size <= NOTE_TEXT_SIZE_MAX + 1; size++) {
		enum err err = size <= NOTE_TEXT_SIZE_MAX ? OK : ERR_TOO_LARGE;

		memset(text, 'a', size - 1);
		text[size - 1] = '\n';
		buf_clear(&buf);
		assert_int_equal(note_sign(slice_of(text, size), &signer, 1, &buf), err);
		/* The same from a signer who does not care. */
		buf_clear(&buf);
		buf_add(&buf, text, size);
		buf_add_text(&buf, "\n" SPEC_LINE);
		assert_int_equal(note_parse(buf_slice(&buf), &note, NULL), err);
	}
	for (size_t size = NOTE_SIZE_MAX - 1; size <= NOTE_SIZE_MAX + 1; size++) {
		const size_t fixed_size = strlen(SPEC_TEXT "\n" DASH " AAAAAAA=\n");
		const size_t filler_size = size - fixed_size - KEY_NAME_SIZE_MAX;

		/* One long signature makes up the size; base64 grows by fours, so the name takes the rest. */
		buf_clear(&buf);
		buf_add_text(&buf, SPEC_TEXT "\n" DASH);
		memset(text, 'n', KEY_NAME_SIZE_MAX);
		buf_add(&buf, text, KEY_NAME_SIZE_MAX - 4 + filler_size % 4);
		buf_add_text(&buf, " ");
		memset(text, 'A', filler_size + 4);
		buf_add(&buf, text, filler_size / 4 * 4 + 4);
		buf_add_text(&buf, "AAAAAAA=\n");
		assert_int_equal(buf.size, size);
		assert_int_equal(note_parse(buf_slice(&buf), &note, NULL), size <= NOTE_SIZE_MAX ? OK : ERR_TOO_LARGE);
	}
	signer_free(signer);
	buf_done(&buf);
	free(text);
}

static void takes_32_signature_lines_and_no_more(void **state)
{
	struct signer *signers[NOTE_SIGNATURES_MAX + 1];
	struct key keys[NOTE_SIGNATURES_MAX + 1];
	struct buf buf, longer;
	struct note note;
	uint64_t signed_by;

	(void)state;
	buf_init(&buf, NOTE_SIZE_MAX);
	buf_init(&longer, NOTE_SIZE_MAX);
	for (size_t i = 0; i <= NOTE_SIGNATURES_MAX; i++) {
		signers[i] = signer_of(KEY_ED25519, "signer.example", (uint8_t)i);
		keys[i] = *signer_key(signers[i]);
	}
	assert_int_equal(note_sign(slice_text("text\n"), signers, NOTE_SIGNATURES_MAX + 1, &buf), ERR_TOO_LARGE);
	assert_int_equal(note_sign(slice_text("text\n"), signers, NOTE_SIGNATURES_MAX - 1, &buf), OK);
	assert_int_equal(note_add_signature(buf_slice(&buf), signers[NOTE_SIGNATURES_MAX - 1], &longer), OK);
	assert_int_equal(note_parse(buf_slice(&longer), &note, NULL), OK);
	assert_int_equal(note.signature_count, NOTE_SIGNATURES_MAX);
	assert_int_equal(note_verify(&note, keys, NOTE_SIGNATURES_MAX + 1, &signed_by), OK);
	assert_int_equal(signed_by, 0xffffffff);
	buf_clear(&buf);
	assert_int_equal(note_add_signature(buf_slice(&longer), signers[NOTE_SIGNATURES_MAX], &buf), ERR_TOO_LARGE);
	assert_int_equal(buf.size, 0);
	buf_add_text(&longer, UNKNOWN_LINE);
	assert_int_equal(note_parse(buf_slice(&longer), &note, NULL), ERR_TOO_LARGE);
	for (size_t i = 0; i <= NOTE_SIGNATURES_MAX; i++)
		signer_free(signers[i]);
	buf_done(&longer);
	buf_done(&buf);
}

static void adds_a_signature_once(void **state)
{
	struct signer *first = signer_of(KEY_ED25519, "first", 1), *second = signer_of(KEY_SM2, "second", 2);
	struct key keys[] = {*signer_key(first), *signer_key(second)};
	struct buf buf, longer;
	struct note note;
	uint64_t signed_by;

	(void)state;
	buf_init(&buf, NOTE_SIZE_MAX);
	buf_init(&longer, NOTE_SIZE_MAX);
	assert_int_equal(note_sign(slice_text("text\n"), &first, 1, &buf), OK);
	assert_int_equal(note_parse(buf_slice(&buf), &note, NULL), OK);
	assert_true(note_names_key(&note, &keys[0]));
	assert_false(note_names_key(&note, &keys[1]));
	assert_int_equal(note_add_signature(buf_slice(&buf), first, &longer), ERR_INVALID);
	assert_int_equal(note_add_signature(slice_text("text\n"), first, &longer), ERR_NOTE);
	assert_int_equal(longer.size, 0);
	assert_int_equal(note_add_signature(buf_slice(&buf), second, &longer), OK);
	assert_int_equal(note_parse(buf_slice(&longer), &note, NULL), OK);
	assert_true(note_names_key(&note, &keys[1]));
	assert_int_equal(note_verify(&note, keys, 2, &signed_by), OK);
	assert_int_equal(signed_by, 3);
	signer_free(second);
	signer_free(first);
	buf_done(&longer);
	buf_done(&buf);
}

static void rejects_the_note_when_a_known_key_fails(void **state)
{
	struct key keys[] = {key_of(LOG_VKEY), key_of(WITNESS_VKEY)};
	uint64_t signed_by = 99;
	static const struct {
		const char *what, *note;
		enum err err;
	} rows[] = {
	    {"other text", "other\n\n" LOG_LINE, ERR_SIGNATURE},
	    {"one good, one bad",
		LOG_TEXT "\n" LOG_LINE DASH "witness.example/bureau rdo/3QAAAABkGFDM/WBDmGYdb8pweBiKkk"
			 "D9UtR+I0peg4/+IarE6FECj+e7RM+SC4gtc3BTa2edOrbCQMxf/AhTCWf5i0rvzaRRCQ==\n",
		ERR_SIGNATURE},
	    {"good, then bad, by the same key", LOG_TEXT "\n" LOG_LINE DASH "subsidy.example/ledger1 qm3qAQA=\n",
		ERR_SIGNATURE},
	    {"bad, then good, by the same key", LOG_TEXT "\n" DASH "subsidy.example/ledger1 qm3qAQA=\n" LOG_LINE,
		ERR_SIGNATURE},
	    {"too long by a known key",
		LOG_TEXT "\n" LOG_LINE DASH "witness.example/bureau "
			 "rdo/3QAAAABkGFDL/WBDmGYdb8pweBiKkkD9UtR+I0peg4/+IarE6FECj+e7RM+SC4gtc3BTa2edOrbC"
			 "QMxf/AhTCWf5i0rvzaRRCQAAAAAAAAAAAAAAAAAA\n",
		ERR_SIGNATURE},
	    {"nobody known", LOG_TEXT "\n" UNKNOWN_LINE, ERR_UNKNOWN_KEY},
	    {"known name, other id", LOG_TEXT "\n" DASH "subsidy.example/ledger1 qm3qAgA=\n", ERR_UNKNOWN_KEY},
	    {"known id, other name", LOG_TEXT "\n" DASH "subsidy.example/ledger2 qm3qAQA=\n", ERR_UNKNOWN_KEY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct note note = parse(rows[i].note);
		enum err err = note_verify(&note, keys, 2, &signed_by);

		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].what, err_name(err));
	}
	assert_int_equal(signed_by, 99);
}

static void counts_a_key_that_signs_twice_once(void **state)
{
	struct note note = parse(LOG_TEXT "\n" LOG_LINE LOG_LINE WITNESS_LINE LOG_LINE);
	struct key keys[] = {key_of(WITNESS_VKEY), key_of(LOG_VKEY)};
	uint64_t signed_by;

	(void)state;
	assert_int_equal(note.signature_count, 4);
	assert_int_equal(note_verify(&note, keys, 2, &signed_by), OK);
	assert_int_equal(signed_by, 3);
	assert_int_equal(note_verify(&note, keys, 1, &signed_by), OK);
	assert_int_equal(signed_by, 1);
	assert_int_equal(note_verify(&note, keys, 0, &signed_by), ERR_UNKNOWN_KEY);
}

static void takes_either_of_two_keys_that_share_name_and_id(void **state)
{
	struct signer *signer = signer_of(KEY_ED25519, "signer.example", 1);
	struct signer *other = signer_of(KEY_ED25519, "signer.example", 2);
	struct key keys[] = {*signer_key(other), *signer_key(signer)};
	struct note note;
	uint64_t signed_by;
	struct buf buf;

	(void)state;
	buf_init(&buf, NOTE_SIZE_MAX);
	memcpy(keys[0].id, keys[1].id, KEY_ID_SIZE);
	assert_int_equal(note_sign(slice_text("text\n"), &signer, 1, &buf), OK);
	assert_int_equal(note_parse(buf_slice(&buf), &note, NULL), OK);
	assert_int_equal(note_verify(&note, keys, 2, &signed_by), OK);
	assert_int_equal(signed_by, 2);
	assert_int_equal(note_verify(&note, keys, 1, &signed_by), ERR_SIGNATURE);
	signer_free(other);
	signer_free(signer);
	buf_done(&buf);
}

static void keeps_signatures_of_any_length(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 3 * KEY_SIGNATURE_MAX; size++) {
		uint8_t bytes[KEY_ID_SIZE + 3 * KEY_SIGNATURE_MAX];
		size_t kept = size < KEY_SIGNATURE_MAX ? size : KEY_SIGNATURE_MAX;
		struct note note;
		struct buf buf;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(i + 1);
		buf_init(&buf, NOTE_SIZE_MAX);
		buf_add_text(&buf, "text\n\n" DASH "name ");
		base64_add(&buf, slice_of(bytes, KEY_ID_SIZE + size));
		buf_add_text(&buf, "\n");
		assert_int_equal(note_parse(buf_slice(&buf), &note, NULL), OK);
		assert_memory_equal(note.signatures[0].key_id, bytes, KEY_ID_SIZE);
		assert_int_equal(note.signatures[0].size, kept);
		assert_memory_equal(note.signatures[0].bytes, bytes + KEY_ID_SIZE, kept);
		assert_int_equal(note.signatures[0].is_too_long, size > KEY_SIGNATURE_MAX);
		buf_done(&buf);
	}
}

static void refuses_padding_inside_a_long_signature(void **state)
{
	/* 64 digits, the last one padding, and more behind: two base64 texts, one after the other. */
	char text[] = "text\n\n" DASH "name AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
	char *padding = strstr(text, "name ") + strlen("name ") + 63;
	struct note note;

	(void)state;
	assert_int_equal(note_parse(slice_text(text), &note, NULL), OK);
	*padding = '=';
	assert_int_equal(note_parse(slice_text(text), &note, NULL), ERR_NOTE);
}

static void says_when_the_buffer_is_too_small(void **state)
{
	struct signer *signer = signer_of(KEY_ED25519, "signer.example", 1);
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	assert_int_equal(note_sign(slice_text("text\n"), &signer, 1, &buf), ERR_TOO_LARGE);
	signer_free(signer);
	buf_done(&buf);
}

/* What was verified ahead holds for that key alone; what was not true is not remembered. */
static void proves_ahead_what_is_verified_later(void **state)
{
	struct key log = key_of(LOG_VKEY), other = log;
	const struct key *keys[] = {&log};
	struct note note = parse(LOG_NOTE), wrong;
	uint64_t signed_by;

	(void)state;
	note_prove(&note, keys, 1);
	assert_ptr_equal(note.signatures[0].proven_by, &log);
	assert_null(note.signatures[1].proven_by);
	/* A key of the same name and id, with which nothing was verified. */
	other.material[0] ^= 1;
	assert_int_equal(note_verify(&note, &other, 1, &signed_by), ERR_SIGNATURE);
	/* It is not computed again: a byte changed behind its back goes unseen. */
	note.signatures[0].bytes[7] ^= 1;
	assert_int_equal(note_verify(&note, &log, 1, &signed_by), OK);
	assert_int_equal(signed_by, 1);
	wrong = parse(LOG_NOTE);
	wrong.signatures[0].bytes[7] ^= 1;
	note_prove(&wrong, keys, 1);
	assert_null(wrong.signatures[0].proven_by);
	assert_int_equal(note_verify(&wrong, &log, 1, &signed_by), ERR_SIGNATURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verifies_the_published_notes),
	    cmocka_unit_test(writes_the_published_note),
	    cmocka_unit_test(refuses_what_is_no_note),
	    cmocka_unit_test(refuses_control_characters_anywhere),
	    cmocka_unit_test(reads_each_truncation_as_nothing_or_the_same_text),
	    cmocka_unit_test(splits_at_the_last_empty_line),
	    cmocka_unit_test(refuses_to_sign_what_is_no_text),
	    cmocka_unit_test(keeps_the_limits_of_size),
	    cmocka_unit_test(takes_32_signature_lines_and_no_more),
	    cmocka_unit_test(adds_a_signature_once),
	    cmocka_unit_test(rejects_the_note_when_a_known_key_fails),
	    cmocka_unit_test(counts_a_key_that_signs_twice_once),
	    cmocka_unit_test(takes_either_of_two_keys_that_share_name_and_id),
	    cmocka_unit_test(keeps_signatures_of_any_length),
	    cmocka_unit_test(refuses_padding_inside_a_long_signature),
	    cmocka_unit_test(says_when_the_buffer_is_too_small),
	    cmocka_unit_test(proves_ahead_what_is_verified_later),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}

/* Witnesses w0, w1, … with keys of their own, heads that are signed, and cosignatures of them. */
#ifndef TESTS_UNIT_WITNESS_FIXTURE_H
#define TESTS_UNIT_WITNESS_FIXTURE_H

#include "key_fixture.h"

#include "daemon/published.h"

static inline struct signer *witness_signer(unsigned number)
{
	uint8_t secret[32] = {2, (uint8_t)number};
	struct signer *signer;
	char name[32];

	(void)snprintf(name, sizeof(name), "w%u.example", number);
	assert_int_equal(signer_from_secret(KEY_COSIGNATURE, slice_text(name), secret, &signer), OK);
	return signer;
}

static inline struct key witness_key(unsigned number)
{
	struct signer *signer = witness_signer(number);
	struct key key = *signer_key(signer);

	signer_free(signer);
	return key;
}

/* The lines of witnesses `first` to `last` in a policy. */
static inline void witness_add_lines(struct buf *text, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++) {
		struct key key = witness_key(i);
		char vkey[KEY_VKEY_SIZE];

		key_format(&key, vkey);
		buf_printf(text, "witness w%u %s\n", i, vkey);
	}
}

/* Of witnesses `first` to `last` and further lines. */
static inline struct trust *witness_trust(unsigned first, unsigned last, const char *lines)
{
	struct why why = {""};
	struct trust *trust;
	struct buf text;

	buf_init(&text, TRUST_SIZE_MAX);
	witness_add_lines(&text, first, last);
	buf_add_text(&text, lines);
	if (trust_parse(buf_slice(&text), &trust, &why) != OK)
		fail_msg("%s", why.text);
	buf_done(&text);
	return trust;
}

/* A head of this size with the ledger's own line; its root is made of the size. */
static inline struct head witness_head(uint64_t size)
{
	struct signer *signer = signer_of_hex(KEY_ED25519, LOG_NAME, SECRET_1);
	struct head head = {.size = size, .root = hash_sha256(slice_of(&size, sizeof(size)))};

	assert_int_equal(head_sign(&head, LOG_NAME, &signer, 1), OK);
	signer_free(signer);
	return head;
}

/* The head's note with the line of a witness below. */
static inline void witness_add_line(struct buf *note, unsigned number, uint64_t time_s)
{
	struct signer *signer = witness_signer(number);
	uint8_t signature[KEY_SIGNATURE_MAX];
	struct note parsed;
	size_t size;

	assert_int_equal(note_parse(buf_slice(note), &parsed, NULL), OK);
	assert_int_equal(signer_cosign(signer, parsed.text, time_s, signature, &size), OK);
	note_add_line(note, signer_key(signer), slice_of(signature, size));
	assert_int_equal(note->err, OK);
	signer_free(signer);
}

/* The cosignature of one witness under the head of that size. */
static inline struct cosignatures witness_cosign(unsigned number, uint64_t size, uint64_t time_s)
{
	struct head head = witness_head(size);
	struct key key = witness_key(number);
	struct cosignatures cosignatures;
	struct note parsed;
	struct buf note;

	buf_init(&note, NOTE_SIZE_MAX);
	buf_add_slice(&note, head_note(&head));
	witness_add_line(&note, number, time_s);
	assert_int_equal(note_parse(buf_slice(&note), &parsed, NULL), OK);
	assert_int_equal(cosignatures_read(&parsed, &key, 1, &cosignatures, NULL), OK);
	buf_done(&note);
	return cosignatures;
}

/* How many lines of the head's note are of these witnesses; each must verify. */
static inline size_t witness_count_lines(const struct head *head, const struct trust *trust)
{
	struct note note;
	uint64_t cosigned;

	assert_int_equal(note_parse(head_note(head), &note, NULL), OK);
	assert_int_equal(trust_cosigned(trust, &note, &cosigned), OK);
	assert_int_equal(note.signature_count, 1 + (size_t)__builtin_popcountll(cosigned));
	return note.signature_count - 1;
}

#endif

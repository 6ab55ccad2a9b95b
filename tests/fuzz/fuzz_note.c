/*
 * Signed notes: parsed, verified against two known keys, and signed once more. A further signature changes nothing
 * of the text, adds one line, and verifies.
 */
#include "proto/note.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

/* The key of RFC 8032 section 7.1, TEST number. */
static struct signer *make_signer(const char *name, unsigned number)
{
	static const char *const secrets[] = {
	    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	};
	struct signer *signer;
	uint8_t secret[32];

	expect(hex_parse(slice_text(secrets[number - 1]), secret, sizeof(secret)) == OK);
	expect(signer_from_secret(KEY_ED25519, slice_text(name), secret, &signer) == OK);
	return signer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct signer *known, *other;
	static struct note note, again;
	uint64_t is_signed = 0;
	struct buf longer;
	struct why why;
	struct key keys[2];
	enum err err;

	if (known == NULL) {
		expect(key_global_init() == OK);
		known = make_signer("subsidy.example/ledger1", 1);
		other = make_signer("fuzz.example/other", 2);
	}
	if (note_parse(slice_of(data, size), &note, &why) != OK)
		return 0;
	expect(note.text.size > 0 && note.text.data[note.text.size - 1] == '\n');
	expect(note.signature_count >= 1 && note.signature_count <= NOTE_SIGNATURES_MAX);
	keys[0] = *signer_key(known);
	keys[1] = *signer_key(other);
	err = note_verify(&note, keys, 2, &is_signed);
	expect(err == ERR_UNKNOWN_KEY || note_names_key(&note, &keys[0]) || note_names_key(&note, &keys[1]));
	if (note.signature_count == NOTE_SIGNATURES_MAX || note_names_key(&note, &keys[1]))
		return 0;

	buf_init(&longer, 2 * NOTE_SIZE_MAX);
	expect(note_add_signature(slice_of(data, size), other, &longer) == OK);
	if (longer.size <= NOTE_SIZE_MAX) {
		expect(note_parse(buf_slice(&longer), &again, &why) == OK);
		expect(again.signature_count == note.signature_count + 1 && slice_equal(again.text, note.text));
		expect(note_verify(&again, keys + 1, 1, &is_signed) == OK && is_signed == 1);
	}
	buf_done(&longer);
	return 0;
}

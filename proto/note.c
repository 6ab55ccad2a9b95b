/*
 * The parser is strict about form and lax about meaning: each signature line must be well-formed, but a line of a
 * type or length that nobody here knows is kept and ignored, so that a note may be signed in ways yet to come.
 *
 * DEL is refused along with the control characters that C2SP names: nothing of ours carries one.
 */
#include "proto/note.h"

#include <assert.h>
#include <string.h>

/* Em dash and space: begins each signature line. */
#define LINE_PREFIX "\xe2\x80\x94 "
#define LINE_PREFIX_SIZE (sizeof(LINE_PREFIX) - 1)

/* Base64 is decoded in runs of this many bytes, so that a line of any length needs no memory of its own. */
#define RUN_SIZE 48

/* Takes the next line, without its newline, off `rest`, which must hold a newline. */
static struct slice take_line(struct slice *rest)
{
	const uint8_t *newline = memchr(rest->data, '\n', rest->size);
	struct slice line;

	assert(newline != NULL);
	line = slice_of(rest->data, (size_t)(newline - rest->data));
	*rest = slice_of(newline + 1, rest->size - line.size - 1);
	return line;
}

/* UTF-8 lines without control characters, the last one ended too. */
static bool is_text(struct slice text)
{
	if (text.size == 0 || text.data[text.size - 1] != '\n')
		return false;
	while (text.size > 0)
		if (!utf8_is_text(take_line(&text)))
			return false;
	return true;
}

/* Decodes key id and signature. Beyond KEY_SIGNATURE_MAX the rest is checked, but not kept. */
static bool decode_signature(struct slice base64, struct note_signature *ret_signature)
{
	uint8_t run[RUN_SIZE];
	uint8_t bytes[KEY_ID_SIZE + KEY_SIGNATURE_MAX];
	size_t total = 0, kept = 0;

	while (base64.size > 0) {
		size_t text_size = base64.size < BASE64_SIZE(RUN_SIZE) ? base64.size : BASE64_SIZE(RUN_SIZE);
		size_t size, keep_size = sizeof(bytes) - kept;

		if (base64_parse(slice_of(base64.data, text_size), run, sizeof(run), &size) != OK)
			return false;
		base64 = slice_of(base64.data + text_size, base64.size - text_size);
		/* A short run has padding, which only the last one may have. */
		if (base64.size > 0 && size != RUN_SIZE)
			return false;
		keep_size = size < keep_size ? size : keep_size;
		memcpy(bytes + kept, run, keep_size);
		kept += keep_size;
		total += size;
	}
	if (total <= KEY_ID_SIZE)
		return false;
	memcpy(ret_signature->key_id, bytes, KEY_ID_SIZE);
	ret_signature->size = kept - KEY_ID_SIZE;
	memcpy(ret_signature->bytes, bytes + KEY_ID_SIZE, ret_signature->size);
	ret_signature->is_too_long = total > kept;
	return true;
}

/* One signature line without its newline. */
static bool parse_line(struct slice line, struct note_signature *ret_signature)
{
	const uint8_t *space;
	struct slice name;

	if (line.size < LINE_PREFIX_SIZE || memcmp(line.data, LINE_PREFIX, LINE_PREFIX_SIZE) != 0)
		return false;
	line = slice_of(line.data + LINE_PREFIX_SIZE, line.size - LINE_PREFIX_SIZE);
	space = line.size == 0 ? NULL : memchr(line.data, ' ', line.size);
	if (space == NULL)
		return false;
	name = slice_of(line.data, (size_t)(space - line.data));
	if (!key_name_is_valid(name))
		return false;
	ret_signature->name = name;
	return decode_signature(slice_of(space + 1, line.size - name.size - 1), ret_signature);
}

/* Where the signature lines begin: behind the last empty line. 0 if there is none. */
static size_t find_signatures(struct slice bytes)
{
	for (size_t end = bytes.size; end >= 2; end--)
		if (bytes.data[end - 1] == '\n' && bytes.data[end - 2] == '\n')
			return end;
	return 0;
}

enum err note_parse(struct slice bytes, struct note *ret_note, struct why *why)
{
	struct note note = {.signature_count = 0};
	struct slice rest;
	size_t start;

	if (bytes.size > NOTE_SIZE_MAX)
		return why_set(
		    why, ERR_TOO_LARGE, "the note has %zu bytes; at most %d are allowed", bytes.size, NOTE_SIZE_MAX);
	if (!is_text(bytes))
		return why_set(
		    why, ERR_NOTE, "the note is not UTF-8 text in lines, or its last line does not end in a newline");
	start = find_signatures(bytes);
	if (start == 0)
		return why_set(why, ERR_NOTE, "the note has no empty line between its text and its signatures");
	note.text = slice_of(bytes.data, start - 1);
	if (note.text.size > NOTE_TEXT_SIZE_MAX)
		return why_set(why, ERR_TOO_LARGE, "the note's text has %zu bytes; at most %d are allowed",
		    note.text.size, NOTE_TEXT_SIZE_MAX);
	rest = slice_of(bytes.data + start, bytes.size - start);
	if (rest.size == 0)
		return why_set(why, ERR_NOTE, "the note has no signature line");
	while (rest.size > 0) {
		if (note.signature_count == NOTE_SIGNATURES_MAX)
			return why_set(
			    why, ERR_TOO_LARGE, "the note has more than %d signature lines", NOTE_SIGNATURES_MAX);
		if (!parse_line(take_line(&rest), &note.signatures[note.signature_count]))
			return why_set(why, ERR_NOTE,
			    "signature line %zu of the note is not of the form \"— NAME BASE64\"",
			    note.signature_count + 1);
		note.signature_count++;
	}
	*ret_note = note;
	return OK;
}

bool note_line_is_of(const struct note_signature *line, const struct key *key)
{
	return slice_equal(line->name, slice_text(key->name)) && memcmp(line->key_id, key->id, KEY_ID_SIZE) == 0;
}

enum err note_verify(const struct note *note, const struct key *keys, size_t key_count, uint64_t *ret_signed)
{
	uint64_t verified = 0;

	assert(key_count <= 64);
	for (size_t i = 0; i < note->signature_count; i++) {
		const struct note_signature *signature = &note->signatures[i];
		bool is_known = false, is_verified = false;

		/* Key ids are four bytes: two keys of one name may share one, and then either may have signed. */
		for (size_t k = 0; k < key_count; k++) {
			enum err err = ERR_SIGNATURE;

			if (!note_line_is_of(signature, &keys[k]))
				continue;
			is_known = true;
			if (signature->proven_by != NULL && key_equal(signature->proven_by, &keys[k]))
				err = OK;
			else if (!signature->is_too_long)
				err = key_verify(&keys[k], note->text, slice_of(signature->bytes, signature->size));
			if (err == OK) {
				is_verified = true;
				verified |= 1ULL << k;
			} else if (err != ERR_SIGNATURE) {
				return err;
			}
		}
		if (is_known && !is_verified)
			return ERR_SIGNATURE;
	}
	if (verified == 0)
		return ERR_UNKNOWN_KEY;
	*ret_signed = verified;
	return OK;
}

void note_prove(struct note *note, const struct key *const *keys, size_t key_count)
{
	for (size_t i = 0; i < note->signature_count; i++) {
		struct note_signature *signature = &note->signatures[i];

		for (size_t k = 0; k < key_count && signature->proven_by == NULL && !signature->is_too_long; k++)
			if (note_line_is_of(signature, keys[k]) &&
			    key_verify(keys[k], note->text, slice_of(signature->bytes, signature->size)) == OK)
				signature->proven_by = keys[k];
	}
}

bool note_names_key(const struct note *note, const struct key *key)
{
	for (size_t i = 0; i < note->signature_count; i++)
		if (note_line_is_of(&note->signatures[i], key))
			return true;
	return false;
}

enum err note_sign(struct slice text, struct signer *const *signers, size_t signer_count, struct buf *ret_note)
{
	struct {
		uint8_t bytes[KEY_SIGNATURE_MAX];
		size_t size;
	} signatures[NOTE_SIGNATURES_MAX];

	if (text.size > NOTE_TEXT_SIZE_MAX || signer_count > NOTE_SIGNATURES_MAX)
		return ERR_TOO_LARGE;
	if (!is_text(text))
		return ERR_NOTE;
	if (signer_count == 0)
		return ERR_INVALID;
	for (size_t i = 0; i < signer_count; i++) {
		enum err err;

		for (size_t k = 0; k < i; k++)
			if (key_equal(signer_key(signers[i]), signer_key(signers[k])))
				return ERR_INVALID;
		err = signer_sign(signers[i], text, signatures[i].bytes, &signatures[i].size);
		if (err != OK)
			return err;
	}
	buf_add_slice(ret_note, text);
	buf_u8(ret_note, '\n');
	for (size_t i = 0; i < signer_count; i++)
		note_add_line(ret_note, signer_key(signers[i]), slice_of(signatures[i].bytes, signatures[i].size));
	return ret_note->err;
}

enum err note_add_signature(struct slice note, const struct signer *signer, struct buf *ret_note)
{
	uint8_t signature[KEY_SIGNATURE_MAX];
	struct note parsed;
	size_t size;
	enum err err = note_parse(note, &parsed, NULL);

	if (err != OK)
		return err;
	if (note_names_key(&parsed, signer_key(signer)))
		return ERR_INVALID;
	if (parsed.signature_count == NOTE_SIGNATURES_MAX)
		return ERR_TOO_LARGE;
	err = signer_sign(signer, parsed.text, signature, &size);
	if (err != OK)
		return err;
	buf_add_slice(ret_note, note);
	note_add_line(ret_note, signer_key(signer), slice_of(signature, size));
	return ret_note->err;
}

void note_add_line(struct buf *note, const struct key *key, struct slice signature)
{
	uint8_t bytes[KEY_ID_SIZE + KEY_SIGNATURE_MAX];

	assert(signature.size > 0 && signature.size <= KEY_SIGNATURE_MAX);
	memcpy(bytes, key->id, KEY_ID_SIZE);
	memcpy(bytes + KEY_ID_SIZE, signature.data, signature.size);
	buf_printf(note, "%s%s ", LINE_PREFIX, key->name);
	base64_add(note, slice_of(bytes, KEY_ID_SIZE + signature.size));
	buf_u8(note, '\n');
}

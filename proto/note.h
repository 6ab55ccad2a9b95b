/*
 * Signed notes (C2SP signed-note 1.0.0): the one signature format. A ledger checkpoint, a feed checkpoint, an
 * officers' order and a cosignature are all notes, and this is their one parser.
 *
 *	text (ends in a newline)
 *	empty line
 *	— <key name> <base64(key id || signature)>	one or more
 *
 * The separator is the last empty line. Parsing keeps slices into the caller's bytes.
 */
#ifndef PROTO_NOTE_H
#define PROTO_NOTE_H

#include "proto/key.h"

struct note_signature {
	struct slice name;
	uint8_t key_id[KEY_ID_SIZE];
	uint8_t bytes[KEY_SIGNATURE_MAX];
	size_t size;
	bool is_too_long;		/* longer than any signature we know: kept as unknown */
	const struct key *proven_by;	/* set by note_prove alone: holds for this key, which must outlive the note */
};

struct note {
	struct slice text;		/* with its final newline: what is signed */
	size_t signature_count;
	struct note_signature signatures[NOTE_SIGNATURES_MAX];
};

/* ERR_NOTE with the reason, ERR_TOO_LARGE. `bytes` must outlive the note. */
enum err note_parse(struct slice bytes, struct note *ret_note, struct why *why) must_check;

/*
 * Which of `keys` signed: bit i of *ret_signed for keys[i] (key_count <= 64, asserted). Unknown pairs (name, key
 * id) are ignored; a known pair that fails is ERR_SIGNATURE for the whole note; none verified is ERR_UNKNOWN_KEY.
 */
enum err note_verify(const struct note *note, const struct key *keys, size_t key_count, uint64_t *ret_signed) must_check;

/*
 * Verifies ahead of note_verify, where that must not be kept waiting: what holds for one of `keys` is remembered with the
 * line, and need not be computed again. Decides nothing: whose key counts is asked of note_verify later.
 */
void note_prove(struct note *note, const struct key *const *keys, size_t key_count);

/* Is this line of that key, by name and id? Says nothing about its validity. */
bool note_line_is_of(const struct note_signature *line, const struct key *key);
/* Is there a signature line for this key (by name and id)? Says nothing about its validity. */
bool note_names_key(const struct note *note, const struct key *key);

/* Writes text, empty line, one line per signer. The text must be valid (ERR_NOTE). */
enum err note_sign(struct slice text, struct signer *const *signers, size_t signer_count, struct buf *ret_note) must_check;
/* Adds one signature line to a finished note; the same key twice is ERR_INVALID. */
enum err note_add_signature(struct slice note, const struct signer *signer, struct buf *ret_note) must_check;
/* Adds a ready signature line for `key`. */
void note_add_line(struct buf *note, const struct key *key, struct slice signature);

#endif

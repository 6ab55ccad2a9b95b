#include "proto/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#define PROOF_HEADER "c2sp.org/tlog-proof@v1"
#define EXTRA_PREFIX "extra "
#define INDEX_PREFIX "index "

/* Takes the next line, without its newline, off `rest`. False if no whole line is left. */
static bool take_line(struct slice *rest, struct slice *ret_line)
{
	const uint8_t *newline = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);

	if (newline == NULL)
		return false;
	*ret_line = slice_of(rest->data, (size_t)(newline - rest->data));
	*rest = slice_of(newline + 1, rest->size - ret_line->size - 1);
	return true;
}

/* Takes `prefix` off the front of `line`, if it stands there. */
static bool take_prefix(struct slice *line, const char *prefix)
{
	size_t size = strlen(prefix);

	if (line->size < size || memcmp(line->data, prefix, size) != 0)
		return false;
	*line = slice_of(line->data + size, line->size - size);
	return true;
}

static bool parse_hash(struct slice base64, struct hash *ret_hash)
{
	struct hash hash;
	size_t size;

	if (base64_parse(base64, hash.bytes, sizeof(hash.bytes), &size) != OK || size != HASH_SIZE)
		return false;
	*ret_hash = hash;
	return true;
}

bool origin_is_valid(struct slice origin)
{
	return origin.size <= ORIGIN_SIZE_MAX && key_name_is_valid(origin) &&
	       memmem(origin.data, origin.size, "://", strlen("://")) == NULL;
}

enum err checkpoint_parse(struct slice text, struct checkpoint *ret_checkpoint, struct why *why)
{
	struct checkpoint checkpoint = {.size = 0};
	struct slice line;

	if (!take_line(&text, &line) || !origin_is_valid(line))
		return why_set(why, ERR_SYNTAX,
		    "line 1 of the checkpoint is not an origin: up to %d bytes without spaces, '+' and \"://\"",
		    ORIGIN_SIZE_MAX);
	memcpy(checkpoint.origin, line.data, line.size);
	if (!take_line(&text, &line) || decimal_parse(line, TREE_SIZE_MAX, &checkpoint.size) != OK)
		return why_set(why, ERR_SYNTAX,
		    "line 2 of the checkpoint is not a tree size: a decimal number without leading zeros, at most %llu",
		    TREE_SIZE_MAX);
	if (!take_line(&text, &line) || !parse_hash(line, &checkpoint.root))
		return why_set(
		    why, ERR_SYNTAX, "line 3 of the checkpoint is not a root: the base64 of %d bytes", HASH_SIZE);
	if (text.size != 0)
		return why_set(why, ERR_SYNTAX, "the checkpoint has more than three lines; extensions are not taken");
	*ret_checkpoint = checkpoint;
	return OK;
}

void checkpoint_format(const struct checkpoint *checkpoint, struct buf *ret_text)
{
	buf_printf(ret_text, "%s\n%" PRIu64 "\n", checkpoint->origin, checkpoint->size);
	base64_add(ret_text, hash_slice(&checkpoint->root));
	buf_u8(ret_text, '\n');
}

static enum err parse_extra(struct slice base64, struct arena *arena, struct slice *ret_extra, struct why *why)
{
	uint8_t *bytes;
	size_t size;
	enum err err;

	if (base64.size > BASE64_SIZE(ENTRY_SIZE_MAX))
		return why_set(
		    why, ERR_TOO_LARGE, "the proof's extra data are larger than an entry of %d bytes", ENTRY_SIZE_MAX);
	/* One byte at least, for an empty leaf has an address too. */
	bytes = arena_alloc(arena, base64.size / 4 * 3 + 1);
	if (bytes == NULL)
		return why_set(why, ERR_MEMORY, "there is no memory for the proof's extra data");
	err = base64_parse(base64, bytes, base64.size / 4 * 3 + 1, &size);
	if (err != OK)
		return why_set(why, ERR_SYNTAX, "the proof's extra data are not base64");
	*ret_extra = slice_of(bytes, size);
	return OK;
}

enum err proof_parse(struct slice bytes, struct arena *arena, struct proof *ret_proof, struct why *why)
{
	struct proof proof = {.index = 0};
	struct slice line;
	enum err err;

	if (!take_line(&bytes, &line) || !slice_equal(line, slice_text(PROOF_HEADER)))
		return why_set(why, ERR_SYNTAX, "this is not a proof: its first line is not \"%s\"", PROOF_HEADER);
	if (!take_line(&bytes, &line))
		return why_set(why, ERR_SYNTAX, "the proof ends behind its first line");
	proof.has_extra = take_prefix(&line, EXTRA_PREFIX);
	if (proof.has_extra) {
		err = parse_extra(line, arena, &proof.extra, why);
		if (err != OK)
			return err;
		if (!take_line(&bytes, &line))
			return why_set(why, ERR_SYNTAX, "the proof ends behind its extra data");
	}
	if (!take_prefix(&line, INDEX_PREFIX) || decimal_parse(line, TREE_SIZE_MAX - 1, &proof.index) != OK)
		return why_set(
		    why, ERR_SYNTAX, "the proof's index line is not \"index\" and a number below %llu", TREE_SIZE_MAX);
	for (;;) {
		if (!take_line(&bytes, &line))
			return why_set(why, ERR_SYNTAX, "the proof has no empty line before its checkpoint");
		if (line.size == 0)
			break;
		if (proof.path.count == TREE_DEPTH_MAX)
			return why_set(why, ERR_TOO_LARGE, "the proof has more than %d hashes", TREE_DEPTH_MAX);
		if (!parse_hash(line, &proof.path.hashes[proof.path.count]))
			return why_set(why, ERR_SYNTAX, "hash %zu of the proof is not the base64 of %d bytes",
			    proof.path.count + 1, HASH_SIZE);
		proof.path.count++;
	}
	if (bytes.size == 0)
		return why_set(why, ERR_SYNTAX, "the proof has no checkpoint");
	if (bytes.size > CHECKPOINT_SIZE_MAX)
		return why_set(
		    why, ERR_TOO_LARGE, "the proof's checkpoint is larger than %d bytes", CHECKPOINT_SIZE_MAX);
	proof.note = bytes;
	*ret_proof = proof;
	return OK;
}

void proof_format(const struct proof *proof, struct buf *ret_bytes)
{
	buf_add_text(ret_bytes, PROOF_HEADER "\n");
	if (proof->has_extra) {
		buf_add_text(ret_bytes, EXTRA_PREFIX);
		base64_add(ret_bytes, proof->extra);
		buf_u8(ret_bytes, '\n');
	}
	buf_printf(ret_bytes, INDEX_PREFIX "%" PRIu64 "\n", proof->index);
	for (size_t i = 0; i < proof->path.count; i++) {
		base64_add(ret_bytes, hash_slice(&proof->path.hashes[i]));
		buf_u8(ret_bytes, '\n');
	}
	buf_u8(ret_bytes, '\n');
	buf_add_slice(ret_bytes, proof->note);
}

static bool is_own_origin(const char *origin, const struct key *key)
{
	return strcmp(origin, key->name) == 0;
}

static bool is_feed_origin(const char *origin, const struct key *key)
{
	struct slice rest = slice_text(origin);
	uint8_t id[LEDGER_ID_SIZE / 2];
	uint64_t generation;

	return take_prefix(&rest, key->name) && take_prefix(&rest, "/") && rest.size > LEDGER_ID_SIZE + 1 &&
	       hex_parse(slice_of(rest.data, LEDGER_ID_SIZE), id, sizeof(id)) == OK &&
	       rest.data[LEDGER_ID_SIZE] == '/' &&
	       decimal_parse(slice_of(rest.data + LEDGER_ID_SIZE + 1, rest.size - LEDGER_ID_SIZE - 1),
		   FEED_GENERATIONS_MAX, &generation) == OK &&
	       generation > 0;
}

/* The checkpoint, once `key` is known to have signed it as its own. */
static enum err verify_checkpoint(struct slice bytes, const struct key *key,
    bool (*is_its_origin)(const char *origin, const struct key *key), struct checkpoint *ret_checkpoint,
    struct why *why)
{
	struct checkpoint checkpoint;
	struct note note;
	uint64_t verified;
	enum err err;

	err = note_parse(bytes, &note, why);
	if (err != OK)
		/* One word for every proof whose form is wrong. */
		return err == ERR_NOTE ? ERR_SYNTAX : err;
	err = note_verify(&note, key, 1, &verified);
	if (err != OK)
		return why_set(why, err, "the proof's checkpoint: %s (%s)", err_sentence(err), key->name);
	err = checkpoint_parse(note.text, &checkpoint, why);
	if (err != OK)
		return err;
	if (!is_its_origin(checkpoint.origin, key))
		return why_set(
		    why, ERR_PROOF, "the proof's checkpoint is of \"%s\", not of \"%s\"", checkpoint.origin, key->name);
	*ret_checkpoint = checkpoint;
	return OK;
}

static enum err verify_proof(const struct proof *proof, const struct key *key,
    bool (*is_its_origin)(const char *origin, const struct key *key), struct checkpoint *ret_checkpoint,
    struct why *why)
{
	struct checkpoint checkpoint;
	struct hash leaf;
	enum err err;

	if (!proof->has_extra)
		return why_set(why, ERR_PROOF, "the proof does not carry the entry that it proves");
	err = verify_checkpoint(proof->note, key, is_its_origin, &checkpoint, why);
	if (err != OK)
		return err;
	leaf = hash_leaf(proof->extra);
	err = tree_verify_inclusion(proof->index, checkpoint.size, &leaf, &proof->path, &checkpoint.root);
	if (err != OK)
		return why_set(why, err, "the hashes do not lead from entry %" PRIu64 " to the root at size %" PRIu64,
		    proof->index, checkpoint.size);
	*ret_checkpoint = checkpoint;
	return OK;
}

enum err proof_verify(
    const struct proof *proof, const struct key *ledger, struct checkpoint *ret_checkpoint, struct why *why)
{
	return verify_proof(proof, ledger, is_own_origin, ret_checkpoint, why);
}

enum err proof_verify_feed(
    const struct proof *proof, const struct key *venue, struct checkpoint *ret_checkpoint, struct why *why)
{
	return verify_proof(proof, venue, is_feed_origin, ret_checkpoint, why);
}

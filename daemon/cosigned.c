#include "daemon/cosigned.h"

#include <assert.h>
#include <string.h>

/* "— NAME BASE64\n" */
#define LINE_SIZE_MAX(signature_size) (4 + KEY_NAME_SIZE_MAX + 1 + BASE64_SIZE(KEY_ID_SIZE + (signature_size)) + 1)
#define OWN_LINES_MAX (NOTE_SIGNATURES_MAX - COSIGNATURES_MAX)

_Static_assert(KEY_NAME_SIZE_MAX + 1 + 20 + 1 + BASE64_SIZE(HASH_SIZE) + 2 + OWN_LINES_MAX * LINE_SIZE_MAX(64) +
		       COSIGNATURES_MAX * LINE_SIZE_MAX(COSIGNATURE_SIZE) <=
		   CHECKPOINT_SIZE_MAX,
    "the longest checkpoint has room for every cosignature");

/* Of the key that it verifies by; ERR_UNKNOWN_KEY where no key has its name and id. */
static enum err read_line(const struct note *note, const struct note_signature *line, const struct key *keys,
    size_t key_count, struct cosignature *ret_cosignature)
{
	enum err err = ERR_UNKNOWN_KEY;
	struct reader reader;

	/* Key ids are four bytes: two keys of one name may share one. */
	for (size_t k = 0; k < key_count && err != OK; k++) {
		if (!note_line_is_of(line, &keys[k]))
			continue;
		err = ERR_SIGNATURE;
		if (!line->is_too_long && line->size == COSIGNATURE_SIZE)
			err = key_verify(&keys[k], note->text, slice_of(line->bytes, line->size));
		if (err != OK)
			continue;
		ret_cosignature->key = keys[k];
		reader = reader_of(slice_of(line->bytes, line->size));
		ret_cosignature->time_s = reader_u64(&reader);
		memcpy(ret_cosignature->bytes, line->bytes, COSIGNATURE_SIZE);
	}
	return err;
}

enum err cosignatures_read(const struct note *note, const struct key *keys, size_t key_count,
    struct cosignatures *ret_cosignatures, struct why *why)
{
	struct cosignatures found = {.count = 0};

	assert(key_count <= COSIGNATURES_MAX);
	for (size_t i = 0; i < note->signature_count; i++) {
		const struct note_signature *line = &note->signatures[i];
		struct cosignature cosignature;
		enum err err = read_line(note, line, keys, key_count, &cosignature);

		if (err == OK)
			cosignatures_add(&found, &cosignature);
		else if (err == ERR_SIGNATURE)
			return why_set(why, err, "the cosignature of %.*s does not match the checkpoint's text",
			    (int)line->name.size, (const char *)line->name.data);
		else if (err != ERR_UNKNOWN_KEY)
			return err;
	}
	if (found.count == 0)
		return why_set(why, ERR_UNKNOWN_KEY, "there is no cosignature of a witness that this ledger takes");
	*ret_cosignatures = found;
	return OK;
}

bool cosignatures_add(struct cosignatures *cosignatures, const struct cosignature *cosignature)
{
	size_t i = 0;

	while (i < cosignatures->count && !key_equal(&cosignatures->lines[i].key, &cosignature->key))
		i++;
	if (i < cosignatures->count && cosignatures->lines[i].time_s >= cosignature->time_s)
		return false;
	assert(i < COSIGNATURES_MAX);
	cosignatures->lines[i] = *cosignature;
	if (i == cosignatures->count)
		cosignatures->count++;
	return true;
}

static uint64_t bit_of(const struct cosignature *cosignature, const struct trust *trust)
{
	for (size_t i = 0; i < trust_witness_count(trust); i++)
		if (key_equal(trust_witness_key(trust, i), &cosignature->key))
			return 1ULL << i;
	return 0;
}

void cosignatures_keep(struct cosignatures *cosignatures, const struct trust *trust)
{
	size_t kept = 0;

	for (size_t i = 0; i < cosignatures->count; i++)
		if (bit_of(&cosignatures->lines[i], trust) != 0)
			cosignatures->lines[kept++] = cosignatures->lines[i];
	cosignatures->count = kept;
}

uint64_t cosignatures_bits(const struct cosignatures *cosignatures, const struct trust *trust)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < cosignatures->count; i++)
		bits |= bit_of(&cosignatures->lines[i], trust);
	return bits;
}

void cosigned_head(const struct cosigned *cosigned, struct head *ret_head)
{
	const struct cosignatures *cosignatures = &cosigned->cosignatures;
	struct buf note;

	*ret_head = cosigned->head;
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	buf_add_slice(&note, head_note(&cosigned->head));
	for (size_t i = 0; i < cosignatures->count; i++)
		note_add_line(
		    &note, &cosignatures->lines[i].key, slice_of(cosignatures->lines[i].bytes, COSIGNATURE_SIZE));
	/* Without memory it goes out as it is: the lines are there still, for the next time. */
	if (note.err == OK) {
		memcpy(ret_head->note, note.data, note.size);
		ret_head->note_size = note.size;
	}
	buf_done(&note);
}

/*
 * The row of state.h that says which keys are, and were, the ledger's own. As long as no log.key order was carried out
 * there is no row, and the key of genesis is the only one.
 */
#include "daemon/state_internal.h"

#include <string.h>

#include "proto/claim.h"

#define ROW_KEY "log_keys"

static bool decode(struct slice row, const struct key *first, struct log_keys *ret_keys)
{
	struct reader reader = reader_of(row);
	size_t count = reader_u8(&reader);

	if (count == 0 || count > LOG_KEYS_EVER_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct log_key *key = &ret_keys->keys[i];
		unsigned use = reader_u8(&reader);

		key->since = reader_u64(&reader);
		key->until = reader_u64(&reader);
		if ((use != LOG_KEY_CHECKPOINT && use != LOG_KEY_HEADS) || !state_read_key(&reader, &key->key))
			return false;
		key->use = (enum log_key_use)use;
	}
	ret_keys->count = count;
	return reader_is_done(&reader) && key_equal(&ret_keys->keys[0].key, first);
}

enum err log_keys_get(struct store_txn *txn, struct log_keys *ret_keys)
{
	struct ledger_identity identity;
	struct slice row;
	enum err err = ledger_read_identity(txn, &identity);

	if (err != OK)
		return err;
	if (store_get(txn, STORE_META, slice_text(ROW_KEY), &row))
		return decode(row, &identity.ledger_key, ret_keys) ? OK : ERR_DAMAGED;
	if (store_error(txn) != OK)
		return store_error(txn);
	ret_keys->count = 1;
	ret_keys->keys[0] = (struct log_key){.key = identity.ledger_key, .use = LOG_KEY_CHECKPOINT};
	return OK;
}

void log_keys_put(struct store_txn *txn, const struct log_keys *keys)
{
	struct buf row;

	buf_init(&row, STATE_ROW_MAX);
	buf_u8(&row, (uint8_t)keys->count);
	for (size_t i = 0; i < keys->count; i++) {
		buf_u8(&row, (uint8_t)keys->keys[i].use);
		buf_u64(&row, keys->keys[i].since);
		buf_u64(&row, keys->keys[i].until);
		state_add_key(&row, &keys->keys[i].key);
	}
	state_put_row(txn, STORE_META, slice_text(ROW_KEY), &row);
}

void log_keys_forget(struct store_txn *txn)
{
	store_delete(txn, STORE_META, slice_text(ROW_KEY));
}

enum log_key_use log_key_use_of(const struct key *key, const char *origin)
{
	return claim_key_is_own(key, origin) ? LOG_KEY_HEADS : LOG_KEY_CHECKPOINT;
}

bool log_key_is_valid(const struct log_key *key, uint64_t size)
{
	return key->since < size && (key->until == 0 || size <= key->until);
}

size_t log_keys_valid(
    const struct log_keys *keys, enum log_key_use use, uint64_t size, struct key ret_keys[static LOG_KEYS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < keys->count && count < LOG_KEYS_MAX; i++)
		if (keys->keys[i].use == use && log_key_is_valid(&keys->keys[i], size))
			ret_keys[count++] = keys->keys[i].key;
	return count;
}

bool log_keys_have_material(const struct log_keys *keys, const struct key *key)
{
	for (size_t i = 0; i < keys->count; i++)
		if (key_has_same_material(&keys->keys[i].key, key))
			return true;
	return false;
}

enum err log_keys_read_checkpoint(
    const struct log_keys *keys, const struct note *note, struct checkpoint *ret_checkpoint, struct why *why)
{
	struct checkpoint checkpoint;
	struct key valid[LOG_KEYS_MAX];
	const char *origin = keys->keys[0].key.name;
	uint64_t signed_by;
	size_t count;
	enum err err = checkpoint_parse(note->text, &checkpoint, why);

	if (err != OK)
		return ERR_NOTE;
	if (strcmp(checkpoint.origin, origin) != 0)
		return why_set(
		    why, ERR_FEED_ORIGIN, "the checkpoint is of \"%s\", not of \"%s\"", checkpoint.origin, origin);
	count = log_keys_valid(keys, LOG_KEY_CHECKPOINT, checkpoint.size, valid);
	err = note_verify(note, valid, count, &signed_by);
	if (err != OK)
		return why_set(why, err, "the checkpoint is not signed by %s", origin);
	*ret_checkpoint = checkpoint;
	return OK;
}

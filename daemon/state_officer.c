/* The rows of state.h that say who may act: officers, their keys, and quorums. */
#include "daemon/state_internal.h"

#include <stdlib.h>
#include <string.h>

bool officer_decode(struct slice key, struct slice value, struct officer *ret_officer)
{
	struct reader reader = reader_of(value);
	unsigned role = reader_u8(&reader);

	memset(ret_officer, 0, sizeof(*ret_officer));
	if (role == 0 || role >= ROLE_COUNT)
		return false;
	ret_officer->role = (enum officer_role)role;
	ret_officer->key_count = reader_u8(&reader);
	if (ret_officer->key_count > OFFICER_KEYS_MAX)
		return false;
	for (size_t i = 0; i < ret_officer->key_count; i++)
		if (!state_read_key(&reader, &ret_officer->keys[i]))
			return false;
	return state_copy_text(key, ret_officer->name, sizeof(ret_officer->name)) && reader_is_done(&reader);
}

bool officer_get(struct store_txn *txn, struct slice name, struct officer *ret_officer)
{
	struct slice row;

	if (name.size == 0 || name.size > OFFICER_NAME_SIZE_MAX || !store_get(txn, STORE_OFFICERS, name, &row))
		return false;
	return officer_decode(name, row, ret_officer) ? true : state_damaged(txn);
}

static struct slice officer_key_key(const struct key *officer_key, struct state_key *key)
{
	key->size = 0;
	state_key_add(key, (uint64_t)officer_key->type, 1);
	state_key_add_slice(key, slice_of(officer_key->material, officer_key->material_size));
	return state_key_slice(key);
}

void officer_put(struct store_txn *txn, const struct officer *officer)
{
	struct state_key key;
	struct buf row;

	buf_init(&row, STATE_ROW_MAX);
	buf_u8(&row, (uint8_t)officer->role);
	buf_u8(&row, (uint8_t)officer->key_count);
	for (size_t i = 0; i < officer->key_count; i++)
		state_add_key(&row, &officer->keys[i]);
	state_put_row(txn, STORE_OFFICERS, slice_text(officer->name), &row);
	for (size_t i = 0; i < officer->key_count; i++)
		store_put(txn, STORE_OFFICER_KEYS, officer_key_key(&officer->keys[i], &key), slice_text(officer->name));
}

void officer_delete(struct store_txn *txn, const char *name)
{
	store_delete(txn, STORE_OFFICERS, slice_text(name));
}

bool officer_key_find(
    struct store_txn *txn, const struct key *officer_key, char ret_name[static OFFICER_NAME_SIZE_MAX + 1])
{
	struct state_key key;
	struct slice name;

	if (!store_get(txn, STORE_OFFICER_KEYS, officer_key_key(officer_key, &key), &name))
		return false;
	return state_copy_text(name, ret_name, OFFICER_NAME_SIZE_MAX + 1) ? true : state_damaged(txn);
}

enum err officer_roles(struct store_txn *txn, enum officer_role ret_roles[static OFFICERS_MAX], size_t *ret_count)
{
	struct store_cursor cursor;
	struct officer officer;
	size_t count = 0;

	store_cursor_open(&cursor, txn, STORE_OFFICERS);
	for (bool is_there = store_cursor_first(&cursor); is_there; is_there = store_cursor_next(&cursor)) {
		if (count == OFFICERS_MAX || !officer_decode(cursor.key, cursor.value, &officer)) {
			state_damaged(txn);
			break;
		}
		ret_roles[count++] = officer.role;
	}
	store_cursor_close(&cursor);
	*ret_count = count;
	return store_error(txn);
}

enum err quorums_get(struct store_txn *txn, struct quorums *ret_quorums)
{
	struct slice row;
	json_t *json;
	enum err err;

	if (!store_get(txn, STORE_META, slice_text("quorums"), &row))
		return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
	json = json_loadb((const char *)row.data, row.size, JSON_REJECT_DUPLICATES, NULL);
	err = json == NULL ? ERR_DAMAGED : quorums_parse(json, ret_quorums, NULL);
	json_decref(json);
	return err == OK || err == ERR_MEMORY ? err : ERR_DAMAGED;
}

enum err quorums_put(struct store_txn *txn, const struct quorums *quorums)
{
	json_t *json = quorums_format(quorums);
	char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

	json_decref(json);
	if (text == NULL)
		return ERR_MEMORY;
	store_put(txn, STORE_META, slice_text("quorums"), slice_text(text));
	free(text);
	return store_error(txn);
}

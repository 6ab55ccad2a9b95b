/* The rows of state.h that orders write: policies, order ids, grants. */
#include <string.h>

#include "daemon/state.h"

#define POLICY_KEY_MAX (POLICY_ID_SIZE_MAX + 1 + 8)
#define GRANT_ROW_MAX 1024

static struct slice policy_key(struct slice id, uint64_t order_index, uint8_t ret_key[static POLICY_KEY_MAX])
{
	/* The NUL ends the id, so that no policy's rows lie between another's. */
	memcpy(ret_key, id.data, id.size);
	ret_key[id.size] = 0;
	state_u64(order_index, ret_key + id.size + 1);
	return slice_of(ret_key, id.size + 1 + STATE_U64_SIZE);
}

/* Splits a key of STORE_POLICIES. */
static bool policy_key_decode(struct slice key, struct slice *ret_id, uint64_t *ret_index)
{
	struct reader reader;

	if (key.size < STATE_U64_SIZE + 2 || key.size > POLICY_KEY_MAX || key.data[key.size - STATE_U64_SIZE - 1] != 0)
		return false;
	*ret_id = slice_of(key.data, key.size - STATE_U64_SIZE - 1);
	reader = reader_of(slice_of(key.data + key.size - STATE_U64_SIZE, STATE_U64_SIZE));
	*ret_index = reader_u64(&reader);
	return true;
}

bool policy_find(
    struct store_txn *txn, struct slice id, uint64_t size, uint64_t *ret_order_index, uint32_t *ret_version)
{
	struct store_cursor cursor;
	uint8_t key[POLICY_KEY_MAX];
	struct slice found_id;
	uint64_t index = 0;
	uint32_t version = 0;
	struct reader reader;
	bool is_found = false;

	if (id.size == 0 || id.size > POLICY_ID_SIZE_MAX || size == 0)
		return false;
	store_cursor_open(&cursor, txn, STORE_POLICIES);
	if (store_cursor_seek_before(&cursor, policy_key(id, size - 1, key))) {
		reader = reader_of(cursor.value);
		version = reader_u32(&reader);
		if (!policy_key_decode(cursor.key, &found_id, &index) || !reader_is_done(&reader))
			store_fail(txn, ERR_DAMAGED);
		else
			is_found = slice_equal(found_id, id);
	}
	if (is_found) {
		*ret_version = version;
		*ret_order_index = index;
	}
	store_cursor_close(&cursor);
	return is_found;
}

void policy_put(struct store_txn *txn, struct slice id, uint64_t order_index, uint32_t version)
{
	uint8_t key[POLICY_KEY_MAX], value[4];

	for (unsigned i = 0; i < 4; i++)
		value[i] = (uint8_t)(version >> (24 - 8 * i));
	store_put(txn, STORE_POLICIES, policy_key(id, order_index, key), slice_of(value, sizeof(value)));
}

size_t policy_ids(struct store_txn *txn, uint64_t size, char (*ret_ids)[POLICY_ID_SIZE_MAX + 1], size_t max)
{
	struct store_cursor cursor;
	struct slice id;
	uint64_t index;
	size_t count = 0;

	store_cursor_open(&cursor, txn, STORE_POLICIES);
	for (bool is_there = store_cursor_first(&cursor); is_there && count < max;
	     is_there = store_cursor_next(&cursor)) {
		if (!policy_key_decode(cursor.key, &id, &index)) {
			store_fail(txn, ERR_DAMAGED);
			break;
		}
		if (index >= size || (count > 0 && slice_equal(slice_text(ret_ids[count - 1]), id)))
			continue;
		memcpy(ret_ids[count], id.data, id.size);
		ret_ids[count][id.size] = '\0';
		count++;
	}
	store_cursor_close(&cursor);
	return count;
}

/* Reads and parses the order at an index again. */
static enum err read_order(
    struct store_txn *txn, uint64_t order_index, struct arena *arena, struct entry *entry, struct order *ret_order)
{
	struct note note;
	enum err err = ledger_entry(txn, order_index, arena, entry);

	if (err == OK && entry->kind != ENTRY_ORDER)
		err = ERR_DAMAGED;
	if (err == OK)
		err = note_parse(entry->order.note, &note, NULL);
	if (err == OK)
		err = order_parse(note.text, entry->order.items, entry->order.item_count, arena, ret_order, NULL);
	if (err == OK && ret_order->type != ORDER_POLICY_ADOPT)
		err = ERR_DAMAGED;
	return err == OK || err == ERR_MEMORY ? err : ERR_DAMAGED;
}

enum err policy_read(struct store_txn *txn, uint64_t order_index, struct policy *ret_policy)
{
	struct arena arena;
	struct entry entry;
	struct order order;
	enum err err;

	arena_init(&arena, ORDER_ARENA_SIZE);
	err = read_order(txn, order_index, &arena, &entry, &order);
	if (err == OK)
		*ret_policy = order.policy;
	arena_done(&arena);
	return err;
}

enum err policy_read_text(struct store_txn *txn, uint64_t order_index, struct buf *ret_text)
{
	struct arena arena;
	struct entry entry;
	struct order order;
	enum err err;

	arena_init(&arena, ORDER_ARENA_SIZE);
	err = read_order(txn, order_index, &arena, &entry, &order);
	if (err == OK) {
		buf_add_slice(ret_text, order.policy_text);
		err = ret_text->err;
	}
	arena_done(&arena);
	return err;
}

bool order_find(struct store_txn *txn, struct slice id, uint64_t *ret_index)
{
	struct slice row;
	struct reader reader;

	if (!store_get(txn, STORE_ORDERS, id, &row))
		return false;
	reader = reader_of(row);
	*ret_index = reader_u64(&reader);
	if (!reader_is_done(&reader))
		store_fail(txn, ERR_DAMAGED);
	return store_error(txn) == OK;
}

void order_put(struct store_txn *txn, struct slice id, uint64_t index)
{
	uint8_t value[STATE_U64_SIZE];

	store_put(txn, STORE_ORDERS, id, state_u64(index, value));
}

bool grant_get(struct store_txn *txn, const uint8_t token_hash[static HASH_SIZE], struct grant_row *ret_row)
{
	struct slice row, subject, holder;
	struct reader reader;
	uint32_t expires;

	if (!store_get(txn, STORE_GRANTS, slice_of(token_hash, HASH_SIZE), &row))
		return false;
	memset(ret_row, 0, sizeof(*ret_row));
	reader = reader_of(row);
	ret_row->index = reader_u64(&reader);
	ret_row->item = reader_u32(&reader);
	expires = reader_u32(&reader);
	ret_row->revoked_index = reader_u64(&reader);
	subject = reader_sized(&reader);
	holder = reader_sized(&reader);
	if (!reader_is_done(&reader) || holder.size > GRANT_HOLDER_SIZE_MAX ||
	    grant_subject_parse(subject, &ret_row->grant) != OK) {
		store_fail(txn, ERR_DAMAGED);
		return false;
	}
	ret_row->grant.expires = expires;
	memcpy(ret_row->grant.holder, holder.data, holder.size);
	ret_row->grant.holder[holder.size] = '\0';
	memcpy(ret_row->grant.token_hash, token_hash, HASH_SIZE);
	return true;
}

void grant_put(struct store_txn *txn, const struct grant_row *row)
{
	char subject[64];
	struct buf value;

	grant_subject_format(&row->grant, subject);
	buf_init(&value, GRANT_ROW_MAX);
	buf_u64(&value, row->index);
	buf_u32(&value, row->item);
	buf_u32(&value, row->grant.expires);
	buf_u64(&value, row->revoked_index);
	buf_sized(&value, slice_text(subject));
	buf_sized(&value, slice_text(row->grant.holder));
	if (value.err != OK)
		store_fail(txn, value.err);
	else
		store_put(txn, STORE_GRANTS, slice_of(row->grant.token_hash, HASH_SIZE), buf_slice(&value));
	buf_done(&value);
}

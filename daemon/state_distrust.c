/* The rows of state.h about distrusted keys. They are few, one an order, and stand beside the head. */
#include "daemon/state_internal.h"

#include <string.h>

#define PREFIX "distrust"

static struct slice distrust_key(uint64_t order_index, struct state_key *key)
{
	key->size = 0;
	state_key_add_slice(key, slice_text(PREFIX));
	state_key_add(key, order_index, 8);
	return state_key_slice(key);
}

static bool distrust_decode(struct slice key, struct slice row, struct distrust *ret_distrust)
{
	struct reader place = reader_of(key), reader = reader_of(row);
	struct distrust distrust = {0};
	unsigned is_done;

	(void)reader_bytes(&place, strlen(PREFIX));
	distrust.order_index = reader_u64(&place);
	distrust.venue_number = reader_u16(&reader);
	distrust.from = reader_u64(&reader);
	distrust.end = reader_u64(&reader);
	distrust.generation = reader_u32(&reader);
	distrust.feed_index = reader_u64(&reader);
	distrust.held = reader_u64(&reader);
	is_done = reader_u8(&reader);
	if (!reader_is_done(&place) || is_done > 1 || !state_read_key(&reader, &distrust.key) ||
	    !reader_is_done(&reader))
		return false;
	distrust.is_done = is_done == 1;
	*ret_distrust = distrust;
	return true;
}

bool distrust_get(struct store_txn *txn, uint64_t order_index, struct distrust *ret_distrust)
{
	struct state_key key;
	struct slice row;

	if (!store_get(txn, STORE_META, distrust_key(order_index, &key), &row))
		return false;
	return distrust_decode(state_key_slice(&key), row, ret_distrust) ? true : state_damaged(txn);
}

void distrust_put(struct store_txn *txn, const struct distrust *distrust)
{
	struct state_key key;
	struct buf row;

	buf_init(&row, STATE_ROW_MAX);
	buf_u16(&row, distrust->venue_number);
	buf_u64(&row, distrust->from);
	buf_u64(&row, distrust->end);
	buf_u32(&row, distrust->generation);
	buf_u64(&row, distrust->feed_index);
	buf_u64(&row, distrust->held);
	buf_u8(&row, distrust->is_done ? 1 : 0);
	state_add_key(&row, &distrust->key);
	state_put_row(txn, STORE_META, distrust_key(distrust->order_index, &key), &row);
}

bool distrust_next(struct store_txn *txn, uint64_t least, struct distrust *ret_distrust)
{
	struct slice prefix = slice_text(PREFIX);
	struct store_cursor cursor;
	struct state_key key;
	bool is_found;

	store_cursor_open(&cursor, txn, STORE_META);
	is_found = store_cursor_seek(&cursor, distrust_key(least, &key)) &&
		   cursor.key.size == state_key_slice(&key).size &&
		   memcmp(cursor.key.data, prefix.data, prefix.size) == 0;
	if (is_found && !distrust_decode(cursor.key, cursor.value, ret_distrust))
		is_found = state_damaged(txn);
	store_cursor_close(&cursor);
	return is_found;
}

bool distrust_find_pending(struct store_txn *txn, struct distrust *ret_distrust)
{
	struct distrust distrust = {0};

	for (uint64_t least = 0; distrust_next(txn, least, &distrust); least = distrust.order_index + 1) {
		if (distrust.is_done)
			continue;
		*ret_distrust = distrust;
		return true;
	}
	return false;
}

bool distrust_find_from(struct store_txn *txn, uint16_t venue_number, const struct key *key, uint64_t *ret_from)
{
	struct distrust distrust = {0};
	bool is_found = false;

	for (uint64_t least = 0; distrust_next(txn, least, &distrust); least = distrust.order_index + 1) {
		if (distrust.venue_number != venue_number || !key_equal(&distrust.key, key) ||
		    (is_found && distrust.from >= *ret_from))
			continue;
		*ret_from = distrust.from;
		is_found = true;
	}
	return is_found;
}

bool distrust_of_venue(struct store_txn *txn, uint16_t venue_number)
{
	struct distrust distrust = {0};

	for (uint64_t least = 0; distrust_next(txn, least, &distrust); least = distrust.order_index + 1)
		if (distrust.venue_number == venue_number)
			return true;
	return false;
}

/* The rows of state.h about venues: licences and keys, feeds, pushes, evidence. */
#include "daemon/state_internal.h"

#include <string.h>

static bool read_keys(struct reader *reader, struct venue *venue)
{
	size_t count = reader_u8(reader), retired_count = reader_u8(reader);

	if (count > VENUE_KEYS_MAX || retired_count > VENUE_KEYS_EVER_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		venue->key_since[i] = reader_u64(reader);
		if (!state_read_key(reader, &venue->keys[i]))
			return false;
	}
	for (size_t i = 0; i < retired_count; i++) {
		venue->retired[i].since = reader_u64(reader);
		venue->retired[i].until = reader_u64(reader);
		if (!state_read_key(reader, &venue->retired[i].key))
			return false;
	}
	venue->key_count = count;
	venue->retired_count = retired_count;
	return true;
}

static bool venue_decode(struct slice id, struct slice row, struct venue *ret_venue)
{
	struct reader reader = reader_of(row);

	/* Of the keys only those that are counted are ever looked at, and there is room for very many retired ones. */
	memset(ret_venue, 0, offsetof(struct venue, retired));
	ret_venue->number = reader_u16(&reader);
	ret_venue->generation = reader_u32(&reader);
	ret_venue->license_index = reader_u64(&reader);
	ret_venue->version = reader_u64(&reader);
	ret_venue->suspended_index = reader_u64(&reader);
	return state_copy_text(id, ret_venue->id, sizeof(ret_venue->id)) &&
	       state_copy_text(reader_sized(&reader), ret_venue->name, sizeof(ret_venue->name)) &&
	       read_keys(&reader, ret_venue) && reader_is_done(&reader);
}

bool venue_number_decode(struct slice value, uint16_t *ret_number)
{
	struct reader reader = reader_of(value);
	uint16_t number = reader_u16(&reader);

	if (reader.is_short)
		return false;
	*ret_number = number;
	return true;
}

bool venue_get(struct store_txn *txn, struct slice id, struct venue *ret_venue)
{
	struct slice row;

	if (id.size == 0 || id.size > VENUE_ID_SIZE_MAX || !store_get(txn, STORE_VENUES, id, &row))
		return false;
	return venue_decode(id, row, ret_venue) ? true : state_damaged(txn);
}

bool venue_is_licensed(struct store_txn *txn, struct slice id)
{
	struct slice row;

	return id.size > 0 && id.size <= VENUE_ID_SIZE_MAX && store_get(txn, STORE_VENUES, id, &row);
}

/* A walk over all venues; they are few (VENUES_MAX), and hot paths keep the venue they found. */
bool venue_get_by_number(struct store_txn *txn, uint16_t number, struct venue *ret_venue)
{
	struct store_cursor cursor;
	bool is_found = false, is_there;

	store_cursor_open(&cursor, txn, STORE_VENUES);
	for (is_there = store_cursor_first(&cursor); is_there && !is_found; is_there = store_cursor_next(&cursor)) {
		if (!venue_decode(cursor.key, cursor.value, ret_venue)) {
			state_damaged(txn);
			break;
		}
		is_found = ret_venue->number == number;
	}
	store_cursor_close(&cursor);
	return is_found;
}

void venue_put(struct store_txn *txn, const struct venue *venue)
{
	struct buf row;

	buf_init(&row, STATE_ROW_MAX);
	buf_u16(&row, venue->number);
	buf_u32(&row, venue->generation);
	buf_u64(&row, venue->license_index);
	buf_u64(&row, venue->version);
	buf_u64(&row, venue->suspended_index);
	buf_sized(&row, slice_text(venue->name));
	buf_u8(&row, (uint8_t)venue->key_count);
	buf_u8(&row, (uint8_t)venue->retired_count);
	for (size_t i = 0; i < venue->key_count; i++) {
		buf_u64(&row, venue->key_since[i]);
		state_add_key(&row, &venue->keys[i]);
	}
	for (size_t i = 0; i < venue->retired_count; i++) {
		buf_u64(&row, venue->retired[i].since);
		buf_u64(&row, venue->retired[i].until);
		state_add_key(&row, &venue->retired[i].key);
	}
	state_put_row(txn, STORE_VENUES, slice_text(venue->id), &row);
}

uint16_t venue_count(struct store_txn *txn)
{
	return (uint16_t)state_count_rows(txn, STORE_VENUES);
}

/* ---- feeds and pushes */

static struct slice feed_key(uint16_t venue_number, uint32_t generation, struct state_key *key)
{
	key->size = 0;
	state_key_add(key, venue_number, 2);
	state_key_add(key, generation, 4);
	return state_key_slice(key);
}

bool feed_get(struct store_txn *txn, uint16_t venue_number, uint32_t generation, struct feed *ret_feed)
{
	struct state_key key;
	struct slice row;
	struct reader reader;

	if (!store_get(txn, STORE_FEEDS, feed_key(venue_number, generation, &key), &row))
		return false;
	reader = reader_of(row);
	ret_feed->number = reader_u32(&reader);
	ret_feed->last_push = reader_u64(&reader);
	if (reader.is_short || frontier_decode(reader.rest, &ret_feed->frontier) != OK)
		return state_damaged(txn);
	return true;
}

void feed_put(struct store_txn *txn, uint16_t venue_number, uint32_t generation, const struct feed *feed)
{
	struct state_key key;
	struct buf row;

	buf_init(&row, STATE_ROW_MAX);
	buf_u32(&row, feed->number);
	buf_u64(&row, feed->last_push);
	frontier_encode(&feed->frontier, &row);
	state_put_row(txn, STORE_FEEDS, feed_key(venue_number, generation, &key), &row);
}

uint32_t feed_count(struct store_txn *txn)
{
	return (uint32_t)state_count_rows(txn, STORE_FEEDS);
}

static struct slice push_key(uint32_t feed_number, uint64_t start, struct state_key *key)
{
	key->size = 0;
	state_key_add(key, feed_number, 4);
	state_key_add(key, start, 8);
	return state_key_slice(key);
}

bool push_get(struct store_txn *txn, uint32_t feed_number, uint64_t feed_index, uint64_t *ret_push_index)
{
	struct state_key key;
	struct store_cursor cursor;
	struct reader place, value;
	uint64_t index = 0;
	bool is_found = false;

	store_cursor_open(&cursor, txn, STORE_PUSHES);
	if (store_cursor_seek_before(&cursor, push_key(feed_number, feed_index, &key))) {
		place = reader_of(cursor.key);
		value = reader_of(cursor.value);
		is_found = reader_u32(&place) == feed_number;
		(void)reader_u64(&place); /* where that push starts */
		index = reader_u64(&value);
		if (!reader_is_done(&place) || !reader_is_done(&value))
			is_found = state_damaged(txn);
	}
	store_cursor_close(&cursor);
	if (is_found)
		*ret_push_index = index;
	return is_found;
}

void push_put(struct store_txn *txn, uint32_t feed_number, uint64_t start, uint64_t push_index)
{
	struct state_key key;

	state_put_u64(txn, STORE_PUSHES, push_key(feed_number, start, &key), push_index);
}

/* ---- evidence */

bool evidence_get(struct store_txn *txn, uint32_t feed_number, uint64_t size, uint64_t *ret_index)
{
	struct state_key key;

	return state_get_u64(txn, STORE_EVIDENCE, push_key(feed_number, size, &key), ret_index);
}

void evidence_put(struct store_txn *txn, uint32_t feed_number, uint64_t size, uint64_t index)
{
	struct state_key key;

	state_put_u64(txn, STORE_EVIDENCE, push_key(feed_number, size, &key), index);
}

#include "daemon/state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_MAX (64u << 10) /* bytes of any row here but cells */
#define KEY_MAX 128

struct code code_of(struct slice text)
{
	struct code code = {0};

	assert(text.size == USCI_SIZE);
	memcpy(code.text, text.data, USCI_SIZE);
	return code;
}

struct slice code_slice(const struct code *code)
{
	return slice_of(code->text, USCI_SIZE);
}

bool code_equal(const struct code *a, const struct code *b)
{
	return memcmp(a->text, b->text, USCI_SIZE) == 0;
}

struct slice state_u64(uint64_t value, uint8_t ret_bytes[static STATE_U64_SIZE])
{
	for (unsigned i = 0; i < STATE_U64_SIZE; i++)
		ret_bytes[i] = (uint8_t)(value >> (56 - 8 * i));
	return slice_of(ret_bytes, STATE_U64_SIZE);
}

/* A short key in the caller's storage. */
struct key_bytes {
	uint8_t bytes[KEY_MAX];
	size_t size;
};

static void key_add(struct key_bytes *key, uint64_t value, unsigned size)
{
	assert(key->size + size <= KEY_MAX);
	for (unsigned i = 0; i < size; i++)
		key->bytes[key->size++] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

static void key_add_slice(struct key_bytes *key, struct slice slice)
{
	assert(key->size + slice.size <= KEY_MAX);
	memcpy(key->bytes + key->size, slice.data, slice.size);
	key->size += slice.size;
}

static struct slice key_slice(const struct key_bytes *key)
{
	return slice_of(key->bytes, key->size);
}

/* Writes the row and frees it; a row that does not fit is a lack of memory or a bound that was not kept above. */
static void put_row(struct store_txn *txn, unsigned db, struct slice key, struct buf *row)
{
	if (row->err != OK)
		store_fail(txn, row->err);
	else
		store_put(txn, db, key, buf_slice(row));
	buf_done(row);
}

/* Copies a sized text that must fit with its NUL. */
static bool copy_text(struct slice text, char *ret_text, size_t capacity)
{
	if (text.size >= capacity)
		return false;
	if (text.size > 0)
		memcpy(ret_text, text.data, text.size);
	ret_text[text.size] = '\0';
	return true;
}

static bool damaged(struct store_txn *txn)
{
	store_fail(txn, ERR_DAMAGED);
	return false;
}

/* ---- plain u64 rows */

static bool get_u64(struct store_txn *txn, unsigned db, struct slice key, uint64_t *ret_value)
{
	struct slice row;
	struct reader reader;
	uint64_t value;

	if (!store_get(txn, db, key, &row))
		return false;
	reader = reader_of(row);
	value = reader_u64(&reader);
	if (!reader_is_done(&reader))
		return damaged(txn);
	*ret_value = value;
	return true;
}

static void put_u64(struct store_txn *txn, unsigned db, struct slice key, uint64_t value)
{
	uint8_t bytes[STATE_U64_SIZE];

	store_put(txn, db, key, state_u64(value, bytes));
}

/* ---- keys, as rows hold them */

/* Field by field, not as text: parsing a key's text proves the point to lie on its curve, which costs 80 us. */
static void add_keys(struct buf *row, const struct key *keys, size_t key_count)
{
	buf_u8(row, (uint8_t)key_count);
	for (size_t i = 0; i < key_count; i++) {
		buf_u8(row, (uint8_t)keys[i].type);
		buf_sized(row, slice_text(keys[i].name));
		buf_add(row, keys[i].id, KEY_ID_SIZE);
		buf_sized(row, slice_of(keys[i].material, keys[i].material_size));
	}
}

static bool read_key(struct reader *reader, struct key *ret_key)
{
	unsigned type = reader_u8(reader);
	struct slice name = reader_sized(reader), id = reader_bytes(reader, KEY_ID_SIZE),
		     material = reader_sized(reader);

	if (reader->is_short || (type != KEY_ED25519 && type != KEY_SM2) || material.size > KEY_MATERIAL_MAX ||
	    !copy_text(name, ret_key->name, sizeof(ret_key->name)))
		return false;
	ret_key->type = (enum key_type)type;
	memcpy(ret_key->id, id.data, KEY_ID_SIZE);
	memcpy(ret_key->material, material.data, material.size);
	ret_key->material_size = material.size;
	return true;
}

static bool read_keys(struct reader *reader, struct key *ret_keys, size_t max, size_t *ret_count)
{
	size_t count = reader_u8(reader);

	if (count > max)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!read_key(reader, &ret_keys[i]))
			return false;
	*ret_count = count;
	return true;
}

/* ---- venues */

static bool venue_decode(struct slice id, struct slice row, struct venue *ret_venue)
{
	struct reader reader = reader_of(row);

	memset(ret_venue, 0, sizeof(*ret_venue));
	ret_venue->number = reader_u16(&reader);
	ret_venue->generation = reader_u32(&reader);
	ret_venue->license_index = reader_u64(&reader);
	return copy_text(id, ret_venue->id, sizeof(ret_venue->id)) &&
	       copy_text(reader_sized(&reader), ret_venue->name, sizeof(ret_venue->name)) &&
	       read_keys(&reader, ret_venue->keys, VENUE_KEYS_MAX, &ret_venue->key_count) && reader_is_done(&reader);
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
	return venue_decode(id, row, ret_venue) ? true : damaged(txn);
}

/* A walk over all venues; they are few (VENUES_MAX), and hot paths keep the venue they found. */
bool venue_get_by_number(struct store_txn *txn, uint16_t number, struct venue *ret_venue)
{
	struct store_cursor cursor;
	bool is_found = false, is_there;

	store_cursor_open(&cursor, txn, STORE_VENUES);
	for (is_there = store_cursor_first(&cursor); is_there && !is_found; is_there = store_cursor_next(&cursor)) {
		if (!venue_decode(cursor.key, cursor.value, ret_venue)) {
			damaged(txn);
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

	buf_init(&row, ROW_MAX);
	buf_u16(&row, venue->number);
	buf_u32(&row, venue->generation);
	buf_u64(&row, venue->license_index);
	buf_sized(&row, slice_text(venue->name));
	add_keys(&row, venue->keys, venue->key_count);
	put_row(txn, STORE_VENUES, slice_text(venue->id), &row);
}

static uint64_t count_rows(struct store_txn *txn, unsigned db)
{
	struct store_cursor cursor;
	uint64_t count = 0;

	store_cursor_open(&cursor, txn, db);
	for (bool is_there = store_cursor_first(&cursor); is_there; is_there = store_cursor_next(&cursor))
		count++;
	store_cursor_close(&cursor);
	return count;
}

uint16_t venue_count(struct store_txn *txn)
{
	return (uint16_t)count_rows(txn, STORE_VENUES);
}

/* ---- feeds and pushes */

static struct slice feed_key(uint16_t venue_number, uint32_t generation, struct key_bytes *key)
{
	key->size = 0;
	key_add(key, venue_number, 2);
	key_add(key, generation, 4);
	return key_slice(key);
}

bool feed_get(struct store_txn *txn, uint16_t venue_number, uint32_t generation, struct feed *ret_feed)
{
	struct key_bytes key;
	struct slice row;
	struct reader reader;

	if (!store_get(txn, STORE_FEEDS, feed_key(venue_number, generation, &key), &row))
		return false;
	reader = reader_of(row);
	ret_feed->number = reader_u32(&reader);
	ret_feed->last_push = reader_u64(&reader);
	if (reader.is_short || frontier_decode(reader.rest, &ret_feed->frontier) != OK)
		return damaged(txn);
	return true;
}

void feed_put(struct store_txn *txn, uint16_t venue_number, uint32_t generation, const struct feed *feed)
{
	struct key_bytes key;
	struct buf row;

	buf_init(&row, ROW_MAX);
	buf_u32(&row, feed->number);
	buf_u64(&row, feed->last_push);
	frontier_encode(&feed->frontier, &row);
	put_row(txn, STORE_FEEDS, feed_key(venue_number, generation, &key), &row);
}

uint32_t feed_count(struct store_txn *txn)
{
	return (uint32_t)count_rows(txn, STORE_FEEDS);
}

static struct slice push_key(uint32_t feed_number, uint64_t start, struct key_bytes *key)
{
	key->size = 0;
	key_add(key, feed_number, 4);
	key_add(key, start, 8);
	return key_slice(key);
}

bool push_get(struct store_txn *txn, uint32_t feed_number, uint64_t feed_index, uint64_t *ret_push_index)
{
	struct key_bytes key;
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
			is_found = damaged(txn);
	}
	store_cursor_close(&cursor);
	if (is_found)
		*ret_push_index = index;
	return is_found;
}

void push_put(struct store_txn *txn, uint32_t feed_number, uint64_t start, uint64_t push_index)
{
	struct key_bytes key;

	put_u64(txn, STORE_PUSHES, push_key(feed_number, start, &key), push_index);
}

/* ---- trades and refunds */

bool trade_find(struct store_txn *txn, uint16_t venue_number, struct slice trade_no, uint64_t *ret_index)
{
	return get_u64(txn, STORE_TRADES + venue_number, trade_no, ret_index);
}

void trade_put(struct store_txn *txn, uint16_t venue_number, struct slice trade_no, uint64_t index)
{
	uint8_t bytes[STATE_U64_SIZE];

	/* A venue's numbers mostly rise; then appending packs the pages full. */
	store_append(txn, STORE_TRADES + venue_number, trade_no, state_u64(index, bytes));
}

static struct slice adjust_key(uint16_t venue_number, struct slice adjust_no, struct key_bytes *key)
{
	key->size = 0;
	key_add(key, venue_number, 2);
	key_add_slice(key, adjust_no);
	return key_slice(key);
}

bool adjust_find(struct store_txn *txn, uint16_t venue_number, struct slice adjust_no, uint64_t *ret_index)
{
	struct key_bytes key;

	return get_u64(txn, STORE_ADJUSTS, adjust_key(venue_number, adjust_no, &key), ret_index);
}

void adjust_put(struct store_txn *txn, uint16_t venue_number, struct slice adjust_no, uint64_t index)
{
	struct key_bytes key;

	put_u64(txn, STORE_ADJUSTS, adjust_key(venue_number, adjust_no, &key), index);
}

void touched_get(struct store_txn *txn, uint64_t trade_index, struct touched *ret_touched)
{
	uint8_t key[STATE_U64_SIZE];
	struct slice row;
	struct reader reader;

	*ret_touched = (struct touched){0};
	if (!store_get(txn, STORE_TOUCHED, state_u64(trade_index, key), &row))
		return;
	reader = reader_of(row);
	ret_touched->refunded_fen = reader_u64(&reader);
	ret_touched->refunded_tax_fen = reader_u64(&reader);
	if (!reader_is_done(&reader))
		damaged(txn);
}

void touched_put(struct store_txn *txn, uint64_t trade_index, const struct touched *touched)
{
	uint8_t key[STATE_U64_SIZE];
	struct buf row;

	buf_init(&row, ROW_MAX);
	buf_u64(&row, touched->refunded_fen);
	buf_u64(&row, touched->refunded_tax_fen);
	put_row(txn, STORE_TOUCHED, state_u64(trade_index, key), &row);
}

/* ---- parties, register, relations */

void party_get(struct store_txn *txn, const struct code *code, struct party *ret_party)
{
	struct slice row;
	struct reader reader;

	*ret_party = (struct party){0};
	if (!store_get(txn, STORE_HEADS, code_slice(code), &row))
		return;
	reader = reader_of(row);
	ret_party->last_index = reader_u64(&reader);
	ret_party->total_fen = reader_u64(&reader);
	if (!reader_is_done(&reader))
		damaged(txn);
}

void party_put(struct store_txn *txn, const struct code *code, const struct party *party)
{
	uint8_t bytes[2 * STATE_U64_SIZE];

	state_u64(party->last_index, bytes);
	state_u64(party->total_fen, bytes + STATE_U64_SIZE);
	store_put(txn, STORE_HEADS, code_slice(code), slice_of(bytes, sizeof(bytes)));
}

bool account_get(struct store_txn *txn, const struct code *code, struct account *ret_account)
{
	struct slice row;
	struct reader reader;
	size_t count;

	if (!store_get(txn, STORE_ACCOUNTS, code_slice(code), &row))
		return false;
	reader = reader_of(row);
	ret_account->index = reader_u64(&reader);
	if (!copy_text(reader_sized(&reader), ret_account->name, sizeof(ret_account->name)))
		return damaged(txn);
	count = reader_u8(&reader);
	if (count > LISTS_MAX)
		return damaged(txn);
	for (size_t i = 0; i < count; i++)
		if (!copy_text(reader_sized(&reader), ret_account->lists[i], sizeof(ret_account->lists[i])))
			return damaged(txn);
	ret_account->list_count = count;
	return reader_is_done(&reader) ? true : damaged(txn);
}

void account_put(struct store_txn *txn, const struct code *code, const struct account *account)
{
	struct buf row;

	buf_init(&row, ROW_MAX);
	buf_u64(&row, account->index);
	buf_sized(&row, slice_text(account->name));
	buf_u8(&row, (uint8_t)account->list_count);
	for (size_t i = 0; i < account->list_count; i++)
		buf_sized(&row, slice_text(account->lists[i]));
	put_row(txn, STORE_ACCOUNTS, code_slice(code), &row);
}

static struct slice relation_key(const struct code *a, const struct code *b, struct key_bytes *key)
{
	bool is_ordered = memcmp(a->text, b->text, USCI_SIZE) <= 0;

	key->size = 0;
	key_add_slice(key, code_slice(is_ordered ? a : b));
	key_add_slice(key, code_slice(is_ordered ? b : a));
	return key_slice(key);
}

bool relation_get(struct store_txn *txn, const struct code *a, const struct code *b, uint64_t *ret_index)
{
	struct key_bytes key;

	return get_u64(txn, STORE_RELATIONS, relation_key(a, b, &key), ret_index);
}

void relation_put(struct store_txn *txn, const struct code *a, const struct code *b, uint64_t index)
{
	struct key_bytes key;

	put_u64(txn, STORE_RELATIONS, relation_key(a, b, &key), index);
}

/* ---- reconciliation */

static struct slice venue_month_key(const struct venue_month_key *parts, struct key_bytes *key)
{
	key->size = 0;
	key_add(key, parts->venue_number, 2);
	key_add(key, parts->month, 2);
	key_add(key, (uint64_t)parts->kind, 1);
	key_add(key, (uint64_t)parts->disposition, 1);
	return key_slice(key);
}

static wide_fen read_wide(struct reader *reader)
{
	wide_fen high = reader_u64(reader);

	return high << 64 | reader_u64(reader);
}

static void add_wide(struct buf *row, wide_fen fen)
{
	buf_u64(row, (uint64_t)(fen >> 64));
	buf_u64(row, (uint64_t)fen);
}

bool venue_month_decode(
    struct slice key, struct slice value, struct venue_month_key *ret_key, struct venue_month *ret_month)
{
	struct reader parts = reader_of(key), row = reader_of(value);
	unsigned kind, disposition;

	ret_key->venue_number = reader_u16(&parts);
	ret_key->month = reader_u16(&parts);
	kind = reader_u8(&parts);
	disposition = reader_u8(&parts);
	ret_month->records = reader_u64(&row);
	ret_month->amount_fen = read_wide(&row);
	ret_month->tax_fen = read_wide(&row);
	if (!reader_is_done(&parts) || !reader_is_done(&row) || (kind != RECORD_TRADE && kind != RECORD_REFUND) ||
	    disposition == 0 || disposition >= DISPOSITION_COUNT)
		return false;
	ret_key->kind = (enum record_kind)kind;
	ret_key->disposition = (enum disposition)disposition;
	return true;
}

void venue_month_get(struct store_txn *txn, uint16_t venue_number, uint16_t month, enum record_kind kind,
    enum disposition disposition, struct venue_month *ret_month)
{
	struct venue_month_key parts = {venue_number, month, kind, disposition}, stored;
	struct key_bytes key;
	struct slice row;

	*ret_month = (struct venue_month){0};
	if (store_get(txn, STORE_VENUE_MONTHS, venue_month_key(&parts, &key), &row) &&
	    !venue_month_decode(key_slice(&key), row, &stored, ret_month))
		damaged(txn);
}

void venue_month_put(struct store_txn *txn, uint16_t venue_number, uint16_t month, enum record_kind kind,
    enum disposition disposition, const struct venue_month *venue_month)
{
	struct venue_month_key parts = {venue_number, month, kind, disposition};
	struct key_bytes key;
	struct buf row;

	buf_init(&row, ROW_MAX);
	buf_u64(&row, venue_month->records);
	add_wide(&row, venue_month->amount_fen);
	add_wide(&row, venue_month->tax_fen);
	put_row(txn, STORE_VENUE_MONTHS, venue_month_key(&parts, &key), &row);
}

void wide_format(wide_fen fen, char ret_text[static 48])
{
	char digits[48];
	size_t start = sizeof(digits), size;
	unsigned place = 0;

	do {
		if (place == 2)
			digits[--start] = '.';
		digits[--start] = (char)('0' + (unsigned)(fen % 10));
		fen /= 10;
		place++;
	} while (fen > 0 || place < 3);
	size = sizeof(digits) - start;
	memcpy(ret_text, digits + start, size);
	ret_text[size] = '\0';
}

/* ---- officers and quorums */

bool officer_decode(struct slice key, struct slice value, struct officer *ret_officer)
{
	struct reader reader = reader_of(value);
	unsigned role = reader_u8(&reader);

	memset(ret_officer, 0, sizeof(*ret_officer));
	if (role == 0 || role >= ROLE_COUNT)
		return false;
	ret_officer->role = (enum officer_role)role;
	return copy_text(key, ret_officer->name, sizeof(ret_officer->name)) &&
	       read_keys(&reader, ret_officer->keys, OFFICER_KEYS_MAX, &ret_officer->key_count) &&
	       reader_is_done(&reader);
}

bool officer_get(struct store_txn *txn, struct slice name, struct officer *ret_officer)
{
	struct slice row;

	if (name.size == 0 || name.size > OFFICER_NAME_SIZE_MAX || !store_get(txn, STORE_OFFICERS, name, &row))
		return false;
	return officer_decode(name, row, ret_officer) ? true : damaged(txn);
}

void officer_put(struct store_txn *txn, const struct officer *officer)
{
	struct buf row;

	buf_init(&row, ROW_MAX);
	buf_u8(&row, (uint8_t)officer->role);
	add_keys(&row, officer->keys, officer->key_count);
	put_row(txn, STORE_OFFICERS, slice_text(officer->name), &row);
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

#include "daemon/state_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define PARTY_SIZE (2 * STATE_U64_SIZE) /* bytes of its row */

struct slice state_u64(uint64_t value, uint8_t ret_bytes[static STATE_U64_SIZE])
{
	for (unsigned i = 0; i < STATE_U64_SIZE; i++)
		ret_bytes[i] = (uint8_t)(value >> (56 - 8 * i));
	return slice_of(ret_bytes, STATE_U64_SIZE);
}

void state_key_add(struct state_key *key, uint64_t value, unsigned size)
{
	assert(key->size + size <= STATE_KEY_MAX);
	for (unsigned i = 0; i < size; i++)
		key->bytes[key->size++] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

void state_key_add_slice(struct state_key *key, struct slice slice)
{
	assert(key->size + slice.size <= STATE_KEY_MAX);
	memcpy(key->bytes + key->size, slice.data, slice.size);
	key->size += slice.size;
}

struct slice state_key_slice(const struct state_key *key)
{
	return slice_of(key->bytes, key->size);
}

/* Writes the row and frees it; a row that does not fit is a lack of memory or a bound that was not kept above. */
void state_put_row(struct store_txn *txn, unsigned db, struct slice key, struct buf *row)
{
	if (row->err != OK)
		store_fail(txn, row->err);
	else
		store_put(txn, db, key, buf_slice(row));
	buf_done(row);
}

/* Copies a sized text that must fit with its NUL. */
bool state_copy_text(struct slice text, char *ret_text, size_t capacity)
{
	if (text.size >= capacity)
		return false;
	if (text.size > 0)
		memcpy(ret_text, text.data, text.size);
	ret_text[text.size] = '\0';
	return true;
}

bool state_damaged(struct store_txn *txn)
{
	store_fail(txn, ERR_DAMAGED);
	return false;
}

/* ---- plain u64 rows */

static bool read_u64(struct store_txn *txn, struct slice row, uint64_t *ret_value)
{
	struct reader reader = reader_of(row);
	uint64_t value = reader_u64(&reader);

	if (!reader_is_done(&reader))
		return state_damaged(txn);
	*ret_value = value;
	return true;
}

bool state_get_u64(struct store_txn *txn, unsigned db, struct slice key, uint64_t *ret_value)
{
	struct slice row;

	return store_get(txn, db, key, &row) && read_u64(txn, row, ret_value);
}

void state_put_u64(struct store_txn *txn, unsigned db, struct slice key, uint64_t value)
{
	uint8_t bytes[STATE_U64_SIZE];

	store_put(txn, db, key, state_u64(value, bytes));
}

/* ---- keys, as rows hold them */

/* Field by field, not as text: parsing a key's text proves the point to lie on its curve, which costs 80 us. */
void state_add_key(struct buf *row, const struct key *key)
{
	buf_u8(row, (uint8_t)key->type);
	buf_sized(row, slice_text(key->name));
	buf_add(row, key->id, KEY_ID_SIZE);
	buf_sized(row, slice_of(key->material, key->material_size));
}

bool state_read_key(struct reader *reader, struct key *ret_key)
{
	unsigned type = reader_u8(reader);
	struct slice name = reader_sized(reader), id = reader_bytes(reader, KEY_ID_SIZE),
		     material = reader_sized(reader);

	if (reader->is_short || (type != KEY_ED25519 && type != KEY_SM2) || material.size > KEY_MATERIAL_MAX ||
	    !state_copy_text(name, ret_key->name, sizeof(ret_key->name)))
		return false;
	ret_key->type = (enum key_type)type;
	memcpy(ret_key->id, id.data, KEY_ID_SIZE);
	memcpy(ret_key->material, material.data, material.size);
	ret_key->material_size = material.size;
	return true;
}

uint64_t state_count_rows(struct store_txn *txn, unsigned db)
{
	struct store_cursor cursor;
	uint64_t count = 0;

	store_cursor_open(&cursor, txn, db);
	for (bool is_there = store_cursor_first(&cursor); is_there; is_there = store_cursor_next(&cursor))
		count++;
	store_cursor_close(&cursor);
	return count;
}

/* ---- trades and refunds */

bool trade_find(struct store_txn *txn, uint16_t venue_number, struct slice trade_no, uint64_t *ret_index)
{
	return state_get_u64(txn, STORE_TRADES + venue_number, trade_no, ret_index);
}

bool trade_put(struct store_txn *txn, uint16_t venue_number, struct slice trade_no, uint64_t index, uint64_t *ret_first)
{
	uint8_t bytes[STATE_U64_SIZE];
	struct slice first;

	if (store_put_new(txn, STORE_TRADES + venue_number, trade_no, state_u64(index, bytes), &first))
		return true;
	if (store_error(txn) == OK)
		(void)read_u64(txn, first, ret_first);
	return false;
}

static struct slice adjust_key(uint16_t venue_number, struct slice adjust_no, struct state_key *key)
{
	key->size = 0;
	state_key_add(key, venue_number, 2);
	state_key_add_slice(key, adjust_no);
	return state_key_slice(key);
}

bool adjust_find(struct store_txn *txn, uint16_t venue_number, struct slice adjust_no, uint64_t *ret_index)
{
	struct state_key key;

	return state_get_u64(txn, STORE_ADJUSTS, adjust_key(venue_number, adjust_no, &key), ret_index);
}

void adjust_put(struct store_txn *txn, uint16_t venue_number, struct slice adjust_no, uint64_t index)
{
	struct state_key key;

	state_put_u64(txn, STORE_ADJUSTS, adjust_key(venue_number, adjust_no, &key), index);
}

void touched_get(struct store_txn *txn, uint64_t trade_index, struct touched *ret_touched)
{
	uint8_t key[STATE_U64_SIZE];
	struct slice row;
	struct reader reader;
	unsigned state;

	*ret_touched = (struct touched){0};
	if (!store_get(txn, STORE_TOUCHED, state_u64(trade_index, key), &row))
		return;
	reader = reader_of(row);
	ret_touched->refunded_fen = reader_u64(&reader);
	ret_touched->refunded_tax_fen = reader_u64(&reader);
	state = reader_u8(&reader);
	ret_touched->state_index = reader_u64(&reader);
	if (!reader_is_done(&reader) || state > TRADE_VOIDED)
		state_damaged(txn);
	else
		ret_touched->state = (enum trade_state)state;
}

void touched_put(struct store_txn *txn, uint64_t trade_index, const struct touched *touched)
{
	uint8_t key[STATE_U64_SIZE];
	struct buf row;

	buf_init(&row, STATE_ROW_MAX);
	buf_u64(&row, touched->refunded_fen);
	buf_u64(&row, touched->refunded_tax_fen);
	buf_u8(&row, (uint8_t)touched->state);
	buf_u64(&row, touched->state_index);
	state_put_row(txn, STORE_TOUCHED, state_u64(trade_index, key), &row);
}

/* ---- parties, register, relations */

static void party_decode(struct store_txn *txn, struct slice row, struct party *ret_party)
{
	struct reader reader = reader_of(row);

	ret_party->last_index = reader_u64(&reader);
	ret_party->total_fen = reader_u64(&reader);
	if (!reader_is_done(&reader))
		state_damaged(txn);
}

static void party_encode(const struct party *party, uint8_t ret_bytes[static PARTY_SIZE])
{
	state_u64(party->last_index, ret_bytes);
	state_u64(party->total_fen, ret_bytes + STATE_U64_SIZE);
}

void party_get(struct store_txn *txn, const struct code *code, struct party *ret_party)
{
	struct slice row;

	*ret_party = (struct party){0};
	if (store_get(txn, STORE_HEADS, code_slice(code), &row))
		party_decode(txn, row, ret_party);
}

void party_put(struct store_txn *txn, const struct code *code, const struct party *party)
{
	uint8_t bytes[PARTY_SIZE];

	party_encode(party, bytes);
	store_put(txn, STORE_HEADS, code_slice(code), slice_of(bytes, sizeof(bytes)));
}

void party_open(struct party_row *row, struct store_txn *txn, const struct code *code)
{
	struct slice value;

	row->party = (struct party){0};
	store_row_open(&row->row, txn, STORE_HEADS, code_slice(code));
	if (store_row_get(&row->row, &value))
		party_decode(txn, value, &row->party);
}

uint32_t party_expect(struct store_txn *txn, const struct code *code)
{
	return store_row_expect(txn, STORE_HEADS, code_slice(code));
}

void party_save(struct party_row *row)
{
	uint8_t bytes[PARTY_SIZE], *kept = store_row_edit(&row->row, PARTY_SIZE);

	party_encode(&row->party, kept != NULL ? kept : bytes);
	if (kept == NULL)
		store_put(row->row.txn, STORE_HEADS, row->row.key, slice_of(bytes, sizeof(bytes)));
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
	if (!state_copy_text(reader_sized(&reader), ret_account->name, sizeof(ret_account->name)))
		return state_damaged(txn);
	count = reader_u8(&reader);
	if (count > LISTS_MAX)
		return state_damaged(txn);
	for (size_t i = 0; i < count; i++)
		if (!state_copy_text(reader_sized(&reader), ret_account->lists[i], sizeof(ret_account->lists[i])))
			return state_damaged(txn);
	ret_account->list_count = count;
	return reader_is_done(&reader) ? true : state_damaged(txn);
}

void account_put(struct store_txn *txn, const struct code *code, const struct account *account)
{
	struct buf row;

	buf_init(&row, STATE_ROW_MAX);
	buf_u64(&row, account->index);
	buf_sized(&row, slice_text(account->name));
	buf_u8(&row, (uint8_t)account->list_count);
	for (size_t i = 0; i < account->list_count; i++)
		buf_sized(&row, slice_text(account->lists[i]));
	state_put_row(txn, STORE_ACCOUNTS, code_slice(code), &row);
}

static struct slice relation_key(const struct code *a, const struct code *b, struct state_key *key)
{
	bool is_ordered = memcmp(a->text, b->text, USCI_SIZE) <= 0;

	key->size = 0;
	state_key_add_slice(key, code_slice(is_ordered ? a : b));
	state_key_add_slice(key, code_slice(is_ordered ? b : a));
	return state_key_slice(key);
}

bool relation_get(struct store_txn *txn, const struct code *a, const struct code *b, uint64_t *ret_index)
{
	struct state_key key;

	return state_get_u64(txn, STORE_RELATIONS, relation_key(a, b, &key), ret_index);
}

void relation_put(struct store_txn *txn, const struct code *a, const struct code *b, uint64_t index)
{
	struct state_key key;

	state_put_u64(txn, STORE_RELATIONS, relation_key(a, b, &key), index);
}

/* ---- reconciliation */

static struct slice venue_month_key(const struct venue_month_key *parts, struct state_key *key)
{
	key->size = 0;
	state_key_add(key, parts->venue_number, 2);
	state_key_add(key, parts->month, 2);
	state_key_add(key, (uint64_t)parts->kind, 1);
	state_key_add(key, (uint64_t)parts->disposition, 1);
	return state_key_slice(key);
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
	struct state_key key;
	struct slice row;

	*ret_month = (struct venue_month){0};
	if (store_get(txn, STORE_VENUE_MONTHS, venue_month_key(&parts, &key), &row) &&
	    !venue_month_decode(state_key_slice(&key), row, &stored, ret_month))
		state_damaged(txn);
}

void venue_month_put(struct store_txn *txn, uint16_t venue_number, uint16_t month, enum record_kind kind,
    enum disposition disposition, const struct venue_month *venue_month)
{
	struct venue_month_key parts = {venue_number, month, kind, disposition};
	struct state_key key;
	struct buf row;

	buf_init(&row, STATE_ROW_MAX);
	buf_u64(&row, venue_month->records);
	add_wide(&row, venue_month->amount_fen);
	add_wide(&row, venue_month->tax_fen);
	state_put_row(txn, STORE_VENUE_MONTHS, venue_month_key(&parts, &key), &row);
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

#include "daemon/cells.h"

#include <string.h>

#define ROW_KEY_SIZE (2 + USCI_SIZE)
#define CELL_KEY_SIZE 7
#define SUMS_COUNT 10
#define CELL_SIZE_MAX (CELL_KEY_SIZE + SUMS_COUNT * 10)
#define ROW_SIZE_MAX (64u << 20) /* bytes: far above what the distinct keys of one month allow */

static struct slice row_key(uint16_t settled_month, const struct code *code, uint8_t ret_key[static ROW_KEY_SIZE])
{
	ret_key[0] = (uint8_t)(settled_month >> 8);
	ret_key[1] = (uint8_t)settled_month;
	memcpy(ret_key + 2, code->text, USCI_SIZE);
	return slice_of(ret_key, ROW_KEY_SIZE);
}

static void cell_key_encode(const struct cell_key *key, uint8_t ret_bytes[static CELL_KEY_SIZE])
{
	ret_bytes[0] = (uint8_t)(key->signed_month >> 8);
	ret_bytes[1] = (uint8_t)key->signed_month;
	ret_bytes[2] = (uint8_t)(key->venue_number >> 8);
	ret_bytes[3] = (uint8_t)key->venue_number;
	ret_bytes[4] = (uint8_t)key->side;
	ret_bytes[5] = (uint8_t)key->product_kind;
	ret_bytes[6] = key->flags;
}

/* The place behind a number; NULL where it doesn't end before `end`, or the place before is NULL. */
static const uint8_t *read_varint(const uint8_t *place, const uint8_t *end, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned shift = 0; place != NULL && shift < 64 && place < end; shift += 7) {
		uint8_t byte = *place++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret_value = value;
			return place;
		}
	}
	return NULL;
}

static void sums_to_array(const struct cell_sums *sums, uint64_t ret_values[static SUMS_COUNT])
{
	ret_values[0] = sums->trades;
	ret_values[1] = sums->contracts;
	ret_values[2] = sums->gross_zero_trades;
	ret_values[3] = sums->gross_zero_contracts;
	ret_values[4] = sums->net_zero_trades;
	ret_values[5] = sums->net_zero_contracts;
	ret_values[6] = sums->amount_fen;
	ret_values[7] = sums->tax_fen;
	ret_values[8] = sums->refunded_fen;
	ret_values[9] = sums->refunded_tax_fen;
}

/*
 * The sums of a cell, each written where it belongs: by way of an array, as elsewhere here, a pass over everyone takes half
 * as long again. NULL where they are broken.
 */
static const uint8_t *read_sums(const uint8_t *place, const uint8_t *end, struct cell_sums *sums)
{
	static const uint8_t zeros[4];

	place = read_varint(place, end, &sums->trades);
	place = read_varint(place, end, &sums->contracts);
	/* Few trades are ever refunded. */
	if (place != NULL && end - place > 4 && memcmp(place, zeros, 4) == 0) {
		sums->gross_zero_trades = sums->gross_zero_contracts = 0;
		sums->net_zero_trades = sums->net_zero_contracts = 0;
		place += 4;
	} else {
		place = read_varint(place, end, &sums->gross_zero_trades);
		place = read_varint(place, end, &sums->gross_zero_contracts);
		place = read_varint(place, end, &sums->net_zero_trades);
		place = read_varint(place, end, &sums->net_zero_contracts);
	}
	place = read_varint(place, end, &sums->amount_fen);
	place = read_varint(place, end, &sums->tax_fen);
	place = read_varint(place, end, &sums->refunded_fen);
	return read_varint(place, end, &sums->refunded_tax_fen);
}

bool cells_next(struct cells_reader *reader, struct cell_key *ret_key, struct cell_sums *ret_sums)
{
	const uint8_t *bytes = reader->rest.data, *end = bytes + reader->rest.size, *place;

	if (reader->is_broken || reader->rest.size == 0)
		return false;
	if (reader->rest.size < CELL_KEY_SIZE || bytes[4] < SIDE_SUPPLIER || bytes[4] > SIDE_BUYER ||
	    bytes[5] < PRODUCT_DATASET || bytes[5] > PRODUCT_OTHER || bytes[6] > CELL_FLAGS_ALL) {
		reader->is_broken = true;
		return false;
	}
	place = read_sums(bytes + CELL_KEY_SIZE, end, ret_sums);
	if (place == NULL) {
		reader->is_broken = true;
		return false;
	}
	ret_key->signed_month = (uint16_t)(bytes[0] << 8 | bytes[1]);
	ret_key->venue_number = (uint16_t)(bytes[2] << 8 | bytes[3]);
	ret_key->side = (enum side)bytes[4];
	ret_key->product_kind = (enum product_kind)bytes[5];
	ret_key->flags = bytes[6];
	reader->rest = slice_of(place, (size_t)(end - place));
	return true;
}

static bool combine_one(uint64_t *a, uint64_t b, bool is_removal)
{
	return !(is_removal ? __builtin_sub_overflow(*a, b, a) : __builtin_add_overflow(*a, b, a));
}

bool cell_sums_combine(struct cell_sums *a, const struct cell_sums *b, bool is_removal)
{
	struct cell_sums sums = *a;
	bool fits = combine_one(&sums.trades, b->trades, is_removal);

	/* No shortcuts: nothing to guess for the processor. */
	fits &= combine_one(&sums.contracts, b->contracts, is_removal);
	fits &= combine_one(&sums.gross_zero_trades, b->gross_zero_trades, is_removal);
	fits &= combine_one(&sums.gross_zero_contracts, b->gross_zero_contracts, is_removal);
	fits &= combine_one(&sums.net_zero_trades, b->net_zero_trades, is_removal);
	fits &= combine_one(&sums.net_zero_contracts, b->net_zero_contracts, is_removal);
	fits &= combine_one(&sums.amount_fen, b->amount_fen, is_removal);
	fits &= combine_one(&sums.tax_fen, b->tax_fen, is_removal);
	fits &= combine_one(&sums.refunded_fen, b->refunded_fen, is_removal);
	fits &= combine_one(&sums.refunded_tax_fen, b->refunded_tax_fen, is_removal);
	if (fits)
		*a = sums;
	return fits;
}

static bool is_nothing(const struct cell_sums *sums)
{
	return sums->trades == 0 && sums->amount_fen == 0 && sums->refunded_fen == 0;
}

/* A cell's bytes; none where it comes to nothing. */
static size_t cell_encode(
    const uint8_t key[static CELL_KEY_SIZE], const struct cell_sums *sums, uint8_t ret_bytes[static CELL_SIZE_MAX])
{
	uint64_t values[SUMS_COUNT];
	size_t size = CELL_KEY_SIZE;

	if (is_nothing(sums))
		return 0;
	sums_to_array(sums, values);
	memcpy(ret_bytes, key, CELL_KEY_SIZE);
	for (unsigned i = 0; i < SUMS_COUNT; i++) {
		uint64_t value = values[i];

		for (; value >= 0x80; value >>= 7)
			ret_bytes[size++] = (uint8_t)(value | 0x80);
		ret_bytes[size++] = (uint8_t)value;
	}
	return size;
}

/* How many bytes the first cell has, without a look at its numbers; 0 where the row ends within it. */
static size_t cell_size(struct slice row)
{
	size_t size = CELL_KEY_SIZE;

	for (unsigned i = 0; i < SUMS_COUNT; size++) {
		if (size >= row.size)
			return 0;
		i += (row.data[size] & 0x80) == 0;
	}
	return size;
}

/* Where in a row a cell is, or would go. */
struct cell_place {
	size_t offset, size; /* size 0: it is not there */
	struct cell_sums sums;
};

/* False where the row is broken. */
static bool find_cell(struct slice row, const uint8_t key[static CELL_KEY_SIZE], struct cell_place *ret_place)
{
	struct cell_place place = {0};

	while (place.offset < row.size) {
		struct slice rest = slice_of(row.data + place.offset, row.size - place.offset);
		struct cells_reader reader = {.rest = rest};
		size_t size = cell_size(rest);
		int order = size == 0 ? 0 : memcmp(rest.data, key, CELL_KEY_SIZE);
		struct cell_key found;

		if (size == 0)
			return false;
		if (order > 0)
			break;
		if (order == 0) {
			place.size = size;
			if (!cells_next(&reader, &found, &place.sums))
				return false;
			break;
		}
		place.offset += size;
	}
	*ret_place = place;
	return true;
}

/* Puts `cell` in the place of the one there, in the row's own bytes; false where they can't be held in memory. */
static bool splice(struct store_row *row, size_t row_size, const struct cell_place *place, struct slice cell)
{
	size_t behind = place->offset + place->size, new_size = row_size - place->size + cell.size;
	uint8_t *bytes = store_row_edit(row, new_size > row_size ? new_size : row_size);

	if (bytes == NULL)
		return false;
	if (cell.size != place->size)
		memmove(bytes + place->offset + cell.size, bytes + behind, row_size - behind);
	if (cell.size > 0)
		memcpy(bytes + place->offset, cell.data, cell.size);
	if (new_size < row_size)
		(void)store_row_edit(row, new_size);
	return true;
}

/* The same by way of a copy. */
static void put_spliced(struct store_row *row, struct slice old, const struct cell_place *place, struct slice cell)
{
	size_t behind = place->offset + place->size;
	struct buf bytes;

	buf_init(&bytes, ROW_SIZE_MAX);
	buf_add(&bytes, old.data, place->offset);
	buf_add_slice(&bytes, cell);
	buf_add(&bytes, old.data + behind, old.size - behind);
	if (bytes.err != OK)
		store_fail(row->txn, bytes.err);
	else
		store_put(row->txn, STORE_CELLS, row->key, buf_slice(&bytes));
	buf_done(&bytes);
}

void cells_change(struct store_txn *txn, const struct cell_key *key, const struct cell_sums *sums, bool is_removal)
{
	uint8_t row_bytes[ROW_KEY_SIZE], key_bytes[CELL_KEY_SIZE], cell[CELL_SIZE_MAX];
	struct slice old = slice_of(NULL, 0);
	struct cell_place place;
	struct store_row row;
	size_t size;

	if (store_error(txn) != OK)
		return;
	cell_key_encode(key, key_bytes);
	store_row_open(&row, txn, STORE_CELLS, row_key(key->settled_month, &key->code, row_bytes));
	(void)store_row_get(&row, &old);
	if (!find_cell(old, key_bytes, &place) || (is_removal && place.size == 0) ||
	    !cell_sums_combine(&place.sums, sums, is_removal)) {
		store_fail(txn, ERR_DAMAGED);
		return;
	}
	size = cell_encode(key_bytes, &place.sums, cell);
	if (size == 0 && place.size == old.size)
		store_delete(txn, STORE_CELLS, row.key);
	else if (!splice(&row, old.size, &place, slice_of(cell, size)) && store_error(txn) == OK) {
		(void)store_row_get(&row, &old); /* it may lie elsewhere now */
		put_spliced(&row, old, &place, slice_of(cell, size));
	}
}

uint32_t cells_expect(struct store_txn *txn, uint16_t settled_month, const struct code *code)
{
	uint8_t key[ROW_KEY_SIZE];

	return store_row_expect(txn, STORE_CELLS, row_key(settled_month, code, key));
}

/* Calls `each` for the cells of the row under the cursor. */
static enum err each_of_row(struct store_cursor *cursor,
    enum err (*each)(void *cookie, const struct cell_key *key, const struct cell_sums *sums), void *cookie)
{
	struct cells_reader reader = {.rest = cursor->value};
	struct cell_key key = {0};
	struct cell_sums sums;
	enum err err = OK;

	if (cursor->key.size != ROW_KEY_SIZE)
		return ERR_DAMAGED;
	key.settled_month = (uint16_t)(cursor->key.data[0] << 8 | cursor->key.data[1]);
	key.code = code_of(slice_of(cursor->key.data + 2, USCI_SIZE));
	while (err == OK && cells_next(&reader, &key, &sums))
		err = each(cookie, &key, &sums);
	return err == OK && reader.is_broken ? ERR_DAMAGED : err;
}

enum err cells_each(struct store_txn *txn, const struct code *code,
    enum err (*each)(void *cookie, const struct cell_key *key, const struct cell_sums *sums), void *cookie)
{
	struct store_cursor cursor;
	uint8_t key[ROW_KEY_SIZE];
	uint32_t month = 0;
	enum err err = OK;

	/* Months are the outer key: look the code up in each month that has rows at all, by leaps. */
	store_cursor_open(&cursor, txn, STORE_CELLS);
	while (err == OK && month <= UINT16_MAX && store_cursor_seek(&cursor, row_key((uint16_t)month, code, key))) {
		uint32_t found;

		if (cursor.key.size != ROW_KEY_SIZE) {
			err = ERR_DAMAGED;
			break;
		}
		found = (uint32_t)(cursor.key.data[0] << 8 | cursor.key.data[1]);
		if (memcmp(cursor.key.data + 2, code->text, USCI_SIZE) == 0)
			err = each_of_row(&cursor, each, cookie);
		else if (found > month) {
			month = found; /* its row, if any, lies ahead or was passed: look it up */
			continue;
		}
		month = found + 1;
	}
	store_cursor_close(&cursor);
	return err == OK ? store_error(txn) : err;
}

/* Is the row of a later month? One whose key is broken is of none. */
static bool is_behind(const struct store_cursor *cursor, uint16_t month)
{
	return cursor->key.size == ROW_KEY_SIZE && (cursor->key.data[0] << 8 | cursor->key.data[1]) > month;
}

enum err cells_each_all(struct store_txn *txn, uint16_t first_month, uint16_t last_month,
    enum err (*each)(void *cookie, const struct cell_key *key, const struct cell_sums *sums), void *cookie)
{
	const uint8_t first[] = {(uint8_t)(first_month >> 8), (uint8_t)first_month};
	struct store_cursor cursor;
	bool is_there;
	enum err err = OK;

	store_cursor_open(&cursor, txn, STORE_CELLS);
	is_there = store_cursor_seek(&cursor, slice_of(first, sizeof(first)));
	while (is_there && err == OK && !is_behind(&cursor, last_month)) {
		err = each_of_row(&cursor, each, cookie);
		is_there = store_cursor_next(&cursor);
	}
	store_cursor_close(&cursor);
	return err == OK ? store_error(txn) : err;
}

void cell_of_fact(const struct policy_fact *fact, const struct code *code, uint16_t venue_number,
    struct cell_key *ret_key, struct cell_sums *ret_sums)
{
	unsigned flags = 0;

	if (fact->is_related_declared)
		flags |= CELL_DECLARED;
	if (fact->is_related_listed)
		flags |= CELL_LISTED;
	if (fact->has_other_subsidy)
		flags |= CELL_OTHER_SUBSIDY;
	if (fact->has_invoice)
		flags |= CELL_INVOICE;
	*ret_key = (struct cell_key){.settled_month = fact->settled_month,
	    .code = *code,
	    .signed_month = fact->signed_month,
	    .venue_number = venue_number,
	    .side = fact->side,
	    .product_kind = fact->product_kind,
	    .flags = (uint8_t)flags};
	*ret_sums = (struct cell_sums){.trades = fact->trades,
	    .contracts = fact->contracts,
	    .gross_zero_trades = fact->gross_zero_trades,
	    .gross_zero_contracts = fact->gross_zero_contracts,
	    .net_zero_trades = fact->net_zero_trades,
	    .net_zero_contracts = fact->net_zero_contracts,
	    .amount_fen = (uint64_t)fact->amount_fen,
	    .tax_fen = (uint64_t)fact->tax_fen,
	    .refunded_fen = (uint64_t)fact->refunded_fen,
	    .refunded_tax_fen = (uint64_t)fact->refunded_tax_fen};
}

struct policy_fact cell_fact(const struct cell_key *key, const struct cell_sums *sums, const char *venue)
{
	/* A party's total bounds every sum below INT64_MAX (struct party). */
	return (struct policy_fact){.settled_month = key->settled_month,
	    .signed_month = key->signed_month,
	    .venue = venue,
	    .side = key->side,
	    .product_kind = key->product_kind,
	    .is_related_declared = (key->flags & CELL_DECLARED) != 0,
	    .is_related_listed = (key->flags & CELL_LISTED) != 0,
	    .has_other_subsidy = (key->flags & CELL_OTHER_SUBSIDY) != 0,
	    .has_invoice = (key->flags & CELL_INVOICE) != 0,
	    .trades = sums->trades,
	    .contracts = sums->contracts,
	    .gross_zero_trades = sums->gross_zero_trades,
	    .gross_zero_contracts = sums->gross_zero_contracts,
	    .net_zero_trades = sums->net_zero_trades,
	    .net_zero_contracts = sums->net_zero_contracts,
	    .amount_fen = (int64_t)sums->amount_fen,
	    .tax_fen = (int64_t)sums->tax_fen,
	    .refunded_fen = (int64_t)sums->refunded_fen,
	    .refunded_tax_fen = (int64_t)sums->refunded_tax_fen};
}

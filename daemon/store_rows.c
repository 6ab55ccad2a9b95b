/* Rows that almost every record changes are kept in memory and written once, see overlay.h. */
#include "daemon/store_internal.h"

#include <assert.h>

/* Those that almost every record changes. */
bool store_is_overlaid(const struct store_txn *txn, unsigned db)
{
	return store_is_write(txn) &&
	       (db == STORE_HEADS || db == STORE_CELLS || db == STORE_VENUE_MONTHS || db == STORE_TOUCHED);
}

static struct overlay *overlay_of(const struct store_txn *txn)
{
	return store_rows_of(txn)->overlay;
}

static void write_rows(struct store_txn *txn, bool with_late)
{
	enum err err = store_error(txn) == OK ? overlay_write(overlay_of(txn), with_late, store_write_row, txn) : OK;

	if (err != OK)
		store_fail(txn, err);
}

void store_rows_write(struct store_txn *txn)
{
	assert(!store_rows_of(txn)->leaves_cells);
	store_rows_of(txn)->is_written = true;
	write_rows(txn, true);
}

/* ---- a write transaction's beginning and end */

void store_rows_begin(struct store_rows *rows)
{
	rows->leaves_cells = rows->is_written = false;
	rows->change_count = overlay_change_count(rows->overlay);
}

void store_rows_finish(struct store_txn *txn)
{
	store_rows_of(txn)->is_written = true;
	write_rows(txn, !store_rows_of(txn)->leaves_cells);
}

void store_rows_committed(struct store_rows *rows)
{
	rows->has_left_cells = rows->leaves_cells;
	overlay_settle(rows->overlay);
}

void store_rows_dropped(struct store_rows *rows)
{
	/* Where nothing was changed they still are what the file holds, and what it lacks. */
	if (!rows->is_written && rows->change_count == overlay_change_count(rows->overlay))
		return;
	overlay_clear(rows->overlay);
	rows->has_left_cells = false;
}

bool store_leave_cells(struct store_txn *txn)
{
	struct store_rows *rows = store_rows_of(txn);

	assert(store_is_write(txn));
	rows->leaves_cells = store_error(txn) == OK && !rows->is_written && !overlay_is_half_full(rows->overlay);
	return rows->leaves_cells;
}

bool store_has_left_cells(const struct store_txn *txn)
{
	return store_rows_of(txn)->has_left_cells;
}

/* ---- rows */

/* A changed row; `value` NULL deletes it. A full overlay is written and begun anew. */
void store_rows_change(struct store_txn *txn, unsigned db, struct slice key, const struct slice *value)
{
	struct overlay_row direct = {.db = db, .key = key, .is_absent = value == NULL};
	enum err err = overlay_set(overlay_of(txn), db, key, value, true);

	if (err == ERR_TOO_LARGE) {
		if (value != NULL)
			direct.value = *value;
		/* Everything older first, then this row itself: its bytes may be of the overlay that is cleared after. */
		store_rows_write(txn);
		err = store_write_row(txn, &direct);
		overlay_clear(overlay_of(txn));
	}
	if (err != OK)
		store_fail(txn, err);
}

bool store_rows_get(struct store_txn *txn, unsigned db, struct slice key, struct slice *ret_value)
{
	const struct overlay_row *row = overlay_find(overlay_of(txn), db, key);
	struct slice value;
	bool is_there;
	enum err err;

	if (row != NULL) {
		if (!row->is_absent)
			*ret_value = row->value;
		return !row->is_absent;
	}
	is_there = store_get_direct(txn, db, key, &value);
	if (store_error(txn) != OK)
		return false;
	/* Where it can't be kept it is read again the next time. */
	err = overlay_set(overlay_of(txn), db, key, is_there ? &value : NULL, false);
	if (err == OK && is_there)
		value = overlay_find(overlay_of(txn), db, key)->value;
	if (is_there)
		*ret_value = value;
	return is_there;
}

/* Reads the row into the overlay. ERR_TOO_LARGE where that is full. */
static enum err bring_in(struct store_txn *txn, unsigned db, struct slice key)
{
	struct slice value;
	bool is_there = store_get_direct(txn, db, key, &value);

	return store_error(txn) != OK ? store_error(txn)
				      : overlay_set(overlay_of(txn), db, key, is_there ? &value : NULL, false);
}

/* The row's place in the overlay; NULL where it can't be kept there. */
static struct overlay_row *place_of(struct store_txn *txn, unsigned db, struct slice key)
{
	struct overlay_row *row = overlay_find(overlay_of(txn), db, key);
	enum err err;

	if (row != NULL)
		return row;
	err = bring_in(txn, db, key);
	if (err == ERR_TOO_LARGE) {
		store_rows_write(txn);
		overlay_clear(overlay_of(txn));
		err = store_error(txn) != OK ? store_error(txn) : bring_in(txn, db, key);
	}
	return err == OK ? overlay_find(overlay_of(txn), db, key) : NULL;
}

void store_row_open(struct store_row *row, struct store_txn *txn, unsigned db, struct slice key)
{
	assert(store_is_overlaid(txn, db));
	*row = (struct store_row){.txn = txn, .db = db, .key = key};
	if (store_error(txn) == OK)
		row->place = place_of(txn, db, key);
	row->clear_count = overlay_clear_count(overlay_of(txn));
}

uint32_t store_row_expect(struct store_txn *txn, unsigned db, struct slice key)
{
	assert(store_is_overlaid(txn, db));
	return overlay_expect(overlay_of(txn), db, key);
}

void store_row_expect_value(struct store_txn *txn, uint32_t hint)
{
	overlay_expect_row(overlay_of(txn), hint);
}

/* Where the overlay was cleared since, or did not hold it, the row is looked for again. */
static struct overlay_row *place_again(struct store_row *row)
{
	if (row->place == NULL || row->clear_count != overlay_clear_count(overlay_of(row->txn)))
		store_row_open(row, row->txn, row->db, row->key);
	return row->place;
}

bool store_row_get(struct store_row *row, struct slice *ret_value)
{
	const struct overlay_row *place = place_again(row);

	if (store_error(row->txn) != OK)
		return false;
	if (place == NULL)
		return store_get_direct(row->txn, row->db, row->key, ret_value);
	if (!place->is_absent)
		*ret_value = place->value;
	return !place->is_absent;
}

uint8_t *store_row_edit(struct store_row *row, size_t size)
{
	struct overlay *overlay = overlay_of(row->txn);
	struct overlay_row *place = place_again(row);
	uint8_t *bytes;
	enum err err;

	if (store_error(row->txn) != OK || place == NULL)
		return NULL;
	err = overlay_edit(overlay, place, size, &bytes);
	if (err == ERR_TOO_LARGE) {
		store_rows_write(row->txn);
		overlay_clear(overlay);
		place = place_again(row);
		if (store_error(row->txn) != OK || place == NULL)
			return NULL;
		err = overlay_edit(overlay, place, size, &bytes);
	}
	if (err != OK && err != ERR_TOO_LARGE)
		store_fail(row->txn, err);
	return err == OK ? bytes : NULL;
}

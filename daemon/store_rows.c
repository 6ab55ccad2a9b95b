/* Rows that almost every record changes are kept in memory and written once, see overlay.h. */
#include "daemon/store_internal.h"

#include <assert.h>

/* Those that almost every record changes. */
bool store_is_overlaid(const struct store_txn *txn, unsigned db)
{
	return store_is_write(txn) &&
	       (db == STORE_HEADS || db == STORE_CELLS || db == STORE_VENUE_MONTHS || db == STORE_TOUCHED);
}

/* Brings the databases up to date with the overlay; needed before a cursor looks, and before the commit. */
void store_rows_write(struct store_txn *txn)
{
	enum err err = store_error(txn) == OK ? overlay_write(store_overlay(txn), store_write_row, txn) : OK;

	if (err != OK)
		store_fail(txn, err);
}

/* A changed row; `value` NULL deletes it. A full overlay is written and begun anew. */
void store_rows_change(struct store_txn *txn, unsigned db, struct slice key, const struct slice *value)
{
	struct overlay_row direct = {.db = db, .key = key, .is_absent = value == NULL};
	enum err err = overlay_set(store_overlay(txn), db, key, value, true);

	if (err == ERR_TOO_LARGE) {
		if (value != NULL)
			direct.value = *value;
		/* Everything older first, then this row itself: its bytes may be of the overlay that is cleared after. */
		store_rows_write(txn);
		err = store_write_row(txn, &direct);
		overlay_clear(store_overlay(txn));
	}
	if (err != OK)
		store_fail(txn, err);
}

bool store_rows_get(struct store_txn *txn, unsigned db, struct slice key, struct slice *ret_value)
{
	const struct overlay_row *row = overlay_find(store_overlay(txn), db, key);
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
	err = overlay_set(store_overlay(txn), db, key, is_there ? &value : NULL, false);
	if (err == OK && is_there)
		value = overlay_find(store_overlay(txn), db, key)->value;
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
				      : overlay_set(store_overlay(txn), db, key, is_there ? &value : NULL, false);
}

/* The row's place in the overlay; NULL where it can't be kept there. */
static struct overlay_row *place_of(struct store_txn *txn, unsigned db, struct slice key)
{
	struct overlay_row *row = overlay_find(store_overlay(txn), db, key);
	enum err err;

	if (row != NULL)
		return row;
	err = bring_in(txn, db, key);
	if (err == ERR_TOO_LARGE) {
		store_rows_write(txn);
		overlay_clear(store_overlay(txn));
		err = store_error(txn) != OK ? store_error(txn) : bring_in(txn, db, key);
	}
	return err == OK ? overlay_find(store_overlay(txn), db, key) : NULL;
}

void store_row_open(struct store_row *row, struct store_txn *txn, unsigned db, struct slice key)
{
	assert(store_is_overlaid(txn, db));
	*row = (struct store_row){.txn = txn, .db = db, .key = key};
	if (store_error(txn) == OK)
		row->place = place_of(txn, db, key);
	row->clear_count = overlay_clear_count(store_overlay(txn));
}

uint32_t store_row_expect(struct store_txn *txn, unsigned db, struct slice key)
{
	assert(store_is_overlaid(txn, db));
	return overlay_expect(store_overlay(txn), db, key);
}

void store_row_expect_value(struct store_txn *txn, uint32_t hint)
{
	overlay_expect_row(store_overlay(txn), hint);
}

/* Where the overlay was cleared since, or did not hold it, the row is looked for again. */
static struct overlay_row *place_again(struct store_row *row)
{
	if (row->place == NULL || row->clear_count != overlay_clear_count(store_overlay(row->txn)))
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
	struct overlay *overlay = store_overlay(row->txn);
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

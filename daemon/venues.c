#include "daemon/venues.h"

#include <string.h>

#define ID_SIZE (VENUE_ID_SIZE_MAX + 1)

static enum err add_venue(struct venues *venues, struct slice key, struct slice value)
{
	uint16_t number;

	if (!venue_number_decode(value, &number) || number == 0 || number > VENUES_MAX || key.size == 0 ||
	    key.size > VENUE_ID_SIZE_MAX)
		return ERR_DAMAGED;
	while (venues->ids.count <= number)
		if (array_add(&venues->ids) == NULL)
			return ERR_MEMORY;
	memcpy(array_at(&venues->ids, number), key.data, key.size);
	return OK;
}

enum err venues_read(struct store_txn *txn, struct venues *ret_venues)
{
	struct store_cursor cursor;
	enum err err = OK;

	array_init(&ret_venues->ids, ID_SIZE);
	store_cursor_open(&cursor, txn, STORE_VENUES);
	for (bool is_there = store_cursor_first(&cursor); is_there && err == OK; is_there = store_cursor_next(&cursor))
		err = add_venue(ret_venues, cursor.key, cursor.value);
	store_cursor_close(&cursor);
	return err == OK ? store_error(txn) : err;
}

void venues_done(struct venues *venues)
{
	array_done(&venues->ids);
}

const char *venues_id(const struct venues *venues, uint16_t number)
{
	const char *id = number < venues->ids.count ? array_at(&venues->ids, number) : "";

	return id[0] != '\0' ? id : NULL;
}

uint16_t venues_number(const struct venues *venues, struct slice id)
{
	for (size_t i = 1; i < venues->ids.count; i++)
		if (slice_equal(slice_text(array_at(&venues->ids, i)), id))
			return (uint16_t)i;
	return 0;
}

/* The venues' ids by number, read once for answers that name many. */
#ifndef DAEMON_VENUES_H
#define DAEMON_VENUES_H

#include "proto/array.h"
#include "daemon/state.h"

struct venues {
	struct array ids;	/* of char[VENUE_ID_SIZE_MAX + 1], by number; number 0 is empty */
};

/* ERR_MEMORY, ERR_DAMAGED. Call venues_done in any case. */
enum err venues_read(struct store_txn *txn, struct venues *ret_venues) must_check;
void venues_done(struct venues *venues);
/* NULL for a number that no venue has. */
const char *venues_id(const struct venues *venues, uint16_t number);
/* 0 for an id that no venue has. */
uint16_t venues_number(const struct venues *venues, struct slice id);

#endif

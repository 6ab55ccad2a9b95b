/* What the state files share: keys, rows, and the values that many rows hold. Nobody else includes this. */
#ifndef DAEMON_STATE_INTERNAL_H
#define DAEMON_STATE_INTERNAL_H

#include "daemon/state.h"

#define STATE_ROW_MAX (64u << 10)	/* bytes of any row but cells */
#define STATE_KEY_MAX 128		/* bytes of any key here */

/* A short key in the caller's storage. */
struct state_key {
	uint8_t bytes[STATE_KEY_MAX];
	size_t size;
};
void state_key_add(struct state_key *key, uint64_t value, unsigned size);
void state_key_add_slice(struct state_key *key, struct slice slice);
struct slice state_key_slice(const struct state_key *key);

/* Writes the row and frees it; a row that does not fit is a lack of memory or a bound that was not kept above. */
void state_put_row(struct store_txn *txn, unsigned db, struct slice key, struct buf *row);
/* Puts the transaction in error; always false. */
bool state_damaged(struct store_txn *txn);
uint64_t state_count_rows(struct store_txn *txn, unsigned db);
/* Rows of one number. */
bool state_get_u64(struct store_txn *txn, unsigned db, struct slice key, uint64_t *ret_value);
void state_put_u64(struct store_txn *txn, unsigned db, struct slice key, uint64_t value);

/* Copies a sized text; false where it does not fit with its NUL. */
bool state_copy_text(struct slice text, char *ret_text, size_t capacity);
/* Public keys, as rows hold them. */
void state_add_key(struct buf *row, const struct key *key);
bool state_read_key(struct reader *reader, struct key *ret_key);

#endif

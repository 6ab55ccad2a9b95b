/* What the store and its rows that are written once share. Nobody else includes this. */
#ifndef DAEMON_STORE_INTERNAL_H
#define DAEMON_STORE_INTERNAL_H

#include <sys/types.h>

#include "daemon/overlay.h"
#include "daemon/store.h"

/* The rows that write transactions keep in memory, there being one at a time. */
struct store_rows {
	struct overlay *overlay;
	bool has_left_cells;		/* changed ones, which the file lacks */
	/* Of the transaction: */
	bool leaves_cells;		/* the commit shall */
	bool is_written;		/* some are in the database */
	uint64_t change_count;		/* of the overlay as it began */
};
struct store_rows *store_rows_of(const struct store_txn *txn);
/* A write transaction begins; is about to be committed; was, or was dropped. */
void store_rows_begin(struct store_rows *rows);
void store_rows_finish(struct store_txn *txn);
void store_rows_committed(struct store_rows *rows);
void store_rows_dropped(struct store_rows *rows);
bool store_is_write(const struct store_txn *txn);
/* What the database itself holds. */
bool store_get_direct(struct store_txn *txn, unsigned db, struct slice key, struct slice *ret_value);
/* Brings the database up to date with a row; the cookie is the transaction. */
enum err store_write_row(void *cookie, const struct overlay_row *row) must_check;

/* Are the database's rows kept so? */
bool store_is_overlaid(const struct store_txn *txn, unsigned db);
/* Brings the databases up to date; needed before a cursor looks. */
void store_rows_write(struct store_txn *txn);
/* A changed row; `value` NULL deletes it. */
void store_rows_change(struct store_txn *txn, unsigned db, struct slice key, const struct slice *value);
bool store_rows_get(struct store_txn *txn, unsigned db, struct slice key, struct slice *ret_value);

/* Does a meta page of the folder's data file count pages beyond the end of the file? */
bool store_file_lacks_pages(int folder_fd);
/* The longest file this process may write. */
uint64_t store_file_size_max(void);
/* Is the file as long as its pages? ERR_DAMAGED, ERR_IO. */
enum err store_file_check(int fd, off_t size, const char *folder, struct why *why) must_check;
/* Makes it at least so long, where it may be; sparsely. ERR_IO. */
enum err store_file_extend(int fd, off_t size) must_check;

#endif

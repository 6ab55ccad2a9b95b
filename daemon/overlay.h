/*
 * An overlay: the rows that write transactions read and change again and again, kept in memory until they are written
 * once, in key order. What a group costs is the number of distinct rows it writes, and heads, cells and month sums are
 * changed by almost every record.
 *
 * Rows are found by database and key. A clean row remembers what the database holds (also that it holds nothing), so
 * that it is read once, for as long as nobody else writes to that database. One thread.
 *
 * The rows of one database are late ones: changed, they may stay for longer than the others before they are written.
 */
#ifndef DAEMON_OVERLAY_H
#define DAEMON_OVERLAY_H

#include "proto/bytes.h"
#include "proto/limits.h"

struct overlay_row {
	unsigned db;
	struct slice key;
	struct slice value;
	bool is_absent;			/* there is no such row, or it is to be deleted */
	bool is_dirty;			/* differs from the database */
	size_t capacity;		/* bytes behind value.data */
};

struct overlay;

/* Holds at most `size_max` bytes of keys and values. NULL on lack of memory. */
struct overlay *overlay_new(size_t size_max, unsigned late_db);
void overlay_free(struct overlay *overlay);
/* Forgets every row, dirty ones too. */
void overlay_clear(struct overlay *overlay);

/* NULL when the row is not here. Valid until overlay_clear, its value until that is changed. */
struct overlay_row *overlay_find(const struct overlay *overlay, unsigned db, struct slice key);
/*
 * Asks the processor for the memory that a row will be looked for in, without waiting for it: first for its slot, by the
 * hash that is given back, and some work later for the row there. Changes nothing.
 */
uint32_t overlay_expect(const struct overlay *overlay, unsigned db, struct slice key);
void overlay_expect_row(const struct overlay *overlay, uint32_t hash);
/* How often it was cleared: a row that was found at another count is gone. */
uint64_t overlay_clear_count(const struct overlay *overlay);
/*
 * Makes a row's value `size` bytes long, of which those that were there stay, and gives the bytes to be written; the
 * row is then dirty. Errors as overlay_set.
 */
enum err overlay_edit(struct overlay *overlay, struct overlay_row *row, size_t size, uint8_t **ret_bytes) must_check;
/*
 * Puts a row in or changes it; copies key and value (which may be of a row of this overlay). A NULL value is an
 * absent row. ERR_TOO_LARGE: full, write and clear first (a single row beyond size_max never fits); ERR_MEMORY. On an
 * error nothing has changed.
 */
enum err overlay_set(struct overlay *overlay, unsigned db, struct slice key, const struct slice *value, bool is_dirty) must_check;

/* How often a row was made dirty or changed again: the same number twice, and between the two nothing has changed. */
uint64_t overlay_change_count(const struct overlay *overlay);

/*
 * Gives every dirty row to `write`, by database and key, those that are late behind all others, and marks it clean; or,
 * without `with_late`, leaves the late ones as they are. Stops at the first error.
 */
enum err overlay_write(struct overlay *overlay, bool with_late,
    enum err (*write)(void *cookie, const struct overlay_row *row), void *cookie) must_check;
/* Is half of the memory taken? */
bool overlay_is_half_full(const struct overlay *overlay);
/* Between two transactions, when no row is dirty but late ones: where half of the memory is taken, and no row is dirty,
 * every row is forgotten. */
void overlay_settle(struct overlay *overlay);

#endif

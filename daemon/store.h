/*
 * The store: LMDB behind one door. Nothing outside store.c includes lmdb.h.
 *
 * Caveats, the ones that hurt:
 *  - Transactions are sticky: after an error every call on one is a no-op that answers "absent"; look at
 *    store_error once, at the end. In a write transaction an error after a put must end the process.
 *  - A value points into the map. It dies with the transaction, and in a write transaction with the next put or
 *    delete in any database: copy first.
 *  - One write transaction at a time, begun and ended by one thread (the writer). Read transactions may be many,
 *    each used by one thread at a time, and short: an open reader keeps old pages from being reused.
 *  - Keys are big-endian bytes, so that LMDB's byte order is the order of the numbers. No key is longer than 511 bytes.
 *  - After a failed commit the process must end: a retry after a failed fsync can lie.
 *  - The folder is locked (flock) from store_open to store_close; a second process gets ERR_LOCKED.
 */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

#include "proto/bytes.h"
#include "proto/limits.h"

/* Every database but STORE_ENTRIES is derived: a fold of the entries. Keys and values: state.h. */
enum store_db {
	STORE_META,		/* the head (how far cells reach is in it) and the constants of this ledger */
	STORE_ENTRIES,		/* u64 index -> the entry's bytes */
	STORE_TREE,		/* u32 tree, u8 tile level >= 1, u64 n -> hash of a full tile of the level below */
	STORE_VENUES,		/* venue id -> struct venue */
	STORE_FEEDS,		/* u16 venue number, u32 generation -> struct feed */
	STORE_PUSHES,		/* u32 feed number, u64 start -> u64 index of the push entry */
	STORE_OFFICERS,		/* officer name -> struct officer */
	STORE_ADJUSTS,		/* u16 venue number, adjust_no -> u64 index of the first refund of that number */
	STORE_TOUCHED,		/* u64 index of a trade -> struct touched: what refunds and orders did to it */
	STORE_HEADS,		/* code -> struct party: last entry and running total */
	STORE_ACCOUNTS,		/* code -> struct account: name and lists of the register */
	STORE_RELATIONS,	/* lower code, higher code -> u64 index of the effect */
	STORE_CELLS,		/* u16 settled month, code -> packed row of cells (cells.h); may lack the newest trades (unfolded.h) */
	STORE_VENUE_MONTHS,	/* u16 venue number, u16 month, u8 kind, u8 disposition -> struct venue_month */
	STORE_POLICIES,		/* policy id NUL u64 index of the order -> u32 version */
	STORE_ORDERS,		/* order id -> u64 index of the order entry */
	STORE_GRANTS,		/* SHA-256 of the token -> struct grant_row */
	STORE_OFFICER_KEYS,	/* u8 key type, key material -> name of the officer whose key it is or was */
	STORE_EVIDENCE,		/* u32 feed number, u64 feed size -> u64 index of the evidence entry */
	STORE_TRADES,		/* + venue number: one database a venue, trade_no -> u64 index of the first trade */
};
#define STORE_FIXED_COUNT STORE_TRADES
#define STORE_DB_COUNT (STORE_FIXED_COUNT + VENUES_MAX)
/* "cells", "trades.3"; for messages. `ret_name` holds 24 bytes. */
void store_db_name(unsigned db, char ret_name[static 24]);

enum store_mode {
	STORE_CREATE,		/* the folder must not hold a ledger yet */
	STORE_OPEN,
	STORE_SCRATCH,		/* a new ledger without any sync: for replays that are thrown away */
	STORE_RESUME,		/* one that is there, without any sync: for replays that go on */
};

struct store;
struct store_txn;

/*
 * ERR_LOCKED, ERR_NOT_FOUND (no ledger there, or STORE_CREATE and there is one: ERR_INVALID), ERR_DAMAGED (LMDB
 * finds the file broken or shorter than its pages say), ERR_IO. map_size is halved down to 64 GiB where the system
 * refuses it.
 */
enum err store_open(const char *folder, uint64_t map_size, enum store_mode mode, struct store **ret_store,
    struct why *why) must_check;
void store_close(struct store *store);
/* Closes a store that was being made and removes its files, so that what failed can be tried again. */
void store_discard(struct store *store);

enum err store_read(struct store *store, struct store_txn **ret_txn) must_check;
enum err store_write(struct store *store, struct store_txn **ret_txn) must_check;
/* Durable when it answers OK. Frees the transaction in any case. A transaction in error is aborted and its error returned. */
enum err store_commit(struct store_txn *txn) must_check;
void store_abort(struct store_txn *txn);	/* ends a read, drops a write; NULL-safe */
/*
 * Cells may be written later than the entries that they follow from, for a reader can add what they lack (unfolded.h):
 * the commit of this transaction shall leave those that have changed in memory. False where it can't, because some are
 * written already or memory is short: it then writes every one, those that were left before among them.
 */
bool store_leave_cells(struct store_txn *txn) must_check;
/* Are the cells still in memory that earlier commits left there? Not after a start, nor after a write was dropped. */
bool store_has_left_cells(const struct store_txn *txn);
enum err store_error(const struct store_txn *txn);
/* Puts the transaction in error, for damage found by a layer above. The first error stays. */
void store_fail(struct store_txn *txn, enum err err);

/*
 * From here on `txn` has the entries of `lender`, a transaction of another store that must end after it: a replay's own
 * entries are those that it replays, so it needs no copy of them. What is put into STORE_ENTRIES is dropped.
 */
void store_borrow_entries(struct store_txn *txn, struct store_txn *lender);
/* Rows of a database; 0 in error. Not of a write transaction with rows held back. */
uint64_t store_count(struct store_txn *txn, unsigned db);
/* What was committed without sync is on the disk after this. ERR_IO, ERR_DISK_FULL. */
enum err store_sync(struct store *store) must_check;

/* False when absent or in error. */
bool store_get(struct store_txn *txn, unsigned db, struct slice key, struct slice *ret_value);
void store_put(struct store_txn *txn, unsigned db, struct slice key, struct slice value);
/* As store_put, faster where the key lies behind all others. */
void store_append(struct store_txn *txn, unsigned db, struct slice key, struct slice value);
void store_delete(struct store_txn *txn, unsigned db, struct slice key);	/* absent is fine */
/* Makes the database of a venue's trades, in a write transaction. */
void store_create_trades(struct store_txn *txn, uint16_t venue_number);
/* Is the database there? Always true for the fixed ones. */
bool store_has_db(struct store_txn *txn, unsigned db);

/*
 * A row of a database that almost every record changes (heads, cells), found once and then read and changed: in a
 * write transaction, in the caller's storage; the key's bytes must outlive it. Others may be opened meanwhile.
 */
struct store_row {
	struct store_txn *txn;
	unsigned db;
	struct slice key;
	void *place;			/* in the overlay */
	uint64_t clear_count;		/* of the overlay when it was there */
};
void store_row_open(struct store_row *row, struct store_txn *txn, unsigned db, struct slice key);
/*
 * Says that a row will be opened soon, and a little later that its value will be read: so that the processor fetches
 * them meanwhile. For many rows at a time; changes nothing.
 */
uint32_t store_row_expect(struct store_txn *txn, unsigned db, struct slice key);
void store_row_expect_value(struct store_txn *txn, uint32_t hint);
/* False when absent. The value is valid until this row is changed, or another opened or changed. */
bool store_row_get(struct store_row *row, struct slice *ret_value);
/*
 * Makes the value `size` bytes long, of which those that were there stay, and gives the bytes to be written, before
 * anything else is done here. NULL where the row can't be kept in memory (use store_put), or in error.
 */
uint8_t *store_row_edit(struct store_row *row, size_t size);

/* As store_put, where there is no such row yet: else false, and *ret_value is what is there. Not for rows as above. */
bool store_put_new(struct store_txn *txn, unsigned db, struct slice key, struct slice value, struct slice *ret_value);

/* In the caller's storage. Key and value are valid while the transaction's values are. */
struct store_cursor {
	struct store_txn *txn;
	void *handle;
	struct slice key, value;
};
void store_cursor_open(struct store_cursor *cursor, struct store_txn *txn, unsigned db);
void store_cursor_close(struct store_cursor *cursor);
bool store_cursor_seek(struct store_cursor *cursor, struct slice key);	/* to the first key >= key */
bool store_cursor_seek_before(struct store_cursor *cursor, struct slice key);	/* to the last key <= key */
bool store_cursor_first(struct store_cursor *cursor);
bool store_cursor_last(struct store_cursor *cursor);
bool store_cursor_next(struct store_cursor *cursor);
bool store_cursor_previous(struct store_cursor *cursor);

/* In bytes. Any thread. */
struct store_usage {
	uint64_t used_size, map_size;
	uint64_t disk_free_size;	/* or up to the longest file this process may write, where that is less */
	uint64_t page_size;
};
void store_usage(struct store *store, struct store_usage *ret_usage);
/* Frees reader slots of threads that died; call now and then. */
void store_check_readers(struct store *store);
/* Reading transactions that ended and are kept for the next ones: READERS_KEPT_MAX at most. */
size_t store_readers_kept(struct store *store);

/*
 * Writes a copy of the data file as the last commit left it, while the store is in use. Any thread; a reader is open
 * meanwhile, so the file grows by what is written. Commits wait until the copy's first two pages are written: `fd` must
 * take so much at once (an empty pipe does). ERR_DISK_FULL, ERR_IO, ERR_MEMORY.
 */
enum err store_copy(struct store *store, int fd) must_check;

#endif

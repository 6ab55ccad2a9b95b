/*
 * Why the flags are what they are: LMDB's default sync is the only mode that lost nothing in simulated power cuts;
 * MDB_NOTLS lets a read transaction move between threads; MDB_WRITEMAP would turn a full disk into SIGBUS.
 *
 * Why the file is kept longer than its pages: a commit may leave its last pages unwritten (freed in the same
 * transaction), and then a file cut short by a bad copy could not be told from a healthy one. So it is extended,
 * sparsely, ahead of every write transaction, and at open a file shorter than its last page is damage.
 */
#include "daemon/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <lmdb.h>

#include "daemon/folder.h"
#include "daemon/store_internal.h"

#define MAP_SIZE_LEAST (64ULL << 30)   /* bytes: down to here a refused map size is halved */
#define FILE_SLACK ((off_t)(32 << 20)) /* bytes the file is kept longer than its last page */

struct store {
	MDB_env *env;
	int lock_fd;
	int folder_fd;
	unsigned page_size;
	uint64_t map_size;
	enum store_mode mode;
	MDB_dbi dbis[STORE_DB_COUNT];
	/* Venues are numbered from 1 in order, so one number says which trade databases exist. */
	atomic_uint trades_count;
	struct store_rows rows;
	/* Reading transactions that ended and were kept for the next ones. */
	pthread_mutex_t kept_lock;
	struct store_txn *kept;
	size_t kept_count;
};

struct store_txn {
	struct store *store;
	MDB_txn *txn;
	bool is_write;
	unsigned trades_count;
	struct store_txn *lender; /* whose entries these are, or NULL */
	enum err err;
	struct store_txn *next_kept;
};

static enum err err_of(int code)
{
	switch (code) {
	case 0: return OK;
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
	case EFBIG: return ERR_DISK_FULL;
	case ENOMEM:
	case MDB_TXN_FULL:
	case MDB_READERS_FULL: return ERR_MEMORY;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_PANIC:
	case MDB_NOTFOUND: /* only asked about things that must be there */
	case MDB_INCOMPATIBLE:
	case MDB_BAD_TXN: /* a page was not there, and what was asked for next says this alone */
	case MDB_CURSOR_FULL: return ERR_DAMAGED;
	default: return ERR_IO;
	}
}

static bool is_made(enum store_mode mode)
{
	return mode == STORE_CREATE || mode == STORE_SCRATCH;
}

/* The environment at the largest map size that the system grants. */
static int open_env(struct store *store, const char *folder, uint64_t map_size)
{
	unsigned flags = MDB_NOTLS;
	int code;

	if (store->mode == STORE_SCRATCH || store->mode == STORE_RESUME)
		flags |= MDB_NOSYNC | MDB_NOMETASYNC;
	for (;;) {
		code = mdb_env_create(&store->env);
		if (code != 0)
			return code;
		code = mdb_env_set_mapsize(store->env, (size_t)map_size);
		if (code == 0)
			code = mdb_env_set_maxdbs(store->env, STORE_DB_COUNT);
		if (code == 0)
			code = mdb_env_set_maxreaders(store->env, READERS_MAX);
		if (code == 0)
			code = mdb_env_open(store->env, folder, flags, 0600);
		if (code == 0) {
			store->map_size = map_size;
			return 0;
		}
		mdb_env_close(store->env);
		store->env = NULL;
		if (code != ENOMEM || map_size / 2 < MAP_SIZE_LEAST)
			return code;
		map_size /= 2;
	}
}

static int open_dbs(struct store *store)
{
	MDB_txn *txn;
	bool is_new = is_made(store->mode);
	int code = mdb_txn_begin(store->env, NULL, is_new ? 0 : MDB_RDONLY, &txn);

	if (code != 0)
		return code;
	for (unsigned db = 0; code == 0 && db < STORE_FIXED_COUNT; db++) {
		char name[24];

		store_db_name(db, name);
		code = mdb_dbi_open(txn, name, is_new ? MDB_CREATE : 0, &store->dbis[db]);
	}
	for (unsigned number = 1; code == 0 && !is_new && number < VENUES_MAX; number++) {
		char name[24];

		store_db_name(STORE_TRADES + number, name);
		code = mdb_dbi_open(txn, name, 0, &store->dbis[STORE_TRADES + number]);
		if (code == MDB_NOTFOUND) {
			code = 0;
			break;
		}
		atomic_store(&store->trades_count, number);
	}
	if (code != 0) {
		mdb_txn_abort(txn);
		return code;
	}
	return mdb_txn_commit(txn);
}

static off_t page_bytes(struct store *store)
{
	MDB_envinfo info;

	mdb_env_info(store->env, &info);
	return (off_t)(info.me_last_pgno + 1) * (off_t)store->page_size;
}

enum err store_open(
    const char *folder, uint64_t map_size, enum store_mode mode, struct store **ret_store, struct why *why)
{
	struct store *store = NULL;
	bool is_new = false;
	mdb_filehandle_t fd;
	MDB_stat stat;
	enum err err;
	int code;

	store = calloc(1, sizeof(*store));
	if (store == NULL)
		return ERR_MEMORY;
	store->mode = mode;
	pthread_mutex_init(&store->kept_lock, NULL);
	store->lock_fd = store->folder_fd = -1;
	store->rows.overlay = overlay_new(STORE_OVERLAY_MAX, STORE_CELLS);
	if (store->rows.overlay == NULL) {
		store_close(store);
		return ERR_MEMORY;
	}
	store->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->folder_fd < 0) {
		err = why_set(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "can't open the data folder %s: %s",
		    folder, strerror(errno));
		goto out;
	}
	err = folder_lock(folder, &store->lock_fd, why);
	if (err != OK)
		goto out;
	if (!is_made(mode) && !folder_has(folder, "data.mdb")) {
		err = why_set(why, ERR_NOT_FOUND, "there is no ledger in %s; make one with subsidyd init", folder);
		goto out;
	}
	if (is_made(mode) && folder_has(folder, "data.mdb")) {
		err = why_set(why, ERR_INVALID, "there is a ledger in %s already", folder);
		goto out;
	}
	is_new = is_made(mode);
	code = open_env(store, folder, map_size);
	if (code == 0) {
		mdb_env_stat(store->env, &stat);
		store->page_size = stat.ms_psize;
		/* Before any page is read: one beyond the end of the file is a SIGBUS. */
		mdb_env_get_fd(store->env, &fd);
		err = store_file_check(fd, page_bytes(store), folder, why);
		if (err != OK)
			goto out;
		code = open_dbs(store);
	}
	if ((code == ENOMEM || code == MDB_MAP_RESIZED) && store_file_lacks_pages(store->folder_fd))
		code = MDB_CORRUPTED;
	if (code != 0)
		err = why_set(why, err_of(code), "can't open the ledger in %s: %s", folder, mdb_strerror(code));
out:
	if (err == OK)
		*ret_store = store;
	else if (is_new)
		store_discard(store);
	else
		store_close(store);
	return err;
}

/*
 * LMDB asks for 50 kB for each transaction, zeroed: a word for each database that there may be. So one that has read is
 * kept, and renewed for the next to read, which gives it the newest snapshot. It holds a reader's slot meanwhile, but no
 * snapshot, so it keeps no page from being used again.
 */
static struct store_txn *take_kept(struct store *store)
{
	struct store_txn *txn;

	pthread_mutex_lock(&store->kept_lock);
	txn = store->kept;
	if (txn != NULL) {
		store->kept = txn->next_kept;
		store->kept_count--;
	}
	pthread_mutex_unlock(&store->kept_lock);
	return txn;
}

/* False where enough are kept. */
static bool keep(struct store *store, struct store_txn *txn)
{
	bool has_room;

	mdb_txn_reset(txn->txn);
	pthread_mutex_lock(&store->kept_lock);
	has_room = store->kept_count < READERS_KEPT_MAX;
	if (has_room) {
		txn->next_kept = store->kept;
		store->kept = txn;
		store->kept_count++;
	}
	pthread_mutex_unlock(&store->kept_lock);
	return has_room;
}

static void drop_kept(struct store *store)
{
	struct store_txn *txn;

	while ((txn = take_kept(store)) != NULL) {
		mdb_txn_abort(txn->txn);
		free(txn);
	}
	pthread_mutex_destroy(&store->kept_lock);
}

void store_discard(struct store *store)
{
	if (store == NULL)
		return;
	unlinkat(store->folder_fd, "data.mdb", 0);
	unlinkat(store->folder_fd, "lock.mdb", 0);
	store_close(store);
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	overlay_free(store->rows.overlay);
	drop_kept(store);
	if (store->env != NULL)
		mdb_env_close(store->env);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	if (store->folder_fd >= 0)
		close(store->folder_fd);
	free(store);
}

size_t store_readers_kept(struct store *store)
{
	size_t count;

	pthread_mutex_lock(&store->kept_lock);
	count = store->kept_count;
	pthread_mutex_unlock(&store->kept_lock);
	return count;
}

static enum err begin(struct store *store, bool is_write, struct store_txn **ret_txn)
{
	struct store_txn *txn = is_write ? NULL : take_kept(store);
	MDB_txn *renewed = txn != NULL ? txn->txn : NULL;
	int code;

	if (txn == NULL)
		txn = malloc(sizeof(*txn));
	if (txn == NULL)
		return ERR_MEMORY;
	/* The count before the transaction begins: what was there then is there in its snapshot. */
	*txn = (struct store_txn){
	    .store = store, .txn = renewed, .is_write = is_write, .trades_count = atomic_load(&store->trades_count)};
	code = renewed != NULL ? mdb_txn_renew(renewed)
			       : mdb_txn_begin(store->env, NULL, is_write ? 0 : MDB_RDONLY, &txn->txn);
	if (code != 0) {
		if (renewed != NULL)
			mdb_txn_abort(renewed);
		free(txn);
		return err_of(code);
	}
	if (is_write)
		store_rows_begin(&store->rows);
	*ret_txn = txn;
	return OK;
}

/* Keeps the file longer than the pages it may get, see the top. */
static enum err extend_file(struct store *store, off_t size)
{
	mdb_filehandle_t fd;

	mdb_env_get_fd(store->env, &fd);
	return store_file_extend(fd, (uint64_t)size > store->map_size ? (off_t)store->map_size : size);
}

enum err store_read(struct store *store, struct store_txn **ret_txn)
{
	return begin(store, false, ret_txn);
}

enum err store_write(struct store *store, struct store_txn **ret_txn)
{
	enum err err = extend_file(store, page_bytes(store) + FILE_SLACK);

	return err != OK ? err : begin(store, true, ret_txn);
}

static MDB_val val_of(struct slice slice)
{
	/* LMDB takes keys and values it only reads as non-const. */
	union {
		const uint8_t *in;
		void *out;
	} data = {.in = slice.data};

	return (MDB_val){.mv_size = slice.size, .mv_data = data.out};
}

enum err store_write_row(void *cookie, const struct overlay_row *row)
{
	struct store_txn *txn = cookie;
	MDB_val key = val_of(row->key), value = val_of(row->value);
	MDB_dbi dbi = txn->store->dbis[row->db];
	int code = row->is_absent ? mdb_del(txn->txn, dbi, &key, NULL) : mdb_put(txn->txn, dbi, &key, &value, 0);

	return row->is_absent && code == MDB_NOTFOUND ? OK : err_of(code);
}

enum err store_commit(struct store_txn *txn)
{
	struct store *store = txn->store;
	enum err err;
	int code;

	assert(txn->is_write);
	store_rows_finish(txn);
	err = txn->err;
	if (err != OK) {
		store_abort(txn);
		return err;
	}
	code = mdb_txn_commit(txn->txn);
	if (code == 0) {
		atomic_store(&store->trades_count, txn->trades_count);
		store_rows_committed(&store->rows);
		err = extend_file(store, page_bytes(store));
	} else {
		store_rows_dropped(&store->rows);
		err = err_of(code);
	}
	free(txn);
	return err;
}

void store_abort(struct store_txn *txn)
{
	if (txn == NULL)
		return;
	if (txn->is_write)
		store_rows_dropped(&txn->store->rows);
	else if (keep(txn->store, txn))
		return;
	mdb_txn_abort(txn->txn);
	free(txn);
}

struct store_rows *store_rows_of(const struct store_txn *txn)
{
	return &txn->store->rows;
}

bool store_is_write(const struct store_txn *txn)
{
	return txn->is_write;
}

enum err store_error(const struct store_txn *txn)
{
	return txn->err;
}

void store_fail(struct store_txn *txn, enum err err)
{
	assert(err != OK);
	if (txn->err == OK)
		txn->err = err;
}

bool store_has_db(struct store_txn *txn, unsigned db)
{
	assert(db < STORE_DB_COUNT);
	return db < STORE_FIXED_COUNT || (db > STORE_TRADES && db - STORE_TRADES <= txn->trades_count);
}

bool store_get_direct(struct store_txn *txn, unsigned db, struct slice key, struct slice *ret_value)
{
	MDB_val mdb_key = val_of(key), value;
	int code = mdb_get(txn->txn, txn->store->dbis[db], &mdb_key, &value);

	if (code == 0)
		*ret_value = slice_of(value.mv_data, value.mv_size);
	else if (code != MDB_NOTFOUND)
		store_fail(txn, err_of(code));
	return code == 0;
}

void store_borrow_entries(struct store_txn *txn, struct store_txn *lender)
{
	assert(txn->lender == NULL && lender->store != txn->store);
	txn->lender = lender;
}

static bool is_borrowed(const struct store_txn *txn, unsigned db)
{
	return txn->lender != NULL && db == STORE_ENTRIES;
}

uint64_t store_count(struct store_txn *txn, unsigned db)
{
	MDB_stat stat;
	int code = txn->err == OK ? mdb_stat(txn->txn, txn->store->dbis[db], &stat) : 0;

	assert(store_has_db(txn, db));
	if (code != 0)
		store_fail(txn, err_of(code));
	return txn->err == OK ? stat.ms_entries : 0;
}

enum err store_sync(struct store *store)
{
	return err_of(mdb_env_sync(store->env, 1));
}

bool store_get(struct store_txn *txn, unsigned db, struct slice key, struct slice *ret_value)
{
	bool is_there;

	if (txn->err != OK || !store_has_db(txn, db))
		return false;
	if (is_borrowed(txn, db)) {
		is_there = store_get(txn->lender, db, key, ret_value);
		if (txn->lender->err != OK)
			store_fail(txn, txn->lender->err);
		return is_there;
	}
	return store_is_overlaid(txn, db) ? store_rows_get(txn, db, key, ret_value)
					  : store_get_direct(txn, db, key, ret_value);
}

static int put(struct store_txn *txn, unsigned db, struct slice key, struct slice value, unsigned flags)
{
	MDB_val mdb_key = val_of(key), mdb_value = val_of(value);

	assert(txn->is_write && store_has_db(txn, db));
	return mdb_put(txn->txn, txn->store->dbis[db], &mdb_key, &mdb_value, flags);
}

void store_put(struct store_txn *txn, unsigned db, struct slice key, struct slice value)
{
	int code;

	if (txn->err != OK)
		return;
	if (store_is_overlaid(txn, db)) {
		store_rows_change(txn, db, key, &value);
		return;
	}
	code = put(txn, db, key, value, 0);
	if (code != 0)
		store_fail(txn, err_of(code));
}

bool store_put_new(struct store_txn *txn, unsigned db, struct slice key, struct slice value, struct slice *ret_value)
{
	MDB_val mdb_key = val_of(key), mdb_value = val_of(value);
	int code;

	assert(txn->is_write && store_has_db(txn, db) && !store_is_overlaid(txn, db));
	if (txn->err != OK)
		return false;
	/* Appending packs pages full, and looks at one key only; LMDB's word for "not behind the last key" is this. */
	code = mdb_put(txn->txn, txn->store->dbis[db], &mdb_key, &mdb_value, MDB_APPEND);
	if (code == MDB_KEYEXIST) {
		mdb_value = val_of(value);
		code = mdb_put(txn->txn, txn->store->dbis[db], &mdb_key, &mdb_value, MDB_NOOVERWRITE);
	}
	if (code == MDB_KEYEXIST)
		*ret_value = slice_of(mdb_value.mv_data, mdb_value.mv_size);
	else if (code != 0)
		store_fail(txn, err_of(code));
	return code == 0;
}

void store_append(struct store_txn *txn, unsigned db, struct slice key, struct slice value)
{
	int code;

	assert(!store_is_overlaid(txn, db));
	if (txn->err != OK || is_borrowed(txn, db))
		return;
	code = put(txn, db, key, value, MDB_APPEND);
	if (code == MDB_KEYEXIST) /* LMDB's word for "not behind the last key" */
		code = put(txn, db, key, value, 0);
	if (code != 0)
		store_fail(txn, err_of(code));
}

void store_delete(struct store_txn *txn, unsigned db, struct slice key)
{
	MDB_val mdb_key = val_of(key);
	int code;

	assert(txn->is_write && store_has_db(txn, db));
	if (txn->err != OK)
		return;
	if (store_is_overlaid(txn, db)) {
		store_rows_change(txn, db, key, NULL);
		return;
	}
	code = mdb_del(txn->txn, txn->store->dbis[db], &mdb_key, NULL);
	if (code != 0 && code != MDB_NOTFOUND)
		store_fail(txn, err_of(code));
}

void store_create_trades(struct store_txn *txn, uint16_t venue_number)
{
	char name[24];
	int code;

	assert(txn->is_write && venue_number > 0 && venue_number < VENUES_MAX);
	if (txn->err != OK)
		return; /* the count that gave the number may have been none */
	assert(venue_number == txn->trades_count + 1);
	store_db_name(STORE_TRADES + venue_number, name);
	code = mdb_dbi_open(txn->txn, name, MDB_CREATE, &txn->store->dbis[STORE_TRADES + venue_number]);
	if (code != 0)
		store_fail(txn, err_of(code));
	else
		txn->trades_count = venue_number;
}

void store_cursor_open(struct store_cursor *cursor, struct store_txn *txn, unsigned db)
{
	MDB_cursor *handle = NULL;
	int code;

	if (is_borrowed(txn, db))
		txn = txn->lender;
	*cursor = (struct store_cursor){.txn = txn};
	if (store_is_overlaid(txn, db))
		store_rows_write(txn);
	if (txn->err != OK || !store_has_db(txn, db))
		return;
	code = mdb_cursor_open(txn->txn, txn->store->dbis[db], &handle);
	if (code != 0)
		store_fail(txn, err_of(code));
	else
		cursor->handle = handle;
}

void store_cursor_close(struct store_cursor *cursor)
{
	if (cursor->handle != NULL)
		mdb_cursor_close(cursor->handle);
	cursor->handle = NULL;
}

static bool move(struct store_cursor *cursor, struct slice key, MDB_cursor_op op)
{
	MDB_val mdb_key = val_of(key), value = {0};
	int code;

	if (cursor->handle == NULL || cursor->txn->err != OK)
		return false;
	code = mdb_cursor_get(cursor->handle, &mdb_key, &value, op);
	if (code == 0) {
		cursor->key = slice_of(mdb_key.mv_data, mdb_key.mv_size);
		cursor->value = slice_of(value.mv_data, value.mv_size);
	} else if (code != MDB_NOTFOUND) {
		store_fail(cursor->txn, err_of(code));
	}
	return code == 0;
}

bool store_cursor_seek(struct store_cursor *cursor, struct slice key)
{
	return move(cursor, key, MDB_SET_RANGE);
}

bool store_cursor_seek_before(struct store_cursor *cursor, struct slice key)
{
	if (!move(cursor, key, MDB_SET_RANGE))
		return store_cursor_last(cursor);
	return slice_equal(cursor->key, key) || store_cursor_previous(cursor);
}

bool store_cursor_first(struct store_cursor *cursor)
{
	return move(cursor, slice_of(NULL, 0), MDB_FIRST);
}

bool store_cursor_last(struct store_cursor *cursor)
{
	return move(cursor, slice_of(NULL, 0), MDB_LAST);
}

bool store_cursor_next(struct store_cursor *cursor)
{
	return move(cursor, slice_of(NULL, 0), MDB_NEXT);
}

bool store_cursor_previous(struct store_cursor *cursor)
{
	return move(cursor, slice_of(NULL, 0), MDB_PREV);
}

void store_usage(struct store *store, struct store_usage *ret_usage)
{
	struct statvfs status;
	uint64_t file_left;

	ret_usage->used_size = (uint64_t)page_bytes(store);
	ret_usage->map_size = store->map_size;
	ret_usage->page_size = store->page_size;
	ret_usage->disk_free_size = 0;
	if (fstatvfs(store->folder_fd, &status) == 0)
		ret_usage->disk_free_size = (uint64_t)status.f_bavail * status.f_frsize;
	file_left = store_file_size_max() > ret_usage->used_size ? store_file_size_max() - ret_usage->used_size : 0;
	if (ret_usage->disk_free_size > file_left)
		ret_usage->disk_free_size = file_left;
}

void store_check_readers(struct store *store)
{
	int dead_count;

	mdb_reader_check(store->env, &dead_count);
}

enum err store_copy(struct store *store, int fd)
{
	/* Not compacted: the same pages, read in order, and nothing that a damaged tree could lead astray. */
	return err_of(mdb_env_copyfd2(store->env, fd, 0));
}

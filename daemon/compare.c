#include "daemon/compare.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/crew.h"
#include "daemon/history.h"
#include "daemon/ledger.h"

#define KEY_TEXT_SIZE 160

/* "cells: row 01b0…": a key as text where it is text, else in hex. */
static void key_text(struct slice key, char ret_text[static KEY_TEXT_SIZE])
{
	size_t size = key.size < 64 ? key.size : 64;

	if (ascii_is_visible(key) && key.size < KEY_TEXT_SIZE) {
		memcpy(ret_text, key.data, key.size);
		ret_text[key.size] = '\0';
	} else {
		hex_format(slice_of(key.data, size), ret_text);
	}
}

/* ---- the entries that are too many */

static enum err name_extra(struct slice key, uint64_t size, struct finding *finding)
{
	struct reader reader = reader_of(key);
	uint64_t index = reader_u64(&reader);
	char text[KEY_TEXT_SIZE];

	if (reader_is_done(&reader))
		return finding_set(finding, FINDING_INVALID, "entry %llu: it is there, but the ledger has %llu entries",
		    (unsigned long long)index, (unsigned long long)size);
	key_text(key, text);
	return finding_set(
	    finding, FINDING_INVALID, "database entries: row %s is there, but its key is no index", text);
}

enum err compare_entries(struct store_txn *original, uint64_t size, struct finding *finding)
{
	struct store_cursor cursor;
	enum err err = OK;
	uint64_t index = 0;

	if (store_count(original, STORE_ENTRIES) == size)
		return store_error(original);
	store_cursor_open(&cursor, original, STORE_ENTRIES);
	for (bool is_there = store_cursor_first(&cursor); is_there && err == OK;
	     is_there = store_cursor_next(&cursor)) {
		uint8_t key[STATE_U64_SIZE];

		if (index < size && slice_equal(cursor.key, state_u64(index, key)))
			index++;
		else
			err = name_extra(cursor.key, size, finding);
	}
	store_cursor_close(&cursor);
	return err == OK ? store_error(original) : err;
}

/* ---- databases, row by row */

struct databases {
	struct store *original, *replayed;
	atomic_uint next_db, count;
	struct finding *findings; /* one a database: the first of them counts */
	enum err *errs;
};

static enum err difference(unsigned db, struct slice key, const char *what, struct finding *finding)
{
	char name[24], text[KEY_TEXT_SIZE];

	store_db_name(db, name);
	key_text(key, text);
	return finding_set(finding, FINDING_STATE, "database %s: row %s %s", name, text, what);
}

static enum err compare_rows(struct store_cursor *a, struct store_cursor *b, unsigned db, struct finding *finding)
{
	bool has_a = store_cursor_first(a), has_b = store_cursor_first(b);

	while (has_a || has_b) {
		int order = !has_a ? 1 : !has_b ? -1 : slice_compare(a->key, b->key);

		if (store_error(a->txn) != OK || store_error(b->txn) != OK)
			return OK;
		if (order < 0)
			return difference(db, a->key, "is there, but no entry accounts for it", finding);
		if (order > 0)
			return difference(db, b->key, "is missing", finding);
		if (!slice_equal(a->value, b->value))
			return difference(db, a->key, "differs from what the entries give", finding);
		has_a = store_cursor_next(a);
		has_b = store_cursor_next(b);
	}
	return OK;
}

static enum err compare_db(struct store_txn *original, struct store_txn *replayed, unsigned db, struct finding *finding)
{
	struct store_cursor a, b;
	char name[24];
	enum err err;

	store_cursor_open(&a, original, db);
	store_cursor_open(&b, replayed, db);
	err = compare_rows(&a, &b, db, finding);
	store_cursor_close(&a);
	store_cursor_close(&b);
	if (store_error(original) == ERR_DAMAGED) {
		store_db_name(db, name);
		return finding_set(finding, FINDING_UNUSABLE, "database %s can't be read: its pages are damaged", name);
	}
	if (store_error(original) != OK)
		return store_error(original);
	return store_error(replayed) != OK ? store_error(replayed) : err;
}

/* Both transactions are anew for each database: an error sticks to them. */
static enum err compare_next(struct databases *databases, unsigned db)
{
	struct store_txn *original = NULL, *replayed = NULL;
	enum err err = store_read(databases->original, &original);

	if (err == OK)
		err = store_read(databases->replayed, &replayed);
	if (err == OK && (store_has_db(original, db) || store_has_db(replayed, db))) {
		databases->errs[db] = compare_db(original, replayed, db, &databases->findings[db]);
		atomic_fetch_add(&databases->count, 1);
	}
	store_abort(replayed);
	store_abort(original);
	return err;
}

static enum err compare_some(void *cookie, unsigned number)
{
	struct databases *databases = cookie;
	enum err err = OK;
	unsigned db;

	(void)number;
	while (err == OK && (db = atomic_fetch_add(&databases->next_db, 1)) < STORE_DB_COUNT)
		if (db != STORE_ENTRIES && db != STORE_TRADES) /* venues are numbered from 1 */
			err = compare_next(databases, db);
	return err;
}

enum err compare_databases(
    struct store *original, struct store *replayed, unsigned thread_count, unsigned *ret_count, struct finding *finding)
{
	struct databases databases = {.original = original,
	    .replayed = replayed,
	    .findings = calloc(STORE_DB_COUNT, sizeof(*databases.findings)),
	    .errs = calloc(STORE_DB_COUNT, sizeof(*databases.errs))};
	enum err err = databases.findings == NULL || databases.errs == NULL ? ERR_MEMORY : OK;

	if (err == OK)
		err = crew_run(thread_count, compare_some, &databases);
	for (unsigned db = 0; err == OK && db < STORE_DB_COUNT; db++) {
		err = databases.errs[db];
		if (err == ERR_DAMAGED)
			*finding = databases.findings[db];
	}
	free(databases.findings);
	free(databases.errs);
	*ret_count = databases.count;
	return err;
}

/* ---- awards */

struct awards {
	struct store *original, *replayed;
	unsigned thread_count;
	struct policy *policies;
	size_t policy_count;
	struct compare_awards parts[VERIFY_THREADS_MAX];
};

static enum err open_replayed(const struct awards *awards, struct store_txn **ret_original, struct store_txn **ret_txn)
{
	enum err err = store_read(awards->original, ret_original);

	if (err == OK)
		err = store_read(awards->replayed, ret_txn);
	if (err == OK)
		store_borrow_entries(*ret_txn, *ret_original);
	return err;
}

static enum err read_policies(struct awards *awards)
{
	char(*ids)[POLICY_ID_SIZE_MAX + 1] = calloc(POLICIES_MAX, sizeof(*ids));
	struct store_txn *original = NULL, *txn = NULL;
	enum err err = ids == NULL ? ERR_MEMORY : open_replayed(awards, &original, &txn);
	uint64_t size = err == OK ? ledger_size(txn) : 0, index;
	uint32_t version;

	if (err == OK)
		awards->policy_count = policy_ids(txn, size, ids, POLICIES_MAX);
	awards->policies = calloc(awards->policy_count + 1, sizeof(*awards->policies));
	if (err == OK && awards->policies == NULL)
		err = ERR_MEMORY;
	for (size_t i = 0; err == OK && i < awards->policy_count; i++) {
		if (!policy_find(txn, slice_text(ids[i]), size, &index, &version))
			err = ERR_DAMAGED;
		else
			err = policy_read(txn, index, &awards->policies[i]);
	}
	store_abort(txn);
	store_abort(original);
	free(ids);
	return err;
}

static enum err add_awards_of(
    const struct awards *awards, struct store_txn *txn, const struct code *code, int64_t *sum_fen)
{
	struct policy_sums *sums = malloc(sizeof(*sums));
	struct policy_result *result = malloc(sizeof(*result));
	struct history *history = NULL;
	enum err err = sums == NULL || result == NULL ? ERR_MEMORY : OK;

	if (err == OK)
		err = history_read(txn, code, ledger_size(txn), &history, NULL);
	for (size_t i = 0; err == OK && i < awards->policy_count; i++) {
		err = history_evaluate(history, &awards->policies[i], sums, result);
		if (err == OK && result->has_award && __builtin_add_overflow(*sum_fen, result->award_fen, sum_fen))
			err = ERR_OVERFLOW;
	}
	history_free(history);
	free(result);
	free(sums);
	return err;
}

/* Every so many enterprises is this thread's. */
static enum err add_some(void *cookie, unsigned number)
{
	struct awards *awards = cookie;
	struct compare_awards *part = &awards->parts[number];
	struct store_txn *original = NULL, *txn = NULL;
	struct store_cursor cursor = {0};
	enum err err = open_replayed(awards, &original, &txn);
	uint64_t place = 0;

	if (err == OK) {
		store_cursor_open(&cursor, txn, STORE_HEADS);
		for (bool is_there = store_cursor_first(&cursor); is_there && err == OK;
		     is_there = store_cursor_next(&cursor)) {
			struct code code = code_of(cursor.key);

			if (place++ % awards->thread_count != number)
				continue;
			part->enterprises++;
			if (awards->policy_count > 0)
				err = add_awards_of(awards, txn, &code, &part->award_fen);
		}
		store_cursor_close(&cursor);
		if (err == OK)
			err = store_error(txn);
	}
	store_abort(txn);
	store_abort(original);
	return err;
}

enum err compare_awards(
    struct store *original, struct store *replayed, unsigned thread_count, struct compare_awards *ret_awards)
{
	struct awards *awards = calloc(1, sizeof(*awards));
	struct compare_awards sum = {0};
	enum err err = awards == NULL ? ERR_MEMORY : OK;

	if (err != OK)
		return err;
	assert(thread_count <= VERIFY_THREADS_MAX);
	awards->original = original;
	awards->replayed = replayed;
	awards->thread_count = thread_count;
	err = read_policies(awards);
	if (err == OK)
		err = crew_run(thread_count, add_some, awards);
	sum.policies = awards->policy_count;
	for (unsigned i = 0; err == OK && i < thread_count; i++) {
		sum.enterprises += awards->parts[i].enterprises;
		if (__builtin_add_overflow(sum.award_fen, awards->parts[i].award_fen, &sum.award_fen))
			err = ERR_OVERFLOW;
	}
	free(awards->policies);
	free(awards);
	if (err == OK)
		*ret_awards = sum;
	return err;
}

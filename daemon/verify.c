#include "daemon/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/guard.h"
#include "daemon/query.h"
#include "daemon/replay.h"
#include "daemon/writer.h"

#define EXIT_DIFFERENT 6
#define EXIT_DAMAGED 9

/* ---- databases, row by row */

/* "cells: row 01b0…": a key as text where it is text, else in hex. */
static void key_text(struct slice key, char ret_text[static 160])
{
	size_t size = key.size < 64 ? key.size : 64;

	if (ascii_is_visible(key) && key.size < 160) {
		memcpy(ret_text, key.data, key.size);
		ret_text[key.size] = '\0';
	} else {
		hex_format(slice_of(key.data, size), ret_text);
	}
}

static enum err difference(unsigned db, struct slice key, const char *what, struct why *why)
{
	char name[24], text[160];

	store_db_name(db, name);
	key_text(key, text);
	return why_set(why, ERR_DAMAGED, "database %s: row %s %s", name, text, what);
}

static enum err compare_db(struct store_txn *original, struct store_txn *replayed, unsigned db, struct why *why)
{
	struct store_cursor a, b;
	bool has_a, has_b;
	enum err err = OK;

	store_cursor_open(&a, original, db);
	store_cursor_open(&b, replayed, db);
	has_a = store_cursor_first(&a);
	has_b = store_cursor_first(&b);
	while (err == OK && (has_a || has_b)) {
		int order = !has_a ? 1 : !has_b ? -1 : slice_compare(a.key, b.key);

		if (order < 0)
			err = difference(db, a.key, "is there, but no entry accounts for it", why);
		else if (order > 0)
			err = difference(db, b.key, "is missing", why);
		else if (!slice_equal(a.value, b.value))
			err = difference(db, a.key, "differs from what the entries give", why);
		has_a = store_cursor_next(&a);
		has_b = store_cursor_next(&b);
	}
	store_cursor_close(&a);
	store_cursor_close(&b);
	if (err == OK && store_error(original) != OK) {
		char name[24];

		store_db_name(db, name);
		err = why_set(why, ERR_DAMAGED, "database %s can't be read: its pages are damaged", name);
	}
	return err == OK ? store_error(replayed) : err;
}

static enum err compare_all(
    struct store_txn *original, struct store_txn *replayed, unsigned *ret_db_count, struct why *why)
{
	enum err err = OK;
	unsigned count = 0;

	for (unsigned db = 0; err == OK && db < STORE_DB_COUNT; db++) {
		if (db == STORE_TRADES) /* venues are numbered from 1 */
			continue;
		if (!store_has_db(original, db) && !store_has_db(replayed, db))
			continue;
		err = compare_db(original, replayed, db, why);
		count++;
	}
	*ret_db_count = count;
	return err;
}

/* ---- awards: what is answered from cells against what the chain gives */

static enum err compare_awards_of(struct store_txn *txn, const struct code *code, uint64_t size,
    const struct policy *policies, size_t policy_count, struct why *why)
{
	struct history *cells = NULL, *chain = NULL;
	struct policy_sums *sums = malloc(2 * sizeof(*sums));
	struct policy_result *results = malloc(2 * sizeof(*results));
	enum err err = sums == NULL || results == NULL ? ERR_MEMORY : history_read(txn, code, size, &cells, why);

	if (err == OK)
		err = history_read_chain(txn, code, size, &chain, why);
	for (size_t i = 0; err == OK && i < policy_count; i++) {
		err = history_evaluate(cells, &policies[i], &sums[0], &results[0]);
		if (err == OK)
			err = history_evaluate(chain, &policies[i], &sums[1], &results[1]);
		if (err == OK &&
		    (results[0].volume_fen != results[1].volume_fen || results[0].award_fen != results[1].award_fen ||
			results[0].supplier_fen != results[1].supplier_fen))
			err =
			    why_set(why, ERR_DAMAGED, "enterprise %s, policy %s: cells and chain give different awards",
				code->text, policies[i].id);
	}
	history_free(cells);
	history_free(chain);
	free(sums);
	free(results);
	return err;
}

static enum err read_policies(struct store_txn *txn, uint64_t size, struct policy **ret_policies, size_t *ret_count)
{
	char ids[POLICIES_MAX][POLICY_ID_SIZE_MAX + 1];
	size_t count = policy_ids(txn, size, ids, POLICIES_MAX);
	struct policy *policies = calloc(count + 1, sizeof(*policies));
	enum err err = policies == NULL ? ERR_MEMORY : OK;

	for (size_t i = 0; err == OK && i < count; i++) {
		uint64_t index;
		uint32_t version;

		if (!policy_find(txn, slice_text(ids[i]), size, &index, &version))
			err = ERR_DAMAGED;
		else
			err = policy_read(txn, index, &policies[i]);
	}
	if (err != OK) {
		free(policies);
		return err;
	}
	*ret_policies = policies;
	*ret_count = count;
	return OK;
}

static enum err compare_awards(struct store_txn *txn, uint64_t *ret_enterprises, size_t *ret_policies, struct why *why)
{
	struct store_cursor cursor;
	struct policy *policies = NULL;
	size_t policy_count = 0;
	uint64_t size = ledger_size(txn), count = 0;
	enum err err = read_policies(txn, size, &policies, &policy_count);

	store_cursor_open(&cursor, txn, STORE_HEADS);
	for (bool is_there = store_cursor_first(&cursor); is_there && err == OK;
	     is_there = store_cursor_next(&cursor)) {
		struct code code = code_of(cursor.key);

		err = compare_awards_of(txn, &code, size, policies, policy_count, why);
		count++;
	}
	store_cursor_close(&cursor);
	free(policies);
	*ret_enterprises = count;
	*ret_policies = policy_count;
	return err == OK ? store_error(txn) : err;
}

/* ---- the scratch folder */

static enum err scratch_make(char *ret_path, size_t capacity, struct why *why)
{
	const char *folder = getenv("TMPDIR");

	if (snprintf(ret_path, capacity, "%s/subsidyd-verify-XXXXXX", folder != NULL ? folder : "/tmp") >=
	    (int)capacity)
		return why_set(why, ERR_TOO_LARGE, "TMPDIR is too long");
	return mkdtemp(ret_path) != NULL
		   ? OK
		   : why_set(why, ERR_IO, "can't make a scratch folder %s; TMPDIR names another place", ret_path);
}

static void scratch_remove(const char *path)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "lock"};
	char file[512];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (snprintf(file, sizeof(file), "%s/%s", path, files[i]) < (int)sizeof(file))
			unlink(file);
	rmdir(path);
}

/* ---- the whole */

static void report_progress(void *cookie, uint64_t done, uint64_t total)
{
	(void)cookie;
	fprintf(stderr, "\r%llu of %llu entries", (unsigned long long)done, (unsigned long long)total);
}

static enum err check_guard_file(
    const struct config *config, struct store_txn *txn, uint64_t *ret_size, struct why *why)
{
	struct guard *guard = NULL;
	enum err err = guard_open(config->guard, &guard, why);

	if (err == OK)
		err = writer_check_guard(txn, guard, ret_size, why);
	if (guard != NULL)
		guard_close(guard);
	return err;
}

static enum err verify_store(struct store_txn *original, struct store *scratch, FILE *out, struct why *why)
{
	struct replay_progress progress = {.report = isatty(STDERR_FILENO) ? report_progress : NULL};
	struct replay_counts counts;
	struct store_txn *replayed = NULL;
	uint64_t enterprises;
	size_t policies;
	unsigned db_count;
	enum err err = replay_run(original, scratch, &progress, &counts, why);

	if (progress.report != NULL)
		fprintf(stderr, "\r\033[K");
	if (err != OK)
		return err;
	fprintf(out, "entries      %llu: chain, tree, times, links and salts in order\n",
	    (unsigned long long)counts.entries);
	fprintf(out, "pushes       %llu with %llu records: feed roots, venues' signatures and dispositions hold\n",
	    (unsigned long long)counts.pushes, (unsigned long long)counts.records);
	fprintf(out, "orders       %llu: officers' signatures and quorums hold, effects follow\n",
	    (unsigned long long)counts.orders);
	if (counts.evidence > 0)
		fprintf(out, "evidence     %llu: venues signed other histories than those held\n",
		    (unsigned long long)counts.evidence);
	err = store_read(scratch, &replayed);
	if (err == OK)
		err = compare_all(original, replayed, &db_count, why);
	store_abort(replayed);
	if (err != OK)
		return err;
	fprintf(out, "state        %u databases equal what the entries give\n", db_count);
	err = compare_awards(original, &enterprises, &policies, why);
	if (err == OK)
		fprintf(out, "awards       %llu enterprises under %zu policies: cells and chains agree\n",
		    (unsigned long long)enterprises, policies);
	return err;
}

/* Replays into a scratch store of its own. */
static enum err verify_scratch(
    const struct config *config, const char *scratch_path, struct store_txn *original, FILE *out, struct why *why)
{
	struct store *scratch = NULL;
	enum err err = store_open(scratch_path, config->map_size, STORE_SCRATCH, &scratch, why);

	if (err == OK)
		err = verify_store(original, scratch, out, why);
	store_close(scratch);
	return err;
}

static int finish(enum err err, const struct why *why, FILE *out)
{
	int code = err == OK ? 0 : err == ERR_DAMAGED ? EXIT_DIFFERENT : err == ERR_GUARD ? EXIT_DAMAGED : 1;

	if (err == OK)
		fprintf(out, "verified\n");
	else if (code == 1)
		fprintf(out, "NOT VERIFIED: %s%s%s\n", err_sentence(err), why->text[0] != '\0' ? ": " : "", why->text);
	else
		fprintf(out, "FAILED: %s\n", why->text[0] != '\0' ? why->text : err_sentence(err));
	return code;
}

static int verify_here(const struct config *config, const char *scratch_path, FILE *out)
{
	struct store *store = NULL;
	struct store_txn *original = NULL;
	struct why why = {{0}};
	uint64_t guarded_size;
	enum err err = store_open(config->data, config->map_size, STORE_OPEN, &store, &why);

	if (err == ERR_DAMAGED) {
		fprintf(out, "FAILED: %s\n", why.text);
		return EXIT_DAMAGED;
	}
	if (err == OK)
		err = store_read(store, &original);
	if (err == OK)
		err = verify_scratch(config, scratch_path, original, out, &why);
	if (err == OK && config->guard != NULL)
		err = check_guard_file(config, original, &guarded_size, &why);
	if (err == OK && config->guard != NULL)
		fprintf(out, "guard        the checkpoint of size %llu that was signed last is one of this ledger\n",
		    (unsigned long long)guarded_size);
	store_abort(original);
	store_close(store);
	return finish(err, &why, out);
}

/*
 * In a child: LMDB trusts the pages of its file, and broken ones can take down whoever reads them. The parent outlives
 * that, says so, and removes the scratch folder.
 */
int verify_run(const struct config *config, FILE *out)
{
	char scratch_path[384];
	struct why why = {{0}};
	int status;
	pid_t child;
	enum err err = scratch_make(scratch_path, sizeof(scratch_path), &why);

	if (err != OK)
		return finish(err, &why, out);
	fflush(out);
	child = fork();
	if (child == 0) {
		int code = verify_here(config, scratch_path, out);

		fflush(out);
		_exit(code);
	}
	if (child < 0) {
		scratch_remove(scratch_path);
		fprintf(out, "NOT VERIFIED: no process could be started\n");
		return 1;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	scratch_remove(scratch_path);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(out, "FAILED: the pages of the data file are broken: reading them ended with signal %d\n",
	    WTERMSIG(status));
	return EXIT_DAMAGED;
}

int verify_copy(const char *folder, uint64_t map_size, FILE *out)
{
	char *data = strdup(folder);
	const struct config config = {.data = data, .map_size = map_size};
	int code = data == NULL ? 1 : verify_run(&config, out);

	free(data);
	return code;
}

#include "daemon/verify.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/compare.h"
#include "daemon/guard.h"
#include "daemon/memory.h"
#include "daemon/mirror.h"
#include "daemon/replay.h"
#include "daemon/replica.h"
#include "daemon/writer.h"

#define EXIT_TROUBLE 1
#define EXIT_USAGE 2
#define ROOT_PREFIX "subsidyd-verify-"

struct audit {
	const struct verify_options *options;
	FILE *out;
	unsigned thread_count;
	struct finding finding;

	/* folders */
	char root[PATH_MAX];                               /* of this run; removed in the end */
	char entries_path[PATH_MAX], state_path[PATH_MAX]; /* in it: the entries of a copy, and the replayed state */

	/* what is looked at */
	struct mirror mirror;
	struct store *store; /* the ledger, or the loaded entries of the copy */
	struct store_txn *txn;
	struct ledger_head head;
	bool has_head;
	uint64_t size;

	/* what it is compared with */
	struct store *scratch;
	bool is_resumed;
	struct replica_mark mark; /* of the state that was gone on from */

	/* progress */
	bool is_shown;
	uint64_t start_us, start_done;
};

/* ---- progress */

static void show_progress(void *cookie, uint64_t done, uint64_t total)
{
	struct audit *audit = cookie;
	uint64_t now_us = clock_monotonic_us(), rate;

	if (audit->start_us == 0) {
		audit->start_us = now_us;
		audit->start_done = done;
	}
	fprintf(stderr, "\r%llu of %llu entries", (unsigned long long)done, (unsigned long long)total);
	if (now_us > audit->start_us && done > audit->start_done) {
		rate = (done - audit->start_done) * 1000000 / (now_us - audit->start_us) + 1;
		fprintf(stderr, ", %llu/s, %llu s left", (unsigned long long)rate,
		    (unsigned long long)((total - done) / rate));
	}
	fputs("\033[K", stderr);
}

static void clear_progress(const struct audit *audit)
{
	if (audit->is_shown)
		fputs("\r\033[K", stderr);
}

/* ---- the replay */

/* Ended by verify_here. */
static enum err begin_read(struct audit *audit)
{
	return store_read(audit->store, &audit->txn);
}

static void print_counts(const struct audit *audit, const struct replay_counts *counts)
{
	if (audit->is_resumed)
		fprintf(audit->out, "kept         %llu entries by hash and chain: those that were replayed before\n",
		    (unsigned long long)counts->held);
	fprintf(audit->out, "entries      %llu: chain, tree, times, links and salts in order\n",
	    (unsigned long long)counts->entries);
	fprintf(audit->out,
	    "pushes       %llu with %llu records: feed roots, venues' signatures and dispositions hold\n",
	    (unsigned long long)counts->pushes, (unsigned long long)counts->records);
	fprintf(audit->out, "orders       %llu: officers' signatures and quorums hold, effects follow\n",
	    (unsigned long long)counts->orders);
	if (counts->evidence > 0)
		fprintf(audit->out, "evidence     %llu: venues signed other histories than those held\n",
		    (unsigned long long)counts->evidence);
}

static enum err replay(struct audit *audit)
{
	struct replay_task task = {.original = audit->txn,
	    .store = audit->store,
	    .scratch = audit->scratch,
	    .size = audit->size,
	    .head = audit->has_head ? &audit->head : NULL,
	    .thread_count = audit->thread_count - 1,
	    .progress = {.report = audit->is_shown ? show_progress : NULL, .cookie = audit}};
	struct replay_counts counts;
	enum err err = replay_run(&task, &counts, &audit->finding);

	clear_progress(audit);
	if (err == OK)
		print_counts(audit, &counts);
	return err;
}

static enum err sum_awards(struct audit *audit)
{
	struct compare_awards awards;
	enum err err = compare_awards(audit->store, audit->scratch, audit->thread_count, &awards);

	if (err == OK)
		fprintf(audit->out, "awards       %llu enterprises under %zu policies: %lld.%02lld yuan\n",
		    (unsigned long long)awards.enterprises, awards.policies, (long long)(awards.award_fen / 100),
		    (long long)(awards.award_fen % 100));
	return err;
}

/* ---- a state to go on from */

/* The folder of the replayed state: a new store, or a copy of the kept one. */
static enum err open_scratch(struct audit *audit, const char *ledger_id)
{
	const char *from = audit->options->from_path;
	uint64_t map_size = audit->options->config != NULL ? audit->options->config->map_size : MAP_SIZE_MAX;
	struct why *why = &audit->finding.why;
	enum err err;

	if (from == NULL)
		return store_open(audit->state_path, map_size, STORE_SCRATCH, &audit->scratch, why);
	err = replica_read(from, &audit->mark, why);
	if (err == OK && ledger_id != NULL && strcmp(audit->mark.ledger_id, ledger_id) != 0)
		err = why_set(why, ERR_INVALID, "%s was kept of ledger %s, this is ledger %s; leave --from out", from,
		    audit->mark.ledger_id, ledger_id);
	if (err == OK && audit->mark.size > audit->size)
		err = finding_set(&audit->finding, FINDING_MISSING,
		    "entry %llu: it is missing: %s was kept when the ledger had %llu entries",
		    (unsigned long long)audit->size, from, (unsigned long long)audit->mark.size);
	if (err == OK)
		err = replica_copy(from, &audit->mark, audit->state_path, why);
	if (err == OK)
		err = store_open(audit->state_path, map_size, STORE_RESUME, &audit->scratch, why);
	audit->is_resumed = err == OK;
	return err;
}

static enum err read_scratch(
    const struct audit *audit, struct ledger_head *ret_head, struct ledger_identity *ret_identity)
{
	struct store_txn *txn = NULL;
	enum err err = store_read(audit->scratch, &txn);

	if (err == OK)
		err = ledger_read_head(txn, ret_head);
	if (err == OK)
		err = ledger_read_identity(txn, ret_identity);
	store_abort(txn);
	return err;
}

/* Is the store that was copied the one that its mark speaks of? */
static enum err check_resumed(struct audit *audit)
{
	struct ledger_identity identity;
	struct ledger_head head;
	struct hash root;
	enum err err;

	if (!audit->is_resumed)
		return OK;
	err = read_scratch(audit, &head, &identity);
	if (err == OK) {
		root = frontier_root(&head.frontier);
		if (head.size != audit->mark.size || !hash_equal(&root, &audit->mark.root) ||
		    strcmp(identity.ledger_id, audit->mark.ledger_id) != 0)
			err = ERR_DAMAGED;
	}
	return err != ERR_DAMAGED
		   ? err
		   : why_set(&audit->finding.why, ERR_INVALID,
			 "%s/kept.json is not of the state beside it; leave --from out", audit->options->from_path);
}

static enum err keep(struct audit *audit)
{
	const char *path = audit->options->keep_path;
	struct replica_mark mark = {.size = audit->size};
	struct ledger_identity identity;
	struct ledger_head head;
	enum err err;

	if (path == NULL)
		return OK;
	err = read_scratch(audit, &head, &identity);
	if (err == OK)
		err = store_sync(audit->scratch);
	if (err != OK)
		return err;
	store_close(audit->scratch);
	audit->scratch = NULL;
	mark.root = frontier_root(&head.frontier);
	memcpy(mark.ledger_id, identity.ledger_id, sizeof(mark.ledger_id));
	err = replica_keep(path, audit->state_path, &mark, &audit->finding.why);
	if (err == OK)
		fprintf(audit->out, "kept         the state of size %llu in %s\n", (unsigned long long)mark.size, path);
	return err;
}

/* ---- the ledger of a configuration */

/* Where the head can't be read, the entries say how many they are; that the head is broken is found with its row. */
static enum err read_size(struct audit *audit)
{
	enum err err = ledger_read_head(audit->txn, &audit->head);
	struct store_cursor cursor;
	struct reader reader;

	audit->has_head = err == OK;
	audit->size = err == OK ? audit->head.size : 0;
	if (store_error(audit->txn) == ERR_DAMAGED)
		return finding_set(
		    &audit->finding, FINDING_UNUSABLE, "database meta can't be read: its pages are damaged");
	if (err != ERR_DAMAGED)
		return err;
	store_cursor_open(&cursor, audit->txn, STORE_ENTRIES);
	for (bool is_there = store_cursor_last(&cursor); is_there && audit->size == 0;
	     is_there = store_cursor_previous(&cursor)) {
		uint64_t index;

		reader = reader_of(cursor.key);
		index = reader_u64(&reader);
		if (reader_is_done(&reader) && index < TREE_SIZE_MAX)
			audit->size = index + 1;
	}
	store_cursor_close(&cursor);
	return store_error(audit->txn);
}

/*
 * Entries that were signed and are not there are told before rows that are of no entry: those of a ledger that was cut
 * short are the rows of what was cut off. What is wrong with the guard itself is found by check_guard.
 */
static enum err check_guarded_size(struct audit *audit)
{
	struct guard *guard = NULL;
	uint64_t guarded_size = 0;
	struct slice bytes;
	enum err err;

	if (audit->options->config->guard == NULL || ledger_bytes(audit->txn, audit->size, &bytes))
		return OK;
	err = guard_open(audit->options->config->guard, &guard, NULL);
	if (err == OK)
		err = writer_read_guard(audit->txn, guard, &guarded_size, NULL);
	guard_close(guard);
	if (err != OK || guarded_size <= audit->size)
		return OK;
	return finding_set(&audit->finding, FINDING_UNUSABLE,
	    "entry %llu: it is missing: the ledger has signed a checkpoint of %llu entries: this is an older "
	    "copy",
	    (unsigned long long)audit->size, (unsigned long long)guarded_size);
}

static enum err check_guard(struct audit *audit)
{
	struct guard *guard = NULL;
	struct why why = {""};
	uint64_t guarded_size;
	enum err err = guard_open(audit->options->config->guard, &guard, &why);

	if (err == OK)
		err = writer_check_guard(audit->txn, guard, &guarded_size, &why);
	guard_close(guard);
	if (err == OK)
		fprintf(audit->out,
		    "guard        the checkpoint of size %llu that was signed last is one of this ledger\n",
		    (unsigned long long)guarded_size);
	if (err == OK || audit->finding.kind != FINDING_NONE)
		return err;
	if (err == ERR_GUARD || err == ERR_DAMAGED)
		return finding_set(&audit->finding, FINDING_UNUSABLE, "%s: %s", err_sentence(ERR_GUARD), why.text);
	audit->finding.why = why;
	return err;
}

static enum err compare_ledger(struct audit *audit)
{
	unsigned db_count;
	enum err err = compare_entries(audit->txn, audit->size, &audit->finding);

	if (err == OK)
		err = compare_databases(audit->store, audit->scratch, audit->thread_count, &db_count, &audit->finding);
	if (err == OK)
		fprintf(audit->out, "state        %u databases equal what the entries give\n", db_count);
	return err;
}

static enum err verify_ledger(struct audit *audit)
{
	const struct config *config = audit->options->config;
	struct ledger_identity identity;
	enum err err = store_open(config->data, config->map_size, STORE_OPEN, &audit->store, &audit->finding.why);
	bool has_identity;

	if (err == ERR_DAMAGED)
		audit->finding.kind = FINDING_UNUSABLE;
	if (err == OK)
		err = begin_read(audit);
	if (err == OK)
		err = read_size(audit);
	if (err != OK)
		return err;
	has_identity = ledger_read_identity(audit->txn, &identity) == OK;
	err = open_scratch(audit, has_identity ? identity.ledger_id : NULL);
	if (err == OK)
		err = check_resumed(audit);
	if (err == OK)
		err = replay(audit);
	if (err == OK)
		err = check_guarded_size(audit);
	if (err == OK)
		err = compare_ledger(audit);
	if (err == OK)
		err = sum_awards(audit);
	return err == OK && config->guard != NULL ? check_guard(audit) : err;
}

/* ---- a copy */

static void print_mirror(const struct audit *audit, uint64_t tile_count)
{
	fprintf(audit->out, "tiles        %llu files equal what the entries give\n", (unsigned long long)tile_count);
	fprintf(audit->out, "checkpoint   of size %llu of %s: signed%s, and of these entries\n",
	    (unsigned long long)audit->size, audit->mirror.origin,
	    audit->options->vkey != NULL ? " by the given key" : "");
}

/* Where a bundle could not be taken apart, its entries are not there: what is said is why. */
static enum err replay_mirror(struct audit *audit)
{
	const struct mirror *mirror = &audit->mirror;
	enum err err = replay(audit);
	unsigned long long found = UINT64_MAX;

	if (!mirror->is_broken || (err != OK && err != ERR_DAMAGED))
		return err;
	if (err == ERR_DAMAGED && sscanf(audit->finding.why.text, "entry %llu:", &found) != 1)
		return err;
	if (found < mirror->broken_index)
		return err;
	audit->finding.kind = FINDING_INVALID;
	audit->finding.why = mirror->broken;
	return ERR_DAMAGED;
}

static enum err verify_mirror(struct audit *audit, const struct key *trusted)
{
	struct finding *finding = &audit->finding;
	uint64_t tile_count;
	enum err err = mirror_open(audit->options->export_path, trusted, &audit->mirror, finding);

	if (err == OK)
		err = store_open(audit->entries_path, MAP_SIZE_MAX, STORE_SCRATCH, &audit->store, &finding->why);
	if (err == OK)
		err = mirror_load(&audit->mirror, audit->store, finding);
	if (err == OK)
		err = begin_read(audit);
	if (err != OK)
		return err;
	audit->size = audit->mirror.checkpoint.size;
	err = open_scratch(audit, audit->mirror.ledger_id);
	if (err == OK)
		err = check_resumed(audit);
	if (err == OK)
		err = replay_mirror(audit);
	if (err == OK)
		err = mirror_check(
		    &audit->mirror, audit->store, audit->scratch, audit->thread_count, &tile_count, finding);
	if (err == OK)
		print_mirror(audit, tile_count);
	return err == OK ? sum_awards(audit) : err;
}

/* ---- the whole */

static int finish(const struct audit *audit, enum err err)
{
	const struct finding *finding = &audit->finding;

	if (memory_was_short())
		err = ERR_MEMORY;
	if (err == OK) {
		fprintf(audit->out, "verified\n");
		return 0;
	}
	if (err != ERR_DAMAGED) {
		fprintf(audit->out, "NOT VERIFIED: %s%s%s\n", err_sentence(err),
		    finding->why.text[0] != '\0' ? ": " : "", finding->why.text);
		return EXIT_TROUBLE;
	}
	/* What nobody could say more of is a data file that can't be read. */
	fprintf(audit->out, "FAILED (%s): %s\n",
	    finding_name(finding->kind != FINDING_NONE ? finding->kind : FINDING_UNUSABLE),
	    finding->why.text[0] != '\0' ? finding->why.text : err_sentence(err));
	return finding->kind != FINDING_NONE ? (int)finding->kind : FINDING_UNUSABLE;
}

static int verify_here(struct audit *audit, const struct key *trusted)
{
	enum err err;

	memory_watch();
	err = audit->options->config != NULL ? verify_ledger(audit) : verify_mirror(audit, trusted);
	if (err == OK)
		err = keep(audit);
	store_abort(audit->txn);
	store_close(audit->scratch);
	store_close(audit->store);
	return finish(audit, err);
}

/* Beside what is kept, for it is moved there; else where TMPDIR says. */
static enum err make_root(struct audit *audit)
{
	const char *folder = audit->options->keep_path;

	if (folder == NULL)
		folder = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	if (snprintf(audit->root, sizeof(audit->root), "%s/" ROOT_PREFIX "XXXXXX", folder) >=
	    (int)sizeof(audit->root) - 16)
		return why_set(&audit->finding.why, ERR_TOO_LARGE, "the path of the scratch folder is too long");
	if (mkdtemp(audit->root) == NULL)
		return why_set(&audit->finding.why, ERR_IO, "can't make a scratch folder %s%s", audit->root,
		    audit->options->keep_path == NULL ? "; TMPDIR names another place" : "");
	if (snprintf(audit->entries_path, PATH_MAX, "%s/entries", audit->root) >= PATH_MAX ||
	    snprintf(audit->state_path, PATH_MAX, "%s/state", audit->root) >= PATH_MAX ||
	    mkdir(audit->entries_path, 0700) != 0 || mkdir(audit->state_path, 0700) != 0)
		return why_set(&audit->finding.why, ERR_IO, "can't make a folder in %s", audit->root);
	return OK;
}

static void remove_root(const char *root)
{
	static const char *const stores[] = {"entries", "state"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++)
		if (snprintf(path, sizeof(path), "%s/%s", root, stores[i]) < (int)sizeof(path))
			replica_remove_store(path);
	rmdir(root);
}

/* What runs that were killed left in the kept folder. It is locked, so nobody is at work in them. */
static void remove_roots_left(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *item;
	char path[PATH_MAX];

	while (dir != NULL && (item = readdir(dir)) != NULL)
		if (strncmp(item->d_name, ROOT_PREFIX, strlen(ROOT_PREFIX)) == 0 &&
		    snprintf(path, sizeof(path), "%s/%s", folder, item->d_name) < (int)sizeof(path))
			remove_root(path);
	if (dir != NULL)
		closedir(dir);
}

/* Whoever stops the parent stops the child; then the scratch folder is removed, and the parent ends of the same signal. */
static const int stop_signals[] = {SIGINT, SIGTERM};
#define STOP_SIGNAL_COUNT (sizeof(stop_signals) / sizeof(stop_signals[0]))
static volatile sig_atomic_t stop_signal, stopped_child;

static void on_stop(int signal)
{
	stop_signal = signal;
	if (stopped_child > 0)
		kill(stopped_child, SIGKILL);
}

static void catch_stops(struct sigaction ret_before[static STOP_SIGNAL_COUNT])
{
	const struct sigaction action = {.sa_handler = on_stop};

	stop_signal = stopped_child = 0;
	for (size_t i = 0; i < STOP_SIGNAL_COUNT; i++) {
		sigaction(stop_signals[i], NULL, &ret_before[i]);
		if (ret_before[i].sa_handler != SIG_IGN)
			sigaction(stop_signals[i], &action, NULL);
	}
}

static void leave_stops(const struct sigaction before[static STOP_SIGNAL_COUNT])
{
	for (size_t i = 0; i < STOP_SIGNAL_COUNT; i++)
		sigaction(stop_signals[i], &before[i], NULL);
}

/* The exit code for a child that ended of a signal: what reading broken pages can bring about is told from a stop. */
static int say_signal(const struct audit *audit, int signal)
{
	if (signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGFPE || signal == SIGILL) {
		fprintf(audit->out,
		    "FAILED (%s): the pages of the data file are broken: reading them ended with signal %d\n",
		    finding_name(FINDING_UNUSABLE), signal);
		return FINDING_UNUSABLE;
	}
	fprintf(audit->out, "NOT VERIFIED: it was ended with signal %d\n", signal);
	return EXIT_TROUBLE;
}

/*
 * In a child: LMDB trusts the pages of its file, and broken ones can take down whoever reads them. The parent outlives
 * that, says so, and removes the scratch folder.
 */
static int run_child(
    struct audit *audit, const struct key *trusted, const struct sigaction before[static STOP_SIGNAL_COUNT])
{
	pid_t parent = getpid(), child;
	int status;

	fflush(audit->out);
	child = fork();
	if (child == 0) {
		int code;

		leave_stops(before);
		/* Without its parent nobody waits for it, and it would go on holding the locks. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_TROUBLE);
		code = verify_here(audit, trusted);

		fflush(audit->out);
		_exit(code);
	}
	if (child < 0) {
		fprintf(audit->out, "NOT VERIFIED: no process could be started\n");
		return EXIT_TROUBLE;
	}
	stopped_child = child;
	if (stop_signal != 0) /* before it was known whom to stop */
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	stopped_child = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : say_signal(audit, WTERMSIG(status));
}

/* Both folders are locked before anything is made in them; they may be the same. */
static enum err lock_kept(const struct audit *audit, int ret_fds[static 2], struct why *why)
{
	const char *keep_path = audit->options->keep_path, *from_path = audit->options->from_path;
	enum err err = OK;

	if (keep_path != NULL)
		err = replica_lock(keep_path, true, &ret_fds[0], why);
	if (err == OK && from_path != NULL && (keep_path == NULL || strcmp(keep_path, from_path) != 0))
		err = replica_lock(from_path, false, &ret_fds[1], why);
	return err;
}

static unsigned cores(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 1 ? 1 : count > VERIFY_THREADS_MAX ? VERIFY_THREADS_MAX : (unsigned)count;
}

int verify_run(const struct verify_options *options, FILE *out)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	struct sigaction before[STOP_SIGNAL_COUNT];
	int fds[2] = {-1, -1}, code;
	struct key trusted;
	enum err err;

	if (audit == NULL) {
		fprintf(out, "NOT VERIFIED: %s\n", err_sentence(ERR_MEMORY));
		return EXIT_TROUBLE;
	}
	if (options->vkey != NULL && key_parse(slice_text(options->vkey), &trusted) != OK) {
		fprintf(out, "NOT VERIFIED: --vkey is no public key of the form NAME+ID+KEY\n");
		free(audit);
		return EXIT_USAGE;
	}
	audit->options = options;
	audit->out = out;
	audit->thread_count = options->thread_count > 0 ? options->thread_count : cores();
	audit->is_shown = isatty(STDERR_FILENO);
	catch_stops(before);
	err = lock_kept(audit, fds, &audit->finding.why);
	if (err == OK && options->keep_path != NULL)
		remove_roots_left(options->keep_path);
	if (err == OK)
		err = make_root(audit);
	code = err == OK ? run_child(audit, options->vkey != NULL ? &trusted : NULL, before) : finish(audit, err);
	if (audit->root[0] != '\0')
		remove_root(audit->root);
	for (size_t i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(audit);
	leave_stops(before);
	if (stop_signal != 0) {
		fflush(out);
		raise(stop_signal);
	}
	return code;
}

int verify_copy(const char *folder, uint64_t map_size, FILE *out)
{
	char *data = strdup(folder);
	const struct config config = {.data = data, .map_size = map_size};
	const struct verify_options options = {.config = &config};
	int code = data == NULL ? EXIT_TROUBLE : verify_run(&options, out);

	free(data);
	return code;
}

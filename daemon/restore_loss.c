/*
 * A log may never sign two histories. So what is left of a ledger that lost entries it had signed goes on under another
 * origin and another key: entry 0 is a new genesis that names the old ledger and carries its genesis, all other entries
 * are the old ones. The backup's copy gets the new entry 0, and a replay of it, which judges old entries by the old genesis
 * and checks that the officers in office agree, gives the new ledger's data file.
 */
#include "daemon/restore_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/folder.h"
#include "daemon/head.h"
#include "daemon/init.h"
#include "daemon/replay.h"
#include "daemon/verify.h"

#define NEW_PARTIAL "continue.partial" /* a folder in the data folder */

/* ---- the copy, and what it lacks */

static enum err read_copy(struct restore *restore)
{
	const struct config *config = restore->config;
	enum err err = restore_read_note(restore);

	if (err == OK)
		err = restore_copy(restore);
	if (err == OK)
		err = snapshot_read(restore->partial, config->map_size, NULL, &restore->snapshot, restore->why);
	if (err == OK)
		err = snapshot_check_note(&restore->snapshot, buf_slice(&restore->note), restore->why);
	if (err == OK && restore->snapshot.genesis_size == 0)
		err = why_set(restore->why, ERR_TOO_LARGE,
		    "the ledger's genesis entry is longer than the %d bytes that another genesis can carry",
		    CONTINUED_ENTRY_SIZE_MAX);
	return err;
}

/* The note if it is a checkpoint of this ledger, and of more entries than those known so far. */
static enum err take_newer(
    const struct snapshot *snapshot, struct slice bytes, struct continued *continued, struct why *why)
{
	struct checkpoint checkpoint;
	struct note note;
	enum err err = note_parse(bytes, &note, why);

	if (err == OK)
		err = log_keys_read_checkpoint(&snapshot->keys, &note, &checkpoint, why);
	if (err != OK)
		return err == ERR_MEMORY
			   ? err
			   : why_set(why, err, "no checkpoint of ledger %s, by the keys that the backup knows",
				 snapshot->identity.origin);
	if (checkpoint.size <= continued->checkpoint.size)
		return OK;
	continued->checkpoint = checkpoint;
	memcpy(continued->note, bytes.data, bytes.size);
	continued->note_size = bytes.size;
	return OK;
}

/*
 * What the guard has seen signed. Where the ledger's key was changed after the backup, only the next key may have signed
 * that, which nothing here bears out: then somebody must say what the earlier one has signed last.
 */
static enum err read_guarded(struct restore *restore, struct continued *continued)
{
	const char *guard = restore->config->guard;
	struct why cause = {.text = ""};
	enum err err;

	if (access(guard, F_OK) != 0)
		return OK;
	err = restore_open_guard(restore);
	if (err != OK)
		return err;
	err = take_newer(&restore->snapshot, guard_newest(restore->guard), continued, &cause);
	if (err != ERR_UNKNOWN_KEY)
		return err == OK ? OK : why_set_cause(restore->why, err, &cause, "%s: ", guard);
	if (restore->options->last_known_file != NULL)
		return OK;
	return why_set(restore->why, err,
	    "%s: no key that the backup knows has signed the checkpoint of %llu entries: the ledger's key was changed "
	    "later. Give the newest one that the earlier key has signed, too: --last-known FILE",
	    guard, (unsigned long long)restore->guarded.size);
}

static enum err read_known(struct restore *restore, struct continued *continued)
{
	const char *path = restore->options->last_known_file;
	struct why cause = {.text = ""};
	struct buf note;
	enum err err = read_guarded(restore, continued);

	if (err != OK)
		return err;
	if (path == NULL)
		return OK;
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	/* A slash more does no harm. */
	err = folder_read(path[0] == '/' ? "" : ".", path, &note, &cause);
	if (err == OK)
		err = take_newer(&restore->snapshot, buf_slice(&note), continued, &cause);
	if (err != OK)
		why_set_cause(restore->why, err, &cause, "%s: ", path);
	buf_done(&note);
	return err;
}

static enum err print_continued(struct restore *restore, const struct continued *continued)
{
	struct buf json;
	enum err err;

	buf_init(&json, NOTE_TEXT_SIZE_MAX);
	continued_format(continued, &json);
	err = json.err;
	if (err == OK) {
		fprintf(restore->out, "%s\n", buf_text(&json));
		if (fflush(restore->out) != 0)
			err = folder_error(restore->why, "the description", "write");
	}
	if (err == OK)
		fprintf(stderr, "lost: entries %llu to %llu of %s, by the last checkpoint that is known\n",
		    (unsigned long long)continued->size, (unsigned long long)continued->checkpoint.size - 1,
		    continued->origin);
	buf_done(&json);
	return err;
}

static enum err describe(struct restore *restore)
{
	struct continued *continued = calloc(1, sizeof(*continued));
	const struct snapshot *snapshot = &restore->snapshot;
	enum err err = continued == NULL ? ERR_MEMORY : read_copy(restore);

	if (err == OK)
		err = read_known(restore, continued);
	if (err == OK && continued->note_size == 0)
		err = why_set(restore->why, ERR_GUARD,
		    "no checkpoint is known that says how much the ledger had signed: its guard file is missing. The "
		    "newest one that a venue or an auditor holds will do: --last-known FILE");
	if (err == OK && continued->checkpoint.size <= snapshot->size)
		err = why_set(restore->why, ERR_INVALID,
		    "the backup holds %llu entries, and no more are known to be signed (%llu): nothing is lost; "
		    "restore it without --accept-loss",
		    (unsigned long long)snapshot->size, (unsigned long long)continued->checkpoint.size);
	if (err == OK) {
		memcpy(continued->origin, snapshot->identity.origin, sizeof(continued->origin));
		memcpy(continued->ledger_id, snapshot->identity.ledger_id, sizeof(continued->ledger_id));
		continued->size = snapshot->size;
		continued->root = snapshot->root;
		continued->entry_size = snapshot->genesis_size;
		memcpy(continued->entry, snapshot->genesis, snapshot->genesis_size);
		err = print_continued(restore, continued);
	}
	free(continued);
	return err;
}

/* ---- the new ledger */

static enum err check_place(struct restore *restore, const struct genesis *genesis)
{
	const struct config *config = restore->config;

	if (genesis->continued.size == 0)
		return why_set(restore->why, ERR_INVALID,
		    "this genesis continues no ledger; --describe writes what its draft needs for that");
	if (access(config->guard, F_OK) == 0)
		return why_set(restore->why, ERR_GUARD,
		    "there is a guard file already, %s: it belongs to a ledger that was made before. A new ledger gets "
		    "a new one; keep the old one",
		    config->guard);
	if (folder_has(config->data, SNAPSHOT_DATA))
		return why_set(restore->why, ERR_INVALID,
		    "there is a data file in %s; a new ledger begins in a folder without one. Move it away",
		    config->data);
	return OK;
}

static enum err compare_copy(struct restore *restore, const struct continued *continued)
{
	const struct snapshot *snapshot = &restore->snapshot;

	if (strcmp(continued->origin, snapshot->identity.origin) != 0 ||
	    strcmp(continued->ledger_id, snapshot->identity.ledger_id) != 0)
		return why_set(restore->why, ERR_INVALID,
		    "the genesis continues ledger %s of %s; the backup is of ledger %s of %s", continued->ledger_id,
		    continued->origin, snapshot->identity.ledger_id, snapshot->identity.origin);
	if (continued->size != snapshot->size || !hash_equal(&continued->root, &snapshot->root))
		return why_set(restore->why, ERR_INVALID,
		    "the genesis continues the ledger from entry %llu on, the backup holds %llu",
		    (unsigned long long)continued->size, (unsigned long long)snapshot->size);
	return OK;
}

/* The new entry 0: at the time of the old one, so that times rise from entry to entry. */
static enum err make_entry(const struct genesis_file *file, struct buf *ret_entry)
{
	const struct continued *continued = &file->genesis->continued;
	struct entry old, entry = {.kind = ENTRY_GENESIS};
	struct arena arena;
	enum err err;

	arena_init(&arena, 4 * ENTRY_SIZE_MAX);
	err = entry_decode(slice_of(continued->entry, continued->entry_size), &arena, &old);
	if (err == OK) {
		entry.time_us = old.time_us;
		key_random(entry.salt, sizeof(entry.salt));
		entry.genesis.note = buf_slice(&file->note);
		err = entry_encode(&entry, ret_entry);
	}
	arena_done(&arena);
	return err;
}

/* What the child is told. */
struct making {
	const char *copy, *made; /* folders: of the copy, and of the new ledger */
	uint64_t map_size;
	struct slice entry;
};

static enum err replace_first(struct store *store, struct slice entry)
{
	static const uint8_t first[8];
	struct store_txn *txn;
	enum err err = store_write(store, &txn);

	if (err != OK)
		return err;
	store_put(txn, STORE_ENTRIES, slice_of(first, sizeof(first)), entry);
	return store_commit(txn);
}

static enum err make_in_child(void *facts, struct why *why)
{
	struct making *making = facts;
	struct store *copy = NULL, *made = NULL;
	struct replay_task task = {.takes_entries = true};
	struct finding finding = {.kind = FINDING_NONE};
	struct replay_counts counts;
	enum err err = store_open(making->copy, making->map_size, STORE_OPEN, &copy, why);

	if (err == OK)
		err = replace_first(copy, making->entry);
	if (err == OK)
		err = store_read(copy, &task.original);
	if (err == OK)
		err = store_open(making->made, making->map_size, STORE_CREATE, &made, why);
	if (err == OK) {
		task.scratch = made;
		task.size = ledger_size(task.original);
		err = replay_run(&task, &counts, &finding);
		*why = finding.why;
	}
	store_abort(task.original);
	store_close(copy);
	store_close(made);
	return err;
}

static enum err make_ledger(struct restore *restore, const char *made, struct slice entry, struct snapshot *ret_made)
{
	struct making making = {
	    .copy = restore->partial, .made = made, .map_size = restore->config->map_size, .entry = entry};
	enum err err;

	snapshot_remove(made);
	if (mkdir(made, 0700) != 0)
		return folder_error(restore->why, made, "make the folder");
	err = child_run(make_in_child, &making, sizeof(making), restore->why);
	return err != OK ? err : snapshot_read(made, restore->config->map_size, NULL, ret_made, restore->why);
}

static enum err sign(const struct snapshot *made, const struct genesis_file *file, struct guard **ret_guard,
    const char *path, struct why *why)
{
	struct signer *const signers[] = {file->signer};
	struct head *head = calloc(1, sizeof(*head));
	enum err err = head == NULL ? ERR_MEMORY : OK;

	if (err == OK) {
		head->size = made->size;
		head->root = made->root;
		err = head_sign(head, made->identity.origin, signers, 1);
	}
	if (err == OK)
		err = guard_create(path, head_note(head), ret_guard, why);
	free(head);
	return err;
}

static enum err give_file(const struct restore *restore, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	enum err err;

	if (fd < 0)
		return folder_error(restore->why, path, "open");
	err = restore_give_to_owner(restore, fd, path);
	close(fd);
	return err;
}

/*
 * First the data file, then the guard: nothing is signed before the guard, so what a crash leaves between the two is a
 * data file without one, which nobody serves.
 */
static enum err put_in_place(
    struct restore *restore, const char *made, const struct snapshot *snapshot, const struct genesis_file *file)
{
	char from[PATH_MAX], to[PATH_MAX];
	struct guard *guard = NULL;
	enum err err = folder_path(made, SNAPSHOT_DATA, from, restore->why);

	if (err == OK)
		err = folder_path(restore->config->data, SNAPSHOT_DATA, to, restore->why);
	if (err == OK)
		err = give_file(restore, from);
	if (err == OK)
		err = folder_rename(from, to, restore->why);
	if (err != OK)
		return err;
	err = sign(snapshot, file, &guard, restore->config->guard, restore->why);
	if (err == OK)
		err = give_file(restore, restore->config->guard);
	else
		unlink(to);
	guard_close(guard);
	return err;
}

static enum err take_over(struct restore *restore, const struct genesis_file *file)
{
	const struct continued *continued = &file->genesis->continued;
	struct snapshot *made = calloc(1, sizeof(*made));
	char folder[PATH_MAX] = "";
	struct buf entry;
	int code = 0;
	enum err err = made == NULL ? ERR_MEMORY : read_copy(restore);

	buf_init(&entry, ENTRY_SIZE_MAX);
	if (err == OK)
		err = compare_copy(restore, continued);
	if (err == OK && !restore->options->skips_replay)
		code = verify_copy(restore->partial, restore->config->map_size, restore->out);
	if (code != 0)
		err = why_set(restore->why, code == 1 ? ERR_IO : ERR_DAMAGED, "the backup does not verify");
	if (err == OK)
		err = make_entry(file, &entry);
	if (err == OK)
		err = folder_path(restore->config->data, NEW_PARTIAL, folder, restore->why);
	if (err == OK)
		err = make_ledger(restore, folder, buf_slice(&entry), made);
	if (err == OK)
		err = put_in_place(restore, folder, made, file);
	if (err == OK)
		fprintf(restore->out,
		    "%s: ledger %s of %s takes over the %llu entries of %s; entries %llu to %llu of that one are "
		    "lost\n",
		    restore->config->data, made->identity.ledger_id, made->identity.origin,
		    (unsigned long long)made->size, continued->origin, (unsigned long long)continued->size,
		    (unsigned long long)continued->checkpoint.size - 1);
	if (folder[0] != '\0')
		snapshot_remove(folder);
	buf_done(&entry);
	free(made);
	return err;
}

enum err restore_with_loss(struct restore *restore)
{
	struct genesis_file file;
	enum err err;

	if (restore->options->describes)
		return describe(restore);
	err = genesis_load(restore->config, restore->options->genesis_file, &file, restore->why);
	if (err == OK)
		err = check_place(restore, file.genesis);
	if (err == OK)
		err = take_over(restore, &file);
	genesis_done(&file);
	return err;
}

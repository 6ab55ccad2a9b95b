#include "daemon/restore_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/folder.h"
#include "daemon/verify.h"

#define PARTIAL "restore.partial"
#define BLOCK_SIZE (1u << 20)

/* ---- the guard */

/* Size and root; whose they are is checked with the copy's own keys. */
enum err restore_open_guard(struct restore *restore)
{
	struct note note;
	enum err err = OK;

	if (restore->guard == NULL)
		err = guard_open(restore->config->guard, &restore->guard, restore->why);
	if (err == OK)
		err = note_parse(guard_newest(restore->guard), &note, restore->why);
	return err != OK ? err : checkpoint_parse(note.text, &restore->guarded, restore->why);
}

static enum err refuse_older(struct restore *restore, uint64_t size)
{
	unsigned long long lost = restore->guarded.size, held = size;

	return why_set(restore->why, ERR_GUARD,
	    "the backup holds %llu entries, but the ledger has signed a checkpoint of %llu: entries %llu to %llu would "
	    "be lost, and going on from here would sign a second history. Restore a newer backup, or let a new ledger "
	    "take over what is left: --accept-loss",
	    held, lost, held, lost - 1);
}

/* Before anything is copied, as far as the backup's own word goes. */
enum err restore_read_note(struct restore *restore)
{
	struct checkpoint checkpoint;
	struct note note;
	enum err err = folder_read(restore->options->folder, SNAPSHOT_CHECKPOINT, &restore->note, restore->why);

	if (err == OK)
		err = note_parse(buf_slice(&restore->note), &note, restore->why);
	if (err == OK)
		err = checkpoint_parse(note.text, &checkpoint, restore->why);
	if (err == OK && restore->guard != NULL && checkpoint.size < restore->guarded.size)
		err = refuse_older(restore, checkpoint.size);
	return err;
}

/* ---- what is there already */

/* OK where a data file is there and must not stay: it is damaged, or not the guard's. */
static enum err check_present(struct restore *restore)
{
	const struct config *config = restore->config;
	const struct verify_options verify = {.config = config};
	struct snapshot present;
	struct why why = {.text = ""};
	enum err err = OK;
	int code;

	if (restore->options->skips_replay) {
		err = restore_open_guard(restore);
		if (err != OK)
			return err;
		err = snapshot_read(config->data, config->map_size, restore->guard, &present, &why);
	} else {
		fprintf(restore->out, "%s: there is a data file; is it whole?\n", config->data);
		/* Which opens the guard, too: it must not be held here. */
		code = verify_run(&verify, restore->out);
		err = code == 0 ? OK : code == 1 ? ERR_IO : ERR_DAMAGED;
	}
	if (err == OK)
		return why_set(restore->why, ERR_INVALID,
		    "the ledger in %s is whole and matches its guard: there is nothing to restore", config->data);
	if (err == ERR_DAMAGED || err == ERR_GUARD)
		return OK;
	return why_set_cause(
	    restore->why, err, &why, "the data file in %s could not be looked at; nothing was changed: ", config->data);
}

/* ---- the copy */

static enum err copy_bytes(struct restore *restore, int from, int to)
{
	uint8_t *block = malloc(BLOCK_SIZE);
	ssize_t size = 0, done = 0;
	enum err err = block == NULL ? ERR_MEMORY : OK;

	while (err == OK && (size = read(from, block, BLOCK_SIZE)) > 0)
		for (ssize_t at = 0; err == OK && at < size; at += done) {
			done = write(to, block + at, (size_t)(size - at));
			if (done < 0)
				err = folder_error(restore->why, restore->partial, "write the copy");
		}
	if (err == OK && size < 0)
		err = folder_error(restore->why, restore->options->folder, "read the backup");
	free(block);
	return err;
}

/* Where root restores: the daemon's own user must be able to open what it made. */
enum err restore_give_to_owner(const struct restore *restore, int fd, const char *path)
{
	if (geteuid() != 0 || fchown(fd, restore->owner.st_uid, restore->owner.st_gid) == 0)
		return OK;
	return folder_error(restore->why, path, "give it to the owner of the data folder");
}

enum err restore_copy(struct restore *restore)
{
	char from_path[PATH_MAX], to_path[PATH_MAX];
	int from = -1, to = -1;
	enum err err = folder_path(restore->options->folder, SNAPSHOT_DATA, from_path, restore->why);

	if (err == OK)
		err = folder_path(restore->partial, SNAPSHOT_DATA, to_path, restore->why);
	if (err != OK)
		return err;
	from = open(from_path, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return folder_error(restore->why, from_path, "open");
	snapshot_remove(restore->partial);
	if (mkdir(restore->partial, 0700) != 0)
		err = folder_error(restore->why, restore->partial, "make the folder");
	if (err == OK) {
		to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		err = to < 0 ? folder_error(restore->why, to_path, "create")
			     : restore_give_to_owner(restore, to, to_path);
	}
	if (err == OK)
		err = copy_bytes(restore, from, to);
	if (err == OK && fsync(to) != 0)
		err = folder_error(restore->why, to_path, "sync");
	if (to >= 0)
		close(to);
	close(from);
	return err;
}

static enum err verify_partial(struct restore *restore)
{
	const struct config *config = restore->config;
	int code;
	enum err err =
	    snapshot_read(restore->partial, config->map_size, restore->guard, &restore->snapshot, restore->why);

	if (err == ERR_GUARD && restore->snapshot.size < restore->guarded.size)
		err = refuse_older(restore, restore->snapshot.size);
	if (err == OK)
		err = snapshot_check_note(&restore->snapshot, buf_slice(&restore->note), restore->why);
	if (err != OK || restore->options->skips_replay)
		return err;
	code = verify_copy(restore->partial, config->map_size, restore->out);
	snapshot_remove_locks(restore->partial);
	if (code == 0)
		return OK;
	return why_set(
	    restore->why, code == 1 ? ERR_IO : ERR_DAMAGED, "the backup does not verify; nothing was put in its place");
}

/* ---- into place */

static enum err move_aside(struct restore *restore)
{
	char from[PATH_MAX], to[PATH_MAX], name[64];
	time_t now = time(NULL);
	struct tm parts;
	enum err err = folder_path(restore->config->data, SNAPSHOT_DATA, from, restore->why);

	if (err != OK || access(from, F_OK) != 0)
		return err;
	gmtime_r(&now, &parts);
	strftime(name, sizeof(name), SNAPSHOT_DATA ".aside-%Y%m%dT%H%M%SZ", &parts);
	err = folder_path(restore->config->data, name, to, restore->why);
	if (err == OK)
		err = folder_rename(from, to, restore->why);
	if (err == OK)
		fprintf(restore->out, "the data file that was there is now %s\n", to);
	return err;
}

static enum err put_in_place(struct restore *restore)
{
	char from[PATH_MAX], to[PATH_MAX];
	enum err err = folder_path(restore->partial, SNAPSHOT_DATA, from, restore->why);

	if (err == OK)
		err = folder_path(restore->config->data, SNAPSHOT_DATA, to, restore->why);
	if (err == OK)
		err = move_aside(restore);
	if (err == OK)
		err = folder_rename(from, to, restore->why);
	return err;
}

/* LMDB's table of readers is made anew at the next start; this one may be root's. The folder's lock is held. */
static void forget_readers(const struct restore *restore)
{
	char path[PATH_MAX];

	if (folder_path(restore->config->data, "lock.mdb", path, NULL) == OK)
		unlink(path);
}

/* ---- the whole */

enum err restore_open_folder(struct restore *restore)
{
	const char *data = restore->config->data;
	enum err err = folder_path(data, PARTIAL, restore->partial, restore->why);

	if (err != OK)
		return err;
	if (mkdir(data, 0700) != 0 && errno != EEXIST)
		return folder_error(restore->why, data, "make the data folder");
	if (stat(data, &restore->owner) != 0)
		return folder_error(restore->why, data, "look at the data folder");
	if (folder_has(data, SNAPSHOT_DATA) && !restore->options->accepts_loss)
		err = check_present(restore);
	if (err == OK)
		err = folder_lock(data, &restore->lock_fd, restore->why);
	return err != OK ? err : restore_give_to_owner(restore, restore->lock_fd, data);
}

static enum err run(struct restore *restore)
{
	enum err err = restore_open_folder(restore);

	if (err == OK && restore->options->accepts_loss)
		return restore_with_loss(restore);
	if (err == OK)
		err = restore_open_guard(restore);
	if (err == OK)
		err = restore_read_note(restore);
	if (err == OK)
		err = restore_copy(restore);
	if (err == OK)
		err = verify_partial(restore);
	if (err == OK)
		err = put_in_place(restore);
	if (err == OK)
		fprintf(restore->out,
		    "%s: restored %llu entries of %s; the checkpoint of size %llu that was signed last is one of "
		    "them\n",
		    restore->config->data, (unsigned long long)restore->snapshot.size,
		    restore->snapshot.identity.origin, (unsigned long long)restore->guarded.size);
	return err;
}

enum err restore_run(const struct config *config, const struct restore_options *options, FILE *out, struct why *why)
{
	struct restore *restore = calloc(1, sizeof(*restore));
	enum err err;

	if (restore == NULL)
		return ERR_MEMORY;
	restore->config = config;
	restore->options = options;
	restore->out = out;
	restore->why = why;
	restore->lock_fd = -1;
	buf_init(&restore->note, CHECKPOINT_SIZE_MAX);
	err = run(restore);
	if (restore->lock_fd >= 0) {
		snapshot_remove(restore->partial);
		forget_readers(restore);
	}
	guard_close(restore->guard);
	if (restore->lock_fd >= 0)
		close(restore->lock_fd);
	buf_done(&restore->note);
	free(restore);
	return err;
}

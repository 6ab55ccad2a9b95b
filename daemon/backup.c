#include "daemon/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/folder.h"
#include "daemon/log_signers.h"
#include "daemon/snapshot.h"
#include "daemon/verify.h"
#include "daemon/writer.h"

#define SIGNED_TRIES_MAX 300 /* of asking for the checkpoint of a commit that is not signed yet … */
#define SIGNED_WAIT_MS 100   /* … and the pause between two */

/* A backup being made. */
struct backup {
	const struct config *config;
	char folder[PATH_MAX], partial[PATH_MAX];
	int folder_fd;  /* of the partial folder: held by flock, so that two do not make the same one */
	int data_fd;    /* of the copy */
	int control_fd; /* -1: no daemon */
	uint64_t data_size;
	struct snapshot snapshot;
	struct buf note;
	struct why *why;
};

/* ---- the folder */

static enum err set_names(struct backup *backup, const char *folder)
{
	size_t size = strlen(folder);
	struct stat stat;

	while (size > 1 && folder[size - 1] == '/')
		size--;
	if (size == 0 || size + sizeof(".partial") > sizeof(backup->partial))
		return why_set(backup->why, ERR_INVALID, "that is no name for a backup: %s", folder);
	memcpy(backup->folder, folder, size);
	backup->folder[size] = '\0';
	memcpy(backup->partial, folder, size);
	memcpy(backup->partial + size, ".partial", sizeof(".partial"));
	if (lstat(backup->folder, &stat) == 0)
		return why_set(backup->why, ERR_INVALID,
		    "%s exists already; every backup gets a name of its own, and none is written over", backup->folder);
	return OK;
}

/* Is the held folder still the one of that name? Another process may have finished with it in between. */
static bool is_named(const struct backup *backup)
{
	struct stat held, named;

	return fstat(backup->folder_fd, &held) == 0 && lstat(backup->partial, &named) == 0 &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* An empty folder, held. What a killed backup of this name has left in it goes. */
static enum err make_folder(struct backup *backup)
{
	const char *path = backup->partial;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return folder_error(backup->why, path, "make the folder");
	backup->folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (backup->folder_fd < 0)
		return folder_error(backup->why, path, "open the folder");
	if (flock(backup->folder_fd, LOCK_EX | LOCK_NB) != 0 || !is_named(backup)) {
		close(backup->folder_fd);
		backup->folder_fd = -1;
		return why_set(backup->why, ERR_LOCKED, "another process is making %s", path);
	}
	snapshot_clear(path);
	backup->data_fd = openat(backup->folder_fd, SNAPSHOT_DATA, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return backup->data_fd >= 0 ? OK : folder_error(backup->why, path, "create the copy in it");
}

/* ---- with the daemon */

/* The copy may hold a commit that was not signed yet when it was made; it is signed a moment later. */
static enum err ask_signed(struct backup *backup)
{
	const struct timespec wait = {.tv_nsec = SIGNED_WAIT_MS * 1000000L};
	enum err err = OK;

	for (unsigned i = 0; i < SIGNED_TRIES_MAX; i++) {
		buf_clear(&backup->note);
		err = control_ask_checkpoint(backup->control_fd, backup->snapshot.size, &backup->note, backup->why);
		if (err != ERR_OVERLOADED)
			break;
		nanosleep(&wait, NULL);
	}
	return err;
}

static enum err copy_online(struct backup *backup)
{
	const struct config *config = backup->config;
	enum err err = control_ask_copy(backup->control_fd, backup->data_fd, &backup->data_size, backup->why);

	if (err == OK)
		err = snapshot_read(backup->partial, config->map_size, NULL, &backup->snapshot, backup->why);
	return err == OK ? ask_signed(backup) : err;
}

/* ---- without */

/* The guard was looked at: what is signed here is of the one history. */
static enum err sign_offline(struct backup *backup, struct store_txn *txn)
{
	struct log_signers signers = {.count = 0};
	struct ledger_head ledger_head;
	struct log_keys keys;
	struct head *head = calloc(1, sizeof(*head));
	enum err err = head == NULL ? ERR_MEMORY : log_keys_get(txn, &keys);

	if (err == OK)
		err = ledger_read_head(txn, &ledger_head);
	if (err == OK)
		err = config_load_signers(backup->config, &signers, backup->why);
	if (err == OK) {
		head->size = ledger_head.size;
		head->root = frontier_root(&ledger_head.frontier);
		err = log_signers_sign(&signers, &keys, head, backup->why);
	}
	if (err == OK) {
		buf_add_slice(&backup->note, head_note(head));
		err = backup->note.err;
	}
	log_signers_done(&signers);
	free(head);
	return err;
}

static enum err copy_store(struct backup *backup, struct store *store)
{
	struct store_txn *txn = NULL;
	struct guard *guard = NULL;
	struct stat stat;
	uint64_t guarded_size;
	enum err err = guard_open(backup->config->guard, &guard, backup->why);

	if (err == OK)
		err = store_read(store, &txn);
	if (err == OK)
		err = writer_check_guard(txn, guard, &guarded_size, backup->why);
	if (err == OK)
		err = sign_offline(backup, txn);
	store_abort(txn);
	guard_close(guard);
	if (err == OK) {
		err = store_copy(store, backup->data_fd);
		if (err != OK)
			why_set(backup->why, err, "the copy could not be written");
	}
	if (err == OK && fstat(backup->data_fd, &stat) != 0)
		err = folder_error(backup->why, backup->partial, "look at the copy");
	if (err == OK)
		backup->data_size = (uint64_t)stat.st_size;
	return err;
}

static enum err copy_offline(struct backup *backup)
{
	const struct config *config = backup->config;
	struct store *store = NULL;
	enum err err = store_open(config->data, config->map_size, STORE_OPEN, &store, backup->why);

	if (err == OK)
		err = copy_store(backup, store);
	store_close(store);
	if (err == OK)
		err = snapshot_read(backup->partial, config->map_size, NULL, &backup->snapshot, backup->why);
	return err;
}

/* ---- the whole */

static enum err make_copy(struct backup *backup)
{
	enum err err = control_connect(backup->config->data, &backup->control_fd, backup->why);

	if (err != OK && err != ERR_NOT_FOUND)
		return err;
	err = err == OK ? copy_online(backup) : copy_offline(backup);
	if (err == OK && fsync(backup->data_fd) != 0)
		err = folder_error(backup->why, backup->partial, "sync the copy");
	return err != OK ? err : snapshot_check_note(&backup->snapshot, buf_slice(&backup->note), backup->why);
}

static enum err verify_replay(const struct backup *backup, FILE *out)
{
	int code = verify_copy(backup->partial, backup->config->map_size, out);

	if (code == 0)
		return OK;
	return why_set(backup->why, code == 1 ? ERR_IO : ERR_DAMAGED,
	    "the copy was made, and does not verify; it was thrown away");
}

static enum err publish(struct backup *backup)
{
	enum err err;

	snapshot_remove_locks(backup->partial);
	err = snapshot_write_files(backup->partial, &backup->snapshot, buf_slice(&backup->note), backup->why);
	if (err == OK)
		err = folder_sync(backup->partial, backup->why);
	if (err == OK)
		err = folder_rename(backup->partial, backup->folder, backup->why);
	return err;
}

enum err backup_run(const struct config *config, const struct backup_options *options, FILE *out, struct why *why)
{
	struct backup *backup = calloc(1, sizeof(*backup));
	enum err err;

	if (backup == NULL)
		return ERR_MEMORY;
	backup->config = config;
	backup->why = why;
	backup->folder_fd = backup->data_fd = backup->control_fd = -1;
	buf_init(&backup->note, CHECKPOINT_SIZE_MAX);
	err = set_names(backup, options->folder);
	if (err == OK)
		err = make_folder(backup);
	if (err == OK)
		err = make_copy(backup);
	if (err == OK && !options->skips_replay)
		err = verify_replay(backup, out);
	if (err == OK)
		err = publish(backup);
	if (err == OK)
		fprintf(out, "%s: %llu entries of %s, %llu bytes\n", backup->folder,
		    (unsigned long long)backup->snapshot.size, backup->snapshot.identity.origin,
		    (unsigned long long)backup->data_size);
	else if (backup->folder_fd >= 0)
		snapshot_remove(backup->partial);
	if (backup->control_fd >= 0)
		close(backup->control_fd);
	if (backup->data_fd >= 0)
		close(backup->data_fd);
	if (backup->folder_fd >= 0)
		close(backup->folder_fd);
	buf_done(&backup->note);
	free(backup);
	return err;
}

/* What the two ways to restore share. Nobody else includes this. */
#ifndef DAEMON_RESTORE_INTERNAL_H
#define DAEMON_RESTORE_INTERNAL_H

#include <limits.h>
#include <sys/stat.h>

#include "daemon/restore.h"
#include "daemon/snapshot.h"

struct restore {
	const struct config *config;
	const struct restore_options *options;
	FILE *out;
	struct why *why;

	char partial[PATH_MAX];		/* a folder in the data folder, where the copy is looked at */
	int lock_fd;			/* of the data folder */
	struct stat owner;		/* of it: what root puts there must be the daemon's */
	struct guard *guard;		/* NULL: none was opened */
	struct checkpoint guarded;	/* what it holds */
	struct buf note;		/* the backup's checkpoint */
	struct snapshot snapshot;
};

/* The data folder, locked; made where there is none. */
enum err restore_open_folder(struct restore *restore) must_check;
enum err restore_open_guard(struct restore *restore) must_check;
/* The backup's checkpoint. With a guard open: ERR_GUARD where it is of less than what that holds. */
enum err restore_read_note(struct restore *restore) must_check;
/* The backup's data file to the partial folder, synced. */
enum err restore_copy(struct restore *restore) must_check;
/* A file that root has made. `path` is for words. */
enum err restore_give_to_owner(const struct restore *restore, int fd, const char *path) must_check;

/* The way of --accept-loss, in a data folder that is locked. */
enum err restore_with_loss(struct restore *restore) must_check;

#endif

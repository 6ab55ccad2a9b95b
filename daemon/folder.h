/*
 * Files and folders that must be there, whole, or not at all: the lock of a data folder, new files that are on disk
 * before they are named, and folders that are on disk with their names.
 */
#ifndef DAEMON_FOLDER_H
#define DAEMON_FOLDER_H

#include "proto/bytes.h"

/* Holds the folder's lock file until the descriptor is closed. ERR_LOCKED, ERR_TOO_LARGE (the path), ERR_IO. */
enum err folder_lock(const char *folder, int *ret_fd, struct why *why) must_check;
/* Is there a file of this name? */
bool folder_has(const char *folder, const char *name);

/* "folder/name" in PATH_MAX bytes. ERR_TOO_LARGE. */
enum err folder_path(const char *folder, const char *name, char *ret_path, struct why *why) must_check;
/* The whole file, up to the buffer's maximum. ERR_NOT_FOUND, ERR_IO, ERR_TOO_LARGE. */
enum err folder_read(const char *folder, const char *name, struct buf *ret_bytes, struct why *why) must_check;
/* A new file of mode 0600 with these bytes, synced. One that exists is refused: ERR_IO. ERR_DISK_FULL. */
enum err folder_write(const char *folder, const char *name, struct slice bytes, struct why *why) must_check;
/* A new name is durable only once its folder is. ERR_IO. */
enum err folder_sync(const char *folder, struct why *why) must_check;
/* The same of the folder that `path` lies in. */
enum err folder_sync_parent(const char *path, struct why *why) must_check;
/* Gives `to` the name of `from`, which nothing may have yet (ERR_INVALID); and syncs the folder of the name. */
enum err folder_rename(const char *from, const char *to, struct why *why) must_check;

/* ERR_DISK_FULL or ERR_IO, by errno, with "path: can't what: …". */
enum err folder_error(struct why *why, const char *path, const char *what);

#endif

#include "daemon/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum err folder_error(struct why *why, const char *path, const char *what)
{
	enum err err = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_DISK_FULL : ERR_IO;

	return why_set(why, err, "%s: can't %s: %s", path, what, strerror(errno));
}

enum err folder_path(const char *folder, const char *name, char *ret_path, struct why *why)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return why_set(why, ERR_TOO_LARGE, "the folder's path is too long: %s", folder);
	memcpy(ret_path, path, sizeof(path));
	return OK;
}

enum err folder_lock(const char *folder, int *ret_fd, struct why *why)
{
	char path[PATH_MAX];
	enum err err = folder_path(folder, "lock", path, why);
	int fd;

	if (err != OK)
		return err;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_set(why, ERR_IO, "can't open %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return why_set(why, ERR_LOCKED, "another process is using the data folder %s; stop it first", folder);
	}
	*ret_fd = fd;
	return OK;
}

bool folder_has(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return folder_path(folder, name, path, NULL) == OK && access(path, F_OK) == 0;
}

enum err folder_read(const char *folder, const char *name, struct buf *ret_bytes, struct why *why)
{
	uint8_t block[4096];
	char path[PATH_MAX];
	ssize_t size;
	enum err err = folder_path(folder, name, path, why);
	int fd;

	if (err != OK)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? why_set(why, ERR_NOT_FOUND, "%s is missing", path)
				       : folder_error(why, path, "open");
	while ((size = read(fd, block, sizeof(block))) > 0 && ret_bytes->err == OK)
		buf_add(ret_bytes, block, (size_t)size);
	if (size < 0)
		err = folder_error(why, path, "read");
	else if (ret_bytes->err != OK)
		err = why_set(why, ret_bytes->err, "%s is longer than it may be", path);
	close(fd);
	return err;
}

enum err folder_write(const char *folder, const char *name, struct slice bytes, struct why *why)
{
	char path[PATH_MAX];
	enum err err = folder_path(folder, name, path, why);
	int fd;

	if (err != OK)
		return err;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return folder_error(why, path, "create");
	while (err == OK && bytes.size > 0) {
		ssize_t done = write(fd, bytes.data, bytes.size);

		if (done < 0)
			err = folder_error(why, path, "write");
		else
			bytes = slice_of(bytes.data + done, bytes.size - (size_t)done);
	}
	if (err == OK && fsync(fd) != 0)
		err = folder_error(why, path, "sync");
	if (close(fd) != 0 && err == OK)
		err = folder_error(why, path, "close");
	/* Whole, or not at all. */
	if (err != OK)
		unlink(path);
	return err;
}

enum err folder_sync(const char *folder, struct why *why)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err err = OK;

	if (fd < 0 || fsync(fd) != 0)
		err = folder_error(why, folder, "sync the folder");
	if (fd >= 0)
		close(fd);
	return err;
}

enum err folder_sync_parent(const char *path, struct why *why)
{
	char *copy = strdup(path);
	enum err err;

	if (copy == NULL)
		return ERR_MEMORY;
	err = folder_sync(dirname(copy), why);
	free(copy);
	return err;
}

enum err folder_rename(const char *from, const char *to, struct why *why)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0) {
		if (errno == EEXIST)
			return why_set(why, ERR_INVALID, "%s exists already", to);
		return folder_error(why, to, "give that name");
	}
	return folder_sync_parent(to, why);
}

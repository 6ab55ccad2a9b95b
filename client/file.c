#include "client/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/text.h"

static enum err descriptor_read(int fd, const char *path, struct buf *ret_bytes, struct why *why)
{
	uint8_t block[16384];
	ssize_t size;

	do {
		size = read(fd, block, sizeof(block));
		if (size > 0)
			buf_add(ret_bytes, block, (size_t)size);
	} while ((size > 0 || (size < 0 && errno == EINTR)) && ret_bytes->err == OK);
	if (size < 0)
		return why_set(why, ERR_IO, "%s: %m", path);
	if (ret_bytes->err != OK)
		return why_set(why, ret_bytes->err, "%s: more than %zu bytes", path, ret_bytes->max);
	return OK;
}

static enum err open_and_read(const char *path, mode_t forbidden, struct buf *ret_bytes, struct why *why)
{
	struct stat stat;
	enum err err;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return why_set(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %m", path);
	if (fstat(fd, &stat) != 0)
		err = why_set(why, ERR_IO, "%s: %m", path);
	else if (S_ISDIR(stat.st_mode))
		err = why_set(why, ERR_IO, "%s: is a folder", path);
	else if ((stat.st_mode & forbidden) != 0)
		err = why_set(why, ERR_KEY_FILE, "%s: others can read this secret (mode %03o); chmod 600 it", path,
		    stat.st_mode & 0777u);
	else
		err = descriptor_read(fd, path, ret_bytes, why);
	close(fd);
	return err;
}

enum err file_read(const char *path, struct buf *ret_bytes, struct why *why)
{
	if (strcmp(path, "-") == 0)
		return descriptor_read(STDIN_FILENO, T("standard input"), ret_bytes, why);
	return open_and_read(path, 0, ret_bytes, why);
}

/* ERR_NOT_FOUND means elsewhere that the ledger has no such thing. */
static enum err must_be_there(enum err err)
{
	return err == ERR_NOT_FOUND ? ERR_IO : err;
}

enum err file_read_given(const char *path, struct buf *ret_bytes, struct why *why)
{
	return must_be_there(file_read(path, ret_bytes, why));
}

enum err file_read_secret(const char *path, struct buf *ret_bytes, struct why *why)
{
	return must_be_there(open_and_read(path, S_IRWXG | S_IRWXO, ret_bytes, why));
}

enum err file_sync_folder(const char *path, struct why *why)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err err = OK;

	if (fd < 0)
		return why_set(why, ERR_IO, "%s: %m", path);
	if (fsync(fd) != 0)
		err = why_set(why, ERR_IO, "%s: %m", path);
	close(fd);
	return err;
}

enum err file_sync_folder_of(const char *path, struct why *why)
{
	char *copy = strdup(path);
	enum err err;

	if (copy == NULL)
		return ERR_MEMORY;
	err = file_sync_folder(dirname(copy), why);
	free(copy);
	return err;
}

static enum err write_new(const char *path, struct slice bytes, int flags, mode_t mode, struct why *why)
{
	enum err err = OK;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode);

	if (fd < 0)
		return why_set(why, ERR_IO, "%s: %m", path);
	while (bytes.size > 0) {
		ssize_t size = write(fd, bytes.data, bytes.size);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0) {
			err = why_set(why, errno == ENOSPC ? ERR_DISK_FULL : ERR_IO, "%s: %m", path);
			break;
		}
		bytes.data += size;
		bytes.size -= (size_t)size;
	}
	if (err == OK && fsync(fd) != 0)
		err = why_set(why, ERR_IO, "%s: %m", path);
	if (close(fd) != 0 && err == OK)
		err = why_set(why, ERR_IO, "%s: %m", path);
	if (err != OK)
		(void)unlink(path);
	return err;
}

enum err file_write(const char *path, struct slice bytes, unsigned mode, struct why *why)
{
	char *temporary = NULL;
	enum err err;

	if (asprintf(&temporary, "%s.new", path) < 0)
		return ERR_MEMORY;
	err = write_new(temporary, bytes, O_TRUNC, mode, why);
	if (err == OK && rename(temporary, path) != 0) {
		err = why_set(why, ERR_IO, "%s: %m", path);
		(void)unlink(temporary);
	}
	if (err == OK)
		err = file_sync_folder_of(path, why);
	free(temporary);
	return err;
}

enum err file_create(const char *path, struct slice bytes, unsigned mode, struct why *why)
{
	enum err err = write_new(path, bytes, O_EXCL, mode, why);

	return err == OK ? file_sync_folder_of(path, why) : err;
}

enum err file_make_folder(const char *path, struct why *why)
{
	char *copy = strdup(path);
	enum err err = OK;

	if (copy == NULL)
		return ERR_MEMORY;
	for (char *at = copy + 1; err == OK; at++) {
		char end = *at;

		if (end != '/' && end != '\0')
			continue;
		*at = '\0';
		if (mkdir(copy, 0700) == 0)
			err = file_sync_folder_of(copy, why);
		else if (errno != EEXIST)
			err = why_set(why, ERR_IO, "%s: %m", copy);
		*at = end;
		if (end == '\0')
			break;
	}
	free(copy);
	return err;
}

enum err file_lock_folder(const char *path, int *ret_fd, struct why *why)
{
	char *name = NULL;
	enum err err = OK;
	int fd;

	if (asprintf(&name, "%s/lock", path) < 0)
		return ERR_MEMORY;
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		err = fd >= 0 && errno == EWOULDBLOCK ? ERR_LOCKED : why_set(why, ERR_IO, "%s: %m", name);
	if (err == OK)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	free(name);
	return err;
}

enum err file_load_signer(const char *path, struct signer **ret_signer, struct why *why)
{
	struct slice text;
	struct buf bytes;
	enum err err;

	buf_init(&bytes, CLIENT_FILE_SIZE_MAX);
	err = file_read_secret(path, &bytes, why);
	if (err != OK)
		goto out;
	text = buf_slice(&bytes);
	while (text.size > 0 && (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r'))
		text.size--;
	err = signer_parse(text, ret_signer);
	if (err != OK && err != ERR_MEMORY)
		err = why_set(why, ERR_KEY_FILE,
		    "%s: not a private key as `subsidy key new` writes it (PRIVATE+KEY+name+…)", path);
out:
	if (bytes.data != NULL)
		key_wipe(bytes.data, bytes.size);
	buf_done(&bytes);
	return err;
}

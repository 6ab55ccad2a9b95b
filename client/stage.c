/*
 * Files are not synced one by one: a statement has thousands, and none of them counts before the rename. One syncfs(2)
 * before it makes all of them and their folders durable, and reports (Linux 5.8) what could not be written.
 */
#include "client/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/file.h"
#include "proto/text.h"

#define WALK_DESCRIPTORS 16

struct stage {
	char *target, *path;
	bool is_committed;
};

/* ---- beginning */

/* Without the slashes at its end: the stage lies beside it, not in it. */
static char *target_of(const char *path)
{
	size_t size = strlen(path);

	while (size > 1 && path[size - 1] == '/')
		size--;
	return strndup(path, size);
}

static enum err check_target(const char *target, struct why *why)
{
	DIR *folder = opendir(target);
	const struct dirent *entry;
	size_t count = 0;

	if (folder == NULL)
		return errno == ENOENT ? OK : why_set(why, ERR_IO, "%s: %m", target);
	while ((entry = readdir(folder)) != NULL)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(folder);
	return count == 0 ? OK : why_set(why, ERR_IO, "%s: is not empty; name a folder that is not there yet", target);
}

/* The folder that the target lies in. */
static enum err make_parent(const char *target, struct why *why)
{
	const char *end = strrchr(target, '/');
	char *parent;
	enum err err;

	if (end == NULL || end == target)
		return OK;
	parent = strndup(target, (size_t)(end - target));
	if (parent == NULL)
		return ERR_MEMORY;
	err = file_make_folder(parent, why);
	free(parent);
	return err;
}

enum err stage_begin(const char *target, struct stage **ret_stage, struct why *why)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	char *path = NULL;
	enum err err;

	if (stage == NULL)
		return ERR_MEMORY;
	stage->target = target_of(target);
	err = stage->target == NULL ? ERR_MEMORY : check_target(stage->target, why);
	if (err == OK)
		err = make_parent(stage->target, why);
	if (err == OK && asprintf(&path, "%s.partial-XXXXXX", stage->target) < 0) {
		path = NULL;
		err = ERR_MEMORY;
	}
	if (err == OK && mkdtemp(path) == NULL)
		err = why_set(why, ERR_IO, "%s: %m", path);
	if (err == OK) {
		stage->path = path;
		*ret_stage = stage;
		return OK;
	}
	free(path);
	stage_free(stage);
	return err;
}

/* ---- filling */

static enum err fail_io(struct why *why, const char *path)
{
	return why_set(why, errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : ERR_IO, "%s: %m", path);
}

static enum err make_folder_of(char *path, struct why *why)
{
	char *end = strrchr(path, '/');
	enum err err = OK;

	*end = '\0';
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		err = fail_io(why, path);
	*end = '/';
	return err;
}

enum err stage_write(struct stage *stage, const char *name, struct slice bytes, struct why *why)
{
	char *path = NULL;
	FILE *file = NULL;
	enum err err;

	if (asprintf(&path, "%s/%s", stage->path, name) < 0)
		return ERR_MEMORY;
	err = make_folder_of(path, why);
	if (err == OK) {
		file = fopen(path, "wxe");
		if (file == NULL)
			err = fail_io(why, path);
	}
	if (err == OK && fwrite(bytes.data, 1, bytes.size, file) != bytes.size)
		err = fail_io(why, path);
	/* What was buffered may fail only now. */
	if (file != NULL && fclose(file) != 0 && err == OK)
		err = fail_io(why, path);
	free(path);
	return err;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type;
	return walk->level == 0 ? 0 : remove(path);
}

/* Whatever lies in the folder; FTW_PHYS, so that no link is followed out of it. */
static enum err empty(const char *path, struct why *why)
{
	return nftw(path, remove_one, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) == 0
		   ? OK
		   : why_set(why, ERR_IO, "%s: %m", path);
}

enum err stage_clear(struct stage *stage, struct why *why)
{
	return empty(stage->path, why);
}

/* ---- ending */

static enum err sync_all(const char *path, struct why *why)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err err = OK;

	if (fd < 0)
		return why_set(why, ERR_IO, "%s: %m", path);
	if (syncfs(fd) != 0)
		err = fail_io(why, path);
	close(fd);
	return err;
}

enum err stage_commit(struct stage *stage, struct why *why)
{
	enum err err = sync_all(stage->path, why);

	/* An empty folder that is there gives way; a full one does not. */
	if (err == OK && rename(stage->path, stage->target) != 0)
		err = why_set(why, ERR_IO, "%s: %m", stage->target);
	if (err != OK)
		return err;
	stage->is_committed = true;
	return file_sync_folder_of(stage->target, why);
}

const char *stage_path(const struct stage *stage)
{
	return stage->is_committed ? stage->target : stage->path;
}

void stage_free(struct stage *stage)
{
	if (stage == NULL)
		return;
	if (stage->path != NULL && !stage->is_committed && empty(stage->path, NULL) == OK)
		(void)rmdir(stage->path);
	free(stage->path);
	free(stage->target);
	free(stage);
}

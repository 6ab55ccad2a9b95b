#include "client/statement_files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PATH_MAX_SIZE 4096

static enum err path_of(const char *folder, const char *name, struct buf *ret_path)
{
	buf_init(ret_path, PATH_MAX_SIZE);
	buf_printf(ret_path, "%s/%s", folder, name);
	return ret_path->err;
}

bool statement_files_has(const char *folder, const char *name)
{
	struct buf path;
	bool is_there = path_of(folder, name, &path) == OK && access(buf_text(&path), F_OK) == 0;

	buf_done(&path);
	return is_there;
}

enum err statement_files_read(const char *folder, const char *name, struct buf *ret_bytes, struct why *why)
{
	struct buf path;
	enum err err = path_of(folder, name, &path);

	buf_clear(ret_bytes);
	if (err == OK)
		err = file_read(buf_text(&path), ret_bytes, why);
	buf_done(&path);
	return err;
}

/* "0000000000000008.tlog-proof" */
static bool index_of(const char *name, const char *suffix, uint64_t *ret_index)
{
	uint64_t index = 0;

	if (strlen(name) != STATEMENT_INDEX_DIGITS + strlen(suffix) ||
	    strcmp(name + STATEMENT_INDEX_DIGITS, suffix) != 0)
		return false;
	for (size_t i = 0; i < STATEMENT_INDEX_DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		index = 10 * index + (uint64_t)(name[i] - '0');
	}
	*ret_index = index;
	return index <= TREE_SIZE_MAX;
}

static int compare_indexes(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static enum err take_name(
    const struct statement_part *part, const char *name, struct array *ret_indexes, struct why *why)
{
	uint64_t index, *row;

	if (!index_of(name, part->suffix, &index))
		return why_set(why, ERR_INVALID, "%s/%s: no file of a statement has this name", part->part, name);
	if (ret_indexes->count >= part->max)
		return why_set(why, ERR_TOO_LARGE, "%s: more than %zu files", part->part, part->max);
	row = array_add(ret_indexes);
	if (row == NULL)
		return ERR_MEMORY;
	*row = index;
	return OK;
}

/* Calls for each name of the part; with `ret_indexes` NULL they are only counted. */
static enum err each_name(
    const struct statement_part *part, struct array *ret_indexes, size_t *ret_count, struct why *why)
{
	const struct dirent *item;
	struct buf path;
	DIR *folder = NULL;
	enum err err = path_of(part->folder, part->part, &path);

	*ret_count = 0;
	if (err != OK)
		goto out;
	folder = opendir(buf_text(&path));
	if (folder == NULL) {
		err = errno == ENOENT ? OK : why_set(why, ERR_IO, "%s: %m", buf_text(&path));
		goto out;
	}
	while (err == OK && (item = readdir(folder)) != NULL) {
		if (item->d_name[0] == '.')
			continue;
		++*ret_count;
		if (ret_indexes != NULL)
			err = take_name(part, item->d_name, ret_indexes, why);
	}
out:
	if (folder != NULL)
		closedir(folder);
	buf_done(&path);
	return err;
}

enum err statement_files_list(const struct statement_part *part, struct array *ret_indexes, struct why *why)
{
	size_t count;
	enum err err;

	array_init(ret_indexes, sizeof(uint64_t));
	err = each_name(part, ret_indexes, &count, why);
	array_sort(ret_indexes, compare_indexes);
	return err;
}

enum err statement_files_count(const struct statement_part *part, size_t *ret_count, struct why *why)
{
	return each_name(part, NULL, ret_count, why);
}

#include "daemon/replica.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "daemon/ledger.h"
#include "proto/order.h"

#define FORMAT "subsidyd.kept/v1"
#define MARK_FILE_SIZE_MAX 4096
#define COPY_STEP 65536 /* bytes; a step of zeros is left a hole */
#define STORE_PREFIX "state-"

static enum err failed(struct why *why, const char *what, const char *path)
{
	enum err err = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_DISK_FULL : ERR_IO;

	return why_set(why, err, "can't %s %s: %s", what, path, strerror(errno));
}

static enum err join(const char *folder, const char *name, char ret_path[static PATH_MAX], struct why *why)
{
	if (snprintf(ret_path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX)
		return OK;
	return why_set(why, ERR_TOO_LARGE, "the path of the kept folder is too long: %s", folder);
}

static enum err sync_path(const char *path, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err err = fd >= 0 && fsync(fd) == 0 ? OK : failed(why, "sync", path);

	if (fd >= 0)
		close(fd);
	return err;
}

enum err replica_lock(const char *folder, bool may_make, int *ret_fd, struct why *why)
{
	char path[PATH_MAX];
	enum err err = join(folder, "lock", path, why);
	int fd;

	if (err != OK)
		return err;
	if (may_make && mkdir(folder, 0700) != 0 && errno != EEXIST)
		return failed(why, "make the folder", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(why, "open", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return why_set(why, ERR_LOCKED, "another verify is using the kept folder %s", folder);
	}
	*ret_fd = fd;
	return OK;
}

/* ---- the mark */

static bool parse_number(json_t *json, const char *name, uint64_t max, uint64_t *ret_value)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL && decimal_parse(slice_text(text), max, ret_value) == OK;
}

static bool parse_hash(json_t *json, const char *name, struct hash *ret_hash)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL && strlen(text) == (size_t)2 * HASH_SIZE &&
	       hex_parse(slice_text(text), ret_hash->bytes, HASH_SIZE) == OK;
}

/* "state-" and letters or digits: it is opened, so it names nothing outside the folder. */
static bool name_is_valid(const char *name)
{
	size_t prefix = strlen(STORE_PREFIX);

	return strncmp(name, STORE_PREFIX, prefix) == 0 && strlen(name) == REPLICA_NAME_SIZE - 4 &&
	       strspn(name + prefix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
		   strlen(name) - prefix;
}

static enum err parse_mark(const char *path, json_t *json, struct replica_mark *ret_mark, struct why *why)
{
	const char *format = json_string_value(json_object_get(json, "format")),
		   *id = json_string_value(json_object_get(json, "ledger_id")),
		   *name = json_string_value(json_object_get(json, "store"));
	struct replica_mark mark = {.size = 0};
	uint64_t schema, rules;

	if (format == NULL || strcmp(format, FORMAT) != 0 || !parse_number(json, "schema", UINT32_MAX, &schema) ||
	    !parse_number(json, "rules", UINT32_MAX, &rules))
		return why_set(why, ERR_INVALID, "%s: not of a state that this program keeps; leave --from out", path);
	if (schema != LEDGER_SCHEMA || rules != RULES_VERSION)
		return why_set(why, ERR_INVALID,
		    "%s: kept under schema %llu and rules version %llu, this program has %d and %d; leave --from out",
		    path, (unsigned long long)schema, (unsigned long long)rules, LEDGER_SCHEMA, RULES_VERSION);
	if (id == NULL || strlen(id) != LEDGER_ID_SIZE || name == NULL || !name_is_valid(name) ||
	    !parse_number(json, "size", TREE_SIZE_MAX, &mark.size) || mark.size == 0 ||
	    !parse_hash(json, "root", &mark.root) || !parse_hash(json, "sha256", &mark.digest))
		return why_set(why, ERR_INVALID, "%s: damaged; leave --from out", path);
	memcpy(mark.ledger_id, id, LEDGER_ID_SIZE);
	memcpy(mark.name, name, strlen(name));
	*ret_mark = mark;
	return OK;
}

enum err replica_read(const char *folder, struct replica_mark *ret_mark, struct why *why)
{
	char path[PATH_MAX], bytes[MARK_FILE_SIZE_MAX];
	enum err err = join(folder, "kept.json", path, why);
	int fd = err == OK ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t size;
	json_t *json;

	if (err == OK && fd < 0)
		return errno == ENOENT ? why_set(why, ERR_NOT_FOUND, "%s: there is none; --keep makes it", path)
				       : failed(why, "read", path);
	if (err != OK)
		return err;
	size = read(fd, bytes, sizeof(bytes));
	close(fd);
	if (size < 0)
		return failed(why, "read", path);
	json = json_loadb(bytes, (size_t)size, JSON_REJECT_DUPLICATES, NULL);
	err = json == NULL ? why_set(why, ERR_INVALID, "%s: damaged; leave --from out", path)
			   : parse_mark(path, json, ret_mark, why);
	json_decref(json);
	return err;
}

static enum err write_mark(const char *path, const struct replica_mark *mark, struct why *why)
{
	char root[2 * HASH_SIZE + 1], digest[2 * HASH_SIZE + 1];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	enum err err = OK;

	if (fd < 0)
		return failed(why, "make", path);
	hex_format(hash_slice(&mark->root), root);
	hex_format(hash_slice(&mark->digest), digest);
	if (dprintf(fd,
		"{\"format\":\"" FORMAT "\",\"schema\":\"%d\",\"rules\":\"%d\",\"ledger_id\":\"%s\","
		"\"size\":\"%llu\",\"root\":\"%s\",\"store\":\"%s\",\"sha256\":\"%s\"}\n",
		LEDGER_SCHEMA, RULES_VERSION, mark->ledger_id, (unsigned long long)mark->size, root, mark->name,
		digest) < 0 ||
	    fsync(fd) != 0)
		err = failed(why, "write", path);
	if (close(fd) != 0 && err == OK)
		err = failed(why, "write", path);
	return err;
}

/* ---- the data file */

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return size > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* Hashes what it reads; copies it where `to` is a file. */
static enum err pass(int from, int to, struct hash *ret_digest, struct why *why)
{
	uint8_t *block = malloc(COPY_STEP);
	struct hash digest = hash_empty();
	off_t place = 0;
	ssize_t size = 0;
	enum err err = block == NULL ? ERR_MEMORY : OK;

	/* A chain of the steps' hashes: any reader makes the same steps. */
	while (err == OK && (size = read(from, block, COPY_STEP)) > 0) {
		struct slice parts[] = {hash_slice(&digest), slice_of(block, (size_t)size)};

		digest = hash_sha256_parts(parts, 2);
		if (to >= 0 && !is_zero(block, (size_t)size) && pwrite(to, block, (size_t)size, place) != size)
			err = failed(why, "write", "the copy of the kept state");
		place += size;
	}
	if (err == OK && size < 0)
		err = failed(why, "read", "the kept state");
	if (err == OK && to >= 0 && ftruncate(to, place) != 0)
		err = failed(why, "write", "the copy of the kept state");
	free(block);
	if (err == OK)
		*ret_digest = digest;
	return err;
}

static enum err digest_file(const char *path, struct hash *ret_digest, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err err = fd < 0 ? failed(why, "read", path) : pass(fd, -1, ret_digest, why);

	if (fd >= 0)
		close(fd);
	return err;
}

enum err replica_copy(const char *folder, const struct replica_mark *mark, const char *target, struct why *why)
{
	char store[PATH_MAX], from_path[PATH_MAX], to_path[PATH_MAX];
	struct hash digest;
	int from = -1, to = -1;
	enum err err = join(folder, mark->name, store, why);

	if (err == OK)
		err = join(store, "data.mdb", from_path, why);
	if (err == OK)
		err = join(target, "data.mdb", to_path, why);
	if (err == OK && (from = open(from_path, O_RDONLY | O_CLOEXEC)) < 0)
		err = errno == ENOENT ? why_set(why, ERR_INVALID, "%s is missing; leave --from out", from_path)
				      : failed(why, "read", from_path);
	if (err == OK && (to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
		err = failed(why, "make", to_path);
	if (err == OK)
		err = pass(from, to, &digest, why);
	if (err == OK && !hash_equal(&digest, &mark->digest))
		err = why_set(why, ERR_INVALID, "%s is damaged: it is not what was kept; leave --from out", from_path);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return err;
}

void replica_remove_store(const char *path)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "lock"};
	char file[PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (join(path, files[i], file, NULL) == OK)
			unlink(file);
	rmdir(path);
}

/* Stores that kept.json does not name: the one before, and what a crash left. */
static void remove_others(const char *folder, const char *name)
{
	DIR *dir = opendir(folder);
	struct dirent *item;
	char path[PATH_MAX];

	while (dir != NULL && (item = readdir(dir)) != NULL)
		if (name_is_valid(item->d_name) && strcmp(item->d_name, name) != 0 &&
		    join(folder, item->d_name, path, NULL) == OK)
			replica_remove_store(path);
	if (dir != NULL)
		closedir(dir);
}

/* Moves the store to a new name in the folder. */
static enum err move_store(
    const char *folder, const char *source, struct replica_mark *mark, char ret_path[static PATH_MAX], struct why *why)
{
	enum err err = join(folder, STORE_PREFIX "XXXXXX", ret_path, why);

	if (err == OK && mkdtemp(ret_path) == NULL)
		err = failed(why, "make a folder in", folder);
	if (err == OK && rename(source, ret_path) != 0)
		err = failed(why, "move the new state into", folder);
	if (err == OK)
		memcpy(mark->name, ret_path + strlen(ret_path) - (REPLICA_NAME_SIZE - 4), REPLICA_NAME_SIZE - 3);
	return err;
}

enum err replica_keep(const char *folder, const char *source, struct replica_mark *mark, struct why *why)
{
	char path[PATH_MAX], data[PATH_MAX], mark_path[PATH_MAX], new_path[PATH_MAX];
	enum err err = join(source, "data.mdb", data, why);

	if (err == OK)
		err = join(folder, "kept.json", mark_path, why);
	if (err == OK)
		err = join(folder, "kept.json.new", new_path, why);
	if (err == OK)
		err = digest_file(data, &mark->digest, why);
	if (err == OK)
		err = sync_path(data, why);
	if (err == OK)
		err = move_store(folder, source, mark, path, why);
	if (err == OK)
		err = sync_path(path, why);
	if (err == OK)
		err = sync_path(folder, why);
	if (err == OK)
		err = write_mark(new_path, mark, why);
	if (err == OK && rename(new_path, mark_path) != 0)
		err = failed(why, "rename", new_path);
	if (err == OK)
		err = sync_path(folder, why);
	if (err == OK)
		remove_others(folder, mark->name);
	return err;
}

/*
 * The file: two slots of SLOT_SIZE bytes, each
 *
 *	8	magic "SUBGUARD"
 *	8	sequence, big-endian, counting up from 1
 *	4	note size, big-endian
 *	n	the note
 *	32	SHA-256 over all before
 *
 * Sequence s lives in slot s mod 2, so a write never touches the slot that holds the newest note, nor (slots being
 * whole pages) a sector of it. Preallocated because a write that extends a file costs a journal commit more, and
 * because it then can't meet a full disk.
 */
#include "daemon/guard.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/folder.h"
#include "proto/hash.h"

#define SLOT_SIZE 12288
#define SLOT_HEADER_SIZE 20
#define SLOT_MAGIC "SUBGUARD"

_Static_assert(SLOT_HEADER_SIZE + CHECKPOINT_SIZE_MAX + HASH_SIZE <= SLOT_SIZE, "a slot holds the longest checkpoint");

struct guard {
	int fd;
	bool has_failed;
	uint64_t sequence;
	size_t note_size;
	uint8_t note[CHECKPOINT_SIZE_MAX];
};

static enum err io_error(struct why *why, const char *path, const char *what)
{
	enum err err = errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : ERR_IO;

	return why_set(why, err, "%s: %s: %s", path, what, strerror(errno));
}

static bool read_whole(int fd, uint8_t *ret_bytes, size_t size, off_t offset)
{
	while (size > 0) {
		ssize_t done = pread(fd, ret_bytes, size, offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		ret_bytes += done;
		size -= (size_t)done;
		offset += done;
	}
	return true;
}

static bool write_whole(int fd, struct slice bytes, off_t offset)
{
	while (bytes.size > 0) {
		ssize_t done = pwrite(fd, bytes.data, bytes.size, offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes = slice_of(bytes.data + done, bytes.size - (size_t)done);
		offset += done;
	}
	return true;
}

/* The note of a slot that is whole; false for any other bytes. */
static bool slot_decode(struct slice slot, uint64_t *ret_sequence, struct slice *ret_note)
{
	struct reader reader = reader_of(slot);
	struct slice magic = reader_bytes(&reader, strlen(SLOT_MAGIC)), note, digest;
	uint64_t sequence = reader_u64(&reader);
	uint32_t note_size = reader_u32(&reader);
	struct hash hash;

	if (note_size == 0 || note_size > CHECKPOINT_SIZE_MAX)
		return false;
	note = reader_bytes(&reader, note_size);
	digest = reader_bytes(&reader, HASH_SIZE);
	if (reader.is_short || !slice_equal(magic, slice_text(SLOT_MAGIC)))
		return false;
	hash = hash_sha256(slice_of(slot.data, SLOT_HEADER_SIZE + note_size));
	if (!slice_equal(digest, hash_slice(&hash)))
		return false;
	*ret_sequence = sequence;
	*ret_note = note;
	return true;
}

static enum err lock(int fd, const char *path, struct why *why)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return OK;
	if (errno == EWOULDBLOCK)
		return why_set(why, ERR_LOCKED, "%s: another process holds the guard file", path);
	return io_error(why, path, "lock");
}

static enum err guard_new(int fd, struct guard **ret_guard)
{
	struct guard *guard = calloc(1, sizeof(*guard));

	if (guard == NULL)
		return ERR_MEMORY;
	guard->fd = fd;
	*ret_guard = guard;
	return OK;
}

enum err guard_create(const char *path, struct slice note, struct guard **ret_guard, struct why *why)
{
	static const uint8_t zeros[2 * SLOT_SIZE];
	struct guard *guard = NULL;
	enum err err;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return why_set(why, ERR_GUARD, "%s: exists already; a guard file belongs to one ledger for ever", path);
	if (fd < 0)
		return io_error(why, path, "create");
	err = lock(fd, path, why);
	if (err == OK)
		err = guard_new(fd, &guard);
	if (err == OK && (!write_whole(fd, slice_of(zeros, sizeof(zeros)), 0) || fsync(fd) != 0))
		err = io_error(why, path, "write");
	if (err == OK) {
		err = guard_write(guard, note);
		if (err != OK)
			err = io_error(why, path, "write");
	}
	if (err == OK)
		err = folder_sync_parent(path, why);
	if (err != OK) {
		free(guard);
		close(fd);
		unlink(path);
		return err;
	}
	*ret_guard = guard;
	return OK;
}

/* Sets the guard to the newest whole slot. */
static enum err read_slots(struct guard *guard, const char *path, struct why *why)
{
	static const char advice[] = "was it replaced? A ledger is never opened without its own guard file";
	uint8_t slots[2][SLOT_SIZE];
	struct stat stat;

	if (fstat(guard->fd, &stat) != 0)
		return io_error(why, path, "look at");
	if (!S_ISREG(stat.st_mode) || stat.st_size != (off_t)sizeof(slots))
		return why_set(
		    why, ERR_GUARD, "%s: not a guard file (%zu bytes expected); %s", path, sizeof(slots), advice);
	if (!read_whole(guard->fd, slots[0], sizeof(slots), 0))
		return io_error(why, path, "read");
	for (unsigned i = 0; i < 2; i++) {
		struct slice note;
		uint64_t sequence;

		if (!slot_decode(slice_of(slots[i], SLOT_SIZE), &sequence, &note) || sequence % 2 != i)
			continue;
		if (sequence <= guard->sequence)
			continue;
		guard->sequence = sequence;
		guard->note_size = note.size;
		memcpy(guard->note, note.data, note.size);
	}
	if (guard->sequence == 0)
		return why_set(why, ERR_GUARD, "%s: neither slot holds a whole note; %s", path, advice);
	return OK;
}

enum err guard_open(const char *path, struct guard **ret_guard, struct why *why)
{
	struct guard *guard = NULL;
	enum err err;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return why_set(why, ERR_GUARD, "%s: missing; a ledger is never opened without its guard file", path);
	if (fd < 0)
		return io_error(why, path, "open");
	err = lock(fd, path, why);
	if (err == OK)
		err = guard_new(fd, &guard);
	if (err == OK)
		err = read_slots(guard, path, why);
	if (err != OK) {
		free(guard);
		close(fd);
		return err;
	}
	*ret_guard = guard;
	return OK;
}

void guard_close(struct guard *guard)
{
	if (guard == NULL)
		return;
	close(guard->fd);
	free(guard);
}

enum err guard_write(struct guard *guard, struct slice note)
{
	uint64_t sequence = guard->sequence + 1;
	struct buf slot;
	struct hash hash;
	enum err err;

	assert(note.size >= 1 && note.size <= CHECKPOINT_SIZE_MAX);
	assert(!guard->has_failed);
	buf_init(&slot, SLOT_SIZE);
	buf_add_text(&slot, SLOT_MAGIC);
	buf_u64(&slot, sequence);
	buf_u32(&slot, (uint32_t)note.size);
	buf_add_slice(&slot, note);
	hash = hash_sha256(buf_slice(&slot));
	buf_add_slice(&slot, hash_slice(&hash));
	err = slot.err;
	if (err == OK &&
	    (!write_whole(guard->fd, buf_slice(&slot), (off_t)(sequence % 2 * SLOT_SIZE)) || fdatasync(guard->fd) != 0))
		err = errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : ERR_IO;
	if (err == OK) {
		guard->sequence = sequence;
		guard->note_size = note.size;
		memmove(guard->note, note.data, note.size);
	} else {
		guard->has_failed = true;
	}
	buf_done(&slot);
	return err;
}

struct slice guard_newest(const struct guard *guard)
{
	return slice_of(guard->note, guard->note_size);
}

uint64_t guard_sequence(const struct guard *guard)
{
	return guard->sequence;
}

/*
 * Loaded ahead of the C library (LD_PRELOAD), it makes one call of a program
 * fail: the n-th write to a file, the n-th sync, the n-th allocation. So a test
 * can ask of every single call what becomes of the ledger when it fails.
 *
 * It is told by a file, named by FAIL_CONTROL, that the test maps too: native
 * 32-bit numbers, see struct control. All calls of a kind are counted while
 * `is_armed`; the one that is number `at` fails with `error`, once. A write
 * that fails with error 0 writes half of its bytes and says so. Error KILL is no
 * failure, but the end: of the whole process group, which must be the program's own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define KILL UINT32_MAX

enum kind { WRITE = 1, SYNC, ALLOCATION, KIND_COUNT };

struct control {
	_Atomic uint32_t is_armed;
	_Atomic uint32_t kind; /* of the call that is to fail */
	_Atomic uint32_t at;   /* its number, from 1; 0 for none */
	_Atomic uint32_t error;
	_Atomic uint32_t failed_count;
	_Atomic uint32_t counts[KIND_COUNT];
};

/* Before it is mapped, and in a program that was not given one, nothing is
 * armed. */
static struct control unarmed;
static struct control *control = &unarmed;

/* What stands behind our names: the C library's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static ssize_t (*next_pwrite)(int fd, const void *data, size_t size, off_t offset);
static ssize_t (*next_writev)(int fd, const struct iovec *parts, int part_count);
static ssize_t (*next_pwritev)(int fd, const struct iovec *parts, int part_count, off_t offset);
static int (*next_ftruncate)(int fd, off_t size);
static int (*next_fdatasync)(int fd);
static int (*next_fsync)(int fd);
static int (*next_msync)(void *start, size_t size, int flags);

static void find_next(void *ret_function, const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (function == NULL)
		abort();
	memcpy(ret_function, &function, sizeof(function));
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAIL_CONTROL");
	void *map = MAP_FAILED;
	int fd;

	find_next(&next_pwrite, "pwrite");
	find_next(&next_writev, "writev");
	find_next(&next_pwritev, "pwritev");
	find_next(&next_ftruncate, "ftruncate");
	find_next(&next_fdatasync, "fdatasync");
	find_next(&next_fsync, "fsync");
	find_next(&next_msync, "msync");
	fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd >= 0)
		map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		abort(); /* a test that believes it is armed would prove nothing */
	close(fd);
	control = map;
}

/* Counts a call; true, with errno set, where it is the one that fails. */
static bool fails(enum kind kind)
{
	uint32_t number;

	if (atomic_load(&control->is_armed) == 0)
		return false;
	number = atomic_fetch_add(&control->counts[kind], 1) + 1;
	if (atomic_load(&control->kind) != kind || number != atomic_load(&control->at))
		return false;
	atomic_fetch_add(&control->failed_count, 1);
	if (atomic_load(&control->error) == KILL)
		kill(0, SIGKILL);
	errno = (int)atomic_load(&control->error);
	return true;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	if (!fails(WRITE))
		return next_pwrite(fd, data, size, offset);
	return errno != 0 ? -1 : next_pwrite(fd, data, size / 2, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int part_count, off_t offset)
{
	if (!fails(WRITE))
		return next_pwritev(fd, parts, part_count, offset);
	return errno != 0 ? -1 : next_pwrite(fd, parts[0].iov_base, parts[0].iov_len / 2, offset);
}

/* Sockets are written by this too; they are not what is tried here. */
static bool is_file(int fd)
{
	int saved = errno;
	bool can_seek = lseek(fd, 0, SEEK_CUR) >= 0;

	errno = saved;
	return can_seek;
}

ssize_t writev(int fd, const struct iovec *parts, int part_count)
{
	if (!is_file(fd) || !fails(WRITE))
		return next_writev(fd, parts, part_count);
	return errno != 0 ? -1 : write(fd, parts[0].iov_base, parts[0].iov_len / 2);
}

/* There is no half of it. */
int ftruncate(int fd, off_t size)
{
	if (!fails(WRITE))
		return next_ftruncate(fd, size);
	if (errno == 0)
		errno = ENOSPC;
	return -1;
}

int fdatasync(int fd)
{
	return fails(SYNC) ? -1 : next_fdatasync(fd);
}

int fsync(int fd)
{
	return fails(SYNC) ? -1 : next_fsync(fd);
}

int msync(void *start, size_t size, int flags)
{
	return fails(SYNC) ? -1 : next_msync(start, size, flags);
}

void *malloc(size_t size)
{
	return fails(ALLOCATION) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails(ALLOCATION) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails(ALLOCATION) ? NULL : __libc_realloc(old, size);
}

#include "daemon/copy.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/folder.h"
#include "daemon/store.h"

#define BLOCK_SIZE (256u << 10)
#define PIPE_SIZE (1 << 20) /* asked for; a smaller one is only slower */
#define LOOK_MS 100         /* between two looks at the stop and the limit while nothing comes */

struct copy {
	struct mail mail;
	struct store *store;
	struct mailbox *finished;
	int fd;
	int ends[2]; /* of the pipe: read, write */
	uint64_t limit_ms, start_us;
	atomic_bool is_stopping;
	pthread_t writer, reader;
	uint8_t *block;
	/* The outcome, once home. */
	enum err read_err, err;
	uint64_t size;
	struct why why;
};

/* The reader: LMDB's own copying, into the pipe. */
static void *read_pages(void *cookie)
{
	struct copy *copy = cookie;

	copy->read_err = store_copy(copy->store, copy->ends[1]);
	close(copy->ends[1]);
	return NULL;
}

static enum err write_block(struct copy *copy, size_t size)
{
	const uint8_t *bytes = copy->block;

	while (size > 0) {
		ssize_t done = write(copy->fd, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return folder_error(&copy->why, "the copy", "write");
		bytes += done;
		size -= (size_t)done;
		copy->size += (size_t)done;
	}
	return OK;
}

static bool is_late(const struct copy *copy)
{
	return clock_monotonic_us() - copy->start_us > copy->limit_ms * 1000;
}

static enum err write_pages(struct copy *copy)
{
	struct pollfd poll_fd = {.fd = copy->ends[0], .events = POLLIN};
	enum err err = OK;

	while (err == OK) {
		ssize_t size;

		if (atomic_load(&copy->is_stopping))
			return why_set(&copy->why, ERR_STOPPING, "the copy was given up");
		if (is_late(copy))
			return why_set(&copy->why, ERR_OVERLOADED,
			    "the copy took longer than %llu s: is its disk slow?",
			    (unsigned long long)(copy->limit_ms / 1000));
		if (poll(&poll_fd, 1, LOOK_MS) <= 0)
			continue;
		size = read(copy->ends[0], copy->block, BLOCK_SIZE);
		if (size == 0)
			break;
		if (size > 0)
			err = write_block(copy, (size_t)size);
		else if (errno != EINTR)
			err = folder_error(&copy->why, "the copy", "read its pages");
	}
	return err;
}

/* The writer, which outlives the reader: without this end of the pipe the reader's next write fails, and it ends. */
static void *run(void *cookie)
{
	struct copy *copy = cookie;
	struct mailbox *finished = copy->finished;
	enum err err;

	copy->err = write_pages(copy);
	close(copy->ends[0]);
	pthread_join(copy->reader, NULL);
	if (copy->err == OK)
		copy->err = copy->read_err;
	err = mailbox_send(finished, &copy->mail);
	assert(err == OK);
	(void)err;
	return NULL;
}

/* Neither takes signals; a broken pipe is an error of write(). SIGBUS is of the map, see pool.c. */
static enum err start_threads(struct copy *copy)
{
	sigset_t all, before;
	enum err err = OK;

	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&copy->reader, NULL, read_pages, copy) != 0) {
		close(copy->ends[1]);
		close(copy->ends[0]);
		err = ERR_MEMORY;
	} else if (pthread_create(&copy->writer, NULL, run, copy) != 0) {
		close(copy->ends[0]);
		pthread_join(copy->reader, NULL);
		err = ERR_MEMORY;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

enum err copy_start(struct store *store, int fd, uint64_t limit_ms, struct mailbox *finished, struct copy **ret_copy)
{
	struct copy *copy = calloc(1, sizeof(*copy));
	enum err err = OK;

	if (copy == NULL)
		return ERR_MEMORY;
	copy->store = store;
	copy->fd = fd;
	copy->finished = finished;
	copy->limit_ms = limit_ms;
	copy->start_us = clock_monotonic_us();
	copy->block = malloc(BLOCK_SIZE);
	if (copy->block == NULL)
		err = ERR_MEMORY;
	else if (pipe2(copy->ends, O_CLOEXEC) != 0)
		err = ERR_IO;
	if (err == OK) {
		fcntl(copy->ends[0], F_SETPIPE_SZ, PIPE_SIZE);
		err = start_threads(copy);
	}
	if (err == OK) {
		*ret_copy = copy;
	} else {
		free(copy->block);
		free(copy);
	}
	return err;
}

void copy_stop(struct copy *copy)
{
	atomic_store(&copy->is_stopping, true);
}

struct copy *copy_of(struct mail *mail)
{
	return mail_of(mail, struct copy, mail);
}

enum err copy_result(const struct copy *copy, uint64_t *ret_size, struct why *why)
{
	if (copy->err == OK)
		*ret_size = copy->size;
	else
		*why = copy->why;
	return copy->err;
}

void copy_free(struct copy *copy)
{
	pthread_join(copy->writer, NULL);
	free(copy->block);
	free(copy);
}

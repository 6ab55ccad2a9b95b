/*
 * The eventfd counts nothing: it is made readable with the first item of an empty box and emptied when the box is,
 * both under the lock, so it is readable exactly while there is something to take. mailbox_wait uses poll(2) on it
 * rather than a condition variable: one wake-up path for loops and threads alike.
 */
#include "daemon/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
	pthread_mutex_t mutex;
	struct mail *first;
	struct mail **last_next;
	size_t mail_count;
	size_t mail_max;
	bool is_closed;
	bool is_readable; /* what the eventfd says */
	int fd;
};

enum err mailbox_new(size_t mail_max, struct mailbox **ret_mailbox)
{
	struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

	assert(mail_max > 0);
	if (mailbox == NULL)
		return ERR_MEMORY;
	mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->fd < 0) {
		free(mailbox);
		return ERR_IO;
	}
	pthread_mutex_init(&mailbox->mutex, NULL);
	mailbox->last_next = &mailbox->first;
	mailbox->mail_max = mail_max;
	*ret_mailbox = mailbox;
	return OK;
}

void mailbox_free(struct mailbox *mailbox)
{
	if (mailbox == NULL)
		return;
	assert(mailbox->first == NULL);
	pthread_mutex_destroy(&mailbox->mutex);
	close(mailbox->fd);
	free(mailbox);
}

/* Under the lock. A closed box stays readable: its end is news too. */
static void set_readable(struct mailbox *mailbox, bool is_readable)
{
	uint64_t value = 1;
	ssize_t done;

	if (mailbox->is_readable == is_readable)
		return;
	if (is_readable)
		done = write(mailbox->fd, &value, sizeof(value));
	else
		done = read(mailbox->fd, &value, sizeof(value));
	assert(done == (ssize_t)sizeof(value));
	mailbox->is_readable = is_readable;
}

enum err mailbox_send(struct mailbox *mailbox, struct mail *mail)
{
	enum err err = OK;

	pthread_mutex_lock(&mailbox->mutex);
	if (mailbox->is_closed) {
		err = ERR_STOPPING;
	} else if (mailbox->mail_count >= mailbox->mail_max) {
		err = ERR_OVERLOADED;
	} else {
		mail->next = NULL;
		*mailbox->last_next = mail;
		mailbox->last_next = &mail->next;
		mailbox->mail_count++;
		set_readable(mailbox, true);
	}
	pthread_mutex_unlock(&mailbox->mutex);
	return err;
}

void mailbox_close(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->mutex);
	mailbox->is_closed = true;
	set_readable(mailbox, true);
	pthread_mutex_unlock(&mailbox->mutex);
}

/* Takes everything; also says whether more can come. */
static struct mail *take(struct mailbox *mailbox, bool *ret_is_closed)
{
	struct mail *mail;

	pthread_mutex_lock(&mailbox->mutex);
	mail = mailbox->first;
	mailbox->first = NULL;
	mailbox->last_next = &mailbox->first;
	mailbox->mail_count = 0;
	set_readable(mailbox, mailbox->is_closed);
	*ret_is_closed = mailbox->is_closed;
	pthread_mutex_unlock(&mailbox->mutex);
	return mail;
}

struct mail *mailbox_take(struct mailbox *mailbox)
{
	bool is_closed;

	return take(mailbox, &is_closed);
}

struct mail *mailbox_wait(struct mailbox *mailbox, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = mailbox->fd, .events = POLLIN};
	struct mail *mail;
	bool is_closed;
	int ready;

	for (;;) {
		mail = take(mailbox, &is_closed);
		if (mail != NULL || is_closed)
			return mail;
		ready = poll(&poll_fd, 1, timeout_ms);
		if (ready == 0)
			return mailbox_take(mailbox);
		assert(ready == 1 || errno == EINTR);
	}
}

bool mailbox_is_closed(struct mailbox *mailbox)
{
	bool is_closed;

	pthread_mutex_lock(&mailbox->mutex);
	is_closed = mailbox->is_closed;
	pthread_mutex_unlock(&mailbox->mutex);
	return is_closed;
}

size_t mailbox_count(struct mailbox *mailbox)
{
	size_t mail_count;

	pthread_mutex_lock(&mailbox->mutex);
	mail_count = mailbox->mail_count;
	pthread_mutex_unlock(&mailbox->mutex);
	return mail_count;
}

int mailbox_fd(const struct mailbox *mailbox)
{
	return mailbox->fd;
}

/*
 * A mailbox: a bounded intrusive queue between threads. Senders link their item in under the lock; the receiver
 * takes the whole list under the lock and works without it. Its file descriptor is readable while mail waits, so
 * one mailbox serves an event loop (an event on mailbox_fd) or a thread of its own (mailbox_wait).
 *
 * Any number of senders, one receiver. Items belong to the sender until mailbox_send succeeds, to the receiver
 * once it took them.
 */
#ifndef DAEMON_MAILBOX_H
#define DAEMON_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/err.h"

/* The member of a sent struct that links it. */
struct mail {
	struct mail *next;
};

/* The struct around a link. */
#define mail_of(mail, type, member) ((type *)(void *)((char *)(mail) - offsetof(type, member)))

struct mailbox;

/* Holds at most `mail_max` items. ERR_MEMORY, ERR_IO (no eventfd). */
enum err mailbox_new(size_t mail_max, struct mailbox **ret_mailbox) must_check;
/* Must be empty (asserted): mail is somebody's. */
void mailbox_free(struct mailbox *mailbox);

/* ERR_OVERLOADED when full, ERR_STOPPING after mailbox_close; the item then stays the sender's. */
enum err mailbox_send(struct mailbox *mailbox, struct mail *mail) must_check;
/* No more mail is accepted; what waits can still be taken; the waiting receiver wakes. */
void mailbox_close(struct mailbox *mailbox);

/* All that waits, oldest first, linked by next; NULL when nothing does. Never blocks. */
struct mail *mailbox_take(struct mailbox *mailbox);
/* Blocks until there is mail (as mailbox_take), the mailbox is closed and empty, or timeout_ms (-1: for ever)
 * have passed: then NULL. */
struct mail *mailbox_wait(struct mailbox *mailbox, int timeout_ms);

bool mailbox_is_closed(struct mailbox *mailbox);
/* How many items wait. */
size_t mailbox_count(struct mailbox *mailbox);
/* For an EV_READ | EV_PERSIST event of the receiver's loop, which then calls mailbox_take. */
int mailbox_fd(const struct mailbox *mailbox);

#endif

#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "daemon/copy.h"
#include "daemon/folder.h"
#include "daemon/ledger.h"
#include "daemon/log.h"

#define PREFIX "subsidyd.control/v1 "

struct peer {
	LIST_ENTRY(peer) link;
	struct control *control;
	struct event *event;
	int fd;
};

struct control {
	struct control_settings settings;
	struct sockaddr_un address;
	int fd;
	struct event *accept_event;
	LIST_HEAD(, peer) peers;
	size_t peer_count;

	/* The copy in work, if any; who asked for it, unless he hung up; and where it goes. */
	struct mailbox *finished;
	struct event *finished_event;
	struct copy *copy;
	struct peer *copy_peer;
	int copy_fd;
};

enum err control_address(const char *data, struct sockaddr_un *ret_address, struct why *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", data) >= (int)sizeof(address.sun_path))
		return why_set(why, ERR_CONFIG,
		    "[ledger] data: the path is too long for the socket in it: %zu bytes at most: %s",
		    sizeof(address.sun_path) - sizeof("/control"), data);
	*ret_address = address;
	return OK;
}

/* ---- connections */

static void drop(struct peer *peer)
{
	struct control *control = peer->control;

	if (control->copy_peer == peer) {
		control->copy_peer = NULL;
		copy_stop(control->copy);
	}
	LIST_REMOVE(peer, link);
	control->peer_count--;
	event_free(peer->event);
	close(peer->fd);
	free(peer);
}

/* A peer that doesn't read what it asked for is left. */
static bool send_bytes(struct peer *peer, struct slice bytes)
{
	return send(peer->fd, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)bytes.size;
}

static bool refuse(struct peer *peer, enum err err, const struct why *why)
{
	char text[CONTROL_MESSAGE_SIZE_MAX];
	int size = snprintf(text, sizeof(text), "refused %s\n%s", err_name(err), why->text);

	return size > 0 && send_bytes(peer, slice_of(text, (size_t)size));
}

/* What it waits for next; a peer whose copy is made has time. */
static enum err listen_to(struct peer *peer)
{
	uint64_t limit_ms = peer->control->settings.idle_limit_ms;
	struct timeval limit = {.tv_sec = (time_t)(limit_ms / 1000), .tv_usec = (suseconds_t)(limit_ms % 1000 * 1000)};
	bool waits = peer->control->copy_peer == peer;

	event_del(peer->event);
	return event_add(peer->event, waits ? NULL : &limit) == 0 ? OK : ERR_MEMORY;
}

/* ---- copies */

static enum err check_file(int fd, struct why *why)
{
	struct stat stat;

	if (fd < 0)
		return why_set(why, ERR_INVALID, "a copy needs the descriptor of its file");
	if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode) || stat.st_size != 0)
		return why_set(why, ERR_INVALID, "a copy goes to an empty regular file");
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return why_set(why, ERR_INVALID, "the copy's file is not open for writing");
	return OK;
}

/* Takes the descriptor where it answers OK. */
static enum err begin_copy(struct peer *peer, int fd, struct why *why)
{
	struct control *control = peer->control;
	const struct control_settings *settings = &control->settings;
	enum err err;

	if (control->copy != NULL)
		return why_set(why, ERR_OVERLOADED, "another backup is being made; try again when it is done");
	err = check_file(fd, why);
	if (err == OK)
		err = copy_start(settings->store, fd, settings->copy_limit_ms, control->finished, &control->copy);
	if (err != OK)
		return err;
	control->copy_fd = fd;
	control->copy_peer = peer;
	log_notice("a backup is being copied");
	return OK;
}

static void end_copy(struct control *control)
{
	struct peer *peer = control->copy_peer;
	struct why why = {.text = ""};
	uint64_t size = 0;
	enum err err = copy_result(control->copy, &size, &why);
	char text[64];
	bool is_told = true;

	copy_free(control->copy);
	close(control->copy_fd);
	control->copy = NULL;
	control->copy_peer = NULL;
	if (err == OK)
		log_notice("a backup was copied: %" PRIu64 " bytes", size);
	else
		log_error("a backup failed: %s%s%s", err_sentence(err), why.text[0] != '\0' ? ": " : "", why.text);
	if (peer == NULL)
		return;
	if (err == OK) {
		snprintf(text, sizeof(text), "copied %" PRIu64 "\n", size);
		is_told = send_bytes(peer, slice_text(text));
	} else {
		is_told = refuse(peer, err, &why);
	}
	if (!is_told || listen_to(peer) != OK)
		drop(peer);
}

static void on_finished(evutil_socket_t fd, short what, void *cookie)
{
	struct control *control = cookie;

	(void)fd, (void)what;
	if (mailbox_take(control->finished) != NULL)
		end_copy(control);
}

/* ---- checkpoints */

/* Only of what is published: a commit that is not in the guard yet must not leave this machine. */
static enum err sign_size(const struct control_settings *settings, uint64_t size, struct head *head, struct why *why)
{
	struct ledger_source source;
	struct frontier frontier;
	struct store_txn *txn;
	struct log_keys keys;
	enum err err;

	head_get(settings->head, head);
	if (size == 0)
		return why_set(why, ERR_INVALID, "a ledger has one entry at least");
	if (size > head->size)
		return why_set(why, ERR_OVERLOADED, "the ledger has signed %" PRIu64 " entries so far", head->size);
	err = store_read(settings->store, &txn);
	if (err != OK)
		return err;
	ledger_source_init(&source, txn);
	err = tree_frontier(&source.source, size, &frontier);
	if (err == OK)
		err = log_keys_get(txn, &keys);
	store_abort(txn);
	if (err != OK)
		return err;
	head->size = size;
	head->root = frontier_root(&frontier);
	return log_signers_sign(settings->signers, &keys, head, why);
}

static enum err give_checkpoint(struct peer *peer, struct slice number, struct why *why)
{
	struct head *head = calloc(1, sizeof(*head));
	struct buf message;
	uint64_t size;
	enum err err = head == NULL ? ERR_MEMORY : OK;

	buf_init(&message, CONTROL_MESSAGE_SIZE_MAX);
	if (err == OK && decimal_parse(number, TREE_SIZE_MAX, &size) != OK)
		err = why_set(why, ERR_SYNTAX, "the size is not a number");
	if (err == OK)
		err = sign_size(&peer->control->settings, size, head, why);
	if (err == OK) {
		buf_add_text(&message, "checkpoint\n");
		buf_add_slice(&message, head_note(head));
		err = message.err;
	}
	if (err == OK && !send_bytes(peer, buf_slice(&message)))
		err = ERR_IO;
	buf_done(&message);
	free(head);
	return err;
}

/* ---- messages */

static bool take_prefix(struct slice *message, const char *prefix)
{
	size_t size = strlen(prefix);

	if (message->size < size || memcmp(message->data, prefix, size) != 0)
		return false;
	*message = slice_of(message->data + size, message->size - size);
	return true;
}

/* The descriptor is closed unless a copy took it. */
static void handle(struct peer *peer, struct slice message, int fd)
{
	struct why why = {.text = ""};
	bool is_taken = false;
	enum err err;

	if (message.size > 0 && message.data[message.size - 1] == '\n')
		message.size--;
	if (!take_prefix(&message, PREFIX)) {
		err = why_set(&why, ERR_SYNTAX, "not a message of this version; are both programs of one release?");
	} else if (slice_equal(message, slice_text("copy"))) {
		err = begin_copy(peer, fd, &why);
		is_taken = err == OK;
	} else if (take_prefix(&message, "checkpoint ")) {
		err = give_checkpoint(peer, message, &why);
	} else {
		err = why_set(&why, ERR_SYNTAX, "no such request");
	}
	if (fd >= 0 && !is_taken)
		close(fd);
	if ((err != OK && !refuse(peer, err, &why)) || listen_to(peer) != OK)
		drop(peer);
}

/* Closes all descriptors of a message but the first. */
static int take_descriptor(struct msghdr *header)
{
	int taken = -1;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL; part = CMSG_NXTHDR(header, part)) {
		size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
			if (taken < 0)
				taken = fd;
			else
				close(fd);
		}
	}
	return taken;
}

static void on_message(evutil_socket_t socket, short what, void *cookie)
{
	struct peer *peer = cookie;
	char text[CONTROL_MESSAGE_SIZE_MAX];
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr header;
	} parts;
	struct iovec vector = {.iov_base = text, .iov_len = sizeof(text)};
	struct msghdr header = {
	    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = parts.bytes, .msg_controllen = sizeof(parts)};
	ssize_t size;
	int fd;

	if ((what & EV_TIMEOUT) != 0) {
		drop(peer);
		return;
	}
	size = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (listen_to(peer) != OK)
			drop(peer);
		return;
	}
	if (size <= 0) {
		drop(peer);
		return;
	}
	fd = take_descriptor(&header);
	/* Who asks for more while his copy is made has lost the thread. */
	if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || peer->control->copy_peer == peer) {
		if (fd >= 0)
			close(fd);
		drop(peer);
		return;
	}
	handle(peer, slice_of(text, (size_t)size), fd);
}

/* The socket's mode keeps others out already; a mode can be changed. */
static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

static void on_accept(evutil_socket_t socket, short what, void *cookie)
{
	struct control *control = cookie;
	struct peer *peer = NULL;
	int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (fd < 0)
		return;
	if (control->peer_count < CONTROL_CONNECTIONS_MAX && is_allowed(fd))
		peer = calloc(1, sizeof(*peer));
	if (peer != NULL) {
		peer->control = control;
		peer->fd = fd;
		peer->event = event_new(control->settings.base, fd, EV_READ | EV_PERSIST, on_message, peer);
	}
	if (peer == NULL || peer->event == NULL) {
		free(peer);
		close(fd);
		return;
	}
	LIST_INSERT_HEAD(&control->peers, peer, link);
	control->peer_count++;
	if (listen_to(peer) != OK)
		drop(peer);
}

/* ---- opening and closing */

/* A socket that a killed daemon left is ours to remove: we hold the folder's lock. */
static enum err bind_socket(struct control *control, struct why *why)
{
	const struct sockaddr *address = (const struct sockaddr *)&control->address;
	const char *path = control->address.sun_path;
	struct stat stat;
	enum err err;
	int fd;

	if (lstat(path, &stat) == 0 && S_ISSOCK(stat.st_mode))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return folder_error(why, path, "make a socket");
	/* Before it has a name: the file gets the socket's mode, and is never open to more. */
	if (fchmod(fd, 0600) != 0 || bind(fd, address, sizeof(control->address)) != 0) {
		err = folder_error(why, path, "bind the socket");
		close(fd);
		return err;
	}
	control->fd = fd;
	return listen(fd, CONTROL_CONNECTIONS_MAX) == 0 ? OK : folder_error(why, path, "listen");
}

static enum err add_event(struct event **ret_event, struct event *event)
{
	*ret_event = event;
	return event != NULL && event_add(event, NULL) == 0 ? OK : ERR_MEMORY;
}

enum err control_open(const struct control_settings *settings, struct control **ret_control, struct why *why)
{
	struct control *control = calloc(1, sizeof(*control));
	struct event_base *base = settings->base;
	enum err err;

	if (control == NULL)
		return ERR_MEMORY;
	control->settings = *settings;
	control->fd = -1;
	LIST_INIT(&control->peers);
	err = control_address(settings->data, &control->address, why);
	if (err == OK)
		err = mailbox_new(1, &control->finished);
	if (err == OK)
		err = bind_socket(control, why);
	if (err == OK)
		err = add_event(&control->finished_event,
		    event_new(base, mailbox_fd(control->finished), EV_READ | EV_PERSIST, on_finished, control));
	if (err == OK)
		err = add_event(
		    &control->accept_event, event_new(base, control->fd, EV_READ | EV_PERSIST, on_accept, control));
	if (err == OK)
		*ret_control = control;
	else
		control_close(control);
	return err;
}

void control_close(struct control *control)
{
	if (control == NULL)
		return;
	if (control->copy != NULL) {
		copy_stop(control->copy);
		(void)mailbox_wait(control->finished, -1);
		end_copy(control);
	}
	while (!LIST_EMPTY(&control->peers))
		drop(LIST_FIRST(&control->peers));
	if (control->accept_event != NULL)
		event_free(control->accept_event);
	if (control->finished_event != NULL)
		event_free(control->finished_event);
	if (control->finished != NULL)
		mailbox_free(control->finished);
	if (control->fd >= 0) {
		unlink(control->address.sun_path);
		close(control->fd);
	}
	free(control);
}

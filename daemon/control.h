/*
 * The control socket: where the machine's own commands ask the daemon for what only the one process that owns the ledger
 * can do. A Unix socket `control` of mode 0600 in the data folder; root and the daemon's own user may use it. It takes
 * packets, one message each:
 *
 *	subsidyd.control/v1 copy\n		with one descriptor: an empty regular file, open for writing
 *		copied <bytes>\n			when the data file as some commit left it is in that file
 *	subsidyd.control/v1 checkpoint <size>\n
 *		checkpoint\n<note>			signed anew: of a size the ledger has or had
 *	either
 *		refused <name of the error>\n<text>
 *
 * One copy at a time; whoever hangs up ends the one he asked for. Loop thread.
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include <stdint.h>

#include "daemon/log_signers.h"
#include "daemon/store.h"

struct control;
struct event_base;

/* Not owned. */
struct control_settings {
	struct event_base *base;
	const char *data;		/* the folder; its lock is held */
	struct store *store;
	const struct log_signers *signers;	/* of the ledger's keys */
	struct head_box *head;
	uint64_t copy_limit_ms, idle_limit_ms;
};

/* ERR_CONFIG where the folder's path is too long for a socket's, ERR_IO, ERR_MEMORY. */
enum err control_open(const struct control_settings *settings, struct control **ret_control, struct why *why) must_check;
/* Gives up a copy in work, waits for its threads, and removes the socket. NULL-safe. */
void control_close(struct control *control);

/* The other side: one connection, waited for in the calling thread. ERR_NOT_FOUND where no daemon listens. */
enum err control_connect(const char *data, int *ret_fd, struct why *why) must_check;
enum err control_ask_copy(int fd, int file_fd, uint64_t *ret_size, struct why *why) must_check;
/* ERR_OVERLOADED while a commit of that size is not signed yet. */
enum err control_ask_checkpoint(int fd, uint64_t size, struct buf *ret_note, struct why *why) must_check;

/* "data/control". ERR_CONFIG. */
struct sockaddr_un;
enum err control_address(const char *data, struct sockaddr_un *ret_address, struct why *why) must_check;

#endif

/*
 * Listening sockets that the service manager opened and passed on, found by name: LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES, descriptors from 3 on (sd_listen_fds(3)). So the daemon can run where it may open no network socket
 * of its own.
 */
#ifndef DAEMON_INHERIT_H
#define DAEMON_INHERIT_H

#include <stddef.h>

#include "daemon/address.h"

#define INHERIT_FD_FIRST 3

struct inherited {
	int fd;			/* -1: no socket of this name was passed; else the caller's */
	struct address address;	/* where it listens */
};

/*
 * Fills one element of `ret_sockets` for each of `names`. A variable set for another process counts for nothing. The
 * descriptors get FD_CLOEXEC and O_NONBLOCK, and the variables are removed, whatever comes out: once, before other
 * threads begin. ERR_CONFIG where a name is unknown or comes twice, or a descriptor is no listening TCP socket;
 * then none is left open.
 */
enum err inherit_take(const char *const *names, size_t name_count, struct inherited *ret_sockets, struct why *why) must_check;

#endif

/*
 * Tells systemd how the daemon is doing, over the datagram socket that $NOTIFY_SOCKET names (a path, or an
 * abstract name behind '@'). Without that variable every call does nothing. Failures are ignored: a deaf manager
 * must not stop a ledger.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include "proto/err.h"

/* The ledger is open and the sockets accept. */
void notify_ready(void);
void notify_stopping(void);
/* One line for `systemctl status`. */
void notify_status(const char *format, ...) printf_like(1, 2);
/* For the watchdog: only while the oldest waiting batch is young. */
void notify_watchdog(void);

#endif

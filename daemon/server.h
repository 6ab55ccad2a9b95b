/*
 * The server: opens everything in order, owns it, runs the loop, and closes it in the reverse order.
 *
 * SIGTERM and SIGINT end it gracefully: no new connections, what is in work is answered (for at most
 * SERVER_STOP_MAX_S; a second signal cuts the wait), then everything is closed. SIGHUP reads the certificates
 * and the policy of the witnesses again; those in use stay where the new ones are no good. SIGUSR1 is the operator's word that the machine's clock is
 * right, where the ledger is read-only because it doubts that (gate.h).
 *
 * systemd is told of the start and the end, how many entries there are, and once a second that all is well, for as long
 * as the writer gives back what it was given. Sockets it has passed on are used in the place of the configured ones.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include "daemon/config.h"

#define SERVER_STOP_MAX_S 30

struct server;

/*
 * Locks and opens the ledger, compares it with its guard, listens, and tells systemd. Called once, before other threads
 * begin. The configuration must outlive the server. ERR_DAMAGED and ERR_GUARD: the ledger must not be served.
 */
enum err server_open(const struct config *config, struct server **ret_server, struct why *why) must_check;
/* Serves until it is told to end. OK, or ERR_ROLLED_BACK. */
enum err server_run(struct server *server) must_check;
void server_close(struct server *server);	/* NULL-safe */

#endif

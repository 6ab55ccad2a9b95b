/*
 * The connections beneath HTTP: who is connected, in which phase, until when, and how many bytes are held for whom.
 * Knows sockets, bufferevents and deadlines, nothing of evhttp: what must be done with an HTTP connection is
 * done by the two functions of connection_ops. Loop thread only. Used by http.c alone.
 */
#ifndef DAEMON_CONNECTION_H
#define DAEMON_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/http.h"

struct bufferevent;
struct evbuffer_cb_entry;
struct event;

enum connection_state {
	CONNECTION_NEW,		/* accepted in this turn of the loop, not looked at yet */
	CONNECTION_HANDSHAKE,	/* no byte of a request so far */
	CONNECTION_IDLE,	/* between requests */
	CONNECTION_READING,	/* a request is arriving */
	CONNECTION_IN_WORK,	/* it is whole, its answer is waited for */
	CONNECTION_WRITING,	/* the answer is leaving */
	CONNECTION_REFUSED,	/* a refusal was written; what still comes is thrown away */
};

struct connection {
	LIST_ENTRY(connection) links;
	struct connections *table;
	struct bufferevent *bufferevent;
	struct evbuffer_cb_entry *input_watch;
	struct event *timer;
	bool is_tls;
	enum connection_state state;
	bool is_over_limit;		/* its request went beyond the bytes that may be held */
	bool must_close;		/* once the answer is written */
	size_t held_size;		/* bytes received for the present request */
	uint8_t address[16];		/* IPv6, or IPv4 mapped; of IPv6 the /64, which is what one host may have */
	void *owner;			/* http.c: the evhttp connection */
	struct http_request *request;	/* http.c: the request in work */
};

struct connection_ops {
	/* Finds the HTTP connection of a new bufferevent and sets `owner`; false when it is gone already. */
	bool (*attach)(struct connection *connection);
	/* Closes it; it must call connection_on_close. */
	void (*close)(struct connection *connection);
};

#define HTTP_RETRY_AFTER "2"	/* seconds, for answers of 429 and 503 */

#define CONNECTION_BUCKETS 256	/* of the table by bufferevent: four connections each when it is full */
LIST_HEAD(connection_list, connection);

struct connections {
	struct event_base *base;
	const struct connection_ops *ops;
	struct http_limits limits;
	struct http_timeouts timeouts;
	struct http_counters *counters;
	struct connection_list buckets[CONNECTION_BUCKETS];
};

/* Watches a bufferevent that is about to get its socket. On ERR_MEMORY nothing is watched. */
enum err connection_begin(struct connections *table, struct bufferevent *bufferevent, bool is_tls) must_check;
struct connection *connection_find(struct connections *table, struct bufferevent *bufferevent);
/* Phases. */
void connection_on_request(struct connection *connection, struct http_request *request);
void connection_on_reply(struct connection *connection, bool must_close);
void connection_on_complete(struct connection *connection);
/* The socket is being closed: forgets and frees. */
void connection_on_close(struct connection *connection);
/* Closes all that no request is arriving or in work on. */
void connections_close_idle(struct connections *table);
/* Frees what was never attached, after everything else was closed. */
void connections_done(struct connections *table);

#endif

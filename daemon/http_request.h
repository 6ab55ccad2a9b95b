/*
 * Inside HTTP: what http.c (which makes requests) and http_reply.c (which answers and frees them) share. Nobody else
 * includes this.
 */
#ifndef DAEMON_HTTP_REQUEST_H
#define DAEMON_HTTP_REQUEST_H

#include "daemon/http.h"

#define HTTP_PEER_SIZE 64	/* of an address in numbers, an IPv6 scope included */

struct connection;
struct evhttp_request;

struct http_request {
	/* whose it is */
	struct http_counters *counters;
	const bool *is_stopping;	/* the server: no further request on any connection */
	struct connection *connection;	/* NULL once the client was seen leaving */
	struct evhttp_request *evrequest;
	enum http_tag tag;
	uint64_t id;
	char peer[HTTP_PEER_SIZE];	/* a copy: evhttp's goes with the connection */
	/* what was asked */
	enum http_method method;
	bool is_head;
	enum text_language language;
	struct target target;
	struct slice body;		/* evhttp's */
	/* the answer */
	bool must_close;		/* the connection ends with it */
	bool has_cache_control;
	void *user;
};

#endif

/*
 * HTTP: listeners, requests, replies. The only door to event2/http.h. Everything here runs on the loop thread.
 *
 * A listener hands each whole, well-formed request to one function. That function, or something it started, answers
 * exactly once, at once or later: every request ends in one http_reply…() call, which frees it. It stays valid until
 * then even when the client has left meanwhile (the reply is dropped). While an answer is pending nobody but the
 * holder touches the request: its slices may be read by a worker.
 *
 * Limits (limits.h) are kept here: sizes of headers, target and body, connections per address and in total, bytes
 * of bodies held, deadlines of handshake, request and idleness. What is over them never reaches a route.
 */
#ifndef DAEMON_HTTP_H
#define DAEMON_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "proto/bytes.h"
#include "daemon/target.h"
#include "proto/text.h"

struct event_base;
struct logline;
struct tls;
struct http;
struct http_listener;
struct http_request;

enum http_method {
	HTTP_GET,		/* HEAD too: the answer's body is left out */
	HTTP_POST,
	HTTP_DELETE,
};

enum http_tag {
	HTTP_FEED,
	HTTP_PUBLIC,
	HTTP_METRICS,
};

/* Numbers since the start; constantly changing, loop thread only. */
struct http_counters {
	uint64_t requests[3];		/* by enum http_tag: handed to a route or refused as malformed */
	uint64_t replies[6];		/* by first digit of the status */
	uint64_t connections_accepted;
	uint64_t refused_connections;	/* over a connection limit */
	uint64_t refused_reading;	/* over HTTP_READING_MAX */
	uint64_t timeouts;		/* handshakes and requests cut by their deadline */
	uint64_t clients_left;		/* before their answer was ready */
	/* Gauges. */
	size_t connections_open;
	size_t requests_in_work;
	size_t body_bytes_held;
};

/* What listeners share: the loop, the connection table, the counters. Ignores SIGPIPE. ERR_MEMORY. */
enum err http_new(struct event_base *base, struct http **ret_http) must_check;
/* Closes the listeners and every connection. No request may be pending (asserted). */
void http_free(struct http *http);
const struct http_counters *http_counters(const struct http *http);

/* Deadlines in milliseconds; set by http_new from limits.h, changed by tests only, before the first listener. */
struct http_timeouts {
	uint32_t handshake_ms;
	uint32_t request_ms;
	uint32_t idle_ms;
};
void http_set_timeouts(struct http *http, const struct http_timeouts *timeouts);
/* Limits as above; for tests only. */
struct http_limits {
	size_t connections_max;
	size_t connections_per_address_max;
	size_t reading_max;
};
void http_set_limits(struct http *http, const struct http_limits *limits);

struct http_listener_options {
	enum http_tag tag;
	const char *address;		/* "127.0.0.1:8443", "[::1]:0"; NULL: `fd` is listening already */
	int fd;				/* non-blocking; the listener's, once http_listen succeeds */
	struct tls *tls;		/* NULL: plain. Not owned; must outlive the listener */
	size_t body_max;
	void (*handle)(struct http_request *request, void *cookie);	/* called in the request's language */
	void *cookie;
};

/* Binds and listens. ERR_IO with the address and the reason, ERR_CONFIG, ERR_MEMORY. Freed by http_free. */
enum err http_listen(struct http *http, const struct http_listener_options *options, struct http_listener **ret_listener,
    struct why *why) must_check;
/* "127.0.0.1:34567": with the real port. Valid as long as the listener. */
const char *http_listener_address(const struct http_listener *listener);
/* Closes every listening socket, and every connection after the answer it waits for; requests in work go on. */
void http_stop_accepting(struct http *http);
/* Requests handed out and not answered yet. */
size_t http_in_work(const struct http *http);

/* A request. Slices and strings are valid until the reply. */
enum http_method http_request_method(const struct http_request *request);
const struct target *http_request_target(const struct http_request *request);
struct slice http_request_path(const struct http_request *request);
/* A decoded query parameter; false when it is absent. */
bool http_request_parameter(const struct http_request *request, const char *name, struct slice *ret_value);
/* ERR_BAD_REQUEST that names the first one not in `known` (NULL-terminated). */
enum err http_request_check_parameters(const struct http_request *request, const char *const *known,
    struct why *why) must_check;
/* The value of a header (name in any case), NULL when it is absent. */
const char *http_request_header(const struct http_request *request, const char *name);
/* Is the body of this media type, parameters aside? */
bool http_request_is_of_type(const struct http_request *request, const char *media_type);
/* The language of the texts in its answer, from Accept-Language: each thread that works on it uses it meanwhile. */
enum text_language http_request_language(const struct http_request *request);
struct slice http_request_body(const struct http_request *request);
/* The text behind "Authorization: Bearer "; data NULL when there is none. */
struct slice http_request_bearer(const struct http_request *request);
/* The peer's address without its port, for logs. */
const char *http_request_peer(const struct http_request *request);
/* Counts up from 1. */
uint64_t http_request_id(const struct http_request *request);
/*
 * Begins the line of a request: number, peer, listener, size of the body where there is one, and how it ended:
 * the status, and the error's name unless it is OK. Nothing else that the peer sent.
 */
void http_log_begin(const struct http_request *request, enum err err, struct logline *ret_line);
enum http_tag http_request_tag(const struct http_request *request);
/* A pointer of the route's own; NULL at first. */
void http_request_set_user(struct http_request *request, void *user);
void *http_request_user(const struct http_request *request);

/*
 * Replies. Each frees the request. `body` is copied. Answers carry Cache-Control: no-store (unless a Cache-Control
 * was added) and X-Content-Type-Options: nosniff.
 */
/* Adds a header to the coming reply; name and value are ours, never a peer's text (asserted: visible ASCII). */
void http_reply_header(struct http_request *request, const char *name, const char *value);
void http_reply(struct http_request *request, int status, const char *content_type, struct slice body);
/* The same, but the bytes of the buffer are taken over, which is empty after. */
void http_reply_text(struct http_request *request, int status, const char *content_type, struct buf *text);
/* Compact JSON and one newline. Takes `json` over; NULL (out of memory while building) answers 503. */
void http_reply_json(struct http_request *request, int status, json_t *json);
/*
 * application/problem+json: type urn:subsidy:error:<name>, title, status, detail (where `why` is not NULL), and the
 * members of `extra` (taken over, may be NULL). 401 carries WWW-Authenticate, 429 and 503 Retry-After.
 */
void http_reply_problem(struct http_request *request, enum err err, const struct why *why, json_t *extra);

#endif

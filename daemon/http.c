/*
 * What evhttp 2.1.12 does and does not do for us:
 *
 * - It limits headers and body, but reads from the socket without bound unless the bufferevent has a high watermark,
 *   which must leave room for the longest body; else that body never completes.
 * - Its timeouts are for idleness only, it counts no connections, and it shows none before a whole request has arrived:
 *   see connection.c. A new bufferevent is seen first by the callback that makes it, before evhttp has tied it
 *   to a connection; one turn later the connection is found as the argument of the callbacks evhttp set on it.
 * - It takes the first of several Content-Length, ignores a Transfer-Encoding it doesn't know, and truncates decoded
 *   queries at %00: check_request and target.c refuse all that. After a refusal of the framing the connection
 *   is closed, for what follows on it may be anything.
 * - Where memory is short it would serve a TLS listener in the clear; such a connection has no entry in the table, and
 *   is answered 503 before anything of it is looked at.
 * - An answer may come later: the request stays untouched in the meantime, reading from the client is off. A client
 *   that has left is noticed when the answer is written.
 */
#include "daemon/http.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include "daemon/address.h"
#include "daemon/connection.h"
#include "daemon/http_request.h"
#include "daemon/log.h"
#include "daemon/logline.h"
#include "daemon/spare.h"
#include "daemon/tls.h"

/* Descriptors beside those of connections: the ledger's files, listeners, logs, those just being refused. */
#define DESCRIPTORS_OTHER 64

struct http_listener {
	LIST_ENTRY(http_listener) links;
	struct http *http;
	struct http_listener_options options;
	struct evhttp *evhttp;
	struct evhttp_bound_socket *bound; /* NULL once it stopped accepting */
	char address[ADDRESS_TEXT_SIZE];
};

struct http {
	struct event_base *base;
	LIST_HEAD(, http_listener) listeners;
	struct connections connections;
	struct http_counters counters;
	uint64_t last_request_id;
	bool is_stopping;
};

static bool attach_connection(struct connection *connection);
static void close_connection(struct connection *connection);

static const struct connection_ops connection_ops = {.attach = attach_connection, .close = close_connection};

static void on_libevent_log(int severity, const char *message)
{
	if (severity >= EVENT_LOG_WARN)
		log_warn("libevent: %s", message);
	else
		log_debug("libevent: %s", message);
}

static void on_libevent_fatal(int error)
{
	log_fatal("libevent gave up (%d)", error);
}

/*
 * As many descriptors as connections are allowed, where the system grants them; else fewer connections. A connection
 * beyond the limit is accepted and closed, whereas one that can't be accepted would keep the loop spinning.
 */
static size_t fit_connections(size_t connections_max)
{
	const rlim_t wanted = connections_max + DESCRIPTORS_OTHER;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return connections_max;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
		connections_max =
		    limit.rlim_cur > 2 * DESCRIPTORS_OTHER ? limit.rlim_cur - DESCRIPTORS_OTHER : DESCRIPTORS_OTHER;
		log_warn("the system allows %llu open files: at most %zu connections are taken",
		    (unsigned long long)limit.rlim_cur, connections_max);
	}
	return connections_max;
}

enum err http_new(struct event_base *base, struct http **ret_http)
{
	struct http *http = calloc(1, sizeof(*http));

	if (http == NULL)
		return ERR_MEMORY;
	signal(SIGPIPE, SIG_IGN);
	event_set_log_callback(on_libevent_log);
	event_set_fatal_callback(on_libevent_fatal);
	http->base = base;
	LIST_INIT(&http->listeners);
	http->connections = (struct connections){
	    .base = base,
	    .ops = &connection_ops,
	    .counters = &http->counters,
	    .limits = {.connections_max = fit_connections(HTTP_CONNECTIONS_MAX),
		.connections_per_address_max = HTTP_CONNECTIONS_PER_ADDRESS_MAX,
		.reading_max = HTTP_READING_MAX},
	    .timeouts = {.handshake_ms = HTTP_HANDSHAKE_TIMEOUT_S * 1000,
		.request_ms = HTTP_REQUEST_TIMEOUT_S * 1000,
		.idle_ms = HTTP_IDLE_TIMEOUT_S * 1000},
	};
	*ret_http = http;
	return OK;
}

static void listener_free(struct http_listener *listener)
{
	if (listener->evhttp != NULL)
		evhttp_free(listener->evhttp);
	free(listener);
}

void http_free(struct http *http)
{
	struct http_listener *listener;

	if (http == NULL)
		return;
	assert(http->counters.requests_in_work == 0);
	while ((listener = LIST_FIRST(&http->listeners)) != NULL) {
		LIST_REMOVE(listener, links);
		listener_free(listener);
	}
	connections_done(&http->connections);
	free(http);
}

const struct http_counters *http_counters(const struct http *http)
{
	return &http->counters;
}

size_t http_in_work(const struct http *http)
{
	return http->counters.requests_in_work;
}

void http_set_timeouts(struct http *http, const struct http_timeouts *timeouts)
{
	http->connections.timeouts = *timeouts;
}

void http_set_limits(struct http *http, const struct http_limits *limits)
{
	http->connections.limits = *limits;
}

/* Connections */

static void on_close(struct evhttp_connection *evconnection, void *cookie)
{
	struct connection *connection = cookie;

	(void)evconnection;
	if (connection->request != NULL)
		connection->request->connection = NULL;
	connection_on_close(connection);
}

static bool attach_connection(struct connection *connection)
{
	struct evhttp_connection *evconnection;
	void *argument = NULL;

	bufferevent_getcb(connection->bufferevent, NULL, NULL, NULL, &argument);
	evconnection = argument;
	if (evconnection == NULL)
		return false;
	assert(evhttp_connection_get_bufferevent(evconnection) == connection->bufferevent);
	connection->owner = evconnection;
	evhttp_connection_set_closecb(evconnection, on_close, connection);
	return true;
}

static void close_connection(struct connection *connection)
{
	evhttp_connection_free(connection->owner);
}

/* evhttp has accepted a socket and wants a bufferevent for it. */
static struct bufferevent *on_accept(struct event_base *base, void *cookie)
{
	struct http_listener *listener = cookie;
	struct tls *tls = listener->options.tls;
	struct bufferevent *bufferevent =
	    tls != NULL ? tls_bufferevent_new(tls, base) : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	if (bufferevent == NULL)
		return NULL;
	if (connection_begin(&listener->http->connections, bufferevent, tls != NULL) != OK) {
		bufferevent_free(bufferevent);
		return NULL;
	}
	bufferevent_setwatermark(bufferevent, EV_READ, 0, listener->options.body_max + HTTP_HEADERS_SIZE_MAX);
	return bufferevent;
}

/* Requests */

/* RFC 9110 section 5.6.2; evhttp lets a space before the colon pass, with which proxies have been fooled. */
static bool is_token(const char *text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	if (text[0] == '\0')
		return false;
	for (; *text != '\0'; text++) {
		bool is_letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');

		if (!is_letter && !(*text >= '0' && *text <= '9') && strchr(others, *text) == NULL)
			return false;
	}
	return true;
}

struct framing {
	unsigned host_count;
	unsigned length_count;
	unsigned encoding_count;
	unsigned authorization_count;
	const char *length;
	const char *encoding;
};

static enum err read_framing(struct evhttp_request *evrequest, struct framing *framing, struct why *why)
{
	struct evkeyval *header;

	TAILQ_FOREACH (header, evhttp_request_get_input_headers(evrequest), next) {
		if (!is_token(header->key))
			return why_set(why, ERR_BAD_REQUEST, "a header's name is not valid");
		if (strcasecmp(header->key, "Host") == 0) {
			framing->host_count++;
		} else if (strcasecmp(header->key, "Content-Length") == 0) {
			framing->length_count++;
			framing->length = header->value;
		} else if (strcasecmp(header->key, "Transfer-Encoding") == 0) {
			framing->encoding_count++;
			framing->encoding = header->value;
		} else if (strcasecmp(header->key, "Authorization") == 0) {
			framing->authorization_count++;
		}
	}
	return OK;
}

/* Where a message ends must be beyond doubt, for whoever stands between the client and us. */
static enum err check_framing(struct http_request *request, struct why *why)
{
	size_t body_size = evbuffer_get_length(evhttp_request_get_input_buffer(request->evrequest));
	struct framing framing = {.length = NULL};
	uint64_t length = 0;
	enum err err = read_framing(request->evrequest, &framing, why);

	if (err != OK)
		return err;
	if (request->evrequest->major != 1) {
		request->evrequest->major = request->evrequest->minor = 1; /* evhttp answers in the request's version */
		return why_set(why, ERR_BAD_REQUEST, "the version is not HTTP/1.1");
	}
	if (framing.host_count != 1)
		return why_set(why, ERR_BAD_REQUEST, "a request carries exactly one Host header");
	if (framing.length_count + framing.encoding_count > 1)
		return why_set(why, ERR_BAD_REQUEST, "a request carries one Content-Length or one Transfer-Encoding");
	if (framing.authorization_count > 1)
		return why_set(why, ERR_BAD_REQUEST, "a request carries at most one Authorization header");
	if (framing.encoding != NULL && strcasecmp(framing.encoding, "chunked") != 0)
		return why_set(why, ERR_BAD_REQUEST, "the only known Transfer-Encoding is chunked");
	if (framing.length != NULL && decimal_parse(slice_text(framing.length), UINT32_MAX, &length) != OK)
		return why_set(why, ERR_BAD_REQUEST, "Content-Length is not a plain number");
	if (request->method != HTTP_POST && (length != 0 || framing.encoding != NULL || body_size != 0))
		return why_set(why, ERR_BAD_REQUEST, "only a POST carries a body");
	if (framing.length != NULL && length != body_size)
		return why_set(why, ERR_BAD_REQUEST, "Content-Length is not the size of the body");
	return OK;
}

static enum err read_method(struct http_request *request, struct why *why)
{
	/* A mask of bits that evhttp may extend: not a closed enumeration. */
	unsigned command = evhttp_request_get_command(request->evrequest);

	if (command == EVHTTP_REQ_GET || command == EVHTTP_REQ_HEAD)
		request->method = HTTP_GET;
	else if (command == EVHTTP_REQ_POST)
		request->method = HTTP_POST;
	else if (command == EVHTTP_REQ_DELETE)
		request->method = HTTP_DELETE;
	else
		return why_set(why, ERR_METHOD, "methods here are GET, HEAD, POST and DELETE");
	request->is_head = command == EVHTTP_REQ_HEAD;
	return OK;
}

static void give_back(const void *data, size_t size, void *memory)
{
	(void)data;
	spare_give(memory, size);
}

/*
 * The body in one piece, which is the buffer's from then on. That is what evbuffer_pullup does, but into memory that is
 * new each time.
 */
static enum err join_body(struct evbuffer *input, struct slice *ret_body, struct why *why)
{
	size_t size = evbuffer_get_length(input);
	void *memory;

	*ret_body = slice_of("", 0);
	if (size == 0)
		return OK;
	if (evbuffer_get_contiguous_space(input) == size) {
		*ret_body = slice_of(evbuffer_pullup(input, -1), size);
		return OK;
	}
	memory = spare_take(size);
	if (memory == NULL)
		return why_set(why, ERR_MEMORY, "not enough memory for the body");
	if (evbuffer_remove(input, memory, size) != (int)size ||
	    evbuffer_add_reference(input, memory, size, give_back, memory) != 0) {
		spare_give(memory, size);
		return why_set(why, ERR_MEMORY, "not enough memory for the body");
	}
	*ret_body = slice_of(memory, size);
	return OK;
}

static enum err check_request(struct http_request *request, struct why *why)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(request->evrequest);
	const char *uri = evhttp_request_get_uri(request->evrequest);
	enum err err;

	if (request->connection->is_over_limit)
		return why_set(why, ERR_OVERLOADED, "too many bytes are being received at this moment");
	err = read_method(request, why);
	if (err == OK)
		err = check_framing(request, why);
	if (err == OK)
		err = target_decode(slice_text(uri), &request->target, why);
	if (err != OK)
		return err;
	return join_body(input, &request->body, why);
}

/* For logs: the address in numbers, of an IPv4 peer on an IPv6 socket without the prefix. */
static void copy_peer(struct evhttp_connection *evconnection, char ret_peer[static HTTP_PEER_SIZE])
{
	static const char mapped[] = "::ffff:";
	char *text = NULL;
	const char *peer;
	uint16_t port;

	evhttp_connection_get_peer(evconnection, &text, &port);
	peer = text == NULL ? "" : text;
	if (strncmp(peer, mapped, sizeof(mapped) - 1) == 0 && strchr(peer, '.') != NULL)
		peer += sizeof(mapped) - 1;
	snprintf(ret_peer, HTTP_PEER_SIZE, "%s", peer);
}

/* A request that reaches no route. */
static void refuse_malformed(struct http_request *request, enum err err, const struct why *why)
{
	struct logline line;

	request->must_close = true;
	if (err == ERR_OVERLOADED)
		request->counters->refused_reading++;
	if (err == ERR_METHOD)
		http_reply_header(request, "Allow", "GET, HEAD, POST, DELETE");
	http_log_begin(request, err, &line);
	logline_text(&line, "why", slice_text(why_english(why)));
	log_info("%s", line.text);
	http_reply_problem(request, err, why, NULL);
}

/* A whole request has arrived. */
static void on_request(struct evhttp_request *evrequest, void *cookie)
{
	struct http_listener *listener = cookie;
	struct http *http = listener->http;
	struct evhttp_connection *evconnection = evhttp_request_get_connection(evrequest);
	struct bufferevent *bufferevent = evhttp_connection_get_bufferevent(evconnection);
	struct connection *connection = connection_find(&http->connections, bufferevent);
	struct http_request *request = NULL;
	struct why why = {.text = ""};
	enum err err;

	if (connection != NULL && connection->state != CONNECTION_NEW)
		request = calloc(1, sizeof(*request));
	if (request == NULL) {
		evhttp_send_error(evrequest, 503, NULL);
		return;
	}
	request->counters = &http->counters;
	request->connection = connection;
	request->evrequest = evrequest;
	request->tag = listener->options.tag;
	request->id = ++http->last_request_id;
	request->is_stopping = &http->is_stopping;
	copy_peer(evconnection, request->peer);
	http->counters.requests[request->tag]++;
	http->counters.requests_in_work++;
	request->language = text_language_of_header(http_request_header(request, "Accept-Language"));
	text_use(request->language);
	err = check_request(request, &why);
	connection_on_request(connection, request);
	if (err == OK)
		listener->options.handle(request, listener->options.cookie);
	else
		refuse_malformed(request, err, &why);
	text_use(TEXT_ENGLISH);
}

/* Listeners */

static enum err bind_address(struct http_listener *listener, struct evconnlistener **ret_evlistener, struct why *why)
{
	unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
	struct evconnlistener *evlistener;
	struct address address;
	enum err err = address_parse(listener->options.address, &address, why);

	if (err != OK)
		return err;
	if (address.socket.ss_family == AF_INET6)
		flags |= LEV_OPT_BIND_IPV6ONLY;
	evlistener = evconnlistener_new_bind(
	    listener->http->base, NULL, NULL, flags, -1, (struct sockaddr *)&address.socket, (int)address.size);
	if (evlistener == NULL)
		return why_set(why, ERR_IO, "%s: %s", listener->options.address, strerror(errno));
	*ret_evlistener = evlistener;
	return OK;
}

/* A backlog of 0: it listens already. */
static enum err take_over(struct http_listener *listener, struct evconnlistener **ret_evlistener)
{
	struct evconnlistener *evlistener =
	    evconnlistener_new(listener->http->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 0, listener->options.fd);

	if (evlistener == NULL)
		return ERR_MEMORY;
	*ret_evlistener = evlistener;
	return OK;
}

static enum err bind_listener(struct http_listener *listener, struct why *why)
{
	struct evconnlistener *evlistener = NULL;
	struct address address = {.size = sizeof(address.socket)};
	enum err err = listener->options.address != NULL ? bind_address(listener, &evlistener, why)
							 : take_over(listener, &evlistener);

	if (err != OK)
		return err;
	listener->bound = evhttp_bind_listener(listener->evhttp, evlistener);
	if (listener->bound == NULL) {
		evconnlistener_free(evlistener);
		return ERR_MEMORY;
	}
	if (getsockname(evconnlistener_get_fd(evlistener), (struct sockaddr *)&address.socket, &address.size) != 0)
		return why_set(why, ERR_IO, "a listening socket has no address: %s", strerror(errno));
	address_format(&address, listener->address);
	return OK;
}

enum err http_listen(struct http *http, const struct http_listener_options *options,
    struct http_listener **ret_listener, struct why *why)
{
	const struct http_timeouts *timeouts = &http->connections.timeouts;
	const struct timeval idle = {.tv_sec = timeouts->idle_ms / 1000, .tv_usec = timeouts->idle_ms % 1000 * 1000};
	struct http_listener *listener = calloc(1, sizeof(*listener));
	enum err err = ERR_MEMORY;

	if (listener == NULL)
		return ERR_MEMORY;
	listener->http = http;
	listener->options = *options;
	listener->evhttp = evhttp_new(http->base);
	if (listener->evhttp == NULL)
		goto out;
	evhttp_set_timeout_tv(listener->evhttp, &idle);
	evhttp_set_max_headers_size(listener->evhttp, HTTP_HEADERS_SIZE_MAX);
	evhttp_set_max_body_size(listener->evhttp, (ssize_t)options->body_max);
	/* All, even unknown ones: what we don't take gets an answer of our own form. */
	evhttp_set_allowed_methods(listener->evhttp, UINT16_MAX);
	evhttp_set_bevcb(listener->evhttp, on_accept, listener);
	evhttp_set_gencb(listener->evhttp, on_request, listener);
	err = bind_listener(listener, why);
out:
	if (err != OK) {
		listener_free(listener);
		return err;
	}
	LIST_INSERT_HEAD(&http->listeners, listener, links);
	*ret_listener = listener;
	return OK;
}

const char *http_listener_address(const struct http_listener *listener)
{
	return listener->address;
}

void http_stop_accepting(struct http *http)
{
	struct http_listener *listener;

	http->is_stopping = true;
	LIST_FOREACH(listener, &http->listeners, links)
	{
		if (listener->bound != NULL)
			evhttp_del_accept_socket(listener->evhttp, listener->bound);
		listener->bound = NULL;
	}
	connections_close_idle(&http->connections);
}

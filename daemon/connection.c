/*
 * evhttp shows a connection only once a whole request has arrived; slow and silent peers stay invisible to its
 * user. So each bufferevent is watched from its birth: a callback on its input buffer counts bytes and sees the
 * first one of a request; one timer per connection carries the deadline of the present phase.
 *
 *	NEW -> HANDSHAKE -> READING -> IN_WORK -> WRITING -> IDLE -> READING ...
 *	                    READING -> REFUSED
 *
 * A buffer's callback may not free the connection it runs for. It only records facts and activates the timer, whose
 * callback decides. Refusals are written past evhttp, which offers no way to answer a half-received request: its
 * callbacks are taken off the bufferevent, and what still arrives is thrown away until the peer has read the
 * answer and closes (closing with unread input would reset the connection and destroy the answer).
 */
#include "daemon/connection.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "daemon/tls.h"

static struct connection_list *bucket_of(struct connections *table, const struct bufferevent *bufferevent)
{
	return &table->buckets[((uintptr_t)bufferevent >> 6) % CONNECTION_BUCKETS];
}

struct connection *connection_find(struct connections *table, struct bufferevent *bufferevent)
{
	struct connection *connection;

	LIST_FOREACH(connection, bucket_of(table, bufferevent), links)
	if (connection->bufferevent == bufferevent)
		return connection;
	return NULL;
}

static void set_state(struct connection *connection, enum connection_state state, uint32_t timeout_ms)
{
	const struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};

	connection->state = state;
	if (timeout_ms == 0)
		event_del(connection->timer);
	else
		event_add(connection->timer, &timeout);
}

static void hold(struct connection *connection, size_t size)
{
	connection->held_size += size;
	connection->table->counters->body_bytes_held += size;
	if (connection->table->counters->body_bytes_held > connection->table->limits.reading_max)
		connection->is_over_limit = true;
}

static void release_held(struct connection *connection)
{
	assert(connection->table->counters->body_bytes_held >= connection->held_size);
	connection->table->counters->body_bytes_held -= connection->held_size;
	connection->held_size = 0;
	connection->is_over_limit = false;
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *cookie)
{
	struct connection *connection = cookie;

	(void)input;
	if (info->n_added == 0 || connection->state == CONNECTION_REFUSED)
		return;
	if (connection->state == CONNECTION_HANDSHAKE || connection->state == CONNECTION_IDLE)
		set_state(connection, CONNECTION_READING, connection->table->timeouts.request_ms);
	hold(connection, info->n_added);
	if (connection->is_over_limit && connection->state == CONNECTION_READING)
		event_active(connection->timer, EV_TIMEOUT, 0);
}

/* The cookies are unused: evhttp may still have a call of the former read callback under way, with its own. */
static void on_refused_input(struct bufferevent *bufferevent, void *cookie)
{
	struct evbuffer *input = bufferevent_get_input(bufferevent);

	(void)cookie;
	evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_refused_event(struct bufferevent *bufferevent, short what, void *cookie)
{
	struct connection *connection = cookie;

	(void)bufferevent, (void)what;
	connection->table->ops->close(connection);
}

static void refuse(struct connection *connection, int status, enum err err, const char *detail)
{
	char body[512];
	int size = snprintf(body, sizeof(body),
	    "{\"type\":\"urn:subsidy:error:%s\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}\n", err_name(err),
	    err_sentence(err), status, detail);
	struct bufferevent *bufferevent = connection->bufferevent;

	assert(size > 0 && (size_t)size < sizeof(body));
	connection->table->counters->replies[status / 100]++;
	set_state(connection, CONNECTION_REFUSED, connection->table->timeouts.handshake_ms);
	release_held(connection);
	bufferevent_setcb(bufferevent, on_refused_input, NULL, on_refused_event, connection);
	evbuffer_add_printf(bufferevent_get_output(bufferevent),
	    "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n"
	    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%sConnection: close\r\n\r\n%s",
	    status, status == 503 ? "Service Unavailable" : "Request Timeout", size,
	    status == 503 ? "Retry-After: " HTTP_RETRY_AFTER "\r\n" : "", body);
	on_refused_input(bufferevent, NULL);
	bufferevent_enable(bufferevent, EV_READ | EV_WRITE);
}

/* What counts as one peer: an IPv4 address, or an IPv6 network of 64 bits. */
static bool read_peer(struct connection *connection, int fd)
{
	struct sockaddr_storage peer;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&peer;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&peer;
	socklen_t size = sizeof(peer);

	if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0)
		return false;
	memset(connection->address, 0, sizeof(connection->address));
	if (peer.ss_family == AF_INET) {
		memset(connection->address + 10, 0xff, 2);
		memcpy(connection->address + 12, &v4->sin_addr, 4);
	} else if (peer.ss_family == AF_INET6) {
		memcpy(connection->address, &v6->sin6_addr, IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) ? 16 : 8);
	}
	return true;
}

static bool is_beyond_limits(const struct connection *connection)
{
	const struct connections *table = connection->table;
	size_t same_count = 0;
	struct connection *other;

	if (table->counters->connections_open > table->limits.connections_max)
		return true;
	for (size_t i = 0; i < CONNECTION_BUCKETS; i++)
		LIST_FOREACH(other, &table->buckets[i], links)
	if (other->state != CONNECTION_NEW && memcmp(other->address, connection->address, sizeof(other->address)) == 0)
		same_count++;
	return same_count > table->limits.connections_per_address_max;
}

/* Frees a connection that has no HTTP connection, or no longer; its bufferevent is still there. */
static void forget(struct connection *connection)
{
	release_held(connection);
	evbuffer_remove_cb_entry(bufferevent_get_input(connection->bufferevent), connection->input_watch);
	LIST_REMOVE(connection, links);
	connection->table->counters->connections_open--;
	event_free(connection->timer);
	free(connection);
}

static void adopt(struct connection *connection)
{
	struct connections *table = connection->table;
	struct bufferevent *bufferevent = connection->bufferevent;
	int on = 1, fd = bufferevent_getfd(bufferevent);
	bool is_attached = fd >= 0 && table->ops->attach(connection);

	if (!is_attached) {
		forget(connection);
	} else if (!read_peer(connection, fd)) {
		table->ops->close(connection);
	} else {
		/* Without it an answer in two segments waits for the peer's delayed acknowledgement. */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		table->counters->connections_accepted++;
		set_state(connection, CONNECTION_HANDSHAKE,
		    connection->is_tls ? table->timeouts.handshake_ms : table->timeouts.idle_ms);
		if (is_beyond_limits(connection)) {
			table->counters->refused_connections++;
			table->ops->close(connection);
		}
	}
	bufferevent_decref(bufferevent);
}

static void on_timer(evutil_socket_t fd, short what, void *cookie)
{
	struct connection *connection = cookie;
	struct connections *table = connection->table;

	(void)fd, (void)what;
	switch (connection->state) {
	case CONNECTION_NEW: adopt(connection); break;
	case CONNECTION_HANDSHAKE:
		if (connection->is_tls && tls_is_established(connection->bufferevent)) {
			set_state(connection, CONNECTION_IDLE, table->timeouts.idle_ms);
			break;
		}
		table->counters->timeouts++;
		table->ops->close(connection);
		break;
	case CONNECTION_READING:
		if (connection->is_over_limit) {
			table->counters->refused_reading++;
			refuse(connection, 503, ERR_OVERLOADED, "too many bytes are being received at this moment");
		} else {
			table->counters->timeouts++;
			refuse(connection, 408, ERR_BAD_REQUEST, "the request did not arrive whole in time");
		}
		break;
	case CONNECTION_WRITING:
		table->counters->timeouts++;
		table->ops->close(connection);
		break;
	case CONNECTION_IDLE:
	case CONNECTION_REFUSED: table->ops->close(connection); break;
	case CONNECTION_IN_WORK: break; /* activated for bytes over the limit just before the request was whole */
	}
}

enum err connection_begin(struct connections *table, struct bufferevent *bufferevent, bool is_tls)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return ERR_MEMORY;
	connection->table = table;
	connection->bufferevent = bufferevent;
	connection->is_tls = is_tls;
	connection->timer = event_new(table->base, -1, 0, on_timer, connection);
	if (connection->timer == NULL)
		goto fail;
	connection->input_watch = evbuffer_add_cb(bufferevent_get_input(bufferevent), on_input, connection);
	if (connection->input_watch == NULL)
		goto fail;
	LIST_INSERT_HEAD(bucket_of(table, bufferevent), connection, links);
	table->counters->connections_open++;
	/* The socket comes right after this call. Until it is looked at, the bufferevent is kept alive. */
	bufferevent_incref(bufferevent);
	event_active(connection->timer, EV_TIMEOUT, 0);
	return OK;
fail:
	if (connection->timer != NULL)
		event_free(connection->timer);
	free(connection);
	return ERR_MEMORY;
}

void connection_on_request(struct connection *connection, struct http_request *request)
{
	assert(connection->request == NULL && connection->state != CONNECTION_NEW);
	connection->request = request;
	set_state(connection, CONNECTION_IN_WORK, 0);
}

void connection_on_reply(struct connection *connection, bool must_close)
{
	connection->must_close = must_close;
	connection->request = NULL;
	set_state(connection, CONNECTION_WRITING, connection->table->timeouts.request_ms);
}

void connection_on_complete(struct connection *connection)
{
	size_t rest_size = evbuffer_get_length(bufferevent_get_input(connection->bufferevent));

	release_held(connection);
	if (connection->must_close) {
		/* evhttp closes by itself, but not after a CONNECT or a request for a proxy. */
		set_state(connection, CONNECTION_IDLE, connection->table->timeouts.idle_ms);
		event_active(connection->timer, EV_TIMEOUT, 0);
	} else if (rest_size == 0) {
		set_state(connection, CONNECTION_IDLE, connection->table->timeouts.idle_ms);
	} else {
		/* The next request began to arrive behind this one; evhttp goes on with it by itself. */
		set_state(connection, CONNECTION_READING, connection->table->timeouts.request_ms);
		hold(connection, rest_size);
	}
}

void connection_on_close(struct connection *connection)
{
	if (connection->state == CONNECTION_IN_WORK || connection->state == CONNECTION_WRITING)
		connection->table->counters->clients_left++;
	forget(connection);
}

void connections_close_idle(struct connections *table)
{
	struct connection *connection, *next;

	for (size_t i = 0; i < CONNECTION_BUCKETS; i++) {
		for (connection = LIST_FIRST(&table->buckets[i]); connection != NULL; connection = next) {
			next = LIST_NEXT(connection, links);
			if (connection->state == CONNECTION_HANDSHAKE || connection->state == CONNECTION_IDLE)
				table->ops->close(connection);
		}
	}
}

void connections_done(struct connections *table)
{
	for (size_t i = 0; i < CONNECTION_BUCKETS; i++) {
		struct connection *connection;

		while ((connection = LIST_FIRST(&table->buckets[i])) != NULL) {
			struct bufferevent *bufferevent = connection->bufferevent;

			assert(connection->state == CONNECTION_NEW);
			forget(connection);
			bufferevent_decref(bufferevent);
		}
	}
	assert(table->counters->connections_open == 0);
}

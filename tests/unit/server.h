/*
 * A real HTTP server for tests: its loop runs in a thread of its own, the test is the client. Its numbers may be read
 * once it was stopped.
 */
#ifndef TESTS_SERVER_H
#define TESTS_SERVER_H

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "daemon/http.h"
#include "daemon/tls.h"

struct server {
	/* given */
	struct http_timeouts timeouts;
	struct http_limits limits;
	struct http_listener_options options;
	/* running */
	pthread_t thread;
	struct event_base *base;
	struct http *http;
	struct http_listener *listener;
	struct event *stop_event;
	struct event *drain_event;
	int stop_fd;
	int drain_fd;	/* written to: stop accepting */
	uint16_t port;
	/* after server_stop */
	struct http_counters counters;
};

static inline void server_on_stop(evutil_socket_t fd, short what, void *cookie)
{
	struct server *server = cookie;

	(void)fd, (void)what;
	event_base_loopbreak(server->base);
}

static inline void server_on_drain(evutil_socket_t fd, short what, void *cookie)
{
	struct server *server = cookie;

	(void)fd, (void)what;
	http_stop_accepting(server->http);
}

static inline void *server_run(void *cookie)
{
	struct server *server = cookie;

	event_base_dispatch(server->base);
	return NULL;
}

/* `options` but for the address; handlers get the server as their cookie. */
static inline void server_start(struct server *server)
{
	struct why why = {""};
	enum err err;

	server->base = event_base_new();
	err = http_new(server->base, &server->http);
	assert(err == OK);
	http_set_timeouts(server->http, &server->timeouts);
	http_set_limits(server->http, &server->limits);
	server->options.address = "127.0.0.1:0";
	server->options.cookie = server;
	err = http_listen(server->http, &server->options, &server->listener, &why);
	assert(err == OK);
	server->port = (uint16_t)strtoul(strrchr(http_listener_address(server->listener), ':') + 1, NULL, 10);
	server->stop_fd = eventfd(0, 0);
	server->drain_fd = eventfd(0, 0);
	server->stop_event = event_new(server->base, server->stop_fd, EV_READ, server_on_stop, server);
	server->drain_event = event_new(server->base, server->drain_fd, EV_READ, server_on_drain, server);
	event_add(server->stop_event, NULL);
	event_add(server->drain_event, NULL);
	err = pthread_create(&server->thread, NULL, server_run, server) == 0 ? OK : ERR_MEMORY;
	assert(err == OK);
}

static inline void server_signal(int fd)
{
	uint64_t one = 1;
	ssize_t done = write(fd, &one, sizeof(one));

	assert(done == sizeof(one));
}

static inline void server_stop(struct server *server)
{
	server_signal(server->stop_fd);
	pthread_join(server->thread, NULL);
	server->counters = *http_counters(server->http);
	event_free(server->stop_event);
	event_free(server->drain_event);
	http_free(server->http);
	event_base_free(server->base);
	close(server->stop_fd);
	close(server->drain_fd);
}

/* A client: plain, or TLS where a context is given. */
struct client {
	int fd;
	SSL *ssl;
};

static inline int client_connect_socket(const struct server *server)
{
	const struct timeval timeout = {.tv_sec = 10};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server->port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* fd is -1 where the server refuses. */
static inline struct client client_open(const struct server *server, SSL_CTX *context)
{
	struct client client = {.fd = client_connect_socket(server), .ssl = NULL};

	if (client.fd >= 0 && context != NULL) {
		client.ssl = SSL_new(context);
		SSL_set_fd(client.ssl, client.fd);
		if (SSL_connect(client.ssl) != 1) {
			SSL_free(client.ssl);
			close(client.fd);
			return (struct client){.fd = -1, .ssl = NULL};
		}
	}
	return client;
}

static inline void client_close(struct client *client)
{
	SSL_free(client->ssl);
	if (client->fd >= 0)
		close(client->fd);
}

/* False where the peer no longer takes it. */
static inline bool client_send(struct client *client, const void *data, size_t size)
{
	const char *rest = data;

	while (size > 0) {
		ssize_t done = client->ssl != NULL ? SSL_write(client->ssl, rest, size > 65536 ? 65536 : (int)size)
						   : send(client->fd, rest, size, MSG_NOSIGNAL);

		if (done <= 0)
			return false;
		rest += done;
		size -= (size_t)done;
	}
	return true;
}

static inline bool client_say(struct client *client, const char *text)
{
	return client_send(client, text, strlen(text));
}

static inline ssize_t client_read(struct client *client, char *data, size_t size)
{
	return client->ssl != NULL ? SSL_read(client->ssl, data, (int)size) : recv(client->fd, data, size, 0);
}

/* Reads until the server closes, at most size - 1 bytes; NUL-terminated. */
static inline size_t client_read_all(struct client *client, char *text, size_t size)
{
	size_t used = 0;
	ssize_t done;

	while (used < size - 1 && (done = client_read(client, text + used, size - 1 - used)) > 0)
		used += (size_t)done;
	text[used] = '\0';
	return used;
}

/* Reads one answer by its Content-Length; the text ends behind its body. */
static inline size_t client_read_answer(struct client *client, char *text, size_t size)
{
	size_t used = 0, whole = 0;

	while (used < size - 1 && (whole == 0 || used < whole)) {
		const char *end, *length;

		if (client_read(client, text + used, 1) != 1)
			break;
		text[++used] = '\0';
		end = whole == 0 ? strstr(text, "\r\n\r\n") : NULL;
		if (end == NULL)
			continue;
		length = strstr(text, "Content-Length: ");
		whole = used + (length == NULL ? 0 : strtoul(length + strlen("Content-Length: "), NULL, 10));
	}
	text[used] = '\0';
	return used;
}

static inline int answer_status(const char *text)
{
	return strncmp(text, "HTTP/1.1 ", 9) == 0 ? (int)strtol(text + 9, NULL, 10) : 0;
}

static inline const char *answer_body(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");

	return end == NULL ? "" : end + 4;
}

#endif

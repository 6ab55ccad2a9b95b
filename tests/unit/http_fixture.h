/* A listener on the loopback whose routes answer at once, later, or with what was asked; and how a test talks to it. */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include <stdio.h>
#include <time.h>

#include "tests/unit/certificate.h"
#include "tests/unit/server.h"

#include "proto/limits.h"
#include "daemon/clock.h"
#include "daemon/http.h"

#define ANSWER_MAX 65536
#define LATER_MS 200
#define HOST "Host: localhost\r\n"
#define CLOSE "Connection: close\r\n"

static struct tls *server_tls;
static SSL_CTX *client_tls;
static char answer[ANSWER_MAX];
static char later_peer[64]; /* as the last late answer saw it */
static enum text_language later_language;

struct later {
	struct http_request *request;
	struct event *timer;
};

static inline void on_later(evutil_socket_t fd, short what, void *cookie)
{
	struct later *later = cookie;
	static uint8_t body[300000];

	(void)fd, (void)what;
	memset(body, 'l', sizeof(body));
	later_language = text_language();
	snprintf(later_peer, sizeof(later_peer), "%s", http_request_peer(later->request));
	http_reply(later->request, 200, "text/plain", slice_of(body, sizeof(body)));
	event_free(later->timer);
	free(later);
}

static inline void answer_later(struct http_request *request, struct event_base *base)
{
	static const struct timeval delay = {.tv_usec = LATER_MS * 1000};
	struct later *later = calloc(1, sizeof(*later));

	later->request = request;
	later->timer = event_new(base, -1, 0, on_later, later);
	event_add(later->timer, &delay);
}

static inline void answer_echo(struct http_request *request)
{
	struct slice a, bearer = http_request_bearer(request), body = http_request_body(request);
	uint64_t sum = 0;
	bool has_a = http_request_parameter(request, "a", &a);

	for (size_t i = 0; i < body.size; i++)
		sum += body.data[i];
	http_request_set_user(request, request);
	http_reply_json(request, 201,
	    json_pack("{s:i, s:I, s:I, s:o, s:o, s:s, s:b, s:b, s:b}", "method", (int)http_request_method(request),
		"size", (json_int_t)body.size, "sum", (json_int_t)sum, "a",
		has_a ? json_stringn((const char *)a.data, a.size) : json_null(), "bearer",
		bearer.data != NULL ? json_stringn((const char *)bearer.data, bearer.size) : json_null(), "peer",
		http_request_peer(request), "is_json", http_request_is_of_type(request, "application/json"), "is_feed",
		http_request_tag(request) == HTTP_FEED, "has_user", http_request_user(request) == request));
}

static inline void handle(struct http_request *request, void *cookie)
{
	static const char *const known[] = {"a", NULL};
	struct server *server = cookie;
	struct slice path = http_request_path(request);
	struct why why;

	if (slice_equal(path, slice_text("/later"))) {
		answer_later(request, server->base);
	} else if (slice_equal(path, slice_text("/echo"))) {
		answer_echo(request);
	} else if (slice_equal(path, slice_text("/busy"))) {
		http_reply_problem(request, ERR_FEED_BUSY, NULL, NULL);
	} else if (slice_equal(path, slice_text("/private"))) {
		http_reply_problem(request, ERR_UNAUTHORIZED, NULL, NULL);
	} else if (slice_equal(path, slice_text("/nothing"))) {
		http_reply_json(request, 200, NULL);
	} else if (slice_equal(path, slice_text("/hello"))) {
		http_reply_header(request, "X-Test", "yes");
		http_reply(request, 200, "text/plain", slice_text("hello\n"));
	} else if (slice_equal(path, slice_text("/cached"))) {
		http_reply_header(request, "Cache-Control", "max-age=5");
		http_reply(request, 204, NULL, slice_of("", 0));
	} else if (http_request_check_parameters(request, known, &why) != OK) {
		http_reply_problem(request, ERR_BAD_REQUEST, &why, NULL);
	} else {
		why_set(&why, ERR_NOT_FOUND, "no page \"%.*s\"", (int)(path.size > 20 ? 20 : path.size), path.data);
		http_reply_problem(request, ERR_NOT_FOUND, &why, json_pack("{s:i, s:i}", "next", 7, "status", 200));
	}
}

/* Deadlines long enough not to disturb, sizes as in production. */
static inline struct server server_default(void)
{
	return (struct server){
	    .timeouts = {.handshake_ms = 10000, .request_ms = 10000, .idle_ms = 10000},
	    .limits = {.connections_max = HTTP_CONNECTIONS_MAX,
		.connections_per_address_max = HTTP_CONNECTIONS_PER_ADDRESS_MAX,
		.reading_max = HTTP_READING_MAX},
	    .options = {.tag = HTTP_PUBLIC, .body_max = HTTP_PUBLIC_BODY_MAX, .handle = handle},
	};
}

/* Sends, reads until the server closes. */
static inline const char *exchange(const struct server *server, SSL_CTX *context, const char *request)
{
	struct client client = client_open(server, context);

	assert_true(client.fd >= 0);
	client_say(&client, request);
	client_read_all(&client, answer, sizeof(answer));
	client_close(&client);
	return answer;
}

static inline uint64_t elapsed_ms(uint64_t since_us)
{
	return (clock_monotonic_us() - since_us) / 1000;
}

static inline void assert_nothing_left(const struct server *server)
{
	assert_int_equal(server->counters.requests_in_work, 0);
	assert_int_equal(server->counters.body_bytes_held, 0);
	assert_int_equal(server->counters.connections_open, 0);
}

/* Lets the loop see that clients have closed, then stops. */
static inline void stop_when_quiet(struct server *server)
{
	const struct timespec pause = {.tv_nsec = 100000000};

	nanosleep(&pause, NULL);
	server_stop(server);
}

/* The sum of the echo tells that every byte came through. */
static inline void post_body(const struct server *server, SSL_CTX *context, size_t size, int expected_status)
{
	struct client client = client_open(server, context);
	char head[200], expected[64];
	char *body = malloc(size);

	assert_true(client.fd >= 0);
	memset(body, 1, size);
	snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: %zu\r\n\r\n", size);
	client_say(&client, head);
	client_send(&client, body, size);
	client_read_all(&client, answer, sizeof(answer));
	client_close(&client);
	free(body);
	if (expected_status != 413 || answer[0] != '\0') /* a reset may have overtaken the refusal */
		assert_int_equal(answer_status(answer), expected_status);
	snprintf(expected, sizeof(expected), "\"size\":%zu,\"sum\":%zu,", size, size);
	assert_int_equal(strstr(answer, expected) != NULL, expected_status == 201);
}

static inline void assert_cut(const struct server *server, struct client *client, uint64_t at_most_ms)
{
	uint64_t begin_us = clock_monotonic_us();
	char byte;

	(void)server;
	assert_true(client->fd >= 0);
	assert_true(recv(client->fd, &byte, 1, 0) <= 0 && errno != EAGAIN);
	assert_true(elapsed_ms(begin_us) < at_most_ms);
	client_close(client);
}

static inline int set_up(void **state)
{
	static char folder[FOLDER_SIZE];
	char certificate[PATH_SIZE], key[PATH_SIZE];
	struct tls_files files;
	struct why why;

	(void)state;
	folder_make(folder);
	certificate_make(folder, "localhost");
	files = (struct tls_files){.certificate = folder_path(folder, "localhost.crt", certificate),
	    .key = folder_path(folder, "localhost.key", key)};
	if (tls_new(&files, &server_tls, &why) != OK)
		return -1;
	folder_remove(folder);
	client_tls = SSL_CTX_new(TLS_client_method());
	return client_tls == NULL ? -1 : 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	tls_free(server_tls);
	SSL_CTX_free(client_tls);
	return 0;
}

#endif

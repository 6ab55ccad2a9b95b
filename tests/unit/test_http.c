/* A listener on the loopback against clients that are hasty, slow, greedy, rude or gone. */
#include "daemon/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <netinet/tcp.h>

#include <cmocka.h>

#include "tests/unit/certificate.h"
#include "tests/unit/server.h"

#include "proto/limits.h"
#include "daemon/clock.h"

#define ANSWER_MAX 65536
#define LATER_MS 200
#define HOST "Host: localhost\r\n"
#define CLOSE "Connection: close\r\n"

static struct tls *server_tls;
static SSL_CTX *client_tls;
static char answer[ANSWER_MAX];

struct later {
	struct http_request *request;
	struct event *timer;
};

static void on_later(evutil_socket_t fd, short what, void *cookie)
{
	struct later *later = cookie;
	static uint8_t body[300000];

	(void)fd, (void)what;
	memset(body, 'l', sizeof(body));
	http_reply(later->request, 200, "text/plain", slice_of(body, sizeof(body)));
	event_free(later->timer);
	free(later);
}

static void answer_later(struct http_request *request, struct event_base *base)
{
	static const struct timeval delay = {.tv_usec = LATER_MS * 1000};
	struct later *later = calloc(1, sizeof(*later));

	later->request = request;
	later->timer = event_new(base, -1, 0, on_later, later);
	event_add(later->timer, &delay);
}

static void answer_echo(struct http_request *request)
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

static void handle(struct http_request *request, void *cookie)
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
static struct server server_default(void)
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
static const char *exchange(const struct server *server, SSL_CTX *context, const char *request)
{
	struct client client = client_open(server, context);

	assert_true(client.fd >= 0);
	client_say(&client, request);
	client_read_all(&client, answer, sizeof(answer));
	client_close(&client);
	return answer;
}

static uint64_t elapsed_ms(uint64_t since_us)
{
	return (clock_monotonic_us() - since_us) / 1000;
}

static void assert_nothing_left(const struct server *server)
{
	assert_int_equal(server->counters.requests_in_work, 0);
	assert_int_equal(server->counters.body_bytes_held, 0);
	assert_int_equal(server->counters.connections_open, 0);
}

/* Lets the loop see that clients have closed, then stops. */
static void stop_when_quiet(struct server *server)
{
	const struct timespec pause = {.tv_nsec = 100000000};

	nanosleep(&pause, NULL);
	server_stop(server);
}

static void answers_over_plain_and_tls(void **state)
{
	(void)state;
	for (int is_tls = 0; is_tls < 2; is_tls++) {
		struct server server = server_default();

		server.options.tls = is_tls ? server_tls : NULL;
		server_start(&server);
		exchange(&server, is_tls ? client_tls : NULL, "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n");
		assert_int_equal(answer_status(answer), 200);
		assert_string_equal(answer_body(answer), "hello\n");
		assert_non_null(strstr(answer, "\r\nContent-Type: text/plain\r\n"));
		assert_non_null(strstr(answer, "\r\nX-Content-Type-Options: nosniff\r\n"));
		assert_non_null(strstr(answer, "\r\nCache-Control: no-store\r\n"));
		assert_non_null(strstr(answer, "\r\nX-Test: yes\r\n"));
		exchange(&server, is_tls ? client_tls : NULL, "GET /cached HTTP/1.1\r\n" HOST CLOSE "\r\n");
		assert_int_equal(answer_status(answer), 204);
		assert_null(strstr(answer, "no-store"));
		assert_non_null(strstr(answer, "\r\nCache-Control: max-age=5\r\n"));
		stop_when_quiet(&server);
		assert_nothing_left(&server);
		assert_int_equal(server.counters.requests[HTTP_PUBLIC], 2);
		assert_int_equal(server.counters.replies[2], 2);
		assert_int_equal(server.counters.connections_accepted, 2);
	}
}

static void gives_routes_what_was_asked(void **state)
{
	struct server server = server_default();

	(void)state;
	server.options.tag = HTTP_FEED;
	server_start(&server);
	exchange(&server, NULL,
	    "POST /echo?a=x%26%E5%B2%9B HTTP/1.1\r\n" HOST CLOSE "authorization: bearer 00ff\r\n"
	    "Content-Type: application/json; charset=utf-8\r\nContent-Length: 3\r\n\r\nabc");
	assert_int_equal(answer_status(answer), 201);
	assert_string_equal(answer_body(answer),
	    "{\"method\":1,\"size\":3,\"sum\":294,\"a\":\"x&岛\",\"bearer\":\"00ff\",\"peer\":\"127.0.0.1\","
	    "\"is_json\":true,\"is_feed\":true,\"has_user\":true}\n");
	exchange(&server, NULL,
	    "POST /echo HTTP/1.1\r\n" HOST CLOSE "Authorization: Basic eA==\r\nContent-Type: application/jsonx\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
	assert_non_null(strstr(answer, "\"size\":3,\"sum\":294,\"a\":null,\"bearer\":null"));
	assert_non_null(strstr(answer, "\"is_json\":false"));
	exchange(&server, NULL, "DELETE /echo HTTP/1.1\r\n" HOST CLOSE "\r\n");
	assert_non_null(strstr(answer, "{\"method\":2,\"size\":0"));
	stop_when_quiet(&server);
	assert_nothing_left(&server);
}

static void answers_head_without_a_body(void **state)
{
	struct server server = server_default();
	struct client client;

	(void)state;
	server_start(&server);
	exchange(&server, NULL, "HEAD /hello HTTP/1.1\r\n" HOST CLOSE "\r\n");
	assert_int_equal(answer_status(answer), 200);
	assert_non_null(strstr(answer, "\r\nContent-Length: 6\r\n"));
	assert_string_equal(answer_body(answer), "");
	/* And the connection goes on with the next request. */
	client = client_open(&server, NULL);
	client_say(&client, "HEAD /hello HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n");
	client_read_all(&client, answer, sizeof(answer));
	client_close(&client);
	assert_int_equal(strncmp(answer_body(answer), "HTTP/1.1 200", 12), 0);
	stop_when_quiet(&server);
	assert_nothing_left(&server);
}

static void refuses_what_is_doubtful(void **state)
{
	static const struct {
		const char *request;
		int status;
	} rows[] = {
	    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
	    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
	    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	    {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\na", 400},
	    {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 400},
	    {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
	    {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n", 400},
	    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\na", 400},
	    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 01\r\n\r\na", 400},
	    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400},
	    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n", 400},
	    {"POST /echo HTTP/1.1\r\n" HOST "Content-Length : 1\r\n\r\na", 400},
	    {"GET /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na", 400},
	    {"HEAD /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na", 400},
	    {"DELETE /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	    {"GET /hello HTTP/1.1\r\n\r\n", 400},
	    {"GET /hello HTTP/1.1\r\n" HOST HOST "\r\n", 400},
	    {"GET /hello HTTP/1.1\r\n" HOST "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", 400},
	    {"GET /hello HTTP/2.0\r\n" HOST "\r\n", 400},
	    {"GET /hello HTTP/0.9\r\n" HOST "\r\n", 400},
	    {"GET hello HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET http://localhost/hello HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET /a%00b HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET /hello?a=%00 HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET /hello?a=1&a=2 HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET /../hello HTTP/1.1\r\n" HOST "\r\n", 400},
	    {"GET /x?b=1 HTTP/1.1\r\n" HOST CLOSE "\r\n", 400},
	    {"PUT /hello HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na", 405},
	    {"PATCH /hello HTTP/1.1\r\n" HOST "\r\n", 405},
	    {"TRACE /hello HTTP/1.1\r\n" HOST "\r\n", 405},
	    {"OPTIONS /hello HTTP/1.1\r\n" HOST "\r\n", 405},
	    {"CONNECT localhost:1 HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", 405},
	    {"GET http://other/ HTTP/1.1\r\n" HOST
	     "Proxy-Connection: keep-alive\r\n\r\nGET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n",
		400},
	    {"BREW /hello HTTP/1.1\r\n" HOST "\r\n", 405},
	    {"nonsense\r\n\r\n", 400},
	};
	struct server server = server_default();

	(void)state;
	server_start(&server);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		exchange(&server, NULL, rows[i].request);
		if (answer_status(answer) != rows[i].status)
			fail_msg("row %zu: %s\ngave: %s", i, rows[i].request, answer);
		/* Whatever followed on this connection was never looked at. */
		if (strstr(answer_body(answer), "HTTP/1.1 ") != NULL)
			fail_msg("row %zu: two answers: %s", i, answer);
	}
	stop_when_quiet(&server);
	assert_nothing_left(&server);
}

static void answers_problems_as_documents(void **state)
{
	struct server server = server_default();

	(void)state;
	server_start(&server);
	exchange(&server, NULL, "GET /x HTTP/1.1\r\n" HOST CLOSE "\r\n");
	assert_int_equal(answer_status(answer), 404);
	assert_non_null(strstr(answer, "\r\nContent-Type: application/problem+json\r\n"));
	assert_null(strstr(answer, "Retry-After"));
	assert_string_equal(answer_body(answer),
	    "{\"type\":\"urn:subsidy:error:not_found\",\"title\":\"there is no such thing here\",\"status\":404,"
	    "\"detail\":\"no page \\\"/x\\\"\",\"next\":7}\n");
	exchange(&server, NULL, "GET /busy HTTP/1.1\r\n" HOST CLOSE "\r\n");
	assert_int_equal(answer_status(answer), 429);
	assert_non_null(strstr(answer, "\r\nRetry-After: "));
	assert_null(strstr(answer, "detail"));
	exchange(&server, NULL, "GET /nothing HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(answer_status(answer), 503);
	exchange(&server, NULL, "GET /private HTTP/1.1\r\n" HOST CLOSE "\r\n");
	assert_int_equal(answer_status(answer), 401);
	assert_non_null(strstr(answer, "\r\nWWW-Authenticate: Bearer\r\n"));
	exchange(&server, NULL, "PUT /x HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD, POST, DELETE\r\n"));
	stop_when_quiet(&server);
	assert_int_equal(server.counters.replies[4], 4);
	assert_int_equal(server.counters.replies[5], 1);
}

static void keeps_the_size_of_targets_and_headers(void **state)
{
	static char request[4 * HTTP_HEADERS_SIZE_MAX];
	struct server server = server_default();

	(void)state;
	server_start(&server);
	for (int over = -1; over <= 1; over++) {
		char target[HTTP_TARGET_SIZE_MAX + 2];
		int size = HTTP_TARGET_SIZE_MAX + over;

		memset(target, 'a', sizeof(target));
		target[0] = '/';
		snprintf(request, sizeof(request), "GET %.*s HTTP/1.1\r\n" HOST CLOSE "\r\n", size, target);
		exchange(&server, NULL, request);
		assert_int_equal(answer_status(answer), over > 0 ? 400 : 404);
	}
	for (int is_over = 0; is_over < 2; is_over++) {
		static char padding[HTTP_HEADERS_SIZE_MAX + 1];
		int size = is_over ? HTTP_HEADERS_SIZE_MAX : HTTP_HEADERS_SIZE_MAX - 200;

		memset(padding, 'x', sizeof(padding));
		snprintf(request, sizeof(request), "GET /hello HTTP/1.1\r\n" HOST CLOSE "X-Pad: %.*s\r\n\r\n", size,
		    padding);
		exchange(&server, NULL, request);
		assert_int_equal(answer_status(answer), is_over ? 400 : 200);
	}
	stop_when_quiet(&server);
	assert_nothing_left(&server);
}

/* The sum of the echo tells that every byte came through. */
static void post_body(const struct server *server, SSL_CTX *context, size_t size, int expected_status)
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

static void keeps_the_size_of_bodies(void **state)
{
	struct server server = server_default();
	struct client client;

	(void)state;
	server_start(&server);
	post_body(&server, NULL, HTTP_PUBLIC_BODY_MAX - 1, 201);
	post_body(&server, NULL, HTTP_PUBLIC_BODY_MAX, 201);
	post_body(&server, NULL, HTTP_PUBLIC_BODY_MAX + 1, 413);
	/* Refused by its announcement, before it is sent. */
	exchange(&server, NULL, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n");
	assert_int_equal(answer_status(answer), 413);
	exchange(&server, NULL, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n10001\r\n");
	assert_int_equal(answer_status(answer), 413);
	/* A client that asks first is told to go on. */
	client = client_open(&server, NULL);
	client_say(&client, "POST /echo HTTP/1.1\r\n" HOST CLOSE "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n");
	client_read_answer(&client, answer, sizeof(answer));
	assert_int_equal(answer_status(answer), 100);
	client_say(&client, "a");
	client_read_all(&client, answer, sizeof(answer));
	assert_int_equal(answer_status(answer), 201);
	client_close(&client);
	stop_when_quiet(&server);
	assert_nothing_left(&server);
}

static void takes_the_longest_push(void **state)
{
	(void)state;
	for (int is_tls = 0; is_tls < 2; is_tls++) {
		struct server server = server_default();

		server.options.tag = HTTP_FEED;
		server.options.body_max = HTTP_FEED_BODY_MAX;
		server.options.tls = is_tls ? server_tls : NULL;
		server_start(&server);
		post_body(&server, is_tls ? client_tls : NULL, HTTP_FEED_BODY_MAX, 201);
		stop_when_quiet(&server);
		assert_nothing_left(&server);
	}
}

static void answers_requests_behind_each_other_in_order(void **state)
{
	struct server server = server_default();
	struct client client;

	(void)state;
	server_start(&server);
	client = client_open(&server, NULL);
	client_say(&client,
	    "POST /echo?a=1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabcGET /echo?a=2 HTTP/1.1\r\n" HOST
	    "\r\nGET /later HTTP/1.1\r\n" HOST "\r\nGET /echo?a=3 HT");
	client_read_answer(&client, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"sum\":294,\"a\":\"1\""));
	client_read_answer(&client, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"a\":\"2\""));
	{
		static char large[400000];

		assert_true(client_read_answer(&client, large, sizeof(large)) > 300000);
	}
	client_say(&client, "TP/1.1\r\n" HOST "\r\n");
	client_read_answer(&client, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"a\":\"3\""));
	client_close(&client);
	stop_when_quiet(&server);
	assert_nothing_left(&server);
	assert_int_equal(server.counters.requests[HTTP_PUBLIC], 4);
	assert_int_equal(server.counters.connections_accepted, 1);
	assert_int_equal(server.counters.clients_left, 0);
}

/* A byte now and then keeps evhttp's own timeout from ever firing. */
static void cuts_a_request_that_arrives_slowly(void **state)
{
	static const char request[] = "GET /hello HTTP/1.1\r\nX-Slow: ";

	(void)state;
	for (int is_tls = 0; is_tls < 2; is_tls++) {
		const struct timespec pause = {.tv_nsec = 20000000};
		struct server server = server_default();
		struct client client;
		uint64_t begin_us;

		server.timeouts.request_ms = 500;
		server.options.tls = is_tls ? server_tls : NULL;
		server_start(&server);
		client = client_open(&server, is_tls ? client_tls : NULL);
		begin_us = clock_monotonic_us();
		client_say(&client, request);
		while (elapsed_ms(begin_us) < 5000) {
			struct timeval wait = {.tv_sec = 0};
			fd_set set;

			client_send(&client, "x", 1);
			nanosleep(&pause, NULL);
			FD_ZERO(&set);
			FD_SET(client.fd, &set);
			if (select(client.fd + 1, &set, NULL, NULL, &wait) == 1)
				break;
		}
		assert_in_range(elapsed_ms(begin_us), 450, 3000);
		client_read_answer(&client, answer, sizeof(answer));
		assert_int_equal(answer_status(answer), 408);
		client_close(&client);
		stop_when_quiet(&server);
		assert_nothing_left(&server);
		assert_int_equal(server.counters.timeouts, 1);
	}
}

static void assert_cut(const struct server *server, struct client *client, uint64_t at_most_ms)
{
	uint64_t begin_us = clock_monotonic_us();
	char byte;

	(void)server;
	assert_true(client->fd >= 0);
	assert_true(recv(client->fd, &byte, 1, 0) <= 0 && errno != EAGAIN);
	assert_true(elapsed_ms(begin_us) < at_most_ms);
	client_close(client);
}

static void cuts_silent_clients(void **state)
{
	struct server server = server_default();
	struct client client;

	(void)state;
	server.timeouts = (struct http_timeouts){.handshake_ms = 300, .request_ms = 5000, .idle_ms = 600};
	server.options.tls = server_tls;
	server_start(&server);
	/* No handshake at all, half of one. */
	client = client_open(&server, NULL);
	assert_cut(&server, &client, 2000);
	client = client_open(&server, NULL);
	client_send(&client, "\x16\x03\x01\x00\xf0\x01", 6);
	assert_cut(&server, &client, 2000);
	/* A handshake, then nothing; a request, then nothing. */
	client = client_open(&server, client_tls);
	assert_int_equal(client_read_all(&client, answer, sizeof(answer)), 0);
	client_close(&client);
	client = client_open(&server, client_tls);
	client_say(&client, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	client_read_all(&client, answer, sizeof(answer));
	assert_string_equal(answer_body(answer), "hello\n");
	client_close(&client);
	stop_when_quiet(&server);
	assert_nothing_left(&server);
	assert_int_equal(server.counters.timeouts, 2);
	server = server_default();
	server.timeouts = (struct http_timeouts){.handshake_ms = 5000, .request_ms = 5000, .idle_ms = 300};
	server_start(&server);
	client = client_open(&server, NULL);
	assert_cut(&server, &client, 2000);
	stop_when_quiet(&server);
	assert_nothing_left(&server);
}

/* evhttp would wait for ever for a peer that reads its answer byte by byte. */
static void cuts_a_client_that_does_not_read(void **state)
{
	struct server server = server_default();
	struct client client;
	int small = 4096;

	(void)state;
	server.timeouts.request_ms = 600;
	server_start(&server);
	client = client_open(&server, NULL);
	setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 0; i < 30; i++)
		client_say(&client, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < 100; i++) {
		const struct timespec pause = {.tv_nsec = 100000000};

		nanosleep(&pause, NULL);
		if (!client_say(&client, "x"))
			break;
	}
	client_close(&client);
	stop_when_quiet(&server);
	assert_nothing_left(&server);
	assert_int_equal(server.counters.timeouts, 1);
	assert_int_equal(server.counters.clients_left, 1);
}

/* The server's end of the connection is in this process too. */
static void sends_segments_without_delay(void **state)
{
	struct server server = server_default();
	struct sockaddr_in mine = {.sin_family = AF_INET}, peer;
	struct client client;
	int found_count = 0;

	(void)state;
	server_start(&server);
	client = client_open(&server, NULL);
	client_say(&client, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	client_read_answer(&client, answer, sizeof(answer));
	assert_int_equal(getsockname(client.fd, (struct sockaddr *)&mine, &(socklen_t){sizeof(mine)}), 0);
	for (int fd = 3; fd < 200; fd++) {
		int is_on = 0;

		if (getpeername(fd, (struct sockaddr *)&peer, &(socklen_t){sizeof(peer)}) != 0 ||
		    peer.sin_port != mine.sin_port)
			continue;
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &is_on, &(socklen_t){sizeof(is_on)}), 0);
		assert_true(is_on);
		found_count++;
	}
	assert_int_equal(found_count, 1);
	client_close(&client);
	stop_when_quiet(&server);
}

static void counts_connections(void **state)
{
	(void)state;
	for (int is_total = 0; is_total < 2; is_total++) {
		struct server server = server_default();
		struct client clients[3], client;

		if (is_total)
			server.limits.connections_max = 3;
		else
			server.limits.connections_per_address_max = 3;
		server_start(&server);
		for (int i = 0; i < 3; i++) {
			clients[i] = client_open(&server, NULL);
			client_say(&clients[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n");
			client_read_answer(&clients[i], answer, sizeof(answer));
			assert_int_equal(answer_status(answer), 200);
		}
		client = client_open(&server, NULL);
		assert_cut(&server, &client, 1000);
		/* One that leaves makes room, though it may never have asked for anything. */
		client_close(&clients[0]);
		usleep(50000);
		clients[0] = client_open(&server, NULL);
		usleep(50000);
		client_close(&clients[0]);
		usleep(50000);
		assert_int_equal(
		    answer_status(exchange(&server, NULL, "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n")), 200);
		client_close(&clients[1]);
		client_close(&clients[2]);
		stop_when_quiet(&server);
		assert_nothing_left(&server);
		assert_int_equal(server.counters.refused_connections, 1);
		assert_int_equal(server.counters.connections_accepted, 6);
	}
}

static void bounds_the_bytes_of_all_bodies_together(void **state)
{
	(void)state;
	for (int is_tls = 0; is_tls < 2; is_tls++) {
		static char bytes[1 << 20];
		struct server server = server_default();
		SSL_CTX *context = is_tls ? client_tls : NULL;
		struct client first, second;

		server.options.body_max = HTTP_FEED_BODY_MAX;
		server.options.tls = is_tls ? server_tls : NULL;
		server.limits.reading_max = 3 << 20;
		server_start(&server);
		first = client_open(&server, context);
		client_say(&first, "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 2097152\r\n\r\n");
		client_send(&first, bytes, sizeof(bytes));
		client_send(&first, bytes, sizeof(bytes) - 1);
		usleep(100000);
		second = client_open(&server, context);
		client_say(&second, "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 8388608\r\n\r\n");
		for (int i = 0; i < 4; i++) /* refused before it is whole */
			client_send(&second, bytes, sizeof(bytes));
		client_read_answer(&second, answer, sizeof(answer));
		assert_int_equal(answer_status(answer), 503);
		assert_non_null(strstr(answer, "\r\nRetry-After: "));
		assert_non_null(strstr(answer, "urn:subsidy:error:overloaded"));
		client_close(&second);
		client_send(&first, bytes, 1);
		client_read_all(&first, answer, sizeof(answer));
		assert_int_equal(answer_status(answer), 201);
		client_close(&first);
		post_body(&server, context, 3000000, 201);
		stop_when_quiet(&server);
		assert_nothing_left(&server);
		assert_int_equal(server.counters.refused_reading, 1);
	}
}

/* What one request held is given back before the next on the same connection. */
static void counts_held_bytes_anew_for_each_request(void **state)
{
	static char bytes[HTTP_PUBLIC_BODY_MAX];
	struct server server = server_default();
	struct client client;

	(void)state;
	server.limits.reading_max = 2 * HTTP_PUBLIC_BODY_MAX;
	server_start(&server);
	client = client_open(&server, NULL);
	for (int i = 0; i < 5; i++) {
		client_say(&client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 65536\r\n\r\n");
		client_send(&client, bytes, sizeof(bytes));
		client_read_answer(&client, answer, sizeof(answer));
		assert_int_equal(answer_status(answer), 201);
	}
	client_close(&client);
	stop_when_quiet(&server);
	assert_nothing_left(&server);
	assert_int_equal(server.counters.refused_reading, 0);
}

static void survives_clients_that_leave_before_the_answer(void **state)
{
	(void)state;
	for (int is_tls = 0; is_tls < 2; is_tls++) {
		const struct timespec pause = {.tv_nsec = 3 * LATER_MS * 1000000};
		const struct linger reset = {.l_onoff = 1, .l_linger = 0};
		struct server server = server_default();
		struct client clients[40];

		server.options.tls = is_tls ? server_tls : NULL;
		server_start(&server);
		for (int i = 0; i < 40; i++) {
			clients[i] = client_open(&server, is_tls ? client_tls : NULL);
			client_say(&clients[i], "POST /later HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde");
			if (i % 2 == 0)
				setsockopt(clients[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		}
		usleep(50000);
		for (int i = 0; i < 40; i++)
			client_close(&clients[i]);
		nanosleep(&pause, NULL);
		exchange(&server, is_tls ? client_tls : NULL, "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n");
		assert_int_equal(answer_status(answer), 200);
		stop_when_quiet(&server);
		assert_nothing_left(&server);
		assert_int_equal(server.counters.requests[HTTP_PUBLIC], 41);
		assert_int_equal(server.counters.clients_left, 40);
	}
}

static void answers_what_is_in_work_when_it_stops(void **state)
{
	static char large[400000];
	struct server server = server_default();
	struct client idle, working, refused;

	(void)state;
	server_start(&server);
	idle = client_open(&server, NULL);
	client_say(&idle, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	client_read_answer(&idle, answer, sizeof(answer));
	working = client_open(&server, NULL);
	client_say(&working, "GET /later HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
	usleep(50000);
	server_signal(server.drain_fd);
	assert_cut(&server, &idle, LATER_MS);
	refused = client_open(&server, NULL);
	assert_int_equal(refused.fd, -1);
	client_read_all(&working, large, sizeof(large));
	assert_int_equal(answer_status(large), 200);
	assert_int_equal(strlen(answer_body(large)), 300000);
	client_close(&working);
	stop_when_quiet(&server);
	assert_nothing_left(&server);
}

static void can_be_freed_with_connections_open(void **state)
{
	struct server server = server_default();
	struct client clients[4];

	(void)state;
	server_start(&server);
	for (int i = 0; i < 4; i++)
		clients[i] = client_open(&server, NULL);
	client_say(&clients[1], "GET /hel");
	client_say(&clients[2], "GET /hello HTTP/1.1\r\n" HOST "\r\n");
	usleep(50000);
	server_stop(&server);
	assert_int_equal(server.counters.connections_open, 4);
	for (int i = 0; i < 4; i++)
		client_close(&clients[i]);
}

/* A client that is gone makes a write fail; the signal that comes with it by default would end the process. */
static void ignores_the_signal_of_broken_pipes(void **state)
{
	struct server server = server_default();
	struct sigaction action;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	server_start(&server);
	server_stop(&server);
	assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_IGN);
}

static void says_why_it_cannot_listen(void **state)
{
	struct server server = server_default();
	struct http_listener_options options = server.options;
	struct http_listener *listener;
	struct why why;

	(void)state;
	server_start(&server);
	assert_int_equal(strncmp(http_listener_address(server.listener), "127.0.0.1:", 10), 0);
	assert_true(server.port > 0);
	server_stop(&server);
	{
		struct event_base *base = event_base_new();
		struct http *http;

		assert_int_equal(http_new(base, &http), OK);
		options.address = "192.0.2.1:1";
		assert_int_equal(http_listen(http, &options, &listener, &why), ERR_IO);
		assert_non_null(strstr(why.text, "192.0.2.1:1"));
		options.address = "localhost:1";
		assert_int_equal(http_listen(http, &options, &listener, &why), ERR_CONFIG);
		http_free(http);
		event_base_free(base);
	}
}

static int set_up(void **state)
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

static int tear_down(void **state)
{
	(void)state;
	tls_free(server_tls);
	SSL_CTX_free(client_tls);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_over_plain_and_tls),
	    cmocka_unit_test(gives_routes_what_was_asked),
	    cmocka_unit_test(answers_head_without_a_body),
	    cmocka_unit_test(refuses_what_is_doubtful),
	    cmocka_unit_test(answers_problems_as_documents),
	    cmocka_unit_test(keeps_the_size_of_targets_and_headers),
	    cmocka_unit_test(keeps_the_size_of_bodies),
	    cmocka_unit_test(takes_the_longest_push),
	    cmocka_unit_test(answers_requests_behind_each_other_in_order),
	    cmocka_unit_test(cuts_a_request_that_arrives_slowly),
	    cmocka_unit_test(cuts_silent_clients),
	    cmocka_unit_test(cuts_a_client_that_does_not_read),
	    cmocka_unit_test(sends_segments_without_delay),
	    cmocka_unit_test(counts_connections),
	    cmocka_unit_test(bounds_the_bytes_of_all_bodies_together),
	    cmocka_unit_test(counts_held_bytes_anew_for_each_request),
	    cmocka_unit_test(survives_clients_that_leave_before_the_answer),
	    cmocka_unit_test(answers_what_is_in_work_when_it_stops),
	    cmocka_unit_test(can_be_freed_with_connections_open),
	    cmocka_unit_test(ignores_the_signal_of_broken_pipes),
	    cmocka_unit_test(says_why_it_cannot_listen),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

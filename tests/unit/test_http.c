/* What is asked and what is answered: framing, sizes, documents, order; and the life of a listener. */
#include "daemon/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/tcp.h>

#include <cmocka.h>

#include "tests/unit/http_fixture.h"

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

static void speaks_to_each_request_in_its_language(void **state)
{
	struct server server = server_default();

	(void)state;
	server_start(&server);
	exchange(&server, NULL, "GET /x HTTP/1.1\r\nAccept-Language: zh-CN,en;q=0.5\r\n" HOST CLOSE "\r\n");
	assert_non_null(strstr(answer, "\r\nContent-Language: zh\r\n"));
	assert_non_null(
	    strstr(answer_body(answer), "\"type\":\"urn:subsidy:error:not_found\",\"title\":\"没有要找的内容\""));
	exchange(&server, NULL, "PUT /x HTTP/1.1\r\nAccept-Language: zh\r\n" HOST "\r\n");
	assert_non_null(strstr(answer_body(answer), "\"detail\":\"只支持GET、HEAD、POST和DELETE方法\""));
	/* The loop has forgotten it when it comes back to itself. */
	later_language = TEXT_CHINESE;
	exchange(&server, NULL, "GET /later HTTP/1.1\r\nAccept-Language: zh\r\n" HOST CLOSE "\r\n");
	assert_int_equal(answer_status(answer), 200);
	assert_int_equal(later_language, TEXT_ENGLISH);
	exchange(&server, NULL, "GET /x HTTP/1.1\r\n" HOST CLOSE "\r\n");
	assert_non_null(strstr(answer, "\r\nContent-Language: en\r\n"));
	assert_non_null(strstr(answer_body(answer), "\"title\":\"there is no such thing here\""));
	stop_when_quiet(&server);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_over_plain_and_tls),
	    cmocka_unit_test(gives_routes_what_was_asked),
	    cmocka_unit_test(answers_head_without_a_body),
	    cmocka_unit_test(refuses_what_is_doubtful),
	    cmocka_unit_test(answers_problems_as_documents),
	    cmocka_unit_test(speaks_to_each_request_in_its_language),
	    cmocka_unit_test(keeps_the_size_of_targets_and_headers),
	    cmocka_unit_test(keeps_the_size_of_bodies),
	    cmocka_unit_test(takes_the_longest_push),
	    cmocka_unit_test(answers_requests_behind_each_other_in_order),
	    cmocka_unit_test(sends_segments_without_delay),
	    cmocka_unit_test(can_be_freed_with_connections_open),
	    cmocka_unit_test(ignores_the_signal_of_broken_pipes),
	    cmocka_unit_test(says_why_it_cannot_listen),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

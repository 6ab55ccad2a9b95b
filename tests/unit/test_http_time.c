/* Clients that are slow, silent, greedy, many or gone. Deadlines and limits are set so low that a test sees them. */
#include "daemon/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/http_fixture.h"

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

/* A deadline of the whole request: neither evhttp's timeout nor progress of the body keeps it away. */
static void cuts_a_body_that_arrives_slowly(void **state)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	struct server server = server_default();
	struct client client;
	uint64_t begin_us;

	(void)state;
	server.timeouts.request_ms = 500;
	server_start(&server);
	client = client_open(&server, NULL);
	begin_us = clock_monotonic_us();
	client_say(&client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
	while (elapsed_ms(begin_us) < 450) {
		assert_true(client_send(&client, "x", 1));
		nanosleep(&pause, NULL);
	}
	client_read_answer(&client, answer, sizeof(answer));
	assert_in_range(elapsed_ms(begin_us), 450, 3000);
	assert_int_equal(answer_status(answer), 408);
	assert_non_null(strstr(answer, "urn:subsidy:error:bad_request"));
	client_close(&client);
	stop_when_quiet(&server);
	assert_nothing_left(&server);
	assert_int_equal(server.counters.timeouts, 1);
}

/* A line that never ends is no request; what is read of it stays below the watermark, and its time is bounded. */
static void cuts_a_line_that_does_not_end(void **state)
{
	static char bytes[4 * HTTP_PUBLIC_BODY_MAX];
	struct server server = server_default();
	struct client client;

	(void)state;
	memset(bytes, '0', sizeof(bytes));
	server.timeouts.request_ms = 500;
	server_start(&server);
	client = client_open(&server, NULL);
	client_say(&client, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	client_send(&client, bytes, sizeof(bytes));
	client_read_answer(&client, answer, sizeof(answer));
	assert_int_equal(answer_status(answer), 408);
	client_close(&client);
	stop_when_quiet(&server);
	assert_nothing_left(&server);
	assert_int_equal(server.counters.timeouts, 1);
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

		later_peer[0] = '\0';
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
		/* What was asked outlives who asked. */
		assert_string_equal(later_peer, "127.0.0.1");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cuts_a_request_that_arrives_slowly),
	    cmocka_unit_test(cuts_a_body_that_arrives_slowly),
	    cmocka_unit_test(cuts_a_line_that_does_not_end),
	    cmocka_unit_test(cuts_silent_clients),
	    cmocka_unit_test(cuts_a_client_that_does_not_read),
	    cmocka_unit_test(counts_connections),
	    cmocka_unit_test(bounds_the_bytes_of_all_bodies_together),
	    cmocka_unit_test(counts_held_bytes_anew_for_each_request),
	    cmocka_unit_test(survives_clients_that_leave_before_the_answer),
	    cmocka_unit_test(answers_what_is_in_work_when_it_stops),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/*
 * The floor of reading: the barest HTTPS server that libevent makes, which looks an answer up and sends it.
 *
 *	bench_server CERTIFICATE KEY ANSWERS
 *
 * ANSWERS holds paths and bodies one after the other, each behind its size (u32, big-endian). TLS is set up by the
 * daemon's own module and the headers are the daemon's, so that both send the same bytes. Prints its address and
 * serves until it is ended.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "daemon/tls.h"

struct answer {
	char *path;
	char *body;
	size_t size;
};

static struct answer *answers;
static size_t answer_count;

static void die(const char *what)
{
	fprintf(stderr, "bench_server: %s\n", what);
	exit(1);
}

/* The next piece of the file, with a zero behind it; NULL at its end. */
static char *read_piece(FILE *file, size_t *ret_size)
{
	unsigned char head[4];
	char *piece;

	if (fread(head, 1, 4, file) != 4)
		return NULL;
	*ret_size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	piece = calloc(1, *ret_size + 1);
	if (piece == NULL || fread(piece, 1, *ret_size, file) != *ret_size)
		die("the answers are cut short");
	return piece;
}

static int compare_answers(const void *a, const void *b)
{
	const struct answer *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static void read_answers(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t path_size;
	char *piece;

	if (file == NULL)
		die("can't read the answers");
	while ((piece = read_piece(file, &path_size)) != NULL) {
		struct answer answer = {.path = piece};

		answer.body = read_piece(file, &answer.size);
		answers = reallocarray(answers, answer_count + 1, sizeof(*answers));
		if (answers == NULL || answer.body == NULL)
			die("the answers are cut short");
		answers[answer_count++] = answer;
	}
	fclose(file);
	qsort(answers, answer_count, sizeof(*answers), compare_answers);
}

/* As the daemon has it: head and body in one piece, which is one TLS record and one write(2). */
static void join_output(struct evhttp_connection *connection)
{
	struct evbuffer *output = bufferevent_get_output(evhttp_connection_get_bufferevent(connection));

	if (evbuffer_get_length(output) <= 16384)
		(void)evbuffer_pullup(output, -1);
}

static struct bufferevent *on_accept(struct event_base *base, void *cookie)
{
	return tls_bufferevent_new(cookie, base);
}

static void on_request(struct evhttp_request *request, void *cookie)
{
	struct answer wanted = {.path = (char *)(uintptr_t)evhttp_request_get_uri(request)};
	const struct answer *answer = bsearch(&wanted, answers, answer_count, sizeof(*answers), compare_answers);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	const int on = 1;

	(void)cookie;
	/* As the daemon has it. Once a request, which is cheaper than to know what connections there are. */
	setsockopt(bufferevent_getfd(evhttp_connection_get_bufferevent(connection)), IPPROTO_TCP, TCP_NODELAY, &on,
	    sizeof(on));
	if (answer == NULL) {
		evhttp_send_error(request, HTTP_NOTFOUND, NULL);
		return;
	}
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(headers, "Content-Type", "application/json");
	evbuffer_add(evhttp_request_get_output_buffer(request), answer->body, answer->size);
	evhttp_send_reply(request, HTTP_OK, NULL, NULL);
	join_output(connection);
}

int main(int argc, char **argv)
{
	struct why why = {.text = ""};
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	struct evhttp_bound_socket *bound;
	struct event_base *base = event_base_new();
	struct evhttp *http;
	struct tls *tls;

	if (argc != 4 || base == NULL)
		die("usage: bench_server CERTIFICATE KEY ANSWERS");
	signal(SIGPIPE, SIG_IGN);
	read_answers(argv[3]);
	if (tls_new(&(struct tls_files){.certificate = argv[1], .key = argv[2]}, &tls, &why) != OK)
		die(why_english(&why));
	http = evhttp_new(base);
	if (http == NULL)
		die("no memory");
	evhttp_set_bevcb(http, on_accept, tls);
	evhttp_set_gencb(http, on_request, NULL);
	bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
	if (bound == NULL || getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size) != 0)
		die("can't listen");
	printf("127.0.0.1:%u\n", ntohs(address.sin_port));
	fflush(stdout);
	event_base_dispatch(base);
	return 0;
}

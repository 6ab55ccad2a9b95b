/*
 * How long the client waits: for a connection, handshake included, and for the whole of a request. libcurl keeps the
 * time; here it is given shorter ones, and what it was to be given is looked at.
 */
#include "client/link.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <openssl/ssl.h>

#include "proto/limits.h"
#include "tests/unit/certificate.h"

#define CONNECT_MS 1000L
#define REQUEST_MS 3000L
#define SOON_US 100000

static long connect_timeout_s, request_timeout_s;

/* Takes the place of libcurl's: every argument of it is as wide as a pointer. */
#undef curl_easy_setopt
CURLcode curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
	static CURLcode (*original)(CURL *, CURLoption, ...);
	va_list arguments;
	void *value;

	va_start(arguments, option);
	value = va_arg(arguments, void *);
	va_end(arguments);
	if (original == NULL)
		*(void **)&original = dlsym(RTLD_NEXT, "curl_easy_setopt");
	if (option == CURLOPT_CONNECTTIMEOUT) {
		connect_timeout_s = (long)(intptr_t)value;
		return original(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	}
	if (option == CURLOPT_TIMEOUT) {
		request_timeout_s = (long)(intptr_t)value;
		return original(curl, CURLOPT_TIMEOUT_MS, REQUEST_MS);
	}
	return original(curl, option, value);
}

enum manner { ANSWERS_SOON, SHAKES_HANDS_ONLY, ACCEPTS_ONLY };

/* One connection, in a process of its own that ends with the other side's. */
static void serve(int fd, const char *certificate, const char *key, enum manner manner)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}";
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL *ssl = SSL_new(context);
	char bytes[4096];
	int peer = accept(fd, NULL, NULL);

	if (manner != ACCEPTS_ONLY) {
		SSL_use_certificate_file(ssl, certificate, SSL_FILETYPE_PEM);
		SSL_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM);
		SSL_set_fd(ssl, peer);
		if (SSL_accept(ssl) != 1)
			_exit(1);
		(void)SSL_read(ssl, bytes, sizeof(bytes));
		usleep(SOON_US);
		if (manner == ANSWERS_SOON)
			(void)SSL_write(ssl, answer, (int)strlen(answer));
	}
	while (read(peer, bytes, sizeof(bytes)) > 0)
		continue;
	_exit(0);
}

static enum err ask(const char *folder, bool is_post, enum manner manner)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char certificate[PATH_SIZE], key[PATH_SIZE], url[64];
	struct settings settings = {.server = url, .ca = certificate};
	struct link_request request = {.path = "/v1/orders",
	    .content_type = is_post ? "application/json" : NULL,
	    .body = slice_text(is_post ? "{}" : "")};
	struct link_answer answer;
	struct link *link = NULL;
	struct why why = {""};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0), status;
	enum err err;
	pid_t child;

	folder_path(folder, "localhost.crt", certificate);
	folder_path(folder, "localhost.key", key);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(url, sizeof(url), "https://localhost:%u", ntohs(address.sin_port));
	child = fork();
	if (child == 0)
		serve(fd, certificate, key, manner);
	close(fd);
	if (link_open(&settings, &link, &why) != OK)
		fail_msg("%s", why.text);
	err = link_ask(link, &request, &answer);
	link_answer_done(&answer);
	link_close(link);
	kill(child, SIGTERM);
	assert_int_equal(waitpid(child, &status, 0), child);
	return err;
}

static void waits_so_long_and_no_longer(void **state)
{
	static const struct {
		enum manner manner;
		bool is_post;
		enum err err;
	} rows[] = {{ANSWERS_SOON, true, OK}, {ANSWERS_SOON, false, OK}, {ACCEPTS_ONLY, true, ERR_UNREACHABLE},
	    {ACCEPTS_ONLY, false, ERR_UNREACHABLE}, {SHAKES_HANDS_ONLY, true, ERR_UNCERTAIN},
	    {SHAKES_HANDS_ONLY, false, ERR_UNREACHABLE}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum err err = ask(*state, rows[i].is_post, rows[i].manner);

		if (err != rows[i].err)
			fail_msg("row %zu: %s", i, err_name(err));
		assert_int_equal(connect_timeout_s, CLIENT_CONNECT_TIMEOUT_S);
		assert_int_equal(request_timeout_s, CLIENT_REQUEST_TIMEOUT_S);
	}
	_Static_assert(CLIENT_REQUEST_TIMEOUT_S > HTTP_REQUEST_TIMEOUT_S, "the daemon's own deadline comes first");
	_Static_assert(CLIENT_CONNECT_TIMEOUT_S < CLIENT_REQUEST_TIMEOUT_S, "the whole holds the part");
}

static int setup(void **state)
{
	static char folder[FOLDER_SIZE];

	signal(SIGPIPE, SIG_IGN);
	folder_make(folder);
	certificate_make(folder, "localhost");
	*state = folder;
	return 0;
}

static int teardown(void **state)
{
	folder_remove(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(waits_so_long_and_no_longer),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

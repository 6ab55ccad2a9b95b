/* The link: what it refuses to be told, and that nothing sent means nothing sent. Answers are the flow tests' part. */
#include "client/link.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/file.h"
#include "tests/unit/client_fixture.h"

/* A listening port of this machine, in `ret_url`. */
static int listener_open(char ret_url[static 64])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	(void)snprintf(ret_url, 64, "https://127.0.0.1:%u", ntohs(address.sin_port));
	return fd;
}

static enum err post(struct link *link)
{
	struct link_request request = {
	    .path = "/v1/feeds/qddex", .content_type = "application/protobuf", .body = slice_text("body")};
	struct link_answer answer;
	enum err err = link_ask(link, &request, &answer);

	assert_int_equal(answer.err, err);
	assert_int_equal(answer.status, 0);
	assert_true(answer.why.text[0] != '\0');
	link_answer_done(&answer);
	return err;
}

static void escapes_everything_that_means_something_in_an_address(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 100);
	link_escape(&text, "aZ09-._~ /?&=%青");
	assert_string_equal(buf_text(&text), "aZ09-._~%20%2F%3F%26%3D%25%E9%9D%92");
	buf_done(&text);
}

static void speaks_over_https_only(void **state)
{
	char http[] = "http://127.0.0.1:1", https[] = "https://127.0.0.1:1";
	struct settings settings = {.server = http}, feed = {.server = https, .feed = http}, none = {0};
	struct link *link = NULL;
	struct why why = {""};

	(void)state;
	assert_int_equal(link_open(&settings, &link, &why), ERR_CONFIG);
	assert_int_equal(link_open(&feed, &link, &why), ERR_CONFIG);
	assert_int_equal(link_open(&none, &link, &why), OK);
	assert_int_equal(post(link), ERR_CONFIG); /* no address at all */
	link_close(link);
}

/* The addresses of others: over https, or to this machine. Nothing is sent to any of the rest. */
static void asks_others_at_safe_addresses_only(void **state)
{
	static const struct {
		const char *url;
		enum err err;
	} rows[] = {
	    /* Nobody listens there, which it finds out by trying. */
	    {"https://127.0.0.1:1/x", ERR_UNREACHABLE},
	    {"http://127.0.0.1:1/x", ERR_UNREACHABLE},
	    {"http://127.0.0.1:1", ERR_UNREACHABLE},
	    {"http://localhost:1/x", ERR_UNREACHABLE},
	    {"http://[::1]:1/x", ERR_UNREACHABLE},
	    {"http://127.0.0.2:1/x", ERR_CONFIG},
	    {"http://127.0.0.1.example:1/x", ERR_CONFIG},
	    {"http://127.0.0.1@127.0.0.1:1/x", ERR_CONFIG},
	    {"http://127.0.0.1:1@127.0.0.1:1/x", ERR_CONFIG},
	    {"http://127.0.0.1:1?x", ERR_CONFIG},
	    {"http://localhosts:1/x", ERR_CONFIG},
	    {"http://[::1]1:1/x", ERR_CONFIG},
	    {"HTTP://127.0.0.1:1/x", ERR_CONFIG},
	    {"ftp://127.0.0.1:1/x", ERR_CONFIG},
	    {"file:///etc/passwd", ERR_CONFIG},
	    {"127.0.0.1:1/x", ERR_CONFIG},
	    {"", ERR_CONFIG},
	};
	struct settings settings = {0};
	struct link *link = NULL;
	struct why why;

	(void)state;
	assert_int_equal(link_open(&settings, &link, &why), OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct link_request request = {.url = rows[i].url, .content_type = "text/plain"};
		struct link_answer answer;

		if (link_ask(link, &request, &answer) != rows[i].err)
			fail_msg("%s: %s: %s", rows[i].url, err_name(answer.err), answer.why.text);
		link_answer_done(&answer);
	}
	link_close(link);
}

static void takes_an_access_code_of_64_digits_from_a_private_file(void **state)
{
	static const struct {
		const char *text;
		unsigned mode;
		enum err err;
	} vectors[] = {
	    {FIXTURE_HASH "\n", 0600, OK},
	    {FIXTURE_HASH, 0600, OK},
	    {FIXTURE_HASH "\n", 0640, ERR_KEY_FILE},
	    {FIXTURE_HASH "0\n", 0600, ERR_KEY_FILE},
	    {"9D374245f41f172a5f3e52882f5d8f7c1be3a6378a8ce034f2447ca6ae50580a\n", 0600, ERR_KEY_FILE},
	    {"\n", 0600, ERR_KEY_FILE},
	};
	char *folder = fixture_folder(), *path = NULL;
	struct settings settings = {0};

	(void)state;
	assert_true(asprintf(&path, "%s/token", folder) > 0);
	settings.token = path;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct link *link = NULL;
		struct why why = {""};

		assert_int_equal(file_write(path, slice_text(vectors[i].text), vectors[i].mode, &why), OK);
		if (link_open(&settings, &link, &why) != vectors[i].err)
			fail_msg("row %zu: %s", i, why.text);
		if (vectors[i].err == OK) {
			assert_true(link_has_token(link));
			link_close(link);
		} else {
			assert_null(strstr(why.text, "9d374245"));
		}
	}
	free(path);
	fixture_folder_remove(folder);
}

static void knows_that_nothing_was_sent_where_nobody_listens(void **state)
{
	struct settings settings = {0};
	struct link *link = NULL;
	struct why why;
	char url[64];

	(void)state;
	close(listener_open(url));
	settings.server = url;
	assert_int_equal(link_open(&settings, &link, &why), OK);
	assert_int_equal(post(link), ERR_UNREACHABLE);
	link_close(link);
}

static void knows_that_nothing_was_sent_where_no_tls_is_spoken(void **state)
{
	struct settings settings = {0};
	struct link *link = NULL;
	struct why why;
	char url[64];
	int fd = listener_open(url), status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		int peer = accept(fd, NULL, NULL);

		(void)!write(peer, "HTTP/1.1 200 OK\r\n\r\n", 19);
		close(peer);
		_exit(0);
	}
	settings.server = url;
	assert_int_equal(link_open(&settings, &link, &why), OK);
	assert_int_equal(post(link), ERR_UNREACHABLE);
	link_close(link);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(escapes_everything_that_means_something_in_an_address),
	    cmocka_unit_test(speaks_over_https_only),
	    cmocka_unit_test(asks_others_at_safe_addresses_only),
	    cmocka_unit_test(takes_an_access_code_of_64_digits_from_a_private_file),
	    cmocka_unit_test(knows_that_nothing_was_sent_where_nobody_listens),
	    cmocka_unit_test(knows_that_nothing_was_sent_where_no_tls_is_spoken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

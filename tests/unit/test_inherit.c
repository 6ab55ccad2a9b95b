/* Sockets passed on by a service manager: which are taken, which refused, and what is left behind. */
#include "daemon/inherit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME_COUNT 3

static const char *const names[NAME_COUNT] = {"feed", "public", "metrics"};

enum made { LISTENING, LISTENING_6, NOT_LISTENING, DATAGRAM, UNIX, PIPE, CLOSED };

/* A descriptor of a kind, as the manager would have it. */
static int make(enum made made)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	int pipes[2], fd = -1;

	switch (made) {
	case LISTENING:
	case NOT_LISTENING:
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(fd, (struct sockaddr *)&v4, sizeof(v4)) != 0 || (made == LISTENING && listen(fd, 5) != 0))
			_exit(90);
		break;
	case LISTENING_6:
		fd = socket(AF_INET6, SOCK_STREAM, 0);
		if (bind(fd, (struct sockaddr *)&v6, sizeof(v6)) != 0 || listen(fd, 5) != 0)
			_exit(91);
		break;
	case DATAGRAM: fd = socket(AF_INET, SOCK_DGRAM, 0); break;
	case UNIX:
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		/* An abstract name that the kernel chooses. */
		if (bind(fd, (struct sockaddr *)&local, sizeof(sa_family_t)) != 0 || listen(fd, 5) != 0)
			_exit(92);
		break;
	case PIPE:
		if (pipe(pipes) != 0)
			_exit(93);
		close(pipes[1]);
		fd = pipes[0];
		break;
	case CLOSED: break;
	}
	return fd;
}

/* Puts the descriptors where a manager puts them. Only in a child: what was there before is gone. */
static void pass(const enum made *made, int count)
{
	for (int i = 0; i < 8; i++)
		close(INHERIT_FD_FIRST + i);
	for (int i = 0; i < count; i++) {
		int fd = make(made[i]);

		if (fd >= 0 && fd != INHERIT_FD_FIRST + i) {
			dup2(fd, INHERIT_FD_FIRST + i);
			close(fd);
		}
	}
}

static void set_environment(const char *pid, const char *count, const char *fd_names)
{
	char own_pid[16];

	snprintf(own_pid, sizeof(own_pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid == NULL ? own_pid : pid, 1);
	setenv("LISTEN_FDS", count, 1);
	if (fd_names != NULL)
		setenv("LISTEN_FDNAMES", fd_names, 1);
	else
		unsetenv("LISTEN_FDNAMES");
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool has_environment(void)
{
	return getenv("LISTEN_PID") != NULL || getenv("LISTEN_FDS") != NULL || getenv("LISTEN_FDNAMES") != NULL;
}

/* Runs `work` in a child, for descriptors and environment are changed: its exit code. */
static int in_child(int (*work)(const void *row), const void *row)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(work(row));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int take_two(const void *row)
{
	static const enum made made[] = {LISTENING_6, LISTENING};
	struct inherited sockets[NAME_COUNT];
	char text[ADDRESS_TEXT_SIZE];
	struct why why = {""};

	(void)row;
	pass(made, 2);
	set_environment(NULL, "2", "metrics:feed");
	if (inherit_take(names, NAME_COUNT, sockets, &why) != OK)
		return 1;
	if (sockets[0].fd != INHERIT_FD_FIRST + 1 || sockets[1].fd != -1 || sockets[2].fd != INHERIT_FD_FIRST)
		return 2;
	address_format(&sockets[0].address, text);
	if (strncmp(text, "127.0.0.1:", 10) != 0 || strcmp(text, "127.0.0.1:0") == 0)
		return 3;
	address_format(&sockets[2].address, text);
	if (strncmp(text, "[::1]:", 6) != 0)
		return 4;
	for (int fd = INHERIT_FD_FIRST; fd < INHERIT_FD_FIRST + 2; fd++)
		if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0 || (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0)
			return 5;
	return has_environment() ? 6 : 0;
}

static void takes_sockets_by_name(void **state)
{
	(void)state;
	assert_int_equal(in_child(take_two, NULL), 0);
}

struct ignored_row {
	const char *pid, *count;
};

static int take_nothing(const void *cookie)
{
	static const enum made made[] = {LISTENING};
	const struct ignored_row *row = cookie;
	struct inherited sockets[NAME_COUNT];
	struct why why = {""};

	pass(made, 1);
	set_environment(row->pid, row->count, "feed");
	if (inherit_take(names, NAME_COUNT, sockets, &why) != OK)
		return 1;
	for (size_t i = 0; i < NAME_COUNT; i++)
		if (sockets[i].fd != -1)
			return 2;
	/* What is somebody else's stays as it is. */
	return has_environment() || !is_open(INHERIT_FD_FIRST) ? 3 : 0;
}

static int take_without_variables(const void *row)
{
	struct inherited sockets[NAME_COUNT];
	struct why why = {""};

	(void)row;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	return inherit_take(names, NAME_COUNT, sockets, &why) == OK && sockets[0].fd == -1 ? 0 : 1;
}

static void passes_over_what_is_not_for_this_process(void **state)
{
	static const struct ignored_row rows[] = {{"1", "1"}, {"1", "x"}, {NULL, "0"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (in_child(take_nothing, &rows[i]) != 0)
			fail_msg("row %zu", i);
	assert_int_equal(in_child(take_without_variables, NULL), 0);
}

struct refused_row {
	const char *pid, *count, *fd_names;
	enum made made[2];
	const char *word; /* of the reason */
};

static int take_refused(const void *cookie)
{
	const struct refused_row *row = cookie;
	struct inherited sockets[NAME_COUNT];
	struct why why = {""};
	bool is_passed = row->pid == NULL && strspn(row->count, "0123456789") == strlen(row->count);

	pass(row->made, 2);
	set_environment(row->pid, row->count, row->fd_names);
	if (inherit_take(names, NAME_COUNT, sockets, &why) != ERR_CONFIG)
		return 1;
	if (strstr(why.text, row->word) == NULL) {
		fprintf(stderr, "%s\n", why.text);
		return 2;
	}
	for (size_t i = 0; i < NAME_COUNT; i++)
		if (sockets[i].fd != -1)
			return 3;
	if (has_environment())
		return 4;
	return is_passed && strcmp(row->count, "2") == 0 && (is_open(INHERIT_FD_FIRST) || is_open(INHERIT_FD_FIRST + 1))
		   ? 5
		   : 0;
}

static void refuses_what_no_listener_can_use(void **state)
{
	static const struct refused_row rows[] = {
	    {NULL, "2", "feed:portal", {LISTENING, LISTENING}, "'portal'"},
	    {NULL, "2", "feed:unknown", {LISTENING, LISTENING}, "FileDescriptorName="},
	    {NULL, "2", "feed:feed", {LISTENING, LISTENING_6}, "two sockets named 'feed'"},
	    {NULL, "2", "feed", {LISTENING, LISTENING}, "no name for descriptor 4"},
	    {NULL, "2", "feed:", {LISTENING, LISTENING}, "no name for descriptor 4"},
	    {NULL, "2", "feed:public:metrics", {LISTENING, LISTENING}, "more names"},
	    {NULL, "2", NULL, {LISTENING, LISTENING}, "no name for descriptor 3"},
	    {NULL, "2", "feed:public", {LISTENING, NOT_LISTENING}, "listening TCP socket"},
	    {NULL, "2", "feed:public", {LISTENING, DATAGRAM}, "listening TCP socket"},
	    {NULL, "2", "feed:public", {LISTENING, UNIX}, "listening TCP socket"},
	    {NULL, "2", "feed:public", {LISTENING, PIPE}, "'public' (descriptor 4)"},
	    {NULL, "2", "feed:public", {LISTENING, CLOSED}, "'public' (descriptor 4)"},
	    {NULL, "65", "feed", {LISTENING, LISTENING}, "LISTEN_FDS=65"},
	    {NULL, "-1", "feed", {LISTENING, LISTENING}, "LISTEN_FDS=-1"},
	    {"me", "2", "feed:public", {LISTENING, LISTENING}, "LISTEN_PID=me"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int code = in_child(take_refused, &rows[i]);

		if (code != 0)
			fail_msg("row %zu (%s): %d", i, rows[i].word, code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_sockets_by_name),
	    cmocka_unit_test(passes_over_what_is_not_for_this_process),
	    cmocka_unit_test(refuses_what_no_listener_can_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Messages to the service manager arrive on a path and on an abstract name; without one nothing happens. */
#include "daemon/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/certificate.h"

static const char *receive(int fd, char text[static 256])
{
	ssize_t size = recv(fd, text, 255, MSG_DONTWAIT);

	text[size < 0 ? 0 : size] = '\0';
	return text;
}

static void tell_and_check(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[256];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
	    0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_ready();
	assert_string_equal(receive(fd, text), "READY=1");
	notify_status("%d entries\nREADY=0", 7);
	assert_string_equal(receive(fd, text), "STATUS=7 entries READY=0");
	notify_watchdog();
	assert_string_equal(receive(fd, text), "WATCHDOG=1");
	notify_stopping();
	assert_string_equal(receive(fd, text), "STOPPING=1");
	unsetenv("NOTIFY_SOCKET");
	notify_ready();
	assert_string_equal(receive(fd, text), "");
	close(fd);
}

static void tells_a_path(void **state)
{
	char folder[FOLDER_SIZE], path[PATH_SIZE];

	(void)state;
	folder_make(folder);
	tell_and_check(folder_path(folder, "notify", path));
	folder_remove(folder);
}

static void tells_an_abstract_name(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof(name), "@subsidy-test-%d", (int)getpid());
	tell_and_check(name);
}

static void survives_a_deaf_manager(void **state)
{
	static const char *const names[] = {"/nonexistent/socket", "relative", "", "@"};
	char long_name[200];

	(void)state;
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[0] = '/';
	long_name[sizeof(long_name) - 1] = '\0';
	for (size_t i = 0; i < 4; i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_ready();
	}
	setenv("NOTIFY_SOCKET", long_name, 1);
	notify_ready();
	unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_a_path),
	    cmocka_unit_test(tells_an_abstract_name),
	    cmocka_unit_test(survives_a_deaf_manager),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

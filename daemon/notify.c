#include "daemon/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/limits.h"

static void send_text(const char *text)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t name_size;
	int fd;

	if (name == NULL || (name[0] != '/' && name[0] != '@'))
		return;
	name_size = strlen(name);
	if (name_size >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, name, name_size);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_size));
	close(fd);
}

void notify_ready(void)
{
	send_text("READY=1");
}

void notify_stopping(void)
{
	send_text("STOPPING=1");
}

void notify_watchdog(void)
{
	send_text("WATCHDOG=1");
}

void notify_status(const char *format, ...)
{
	char text[LOG_LINE_SIZE_MAX] = "STATUS=";
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	if (vsnprintf(text + used, sizeof(text) - used, format, arguments) < 0)
		text[used] = '\0';
	va_end(arguments);
	/* A newline would begin another variable. */
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20)
			*c = ' ';
	send_text(text);
}

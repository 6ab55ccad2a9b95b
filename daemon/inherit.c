#include "daemon/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/bytes.h"

#define INHERITED_MAX 64 /* more than anybody means to pass; the names are searched one by one */

/* How many descriptors were passed to this very process. */
static enum err count_passed(uint64_t *ret_count, struct why *why)
{
	const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
	uint64_t pid;

	*ret_count = 0;
	if (pid_text == NULL || count_text == NULL)
		return OK;
	if (decimal_parse(slice_text(pid_text), INT_MAX, &pid) != OK)
		return why_set(why, ERR_CONFIG, "LISTEN_PID=%s: expected a process number", pid_text);
	if (pid != (uint64_t)getpid())
		return OK;
	if (decimal_parse(slice_text(count_text), INHERITED_MAX, ret_count) != OK)
		return why_set(why, ERR_CONFIG, "LISTEN_FDS=%s: expected a number up to %d", count_text, INHERITED_MAX);
	return OK;
}

static enum err set_flags(int fd, const char *name, struct why *why)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return why_set(
		    why, ERR_CONFIG, "the passed socket '%s' (descriptor %d): %s", name, fd, strerror(errno));
	return OK;
}

static enum err read_address(int fd, const char *name, struct address *ret_address, struct why *why)
{
	struct address address = {.size = sizeof(address.socket)};
	int type = 0, is_listening = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof(type)}) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &(socklen_t){sizeof(is_listening)}) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address.socket, &address.size) != 0)
		return why_set(
		    why, ERR_CONFIG, "the passed socket '%s' (descriptor %d): %s", name, fd, strerror(errno));
	if (type != SOCK_STREAM || is_listening == 0 ||
	    (address.socket.ss_family != AF_INET && address.socket.ss_family != AF_INET6))
		return why_set(why, ERR_CONFIG,
		    "the passed socket '%s' (descriptor %d): expected a listening TCP socket (ListenStream= with a "
		    "port, Accept=no)",
		    name, fd);
	*ret_address = address;
	return OK;
}

static enum err take_one(
    int fd, const char *name, const char *const *names, size_t name_count, struct inherited *sockets, struct why *why)
{
	enum err err;

	for (size_t i = 0; i < name_count; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		if (sockets[i].fd >= 0)
			return why_set(why, ERR_CONFIG,
			    "two sockets named '%s' were passed; expected one: [::] serves IPv4 too", name);
		err = read_address(fd, name, &sockets[i].address, why);
		if (err == OK)
			sockets[i].fd = fd;
		return err;
	}
	return why_set(why, ERR_CONFIG,
	    "a socket named '%s' was passed, which no listener has (FileDescriptorName= of its unit)", name);
}

static enum err take_all(
    uint64_t count, const char *const *names, size_t name_count, struct inherited *sockets, struct why *why)
{
	const char *names_text = getenv("LISTEN_FDNAMES");
	char *copy, *rest, *name;
	enum err err = OK;

	copy = rest = strdup(names_text == NULL ? "" : names_text);
	if (copy == NULL)
		return ERR_MEMORY;
	for (int i = 0; err == OK && i < (int)count; i++) {
		name = strsep(&rest, ":");
		if (name == NULL || name[0] == '\0')
			err = why_set(
			    why, ERR_CONFIG, "LISTEN_FDNAMES has no name for descriptor %d", INHERIT_FD_FIRST + i);
		if (err == OK)
			err = set_flags(INHERIT_FD_FIRST + i, name, why);
		if (err == OK)
			err = take_one(INHERIT_FD_FIRST + i, name, names, name_count, sockets, why);
	}
	if (err == OK && count > 0 && rest != NULL)
		err = why_set(why, ERR_CONFIG, "LISTEN_FDNAMES has more names than there are descriptors");
	free(copy);
	return err;
}

enum err inherit_take(const char *const *names, size_t name_count, struct inherited *ret_sockets, struct why *why)
{
	uint64_t count;
	enum err err = count_passed(&count, why);

	for (size_t i = 0; i < name_count; i++)
		ret_sockets[i] = (struct inherited){.fd = -1};
	if (err == OK)
		err = take_all(count, names, name_count, ret_sockets, why);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (err == OK)
		return OK;
	for (int i = 0; i < (int)count; i++)
		close(INHERIT_FD_FIRST + i);
	for (size_t i = 0; i < name_count; i++)
		ret_sockets[i].fd = -1;
	return err;
}

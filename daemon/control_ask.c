/* The asking side of the control socket. */
#include "daemon/control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/folder.h"

#define PREFIX "subsidyd.control/v1 "
#define ANSWER_MAX_S 60 /* for an answer that takes no copying */

enum err control_connect(const char *data, int *ret_fd, struct why *why)
{
	struct sockaddr_un address;
	enum err err = control_address(data, &address, why);
	int fd;

	if (err != OK)
		return err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return folder_error(why, address.sun_path, "make a socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		err = errno == ENOENT || errno == ECONNREFUSED ? ERR_NOT_FOUND : ERR_IO;
		why_set(why, err, "%s: can't reach the daemon: %s", address.sun_path, strerror(errno));
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return OK;
}

/* A descriptor goes along where file_fd is one. */
static enum err ask(int fd, struct slice message, int file_fd, struct why *why)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} part = {.bytes = {0}};
	/* sendmsg takes what it only reads as non-const. */
	union {
		const uint8_t *in;
		void *out;
	} data = {.in = message.data};
	struct iovec vector = {.iov_base = data.out, .iov_len = message.size};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};

	if (file_fd >= 0) {
		header.msg_control = part.bytes;
		header.msg_controllen = sizeof(part.bytes);
		part.header.cmsg_level = SOL_SOCKET;
		part.header.cmsg_type = SCM_RIGHTS;
		part.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&part.header), &file_fd, sizeof(file_fd));
	}
	return sendmsg(fd, &header, MSG_NOSIGNAL) == (ssize_t)message.size
		   ? OK
		   : why_set(why, ERR_IO, "the daemon hung up: %s", strerror(errno));
}

/* "refused <error>\n<text>" becomes that error and text. */
static enum err read_refusal(struct slice message, struct why *why)
{
	char text[CONTROL_MESSAGE_SIZE_MAX + 1], *name = text, *line;
	enum err err;

	memcpy(text, message.data, message.size);
	text[message.size] = '\0';
	line = strchr(text, '\n');
	if (strncmp(text, "refused ", 8) != 0 || line == NULL)
		return why_set(why, ERR_SYNTAX, "the daemon's answer can't be read; are both programs of one release?");
	*line = '\0';
	name += 8;
	err = err_by_name(name);
	return why_set(why, err == ERR_COUNT || err == OK ? ERR_IO : err, "%s", line + 1);
}

/* What follows `word` in the answer. */
static enum err hear(int fd, unsigned limit_s, const char *word, struct buf *ret_rest, struct why *why)
{
	const struct timeval limit = {.tv_sec = (time_t)limit_s};
	char text[CONTROL_MESSAGE_SIZE_MAX];
	size_t word_size = strlen(word);
	ssize_t size;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0)
		return why_set(why, ERR_IO, "can't set a time limit: %s", strerror(errno));
	do {
		size = recv(fd, text, sizeof(text), 0);
	} while (size < 0 && errno == EINTR);
	if (size < 0 && errno == EAGAIN)
		return why_set(why, ERR_IO, "the daemon has not answered within %u s", limit_s);
	if (size <= 0)
		return why_set(why, ERR_IO, "the daemon ended before it had answered; see its log");
	if ((size_t)size < word_size || memcmp(text, word, word_size) != 0)
		return read_refusal(slice_of(text, (size_t)size), why);
	buf_add(ret_rest, text + word_size, (size_t)size - word_size);
	return ret_rest->err;
}

enum err control_ask_copy(int fd, int file_fd, uint64_t *ret_size, struct why *why)
{
	struct buf rest;
	enum err err = ask(fd, slice_text(PREFIX "copy\n"), file_fd, why);

	buf_init(&rest, CONTROL_MESSAGE_SIZE_MAX);
	if (err == OK)
		err = hear(fd, BACKUP_COPY_MAX_S + ANSWER_MAX_S, "copied ", &rest, why);
	if (err == OK && rest.size > 0)
		err = decimal_parse(slice_of(rest.data, rest.size - 1), UINT64_MAX, ret_size);
	buf_done(&rest);
	return err;
}

enum err control_ask_checkpoint(int fd, uint64_t size, struct buf *ret_note, struct why *why)
{
	char text[64];
	enum err err;

	snprintf(text, sizeof(text), PREFIX "checkpoint %" PRIu64 "\n", size);
	err = ask(fd, slice_text(text), -1, why);
	return err != OK ? err : hear(fd, ANSWER_MAX_S, "checkpoint\n", ret_note, why);
}

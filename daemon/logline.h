/*
 * A log line of key=value pairs, for people and for programs: request=7 peer=192.0.2.1 holder="财务部 \"A\"". A text is
 * quoted unless it is made of letters, digits and ._:/-+ alone, with \" and \\ inside; what the log itself escapes
 * (control characters, as \x0a) is left to it. Keys are ours. A pair that does not fit whole is left out, with all
 * that would follow.
 */
#ifndef DAEMON_LOGLINE_H
#define DAEMON_LOGLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/limits.h"

struct logline {
	char text[LOG_LINE_SIZE_MAX];	/* NUL-terminated */
	size_t size;
	bool is_full;
};

void logline_begin(struct logline *line);
void logline_text(struct logline *line, const char *key, struct slice value);
void logline_number(struct logline *line, const char *key, uint64_t value);

#endif

/*
 * A line is put together in one buffer and written by one write(2), so that lines of different threads don't
 * mix and nothing is held back when the process ends.
 */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/limits.h"

/* Numbers of syslog(3), which the journal reads from "<n>" at the beginning of a line. */
static const struct {
	const char *name;
	const char *priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "<3>"},
    [LOG_LEVEL_WARN] = {"warn", "<4>"},
    [LOG_LEVEL_NOTICE] = {"notice", "<5>"},
    [LOG_LEVEL_INFO] = {"info", "<6>"},
    [LOG_LEVEL_DEBUG] = {"debug", "<7>"},
};

static enum log_level log_level = LOG_LEVEL_NOTICE;
static bool log_has_journal;

void log_open(enum log_level level)
{
	log_level = level;
	log_has_journal = getenv("JOURNAL_STREAM") != NULL || getenv("INVOCATION_ID") != NULL;
}

bool log_level_parse(const char *word, enum log_level *ret_level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(levels[i].name, word) == 0) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

bool log_is_on(enum log_level level)
{
	return level <= log_level;
}

/* Bytes of the character at `text`, and whether a terminal would obey instead of showing it: C0, DEL, C1. */
static size_t character_size(const unsigned char *text, bool *ret_is_control)
{
	size_t size = 1;

	*ret_is_control = text[0] < 0x20 || text[0] == 0x7f;
	if (text[0] == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0)
		*ret_is_control = true;
	if (text[0] >= 0xc0)
		while (size < 4 && (text[size] & 0xc0) == 0x80)
			size++;
	return size;
}

/* Appends `text` to the line, escaped, a whole character at a time and never beyond room for the line's end. */
static size_t append_escaped(char *line, size_t used, const char *text)
{
	static const char end[] = "…\n";
	const size_t room_max = LOG_LINE_SIZE_MAX - (sizeof(end) - 1);
	const unsigned char *rest = (const unsigned char *)text;
	bool is_control;

	while (*rest != '\0') {
		size_t size = character_size(rest, &is_control);

		if (used + (is_control ? 4 * size : size) > room_max) {
			memcpy(line + used, end, sizeof(end) - 1);
			return used + sizeof(end) - 1;
		}
		for (size_t i = 0; i < size; i++) {
			if (is_control) {
				static const char digits[] = "0123456789abcdef";
				const char escape[4] = {'\\', 'x', digits[rest[i] >> 4], digits[rest[i] & 15]};

				memcpy(line + used, escape, sizeof(escape));
				used += sizeof(escape);
			} else {
				line[used++] = (char)rest[i];
			}
		}
		rest += size;
	}
	line[used++] = '\n';
	return used;
}

static void write_line(enum log_level level, const char *format, va_list arguments)
{
	char text[LOG_LINE_SIZE_MAX], line[LOG_LINE_SIZE_MAX];
	size_t used;

	if (!log_is_on(level))
		return;
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		text[0] = '\0';
	used = (size_t)snprintf(line, sizeof(line), "%s%s",
	    log_has_journal ? levels[level].priority : levels[level].name, log_has_journal ? "" : ": ");
	used = append_escaped(line, used, text);
	/* Where stderr itself fails there is nobody left to tell. */
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}

/* clang-format off */
#define LOG_FUNCTION(function, level) \
	void function(const char *format, ...) \
	{ \
		va_list arguments; \
		va_start(arguments, format); \
		write_line(level, format, arguments); \
		va_end(arguments); \
	}
LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_notice, LOG_LEVEL_NOTICE)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
/* clang-format on */

_Noreturn void log_fatal(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_LEVEL_ERROR, format, arguments);
	va_end(arguments);
	_exit(1);
}

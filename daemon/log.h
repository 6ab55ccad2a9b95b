/*
 * The daemon's log: one line a message, to stderr, with journal priorities under systemd and a readable level word
 * elsewhere. Text from outside is safe to pass: control characters are escaped and a line ends at
 * LOG_LINE_SIZE_MAX. Any thread. The level is the one global of the program.
 *
 * One error, one line, where it is decided: proto/, store, ledger and fold never log.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdbool.h>

#include "proto/err.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Once, before other threads begin. Until then notices and worse are written. */
void log_open(enum log_level level);
/* Of "error", "warn", "notice", "info", "debug"; false for any other word. */
bool log_level_parse(const char *word, enum log_level *ret_level);
const char *log_level_name(enum log_level level);
/* Are lines of this level written? For those whose text takes time to put together. */
bool log_is_on(enum log_level level);

void log_error(const char *format, ...) printf_like(1, 2);
void log_warn(const char *format, ...) printf_like(1, 2);
void log_notice(const char *format, ...) printf_like(1, 2);
void log_info(const char *format, ...) printf_like(1, 2);
void log_debug(const char *format, ...) printf_like(1, 2);

/* One line, then _exit(1) without handlers: for a failed commit or write, after which nothing may be tried again. */
_Noreturn void log_fatal(const char *format, ...) printf_like(1, 2);

#endif

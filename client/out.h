/*
 * What the client says: data on stdout, everything else on stderr. A complaint has three parts: what was wrong,
 * where, and what to do next. Text from outside never reaches a terminal unescaped.
 */
#ifndef CLIENT_OUT_H
#define CLIENT_OUT_H

#include <jansson.h>
#include <stdio.h>

#include "client/client.h"
#include "client/link.h"
#include "proto/text.h"

/*
 * Texts are translated here: formats, and `next`.
 */
/* "subsidy: <sentence>: <why>" and what to do next (NULL: what is usual for this error). Gives exit_code_of(err). */
enum exit_code out_fail(enum err err, const struct why *why, const char *next);
/* The same for a request that did not end in 200, with the problem document's text. */
enum exit_code out_fail_answer(const struct link_answer *answer);
/* The command that was named: usage errors point at its help from then on. The name is kept, not copied. */
void out_use_command(const char *name);
/* "subsidy: …" and where the usage is found. Gives EXIT_USAGE. */
enum exit_code out_usage(const char *format, ...) printf_like(1, 2);
/* "usage: subsidy <command> <usage>", which may have several lines, and where more of it is found. Gives EXIT_USAGE. */
enum exit_code out_usage_show(const char *command, const char *usage);
/* One line for people on stderr. */
void out_info(const char *format, ...) printf_like(1, 2);
/* `text` with control characters shown as \xHH, so that a server can't drive the terminal. */
void out_text(FILE *file, const char *text);
/* Compact JSON and a newline on stdout; takes the reference over. EXIT_OTHER if it can't be written. */
enum exit_code out_json(json_t *json);
/*
 * Once, before anything is opened. A standard stream that is closed is occupied, so that no file of ours takes its place
 * and what is printed. SIGPIPE is ignored, for sockets break as pipes do. False where there is no /dev/null.
 */
bool out_begin(void) must_check;
/* Flushes stdout; whether it arrives is asked later. */
void out_now(void);
/* Flushes stdout: EXIT_OTHER, with a complaint, if what was printed did not arrive. */
enum exit_code out_flush(void);
/*
 * The same where nothing is left to do but to print. A reader that has gone has seen enough: then it ends the process by
 * SIGPIPE, without a word, as other tools end; unless whoever began us ignores that signal.
 */
enum exit_code out_close(void);
/* After the last table: `err` of its printing, ERR_IO for what did not arrive. */
enum exit_code out_printed(enum err err);
/* May this stream be coloured: a terminal, and NO_COLOR is not set. */
bool out_has_color(FILE *file);

/* Behind ret_text's bytes: the JSON text and a newline. Takes the reference over; NULL is ERR_MEMORY. */
enum err json_format(json_t *json, size_t flags, struct buf *ret_text) must_check;
/* A string member of a JSON object, or `fallback`. */
const char *json_text_or(const json_t *object, const char *key, const char *fallback);

#endif

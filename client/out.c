#include "client/out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/text.h"

enum exit_code exit_code_of(enum err err)
{
	/* What is ours alone, whatever status a server would give it. */
	if (err == ERR_MEMORY || err == ERR_LOCKED || err == ERR_DISK_FULL || err == ERR_KEY_FILE || err == ERR_IO)
		return EXIT_OTHER;
	if (err == ERR_CONFIG)
		return EXIT_USAGE;
	if (err == ERR_DAMAGED || err == ERR_GUARD || err == ERR_ROLLED_BACK)
		return EXIT_DAMAGED;
	switch (err_status(err)) {
	case 200: return EXIT_OK;
	case 401:
	case 403: return EXIT_NOT_ALLOWED;
	case 404: return EXIT_NOT_FOUND;
	case 503: return EXIT_UNREACHABLE;
	default: return err_status(err) < 500 ? EXIT_REFUSED : EXIT_OTHER;
	}
}

void out_text(FILE *file, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
		/* C1 controls are C2 80..9F in UTF-8. */
		bool is_c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;

		if (is_c1) {
			fprintf(file, "\\x%02x\\x%02x", at[0], at[1]);
			at++;
		} else if (*at < 0x20 || *at == 0x7f) {
			fprintf(file, "\\x%02x", *at);
		} else {
			fputc(*at, file);
		}
	}
}

/* What usually helps. NULL where the cause says it all. */
static const char *next_of(enum err err)
{
	if (err == ERR_UNREACHABLE)
		return TEXT("check --server, --feed, --ca and the network, then repeat");
	if (err == ERR_UNCERTAIN || err == ERR_OVERLOADED || err == ERR_STOPPING || err == ERR_FEED_BUSY)
		return TEXT("it is safe to repeat the command");
	if (err == ERR_CLOCK)
		return TEXT("nothing was stored; tell the ledger's operator, and repeat when it takes entries again");
	if (err == ERR_UNAUTHORIZED)
		return TEXT("give an access code that is still valid: --token FILE");
	if (err == ERR_FORBIDDEN)
		return TEXT("use an access code that was granted for this");
	if (err == ERR_DAMAGED || err == ERR_GUARD || err == ERR_ROLLED_BACK)
		return TEXT("tell the ledger's operator at once, and keep your receipts");
	return NULL;
}

enum exit_code out_fail(enum err err, const struct why *why, const char *next)
{
	out_now();
	fprintf(stderr, "%s%s", T("subsidy: "), err_sentence(err));
	if (why != NULL && why->text[0] != '\0') {
		fputs(T(": "), stderr);
		out_text(stderr, why->text);
	}
	fputc('\n', stderr);
	if (next == NULL)
		next = next_of(err);
	if (next != NULL) {
		fputs("         ", stderr);
		out_text(stderr, text_of(next));
		fputc('\n', stderr);
	}
	return exit_code_of(err);
}

enum exit_code out_fail_answer(const struct link_answer *answer)
{
	enum exit_code code = out_fail(answer->err, &answer->why, NULL);

	/* A server's lack of memory or disk is its own: try later. */
	return answer->status == 503 && code == EXIT_OTHER ? EXIT_UNREACHABLE : code;
}

/* Whose usage a complaint points at; the command line is one, and this is said of it once. */
static const char *usage_command;

void out_use_command(const char *name)
{
	usage_command = name;
}

static void usage_point(void)
{
	fputs("         ", stderr);
	if (usage_command != NULL)
		fprintf(stderr, T("`subsidy %s --help` explains it, with examples"), usage_command);
	else
		fputs(T("`subsidy --help` lists the commands, `subsidy COMMAND --help` explains one"), stderr);
	fputc('\n', stderr);
}

enum exit_code out_usage(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vasprintf(&text, text_of(format), arguments);
	va_end(arguments);
	fputs(T("subsidy: "), stderr);
	out_text(stderr, size >= 0 ? text : format);
	fputc('\n', stderr);
	usage_point();
	if (size >= 0)
		free(text);
	return EXIT_USAGE;
}

enum exit_code out_usage_show(const char *command, const char *usage)
{
	fprintf(stderr, T("usage: subsidy %s%s%s"), command, usage[0] != '\0' ? " " : "", usage);
	fputc('\n', stderr);
	usage_point();
	return EXIT_USAGE;
}

void out_info(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vasprintf(&text, text_of(format), arguments);
	va_end(arguments);
	out_text(stderr, size >= 0 ? text : format);
	fputc('\n', stderr);
	if (size >= 0)
		free(text);
}

/* ---- what became of it */

static bool is_ended_by_pipes;

/* open() takes the lowest number that is free, and what it opens here can't be used as that stream: that shows. */
static bool streams_occupy(void)
{
	for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
		if (fcntl(stream, F_GETFD) < 0 &&
		    open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) != stream)
			return false;
	return true;
}

bool out_begin(void)
{
	struct sigaction before;

	is_ended_by_pipes = sigaction(SIGPIPE, NULL, &before) == 0 && before.sa_handler != SIG_IGN;
	(void)signal(SIGPIPE, SIG_IGN);
	return streams_occupy();
}

/* Asked of the pipe itself: what errno said of a write may be long gone. */
static bool is_reader_gone(void)
{
	struct pollfd ask = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&ask, 1, 0) > 0 && (ask.revents & POLLERR) != 0;
}

/* Why the first of what did not arrive on stdout did not; the stream itself knows only that. */
static int lost_errno;

void out_now(void)
{
	if (fflush(stdout) != 0 && lost_errno == 0)
		lost_errno = errno;
}

static bool has_arrived(void)
{
	out_now();
	return !ferror(stdout);
}

enum exit_code out_flush(void)
{
	struct why why;

	if (has_arrived())
		return EXIT_OK;
	/* Where nobody looked when it failed, errno has long been another's. */
	errno = lost_errno != 0 ? lost_errno : EIO;
	(void)why_set(&why, ERR_IO, "standard output: %m");
	return out_fail(ERR_IO, &why, "what was printed is incomplete");
}

enum exit_code out_close(void)
{
	if (!has_arrived() && is_ended_by_pipes && is_reader_gone()) {
		(void)signal(SIGPIPE, SIG_DFL);
		(void)raise(SIGPIPE);
	}
	return out_flush();
}

enum exit_code out_printed(enum err err)
{
	if (err == ERR_IO && lost_errno == 0)
		lost_errno = errno;
	if (err == ERR_IO)
		return out_close();
	return err == OK ? EXIT_OK : out_fail(err, NULL, NULL);
}

enum exit_code out_json(json_t *json)
{
	bool is_written = json != NULL && json_dumpf(json, stdout, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
	enum exit_code code = is_written ? EXIT_OK : out_printed(ferror(stdout) ? ERR_IO : ERR_MEMORY);

	json_decref(json);
	if (!is_written)
		return code;
	fputc('\n', stdout);
	return EXIT_OK;
}

bool out_has_color(FILE *file)
{
	const char *refused = getenv("NO_COLOR");
	int before = errno; /* of printing, perhaps; that a file is no terminal is no error */
	bool is_terminal = isatty(fileno(file));

	errno = before;
	return is_terminal && (refused == NULL || refused[0] == '\0');
}

enum err json_format(json_t *json, size_t flags, struct buf *ret_text)
{
	char *text = json == NULL ? NULL : json_dumps(json, flags);

	json_decref(json);
	if (text == NULL)
		return ERR_MEMORY;
	buf_add_text(ret_text, text);
	buf_u8(ret_text, '\n');
	free(text);
	return ret_text->err;
}

const char *json_text_or(const json_t *object, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : fallback;
}

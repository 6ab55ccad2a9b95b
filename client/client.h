/*
 * The client: settings, exit codes, and the shape of a command.
 *
 * A command is one file cmd_*.c that exports one struct command; commands.h lists them all, main.c finds the one
 * that was named, has its options parsed by the tables given here, and runs it. Data go to stdout, all else to
 * stderr; nothing secret is ever an argument.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/bytes.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_OTHER = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_REFUSED = 4,		/* by a rule: bad rows, a conflict, a limit */
	EXIT_NOT_ALLOWED = 5,
	EXIT_UNVERIFIED = 6,		/* a signature, proof or key is not what it must be */
	EXIT_UNREACHABLE = 7,		/* or the outcome is unknown: safe to repeat */
	EXIT_DAMAGED = 9,
};

/* Which exit code tells of this error. */
enum exit_code exit_code_of(enum err err);

/* Option > environment > ~/.config/subsidy.conf. Owned; NULL where nothing was said (state always has a value). */
struct settings {
	char *server;			/* URL of the public listener */
	char *feed;			/* URL of the feed listener; without it the server's is used */
	char *ca;			/* file of CA certificates, PEM */
	char *token;			/* file of the access code */
	char *cert;			/* file of the client certificate and its key, PEM */
	char *vkey;			/* the ledger's public key */
	char *state;			/* folder of what the client remembers */
	bool is_json;
};

struct option {
	const char *name;		/* "key", without its dashes; NULL ends a table */
	const char *value;		/* "FILE", as the help shows it; NULL for a flag */
	const char *help;		/* one line */
	bool is_repeatable;
};

#define ARGS_MAX 1024			/* words and option values of one command line */

/* What followed the command's name. The texts are argv's own. */
struct args {
	size_t word_count;
	const char *words[ARGS_MAX];
	size_t value_count;
	struct {
		const struct option *option;
		const char *text;	/* "" for a flag */
	} values[ARGS_MAX];
};

bool args_has(const struct args *args, const char *name);
/* The option's value (of a repeatable one the first), or NULL. */
const char *args_text(const struct args *args, const char *name);
size_t args_count(const struct args *args, const char *name);
const char *args_text_at(const struct args *args, const char *name, size_t index);
/* A decimal option in min..max, or `fallback` where it is missing. Complains by itself: false is a usage error. */
bool args_number(const struct args *args, const char *name, const uint64_t range[static 2], uint64_t fallback,
    uint64_t *ret_value) must_check;

struct command {
	const char *name;		/* "push" */
	const char *usage;		/* "VENUE FILE --key FILE [--check]": what follows the name */
	const char *summary;		/* one line in the list of commands */
	const char *help;		/* the paragraphs and examples of `subsidy NAME --help`; ends in a newline */
	const struct option *options;	/* its own; may be NULL */
	size_t word_min, word_max;	/* how many words may follow; main checks */
	enum exit_code (*run)(const struct settings *settings, const struct args *args);
};

#endif

/*
 * The command line: global options anywhere, a command's own after its name, "--" ends options. Unknown options,
 * doubled ones that may stand once, and missing or surplus values are complaints, never guesses. The word "help" before
 * the command's name, or alone, is --help.
 */
#ifndef CLIENT_ARGS_H
#define CLIENT_ARGS_H

#include "client/settings.h"

struct command_line {
	const struct command *command;	/* NULL if none was named */
	bool wants_help, wants_version;
	struct args globals;		/* values of settings_options, no words */
	struct args args;		/* what is the command's */
};

/* False after complaining: a usage error. `commands` ends in NULL. */
bool args_parse(int argc, char *const *argv, const struct command *const *commands, struct command_line *ret_line)
    must_check;

#endif

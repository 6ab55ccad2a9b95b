#include "client/args.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/out.h"
#include "proto/text.h"

/* ---- what commands ask */

static const char *value_of(const struct args *args, const char *name, size_t index)
{
	for (size_t i = 0; i < args->value_count; i++)
		if (strcmp(args->values[i].option->name, name) == 0 && index-- == 0)
			return args->values[i].text;
	return NULL;
}

bool args_has(const struct args *args, const char *name)
{
	return value_of(args, name, 0) != NULL;
}

const char *args_text(const struct args *args, const char *name)
{
	return value_of(args, name, 0);
}

size_t args_count(const struct args *args, const char *name)
{
	size_t count = 0;

	while (value_of(args, name, count) != NULL)
		count++;
	return count;
}

const char *args_text_at(const struct args *args, const char *name, size_t index)
{
	const char *text = value_of(args, name, index);

	assert(text != NULL);
	return text;
}

bool args_number(
    const struct args *args, const char *name, const uint64_t range[static 2], uint64_t fallback, uint64_t *ret_value)
{
	const char *text = args_text(args, name);
	uint64_t value = fallback;

	if (text != NULL && (decimal_parse(slice_text(text), range[1], &value) != OK || value < range[0])) {
		(void)out_usage("--%s must be a number from %" PRIu64 " to %" PRIu64, name, range[0], range[1]);
		return false;
	}
	*ret_value = value;
	return true;
}

/* ---- taking a command line apart */

struct parser {
	int argc;
	char *const *argv;
	int at;
	struct command_line *line;
};

/* The option of that name (not terminated) in a table, or NULL. */
static const struct option *option_find(const struct option *options, const char *name, size_t size)
{
	for (; options != NULL && options->name != NULL; options++)
		if (strlen(options->name) == size && memcmp(options->name, name, size) == 0)
			return options;
	return NULL;
}

static bool value_add(struct args *args, const struct option *option, const char *dashes, const char *text)
{
	if (!option->is_repeatable && args_has(args, option->name)) {
		(void)out_usage("%s%s is given twice", dashes, option->name);
		return false;
	}
	if (args->value_count == ARGS_MAX) {
		(void)out_usage("more than %d options", ARGS_MAX);
		return false;
	}
	args->values[args->value_count].option = option;
	args->values[args->value_count++].text = text;
	return true;
}

/* argv[at] begins with a dash: "-o FILE", "--key FILE", "--key=FILE", "--check". */
static bool option_take(struct parser *parser)
{
	struct command_line *line = parser->line;
	const char *arg = parser->argv[parser->at], *text = "", *name, *equals;
	const char *dashes = arg[1] == '-' ? "--" : "-";
	const struct option *option = NULL;
	struct args *args = &line->args;
	size_t size;

	name = arg + strlen(dashes);
	equals = dashes[1] == '-' ? strchr(name, '=') : NULL;
	size = equals != NULL ? (size_t)(equals - name) : strlen(name);
	if (strcmp(arg, "-h") == 0) {
		line->wants_help = true;
		return true;
	}
	/* One dash for names of one letter, two for longer ones. */
	if ((dashes[1] == '-') == (size > 1)) {
		if (line->command != NULL)
			option = option_find(line->command->options, name, size);
		if (option == NULL) {
			option = option_find(settings_options, name, size);
			args = &line->globals;
		}
	}
	if (option == NULL) {
		(void)out_usage(line->command == NULL ? "there is no option %s%.*s before the command's name"
						      : "there is no option %s%.*s",
		    dashes, (int)size, name);
		return false;
	}
	if (option->value == NULL && equals != NULL) {
		(void)out_usage("%s%s takes no value", dashes, option->name);
		return false;
	}
	if (option->value != NULL && equals != NULL) {
		text = equals + 1;
	} else if (option->value != NULL) {
		if (parser->at + 1 == parser->argc) {
			(void)out_usage("%s%s needs a value: %s", dashes, option->name, option->value);
			return false;
		}
		text = parser->argv[++parser->at];
	}
	if (strcmp(option->name, "help") == 0) {
		line->wants_help = true;
		return true;
	}
	if (strcmp(option->name, "version") == 0) {
		line->wants_version = true;
		return true;
	}
	return value_add(args, option, dashes, text);
}

static bool word_take(struct parser *parser, const struct command *const *commands)
{
	struct command_line *line = parser->line;
	const char *word = parser->argv[parser->at];

	if (line->command == NULL && strcmp(word, "help") == 0) {
		line->wants_help = true;
		return true;
	}
	if (line->command == NULL) {
		for (; *commands != NULL; commands++)
			if (strcmp((*commands)->name, word) == 0)
				line->command = *commands;
		if (line->command == NULL)
			(void)out_usage("there is no command \"%s\"", word);
		else
			out_use_command(line->command->name);
		return line->command != NULL;
	}
	if (line->args.word_count == ARGS_MAX) {
		(void)out_usage("more than %d words", ARGS_MAX);
		return false;
	}
	line->args.words[line->args.word_count++] = word;
	return true;
}

bool args_parse(int argc, char *const *argv, const struct command *const *commands, struct command_line *ret_line)
{
	struct parser parser = {.argc = argc, .argv = argv, .line = ret_line};
	bool are_options_over = false;

	memset(ret_line, 0, sizeof(*ret_line));
	for (parser.at = 1; parser.at < argc; parser.at++) {
		const char *arg = argv[parser.at];

		if (!are_options_over && strcmp(arg, "--") == 0) {
			are_options_over = true;
		} else if (!are_options_over && arg[0] == '-' && arg[1] != '\0') {
			if (!option_take(&parser))
				return false;
		} else if (!word_take(&parser, commands)) {
			return false;
		}
	}
	return true;
}

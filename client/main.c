/* subsidy, the client of the subsidy ledger. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/args.h"
#include "client/commands.h"
#include "client/guide.h"
#include "client/out.h"
#include "proto/key.h"
#include "proto/text.h"
#include "proto/version.h"

static const struct command *const commands[] = {
#define COMMAND_ADDRESS(name) &name,
    COMMAND_LIST(COMMAND_ADDRESS)
#undef COMMAND_ADDRESS
	NULL,
};

static const char exit_text[] =
    TEXT("Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused by a rule, 5 not allowed,\n"
	 "6 verification failed, 7 unreachable or outcome unknown (safe to repeat), 9 damaged ledger.\n");

static void help_options(const struct option *options)
{
	for (; options->name != NULL; options++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "%s%s%s%s", options->name[1] == '\0' ? "-" : "--", options->name,
		    options->value != NULL ? " " : "", options->value != NULL ? options->value : "");
		printf("  %-20s %s\n", text, text_of(options->help));
	}
}

static enum exit_code help_all(void)
{
	printf("%s\n\n", T("usage: subsidy [option]… command [argument]…"));
	for (const struct command *const *command = commands; *command != NULL; command++)
		printf("  %-20s %s\n", (*command)->name, text_of((*command)->summary));
	printf("\n%s\n", T("`subsidy COMMAND --help` says more of one. Options, before or after the command:"));
	help_options(settings_options);
	printf("\n%s\n%s",
	    T("Settings may also stand in ~/.config/subsidy.conf (\"server = https://…\") or in the environment\n"
	      "(SUBSIDY_SERVER and so on); an option goes before the environment, the environment before the file.\n"
	      "\n"
	      "  subsidy push qddex 2026-11.csv --check\n"
	      "  subsidy list --sort award --json --server https://subsidy.example.gov.cn --token bureau.token\n"),
	    text_of(exit_text));
	return EXIT_OK;
}

static enum exit_code help_command(const struct command *command)
{
	printf(T("usage: subsidy %s%s%s"), command->name, command->usage[0] != '\0' ? " " : "", command->usage);
	printf("\n\n");
	printf(T("%s."), text_of(command->summary));
	printf("\n\n%s", text_of(command->help));
	if (command->options != NULL) {
		printf("\n%s\n", T("Options of this command:"));
		help_options(command->options);
	}
	printf("\n%s\n", T("Options of every command:"));
	help_options(settings_options);
	printf("\n%s", text_of(exit_text));
	return EXIT_OK;
}

static enum exit_code version_print(void)
{
	puts("subsidy " SUBSIDY_VERSION);
	return EXIT_OK;
}

static enum err settings_load(struct settings *settings, const struct args *globals, struct why *why)
{
	char *path = settings_path();
	enum err err = OK;

	if (path != NULL)
		err = settings_read_file(settings, path, why);
	free(path);
	if (err == OK)
		err = settings_read_environment(settings);
	for (size_t i = 0; err == OK && i < globals->value_count; i++)
		err = settings_set(settings, globals->values[i].option->name, globals->values[i].text);
	if (err == OK)
		err = settings_finish(settings, why);
	return err;
}

static enum exit_code command_run(const struct command *command, const struct command_line *line)
{
	struct settings settings;
	struct why why = {""};
	enum exit_code code;
	enum err err;

	if (line->args.word_count < command->word_min)
		return out_usage_show(command->name, command->usage);
	if (line->args.word_count > command->word_max)
		return out_usage("\"%s\" is one word too many", line->args.words[command->word_max]);
	settings_init(&settings);
	err = settings_load(&settings, &line->globals, &why);
	/* Programs read one language. */
	if (settings.is_json)
		text_use(TEXT_ENGLISH);
	if (err != OK)
		code = out_fail(err, &why, NULL);
	else
		code = command->run(&settings, &line->args);
	settings_done(&settings);
	return code;
}

int main(int argc, char **argv)
{
	static struct command_line line; /* too large for a stack */
	enum exit_code code;

	/* Widths of characters are those of UTF-8 whatever the machine has installed; of LANG only the language is read. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	text_use(guide_is_chinese() ? TEXT_CHINESE : TEXT_ENGLISH);
	if (!out_begin() || key_global_init() != OK)
		return EXIT_OTHER;
	if (!args_parse(argc, argv, commands, &line))
		return EXIT_USAGE;
	if (line.wants_version)
		code = version_print();
	else if (line.command == NULL)
		code = line.wants_help ? help_all() : out_usage("which command?");
	else if (line.wants_help)
		code = help_command(line.command);
	else
		code = command_run(line.command, &line);
	if (code == EXIT_OK)
		code = out_close();
	return (int)code;
}

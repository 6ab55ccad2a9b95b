/* The command line: options in any place, and nothing guessed. */
#include "client/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct option options[] = {
    {"key", "FILE", "a key", false},
    {"set", "K=V", "a value", true},
    {"o", "FILE", "where to", false},
    {"check", NULL, "a flag", false},
    {"rows", "N", "a number", false},
    {0},
};
static const struct command push = {.name = "push", .options = options, .word_max = 9};
static const struct command list = {.name = "list", .word_max = 9};
static const struct command *const commands[] = {&push, &list, NULL};

/* The words are separated by '|'. */
static bool parse(const char *text, struct command_line *ret_line)
{
	static char copy[512];
	char *argv[32] = {copy}, *rest = NULL;
	int argc = 1;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, "|", &rest); word != NULL; word = strtok_r(NULL, "|", &rest))
		argv[argc++] = word;
	argv[0] = copy;
	return args_parse(argc, argv, commands, ret_line);
}

static void takes_options_before_and_after_the_command(void **state)
{
	struct command_line *line = calloc(1, sizeof(*line));

	(void)state;
	assert_non_null(line);
	assert_true(parse("--server|u|push|q|--key=k|f.csv|--json|--check|-o|out|--set|a=1|--set=b=2|--|--x", line));
	assert_ptr_equal(line->command, &push);
	assert_false(line->wants_help);
	assert_string_equal(args_text(&line->globals, "server"), "u");
	assert_true(args_has(&line->globals, "json"));
	assert_int_equal(line->args.word_count, 3);
	assert_string_equal(line->args.words[0], "q");
	assert_string_equal(line->args.words[2], "--x");
	assert_string_equal(args_text(&line->args, "key"), "k");
	assert_string_equal(args_text(&line->args, "o"), "out");
	assert_true(args_has(&line->args, "check"));
	assert_false(args_has(&line->args, "rows"));
	assert_null(args_text(&line->args, "rows"));
	assert_int_equal(args_count(&line->args, "set"), 2);
	assert_string_equal(args_text_at(&line->args, "set", 1), "b=2");
	assert_true(parse("push|--help", line));
	assert_true(line->wants_help);
	assert_true(parse("-h", line));
	assert_true(line->wants_help);
	assert_null(line->command);
	assert_false(line->wants_version);
	assert_true(parse("--version", line));
	assert_true(line->wants_version);
	assert_false(line->wants_help);
	assert_true(parse("help", line));
	assert_true(line->wants_help);
	assert_null(line->command);
	assert_true(parse("help|push", line));
	assert_true(line->wants_help);
	assert_ptr_equal(line->command, &push);
	assert_true(parse("push|help", line));
	assert_false(line->wants_help);
	assert_true(parse("push|-", line));
	assert_string_equal(line->args.words[0], "-");
	free(line);
}

static void refuses_what_it_does_not_know(void **state)
{
	static const char *const wrong[] = {"bogus", "--bogus", "push|--bogus", "list|--key|k", "--key|k|push",
	    "push|--key", "push|--check=1", "push|--key=a|--key=b", "push|-key|k", "push|--o|f", "push|-x",
	    "push|--json=1", "push|--|-x|--json|--server|u|-o"};
	struct command_line *line = calloc(1, sizeof(*line));

	(void)state;
	assert_non_null(line);
	for (size_t i = 0; i + 1 < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (parse(wrong[i], line))
			fail_msg("row %zu: %s", i, wrong[i]);
	/* After "--" everything is a word. */
	assert_true(parse(wrong[sizeof(wrong) / sizeof(wrong[0]) - 1], line));
	assert_int_equal(line->args.word_count, 5);
	free(line);
}

static void takes_numbers_within_their_range(void **state)
{
	static const uint64_t range[2] = {1, 65536};
	static const struct {
		const char *text;
		bool is_right;
		uint64_t value;
	} vectors[] = {{"push|--rows|1", true, 1}, {"push|--rows|65535", true, 65535},
	    {"push|--rows|65536", true, 65536}, {"push", true, 7}, {"push|--rows|0", false, 0},
	    {"push|--rows|65537", false, 0}, {"push|--rows|x", false, 0}, {"push|--rows|-1", false, 0},
	    {"push|--rows|18446744073709551617", false, 0}};
	struct command_line *line = calloc(1, sizeof(*line));

	(void)state;
	assert_non_null(line);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint64_t value = 0;

		assert_true(parse(vectors[i].text, line));
		if (args_number(&line->args, "rows", range, 7, &value) != vectors[i].is_right ||
		    (vectors[i].is_right && value != vectors[i].value))
			fail_msg("row %zu: %s", i, vectors[i].text);
	}
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_options_before_and_after_the_command),
	    cmocka_unit_test(refuses_what_it_does_not_know),
	    cmocka_unit_test(takes_numbers_within_their_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

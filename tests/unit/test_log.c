/* One line a message, safe for terminals and the journal, cut at the limit. */
#include "daemon/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/bytes.h"
#include "proto/limits.h"

static char output[4 * LOG_LINE_SIZE_MAX];
static int saved_stderr = -1;
static FILE *file;

static void capture_begin(void)
{
	file = tmpfile();
	assert_non_null(file);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
}

static const char *capture_end(void)
{
	size_t size;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	rewind(file);
	size = fread(output, 1, sizeof(output) - 1, file);
	output[size] = '\0';
	fclose(file);
	return output;
}

static void writes_the_levels_asked_for(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	unsetenv("INVOCATION_ID");
	log_open(LOG_LEVEL_NOTICE);
	capture_begin();
	log_error("a %d", 1);
	log_warn("b");
	log_notice("c");
	log_info("d");
	log_debug("e");
	assert_string_equal(capture_end(), "error: a 1\nwarn: b\nnotice: c\n");
	log_open(LOG_LEVEL_DEBUG);
	capture_begin();
	log_info("d");
	log_debug("e");
	assert_string_equal(capture_end(), "info: d\ndebug: e\n");
}

static void gives_priorities_to_the_journal(void **state)
{
	static const char *const variables[] = {"JOURNAL_STREAM", "INVOCATION_ID"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		setenv(variables[i], "1:2", 1);
		log_open(LOG_LEVEL_DEBUG);
		unsetenv(variables[i]);
		capture_begin();
		log_error("a");
		log_warn("b");
		log_notice("c");
		log_info("d");
		log_debug("e");
		assert_string_equal(capture_end(), "<3>a\n<4>b\n<5>c\n<6>d\n<7>e\n");
	}
	log_open(LOG_LEVEL_DEBUG);
}

static void escapes_what_a_terminal_would_obey(void **state)
{
	(void)state;
	capture_begin();
	log_error("%s", "a\nb\r\t\x1b[31m\x7f\xc2\x9b 青岛 \xff\xc2");
	assert_string_equal(capture_end(), "error: a\\x0ab\\x0d\\x09\\x1b[31m\\x7f\\xc2\\x9b 青岛 \xff\xc2\n");
}

static void cuts_at_the_limit_and_at_a_character(void **state)
{
	static const char mark[] = "…\n";
	char text[LOG_LINE_SIZE_MAX + 3];
	const size_t fits = LOG_LINE_SIZE_MAX - strlen("error: ") - strlen(mark);

	(void)state;
	for (size_t size = fits - 4; size <= fits + 4; size++) {
		const char *line;

		memset(text, 'x', size);
		text[size] = '\0';
		capture_begin();
		log_error("%s", text);
		line = capture_end();
		assert_true(strlen(line) <= LOG_LINE_SIZE_MAX);
		assert_true(line[strlen(line) - 1] == '\n');
		assert_int_equal(strstr(line, mark) == NULL, size <= fits);
	}
	for (size_t i = 0; i < sizeof(text) / 3; i++)
		memcpy(text + 3 * i, "岛", 3);
	text[sizeof(text) - 1 - (sizeof(text) - 1) % 3] = '\0';
	for (size_t pad = 0; pad < 3; pad++) {
		const char *line;

		capture_begin();
		log_error("%.*s%s", (int)pad, "xx", text);
		line = capture_end();
		assert_in_range(strlen(line), LOG_LINE_SIZE_MAX - 3, LOG_LINE_SIZE_MAX);
		assert_true(utf8_is_text(slice_of(line, strlen(line) - 1)));
	}
	memset(text, '\x01', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	capture_begin();
	log_error("%s", text);
	assert_in_range(strlen(capture_end()), LOG_LINE_SIZE_MAX - 4, LOG_LINE_SIZE_MAX);
}

static void names_its_levels(void **state)
{
	enum log_level level;

	(void)state;
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		assert_true(log_level_parse(log_level_name((enum log_level)i), &level));
		assert_int_equal(level, i);
	}
	assert_false(log_level_parse("Error", &level));
	assert_false(log_level_parse("", &level));
}

static void ends_the_process_after_one_line(void **state)
{
	int status;
	pid_t child;

	(void)state;
	capture_begin();
	child = fork();
	if (child == 0)
		log_fatal("commit failed: %s", "No space");
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_string_equal(capture_end(), "error: commit failed: No space\n");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_the_levels_asked_for),
	    cmocka_unit_test(gives_priorities_to_the_journal),
	    cmocka_unit_test(escapes_what_a_terminal_would_obey),
	    cmocka_unit_test(cuts_at_the_limit_and_at_a_character),
	    cmocka_unit_test(names_its_levels),
	    cmocka_unit_test(ends_the_process_after_one_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

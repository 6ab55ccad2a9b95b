/* Settings: strict in the file, and option over environment over file. */
#include "client/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/client_fixture.h"

static enum err settings_take(const char *text, struct settings *ret_settings, struct why *why)
{
	char *folder = fixture_folder(), *path = NULL;
	FILE *file;
	enum err err;

	assert_true(asprintf(&path, "%s/subsidy.conf", folder) > 0);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	settings_init(ret_settings);
	err = settings_read_file(ret_settings, path, why);
	free(path);
	fixture_folder_remove(folder);
	return err;
}

static void reads_a_file(void **state)
{
	struct settings settings;
	struct why why = {""};

	(void)state;
	assert_int_equal(settings_take("# where\nserver = https://a.example/\n\nvkey=a+b+c=\n", &settings, &why), OK);
	assert_string_equal(settings.server, "https://a.example/");
	assert_string_equal(settings.vkey, "a+b+c=");
	assert_null(settings.feed);
	settings_done(&settings);
	settings_init(&settings);
	assert_int_equal(settings_read_file(&settings, "/nonexistent/subsidy.conf", &why), OK);
	settings_done(&settings);
}

static void names_file_and_line_of_an_error(void **state)
{
	static const struct {
		const char *text, *why;
	} vectors[] = {
	    {"server = https://a\nserve = b\n", "subsidy.conf, line 2: there is no setting named \"serve\""},
	    {"\n\njson = yes\n", "line 3: there is no setting named \"json\""},
	    {"ca = a\nca = b\n", "line 2: \"ca\" is set twice"},
	    {"ca =\n", "line 1: \"ca\" has no value"},
	    {"ca = a\nnonsense\n", "line 2: not of the form"},
	    {"[section]\nca = a\n", "line 2: there are no sections"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct settings settings;
		struct why why = {""};

		if (settings_take(vectors[i].text, &settings, &why) != ERR_CONFIG ||
		    strstr(why.text, vectors[i].why) == NULL)
			fail_msg("row %zu: %s", i, why.text);
		settings_done(&settings);
	}
}

static void bounds_the_size_of_a_line(void **state)
{
	char line[400];

	(void)state;
	for (size_t size = 150; size < 390; size++) {
		struct settings settings;
		struct why why = {""};
		enum err err;

		memset(line, 'a', size);
		memcpy(line, "ca = ", 5);
		line[size] = '\0';
		err = settings_take(line, &settings, &why);
		/* Whole or refused: never cut. */
		if (err == OK ? strlen(settings.ca) != size - 5 : strstr(why.text, "line 1: longer than") == NULL)
			fail_msg("size %zu: %s %s", size, err_name(err), why.text);
		settings_done(&settings);
	}
}

static void puts_the_environment_over_the_file(void **state)
{
	struct settings settings;
	struct why why = {""};

	(void)state;
	assert_int_equal(settings_take("server = https://file\nca = file\ntoken = file\n", &settings, &why), OK);
	setenv("SUBSIDY_SERVER", "https://environment", 1);
	setenv("SUBSIDY_TOKEN", "environment", 1);
	assert_int_equal(settings_read_environment(&settings), OK);
	assert_int_equal(settings_set(&settings, "token", "option"), OK);
	assert_int_equal(settings_set(&settings, "json", ""), OK);
	assert_string_equal(settings.server, "https://environment");
	assert_string_equal(settings.ca, "file");
	assert_string_equal(settings.token, "option");
	assert_true(settings.is_json);
	unsetenv("SUBSIDY_SERVER");
	unsetenv("SUBSIDY_TOKEN");
	setenv("HOME", "/home/x", 1);
	unsetenv("XDG_STATE_HOME");
	assert_int_equal(settings_finish(&settings, &why), OK);
	assert_string_equal(settings.state, "/home/x/.local/state/subsidy");
	settings_done(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_a_file),
	    cmocka_unit_test(names_file_and_line_of_an_error),
	    cmocka_unit_test(bounds_the_size_of_a_line),
	    cmocka_unit_test(puts_the_environment_over_the_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

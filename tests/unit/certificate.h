/* A folder for a test's files, and certificates in it, made by the openssl program. */
#ifndef TESTS_CERTIFICATE_H
#define TESTS_CERTIFICATE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/folder.h"

#define FOLDER_SIZE 64
#define PATH_SIZE 128
#define COMMAND_SIZE (6 * PATH_SIZE)
#define COMMAND_WORDS_MAX 32

static inline void folder_make(char folder[static FOLDER_SIZE])
{
	snprintf(folder, FOLDER_SIZE, "/tmp/subsidy-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		abort();
}

static inline const char *folder_path(const char *folder, const char *name, char path[static PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "%s/%s", folder, name);
	return path;
}

/* Runs a program: words between single spaces, no shell. */
static inline void command_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void command_run(const char *format, ...)
{
	const char *words[COMMAND_WORDS_MAX + 1];
	char command[COMMAND_SIZE], *rest;
	size_t word_count = 0;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	for (char *word = strtok_r(command, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		if (word_count == COMMAND_WORDS_MAX)
			abort();
		words[word_count++] = word;
	}
	words[word_count] = NULL;
	program_run(words);
}

/* <name>.crt and <name>.key, for localhost; self-signed, so that it is its own CA. */
static inline void certificate_make(const char *folder, const char *name)
{
	command_run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=%s "
		    "-keyout %s/%s.key -out %s/%s.crt",
	    name, folder, name, folder, name);
}

static inline void file_write(const char *folder, const char *name, const char *text)
{
	char path[PATH_SIZE];
	FILE *file = fopen(folder_path(folder, name, path), "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

#endif

#include "client/settings.h"

#include <assert.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/file.h"

/* inih reads lines of this size and would take the rest of a longer one for a line of its own. */
#define LINE_SIZE_MAX (INI_MAX_LINE - 2)

const struct option settings_options[] = {
    {"server", "URL", "the ledger's public address, https://…", false},
    {"feed", "URL", "the address that takes pushes; without it the server's", false},
    {"ca", "FILE", "certificates of the authority that vouches for both (PEM)", false},
    {"token", "FILE", "the file that holds the access code", false},
    {"cert", "FILE", "certificate and key shown to the feed address (PEM)", false},
    {"vkey", "TEXT", "the ledger's public key; without it the first one seen is remembered", false},
    {"state", "FOLDER", "what the client remembers; by default ~/.local/state/subsidy", false},
    {"json", NULL, "print JSON for programs", false},
    {"help", NULL, "this text", false},
    {"version", NULL, "which version this is", false},
    {0},
};

/* The text settings by name; `json`, `help` and `version` are flags and stand in no file. */
static char **field_of(struct settings *settings, const char *name)
{
	const struct {
		const char *name;
		char **field;
	} fields[] = {
	    {"server", &settings->server},
	    {"feed", &settings->feed},
	    {"ca", &settings->ca},
	    {"token", &settings->token},
	    {"cert", &settings->cert},
	    {"vkey", &settings->vkey},
	    {"state", &settings->state},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].name, name) == 0)
			return fields[i].field;
	return NULL;
}

void settings_init(struct settings *settings)
{
	*settings = (struct settings){0};
}

void settings_done(struct settings *settings)
{
	for (const struct option *option = settings_options; option->name != NULL; option++)
		if (option->value != NULL)
			free(*field_of(settings, option->name));
	settings_init(settings);
}

enum err settings_set(struct settings *settings, const char *name, const char *value)
{
	char **field, *copy;

	if (strcmp(name, "json") == 0) {
		settings->is_json = true;
		return OK;
	}
	field = field_of(settings, name);
	assert(field != NULL);
	copy = strdup(value);
	if (copy == NULL)
		return ERR_MEMORY;
	free(*field);
	*field = copy;
	return OK;
}

/* ---- the file */

struct file_reader {
	struct settings *settings;
	const char *path;
	struct slice rest;
	unsigned line;
	unsigned seen; /* bit i: settings_options[i] was given */
	enum err err;
	struct why *why;
};

static int file_on_value(void *cookie, const char *section, const char *name, const char *value)
{
	struct file_reader *reader = cookie;
	const char *path = reader->path;
	unsigned i = 0;

	if (reader->err != OK)
		return 0;
	while (settings_options[i].name != NULL && strcmp(settings_options[i].name, name) != 0)
		i++;
	if (section[0] != '\0')
		reader->err = why_set(reader->why, ERR_CONFIG, "%s, line %u: there are no sections here; found [%s]",
		    path, reader->line, section);
	else if (settings_options[i].value == NULL)
		reader->err = why_set(reader->why, ERR_CONFIG,
		    "%s, line %u: there is no setting named \"%s\"; there are server, feed, ca, token, cert, vkey and "
		    "state",
		    path, reader->line, name);
	else if ((reader->seen & 1u << i) != 0)
		reader->err =
		    why_set(reader->why, ERR_CONFIG, "%s, line %u: \"%s\" is set twice", path, reader->line, name);
	else if (value[0] == '\0')
		reader->err =
		    why_set(reader->why, ERR_CONFIG, "%s, line %u: \"%s\" has no value", path, reader->line, name);
	else
		reader->err = settings_set(reader->settings, name, value);
	reader->seen |= 1u << i;
	return reader->err == OK;
}

/* fgets for inih, which counts lines so that a complaint can name one. */
static char *file_read_line(char *ret_line, int size, void *cookie)
{
	struct file_reader *reader = cookie;
	const uint8_t *end;
	size_t line_size;

	(void)size;
	if (reader->rest.size == 0 || reader->err != OK)
		return NULL;
	reader->line++;
	end = memchr(reader->rest.data, '\n', reader->rest.size);
	line_size = end != NULL ? (size_t)(end - reader->rest.data) : reader->rest.size;
	if (line_size > LINE_SIZE_MAX) {
		reader->err = why_set(reader->why, ERR_CONFIG, "%s, line %u: longer than %d bytes", reader->path,
		    reader->line, LINE_SIZE_MAX);
		return NULL;
	}
	memcpy(ret_line, reader->rest.data, line_size);
	ret_line[line_size] = '\0';
	line_size += end != NULL;
	reader->rest.data += line_size;
	reader->rest.size -= line_size;
	return ret_line;
}

enum err settings_read_file(struct settings *settings, const char *path, struct why *why)
{
	struct file_reader reader = {.settings = settings, .path = path, .why = why};
	struct buf bytes;
	enum err err;
	int bad_line;

	buf_init(&bytes, CLIENT_FILE_SIZE_MAX);
	err = file_read(path, &bytes, why);
	if (err == ERR_NOT_FOUND) {
		err = OK;
		goto out;
	}
	if (err != OK)
		goto out;
	reader.rest = buf_slice(&bytes);
	if (memchr(bytes.data, '\0', bytes.size) != NULL) {
		err = why_set(why, ERR_CONFIG, "%s: not a text file", path);
		goto out;
	}
	bad_line = ini_parse_stream(file_read_line, &reader, file_on_value, &reader);
	err = reader.err;
	if (err == OK && bad_line != 0)
		err = why_set(why, ERR_CONFIG, "%s, line %d: not of the form \"name = value\"", path, bad_line);
out:
	buf_done(&bytes);
	return err;
}

/* ---- the environment and the defaults */

enum err settings_read_environment(struct settings *settings)
{
	for (const struct option *option = settings_options; option->name != NULL; option++) {
		char name[32] = "SUBSIDY_";
		const char *value;

		if (option->value == NULL)
			continue;
		for (size_t i = 0, at = strlen(name); option->name[i] != '\0'; i++, at++)
			name[at] = (char)(option->name[i] - 'a' + 'A');
		value = getenv(name);
		if (value == NULL || value[0] == '\0')
			continue;
		if (settings_set(settings, option->name, value) != OK)
			return ERR_MEMORY;
	}
	return OK;
}

/* $`variable`/`rest`, or ~/`home_rest`. */
static char *path_below(const char *variable, const char *rest, const char *home_rest)
{
	const char *base = getenv(variable), *home = getenv("HOME");
	char *path = NULL;

	if (base != NULL && base[0] == '/')
		return asprintf(&path, "%s/%s", base, rest) >= 0 ? path : NULL;
	if (home != NULL && home[0] == '/')
		return asprintf(&path, "%s/%s", home, home_rest) >= 0 ? path : NULL;
	return NULL;
}

char *settings_path(void)
{
	return path_below("XDG_CONFIG_HOME", "subsidy.conf", ".config/subsidy.conf");
}

enum err settings_finish(struct settings *settings, struct why *why)
{
	if (settings->state == NULL)
		settings->state = path_below("XDG_STATE_HOME", "subsidy", ".local/state/subsidy");
	if (settings->state == NULL)
		return why_set(why, ERR_CONFIG, "neither --state nor HOME says where to remember things");
	return OK;
}

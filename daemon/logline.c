#include "daemon/logline.h"

#include <stdio.h>
#include <string.h>

/* The log puts a level before the line; with this much less than its longest line nothing of it is cut. */
#define TEXT_SIZE_MAX (LOG_LINE_SIZE_MAX - 64)

void logline_begin(struct logline *line)
{
	line->size = 0;
	line->text[0] = '\0';
	line->is_full = false;
}

static bool is_plain(struct slice value)
{
	for (size_t i = 0; i < value.size; i++) {
		char c = (char)value.data[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!is_letter && !(c >= '0' && c <= '9') && (c == '\0' || strchr("._:/-+", c) == NULL))
			return false;
	}
	return value.size > 0;
}

/* Each byte of the line goes through here. */
static void put(struct logline *line, char c)
{
	if (line->size >= TEXT_SIZE_MAX) {
		line->is_full = true;
		return;
	}
	line->text[line->size++] = c;
	line->text[line->size] = '\0';
}

void logline_text(struct logline *line, const char *key, struct slice value)
{
	bool is_quoted = !is_plain(value);
	size_t size_before = line->size;

	if (line->is_full)
		return;
	if (line->size > 0)
		put(line, ' ');
	for (; *key != '\0'; key++)
		put(line, *key);
	put(line, '=');
	if (is_quoted)
		put(line, '"');
	for (size_t i = 0; i < value.size && !line->is_full; i++) {
		char c = (char)value.data[i];

		if (c == '"' || c == '\\')
			put(line, '\\');
		/* A C string is what the log takes. */
		put(line, c == '\0' ? '?' : c);
	}
	if (is_quoted)
		put(line, '"');
	if (line->is_full) {
		line->size = size_before;
		line->text[line->size] = '\0';
	}
}

void logline_number(struct logline *line, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	logline_text(line, key, slice_text(text));
}

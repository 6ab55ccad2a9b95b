#include "proto/err.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int status;
	const char *sentence;
} table[ERR_COUNT] = {
#define ERR_ROW(id, name, status, sentence) [id] = {name, status, sentence},
    ERR_LIST(ERR_ROW)
#undef ERR_ROW
};

const char *err_name(enum err err)
{
	return table[err].name;
}

int err_status(enum err err)
{
	return table[err].status;
}

const char *err_sentence(enum err err)
{
	return table[err].sentence;
}

enum err err_by_name(const char *name)
{
	for (int err = 0; err < ERR_COUNT; err++)
		if (strcmp(table[err].name, name) == 0)
			return (enum err)err;
	return ERR_COUNT;
}

enum err why_set(struct why *why, enum err err, const char *format, ...)
{
	va_list arguments;
	int size;

	if (why == NULL)
		return err;
	va_start(arguments, format);
	size = vsnprintf(why->text, sizeof(why->text), format, arguments);
	va_end(arguments);
	if (size < 0) {
		why->text[0] = '\0';
	} else if ((size_t)size >= sizeof(why->text)) {
		/* Drop the character that the cut went through: back over its continuation bytes to its first byte. */
		size_t end = sizeof(why->text) - 1, first = end;

		while (first > 0 && ((unsigned char)why->text[first - 1] & 0xc0) == 0x80)
			first--;
		if (first > 0 && ((unsigned char)why->text[first - 1] & 0x80) != 0) {
			unsigned char lead = (unsigned char)why->text[first - 1];
			size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

			if (end - (first - 1) < want)
				why->text[first - 1] = '\0';
		}
	}
	return err;
}

#include "proto/err.h"

#include <stdio.h>
#include <string.h>

#include "proto/text.h"

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
	return text_of(table[err].sentence);
}

enum err err_by_name(const char *name)
{
	for (int err = 0; err < ERR_COUNT; err++)
		if (strcmp(table[err].name, name) == 0)
			return (enum err)err;
	return ERR_COUNT;
}

/* Drops the character that a cut went through: back over its continuation bytes to its first byte. */
static void drop_cut_character(char *text)
{
	size_t end = WHY_SIZE - 1, first = end;

	while (first > 0 && ((unsigned char)text[first - 1] & 0xc0) == 0x80)
		first--;
	if (first > 0 && ((unsigned char)text[first - 1] & 0x80) != 0) {
		unsigned char lead = (unsigned char)text[first - 1];
		size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

		if (end - (first - 1) < want)
			text[first - 1] = '\0';
	}
}

static void format_text(char ret_text[static WHY_SIZE], const char *format, va_list arguments)
{
	int size = vsnprintf(ret_text, WHY_SIZE, format, arguments);

	if (size < 0)
		ret_text[0] = '\0';
	else if (size >= WHY_SIZE)
		drop_cut_character(ret_text);
}

static void append_text(char ret_text[static WHY_SIZE], const char *more)
{
	size_t used = strlen(ret_text);

	if ((size_t)snprintf(ret_text + used, WHY_SIZE - used, "%s", more) >= WHY_SIZE - used)
		drop_cut_character(ret_text);
}

static char *english_of(struct why *why)
{
	return why->text + WHY_SIZE;
}

void why_set_list(struct why *why, const char *format, va_list arguments)
{
	va_list again;

	va_copy(again, arguments);
	format_text(why->text, text_of(format), arguments);
	english_of(why)[0] = '\0';
	if (text_language() != TEXT_ENGLISH)
		format_text(english_of(why), format, again);
	va_end(again);
}

enum err why_set(struct why *why, enum err err, const char *format, ...)
{
	va_list arguments;

	if (why == NULL)
		return err;
	va_start(arguments, format);
	why_set_list(why, format, arguments);
	va_end(arguments);
	return err;
}

enum err why_set_cause(struct why *why, enum err err, const struct why *cause, const char *format, ...)
{
	va_list arguments;

	if (why == NULL)
		return err;
	va_start(arguments, format);
	why_set_list(why, format, arguments);
	va_end(arguments);
	append_text(why->text, cause->text);
	if (english_of(why)[0] != '\0')
		append_text(english_of(why), why_english(cause));
	return err;
}

const char *why_english(const struct why *why)
{
	return why->text[WHY_SIZE] != '\0' ? why->text + WHY_SIZE : why->text;
}

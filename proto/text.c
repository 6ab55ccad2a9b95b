#include "proto/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WEIGHT_MAX 1000u /* of a weight in thousandths */

static _Thread_local enum text_language current;

const struct text_part *const text_parts[TEXT_PARTS] = {&text_zh_proto, &text_zh_daemon, &text_zh_client, &text_zh_pin,
    &text_zh_statement, &text_zh_monitor, &text_zh_verify, &text_zh_help};

void text_use(enum text_language language)
{
	current = language;
}

enum text_language text_language(void)
{
	return current;
}

/* ---- the table */

static int row_compare(const void *english, const void *row)
{
	return strcmp(english, ((const struct text_row *)row)->english);
}

const char *text_of(const char *english)
{
	if (current == TEXT_ENGLISH)
		return english;
	for (size_t i = 0; i < TEXT_PARTS; i++) {
		const struct text_row *row =
		    bsearch(english, text_parts[i]->rows, text_parts[i]->row_count, sizeof(*row), row_compare);

		if (row != NULL)
			return row->chinese;
	}
	return english;
}

/* ---- which language */

/* "zh", and whatever is a kind of it: "zh-Hans-CN", "zh_CN.UTF-8". */
static bool is_language(const char *tag, size_t size, const char *language)
{
	return size >= 2 && strncasecmp(tag, language, 2) == 0 && (size == 2 || strchr("-_.@", tag[2]) != NULL);
}

enum text_language text_language_of_locale(const char *locale)
{
	return locale != NULL && is_language(locale, strlen(locale), "zh") ? TEXT_CHINESE : TEXT_ENGLISH;
}

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t");
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), in thousandths. NULL where it is none. */
static const char *weight_parse(const char *at, unsigned *ret_weight)
{
	unsigned weight, unit = 100;

	if (*at != '0' && *at != '1')
		return NULL;
	weight = *at++ == '1' ? WEIGHT_MAX : 0;
	if (*at == '.')
		for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10) {
			if (unit == 0)
				return NULL;
			weight += (unsigned)(*at - '0') * unit;
		}
	if (weight > WEIGHT_MAX)
		return NULL;
	*ret_weight = weight;
	return at;
}

/* One element of the list: a tag and perhaps its weight. NULL where it is malformed. */
static const char *range_parse(const char *at, size_t *ret_tag_size, unsigned *ret_weight)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-*";

	*ret_weight = WEIGHT_MAX;
	*ret_tag_size = strspn(at, letters);
	if (*ret_tag_size == 0)
		return NULL;
	at = skip_space(at + *ret_tag_size);
	if (*at == ';') {
		at = skip_space(at + 1);
		if (strncasecmp(at, "q=", 2) != 0)
			return NULL;
		at = weight_parse(at + 2, ret_weight);
		if (at == NULL)
			return NULL;
		at = skip_space(at);
	}
	return *at == ',' || *at == '\0' ? at : NULL;
}

enum text_language text_language_of_header(const char *header)
{
	enum text_language best = TEXT_ENGLISH;
	unsigned best_weight = 0;

	if (header == NULL)
		return TEXT_ENGLISH;
	for (const char *at = skip_space(header); *at != '\0'; at = skip_space(at)) {
		const char *tag = at;
		size_t tag_size;
		unsigned weight;

		/* A list may have empty elements. */
		if (*at == ',') {
			at++;
			continue;
		}
		at = range_parse(at, &tag_size, &weight);
		if (at == NULL)
			return TEXT_ENGLISH;
		if (weight > best_weight && (is_language(tag, tag_size, "zh") || is_language(tag, tag_size, "en"))) {
			best_weight = weight;
			best = is_language(tag, tag_size, "zh") ? TEXT_CHINESE : TEXT_ENGLISH;
		}
	}
	return best;
}

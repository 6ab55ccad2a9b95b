#include "proto/text.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* A power of two, and at least twice the rows: asserted when the index is made. */
#define INDEX_SIZE 4096u
#define WEIGHT_MAX 1000u

static _Thread_local enum text_language current;

/* All rows by a hash of the English; made once, by the first thread that needs it. */
static const struct text_row *rows_by_hash[INDEX_SIZE];
static pthread_once_t index_once = PTHREAD_ONCE_INIT;

void text_use(enum text_language language)
{
	current = language;
}

enum text_language text_language(void)
{
	return current;
}

/* ---- the table */

/* Where the text's row is, or the free place where it would be. FNV-1a. */
static const struct text_row **find(const char *english)
{
	uint32_t hash = 2166136261u;

	for (const unsigned char *at = (const unsigned char *)english; *at != '\0'; at++)
		hash = (hash ^ *at) * 16777619u;
	while (
	    rows_by_hash[hash % INDEX_SIZE] != NULL && strcmp(rows_by_hash[hash % INDEX_SIZE]->english, english) != 0)
		hash++;
	return &rows_by_hash[hash % INDEX_SIZE];
}

static void make_index(void)
{
	static const struct text_row *const tables[] = {text_zh_proto, text_zh_daemon, text_zh_client, text_zh_help};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct text_row *row = tables[i]; row->english != NULL; row++) {
			*find(row->english) = row;
			count++;
		}
	assert(2 * count <= INDEX_SIZE);
}

const char *text_of(const char *english)
{
	const struct text_row *row;
	int result;

	if (current == TEXT_ENGLISH)
		return english;
	result = pthread_once(&index_once, make_index);
	assert(result == 0);
	(void)result;
	row = *find(english);
	return row != NULL ? row->chinese : english;
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

/*
 * The texts that people read, in English and in Chinese.
 *
 * The English text (a sentence, or a printf format) is written where it is said, and is the key; its Chinese stands in
 * one table, text_zh_*.c. Nothing that a machine reads goes through here: names of errors, words of enumerations (but
 * where a table shows them to people), JSON keys, log lines and metrics are the same in every language, and so is
 * everything that is stored.
 *
 * The language belongs to the request that a thread is working on, so it is the thread's. It is the second and last
 * exception to the rule that state is passed: it would else go through every function that can refuse something, and it
 * decides nothing but words. Whoever takes up a request sets it, and sets it back to English when done.
 *
 * tests/lint/translations.py finds every text and checks that each has one row, with the same conversions.
 */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include <stddef.h>

enum text_language { TEXT_ENGLISH, TEXT_CHINESE };

/* The calling thread's; English until it is set. */
void text_use(enum text_language language);
enum text_language text_language(void);

/*
 * The text in the thread's language; a text without a row is given back as it is. Where it is a format, the Chinese
 * takes the same arguments, in another order if need be (%2$s). Valid for ever.
 */
const char *text_of(const char *english) __attribute__((format_arg(1)));
/* The same of a literal: what the lint looks for wherever a text does not go to why_set, out_*() or the like. */
#define T(english) text_of(english)
/* Marks a text in a table of texts; whoever prints it calls text_of. */
#define TEXT(english) english

/* Of "zh_CN.UTF-8", "zh", "C", …: the value of LC_ALL, LC_MESSAGES or LANG. */
enum text_language text_language_of_locale(const char *locale);
/*
 * Of an Accept-Language header (RFC 9110, section 12.5.4; NULL: there is none): the first of Chinese and English by
 * weight, and by order where weights are equal. English where neither is asked for or the header is malformed.
 */
enum text_language text_language_of_header(const char *header);

/* The table is in parts, one a file; each is in the order of its English (strcmp). */
struct text_row {
	const char *english, *chinese;
};
struct text_part {
	const struct text_row *rows;
	size_t row_count;
};
#define TEXT_PARTS 8
extern const struct text_part text_zh_proto, text_zh_daemon, text_zh_client, text_zh_pin, text_zh_statement,
    text_zh_monitor, text_zh_verify, text_zh_help;
extern const struct text_part *const text_parts[TEXT_PARTS];

#endif

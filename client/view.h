/*
 * Reading the ledger's answers, for the commands that show them: asking, following pages, and cells of tables.
 *
 * With --json the daemon's answer is printed as it came, and a command has nothing to add.
 */
#ifndef CLIENT_VIEW_H
#define CLIENT_VIEW_H

#include <jansson.h>

#include "client/client.h"
#include "client/table.h"

/* A path under way: a buffer of HTTP_TARGET_SIZE_MAX, begun with one piece of text taken as it is. */
void view_path_init(struct buf *path, const char *text);
/* Begins with "/v1/enterprises/<code>": the code in its one form; where it can't be right, that is said on stderr. */
void view_path_enterprise(struct buf *path, const char *code);
/* Adds "?key=value", or "&key=value"; nothing where value is NULL. */
void view_path_query(struct buf *path, const char *key, const char *value);

/* How an answer comes in pages: the array, the member that leads on, and the parameter that takes it. */
struct view_pages {
	const char *array;		/* "trades" */
	const char *next;		/* "cursor": a text, or a number; null at the end */
	const char *parameter;		/* "cursor" */
};

/* GET, and on --json print: then, and only then, EXIT_OK comes with *ret_json NULL. Complains by itself. */
enum exit_code view_get(const struct settings *settings, const char *path, json_t **ret_json) must_check;
/* The first page, or with `is_all` every page, merged into one object. Where more pages follow it says so on stderr. */
enum exit_code view_get_pages(const struct settings *settings, const char *path, const struct view_pages *pages,
    bool is_all, json_t **ret_json) must_check;

/* The member as a cell: texts as they are, numbers, "yes" and "no", lists of texts, "-" for null or nothing. */
void view_cell(struct table *table, const json_t *object, const char *key);
/* The same of a word of the API (word.h). */
void view_cell_word(struct table *table, const json_t *object, const char *key);
/* "name: count, …" of an object of numbers by such words, or "-". */
void view_cell_counts(struct table *table, const json_t *counts);
/* Two cells: a name, and the member. */
void view_field(struct table *table, const char *name, const json_t *object, const char *key);
/* Prints the table, if it has any row, and ends it. */
enum exit_code view_print(struct table *table) must_check;
/* The same as CSV, its head even where there is no row. */
enum exit_code view_print_csv(struct table *table) must_check;
/* --csv, which --json excludes: false after complaining of a usage error. */
bool view_wants_csv(const struct settings *settings, const struct args *args, bool *ret_is_csv) must_check;

/* Formatted text on stdout, control characters escaped. */
void view_say(const char *format, ...) printf_like(1, 2);
/* What a word of the API means, for people (a disposition, a gate, a reason, a status), or NULL. */
const char *view_meaning(const char *word);
/* A policy's status for people: "assumed" says that its parameters are. */
const char *view_status(const json_t *policy);
/* The sentence under every figure of money: `policies` holds a "status" each (or is one such object, or NULL). */
void view_caveat(const json_t *policies);

#endif

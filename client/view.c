#include "client/view.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/link.h"
#include "client/out.h"
#include "client/word.h"
#include "proto/policy.h"
#include "proto/text.h"
#include "proto/usci.h"

/* ---- paths */

void view_path_init(struct buf *path, const char *text)
{
	buf_init(path, HTTP_TARGET_SIZE_MAX);
	buf_add_text(path, text);
}

/* Codes are ASCII, enterprises' names are not. */
static bool is_name(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return true;
	return false;
}

void view_path_enterprise(struct buf *path, const char *code)
{
	struct why why = {""};
	struct buf text;

	view_path_init(path, "/v1/enterprises/");
	buf_init(&text, USCI_TEXT_SIZE_MAX);
	if (usci_normalise(slice_text(code), &text) != OK)
		buf_clear(&text);
	if (usci_explain(buf_slice(&text), &why) != OK)
		out_info("subsidy: is this the right code? %s", why.text);
	/* As it was typed: names are compared so. */
	if (is_name(text.size > 0 ? buf_text(&text) : code))
		out_info("         `subsidy list --find \"%s\"` looks for a name", code);
	link_escape(path, text.size > 0 ? buf_text(&text) : code);
	buf_done(&text);
}

void view_path_query(struct buf *path, const char *key, const char *value)
{
	if (value == NULL)
		return;
	buf_add_text(path, strchr(buf_text(path), '?') == NULL ? "?" : "&");
	buf_printf(path, "%s=", key);
	link_escape(path, value);
}

/* ---- asking */

/* A venue may know the feed's address alone; it takes the feeds' paths, too. */
static enum link_door door_of(const struct settings *settings, const char *path)
{
	bool is_feed = strncmp(path, "/v1/feeds/", strlen("/v1/feeds/")) == 0;

	return settings->server == NULL && settings->feed != NULL && is_feed ? LINK_FEED : LINK_SERVER;
}

static enum exit_code ask(
    struct link *link, const struct settings *settings, const char *path, struct link_answer *answer)
{
	struct link_request request = {.door = door_of(settings, path), .path = path};

	if (link_ask(link, &request, answer) != OK)
		return out_fail_answer(answer);
	if (json_is_object(answer->json))
		return EXIT_OK;
	(void)why_set(&answer->why, ERR_SYNTAX, "%s: the answer is not a JSON object", path);
	return out_fail(ERR_SYNTAX, &answer->why, "is --server the address of a subsidy ledger?");
}

static enum exit_code link_begin(const struct settings *settings, struct link **ret_link)
{
	struct why why = {""};
	enum err err = link_open(settings, ret_link, &why);

	return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
}

enum exit_code view_get(const struct settings *settings, const char *path, json_t **ret_json)
{
	struct link_answer answer;
	struct link *link;
	enum exit_code code = link_begin(settings, &link);

	if (code != EXIT_OK)
		return code;
	code = ask(link, settings, path, &answer);
	if (code == EXIT_OK && settings->is_json) {
		size_t written = fwrite(answer.body.data, 1, answer.body.size, stdout);

		code = out_printed(written == answer.body.size ? OK : ERR_IO);
		*ret_json = NULL;
	} else if (code == EXIT_OK) {
		*ret_json = json_incref(answer.json);
	}
	link_answer_done(&answer);
	link_close(link);
	return code;
}

/* ---- pages */

struct paging {
	const struct settings *settings;
	const struct view_pages *pages;
	const char *path;
	bool is_all;
	struct link *link;
	json_t *whole; /* the first page, and what was added to it */
	char *next;    /* where the next page begins, or NULL */
};

static enum exit_code next_take(struct paging *paging, const json_t *page)
{
	const json_t *next = json_object_get(page, paging->pages->next);
	char *text = NULL;

	if (json_is_string(next))
		text = strdup(json_string_value(next));
	else if (json_is_integer(next) && asprintf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(next)) < 0)
		text = NULL;
	if (text == NULL && next != NULL && !json_is_null(next))
		return out_fail(ERR_MEMORY, NULL, NULL);
	/* A page that leads to itself would be followed for ever. */
	if (text != NULL && paging->next != NULL && strcmp(text, paging->next) == 0) {
		struct why why;

		(void)why_set(&why, ERR_SYNTAX, "a page of %s leads to itself", paging->path);
		free(text);
		return out_fail(ERR_SYNTAX, &why, NULL);
	}
	free(paging->next);
	paging->next = text;
	return EXIT_OK;
}

static enum exit_code page_get(struct paging *paging)
{
	const char *array = paging->pages->array;
	struct link_answer answer;
	struct buf path;
	enum exit_code code;

	view_path_init(&path, paging->path);
	if (paging->is_all)
		buf_printf(&path, "%climit=%d", strchr(paging->path, '?') == NULL ? '?' : '&', PAGE_ROWS_MAX);
	view_path_query(&path, paging->pages->parameter, paging->next);
	code = ask(paging->link, paging->settings, buf_text(&path), &answer);
	if (code == EXIT_OK && !json_is_array(json_object_get(answer.json, array))) {
		(void)why_set(&answer.why, ERR_SYNTAX, "%s: the answer has no list of %s", paging->path, array);
		code = out_fail(ERR_SYNTAX, &answer.why, NULL);
	}
	if (code == EXIT_OK)
		code = next_take(paging, answer.json);
	if (code == EXIT_OK && paging->whole == NULL)
		paging->whole = json_incref(answer.json);
	else if (code == EXIT_OK &&
		 json_array_extend(json_object_get(paging->whole, array), json_object_get(answer.json, array)) != 0)
		code = out_fail(ERR_MEMORY, NULL, NULL);
	link_answer_done(&answer);
	buf_done(&path);
	return code;
}

enum exit_code view_get_pages(
    const struct settings *settings, const char *path, const struct view_pages *pages, bool is_all, json_t **ret_json)
{
	struct paging paging = {.settings = settings, .pages = pages, .path = path, .is_all = is_all};
	enum exit_code code = link_begin(settings, &paging.link);

	if (code != EXIT_OK)
		return code;
	do {
		code = page_get(&paging);
	} while (code == EXIT_OK && is_all && paging.next != NULL);
	if (code == EXIT_OK && is_all && json_object_set_new(paging.whole, pages->next, json_null()) != 0)
		code = out_fail(ERR_MEMORY, NULL, NULL);
	if (code == EXIT_OK && paging.next != NULL)
		out_info("There are more: --all shows every one.");
	if (code == EXIT_OK && settings->is_json) {
		code = out_json(json_incref(paging.whole));
		*ret_json = NULL;
	} else if (code == EXIT_OK) {
		*ret_json = json_incref(paging.whole);
	}
	free(paging.next);
	json_decref(paging.whole);
	link_close(paging.link);
	return code;
}

/* ---- cells */

static void cell_texts(struct table *table, const json_t *array)
{
	struct buf text;

	buf_init(&text, CLIENT_ANSWER_SIZE_MAX);
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *word = json_string_value(json_array_get(array, i));

		buf_printf(&text, "%s%s", i > 0 ? " " : "", word != NULL ? word : "?");
	}
	table_cell(table, text.size > 0 ? buf_text(&text) : NULL);
	buf_done(&text);
}

void view_cell(struct table *table, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_integer(value))
		table_cellf(table, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		table_word(table, json_is_true(value) ? TEXT("yes") : TEXT("no"));
	else if (json_is_array(value))
		cell_texts(table, value);
	else
		table_cell(table, json_string_value(value));
}

void view_cell_word(struct table *table, const json_t *object, const char *key)
{
	word_cell(table, json_string_value(json_object_get(object, key)));
}

void view_cell_counts(struct table *table, const json_t *counts)
{
	/* jansson's iterator changes nothing, but is not declared so. */
	json_t *iterated = (json_t *)(uintptr_t)counts;
	struct buf text;

	buf_init(&text, CLIENT_ANSWER_SIZE_MAX);
	for (void *at = json_object_iter(iterated); at != NULL; at = json_object_iter_next(iterated, at))
		buf_printf(&text, "%s%s: %" JSON_INTEGER_FORMAT, text.size > 0 ? ", " : "",
		    word_text(json_object_iter_key(at)), json_integer_value(json_object_iter_value(at)));
	table_cell(table, text.size > 0 ? buf_text(&text) : NULL);
	buf_done(&text);
}

void view_field(struct table *table, const char *name, const json_t *object, const char *key)
{
	table_word(table, name);
	view_cell(table, object, key);
}

enum exit_code view_print(struct table *table)
{
	enum err err = table->cell_count > 0 || table->has_failed ? table_print(table, stdout) : OK;

	table_done(table);
	return out_printed(err);
}

enum exit_code view_print_csv(struct table *table)
{
	enum err err = table_print_csv(table, stdout);

	table_done(table);
	return out_printed(err);
}

bool view_wants_csv(const struct settings *settings, const struct args *args, bool *ret_is_csv)
{
	*ret_is_csv = args_has(args, "csv");
	if (!*ret_is_csv || !settings->is_json)
		return true;
	(void)out_usage("--csv and --json exclude each other");
	return false;
}

/* ---- sentences */

void view_say(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vasprintf(&text, text_of(format), arguments);
	va_end(arguments);
	if (size < 0)
		return;
	out_text(stdout, text);
	fputc('\n', stdout);
	free(text);
}

const char *view_meaning(const char *word)
{
	if (word == NULL)
		return NULL;
	for (int i = DISPOSITION_COUNTED + 1; i < DISPOSITION_COUNT; i++)
		if (strcmp(word, disposition_name((enum disposition)i)) == 0)
			return disposition_sentence((enum disposition)i);
	for (int i = GATE_ELIGIBLE + 1; i < GATE_COUNT; i++)
		if (strcmp(word, policy_gate_name((enum policy_gate)i)) == 0)
			return policy_gate_sentence((enum policy_gate)i);
	for (int i = REASON_NOT_LISTED; i <= REASON_NO_ELIGIBLE_TRADE; i++)
		if (strcmp(word, policy_reason_name((enum policy_reason)i)) == 0)
			return policy_reason_sentence((enum policy_reason)i);
	return NULL;
}

static bool is_assumed(const json_t *policy)
{
	return strcmp(json_text_or(policy, "status", ""), "assumed") == 0;
}

const char *view_status(const json_t *policy)
{
	return is_assumed(policy) ? "按假设参数测算 (assumed)" : json_text_or(policy, "status", "-");
}

void view_caveat(const json_t *policies)
{
	bool has_assumed = is_assumed(policies);

	for (size_t i = 0; i < json_array_size(policies); i++)
		has_assumed = has_assumed || is_assumed(json_array_get(policies, i));
	printf("\n%s\n", T("An accrual is not a promise of payment."));
	if (has_assumed)
		printf("%s\n", T("按假设参数测算: these figures come of assumed parameters, not of a published rule."));
}

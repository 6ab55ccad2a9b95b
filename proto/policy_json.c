#include "proto/policy_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/date.h"
#include "proto/text.h"

#define QUOTE_SIZE 48 /* bytes of quoted outside text, its mark of omission and NUL */
#define QUOTE_TEXT_SIZE 40
#define KEY_LIST_SIZE 384 /* the policy's own keys, the longest list, take 280 */
#define WORD_LIST_SIZE 128

const char *const policy_json_statuses[] = {"assumed", "published", NULL};
const char *const policy_json_date_bases[] = {"settled", "signed", NULL};
const char *const policy_json_sides[] = {"supplier", "buyer", NULL};
const char *const policy_json_bases[] = {"gross", "net", NULL};
const char *const policy_json_enterprises[] = {"all", "listed", NULL};
const char *const policy_json_related[] = {"exclude", "flag", "allow", NULL};
const char *const policy_json_other_subsidy[] = {"exclude", "allow", NULL};
const char *const policy_json_rate_types[] = {"flat", "marginal", "slab", "fixed", NULL};
const char *const policy_json_cap_scopes[] = {"term", "year", NULL};
const char *const policy_json_round_modes[] = {"floor", "half_up", NULL};
const char *const policy_json_pool_methods[] = {"prorata", "first_come", "rank", NULL};
const char *const policy_json_reviews[] = {"lower", NULL};
const char *const policy_json_clawbacks[] = {"recompute", NULL};

/*
 * Conditions other places have that look at one trade or at one pair of parties. An officer who writes one deserves
 * to hear why there is no such key, rather than that it is misspelt.
 */
static const char *const beyond_cells[] = {"cap_per_trade", "cap_per_pair", "cap_per_contract", "cap_per_counterparty",
    "trade_cap", "pair_cap", "per_trade", "per_pair", "per_contract", "per_counterparty", "minimum_trade", "min_trade",
    "minimum_amount", "min_amount", "trade_minimum", "trade", "pair", "contract", "counterparty", NULL};
#define BEYOND_CELLS_SENTENCE                                                                                          \
	"a policy can't say this: it is evaluated over monthly sums of trades that are alike, so no rule can look at " \
	"a "                                                                                                           \
	"single trade, contract or pair of parties (no cap per trade or pair, no minimum trade); leave it out and "    \
	"let "                                                                                                         \
	"the review deal with such trades"

static bool word_find(const char *const *words, struct slice text, unsigned *ret_index)
{
	for (unsigned i = 0; words[i] != NULL; i++) {
		if (slice_equal(slice_text(words[i]), text)) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

/* Outside text for a refusal: control characters masked, cut between characters. */
static const char *quote(struct slice text, char ret_quote[static QUOTE_SIZE])
{
	size_t size = text.size;

	if (size > QUOTE_TEXT_SIZE) {
		size = QUOTE_TEXT_SIZE;
		while (size > 0 && (text.data[size] & 0xc0) == 0x80)
			size--;
	}
	for (size_t i = 0; i < size; i++)
		ret_quote[i] = (char)(text.data[i] < 0x20 || text.data[i] == 0x7f ? '?' : text.data[i]);
	snprintf(ret_quote + size, QUOTE_SIZE - size, "%s", size < text.size ? "…" : "");
	return ret_quote;
}

static struct slice json_slice(const json_t *json)
{
	return slice_of(json_string_value(json), json_string_length(json));
}

/* What was found instead, for a value of a wrong type. */
static const char *type_name(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT: return T("an object");
	case JSON_ARRAY: return T("a list");
	case JSON_STRING: return T("a string");
	case JSON_INTEGER: return T("a whole number");
	case JSON_REAL: return T("a number with a fraction or exponent");
	case JSON_TRUE:
	case JSON_FALSE: return T("true or false");
	case JSON_NULL: return "null";
	}
	return T("something else");
}

void policy_json_refuse(const struct policy_json *node, const char *key, const char *format, ...)
{
	struct why cause = {""};
	const char *joint;
	va_list arguments;

	if (node->check->err != OK)
		return;
	va_start(arguments, format);
	why_set_list(&cause, format, arguments);
	va_end(arguments);
	joint = node->path[0] != '\0' && key[0] != '\0' && key[0] != '[' ? "." : "";
	node->check->err = why_set_cause(node->check->why, ERR_INVALID, &cause,
	    "%s%s%s: ", node->path[0] == '\0' && key[0] == '\0' ? "policy" : node->path, joint, key);
}

static void join(const char *list, const char *word, char *ret_list, size_t size)
{
	size_t used = strlen(ret_list);

	snprintf(ret_list + used, size - used, "%s%s", used == 0 ? "" : list, word);
}

void policy_json_open(struct policy_json *node, struct policy_check *check, const json_t *json, const char *path)
{
	node->check = check;
	node->object = NULL;
	snprintf(node->path, sizeof(node->path), "%s", path);
	if (check->err != OK)
		return;
	if (!json_is_object(json)) {
		policy_json_refuse(
		    node, "", "must be an object {…}, found %s", json == NULL ? T("nothing") : type_name(json));
		return;
	}
	node->object = json;
}

static bool key_is_known(const char *const *keys, const char *key)
{
	for (; *keys != NULL; keys++)
		if (strcmp(**keys == '!' ? *keys + 1 : *keys, key) == 0)
			return true;
	return false;
}

void policy_json_keys(const struct policy_json *node, const char *const *keys)
{
	const json_t *object = node->object;
	char known[KEY_LIST_SIZE] = "", quoted[QUOTE_SIZE];
	unsigned index;

	if (object == NULL || node->check->err != OK)
		return;
	for (void *i = json_object_iter((json_t *)(uintptr_t)object); i != NULL;
	     i = json_object_iter_next((json_t *)(uintptr_t)object, i)) {
		const char *key = json_object_iter_key(i);

		if (key_is_known(keys, key))
			continue;
		quote(slice_text(key), quoted);
		if (word_find(beyond_cells, slice_text(key), &index)) {
			policy_json_refuse(node, quoted, BEYOND_CELLS_SENTENCE);
			return;
		}
		for (const char *const *name = keys; *name != NULL; name++)
			join(", ", **name == '!' ? *name + 1 : *name, known, sizeof(known));
		policy_json_refuse(node, quoted, "unknown key; the keys allowed here are %s", known);
		return;
	}
	for (; *keys != NULL; keys++)
		if (**keys == '!' && json_object_get(object, *keys + 1) == NULL)
			policy_json_refuse(node, *keys + 1, "this key is required and is missing");
}

const json_t *policy_json_get(const struct policy_json *node, const char *key)
{
	if (node->object == NULL || node->check->err != OK)
		return NULL;
	return json_object_get(node->object, key);
}

const json_t *policy_json_get_set(const struct policy_json *node, const char *key)
{
	const json_t *json = policy_json_get(node, key);

	return json_is_null(json) ? NULL : json;
}

static bool child_open(const struct policy_json *node, const char *key, const json_t *json, const char *const *keys,
    struct policy_json *ret_child)
{
	char path[2 * POLICY_PATH_SIZE];

	if (json == NULL)
		return false;
	snprintf(path, sizeof(path), "%s%s%s", node->path, node->path[0] == '\0' || key[0] == '[' ? "" : ".", key);
	policy_json_open(ret_child, node->check, json, path);
	if (keys != NULL)
		policy_json_keys(ret_child, keys);
	return node->check->err == OK;
}

bool policy_json_child(
    const struct policy_json *node, const char *key, const char *const *keys, struct policy_json *ret_child)
{
	return child_open(node, key, policy_json_get(node, key), keys, ret_child);
}

bool policy_json_child_set(
    const struct policy_json *node, const char *key, const char *const *keys, struct policy_json *ret_child)
{
	return child_open(node, key, policy_json_get_set(node, key), keys, ret_child);
}

size_t policy_json_list(const struct policy_json *node, const char *key, bool may_be_empty, size_t max)
{
	const json_t *json = policy_json_get(node, key);
	size_t count;

	if (json == NULL)
		return 0;
	if (!json_is_array(json)) {
		policy_json_refuse(node, key, "must be a list […], found %s", type_name(json));
		return 0;
	}
	count = json_array_size(json);
	if (count > max || (count == 0 && !may_be_empty)) {
		policy_json_refuse(
		    node, key, "must have %s to %zu members, has %zu", may_be_empty ? "0" : "1", max, count);
		return 0;
	}
	return count;
}

static bool string_check(const struct policy_json *node, const char *key, const json_t *json)
{
	if (json == NULL || node->check->err != OK)
		return false;
	if (json_is_string(json))
		return true;
	policy_json_refuse(node, key, "must be a string \"…\", found %s", type_name(json));
	return false;
}

void policy_json_text(
    const struct policy_json *node, const char *key, const json_t *json, size_t size_max, char *ret_text)
{
	struct slice text;

	if (!string_check(node, key, json))
		return;
	text = json_slice(json);
	if (text.size == 0 || text.size > size_max || !utf8_is_text(text)) {
		policy_json_refuse(node, key,
		    "must be 1 to %zu bytes of UTF-8 without control characters, has %zu bytes", size_max, text.size);
		return;
	}
	memcpy(ret_text, text.data, text.size);
	ret_text[text.size] = '\0';
}

static bool name_has_only(struct slice name, const char *more)
{
	for (size_t i = 0; i < name.size; i++) {
		char c = (char)name.data[i];
		bool is_upper = c >= 'A' && c <= 'Z';

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')
			continue;
		if (c == '\0' || strchr(more, is_upper ? 'A' : c) == NULL)
			return false;
	}
	return true;
}

void policy_json_name(const struct policy_json *node, const char *key, const json_t *json,
    const struct policy_json_name_rule *rule, char *ret_name)
{
	char quoted[QUOTE_SIZE];
	struct slice name;

	if (!string_check(node, key, json))
		return;
	name = json_slice(json);
	if (name.size == 0 || name.size > rule->size_max || !name_has_only(name, rule->more)) {
		policy_json_refuse(node, key, "must be 1 to %zu characters, %s; found \"%s\"", rule->size_max,
		    text_of(rule->sentence), quote(name, quoted));
		return;
	}
	memcpy(ret_name, name.data, name.size);
	ret_name[name.size] = '\0';
}

unsigned policy_json_word(const struct policy_json *node, const char *key, const json_t *json, const char *const *words)
{
	char list[WORD_LIST_SIZE] = "", quoted[QUOTE_SIZE];
	unsigned index;

	if (json == NULL || node->check->err != OK)
		return 0;
	if (json_is_string(json) && word_find(words, json_slice(json), &index))
		return index + 1;
	if (json_is_string(json) && word_find(beyond_cells, json_slice(json), &index)) {
		policy_json_refuse(node, key, BEYOND_CELLS_SENTENCE);
		return 0;
	}
	for (size_t i = 0; words[i] != NULL; i++)
		join(T("\" or \""), words[i], list, sizeof(list));
	if (json_is_string(json))
		policy_json_refuse(node, key, "must be \"%s\", found \"%s\"", list, quote(json_slice(json), quoted));
	else
		policy_json_refuse(node, key, "must be \"%s\", found %s", list, type_name(json));
	return 0;
}

static bool int_check(const struct policy_json *node, const char *key, const json_t *json, const int64_t bounds[2])
{
	if (!json_is_integer(json)) {
		policy_json_refuse(node, key, "must be a whole number from %" PRId64 " to %" PRId64 ", found %s",
		    bounds[0], bounds[1], type_name(json));
		return false;
	}
	if (json_integer_value(json) < bounds[0] || json_integer_value(json) > bounds[1]) {
		policy_json_refuse(node, key, "must be from %" PRId64 " to %" PRId64 ", is %" PRId64, bounds[0],
		    bounds[1], (int64_t)json_integer_value(json));
		return false;
	}
	return true;
}

bool policy_json_int(const struct policy_json *node, const char *key, int64_t min, int64_t max, int64_t *ret_value)
{
	const json_t *json = policy_json_get(node, key);

	if (json == NULL || !int_check(node, key, json, (const int64_t[2]){min, max}))
		return false;
	*ret_value = json_integer_value(json);
	return true;
}

void policy_json_ppm(const struct policy_json *node, const char *key, uint32_t min, uint32_t max, uint32_t *ret_ppm)
{
	int64_t value;

	if (policy_json_int(node, key, min, max, &value))
		*ret_ppm = (uint32_t)value;
}

void policy_json_amount(const struct policy_json *node, const char *key, int64_t min_fen, int64_t *ret_fen)
{
	const json_t *json = policy_json_get(node, key);
	char quoted[QUOTE_SIZE], least[MONEY_TEXT_SIZE];
	int64_t fen = 0;
	enum err err;

	if (json == NULL)
		return;
	if (!json_is_string(json)) {
		policy_json_refuse(
		    node, key, "must be yuan in a string, such as \"300000.00\", found %s", type_name(json));
		return;
	}
	err = money_parse(json_slice(json), &fen);
	if (err == ERR_OVERFLOW) {
		policy_json_refuse(
		    node, key, "is larger than an amount can be, found \"%s\"", quote(json_slice(json), quoted));
	} else if (err != OK) {
		policy_json_refuse(node, key,
		    "must be yuan in digits with at most two decimals, such as \"300000.00\", found \"%s\"",
		    quote(json_slice(json), quoted));
	} else if (fen < min_fen) {
		money_format(min_fen, least);
		policy_json_refuse(
		    node, key, "must be at least \"%s\", found \"%s\"", least, quote(json_slice(json), quoted));
	} else {
		*ret_fen = fen;
	}
}

static uint32_t read_date(const struct policy_json *node, const char *key)
{
	const json_t *json = policy_json_get(node, key);
	char quoted[QUOTE_SIZE];
	uint32_t date = 0;

	if (string_check(node, key, json) && date_parse(json_slice(json), &date) != OK) {
		policy_json_refuse(node, key,
		    "must be a calendar day from %d to %d, such as \"2025-01-01\", found \"%s\"", DATE_YEAR_MIN,
		    DATE_YEAR_MAX, quote(json_slice(json), quoted));
		return 0;
	}
	return date;
}

void policy_json_window(const struct policy_json *node, uint32_t *ret_from, uint32_t *ret_to)
{
	uint32_t from = read_date(node, "from"), to = read_date(node, "to");
	char text[DATE_TEXT_SIZE];

	if (node->check->err != OK)
		return;
	if (!date_is_month_first(from)) {
		date_format(from, text);
		policy_json_refuse(node, "from",
		    "must be the first day of a month, for policies are evaluated over monthly sums; found \"%s\"",
		    text);
	} else if (!date_is_month_last(to)) {
		date_format(to, text);
		policy_json_refuse(node, "to",
		    "must be the last day of a month, for policies are evaluated over monthly sums; found \"%s\"",
		    text);
	} else if (to < from) {
		date_format(to, text);
		policy_json_refuse(node, "to", "must lie after \"from\", found \"%s\"", text);
	} else {
		*ret_from = from;
		*ret_to = to;
	}
}

/*
 * From JSON to a policy. Defaults are those of a bureau that has not ruled yet, and each is the careful choice:
 * net amounts, listed enterprises, no related parties, nothing paid twice, one cap for the whole term, no rate.
 */
#include "proto/policy.h"

#include <stdio.h>
#include <string.h>

#include "proto/policy_json.h"
#include "proto/text.h"

static const struct policy_json_name_rule id_rule = {
    "A._", POLICY_ID_SIZE_MAX, TEXT("letters, digits, '-', '.' and '_' only, such as \"qd-2025-47-5\"")};
static const struct policy_json_name_rule venue_rule = {
    "", VENUE_ID_SIZE_MAX, TEXT("lower-case letters, digits and '-' only, such as \"qddex\"")};
static const struct policy_json_name_rule list_rule = {
    "_", LIST_NAME_SIZE_MAX, TEXT("lower-case letters, digits, '-' and '_' only, such as \"default\"")};

static const char *const top_keys[] = {"!policy", "!version", "!status", "!title", "!basis", "!window", "date_basis",
    "sides", "base", "!venues", "enterprises", "list", "exclude_list", "related", "other_subsidy",
    "exclude_product_kinds", "threshold", "rate", "growth", "!cap", "round", "pool", "review", "instalments",
    "clawback", NULL};

static void set_defaults(struct policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	policy->date_basis = DATE_SETTLED;
	policy->has_side[SIDE_SUPPLIER] = policy->has_side[SIDE_BUYER] = true;
	policy->base = BASE_NET;
	policy->is_listed_only = true;
	policy->related = RELATED_EXCLUDE;
	policy->excludes_other_subsidy = true;
	policy->cap_scope = CAP_TERM;
	policy->round_unit_fen = 100;
	policy->round_mode = MONEY_FLOOR;
}

/* A word by its key: 0 where it is absent, so that the default stays. */
static unsigned word(const struct policy_json *node, const char *key, const char *const *words)
{
	return policy_json_word(node, key, policy_json_get(node, key), words);
}

static void member_key(const char *key, size_t index, char ret_key[static POLICY_PATH_SIZE])
{
	snprintf(ret_key, POLICY_PATH_SIZE, "%s[%zu]", key, index);
}

static void parse_identity(const struct policy_json *top, struct policy *policy)
{
	int64_t version = 0;

	policy_json_name(top, "policy", policy_json_get(top, "policy"), &id_rule, policy->id);
	policy_json_int(top, "version", 1, UINT32_MAX, &version);
	policy->version = (uint32_t)version;
	policy->is_assumed = word(top, "status", policy_json_statuses) == 1;
	policy_json_text(top, "title", policy_json_get(top, "title"), POLICY_TEXT_SIZE_MAX, policy->title);
	policy_json_text(top, "basis", policy_json_get(top, "basis"), POLICY_TEXT_SIZE_MAX, policy->basis);
}

static void parse_window(const struct policy_json *top, struct policy *policy)
{
	static const char *const keys[] = {"!from", "!to", NULL};
	struct policy_json window;
	unsigned basis;

	if (policy_json_child(top, "window", keys, &window))
		policy_json_window(&window, &policy->from, &policy->to);
	if (top->check->err == OK && policy->to / 10000 - policy->from / 10000 >= POLICY_YEARS_MAX)
		policy_json_refuse(top, "window", "touches %u calendar years, may touch %d",
		    policy->to / 10000 - policy->from / 10000 + 1, POLICY_YEARS_MAX);
	basis = word(top, "date_basis", policy_json_date_bases);
	if (basis != 0)
		policy->date_basis = (enum policy_date)basis;
}

static void parse_sides(const struct policy_json *top, struct policy *policy)
{
	const json_t *json = policy_json_get(top, "sides");
	size_t count = policy_json_list(top, "sides", false, 2);
	char key[POLICY_PATH_SIZE];

	if (count == 0)
		return;
	memset(policy->has_side, 0, sizeof(policy->has_side));
	for (size_t i = 0; i < count; i++) {
		unsigned side;

		member_key("sides", i, key);
		side = policy_json_word(top, key, json_array_get(json, i), policy_json_sides);
		if (side != 0 && policy->has_side[side])
			policy_json_refuse(top, key, "is named twice; name each side once");
		policy->has_side[side] = true;
	}
	policy->has_side[0] = false;
}

static void parse_venues(const struct policy_json *top, struct policy *policy)
{
	const json_t *json = policy_json_get(top, "venues");
	size_t count = policy_json_list(top, "venues", false, POLICY_VENUES_MAX);
	char key[POLICY_PATH_SIZE];

	for (size_t i = 0; i < count; i++) {
		member_key("venues", i, key);
		policy_json_name(top, key, json_array_get(json, i), &venue_rule, policy->venues[i]);
		for (size_t k = 0; k < i; k++)
			if (strcmp(policy->venues[k], policy->venues[i]) == 0)
				policy_json_refuse(
				    top, key, "\"%s\" is named twice; name each venue once", policy->venues[i]);
	}
	policy->venue_count = count;
}

static void parse_enterprises(const struct policy_json *top, struct policy *policy)
{
	const json_t *list = policy_json_get_set(top, "list");
	unsigned which = word(top, "enterprises", policy_json_enterprises);

	policy->is_listed_only = which != 1;
	if (policy->is_listed_only) {
		if (policy_json_get(top, "list") != NULL && list == NULL)
			policy_json_refuse(top, "list",
			    "must name a list where \"enterprises\" is \"listed\"; leave it out for \"default\"");
		snprintf(policy->list, sizeof(policy->list), "default");
		policy_json_name(top, "list", list, &list_rule, policy->list);
	} else if (list != NULL) {
		policy_json_refuse(
		    top, "list", "has no meaning where \"enterprises\" is \"all\"; leave it out or say \"listed\"");
	}
	policy_json_name(
	    top, "exclude_list", policy_json_get_set(top, "exclude_list"), &list_rule, policy->exclude_list);
	if (policy->is_listed_only && strcmp(policy->list, policy->exclude_list) == 0)
		policy_json_refuse(
		    top, "exclude_list", "is the list that \"list\" asks for: no enterprise could qualify");
}

static void parse_exclusions(const struct policy_json *top, struct policy *policy)
{
	const json_t *json = policy_json_get(top, "exclude_product_kinds");
	size_t count = policy_json_list(top, "exclude_product_kinds", true, PRODUCT_OTHER);
	unsigned related = word(top, "related", policy_json_related);
	const char *kinds[PRODUCT_OTHER + 1] = {NULL};
	char key[POLICY_PATH_SIZE];

	if (related != 0)
		policy->related = (enum policy_related)related;
	policy->excludes_other_subsidy = word(top, "other_subsidy", policy_json_other_subsidy) != 2;
	for (unsigned kind = PRODUCT_DATASET; kind <= PRODUCT_OTHER; kind++)
		kinds[kind - 1] = product_kind_name((enum product_kind)kind);
	for (size_t i = 0; i < count; i++) {
		unsigned kind;

		member_key("exclude_product_kinds", i, key);
		kind = policy_json_word(top, key, json_array_get(json, i), kinds);
		if (kind != 0 && policy->excludes_kind[kind])
			policy_json_refuse(top, key, "is named twice; name each kind once");
		policy->excludes_kind[kind] = true;
	}
	policy->excludes_kind[0] = false;
}

static void parse_threshold(const struct policy_json *top, struct policy *policy)
{
	static const char *const keys[] = {"trades", "contracts", "amount", NULL};
	struct policy_json threshold;
	int64_t trades = 0, contracts = 0;

	if (!policy_json_child_set(top, "threshold", keys, &threshold))
		return;
	policy_json_int(&threshold, "trades", 0, INT64_MAX, &trades);
	policy_json_int(&threshold, "contracts", 0, INT64_MAX, &contracts);
	policy_json_amount(&threshold, "amount", 0, &policy->threshold_fen);
	policy->has_threshold = true;
	policy->threshold_trades = (uint64_t)trades;
	policy->threshold_contracts = (uint64_t)contracts;
	if (trades == 0 && contracts == 0 && policy->threshold_fen == 0)
		policy_json_refuse(
		    &threshold, "", "asks for nothing; ask for trades, contracts or an amount, or say null");
}

static void parse_tiers(const struct policy_json *node, struct policy_rate *rate)
{
	static const char *const keys[] = {"!up_to", "!ppm", NULL};
	const json_t *json = policy_json_get(node, "tiers");
	size_t count = policy_json_list(node, "tiers", false, POLICY_TIERS_MAX);
	int64_t below_fen = 0;

	for (size_t i = 0; i < count; i++) {
		struct policy_tier *tier = &rate->tiers[i];
		struct policy_json member;
		char path[2 * POLICY_PATH_SIZE];

		snprintf(path, sizeof(path), "%s.tiers[%zu]", node->path, i);
		policy_json_open(&member, node->check, json_array_get(json, i), path);
		policy_json_keys(&member, keys);
		policy_json_ppm(&member, "ppm", 0, RATE_PPM_MAX, &tier->rate_ppm);
		tier->is_last = json_is_null(policy_json_get(&member, "up_to"));
		if (tier->is_last != (i + 1 == count))
			policy_json_refuse(&member, "up_to",
			    "must be null in the last tier, and there alone, so that every volume has one tier");
		if (tier->is_last)
			continue;
		policy_json_amount(&member, "up_to", 1, &tier->up_to_fen);
		if (tier->up_to_fen <= below_fen)
			policy_json_refuse(&member, "up_to", "must be larger than that of the tier before");
		below_fen = tier->up_to_fen;
	}
	rate->tier_count = count;
}

/* The rate at an opened node. Which keys are allowed depends on its type, so that is looked at first. */
static void parse_rate_function(const struct policy_json *node, struct policy_rate *rate)
{
	static const char *const flat_keys[] = {"!type", "!ppm", NULL};
	static const char *const tier_keys[] = {"!type", "!tiers", NULL};
	static const char *const fixed_keys[] = {"!type", "!amount", NULL};

	if (node->object != NULL && json_object_get(node->object, "type") == NULL)
		policy_json_refuse(node, "type",
		    "this key is required and is missing; it is \"flat\", \"marginal\", \"slab\" or \"fixed\"");
	rate->type = (enum policy_rate_type)word(node, "type", policy_json_rate_types);
	if (node->check->err != OK)
		return;
	switch (rate->type) {
	case RATE_FLAT:
		policy_json_keys(node, flat_keys);
		policy_json_ppm(node, "ppm", 1, RATE_PPM_MAX, &rate->rate_ppm);
		break;
	case RATE_MARGINAL:
	case RATE_SLAB:
		policy_json_keys(node, tier_keys);
		parse_tiers(node, rate);
		break;
	case RATE_FIXED:
		policy_json_keys(node, fixed_keys);
		policy_json_amount(node, "amount", 1, &rate->fixed_fen);
		break;
	}
}

static void parse_rate(const struct policy_json *top, struct policy *policy)
{
	static const char *const rate_keys[] = {"!by_side", NULL};
	static const char *const side_keys[] = {"!supplier", "!buyer", NULL};
	struct policy_json rate, sides, side;

	if (!policy_json_child_set(top, "rate", NULL, &rate))
		return;
	policy->has_rate = true;
	if (json_object_get(rate.object, "by_side") == NULL) {
		parse_rate_function(&rate, &policy->rate);
		return;
	}
	policy->is_by_side = true;
	policy_json_keys(&rate, rate_keys);
	if (!policy_json_child(&rate, "by_side", side_keys, &sides))
		return;
	if (!policy->has_side[SIDE_SUPPLIER] || !policy->has_side[SIDE_BUYER])
		policy_json_refuse(
		    &rate, "by_side", "needs both sides in \"sides\"; for one side, write its rate without by_side");
	if (policy_json_child(&sides, "supplier", NULL, &side))
		parse_rate_function(&side, &policy->rate);
	if (policy_json_child(&sides, "buyer", NULL, &side))
		parse_rate_function(&side, &policy->buyer_rate);
}

static void parse_cap(const struct policy_json *top, struct policy *policy)
{
	static const char *const cap_keys[] = {"!amount", "scope", NULL};
	static const char *const round_keys[] = {"!unit_fen", "!mode", NULL};
	struct policy_json node;
	unsigned value;
	int64_t most_fen;

	if (policy_json_child(top, "cap", cap_keys, &node)) {
		policy_json_amount(&node, "amount", 1, &policy->cap_fen);
		value = word(&node, "scope", policy_json_cap_scopes);
		if (value != 0)
			policy->cap_scope = (enum cap_scope)value;
		if (__builtin_mul_overflow(policy->cap_fen, (int64_t)policy_period_count(policy), &most_fen))
			policy_json_refuse(&node, "amount",
			    "times the %zu years of the window is larger than an amount can be",
			    policy_period_count(policy));
	}
	if (policy_json_child(top, "round", round_keys, &node)) {
		policy_json_int(&node, "unit_fen", 1, policy->cap_fen, &policy->round_unit_fen);
		value = word(&node, "mode", policy_json_round_modes);
		if (value != 0)
			policy->round_mode = (enum money_round)value;
	}
}

static void parse_growth(const struct policy_json *top, struct policy *policy)
{
	static const char *const keys[] = {"!from", "!to", NULL};
	struct policy_json growth;

	if (!policy_json_child_set(top, "growth", keys, &growth))
		return;
	policy->has_growth = true;
	policy_json_window(&growth, &policy->growth_from, &policy->growth_to);
	if (top->check->err == OK && policy->growth_to >= policy->from)
		policy_json_refuse(
		    &growth, "to", "must lie before the window begins: no trade may be both volume and baseline");
	if (policy->cap_scope == CAP_YEAR)
		policy_json_refuse(top, "growth",
		    "can't be had together with cap.scope \"year\": one baseline can't be set against several years");
}

static void parse_payment(const struct policy_json *top, struct policy *policy)
{
	static const char *const keys[] = {"!amount", "!method", NULL};
	const json_t *instalments = policy_json_get_set(top, "instalments");
	struct policy_json pool;
	char key[POLICY_PATH_SIZE];
	uint64_t sum = 0;

	if (policy_json_child_set(top, "pool", keys, &pool)) {
		policy->has_pool = true;
		policy_json_amount(&pool, "amount", 1, &policy->pool_fen);
		policy->pool_method = (enum policy_pool_method)word(&pool, "method", policy_json_pool_methods);
	}
	policy->may_review_lower =
	    policy_json_word(top, "review", policy_json_get_set(top, "review"), policy_json_reviews) != 0;
	word(top, "clawback", policy_json_clawbacks);
	if (instalments == NULL)
		return;
	policy->instalment_count = policy_json_list(top, "instalments", false, POLICY_INSTALMENTS_MAX);
	for (size_t i = 0; i < policy->instalment_count; i++) {
		const json_t *part = json_array_get(instalments, i);

		member_key("instalments", i, key);
		if (!json_is_integer(part) || json_integer_value(part) < 1 ||
		    json_integer_value(part) > MONEY_EXACT_UNIT) {
			policy_json_refuse(
			    top, key, "must be a whole number of parts per million, from 1 to %d", MONEY_EXACT_UNIT);
			return;
		}
		policy->instalment_ppm[i] = (uint32_t)json_integer_value(part);
		sum += policy->instalment_ppm[i];
	}
	if (sum != MONEY_EXACT_UNIT)
		policy_json_refuse(top, "instalments", "must sum to %d parts per million, sum to %llu",
		    MONEY_EXACT_UNIT, (unsigned long long)sum);
}

enum err policy_parse(const json_t *json, struct policy *ret_policy, struct why *why)
{
	struct policy_check check = {.err = OK, .why = why};
	struct policy_json top;
	struct policy policy;

	set_defaults(&policy);
	policy_json_open(&top, &check, json, "");
	policy_json_keys(&top, top_keys);
	parse_identity(&top, &policy);
	parse_window(&top, &policy);
	parse_sides(&top, &policy);
	parse_venues(&top, &policy);
	parse_enterprises(&top, &policy);
	parse_exclusions(&top, &policy);
	parse_threshold(&top, &policy);
	parse_rate(&top, &policy);
	if (check.err == OK && word(&top, "base", policy_json_bases) == BASE_GROSS)
		policy.base = BASE_GROSS;
	parse_cap(&top, &policy);
	parse_growth(&top, &policy);
	parse_payment(&top, &policy);
	if (check.err == OK)
		*ret_policy = policy;
	return check.err;
}

/* The parser of the library recurses; this walk makes sure that it can't be made to go deep. */
static bool is_too_deep(struct slice text)
{
	bool is_in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (is_in_string && c == '\\')
			i++;
		else if (c == '"')
			is_in_string = !is_in_string;
		else if (!is_in_string && (c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX)
			return true;
		else if (!is_in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return false;
}

static enum err syntax_error(const json_error_t *error, struct why *why)
{
	char text[JSON_ERROR_TEXT_LENGTH];

	if (json_error_code(error) == json_error_out_of_memory)
		return why_set(why, ERR_MEMORY, "%s", err_sentence(ERR_MEMORY));
	/* The library quotes what it was given, cut anywhere. */
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] =
		    error->text[i] == '\0' || (error->text[i] >= 0x20 && error->text[i] < 0x7f) ? error->text[i] : '?';
	text[sizeof(text) - 1] = '\0';
	if (json_error_code(error) == json_error_duplicate_key)
		return why_set(why, ERR_INVALID, "line %d: a key stands twice in one object, may stand once: %s",
		    error->line, text);
	return why_set(why, ERR_SYNTAX, "line %d, column %d: not JSON: %s", error->line, error->column, text);
}

enum err policy_parse_text(struct slice text, struct policy *ret_policy, struct why *why)
{
	json_error_t error;
	json_t *json;
	enum err err;

	if (text.size > ORDER_BODY_SIZE_MAX)
		return why_set(
		    why, ERR_TOO_LARGE, "a policy may have %d bytes, this has %zu", ORDER_BODY_SIZE_MAX, text.size);
	if (is_too_deep(text))
		return why_set(why, ERR_SYNTAX, "brackets are nested deeper than %d levels", JSON_DEPTH_MAX);
	json = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (json == NULL)
		return syntax_error(&error, why);
	err = policy_parse(json, ret_policy, why);
	json_decref(json);
	return err;
}

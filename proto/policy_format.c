/*
 * From a policy to its JSON, every default written out. A failed allocation anywhere makes the whole NULL: the
 * library's setters take NULL values and say so, and the flag keeps it.
 */
#include "proto/policy.h"

#include "proto/date.h"
#include "proto/policy_json.h"

struct writer {
	bool has_failed;
};

static void put(struct writer *writer, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		writer->has_failed = true;
}

static void put_text(struct writer *writer, json_t *object, const char *key, const char *text)
{
	put(writer, object, key, json_string(text));
}

static void put_word(struct writer *writer, json_t *object, const char *key, const char *const *words, unsigned value)
{
	put_text(writer, object, key, words[value - 1]);
}

static void put_int(struct writer *writer, json_t *object, const char *key, json_int_t value)
{
	put(writer, object, key, json_integer(value));
}

static void put_amount(struct writer *writer, json_t *object, const char *key, int64_t fen)
{
	char text[MONEY_TEXT_SIZE];

	money_format(fen, text);
	put_text(writer, object, key, text);
}

/* null for "": a list that is not asked for. */
static void put_name(struct writer *writer, json_t *object, const char *key, const char *name)
{
	put(writer, object, key, name[0] == '\0' ? json_null() : json_string(name));
}

static void append(struct writer *writer, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		writer->has_failed = true;
}

static json_t *format_window(struct writer *writer, uint32_t from, uint32_t to)
{
	json_t *window = json_object();
	char text[DATE_TEXT_SIZE];

	date_format(from, text);
	put_text(writer, window, "from", text);
	date_format(to, text);
	put_text(writer, window, "to", text);
	return window;
}

static json_t *format_rate_function(struct writer *writer, const struct policy_rate *rate)
{
	json_t *object = json_object(), *tiers;

	put_word(writer, object, "type", policy_json_rate_types, rate->type);
	switch (rate->type) {
	case RATE_FLAT: put_int(writer, object, "ppm", rate->rate_ppm); break;
	case RATE_FIXED: put_amount(writer, object, "amount", rate->fixed_fen); break;
	case RATE_MARGINAL:
	case RATE_SLAB:
		tiers = json_array();
		for (size_t i = 0; i < rate->tier_count; i++) {
			json_t *tier = json_object();

			if (rate->tiers[i].is_last)
				put(writer, tier, "up_to", json_null());
			else
				put_amount(writer, tier, "up_to", rate->tiers[i].up_to_fen);
			put_int(writer, tier, "ppm", rate->tiers[i].rate_ppm);
			append(writer, tiers, tier);
		}
		put(writer, object, "tiers", tiers);
		break;
	}
	return object;
}

static json_t *format_rate(struct writer *writer, const struct policy *policy)
{
	json_t *sides, *rate;

	if (!policy->has_rate)
		return json_null();
	if (!policy->is_by_side)
		return format_rate_function(writer, &policy->rate);
	sides = json_object();
	put(writer, sides, "supplier", format_rate_function(writer, &policy->rate));
	put(writer, sides, "buyer", format_rate_function(writer, &policy->buyer_rate));
	rate = json_object();
	put(writer, rate, "by_side", sides);
	return rate;
}

static void put_who(struct writer *writer, json_t *json, const struct policy *policy)
{
	json_t *sides = json_array(), *venues = json_array(), *kinds = json_array();

	for (unsigned side = SIDE_SUPPLIER; side <= SIDE_BUYER; side++)
		if (policy->has_side[side])
			append(writer, sides, json_string(policy_json_sides[side - 1]));
	put(writer, json, "sides", sides);
	put_word(writer, json, "base", policy_json_bases, policy->base);
	for (size_t i = 0; i < policy->venue_count; i++)
		append(writer, venues, json_string(policy->venues[i]));
	put(writer, json, "venues", venues);
	put_word(writer, json, "enterprises", policy_json_enterprises, policy->is_listed_only ? 2 : 1);
	put_name(writer, json, "list", policy->list);
	put_name(writer, json, "exclude_list", policy->exclude_list);
	put_word(writer, json, "related", policy_json_related, policy->related);
	put_word(writer, json, "other_subsidy", policy_json_other_subsidy, policy->excludes_other_subsidy ? 1 : 2);
	for (unsigned kind = PRODUCT_DATASET; kind <= PRODUCT_OTHER; kind++)
		if (policy->excludes_kind[kind])
			append(writer, kinds, json_string(product_kind_name((enum product_kind)kind)));
	put(writer, json, "exclude_product_kinds", kinds);
}

static void put_how_much(struct writer *writer, json_t *json, const struct policy *policy)
{
	json_t *part = json_null();

	if (policy->has_threshold) {
		part = json_object();
		put_int(writer, part, "trades", (json_int_t)policy->threshold_trades);
		put_int(writer, part, "contracts", (json_int_t)policy->threshold_contracts);
		put_amount(writer, part, "amount", policy->threshold_fen);
	}
	put(writer, json, "threshold", part);
	put(writer, json, "rate", format_rate(writer, policy));
	put(writer, json, "growth",
	    policy->has_growth ? format_window(writer, policy->growth_from, policy->growth_to) : json_null());
	part = json_object();
	put_amount(writer, part, "amount", policy->cap_fen);
	put_word(writer, part, "scope", policy_json_cap_scopes, policy->cap_scope);
	put(writer, json, "cap", part);
	part = json_object();
	put_int(writer, part, "unit_fen", policy->round_unit_fen);
	put_word(writer, part, "mode", policy_json_round_modes, policy->round_mode);
	put(writer, json, "round", part);
}

static void put_payment(struct writer *writer, json_t *json, const struct policy *policy)
{
	json_t *part = json_null();

	if (policy->has_pool) {
		part = json_object();
		put_amount(writer, part, "amount", policy->pool_fen);
		put_word(writer, part, "method", policy_json_pool_methods, policy->pool_method);
	}
	put(writer, json, "pool", part);
	put_name(writer, json, "review", policy->may_review_lower ? policy_json_reviews[0] : "");
	part = json_null();
	if (policy->instalment_count > 0) {
		part = json_array();
		for (size_t i = 0; i < policy->instalment_count; i++)
			append(writer, part, json_integer(policy->instalment_ppm[i]));
	}
	put(writer, json, "instalments", part);
	put_text(writer, json, "clawback", policy_json_clawbacks[0]);
}

json_t *policy_format(const struct policy *policy)
{
	struct writer writer = {false};
	json_t *json = json_object();

	put_text(&writer, json, "policy", policy->id);
	put_int(&writer, json, "version", policy->version);
	put_word(&writer, json, "status", policy_json_statuses, policy->is_assumed ? 1 : 2);
	put_text(&writer, json, "title", policy->title);
	put_text(&writer, json, "basis", policy->basis);
	put(&writer, json, "window", format_window(&writer, policy->from, policy->to));
	put_word(&writer, json, "date_basis", policy_json_date_bases, policy->date_basis);
	put_who(&writer, json, policy);
	put_how_much(&writer, json, policy);
	put_payment(&writer, json, policy);
	if (writer.has_failed) {
		json_decref(json);
		return NULL;
	}
	return json;
}

#include "client/order_body.h"

#include <stdlib.h>
#include <string.h>

#include "client/notefile.h"
#include "client/order_set.h"
#include "client/out.h"

static enum exit_code body_finish(json_t *made, json_t **ret_body)
{
	if (made == NULL)
		return out_usage("a value of --set is not UTF-8 text");
	*ret_body = made;
	return EXIT_OK;
}

/* The values that the type can't do without. */
static enum exit_code values_check(const struct args *args, const char *const *names)
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (order_set_text(args, names[i]) == NULL)
			return out_usage("%s needs --set %s=…", args->words[0], names[i]);
	return EXIT_OK;
}

/* Every value of that name, as an array; NULL where one is no text. */
static json_t *values_all(const struct args *args, const char *name)
{
	json_t *values = json_array();
	const char *text;

	for (size_t i = 0; (text = order_set_text_at(args, name, i)) != NULL; i++)
		if (json_array_append_new(values, json_string(text)) != 0) {
			json_decref(values);
			return NULL;
		}
	return values;
}

static enum exit_code license_make(const struct args *args, json_t **ret_body)
{
	const char *venue = order_set_text(args, "venue"), *name = order_set_text(args, "name");

	if (venue == NULL || name == NULL || order_set_text(args, "key") == NULL)
		return out_usage(
		    "a licence needs --set venue=ID, --set name=NAME and --set key=VKEY (perhaps several)");
	return body_finish(
	    json_pack("{s:s,s:s,s:o}", "venue", venue, "name", name, "keys", values_all(args, "key")), ret_body);
}

static enum exit_code suspend_make(const struct args *args, json_t **ret_body)
{
	static const char *const names[] = {"venue", "reason", NULL};
	enum exit_code code = values_check(args, names);

	if (code != EXIT_OK)
		return code;
	return body_finish(
	    json_pack("{s:s,s:s}", "venue", order_set_text(args, "venue"), "reason", order_set_text(args, "reason")),
	    ret_body);
}

static enum exit_code venue_key_make(const struct args *args, json_t **ret_body)
{
	static const char *const names[] = {"venue", "reason", NULL};
	const char *generation = order_set_text(args, "new_generation");
	enum exit_code code = values_check(args, names);

	if (code != EXIT_OK)
		return code;
	if (generation != NULL && strcmp(generation, "yes") != 0 && strcmp(generation, "no") != 0)
		return out_usage("--set new_generation=%s is neither yes nor no", generation);
	return body_finish(
	    json_pack("{s:s,s:o,s:o,s:b,s:s}", "venue", order_set_text(args, "venue"), "add", values_all(args, "add"),
		"revoke", values_all(args, "revoke"), "new_generation",
		generation != NULL && strcmp(generation, "yes") == 0, "reason", order_set_text(args, "reason")),
	    ret_body);
}

static enum exit_code distrust_make(const struct args *args, json_t **ret_body)
{
	static const char *const names[] = {"venue", "key", "from", "reason", NULL};
	enum exit_code code = values_check(args, names);
	uint64_t from;

	if (code != EXIT_OK)
		return code;
	if (order_set_text_at(args, "key", 1) != NULL)
		return out_usage("one order distrusts one key; make one for each");
	if (decimal_parse(slice_text(order_set_text(args, "from")), TREE_SIZE_MAX, &from) != OK)
		return out_usage("--set from=%s is not the index of an entry", order_set_text(args, "from"));
	return body_finish(
	    json_pack("{s:s,s:s,s:I,s:s}", "venue", order_set_text(args, "venue"), "key", order_set_text(args, "key"),
		"from", (json_int_t)from, "reason", order_set_text(args, "reason")),
	    ret_body);
}

static enum exit_code officer_add_make(const struct args *args, json_t **ret_body)
{
	static const char *const names[] = {"name", "role", "key", NULL};
	enum exit_code code = values_check(args, names);

	if (code != EXIT_OK)
		return code;
	return body_finish(json_pack("{s:s,s:s,s:o}", "name", order_set_text(args, "name"), "role",
			       order_set_text(args, "role"), "keys", values_all(args, "key")),
	    ret_body);
}

static enum exit_code officer_remove_make(const struct args *args, json_t **ret_body)
{
	static const char *const names[] = {"name", "reason", NULL};
	enum exit_code code = values_check(args, names);

	if (code != EXIT_OK)
		return code;
	return body_finish(
	    json_pack("{s:s,s:s}", "name", order_set_text(args, "name"), "reason", order_set_text(args, "reason")),
	    ret_body);
}

static enum exit_code rules_make(const struct args *args, json_t **ret_body)
{
	static const char *const names[] = {"rules", NULL};
	enum exit_code code = values_check(args, names);
	uint64_t rules;

	if (code != EXIT_OK)
		return code;
	if (decimal_parse(slice_text(order_set_text(args, "rules")), UINT32_MAX, &rules) != OK)
		return out_usage("--set rules=%s is not the number of a rules version", order_set_text(args, "rules"));
	return body_finish(json_pack("{s:I}", "rules", (json_int_t)rules), ret_body);
}

static enum exit_code log_key_make(const struct args *args, json_t **ret_body)
{
	static const char *const names[] = {"reason", NULL};
	enum exit_code code = values_check(args, names);

	if (code != EXIT_OK)
		return code;
	return body_finish(json_pack("{s:o,s:o,s:s}", "add", values_all(args, "add"), "retire",
			       values_all(args, "retire"), "reason", order_set_text(args, "reason")),
	    ret_body);
}

/* ---- from files */

static enum exit_code policy_make(const struct args *args, json_t **ret_body)
{
	const char *path = args_text(args, "file");
	struct why cause = {""}, why = {""};
	struct policy *policy = calloc(1, sizeof(*policy));
	json_t *json = NULL;
	enum err err = policy == NULL ? ERR_MEMORY : notefile_read_json(path, &json, &why);

	if (err == OK && (err = policy_parse(json, policy, &cause)) != OK)
		(void)why_set(&why, err, "%s: %s", path, cause.text);
	free(policy);
	if (err != OK) {
		json_decref(json);
		return out_fail(err, &why, "nothing was signed");
	}
	return body_finish(json_pack("{s:o}", "policy", json), ret_body);
}

static enum exit_code quorums_make(const struct args *args, json_t **ret_body)
{
	const char *path = args_text(args, "file");
	struct why cause = {""}, why = {""};
	struct quorums quorums;
	json_t *json = NULL;
	enum err err = notefile_read_json(path, &json, &why);

	if (err == OK && (err = quorums_parse(json, &quorums, &cause)) != OK)
		(void)why_set(&why, err, "%s: %s", path, cause.text);
	if (err != OK) {
		json_decref(json);
		return out_fail(err, &why, "nothing was signed");
	}
	return body_finish(json_pack("{s:o}", "quorums", json), ret_body);
}

enum exit_code order_body_make(const struct args *args, enum order_type type, json_t **ret_body)
{
	switch (type) {
	case ORDER_VENUE_LICENSE: return license_make(args, ret_body);
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME: return suspend_make(args, ret_body);
	case ORDER_VENUE_KEY: return venue_key_make(args, ret_body);
	case ORDER_VENUE_DISTRUST: return distrust_make(args, ret_body);
	case ORDER_POLICY_ADOPT: return policy_make(args, ret_body);
	case ORDER_OFFICER_ADD: return officer_add_make(args, ret_body);
	case ORDER_OFFICER_REMOVE: return officer_remove_make(args, ret_body);
	case ORDER_QUORUM_SET: return quorums_make(args, ret_body);
	case ORDER_RULES_SET: return rules_make(args, ret_body);
	case ORDER_LOG_KEY: return log_key_make(args, ret_body);
	case ORDER_ENTERPRISE_REGISTER:
	case ORDER_ENTERPRISE_RELATE:
	case ORDER_ENTERPRISE_DELIST:
	case ORDER_GRANT_ADD:
	case ORDER_GRANT_REVOKE:
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID: break; /* these are about lists */
	}
	return EXIT_OTHER;
}

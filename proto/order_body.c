/*
 * The body of an order, by type: reading and writing.
 *
 * A policy is kept as it was signed: compact, but with its keys in the officers' order and without defaults
 * written out, for what they signed is what must be shown later.
 */
#include "proto/order_internal.h"

#include <stdlib.h>

#include "proto/feed.h"

/* ---- what several bodies have */

static enum err read_venue(const json_t *body, struct order *order, struct why *why)
{
	struct slice venue;
	enum err err = order_json_text(body, "venue", VENUE_ID_SIZE_MAX, &venue, why);

	if (err != OK)
		return err;
	if (!venue_id_is_valid(venue))
		return why_set(why, ERR_INVALID,
		    "\"venue\" is not 1 to %d lower-case letters, digits, '-', with a letter first", VENUE_ID_SIZE_MAX);
	order_text_copy(venue, order->venue, sizeof(order->venue));
	return OK;
}

static enum err read_reason(const json_t *body, struct order *order, struct why *why)
{
	struct slice reason;
	enum err err = order_json_text(body, "reason", REASON_SIZE_MAX, &reason, why);

	if (err == OK)
		order_text_copy(reason, order->reason, sizeof(order->reason));
	return err;
}

static void write_reason(const struct order *order, struct buf *buf)
{
	buf_add_text(buf, ",\"reason\":");
	order_json_add_string(buf, slice_text(order->reason));
	buf_add_text(buf, "}");
}

/* ---- venues */

static enum err read_license(const json_t *body, struct order *order, struct why *why)
{
	static const char *const keys[] = {"venue", "name", "keys"};
	struct order_vkeys_rule rule = {.key = "keys", .owner = order->venue, .min = 1, .max = VENUE_KEYS_MAX};
	struct slice name;
	enum err err;

	if ((err = order_json_keys(body, keys, 3, 3, why)) != OK || (err = read_venue(body, order, why)) != OK ||
	    (err = order_json_text(body, "name", VENUE_NAME_SIZE_MAX, &name, why)) != OK)
		return err;
	order_text_copy(name, order->venue_name, sizeof(order->venue_name));
	return order_json_vkeys(body, &rule, order->venue_keys, &order->venue_key_count, why);
}

static void write_license(const struct order *order, struct buf *buf)
{
	buf_printf(buf, "{\"venue\":\"%s\",\"name\":", order->venue);
	order_json_add_string(buf, slice_text(order->venue_name));
	buf_add_text(buf, ",\"keys\":");
	order_json_add_vkeys(buf, order->venue_keys, order->venue_key_count);
	buf_add_text(buf, "}");
}

static enum err read_suspend(const json_t *body, struct order *order, struct why *why)
{
	static const char *const keys[] = {"venue", "reason"};
	enum err err;

	if ((err = order_json_keys(body, keys, 2, 2, why)) != OK || (err = read_venue(body, order, why)) != OK)
		return err;
	return read_reason(body, order, why);
}

static enum err check_keys_apart(const struct order *order, struct why *why)
{
	for (size_t i = 0; i < order->venue_key_count; i++)
		for (size_t j = 0; j < order->revoked_key_count; j++)
			if (key_has_same_material(&order->venue_keys[i], &order->revoked_keys[j]))
				return why_set(
				    why, ERR_INVALID, "key %zu of \"add\" is key %zu of \"revoke\"", i + 1, j + 1);
	if (order->venue_key_count == 0 && order->revoked_key_count == 0 && !order->is_new_generation)
		return why_set(why, ERR_INVALID, "nothing is added, nothing revoked, and no new generation begun");
	return OK;
}

static enum err read_venue_key(const json_t *body, struct order *order, struct why *why)
{
	static const char *const keys[] = {"venue", "add", "revoke", "new_generation", "reason"};
	struct order_vkeys_rule add = {.key = "add", .owner = order->venue, .min = 0, .max = VENUE_KEYS_MAX};
	struct order_vkeys_rule revoke = {.key = "revoke", .owner = order->venue, .min = 0, .max = VENUE_KEYS_MAX};
	enum err err;

	if ((err = order_json_keys(body, keys, 5, 5, why)) != OK || (err = read_venue(body, order, why)) != OK ||
	    (err = order_json_vkeys(body, &add, order->venue_keys, &order->venue_key_count, why)) != OK ||
	    (err = order_json_vkeys(body, &revoke, order->revoked_keys, &order->revoked_key_count, why)) != OK ||
	    (err = read_reason(body, order, why)) != OK)
		return err;
	if (!json_is_boolean(json_object_get(body, "new_generation")))
		return why_set(why, ERR_INVALID, "\"new_generation\" is neither true nor false");
	order->is_new_generation = json_is_true(json_object_get(body, "new_generation"));
	return check_keys_apart(order, why);
}

static void write_venue_key(const struct order *order, struct buf *buf)
{
	buf_printf(buf, "{\"venue\":\"%s\",\"add\":", order->venue);
	order_json_add_vkeys(buf, order->venue_keys, order->venue_key_count);
	buf_add_text(buf, ",\"revoke\":");
	order_json_add_vkeys(buf, order->revoked_keys, order->revoked_key_count);
	buf_printf(buf, ",\"new_generation\":%s", order->is_new_generation ? "true" : "false");
	write_reason(order, buf);
}

static enum err read_distrust(const json_t *body, struct order *order, struct why *why)
{
	static const char *const keys[] = {"venue", "key", "from", "reason"};
	const json_t *key = json_object_get(body, "key"), *from = json_object_get(body, "from");
	enum err err;

	if ((err = order_json_keys(body, keys, 4, 4, why)) != OK || (err = read_venue(body, order, why)) != OK ||
	    (err = order_json_vkey(key, order->venue, &order->revoked_keys[0], why)) != OK ||
	    (err = read_reason(body, order, why)) != OK)
		return err;
	order->revoked_key_count = 1;
	if (!json_is_integer(from) || json_integer_value(from) < 1 ||
	    (uint64_t)json_integer_value(from) > order->made_at_size)
		return why_set(
		    why, ERR_INVALID, "\"from\" is not a ledger index from 1 to the size the order was made at");
	order->from = (uint64_t)json_integer_value(from);
	return OK;
}

static void write_distrust(const struct order *order, struct buf *buf)
{
	char vkey[KEY_VKEY_SIZE];

	key_format(&order->revoked_keys[0], vkey);
	buf_printf(buf, "{\"venue\":\"%s\",\"key\":", order->venue);
	order_json_add_string(buf, slice_text(vkey));
	buf_printf(buf, ",\"from\":%llu", (unsigned long long)order->from);
	write_reason(order, buf);
}

/* ---- the ledger's own keys */

static enum err read_log_key(const json_t *body, struct order *order, struct why *why)
{
	static const char *const keys[] = {"add", "retire", "reason"};
	struct order_vkeys_rule rule = {.owner = order->origin, .max = LOG_KEY_CHANGES_MAX, .are_of_ledger = true};
	enum err err = order_json_keys(body, keys, 3, 3, why);

	rule.key = "add";
	if (err == OK)
		err = order_json_vkeys(body, &rule, order->added_log_keys, &order->added_log_key_count, why);
	rule.key = "retire";
	if (err == OK)
		err = order_json_vkeys(body, &rule, order->retired_log_keys, &order->retired_log_key_count, why);
	if (err == OK)
		err = read_reason(body, order, why);
	if (err != OK)
		return err;
	for (size_t i = 0; i < order->added_log_key_count; i++)
		for (size_t j = 0; j < order->retired_log_key_count; j++)
			if (key_has_same_material(&order->added_log_keys[i], &order->retired_log_keys[j]))
				return why_set(
				    why, ERR_INVALID, "key %zu of \"add\" is key %zu of \"retire\"", i + 1, j + 1);
	if (order->added_log_key_count == 0 && order->retired_log_key_count == 0)
		return why_set(why, ERR_INVALID, "nothing is added and nothing retired");
	return OK;
}

static void write_log_key(const struct order *order, struct buf *buf)
{
	buf_add_text(buf, "{\"add\":");
	order_json_add_vkeys(buf, order->added_log_keys, order->added_log_key_count);
	buf_add_text(buf, ",\"retire\":");
	order_json_add_vkeys(buf, order->retired_log_keys, order->retired_log_key_count);
	write_reason(order, buf);
}

/* ---- officers, quorums, rules */

static enum err read_removal(const json_t *body, struct order *order, struct why *why)
{
	static const char *const keys[] = {"name", "reason"};
	struct slice name;
	enum err err;

	if ((err = order_json_keys(body, keys, 2, 2, why)) != OK ||
	    (err = order_json_text(body, "name", OFFICER_NAME_SIZE_MAX, &name, why)) != OK)
		return err;
	order_text_copy(name, order->officer.name, sizeof(order->officer.name));
	return read_reason(body, order, why);
}

static enum err read_quorums(const json_t *body, struct order *order, struct why *why)
{
	static const char *const keys[] = {"quorums"};
	enum err err = order_json_keys(body, keys, 1, 1, why);

	return err != OK ? err : quorums_parse(json_object_get(body, "quorums"), &order->quorums, why);
}

static void write_quorums(const struct order *order, struct buf *buf)
{
	json_t *quorums = quorums_format(&order->quorums);

	buf_add_text(buf, "{\"quorums\":");
	if (quorums == NULL || order_json_add(buf, quorums) != OK)
		buf->err = buf->err != OK ? buf->err : ERR_MEMORY;
	buf_add_text(buf, "}");
	json_decref(quorums);
}

static enum err read_rules(const json_t *body, struct order *order, struct why *why)
{
	static const char *const keys[] = {"rules"};
	const json_t *rules = json_object_get(body, "rules");
	enum err err = order_json_keys(body, keys, 1, 1, why);

	if (err != OK)
		return err;
	if (!json_is_integer(rules) || json_integer_value(rules) < 1 || json_integer_value(rules) > UINT32_MAX)
		return why_set(why, ERR_INVALID, "\"rules\" is not the number of a rules version");
	order->rules = (uint32_t)json_integer_value(rules);
	return OK;
}

/* ---- policies */

static enum err read_policy(const json_t *body, struct arena *arena, struct order *order, struct why *why)
{
	static const char *const keys[] = {"policy"};
	const json_t *policy = json_object_get(body, "policy");
	struct why cause = {""};
	struct buf text;
	enum err err;

	if ((err = order_json_keys(body, keys, 1, 1, why)) != OK)
		return err;
	if ((err = policy_parse(policy, &order->policy, &cause)) != OK)
		return why_set_cause(why, err, &cause, "policy: ");
	buf_init(&text, ORDER_BODY_SIZE_MAX);
	err = order_json_add(&text, policy);
	if (err == OK) {
		order->policy_text = arena_copy(arena, buf_slice(&text));
		err = order->policy_text.data == NULL ? ERR_MEMORY : OK;
	}
	buf_done(&text);
	return err == OK ? OK : why_set(why, err, "policy: %s", err_sentence(err));
}

/* ---- by type */

enum err order_body_read(const json_t *body, struct arena *arena, struct order *order, struct why *why)
{
	struct why cause = {""};
	enum err err = OK;

	switch (order->type) {
	case ORDER_VENUE_LICENSE: err = read_license(body, order, &cause); break;
	case ORDER_POLICY_ADOPT: err = read_policy(body, arena, order, &cause); break;
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME: err = read_suspend(body, order, &cause); break;
	case ORDER_VENUE_KEY: err = read_venue_key(body, order, &cause); break;
	case ORDER_VENUE_DISTRUST: err = read_distrust(body, order, &cause); break;
	case ORDER_OFFICER_ADD: err = order_json_officer(body, &order->officer, &cause); break;
	case ORDER_OFFICER_REMOVE: err = read_removal(body, order, &cause); break;
	case ORDER_QUORUM_SET: err = read_quorums(body, order, &cause); break;
	case ORDER_RULES_SET: err = read_rules(body, order, &cause); break;
	case ORDER_LOG_KEY: err = read_log_key(body, order, &cause); break;
	case ORDER_ENTERPRISE_REGISTER:
	case ORDER_ENTERPRISE_RELATE:
	case ORDER_GRANT_ADD:
	case ORDER_ENTERPRISE_DELIST:
	case ORDER_GRANT_REVOKE:
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID: err = order_json_keys(body, NULL, 0, 0, &cause); break;
	}
	return err == OK ? OK : why_set_cause(why, err, &cause, "\"body\": ");
}

void order_body_write(const struct order *order, struct buf *buf)
{
	switch (order->type) {
	case ORDER_VENUE_LICENSE: write_license(order, buf); break;
	case ORDER_POLICY_ADOPT:
		buf_add_text(buf, "{\"policy\":");
		buf_add_slice(buf, order->policy_text);
		buf_add_text(buf, "}");
		break;
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME:
		buf_printf(buf, "{\"venue\":\"%s\"", order->venue);
		write_reason(order, buf);
		break;
	case ORDER_VENUE_KEY: write_venue_key(order, buf); break;
	case ORDER_VENUE_DISTRUST: write_distrust(order, buf); break;
	case ORDER_OFFICER_ADD: order_json_add_officer(buf, &order->officer); break;
	case ORDER_OFFICER_REMOVE:
		buf_add_text(buf, "{\"name\":");
		order_json_add_string(buf, slice_text(order->officer.name));
		write_reason(order, buf);
		break;
	case ORDER_QUORUM_SET: write_quorums(order, buf); break;
	case ORDER_RULES_SET: buf_printf(buf, "{\"rules\":%u}", order->rules); break;
	case ORDER_LOG_KEY: write_log_key(order, buf); break;
	case ORDER_ENTERPRISE_REGISTER:
	case ORDER_ENTERPRISE_RELATE:
	case ORDER_GRANT_ADD:
	case ORDER_ENTERPRISE_DELIST:
	case ORDER_GRANT_REVOKE:
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID: buf_add_text(buf, "{}"); break;
	}
}

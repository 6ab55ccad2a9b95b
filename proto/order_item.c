/*
 * Item lines: what an order over many firms or readers says of each. The officers sign the RFC 6962 root over the
 * lines, so one firm can be shown its own line under their signatures and nobody else's. The salt keeps the others
 * from being guessed out of the hashes beside it.
 */
#include "proto/order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/date.h"
#include "proto/feed.h"
#include "proto/order_internal.h"
#include "proto/text.h"
#include "proto/usci.h"

#define SCOPE_READ "read"
#define SUBJECT_SIZE_MAX 63 /* bytes: grant_subject_format writes no more */

static bool list_name_is_valid(struct slice name)
{
	if (name.size == 0 || name.size > LIST_NAME_SIZE_MAX)
		return false;
	for (size_t i = 0; i < name.size; i++) {
		uint8_t c = name.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

static enum err check_lists(const struct order_item *item, struct why *why)
{
	if (item->list_count > LISTS_MAX)
		return why_set(why, ERR_INVALID, "%zu lists; %d are allowed", item->list_count, LISTS_MAX);
	for (size_t i = 0; i < item->list_count; i++) {
		if (!list_name_is_valid(item->lists[i]))
			return why_set(why, ERR_INVALID, "list %zu is not 1 to %d lower-case letters, digits, '-', '_'",
			    i + 1, LIST_NAME_SIZE_MAX);
		if (i > 0 && slice_compare(item->lists[i - 1], item->lists[i]) >= 0)
			return why_set(
			    why, ERR_INVALID, "lists %zu and %zu are not in ascending order, each once", i, i + 1);
	}
	return OK;
}

static enum err check_register(const struct order_item *item, struct why *why)
{
	enum err err = usci_explain(item->code, why);

	if (err != OK)
		return err;
	if (item->name.size == 0 || item->name.size > PARTY_NAME_SIZE_MAX || !utf8_is_text(item->name))
		return why_set(why, ERR_INVALID, "\"name\" is not a text of 1 to %d bytes", PARTY_NAME_SIZE_MAX);
	return check_lists(item, why);
}

static enum err check_reason(const struct order_item *item, struct why *why)
{
	if (item->reason.size == 0 || item->reason.size > REASON_SIZE_MAX || !utf8_is_text(item->reason))
		return why_set(why, ERR_INVALID, "\"reason\" is not a text of 1 to %d bytes", REASON_SIZE_MAX);
	return OK;
}

static enum err check_delist(const struct order_item *item, struct why *why)
{
	enum err err;

	if ((err = usci_explain(item->code, why)) != OK || (err = check_lists(item, why)) != OK)
		return err;
	return check_reason(item, why);
}

static enum err check_trade(const struct order_item *item, struct why *why)
{
	if (!venue_id_is_valid(item->venue))
		return why_set(why, ERR_INVALID,
		    "\"venue\" is not 1 to %d lower-case letters, digits, '-', with a letter first", VENUE_ID_SIZE_MAX);
	if (item->trade_no.size > TRADE_NO_SIZE_MAX || !ascii_is_visible(item->trade_no))
		return why_set(
		    why, ERR_INVALID, "\"trade_no\" is not 1 to %d characters of visible ASCII", TRADE_NO_SIZE_MAX);
	return check_reason(item, why);
}

static enum err check_relate(const struct order_item *item, struct why *why)
{
	enum err err;

	if ((err = usci_explain(item->code, why)) != OK || (err = usci_explain(item->second, why)) != OK)
		return err;
	if (slice_compare(item->code, item->second) >= 0)
		return why_set(why, ERR_INVALID, "the two codes are not in ascending order");
	return OK;
}

static enum err check_grant(const struct order_item *item, struct why *why)
{
	const struct grant *grant = &item->grant;
	struct grant parsed;
	char subject[64];

	grant_subject_format(grant, subject);
	if (grant_subject_parse(slice_text(subject), &parsed) != OK || parsed.subject != grant->subject)
		return why_set(why, ERR_INVALID,
		    "\"subject\" is not \"bureau\", \"auditor\", \"venue:<id>\" or an enterprise's code");
	if (grant->holder[0] == '\0' || !utf8_is_text(slice_text(grant->holder)))
		return why_set(why, ERR_INVALID, "\"holder\" is not a text of 1 to %d bytes", GRANT_HOLDER_SIZE_MAX);
	if (!date_is_valid(grant->expires))
		return why_set(why, ERR_INVALID, "\"expires\" is not a date");
	return OK;
}

static enum err check_item(enum order_type type, const struct order_item *item, struct why *why)
{
	switch (type) {
	case ORDER_ENTERPRISE_REGISTER: return check_register(item, why);
	case ORDER_ENTERPRISE_RELATE: return check_relate(item, why);
	case ORDER_GRANT_ADD: return check_grant(item, why);
	case ORDER_ENTERPRISE_DELIST: return check_delist(item, why);
	case ORDER_GRANT_REVOKE: return check_reason(item, why);
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID: return check_trade(item, why);
	case ORDER_LOG_KEY:
	case ORDER_VENUE_LICENSE:
	case ORDER_POLICY_ADOPT:
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME:
	case ORDER_VENUE_KEY:
	case ORDER_VENUE_DISTRUST:
	case ORDER_OFFICER_ADD:
	case ORDER_OFFICER_REMOVE:
	case ORDER_QUORUM_SET:
	case ORDER_RULES_SET: break;
	}
	assert(!"this type of order has no items");
	return ERR_INVALID;
}

static void write_lists(const struct order_item *item, struct buf *line)
{
	buf_add_text(line, ",\"lists\":[");
	for (size_t i = 0; i < item->list_count; i++) {
		if (i > 0)
			buf_u8(line, ',');
		order_json_add_string(line, item->lists[i]);
	}
	buf_u8(line, ']');
}

static void write_token_hash(const struct grant *grant, struct buf *line)
{
	char hash[2 * HASH_SIZE + 1];

	hex_format(slice_of(grant->token_hash, HASH_SIZE), hash);
	buf_printf(line, "{\"token_hash\":\"%s\"", hash);
}

static void write_grant(const struct grant *grant, struct buf *line)
{
	char subject[64], expires[DATE_TEXT_SIZE];

	grant_subject_format(grant, subject);
	date_format(grant->expires, expires);
	write_token_hash(grant, line);
	buf_printf(line, ",\"subject\":\"%s\",\"holder\":", subject);
	order_json_add_string(line, slice_text(grant->holder));
	buf_printf(line, ",\"scope\":\"" SCOPE_READ "\",\"expires\":\"%s\"", expires);
}

static void write_named(struct buf *line, const char *before, struct slice text)
{
	buf_add_text(line, before);
	order_json_add_string(line, text);
}

/* All but the salt. */
static void write_item(enum order_type type, const struct order_item *item, struct buf *line)
{
	switch (type) {
	case ORDER_ENTERPRISE_REGISTER:
		write_named(line, "{\"code\":", item->code);
		write_named(line, ",\"name\":", item->name);
		write_lists(item, line);
		break;
	case ORDER_ENTERPRISE_RELATE:
		write_named(line, "{\"codes\":[", item->code);
		write_named(line, ",", item->second);
		buf_u8(line, ']');
		break;
	case ORDER_GRANT_ADD: write_grant(&item->grant, line); break;
	case ORDER_ENTERPRISE_DELIST:
		write_named(line, "{\"code\":", item->code);
		write_lists(item, line);
		write_named(line, ",\"reason\":", item->reason);
		break;
	case ORDER_GRANT_REVOKE:
		write_token_hash(&item->grant, line);
		write_named(line, ",\"reason\":", item->reason);
		break;
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID:
		write_named(line, "{\"venue\":", item->venue);
		write_named(line, ",\"trade_no\":", item->trade_no);
		write_named(line, ",\"reason\":", item->reason);
		break;
	case ORDER_LOG_KEY:
	case ORDER_VENUE_LICENSE:
	case ORDER_POLICY_ADOPT:
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME:
	case ORDER_VENUE_KEY:
	case ORDER_VENUE_DISTRUST:
	case ORDER_OFFICER_ADD:
	case ORDER_OFFICER_REMOVE:
	case ORDER_QUORUM_SET:
	case ORDER_RULES_SET: assert(!"this type of order has no items");
	}
}

enum err order_item_format(
    enum order_type type, const struct order_item *item, const uint8_t salt[static SALT_SIZE], struct buf *ret_line)
{
	char salt_text[2 * SALT_SIZE + 1];
	enum err err = check_item(type, item, NULL);

	if (err != OK)
		return err;
	write_item(type, item, ret_line);
	hex_format(slice_of(salt, SALT_SIZE), salt_text);
	buf_printf(ret_line, ",\"salt\":\"%s\"}", salt_text);
	return ret_line->err;
}

/* An element of an array of strings, copied. A wrong type reads as empty, which no rule of an item allows. */
static enum err take_string(const json_t *json, struct arena *arena, struct slice *ret_text)
{
	*ret_text = arena_copy(arena, slice_of(json_string_value(json), json_string_length(json)));
	return ret_text->data == NULL ? ERR_MEMORY : OK;
}

static enum err read_lists(const json_t *root, struct arena *arena, struct order_item *item, struct why *why)
{
	const json_t *lists = json_object_get(root, "lists");
	enum err err;

	if (!json_is_array(lists) || json_array_size(lists) > LISTS_MAX)
		return why_set(why, ERR_INVALID, "\"lists\" is not an array of at most %d list names", LISTS_MAX);
	item->list_count = json_array_size(lists);
	for (size_t i = 0; i < item->list_count; i++)
		if ((err = take_string(json_array_get(lists, i), arena, &item->lists[i])) != OK)
			return err;
	return OK;
}

static enum err read_register(const json_t *root, struct arena *arena, struct order_item *item, struct why *why)
{
	static const char *const keys[] = {"code", "name", "lists", "salt"};
	enum err err;

	if ((err = order_json_keys(root, keys, 4, 4, why)) != OK ||
	    (err = take_string(json_object_get(root, "code"), arena, &item->code)) != OK ||
	    (err = take_string(json_object_get(root, "name"), arena, &item->name)) != OK)
		return err;
	return read_lists(root, arena, item, why);
}

static enum err read_delist(const json_t *root, struct arena *arena, struct order_item *item, struct why *why)
{
	static const char *const keys[] = {"code", "lists", "reason", "salt"};
	enum err err;

	if ((err = order_json_keys(root, keys, 4, 4, why)) != OK ||
	    (err = take_string(json_object_get(root, "code"), arena, &item->code)) != OK ||
	    (err = take_string(json_object_get(root, "reason"), arena, &item->reason)) != OK)
		return err;
	return read_lists(root, arena, item, why);
}

static enum err read_trade(const json_t *root, struct arena *arena, struct order_item *item, struct why *why)
{
	static const char *const keys[] = {"venue", "trade_no", "reason", "salt"};
	enum err err;

	if ((err = order_json_keys(root, keys, 4, 4, why)) != OK ||
	    (err = take_string(json_object_get(root, "venue"), arena, &item->venue)) != OK ||
	    (err = take_string(json_object_get(root, "trade_no"), arena, &item->trade_no)) != OK)
		return err;
	return take_string(json_object_get(root, "reason"), arena, &item->reason);
}

static enum err read_relate(const json_t *root, struct arena *arena, struct order_item *item, struct why *why)
{
	static const char *const keys[] = {"codes", "salt"};
	const json_t *codes = json_object_get(root, "codes");
	enum err err;

	if ((err = order_json_keys(root, keys, 2, 2, why)) != OK)
		return err;
	if (!json_is_array(codes) || json_array_size(codes) != 2)
		return why_set(why, ERR_INVALID, "\"codes\" is not an array of two codes");
	if ((err = take_string(json_array_get(codes, 0), arena, &item->code)) != OK)
		return err;
	return take_string(json_array_get(codes, 1), arena, &item->second);
}

static enum err read_token_hash(const json_t *root, struct grant *grant, struct why *why)
{
	struct slice hash;
	enum err err = order_json_text(root, "token_hash", 2 * HASH_SIZE, &hash, why);

	if (err == OK && hex_parse(hash, grant->token_hash, HASH_SIZE) != OK)
		err = why_set(why, ERR_INVALID, "\"token_hash\" is not %d lower-case hex digits", 2 * HASH_SIZE);
	return err;
}

static enum err read_revoke(const json_t *root, struct arena *arena, struct order_item *item, struct why *why)
{
	static const char *const keys[] = {"token_hash", "reason", "salt"};
	enum err err;

	if ((err = order_json_keys(root, keys, 3, 3, why)) != OK ||
	    (err = read_token_hash(root, &item->grant, why)) != OK)
		return err;
	return take_string(json_object_get(root, "reason"), arena, &item->reason);
}

static enum err read_grant(const json_t *root, struct order_item *item, struct why *why)
{
	static const char *const keys[] = {"token_hash", "subject", "holder", "scope", "expires", "salt"};
	struct slice subject, holder, scope;
	struct grant *grant = &item->grant;
	enum err err;

	if ((err = order_json_keys(root, keys, 6, 6, why)) != OK || (err = read_token_hash(root, grant, why)) != OK ||
	    (err = order_json_text(root, "subject", SUBJECT_SIZE_MAX, &subject, why)) != OK ||
	    (err = order_json_text(root, "holder", GRANT_HOLDER_SIZE_MAX, &holder, why)) != OK ||
	    (err = order_json_text(root, "scope", sizeof(SCOPE_READ) - 1, &scope, why)) != OK ||
	    (err = order_json_date(root, "expires", &grant->expires, why)) != OK)
		return err;
	if (!slice_equal(scope, slice_text(SCOPE_READ)))
		return why_set(why, ERR_INVALID, "\"scope\" is not \"" SCOPE_READ "\"");
	order_text_copy(holder, grant->holder, sizeof(grant->holder));
	if (grant_subject_parse(subject, grant) != OK)
		return why_set(why, ERR_INVALID,
		    "\"subject\" is not \"bureau\", \"auditor\", \"venue:<id>\" or an enterprise's code");
	return OK;
}

static enum err read_item(
    enum order_type type, const json_t *root, struct arena *arena, struct order_item *item, struct why *why)
{
	switch (type) {
	case ORDER_ENTERPRISE_REGISTER: return read_register(root, arena, item, why);
	case ORDER_ENTERPRISE_RELATE: return read_relate(root, arena, item, why);
	case ORDER_GRANT_ADD: return read_grant(root, item, why);
	case ORDER_ENTERPRISE_DELIST: return read_delist(root, arena, item, why);
	case ORDER_GRANT_REVOKE: return read_revoke(root, arena, item, why);
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID: return read_trade(root, arena, item, why);
	case ORDER_LOG_KEY:
	case ORDER_VENUE_LICENSE:
	case ORDER_POLICY_ADOPT:
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME:
	case ORDER_VENUE_KEY:
	case ORDER_VENUE_DISTRUST:
	case ORDER_OFFICER_ADD:
	case ORDER_OFFICER_REMOVE:
	case ORDER_QUORUM_SET:
	case ORDER_RULES_SET: break;
	}
	assert(!"this type of order has no items");
	return ERR_INVALID;
}

static enum err parse_item(
    enum order_type type, struct slice line, struct arena *arena, struct order_item *ret_item, struct why *why)
{
	uint8_t salt[SALT_SIZE];
	struct slice salt_text;
	struct buf written;
	json_t *root = NULL;
	enum err err;

	buf_init(&written, ORDER_BODY_SIZE_MAX);
	if ((err = order_json_load(line, TEXT("the line"), &root, why)) != OK ||
	    (err = read_item(type, root, arena, ret_item, why)) != OK ||
	    (err = check_item(type, ret_item, why)) != OK ||
	    (err = order_json_text(root, "salt", 2 * SALT_SIZE, &salt_text, why)) != OK)
		goto out;
	if (hex_parse(salt_text, salt, SALT_SIZE) != OK) {
		err = why_set(why, ERR_INVALID, "\"salt\" is not %d lower-case hex digits", 2 * SALT_SIZE);
		goto out;
	}
	err = order_item_format(type, ret_item, salt, &written);
	if (err == OK || err == ERR_TOO_LARGE)
		err = order_json_compare(line, &written, TEXT("the line"), why);
out:
	buf_done(&written);
	json_decref(root);
	return err;
}

/* What an item is about: one order may speak of it once. */
struct item_place {
	struct slice first, second;
	const char *what;
	size_t index;
};

static void place_item(enum order_type type, const struct order_item *item, struct item_place *place)
{
	place->second = slice_of("", 0);
	if (type == ORDER_GRANT_ADD || type == ORDER_GRANT_REVOKE) {
		place->what = TEXT("token hash");
		place->first = slice_of(item->grant.token_hash, HASH_SIZE);
	} else if (type == ORDER_TRADE_HOLD || type == ORDER_TRADE_RELEASE || type == ORDER_TRADE_VOID) {
		place->what = TEXT("trade");
		place->first = item->venue;
		place->second = item->trade_no;
	} else {
		place->what = type == ORDER_ENTERPRISE_RELATE ? TEXT("pair") : TEXT("enterprise");
		place->first = item->code;
		if (type == ORDER_ENTERPRISE_RELATE)
			place->second = item->second;
	}
}

static int compare_places(const void *a_pointer, const void *b_pointer)
{
	const struct item_place *a = a_pointer, *b = b_pointer;
	int order = slice_compare(a->first, b->first);

	if (order == 0)
		order = slice_compare(a->second, b->second);
	if (order == 0)
		order = (a->index > b->index) - (a->index < b->index);
	return order;
}

static enum err check_each_once(const struct order *order, struct arena *arena, struct why *why)
{
	struct item_place *places = arena_alloc(arena, order->item_count * sizeof(*places));

	if (places == NULL)
		return why_set(why, ERR_MEMORY, "not enough memory for the items");
	for (size_t i = 0; i < order->item_count; i++) {
		const struct order_item *item = &order->items[i];

		places[i].index = i;
		place_item(order->type, item, &places[i]);
	}
	qsort(places, order->item_count, sizeof(*places), compare_places);
	for (size_t i = 1; i < order->item_count; i++) {
		const struct item_place *a = &places[i - 1], *b = &places[i];

		if (slice_equal(a->first, b->first) && slice_equal(a->second, b->second))
			return why_set(why, ERR_INVALID, "items %zu and %zu name the same %s", a->index + 1,
			    b->index + 1, text_of(b->what));
	}
	return OK;
}

enum err order_items_parse(const struct slice *items, struct arena *arena, struct order *order, struct why *why)
{
	order->items = arena_alloc(arena, order->item_count * sizeof(*order->items));
	if (order->items == NULL)
		return why_set(why, ERR_MEMORY, "not enough memory for the items");
	memset(order->items, 0, order->item_count * sizeof(*order->items));
	for (size_t i = 0; i < order->item_count; i++) {
		struct why cause = {""};
		enum err err = parse_item(order->type, items[i], arena, &order->items[i], &cause);

		if (err != OK)
			return why_set_cause(why, err, &cause, "item %zu: ", i + 1);
	}
	return check_each_once(order, arena, why);
}

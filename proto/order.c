/*
 * Orders: reading, writing, composing.
 *
 * There is one writer. order_parse reads the text into a struct order, writes that again and compares, so every
 * order has exactly one text, and "the same id with the same text" is a comparison of bytes. order_compose fills
 * the same struct from a draft, writes it, and proves the result by parsing it as the daemon will.
 */
#include "proto/order.h"

#include <assert.h>
#include <string.h>

#include "proto/date.h"
#include "proto/order_internal.h"
#include "proto/text.h"

static const char *const type_names[ORDER_TYPE_COUNT] = {
    [ORDER_VENUE_LICENSE] = "venue.license",
    [ORDER_ENTERPRISE_REGISTER] = "enterprise.register",
    [ORDER_ENTERPRISE_RELATE] = "enterprise.relate",
    [ORDER_POLICY_ADOPT] = "policy.adopt",
    [ORDER_GRANT_ADD] = "grant.add",
    [ORDER_VENUE_SUSPEND] = "venue.suspend",
    [ORDER_VENUE_RESUME] = "venue.resume",
    [ORDER_VENUE_KEY] = "venue.key",
    [ORDER_OFFICER_ADD] = "officer.add",
    [ORDER_OFFICER_REMOVE] = "officer.remove",
    [ORDER_QUORUM_SET] = "quorum.set",
    [ORDER_ENTERPRISE_DELIST] = "enterprise.delist",
    [ORDER_GRANT_REVOKE] = "grant.revoke",
    [ORDER_RULES_SET] = "rules.set",
    [ORDER_TRADE_HOLD] = "trade.hold",
    [ORDER_TRADE_RELEASE] = "trade.release",
    [ORDER_TRADE_VOID] = "trade.void",
    [ORDER_LOG_KEY] = "log.key",
    [ORDER_VENUE_DISTRUST] = "venue.distrust",
};

const char *order_type_name(enum order_type type)
{
	assert(type >= ORDER_VENUE_LICENSE && type < ORDER_TYPE_COUNT);
	return type_names[type];
}

enum order_type order_type_by_name(const char *name)
{
	for (int type = ORDER_VENUE_LICENSE; type < ORDER_TYPE_COUNT; type++)
		if (strcmp(type_names[type], name) == 0)
			return (enum order_type)type;
	return (enum order_type)0;
}

bool order_type_has_items(enum order_type type)
{
	switch (type) {
	case ORDER_ENTERPRISE_REGISTER:
	case ORDER_ENTERPRISE_RELATE:
	case ORDER_GRANT_ADD:
	case ORDER_ENTERPRISE_DELIST:
	case ORDER_GRANT_REVOKE:
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID: return true;
	case ORDER_VENUE_LICENSE:
	case ORDER_POLICY_ADOPT:
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME:
	case ORDER_VENUE_KEY:
	case ORDER_VENUE_DISTRUST:
	case ORDER_OFFICER_ADD:
	case ORDER_OFFICER_REMOVE:
	case ORDER_QUORUM_SET:
	case ORDER_RULES_SET:
	case ORDER_LOG_KEY: break;
	}
	return false;
}

/* The readers' errors of form are one to the officer who sent the order; the reason says which. */
static enum err as_order_error(enum err err)
{
	return err == OK || err == ERR_MEMORY || err == ERR_ORDER_ITEMS ? err : ERR_ORDER;
}

static struct hash items_root(const struct slice *items, size_t item_count)
{
	struct frontier frontier;

	frontier_init(&frontier);
	for (size_t i = 0; i < item_count; i++) {
		struct hash leaf = hash_leaf(items[i]);

		frontier_append(&frontier, &leaf);
	}
	return frontier_root(&frontier);
}

/* What officers signed of the items. */
struct signed_items {
	size_t count; /* 0 for a type without items */
	struct hash root;
};

static void write_text(const struct order *order, const struct signed_items *items, struct buf *buf)
{
	char expires[DATE_TEXT_SIZE];

	date_format(order->expires, expires);
	buf_printf(buf, ORDER_HEADER "\n%s\n%s\n{\"id\":", order->origin, order->ledger_id);
	order_json_add_string(buf, slice_text(order->id));
	buf_printf(buf,
	    ",\"type\":\"%s\",\"expires\":\"%s\",\"made_at_size\":%llu,\"body\":", order_type_name(order->type),
	    expires, (unsigned long long)order->made_at_size);
	order_body_write(order, buf);
	if (order_type_has_items(order->type)) {
		buf_printf(buf, ",\"items\":{\"count\":%zu,\"root\":\"", items->count);
		base64_add(buf, hash_slice(&items->root));
		buf_add_text(buf, "\"}");
	}
	buf_add_text(buf, "}\n");
}

static enum err read_items(
    const json_t *root, const struct order *order, struct signed_items *ret_items, struct why *why)
{
	static const char *const keys[] = {"count", "root"};
	const json_t *items = json_object_get(root, "items"), *count = json_object_get(items, "count");
	struct slice text;
	size_t size = 0;
	enum err err;

	ret_items->count = 0;
	if (!order_type_has_items(order->type))
		return items == NULL ? OK : why_set(why, ERR_INVALID, "this type of order has no \"items\"");
	if (items == NULL)
		return why_set(why, ERR_INVALID, "the key \"items\" is missing");
	if ((err = order_json_keys(items, keys, 2, 2, why)) != OK ||
	    (err = order_json_text(items, "root", BASE64_SIZE(HASH_SIZE), &text, why)) != OK)
		return err;
	if (!json_is_integer(count) || json_integer_value(count) < 1 || json_integer_value(count) > ORDER_ITEMS_MAX)
		return why_set(why, ERR_INVALID, "\"count\" is not a number from 1 to %d", ORDER_ITEMS_MAX);
	if (base64_parse(text, ret_items->root.bytes, HASH_SIZE, &size) != OK || size != HASH_SIZE)
		return why_set(why, ERR_INVALID, "\"root\" is not the base64 of a hash of %d bytes", HASH_SIZE);
	ret_items->count = (size_t)json_integer_value(count);
	return OK;
}

/* The lines beside the note are those whose count and root were signed. */
static enum err check_items(
    const struct signed_items *signed_items, const struct slice *items, size_t item_count, struct why *why)
{
	struct hash given_root;

	if (signed_items->count == 0)
		return item_count == 0 ? OK
				       : why_set(why, ERR_ORDER_ITEMS,
					     "this type of order has no items, but %zu came with it", item_count);
	if (signed_items->count != item_count)
		return why_set(why, ERR_ORDER_ITEMS, "%zu items came, %lld were signed", item_count,
		    (long long)signed_items->count);
	given_root = items_root(items, item_count);
	if (!hash_equal(&given_root, &signed_items->root))
		return why_set(why, ERR_ORDER_ITEMS, "the root of the %zu items is not the signed one", item_count);
	return OK;
}

static enum err read_id_and_type(const json_t *root, struct order *order, struct why *why)
{
	struct slice id, type;
	char type_text[32];
	enum err err;

	if ((err = order_json_text(root, "id", ORDER_ID_SIZE_MAX, &id, why)) != OK ||
	    (err = order_json_text(root, "type", sizeof(type_text) - 1, &type, why)) != OK)
		return err;
	if (!ascii_is_visible(id))
		return why_set(why, ERR_INVALID, "\"id\" has characters other than visible ASCII");
	order_text_copy(id, order->id, sizeof(order->id));
	order_text_copy(type, type_text, sizeof(type_text));
	order->type = order_type_by_name(type_text);
	if (order->type == 0)
		return why_set(why, ERR_INVALID, "unknown \"type\": %s", type_text);
	return OK;
}

static enum err read_object(const json_t *root, struct order *order, struct why *why)
{
	static const char *const keys[] = {"id", "type", "expires", "made_at_size", "body", "items"};
	const json_t *size = json_object_get(root, "made_at_size");
	enum err err;

	if ((err = order_json_keys(root, keys, 5, 6, why)) != OK || (err = read_id_and_type(root, order, why)) != OK ||
	    (err = order_json_date(root, "expires", &order->expires, why)) != OK)
		return err;
	/* A ledger has its genesis, so an order is never made at size 0. */
	if (!json_is_integer(size) || json_integer_value(size) < 1 ||
	    (uint64_t)json_integer_value(size) > TREE_SIZE_MAX)
		return why_set(why, ERR_INVALID, "\"made_at_size\" is not a ledger size");
	order->made_at_size = (uint64_t)json_integer_value(size);
	return OK;
}

static enum err read_head(struct slice text, struct order *order, struct slice *ret_json, struct why *why)
{
	struct slice rest = text, header, origin, ledger_id;
	uint8_t id_bytes[LEDGER_ID_SIZE / 2];

	if (!order_line_take(&rest, &header) || !order_line_take(&rest, &origin) ||
	    !order_line_take(&rest, &ledger_id) || !order_line_take(&rest, ret_json) || rest.size > 0)
		return why_set(why, ERR_SYNTAX, "an order has exactly four lines");
	if (!slice_equal(header, slice_text(ORDER_HEADER)))
		return why_set(why, ERR_SYNTAX, "the first line is not %s", ORDER_HEADER);
	if (origin.size > ORIGIN_SIZE_MAX || !origin_is_valid(origin))
		return why_set(why, ERR_INVALID, "the second line is not a ledger's origin");
	if (hex_parse(ledger_id, id_bytes, sizeof(id_bytes)) != OK)
		return why_set(why, ERR_INVALID, "the third line is not a ledger id of %d hex digits", LEDGER_ID_SIZE);
	order_text_copy(origin, order->origin, sizeof(order->origin));
	order_text_copy(ledger_id, order->ledger_id, sizeof(order->ledger_id));
	return OK;
}

/* Sizes are looked at before anything is read. */
static enum err check_size(struct slice text, const struct slice *items, size_t item_count, struct why *why)
{
	size_t total_size = text.size;

	if (item_count > ORDER_ITEMS_MAX)
		return why_set(
		    why, ERR_INVALID, "%zu items; one order carries %d: divide it", item_count, ORDER_ITEMS_MAX);
	for (size_t i = 0; i < item_count && total_size <= ORDER_BODY_SIZE_MAX; i++)
		total_size = items[i].size > ORDER_BODY_SIZE_MAX ? items[i].size : total_size + items[i].size;
	if (total_size > ORDER_BODY_SIZE_MAX)
		return why_set(why, ERR_INVALID, "note and items have more than %d bytes together: divide the order",
		    ORDER_BODY_SIZE_MAX);
	return OK;
}

static enum err compare(struct slice text, const struct order *order, const struct signed_items *items, struct why *why)
{
	struct buf written;
	enum err err;

	buf_init(&written, ORDER_BODY_SIZE_MAX);
	write_text(order, items, &written);
	err = order_json_compare(text, &written, TEXT("the order"), why);
	buf_done(&written);
	return err;
}

/* All but the items' lines. */
static enum err parse_text(
    struct slice text, struct arena *arena, struct order *order, struct signed_items *ret_items, struct why *why)
{
	struct slice json_line;
	json_t *root = NULL;
	enum err err;

	if ((err = read_head(text, order, &json_line, why)) != OK ||
	    (err = order_json_load(json_line, TEXT("the fourth line"), &root, why)) != OK ||
	    (err = read_object(root, order, why)) != OK || (err = read_items(root, order, ret_items, why)) != OK ||
	    (err = order_body_read(json_object_get(root, "body"), arena, order, why)) != OK)
		goto out;
	err = compare(text, order, ret_items, why);
out:
	json_decref(root);
	return err;
}

enum err order_parse(struct slice text, const struct slice *items, size_t item_count, struct arena *arena,
    struct order *ret_order, struct why *why)
{
	struct order order = {.type = 0};
	struct signed_items signed_items;
	enum err err;

	if ((err = check_size(text, items, item_count, why)) != OK ||
	    (err = parse_text(text, arena, &order, &signed_items, why)) != OK ||
	    (err = check_items(&signed_items, items, item_count, why)) != OK)
		return as_order_error(err);
	order.item_count = item_count;
	if (item_count > 0 && (err = order_items_parse(items, arena, &order, why)) != OK)
		return as_order_error(err);
	*ret_order = order;
	return OK;
}

enum err order_parse_line(
    struct slice text, const struct order_line *line, struct arena *arena, struct order *ret_order, struct why *why)
{
	struct order order = {.type = 0};
	struct signed_items signed_items;
	struct hash leaf = hash_leaf(line->text);
	enum err err;

	if ((err = check_size(text, &line->text, 1, why)) != OK ||
	    (err = parse_text(text, arena, &order, &signed_items, why)) != OK)
		return as_order_error(err);
	if (line->item >= signed_items.count || line->count != signed_items.count)
		return why_set(why, ERR_ORDER_ITEMS, "%zu items were signed; this is to be number %u of %zu",
		    signed_items.count, line->item + 1, line->count);
	if (tree_verify_inclusion(line->item, signed_items.count, &leaf, line->path, &signed_items.root) != OK)
		return why_set(
		    why, ERR_ORDER_ITEMS, "the line is not item %u of those that were signed", line->item + 1);
	order.item_count = 1;
	err = order_items_parse(&line->text, arena, &order, why);
	if (err == OK)
		*ret_order = order;
	return as_order_error(err);
}

/* Copies the head of a draft. Only what would not fit is refused here; the proof by order_parse sees the rest. */
static enum err set_head(const struct order_draft *draft, struct order *order, struct why *why)
{
	struct slice id = slice_text(draft->id), origin = slice_text(draft->origin);
	struct slice ledger_id = slice_text(draft->ledger_id);

	if (id.size > ORDER_ID_SIZE_MAX || !ascii_is_visible(id))
		return why_set(
		    why, ERR_INVALID, "\"id\" is not 1 to %d characters of visible ASCII", ORDER_ID_SIZE_MAX);
	if (origin.size > ORIGIN_SIZE_MAX || ledger_id.size > LEDGER_ID_SIZE)
		return why_set(why, ERR_INVALID, "the origin or the ledger id is too long");
	if (!date_is_valid(draft->expires))
		return why_set(why, ERR_INVALID, "\"expires\" is not a date");
	order->type = draft->type;
	order->expires = draft->expires;
	order->made_at_size = draft->made_at_size;
	order->item_count = draft->item_count;
	order_text_copy(id, order->id, sizeof(order->id));
	order_text_copy(origin, order->origin, sizeof(order->origin));
	order_text_copy(ledger_id, order->ledger_id, sizeof(order->ledger_id));
	return OK;
}

enum err order_compose(const struct order_draft *draft, struct buf *ret_text, struct why *why)
{
	struct order order = {.type = 0};
	struct signed_items signed_items = {.count = 0};
	json_t *empty = NULL;
	struct arena arena;
	struct buf text;
	enum err err;

	arena_init(&arena, ORDER_ARENA_SIZE);
	buf_init(&text, ORDER_BODY_SIZE_MAX);
	empty = json_object();
	if (empty == NULL) {
		err = why_set(why, ERR_MEMORY, "not enough memory for the order");
		goto out;
	}
	if ((err = set_head(draft, &order, why)) != OK ||
	    (err = check_size(slice_of("", 0), draft->items, draft->item_count, why)) != OK ||
	    (err = order_body_read(draft->body == NULL ? empty : draft->body, &arena, &order, why)) != OK)
		goto out;
	if (order_type_has_items(order.type))
		signed_items = (struct signed_items){draft->item_count, items_root(draft->items, draft->item_count)};
	write_text(&order, &signed_items, &text);
	if (text.err != OK) {
		err = why_set(why, text.err, "the order has more than %d bytes", ORDER_BODY_SIZE_MAX);
		goto out;
	}
	err = order_parse(buf_slice(&text), draft->items, draft->item_count, &arena, &order, why);
	if (err != OK)
		goto out;
	buf_add_slice(ret_text, buf_slice(&text));
	err = ret_text->err;
out:
	json_decref(empty);
	buf_done(&text);
	arena_done(&arena);
	return as_order_error(err);
}

#include "client/statement_json.h"

#include <string.h>

#include "client/statementfolder.h"

/* jansson reads nested values by recursion: they are counted before it sees them. */
static bool is_too_deep(struct slice bytes)
{
	unsigned depth = 0;
	bool is_text = false;

	for (size_t i = 0; i < bytes.size; i++) {
		uint8_t byte = bytes.data[i];

		if (is_text && byte == '\\')
			i++;
		else if (byte == '"')
			is_text = !is_text;
		else if (!is_text && (byte == '[' || byte == '{') && ++depth > JSON_DEPTH_MAX)
			return true;
		else if (!is_text && (byte == ']' || byte == '}') && depth > 0)
			depth--;
	}
	return false;
}

enum err statement_object_parse(struct slice bytes, json_t **ret_root, struct why *why)
{
	json_error_t error;
	json_t *root;

	if (is_too_deep(bytes))
		return why_set(why, ERR_SYNTAX, "it is nested more than %d deep", JSON_DEPTH_MAX);
	root = json_loadb((const char *)bytes.data, bytes.size, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		return why_set(why, ERR_SYNTAX, "it is not JSON: line %d", error.line);
	if (!json_is_object(root)) {
		json_decref(root);
		return why_set(why, ERR_SYNTAX, "it is not a JSON object");
	}
	*ret_root = root;
	return OK;
}

/* ---- members; all of them are needed, and no other may be there */

static enum err check_keys(const json_t *root, const char *const *keys, size_t key_count, struct why *why)
{
	for (size_t i = 0; i < key_count; i++)
		if (json_object_get(root, keys[i]) == NULL)
			return why_set(why, ERR_INVALID, "the key \"%s\" is missing", keys[i]);
	if (json_object_size(root) != key_count)
		return why_set(why, ERR_INVALID, "it has keys that this file does not have");
	return OK;
}

static enum err read_text(const json_t *root, const char *key, size_t max, struct slice *ret_text, struct why *why)
{
	const json_t *json = json_object_get(root, key);

	if (!json_is_string(json) || json_string_length(json) == 0 || json_string_length(json) > max)
		return why_set(why, ERR_INVALID, "\"%s\" is not a text of 1 to %zu bytes", key, max);
	*ret_text = slice_of(json_string_value(json), json_string_length(json));
	return OK;
}

static enum err read_number(const json_t *root, const char *key, uint64_t max, uint64_t *ret_value, struct why *why)
{
	const json_t *json = json_object_get(root, key);

	if (!json_is_integer(json) || json_integer_value(json) < 0 || (uint64_t)json_integer_value(json) > max)
		return why_set(why, ERR_INVALID, "\"%s\" is not a number from 0 to %llu", key, (unsigned long long)max);
	*ret_value = (uint64_t)json_integer_value(json);
	return OK;
}

static bool parse_hash(struct slice text, struct hash *ret_hash)
{
	size_t size = 0;

	return base64_parse(text, ret_hash->bytes, HASH_SIZE, &size) == OK && size == HASH_SIZE;
}

static enum err read_path(const json_t *root, struct tree_path *ret_path, struct why *why)
{
	const json_t *hashes = json_object_get(root, "hashes");

	if (!json_is_array(hashes) || json_array_size(hashes) > TREE_DEPTH_MAX)
		return why_set(why, ERR_INVALID, "\"hashes\" is not a list of at most %d hashes", TREE_DEPTH_MAX);
	ret_path->count = json_array_size(hashes);
	for (size_t i = 0; i < ret_path->count; i++) {
		const json_t *hash = json_array_get(hashes, i);
		struct slice text = slice_of(json_string_value(hash), json_string_length(hash));

		if (!json_is_string(hash) || !parse_hash(text, &ret_path->hashes[i]))
			return why_set(
			    why, ERR_INVALID, "\"hashes\" has one that is not the base64 of %d bytes", HASH_SIZE);
	}
	return OK;
}

/* ---- statement.json */

static enum err read_identity(const json_t *root, struct statement_head *head, struct why *why)
{
	struct slice format, origin, ledger_id, code;
	uint8_t id_bytes[LEDGER_ID_SIZE / 2];
	enum err err;

	if ((err = read_text(root, "format", 64, &format, why)) != OK ||
	    (err = read_text(root, "origin", ORIGIN_SIZE_MAX, &origin, why)) != OK ||
	    (err = read_text(root, "ledger_id", LEDGER_ID_SIZE, &ledger_id, why)) != OK ||
	    (err = read_text(root, "code", USCI_SIZE, &code, why)) != OK)
		return err;
	if (!slice_equal(format, slice_text(STATEMENT_FORMAT)))
		return why_set(why, ERR_INVALID, "\"format\" is not %s: this program knows no other", STATEMENT_FORMAT);
	if (!origin_is_valid(origin))
		return why_set(why, ERR_INVALID, "\"origin\" is not the origin of a ledger");
	if (hex_parse(ledger_id, id_bytes, sizeof(id_bytes)) != OK)
		return why_set(why, ERR_INVALID, "\"ledger_id\" is not %d hex digits", LEDGER_ID_SIZE);
	if (code.size != USCI_SIZE || usci_check(code, NULL) != USCI_OK)
		return why_set(why, ERR_INVALID, "\"code\" is not a unified social credit code");
	memcpy(head->origin, origin.data, origin.size);
	memcpy(head->ledger_id, ledger_id.data, ledger_id.size);
	head->code = code_of(code);
	return OK;
}

static enum err read_policy_row(const json_t *row, struct why *why)
{
	static const char *const keys[] = {"policy", "version", "index", "eligible_volume", "award"};
	enum err err;

	if (!json_is_object(row))
		return why_set(why, ERR_INVALID, "\"policies\" has a member that is no object");
	err = check_keys(row, keys, sizeof(keys) / sizeof(keys[0]), why);
	if (err == OK && !json_is_string(json_object_get(row, "policy")))
		err = why_set(why, ERR_INVALID, "\"policies\" has a member without the name of a policy");
	return err;
}

static enum err read_head(const json_t *root, struct statement_head *head, struct why *why)
{
	static const char *const keys[] = {
	    "format", "origin", "ledger_id", "code", "size", "entries", "vkeys", "policies"};
	enum err err;

	if ((err = check_keys(root, keys, sizeof(keys) / sizeof(keys[0]), why)) != OK ||
	    (err = read_identity(root, head, why)) != OK ||
	    (err = read_number(root, "size", TREE_SIZE_MAX, &head->size, why)) != OK ||
	    (err = read_number(root, "entries", TREE_SIZE_MAX, &head->entry_count, why)) != OK)
		return err;
	head->vkeys = json_object_get(root, "vkeys");
	head->policies = json_object_get(root, "policies");
	if (!json_is_array(head->vkeys) || !json_is_array(head->policies))
		return why_set(why, ERR_INVALID, "\"vkeys\" and \"policies\" are not lists");
	for (size_t i = 0; i < json_array_size(head->vkeys); i++)
		if (!json_is_string(json_array_get(head->vkeys, i)))
			return why_set(why, ERR_INVALID, "\"vkeys\" has a member that is no text");
	for (size_t i = 0; i < json_array_size(head->policies) && err == OK; i++)
		err = read_policy_row(json_array_get(head->policies, i), why);
	return err;
}

enum err statement_head_parse(struct slice bytes, struct statement_head *ret_head, struct why *why)
{
	struct statement_head head = {.size = 0};
	enum err err = statement_object_parse(bytes, &head.root, why);

	if (err == OK)
		err = read_head(head.root, &head, why);
	if (err != OK) {
		json_decref(head.root);
		return err;
	}
	*ret_head = head;
	return OK;
}

void statement_head_done(struct statement_head *head)
{
	json_decref(head->root);
	*head = (struct statement_head){.size = 0};
}

/* ---- orders and withheld entries */

static enum err read_order(const json_t *root, struct statement_order *order, struct why *why)
{
	static const char *const keys[] = {"order_index", "item", "note", "line", "count", "hashes"};
	uint64_t item, count;
	enum err err;

	if ((err = check_keys(root, keys, sizeof(keys) / sizeof(keys[0]), why)) != OK ||
	    (err = read_number(root, "order_index", TREE_SIZE_MAX, &order->order_index, why)) != OK ||
	    (err = read_number(root, "item", ORDER_ITEMS_MAX - 1, &item, why)) != OK ||
	    (err = read_number(root, "count", ORDER_ITEMS_MAX, &count, why)) != OK ||
	    (err = read_text(root, "note", NOTE_SIZE_MAX, &order->note, why)) != OK ||
	    (err = read_text(root, "line", ORDER_BODY_SIZE_MAX, &order->line, why)) != OK)
		return err;
	order->item = (uint32_t)item;
	order->count = (size_t)count;
	return read_path(root, &order->path, why);
}

enum err statement_order_parse(struct slice bytes, struct statement_order *ret_order, struct why *why)
{
	struct statement_order order = {.item = 0};
	enum err err = statement_object_parse(bytes, &order.root, why);

	if (err == OK)
		err = read_order(order.root, &order, why);
	if (err != OK) {
		json_decref(order.root);
		return err;
	}
	*ret_order = order;
	return OK;
}

void statement_order_done(struct statement_order *order)
{
	json_decref(order->root);
	order->root = NULL;
}

static enum err read_withheld(const json_t *root, struct statement_withheld *withheld, struct why *why)
{
	static const char *const keys[] = {"index", "leaf", "hashes"};
	struct slice leaf;
	enum err err;

	if ((err = check_keys(root, keys, sizeof(keys) / sizeof(keys[0]), why)) != OK ||
	    (err = read_number(root, "index", TREE_SIZE_MAX, &withheld->index, why)) != OK ||
	    (err = read_text(root, "leaf", BASE64_SIZE(HASH_SIZE), &leaf, why)) != OK)
		return err;
	if (!parse_hash(leaf, &withheld->leaf))
		return why_set(why, ERR_INVALID, "\"leaf\" is not the base64 of %d bytes", HASH_SIZE);
	return read_path(root, &withheld->path, why);
}

enum err statement_withheld_parse(struct slice bytes, struct statement_withheld *ret_withheld, struct why *why)
{
	struct statement_withheld withheld = {.index = 0};
	json_t *root = NULL;
	enum err err = statement_object_parse(bytes, &root, why);

	if (err == OK)
		err = read_withheld(root, &withheld, why);
	json_decref(root);
	if (err == OK)
		*ret_withheld = withheld;
	return err;
}

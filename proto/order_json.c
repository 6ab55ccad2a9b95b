#include "proto/order_internal.h"

#include <assert.h>
#include <string.h>

#include "proto/claim.h"
#include "proto/date.h"
#include "proto/text.h"

#define EXCERPT_SIZE 40 /* bytes of the right text shown where a text is not canonical */

bool order_line_take(struct slice *rest, struct slice *ret_line)
{
	const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
	size_t size;

	if (end == NULL)
		return false;
	size = (size_t)(end - rest->data);
	*ret_line = slice_of(rest->data, size);
	*rest = slice_of(end + 1, rest->size - size - 1);
	return true;
}

void order_text_copy(struct slice text, char *ret_text, size_t capacity)
{
	assert(text.size < capacity);
	if (text.size > 0)
		memcpy(ret_text, text.data, text.size);
	ret_text[text.size] = '\0';
}

/* jansson recurses once per level, so levels are counted before it sees the text. */
static bool depth_is_bounded(struct slice text)
{
	size_t depth = 0;
	bool is_in_string = false;

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (is_in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				is_in_string = false;
		} else if (c == '"') {
			is_in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return false;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return true;
}

enum err order_json_load(struct slice text, const char *what, json_t **ret_root, struct why *why)
{
	json_error_t error;
	json_t *root;

	if (!depth_is_bounded(text))
		return why_set(why, ERR_SYNTAX, "%s is nested deeper than %d levels", text_of(what), JSON_DEPTH_MAX);
	root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL && json_error_code(&error) == json_error_out_of_memory)
		return why_set(why, ERR_MEMORY, "not enough memory for %s", text_of(what));
	if (root == NULL)
		return why_set(
		    why, ERR_SYNTAX, "%s is not valid JSON at byte %d: %s", text_of(what), error.position, error.text);
	if (!json_is_object(root)) {
		json_decref(root);
		return why_set(why, ERR_SYNTAX, "%s is not a JSON object", text_of(what));
	}
	*ret_root = root;
	return OK;
}

enum err order_json_keys(
    const json_t *object, const char *const *keys, size_t required_count, size_t key_count, struct why *why)
{
	/* jansson's iterator changes nothing, but is not declared so. */
	json_t *iterated = (json_t *)(uintptr_t)object;

	if (!json_is_object(object))
		return why_set(why, ERR_INVALID, "not a JSON object");
	for (size_t i = 0; i < required_count; i++)
		if (json_object_get(object, keys[i]) == NULL)
			return why_set(why, ERR_INVALID, "the key \"%s\" is missing", keys[i]);
	for (void *at = json_object_iter(iterated); at != NULL; at = json_object_iter_next(iterated, at)) {
		const char *key = json_object_iter_key(at);
		size_t i = 0;

		while (i < key_count && strcmp(key, keys[i]) != 0)
			i++;
		if (i == key_count)
			return why_set(why, ERR_INVALID, "unknown key: \"%s\"", key);
	}
	return OK;
}

enum err order_json_text(
    const json_t *object, const char *key, size_t size_max, struct slice *ret_text, struct why *why)
{
	const json_t *json = json_object_get(object, key);
	struct slice text;

	if (!json_is_string(json))
		return why_set(why, ERR_INVALID, "\"%s\" is not a string", key);
	text = slice_of(json_string_value(json), json_string_length(json));
	if (text.size == 0 || text.size > size_max)
		return why_set(
		    why, ERR_INVALID, "\"%s\" has %zu bytes; 1 to %zu are allowed", key, text.size, size_max);
	if (!utf8_is_text(text))
		return why_set(why, ERR_INVALID, "\"%s\" contains a control character", key);
	*ret_text = text;
	return OK;
}

enum err order_json_date(const json_t *object, const char *key, uint32_t *ret_date, struct why *why)
{
	const json_t *json = json_object_get(object, key);

	if (!json_is_string(json) ||
	    date_parse(slice_of(json_string_value(json), json_string_length(json)), ret_date) != OK)
		return why_set(why, ERR_INVALID, "\"%s\" is not a date like \"2026-12-24\"", key);
	return OK;
}

static enum err check_vkey_owner(
    const struct key *key, const struct order_vkeys_rule *rule, size_t index, struct why *why)
{
	bool is_named = strcmp(key->name, rule->owner) == 0;

	if (rule->are_of_ledger) {
		if ((key->type == KEY_ED25519 && is_named) || claim_key_is_own(key, rule->owner))
			return OK;
		return why_set(why, ERR_INVALID,
		    "key %zu is neither a checkpoint key nor a claim key: Ed25519, named \"%s\" or \"%s%s\"", index + 1,
		    rule->owner, rule->owner, CLAIM_KEY_SUFFIX);
	}
	if (key->type != KEY_ED25519 && key->type != KEY_SM2)
		return why_set(why, ERR_INVALID, "key %zu is neither Ed25519 nor SM2", index + 1);
	if (!is_named)
		return why_set(why, ERR_INVALID, "key %zu must be named \"%s\", as its owner", index + 1, rule->owner);
	return OK;
}

static enum err vkey_read(
    const json_t *json, const struct order_vkeys_rule *rule, size_t index, struct key *ret_key, struct why *why)
{
	struct key key;
	enum err err = ERR_SYNTAX;

	if (json_is_string(json))
		err = key_parse(slice_of(json_string_value(json), json_string_length(json)), &key);
	if (err == ERR_MEMORY)
		return why_set(why, err, "not enough memory");
	if (err != OK)
		return why_set(why, ERR_INVALID, "key %zu is not a public key <name>+<key id>+<base64>: %s", index + 1,
		    err_sentence(err));
	if ((err = check_vkey_owner(&key, rule, index, why)) != OK)
		return err;
	*ret_key = key;
	return OK;
}

enum err order_json_vkey(const json_t *json, const char *owner, struct key *ret_key, struct why *why)
{
	const struct order_vkeys_rule rule = {.owner = owner};

	return vkey_read(json, &rule, 0, ret_key, why);
}

enum err order_json_vkeys(
    const json_t *object, const struct order_vkeys_rule *rule, struct key *ret_keys, size_t *ret_count, struct why *why)
{
	const json_t *array = json_object_get(object, rule->key);
	size_t count = json_array_size(array);

	if (!json_is_array(array) || count < rule->min || count > rule->max)
		return why_set(why, ERR_INVALID, "\"%s\" is not an array of %zu to %zu public keys", rule->key,
		    rule->min, rule->max);
	for (size_t i = 0; i < count; i++) {
		enum err err = vkey_read(json_array_get(array, i), rule, i, &ret_keys[i], why);

		if (err != OK)
			return err;
		for (size_t j = 0; j < i; j++)
			if (key_has_same_material(&ret_keys[i], &ret_keys[j]))
				return why_set(why, ERR_INVALID, "keys %zu and %zu are the same key", j + 1, i + 1);
	}
	*ret_count = count;
	return OK;
}

enum err order_json_officer(const json_t *json, struct officer *ret_officer, struct why *why)
{
	static const char *const keys[] = {"name", "role", "keys"};
	struct order_vkeys_rule rule = {.key = "keys", .owner = ret_officer->name, .min = 1, .max = OFFICER_KEYS_MAX};
	struct slice name, role;
	char role_text[16];
	enum err err;

	if ((err = order_json_keys(json, keys, 3, 3, why)) != OK ||
	    (err = order_json_text(json, "name", OFFICER_NAME_SIZE_MAX, &name, why)) != OK ||
	    (err = order_json_text(json, "role", sizeof(role_text) - 1, &role, why)) != OK)
		return err;
	if (!key_name_is_valid(name))
		return why_set(why, ERR_INVALID, "the name can't be that of a key: no spaces, no '+'");
	order_text_copy(name, ret_officer->name, sizeof(ret_officer->name));
	order_text_copy(role, role_text, sizeof(role_text));
	ret_officer->role = officer_role_by_name(role_text);
	if (ret_officer->role == 0)
		return why_set(why, ERR_INVALID, "unknown role: %s", role_text);
	return order_json_vkeys(json, &rule, ret_officer->keys, &ret_officer->key_count, why);
}

/* The escapes a compact printer can't do without. Other control characters are refused before anything is written. */
void order_json_add_string(struct buf *buf, struct slice text)
{
	buf_u8(buf, '"');
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (c == '\n') {
			buf_add_text(buf, "\\n");
			continue;
		}
		if (c == '"' || c == '\\')
			buf_u8(buf, '\\');
		buf_u8(buf, c);
	}
	buf_u8(buf, '"');
}

void order_json_add_vkeys(struct buf *buf, const struct key *keys, size_t key_count)
{
	char vkey[KEY_VKEY_SIZE];

	buf_u8(buf, '[');
	for (size_t i = 0; i < key_count; i++) {
		if (i > 0)
			buf_u8(buf, ',');
		key_format(&keys[i], vkey);
		order_json_add_string(buf, slice_text(vkey));
	}
	buf_u8(buf, ']');
}

void order_json_add_officer(struct buf *buf, const struct officer *officer)
{
	buf_add_text(buf, "{\"name\":");
	order_json_add_string(buf, slice_text(officer->name));
	buf_printf(buf, ",\"role\":\"%s\",\"keys\":", officer_role_name(officer->role));
	order_json_add_vkeys(buf, officer->keys, officer->key_count);
	buf_add_text(buf, "}");
}

static int on_dump(const char *data, size_t size, void *cookie)
{
	struct buf *buf = cookie;

	buf_add(buf, data, size);
	return buf->err == OK ? 0 : -1;
}

enum err order_json_add(struct buf *buf, const json_t *json)
{
	if (json_dump_callback(json, on_dump, buf, JSON_COMPACT) != 0 && buf->err == OK)
		return ERR_MEMORY;
	return buf->err;
}

/* From `start`, at most EXCERPT_SIZE bytes, both ends moved back to where a character begins. */
static struct slice excerpt(struct slice text, size_t start)
{
	size_t end;

	while (start > 0 && start < text.size && (text.data[start] & 0xc0) == 0x80)
		start--;
	end = text.size - start > EXCERPT_SIZE ? start + EXCERPT_SIZE : text.size;
	while (end > start && end < text.size && (text.data[end] & 0xc0) == 0x80)
		end--;
	return slice_of(text.data + start, end - start);
}

enum err order_json_compare(struct slice text, const struct buf *written, const char *what, struct why *why)
{
	struct slice right = buf_slice(written), shown;
	size_t at = 0;

	if (written->err == ERR_MEMORY)
		return why_set(why, ERR_MEMORY, "not enough memory for %s", text_of(what));
	if (written->err == OK && slice_equal(text, right))
		return OK;
	while (at < text.size && at < right.size && text.data[at] == right.data[at])
		at++;
	shown = excerpt(right, at);
	return why_set(why, ERR_NOT_CANONICAL,
	    "%s is not written in its one compact form; from byte %zu on it should be: %.*s", text_of(what), at,
	    (int)shown.size, (const char *)shown.data);
}

/*
 * The body of POST /v1/orders. It is an envelope and signed by nobody, so any spelling of the JSON will do; what
 * it carries is checked by note_parse and order_parse.
 */
#include "proto/order.h"

#include <string.h>

#include "proto/order_internal.h"
#include "proto/text.h"

static enum err bad_request(enum err err)
{
	return err == ERR_SYNTAX || err == ERR_INVALID ? ERR_BAD_REQUEST : err;
}

static enum err take_string(const json_t *json, struct arena *arena, struct slice *ret_text, size_t *total_size)
{
	struct slice text = slice_of(json_string_value(json), json_string_length(json));

	if (!json_is_string(json) || text.size == 0)
		return ERR_BAD_REQUEST;
	if (text.size > ORDER_BODY_SIZE_MAX - *total_size)
		return ERR_TOO_LARGE;
	*ret_text = arena_copy(arena, text);
	if (ret_text->data == NULL)
		return ERR_MEMORY;
	*total_size += text.size;
	return OK;
}

static enum err explain(enum err err, const char *what, struct why *why)
{
	if (err == ERR_BAD_REQUEST)
		return why_set(why, err, "%s is not a text", what);
	if (err == ERR_TOO_LARGE)
		return why_set(
		    why, err, "note and items have more than %d bytes together; divide the order", ORDER_BODY_SIZE_MAX);
	return why_set(why, err, "not enough memory for the order");
}

/* `ret_*` are written by the caller once all is read. */
static enum err read_strings(
    const json_t *root, struct arena *arena, struct slice *note, struct slice **items, struct why *why)
{
	const json_t *array = json_object_get(root, "items");
	size_t count = json_array_size(array), total_size = 0;
	enum err err = take_string(json_object_get(root, "note"), arena, note, &total_size);

	if (err != OK)
		return explain(err, "\"note\"", why);
	if (array != NULL && !json_is_array(array))
		return why_set(why, ERR_BAD_REQUEST, "\"items\" is not an array");
	if (count > ORDER_ITEMS_MAX)
		return why_set(why, ERR_TOO_LARGE, "%zu items; one order carries %d", count, ORDER_ITEMS_MAX);
	*items = arena_alloc(arena, (count + 1) * sizeof(**items));
	if (*items == NULL)
		return explain(ERR_MEMORY, "", why);
	for (size_t i = 0; i < count; i++)
		if ((err = take_string(json_array_get(array, i), arena, &(*items)[i], &total_size)) != OK)
			return explain(err, T("an item"), why);
	return OK;
}

enum err order_request_decode(struct slice bytes, struct arena *arena, struct slice *ret_note, struct slice **ret_items,
    size_t *ret_item_count, struct why *why)
{
	static const char *const keys[] = {"note", "items"};
	struct slice note, *items = NULL;
	json_t *root = NULL;
	enum err err;

	if (bytes.size > HTTP_PUBLIC_BODY_MAX)
		return why_set(
		    why, ERR_TOO_LARGE, "the request has %zu bytes; %d are allowed", bytes.size, HTTP_PUBLIC_BODY_MAX);
	if ((err = bad_request(order_json_load(bytes, TEXT("the request"), &root, why))) != OK ||
	    (err = bad_request(order_json_keys(root, keys, 1, 2, why))) != OK ||
	    (err = read_strings(root, arena, &note, &items, why)) != OK)
		goto out;
	*ret_note = note;
	*ret_items = items;
	*ret_item_count = json_array_size(json_object_get(root, "items"));
out:
	json_decref(root);
	return err;
}

/* A note is lines of text; utf8_is_text knows no newline. */
static bool is_lines_of_text(struct slice text)
{
	struct slice line;

	while (order_line_take(&text, &line))
		if (!utf8_is_text(line))
			return false;
	return utf8_is_text(text);
}

enum err order_request_encode(struct slice note, const struct slice *items, size_t item_count, struct buf *ret_bytes)
{
	if (!is_lines_of_text(note))
		return ERR_INVALID;
	for (size_t i = 0; i < item_count; i++)
		if (!utf8_is_text(items[i]))
			return ERR_INVALID;
	buf_add_text(ret_bytes, "{\"note\":");
	order_json_add_string(ret_bytes, note);
	buf_add_text(ret_bytes, ",\"items\":[");
	for (size_t i = 0; i < item_count; i++) {
		if (i > 0)
			buf_u8(ret_bytes, ',');
		order_json_add_string(ret_bytes, items[i]);
	}
	buf_add_text(ret_bytes, "]}");
	return ret_bytes->err;
}

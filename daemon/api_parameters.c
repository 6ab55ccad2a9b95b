/* Parameters of requests, and pages: what several routes ask for alike. */
#include "daemon/api_internal.h"

#include <string.h>

#include "proto/date.h"

enum err api_number(const struct target *target, const char *name, uint64_t max, uint64_t *ret_value, struct why *why)
{
	struct slice text;

	if (!target_parameter(target, name, &text))
		return OK;
	if (decimal_parse(text, max, ret_value) != OK)
		return why_set(why, ERR_BAD_REQUEST, "%s is a plain number up to %llu", name, (unsigned long long)max);
	return OK;
}

enum err api_flag(const struct target *target, const char *name, bool *ret_value, struct why *why)
{
	struct slice text;

	if (!target_parameter(target, name, &text))
		return OK;
	if (!slice_equal(text, slice_text("1")))
		return why_set(why, ERR_BAD_REQUEST, "%s is 1, or left out", name);
	*ret_value = true;
	return OK;
}

enum err api_text(const struct target *target, const char *name, size_t size, char *ret_text, struct why *why)
{
	struct slice text;

	if (!target_parameter(target, name, &text))
		return OK;
	if (text.size == 0 || text.size >= size)
		return why_set(why, ERR_BAD_REQUEST, "%s has 1 to %zu bytes", name, size - 1);
	memcpy(ret_text, text.data, text.size);
	ret_text[text.size] = '\0';
	return OK;
}

enum err api_limit(const struct target *target, size_t *ret_limit, struct why *why)
{
	uint64_t limit = PAGE_ROWS_DEFAULT;
	enum err err = api_number(target, "limit", PAGE_ROWS_MAX, &limit, why);

	if (err == OK && limit == 0)
		err = why_set(why, ERR_BAD_REQUEST, "limit is a number from 1 to %d", PAGE_ROWS_MAX);
	if (err == OK)
		*ret_limit = (size_t)limit;
	return err;
}

enum err api_as_of(const struct target *target, struct store_txn *txn, uint64_t *ret_size, struct why *why)
{
	uint64_t ledger = ledger_size(txn), size = ledger;
	struct slice text;
	uint32_t date;
	enum err err = store_error(txn);

	if (err != OK)
		return err;
	if (!target_parameter(target, "as_of", &text)) {
		*ret_size = ledger;
		return OK;
	}
	if (date_parse(text, &date) == OK) {
		err = ledger_size_at(txn, date, &size);
		if (err == OK && size == 0)
			err = why_set(why, ERR_BAD_REQUEST, "as_of: the ledger began after that day");
	} else if (decimal_parse(text, TREE_SIZE_MAX, &size) != OK) {
		err = why_set(why, ERR_BAD_REQUEST, "as_of is a ledger size or a day, as 2026-11-24");
	} else if (size == 0 || size > ledger) {
		err = why_set(
		    why, ERR_BAD_REQUEST, "as_of: the ledger's sizes are 1 to %llu", (unsigned long long)ledger);
	}
	if (err == OK)
		*ret_size = size;
	return err;
}

/* ---- pages */

/* Who asks for what, in one form however the parameters were ordered. */
static void make_binding(const struct reading *reading, struct buf *binding)
{
	const struct viewer *viewer = &reading->viewer;

	buf_add(binding, viewer->grant.token_hash, sizeof(viewer->grant.token_hash));
	buf_sized(binding, reading->target->path);
	for (const char *const *name = reading->route->parameters; *name != NULL; name++) {
		struct slice value = slice_of("", 0);
		bool is_given = strcmp(*name, "cursor") != 0 && target_parameter(reading->target, *name, &value);

		buf_u8(binding, is_given);
		buf_sized(binding, is_given ? value : slice_of("", 0));
	}
}

enum err api_page_begin(struct reading *reading, struct query_page *ret_page)
{
	struct query_page page = {.after = 0};
	struct cursor_place place = {.position = 0};
	struct slice cursor;
	struct buf binding;
	enum err err = api_limit(reading->target, &page.limit, &reading->why);

	if (err != OK)
		return err;
	if (target_parameter(reading->target, "cursor", &cursor)) {
		buf_init(&binding, 2 * HTTP_TARGET_SIZE_MAX);
		make_binding(reading, &binding);
		err = binding.err != OK ? binding.err
					: cursor_parse(&reading->api->cursor_secret, buf_slice(&binding), cursor,
					      &place, &reading->why);
		buf_done(&binding);
	}
	page.after = place.position;
	page.size = place.size;
	if (err == OK)
		*ret_page = page;
	return err;
}

enum err api_page_end(struct reading *reading, const struct query_page *page)
{
	const struct cursor_place place = {page->ret_after, page->size};
	char text[CURSOR_TEXT_SIZE];
	struct buf binding;
	enum err err;

	if (page->ret_after == 0)
		return json_object_set_new(reading->json, "cursor", json_null()) == 0 ? OK : ERR_MEMORY;
	buf_init(&binding, 2 * HTTP_TARGET_SIZE_MAX);
	make_binding(reading, &binding);
	err = binding.err;
	if (err == OK) {
		cursor_format(&reading->api->cursor_secret, buf_slice(&binding), &place, text);
		if (json_object_set_new(reading->json, "cursor", json_string(text)) != 0)
			err = ERR_MEMORY;
	}
	buf_done(&binding);
	return err;
}

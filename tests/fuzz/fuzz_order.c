/*
 * Orders as they come from the network: the body of POST /v1/orders, its note, the note's text and the items. What
 * is no such body is taken as a text and its items, divided by NUL bytes, so that a fuzzer reaches the parser without
 * having to spell an envelope.
 *
 * What was accepted has one spelling: a compact print of its JSON by jansson gives the same bytes.
 */
#include "proto/order.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

static void expect_compact(struct slice json)
{
	json_t *root = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, NULL);
	char *printed;

	expect(root != NULL);
	printed = json_dumps(root, JSON_COMPACT);
	expect(printed != NULL && slice_equal(slice_text(printed), json));
	free(printed);
	json_decref(root);
}

static void parse_order(struct slice text, const struct slice *items, size_t item_count, struct arena *arena)
{
	const uint8_t *line = text.data;
	struct order order;
	struct why why;

	if (order_parse(text, items, item_count, arena, &order, &why) != OK)
		return;
	expect(order.item_count == item_count);
	/* The JSON is the fourth line; an origin may begin with a brace, too. */
	for (int i = 0; i < 3; i++) {
		line = memchr(line, '\n', (size_t)(text.data + text.size - line));
		expect(line != NULL);
		line++;
	}
	expect_compact(slice_of(line, (size_t)(text.data + text.size - line) - 1));
	for (size_t i = 0; i < item_count; i++)
		expect_compact(items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct note parsed;
	struct slice note, *items, parts[8];
	size_t item_count = 0, part_count = 0;
	struct arena arena;
	struct why why;

	arena_init(&arena, ORDER_ARENA_SIZE);
	if (order_request_decode(slice_of(data, size), &arena, &note, &items, &item_count, &why) == OK) {
		if (note_parse(note, &parsed, &why) == OK)
			parse_order(parsed.text, items, item_count, &arena);
	} else {
		for (size_t start = 0; start < size && part_count < 8; part_count++) {
			const uint8_t *end = memchr(data + start, '\0', size - start);
			size_t part_size = end == NULL ? size - start : (size_t)(end - data) - start;

			parts[part_count] = slice_of(data + start, part_size);
			start += part_size + 1;
		}
		if (part_count > 0)
			parse_order(parts[0], parts + 1, part_count - 1, &arena);
	}
	arena_done(&arena);
	return 0;
}

/*
 * The JSON files of a statement's folder: each reader takes the bytes, and what it took is within its bounds. Of an order
 * the line is followed to the officers' note as well.
 */
#include "client/statement_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

static void read_head(struct slice bytes)
{
	struct statement_head head;
	struct why why;

	if (statement_head_parse(bytes, &head, &why) != OK)
		return;
	expect(head.size <= TREE_SIZE_MAX && head.entry_count <= TREE_SIZE_MAX);
	expect(usci_check(code_slice(&head.code), NULL) == USCI_OK && origin_is_valid(slice_text(head.origin)));
	for (size_t i = 0; i < json_array_size(head.policies); i++)
		expect(json_string_value(json_object_get(json_array_get(head.policies, i), "policy")) != NULL);
	statement_head_done(&head);
}

static void read_order(struct slice bytes)
{
	static struct order order;
	struct statement_order file;
	struct order_line line;
	struct arena arena;
	struct note note;
	struct why why;

	if (statement_order_parse(bytes, &file, &why) != OK)
		return;
	expect(file.item < ORDER_ITEMS_MAX && file.count <= ORDER_ITEMS_MAX && file.path.count <= TREE_DEPTH_MAX);
	line = (struct order_line){.text = file.line, .item = file.item, .count = file.count, .path = &file.path};
	arena_init(&arena, ORDER_ARENA_SIZE);
	if (note_parse(file.note, &note, &why) == OK && order_parse_line(note.text, &line, &arena, &order, &why) == OK)
		expect(order.item_count == 1 && file.item < file.count);
	arena_done(&arena);
	statement_order_done(&file);
}

static void read_withheld(struct slice bytes)
{
	struct statement_withheld withheld;
	struct why why;

	if (statement_withheld_parse(bytes, &withheld, &why) == OK)
		expect(withheld.index <= TREE_SIZE_MAX && withheld.path.count <= TREE_DEPTH_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_of(data, size);
	struct why why;
	json_t *root;

	read_head(bytes);
	read_order(bytes);
	read_withheld(bytes);
	if (statement_object_parse(bytes, &root, &why) == OK)
		json_decref(root);
	return 0;
}

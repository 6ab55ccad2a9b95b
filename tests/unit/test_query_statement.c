/* Statements: the whole chain page by page, every path and proof followed to the root, and nobody else's lines. */
#include "tests/unit/query_fixture.h"

#include "proto/note.h"

#define WORLD_SIZE 23

static struct hash root_at(struct store_txn *txn, uint64_t size)
{
	struct ledger_source source;
	struct frontier frontier;

	ledger_source_init(&source, txn);
	assert_int_equal(tree_frontier(&source.source, size, &frontier), OK);
	return frontier_root(&frontier);
}

static const char *text_at(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	if (text == NULL)
		fail_msg("no text %s", name);
	return text;
}

static uint64_t number_at(const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);

	assert_true(json_is_integer(value));
	return (uint64_t)json_integer_value(value);
}

/* base64 as bytes; buf_done them. */
static void decode(const char *text, struct buf *ret_bytes)
{
	uint8_t *bytes = malloc(ENTRY_SIZE_MAX);
	size_t size;

	assert_non_null(bytes);
	assert_int_equal(base64_parse(slice_text(text), bytes, ENTRY_SIZE_MAX, &size), OK);
	buf_init(ret_bytes, ENTRY_SIZE_MAX);
	buf_add(ret_bytes, bytes, size);
	free(bytes);
}

static struct tree_path path_at(const json_t *row)
{
	const json_t *hashes = json_object_get(row, "hashes");
	struct tree_path path = {.count = json_array_size(hashes)};
	struct buf bytes;

	assert_true(path.count <= PROOF_HASHES_MAX);
	for (size_t i = 0; i < path.count; i++) {
		decode(json_string_value(json_array_get(hashes, i)), &bytes);
		assert_int_equal(bytes.size, HASH_SIZE);
		memcpy(path.hashes[i].bytes, bytes.data, HASH_SIZE);
		buf_done(&bytes);
	}
	return path;
}

/* The row's entry, or the leaf in its place, is in the tree of that size. */
static void check_row(struct store_txn *txn, const json_t *row, uint64_t size)
{
	bool is_withheld = json_is_null(json_object_get(row, "entry"));
	struct hash root = root_at(txn, size), leaf;
	struct tree_path path = path_at(row);
	struct buf bytes;

	decode(text_at(row, is_withheld ? "leaf" : "entry"), &bytes);
	if (is_withheld)
		memcpy(leaf.bytes, bytes.data, HASH_SIZE);
	else
		leaf = hash_leaf(buf_slice(&bytes));
	buf_done(&bytes);
	assert_int_equal(tree_verify_inclusion(number_at(row, "index"), size, &leaf, &path, &root), OK);
}

static void check_feed(const json_t *row, const struct signer *venue)
{
	struct checkpoint checkpoint;
	struct arena arena;
	struct proof proof;
	struct entry entry;
	struct why why = {0};
	struct buf bytes;

	arena_init(&arena, 8 * ENTRY_SIZE_MAX);
	decode(text_at(row, "entry"), &bytes);
	assert_int_equal(entry_decode(buf_slice(&bytes), &arena, &entry), OK);
	assert_int_equal(proof_parse(slice_text(text_at(row, "feed")), &arena, &proof, &why), OK);
	assert_int_equal(proof_verify_feed(&proof, signer_key(venue), &checkpoint, &why), OK);
	assert_true(slice_equal(proof.extra, entry.record.record));
	assert_int_equal(proof.index, entry.record.feed_index);
	buf_done(&bytes);
	arena_done(&arena);
}

/* The line is among the items that the note speaks of. */
static void check_order(const json_t *order)
{
	struct hash leaf = hash_leaf(slice_text(text_at(order, "line"))), root;
	struct tree_path path = path_at(order);
	struct buf bytes;
	const char *note = text_at(order, "note"), *place = strstr(note, "\"root\":\"");
	char text[45] = "";

	assert_non_null(place);
	memcpy(text, place + strlen("\"root\":\""), 44);
	decode(text, &bytes);
	memcpy(root.bytes, bytes.data, HASH_SIZE);
	buf_done(&bytes);
	assert_int_equal(
	    tree_verify_inclusion(number_at(order, "item"), number_at(order, "count"), &leaf, &path, &root), OK);
}

static enum err ask(struct store_txn *txn, const char *text, struct query_page *page, json_t **ret_answer)
{
	static const struct ledger_identity identity = {.origin = FIXTURE_ORIGIN, .ledger_id = "0123456789abcdef"};
	static const struct slice note = {(const uint8_t *)"note", 4};
	struct code code = world_code(text);
	struct statement_query query = {
	    .code = &code, .identity = &identity, .checkpoint = page->after == 0 ? &note : NULL, .page = *page};
	struct why why = {0};
	enum err err = query_statement(txn, &query, ret_answer, &why);

	page->ret_after = query.page.ret_after;
	return err;
}

static json_t *page_of(struct store_txn *txn, const char *text, struct query_page *page)
{
	json_t *answer = NULL;

	assert_int_equal(ask(txn, text, page, &answer), OK);
	return answer;
}

static void proves_each_entry_of_a_chain(void **state)
{
	static const struct expectation rows[] = {{"origin", "'" FIXTURE_ORIGIN "'"},
	    {"ledger_id", "'0123456789abcdef'"}, {"code", "'91370202MA0XTE011C'"}, {"size", "23"},
	    {"checkpoint", "'note'"}, {"entries.0.index", "20"}, {"entries.1.index", "17"}, {"entries.2.index", "15"},
	    {"entries.3.index", "14"}, {"entries.4.index", "12"}, {"entries.5.index", "10"}, {"entries.6.index", "8"},
	    {"entries.7.index", "4"},
	    /* The duplicate names others: its leaf alone. */
	    {"entries.3.entry", "null"}, {"entries.3.feed", "null"}, {"entries.3.order", "null"},
	    {"entries.0.feed", "null"}, {"entries.1.order", "null"}, {"entries.0.order.index", "19"},
	    {"entries.0.order.item", "0"}, {"entries.7.order.index", "3"}, {"entries.7.order.count", "1"}};
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct query_page page = {.limit = 100, .size = WORLD_SIZE};
	json_t *answer = page_of(txn, A, &page), *entries = json_object_get(answer, "entries"), *row;
	size_t i;

	(void)state;
	EXPECT_ALL(answer, rows);
	assert_int_equal(json_array_size(entries), 8);
	assert_int_equal(page.ret_after, 0);
	json_array_foreach(entries, i, row)
	{
		check_row(txn, row, WORLD_SIZE);
		if (!json_is_null(json_object_get(row, "order")))
			check_order(json_object_get(row, "order"));
		if (!json_is_null(json_object_get(row, "feed")))
			check_feed(row, world->venue_keys[number_at(row, "index") == 12 ? 1 : 0]);
	}
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

/* Every size from the first that knows the enterprise; every size of a page. */
static void pages_at_every_size(void **state)
{
	static const uint64_t chain[] = {20, 17, 15, 14, 12, 10, 8, 4};
	const size_t chain_count = sizeof(chain) / sizeof(chain[0]);
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	json_t *answer;

	(void)state;
	for (uint64_t size = 1; size <= WORLD_SIZE; size++) {
		for (size_t limit = 1; limit <= chain_count + 1; limit++) {
			struct query_page page = {.limit = limit, .size = size};
			size_t seen = 0;

			while (seen < chain_count && chain[seen] >= size)
				seen++;
			if (seen == chain_count) {
				assert_int_equal(ask(txn, A, &page, &answer), ERR_NOT_FOUND);
				continue;
			}
			do {
				json_t *row;
				size_t i;

				answer = page_of(txn, A, &page);
				assert_int_equal(json_is_null(json_object_get(answer, "checkpoint")), page.after != 0);
				json_array_foreach(json_object_get(answer, "entries"), i, row)
				{
					assert_true(i < limit && seen < chain_count);
					assert_int_equal(number_at(row, "index"), chain[seen++]);
					check_row(txn, row, size);
				}
				json_decref(answer);
				page.after = page.ret_after;
			} while (page.after != 0);
			assert_int_equal(seen, chain_count);
		}
	}
	store_abort(txn);
	world_free(world);
}

static void refuses_places_off_the_chain(void **state)
{
	static const uint64_t places[] = {6, 9, 23, 24};
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	json_t *answer;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct query_page page = {.limit = 1, .after = places[i], .size = WORLD_SIZE};

		assert_int_equal(ask(txn, A, &page, &answer), ERR_BAD_REQUEST);
	}
	for (size_t i = 0; i < 2; i++) {
		struct query_page page = {.limit = 1, .size = WORLD_SIZE};

		/* Named in a duplicate only, and nowhere. */
		assert_int_equal(ask(txn, i == 0 ? D : world_firms[4], &page, &answer), ERR_NOT_FOUND);
	}
	store_abort(txn);
	world_free(world);
}

/* One order for many firms: each gets its line, and not a byte of the others'. */
static void shows_no_line_of_another(void **state)
{
	const uint8_t salt[SALT_SIZE] = {9};
	static const char *const names[] = {"甲", "乙", "丙", "丁", "戊"};
	struct world *world = world_new();
	struct slice lines[WORLD_FIRMS];
	struct buf texts[WORLD_FIRMS];
	struct store_txn *txn;

	(void)state;
	for (size_t i = 0; i < WORLD_FIRMS; i++) {
		struct order_item item = {.code = slice_text(world_firms[i]), .name = slice_text(names[i])};

		buf_init(&texts[i], FIXTURE_TEXT_MAX);
		assert_int_equal(order_item_format(ORDER_ENTERPRISE_REGISTER, &item, salt, &texts[i]), OK);
		lines[i] = buf_slice(&texts[i]);
	}
	world_order(world, ORDER_ENTERPRISE_REGISTER, NULL, lines, WORLD_FIRMS);
	txn = world_read(world);
	for (size_t i = 0; i < WORLD_FIRMS; i++) {
		struct query_page page = {.limit = 10, .size = ledger_size(txn)};
		json_t *answer = page_of(txn, world_firms[i], &page);
		const json_t *order = at_path(answer, "entries.0.order");
		char *text = json_dumps(answer, 0);

		assert_string_equal(text_at(order, "line"), buf_text(&texts[i]));
		assert_int_equal(number_at(order, "item"), i);
		assert_int_equal(number_at(order, "count"), WORLD_FIRMS);
		check_order(order);
		for (size_t j = 0; j < WORLD_FIRMS; j++)
			assert_int_equal(strstr(text, names[j]) != NULL, i == j);
		free(text);
		json_decref(answer);
	}
	store_abort(txn);
	for (size_t i = 0; i < WORLD_FIRMS; i++)
		buf_done(&texts[i]);
	world_free(world);
}

/* A page ends before the first row that would make it too large, and no earlier. */
static void bounds_a_page_by_bytes(void **state)
{
	struct query_page page = {.limit = PAGE_ROWS_MAX};
	struct world *world = world_new();
	size_t page_count = 0, row_count = 0, last_size = 0;
	struct store_txn *txn;
	char number[16];

	(void)state;
	world_license(world, 0);
	for (unsigned i = 0; i < 700; i++) {
		snprintf(number, sizeof(number), "T%u", i);
		world_add_trade(world, plain(number, A, B, 1));
	}
	world_push(world, 0);
	txn = world_read(world);
	page.size = ledger_size(txn);
	do {
		json_t *answer = page_of(txn, A, &page), *row;
		size_t size = 0, i;

		json_array_foreach(json_object_get(answer, "entries"), i, row)
		{
			size_t row_size = json_dumpb(row, NULL, 0, JSON_COMPACT);

			/* The page before had no room for the first one. */
			if (i == 0 && page_count > 0)
				assert_true(last_size + row_size > STATEMENT_PAGE_SIZE_MAX);
			size += row_size;
		}
		assert_true(size <= STATEMENT_PAGE_SIZE_MAX);
		row_count += json_array_size(json_object_get(answer, "entries"));
		last_size = size;
		page_count++;
		json_decref(answer);
		page.after = page.ret_after;
	} while (page.after != 0);
	assert_int_equal(row_count, 700);
	assert_true(page_count > 1);
	store_abort(txn);
	world_free(world);
}

/* ---- acts */

static json_t *acts_of(struct store_txn *txn, struct query_page *page)
{
	json_t *answer = NULL;

	assert_int_equal(query_acts(txn, page, &answer), OK);
	return answer;
}

/* Genesis, the two licences and the policy; no registration, no relation. */
static void gives_the_acts_below_a_size(void **state)
{
	static const uint64_t acts[] = {7, 2, 1, 0};
	const size_t act_count = sizeof(acts) / sizeof(acts[0]);
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);

	(void)state;
	for (uint64_t size = 1; size <= WORLD_SIZE; size++) {
		for (size_t limit = 1; limit <= act_count + 1; limit++) {
			struct query_page page = {.limit = limit, .size = size};
			size_t seen = 0;

			while (acts[seen] >= size)
				seen++;
			do {
				json_t *answer = acts_of(txn, &page), *row;
				size_t i;

				assert_int_equal(number_at(answer, "size"), size);
				json_array_foreach(json_object_get(answer, "acts"), i, row)
				{
					assert_true(i < limit && seen < act_count);
					assert_int_equal(number_at(row, "index"), acts[seen++]);
					check_row(txn, row, size);
				}
				json_decref(answer);
				page.after = page.ret_after;
			} while (page.after != 0);
			assert_int_equal(seen, act_count);
		}
	}
	store_abort(txn);
	world_free(world);
}

/* Among so many orders with items there is no act: the page has no more than was looked at, and says where to go on. */
static void bounds_the_orders_looked_at_for_a_page(void **state)
{
	struct world *world = world_new();
	struct store_txn *txn;
	struct query_page page;
	json_t *answer;

	(void)state;
	world_license(world, 0);
	for (unsigned i = 1; i < ACTS_WALK_MAX; i++)
		world_register(world, A, "甲", NULL, NULL);
	for (unsigned i = 0; i < 3; i++) {
		/* One order less than the bound, as many, one more: the licence is the oldest. */
		txn = world_read(world);
		page = (struct query_page){.limit = 10, .size = ledger_size(txn) - (i == 0 ? 2 : 0)};
		answer = acts_of(txn, &page);
		assert_int_equal(json_array_size(json_object_get(answer, "acts")), i < 2 ? 2 : 0);
		assert_int_equal(page.ret_after != 0, i == 2);
		json_decref(answer);
		if (i == 2) {
			page.after = page.ret_after;
			answer = acts_of(txn, &page);
			assert_int_equal(json_array_size(json_object_get(answer, "acts")), 2);
			assert_int_equal(page.ret_after, 0);
			json_decref(answer);
		}
		store_abort(txn);
		if (i == 1)
			world_register(world, A, "甲", NULL, NULL);
	}
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(proves_each_entry_of_a_chain),
	    cmocka_unit_test(pages_at_every_size),
	    cmocka_unit_test(refuses_places_off_the_chain),
	    cmocka_unit_test(shows_no_line_of_another),
	    cmocka_unit_test(bounds_a_page_by_bytes),
	    cmocka_unit_test(gives_the_acts_below_a_size),
	    cmocka_unit_test(bounds_the_orders_looked_at_for_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Where a feed stands, month by month, and what became of a push. */
#include "tests/unit/query_fixture.h"

static void tells_where_a_feed_stands(void **state)
{
	static const struct expectation rows[] = {
	    {"venue", "'qddex'"},
	    {"generation", "1"},
	    {"size", "6"},
	    {"ledger_size", "23"},
	    {"last_push", "{'index':22,'time':'2026-01-05T00:00:13.000001+08:00','start':5,'count':1,'first_index':21,"
			  "'dispositions':{'refund_unknown':1}}"},
	    {"months", "[{'month':'2025-03','kind':'trade','disposition':'counted','records':2,'amount':'1400.00','tax'"
		       ":'0.00'},"
		       "{'month':'2025-03','kind':'trade','disposition':'duplicate_trade','records':1,'amount':'77.00',"
		       "'tax':'0.00'},"
		       "{'month':'2025-03','kind':'trade','disposition':'self_trade','records':1,'amount':'1000.00','"
		       "tax':'0.00'},"
		       "{'month':'2025-04','kind':'refund','disposition':'counted','records':1,'amount':'200.00','tax':"
		       "'0.00'},"
		       "{'month':'2025-04','kind':'refund','disposition':'refund_unknown','records':1,'amount':'1.00','"
		       "tax':'0.00'}]"},
	};
	struct world *world = make_world();
	struct store_txn *txn;
	struct venue venue;
	struct checkpoint checkpoint;
	struct note note;
	struct why why;
	char root[64];
	size_t root_size;
	json_t *answer;

	(void)state;
	world_license(world, 2);
	txn = world_read(world);
	venue = venue_of(txn, 0);
	assert_int_equal(query_feed(txn, &venue, &answer, &why), OK);
	expect_all(answer, rows, 3);
	expect_all(answer, rows + 4, 2);
	assert_int_equal(json_array_size(at_path(answer, "frontier")), 2);
	assert_int_equal(json_array_size(at_path(answer, "keys")), 1);
	/* The note is the venue's own, of just this origin, size and root. */
	assert_int_equal(note_parse(slice_text(json_string_value(at_path(answer, "note"))), &note, &why), OK);
	assert_int_equal(checkpoint_parse(note.text, &checkpoint, &why), OK);
	assert_string_equal(checkpoint.origin, json_string_value(at_path(answer, "origin")));
	assert_int_equal(checkpoint.size, 6);
	assert_int_equal(
	    base64_parse(slice_text(json_string_value(at_path(answer, "root"))), (uint8_t *)root, 64, &root_size), OK);
	assert_memory_equal(root, checkpoint.root.bytes, HASH_SIZE);
	json_decref(answer);
	venue = venue_of(txn, 2);
	assert_int_equal(query_feed(txn, &venue, &answer, &why), OK);
	expect(answer, "note", "null");
	expect(answer, "last_push", "null");
	expect(answer, "frontier", "[]");
	expect(answer, "root", "'47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
	expect(answer, "months", "[]");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

static void describes_a_push(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct arena arena;
	struct entry entry;
	struct buf text;

	(void)state;
	arena_init(&arena, 4 * ENTRY_SIZE_MAX);
	buf_init(&text, 4096);
	assert_int_equal(query_push_read(txn, 16, &arena, &entry), OK);
	query_push_text(16, &entry, &text);
	assert_string_equal(buf_text(&text),
	    "{\"index\":16,\"time\":\"2026-01-05T00:00:10.000002+08:00\",\"start\":2,\"count\":2,\"first_index\":14,"
	    "\"dispositions\":{\"counted\":1,\"duplicate_trade\":1}}");
	assert_int_equal(query_push_read(txn, 15, &arena, &entry), ERR_DAMAGED);
	assert_int_equal(query_push_read(txn, 1u << 30, &arena, &entry), ERR_DAMAGED);
	buf_done(&text);
	arena_done(&arena);
	store_abort(txn);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_where_a_feed_stands),
	    cmocka_unit_test(describes_a_push),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

/* Who may read: the order of the rows, one subject's alone, pages, and what was revoked. */
#include "tests/unit/query_fixture.h"

#define FIRM "91370202MA0XTE011C" /* A */

/* The hash begins with `number`: the store, which goes by hashes, has another order than the orders. */
static uint64_t give(struct world *world, const char *subject, uint8_t number)
{
	struct order_item item = {.grant = {.expires = 20261231, .holder = "张三", .token_hash = {number}}};

	assert_int_equal(grant_subject_parse(slice_text(subject), &item.grant), OK);
	return world_item(world, ORDER_GRANT_ADD, &item);
}

static json_t *ask(struct store_txn *txn, const char *subject, uint64_t after, size_t limit, uint64_t *ret_after)
{
	struct grants_query query = {.page = {.after = after, .limit = limit}};
	struct grant grant;
	json_t *answer;

	if (subject != NULL) {
		assert_int_equal(grant_subject_parse(slice_text(subject), &grant), OK);
		query.subject = &grant;
	}
	assert_int_equal(query_grants(txn, &query, &answer), OK);
	*ret_after = query.page.ret_after;
	return answer;
}

static struct world *make_grants(void)
{
	struct world *world = world_new();

	world_license(world, 0);
	world_register(world, A, "甲", NULL, NULL);
	give(world, "bureau", 9);
	give(world, A, 7);
	give(world, "venue:qddex", 8);
	give(world, A, 1);
	return world;
}

static void lists_grants_in_the_order_they_were_given(void **state)
{
	struct world *world = make_grants();
	struct store_txn *txn = world_read(world);
	uint64_t after;
	json_t *answer = ask(txn, NULL, 0, 100, &after);

	(void)state;
	assert_int_equal(after, 0);
	expect(answer, "count", "4");
	expect(answer, "grants.0.subject", "'bureau'");
	expect(answer, "grants.1.subject", "'" FIRM "'");
	expect(answer, "grants.2.subject", "'venue:qddex'");
	expect(answer, "grants.3",
	    "{'token_hash':'0100000000000000000000000000000000000000000000000000000000000000',"
	    "'subject':'" FIRM "','holder':'张三','expires':'2026-12-31','index':7,'item':0,'revoked_by':null}");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

static void lists_one_subjects_grants(void **state)
{
	static const struct {
		const char *subject, *count;
	} rows[] = {{FIRM, "2"}, {"bureau", "1"}, {"auditor", "0"}, {"venue:qddex", "1"}, {"venue:sddex", "0"}};
	struct world *world = make_grants();
	struct store_txn *txn = world_read(world);
	uint64_t after;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *answer = ask(txn, rows[i].subject, 0, 100, &after);

		expect(answer, "count", rows[i].count);
		assert_int_equal(json_array_size(at_path(answer, "grants")), strtoul(rows[i].count, NULL, 10));
		json_decref(answer);
	}
	store_abort(txn);
	world_free(world);
}

static void pages_through_grants(void **state)
{
	struct world *world = make_grants();
	struct store_txn *txn = world_read(world);
	uint64_t none;
	json_t *whole = ask(txn, NULL, 0, 100, &none);

	(void)state;
	for (size_t limit = 1; limit <= 5; limit++) {
		uint64_t after = 0, next;
		size_t seen = 0;

		do {
			json_t *answer = ask(txn, NULL, after, limit, &next), *rows = json_object_get(answer, "grants");

			assert_true(json_array_size(rows) <= limit);
			for (size_t i = 0; i < json_array_size(rows); i++)
				assert_true(json_equal(json_array_get(rows, i),
				    json_array_get(json_object_get(whole, "grants"), seen + i)));
			seen += json_array_size(rows);
			json_decref(answer);
			after = next;
		} while (after != 0);
		assert_int_equal(seen, 4);
	}
	json_decref(whole);
	store_abort(txn);
	world_free(world);
}

static void names_the_order_that_revoked_a_grant(void **state)
{
	struct order_item item = {.grant = {.token_hash = {7}}, .reason = slice_text("遗失")};
	struct world *world = make_grants();
	struct store_txn *txn;
	uint64_t after;
	json_t *answer;

	(void)state;
	world_item(world, ORDER_GRANT_REVOKE, &item);
	txn = world_read(world);
	answer = ask(txn, FIRM, 0, 100, &after);
	expect(answer, "grants.0.revoked_by", "8");
	expect(answer, "grants.1.revoked_by", "null");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_grants_in_the_order_they_were_given),
	    cmocka_unit_test(lists_one_subjects_grants),
	    cmocka_unit_test(pages_through_grants),
	    cmocka_unit_test(names_the_order_that_revoked_a_grant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

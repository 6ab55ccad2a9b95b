/* The list of enterprises: filters, orders, figures and pages, at the head and at an earlier size. */
#include "tests/unit/query_fixture.h"

static json_t *list_of(struct store_txn *txn, struct list_query query)
{
	struct why why = {0};
	json_t *answer;

	if (query.page.limit == 0)
		query.page.limit = 100;
	if (query_list(txn, &query, &answer, &why) != OK)
		fail_msg("%s", why.text);
	return answer;
}

/* The codes of the rows by the place of the firm: "021". */
static void expect_order(json_t *answer, const char *name, const char *order)
{
	json_t *rows = json_object_get(answer, "enterprises");

	if (json_array_size(rows) != strlen(order))
		fail_msg("%s: %zu rows", name, json_array_size(rows));
	for (size_t i = 0; i < strlen(order); i++) {
		const char *code = json_string_value(json_object_get(json_array_get(rows, i), "code"));

		if (strcmp(code, world_firms[order[i] - '0']) != 0)
			fail_msg("%s: row %zu is %s", name, i, code);
	}
	json_decref(answer);
}

/* C beats A by volume under a policy that takes everyone; by code C comes behind B. */
static struct world *make_list_world(void)
{
	struct world *world = make_world();

	world_adopt(world, WORLD_YEARLY);
	world_push_trade(world, 1, plain("L1", B, C, 5000));
	world_push_trade(world, 1, plain("L2", C, B, 9000));
	return world;
}

static void lists_filters_and_sorts(void **state)
{
	struct world *world = make_list_world();
	struct store_txn *txn = world_read(world);
	uint64_t size = ledger_size(txn);
	static const struct {
		const char *name;
		struct list_query query;
		const char *order, *past_order;
	} rows[] = {
	    {"by code", {.sort = LIST_BY_CODE}, "012", "012"},
	    /* 10 % of B 16,800 and C 14,400 are over the cap of 1,000 a year, of A 3,200 are 320. */
	    {"by award", {.sort = LIST_BY_AWARD, .policy_id = "zz-yearly"}, "120", "012"},
	    {"by award of the first", {.sort = LIST_BY_AWARD}, "012", "012"},
	    {"by volume", {.sort = LIST_BY_VOLUME, .policy_id = "zz-yearly"}, "120", "012"},
	    {"on a list", {.sort = LIST_BY_CODE, .list = "pilot"}, "01", "01"},
	    {"on no list", {.sort = LIST_BY_CODE, .list = "pilo"}, "", ""},
	    {"part of a name", {.sort = LIST_BY_CODE, .find = {(const uint8_t *)"乙公司", 9}}, "1", "1"},
	    {"part of a code", {.sort = LIST_BY_CODE, .find = {(const uint8_t *)"xte0384", 7}}, "2", "2"},
	    {"list and part", {.sort = LIST_BY_CODE, .list = "default", .find = {(const uint8_t *)"乙公司", 9}}, "",
		""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct list_query query = rows[i].query;

		query.size = size;
		expect_order(list_of(txn, query), rows[i].name, rows[i].order);
		/* Before L1 and L2: A 3,200, B 2,800, C 400. */
		query.size = size - 4;
		expect_order(list_of(txn, query), rows[i].name, rows[i].past_order);
	}
	store_abort(txn);
	world_free(world);
}

static void lists_figures_and_pages(void **state)
{
	struct world *world = make_list_world();
	struct store_txn *txn = world_read(world);
	uint64_t size = ledger_size(txn);
	struct list_query query = {.size = size, .sort = LIST_BY_AWARD, .policy_id = "zz-yearly", .page = {.limit = 2}};
	struct why why;
	json_t *answer;
	static const struct expectation first[] = {
	    {"count", "3"},
	    {"policy", "'zz-yearly'"},
	    {"enterprises.0",
		"{'code':'91370202MA0XTE02X4','name':'乙公司（样例）','registered':true,'lists':['pilot'],"
		"'policies':[{'policy':'qd-2025-47-5','status':'assumed','eligible_volume':'0.00',"
		"'award':'0.00','remaining':'300000.00','capped':false,'reasons':['not_listed']},"
		"{'policy':'zz-yearly','status':'published','eligible_volume':'16800.00','award':'1000.00',"
		"'remaining':'1000.00','capped':false,'reasons':[]}]}"},
	    {"enterprises.1.name", "'claimed supplier'"},
	    {"enterprises.1.registered", "false"},
	};

	(void)state;
	assert_int_equal(query_list(txn, &query, &answer, &why), OK);
	EXPECT_ALL(answer, first);
	assert_int_equal(query.page.ret_after, 2);
	json_decref(answer);
	query.page.after = 2;
	assert_int_equal(query_list(txn, &query, &answer, &why), OK);
	assert_int_equal(query.page.ret_after, 0);
	expect_order(answer, "second page", "0");
	query.policy_id = "unknown";
	assert_int_equal(query_list(txn, &query, &answer, &why), ERR_NOT_FOUND);
	store_abort(txn);
	world_free(world);
}

/* Without a policy the list is there all the same. */
static void lists_without_a_policy(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	json_t *answer = list_of(txn, (struct list_query){.size = 7, .sort = LIST_BY_AWARD});

	(void)state;
	expect(answer, "policy", "null");
	expect(answer, "enterprises.0.policies", "[]");
	expect_order(answer, "early", "01");
	store_abort(txn);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_filters_and_sorts),
	    cmocka_unit_test(lists_figures_and_pages),
	    cmocka_unit_test(lists_without_a_policy),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

/* Answers about one enterprise: what it has accrued, why not, how it came to that; and the policies in force. */
#include "tests/unit/query_fixture.h"

static void tells_what_an_enterprise_has_accrued(void **state)
{
	static const struct expectation rows[] = {
	    {"code", "'91370202MA0XTE011C'"},
	    {"name", "'甲公司（样例）'"},
	    {"registered", "true"},
	    {"lists", "['default','pilot']"},
	    {"ledger_size", "23"},
	    {"policies",
		"[{'policy':'qd-2025-47-5','version':1,'status':'assumed','title':'数据流通交易奖补',"
		"'eligible_volume':'2800.00','supplier_volume':'800.00','buyer_volume':'2000.00','award':'140.00',"
		"'cap':'300000.00','remaining':'299860.00','capped':false,'capped_at':null,'years':null,'reasons':[]}"
		"]"},
	    {"months",
		"[{'month':'2025-03','side':'supplier','venue':'qddex','trades':2,'amount':'1400.00','tax':'0.00',"
		"'refunded':'200.00','not_counted':2},"
		"{'month':'2025-03','side':'buyer','venue':'qddex','trades':0,'amount':'0.00','tax':'0.00',"
		"'refunded':'0.00','not_counted':1},"
		"{'month':'2025-03','side':'buyer','venue':'sddex','trades':1,'amount':'2000.00','tax':'0.00',"
		"'refunded':'0.00','not_counted':0}]"},
	};
	static const struct expectation earlier[] = {
	    {"ledger_size", "14"},
	    {"policies.0.eligible_volume", "'3000.00'"},
	    {"policies.0.award", "'150.00'"},
	    {"months.0.not_counted", "1"},
	};
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct code code = world_code(A);
	struct why why;
	json_t *answer;

	(void)state;
	assert_int_equal(ask_enterprise(txn, &code, 23, &answer, &why), OK);
	EXPECT_ALL(answer, rows);
	assert_non_null(strstr(json_string_value(at_path(answer, "note")), "not a promise"));
	assert_non_null(strstr(json_string_value(at_path(answer, "note")), "按假设参数测算"));
	json_decref(answer);
	assert_int_equal(ask_enterprise(txn, &code, 14, &answer, &why), OK);
	EXPECT_ALL(answer, earlier);
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

static void says_why_there_is_no_award(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	static const struct {
		const char *const *code;
		const char *name, *registered, *reasons;
	} rows[] = {
	    {&world_firms[1], "'乙公司（样例）'", "true", "['not_listed']"},
	    {&world_firms[2], "null", "false", "['not_listed']"},
	};
	struct why why;
	json_t *answer;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct code code = world_code(*rows[i].code);

		assert_int_equal(ask_enterprise(txn, &code, 23, &answer, &why), OK);
		expect(answer, "name", rows[i].name);
		expect(answer, "registered", rows[i].registered);
		expect(answer, "policies.0.reasons", rows[i].reasons);
		json_decref(answer);
	}
	store_abort(txn);
	world_free(world);
}

/* The unregistered have the name that their newest trade claims; here C's chain ends with that at this size. */
static void names_the_unregistered_as_trades_claim(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct code code = world_code(C);
	struct why why;
	json_t *answer;

	(void)state;
	assert_int_equal(ask_enterprise(txn, &code, 17, &answer, &why), OK);
	expect(answer, "name", "'claimed buyer'");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

static void knows_nobody_before_they_appear(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	/* D is named by a duplicate only, which concerns the first trade's parties. */
	static const struct {
		const char *const *code;
		uint64_t size;
		enum err err;
	} rows[] = {{&world_firms[0], 4, ERR_NOT_FOUND}, {&world_firms[0], 5, OK}, {&world_firms[2], 15, ERR_NOT_FOUND},
	    {&world_firms[2], 16, OK}, {&world_firms[3], 23, ERR_NOT_FOUND}};
	struct why why;
	json_t *answer = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct code code = world_code(*rows[i].code);
		struct query_page page = {.limit = 10};
		struct why expected;
		enum err err = ask_enterprise(txn, &code, rows[i].size, &answer, &why);

		if (err != rows[i].err)
			fail_msg("row %zu: %s", i, err_name(err));
		if (err == OK)
			json_decref(answer);
		err = query_trades(txn, &code, rows[i].size, &page, &answer, &why);
		assert_int_equal(err, rows[i].err);
		if (err == OK) {
			json_decref(answer);
			continue;
		}
		why_set(&expected, ERR_NOT_FOUND, "no such enterprise: %s", code.text);
		assert_string_equal(why.text, expected.text);
	}
	store_abort(txn);
	world_free(world);
}

static void shows_the_years_of_a_yearly_cap(void **state)
{
	struct world *world = make_world();
	struct code code = world_code(A);
	struct store_txn *txn;
	struct trade trade;
	struct why why;
	json_t *answer;
	static const struct expectation rows[] = {
	    {"policies.1.policy", "'zz-yearly'"},
	    {"policies.1.status", "'published'"},
	    {"policies.1.cap", "'2000.00'"},
	    {"policies.1.award", "'2000.00'"},
	    {"policies.1.remaining", "'0.00'"},
	    {"policies.1.capped", "true"},
	    /* 2024 is filled first, 2025 by this trade. */
	    {"policies.1.capped_at", "{'index':26,'trade_no':'Y2'}"},
	    {"policies.1.years", "[{'year':2024,'eligible_volume':'10000.00','award':'1000.00','capped':true},"
				 "{'year':2025,'eligible_volume':'13200.00','award':'1000.00','capped':true}]"},
	};

	(void)state;
	world_adopt(world, WORLD_YEARLY);
	trade = plain("Y1", A, B, 10000);
	trade.signed_on = trade.settled_on = 20241231;
	world_push_trade(world, 1, trade);
	world_push_trade(world, 1, plain("Y2", A, B, 10000));
	txn = world_read(world);
	assert_int_equal(ask_enterprise(txn, &code, ledger_size(txn), &answer, &why), OK);
	EXPECT_ALL(answer, rows);
	json_decref(answer);
	/* Its parameters are published, so its own note says nothing of assumed ones. */
	assert_int_equal(ask_explain(txn, &code, ledger_size(txn), "zz-yearly", &answer, &why), OK);
	expect(answer, "capped_at", "{'index':26,'trade_no':'Y2'}");
	assert_non_null(strstr(json_string_value(at_path(answer, "note")), "not a promise"));
	assert_null(strstr(json_string_value(at_path(answer, "note")), "按假设参数测算"));
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

/* With slab tiers an award can touch the cap and fall again: then it is not capped, and nowhere. */
static void names_no_record_where_the_cap_is_not_kept(void **state)
{
	struct world *world = make_world();
	struct code code = world_code(B);
	struct store_txn *txn;
	struct why why;
	json_t *answer;
	uint64_t size;

	(void)state;
	size = world_adopt(world, "{'policy':'slab','version':1,'status':'published','title':'slab','basis':'x',"
				  "'window':{'from':'2025-01-01','to':'2025-12-31'},'base':'gross','enterprises':'all',"
				  "'venues':['qddex','sddex'],'cap':{'amount':'80.00'},'rate':{'type':'slab','tiers':["
				  "{'up_to':'1000.00','ppm':100000},{'up_to':null,'ppm':10000}]}}");
	txn = world_read(world);
	assert_int_equal(ask_enterprise(txn, &code, size, &answer, &why), OK);
	/* T1 was 800.00 and gave the cap; with 2,000.00 more it is 1 % of 2,800.00. */
	expect(answer, "policies.1.award", "'28.00'");
	expect(answer, "policies.1.capped", "false");
	expect(answer, "policies.1.capped_at", "null");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

static void explains_a_figure(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct code code = world_code(A);
	struct why why;
	json_t *answer;
	static const struct expectation rows[] = {
	    {"code", "'91370202MA0XTE011C'"},
	    {"name", "'甲公司（样例）'"},
	    {"ledger_size", "23"},
	    {"policy", "'qd-2025-47-5'"},
	    {"version", "1"},
	    {"status", "'assumed'"},
	    {"policy_index", "7"},
	    {"policy_text.rate", "{'type':'flat','ppm':50000}"},
	    {"award", "'140.00'"},
	    {"capped_at", "null"},
	};

	(void)state;
	assert_int_equal(ask_explain(txn, &code, 23, "qd-2025-47-5", &answer, &why), OK);
	EXPECT_ALL(answer, rows);
	assert_true(json_array_size(at_path(answer, "steps")) > 3);
	assert_non_null(at_path(answer, "note"));
	json_decref(answer);
	assert_int_equal(ask_explain(txn, &code, 7, "qd-2025-47-5", &answer, &why), ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "qd-2025-47-5"));
	assert_int_equal(ask_explain(txn, &code, 23, "no\xffne", &answer, &why), ERR_NOT_FOUND);
	assert_true(utf8_is_text(slice_text(why.text)));
	code = world_code(D);
	assert_int_equal(ask_explain(txn, &code, 23, "qd-2025-47-5", &answer, &why), ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "no such enterprise"));
	store_abort(txn);
	world_free(world);
}

static void lists_the_newest_version_of_each_policy(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn;
	struct why why;
	json_t *answer;

	(void)state;
	world_adopt(world, "{'policy':'qd-2025-47-5','version':2,'status':'published','title':'second','basis':'x',"
			   "'window':{'from':'2025-01-01','to':'2026-12-31'},'venues':['qddex'],'rate':null,"
			   "'cap':{'amount':'300000.00'}}");
	txn = world_read(world);
	assert_int_equal(query_policies(txn, 24, &answer, &why), OK);
	assert_int_equal(json_array_size(json_object_get(answer, "policies")), 1);
	expect(answer, "policies.0.version", "2");
	expect(answer, "policies.0.status", "'published'");
	expect(answer, "policies.0.index", "23");
	expect(answer, "policies.0.text.rate", "null");
	json_decref(answer);
	assert_int_equal(query_policies(txn, 23, &answer, &why), OK);
	expect(answer, "policies.0.version", "1");
	expect(answer, "policies.0.index", "7");
	expect(answer, "policies.0.adopted", "'2026-01-05T00:00:06.000000+08:00'");
	expect(answer, "policies.0.basis", "'青政办字〔2025〕47号 (五)'");
	json_decref(answer);
	assert_int_equal(query_policies(txn, 7, &answer, &why), OK);
	expect(answer, "policies", "[]");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_what_an_enterprise_has_accrued),
	    cmocka_unit_test(says_why_there_is_no_award),
	    cmocka_unit_test(names_the_unregistered_as_trades_claim),
	    cmocka_unit_test(knows_nobody_before_they_appear),
	    cmocka_unit_test(shows_the_years_of_a_yearly_cap),
	    cmocka_unit_test(names_no_record_where_the_cap_is_not_kept),
	    cmocka_unit_test(explains_a_figure),
	    cmocka_unit_test(lists_the_newest_version_of_each_policy),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

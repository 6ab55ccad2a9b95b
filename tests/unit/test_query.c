/*
 * Answers: every figure of a small world that was worked out by hand, at its head and at earlier sizes, page by page.
 */
#include "daemon/query.h"

#include "tests/unit/world.h"

#define A world_firms[0]
#define B world_firms[1]
#define C world_firms[2]
#define D world_firms[3]

/* JSON with single quotes must equal what is at the path ("policies.0.award") of an answer. */
static const json_t *at_path(const json_t *json, const char *path)
{
	char step[64];

	while (*path != '\0') {
		size_t size = strcspn(path, ".");

		assert_true(size < sizeof(step));
		memcpy(step, path, size);
		step[size] = '\0';
		json =
		    json_is_array(json) ? json_array_get(json, strtoul(step, NULL, 10)) : json_object_get(json, step);
		path += size + (path[size] == '.' ? 1 : 0);
	}
	return json;
}

static void expect(const json_t *answer, const char *path, const char *single_quoted)
{
	const json_t *found = at_path(answer, path);
	char text[2048];
	char *found_text;
	json_t *wanted;

	assert_true(strlen(single_quoted) < sizeof(text));
	for (size_t i = 0; i <= strlen(single_quoted); i++)
		text[i] = single_quoted[i] == '\'' ? '"' : single_quoted[i];
	wanted = json_loads(text, JSON_DECODE_ANY, NULL);
	if (wanted == NULL)
		fail_msg("%s: not JSON: %s", path, text);
	if (!json_equal(found, wanted)) {
		found_text = json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
		fail_msg("%s: %s\nwanted %s", path, found_text != NULL ? found_text : "nothing", text);
	}
	json_decref(wanted);
}

struct expectation {
	const char *path, *json;
};

static void expect_all(const json_t *answer, const struct expectation *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect(answer, rows[i].path, rows[i].json);
}

#define EXPECT_ALL(answer, rows) expect_all(answer, rows, sizeof(rows) / sizeof((rows)[0]))

static struct trade plain(const char *trade_no, const char *supplier, const char *buyer, uint64_t yuan)
{
	struct trade trade = world_trade(trade_no, supplier, buyer, WORLD_YUAN(yuan));

	trade.tax_fen = 0;
	return trade;
}

/*
 * A and B are registered, C trades without; every kind of thing happens to A.
 *
 *	index	entry
 *	0	genesis
 *	1, 2	licences of qddex and sddex
 *	3, 4	A registered		5, 6	B registered
 *	7	the flat policy adopted
 *	8, 9	qddex T1 A -> B 1000.00
 *	10, 11	qddex T2 A -> A 1000.00, self_trade
 *	12, 13	sddex T1 B -> A 2000.00, the contract of qddex's T1
 *	14..16	qddex T1 C -> D, duplicate_trade; T3 A -> C 400.00, compute
 *	17, 18	qddex R1 takes 200.00 from T1
 *	19, 20	A and C related
 *	21, 22	qddex R2 of no trade
 */
static struct world *make_world(void)
{
	struct world *world = world_new();
	static const uint8_t other_contract[HASH_SIZE] = {1};
	struct trade trade;

	world_license(world, 0);
	world_license(world, 1);
	world_register(world, A, "甲公司（样例）", "default", "pilot");
	world_register(world, B, "乙公司（样例）", "pilot", NULL);
	assert_int_equal(world_adopt(world, WORLD_FLAT), 8);
	world_push_trade(world, 0, plain("T1", A, B, 1000));
	world_push_trade(world, 0, plain("T2", A, A, 1000));
	world_push_trade(world, 1, plain("T1", B, A, 2000));
	world_add_trade(world, plain("T1", C, D, 77));
	trade = plain("T3", A, C, 400);
	trade.product_kind = PRODUCT_COMPUTE;
	trade.contract_hash = slice_of(other_contract, HASH_SIZE);
	world_add_trade(world, trade);
	world_push(world, 0);
	world_push_refund(world, 0, "R1", "T1", WORLD_YUAN(200), 0);
	world_relate(world, A, C);
	assert_int_equal(world_push_refund(world, 0, "R2", "T9", WORLD_YUAN(1), 0), 23);
	return world;
}

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
	assert_int_equal(query_enterprise(txn, &code, 23, &answer, &why), OK);
	EXPECT_ALL(answer, rows);
	assert_non_null(strstr(json_string_value(at_path(answer, "note")), "not a promise"));
	assert_non_null(strstr(json_string_value(at_path(answer, "note")), "按假设参数测算"));
	json_decref(answer);
	assert_int_equal(query_enterprise(txn, &code, 14, &answer, &why), OK);
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

		assert_int_equal(query_enterprise(txn, &code, 23, &answer, &why), OK);
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
	assert_int_equal(query_enterprise(txn, &code, 17, &answer, &why), OK);
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
		enum err err = query_enterprise(txn, &code, rows[i].size, &answer, &why);

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
	assert_int_equal(query_enterprise(txn, &code, ledger_size(txn), &answer, &why), OK);
	EXPECT_ALL(answer, rows);
	json_decref(answer);
	/* Its parameters are published, so its own note says nothing of assumed ones. */
	assert_int_equal(query_explain(txn, &code, ledger_size(txn), "zz-yearly", &answer, &why), OK);
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
	assert_int_equal(query_enterprise(txn, &code, size, &answer, &why), OK);
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
	assert_int_equal(query_explain(txn, &code, 23, "qd-2025-47-5", &answer, &why), OK);
	EXPECT_ALL(answer, rows);
	assert_true(json_array_size(at_path(answer, "steps")) > 3);
	assert_non_null(at_path(answer, "note"));
	json_decref(answer);
	assert_int_equal(query_explain(txn, &code, 7, "qd-2025-47-5", &answer, &why), ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "qd-2025-47-5"));
	assert_int_equal(query_explain(txn, &code, 23, "no\xffne", &answer, &why), ERR_NOT_FOUND);
	assert_true(utf8_is_text(slice_text(why.text)));
	code = world_code(D);
	assert_int_equal(query_explain(txn, &code, 23, "qd-2025-47-5", &answer, &why), ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "no such enterprise"));
	store_abort(txn);
	world_free(world);
}

/* ---- trades */

static json_t *trades_page(struct store_txn *txn, const char *text, uint64_t size, struct query_page *page)
{
	struct code code = world_code(text);
	struct why why = {0};
	json_t *answer;

	if (query_trades(txn, &code, size, page, &answer, &why) != OK)
		fail_msg("%s", why.text);
	return answer;
}

static void shows_the_trades_of_an_enterprise(void **state)
{
	static const struct expectation rows[] = {
	    {"ledger_size", "23"},
	    {"trades.0.kind", "'related'"},
	    {"trades.0.index", "20"},
	    {"trades.0.counterparty", "'91370202MA0XTE0384'"},
	    {"trades.0.counterparty_name", "null"},
	    {"trades.1.kind", "'refund'"},
	    {"trades.1.number", "'R1'"},
	    {"trades.1.original_trade_no", "'T1'"},
	    {"trades.1.occurred_on", "'2025-04-20'"},
	    {"trades.1.amount", "'200.00'"},
	    {"trades.1.side", "'supplier'"},
	    {"trades.1.refers", "8"},
	    {"trades.1.policies", "[]"},
	    {"trades.2.number", "'T3'"},
	    {"trades.2.related_listed", "true"},
	    {"trades.2.product_kind", "'compute'"},
	    {"trades.2.feed_index", "3"},
	    {"trades.2.policies.0.eligible", "false"},
	    {"trades.2.policies.0.gate", "'related'"},
	    {"trades.2.counterparty_name", "'claimed buyer'"},
	    /* The duplicate was of a trade between others: nothing of its figures. */
	    {"trades.3.disposition", "'duplicate_trade'"},
	    {"trades.3.refers", "8"},
	    {"trades.3.amount", "null"},
	    {"trades.3.contract_no", "null"},
	    {"trades.3.counterparty", "'91370202MA0XTE02X4'"},
	    {"trades.3.policies.0.eligible", "false"},
	    {"trades.3.policies.0.gate", "null"},
	    {"trades.4.venue", "'sddex'"},
	    {"trades.4.side", "'buyer'"},
	    {"trades.4.policies", "[{'policy':'qd-2025-47-5','eligible':true,'gate':'eligible','reason':null}]"},
	    {"trades.5.disposition", "'self_trade'"},
	    {"trades.5.refunded", "'0.00'"},
	    {"trades.6.number", "'T1'"},
	    {"trades.6.index", "8"},
	    {"trades.6.amount", "'1000.00'"},
	    {"trades.6.refunded", "'200.00'"},
	    {"trades.6.counterparty_name", "'乙公司（样例）'"},
	    {"trades.6.settled_on", "'2025-03-10'"},
	    {"trades.6.reason", "null"},
	    {"trades.6.instalment", "1"},
	    {"trades.6.related_declared", "'no'"},
	    {"trades.6.other_subsidy", "'no'"},
	    {"trades.7", "{'index':4,'kind':'registered','name':'甲公司（样例）','lists':['default','pilot'],"
			 "'time':'2026-01-05T00:00:04.000001+08:00'}"},
	};
	/* Before the refund and the relation. */
	static const struct expectation earlier[] = {
	    {"trades.0.number", "'T3'"},
	    {"trades.0.related_listed", "false"},
	    {"trades.0.policies.0.gate", "'eligible'"},
	    {"trades.4.number", "'T1'"},
	    {"trades.4.refunded", "'0.00'"},
	};
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct query_page page = {.limit = 100};
	json_t *answer = trades_page(txn, A, 23, &page);

	(void)state;
	assert_int_equal(json_array_size(at_path(answer, "trades")), 8);
	assert_int_equal(page.ret_after, 0);
	EXPECT_ALL(answer, rows);
	json_decref(answer);
	answer = trades_page(txn, A, 17, &page);
	EXPECT_ALL(answer, earlier);
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

static void pages_through_trades(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct code code = world_code(A);

	(void)state;
	for (uint64_t size = 17; size <= 23; size += 6) {
		struct query_page whole_page = {.limit = 100};
		json_t *whole = trades_page(txn, A, size, &whole_page),
		       *all = at_path(whole, "trades") != NULL ? json_object_get(whole, "trades") : NULL;

		for (size_t limit = 1; limit <= json_array_size(all) + 1; limit++) {
			struct query_page page = {.limit = limit};
			size_t seen = 0;

			do {
				json_t *answer = trades_page(txn, A, size, &page),
				       *rows = json_object_get(answer, "trades");

				assert_true(json_array_size(rows) <= limit);
				for (size_t i = 0; i < json_array_size(rows); i++)
					assert_true(json_equal(json_array_get(rows, i), json_array_get(all, seen + i)));
				seen += json_array_size(rows);
				json_decref(answer);
				page.after = page.ret_after;
			} while (page.after != 0);
			assert_int_equal(seen, json_array_size(all));
		}
		json_decref(whole);
	}
	for (unsigned i = 0; i < 4; i++) {
		/* An entry of another's chain, one that is no record, one at the size, one of its own behind the size. */
		const struct {
			uint64_t size, after;
		} places[] = {{23, 6}, {23, 9}, {23, 23}, {17, 17}};
		struct query_page page = {.limit = 1, .after = places[i].after};
		struct why why;
		json_t *answer;

		assert_int_equal(query_trades(txn, &code, places[i].size, &page, &answer, &why), ERR_BAD_REQUEST);
	}
	store_abort(txn);
	world_free(world);
}

/* The register's name wins where it was there at the size; else the name that the trade claims for that side. */
static void names_counterparties_as_of_the_size(void **state)
{
	struct world *world = make_world();
	struct query_page page = {.limit = 100};
	struct store_txn *txn;
	json_t *answer;

	(void)state;
	world_push_trade(world, 0, plain("N1", C, B, 1));
	world_register(world, B, "新名（样例）", NULL, NULL);
	txn = world_read(world);
	answer = trades_page(txn, A, 27, &page);
	expect(answer, "trades.6.counterparty_name", "'新名（样例）'");
	json_decref(answer);
	answer = trades_page(txn, A, 25, &page);
	expect(answer, "trades.6.counterparty_name", "'claimed buyer'");
	json_decref(answer);
	answer = trades_page(txn, B, 27, &page);
	expect(answer, "trades.1.number", "'N1'");
	expect(answer, "trades.1.counterparty_name", "'claimed supplier'");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

/* ---- the list */

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

/* ---- policies, overview */

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

static void sees_the_whole_ledger(void **state)
{
	static const struct expectation rows[] = {
	    {"ledger_size", "23"},
	    {"venues.0", "{'venue':'qddex','name':'qddex（样例）','generation':1,'feed_size':6,"
			 "'last_push':'2026-01-05T00:00:13.000001+08:00','days_silent':2,'records':6,'counted':3,"
			 "'amount':'1400.00','not_counted':{'duplicate_trade':1,'self_trade':1,'refund_unknown':1}}"},
	    {"venues.1.amount", "'2000.00'"},
	    {"venues.2.last_push", "null"},
	    {"venues.2.days_silent", "null"},
	    {"venues.2.records", "0"},
	    {"totals", "{'records':7,'counted':4,'amount':'3400.00','refunded':'200.00',"
		       "'not_counted':{'duplicate_trade':1,'self_trade':1,'refund_unknown':1}}"},
	    {"enterprises", "{'registered':2,'trading':3}"},
	    {"policies", "[{'policy':'qd-2025-47-5','status':'assumed','award':'140.00','enterprises':1,'capped':0}]"},
	    {"searched_from", "0"},
	    {"shared_contracts",
		"[{'contract_hash':'0000000000000000000000000000000000000000000000000000000000000000','trades':["
		"{'venue':'qddex','trade_no':'T1','index':8,'supplier':'91370202MA0XTE011C','buyer':'"
		"91370202MA0XTE02X4'},"
		"{'venue':'sddex','trade_no':'T1','index':12,'supplier':'91370202MA0XTE02X4','buyer':'"
		"91370202MA0XTE011C'}]}]"},
	};
	struct world *world = make_world();
	struct store_txn *txn;
	struct why why;
	json_t *answer;
	uint64_t now_us = world->now_us + 3 * 86400000000ULL - 1000;

	(void)state;
	world_license(world, 2);
	txn = world_read(world);
	assert_int_equal(query_overview(txn, now_us, &answer, &why), OK);
	expect(answer, "ledger_size", "24");
	expect_all(answer, rows + 1, sizeof(rows) / sizeof(rows[0]) - 1);
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

#define WIDE_POLICY(rest)                                                                                              \
	"{'version':1,'status':'published','title':'t','basis':'x','window':{'from':'2025-01-01','to':'2025-12-31'},"  \
	"'base':'gross','enterprises':'all','related':'allow','venues':['qddex','sddex'],"                             \
	"'rate':{'type':'flat','ppm':100000}," rest "}"

/* Gross volumes are A 3,200, B 2,800, C 400. */
static void sums_awards_over_everyone(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn;
	struct why why;
	json_t *answer;

	(void)state;
	world_adopt(world, WIDE_POLICY("'policy':'small-cap','cap':{'amount':'100.00'}"));
	/* A's fourth to sixth records of trades do not count. */
	world_adopt(world, WIDE_POLICY("'policy':'threshold','cap':{'amount':'1000.00'},"
				       "'threshold':{'trades':4,'contracts':0,'amount':'0.00'}"));
	txn = world_read(world);
	assert_int_equal(query_overview(txn, world->now_us, &answer, &why), OK);
	expect(answer, "policies.1",
	    "{'policy':'small-cap','status':'published','award':'240.00','enterprises':3,'capped':2}");
	expect(answer, "policies.2",
	    "{'policy':'threshold','status':'published','award':'0.00','enterprises':0,'capped':0}");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

/* Two instalments at one venue are one line; a trade that does not count makes no contract shared. */
static void shows_each_venue_of_a_shared_contract_once(void **state)
{
	static const uint8_t second[HASH_SIZE] = {2}, third[HASH_SIZE] = {3};
	const struct {
		const char *trade_no, *buyer;
		const uint8_t *hash;
		unsigned venue;
	} trades[] = {
	    {"X1", B, second, 0}, {"X2", B, second, 0}, {"X3", B, second, 1}, {"X4", B, third, 0}, {"X5", A, third, 1}};
	struct world *world = world_new();
	struct store_txn *txn;
	struct why why;
	json_t *answer;

	(void)state;
	world_license(world, 0);
	world_license(world, 1);
	for (size_t i = 0; i < sizeof(trades) / sizeof(trades[0]); i++) {
		struct trade trade = plain(trades[i].trade_no, A, trades[i].buyer, 1);

		trade.contract_hash = slice_of(trades[i].hash, HASH_SIZE);
		world_push_trade(world, trades[i].venue, trade);
	}
	txn = world_read(world);
	assert_int_equal(query_overview(txn, world->now_us, &answer, &why), OK);
	assert_int_equal(json_array_size(at_path(answer, "shared_contracts")), 1);
	assert_int_equal(json_array_size(at_path(answer, "shared_contracts.0.trades")), 2);
	expect(answer, "shared_contracts.0.trades.0.trade_no", "'X1'");
	expect(answer, "shared_contracts.0.trades.1.trade_no", "'X3'");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

/* One contract more than are listed, each traded at both venues; the first hundred are shown, by their first trade. */
static void lists_a_bounded_number_of_shared_contracts(void **state)
{
	struct world *world = world_new();
	char trade_no[16], path[64];
	struct store_txn *txn;
	struct why why;
	json_t *answer;

	(void)state;
	world_license(world, 0);
	world_license(world, 1);
	for (unsigned venue = 0; venue < 2; venue++) {
		for (unsigned i = 0; i <= OVERVIEW_SHARED_MAX; i++) {
			uint8_t hash[HASH_SIZE] = {1, (uint8_t)i};
			struct trade trade;

			snprintf(trade_no, sizeof(trade_no), "S%u", i);
			trade = plain(trade_no, A, B, 1);
			trade.contract_hash = slice_of(hash, HASH_SIZE);
			world_add_trade(world, trade);
		}
		world_push(world, venue);
		txn = world_read(world);
		assert_int_equal(query_overview(txn, world->now_us, &answer, &why), OK);
		/* Once at one venue is nothing to report. */
		assert_int_equal(
		    json_array_size(at_path(answer, "shared_contracts")), venue == 0 ? 0 : OVERVIEW_SHARED_MAX);
		if (venue == 1) {
			for (unsigned i = 0; i < OVERVIEW_SHARED_MAX; i++) {
				snprintf(path, sizeof(path), "shared_contracts.%u.trades.1.trade_no", i);
				snprintf(trade_no, sizeof(trade_no), "'S%u'", i);
				expect(answer, path, trade_no);
			}
		}
		json_decref(answer);
		store_abort(txn);
	}
	world_free(world);
}

static void never_counts_days_of_silence_below_zero(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct why why;
	json_t *answer;

	(void)state;
	assert_int_equal(query_overview(txn, 0, &answer, &why), OK);
	expect(answer, "venues.0.days_silent", "0");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

/* ---- feeds */

static struct venue venue_of(struct store_txn *txn, unsigned number)
{
	struct venue venue;

	assert_true(venue_get(txn, slice_text(world_venues[number]), &venue));
	return venue;
}

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

static json_t *records_of(struct store_txn *txn, unsigned venue_number, struct records_query query)
{
	struct venue venue = venue_of(txn, venue_number);
	struct why why = {0};
	json_t *answer;

	if (query_records(txn, &venue, &query, &answer, &why) != OK)
		fail_msg("%s", why.text);
	return answer;
}

static void gives_records_back_page_by_page(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	static const char *const numbers[] = {"'T1'", "'T2'", "'T1'", "'T3'", "'R1'", "'R2'"};
	static const uint64_t indexes[] = {8, 10, 14, 15, 17, 21};

	(void)state;
	for (size_t limit = 1; limit <= 7; limit++) {
		struct records_query query = {.limit = limit};
		size_t seen = 0;

		for (bool has_more = true; has_more;) {
			json_t *answer = records_of(txn, 0, query), *rows = json_object_get(answer, "records");
			const json_t *next = json_object_get(answer, "next");

			assert_true(json_array_size(rows) > 0 && json_array_size(rows) <= limit);
			for (size_t i = 0; i < json_array_size(rows); i++, seen++) {
				json_t *row = json_array_get(rows, i);

				expect(row, "number", numbers[seen]);
				assert_int_equal(json_integer_value(json_object_get(row, "feed_index")), seen);
				assert_int_equal(json_integer_value(json_object_get(row, "index")), indexes[seen]);
			}
			has_more = !json_is_null(next);
			query.from = (uint64_t)json_integer_value(next);
			json_decref(answer);
		}
		assert_int_equal(seen, 6);
	}
	store_abort(txn);
	world_free(world);
}

static void gives_the_very_bytes_of_a_record(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct record record = {.kind = RECORD_TRADE, .trade = plain("T2", A, A, 1000)};
	struct records_query query = {.from = 1, .limit = 1};
	struct buf bytes, text;
	json_t *answer = records_of(txn, 0, query);

	(void)state;
	buf_init(&bytes, RECORD_SIZE_MAX);
	buf_init(&text, 2 * RECORD_SIZE_MAX);
	assert_int_equal(record_encode(&record, &bytes), OK);
	base64_add(&text, buf_slice(&bytes));
	assert_string_equal(json_string_value(at_path(answer, "records.0.record")), buf_text(&text));
	expect(answer, "records.0.disposition", "'self_trade'");
	assert_string_equal(
	    json_string_value(at_path(answer, "records.0.reason")), disposition_sentence(DISPOSITION_SELF_TRADE));
	expect(answer, "records.0.refers", "null");
	expect(answer, "size", "6");
	json_decref(answer);
	buf_done(&bytes);
	buf_done(&text);
	store_abort(txn);
	world_free(world);
}

static void gives_only_what_does_not_count(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	json_t *answer = records_of(txn, 0, (struct records_query){.limit = 10, .is_not_counted_only = true});

	(void)state;
	assert_int_equal(json_array_size(at_path(answer, "records")), 3);
	expect(answer, "records.0.feed_index", "1");
	expect(answer, "records.1.feed_index", "2");
	expect(answer, "records.1.refers", "8");
	expect(answer, "records.2.feed_index", "5");
	expect(answer, "next", "null");
	json_decref(answer);
	answer = records_of(txn, 1, (struct records_query){.limit = 10, .is_not_counted_only = true});
	expect(answer, "records", "[]");
	expect(answer, "next", "null");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

static void refuses_records_that_are_not_there(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct venue venue = venue_of(txn, 0);
	struct records_query beyond = {.from = 7, .limit = 1}, end = {.from = 6, .limit = 1},
			     generation = {.generation = 2, .limit = 1};
	struct why why;
	json_t *answer;

	(void)state;
	assert_int_equal(query_records(txn, &venue, &beyond, &answer, &why), ERR_BAD_REQUEST);
	assert_int_equal(query_records(txn, &venue, &generation, &answer, &why), ERR_NOT_FOUND);
	assert_int_equal(query_records(txn, &venue, &end, &answer, &why), OK);
	expect(answer, "records", "[]");
	expect(answer, "next", "null");
	json_decref(answer);
	store_abort(txn);
	world_free(world);
}

static size_t size_of_base64(const char *text)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	size_t size;

	assert_int_equal(base64_parse(slice_text(text), bytes, sizeof(bytes), &size), OK);
	return size;
}

/* The page ends before the record that would make it larger than it may be, and the next one begins there. */
static void bounds_a_page_of_records_by_bytes(void **state)
{
	char name[PRODUCT_NAME_SIZE_MAX + 1], contract[CONTRACT_NO_SIZE_MAX + 1], trade_no[16];
	struct world *world = make_world();
	struct store_txn *txn;
	json_t *answer, *rows;
	size_t seen = 0, pages = 0;

	(void)state;
	memset(name, 'n', PRODUCT_NAME_SIZE_MAX);
	memset(contract, 'c', CONTRACT_NO_SIZE_MAX);
	name[PRODUCT_NAME_SIZE_MAX] = contract[CONTRACT_NO_SIZE_MAX] = '\0';
	for (unsigned i = 0; i < 3000; i++) {
		struct trade trade;

		snprintf(trade_no, sizeof(trade_no), "big-%04u", i);
		trade = world_trade(trade_no, A, B, WORLD_YUAN(1));
		trade.product_name = slice_text(name);
		trade.contract_no = slice_text(contract);
		world_add_trade(world, trade);
	}
	world_push(world, 0);
	txn = world_read(world);
	for (struct records_query query = {.limit = 10000}; seen < 3006; pages++) {
		size_t bytes = 0;

		answer = records_of(txn, 0, query);
		rows = json_object_get(answer, "records");
		assert_true(json_array_size(rows) > 0);
		for (size_t i = 0; i < json_array_size(rows); i++, seen++) {
			const json_t *row = json_array_get(rows, i);

			assert_int_equal(json_integer_value(json_object_get(row, "feed_index")), seen);
			bytes += size_of_base64(json_string_value(json_object_get(row, "record")));
		}
		assert_true(bytes <= RECORDS_PAGE_SIZE_MAX);
		query.from = (uint64_t)json_integer_value(json_object_get(answer, "next"));
		json_decref(answer);
	}
	assert_int_equal(seen, 3006);
	assert_true(pages > 1);
	store_abort(txn);
	world_free(world);
}

/* A page looks at so many entries and no more; where they hold nothing to show, it says where to go on. */
static void bounds_what_one_page_looks_at(void **state)
{
	struct world *world = world_new();
	struct records_query query = {.limit = PAGE_ROWS_MAX, .is_not_counted_only = true};
	const size_t pushes = PUSH_RECORDS_MAX / WORLD_RECORDS_MAX + 1;
	size_t seen = 0, pages = 0;
	struct store_txn *txn;
	char trade_no[32];

	(void)state;
	world_license(world, 0);
	for (size_t push = 0; push < pushes; push++) {
		for (size_t i = 0; i < WORLD_RECORDS_MAX; i++) {
			snprintf(trade_no, sizeof(trade_no), "P%zu-%zu", push, i);
			/* The last of each push is a self-trade. */
			world_add_trade(world, plain(trade_no, A, i + 1 < WORLD_RECORDS_MAX ? B : A, 1));
		}
		world_push(world, 0);
	}
	txn = world_read(world);
	for (bool has_more = true; has_more; pages++) {
		json_t *answer = records_of(txn, 0, query);

		seen += json_array_size(at_path(answer, "records"));
		has_more = !json_is_null(at_path(answer, "next"));
		query.from = (uint64_t)json_integer_value(at_path(answer, "next"));
		json_decref(answer);
	}
	assert_int_equal(seen, pushes);
	assert_int_equal(pages, 2);
	store_abort(txn);
	world_free(world);
}

static void describes_a_push(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	json_t *answer;

	(void)state;
	assert_int_equal(query_push(txn, 16, &answer), OK);
	expect(answer, "",
	    "{'index':16,'time':'2026-01-05T00:00:10.000002+08:00','start':2,'count':2,'first_index':14,"
	    "'dispositions':{'counted':1,'duplicate_trade':1}}");
	json_decref(answer);
	assert_int_equal(query_push(txn, 15, &answer), ERR_DAMAGED);
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
	    cmocka_unit_test(shows_the_trades_of_an_enterprise),
	    cmocka_unit_test(pages_through_trades),
	    cmocka_unit_test(names_counterparties_as_of_the_size),
	    cmocka_unit_test(lists_filters_and_sorts),
	    cmocka_unit_test(lists_figures_and_pages),
	    cmocka_unit_test(lists_without_a_policy),
	    cmocka_unit_test(lists_the_newest_version_of_each_policy),
	    cmocka_unit_test(sees_the_whole_ledger),
	    cmocka_unit_test(sums_awards_over_everyone),
	    cmocka_unit_test(shows_each_venue_of_a_shared_contract_once),
	    cmocka_unit_test(lists_a_bounded_number_of_shared_contracts),
	    cmocka_unit_test(never_counts_days_of_silence_below_zero),
	    cmocka_unit_test(tells_where_a_feed_stands),
	    cmocka_unit_test(gives_records_back_page_by_page),
	    cmocka_unit_test(gives_the_very_bytes_of_a_record),
	    cmocka_unit_test(gives_only_what_does_not_count),
	    cmocka_unit_test(refuses_records_that_are_not_there),
	    cmocka_unit_test(bounds_a_page_of_records_by_bytes),
	    cmocka_unit_test(bounds_what_one_page_looks_at),
	    cmocka_unit_test(describes_a_push),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

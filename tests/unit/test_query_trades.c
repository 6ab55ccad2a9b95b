/* An enterprise's chain as a table: each kind of row, at the head and at an earlier size, page by page. */
#include "tests/unit/query_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shows_the_trades_of_an_enterprise),
	    cmocka_unit_test(pages_through_trades),
	    cmocka_unit_test(names_counterparties_as_of_the_size),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

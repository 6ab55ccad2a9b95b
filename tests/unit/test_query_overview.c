/* The whole ledger at a glance: sums, silence, awards over everyone, contracts that two venues claim. */
#include "tests/unit/query_fixture.h"

static void sees_the_whole_ledger(void **state)
{
	static const struct expectation rows[] = {
	    {"ledger_size", "23"},
	    {"venues.0", "{'venue':'qddex','name':'qddex（样例）','generation':1,'feed_size':6,"
			 "'last_push':'2026-01-05T00:00:13.000001+08:00','days_silent':2,'records':6,'counted':3,"
			 "'amount':'1400.00','not_counted':{'duplicate_trade':1,'self_trade':1,'refund_unknown':1},"
			 "'suspended_by':null,'distrusting':null}"},
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

static void add_contract(struct world *world, unsigned number, char *ret_trade_no, uint8_t *hash)
{
	struct trade trade;

	snprintf(ret_trade_no, 16, "S%u", number);
	hash[0] = 1;
	hash[1] = (uint8_t)number;
	trade = plain(ret_trade_no, A, B, 1);
	trade.contract_hash = slice_of(hash, HASH_SIZE);
	world_add_trade(world, trade);
}

/* Each is listed by its first trade, in that order. */
static void expect_shared(struct world *world, size_t count)
{
	struct store_txn *txn = world_read(world);
	char trade_no[16], path[64];
	struct why why;
	json_t *answer;

	assert_int_equal(query_overview(txn, world->now_us, &answer, &why), OK);
	assert_int_equal(json_array_size(at_path(answer, "shared_contracts")), count);
	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "shared_contracts.%u.trades.1.trade_no", i);
		snprintf(trade_no, sizeof(trade_no), "'S%u'", i);
		expect(answer, path, trade_no);
	}
	json_decref(answer);
	store_abort(txn);
}

/* Contracts that were traded at both venues: one less than are listed, as many, one more. */
static void lists_a_bounded_number_of_shared_contracts(void **state)
{
	struct world *world = world_new();
	char trade_no[16];
	uint8_t hash[HASH_SIZE] = {0};

	(void)state;
	world_license(world, 0);
	world_license(world, 1);
	for (unsigned i = 0; i <= OVERVIEW_SHARED_MAX; i++)
		add_contract(world, i, trade_no, hash);
	world_push(world, 0);
	expect_shared(world, 0); /* once at one venue is nothing to report */
	for (unsigned i = 0; i <= OVERVIEW_SHARED_MAX; i++) {
		add_contract(world, i, trade_no, hash);
		if (i < OVERVIEW_SHARED_MAX - 2)
			continue;
		world_push(world, 1);
		expect_shared(world, i < OVERVIEW_SHARED_MAX ? i + 1 : OVERVIEW_SHARED_MAX);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sees_the_whole_ledger),
	    cmocka_unit_test(sums_awards_over_everyone),
	    cmocka_unit_test(shows_each_venue_of_a_shared_contract_once),
	    cmocka_unit_test(lists_a_bounded_number_of_shared_contracts),
	    cmocka_unit_test(never_counts_days_of_silence_below_zero),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

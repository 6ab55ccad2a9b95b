/* One pass over everyone gives each what its own history gives. */
#include "daemon/population.h"

#include "daemon/query_internal.h"
#include "tests/unit/query_fixture.h"

static const char *const policies_text[] = {
    "{'policy':'signed','version':1,'status':'published','title':'t','basis':'b','window':{'from':'2024-03-01','to':"
    "'2024-08-31'},'date_basis':'signed','base':'gross','enterprises':'all','venues':['qddex','sddex'],'rate':{'type':"
    "'flat','ppm':10000},'cap':{'amount':'1000.00'}}",
    "{'policy':'term','version':1,'status':'published','title':'t','basis':'b','window':{'from':'2024-02-01','to':"
    "'2025-12-31'},'base':'net','enterprises':'all','venues':['qddex'],'rate':{'type':'flat','ppm':50000},'cap':{"
    "'amount':'90.00'}}",
    "{'policy':'listed','version':1,'status':'published','title':'t','basis':'b','window':{'from':'2024-01-01','to':"
    "'2025-12-31'},'base':'gross','enterprises':'listed','list':'default','venues':['qddex','sddex'],'rate':{'type':"
    "'flat','ppm':30000},'cap':{'amount':'1000.00','scope':'year'}}",
    "{'policy':'growth','version':1,'status':'published','title':'t','basis':'b','window':{'from':'2025-01-01','to':"
    "'2025-12-31'},'base':'gross','enterprises':'all','venues':['qddex','sddex'],'growth':{'from':"
    "'2024-01-01','to':'2024-12-31'},'rate':{'type':'flat','ppm':10000},'cap':{'amount':'1000.00'}}"};
#define POLICIES 4

/* Trades of four firms over 24 months at two venues, some of them refunded, some related, some to nobody's credit. */
static struct world *make_trading_world(void)
{
	struct world *world = world_new();
	char number[16];

	world_license(world, 0);
	world_license(world, 1);
	world_register(world, A, "甲公司（样例）", "default", NULL);
	world_register(world, C, "丙公司（样例）", "default", NULL);
	for (unsigned i = 0; i < 150; i++) {
		const char *supplier = world_firms[i % 4], *buyer = world_firms[(i / 4 + 1 + i % 4) % 4];
		struct trade trade;

		snprintf(number, sizeof(number), "T%u", i);
		trade = world_trade(number, supplier, buyer, WORLD_YUAN(10 + i * i % 400));
		trade.settled_on = (2024 + i / 75) * 10000 + (1 + i % 12) * 100 + 1;
		trade.signed_on = i % 5 == 0 ? 20240401 : trade.settled_on;
		if (trade.signed_on > trade.settled_on)
			trade.signed_on = trade.settled_on;
		trade.product_kind = i % 3 == 0 ? PRODUCT_COMPUTE : PRODUCT_DATASET;
		trade.related_declared = i % 7 == 0 ? DECLARED_YES : DECLARED_NO;
		world_push_trade(world, i % 2, trade);
		if (i % 10 == 9)
			world_push_refund(world, i % 2, number, number, WORLD_YUAN(5), 0);
	}
	world_relate(world, A, B);
	for (size_t i = 0; i < POLICIES; i++)
		world_adopt(world, policies_text[i]);
	return world;
}

static void compare(
    struct store_txn *txn, const struct member *member, const struct policy *policy, const struct standing *standing)
{
	struct policy_result result;
	struct policy_sums sums;
	struct history *history;
	struct why why;

	assert_int_equal(history_read(txn, &member->code, ledger_size(txn), &history, &why), OK);
	assert_int_equal(history_evaluate(history, policy, &sums, &result), OK);
	assert_int_equal(standing->award_fen, result.award_fen);
	assert_int_equal(standing->volume_fen, result.volume_fen);
	assert_int_equal(standing->has_award, result.has_award);
	assert_int_equal(standing->is_capped, result.has_award && result.is_capped);
	history_free(history);
}

static void gives_each_what_its_history_gives(void **state)
{
	struct world *world = make_trading_world();
	struct store_txn *txn = world_read(world);
	struct population population;
	struct array policies, standings;
	struct venues venues;
	size_t awarded = 0, capped = 0;
	struct why why;

	(void)state;
	assert_int_equal(query_policies_in_force(txn, ledger_size(txn), NULL, &policies, &why), OK);
	assert_int_equal(policies.count, POLICIES);
	assert_int_equal(venues_read(txn, &venues), OK);
	assert_int_equal(population_read(txn, &policies, &population), OK);
	assert_int_equal(population.members.count, 4);
	for (size_t i = 0; i < policies.count; i++) {
		const struct query_policy *row = array_at(&policies, i);

		assert_int_equal(population_evaluate(&population, &venues, i, &standings), OK);
		assert_int_equal(standings.count, population.members.count);
		for (size_t m = 0; m < standings.count; m++) {
			const struct standing *standing = array_at(&standings, m);

			compare(txn, array_at(&population.members, m), &row->policy, standing);
			awarded += standing->award_fen > 0;
			capped += standing->is_capped;
		}
		array_done(&standings);
	}
	assert_true(awarded > 3 && capped > 0 && capped < awarded);
	population_done(&population);
	venues_done(&venues);
	array_done(&policies);
	store_abort(txn);
	world_free(world);
}

/* A row of cells of somebody who has no head is damage. */
static void finds_a_row_of_nobody(void **state)
{
	static const struct cell_sums sums = {.trades = 1, .amount_fen = 100};
	struct world *world = make_trading_world();
	struct population population;
	struct array policies, standings;
	struct venues venues;
	struct store_txn *txn;
	struct why why;
	/* Behind all, before all, and between others. */
	static const char *const codes[] = {"zz370202MA0XTE011C", "01370202MA0XTE011C", "91370202MA0XTE0111"};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		const struct cell_key key = {.settled_month = month_of_date(20240601),
		    .code = world_code(codes[i]),
		    .signed_month = month_of_date(20240601),
		    .venue_number = 1,
		    .side = SIDE_BUYER,
		    .product_kind = PRODUCT_DATASET};

		assert_int_equal(store_write(world->store, &txn), OK);
		cells_change(txn, &key, &sums, false);
		assert_int_equal(store_commit(txn), OK);
		txn = world_read(world);
		assert_int_equal(query_policies_in_force(txn, ledger_size(txn), NULL, &policies, &why), OK);
		assert_int_equal(venues_read(txn, &venues), OK);
		assert_int_equal(population_read(txn, &policies, &population), OK);
		assert_int_equal(population_evaluate(&population, &venues, 0, &standings), ERR_DAMAGED);
		array_done(&standings);
		population_done(&population);
		venues_done(&venues);
		array_done(&policies);
		store_abort(txn);
		assert_int_equal(store_write(world->store, &txn), OK);
		cells_change(txn, &key, &sums, true);
		assert_int_equal(store_commit(txn), OK);
	}
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_each_what_its_history_gives),
	    cmocka_unit_test(finds_a_row_of_nobody),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

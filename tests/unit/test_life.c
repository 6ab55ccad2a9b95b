/*
 * Lives: the same whether a chain is taken from its end or from its beginning, a trade as a policy sees it, and what no
 * ledger writes. What they give at every size is compared with the state in test_history.c.
 */
#include "daemon/chain.h"

#include "tests/unit/world.h"

#define FIRM world_firms[0]
#define OTHER world_firms[1]
#define THIRD world_firms[2]

static void change_trade(struct world *world, enum order_type type, const char *trade_no)
{
	const struct order_item item = {
	    .venue = slice_text("qddex"), .trade_no = slice_text(trade_no), .reason = slice_text("待核查")};

	world_item(world, type, &item);
}

static void delist(struct world *world, const char *list)
{
	struct order_item item = {.code = slice_text(FIRM), .reason = slice_text("企业申请"), .list_count = 1};

	item.lists[0] = slice_text(list);
	world_item(world, ORDER_ENTERPRISE_DELIST, &item);
}

static struct world *make_world(void)
{
	struct world *world = world_new();

	world_license(world, 0);
	world_register(world, FIRM, "旧名（样例）", "default", "old");
	delist(world, "old");
	world_push_trade(world, 0, world_trade("T1", FIRM, OTHER, WORLD_YUAN(100)));
	world_push_trade(world, 0, world_trade("T2", THIRD, FIRM, WORLD_YUAN(200)));
	world_push_trade(world, 0, world_trade("T3", FIRM, OTHER, WORLD_YUAN(300)));
	world_push_trade(world, 0, world_trade("T4", FIRM, FIRM, WORLD_YUAN(400)));
	world_push_refund(world, 0, "R1", "T1", WORLD_YUAN(10), WORLD_YUAN(0));
	change_trade(world, ORDER_TRADE_HOLD, "T1");
	world_push_refund(world, 0, "R2", "T1", WORLD_YUAN(20), WORLD_YUAN(1));
	world_push_refund(world, 0, "R3", "T1", WORLD_YUAN(200), 0); /* too much */
	change_trade(world, ORDER_TRADE_HOLD, "T2");
	change_trade(world, ORDER_TRADE_RELEASE, "T2");
	change_trade(world, ORDER_TRADE_VOID, "T3");
	world_relate(world, FIRM, OTHER);
	world_register(world, FIRM, "新名（样例）", "default", "pilot");
	delist(world, "default");
	return world;
}

static void expect_state(
    const struct life *life, size_t place, enum trade_state state, bool is_held, uint64_t refunded_yuan)
{
	const struct life_change *change = array_at(&life->changes, place);

	assert_int_equal(change->touched.state, state);
	assert_int_equal(change->touched.state_index != 0, is_held);
	assert_int_equal(change->touched.refunded_fen, WORLD_YUAN(refunded_yuan));
}

/* What both ways of taking the chain of make_world must come to. */
static void expect_the_life(const struct life *life)
{
	struct code other = world_code(OTHER), third = world_code(THIRD);
	struct account account;

	assert_true(life_account(life, &account));
	assert_string_equal(account.name, "新名（样例）");
	assert_int_equal(account.list_count, 1);
	assert_string_equal(account.lists[0], "pilot");
	assert_int_equal(account.index, life->delisted_index);
	assert_true(life_is_related(life, &other));
	assert_false(life_is_related(life, &third));
	assert_int_equal(life->trades.count, 4);
	assert_int_equal(life->changes.count, 3);
	expect_state(life, 0, TRADE_HELD, true, 30);
	expect_state(life, 1, TRADE_COUNTED, false, 0);
	expect_state(life, 2, TRADE_VOIDED, true, 0);
}

static void is_the_same_from_either_end(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct code code = world_code(FIRM);
	struct life back, forth;
	struct chain chain;
	struct chain_item item;
	struct arena arena;
	uint64_t link;

	(void)state;
	life_init(&back, &code);
	chain_begin(&chain, txn, &code, ledger_size(txn), 100);
	while (chain_next(&chain, &item))
		assert_int_equal(life_take(&back, &item), OK);
	assert_int_equal(chain.err, OK);
	chain_done(&chain);
	life_finish(&back);
	expect_the_life(&back);
	life_init(&forth, &code);
	arena_init(&arena, CHAIN_ARENA_SIZE);
	for (uint64_t index = 1; index < ledger_size(txn); index++) {
		arena_reset(&arena);
		assert_int_equal(chain_item_read(txn, index, &arena, &item), OK);
		if (chain_item_link(&item, &code, &link))
			assert_int_equal(life_take(&forth, &item), OK);
	}
	arena_done(&arena);
	life_finish(&forth);
	expect_the_life(&forth);
	life_done(&back);
	life_done(&forth);
	store_abort(txn);
	world_free(world);
}

static struct chain_item registered(uint64_t index, const char *name, const char *list)
{
	struct chain_item item = {.index = index, .entry = {.kind = ENTRY_EFFECT}};

	item.entry.effect.kind = name != NULL ? EFFECT_REGISTERED : EFFECT_DELISTED;
	item.entry.effect.code = slice_text(FIRM);
	item.entry.effect.name = slice_text(name != NULL ? name : "");
	item.entry.effect.list_count = 1;
	item.entry.effect.lists[0] = slice_text(list);
	return item;
}

static void knows_the_register_in_between(void **state)
{
	const struct chain_item items[] = {
	    registered(3, "one", "a"), registered(5, NULL, "a"), registered(7, "two", "a"), registered(9, NULL, "a")};
	static const struct {
		const char *name;
		size_t list_count;
		uint64_t index;
	} rows[] = {{"one", 1, 3}, {"one", 0, 5}, {"two", 1, 7}, {"two", 0, 9}};
	struct code code = world_code(FIRM);
	struct account account;
	struct life life;

	(void)state;
	life_init(&life, &code);
	assert_false(life_account(&life, &account));
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(life_take(&life, &items[i]), OK);
		assert_true(life_account(&life, &account));
		assert_string_equal(account.name, rows[i].name);
		assert_int_equal(account.list_count, rows[i].list_count);
		assert_int_equal(account.index, rows[i].index);
	}
	/* Off the same list once more: no ledger writes that. */
	assert_int_equal(life_take(&life, &items[3]), ERR_DAMAGED);
	life_done(&life);
}

static void takes_no_entry_that_concerns_nobody(void **state)
{
	static const enum entry_kind kinds[] = {ENTRY_GENESIS, ENTRY_PUSH, ENTRY_ORDER, ENTRY_EVIDENCE};
	struct code code = world_code(FIRM);
	struct life life;

	(void)state;
	life_init(&life, &code);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct chain_item item = {.index = 1, .entry = {.kind = kinds[i]}};

		assert_int_equal(life_take(&life, &item), ERR_DAMAGED);
	}
	life_done(&life);
}

static void refuses_refunds_of_more_than_there_is(void **state)
{
	static const struct {
		uint64_t refunded_fen, refunded_tax_fen;
		enum err err;
	} rows[] = {{10000, 600, OK}, {10001, 600, ERR_DAMAGED}, {10000, 601, ERR_DAMAGED}, {9400, 0, OK},
	    {9401, 0, ERR_DAMAGED}, {0, 0, OK}};
	struct code code = world_code(FIRM);
	struct life_trade trade;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct chain_item item = {.index = 7, .entry = {.kind = ENTRY_RECORD}, .trade_index = 7};
		struct refund refund = {.amount_fen = rows[i].refunded_fen, .tax_fen = rows[i].refunded_tax_fen};
		const struct touched untouched = {0};
		struct life_change *change;
		struct life life;

		item.entry.record.disposition = DISPOSITION_COUNTED;
		item.record.kind = RECORD_TRADE;
		item.record.trade = world_trade("T1", FIRM, OTHER, 10000);
		item.supplier = code;
		item.buyer = world_code(OTHER);
		life_init(&life, &code);
		change = array_add(&life.changes);
		*change = (struct life_change){
		    7, {.refunded_fen = rows[i].refunded_fen, .refunded_tax_fen = rows[i].refunded_tax_fen}};
		life_finish(&life);
		assert_int_equal(life_trade(&life, &item, &trade), rows[i].err);
		assert_int_equal(life_refund_exceeds(&untouched, &refund, &item.record.trade), rows[i].err != OK);
		life_done(&life);
	}
}

static void shows_a_trade_as_policies_ask_for_it(void **state)
{
	struct trade trade = world_trade("T1", FIRM, OTHER, 1000);
	const struct touched untouched = {0};
	struct policy_fact fact = life_fact(&trade, "qddex", SIDE_SUPPLIER, false, &untouched);

	(void)state;
	assert_int_equal(fact.settled_month, month_of_date(trade.settled_on));
	assert_int_equal(fact.signed_month, month_of_date(trade.signed_on));
	assert_true(fact.side == SIDE_SUPPLIER && fact.product_kind == PRODUCT_DATASET);
	assert_string_equal(fact.venue, "qddex");
	assert_false(fact.is_related_declared || fact.is_related_listed || fact.has_other_subsidy || fact.has_invoice);
	fact = life_fact(&trade, "qddex", SIDE_BUYER, true, &untouched);
	assert_true(fact.side == SIDE_BUYER && fact.is_related_listed && !fact.is_related_declared);
	trade.related_declared = DECLARED_YES;
	assert_true(life_fact(&trade, "qddex", SIDE_BUYER, false, &untouched).is_related_declared);
	trade.related_declared = DECLARED_NOT_STATED;
	assert_false(life_fact(&trade, "qddex", SIDE_BUYER, false, &untouched).is_related_declared);
	trade.other_subsidy = DECLARED_YES;
	assert_true(life_fact(&trade, "qddex", SIDE_BUYER, false, &untouched).has_other_subsidy);
	trade.invoice_count = 1;
	assert_true(life_fact(&trade, "qddex", SIDE_BUYER, false, &untouched).has_invoice);
}

static void sums_a_trade_with_its_refunds(void **state)
{
	static const struct {
		uint32_t instalment;
		uint64_t refunded_fen, refunded_tax_fen, contracts, gross_zero, net_zero;
	} rows[] = {{1, 0, 0, 1, 0, 0}, {2, 0, 0, 0, 0, 0}, {1, 999, 59, 1, 0, 1}, {1, 1000, 60, 1, 1, 1},
	    {2, 1000, 60, 0, 1, 1}, {1, 940, 0, 1, 0, 1}, {1, 939, 0, 1, 0, 0}};
	struct trade trade = world_trade("T1", FIRM, OTHER, 1000);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct touched touched = {
		    .refunded_fen = rows[i].refunded_fen, .refunded_tax_fen = rows[i].refunded_tax_fen};
		struct policy_fact fact;

		trade.instalment = rows[i].instalment;
		fact = life_fact(&trade, "qddex", SIDE_SUPPLIER, false, &touched);
		if (fact.trades != 1 || fact.contracts != rows[i].contracts ||
		    fact.gross_zero_trades != rows[i].gross_zero || fact.net_zero_trades != rows[i].net_zero ||
		    fact.gross_zero_contracts != rows[i].gross_zero * rows[i].contracts ||
		    fact.net_zero_contracts != rows[i].net_zero * rows[i].contracts || fact.amount_fen != 1000 ||
		    fact.tax_fen != 60 || fact.refunded_fen != (int64_t)touched.refunded_fen ||
		    fact.refunded_tax_fen != (int64_t)touched.refunded_tax_fen)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_the_same_from_either_end),
	    cmocka_unit_test(knows_the_register_in_between),
	    cmocka_unit_test(takes_no_entry_that_concerns_nobody),
	    cmocka_unit_test(refuses_refunds_of_more_than_there_is),
	    cmocka_unit_test(shows_a_trade_as_policies_ask_for_it),
	    cmocka_unit_test(sums_a_trade_with_its_refunds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

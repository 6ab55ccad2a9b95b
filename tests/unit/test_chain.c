/* Chains: every entry that concerns an enterprise and no other, newest first, below a size, within a bound. */
#include "daemon/chain.h"

#include "tests/unit/world.h"

#define A world_firms[0]
#define B world_firms[1]
#define C world_firms[2]

static struct world *make_world(void)
{
	struct world *world = world_new();

	world_license(world, 0);
	world_license(world, 1);
	world_register(world, A, "甲公司（样例）", "default", NULL);
	world_push_trade(world, 0, world_trade("T1", A, B, WORLD_YUAN(100)));
	world_push_trade(world, 0, world_trade("T2", B, C, WORLD_YUAN(100)));
	world_push_trade(world, 0, world_trade("T1", B, C, WORLD_YUAN(100))); /* duplicate of A and B's */
	world_push_trade(world, 1, world_trade("T1", C, A, WORLD_YUAN(100)));
	world_push_trade(world, 0, world_trade("T3", A, A, WORLD_YUAN(100))); /* with itself */
	world_push_refund(world, 0, "R1", "T1", WORLD_YUAN(10), 0);
	world_push_refund(world, 0, "R2", "T1", WORLD_YUAN(1000), 0); /* too much */
	world_push_refund(world, 0, "R1", "T2", WORLD_YUAN(1), 0);    /* number taken; of another trade */
	world_push_refund(world, 0, "R3", "T3", WORLD_YUAN(1), 0);    /* of a trade that does not count */
	world_push_refund(world, 0, "R4", "T9", WORLD_YUAN(1), 0);    /* of no trade */
	world_push_refund(world, 0, "R4", "T9", WORLD_YUAN(1), 0);    /* twice */
	world_relate(world, A, C);
	world_push_trade(world, 1, world_trade("T2", B, A, WORLD_YUAN(100)));
	return world;
}

/* What an entry is and the trade it is about: "trade T1 counted/T1". */
static void describe(const struct chain_item *item, char ret_text[static 128])
{
	const struct entry *entry = &item->entry;

	if (entry->kind == ENTRY_EFFECT) {
		snprintf(ret_text, 128, "%s", entry->effect.kind == EFFECT_REGISTERED ? "registered" : "related");
		return;
	}
	assert_int_equal(entry->kind, ENTRY_RECORD);
	snprintf(ret_text, 128, "%.*s %.*s %s/%.*s", (int)entry->record.venue.size,
	    (const char *)entry->record.venue.data, (int)record_number(&item->record).size,
	    (const char *)record_number(&item->record).data, disposition_name(entry->record.disposition),
	    (int)item->trade.trade_no.size, (const char *)item->trade.trade_no.data);
}

static const char *const chain_of_a[] = {"sddex T2 counted/T2", "related", "qddex R3 refund_unknown/T3",
    "qddex R2 refund_exceeds/T1", "qddex R1 counted/T1", "qddex T3 self_trade/T3", "sddex T1 counted/T1",
    "qddex T1 duplicate_trade/T1", "qddex T1 counted/T1", "registered"};
static const char *const chain_of_b[] = {"sddex T2 counted/T2", "qddex R1 duplicate_adjust/T2",
    "qddex R2 refund_exceeds/T1", "qddex R1 counted/T1", "qddex T1 duplicate_trade/T1", "qddex T2 counted/T2",
    "qddex T1 counted/T1"};
static const char *const chain_of_c[] = {
    "related", "qddex R1 duplicate_adjust/T2", "sddex T1 counted/T1", "qddex T2 counted/T2"};

static const struct {
	const char *const *code;
	const char *const *lines;
	size_t count;
} chains[] = {{&world_firms[0], chain_of_a, 10}, {&world_firms[1], chain_of_b, 7}, {&world_firms[2], chain_of_c, 4}};

static void walks_everything_that_concerns_an_enterprise(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	char text[128];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct code code = world_code(*chains[i].code);
		struct chain chain;
		struct chain_item item;
		size_t count = 0;
		uint64_t before = UINT64_MAX;

		chain_begin(&chain, txn, &code, ledger_size(txn), 100);
		while (chain_next(&chain, &item)) {
			describe(&item, text);
			if (count >= chains[i].count || strcmp(text, chains[i].lines[count]) != 0)
				fail_msg("%s, entry %zu: %s", code.text, count, text);
			assert_true(item.index < before);
			before = item.index;
			count++;
		}
		assert_int_equal(chain.err, OK);
		assert_int_equal(count, chains[i].count);
		assert_int_equal(chain.step_count, count);
		chain_done(&chain);
	}
	store_abort(txn);
	world_free(world);
}

static void sees_nothing_from_the_size_on(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct code code = world_code(A);
	uint64_t indexes[10], size = ledger_size(txn);
	struct chain chain;
	struct chain_item item;

	(void)state;
	chain_begin(&chain, txn, &code, size, 100);
	for (size_t i = 0; i < 10; i++) {
		assert_true(chain_next(&chain, &item));
		indexes[i] = item.index;
	}
	chain_done(&chain);
	for (uint64_t at = 1; at <= size; at++) {
		size_t first = 0;

		while (first < 10 && indexes[first] >= at)
			first++;
		chain_begin(&chain, txn, &code, at, 100);
		for (size_t i = first; i < 10; i++) {
			assert_true(chain_next(&chain, &item));
			assert_int_equal(item.index, indexes[i]);
		}
		assert_false(chain_next(&chain, &item));
		assert_int_equal(chain.err, OK);
		chain_done(&chain);
	}
	store_abort(txn);
	world_free(world);
}

static void stops_at_the_bound(void **state)
{
	static const struct {
		uint64_t step_max;
		enum err err;
	} rows[] = {{0, ERR_TOO_LARGE}, {9, ERR_TOO_LARGE}, {10, OK}, {11, OK}};
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct code code = world_code(A);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct chain chain;
		struct chain_item item;
		uint64_t count = 0;

		chain_begin(&chain, txn, &code, ledger_size(txn), rows[i].step_max);
		while (chain_next(&chain, &item))
			count++;
		if (chain.err != rows[i].err)
			fail_msg("bound %u: %s", (unsigned)rows[i].step_max, err_name(chain.err));
		assert_int_equal(count, rows[i].step_max < 10 ? rows[i].step_max : 10);
		chain_done(&chain);
		/* Entries that are passed over on the way to an earlier size count too. */
		chain_begin(&chain, txn, &code, 1, rows[i].step_max);
		assert_int_equal(chain.err, rows[i].err);
		chain_done(&chain);
	}
	store_abort(txn);
	world_free(world);
}

static void goes_on_behind_an_entry(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn = world_read(world);
	struct code code = world_code(A), stranger = world_code(world_firms[3]);
	struct chain whole, rest;
	struct chain_item item, next;

	(void)state;
	chain_begin(&whole, txn, &code, ledger_size(txn), 100);
	while (chain_next(&whole, &item)) {
		chain_begin_after(&rest, txn, &code, item.index, 100);
		assert_int_equal(rest.err, OK);
		assert_int_equal(chain_next(&rest, &next), whole.next_index != 0);
		if (whole.next_index != 0)
			assert_int_equal(next.index, whole.next_index);
		chain_done(&rest);
		chain_begin_after(&rest, txn, &stranger, item.index, 100);
		assert_int_equal(rest.err, ERR_BAD_REQUEST);
		assert_false(chain_next(&rest, &next));
		chain_done(&rest);
	}
	chain_done(&whole);
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t places[] = {0, 1, ledger_size(txn)};

		chain_begin_after(&rest, txn, &code, places[i], 100);
		assert_int_equal(rest.err, ERR_BAD_REQUEST);
		chain_done(&rest);
	}
	store_abort(txn);
	world_free(world);
}

/* A refund that comes before its trade stays without one, also when its number was taken. */
static void reads_every_entry_by_itself(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn;
	struct chain_item item;
	struct arena arena;
	uint64_t early, size;

	(void)state;
	early = world_push_refund(world, 0, "R1", "T8", WORLD_YUAN(1), 0) - 2;
	size = world_push_trade(world, 0, world_trade("T8", A, B, WORLD_YUAN(100)));
	txn = world_read(world);
	arena_init(&arena, CHAIN_ARENA_SIZE);
	for (uint64_t i = 0; i < size; i++) {
		arena_reset(&arena);
		assert_int_equal(chain_item_read(txn, i, &arena, &item), OK);
		assert_int_equal(item.index, i);
		assert_true(i != early || item.trade_index == 0);
		if (item.entry.kind == ENTRY_RECORD)
			assert_int_equal(item.entry.link_count, item.trade_index != 0 ? 2 : 0);
	}
	assert_int_equal(chain_item_read(txn, size, &arena, &item), ERR_DAMAGED);
	arena_done(&arena);
	store_abort(txn);
	world_free(world);
}

/* An entry of another enterprise in the place of a head is damage, not an empty chain. */
static void finds_a_head_that_is_not_on_the_chain(void **state)
{
	struct world *world = make_world();
	struct store_txn *txn;
	struct code code = world_code(world_firms[3]);
	struct party party = {.last_index = 5};
	struct chain chain;
	struct chain_item item;

	(void)state;
	assert_int_equal(store_write(world->store, &txn), OK);
	party_put(txn, &code, &party);
	chain_begin(&chain, txn, &code, ledger_size(txn), 100);
	assert_false(chain_next(&chain, &item));
	assert_int_equal(chain.err, ERR_DAMAGED);
	chain_done(&chain);
	store_abort(txn);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(walks_everything_that_concerns_an_enterprise),
	    cmocka_unit_test(sees_nothing_from_the_size_on),
	    cmocka_unit_test(stops_at_the_bound),
	    cmocka_unit_test(goes_on_behind_an_entry),
	    cmocka_unit_test(reads_every_entry_by_itself),
	    cmocka_unit_test(finds_a_head_that_is_not_on_the_chain),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

/* Slices that are not what they should be: a replay finds each. */
#include "distrust_fixture.h"

static void set_next(struct world *world, uint64_t order_index, uint64_t feed_index)
{
	struct distrust distrust = row(world, order_index);

	distrust.feed_index = feed_index;
	distrust.is_done = false;
	distrust.generation = 1;
	distrust_put(world->fixture.txn, &distrust);
}

static void finds_a_trade_that_was_skipped(void **state)
{
	struct world *world = *state;
	uint64_t index = distrust(world, world->stolen, push_trades(world, world->stolen, "A", 8));

	set_next(world, index, 4);
	slice(world);
	expect_damage(world, "replaying gives another entry here");
}

/* With no slice behind it: how far the order says it has looked is not believed. */
static void finds_a_trade_that_was_skipped_at_the_end(void **state)
{
	struct world *world = *state;
	uint64_t index = distrust(world, world->stolen, push_trades(world, world->stolen, "A", 5));
	struct distrust distrust = row(world, index);

	expect_sound(world);
	set_next(world, index, 4);
	expect_damage(world, "passed it over");
	distrust.is_done = true;
	distrust.generation = 0;
	distrust.feed_index = 0;
	distrust_put(world->fixture.txn, &distrust);
	expect_damage(world, "passed it over");
}

static void finds_a_slice_before_its_turn(void **state)
{
	struct world *world = *state;
	uint64_t from = push_trades(world, world->stolen, "A", 5), first, second;
	struct distrust pending, done;

	push_trades(world, world->sound, "B", 5);
	first = distrust(world, world->stolen, from);
	second = distrust(world, world->sound, from);
	pending = done = row(world, first);
	done.is_done = true;
	distrust_put(world->fixture.txn, &done);
	assert_int_equal(slice(world), 2);
	distrust_put(world->fixture.txn, &pending);
	assert_true(row(world, second).is_done);
	expect_damage(world, "passed it over");
}

static void finds_trades_in_the_wrong_order(void **state)
{
	struct world *world = *state;
	uint64_t index = distrust(world, world->stolen, push_trades(world, world->stolen, "A", 9));

	set_next(world, index, 6);
	slice(world);
	set_next(world, index, 3);
	slice(world);
	expect_damage(world, "replaying gives another entry here");
}

/* An effect more, of a trade that was not to be held, behind the last slice and then by itself. */
static void finds_an_effect_too_many(void **state)
{
	struct world *world = *state;
	uint64_t from = push_trades(world, world->stolen, "A", 4), index;
	struct trade_change {
		uint64_t gap_us;
		const char *reason;
	} cases[] = {{1, "an effect that its order does not have"}, {2, "an effect that its order does not have"}};

	push_trades(world, world->sound, "B", 1);
	index = distrust(world, world->stolen, from);
	assert_int_equal(slice(world), 1);
	expect_sound(world);
	for (size_t i = 0; i < 2; i++) {
		struct ledger_fixture *fixture = &world->fixture;
		struct stamp stamp = {.time_us = fixture->ledger.head.last_time_us + cases[i].gap_us};
		struct ledger saved = fixture->ledger;
		uint8_t key[STATE_U64_SIZE];
		struct entry entry;
		struct arena arena;

		arena_init(&arena, CHAIN_ARENA_SIZE);
		ledger_get(fixture, fixture->ledger.head.size - 1, &arena, &entry);
		entry.effect.trade_no = slice_text("B0");
		assert_true(trade_find(fixture->txn, 1, entry.effect.trade_no, &entry.effect.trade_index));
		ledger_begin_command(&fixture->ledger, &stamp);
		ledger_append(&fixture->ledger, fixture->txn, &entry);
		ledger_save(&fixture->ledger, fixture->txn);
		expect_damage(world, cases[i].reason);
		store_delete(fixture->txn, STORE_ENTRIES, state_u64(saved.head.size, key));
		saved.scratch = fixture->ledger.scratch;
		fixture->ledger = saved;
		ledger_save(&fixture->ledger, fixture->txn);
		arena_done(&arena);
	}
	assert_true(row(world, index).is_done || slice(world) == 0);
}

/* A microsecond behind the entry before, a slice can't be told from what is before it. */
static void finds_a_slice_that_is_not_set_apart(void **state)
{
	struct world *world = *state;
	struct ledger_fixture *fixture = &world->fixture;
	struct stamp stamp;

	distrust(world, world->stolen, push_trades(world, world->stolen, "A", 5));
	push_trades(world, world->sound, "B", 1);
	stamp = (struct stamp){.time_us = fixture->ledger.head.last_time_us + 1};
	ledger_begin_command(&fixture->ledger, &stamp);
	fold_distrust_slice(&fixture->ledger, fixture->txn);
	ledger_save(&fixture->ledger, fixture->txn);
	expect_damage(world, "an effect that its order does not have");
}

static void holds_at_most_the_slice_bound_at_a_time(void **state)
{
	static const uint64_t counts[] = {DISTRUST_SLICE_MAX - 1, DISTRUST_SLICE_MAX, DISTRUST_SLICE_MAX + 1};

	for (size_t i = 0; i < 3; i++) {
		struct world *world;
		uint64_t index;

		setup(state);
		world = *state;
		world->fixture.ledger.slice_trades_max = DISTRUST_SLICE_MAX;
		index = distrust(world, world->stolen, push_trades(world, world->stolen, "A", (size_t)counts[i]));
		assert_int_equal(row(world, index).held, i == 0 ? counts[0] : DISTRUST_SLICE_MAX);
		assert_int_equal(row(world, index).is_done, i == 0);
		expect_sound(world);
		assert_int_equal(slice(world), i == 2 ? 1 : 0);
		assert_true(row(world, index).is_done);
		expect_sound(world);
		teardown(state);
	}
}

static void finds_a_slice_that_is_too_long(void **state)
{
	struct world *world = *state;

	push_trades(world, world->stolen, "A", DISTRUST_SLICE_MAX + 1);
	world->fixture.ledger.slice_trades_max = DISTRUST_SLICE_MAX + 1;
	distrust(world, world->stolen, world->fixture.ledger.head.size - 1);
	expect_damage(world, "an effect that its order does not have");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(finds_a_trade_that_was_skipped, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_trade_that_was_skipped_at_the_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_slice_before_its_turn, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_trades_in_the_wrong_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_an_effect_too_many, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_slice_that_is_not_set_apart, setup, teardown),
	    cmocka_unit_test(holds_at_most_the_slice_bound_at_a_time),
	    cmocka_unit_test_setup_teardown(finds_a_slice_that_is_too_long, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

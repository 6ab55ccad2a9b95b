/*
 * Histories: what the chain says at a size is what the state said when the ledger had that size, for a world with
 * everything in it; and the record at which a cap was reached.
 */
#include "daemon/history.h"

#include "tests/unit/world.h"

#define SNAPSHOTS_MAX 512

/* What the state said of every firm at each size where a command ended. */
struct snapshot {
	uint64_t size;
	struct history *histories[WORLD_FIRMS]; /* NULL: not known yet */
};

struct snapshots {
	size_t count;
	struct snapshot list[SNAPSHOTS_MAX];
};

static void take_snapshot(struct world *world, struct snapshots *snapshots)
{
	struct snapshot *snapshot = &snapshots->list[snapshots->count++];
	struct store_txn *txn = world_read(world);
	struct why why;

	assert_true(snapshots->count <= SNAPSHOTS_MAX);
	snapshot->size = ledger_size(txn);
	for (size_t i = 0; i < WORLD_FIRMS; i++) {
		struct code code = world_code(world_firms[i]);
		enum err err = history_read(txn, &code, snapshot->size, &snapshot->histories[i], &why);

		assert_true(err == OK || err == ERR_NOT_FOUND);
		if (err == ERR_NOT_FOUND)
			snapshot->histories[i] = NULL;
	}
	store_abort(txn);
}

static struct snapshots *snapshots_new(void)
{
	struct snapshots *snapshots = calloc(1, sizeof(*snapshots));

	assert_non_null(snapshots);
	return snapshots;
}

static void snapshots_free(struct snapshots *snapshots)
{
	for (size_t i = 0; i < snapshots->count; i++)
		for (size_t firm = 0; firm < WORLD_FIRMS; firm++)
			history_free(snapshots->list[i].histories[firm]);
	free(snapshots);
}

/* A small generator of numbers: the same world in every run. */
static unsigned draw(uint32_t *seed, unsigned below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

static void random_trade(struct world *world, uint32_t *seed, unsigned number)
{
	static const uint32_t signed_dates[] = {20241231, 20250101, 20250228, 20250301};
	static const uint32_t settled_dates[] = {20250301, 20250331, 20250401, 20251231};
	const char *supplier = world_firms[draw(seed, WORLD_FIRMS)], *buyer = world_firms[draw(seed, WORLD_FIRMS)];
	struct trade trade;
	char trade_no[32];

	/* One in eight takes a number that may be taken, one in five is with itself. */
	snprintf(trade_no, sizeof(trade_no), "T%u", draw(seed, 8) == 0 ? draw(seed, number + 1) : number);
	trade = world_trade(trade_no, supplier, buyer, WORLD_YUAN(1 + draw(seed, 1000)));
	trade.signed_on = signed_dates[draw(seed, 4)];
	trade.settled_on = settled_dates[draw(seed, 4)];
	trade.product_kind = draw(seed, 4) == 0 ? PRODUCT_COMPUTE : PRODUCT_DATASET;
	trade.related_declared = draw(seed, 6) == 0 ? DECLARED_YES : DECLARED_NOT_STATED;
	trade.other_subsidy = draw(seed, 6) == 0 ? DECLARED_YES : DECLARED_NO;
	trade.instalment = 1 + draw(seed, 2);
	if (draw(seed, 2) == 0) {
		trade.invoice_count = 1;
		trade.invoice_no[0] = slice_text("25372000000012345678");
	}
	world_push_trade(world, draw(seed, 2), trade);
}

static void random_refund(struct world *world, uint32_t *seed, unsigned number)
{
	char adjust_no[32], trade_no[32];
	uint64_t amount_fen = WORLD_YUAN(1 + draw(seed, 900));

	snprintf(adjust_no, sizeof(adjust_no), "R%u", draw(seed, 8) == 0 ? draw(seed, number + 1) : number);
	snprintf(trade_no, sizeof(trade_no), "T%u", draw(seed, number + 1));
	world_push_refund(
	    world, draw(seed, 2), adjust_no, trade_no, amount_fen, draw(seed, 2) == 0 ? 0 : amount_fen / 20);
}

/* As if the firm had traded all that a sum can hold: its next trade is an overflow. */
static void fill_total(struct world *world, const char *firm)
{
	struct code code = world_code(firm);
	struct store_txn *txn;
	struct party party;

	assert_int_equal(store_write(world->store, &txn), OK);
	party_get(txn, &code, &party);
	party.total_fen = INT64_MAX;
	party_put(txn, &code, &party);
	assert_int_equal(store_commit(txn), OK);
}

static struct world *make_random_world(struct snapshots *snapshots, uint32_t seed)
{
	static const struct {
		unsigned step, a, b;
	} relations[] = {{20, 0, 4}, {60, 2, 3}, {90, 0, 1}, {100, 0, 3}};
	struct world *world = world_new();

	world_license(world, 0);
	world_license(world, 1);
	world_adopt(world, WORLD_FLAT);
	take_snapshot(world, snapshots);
	for (unsigned step = 0; step < 180; step++) {
		if (step % 15 == 5)
			world_register(world, world_firms[step / 15 % WORLD_FIRMS],
			    step < 60 ? "旧名（样例）" : "新名（样例）", step % 2 == 0 ? "blocked" : "default", NULL);
		for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++)
			if (relations[i].step == step)
				world_relate(world, world_firms[relations[i].a], world_firms[relations[i].b]);
		if (draw(&seed, 3) == 0)
			random_refund(world, &seed, step);
		else
			random_trade(world, &seed, step);
		take_snapshot(world, snapshots);
	}
	/* A trade given back in full, in two parts. */
	world_push_trade(world, 0, world_trade("last", world_firms[0], world_firms[2], WORLD_YUAN(100)));
	take_snapshot(world, snapshots);
	world_push_refund(world, 0, "last-1", "last", WORLD_YUAN(50), WORLD_YUAN(3));
	take_snapshot(world, snapshots);
	world_push_refund(world, 0, "last-2", "last", WORLD_YUAN(50), WORLD_YUAN(3));
	take_snapshot(world, snapshots);
	fill_total(world, world_firms[2]);
	world_push_trade(world, 0, world_trade("too-much", world_firms[2], world_firms[1], WORLD_YUAN(1)));
	take_snapshot(world, snapshots);
	return world;
}

/* The world must hold every disposition, or the comparison is worth less than it seems. */
static void check_is_rich(struct store_txn *txn)
{
	uint64_t counts[DISPOSITION_COUNT] = {0}, relates = 0;
	struct arena arena;
	struct entry entry;

	arena_init(&arena, 8 * ENTRY_SIZE_MAX);
	for (uint64_t i = 0; i < ledger_size(txn); i++) {
		arena_reset(&arena);
		assert_int_equal(ledger_entry(txn, i, &arena, &entry), OK);
		if (entry.kind == ENTRY_RECORD)
			counts[entry.record.disposition]++;
		relates += entry.kind == ENTRY_EFFECT && entry.effect.kind == EFFECT_RELATED ? 1 : 0;
	}
	arena_done(&arena);
	for (unsigned i = DISPOSITION_COUNTED; i < DISPOSITION_COUNT; i++)
		if (counts[i] == 0)
			fail_msg("no record is %s", disposition_name((enum disposition)i));
	assert_int_equal(relates, 4);
}

static void compare_at(struct store_txn *txn, const struct snapshot *snapshot, uint64_t size, size_t firm)
{
	struct code code = world_code(world_firms[firm]);
	struct history *chain = NULL, *read = NULL;
	struct why why;
	enum err err = history_read_chain(txn, &code, size, &chain, &why);

	if (snapshot->histories[firm] == NULL) {
		assert_int_equal(err, ERR_NOT_FOUND);
		assert_non_null(strstr(why.text, code.text));
		assert_int_equal(history_read(txn, &code, size, &read, &why), ERR_NOT_FOUND);
		return;
	}
	assert_int_equal(err, OK);
	if (!history_equal(chain, snapshot->histories[firm]))
		fail_msg("%s differs at size %u", code.text, (unsigned)size);
	assert_int_equal(history_read(txn, &code, size, &read, &why), OK);
	assert_true(history_equal(read, chain));
	history_free(chain);
	history_free(read);
}

static void says_at_every_size_what_the_state_said_then(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 2; seed++) {
		struct snapshots *snapshots = snapshots_new();
		struct world *world = make_random_world(snapshots, seed);
		struct store_txn *txn = world_read(world);

		check_is_rich(txn);
		for (size_t i = 0; i < snapshots->count; i++) {
			/* The last entry of a push concerns nobody, so the size before it gives the same. */
			for (size_t firm = 0; firm < WORLD_FIRMS; firm++) {
				compare_at(txn, &snapshots->list[i], snapshots->list[i].size, firm);
				compare_at(txn, &snapshots->list[i], snapshots->list[i].size - 1, firm);
			}
		}
		store_abort(txn);
		snapshots_free(snapshots);
		world_free(world);
	}
}

static struct policy read_policy(const char *single_quoted)
{
	char text[4096];
	struct policy policy;
	struct why why = {0};

	for (size_t i = 0; i <= strlen(single_quoted); i++)
		text[i] = single_quoted[i] == '\'' ? '"' : single_quoted[i];
	if (policy_parse_text(slice_text(text), &policy, &why) != OK)
		fail_msg("%s", why.text);
	return policy;
}

/* A trade of a gross amount in yuan without tax, so that volumes are easy to see. */
static struct trade plain(const char *trade_no, const char *supplier, const char *buyer, uint64_t yuan)
{
	struct trade trade = world_trade(trade_no, supplier, buyer, WORLD_YUAN(yuan));

	trade.tax_fen = 0;
	return trade;
}

/* Two trades reach the cap of 300,000.00; the second is the one that does. */
static struct world *make_capped_world(void)
{
	struct world *world = world_new();

	world_license(world, 0);
	world_license(world, 1);
	world_register(world, world_firms[0], "甲公司（样例）", "default", NULL);
	world_push_trade(world, 0, plain("T1", world_firms[0], world_firms[1], 4000000));
	world_push_trade(world, 0, plain("T2", world_firms[1], world_firms[0], 2000000));
	world_push_trade(world, 1, plain("T3", world_firms[0], world_firms[1], 1000000));
	world_push_trade(world, 1, plain("T4", world_firms[0], world_firms[1], 1000000));
	return world;
}

static void expect_capped_at(struct world *world, uint64_t size, const char *trade_no, int64_t award_fen)
{
	struct policy policy = read_policy(WORLD_FLAT);
	struct code code = world_code(world_firms[0]);
	struct store_txn *txn = world_read(world);
	struct history_cap capped_at;
	struct policy_sums sums;
	struct policy_result result;
	struct history *history;
	struct entry entry;
	struct arena arena;
	struct why why;

	if (size == 0)
		size = ledger_size(txn);
	assert_int_equal(history_read(txn, &code, size, &history, &why), OK);
	assert_int_equal(history_evaluate(history, &policy, &sums, &result), OK);
	assert_int_equal(result.award_fen, award_fen);
	assert_int_equal(history_capped_at(history, &policy, NULL, &capped_at), OK);
	assert_int_equal(capped_at.is_found, trade_no != NULL);
	if (trade_no != NULL) {
		assert_string_equal(capped_at.trade_no, trade_no);
		arena_init(&arena, 8 * ENTRY_SIZE_MAX);
		assert_int_equal(ledger_entry(txn, capped_at.index, &arena, &entry), OK);
		assert_int_equal(entry.kind, ENTRY_RECORD);
		arena_done(&arena);
	}
	history_free(history);
	store_abort(txn);
}

static void finds_the_record_that_reached_the_cap(void **state)
{
	struct world *world = make_capped_world();
	struct store_txn *txn = world_read(world);
	uint64_t size = ledger_size(txn);

	(void)state;
	store_abort(txn);
	expect_capped_at(world, 0, "T2", 30000000);
	/* With the net amounts of the asked size: after a refund of the first, another record is the one. */
	world_push_refund(world, 0, "R1", "T1", WORLD_YUAN(1500000), 0);
	expect_capped_at(world, 0, "T4", 30000000);
	expect_capped_at(world, size, "T2", 30000000);
	/* Four records below: the register, T1, its push. Not capped, so nowhere. */
	expect_capped_at(world, size - 6, NULL, 20000000);
	world_push_refund(world, 0, "R2", "T1", WORLD_YUAN(1500000), 0);
	expect_capped_at(world, 0, NULL, 25000000);
	world_free(world);
}

static void takes_part_only_with_the_lists_of_that_size(void **state)
{
	struct world *world = world_new();
	struct policy policy = read_policy(WORLD_FLAT);
	struct code code = world_code(world_firms[0]);
	struct store_txn *txn;
	uint64_t sizes[3];
	static const struct {
		enum policy_reason reason;
		const char *name;
		int64_t award_fen;
	} rows[3] = {{REASON_NOT_LISTED, NULL, 0}, {REASON_NONE, "first", 5000000}, {REASON_NOT_LISTED, "second", 0}};

	(void)state;
	world_license(world, 0);
	world_license(world, 1);
	sizes[0] = world_push_trade(world, 0, plain("T1", world_firms[0], world_firms[1], 1000000));
	sizes[1] = world_register(world, world_firms[0], "first", "default", NULL);
	sizes[2] = world_register(world, world_firms[0], "second", NULL, NULL);
	txn = world_read(world);
	for (size_t i = 0; i < 3; i++) {
		struct policy_sums sums;
		struct policy_result result;
		struct history *history;
		struct why why;

		assert_int_equal(history_read(txn, &code, sizes[i], &history, &why), OK);
		assert_int_equal(history_evaluate(history, &policy, &sums, &result), OK);
		assert_int_equal(result.reason, rows[i].reason);
		assert_int_equal(result.award_fen, rows[i].award_fen);
		if (rows[i].name == NULL)
			assert_null(history_account(history));
		else
			assert_string_equal(history_account(history)->name, rows[i].name);
		history_free(history);
	}
	store_abort(txn);
	world_free(world);
}

/* What a search finds in a chain of so many entries that are known already, and one trade more. */
static struct history_cap follow(struct world *world, const struct history_cap *known)
{
	struct policy policy = read_policy(WORLD_FLAT);
	struct code code = world_code(world_firms[0]);
	struct store_txn *txn = world_read(world);
	struct history_cap found;
	struct history *history;
	struct why why;

	assert_int_equal(history_read(txn, &code, ledger_size(txn), &history, &why), OK);
	assert_int_equal(history_capped_at(history, &policy, known, &found), OK);
	history_free(history);
	store_abort(txn);
	return found;
}

/* What is known is believed, and followed up to the bound that a search has. */
static void follows_a_cap_as_far_as_a_search_would_go(void **state)
{
	struct world *world = make_capped_world();
	struct history_cap known = follow(world, NULL), found;

	(void)state;
	assert_true(known.is_found);
	assert_int_equal(known.entry_count, 5);
	known.trade_no[0] = 'X'; /* so that one sees where it comes from */
	assert_string_equal(follow(world, &known).trade_no, "X2");
	world_push_trade(world, 1, plain("T5", world_firms[0], world_firms[1], 1));
	known.entry_count = AS_OF_WALK_MAX - 1;
	found = follow(world, &known);
	assert_string_equal(found.trade_no, "X2");
	assert_int_equal(found.entry_count, AS_OF_WALK_MAX);
	assert_true(found.last_index > known.last_index);
	known.entry_count = AS_OF_WALK_MAX;
	found = follow(world, &known);
	assert_false(found.is_found);
	assert_int_equal(found.entry_count, AS_OF_WALK_MAX + 1);
	/* Once too long it stays so, whatever comes. */
	world_push_refund(world, 0, "R1", "T1", WORLD_YUAN(1), 0);
	assert_false(follow(world, &found).is_found);
	/* But not before it came. */
	found.last_index = UINT64_MAX;
	assert_true(follow(world, &found).is_found);
	world_free(world);
}

/* Three trades are asked for; a self-trade and a trade given back in full are none of them. */
static void counts_only_counted_trades_for_a_threshold(void **state)
{
	struct world *world = world_new();
	struct policy policy = read_policy(WORLD_FLAT);
	struct code code = world_code(world_firms[0]);
	struct store_txn *txn;
	struct history_cap capped_at;
	struct policy_sums sums;
	struct policy_result result;
	struct history *history;
	struct why why;

	(void)state;
	policy.has_threshold = true;
	policy.threshold_trades = 3;
	policy.cap_fen = 10000; /* 5 % of the two trades that come first: the threshold decides where it is reached */
	world_license(world, 0);
	world_register(world, world_firms[0], "甲公司（样例）", "default", NULL);
	world_push_trade(world, 0, plain("T1", world_firms[0], world_firms[1], 1000));
	world_push_trade(world, 0, plain("T2", world_firms[0], world_firms[0], 1000));
	world_push_trade(world, 0, plain("T3", world_firms[0], world_firms[1], 1000));
	world_push_trade(world, 0, plain("T4", world_firms[0], world_firms[1], 1000));
	world_push_refund(world, 0, "R1", "T4", WORLD_YUAN(1000), 0);
	for (unsigned round = 0; round < 2; round++) {
		txn = world_read(world);
		assert_int_equal(history_read(txn, &code, ledger_size(txn), &history, &why), OK);
		assert_int_equal(history_evaluate(history, &policy, &sums, &result), OK);
		assert_int_equal(result.periods[0].trades, 2 + round);
		assert_int_equal(result.reason, round == 0 ? REASON_BELOW_THRESHOLD : REASON_NONE);
		assert_int_equal(history_capped_at(history, &policy, NULL, &capped_at), OK);
		assert_string_equal(capped_at.trade_no, round == 0 ? "" : "T5");
		history_free(history);
		store_abort(txn);
		world_push_trade(world, 0, plain("T5", world_firms[0], world_firms[1], 1000));
	}
	world_free(world);
}

static void shares_one_budget(void **state)
{
	struct world *world = make_capped_world();
	struct store_txn *txn = world_read(world);
	struct code code = world_code(world_firms[0]);
	/* Its chain has five entries; at this size the newest is not seen any more. */
	uint64_t size = ledger_size(txn) - 2, steps_left = 10;
	struct history *history;
	struct why why;

	(void)state;
	assert_int_equal(history_read_within(txn, &code, size, &steps_left, &history, &why), OK);
	assert_int_equal(steps_left, 5);
	history_free(history);
	assert_int_equal(history_read_within(txn, &code, size, &steps_left, &history, &why), OK);
	assert_int_equal(steps_left, 0);
	history_free(history);
	assert_int_equal(history_read_within(txn, &code, size, &steps_left, &history, &why), ERR_TOO_LARGE);
	steps_left = 4;
	assert_int_equal(history_read_within(txn, &code, size, &steps_left, &history, &why), ERR_TOO_LARGE);
	/* Where the state will do, nothing is spent. */
	steps_left = 0;
	assert_int_equal(history_read_within(txn, &code, size + 2, &steps_left, &history, &why), OK);
	history_free(history);
	store_abort(txn);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_at_every_size_what_the_state_said_then),
	    cmocka_unit_test(finds_the_record_that_reached_the_cap),
	    cmocka_unit_test(takes_part_only_with_the_lists_of_that_size),
	    cmocka_unit_test(follows_a_cap_as_far_as_a_search_would_go),
	    cmocka_unit_test(counts_only_counted_trades_for_a_threshold),
	    cmocka_unit_test(shares_one_budget),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

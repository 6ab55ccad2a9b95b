/*
 * Cells that are stored later than the entries they follow from: whoever reads adds what they lack, and gets what stored
 * cells give; and a replay knows what a ledger's cells should hold.
 */
#include "daemon/unfolded.h"

#include "daemon/compare.h"
#include "daemon/population.h"
#include "daemon/query_internal.h"
#include "daemon/replay.h"
#include "tests/unit/query_fixture.h"
#include "tests/unit/stored_head.h"

#define TAIL_TRADES 90
#define BLOCK_RECORDS (WORLD_RECORDS_MAX - 1)

/* By the day of signing, and of settling; over the sums of a term, and of each year; of all, and of some. */
static const char *const policies_text[] = {
    "{'policy':'signed','version':1,'status':'published','title':'t','basis':'b','window':{'from':'2024-03-01','to':"
    "'2025-08-31'},'date_basis':'signed','base':'gross','enterprises':'all','related':'allow','venues':['qddex','jndex'"
    "],"
    "'rate':{'type':'flat','ppm':10000},'cap':{'amount':'1000.00'}}",
    "{'policy':'term','version':1,'status':'published','title':'t','basis':'b','window':{'from':'2024-02-01','to':"
    "'2025-12-31'},'base':'net','enterprises':'all','venues':['qddex','sddex','jndex'],'rate':{'type':'flat','ppm':"
    "50000},"
    "'cap':{'amount':'90.00'}}",
    "{'policy':'yearly','version':1,'status':'published','title':'t','basis':'b','window':{'from':'2024-01-01','to':"
    "'2025-12-31'},'base':'gross','enterprises':'listed','list':'default','venues':['qddex','sddex'],'rate':{'type':"
    "'flat','ppm':30000},'cap':{'amount':'1000.00','scope':'year'}}"};
#define POLICIES 3

/* ---- ledgers */

static struct trade numbered_trade(unsigned number, char ret_text[static 16])
{
	const char *supplier = world_firms[number % WORLD_FIRMS];
	const char *buyer = world_firms[(number + 1 + number / WORLD_FIRMS % (WORLD_FIRMS - 1)) % WORLD_FIRMS];
	struct trade trade;

	snprintf(ret_text, 16, "N%u", number);
	trade = world_trade(ret_text, supplier, buyer, WORLD_YUAN(10 + number * number % 400));
	trade.settled_on = (2024 + number / 7 % 2) * 10000 + (1 + number % 12) * 100 + 1;
	trade.signed_on = number % 5 == 0 ? trade.settled_on : 20240101;
	trade.product_kind = number % 3 == 0 ? PRODUCT_COMPUTE : PRODUCT_DATASET;
	trade.related_declared = number % 7 == 0 ? DECLARED_YES : DECLARED_NO;
	trade.other_subsidy = number % 11 == 0 ? DECLARED_YES : DECLARED_NO;
	trade.instalment = 1 + number % 2;
	if (number % 4 == 0) {
		trade.invoice_count = 1;
		trade.invoice_no[0] = slice_text("25372000000012345678");
	}
	return trade;
}

static void push_trades(struct world *world, unsigned venue, unsigned first, unsigned count)
{
	char text[16];

	for (unsigned i = 0; i < count; i++)
		world_add_trade(world, numbered_trade(first + i, text));
	world_push(world, venue);
}

/*
 * With trades of before and a refund; A and C are related. The last order makes every ledger's cells complete: what comes
 * then is up to the test.
 */
static struct world *make_ledger(enum world_cells cells)
{
	struct world *world = world_new();

	world->cells = cells;
	for (unsigned venue = 0; venue < WORLD_VENUES; venue++)
		world_license(world, venue);
	for (size_t i = 0; i < POLICIES; i++)
		world_adopt(world, policies_text[i]);
	world_register(world, A, "甲公司（样例）", "default", NULL);
	push_trades(world, 0, 0, 10);
	world_push_refund(world, 0, "R1", "N3", WORLD_YUAN(5), 0);
	world_relate(world, A, C);
	world_register(world, C, "丙公司（样例）", "default", NULL);
	return world;
}

/* Behind it: many a push of one trade, and one of several. */
static struct world *make_tailed_ledger(enum world_cells cells)
{
	struct world *world = make_ledger(cells);

	for (unsigned i = 0; i < TAIL_TRADES; i++)
		push_trades(world, i % WORLD_VENUES, 100 + i, 1);
	push_trades(world, 1, 100 + TAIL_TRADES, 20);
	return world;
}

/* As after a crash: whatever was in memory is gone. */
static void forget_memory(struct world *world)
{
	struct why why;

	store_close(world->store);
	assert_int_equal(store_open(world->folder, WORLD_MAP_SIZE, STORE_OPEN, &world->store, &why), OK);
}

static void set_folded_in(struct store *store, uint64_t folded)
{
	struct ledger ledger;
	struct store_txn *txn;

	assert_int_equal(store_write(store, &txn), OK);
	assert_int_equal(ledger_load(&ledger, txn), OK);
	ledger.head.folded = folded;
	ledger_save(&ledger, txn);
	assert_int_equal(store_commit(txn), OK);
	ledger_done(&ledger);
}

static void set_folded(struct world *world, uint64_t folded)
{
	forget_memory(world);
	set_folded_in(world->store, folded);
}

static struct hash digest_of(struct store_txn *txn, unsigned db)
{
	struct hash digest = hash_empty();
	struct store_cursor cursor;

	store_cursor_open(&cursor, txn, db);
	for (bool is_there = store_cursor_first(&cursor); is_there; is_there = store_cursor_next(&cursor)) {
		struct slice parts[] = {hash_slice(&digest), cursor.key, cursor.value};

		digest = hash_sha256_parts(parts, 3);
	}
	store_cursor_close(&cursor);
	assert_int_equal(store_error(txn), OK);
	return digest;
}

/* ---- readers */

static enum err read_history(struct store_txn *txn, size_t firm, struct history **ret_history)
{
	struct code code = world_code(world_firms[firm]);
	struct why why;

	*ret_history = NULL;
	return history_read(txn, &code, ledger_size(txn), ret_history, &why);
}

/* The error, or what the chain says. */
static void expect_history(struct store_txn *txn, size_t firm, enum err err)
{
	struct code code = world_code(world_firms[firm]);
	struct history *history, *chain;
	struct why why;

	assert_int_equal(read_history(txn, firm, &history), err);
	if (err != OK)
		return;
	assert_int_equal(history_read_chain(txn, &code, ledger_size(txn), &chain, &why), OK);
	assert_true(history_equal(history, chain));
	history_free(history);
	history_free(chain);
}

static void expect_same_histories(struct store_txn *txn, struct store_txn *wanted_txn)
{
	for (size_t firm = 0; firm < WORLD_FIRMS; firm++) {
		struct history *history, *wanted;

		expect_history(txn, firm, OK);
		assert_int_equal(read_history(txn, firm, &history), OK);
		assert_int_equal(read_history(wanted_txn, firm, &wanted), OK);
		assert_true(history_equal(history, wanted));
		history_free(history);
		history_free(wanted);
	}
}

/* The standings under every policy in force, one after another. */
static enum err read_standings(struct store_txn *txn, struct array *ret_standings)
{
	struct population population;
	struct array policies, standings;
	struct venues venues;
	struct why why;
	enum err err = OK;

	array_init(ret_standings, sizeof(struct standing));
	assert_int_equal(query_policies_in_force(txn, ledger_size(txn), NULL, &policies, &why), OK);
	assert_int_equal(policies.count, POLICIES);
	assert_int_equal(venues_read(txn, &venues), OK);
	assert_int_equal(population_read(txn, &policies, &population), OK);
	for (size_t i = 0; i < policies.count && err == OK; i++) {
		err = population_evaluate(&population, &venues, i, &standings);
		for (size_t m = 0; m < standings.count; m++) {
			struct standing *standing = array_add(ret_standings);

			assert_non_null(standing);
			*standing = *(const struct standing *)array_at(&standings, m);
		}
		array_done(&standings);
	}
	population_done(&population);
	venues_done(&venues);
	array_done(&policies);
	return err;
}

static void expect_same_standings(struct store_txn *txn, struct store_txn *wanted_txn)
{
	struct array standings, wanted;
	size_t awarded = 0;

	assert_int_equal(read_standings(txn, &standings), OK);
	assert_int_equal(read_standings(wanted_txn, &wanted), OK);
	assert_int_equal(standings.count, POLICIES * WORLD_FIRMS);
	assert_int_equal(wanted.count, standings.count);
	for (size_t i = 0; i < standings.count; i++) {
		const struct standing *left = array_at(&standings, i), *right = array_at(&wanted, i);

		assert_int_equal(left->award_fen, right->award_fen);
		assert_int_equal(left->volume_fen, right->volume_fen);
		assert_int_equal(left->has_award, right->has_award);
		assert_int_equal(left->is_capped, right->is_capped);
		awarded += left->award_fen > 0;
	}
	assert_true(awarded > WORLD_FIRMS);
	array_done(&standings);
	array_done(&wanted);
}

static enum err add_unfolded(struct world *world)
{
	struct store_txn *txn;
	enum err err;

	forget_memory(world);
	assert_int_equal(store_write(world->store, &txn), OK);
	err = unfolded_add(txn, false);
	store_abort(txn);
	return err;
}

/* ---- what is read */

static void gives_what_stored_cells_give(void **state)
{
	struct world *late = make_tailed_ledger(WORLD_LEAVES), *stored = make_tailed_ledger(WORLD_STORES);
	struct store_txn *txn = world_read(late), *stored_txn = world_read(stored);
	struct hash digest, stored_digest;

	(void)state;
	assert_int_equal(stored_lag(late->store), 2 * TAIL_TRADES + 21);
	assert_int_equal(stored_lag(stored->store), 0);
	for (unsigned db = 0; db < STORE_FIXED_COUNT; db++) {
		if (db == STORE_META || db == STORE_TRADES)
			continue;
		digest = digest_of(txn, db);
		stored_digest = digest_of(stored_txn, db);
		assert_int_equal(hash_equal(&digest, &stored_digest), db != STORE_CELLS);
	}
	expect_same_histories(txn, stored_txn);
	expect_same_standings(txn, stored_txn);
	store_abort(txn);
	store_abort(stored_txn);
	world_free(late);
	world_free(stored);
}

/* The same bytes in every row, there and back, whether they were made now or as their trades came. */
static void makes_the_cells_that_are_lacking(void **state)
{
	struct world *late = make_tailed_ledger(WORLD_LEAVES), *stored = make_tailed_ledger(WORLD_STORES);
	struct store_txn *txn = world_read(stored);
	struct hash wanted = digest_of(txn, STORE_CELLS), before, after;

	(void)state;
	store_abort(txn);
	forget_memory(late);
	assert_int_equal(store_write(late->store, &txn), OK);
	assert_false(store_has_left_cells(txn));
	before = digest_of(txn, STORE_CELLS);
	assert_int_equal(unfolded_add(txn, false), OK);
	after = digest_of(txn, STORE_CELLS);
	assert_true(hash_equal(&after, &wanted));
	assert_false(hash_equal(&after, &before));
	assert_int_equal(unfolded_add(txn, true), OK);
	after = digest_of(txn, STORE_CELLS);
	assert_true(hash_equal(&after, &before));
	/* What is not there can't be taken away. */
	assert_int_equal(unfolded_add(txn, true), ERR_DAMAGED);
	store_abort(txn);
	world_free(late);
	world_free(stored);
}

/* Cells are in memory from commit to commit, and written by the first that stores them. */
static void stores_what_was_left(void **state)
{
	struct world *late = make_tailed_ledger(WORLD_LEAVES), *stored = make_tailed_ledger(WORLD_STORES);
	unsigned db_count;
	struct finding finding = {.kind = FINDING_NONE};

	(void)state;
	late->cells = WORLD_STORES;
	push_trades(late, 0, 300, 1);
	push_trades(stored, 0, 300, 1);
	assert_int_equal(stored_lag(late->store), 0);
	assert_int_equal(compare_databases(late->store, stored->store, 1, &db_count, &finding), OK);
	world_free(late);
	world_free(stored);
}

/* ---- what may be lacking */

static void adds_up_to_a_bounded_number_of_entries(void **state)
{
	static const struct {
		unsigned entries;
		enum err err;
	} rows[] = {{UNFOLDED_MAX - 1, OK}, {UNFOLDED_MAX, OK}, {UNFOLDED_MAX + 1, ERR_DAMAGED}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world *world = make_ledger(WORLD_LEAVES);
		unsigned left = rows[i].entries, number = 1000;
		struct array standings;
		struct store_txn *txn;

		while (left > 0) {
			unsigned count = left - 1 < BLOCK_RECORDS ? left - 1 : BLOCK_RECORDS;

			/* A push of nothing is none. */
			if (left - count - 1 == 1)
				count--;
			push_trades(world, 0, number, count);
			number += count;
			left -= count + 1;
		}
		assert_int_equal(stored_lag(world->store), rows[i].entries);
		txn = world_read(world);
		for (size_t firm = 0; firm < WORLD_FIRMS; firm++)
			expect_history(txn, firm, rows[i].err);
		assert_int_equal(read_standings(txn, &standings), rows[i].err);
		array_done(&standings);
		store_abort(txn);
		assert_int_equal(add_unfolded(world), rows[i].err);
		world_free(world);
	}
}

enum event { REFUND, REFUND_UNKNOWN, ADJUST_AGAIN, TRADE_AGAIN, SELF_TRADE, REGISTER, RELATE, EVENT_COUNT };

static void happen(struct world *world, enum event event)
{
	switch (event) {
	case REFUND: world_push_refund(world, 0, "R2", "N100", WORLD_YUAN(1), 0); break;
	case REFUND_UNKNOWN: world_push_refund(world, 0, "R2", "none", WORLD_YUAN(1), 0); break;
	case ADJUST_AGAIN: world_push_refund(world, 0, "R1", "N100", WORLD_YUAN(1), 0); break;
	case TRADE_AGAIN: push_trades(world, 0, 100, 1); break;
	case SELF_TRADE: world_push_trade(world, 0, world_trade("self", A, A, WORLD_YUAN(1))); break;
	case REGISTER: world_register(world, A, "新名（样例）", NULL, NULL); break;
	case RELATE: world_relate(world, A, B); break;
	case EVENT_COUNT: fail();
	}
}

/* Of A, with whom it happens; a refund of no trade is on nobody's chain. */
static void expect_readers_refuse(struct world *world, enum event event)
{
	struct store_txn *txn = world_read(world);
	struct array standings;

	expect_history(txn, 0, event == REFUND_UNKNOWN ? OK : ERR_DAMAGED);
	assert_int_equal(read_standings(txn, &standings), ERR_DAMAGED);
	array_done(&standings);
	store_abort(txn);
	assert_int_equal(add_unfolded(world), ERR_DAMAGED);
}

static void lets_nothing_but_trades_that_count_be_lacking(void **state)
{
	(void)state;
	for (enum event event = REFUND; event < EVENT_COUNT; event++) {
		struct world *right = make_ledger(WORLD_LEAVES), *wrong = make_ledger(WORLD_LEAVES),
			     *stored = make_ledger(WORLD_STORES);
		struct store_txn *txn, *stored_txn;

		push_trades(right, 0, 100, 1);
		push_trades(wrong, 0, 100, 1);
		push_trades(stored, 0, 100, 1);
		assert_int_equal(stored_lag(right->store), 2);
		happen(right, event);
		assert_int_equal(stored_lag(right->store), 0);
		/* And behind it trades may be lacking again. */
		push_trades(right, 0, 101, 1);
		assert_int_equal(stored_lag(right->store), 2);
		happen(stored, event);
		push_trades(stored, 0, 101, 1);
		txn = world_read(right);
		stored_txn = world_read(stored);
		expect_same_histories(txn, stored_txn);
		expect_same_standings(txn, stored_txn);
		store_abort(txn);
		store_abort(stored_txn);
		wrong->cells = WORLD_LEAVES_WRONGLY;
		happen(wrong, event);
		assert_true(stored_lag(wrong->store) > 2);
		expect_readers_refuse(wrong, event);
		world_free(right);
		world_free(wrong);
		world_free(stored);
	}
}

static void finds_a_trade_of_no_venue(void **state)
{
	struct world *world = make_tailed_ledger(WORLD_LEAVES);
	struct store_txn *txn;
	struct array standings;

	(void)state;
	assert_int_equal(store_write(world->store, &txn), OK);
	store_delete(txn, STORE_VENUES, slice_text(world_venues[2]));
	assert_true(store_leave_cells(txn));
	assert_int_equal(store_commit(txn), OK);
	txn = world_read(world);
	expect_history(txn, 0, ERR_DAMAGED);
	assert_int_equal(read_standings(txn, &standings), ERR_DAMAGED);
	array_done(&standings);
	store_abort(txn);
	assert_int_equal(add_unfolded(world), ERR_DAMAGED);
	world_free(world);
}

static void knows_the_entries_that_cells_may_lack(void **state)
{
	struct entry entry = {.kind = ENTRY_RECORD};

	(void)state;
	for (unsigned i = DISPOSITION_COUNTED; i < DISPOSITION_COUNT; i++) {
		entry.record.disposition = (enum disposition)i;
		entry.record.refers = 0;
		assert_int_equal(ledger_may_lag_behind(&entry), i == DISPOSITION_COUNTED);
		entry.record.refers = 1;
		assert_false(ledger_may_lag_behind(&entry));
	}
	assert_true(ledger_may_lag_behind(&(struct entry){.kind = ENTRY_PUSH}));
	assert_true(ledger_may_lag_behind(&(struct entry){.kind = ENTRY_EVIDENCE}));
	assert_false(ledger_may_lag_behind(&(struct entry){.kind = ENTRY_ORDER}));
	assert_false(ledger_may_lag_behind(&(struct entry){.kind = ENTRY_EFFECT}));
	assert_false(ledger_may_lag_behind(&(struct entry){.kind = ENTRY_GENESIS}));
}

/* ---- replays */

struct scratch {
	char folder[32];
	struct store *store;
	struct finding finding;
};

static void open_scratch(struct scratch *scratch)
{
	*scratch = (struct scratch){.folder = "/tmp/subsidy-scratch-XXXXXX"};
	assert_non_null(mkdtemp(scratch->folder));
	assert_int_equal(
	    store_open(scratch->folder, WORLD_MAP_SIZE, STORE_SCRATCH, &scratch->store, &scratch->finding.why), OK);
}

static void close_scratch(struct scratch *scratch)
{
	store_close(scratch->store);
	assert_int_equal(nftw(scratch->folder, world_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Replays into the scratch store or on from what is there; then every database must be the same. */
static enum err verify_in(struct world *world, struct scratch *scratch)
{
	struct ledger_head head = stored_head(world->store);
	struct store_txn *txn = world_read(world);
	const struct replay_task task = {
	    .original = txn, .store = world->store, .scratch = scratch->store, .size = head.size, .head = &head};
	struct replay_counts counts;
	unsigned db_count;
	enum err err = replay_run(&task, &counts, &scratch->finding);

	store_abort(txn);
	if (err == OK)
		err = compare_databases(world->store, scratch->store, 1, &db_count, &scratch->finding);
	return err;
}

static void gives_a_lagging_ledger_again(void **state)
{
	struct world *world = make_tailed_ledger(WORLD_LEAVES);
	struct scratch scratch;

	(void)state;
	open_scratch(&scratch);
	assert_int_equal(verify_in(world, &scratch), OK);
	/* And on from there, again and again: nothing new, new trades, all stored, behind that. */
	assert_int_equal(verify_in(world, &scratch), OK);
	push_trades(world, 0, 500, 3);
	assert_int_equal(verify_in(world, &scratch), OK);
	world->cells = WORLD_STORES;
	push_trades(world, 0, 510, 1);
	assert_int_equal(stored_lag(world->store), 0);
	assert_int_equal(verify_in(world, &scratch), OK);
	world->cells = WORLD_LEAVES;
	push_trades(world, 2, 520, 1);
	assert_int_equal(stored_lag(world->store), 2);
	assert_int_equal(verify_in(world, &scratch), OK);
	/* What was kept and is not as it was left is no fault of the ledger. */
	set_folded_in(scratch.store, 1);
	assert_int_equal(verify_in(world, &scratch), ERR_INVALID);
	assert_int_equal(scratch.finding.kind, FINDING_NONE);
	assert_non_null(strstr(scratch.finding.why.text, "leave --from out"));
	close_scratch(&scratch);
	world_free(world);
}

/* What is made of a copy for a new ledger has every cell. */
static void completes_the_cells_of_a_ledger_that_is_made_of_another(void **state)
{
	struct world *world = make_tailed_ledger(WORLD_LEAVES);
	struct ledger_head head = stored_head(world->store);
	struct store_txn *txn = world_read(world);
	struct replay_task task = {.original = txn, .size = head.size, .head = &head, .takes_entries = true};
	struct replay_counts counts;
	struct scratch scratch;
	unsigned db_count;

	(void)state;
	open_scratch(&scratch);
	task.scratch = scratch.store;
	assert_int_equal(replay_run(&task, &counts, &scratch.finding), OK);
	store_abort(txn);
	assert_int_equal(store_read(scratch.store, &txn), OK);
	assert_int_equal(ledger_read_head(txn, &head), OK);
	assert_int_equal(head.folded, head.size);
	store_abort(txn);
	world->cells = WORLD_STORES;
	push_trades(world, 0, 500, 1);
	task = (struct replay_task){.original = world_read(world), .scratch = scratch.store, .takes_entries = true};
	task.size = stored_head(world->store).size;
	assert_int_equal(replay_run(&task, &counts, &scratch.finding), OK);
	store_abort(task.original);
	assert_int_equal(compare_databases(world->store, scratch.store, 1, &db_count, &scratch.finding), OK);
	close_scratch(&scratch);
	world_free(world);
}

static void expect_finding(struct world *world, const char *text)
{
	struct scratch scratch;
	enum err err;

	open_scratch(&scratch);
	err = verify_in(world, &scratch);
	if (err != ERR_DAMAGED || scratch.finding.kind != FINDING_STATE ||
	    strstr(scratch.finding.why.text, text) == NULL)
		fail_msg("%s: %s, not: %s", err_name(err), scratch.finding.why.text, text);
	close_scratch(&scratch);
}

static void finds_a_wrong_word_of_what_is_lacking(void **state)
{
	static const char *const wrong_row = "row head says that cells hold";
	struct world *world = make_tailed_ledger(WORLD_LEAVES);
	uint64_t folded = stored_head(world->store).folded, size = stored_head(world->store).size;
	struct store_txn *txn;
	struct ledger_head head;

	(void)state;
	/* One trade less than is lacking, all of them, and the last. */
	set_folded(world, folded + 2);
	expect_finding(world, "database cells: ");
	set_folded(world, size);
	expect_finding(world, "database cells: ");
	/* Behind a smaller number there is the effect of an order; of what is complete, a trade. */
	set_folded(world, folded - 1);
	expect_finding(world, wrong_row);
	set_folded(world, 0);
	expect_finding(world, wrong_row);
	world_free(world);
	world = make_tailed_ledger(WORLD_STORES);
	set_folded(world, stored_head(world->store).size - 2);
	expect_finding(world, "database cells: ");
	world_push_refund(world, 0, "R2", "N100", WORLD_YUAN(1), 0);
	set_folded(world, stored_head(world->store).size - 2);
	expect_finding(world, wrong_row);
	/* And one beyond the end is no head at all. */
	set_folded(world, stored_head(world->store).size + 1);
	txn = world_read(world);
	assert_int_equal(ledger_read_head(txn, &head), ERR_DAMAGED);
	store_abort(txn);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_what_stored_cells_give),
	    cmocka_unit_test(makes_the_cells_that_are_lacking),
	    cmocka_unit_test(stores_what_was_left),
	    cmocka_unit_test(adds_up_to_a_bounded_number_of_entries),
	    cmocka_unit_test(lets_nothing_but_trades_that_count_be_lacking),
	    cmocka_unit_test(finds_a_trade_of_no_venue),
	    cmocka_unit_test(knows_the_entries_that_cells_may_lack),
	    cmocka_unit_test(gives_a_lagging_ledger_again),
	    cmocka_unit_test(completes_the_cells_of_a_ledger_that_is_made_of_another),
	    cmocka_unit_test(finds_a_wrong_word_of_what_is_lacking),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

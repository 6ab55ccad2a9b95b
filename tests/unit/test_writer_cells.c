/* When the writer stores cells: with single pushes later, with everything that a reader can't account for at once. */
#define LEDGER_MAP_SIZE (1u << 30)
#define LEDGER_PUSH_RECORDS 17000
#include "writer_bench.h"
#include "stored_head.h"

#include "daemon/compare.h"
#include "daemon/history.h"
#include "daemon/replay.h"
#include "daemon/unfolded.h"

#define ATTEMPTS 10   /* to look before an idle writer stores what it left: GATE_LOOK_MS */
#define LAST_TRADE 14 /* one more is needed behind it */
#define FOLD_WAIT_MS (20 * GATE_LOOK_MS)

static enum err count_trades(void *cookie, const struct cell_key *key, const struct cell_sums *sums)
{
	uint64_t *count = cookie;

	*count += (key->flags & CELL_NOT_COUNTED) != 0 ? 0 : sums->trades;
	return OK;
}

/* Trades of the supplier that the stored cells hold, and those of its history. */
static void count_stored(struct bench *bench, uint64_t *ret_in_cells, uint64_t *ret_in_history)
{
	struct code code = code_of(slice_text(a));
	const struct history_cell *cells;
	struct history *history;
	struct store_txn *txn;
	struct why why;
	size_t cell_count;

	*ret_in_cells = *ret_in_history = 0;
	assert_int_equal(store_read(bench->fixture.store, &txn), OK);
	assert_int_equal(cells_each(txn, &code, count_trades, ret_in_cells), OK);
	assert_int_equal(history_read(txn, &code, ledger_size(txn), &history, &why), OK);
	cells = history_cells(history, &cell_count);
	for (size_t i = 0; i < cell_count; i++)
		(void)count_trades(ret_in_history, &cells[i].key, &cells[i].sums);
	history_free(history);
	store_abort(txn);
}

/* A wait for the writer to be idle would not do: it would store them. So this looks at once, some times if need be. */
static uint64_t push_until_some_are_left(struct bench *bench, uint64_t first)
{
	for (uint64_t i = first; i < first + ATTEMPTS && i < LAST_TRADE; i++) {
		assert_int_equal(run(bench, trades_job(bench, i, 1)), OK);
		if (stored_lag(bench->fixture.store) > 0)
			return i + 1;
	}
	fail_msg("the cells of %d single pushes were stored with each: is there no room on the disk?", ATTEMPTS);
	return 0;
}

static void wait_until_folded(struct bench *bench)
{
	for (unsigned i = 0; i < FOLD_WAIT_MS && stored_lag(bench->fixture.store) > 0; i++)
		usleep(1000);
	assert_int_equal(stored_lag(bench->fixture.store), 0);
}

static void expect_replays(struct bench *bench)
{
	char folder[] = "/tmp/subsidyd-test-XXXXXX";
	struct ledger_head head = stored_head(bench->fixture.store);
	struct finding finding = {.kind = FINDING_NONE};
	struct replay_task task = {.store = bench->fixture.store, .size = head.size, .head = &head};
	struct replay_counts counts;
	unsigned db_count;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(store_open(folder, LEDGER_MAP_SIZE, STORE_SCRATCH, &task.scratch, &bench->fixture.why), OK);
	assert_int_equal(store_read(bench->fixture.store, &task.original), OK);
	if (replay_run(&task, &counts, &finding) != OK ||
	    compare_databases(bench->fixture.store, task.scratch, 1, &db_count, &finding) != OK)
		fail_msg("%s", finding.why.text);
	store_abort(task.original);
	store_close(task.scratch);
	ledger_remove_folder(folder);
}

static void expect_counted(struct bench *bench, uint64_t unfolded)
{
	struct writer_counts counts = {.unfolded = unfolded + 1};

	/* What was committed is counted a moment later. */
	for (unsigned i = 0; i < WAIT_MS && counts.unfolded != unfolded; i++) {
		usleep(1000);
		writer_counts(bench->writer, &counts);
	}
	assert_int_equal(counts.unfolded, unfolded);
}

static void leaves_the_cells_of_single_pushes(void **state)
{
	struct bench *bench = *state;
	uint64_t count = push_until_some_are_left(bench, 5), in_cells, in_history;

	count_stored(bench, &in_cells, &in_history);
	assert_int_equal(in_history, count);
	if (stored_lag(bench->fixture.store) > 0)
		assert_true(in_cells < count);
	wait_until_folded(bench);
	expect_counted(bench, 0);
	count_stored(bench, &in_cells, &in_history);
	assert_int_equal(in_cells, count);
	assert_int_equal(in_history, count);
}

static void stores_them_when_it_stops(void **state)
{
	struct bench *bench = *state;
	uint64_t count = push_until_some_are_left(bench, 5), in_cells, in_history,
		 size = stored_head(bench->fixture.store).size;

	stop(bench);
	assert_int_equal(stored_head(bench->fixture.store).size, size);
	assert_int_equal(stored_lag(bench->fixture.store), 0);
	count_stored(bench, &in_cells, &in_history);
	assert_int_equal(in_cells, count);
	assert_int_equal(in_history, count);
	start(bench);
	expect_head(bench, size);
	assert_int_equal(run(bench, trades_job(bench, count, 1)), OK);
}

static struct job *refund_job(struct bench *bench, uint64_t at, const struct record *refund)
{
	return push_job(bench, &(struct ledger_push){.signer = bench->venue_signer,
				   .venue = "qddex",
				   .start = at,
				   .records = refund,
				   .record_count = 1,
				   .earlier = bench->leaves});
}

/* Whatever comes that a reader can't account for: what was left before is stored in the same commit. */
static void stores_them_with_all_that_is_no_trade(void **state)
{
	struct bench *bench = *state;
	struct record events[] = {ledger_refund("R1", "T1", 10, 1), ledger_refund("R2", "none", 10, 1),
	    ledger_refund("R1", "T1", 10, 1), trades[2], ledger_trade("self", a, a, 1000)};
	uint64_t at = 5, trade_count = 5, in_cells, in_history;
	struct job *job;

	for (size_t i = 0; i <= sizeof(events) / sizeof(events[0]); i++) {
		/* Together in one commit: what is seen then is not what an idle writer did. */
		bool is_order = i == sizeof(events) / sizeof(events[0]);

		block(bench, push_job(bench, &(struct ledger_push){.signer = bench->venue_signer,
						 .venue = "qddex",
						 .start = at,
						 .records = trades + trade_count,
						 .record_count = 1,
						 .earlier = bench->leaves}));
		bench->leaves[at++] = ledger_leaf_of(&trades[trade_count++]);
		job = is_order ? license_job(bench, "sddex") : refund_job(bench, at, &events[i]);
		if (!is_order)
			bench->leaves[at++] = ledger_leaf_of(&events[i]);
		submit(bench, job);
		unblock(bench);
		receive(bench, bench->job_count - 2, 2);
		assert_int_equal(job->command.err, OK);
		if (stored_lag(bench->fixture.store) != 0)
			fail_msg("event %zu: cells are left", i);
		count_stored(bench, &in_cells, &in_history);
		assert_int_equal(in_cells, trade_count);
		assert_int_equal(in_history, trade_count);
	}
}

static void leaves_them_again_behind_it(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(run(bench, license_job(bench, "sddex")), OK);
	assert_int_equal(stored_lag(bench->fixture.store), 0);
	(void)push_until_some_are_left(bench, 5);
}

/* Evidence adds nothing to any cell. */
static void leaves_them_where_evidence_comes(void **state)
{
	struct bench *bench = *state;
	uint64_t lag = 0;

	for (unsigned i = 0; i < LAST_TRADE - 5 && lag < 3; i++) {
		struct ledger_push push = {.signer = bench->venue_signer,
		    .venue = "qddex",
		    .start = 4 - i % 4,
		    .records = trades + 9,
		    .record_count = 1,
		    .earlier = bench->leaves};

		assert_int_equal(run(bench, trades_job(bench, 5 + i, 1)), OK);
		assert_int_equal(run(bench, push_job(bench, &push)), ERR_FEED_CONFLICT);
		lag = stored_lag(bench->fixture.store);
	}
	assert_true(lag >= 3);
}

/* What is lacking behind one push that is so many entries, in a ledger of its own. */
static uint64_t lag_behind(size_t entries)
{
	static struct record many[UNFOLDED_MAX];
	static char numbers[UNFOLDED_MAX][8];
	static struct hash leaves[UNFOLDED_MAX + 8];
	struct ledger_push push = {
	    .venue = "qddex", .start = 5, .records = many, .record_count = entries - 1, .earlier = leaves};
	struct writer_counts counts;
	void *state = NULL;
	struct bench *bench;
	uint64_t lag;

	assert_int_equal(setup(&state), 0);
	bench = state;
	memcpy(leaves, bench->leaves, 5 * sizeof(leaves[0]));
	for (size_t i = 0; i < UNFOLDED_MAX; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "M%zu", i);
		many[i] = ledger_trade(numbers[i], a, b, 1000);
	}
	push.signer = bench->venue_signer;
	assert_int_equal(run(bench, push_job(bench, &push)), OK);
	writer_counts(bench->writer, &counts);
	lag = stored_lag(bench->fixture.store);
	/* Unless the writer has been idle meanwhile. */
	if (lag > 0)
		assert_int_equal(counts.unfolded, lag);
	teardown(&state);
	return lag;
}

static void leaves_a_bounded_number(void **state)
{
	static const struct {
		size_t entries;
		bool is_left;
	} rows[] = {{UNFOLDED_MAX - 1, true}, {UNFOLDED_MAX, true}, {UNFOLDED_MAX + 1, false}};

	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		uint64_t lag = lag_behind(rows[row].entries), wanted = rows[row].is_left ? rows[row].entries : 0;

		for (unsigned i = 0; i < ATTEMPTS && lag != wanted; i++)
			lag = lag_behind(rows[row].entries);
		if (lag != wanted)
			fail_msg("row %zu: %llu entries are lacking", row, (unsigned long long)lag);
	}
}

/* As after a crash: cells that were in memory are made again, once, by whichever command comes first. */
static void makes_them_again_after_a_crash(void **state)
{
	struct bench *bench = *state;
	uint64_t count = push_until_some_are_left(bench, 5), in_cells, in_history;
	struct ledger ledger;
	struct store_txn *txn;

	stop(bench);
	assert_int_equal(store_write(bench->fixture.store, &txn), OK);
	assert_int_equal(ledger_load(&ledger, txn), OK);
	/* The end of the ledger as a crash would have left it: the last trade in no cell. */
	ledger.head.folded = ledger.head.size - 2;
	ledger_save(&ledger, txn);
	assert_int_equal(unfolded_add(txn, true), OK);
	assert_int_equal(store_commit(txn), OK);
	ledger_done(&ledger);
	store_close(bench->fixture.store);
	assert_int_equal(
	    store_open(bench->fixture.folder, LEDGER_MAP_SIZE, STORE_OPEN, &bench->fixture.store, &bench->fixture.why),
	    OK);
	start(bench);
	count_stored(bench, &in_cells, &in_history);
	assert_int_equal(in_history, count);
	/* A command that is refused changes nothing; neither does one after it. */
	assert_int_equal(run(bench, license_job(bench, "qddex")), ERR_REFUSED);
	assert_int_equal(run(bench, license_job(bench, "qddex")), ERR_REFUSED);
	assert_int_equal(run(bench, trades_job(bench, count, 1)), OK);
	assert_int_equal(run(bench, license_job(bench, "sddex")), OK);
	assert_int_equal(stored_lag(bench->fixture.store), 0);
	count_stored(bench, &in_cells, &in_history);
	assert_int_equal(in_cells, count + 1);
	assert_int_equal(in_history, count + 1);
	expect_replays(bench);
}

/* Nothing is owed that there may be no room for. */
static void stores_them_where_room_is_short(void **state)
{
	struct bench *bench = *state;
	struct writer_counts counts;

	stop(bench);
	store_close(bench->fixture.store);
	assert_int_equal(
	    store_open(bench->fixture.folder, 2 * ROOM_RESERVE, STORE_OPEN, &bench->fixture.store, &bench->fixture.why),
	    OK);
	start(bench);
	for (uint64_t i = 5; i < 8; i++) {
		assert_int_equal(run(bench, trades_job(bench, i, 1)), OK);
		assert_int_equal(stored_lag(bench->fixture.store), 0);
	}
	writer_counts(bench->writer, &counts);
	assert_true(counts.is_room_short);
}

/* What was left is asked for with whatever comes, to the page. */
static void asks_for_the_room_of_what_it_left(void **state)
{
	struct bench *bench = *state;
	enum err err = OK;

	for (uint64_t i = 5; i < LAST_TRADE && err == OK; i++) {
		struct store_usage usage;
		struct job *job;
		uint64_t room;

		assert_int_equal(run(bench, trades_job(bench, i, 1)), OK);
		/* A push that is held already, and takes all the room there is but for less than a page. */
		job = trades_job(bench, 0, 1);
		store_usage(bench->fixture.store, &usage);
		room = usage.map_size - usage.used_size;
		if (room > usage.disk_free_size)
			room = usage.disk_free_size;
		job->ingest.body.size = (room - ROOM_RESERVE - ROOM_ROWS_PER_RECORD * usage.page_size) / ROOM_PER_BYTE;
		err = run(bench, job);
	}
	assert_int_equal(err, ERR_DISK_FULL);
	/* It is written all the same once there is nothing else to do. */
	wait_until_folded(bench);
}

/* Not even these: the next start makes them, once the clock is right. */
static void stores_nothing_while_the_clock_is_doubted(void **state)
{
	struct bench *bench = *state;
	uint64_t start_us = atomic_load(&wall_us), count = 5, in_cells, in_history, lag = 0;

	for (unsigned i = 0; i < ATTEMPTS && lag == 0; i++) {
		atomic_store(&wall_us, start_us);
		count = push_until_some_are_left(bench, count);
		atomic_store(&wall_us, start_us + 2 * CLOCK_AHEAD_MAX_S * 1000000ULL);
		lag = stored_lag(bench->fixture.store);
	}
	assert_true(lag > 0);
	assert_int_equal(run(bench, trades_job(bench, count, 1)), ERR_CLOCK);
	stop(bench);
	assert_int_equal(stored_lag(bench->fixture.store), lag);
	atomic_store(&wall_us, start_us);
	start(bench);
	assert_int_equal(run(bench, trades_job(bench, count, 1)), OK);
	wait_until_folded(bench);
	count_stored(bench, &in_cells, &in_history);
	assert_int_equal(in_cells, count + 1);
	assert_int_equal(in_history, count + 1);
	expect_replays(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(leaves_the_cells_of_single_pushes, setup, teardown),
	    cmocka_unit_test_setup_teardown(stores_them_when_it_stops, setup, teardown),
	    cmocka_unit_test_setup_teardown(stores_them_with_all_that_is_no_trade, setup, teardown),
	    cmocka_unit_test_setup_teardown(leaves_them_again_behind_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(leaves_them_where_evidence_comes, setup, teardown),
	    cmocka_unit_test(leaves_a_bounded_number),
	    cmocka_unit_test_setup_teardown(makes_them_again_after_a_crash, setup, teardown),
	    cmocka_unit_test_setup_teardown(stores_them_where_room_is_short, setup, teardown),
	    cmocka_unit_test_setup_teardown(stores_nothing_while_the_clock_is_doubted, setup, teardown),
	    cmocka_unit_test_setup_teardown(asks_for_the_room_of_what_it_left, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

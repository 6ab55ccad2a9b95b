/* Reading ahead: what a run holds, in which order runs come, and how far ahead they are read. */
#include "ledger_full.h"

#include "daemon/ahead.h"

#define WAIT_TURNS 5000 /* of a millisecond */

static int setup(void **state)
{
	struct ledger_fixture *fixture = malloc(sizeof(*fixture));

	ledger_setup(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	ledger_teardown(*state);
	free(*state);
	return 0;
}

static void open_ahead(
    struct ledger_fixture *fixture, uint64_t first, uint64_t end, unsigned thread_count, struct ahead **ret_ahead)
{
	struct ahead_task task = {
	    .store = fixture->store, .first = first, .end = end, .thread_count = thread_count, .original = NULL};

	assert_int_equal(ahead_open(&task, ret_ahead), OK);
}

/* Rows that are no entries: they are handed on with what they are. */
static void put_rows(struct ledger_fixture *fixture, uint64_t count)
{
	uint8_t key[STATE_U64_SIZE];

	for (uint64_t i = 0; i < count; i++)
		store_put(fixture->txn, STORE_ENTRIES, state_u64(i, key), slice_of(&i, sizeof(i)));
	ledger_commit(fixture);
}

static void takes_runs_in_order(void **state)
{
	static const uint64_t gap = 700, end = 20 * AHEAD_RUN_ENTRIES + 3;
	struct ledger_fixture *fixture = *state;
	uint8_t key[STATE_U64_SIZE];

	put_rows(fixture, end);
	store_delete(fixture->txn, STORE_ENTRIES, state_u64(gap, key));
	store_put(fixture->txn, STORE_ENTRIES, slice_of("\0\0\0", 3), slice_text("no index"));
	ledger_commit(fixture);
	for (unsigned threads = 1; threads < 6; threads += 2) {
		struct ahead *ahead;
		uint64_t index = 5;

		open_ahead(fixture, index, end, threads, &ahead);
		while (index < end) {
			struct ahead_run *run = ahead_take(ahead);

			assert_non_null(run);
			assert_int_equal(run->err, OK);
			assert_int_equal(run->first, index);
			for (size_t i = 0; i < run->count; i++, index++) {
				assert_int_equal(run->items[i].bytes.size, index == gap ? 0 : sizeof(index));
				if (index != gap) {
					assert_memory_equal(run->items[i].bytes.data, &index, sizeof(index));
					assert_int_not_equal(run->items[i].err, OK);
				}
			}
			ahead_give_back(ahead, run);
		}
		assert_int_equal(index, end);
		ahead_close(ahead);
	}
}

/* Waits until so many runs are there, and a little longer for one too many. */
static void expect_waiting(struct ahead *ahead, size_t want)
{
	for (unsigned turn = 0; turn < WAIT_TURNS && ahead_waiting(ahead) < want; turn++)
		usleep(1000);
	usleep(20000);
	assert_int_equal(ahead_waiting(ahead), want);
}

static void reads_no_further_ahead_than_the_window(void **state)
{
	struct ledger_fixture *fixture = *state;

	put_rows(fixture, (VERIFY_AHEAD_MAX + 1) * AHEAD_RUN_ENTRIES);
	for (uint64_t count = VERIFY_AHEAD_MAX - 1; count <= VERIFY_AHEAD_MAX + 1; count++) {
		struct ahead_run *run;
		struct ahead *ahead;

		open_ahead(fixture, 0, count * AHEAD_RUN_ENTRIES, 2, &ahead);
		expect_waiting(ahead, count <= VERIFY_AHEAD_MAX ? count : VERIFY_AHEAD_MAX);
		/* One that was taken makes room for another, though it was not given back. */
		run = ahead_take(ahead);
		expect_waiting(ahead, count - 1);
		ahead_give_back(ahead, run);
		ahead_close(ahead);
	}
}

/* Of every kind of entry what it carries, and signatures by keys that are known by then. */
static void reads_what_entries_carry(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ahead *ahead;
	struct ahead_run *run;
	size_t proven_count = 0, kinds[8] = {0};

	ledger_fill(fixture);
	ledger_commit(fixture);
	struct ahead_task task = {.original = fixture->txn, .end = fixture->ledger.head.size};

	assert_int_equal(ahead_open(&task, &ahead), OK);
	for (size_t i = 0; i < LEDGER_OFFICERS; i++)
		ahead_add_key(ahead, signer_key(fixture->officers[i]));
	run = ahead_take(ahead);
	assert_int_equal(run->count, fixture->ledger.head.size);
	for (size_t i = 0; i < run->count; i++) {
		const struct ahead_item *item = &run->items[i];

		assert_int_equal(item->err, OK);
		assert_int_equal(item->content_err, OK);
		kinds[item->entry.kind]++;
		if (item->entry.kind == ENTRY_ORDER) {
			assert_int_equal(slice_text(item->plan->order.id).size > 0, true);
			proven_count += item->plan->note.signatures[0].proven_by != NULL;
		}
		if (item->entry.kind == ENTRY_PUSH)
			assert_null(item->note->signatures[0].proven_by); /* no venue's key was told */
		if (item->entry.kind == ENTRY_RECORD) {
			struct hash leaf = hash_leaf(item->entry.record.record);

			assert_memory_equal(&item->record_leaf, &leaf, sizeof(leaf));
		}
	}
	assert_int_equal(proven_count, kinds[ENTRY_ORDER]);
	assert_true(kinds[ENTRY_PUSH] > 0 && kinds[ENTRY_RECORD] > 0 && kinds[ENTRY_ORDER] > 0);
	ahead_give_back(ahead, run);
	ahead_close(ahead);
}

/* Entries that can't be read are not entries that are absent. */
static void hands_on_that_the_store_can_not_be_read(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ahead_task task = {.original = fixture->txn, .end = 1};
	struct ahead_run *run;
	struct ahead *ahead;

	store_fail(fixture->txn, ERR_DAMAGED);
	assert_int_equal(ahead_open(&task, &ahead), OK);
	run = ahead_take(ahead);
	assert_non_null(run);
	assert_int_equal(run->err, ERR_DAMAGED);
	ahead_give_back(ahead, run);
	ahead_close(ahead);
}

/* It may be closed while threads wait for room, or read. */
static void stops_at_any_time(void **state)
{
	struct ledger_fixture *fixture = *state;

	put_rows(fixture, (VERIFY_AHEAD_MAX + 20) * AHEAD_RUN_ENTRIES);
	for (unsigned i = 0; i < 20; i++) {
		struct ahead *ahead;

		open_ahead(fixture, 0, (VERIFY_AHEAD_MAX + 20) * AHEAD_RUN_ENTRIES, 3, &ahead);
		if (i % 3 == 0)
			ahead_give_back(ahead, ahead_take(ahead));
		usleep(i * 300);
		ahead_close(ahead);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(takes_runs_in_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(reads_no_further_ahead_than_the_window, setup, teardown),
	    cmocka_unit_test_setup_teardown(reads_what_entries_carry, setup, teardown),
	    cmocka_unit_test_setup_teardown(hands_on_that_the_store_can_not_be_read, setup, teardown),
	    cmocka_unit_test_setup_teardown(stops_at_any_time, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

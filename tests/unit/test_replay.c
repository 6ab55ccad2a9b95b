/* Replays: of a whole ledger, and of one with a byte, an entry or an order of entries changed. */
#define LEDGER_PUSH_RECORDS 10500
#include "ledger_full.h"

#include "daemon/replay.h"

#define STEP 11 /* every so many bytes one is changed: a prime, so that all kinds of places are met */

struct outcome {
	enum err err;
	enum finding_kind kind;
	struct why why;
	struct replay_counts counts;
	struct hash digest, root;
};

static int setup(void **state)
{
	struct ledger_fixture *fixture = malloc(sizeof(*fixture));

	ledger_setup(fixture);
	ledger_fill(fixture);
	*state = fixture;
	return 0;
}

static int setup_empty(void **state)
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

/* Replays what the fixture's transaction shows into a scratch store, or on from what is in it. */
static struct outcome replay_into(
    struct ledger_fixture *fixture, struct store *scratch, const struct replay_progress *progress)
{
	struct outcome outcome = {.why = {""}};
	struct ledger_head head = {.size = 0};
	struct finding finding = {.kind = FINDING_NONE};
	struct replay_task task = {.original = fixture->txn, .scratch = scratch, .head = &head, .progress = *progress};
	struct store_txn *txn;

	assert_int_equal(ledger_read_head(fixture->txn, &head), OK);
	task.size = head.size;
	outcome.err = replay_run(&task, &outcome.counts, &finding);
	outcome.kind = finding.kind;
	outcome.why = finding.why;
	assert_int_equal(store_read(scratch, &txn), OK);
	store_borrow_entries(txn, fixture->txn);
	if (outcome.err == OK) {
		assert_int_equal(ledger_read_head(txn, &head), OK);
		outcome.root = frontier_root(&head.frontier);
		outcome.digest = ledger_digest(txn);
	}
	store_abort(txn);
	return outcome;
}

static struct outcome replay_with(struct ledger_fixture *fixture, const struct replay_progress *progress)
{
	char folder[] = "/tmp/subsidyd-test-XXXXXX";
	struct outcome outcome;
	struct store *scratch;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(store_open(folder, LEDGER_MAP_SIZE, STORE_SCRATCH, &scratch, &fixture->why), OK);
	outcome = replay_into(fixture, scratch, progress);
	store_close(scratch);
	ledger_remove_folder(folder);
	return outcome;
}

static struct outcome replay(struct ledger_fixture *fixture)
{
	static const struct replay_progress silent = {0};

	return replay_with(fixture, &silent);
}

static void gives_the_same_ledger_again(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct outcome outcome = replay(fixture);
	struct hash digest = ledger_digest(fixture->txn);

	if (outcome.err != OK)
		fail_msg("%s", outcome.why.text);
	assert_memory_equal(&outcome.digest, &digest, sizeof(digest)); /* every row of every database */
	assert_int_equal(outcome.counts.entries, fixture->ledger.head.size);
	assert_int_equal(outcome.counts.records, 11);
	assert_int_equal(outcome.counts.pushes, 4);
	assert_int_equal(outcome.counts.orders, 22);
	assert_int_equal(outcome.counts.evidence, 1);
}

static struct slice entry_key(uint64_t index, uint8_t ret_key[static STATE_U64_SIZE])
{
	return state_u64(index, ret_key);
}

static void put_entry(struct ledger_fixture *fixture, uint64_t index, struct slice bytes)
{
	uint8_t key[STATE_U64_SIZE];

	store_put(fixture->txn, STORE_ENTRIES, entry_key(index, key), bytes);
	assert_int_equal(store_error(fixture->txn), OK);
}

/* A copy of the bytes, for values don't outlive a put. */
static size_t copy_entry(struct ledger_fixture *fixture, uint64_t index, uint8_t ret_bytes[static ENTRY_SIZE_MAX])
{
	struct slice bytes;

	assert_true(ledger_bytes(fixture->txn, index, &bytes));
	memcpy(ret_bytes, bytes.data, bytes.size);
	return bytes.size;
}

/* The kind, and the very entry. */
static void expect_finding(
    const struct outcome *outcome, enum finding_kind kind, uint64_t index, const char *what, size_t place)
{
	char start[40];

	snprintf(start, sizeof(start), "entry %llu: ", (unsigned long long)index);
	if (outcome->err != ERR_DAMAGED || outcome->kind != kind ||
	    strncmp(outcome->why.text, start, strlen(start)) != 0)
		fail_msg("%s %llu, place %zu: %s, %s, \"%s\"", what, (unsigned long long)index, place,
		    err_name(outcome->err), finding_name(outcome->kind), outcome->why.text);
}

static void finds_a_changed_byte_anywhere(void **state)
{
	static uint8_t bytes[ENTRY_SIZE_MAX];
	struct ledger_fixture *fixture = *state;
	uint64_t size = fixture->ledger.head.size;
	size_t skip = 0;

	for (uint64_t index = 0; index < size; index++) {
		size_t entry_size = copy_entry(fixture, index, bytes);

		for (; skip < entry_size; skip += STEP) {
			struct outcome outcome;

			bytes[skip] ^= 1;
			put_entry(fixture, index, slice_of(bytes, entry_size));
			outcome = replay(fixture);
			bytes[skip] ^= 1;
			expect_finding(&outcome, FINDING_INVALID, index, "changed entry", skip);
		}
		skip -= entry_size;
		put_entry(fixture, index, slice_of(bytes, entry_size));
	}
	assert_int_equal(replay(fixture).err, OK);
}

static void finds_a_missing_entry(void **state)
{
	static uint8_t bytes[ENTRY_SIZE_MAX];
	struct ledger_fixture *fixture = *state;
	uint8_t key[STATE_U64_SIZE];

	for (uint64_t index = 0; index < fixture->ledger.head.size; index++) {
		size_t size = copy_entry(fixture, index, bytes);
		struct outcome outcome;

		store_delete(fixture->txn, STORE_ENTRIES, entry_key(index, key));
		outcome = replay(fixture);
		expect_finding(&outcome, index + 1 < fixture->ledger.head.size ? FINDING_GAP : FINDING_MISSING, index,
		    "missing entry", 0);
		put_entry(fixture, index, slice_of(bytes, size));
	}
}

static void finds_swapped_entries(void **state)
{
	static uint8_t first[ENTRY_SIZE_MAX], second[ENTRY_SIZE_MAX];
	struct ledger_fixture *fixture = *state;

	for (uint64_t index = 0; index + 1 < fixture->ledger.head.size; index++) {
		size_t first_size = copy_entry(fixture, index, first),
		       second_size = copy_entry(fixture, index + 1, second);
		struct outcome outcome;

		put_entry(fixture, index, slice_of(second, second_size));
		put_entry(fixture, index + 1, slice_of(first, first_size));
		outcome = replay(fixture);
		expect_finding(&outcome, FINDING_INVALID, index, "swapped entry", 0);
		put_entry(fixture, index, slice_of(first, first_size));
		put_entry(fixture, index + 1, slice_of(second, second_size));
	}
}

static void finds_a_ledger_that_ends_early(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct outcome outcome;

	/* The last entry of all is the push entry of one record. */
	fixture->ledger.head.size--;
	fixture->ledger.head.folded--;
	fixture->ledger.head.frontier.size--;
	memset(fixture->ledger.head.frontier.hashes, 0, sizeof(fixture->ledger.head.frontier.hashes));
	ledger_save(&fixture->ledger, fixture->txn);
	outcome = replay(fixture);
	expect_finding(&outcome, FINDING_MISSING, fixture->ledger.head.size, "cut ledger", 0);
	assert_non_null(strstr(outcome.why.text, "the ledger ends within a command"));
}

/* ---- entries that are well-formed and chained, and yet can't be */

static void append(struct ledger_fixture *fixture, struct entry *entry)
{
	ledger_stamp_now(fixture);
	ledger_append(&fixture->ledger, fixture->txn, entry);
	ledger_save(&fixture->ledger, fixture->txn);
	assert_int_equal(store_error(fixture->txn), OK);
}

static void expect_last(struct ledger_fixture *fixture, const char *reason)
{
	struct outcome outcome = replay(fixture);

	assert_int_equal(outcome.err, ERR_DAMAGED);
	if (strstr(outcome.why.text, reason) == NULL)
		fail_msg("\"%s\", wanted \"%s\"", outcome.why.text, reason);
}

/* Appends an entry of the ledger once more, as if it had come again. */
static void append_again(struct ledger_fixture *fixture, uint64_t index, const char *reason)
{
	struct ledger_fixture *copy = fixture;
	struct arena arena;
	struct entry entry;

	arena_init(&arena, 8u * ENTRY_SIZE_MAX);
	ledger_get(copy, index, &arena, &entry);
	append(copy, &entry);
	expect_last(copy, reason);
	arena_done(&arena);
}

/* A genesis names no entry before it, so a second one breaks the chain; and nothing else may come first. */
static void takes_nothing_but_a_genesis_for_the_first_entry(void **state)
{
	static uint8_t genesis[ENTRY_SIZE_MAX];
	struct ledger_fixture *fixture = *state;
	size_t genesis_size = copy_entry(fixture, 0, genesis);
	struct arena arena;
	struct entry entry;
	struct buf bytes;

	put_entry(fixture, 1, slice_of(genesis, genesis_size));
	expect_last(fixture, "entry 1: the chain breaks here");
	arena_init(&arena, 8u * ENTRY_SIZE_MAX);
	buf_init(&bytes, ENTRY_SIZE_MAX);
	ledger_get(fixture, 2, &arena, &entry);
	memset(&entry.previous, 0, sizeof(entry.previous));
	assert_int_equal(entry_encode(&entry, &bytes), OK);
	put_entry(fixture, 0, buf_slice(&bytes));
	expect_last(fixture, "entry 0: the first entry must be the genesis");
	buf_done(&bytes);
	arena_done(&arena);
}

static void refuses_an_order_that_was_carried_out_before(void **state)
{
	append_again(*state, 1, "the same order was carried out before");
}

static void refuses_a_push_entry_without_records(void **state)
{
	struct ledger_fixture *fixture = *state;

	append_again(fixture, fixture->ledger.head.size - 1, "a push entry without records before it");
}

static void refuses_records_without_their_push_entry(void **state)
{
	struct ledger_fixture *fixture = *state;

	append_again(fixture, fixture->ledger.head.size - 2, "the ledger ends within a command");
}

static void refuses_an_effect_that_its_order_does_not_have(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct arena arena;
	struct entry entry;
	uint64_t index = 0;

	arena_init(&arena, 64u * ENTRY_SIZE_MAX);
	do
		ledger_get(fixture, ++index, &arena, &entry);
	while (entry.kind != ENTRY_EFFECT);
	arena_done(&arena);
	append_again(fixture, index, "an effect that its order does not have");
}

static void refuses_records_that_were_in_the_feed_before(void **state)
{
	struct ledger_fixture *fixture = *state;
	uint64_t size = fixture->ledger.head.size;
	struct arena arena;
	struct entry entry;

	arena_init(&arena, 64u * ENTRY_SIZE_MAX);
	for (uint64_t index = size - 2; index < size; index++) { /* the last record and its push */
		ledger_get(fixture, index, &arena, &entry);
		append(fixture, &entry);
	}
	expect_last(fixture, "its records were in the feed before");
	arena_done(&arena);
}

/* Rewrites an entry with another time, and its successor's link to it. */
static void move_entry(struct ledger_fixture *fixture, uint64_t index, int64_t by_us)
{
	struct hash leaf = {{0}};

	for (uint64_t i = index; i < fixture->ledger.head.size; i++) {
		struct arena arena;
		struct entry entry;
		struct buf bytes;

		arena_init(&arena, 8u * ENTRY_SIZE_MAX);
		buf_init(&bytes, ENTRY_SIZE_MAX);
		ledger_get(fixture, i, &arena, &entry);
		entry.time_us += (uint64_t)by_us;
		if (i > index)
			entry.previous = leaf;
		assert_int_equal(entry_encode(&entry, &bytes), OK);
		leaf = hash_leaf(buf_slice(&bytes));
		put_entry(fixture, i, buf_slice(&bytes));
		buf_done(&bytes);
		arena_done(&arena);
	}
}

static void checks_the_times_of_entries_and_dates_against_them(void **state)
{
	static const int64_t day_us = 86400LL * 1000000;
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	struct hash leaves[1];
	char a[USCI_SIZE + 1], b[USCI_SIZE + 1];
	struct record record;

	/* An order of today, carried out a day late. */
	assert_int_equal(replay(fixture).err, OK);
	move_entry(fixture, 1, day_us);
	expect_last(fixture, "entry 1: the order has expired");
	move_entry(fixture, 1, -day_us);
	assert_int_equal(replay(fixture).err, OK);
	/* At the very time of the entry before, and before it. */
	move_entry(fixture, 1, -1);
	expect_last(fixture, "entry 1: its time does not lie after that of the entry before");
	move_entry(fixture, 1, -1);
	expect_last(fixture, "entry 1: its time does not lie after that of the entry before");
	move_entry(fixture, 1, 2);
	assert_int_equal(replay(fixture).err, OK);
	/* A record of tomorrow, pushed today. */
	fixture_code(1, a);
	fixture_code(2, b);
	record = ledger_trade("T1", a, b, 1000);
	record.trade.settled_on = LEDGER_TODAY + 1;
	fixture->now_us += (uint64_t)day_us + 1000000;
	ledger_push(fixture, signer, "qddex", leaves, 0, &record, 1);
	assert_int_equal(replay(fixture).err, OK);
	move_entry(fixture, 2, -day_us);
	expect_last(fixture, "lies after the day of ingest, 2026-11-24");
	signer_free(signer);
}

static void finds_an_empty_ledger(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger empty;

	store_delete(fixture->txn, STORE_META, slice_text("head"));
	assert_int_equal(ledger_load(&empty, fixture->txn), OK);
	ledger_save(&empty, fixture->txn);
	expect_last(fixture, "the ledger has no entries");
	ledger_done(&empty);
}

static void count_reports(void *cookie, uint64_t done, uint64_t total)
{
	uint64_t *report_count = cookie;

	assert_true(done <= total);
	(*report_count)++;
}

/* More records than the scratch store commits at a time. */
static void replays_a_large_ledger_in_parts(void **state)
{
	static struct record records[LEDGER_PUSH_RECORDS];
	static struct hash leaves[2 * LEDGER_PUSH_RECORDS + 1];
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	char a[USCI_SIZE + 1], b[USCI_SIZE + 1];
	uint64_t report_count = 0;
	struct replay_progress progress = {count_reports, &report_count};
	struct outcome outcome;
	struct hash digest;

	fixture_code(1, a);
	fixture_code(2, b);
	for (size_t i = 0; i < LEDGER_PUSH_RECORDS; i++)
		records[i] = ledger_trade("T1", a, b, 1000);
	ledger_push(fixture, signer, "qddex", leaves, 0, records, LEDGER_PUSH_RECORDS);
	ledger_push(fixture, signer, "qddex", leaves, LEDGER_PUSH_RECORDS, records, LEDGER_PUSH_RECORDS);
	ledger_push(fixture, signer, "qddex", leaves, 2 * LEDGER_PUSH_RECORDS, records, 1);
	outcome = replay_with(fixture, &progress);
	if (outcome.err != OK)
		fail_msg("%s", outcome.why.text);
	digest = ledger_digest(fixture->txn);
	assert_memory_equal(&outcome.digest, &digest, sizeof(digest));
	assert_int_equal(report_count, fixture->ledger.head.size / 4096 + 1); /* and the end */
	signer_free(signer);
}

/* ---- with threads, and on from what was replayed before */

/* The same with threads, from the committed ledger. */
static struct outcome replay_threaded(struct ledger_fixture *fixture, unsigned thread_count)
{
	char folder[] = "/tmp/subsidyd-test-XXXXXX";
	struct outcome outcome = {.why = {""}};
	struct finding finding = {.kind = FINDING_NONE};
	struct ledger_head head;
	struct replay_task task = {.store = fixture->store, .head = &head, .thread_count = thread_count};
	struct store_txn *txn;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(store_open(folder, LEDGER_MAP_SIZE, STORE_SCRATCH, &task.scratch, &fixture->why), OK);
	assert_int_equal(store_read(fixture->store, &task.original), OK);
	assert_int_equal(ledger_read_head(task.original, &head), OK);
	task.size = head.size;
	outcome.err = replay_run(&task, &outcome.counts, &finding);
	outcome.kind = finding.kind;
	outcome.why = finding.why;
	assert_int_equal(store_read(task.scratch, &txn), OK);
	store_borrow_entries(txn, task.original);
	if (outcome.err == OK)
		outcome.digest = ledger_digest(txn);
	store_abort(txn);
	store_abort(task.original);
	store_close(task.scratch);
	ledger_remove_folder(folder);
	return outcome;
}

/* Pushes of many sizes: runs that end within one, and several in a run. */
static void push_many(struct ledger_fixture *fixture)
{
	static const size_t sizes[] = {1, 300, 1, 1, 254, 255, 256, 257, 1000, 2, 3};
	static struct record records[1000];
	static struct hash leaves[8000];
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "mdex");
	char a[USCI_SIZE + 1], b[USCI_SIZE + 1];
	uint64_t start = 0;

	fixture_code(1, a);
	fixture_code(2, b);
	for (size_t i = 0; i < 1000; i++)
		records[i] = ledger_trade("T1", a, b, 1000);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); start += sizes[i++])
		ledger_push(fixture, signer, "mdex", leaves, start, records, sizes[i]);
	signer_free(signer);
}

static void finds_the_same_with_any_number_of_threads(void **state)
{
	static const unsigned counts[] = {0, 1, 2, 7};
	static uint8_t bytes[ENTRY_SIZE_MAX];
	struct ledger_fixture *fixture = *state;
	struct hash digest;

	push_many(fixture);
	digest = ledger_digest(fixture->txn);
	ledger_commit(fixture);
	for (size_t i = 0; i < 4; i++) {
		struct outcome outcome = replay_threaded(fixture, counts[i]);

		if (outcome.err != OK)
			fail_msg("%u threads: %s", counts[i], outcome.why.text);
		assert_memory_equal(&outcome.digest, &digest, sizeof(digest));
	}
	/* Two wrong entries: the first is named, whoever was at the second first. */
	for (uint64_t index = 3; index < fixture->ledger.head.size - 1; index += 331) {
		uint64_t places[] = {index, fixture->ledger.head.size - 1};

		for (size_t i = 0; i < 2; i++) {
			size_t size = copy_entry(fixture, places[i], bytes);

			bytes[size / 2] ^= 1;
			put_entry(fixture, places[i], slice_of(bytes, size));
		}
		ledger_commit(fixture);
		for (size_t i = 0; i < 4; i++) {
			struct outcome outcome = replay_threaded(fixture, counts[i]);

			expect_finding(&outcome, FINDING_INVALID, index, "first of two", counts[i]);
		}
		for (size_t i = 0; i < 2; i++) {
			size_t size = copy_entry(fixture, places[i], bytes);

			bytes[size / 2] ^= 1;
			put_entry(fixture, places[i], slice_of(bytes, size));
		}
	}
	ledger_commit(fixture);
	assert_int_equal(replay_threaded(fixture, 2).err, OK);
}

static void goes_on_from_what_was_replayed_before(void **state)
{
	static const struct replay_progress silent = {0};
	static uint8_t bytes[ENTRY_SIZE_MAX];
	struct ledger_fixture *fixture = *state;
	char folder[] = "/tmp/subsidyd-test-XXXXXX";
	struct outcome outcome;
	struct store *scratch;
	struct hash digest;
	uint64_t held = fixture->ledger.head.size;
	size_t size;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(store_open(folder, LEDGER_MAP_SIZE, STORE_SCRATCH, &scratch, &fixture->why), OK);
	assert_int_equal(replay_into(fixture, scratch, &silent).err, OK);
	/* Nothing new. */
	outcome = replay_into(fixture, scratch, &silent);
	assert_int_equal(outcome.err, OK);
	assert_int_equal(outcome.counts.held, held);
	assert_int_equal(outcome.counts.entries, 0);
	/* The last entry, which no other holds a hash of: the root that was kept tells. */
	size = copy_entry(fixture, held - 1, bytes);
	bytes[size - 3] ^= 1;
	put_entry(fixture, held - 1, slice_of(bytes, size));
	outcome = replay_into(fixture, scratch, &silent);
	expect_finding(&outcome, FINDING_INVALID, held - 1, "changed last", 0);
	bytes[size - 3] ^= 1;
	put_entry(fixture, held - 1, slice_of(bytes, size));
	/* Each entry before is looked at. */
	push_many(fixture);
	for (uint64_t index = 0; index < held; index += index + 5 < held ? 4 : 1) {
		size = copy_entry(fixture, index, bytes);
		bytes[size - 3] ^= 1;
		put_entry(fixture, index, slice_of(bytes, size));
		outcome = replay_into(fixture, scratch, &silent);
		expect_finding(&outcome, FINDING_INVALID, index, "changed before", 0);
		bytes[size - 3] ^= 1;
		put_entry(fixture, index, slice_of(bytes, size));
	}
	outcome = replay_into(fixture, scratch, &silent);
	if (outcome.err != OK)
		fail_msg("%s", outcome.why.text);
	digest = ledger_digest(fixture->txn);
	assert_memory_equal(&outcome.digest, &digest, sizeof(digest));
	assert_int_equal(outcome.counts.held, held);
	assert_int_equal(outcome.counts.entries, fixture->ledger.head.size - held);
	store_close(scratch);
	ledger_remove_folder(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(gives_the_same_ledger_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_changed_byte_anywhere, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_missing_entry, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_swapped_entries, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_ledger_that_ends_early, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_nothing_but_a_genesis_for_the_first_entry, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_an_order_that_was_carried_out_before, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_push_entry_without_records, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_records_without_their_push_entry, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_an_effect_that_its_order_does_not_have, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_records_that_were_in_the_feed_before, setup, teardown),
	    cmocka_unit_test_setup_teardown(checks_the_times_of_entries_and_dates_against_them, setup_empty, teardown),
	    cmocka_unit_test_setup_teardown(finds_an_empty_ledger, setup_empty, teardown),
	    cmocka_unit_test_setup_teardown(replays_a_large_ledger_in_parts, setup_empty, teardown),
	    cmocka_unit_test_setup_teardown(finds_the_same_with_any_number_of_threads, setup, teardown),
	    cmocka_unit_test_setup_teardown(goes_on_from_what_was_replayed_before, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

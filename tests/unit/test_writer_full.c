/* The writer fills a map to its end: no commit meets the end half way, and a larger map is all it takes to go on. */
#define LEDGER_MAP_SIZE MAP_SIZE_MIN
#define LEDGER_PUSH_RECORDS 4000
#include "writer_bench.h"

#include "daemon/gate.h"

#define PARTIES 500
#define SMALL_PUSH 400
#define RECORDS_MAX 200000u

/* Records whose rows lie far apart: numbers, parties and months in no order. */
static struct record scattered[LEDGER_PUSH_RECORDS];
static char numbers[LEDGER_PUSH_RECORDS][20], codes[PARTIES][USCI_SIZE + 1];
static struct hash leaves[RECORDS_MAX];

static uint32_t scatter(uint32_t i)
{
	return i * 2654435761u; /* a permutation of 32 bits */
}

static struct job *scattered_job(struct bench *bench, uint64_t start, size_t count)
{
	struct ledger_push push = {.signer = bench->venue_signer,
	    .venue = "qddex",
	    .start = start,
	    .records = scattered,
	    .record_count = count,
	    .earlier = leaves};

	assert_true(start + count <= RECORDS_MAX);
	for (size_t i = 0; i < count; i++) {
		uint32_t number = scatter((uint32_t)(start + i));

		snprintf(numbers[i], sizeof(numbers[i]), "N%08x", number);
		scattered[i] =
		    ledger_trade(numbers[i], codes[number % PARTIES], codes[(number / PARTIES + 1) % PARTIES], 1000);
		scattered[i].trade.settled_on = 20230101 + 10000 * (number % 3) + 100 * (number % 11);
		scattered[i].trade.signed_on = scattered[i].trade.settled_on;
		leaves[start + i] = ledger_leaf_of(&scattered[i]);
	}
	return push_job(bench, &push);
}

static void reopen(struct bench *bench, uint64_t map_size)
{
	stop(bench);
	store_close(bench->fixture.store);
	assert_int_equal(
	    store_open(bench->fixture.folder, map_size, STORE_OPEN, &bench->fixture.store, &bench->fixture.why), OK);
	start(bench);
}

static struct store_usage current_usage(struct bench *bench)
{
	struct store_usage usage;

	store_usage(bench->fixture.store, &usage);
	return usage;
}

/* Runs it; what was asked for must have been enough, by itself and without the reserve. */
static enum err run_measured(struct bench *bench, struct job *job)
{
	struct gate_group group = {
	    .byte_size = job->bytes.size, .row_count = job->ingest.push.record_count * ROOM_ROWS_PER_RECORD};
	struct store_usage before = current_usage(bench), after;
	uint64_t asked = gate_room_needed(&group, &before) - ROOM_RESERVE;
	enum err err = run(bench, job);

	after = current_usage(bench);
	if (err == OK && after.used_size - before.used_size > asked)
		fail_msg("%llu bytes asked for, %llu taken", (unsigned long long)asked,
		    (unsigned long long)(after.used_size - before.used_size));
	if (err != OK)
		assert_int_equal(after.used_size, before.used_size);
	return err;
}

static void begin(struct bench *bench)
{
	for (unsigned i = 0; i < PARTIES; i++)
		fixture_code(100 + i, codes[i]);
	memcpy(leaves, bench->leaves, 5 * sizeof(leaves[0]));
}

/* Pushes of this size until one is refused; how many records there are then. */
static uint64_t fill(struct bench *bench, uint64_t count, size_t push_records)
{
	for (;;) {
		enum err err = run_measured(bench, scattered_job(bench, count, push_records));

		free_jobs(bench);
		if (err == ERR_DISK_FULL)
			return count;
		assert_int_equal(err, OK);
		count += push_records;
	}
}

static void never_meets_a_full_map_half_way(void **state)
{
	struct bench *bench = *state;
	uint64_t count = 5, size;
	struct writer_counts counts;

	begin(bench);
	for (size_t push_records = LEDGER_PUSH_RECORDS; push_records >= SMALL_PUSH; push_records /= 10)
		count = fill(bench, count, push_records);
	/* Down to the reserve and what the last push asked for. */
	assert_true(current_usage(bench).used_size >
		    LEDGER_MAP_SIZE - ROOM_RESERVE - SMALL_PUSH * ROOM_ROWS_PER_RECORD * 4096 - (1u << 20));
	writer_counts(bench->writer, &counts);
	assert_true(counts.is_read_only && counts.is_room_short);
	size = current_head(bench).size;
	expect_head(bench, size);
	/* A larger map is all it takes. */
	reopen(bench, 2 * LEDGER_MAP_SIZE);
	expect_head(bench, size);
	writer_counts(bench->writer, &counts);
	assert_false(counts.is_read_only);
	assert_int_equal(run_measured(bench, scattered_job(bench, count, LEDGER_PUSH_RECORDS)), OK);
	expect_head(bench, size + LEDGER_PUSH_RECORDS + 1);
}

/* Somebody lowers map_size below what the ledger holds already: it is read, and nothing is written. */
static void reads_on_in_a_map_smaller_than_the_ledger(void **state)
{
	struct bench *bench = *state;
	struct writer_counts counts;
	uint64_t size;

	begin(bench);
	assert_int_equal(run(bench, scattered_job(bench, 5, LEDGER_PUSH_RECORDS)), OK);
	size = current_head(bench).size;
	reopen(bench, 1u << 20);
	assert_true(current_usage(bench).used_size > 1u << 20);
	expect_head(bench, size);
	writer_counts(bench->writer, &counts);
	assert_int_equal(counts.read_only_cause, ERR_DISK_FULL);
	assert_int_equal(run(bench, scattered_job(bench, 5 + LEDGER_PUSH_RECORDS, 1)), ERR_DISK_FULL);
	expect_head(bench, size);
	reopen(bench, LEDGER_MAP_SIZE);
	assert_int_equal(run(bench, scattered_job(bench, 5 + LEDGER_PUSH_RECORDS, 1)), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(never_meets_a_full_map_half_way, setup, teardown),
	    cmocka_unit_test_setup_teardown(reads_on_in_a_map_smaller_than_the_ledger, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

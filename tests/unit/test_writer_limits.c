/* The writer at its limits: what fits a group, what may wait, when nothing may be written, and how it ends. */
#define LEDGER_MAP_SIZE (1u << 30)
#define LEDGER_PUSH_RECORDS 33000
#include "writer_bench.h"

#include <sys/wait.h>

#include "daemon/gate.h"

#define GROUP_HALF (GROUP_RECORDS_MAX / 2)

static void bounds_a_group_by_its_records(void **state)
{
	static struct record many[GROUP_HALF + 1];
	static struct hash leaves[2 * GROUP_HALF + 8];
	struct bench *bench = *state;
	struct ledger_push push = {.signer = bench->venue_signer, .venue = "qddex", .records = many, .earlier = leaves};
	struct writer_counts counts;
	struct hash leaf = ledger_leaf_of(&trades[0]);

	memcpy(leaves, bench->leaves, 5 * sizeof(leaf));
	for (size_t i = 0; i <= GROUP_HALF; i++)
		many[i] = trades[0];
	for (size_t i = 5; i < 2 * GROUP_HALF + 8; i++)
		leaves[i] = leaf;
	block(bench, license_job(bench, "sddex"));
	push.start = 5;
	push.record_count = GROUP_HALF;
	submit(bench, push_job(bench, &push));
	push.start += GROUP_HALF;
	push.record_count = GROUP_HALF - 4; /* the last 4 are of the next push: at the bound with it, one above */
	submit(bench, push_job(bench, &push));
	push.start += push.record_count;
	push.record_count = 4;
	submit(bench, push_job(bench, &push));
	push.start += push.record_count;
	push.record_count = 1;
	submit(bench, push_job(bench, &push));
	unblock(bench);
	receive(bench, 0, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(bench->jobs[i].command.err, OK);
	writer_counts(bench->writer, &counts);
	assert_int_equal(counts.groups, 3);
	assert_int_equal(counts.group_records_max, GROUP_RECORDS_MAX);
}

static void bounds_a_group_by_its_bytes(void **state)
{
	static const struct {
		size_t first, second;
		uint64_t groups;
	} rows[] = {{GROUP_SIZE_MAX / 2, GROUP_SIZE_MAX / 2, 1}, {GROUP_SIZE_MAX / 2, GROUP_SIZE_MAX / 2 + 1, 2},
	    {GROUP_SIZE_MAX + 1, 1, 2}};
	struct bench *bench = *state;
	struct writer_counts before, after;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct job *ahead = trades_job(bench, 5 + i, 1), *first = trades_job(bench, 0, 1),
			   *second = trades_job(bench, 0, 1);

		/* Once decoded, a body is only counted. */
		first->ingest.body.size = rows[i].first;
		second->ingest.body.size = rows[i].second;
		writer_counts(bench->writer, &before);
		block(bench, ahead);
		submit(bench, first);
		submit(bench, second);
		unblock(bench);
		receive(bench, bench->job_count - 3, 3);
		writer_counts(bench->writer, &after);
		if (after.groups - before.groups != rows[i].groups + 1)
			fail_msg("row %zu: %llu groups", i, (unsigned long long)(after.groups - before.groups));
		assert_int_equal(second->command.err, OK);
	}
}

static void takes_no_more_than_may_wait(void **state)
{
	struct bench *bench = *state;
	struct job *further;

	block(bench, license_job(bench, "sddex"));
	for (size_t i = 0; i < COMMANDS_WAITING_MAX; i++)
		submit(bench, trades_job(bench, 0, 1));
	further = trades_job(bench, 0, 1);
	assert_int_equal(writer_submit(bench->writer, &further->command), ERR_OVERLOADED);
	unblock(bench);
	receive(bench, 0, 1 + COMMANDS_WAITING_MAX);
	assert_int_equal(run(bench, further), OK);
}

static void finishes_what_was_submitted_before_it_stops(void **state)
{
	struct bench *bench = *state;
	uint64_t size = current_head(bench).size;
	struct job *late = trades_job(bench, 0, 1);
	struct mail *mail;
	size_t count = 0;

	block(bench, trades_job(bench, 5, 1));
	for (size_t i = 0; i < 4; i++)
		submit(bench, trades_job(bench, 6 + i, 1));
	unblock(bench);
	writer_stop(bench->writer);
	assert_int_equal(writer_submit(bench->writer, &late->command), ERR_STOPPING);
	for (mail = mailbox_take(bench->finished); mail != NULL; mail = mail->next) {
		assert_int_equal(mail_of(mail, struct command, mail)->err, OK);
		count++;
	}
	assert_int_equal(count, 5);
	expect_head(bench, size + 10);
	writer_free(bench->writer);
	bench->writer = NULL;
}

/* ---- read-only */

static void expect_read_only(struct bench *bench, struct job *job, enum err cause)
{
	uint64_t size = current_head(bench).size;
	struct writer_counts counts;
	struct store_txn *txn;

	if (run(bench, job) != cause)
		fail_msg("%s: %s", err_name(job->command.err), job->command.why.text);
	assert_true(job->command.why.text[0] != '\0');
	assert_int_equal(current_head(bench).size, size);
	writer_counts(bench->writer, &counts);
	assert_true(counts.is_read_only);
	assert_int_equal(counts.read_only_cause, cause);
	assert_int_equal(store_read(bench->fixture.store, &txn), OK);
	assert_int_equal(ledger_size(txn), size);
	store_abort(txn);
}

static void reopen(struct bench *bench, uint64_t map_size)
{
	stop(bench);
	store_close(bench->fixture.store);
	assert_int_equal(
	    store_open(bench->fixture.folder, map_size, STORE_OPEN, &bench->fixture.store, &bench->fixture.why), OK);
	start(bench);
}

static void goes_on_reading_when_room_is_short(void **state)
{
	struct bench *bench = *state;
	struct job *job;
	struct store_usage usage;
	uint64_t asked;

	reopen(bench, ROOM_RESERVE);
	expect_read_only(bench, trades_job(bench, 5, 2), ERR_DISK_FULL);
	/* To the byte: what is in use, the reserve, and what the group may need. */
	store_usage(bench->fixture.store, &usage);
	job = trades_job(bench, 5, 2);
	asked = usage.used_size +
		gate_room_needed(
		    &(struct gate_group){.byte_size = job->bytes.size, .row_count = 2 * ROOM_ROWS_PER_RECORD}, &usage);
	reopen(bench, asked - asked % 4096);
	expect_read_only(bench, job, ERR_DISK_FULL);
	reopen(bench, asked - asked % 4096 + 4096);
	job = trades_job(bench, 5, 2);
	assert_int_equal(run(bench, job), OK);
	job = trades_job(bench, 5, 2); /* even a retry: nothing is looked at when nothing may be written */
	job->ingest.body.size = LEDGER_MAP_SIZE;
	expect_read_only(bench, job, ERR_DISK_FULL);
	reopen(bench, LEDGER_MAP_SIZE);
	assert_int_equal(run(bench, trades_job(bench, 7, 2)), OK);
}

static void stops_writing_while_the_clock_is_ahead(void **state)
{
	struct bench *bench = *state;
	uint64_t start_us = atomic_load(&wall_us), day_us = CLOCK_AHEAD_MAX_S * 1000000ULL;
	struct writer_counts counts;

	atomic_fetch_add(&monotonic_us, 1000);
	atomic_store(&wall_us, start_us + 1000 + day_us + 1);
	expect_read_only(bench, trades_job(bench, 5, 1), ERR_CLOCK);
	atomic_store(&wall_us, start_us + 1000 + day_us);
	assert_int_equal(run(bench, trades_job(bench, 5, 1)), OK);
	writer_counts(bench->writer, &counts);
	assert_false(counts.is_read_only);
	/* Backwards is no reason: the ledger sequences on. */
	atomic_store(&wall_us, start_us - day_us);
	assert_int_equal(run(bench, trades_job(bench, 6, 1)), OK);
}

/* In a process of its own: the group that met damage is not acknowledged, and the process ends. */
static void ends_the_process_on_damage(void **state)
{
	struct bench *bench = *state;
	int status;
	pid_t child;

	stop(bench); /* a child has none of its parent's threads */
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		void *own_state;
		struct bench *own;
		uint8_t key[12] = {0, 0, 0, 1};

		fclose(stderr);
		setup(&own_state);
		own = own_state;
		assert_int_equal(store_write(own->fixture.store, &own->block), OK);
		store_delete(own->block, STORE_PUSHES, slice_of(key, sizeof(key)));
		assert_int_equal(store_commit(own->block), OK);
		own->block = NULL;
		ledger_remove_folder(own->fixture.folder); /* the open files live on */
		unlink(own->guard_path);
		submit(own, trades_job(own, 0, 5));
		(void)mailbox_wait(own->finished, WAIT_MS);
		_exit(77); /* it came back */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(bounds_a_group_by_its_records, setup, teardown),
	    cmocka_unit_test_setup_teardown(bounds_a_group_by_its_bytes, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_no_more_than_may_wait, setup, teardown),
	    cmocka_unit_test_setup_teardown(finishes_what_was_submitted_before_it_stops, setup, teardown),
	    cmocka_unit_test_setup_teardown(goes_on_reading_when_room_is_short, setup, teardown),
	    cmocka_unit_test_setup_teardown(stops_writing_while_the_clock_is_ahead, setup, teardown),
	    cmocka_unit_test_setup_teardown(ends_the_process_on_damage, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

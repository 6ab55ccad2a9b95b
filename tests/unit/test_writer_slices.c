/* A distrust in the writer: its slices are commands of the writer's own, between those of others. */
#include <pthread.h>
#include <time.h>

#include "writer_bench.h"

/* Begins anew with slices of so many trades. */
static void restart(struct bench *bench, uint64_t trades_max, uint64_t look_max)
{
	if (bench->writer != NULL)
		stop(bench);
	bench->slice_trades_max = trades_max;
	bench->slice_look_max = look_max;
	start(bench);
}

static struct job *distrust_job(struct bench *bench)
{
	char vkey[KEY_VKEY_SIZE];

	key_format(signer_key(bench->venue_signer), vkey);
	return order_job(bench,
	    (struct ledger_order){.type = ORDER_VENUE_DISTRUST,
		.body = json_pack("{s:s,s:s,s:i,s:s}", "venue", "qddex", "key", vkey, "from", 1, "reason", "stolen"),
		.made_at_size = 2,
		.signers = {1 + OFFICER_LI, 1 + OFFICER_ZHAO}});
}

static struct distrust read_row(struct bench *bench, uint64_t order_index)
{
	struct distrust distrust;
	struct store_txn *txn;

	assert_int_equal(store_read(bench->fixture.store, &txn), OK);
	assert_true(distrust_get(txn, order_index, &distrust));
	store_abort(txn);
	return distrust;
}

static void wait_until_done(struct bench *bench, uint64_t order_index)
{
	for (unsigned waited_ms = 0; !read_row(bench, order_index).is_done; waited_ms++) {
		assert_true(waited_ms < WAIT_MS);
		usleep(1000);
	}
}

/* The counts follow the commit: wait for the last of them. */
static struct writer_counts wait_for_counts(struct bench *bench)
{
	struct writer_counts counts;

	for (unsigned waited_ms = 0;; waited_ms++) {
		writer_counts(bench->writer, &counts);
		if (counts.distrusts_pending == 0)
			return counts;
		assert_true(waited_ms < WAIT_MS);
		usleep(1000);
	}
}

static void holds_all_by_itself_once_it_has_begun(void **state)
{
	struct bench *bench = *state;
	struct writer_counts counts;
	struct job *job;
	uint64_t size;

	restart(bench, 2, 0);
	size = current_head(bench).size;
	job = distrust_job(bench);
	assert_int_equal(run(bench, job), OK);
	assert_int_equal(job->command.index, size);
	wait_until_done(bench, size);
	counts = wait_for_counts(bench);
	assert_int_equal(read_row(bench, size).held, 5);
	assert_int_equal(counts.distrust_held, 3); /* two were held with the order */
	assert_true(counts.distrust_slices >= 2);
	assert_int_equal(counts.commands, 1);
	expect_head(bench, size + 6);
}

/* With a group always at hand, a slice follows each of them. */
static void lets_commands_through_between_slices(void **state)
{
	struct bench *bench = *state;
	struct job *first, *second;
	uint64_t index;

	restart(bench, 1, 0);
	first = distrust_job(bench);
	second = license_job(bench, "sddex");
	block(bench, first);
	submit(bench, second);
	unblock(bench);
	receive(bench, 0, 2);
	index = first->command.index;
	assert_int_equal(second->command.err, OK);
	wait_until_done(bench, index);
	/* The order and one trade; then one slice at the most before the licence, though three more were to come. */
	assert_true(second->command.index <= index + 3);
	assert_int_equal(read_row(bench, index).held, 5);
}

static void goes_on_after_a_stop(void **state)
{
	struct bench *bench = *state;
	struct job *job;
	uint64_t index;

	restart(bench, 1, 0);
	job = distrust_job(bench);
	submit(bench, job);
	stop(bench);
	receive(bench, 0, 1);
	assert_int_equal(job->command.err, OK);
	index = job->command.index;
	start(bench);
	wait_until_done(bench, index);
	assert_int_equal(read_row(bench, index).held, 5);
	expect_head(bench, index + 6);
}

static void *stop_beside(void *cookie)
{
	stop(cookie);
	return NULL;
}

/* A stop waits for the commands that came, and for no slices: they may be hours of work. */
static void a_stop_does_not_wait_for_the_slices(void **state)
{
	struct bench *bench = *state;
	struct job *job;
	pthread_t stopper;

	restart(bench, 1, 0);
	job = distrust_job(bench);
	block(bench, job);
	assert_int_equal(pthread_create(&stopper, NULL, stop_beside, bench), 0);
	usleep(500000); /* it has closed the inbox by then, and waits */
	unblock(bench);
	assert_int_equal(pthread_join(stopper, NULL), 0);
	receive(bench, 0, 1);
	assert_int_equal(job->command.err, OK);
	assert_false(read_row(bench, job->command.index).is_done);
	start(bench);
	wait_until_done(bench, job->command.index);
}

static uint64_t cpu_us(void)
{
	struct timespec time;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

/* A slice that finds nothing is committed without an entry, and no head is signed for it. */
static void keeps_how_far_it_has_looked(void **state)
{
	struct bench *bench = *state;
	struct job *job;
	uint64_t index, sequence;

	restart(bench, 0, 1);
	job = distrust_job(bench);
	assert_int_equal(run(bench, job), OK);
	index = job->command.index;
	wait_until_done(bench, index);
	(void)wait_for_counts(bench);
	sequence = guard_sequence(bench->guard);
	assert_int_equal(read_row(bench, index).held, 5);
	assert_int_equal(read_row(bench, index).generation, 0);
	expect_head(bench, index + 6);
	restart(bench, 0, 1);
	assert_int_equal(guard_sequence(bench->guard), sequence);
}

static void waits_while_the_clock_is_in_doubt(void **state)
{
	struct bench *bench = *state;
	struct job *job;
	uint64_t index, used_us;

	restart(bench, 1, 0);
	job = distrust_job(bench);
	block(bench, job);
	/* The group has its time; what follows finds the clock two days ahead. */
	atomic_fetch_add(&wall_us, 2 * 86400ULL * 1000000);
	unblock(bench);
	receive(bench, 0, 1);
	assert_int_equal(job->command.err, OK);
	index = job->command.index;
	usleep(50000);
	assert_int_equal(read_row(bench, index).held, 1);
	assert_false(read_row(bench, index).is_done);
	/* It looks at the clock once a second, not all the time. */
	used_us = cpu_us();
	usleep(500000);
	assert_true(cpu_us() - used_us < 50000);
	atomic_fetch_sub(&wall_us, 2 * 86400ULL * 1000000);
	wait_until_done(bench, index);
	assert_int_equal(read_row(bench, index).held, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(holds_all_by_itself_once_it_has_begun, setup, teardown),
	    cmocka_unit_test_setup_teardown(lets_commands_through_between_slices, setup, teardown),
	    cmocka_unit_test_setup_teardown(goes_on_after_a_stop, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_stop_does_not_wait_for_the_slices, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_how_far_it_has_looked, setup, teardown),
	    cmocka_unit_test_setup_teardown(waits_while_the_clock_is_in_doubt, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

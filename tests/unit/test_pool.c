/* Work in workers, ends on the loop, a bound, an orderly stop. */
#include "daemon/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "proto/limits.h"

struct task {
	struct job job;
	pthread_t worker;
	bool is_worked;
	bool is_cancelled;
	int *done_count;
};

static pthread_t loop_thread;
static atomic_bool gate_is_open;
static atomic_int begun_count;

static void work(struct job *job)
{
	struct task *task = (struct task *)job;

	atomic_fetch_add(&begun_count, 1);
	while (!atomic_load(&gate_is_open))
		usleep(100);
	task->worker = pthread_self();
	task->is_worked = true;
}

static void done(struct job *job)
{
	struct task *task = (struct task *)job;

	assert_true(pthread_equal(pthread_self(), loop_thread));
	task->is_cancelled = job->is_cancelled;
	assert_int_equal(task->is_worked, !job->is_cancelled);
	(*task->done_count)++;
}

static struct task tasks[JOBS_WAITING_MAX + WORKERS_MAX + 1], lane_tasks[2][JOBS_WAITING_MAX + WORKERS_MAX + 1];

static struct task *task_of(size_t i, int *done_count)
{
	tasks[i] = (struct task){.job = {.work = work, .done = done}, .done_count = done_count};
	return &tasks[i];
}

static void works_in_workers_and_ends_on_the_loop(void **state)
{
	struct event_base *base = event_base_new();
	struct pool *pool;
	int done_count = 0;

	(void)state;
	loop_thread = pthread_self();
	atomic_store(&gate_is_open, true);
	assert_int_equal(pool_new(base, 2, &pool), OK);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < 20; i++)
			assert_int_equal(pool_submit(pool, &task_of(i, &done_count)->job), OK);
		assert_int_equal(pool_job_count(pool), 20);
		while (pool_job_count(pool) > 0)
			assert_true(event_base_loop(base, EVLOOP_ONCE) >= 0);
		assert_int_equal(done_count, 20 * (round + 1));
		for (size_t i = 0; i < 20; i++)
			assert_false(pthread_equal(tasks[i].worker, loop_thread));
	}
	pool_free(pool);
	event_base_free(base);
}

static void *open_gate_soon(void *cookie)
{
	(void)cookie;
	usleep(100000);
	atomic_store(&gate_is_open, true);
	return NULL;
}

static enum text_language language_at_work;

static void work_in_its_language(struct job *job)
{
	(void)job;
	language_at_work = text_language();
}

static void works_in_the_language_of_the_job(void **state)
{
	struct job job = {.work = work_in_its_language, .language = TEXT_CHINESE};

	(void)state;
	job_run(&job);
	assert_int_equal(language_at_work, TEXT_CHINESE);
	assert_int_equal(text_language(), TEXT_ENGLISH);
	job.language = TEXT_ENGLISH;
	job_run(&job);
	assert_int_equal(language_at_work, TEXT_ENGLISH);
}

static void refuses_beyond_its_bound_and_cancels_at_the_stop(void **state)
{
	struct event_base *base = event_base_new();
	const size_t bound = JOBS_WAITING_MAX + 2;
	struct pool *pool;
	pthread_t opener;
	int done_count = 0;
	size_t worked_count = 0;

	(void)state;
	loop_thread = pthread_self();
	atomic_store(&gate_is_open, false);
	atomic_store(&begun_count, 0);
	assert_int_equal(pool_new(base, 2, &pool), OK);
	for (size_t i = 0; i < bound; i++)
		assert_int_equal(pool_submit(pool, &task_of(i, &done_count)->job), OK);
	assert_int_equal(pool_submit(pool, &task_of(bound, &done_count)->job), ERR_OVERLOADED);
	assert_int_equal(done_count, 0);
	while (atomic_load(&begun_count) < 2)
		usleep(100);
	assert_int_equal(pthread_create(&opener, NULL, open_gate_soon, NULL), 0);
	pool_stop(pool);
	pthread_join(opener, NULL);
	assert_int_equal(done_count, bound);
	assert_int_equal(pool_job_count(pool), 0);
	for (size_t i = 0; i < bound; i++)
		worked_count += tasks[i].is_worked && !tasks[i].is_cancelled;
	assert_int_equal(worked_count, 2); /* those in work when it stopped */
	assert_int_equal(pool_submit(pool, &tasks[0].job), ERR_STOPPING);
	pool_free(pool);
	event_base_free(base);
}

/* ---- lanes */

#define LANE_TASKS 16

/* A job that waits for its own gate, and notes when and where it ran. */
struct lane_task {
	struct job job;
	atomic_bool *gate;
	char name[4];
	pthread_t thread;
};

static atomic_bool gate_of_short, gate_of_long, gate_that_is_open = true;
static atomic_int ran_place, ran_count;
static struct lane_task *ran[LANE_TASKS];

static void work_in_lane(struct job *job)
{
	struct lane_task *task = (struct lane_task *)job;

	atomic_fetch_add(&begun_count, 1);
	while (!atomic_load(task->gate))
		usleep(100);
	task->thread = pthread_self();
	ran[atomic_fetch_add(&ran_place, 1)] = task;
	atomic_fetch_add(&ran_count, 1); /* only now may it be looked at */
}

static void done_in_lane(struct job *job)
{
	assert_false(job->is_cancelled);
}

static void submit_to_lane(struct pool *pool, struct lane_task *task, const char *name, atomic_bool *gate)
{
	*task = (struct lane_task){
	    .job = {.work = work_in_lane, .done = done_in_lane, .is_short = name[0] == 's'}, .gate = gate};
	snprintf(task->name, sizeof(task->name), "%s", name);
	assert_int_equal(pool_submit(pool, &task->job), OK);
}

static void wait_for_count(atomic_int *count, int wanted)
{
	for (int i = 0; i < 100000 && atomic_load(count) < wanted; i++)
		usleep(100);
	assert_int_equal(atomic_load(count), wanted);
}

static void begin_lanes(void)
{
	loop_thread = pthread_self();
	atomic_store(&gate_of_short, false);
	atomic_store(&gate_of_long, false);
	atomic_store(&begun_count, 0);
	atomic_store(&ran_place, 0);
	atomic_store(&ran_count, 0);
}

/* Every worker is in a long job, more of them wait, and short ones are done all the same. */
static void short_jobs_wait_for_no_long_one(void **state)
{
	struct event_base *base = event_base_new();
	struct lane_task tasks_of_lanes[LANE_TASKS];
	struct pool *pool;

	(void)state;
	begin_lanes();
	assert_int_equal(pool_new(base, 2, &pool), OK);
	for (size_t i = 0; i < 6; i++)
		submit_to_lane(pool, &tasks_of_lanes[i], "l", &gate_of_long);
	wait_for_count(&begun_count, 2);
	for (size_t i = 6; i < 10; i++)
		submit_to_lane(pool, &tasks_of_lanes[i], "s", &gate_that_is_open);
	wait_for_count(&ran_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(ran[i]->name, "s");
	assert_int_equal(atomic_load(&begun_count), 6);
	atomic_store(&gate_of_long, true);
	while (pool_job_count(pool) > 0)
		assert_true(event_base_loop(base, EVLOOP_ONCE) >= 0);
	pool_free(pool);
	event_base_free(base);
}

/* Where both wait a worker takes them in turn, so that neither lane starves the other. */
static void workers_take_both_lanes_in_turn(void **state)
{
	static const char *const names[] = {"s1", "s2", "s3", "l1", "l2", "l3"};
	static const char *const wanted[] = {"l0", "s1", "l1", "s2", "l2", "s3", "l3"};
	struct event_base *base = event_base_new();
	struct lane_task tasks_of_lanes[LANE_TASKS];
	struct pool *pool;

	(void)state;
	begin_lanes();
	assert_int_equal(pool_new(base, 1, &pool), OK);
	/* The one that takes both, and then there is only the one for short jobs left. */
	submit_to_lane(pool, &tasks_of_lanes[1], "l0", &gate_of_long);
	wait_for_count(&begun_count, 1);
	submit_to_lane(pool, &tasks_of_lanes[0], "s0", &gate_of_short);
	wait_for_count(&begun_count, 2);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		submit_to_lane(pool, &tasks_of_lanes[2 + i], names[i], &gate_that_is_open);
	atomic_store(&gate_of_long, true);
	wait_for_count(&ran_count, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_string_equal(ran[i]->name, wanted[i]);
		assert_true(pthread_equal(ran[i]->thread, ran[0]->thread));
	}
	atomic_store(&gate_of_short, true);
	while (pool_job_count(pool) > 0)
		assert_true(event_base_loop(base, EVLOOP_ONCE) >= 0);
	assert_false(pthread_equal(tasks_of_lanes[0].thread, ran[0]->thread));
	pool_free(pool);
	event_base_free(base);
}

/* A lane that is full leaves the other its room. */
static void bounds_each_lane_by_itself(void **state)
{
	const size_t bounds[2] = {JOBS_WAITING_MAX + 1, JOBS_WAITING_MAX + 2}; /* long, short */
	struct event_base *base = event_base_new();
	int done_count = 0;
	struct pool *pool;

	(void)state;
	loop_thread = pthread_self();
	atomic_store(&gate_is_open, true);
	assert_int_equal(pool_new(base, 1, &pool), OK);
	for (size_t lane = 0; lane < 2; lane++) {
		for (size_t i = 0; i < bounds[lane]; i++) {
			struct task *task = &lane_tasks[lane][i];

			*task = (struct task){
			    .job = {.work = work, .done = done, .is_short = lane == 1}, .done_count = &done_count};
			assert_int_equal(pool_submit(pool, &task->job), OK);
		}
		tasks[0] = (struct task){.job = {.work = work, .done = done, .is_short = lane == 1}};
		assert_int_equal(pool_submit(pool, &tasks[0].job), ERR_OVERLOADED);
	}
	while (pool_job_count(pool) > 0)
		assert_true(event_base_loop(base, EVLOOP_ONCE) >= 0);
	assert_int_equal(done_count, bounds[0] + bounds[1]);
	pool_free(pool);
	event_base_free(base);
}

static void waits_for_the_job_in_work(void **state)
{
	struct event_base *base = event_base_new();
	struct pool *pool;
	int done_count = 0;

	(void)state;
	loop_thread = pthread_self();
	atomic_store(&gate_is_open, true);
	assert_int_equal(pool_new(base, 1, &pool), OK);
	assert_int_equal(pool_submit(pool, &task_of(0, &done_count)->job), OK);
	usleep(50000); /* it is finished, its end has not been seen */
	assert_int_equal(done_count, 0);
	pool_stop(pool);
	assert_int_equal(done_count, 1);
	assert_true(tasks[0].is_worked);
	assert_false(tasks[0].is_cancelled);
	pool_free(pool);
	event_base_free(base);
}

/* ---- who goes first */

struct noted {
	struct job job;
	atomic_bool is_begun;
	int nice;
};

static void note_priority(struct job *job)
{
	struct noted *noted = (struct noted *)job;

	noted->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
	atomic_store(&noted->is_begun, true);
	while (!job->is_short && !atomic_load(&gate_is_open))
		usleep(100);
}

static void forget(struct job *job)
{
	(void)job;
}

static void lets_those_that_answer_go_first(void **state)
{
	struct event_base *base = event_base_new();
	struct noted long_one = {.job = {.work = note_priority, .done = forget}},
		     short_one = {.job = {.work = note_priority, .done = forget, .is_short = true}};
	int nice = getpriority(PRIO_PROCESS, (id_t)gettid());
	struct pool *pool;

	(void)state;
	atomic_store(&gate_is_open, false);
	assert_int_equal(pool_new(base, 1, &pool), OK);
	assert_int_equal(pool_submit(pool, &long_one.job), OK);
	for (unsigned i = 0; i < 100000 && !atomic_load(&long_one.is_begun); i++)
		usleep(100);
	/* The one thread for all is taken: this runs in the one that has short work only. */
	assert_int_equal(pool_submit(pool, &short_one.job), OK);
	for (unsigned i = 0; i < 100000 && !atomic_load(&short_one.is_begun); i++)
		usleep(100);
	atomic_store(&gate_is_open, true);
	while (pool_job_count(pool) > 0)
		assert_true(event_base_loop(base, EVLOOP_ONCE) >= 0);
	assert_int_equal(long_one.nice, nice + BULK_NICE < 19 ? nice + BULK_NICE : 19);
	assert_int_equal(short_one.nice, nice);
	pool_free(pool);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(works_in_workers_and_ends_on_the_loop),
	    cmocka_unit_test(works_in_the_language_of_the_job),
	    cmocka_unit_test(refuses_beyond_its_bound_and_cancels_at_the_stop),
	    cmocka_unit_test(short_jobs_wait_for_no_long_one),
	    cmocka_unit_test(workers_take_both_lanes_in_turn),
	    cmocka_unit_test(bounds_each_lane_by_itself),
	    cmocka_unit_test(waits_for_the_job_in_work),
	    cmocka_unit_test(lets_those_that_answer_go_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

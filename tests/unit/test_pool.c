/* Work in workers, ends on the loop, a bound, an orderly stop. */
#include "daemon/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
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

static struct task tasks[JOBS_WAITING_MAX + WORKERS_MAX + 1];

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(works_in_workers_and_ends_on_the_loop),
	    cmocka_unit_test(works_in_the_language_of_the_job),
	    cmocka_unit_test(refuses_beyond_its_bound_and_cancels_at_the_stop),
	    cmocka_unit_test(waits_for_the_job_in_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

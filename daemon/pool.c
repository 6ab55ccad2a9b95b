/*
 * Waiting jobs are two lists under the pool's lock, for each worker takes one at a time; finished ones go home through
 * a mailbox, whose eventfd the loop watches. Only the loop thread counts jobs, so the count needs no lock.
 */
#include "daemon/pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <event2/event.h>

#include "daemon/priority.h"
#include "proto/limits.h"

enum lane { LANE_SHORT, LANE_LONG };
#define LANES 2

struct worker {
	struct pool *pool;
	bool is_for_short; /* and for nothing else */
	pthread_t thread;
};

struct pool {
	/* loop thread */
	size_t job_counts[LANES]; /* submitted, `done` not run yet */
	struct event *finished_event;
	bool is_stopped;
	/* under the lock */
	pthread_mutex_t mutex;
	pthread_cond_t waiting, waiting_for_short;
	bool is_short_idle; /* the worker for short jobs waits, and was not called yet */
	struct queue {
		struct mail *first;
		struct mail **last_next;
	} queues[LANES];
	bool is_stopping;
	/* finished jobs on their way to the loop */
	struct mailbox *finished;
	/* constant */
	unsigned worker_count; /* that for short jobs among them */
	struct worker workers[WORKERS_MAX + 1];
};

void job_run(struct job *job)
{
	text_use(job->language);
	job->work(job);
	text_use(TEXT_ENGLISH);
}

static enum lane lane_of(const struct job *job)
{
	return job->is_short ? LANE_SHORT : LANE_LONG;
}

static void queue_init(struct queue *queue)
{
	queue->first = NULL;
	queue->last_next = &queue->first;
}

static struct job *queue_take(struct queue *queue)
{
	struct mail *mail = queue->first;

	if (mail == NULL)
		return NULL;
	queue->first = mail->next;
	if (queue->first == NULL)
		queue->last_next = &queue->first;
	return mail_of(mail, struct job, link);
}

/* Of the lane that it is the turn of, or else of the other. */
static struct job *take(struct pool *pool, const struct worker *worker, enum lane turn)
{
	struct job *job = queue_take(&pool->queues[turn]);

	if (job != NULL || worker->is_for_short)
		return job;
	return queue_take(&pool->queues[turn == LANE_SHORT ? LANE_LONG : LANE_SHORT]);
}

/* The next job, or NULL when the pool stops. */
static struct job *next_job(struct worker *worker, enum lane turn)
{
	struct pool *pool = worker->pool;
	struct job *job = NULL;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->is_stopping && (job = take(pool, worker, turn)) == NULL) {
		if (worker->is_for_short)
			pool->is_short_idle = true;
		pthread_cond_wait(worker->is_for_short ? &pool->waiting_for_short : &pool->waiting, &pool->mutex);
	}
	if (worker->is_for_short)
		pool->is_short_idle = false;
	pthread_mutex_unlock(&pool->mutex);
	return job;
}

static void *run_worker(void *cookie)
{
	struct worker *worker = cookie;
	enum lane turn = LANE_SHORT;
	struct job *job;
	enum err err;

	if (!worker->is_for_short)
		priority_lower();
	while ((job = next_job(worker, turn)) != NULL) {
		if (!worker->is_for_short)
			turn = job->is_short ? LANE_LONG : LANE_SHORT;
		job_run(job);
		/* The mailbox holds as many as can ever be submitted. */
		err = mailbox_send(worker->pool->finished, &job->link);
		assert(err == OK);
	}
	return NULL;
}

static void run_done(struct pool *pool, struct mail *mail)
{
	while (mail != NULL) {
		struct job *job = mail_of(mail, struct job, link);

		mail = mail->next; /* `done` may free the job */
		assert(pool->job_counts[lane_of(job)] > 0);
		pool->job_counts[lane_of(job)]--;
		job->done(job);
	}
}

static void on_finished(evutil_socket_t fd, short what, void *cookie)
{
	struct pool *pool = cookie;

	(void)fd, (void)what;
	run_done(pool, mailbox_take(pool->finished));
}

static void join_workers(struct pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	pool->is_stopping = true;
	pthread_cond_broadcast(&pool->waiting);
	pthread_cond_broadcast(&pool->waiting_for_short);
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->worker_count; i++)
		pthread_join(pool->workers[i].thread, NULL);
}

/* Workers take no signals: those belong to the loop. */
static enum err start_workers(struct pool *pool, unsigned worker_count)
{
	sigset_t all, before;
	enum err err = OK;

	sigfillset(&all);
	sigdelset(&all, SIGBUS); /* of the map; it must not be blocked where it is raised */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->worker_count < worker_count + 1 && err == OK) {
		struct worker *worker = &pool->workers[pool->worker_count];

		*worker = (struct worker){.pool = pool, .is_for_short = pool->worker_count == worker_count};
		if (pthread_create(&worker->thread, NULL, run_worker, worker) == 0)
			pool->worker_count++;
		else
			err = ERR_MEMORY;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

enum err pool_new(struct event_base *base, unsigned worker_count, struct pool **ret_pool)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	enum err err;

	assert(worker_count >= 1 && worker_count <= WORKERS_MAX);
	if (pool == NULL)
		return ERR_MEMORY;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->waiting, NULL);
	pthread_cond_init(&pool->waiting_for_short, NULL);
	for (unsigned i = 0; i < LANES; i++)
		queue_init(&pool->queues[i]);
	err = mailbox_new(LANES * (JOBS_WAITING_MAX + WORKERS_MAX + 1), &pool->finished);
	if (err != OK)
		goto out;
	pool->finished_event = event_new(base, mailbox_fd(pool->finished), EV_READ | EV_PERSIST, on_finished, pool);
	if (pool->finished_event == NULL || event_add(pool->finished_event, NULL) != 0) {
		err = ERR_MEMORY;
		goto out;
	}
	err = start_workers(pool, worker_count);
	if (err == OK)
		*ret_pool = pool;
out:
	if (err != OK)
		pool_free(pool);
	return err;
}

void pool_free(struct pool *pool)
{
	if (pool == NULL)
		return;
	pool_stop(pool);
	if (pool->finished_event != NULL)
		event_free(pool->finished_event);
	mailbox_free(pool->finished);
	pthread_cond_destroy(&pool->waiting);
	pthread_cond_destroy(&pool->waiting_for_short);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

/* One who can take it: the worker for short jobs where it is idle, for it has nothing else to do. */
static void call_worker(struct pool *pool, enum lane lane)
{
	if (lane == LANE_SHORT && pool->is_short_idle) {
		pool->is_short_idle = false;
		pthread_cond_signal(&pool->waiting_for_short);
	} else {
		pthread_cond_signal(&pool->waiting);
	}
}

static size_t workers_for(const struct pool *pool, enum lane lane)
{
	return lane == LANE_SHORT ? pool->worker_count : pool->worker_count - 1;
}

enum err pool_submit(struct pool *pool, struct job *job)
{
	struct queue *queue = &pool->queues[lane_of(job)];

	if (pool->is_stopped)
		return ERR_STOPPING;
	/* Counted by what was submitted and isn't home again, so neither list can outgrow its bound. */
	if (pool->job_counts[lane_of(job)] >= JOBS_WAITING_MAX + workers_for(pool, lane_of(job)))
		return ERR_OVERLOADED;
	job->is_cancelled = false;
	job->link.next = NULL;
	pool->job_counts[lane_of(job)]++;
	pthread_mutex_lock(&pool->mutex);
	*queue->last_next = &job->link;
	queue->last_next = &job->link.next;
	call_worker(pool, lane_of(job));
	pthread_mutex_unlock(&pool->mutex);
	return OK;
}

void pool_stop(struct pool *pool)
{
	struct mail *cancelled[LANES];

	if (pool->is_stopped)
		return;
	pool->is_stopped = true;
	join_workers(pool);
	for (unsigned i = 0; i < LANES; i++) {
		cancelled[i] = pool->queues[i].first;
		queue_init(&pool->queues[i]);
	}
	if (pool->finished != NULL)
		run_done(pool, mailbox_take(pool->finished));
	for (unsigned i = 0; i < LANES; i++) {
		for (struct mail *mail = cancelled[i]; mail != NULL; mail = mail->next)
			mail_of(mail, struct job, link)->is_cancelled = true;
		run_done(pool, cancelled[i]);
	}
	assert(pool_job_count(pool) == 0);
}

size_t pool_job_count(const struct pool *pool)
{
	return pool->job_counts[LANE_SHORT] + pool->job_counts[LANE_LONG];
}

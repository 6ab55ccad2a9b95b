/*
 * Waiting jobs are a list under the pool's lock, for each worker takes one at a time; finished ones go home through
 * a mailbox, whose eventfd the loop watches. Only the loop thread counts jobs, so the count needs no lock.
 */
#include "daemon/pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <event2/event.h>

#include "proto/limits.h"

struct pool {
	/* loop thread */
	size_t job_count; /* submitted, `done` not run yet */
	struct event *finished_event;
	bool is_stopped;
	/* under the lock */
	pthread_mutex_t mutex;
	pthread_cond_t waiting;
	struct mail *first;
	struct mail **last_next;
	bool is_stopping;
	/* finished jobs on their way to the loop */
	struct mailbox *finished;
	/* constant */
	unsigned worker_count;
	pthread_t workers[WORKERS_MAX];
};

void job_run(struct job *job)
{
	text_use(job->language);
	job->work(job);
	text_use(TEXT_ENGLISH);
}

/* The next job in order, or NULL when the pool stops. */
static struct job *next_job(struct pool *pool)
{
	struct mail *mail = NULL;

	pthread_mutex_lock(&pool->mutex);
	while (pool->first == NULL && !pool->is_stopping)
		pthread_cond_wait(&pool->waiting, &pool->mutex);
	if (!pool->is_stopping) {
		mail = pool->first;
		pool->first = mail->next;
		if (pool->first == NULL)
			pool->last_next = &pool->first;
	}
	pthread_mutex_unlock(&pool->mutex);
	return mail == NULL ? NULL : mail_of(mail, struct job, link);
}

static void *run_worker(void *cookie)
{
	struct pool *pool = cookie;
	struct job *job;
	enum err err;

	while ((job = next_job(pool)) != NULL) {
		job_run(job);
		/* The mailbox holds as many as can ever be submitted. */
		err = mailbox_send(pool->finished, &job->link);
		assert(err == OK);
	}
	return NULL;
}

static void run_done(struct pool *pool, struct mail *mail)
{
	while (mail != NULL) {
		struct job *job = mail_of(mail, struct job, link);

		mail = mail->next; /* `done` may free the job */
		assert(pool->job_count > 0);
		pool->job_count--;
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
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->worker_count; i++)
		pthread_join(pool->workers[i], NULL);
}

/* Workers take no signals: those belong to the loop. */
static enum err start_workers(struct pool *pool, unsigned worker_count)
{
	sigset_t all, before;
	enum err err = OK;

	sigfillset(&all);
	sigdelset(&all, SIGBUS); /* of the map; it must not be blocked where it is raised */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->worker_count < worker_count && err == OK) {
		if (pthread_create(&pool->workers[pool->worker_count], NULL, run_worker, pool) == 0)
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
	pool->last_next = &pool->first;
	err = mailbox_new(JOBS_WAITING_MAX + WORKERS_MAX, &pool->finished);
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
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

enum err pool_submit(struct pool *pool, struct job *job)
{
	if (pool->is_stopped)
		return ERR_STOPPING;
	/* Counted by what was submitted and isn't home again, so neither list can outgrow its bound. */
	if (pool->job_count >= (size_t)JOBS_WAITING_MAX + pool->worker_count)
		return ERR_OVERLOADED;
	job->is_cancelled = false;
	job->link.next = NULL;
	pool->job_count++;
	pthread_mutex_lock(&pool->mutex);
	*pool->last_next = &job->link;
	pool->last_next = &job->link.next;
	pthread_cond_signal(&pool->waiting);
	pthread_mutex_unlock(&pool->mutex);
	return OK;
}

void pool_stop(struct pool *pool)
{
	struct mail *cancelled;

	if (pool->is_stopped)
		return;
	pool->is_stopped = true;
	join_workers(pool);
	cancelled = pool->first;
	pool->first = NULL;
	pool->last_next = &pool->first;
	if (pool->finished != NULL)
		run_done(pool, mailbox_take(pool->finished));
	for (struct mail *mail = cancelled; mail != NULL; mail = mail->next)
		mail_of(mail, struct job, link)->is_cancelled = true;
	run_done(pool, cancelled);
	assert(pool->job_count == 0);
}

size_t pool_job_count(const struct pool *pool)
{
	return pool->job_count;
}

/*
 * The workers: a fixed number of threads that run jobs. `work` runs in a worker and may touch only the job and
 * what it was given; `done` runs afterwards on the loop thread, where the pool lives.
 *
 * Jobs are of two lanes. A short one is over within a millisecond or so, as a read or a receipt is; of the others one may
 * take many, as a push of ten thousand records does, or a page of a statement. So that nobody who reads waits for that,
 * one worker more than asked for takes short jobs only. The others take both, in turn where both wait, so that neither
 * lane holds up the other. Jobs of a lane begin in the order of their submission and may finish in any.
 */
#ifndef DAEMON_POOL_H
#define DAEMON_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/mailbox.h"
#include "proto/text.h"

struct event_base;
struct pool;

/* Embedded at the head of, or within, the submitter's own struct; see mail_of(). */
struct job {
	void (*work)(struct job *job);
	void (*done)(struct job *job);
	enum text_language language;	/* of the texts that `work` makes */
	bool is_short;
	bool is_cancelled;		/* set before `done` when the pool stopped before `work` began */
	struct mail link;		/* the pool's */
};

/* Runs `work` in the job's language, in the calling thread. */
void job_run(struct job *job);

/* Starts the threads, and the one for short jobs (1 <= worker_count <= WORKERS_MAX, asserted). ERR_MEMORY, ERR_IO. */
enum err pool_new(struct event_base *base, unsigned worker_count, struct pool **ret_pool) must_check;
/* Stops first where pool_stop was not called. */
void pool_free(struct pool *pool);

/*
 * Loop thread. ERR_OVERLOADED when JOBS_WAITING_MAX jobs of its lane wait beyond as many as there are workers;
 * ERR_STOPPING after pool_stop. The job is then still the caller's and neither function runs; else `done` runs exactly once, never
 * within this call.
 */
enum err pool_submit(struct pool *pool, struct job *job) must_check;

/* Loop thread. Waits for the jobs in work, then runs `done` of all: finished ones, and cancelled ones that had not
 * begun. When it returns no thread and no job is left. */
void pool_stop(struct pool *pool);

/* Jobs submitted whose `done` has not run yet. Loop thread. */
size_t pool_job_count(const struct pool *pool);

#endif

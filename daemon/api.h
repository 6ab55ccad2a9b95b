/*
 * The API: the table of routes, and what all of them share. A request comes in on the loop thread and is answered
 * once: at once where that is short, else by a job in a worker, and what changes the ledger by way of the
 * writer in between. Workers and the writer talk to the loop only, and the loop alone touches struct api, except for
 * what is constant in it.
 */
#ifndef DAEMON_API_H
#define DAEMON_API_H

#include <sys/queue.h>

#include "daemon/access.h"
#include "daemon/cursor.h"
#include "daemon/http.h"
#include "daemon/pool.h"
#include "daemon/writer.h"

struct answers;
struct feed_queue;
struct publisher;
struct push_work;

STAILQ_HEAD(push_list, push_work);

struct api {
	/* Given by the server; not owned, constant. */
	struct store *store;
	struct head_box *head;			/* the newest */
	struct head_box *published;		/* the same box where there are no witnesses */
	struct publisher *publisher;		/* NULL: there are none */
	struct pool *pool;
	struct writer *writer;
	const struct http *http;
	struct ledger_identity identity;
	size_t past_count;		/* ledgers that this one continues, oldest first */
	struct past_ledger {
		char origin[ORIGIN_TEXT_SIZE], ledger_id[LEDGER_ID_SIZE + 1];
		uint64_t size;		/* entries that were taken over */
	} past[CONTINUED_LEDGERS_MAX];
	const struct log_signers *signers;	/* of the ledger's keys */
	/* Ends the daemon: a client has proved that the ledger must not go on. Returns at once. */
	void (*stop)(void *cookie, enum err cause);
	void *cookie;

	/* Set by api_init. */
	struct cursor_secret cursor_secret;

	/* Of the loop thread. */
	struct answers *answers;		/* about enterprises, to be given again */
	LIST_HEAD(, feed_queue) feed_queues;	/* of feeds with a push in work */
	struct push_list stored;		/* pushes that came back from the writer and have no answer under way yet */
	uint64_t last_push_us;			/* wall clock: when one was last taken; 0: not since the start */
	size_t command_count;			/* given to the writer and not back yet */
	uint64_t progress_us;			/* monotonic: when the writer last gave one back, or began to have any */
	bool is_stopping;			/* not ready for new work any more */
	bool is_rolled_back;
	uint64_t refusals[ERR_COUNT];		/* of pushes, orders and cosignatures */
};

/* ERR_MEMORY. */
enum err api_init(struct api *api) must_check;
/* Sets identity and past. ERR_DAMAGED, ERR_MEMORY. */
enum err api_identify(struct api *api, struct store_txn *txn, struct why *why) must_check;
void api_done(struct api *api);
/* The `handle` of every listener; the cookie is the api. */
void api_handle(struct http_request *request, void *cookie);
/* After what the writer gave back was handed out: begins the answers to the pushes among it. Loop thread. */
void api_answer_pushes(struct api *api);

/* Has the writer nothing to do, or given something back within the last `limit_us`? */
bool api_is_alive(const struct api *api, uint64_t limit_us);

/* The table. */
struct reading;
struct route {
	enum http_method method;
	const char *pattern;		/* "{}" stands for one whole segment, the subject; "{*}" at the end for all the rest,
					 * which is the subject where no "{}" stands before it */
	unsigned tags;			/* bits 1 << enum http_tag: the listeners that serve it */
	enum access access;
	const char *const *parameters;	/* known ones, NULL-terminated */
	/* One of: answers the request, now or later, on the loop thread … */
	void (*handle)(struct api *api, struct http_request *request, struct slice subject);
	/* … or makes the body of a GET in a worker, within a read transaction. */
	enum err (*read)(struct reading *reading, struct store_txn *txn);
	bool is_long;			/* to make; no such answer may hold up the others */
	/* Its subject is an enterprise, and of what was found out for an answer something is remembered. */
	bool is_remembered;
};

/*
 * The route of a request. ERR_NOT_FOUND for a path that this listener doesn't serve; ERR_METHOD for one that it serves
 * by other methods, with those in *ret_allowed ("GET, HEAD").
 */
enum err api_route(enum http_tag tag, enum http_method method, struct slice path, const struct route **ret_route,
    struct slice *ret_subject, const char **ret_allowed, struct why *why) must_check;
size_t api_route_count(void);
const struct route *api_route_at(size_t position);

#endif

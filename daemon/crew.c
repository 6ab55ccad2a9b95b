#include "daemon/crew.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

struct member {
	pthread_t thread;
	bool is_started;
	enum err (*work)(void *cookie, unsigned number);
	void *cookie;
	unsigned number;
	enum err err;
};

static void *run_member(void *argument)
{
	struct member *member = argument;

	member->err = member->work(member->cookie, member->number);
	return NULL;
}

enum err crew_run(unsigned count, enum err (*work)(void *cookie, unsigned number), void *cookie)
{
	struct member members[VERIFY_THREADS_MAX];
	enum err err = OK;

	assert(count >= 1 && count <= VERIFY_THREADS_MAX);
	for (unsigned i = 0; i < count; i++) {
		members[i] = (struct member){.work = work, .cookie = cookie, .number = i};
		members[i].is_started = i > 0 && pthread_create(&members[i].thread, NULL, run_member, &members[i]) == 0;
	}
	for (unsigned i = 0; i < count; i++)
		if (!members[i].is_started)
			run_member(&members[i]);
	for (unsigned i = 0; i < count; i++) {
		if (members[i].is_started)
			pthread_join(members[i].thread, NULL);
		if (err == OK)
			err = members[i].err;
	}
	return err;
}

#include "daemon/child.h"

#include <errno.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* In front of the facts, in memory that both processes have. */
struct shared {
	enum err err;
	struct why why;
	alignas(max_align_t) uint8_t facts[]; /* what the work finds, whatever that is */
};

static enum err wait_for(pid_t child, const struct shared *shared, struct why *why)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return why_set(why, ERR_IO, "can't wait for a child process: %s", strerror(errno));
	if (WIFSIGNALED(status))
		return why_set(why, ERR_DAMAGED,
		    "the pages of the data file are broken: reading them ended with signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return why_set(why, ERR_DAMAGED, "the data file could not be read to its end");
	*why = shared->why;
	return shared->err;
}

enum err child_run(enum err (*work)(void *facts, struct why *why), void *facts, size_t facts_size, struct why *why)
{
	size_t size = sizeof(struct shared) + facts_size;
	struct shared *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	enum err err = ERR_MEMORY;
	pid_t child;

	if (shared == MAP_FAILED)
		return ERR_MEMORY;
	memcpy(shared->facts, facts, facts_size);
	/* What waits in a stream would be written by both. */
	fflush(NULL);
	child = fork();
	if (child == 0) {
		shared->err = work(shared->facts, &shared->why);
		_exit(0);
	}
	if (child > 0) {
		err = wait_for(child, shared, why);
		memcpy(facts, shared->facts, facts_size);
	}
	munmap(shared, size);
	return err;
}

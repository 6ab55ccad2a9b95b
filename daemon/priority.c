#include "daemon/priority.h"

#include <sys/resource.h>
#include <unistd.h>

#include "daemon/log.h"
#include "proto/limits.h"

void priority_lower(void)
{
	id_t thread = (id_t)gettid();

	/* Lowering needs no right; where it fails answers are slower while much is pushed, and nothing else. */
	if (setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + BULK_NICE) != 0)
		log_warn("the threads that decode pushes can't be told to come after those that answer");
}

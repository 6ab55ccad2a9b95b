/*
 * Work in a process of its own: LMDB trusts the pages of its file, and broken ones can take down whoever reads them. The
 * parent outlives that and says so.
 */
#ifndef DAEMON_CHILD_H
#define DAEMON_CHILD_H

#include <stddef.h>

#include "proto/err.h"

/*
 * Runs `work` in a child and waits for it. What it finds it writes into `facts` (`facts_size` bytes, no pointers): the
 * parent gets them back, whatever `work` answers, and so the answer and why. ERR_DAMAGED where the child did not live to
 * answer; ERR_MEMORY where none could be started. Only while the process has no other threads.
 */
enum err child_run(enum err (*work)(void *facts, struct why *why), void *facts, size_t facts_size, struct why *why)
    must_check;

#endif

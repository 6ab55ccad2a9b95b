/* Who goes first where there are more threads with something to do than processors. */
#ifndef DAEMON_PRIORITY_H
#define DAEMON_PRIORITY_H

/*
 * From here on this thread comes after the others (BULK_NICE): its work is long, and somebody who waits for an answer
 * does not notice. A thread's own, as nice(2) is on Linux.
 */
void priority_lower(void);

#endif

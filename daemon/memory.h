/*
 * What becomes of a lack of memory inside the libraries, which do not all bear it.
 */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

#include <stdbool.h>

/* First of all, before a library has allocated anything. */
void memory_init(void);

/*
 * Has an allocation of jansson's or OpenSSL's failed in this thread since memory_watch()? What was made or found out
 * meanwhile is then worth nothing: a text that doesn't parse may be right, a signature that doesn't hold may be good.
 */
void memory_watch(void);
bool memory_was_short(void);

#endif

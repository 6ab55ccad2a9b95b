/*
 * Spare memory: large pieces that pushes are done with, kept for the next ones. What the system gives is zeroed page by
 * page as it is touched, which was a twentieth of the work on pushes of 10,000 records.
 *
 * Any thread. What is kept is bounded (SPARE_SIZE_MAX); all else goes back to the system.
 */
#ifndef DAEMON_SPARE_H
#define DAEMON_SPARE_H

#include "proto/bytes.h"

/* At least `size` bytes, not zeroed; NULL on lack of memory. */
void *spare_take(size_t size);
/* `size` as it was asked for. NULL-safe. */
void spare_give(void *memory, size_t size);
/* For arenas whose blocks come from there. */
extern const struct arena_source spare_source;
/* Bytes kept. */
size_t spare_size(void);
/* Gives all that is kept back to the system. */
void spare_clear(void);

#endif

/*
 * The guard: the last signed checkpoint, in a file outside the data folder and outside every backup. It is what
 * notices a ledger that was rolled back, and what keeps a restored copy from signing a second history.
 *
 * One preallocated file with two slots written in turn, each with a hash over it: a write that was cut anywhere
 * leaves the other slot whole. Order of a commit: LMDB commit, sign, guard_write, publish. Held by flock while
 * open. One thread at a time.
 */
#ifndef DAEMON_GUARD_H
#define DAEMON_GUARD_H

#include <stdint.h>

#include "proto/bytes.h"
#include "proto/limits.h"

struct guard;

/* A new file with this note in it, synced with its folder. An existing file is refused: ERR_GUARD. ERR_IO,
 * ERR_DISK_FULL, ERR_MEMORY. */
enum err guard_create(const char *path, struct slice note, struct guard **ret_guard, struct why *why) must_check;
/* ERR_GUARD when the file is missing, is of another kind or holds no whole note; ERR_LOCKED when another process
 * has it; ERR_IO, ERR_MEMORY. */
enum err guard_open(const char *path, struct guard **ret_guard, struct why *why) must_check;
void guard_close(struct guard *guard);

/* Returns after the note (1..CHECKPOINT_SIZE_MAX bytes, asserted) is on disk. After any error the guard must not be
 * written again (asserted): a retry after a failed sync can lie. ERR_IO, ERR_DISK_FULL. */
enum err guard_write(struct guard *guard, struct slice note) must_check;
/* The newest note on disk; valid until the next write. */
struct slice guard_newest(const struct guard *guard);
/* How many notes were written since the file was made, this one included. */
uint64_t guard_sequence(const struct guard *guard);

#endif

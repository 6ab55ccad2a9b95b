/*
 * A copy of the ledger's data file while it is in use, in threads of its own: one reads pages into a pipe, the other one
 * takes them out and writes the file. So a slow or full disk of the copy holds up nobody's commit, and the copy can be
 * ended at any moment, which LMDB itself has no way to.
 */
#ifndef DAEMON_COPY_H
#define DAEMON_COPY_H

#include <stdint.h>

#include "daemon/mailbox.h"

struct store;
struct copy;

/*
 * Begins to copy to `fd`, which stays the caller's and open until the copy is home. When it has ended, whatever the
 * outcome, its mail goes to `finished`. ERR_MEMORY, ERR_IO.
 */
enum err copy_start(struct store *store, int fd, uint64_t limit_ms, struct mailbox *finished, struct copy **ret_copy)
    must_check;
/* Asks it to end soon; it then fails with ERR_STOPPING. Any thread. */
void copy_stop(struct copy *copy);
/* Of mail that came home. */
struct copy *copy_of(struct mail *mail);
/* What it came to: the size written, in bytes. ERR_OVERLOADED where `limit_ms` did not do. */
enum err copy_result(const struct copy *copy, uint64_t *ret_size, struct why *why) must_check;
/* Once it is home. */
void copy_free(struct copy *copy);

#endif

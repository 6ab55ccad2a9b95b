/*
 * A folder that appears whole or not at all: it is filled under a name of its own beside where it shall be, made durable,
 * and renamed. What was broken off is left beside the target as TARGET.partial-XXXXXX where the process could not
 * remove it.
 */
#ifndef CLIENT_STAGE_H
#define CLIENT_STAGE_H

#include "client/client.h"

struct stage;

/* The target must not be there, or be an empty folder: ERR_IO. Its parents are made. ERR_MEMORY. */
enum err stage_begin(const char *target, struct stage **ret_stage, struct why *why) must_check;
/* A new file `name`, in a folder of the stage that is made where it is not there ("entries/1"). Not durable before the
 * commit. ERR_IO, ERR_DISK_FULL, ERR_MEMORY. */
enum err stage_write(struct stage *stage, const char *name, struct slice bytes, struct why *why) must_check;
/* Removes what was written, to begin again. */
enum err stage_clear(struct stage *stage, struct why *why) must_check;
/* Durable, then at its place. */
enum err stage_commit(struct stage *stage, struct why *why) must_check;
/* Where the files lie until the commit. */
const char *stage_path(const struct stage *stage);
/* Frees; removes what was not committed. NULL-safe. */
void stage_free(struct stage *stage);

#endif

/*
 * A replica: the state that a replay gave, kept in a folder with the size and root of the ledger that it was given by, so
 * that a later replay can go on from there. It holds no entries.
 *
 *	FOLDER/kept.json	what is kept, and the SHA-256 of its data file
 *	FOLDER/state-XXXXXX/	the store
 *	FOLDER/lock		held while one is read or renewed
 *
 * A renewal makes the new store beside the old one, syncs it, and then renames kept.json over the old one: a crash leaves
 * the one or the other, and the store that is left over is removed at the next renewal. The hash shows damage by accident; whoever
 * can write to the folder can make a replica of their own, so it wants to be guarded like the program.
 */
#ifndef DAEMON_REPLICA_H
#define DAEMON_REPLICA_H

#include <stdio.h>

#include "daemon/store.h"
#include "proto/checkpoint.h"

#define REPLICA_NAME_SIZE 16	/* "state-XXXXXX" and the NUL */

struct replica_mark {
	char ledger_id[LEDGER_ID_SIZE + 1];
	uint64_t size;			/* of the ledger, and the root of its tree at that size */
	struct hash root;
	char name[REPLICA_NAME_SIZE];	/* of the store's folder */
	struct hash digest;		/* of its data file */
};

/* Makes the folder where it is not there, and locks it. ERR_LOCKED, ERR_IO. Unlocked by close(*ret_fd). */
enum err replica_lock(const char *folder, bool may_make, int *ret_fd, struct why *why) must_check;
/* ERR_NOT_FOUND where nothing is kept; ERR_INVALID: not readable, or of another format, schema or rules version. */
enum err replica_read(const char *folder, struct replica_mark *ret_mark, struct why *why) must_check;
/* Copies the data file into the folder `target`. ERR_INVALID when it is not the one of the mark. */
enum err replica_copy(
    const char *folder, const struct replica_mark *mark, const char *target, struct why *why) must_check;
/*
 * Keeps the store in `source`, a folder on the same file system as `folder`, synced and closed: it is moved. Name and
 * digest of the mark are set here. ERR_IO, ERR_DISK_FULL; what was kept before is then still kept.
 */
enum err replica_keep(
    const char *folder, const char *source, struct replica_mark *mark, struct why *why) must_check;
/* Removes a store's folder with its files. */
void replica_remove_store(const char *path);

#endif

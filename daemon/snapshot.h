/*
 * A backup: a folder with a copy of the data file as one commit left it, the ledger's signed checkpoint of exactly that
 * size, and ledger.json, which says what it is: {"origin","ledger_id","vkey","vkeys","size"}. What is found out of the copy is
 * found out in a child process, for a broken copy can take down whoever opens it.
 */
#ifndef DAEMON_SNAPSHOT_H
#define DAEMON_SNAPSHOT_H

#include "daemon/guard.h"
#include "daemon/state.h"

#define SNAPSHOT_DATA "data.mdb"
#define SNAPSHOT_CHECKPOINT "checkpoint"
#define SNAPSHOT_LEDGER "ledger.json"

struct snapshot {
	struct ledger_identity identity;
	struct log_keys keys;
	uint64_t size;			/* entries */
	struct hash root;		/* of all of them */
	size_t genesis_size;		/* of entry 0; 0 where it is too long to be carried on */
	uint8_t genesis[CONTINUED_ENTRY_SIZE_MAX];
};

/*
 * What the data file in `folder` holds; its head must be that of its tree. With a guard, the guard's word on it: ERR_GUARD
 * where it holds less than the guard has seen signed, or something else; *ret_snapshot is then written all the same.
 * Takes the folder's lock, and leaves LMDB's lock files in it. ERR_DAMAGED, ERR_LOCKED.
 */
enum err snapshot_read(const char *folder, uint64_t map_size, const struct guard *guard, struct snapshot *ret_snapshot,
    struct why *why) must_check;
/* Is the note the ledger's checkpoint of exactly this copy? ERR_DAMAGED. */
enum err snapshot_check_note(const struct snapshot *snapshot, struct slice note, struct why *why) must_check;
/* Checkpoint and ledger.json, next to the copy. */
enum err snapshot_write_files(const char *folder, const struct snapshot *snapshot, struct slice note, struct why *why)
    must_check;
/* Removes what may lie in a folder that a backup or a restore was making; and with it the folder. */
void snapshot_clear(const char *folder);
void snapshot_remove(const char *folder);
/* LMDB's lock files, which a copy has no use for. */
void snapshot_remove_locks(const char *folder);

#endif

#include "daemon/snapshot.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "daemon/child.h"
#include "daemon/folder.h"
#include "daemon/writer.h"

#define LEDGER_JSON_MAX 4096

/* What the child is told, and what it finds. */
struct reading {
	const char *folder;
	uint64_t map_size;
	const struct guard *guard;
	struct snapshot snapshot;
};

static enum err read_store(struct store_txn *txn, struct reading *reading, struct why *why)
{
	struct snapshot *snapshot = &reading->snapshot;
	struct ledger_source source;
	struct ledger_head head;
	struct frontier frontier;
	uint64_t guarded_size;
	struct slice genesis;
	enum err err = ledger_read_identity(txn, &snapshot->identity);

	if (err == OK)
		err = log_keys_get(txn, &snapshot->keys);
	if (err == OK)
		err = ledger_read_head(txn, &head);
	if (err == OK) {
		ledger_source_init(&source, txn);
		err = tree_frontier(&source.source, head.size, &frontier);
	}
	if (err == OK && !frontier_equal(&frontier, &head.frontier))
		err = ERR_DAMAGED;
	if (err != OK)
		return err == ERR_DAMAGED ? why_set(why, err, "the stored head does not match the entries") : err;
	if (ledger_bytes(txn, 0, &genesis) && genesis.size <= sizeof(snapshot->genesis)) {
		memcpy(snapshot->genesis, genesis.data, genesis.size);
		snapshot->genesis_size = genesis.size;
	}
	snapshot->size = head.size;
	snapshot->root = frontier_root(&frontier);
	return reading->guard == NULL ? OK : writer_check_guard(txn, reading->guard, &guarded_size, why);
}

static enum err read_in_child(void *facts, struct why *why)
{
	struct reading *reading = facts;
	struct store *store = NULL;
	struct store_txn *txn = NULL;
	enum err err = store_open(reading->folder, reading->map_size, STORE_OPEN, &store, why);

	if (err == OK)
		err = store_read(store, &txn);
	if (err == OK)
		err = read_store(txn, reading, why);
	store_abort(txn);
	store_close(store);
	return err;
}

enum err snapshot_read(
    const char *folder, uint64_t map_size, const struct guard *guard, struct snapshot *ret_snapshot, struct why *why)
{
	struct reading reading = {.folder = folder, .map_size = map_size, .guard = guard};
	enum err err = child_run(read_in_child, &reading, sizeof(reading), why);

	if (err == OK || err == ERR_GUARD)
		*ret_snapshot = reading.snapshot;
	return err;
}

enum err snapshot_check_note(const struct snapshot *snapshot, struct slice note, struct why *why)
{
	struct checkpoint checkpoint;
	struct note parsed;
	enum err err = note_parse(note, &parsed, why);

	if (err == OK)
		err = log_keys_read_checkpoint(&snapshot->keys, &parsed, &checkpoint, why);
	if (err == ERR_MEMORY)
		return err;
	if (err != OK)
		return why_set(why, ERR_DAMAGED, "the backup's checkpoint is not signed by the key of its ledger (%s)",
		    snapshot->identity.origin);
	if (checkpoint.size != snapshot->size || !hash_equal(&checkpoint.root, &snapshot->root))
		return why_set(why, ERR_DAMAGED,
		    "the backup holds %llu entries, and its checkpoint is of other ones (%llu)",
		    (unsigned long long)snapshot->size, (unsigned long long)checkpoint.size);
	return OK;
}

/* Those that sign its checkpoint, the older first. */
static json_t *vkeys_json(const struct snapshot *snapshot)
{
	struct key keys[LOG_KEYS_MAX];
	size_t count = log_keys_valid(&snapshot->keys, LOG_KEY_CHECKPOINT, snapshot->size, keys);
	json_t *vkeys = json_array();
	char vkey[KEY_VKEY_SIZE];

	for (size_t i = 0; i < count && vkeys != NULL; i++) {
		key_format(&keys[i], vkey);
		if (json_array_append_new(vkeys, json_string(vkey)) != 0) {
			json_decref(vkeys);
			vkeys = NULL;
		}
	}
	return vkeys;
}

enum err snapshot_write_files(const char *folder, const struct snapshot *snapshot, struct slice note, struct why *why)
{
	const struct ledger_identity *identity = &snapshot->identity;
	char text[LEDGER_JSON_MAX];
	size_t size = 0;
	json_t *vkeys, *json;
	enum err err = folder_write(folder, SNAPSHOT_CHECKPOINT, note, why);

	if (err != OK)
		return err;
	vkeys = vkeys_json(snapshot);
	json = json_pack("{s:s, s:s, s:O, s:o, s:I}", "origin", identity->origin, "ledger_id", identity->ledger_id,
	    "vkey", json_array_get(vkeys, 0), "vkeys", vkeys, "size", (json_int_t)snapshot->size);
	if (json != NULL)
		size = json_dumpb(json, text, sizeof(text) - 1, JSON_COMPACT);
	json_decref(json);
	if (size == 0 || size >= sizeof(text))
		return ERR_MEMORY;
	text[size++] = '\n';
	return folder_write(folder, SNAPSHOT_LEDGER, slice_of(text, size), why);
}

static void remove_files(const char *folder, const char *const *names)
{
	char path[PATH_MAX];

	for (; *names != NULL; names++)
		if (folder_path(folder, *names, path, NULL) == OK)
			unlink(path);
}

void snapshot_remove_locks(const char *folder)
{
	static const char *const names[] = {"lock.mdb", "lock", NULL};

	remove_files(folder, names);
}

void snapshot_clear(const char *folder)
{
	static const char *const names[] = {SNAPSHOT_DATA, SNAPSHOT_CHECKPOINT, SNAPSHOT_LEDGER, NULL};

	snapshot_remove_locks(folder);
	remove_files(folder, names);
}

void snapshot_remove(const char *folder)
{
	snapshot_clear(folder);
	rmdir(folder);
}

/*
 * Checkpoints that others bring: one that this ledger signed and is not part of shows that the ledger was set back, or
 * has signed two histories. Then it must not go on: whatever it signs makes it worse.
 */
#include "daemon/api_internal.h"

#include "daemon/log.h"

enum err api_read_own_checkpoint(
    struct store_txn *txn, const struct note *note, struct checkpoint *ret_checkpoint, struct why *why)
{
	struct log_keys keys;
	enum err err = log_keys_get(txn, &keys);

	return err == OK ? log_keys_read_checkpoint(&keys, note, ret_checkpoint, why) : err;
}

enum err api_check_history(struct store_txn *txn, const struct checkpoint *checkpoint, const char *who, struct why *why)
{
	uint64_t size = ledger_size(txn);
	struct ledger_source source;
	struct frontier frontier;
	struct hash root;
	enum err err;

	if (checkpoint->size > size)
		return why_set(why, ERR_ROLLED_BACK,
		    "%s has shown a checkpoint of %llu entries that this ledger signed, but it holds %llu", who,
		    (unsigned long long)checkpoint->size, (unsigned long long)size);
	ledger_source_init(&source, txn);
	err = tree_frontier(&source.source, checkpoint->size, &frontier);
	if (err != OK)
		return err;
	root = frontier_root(&frontier);
	if (!hash_equal(&root, &checkpoint->root))
		return why_set(why, ERR_ROLLED_BACK,
		    "%s has shown a checkpoint of %llu entries that this ledger signed, of another history than its "
		    "own",
		    who, (unsigned long long)checkpoint->size);
	return OK;
}

void api_stop_rolled_back(struct api *api, const struct why *why)
{
	if (api->is_rolled_back)
		return;
	api->is_rolled_back = true;
	log_error("stopping: %s: %s", err_sentence(ERR_ROLLED_BACK), why_english(why));
	api->stop(api->cookie, ERR_ROLLED_BACK);
}

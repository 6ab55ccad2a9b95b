/*
 * Checkpoints that others bring: one that this ledger signed and is not part of shows that the ledger was set back, or
 * has signed two histories. Then it must not go on: whatever it signs makes it worse.
 */
#include "daemon/api_internal.h"

#include <string.h>

#include "daemon/log.h"

enum err api_read_own_checkpoint(const struct api *api, struct store_txn *txn, const struct note *note,
    struct checkpoint *ret_checkpoint, struct why *why)
{
	const struct ledger_identity *identity = &api->identity;
	struct checkpoint checkpoint;
	uint64_t signed_by;
	enum err err;

	(void)txn;
	if (checkpoint_parse(note->text, &checkpoint, why) != OK)
		return ERR_NOTE;
	if (strcmp(checkpoint.origin, identity->origin) != 0)
		return why_set(why, ERR_FEED_ORIGIN, "the checkpoint is of \"%s\", not of \"%s\"", checkpoint.origin,
		    identity->origin);
	err = note_verify(note, &identity->ledger_key, 1, &signed_by);
	if (err != OK)
		return why_set(why, err, "the checkpoint is not signed by %s", identity->origin);
	*ret_checkpoint = checkpoint;
	return OK;
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

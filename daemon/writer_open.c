/* Before anything is written: is the ledger the one of its guard, and can its head be signed? */
#include "daemon/writer.h"

#include <stdlib.h>

#include "daemon/sealer.h"

/*
 * Is what the guard holds a checkpoint of this ledger, signed by a key that was its own then? A larger one may be signed
 * by keys that this copy has not heard of yet; it is refused whoever signed it.
 */
static enum err read_guard(const struct guard *guard, const struct log_keys *keys, uint64_t size,
    struct checkpoint *ret_checkpoint, struct why *why)
{
	const char *origin = keys->keys[0].key.name;
	struct note note;
	enum err err = note_parse(guard_newest(guard), &note, why);

	if (err == OK)
		err = log_keys_read_checkpoint(keys, &note, ret_checkpoint, why);
	if (err == ERR_MEMORY)
		return err;
	if (err == ERR_UNKNOWN_KEY && checkpoint_parse(note.text, ret_checkpoint, NULL) == OK &&
	    ret_checkpoint->size > size)
		return OK;
	if (err != OK)
		return why_set(why, ERR_GUARD,
		    "the guard file holds no checkpoint signed by the key of this ledger (%s): it belongs to another "
		    "ledger",
		    origin);
	return OK;
}

static enum err compare_with_guard(
    struct store_txn *txn, const struct ledger_head *head, const struct checkpoint *guarded, struct why *why)
{
	struct ledger_source source;
	struct frontier frontier;
	struct hash root;
	enum err err;

	if (guarded->size > head->size)
		return why_set(why, ERR_GUARD,
		    "the ledger holds %llu entries, but it has signed a checkpoint of %llu: this is an older copy. "
		    "Bring back the newest data "
		    "file; going on from here would sign a second history",
		    (unsigned long long)head->size, (unsigned long long)guarded->size);
	ledger_source_init(&source, txn);
	err = tree_frontier(&source.source, guarded->size, &frontier);
	if (err != OK)
		return err;
	root = frontier_root(&frontier);
	if (!hash_equal(&root, &guarded->root))
		return why_set(why, ERR_GUARD,
		    "the ledger's first %llu entries are not those of the checkpoint it signed: it was changed, or is "
		    "another copy",
		    (unsigned long long)guarded->size);
	/* The stored head, too, must be the head of these entries. */
	err = tree_frontier(&source.source, head->size, &frontier);
	if (err == OK && !frontier_equal(&frontier, &head->frontier))
		err = why_set(why, ERR_DAMAGED, "the stored head does not match the entries; run subsidyd verify");
	return err;
}

/* With the head that it is to be compared with. */
static enum err read_head_and_guard(struct store_txn *txn, const struct guard *guard, struct ledger_head *ret_head,
    struct checkpoint *ret_guarded, struct why *why)
{
	struct log_keys keys;
	enum err err = log_keys_get(txn, &keys);

	if (err == OK)
		err = ledger_read_head(txn, ret_head);
	return err == OK ? read_guard(guard, &keys, ret_head->size, ret_guarded, why) : err;
}

enum err writer_read_guard(
    struct store_txn *txn, const struct guard *guard, uint64_t *ret_guarded_size, struct why *why)
{
	struct ledger_head head;
	struct checkpoint guarded;
	enum err err = read_head_and_guard(txn, guard, &head, &guarded, why);

	if (err == OK)
		*ret_guarded_size = guarded.size;
	return err;
}

enum err writer_check_guard(
    struct store_txn *txn, const struct guard *guard, uint64_t *ret_guarded_size, struct why *why)
{
	struct ledger_head head;
	struct checkpoint guarded;
	enum err err = read_head_and_guard(txn, guard, &head, &guarded, why);

	if (err == OK)
		err = compare_with_guard(txn, &head, &guarded, why);
	if (err == OK)
		*ret_guarded_size = guarded.size;
	return err;
}

enum err writer_open_head(
    struct store *store, struct guard *guard, const struct log_signers *signers, struct head_box *box, struct why *why)
{
	struct ledger_identity identity;
	struct log_signing signing, claims;
	struct log_keys keys;
	struct ledger_head ledger_head;
	struct store_txn *txn = NULL;
	struct head *head = calloc(1, sizeof(*head));
	uint64_t guarded_size;
	enum err err;

	if (head == NULL)
		return ERR_MEMORY;
	err = store_read(store, &txn);
	if (err == OK)
		err = ledger_read_identity(txn, &identity);
	if (err == OK)
		err = ledger_read_head(txn, &ledger_head);
	if (err == OK && identity.rules > RULES_VERSION)
		err = why_set(why, ERR_DAMAGED,
		    "the ledger follows rules version %u; this program knows up to %d: use a newer one", identity.rules,
		    RULES_VERSION);
	if (err == OK)
		err = log_keys_get(txn, &keys);
	if (err == OK)
		err = log_signers_pick(signers, &keys, LOG_KEY_CHECKPOINT, ledger_head.size, &signing, why);
	/* Claims are signed while a request waits: that they can be is seen to here. */
	if (err == OK)
		err = log_signers_pick(signers, &keys, LOG_KEY_HEADS, ledger_head.size, &claims, why);
	if (err == OK)
		err = writer_check_guard(txn, guard, &guarded_size, why);
	if (err == OK)
		err = sealer_sign(signers, &ledger_head, &keys, head, why);
	/* A crash between commit and guard leaves the ledger ahead: sign and guard again. */
	if (err == OK && ledger_head.size > guarded_size)
		err = guard_write(guard, head_note(head));
	if (err == OK)
		head_publish(box, head);
	store_abort(txn);
	free(head);
	return err;
}

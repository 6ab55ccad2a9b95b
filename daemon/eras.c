#include "daemon/eras.h"

#include <string.h>

#include "daemon/orders.h"
#include "daemon/orders_internal.h"

static enum err check_checkpoint(const struct continued *continued, const struct log_keys *keys, struct why *why)
{
	struct checkpoint checkpoint;
	struct note note;
	enum err err = note_parse(slice_of(continued->note, continued->note_size), &note, why);

	if (err == OK)
		err = log_keys_read_checkpoint(keys, &note, &checkpoint, why);
	if (err != OK && err != ERR_MEMORY)
		why_set(why, err, "the last known checkpoint of %s is not signed by its key", continued->origin);
	return err;
}

static enum err check_keys(
    const struct genesis *genesis, const struct log_keys *keys, struct store_txn *txn, struct why *why)
{
	char vkey[KEY_VKEY_SIZE];
	enum err err;

	key_format(&genesis->ledger_key, vkey);
	if (log_keys_have_material(keys, &genesis->ledger_key))
		return why_set(why, ERR_REFUSED, "%s was a key of the ledger that is continued; make a new one", vkey);
	err = order_check_log_owner(txn, &genesis->ledger_key, vkey, why);
	for (size_t i = 0; i < genesis->officer_count && err == OK; i++)
		for (size_t k = 0; k < genesis->officers[i].key_count && err == OK; k++)
			err =
			    order_check_officer_key(&genesis->officers[i].keys[k], genesis->officers[i].name, txn, why);
	return err;
}

enum err era_check(const struct era *era, const struct hash *root, struct store_txn *txn, struct why *why)
{
	const struct continued *continued = &era->genesis->continued;
	struct ledger_identity identity;
	struct log_keys keys;
	enum err err = ledger_read_identity(txn, &identity);

	if (err == OK)
		err = log_keys_get(txn, &keys);
	if (err != OK)
		return err;
	if (strcmp(continued->origin, identity.origin) != 0 || strcmp(continued->ledger_id, identity.ledger_id) != 0)
		return why_set(why, ERR_DAMAGED, "ledger %s is continued, but these entries are of %s",
		    continued->ledger_id, identity.ledger_id);
	if (!hash_equal(root, &continued->root))
		return why_set(why, ERR_DAMAGED, "the first %llu entries of ledger %s have another root",
		    (unsigned long long)continued->size, identity.ledger_id);
	if (era->genesis->rules < identity.rules)
		return why_set(
		    why, ERR_REFUSED, "the rules version goes back from %u to %u", identity.rules, era->genesis->rules);
	err = check_checkpoint(continued, &keys, why);
	if (err == OK)
		err = genesis_check_succession(era->note, txn, why);
	return err == OK ? check_keys(era->genesis, &keys, txn, why) : err;
}

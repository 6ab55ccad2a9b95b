/* What a log.key order asks for. Its other half is change_log_keys in fold_order.c; both are repeated by every replay. */
#include "daemon/orders_internal.h"

#include <stdlib.h>
#include <string.h>

static bool is_of_venue(const struct venue *venue, const struct key *key)
{
	for (size_t i = 0; i < venue->key_count; i++)
		if (key_has_same_material(&venue->keys[i], key))
			return true;
	for (size_t i = 0; i < venue->retired_count; i++)
		if (key_has_same_material(&venue->retired[i].key, key))
			return true;
	return false;
}

/* Whoever else holds the key could sign in the ledger's name. */
enum err order_check_log_owner(struct store_txn *txn, const struct key *key, const char *vkey, struct why *why)
{
	char officer[OFFICER_NAME_SIZE_MAX + 1];
	struct venue *venue;
	enum err err = OK;

	if (officer_key_find(txn, key, officer))
		return why_set(why, ERR_REFUSED, "%s is the key of officer %s, in office or earlier", vkey, officer);
	venue = malloc(sizeof(*venue));
	if (venue == NULL)
		return ERR_MEMORY;
	for (uint16_t number = venue_count(txn); number > 0 && err == OK && store_error(txn) == OK; number--)
		if (venue_get_by_number(txn, number, venue) && is_of_venue(venue, key))
			err = why_set(why, ERR_REFUSED, "%s is a key of venue %s, valid or revoked", vkey, venue->id);
	free(venue);
	return err == OK ? store_error(txn) : err;
}

static enum err check_added(
    const struct order_plan *plan, size_t place, const struct log_keys *keys, struct store_txn *txn, struct why *why)
{
	const struct key *key = &plan->order.added_log_keys[place];
	char vkey[KEY_VKEY_SIZE];
	enum err err;

	key_format(key, vkey);
	if (log_keys_have_material(keys, key))
		return why_set(why, ERR_REFUSED, "%s is the ledger's own key, or was; make a new one", vkey);
	err = order_check_log_owner(txn, key, vkey, why);
	if (err == OK && plan->signers != NULL && !log_signers_hold(plan->signers, key))
		err = why_set(why, ERR_REFUSED,
		    "the daemon does not hold the private half of %s; name its file in the configuration and start the "
		    "daemon "
		    "anew, then submit this order again",
		    vkey);
	return err;
}

static enum err check_retired(const struct key *key, const struct log_keys *keys, struct why *why)
{
	char vkey[KEY_VKEY_SIZE];

	for (size_t i = 0; i < keys->count; i++)
		if (keys->keys[i].until == 0 && key_equal(&keys->keys[i].key, key))
			return OK;
	key_format(key, vkey);
	return why_set(why, ERR_REFUSED, "the ledger has no valid key %s to retire", vkey);
}

/* How many of a use would be valid. The retired ones are known to be valid now. */
static size_t count_valid(const struct order *order, const struct log_keys *keys, enum log_key_use use)
{
	size_t count = 0;

	for (size_t i = 0; i < keys->count; i++)
		count += keys->keys[i].use == use && keys->keys[i].until == 0;
	for (size_t i = 0; i < order->added_log_key_count; i++)
		count += log_key_use_of(&order->added_log_keys[i], order->origin) == use;
	for (size_t i = 0; i < order->retired_log_key_count; i++)
		count -= log_key_use_of(&order->retired_log_keys[i], order->origin) == use;
	return count;
}

static enum err check_counts(const struct order *order, const struct log_keys *keys, struct why *why)
{
	size_t checkpoints = count_valid(order, keys, LOG_KEY_CHECKPOINT),
	       heads = count_valid(order, keys, LOG_KEY_HEADS);

	if (checkpoints == 0)
		return why_set(
		    why, ERR_REFUSED, "the ledger would have no checkpoint key left; add the next one first");
	if (checkpoints > LOG_KEYS_MAX)
		return why_set(why, ERR_REFUSED,
		    "the ledger would have %zu checkpoint keys; %d may be valid at a time: retire one", checkpoints,
		    LOG_KEYS_MAX);
	if (heads > LOG_KEYS_MAX)
		return why_set(why, ERR_REFUSED,
		    "the ledger would have %zu claim keys; %d may be valid at a time: retire one", heads, LOG_KEYS_MAX);
	if (keys->count + order->added_log_key_count > LOG_KEYS_EVER_MAX)
		return why_set(
		    why, ERR_REFUSED, "the ledger would have had more than %d keys in all", LOG_KEYS_EVER_MAX);
	return OK;
}

enum err order_check_log_key(const struct order_plan *plan, struct store_txn *txn, struct why *why)
{
	const struct order *order = &plan->order;
	struct log_keys keys;
	enum err err = log_keys_get(txn, &keys);

	for (size_t i = 0; i < order->retired_log_key_count && err == OK; i++)
		err = check_retired(&order->retired_log_keys[i], &keys, why);
	for (size_t i = 0; i < order->added_log_key_count && err == OK; i++)
		err = check_added(plan, i, &keys, txn, why);
	return err == OK ? check_counts(order, &keys, why) : err;
}

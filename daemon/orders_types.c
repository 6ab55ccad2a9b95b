/*
 * What each type of order asks for. These checks and fold_order.c belong together: what is decided here the fold relies
 * on, and both are repeated by every replay.
 */
#include "daemon/orders_internal.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/chain.h"

/* ---- venues */

static enum err check_license(const struct order *order, struct store_txn *txn, struct why *why)
{
	struct venue venue;

	if (venue_get(txn, slice_text(order->venue), &venue))
		return why_set(why, ERR_REFUSED, "venue %s is licensed already, by entry %llu", order->venue,
		    (unsigned long long)venue.license_index);
	if (venue_count(txn) >= VENUES_MAX - 1)
		return why_set(why, ERR_REFUSED, "a ledger holds at most %d venues", VENUES_MAX - 1);
	return store_error(txn);
}

static enum err find_venue(struct store_txn *txn, struct slice id, struct venue *ret_venue, struct why *why)
{
	if (venue_get(txn, id, ret_venue))
		return OK;
	return store_error(txn) != OK
		   ? store_error(txn)
		   : why_set(why, ERR_REFUSED, "no venue %.*s is licensed", (int)id.size, (const char *)id.data);
}

static enum err check_suspend(const struct order *order, struct store_txn *txn, struct why *why)
{
	bool is_resume = order->type == ORDER_VENUE_RESUME;
	struct venue venue;
	enum err err = find_venue(txn, slice_text(order->venue), &venue, why);

	if (err != OK)
		return err;
	if (is_resume && venue.suspended_index == 0)
		return why_set(why, ERR_REFUSED, "venue %s is not suspended", venue.id);
	if (!is_resume && venue.suspended_index != 0)
		return why_set(why, ERR_REFUSED, "venue %s is suspended already, by entry %llu", venue.id,
		    (unsigned long long)venue.suspended_index);
	return OK;
}

static bool has_key(const struct venue *venue, const struct key *key)
{
	for (size_t i = 0; i < venue->key_count; i++)
		if (key_equal(&venue->keys[i], key))
			return true;
	return false;
}

/* A key is valid once and for one stretch of the ledger. */
static enum err check_new_key(const struct venue *venue, const struct key *key, struct why *why)
{
	char vkey[KEY_VKEY_SIZE];

	key_format(key, vkey);
	if (has_key(venue, key))
		return why_set(why, ERR_REFUSED, "venue %s has the key %s already", venue->id, vkey);
	for (size_t i = 0; i < venue->retired_count; i++)
		if (key_equal(&venue->retired[i].key, key))
			return why_set(why, ERR_REFUSED, "the key %s was revoked by entry %llu; make a new one", vkey,
			    (unsigned long long)venue->retired[i].until);
	return OK;
}

static enum err check_key_counts(const struct order *order, const struct venue *venue, struct why *why)
{
	size_t valid = venue->key_count + order->venue_key_count - order->revoked_key_count;

	if (valid == 0)
		return why_set(why, ERR_REFUSED, "venue %s would have no key left; add one, or suspend it", venue->id);
	if (valid > VENUE_KEYS_MAX)
		return why_set(why, ERR_REFUSED, "venue %s would have %zu keys; %d may be valid at a time", venue->id,
		    valid, VENUE_KEYS_MAX);
	if (venue->key_count + venue->retired_count + order->venue_key_count > VENUE_KEYS_EVER_MAX)
		return why_set(why, ERR_REFUSED, "venue %s would have had more than %d keys in all", venue->id,
		    VENUE_KEYS_EVER_MAX);
	if (order->is_new_generation && venue->generation >= FEED_GENERATIONS_MAX)
		return why_set(why, ERR_REFUSED, "venue %s has had %d generations, and may have no more", venue->id,
		    FEED_GENERATIONS_MAX);
	return OK;
}

static enum err check_venue_key(const struct order *order, struct store_txn *txn, struct why *why)
{
	struct venue venue;
	char vkey[KEY_VKEY_SIZE];
	enum err err = find_venue(txn, slice_text(order->venue), &venue, why);

	for (size_t i = 0; i < order->revoked_key_count && err == OK; i++) {
		if (has_key(&venue, &order->revoked_keys[i]))
			continue;
		key_format(&order->revoked_keys[i], vkey);
		err = why_set(why, ERR_REFUSED, "venue %s has no valid key %s to revoke", venue.id, vkey);
	}
	for (size_t i = 0; i < order->venue_key_count && err == OK; i++)
		err = check_new_key(&venue, &order->venue_keys[i], why);
	return err == OK ? check_key_counts(order, &venue, why) : err;
}

/* The orders between which the key is valid: the second is 0 while it is. False for a key the venue never had. */
static bool find_key(const struct venue *venue, const struct key *key, uint64_t *ret_since, uint64_t *ret_until)
{
	for (size_t i = 0; i < venue->key_count; i++) {
		if (!key_equal(&venue->keys[i], key))
			continue;
		*ret_since = venue->key_since[i];
		*ret_until = 0;
		return true;
	}
	for (size_t i = 0; i < venue->retired_count; i++) {
		if (!key_equal(&venue->retired[i].key, key))
			continue;
		*ret_since = venue->retired[i].since;
		*ret_until = venue->retired[i].until;
		return true;
	}
	return false;
}

/*
 * That a venue keeps one valid key is a rule of venue.key, where the next one can be added in the same order. A stolen
 * key must go at once, also the only one: until venue.key brings another the venue can push nothing.
 */
static enum err check_distrust(const struct order *order, struct store_txn *txn, struct why *why)
{
	const struct key *key = &order->revoked_keys[0];
	uint64_t since, until, from;
	struct venue venue;
	char vkey[KEY_VKEY_SIZE];
	enum err err = find_venue(txn, slice_text(order->venue), &venue, why);

	if (err != OK)
		return err;
	key_format(key, vkey);
	if (!find_key(&venue, key, &since, &until))
		return why_set(why, ERR_REFUSED, "venue %s never had the key %s", venue.id, vkey);
	if (order->from < since)
		return why_set(why, ERR_REFUSED,
		    "the key is valid from entry %llu on; nothing before it is signed by it",
		    (unsigned long long)since);
	if (distrust_find_from(txn, venue.number, key, &from) && order->from >= from)
		return why_set(why, ERR_REFUSED,
		    "the key is distrusted already, from entry %llu on; only an earlier one would add anything",
		    (unsigned long long)from);
	if (until != 0 && order->from >= until)
		return why_set(why, ERR_REFUSED, "the key was revoked by entry %llu; nothing behind it is signed by it",
		    (unsigned long long)until);
	return store_error(txn);
}

/* ---- officers, quorums, rules */

/* One key under two names would be one person who signs twice. */
enum err order_check_officer_key(const struct key *key, const char *name, struct store_txn *txn, struct why *why)
{
	char owner[OFFICER_NAME_SIZE_MAX + 1], vkey[KEY_VKEY_SIZE];
	struct log_keys log_keys;
	enum err err = log_keys_get(txn, &log_keys);

	if (err != OK)
		return err;
	key_format(key, vkey);
	if (log_keys_have_material(&log_keys, key))
		return why_set(why, ERR_REFUSED, "%s is the ledger's own key, or was", vkey);
	if (officer_key_find(txn, key, owner) && strcmp(owner, name) != 0)
		return why_set(why, ERR_REFUSED, "%s is the key of officer %s, in office or earlier", vkey, owner);
	return store_error(txn);
}

static enum err check_officer_add(const struct order *order, struct store_txn *txn, struct why *why)
{
	const struct officer *added = &order->officer;
	enum officer_role roles[OFFICERS_MAX];
	struct officer officer;
	size_t count;
	enum err err = officer_roles(txn, roles, &count);

	if (err != OK)
		return err;
	if (officer_get(txn, slice_text(added->name), &officer))
		return why_set(why, ERR_REFUSED, "officer %s is in office already, as %s", added->name,
		    officer_role_name(officer.role));
	if (count >= OFFICERS_MAX)
		return why_set(why, ERR_REFUSED, "at most %d officers are in office at a time", OFFICERS_MAX);
	for (size_t i = 0; i < added->key_count && err == OK; i++)
		err = order_check_officer_key(&added->keys[i], added->name, txn, why);
	return err;
}

static enum err check_reachable(
    const struct quorums *quorums, const enum officer_role *roles, size_t count, struct why *why)
{
	struct why cause = {""};

	if (quorums_check_reachable(quorums, roles, count, &cause) == OK)
		return OK;
	return why_set_cause(why, ERR_REFUSED, &cause, "after this order no one could act: ");
}

static enum err check_officer_remove(const struct order *order, struct store_txn *txn, struct why *why)
{
	enum officer_role roles[OFFICERS_MAX];
	struct quorums quorums;
	struct officer officer;
	size_t count, gone = 0;
	enum err err = officer_roles(txn, roles, &count);

	if (err == OK)
		err = quorums_get(txn, &quorums);
	if (err != OK)
		return err;
	if (!officer_get(txn, slice_text(order->officer.name), &officer))
		return store_error(txn) != OK
			   ? store_error(txn)
			   : why_set(why, ERR_REFUSED, "no officer %s is in office", order->officer.name);
	while (gone < count && roles[gone] != officer.role)
		gone++;
	if (gone == count)
		return ERR_DAMAGED;
	roles[gone] = roles[count - 1];
	return check_reachable(&quorums, roles, count - 1, why);
}

static enum err check_quorum_set(const struct order *order, struct store_txn *txn, struct why *why)
{
	enum officer_role roles[OFFICERS_MAX];
	size_t count;
	enum err err = officer_roles(txn, roles, &count);

	return err != OK ? err : check_reachable(&order->quorums, roles, count, why);
}

static enum err check_rules(const struct order *order, struct store_txn *txn, struct why *why)
{
	struct ledger_identity identity;
	enum err err = ledger_read_identity(txn, &identity);

	if (err != OK)
		return err;
	if (order->rules <= identity.rules)
		return why_set(
		    why, ERR_REFUSED, "rules version %u is in force; a later one is a higher number", identity.rules);
	if (order->rules > RULES_VERSION)
		return why_set(why, ERR_REFUSED,
		    "this program knows the rules up to version %d; install the one that knows version %u first",
		    RULES_VERSION, order->rules);
	return OK;
}

/* ---- enterprises */

/* Past trades between the two, which the relation will re-file. */
static enum err count_trades_between(struct store_txn *txn, const struct code *first, const struct code *second,
    uint64_t *steps_left, uint64_t *ret_count)
{
	struct chain chain;
	struct chain_item item;
	uint64_t count = 0;
	enum err err;

	chain_begin(&chain, txn, first, ledger_size(txn), *steps_left);
	while (chain_next(&chain, &item))
		if (item.entry.kind == ENTRY_RECORD && item.record.kind == RECORD_TRADE &&
		    item.entry.record.disposition == DISPOSITION_COUNTED &&
		    (code_equal(&item.supplier, second) || code_equal(&item.buyer, second)))
			count++;
	err = chain.err;
	*steps_left -= chain.step_count;
	chain_done(&chain);
	*ret_count = count;
	return err;
}

static enum err check_relate(const struct order *order, struct store_txn *txn, struct why *why)
{
	uint64_t total = 0, count, steps_left = RELATE_WALK_MAX, index;
	enum err err;

	for (size_t i = 0; i < order->item_count; i++) {
		struct code first = code_of(order->items[i].code), second = code_of(order->items[i].second);

		if (relation_get(txn, &first, &second, &index))
			return why_set(why, ERR_REFUSED,
			    "item %zu: %s and %s are listed as related already, by entry %llu", i + 1, first.text,
			    second.text, (unsigned long long)index);
		err = count_trades_between(txn, &first, &second, &steps_left, &count);
		if (err == ERR_TOO_LARGE)
			return why_set(why, ERR_REFUSED,
			    "item %zu: more than %d entries of these enterprises would have to be read; relate fewer "
			    "in one order",
			    i + 1, RELATE_WALK_MAX);
		if (err != OK)
			return err;
		total += count;
		if (total > RELATE_TRADES_MAX)
			return why_set(why, ERR_REFUSED,
			    "item %zu: with it %llu past trades would be filed anew, and one order may do so with %d; "
			    "relate fewer in one order",
			    i + 1, (unsigned long long)total, RELATE_TRADES_MAX);
	}
	return store_error(txn);
}

static bool is_on_list(const struct account *account, struct slice list)
{
	for (size_t i = 0; i < account->list_count; i++)
		if (slice_equal(slice_text(account->lists[i]), list))
			return true;
	return false;
}

static enum err check_delist(const struct order *order, struct store_txn *txn, struct why *why)
{
	struct account account;

	for (size_t i = 0; i < order->item_count; i++) {
		const struct order_item *item = &order->items[i];
		struct code code = code_of(item->code);

		if (!account_get(txn, &code, &account))
			return store_error(txn) != OK
				   ? store_error(txn)
				   : why_set(why, ERR_REFUSED, "item %zu: %s is not registered", i + 1, code.text);
		if (account.list_count == 0)
			return why_set(why, ERR_REFUSED, "item %zu: %s is on no list", i + 1, code.text);
		for (size_t j = 0; j < item->list_count; j++)
			if (!is_on_list(&account, item->lists[j]))
				return why_set(why, ERR_REFUSED, "item %zu: %s is not on the list %.*s", i + 1,
				    code.text, (int)item->lists[j].size, (const char *)item->lists[j].data);
	}
	return OK;
}

/* ---- policies */

static enum err check_policy(const struct order *order, struct store_txn *txn, struct why *why)
{
	const struct policy *policy = &order->policy;
	char ids[POLICIES_MAX][POLICY_ID_SIZE_MAX + 1];
	uint64_t size = ledger_size(txn), index;
	struct venue venue;
	uint32_t version;

	if (policy_find(txn, slice_text(policy->id), size, &index, &version)) {
		if (policy->version <= version)
			return why_set(why, ERR_REFUSED,
			    "policy %s is in force in version %u; a new text needs a higher version, not %u",
			    policy->id, version, policy->version);
	} else if (policy_ids(txn, size, ids, POLICIES_MAX) >= POLICIES_MAX) {
		return why_set(why, ERR_REFUSED, "a ledger holds at most %d policies", POLICIES_MAX);
	}
	for (size_t i = 0; i < policy->venue_count; i++)
		if (!venue_get(txn, slice_text(policy->venues[i]), &venue) && store_error(txn) == OK)
			return why_set(why, ERR_REFUSED,
			    "the policy names venue %s, which is not licensed; license it first", policy->venues[i]);
	return store_error(txn);
}

/* ---- grants */

static enum err check_grants(const struct order *order, struct store_txn *txn, uint32_t today, struct why *why)
{
	uint32_t latest = today + GRANT_YEARS_MAX * 10000;
	struct grant_row row;
	struct venue venue;

	for (size_t i = 0; i < order->item_count; i++) {
		const struct grant *grant = &order->items[i].grant;

		if (grant_get(txn, grant->token_hash, &row))
			return why_set(why, ERR_REFUSED,
			    "item %zu: this access code was granted already, by entry %llu; make a new one", i + 1,
			    (unsigned long long)row.index);
		if (grant->expires < today || grant->expires > latest)
			return why_set(why, ERR_REFUSED,
			    "item %zu: an access code must expire between today and %d years from now", i + 1,
			    GRANT_YEARS_MAX);
		if (grant->subject == SUBJECT_VENUE && !venue_get(txn, slice_text(grant->name), &venue) &&
		    store_error(txn) == OK)
			return why_set(why, ERR_REFUSED, "item %zu: no venue %s is licensed", i + 1, grant->name);
	}
	return store_error(txn);
}

static enum err check_revoke(const struct order *order, struct store_txn *txn, struct why *why)
{
	struct grant_row row;

	for (size_t i = 0; i < order->item_count; i++) {
		if (!grant_get(txn, order->items[i].grant.token_hash, &row))
			return store_error(txn) != OK ? store_error(txn)
						      : why_set(why, ERR_REFUSED,
							    "item %zu: no access code of this hash was granted", i + 1);
		if (row.revoked_index != 0)
			return why_set(why, ERR_REFUSED,
			    "item %zu: this access code was revoked already, by entry %llu", i + 1,
			    (unsigned long long)row.revoked_index);
	}
	return OK;
}

/* ---- trades */

/* Is the trade one that counted when it came, and may what it is now become what the order asks for? */
static enum err check_trade(
    enum order_type type, struct store_txn *txn, uint64_t index, struct arena *arena, struct why *why)
{
	struct touched touched;
	struct entry entry;
	enum err err;

	arena_reset(arena);
	err = ledger_entry(txn, index, arena, &entry);
	if (err != OK || entry.kind != ENTRY_RECORD)
		return err == ERR_MEMORY ? err : ERR_DAMAGED;
	if (entry.record.disposition != DISPOSITION_COUNTED)
		return why_set(
		    why, ERR_REFUSED, "it does not count as it is: %s", disposition_sentence(entry.record.disposition));
	touched_get(txn, index, &touched);
	if (touched.state == TRADE_VOIDED)
		return why_set(why, ERR_REFUSED, "it was voided, by entry %llu, and that is final",
		    (unsigned long long)touched.state_index);
	if (type == ORDER_TRADE_HOLD && touched.state == TRADE_HELD)
		return why_set(
		    why, ERR_REFUSED, "it is held already, by entry %llu", (unsigned long long)touched.state_index);
	if (type == ORDER_TRADE_RELEASE && touched.state != TRADE_HELD)
		return why_set(why, ERR_REFUSED, "it is not held");
	return store_error(txn);
}

static enum err check_trades(const struct order *order, struct store_txn *txn, struct why *why)
{
	struct venue venue;
	struct arena arena;
	uint64_t index;
	enum err err = OK;

	arena_init(&arena, 4 * ENTRY_SIZE_MAX);
	for (size_t i = 0; i < order->item_count && err == OK; i++) {
		const struct order_item *item = &order->items[i];
		struct why cause = {""};

		err = find_venue(txn, item->venue, &venue, &cause);
		if (err == OK && !trade_find(txn, venue.number, item->trade_no, &index))
			err = store_error(txn) != OK ? store_error(txn)
						     : why_set(&cause, ERR_REFUSED, "no such trade is in the ledger");
		if (err == OK)
			err = check_trade(order->type, txn, index, &arena, &cause);
		if (err == ERR_REFUSED)
			why_set_cause(why, err, &cause, "item %zu, trade %.*s of %.*s: ", i + 1,
			    (int)item->trade_no.size, (const char *)item->trade_no.data, (int)item->venue.size,
			    (const char *)item->venue.data);
	}
	arena_done(&arena);
	return err;
}

/* ---- by type */

enum err order_check_type(const struct order_plan *plan, struct store_txn *txn, uint32_t today, struct why *why)
{
	const struct order *order = &plan->order;

	switch (order->type) {
	case ORDER_VENUE_LICENSE: return check_license(order, txn, why);
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME: return check_suspend(order, txn, why);
	case ORDER_VENUE_KEY: return check_venue_key(order, txn, why);
	case ORDER_VENUE_DISTRUST: return check_distrust(order, txn, why);
	case ORDER_OFFICER_ADD: return check_officer_add(order, txn, why);
	case ORDER_OFFICER_REMOVE: return check_officer_remove(order, txn, why);
	case ORDER_QUORUM_SET: return check_quorum_set(order, txn, why);
	case ORDER_RULES_SET: return check_rules(order, txn, why);
	case ORDER_ENTERPRISE_REGISTER: return OK; /* replaces what the register says of a code, known or not */
	case ORDER_ENTERPRISE_RELATE: return check_relate(order, txn, why);
	case ORDER_ENTERPRISE_DELIST: return check_delist(order, txn, why);
	case ORDER_POLICY_ADOPT: return check_policy(order, txn, why);
	case ORDER_GRANT_ADD: return check_grants(order, txn, today, why);
	case ORDER_GRANT_REVOKE: return check_revoke(order, txn, why);
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID: return check_trades(order, txn, why);
	case ORDER_LOG_KEY: return order_check_log_key(plan, txn, why);
	}
	return ERR_ORDER;
}

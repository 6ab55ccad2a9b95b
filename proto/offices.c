#include "proto/offices.h"

#include <stdlib.h>
#include <string.h>

#include "proto/claim.h"
#include "proto/date.h"
#include "proto/feed.h"
#include "proto/signatories.h"

#define POLICY_TEXTS_MAX (256u << 20) /* bytes of all policy texts ever adopted: a thousand versions and more */

/* An order that was carried out: its id once, as one entry, with one text. */
struct offices_carried {
	char id[ORDER_ID_SIZE_MAX + 1];
	uint64_t index;
	struct hash text;
};

void offices_init(struct offices *offices)
{
	memset(offices, 0, sizeof(*offices));
	array_init(&offices->officers, sizeof(struct officer));
	array_init(&offices->venues, sizeof(struct offices_venue));
	array_init(&offices->policies, sizeof(struct offices_policy));
	array_init(&offices->distrusts, sizeof(struct offices_distrust));
	array_init(&offices->carried, sizeof(struct offices_carried));
	arena_init(&offices->arena, POLICY_TEXTS_MAX);
}

void offices_done(struct offices *offices)
{
	if (offices->eras != NULL)
		eras_done(offices->eras);
	free(offices->eras);
	offices->eras = NULL;
	array_done(&offices->officers);
	array_done(&offices->venues);
	array_done(&offices->policies);
	array_done(&offices->distrusts);
	array_done(&offices->carried);
	arena_done(&offices->arena);
}

/* ---- keys of the ledger */

bool offices_is_claim_key(const struct offices *offices, const struct key *key)
{
	return claim_key_is_own(key, offices->origin);
}

size_t offices_valid_keys(
    const struct offices *offices, bool are_claim_keys, struct key ret_keys[static LOG_KEYS_EVER_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < offices->log_key_count; i++) {
		const struct offices_key *row = &offices->log_keys[i];

		if (row->until == 0 && offices_is_claim_key(offices, &row->key) == are_claim_keys)
			ret_keys[count++] = row->key;
	}
	return count;
}

bool offices_had_key(const struct offices *offices, const struct key *key)
{
	for (size_t i = 0; i < offices->log_key_count; i++)
		if (key_equal(&offices->log_keys[i].key, key))
			return !offices_is_claim_key(offices, key);
	return false;
}

static enum err add_log_key(struct offices *offices, const struct key *key, struct why *why)
{
	for (size_t i = 0; i < offices->log_key_count; i++)
		if (key_equal(&offices->log_keys[i].key, key))
			return why_set(why, ERR_INVALID, "it announces a key that the ledger has or had already");
	if (offices->log_key_count == LOG_KEYS_EVER_MAX)
		return why_set(why, ERR_INVALID, "the ledger would have had more than %d keys", LOG_KEYS_EVER_MAX);
	offices->log_keys[offices->log_key_count++] = (struct offices_key){.key = *key};
	return OK;
}

static enum err retire_log_key(struct offices *offices, const struct key *key, uint64_t index, struct why *why)
{
	for (size_t i = 0; i < offices->log_key_count; i++) {
		if (offices->log_keys[i].until != 0 || !key_equal(&offices->log_keys[i].key, key))
			continue;
		offices->log_keys[i].until = index;
		return OK;
	}
	return why_set(
	    why, ERR_INVALID, "it retires a key that the ledger does not have: an act before it was left out");
}

static enum err change_log_keys(struct offices *offices, const struct order *order, uint64_t index, struct why *why)
{
	enum err err = OK;

	for (size_t i = 0; i < order->retired_log_key_count && err == OK; i++)
		err = retire_log_key(offices, &order->retired_log_keys[i], index, why);
	for (size_t i = 0; i < order->added_log_key_count && err == OK; i++)
		err = add_log_key(offices, &order->added_log_keys[i], why);
	return err;
}

/* ---- genesis */

/* The era's own beginning: what it says takes the place of what was before. */
static enum err begin_with(struct offices *offices, const struct era *era, struct why *why)
{
	const struct genesis *genesis = era->genesis;

	offices->officers.count = 0;
	for (size_t i = 0; i < genesis->officer_count; i++) {
		struct officer *officer = array_add(&offices->officers);

		if (officer == NULL)
			return ERR_MEMORY;
		*officer = genesis->officers[i];
	}
	offices->quorums = genesis->quorums;
	memcpy(offices->origin, genesis->origin, sizeof(offices->origin));
	memcpy(offices->ledger_id, era->ledger_id, sizeof(offices->ledger_id));
	offices->log_key_count = 0;
	return add_log_key(offices, &genesis->ledger_key, why);
}

enum err offices_begin(struct offices *offices, const struct entry *genesis, struct slice bytes, struct why *why)
{
	struct slice own = arena_copy(&offices->arena, bytes);
	enum err err;

	if (genesis->kind != ENTRY_GENESIS)
		return why_set(
		    why, ERR_INVALID, "it is not a genesis, but an entry of kind %s", entry_kind_name(genesis->kind));
	if (offices->eras == NULL)
		offices->eras = calloc(1, sizeof(*offices->eras));
	if (own.data == NULL || offices->eras == NULL)
		return ERR_MEMORY;
	eras_done(offices->eras);
	err = eras_load(own, offices->eras, why);
	return err == OK ? begin_with(offices, &offices->eras->list[0], why) : err;
}

const struct era *offices_own(const struct offices *offices)
{
	return &offices->eras->list[offices->eras->count - 1];
}

/* ---- venues */

static struct offices_venue *find_venue(const struct offices *offices, struct slice id)
{
	for (size_t i = 0; i < offices->venues.count; i++) {
		struct offices_venue *venue = array_at(&offices->venues, i);

		if (slice_equal(slice_text(venue->id), id))
			return venue;
	}
	return NULL;
}

static enum err add_venue_keys(struct offices_venue *venue, const struct order *order, struct why *why)
{
	for (size_t i = 0; i < order->venue_key_count; i++) {
		if (venue->key_count == VENUE_KEYS_EVER_MAX)
			return why_set(why, ERR_INVALID, "venue %s would have had more than %d keys in all", venue->id,
			    VENUE_KEYS_EVER_MAX);
		venue->keys[venue->key_count++] = (struct offices_key){.key = order->venue_keys[i]};
	}
	return OK;
}

static enum err license_venue(struct offices *offices, const struct order *order, struct why *why)
{
	struct offices_venue *venue;

	if (find_venue(offices, slice_text(order->venue)) != NULL)
		return why_set(why, ERR_INVALID, "it licenses venue %s, which is licensed already", order->venue);
	venue = array_add(&offices->venues);
	if (venue == NULL)
		return ERR_MEMORY;
	memcpy(venue->id, order->venue, sizeof(venue->id));
	venue->generation = 1;
	return add_venue_keys(venue, order, why);
}

static enum err revoke_key(struct offices_venue *venue, const struct key *key, uint64_t index, struct why *why)
{
	for (size_t i = 0; i < venue->key_count; i++) {
		if (venue->keys[i].until != 0 || !key_equal(&venue->keys[i].key, key))
			continue;
		venue->keys[i].until = index;
		return OK;
	}
	return why_set(
	    why, ERR_INVALID, "it revokes a key that venue %s does not have: an act before it was left out", venue->id);
}

static enum err change_venue(struct offices *offices, const struct order *order, uint64_t index, struct why *why)
{
	struct offices_venue *venue = find_venue(offices, slice_text(order->venue));
	enum err err = OK;

	if (venue == NULL)
		return why_set(why, ERR_INVALID, "it is about venue %s, and no act licenses it: that one was left out",
		    order->venue);
	if (order->type == ORDER_VENUE_SUSPEND || order->type == ORDER_VENUE_RESUME) {
		if ((venue->suspended_index != 0) != (order->type == ORDER_VENUE_RESUME))
			return why_set(why, ERR_INVALID,
			    "venue %s is suspended or resumed twice: an act in between was left out", order->venue);
		venue->suspended_index = order->type == ORDER_VENUE_SUSPEND ? index : 0;
		return OK;
	}
	for (size_t i = 0; i < order->revoked_key_count && err == OK; i++)
		err = revoke_key(venue, &order->revoked_keys[i], index, why);
	if (err == OK)
		err = add_venue_keys(venue, order, why);
	if (err == OK && order->is_new_generation)
		venue->generation++;
	return err;
}

/* What an earlier order for the key holds is that one's: later ones are about what lies before it. */
static uint64_t earliest_from(const struct offices *offices, const struct key *key)
{
	uint64_t from = UINT64_MAX;

	for (size_t i = 0; i < offices->distrusts.count; i++) {
		const struct offices_distrust *distrust = array_at(&offices->distrusts, i);

		if (key_equal(&distrust->key, key) && distrust->from < from)
			from = distrust->from;
	}
	return from;
}

/* The key is revoked if it still is valid. */
static enum err distrust_key(struct offices *offices, const struct order *order, uint64_t index, struct why *why)
{
	struct offices_venue *venue = find_venue(offices, slice_text(order->venue));
	const struct key *key = &order->revoked_keys[0];
	uint64_t end = earliest_from(offices, key);
	struct offices_distrust *distrust = array_add(&offices->distrusts);
	bool is_known = false;

	if (distrust == NULL)
		return ERR_MEMORY;
	*distrust = (struct offices_distrust){.index = index, .from = order->from, .key = *key};
	memcpy(distrust->venue, order->venue, sizeof(distrust->venue));
	for (size_t i = 0; venue != NULL && i < venue->key_count; i++) {
		if (!key_equal(&venue->keys[i].key, key))
			continue;
		is_known = true;
		if (venue->keys[i].until == 0)
			venue->keys[i].until = index;
		if (venue->keys[i].until < end)
			end = venue->keys[i].until;
	}
	distrust->end = end;
	return is_known
		   ? OK
		   : why_set(why, ERR_INVALID,
			 "it distrusts a key that venue %s never had: an act before it was left out", order->venue);
}

const struct offices_distrust *offices_distrust_at(const struct offices *offices, uint64_t index)
{
	for (size_t i = 0; i < offices->distrusts.count; i++) {
		const struct offices_distrust *distrust = array_at(&offices->distrusts, i);

		if (distrust->index == index)
			return distrust;
	}
	return NULL;
}

/* ---- officers and policies */

static enum err find_officer(const struct offices *offices, const char *name, size_t *ret_place)
{
	for (size_t i = 0; i < offices->officers.count; i++) {
		const struct officer *officer = array_at(&offices->officers, i);

		if (strcmp(officer->name, name) != 0)
			continue;
		*ret_place = i;
		return OK;
	}
	return ERR_NOT_FOUND;
}

static enum err change_officer(struct offices *offices, const struct order *order, struct why *why)
{
	struct officer *officer;
	size_t place = 0;
	bool is_there = find_officer(offices, order->officer.name, &place) == OK;

	if (is_there == (order->type == ORDER_OFFICER_ADD))
		return why_set(why, ERR_INVALID, "officer %s is added or removed twice: an act in between was left out",
		    order->officer.name);
	if (order->type == ORDER_OFFICER_ADD) {
		officer = array_add(&offices->officers);
		if (officer == NULL)
			return ERR_MEMORY;
		*officer = order->officer;
		return OK;
	}
	officer = array_at(&offices->officers, offices->officers.count - 1);
	*(struct officer *)array_at(&offices->officers, place) = *officer;
	offices->officers.count--;
	return OK;
}

static enum err adopt_policy(struct offices *offices, const struct order *order, uint64_t index, struct why *why)
{
	struct offices_policy *row = NULL;

	for (size_t i = 0; i < offices->policies.count && row == NULL; i++) {
		struct offices_policy *known = array_at(&offices->policies, i);

		if (strcmp(known->policy.id, order->policy.id) == 0)
			row = known;
	}
	if (row != NULL && order->policy.version <= row->policy.version)
		return why_set(why, ERR_INVALID, "it adopts version %u of policy %s, of which version %u is in force",
		    order->policy.version, order->policy.id, row->policy.version);
	if (row == NULL && offices->policies.count == POLICIES_MAX)
		return why_set(why, ERR_INVALID, "more than %d policies would be in force", POLICIES_MAX);
	if (row == NULL)
		row = array_add(&offices->policies);
	if (row == NULL)
		return ERR_MEMORY;
	*row = (struct offices_policy){
	    .index = index, .policy = order->policy, .text = arena_copy(&offices->arena, order->policy_text)};
	return row->text.data != NULL ? OK : ERR_MEMORY;
}

static enum err set_rules(const struct order *order, struct why *why)
{
	return order->rules <= RULES_VERSION
		   ? OK
		   : why_set(why, ERR_INVALID, "this program knows the rules up to version %d, not version %u",
			 RULES_VERSION, order->rules);
}

static enum err apply(struct offices *offices, const struct order *order, uint64_t index, struct why *why)
{
	switch (order->type) {
	case ORDER_VENUE_LICENSE: return license_venue(offices, order, why);
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME:
	case ORDER_VENUE_KEY: return change_venue(offices, order, index, why);
	case ORDER_VENUE_DISTRUST: return distrust_key(offices, order, index, why);
	case ORDER_POLICY_ADOPT: return adopt_policy(offices, order, index, why);
	case ORDER_OFFICER_ADD:
	case ORDER_OFFICER_REMOVE: return change_officer(offices, order, why);
	case ORDER_QUORUM_SET: offices->quorums = order->quorums; return OK;
	case ORDER_LOG_KEY: return change_log_keys(offices, order, index, why);
	case ORDER_RULES_SET: return set_rules(order, why);
	case ORDER_ENTERPRISE_REGISTER:
	case ORDER_ENTERPRISE_RELATE:
	case ORDER_ENTERPRISE_DELIST:
	case ORDER_GRANT_ADD:
	case ORDER_GRANT_REVOKE:
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID: break;
	}
	return why_set(why, ERR_INVALID, "%s is not an act: it has items", order_type_name(order->type));
}

/* ---- orders */

static enum err check_signatures(
    const struct offices *offices, const struct note *note, const struct order *order, struct why *why)
{
	struct signatories *signatories = malloc(sizeof(*signatories));
	bool is_quorum = false;
	enum err err;

	if (signatories == NULL)
		return ERR_MEMORY;
	signatories->count = 0;
	for (size_t i = 0; i < offices->officers.count; i++)
		signatories_add(signatories, note, array_at(&offices->officers, i));
	err = signatories_verify(signatories, note, order, &offices->quorums, &is_quorum, why);
	free(signatories);
	return err == OK && !is_quorum ? ERR_QUORUM : err;
}

/* ---- from one ledger to the one that continues it */

static enum err check_continued(const struct offices *offices, const struct continued *continued, struct why *why)
{
	struct key keys[LOG_KEYS_EVER_MAX];
	size_t key_count = 0;
	struct note note;
	uint64_t signed_by;
	enum err err;

	if (strcmp(continued->origin, offices->origin) != 0 || strcmp(continued->ledger_id, offices->ledger_id) != 0)
		return why_set(why, ERR_INVALID, "the genesis continues ledger %s, and the entries are of %s",
		    continued->ledger_id, offices->ledger_id);
	for (size_t i = 0; i < offices->log_key_count; i++)
		if (!offices_is_claim_key(offices, &offices->log_keys[i].key))
			keys[key_count++] = offices->log_keys[i].key;
	err = note_parse(slice_of(continued->note, continued->note_size), &note, why);
	if (err == OK)
		err = note_verify(&note, keys, key_count, &signed_by);
	return err == OK || err == ERR_MEMORY
		   ? err
		   : why_set(why, err, "the last known checkpoint of %s is not signed by its key", continued->origin);
}

static enum err begin_next(struct offices *offices, const struct era *era, struct why *why)
{
	struct order *as = calloc(1, sizeof(*as)); /* whoever may add officers may replace them all */
	struct note note;
	enum err err = as == NULL ? ERR_MEMORY : check_continued(offices, &era->genesis->continued, why);

	if (err == OK)
		err = note_parse(era->note, &note, why);
	if (err == OK) {
		as->type = ORDER_OFFICER_ADD;
		err = check_signatures(offices, &note, as, why);
	}
	free(as);
	return err == OK ? begin_with(offices, era, why) : err;
}

enum err offices_pass(struct offices *offices, uint64_t index, struct why *why)
{
	const struct eras *eras = offices->eras;
	enum err err = OK;

	while (err == OK && offices->era + 1 < eras->count && index >= eras->list[offices->era].end)
		err = begin_next(offices, &eras->list[++offices->era], why);
	return err;
}

/* ---- orders with items */

enum err offices_check(struct offices *offices, const struct offices_shown *shown, struct why *why)
{
	const struct order *order = shown->order;
	uint32_t day = date_of_time(shown->time_us);
	struct offices_carried *carried;
	enum err err;

	if (shown->index <= offices->index)
		return why_set(why, ERR_INVALID, "it is said to be entry %llu, but act %llu stands behind that",
		    (unsigned long long)shown->index, (unsigned long long)offices->index);
	if (strcmp(order->origin, offices->origin) != 0 || strcmp(order->ledger_id, offices->ledger_id) != 0)
		return why_set(why, ERR_ORDER_LEDGER, "the order is for ledger %s of %s; this is ledger %s of %s",
		    order->ledger_id, order->origin, offices->ledger_id, offices->origin);
	err = check_signatures(offices, shown->note, order, why);
	if (err != OK)
		return err;
	if (order->expires < day || order->expires > date_add_days(day, ORDER_EXPIRY_DAYS_MAX) ||
	    order->made_at_size > shown->index)
		return why_set(why, ERR_INVALID,
		    "it was carried out at another time than it allows: expired, too early, or before it was made");
	carried = array_add(&offices->carried);
	if (carried == NULL)
		return ERR_MEMORY;
	memcpy(carried->id, order->id, sizeof(carried->id));
	carried->index = shown->index;
	carried->text = hash_sha256(shown->note->text);
	return OK;
}

static int compare_carried(const void *a, const void *b)
{
	const struct offices_carried *left = a, *right = b;
	int order = strcmp(left->id, right->id);

	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

enum err offices_finish(struct offices *offices, struct why *why)
{
	array_sort(&offices->carried, compare_carried);
	for (size_t i = 1; i < offices->carried.count; i++) {
		const struct offices_carried *a = array_at(&offices->carried, i - 1);
		const struct offices_carried *b = array_at(&offices->carried, i);

		if (strcmp(a->id, b->id) == 0 && (a->index != b->index || !hash_equal(&a->text, &b->text)))
			return why_set(why, ERR_INVALID,
			    "the order %s is carried out as entry %llu and as entry %llu; an order is carried out once",
			    b->id, (unsigned long long)a->index, (unsigned long long)b->index);
	}
	return OK;
}

static enum err take_order(
    struct offices *offices, uint64_t index, const struct entry *entry, struct order *order, struct why *why)
{
	struct offices_shown shown = {.order = order, .index = index, .time_us = entry->time_us};
	struct arena arena;
	struct note note;
	enum err err;

	arena_init(&arena, ORDER_ARENA_SIZE);
	err = note_parse(entry->order.note, &note, why);
	if (err == OK)
		err = order_parse(note.text, entry->order.items, entry->order.item_count, &arena, order, why);
	shown.note = &note;
	if (err == OK)
		err = offices_check(offices, &shown, why);
	if (err == OK)
		err = apply(offices, order, index, why);
	arena_done(&arena);
	return err;
}

enum err offices_take(struct offices *offices, uint64_t index, const struct entry *entry, struct why *why)
{
	struct order *order;
	enum err err;

	if (entry->kind != ENTRY_ORDER)
		return why_set(
		    why, ERR_INVALID, "it is not an order, but an entry of kind %s", entry_kind_name(entry->kind));
	order = malloc(sizeof(*order));
	if (order == NULL)
		return ERR_MEMORY;
	err = take_order(offices, index, entry, order, why);
	free(order);
	offices->index = index;
	return err;
}

/* ---- records */

static enum err check_venue_signature(const struct offices_venue *venue, const struct note *note, struct why *why)
{
	struct key keys[VENUE_KEYS_EVER_MAX];
	size_t count = 0;
	uint64_t signed_by;
	enum err err;

	for (size_t i = 0; i < venue->key_count; i++)
		if (venue->keys[i].until == 0)
			keys[count++] = venue->keys[i].key;
	err = note_verify(note, keys, count, &signed_by);
	if (err != ERR_UNKNOWN_KEY)
		return err == OK
			   ? OK
			   : why_set(why, err, "the signature of venue %s under its feed does not match", venue->id);
	for (size_t i = 0; i < venue->key_count; i++)
		if (venue->keys[i].until != 0 && note_names_key(note, &venue->keys[i].key))
			return why_set(why, err,
			    "it is signed by a key of venue %s that entry %llu had revoked before it came", venue->id,
			    (unsigned long long)venue->keys[i].until);
	return why_set(why, err, "no key that venue %s was licensed with has signed it", venue->id);
}

enum err offices_check_record(
    const struct offices *offices, const struct entry *record, const struct proof *proof, struct why *why)
{
	const struct offices_venue *venue = find_venue(offices, record->record.venue);
	char origin[ORIGIN_TEXT_SIZE];
	struct checkpoint checkpoint;
	struct hash leaf = hash_leaf(record->record.record);
	struct note note;
	enum err err;

	if (venue == NULL)
		return why_set(why, ERR_VENUE, "no act licenses venue %.*s: it never was, or that act was left out",
		    (int)record->record.venue.size, (const char *)record->record.venue.data);
	if (venue->suspended_index != 0)
		return why_set(why, ERR_SUSPENDED, "venue %s was suspended by entry %llu when it came", venue->id,
		    (unsigned long long)venue->suspended_index);
	if (record->record.generation != venue->generation)
		return why_set(why, ERR_INVALID, "it is of generation %u of venue %s, and %u was open then",
		    record->record.generation, venue->id, venue->generation);
	err = note_parse(proof->note, &note, why);
	if (err == OK)
		err = checkpoint_parse(note.text, &checkpoint, why);
	if (err != OK)
		return err;
	feed_origin_format(venue->id, offices->ledger_id, venue->generation, origin);
	if (strcmp(checkpoint.origin, origin) != 0)
		return why_set(
		    why, ERR_FEED_ORIGIN, "its checkpoint is of %s and not of %s", checkpoint.origin, origin);
	err = check_venue_signature(venue, &note, why);
	if (err != OK)
		return err;
	if (proof->index != record->record.feed_index || !slice_equal(proof->extra, record->record.record) ||
	    tree_verify_inclusion(proof->index, checkpoint.size, &leaf, &proof->path, &checkpoint.root) != OK)
		return why_set(why, ERR_PROOF,
		    "it does not prove that the venue signed this record: what the ledger holds is another");
	return OK;
}

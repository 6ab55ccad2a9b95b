#include "daemon/population.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/query_internal.h"
#include "daemon/unfolded.h"

/* Policies take part in a mask of 64 bits. */
_Static_assert(POLICIES_MAX <= 64, "one bit a policy");

/* What a trade that the cells lack adds to a cell of one party. */
struct share {
	size_t position; /* of the member */
	struct cell_key key;
	struct cell_sums sums;
};

static const struct policy *policy_at(const struct population *population, size_t position)
{
	const struct query_policy *row = array_at(population->policies, position);

	return &row->policy;
}

static enum err add_member(struct population *population, struct slice key)
{
	struct member *member;
	struct account account;
	struct party party;

	if (key.size != USCI_SIZE)
		return ERR_DAMAGED;
	member = array_add(&population->members);
	if (member == NULL)
		return ERR_MEMORY;
	member->code = code_of(key);
	party_get(population->txn, &member->code, &party);
	member->has_traded = party.total_fen > 0;
	member->is_registered = account_get(population->txn, &member->code, &account);
	for (size_t i = 0; i < population->policies->count; i++)
		if (life_lists_ok(policy_at(population, i), member->is_registered ? &account : NULL))
			member->list_ok_mask |= 1ULL << i;
	return store_error(population->txn);
}

enum err population_read(struct store_txn *txn, const struct array *policies, struct population *ret_population)
{
	struct store_cursor cursor;
	enum err err = OK;

	assert(policies->count <= POLICIES_MAX);
	*ret_population = (struct population){.txn = txn, .policies = policies};
	array_init(&ret_population->members, sizeof(struct member));
	array_init(&ret_population->shares, sizeof(struct share));
	/* Being registered concerns an enterprise too, so whoever has an account has a head. */
	store_cursor_open(&cursor, txn, STORE_HEADS);
	for (bool is_there = store_cursor_first(&cursor); is_there && err == OK; is_there = store_cursor_next(&cursor))
		err = add_member(ret_population, cursor.key);
	store_cursor_close(&cursor);
	return err == OK ? store_error(txn) : err;
}

void population_done(struct population *population)
{
	array_done(&population->members);
	array_done(&population->shares);
}

/*
 * The pass keeps only the sums of the periods of each member: they decide an award. What the gates turned away is for
 * explanations, and would be ten times as much. Of the member whose row is being read the sums are at hand, as policy.h
 * takes them.
 *
 * Rows are in the order of months, and within a month in that of members: so members are gone through once a month, side
 * by side with the rows.
 */
struct pass {
	const struct population *population;
	const struct venues *venues;
	const struct policy *policy;
	uint64_t policy_bit;
	size_t period_count;
	struct policy_period_sums *periods; /* period_count for each member */
	/* The row that is being read. */
	uint16_t month;
	size_t position; /* of the member; the count of members before the first row */
	struct policy_sums sums;
};

/* The sums of a member, as far as they have come. */
static void load_sums(const struct pass *pass, size_t position, struct policy_sums *ret_sums)
{
	const struct member *member = array_at(&pass->population->members, position);

	policy_sums_init(ret_sums, (member->list_ok_mask & pass->policy_bit) != 0);
	memcpy(ret_sums->periods, pass->periods + position * pass->period_count,
	    pass->period_count * sizeof(*pass->periods));
}

static void store_sums(struct pass *pass)
{
	if (pass->position < pass->population->members.count)
		memcpy(pass->periods + pass->position * pass->period_count, pass->sums.periods,
		    pass->period_count * sizeof(*pass->periods));
}

static bool is_of(const struct pass *pass, size_t position, const struct code *code)
{
	const struct array *members = &pass->population->members;
	const struct member *member = position < members->count ? array_at(members, position) : NULL;

	return member != NULL && code_equal(&member->code, code);
}

static bool is_before(const struct pass *pass, size_t position, const struct code *code)
{
	const struct member *member = array_at(&pass->population->members, position);

	return memcmp(member->code.text, code->text, USCI_SIZE) < 0;
}

/* Goes on to the member of another row. False where there is none of that code. */
static bool go_to(struct pass *pass, const struct cell_key *key)
{
	size_t count = pass->population->members.count;
	size_t position = key->settled_month != pass->month ? 0 : pass->position;

	store_sums(pass);
	while (position < count && is_before(pass, position, &key->code))
		position++;
	pass->month = key->settled_month;
	pass->position = is_of(pass, position, &key->code) ? position : count;
	if (pass->position == count)
		return false;
	load_sums(pass, position, &pass->sums);
	return true;
}

static enum err add_cell(struct pass *pass, const struct cell_key *key, const struct cell_sums *cell, const char *venue)
{
	const struct policy_fact fact = cell_fact(key, cell, venue);

	return policy_add(pass->policy, &pass->sums, &fact);
}

static enum err take_cell(void *cookie, const struct cell_key *key, const struct cell_sums *cell)
{
	struct pass *pass = cookie;
	const char *venue;

	if ((key->flags & CELL_NOT_COUNTED) != 0)
		return OK;
	venue = venues_id(pass->venues, key->venue_number);
	if (venue == NULL || (!is_of(pass, pass->position, &key->code) && !go_to(pass, key)))
		return ERR_DAMAGED;
	return add_cell(pass, key, cell, venue);
}

static int compare_code(const void *code, const void *member)
{
	return memcmp(((const struct code *)code)->text, ((const struct member *)member)->code.text, USCI_SIZE);
}

static enum err keep_share(void *cookie, const struct cell_key *key, const struct cell_sums *sums)
{
	struct population *population = cookie;
	const struct array *members = &population->members;
	const struct member *member =
	    members->count == 0 ? NULL
				: bsearch(&key->code, members->items, members->count, sizeof(*member), compare_code);
	struct share *share;

	if (member == NULL)
		return ERR_DAMAGED;
	share = array_add(&population->shares);
	if (share == NULL)
		return ERR_MEMORY;
	*share = (struct share){
	    .position = (size_t)(member - (const struct member *)members->items), .key = *key, .sums = *sums};
	return OK;
}

/* Read once: taking the trades out of their entries costs more than a policy does. */
static enum err read_shares(struct population *population, const struct venues *venues)
{
	enum err err = OK;

	if (!population->has_shares)
		err = unfolded_each(population->txn, venues, keep_share, population);
	population->has_shares = err == OK;
	return err;
}

/* These come in no order of members. */
static enum err add_shares(struct pass *pass)
{
	const struct array *shares = &pass->population->shares;
	enum err err = OK;

	for (size_t i = 0; i < shares->count && err == OK; i++) {
		const struct share *share = array_at(shares, i);
		const char *venue = venues_id(pass->venues, share->key.venue_number);

		if (venue == NULL)
			return ERR_DAMAGED;
		load_sums(pass, share->position, &pass->sums);
		pass->position = share->position;
		err = add_cell(pass, &share->key, &share->sums, venue);
		store_sums(pass);
	}
	return err;
}

static enum err add_standings(const struct pass *pass, struct array *standings)
{
	struct policy_sums sums;
	struct policy_result result;
	struct standing *standing;
	enum err err = OK;

	for (size_t i = 0; i < pass->population->members.count && err == OK; i++) {
		load_sums(pass, i, &sums);
		err = policy_evaluate(pass->policy, &sums, &result);
		if (err != OK)
			break;
		standing = array_add(standings);
		if (standing == NULL)
			return ERR_MEMORY;
		*standing = (struct standing){.award_fen = result.award_fen,
		    .volume_fen = result.volume_fen,
		    .has_award = result.has_award,
		    .is_capped = result.has_award && result.is_capped};
	}
	return err;
}

enum err population_evaluate(
    struct population *population, const struct venues *venues, size_t policy_position, struct array *ret_standings)
{
	struct pass pass = {.population = population,
	    .venues = venues,
	    .policy = policy_at(population, policy_position),
	    .policy_bit = 1ULL << policy_position,
	    .position = population->members.count};
	uint16_t first_month, last_month;
	enum err err;

	array_init(ret_standings, sizeof(struct standing));
	pass.period_count = policy_period_count(pass.policy);
	pass.periods = calloc(population->members.count * pass.period_count + 1, sizeof(*pass.periods));
	if (pass.periods == NULL)
		return ERR_MEMORY;
	policy_settled_months(pass.policy, &first_month, &last_month);
	err = cells_each_all(population->txn, first_month, last_month, take_cell, &pass);
	store_sums(&pass);
	if (err == OK)
		err = read_shares(population, venues);
	if (err == OK)
		err = add_shares(&pass);
	if (err == OK)
		err = add_standings(&pass, ret_standings);
	free(pass.periods);
	return err;
}

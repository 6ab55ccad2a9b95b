#include "daemon/population.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/query_internal.h"

/* Policies take part in a mask of 64 bits. */
_Static_assert(POLICIES_MAX <= 64, "one bit a policy");

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
}

/*
 * The pass keeps only the sums of the periods of each member: they decide an award. What the gates turned away is for
 * explanations, and would be ten times as much.
 */
struct pass {
	const struct population *population;
	const struct venues *venues;
	const struct policy *policy;
	uint64_t policy_bit;
	size_t period_count;
	size_t member_position;             /* of the cell before: cells of one row follow each other */
	struct policy_period_sums *periods; /* period_count for each member */
};

static bool find_member(struct pass *pass, const struct code *code)
{
	const struct array *members = &pass->population->members;
	size_t low = 0, high = members->count;
	const struct member *member;

	if (pass->member_position < members->count) {
		member = array_at(members, pass->member_position);
		if (code_equal(&member->code, code))
			return true;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order;

		member = array_at(members, middle);
		order = memcmp(member->code.text, code->text, USCI_SIZE);
		if (order == 0) {
			pass->member_position = middle;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* The whole of a member's sums, as policy.h takes them. */
static void load_sums(const struct pass *pass, size_t position, struct policy_sums *ret_sums)
{
	const struct member *member = array_at(&pass->population->members, position);

	policy_sums_init(ret_sums, (member->list_ok_mask & pass->policy_bit) != 0);
	memcpy(ret_sums->periods, pass->periods + position * pass->period_count,
	    pass->period_count * sizeof(*pass->periods));
}

static enum err take_cell(void *cookie, const struct cell_key *key, const struct cell_sums *cell)
{
	struct pass *pass = cookie;
	const char *venue = venues_id(pass->venues, key->venue_number);
	struct policy_sums sums;
	struct policy_fact fact;
	enum err err;

	if ((key->flags & CELL_NOT_COUNTED) != 0)
		return OK;
	if (venue == NULL || !find_member(pass, &key->code))
		return ERR_DAMAGED;
	load_sums(pass, pass->member_position, &sums);
	fact = cell_fact(key, cell, venue);
	err = policy_add(pass->policy, &sums, &fact);
	if (err == OK)
		memcpy(pass->periods + pass->member_position * pass->period_count, sums.periods,
		    pass->period_count * sizeof(*pass->periods));
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

enum err population_evaluate(const struct population *population, const struct venues *venues, size_t policy_position,
    struct array *ret_standings)
{
	struct pass pass = {.population = population,
	    .venues = venues,
	    .policy = policy_at(population, policy_position),
	    .policy_bit = 1ULL << policy_position};
	enum err err;

	array_init(ret_standings, sizeof(struct standing));
	pass.period_count = policy_period_count(pass.policy);
	pass.periods = calloc(population->members.count * pass.period_count + 1, sizeof(*pass.periods));
	if (pass.periods == NULL)
		return ERR_MEMORY;
	err = cells_each_all(population->txn, take_cell, &pass);
	if (err == OK)
		err = add_standings(&pass, ret_standings);
	free(pass.periods);
	return err;
}

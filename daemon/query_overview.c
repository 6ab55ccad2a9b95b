/* The whole ledger at a glance: venues, sums, enterprises, policies, and contracts that two venues claim. */
#include <string.h>

#include "daemon/population.h"
#include "daemon/query_internal.h"
#include "daemon/shared.h"

#define DAY_US 86400000000ULL

/* Records of one venue, or of all. */
struct sums {
	uint64_t records, counted;
	uint64_t by_disposition[DISPOSITION_COUNT];
	wide_fen amount_fen, refunded_fen; /* of those that count: trades, refunds */
};

static void add_month(struct sums *sums, const struct venue_month_key *key, const struct venue_month *month)
{
	sums->records += month->records;
	sums->by_disposition[key->disposition] += month->records;
	if (key->disposition != DISPOSITION_COUNTED)
		return;
	sums->counted += month->records;
	if (key->kind == RECORD_TRADE)
		sums->amount_fen += month->amount_fen;
	else
		sums->refunded_fen += month->amount_fen;
}

/* Sums for each venue, by its number; number 0 holds those of all. */
static enum err read_sums(struct store_txn *txn, const struct venues *venues, struct array *sums)
{
	struct store_cursor cursor;
	struct venue_month_key key;
	struct venue_month month;
	enum err err = OK;

	do {
		if (array_add(sums) == NULL)
			return ERR_MEMORY;
	} while (sums->count < venues->ids.count);
	store_cursor_open(&cursor, txn, STORE_VENUE_MONTHS);
	for (bool is_there = store_cursor_first(&cursor); is_there && err == OK;
	     is_there = store_cursor_next(&cursor)) {
		if (!venue_month_decode(cursor.key, cursor.value, &key, &month) || key.venue_number == 0 ||
		    key.venue_number >= sums->count) {
			err = ERR_DAMAGED;
			break;
		}
		add_month(array_at(sums, 0), &key, &month);
		add_month(array_at(sums, key.venue_number), &key, &month);
	}
	store_cursor_close(&cursor);
	return err == OK ? store_error(txn) : err;
}

static json_t *not_counted_json(const struct sums *sums)
{
	json_t *counts = json_object();

	for (unsigned disposition = DISPOSITION_COUNTED + 1; disposition < DISPOSITION_COUNT; disposition++) {
		if (sums->by_disposition[disposition] == 0)
			continue;
		if (json_object_set_new(counts, disposition_name((enum disposition)disposition),
			query_number(sums->by_disposition[disposition])) != 0) {
			json_decref(counts);
			return NULL;
		}
	}
	return counts;
}

static json_t *totals_json(const struct sums *sums)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "records", query_number(sums->records), "counted",
	    query_number(sums->counted), "amount", query_wide(sums->amount_fen), "refunded",
	    query_wide(sums->refunded_fen), "not_counted", not_counted_json(sums));
}

/* ---- venues */

static enum err push_time(struct store_txn *txn, uint64_t push_index, uint64_t *ret_time_us)
{
	struct arena arena;
	struct entry entry;
	enum err err;

	arena_init(&arena, CHAIN_ARENA_SIZE);
	err = ledger_entry(txn, push_index, &arena, &entry);
	if (err == OK)
		*ret_time_us = entry.time_us;
	arena_done(&arena);
	return err == ERR_NOT_FOUND ? ERR_DAMAGED : err;
}

/* The order whose slices still hold trades of that venue; 0 for none. */
static uint64_t distrusting_index(struct store_txn *txn, uint16_t venue_number)
{
	struct distrust distrust = {0};

	for (uint64_t least = 0; distrust_next(txn, least, &distrust); least = distrust.order_index + 1)
		if (distrust.venue_number == venue_number && !distrust.is_done)
			return distrust.order_index;
	return 0;
}

static enum err venue_json(
    struct store_txn *txn, const char *id, const struct sums *sums, uint64_t now_us, json_t *rows)
{
	struct venue venue;
	struct feed feed;
	uint64_t time_us = 0, silent_us;
	enum err err = OK;
	bool has_push;

	if (!venue_get(txn, slice_text(id), &venue) || !feed_get(txn, venue.number, venue.generation, &feed))
		return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
	has_push = feed.last_push != 0;
	if (has_push)
		err = push_time(txn, feed.last_push, &time_us);
	if (err != OK)
		return err;
	silent_us = now_us > time_us ? now_us - time_us : 0;
	return query_append(rows,
	    json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "venue", venue.id, "name",
		venue.name, "generation", query_number(venue.generation), "feed_size", query_number(feed.frontier.size),
		"last_push", has_push ? query_time(time_us) : json_null(), "days_silent",
		has_push ? query_number(silent_us / DAY_US) : json_null(), "records", query_number(sums->records),
		"counted", query_number(sums->counted), "amount", query_wide(sums->amount_fen), "not_counted",
		not_counted_json(sums), "suspended_by", query_index(venue.suspended_index), "distrusting",
		query_index(distrusting_index(txn, venue.number))));
}

static enum err venues_json(
    struct store_txn *txn, const struct venues *venues, const struct array *sums, uint64_t now_us, json_t *rows)
{
	enum err err = OK;

	for (uint16_t number = 1; number < venues->ids.count && err == OK; number++) {
		const char *id = venues_id(venues, number);

		err = id == NULL ? ERR_DAMAGED : venue_json(txn, id, array_at(sums, number), now_us, rows);
	}
	return err;
}

/* ---- enterprises and policies */

static json_t *enterprises_json(const struct population *population)
{
	uint64_t registered = 0, trading = 0;

	for (size_t i = 0; i < population->members.count; i++) {
		const struct member *member = array_at(&population->members, i);

		registered += member->is_registered ? 1 : 0;
		trading += member->has_traded ? 1 : 0;
	}
	return json_pack("{s:o, s:o}", "registered", query_number(registered), "trading", query_number(trading));
}

static json_t *policy_json(const struct policy *policy, const struct array *standings)
{
	wide_fen award_fen = 0;
	uint64_t enterprises = 0, capped = 0;

	for (size_t i = 0; i < standings->count; i++) {
		const struct standing *standing = array_at(standings, i);

		if (standing->award_fen > 0) {
			award_fen += (uint64_t)standing->award_fen;
			enterprises++;
		}
		capped += standing->is_capped ? 1 : 0;
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "policy", policy->id, "status",
	    policy->is_assumed ? "assumed" : "published", "award",
	    policy->has_rate ? query_wide(award_fen) : json_null(), "enterprises", query_number(enterprises), "capped",
	    query_number(capped));
}

static enum err policies_json(struct population *population, const struct venues *venues, json_t *rows)
{
	struct array standings;
	enum err err = OK;

	for (size_t i = 0; i < population->policies->count && err == OK; i++) {
		const struct query_policy *row = array_at(population->policies, i);

		err = population_evaluate(population, venues, i, &standings);
		if (err == OK)
			err = query_append(rows, policy_json(&row->policy, &standings));
		array_done(&standings);
	}
	return err;
}

/* ---- the answer */

struct overview {
	struct ledger_head head;
	struct array policies, sums;
	struct venues venues;
	struct population population;
	json_t *venue_rows, *policy_rows, *shared;
	uint64_t searched_from;
};

static enum err gather(struct store_txn *txn, uint64_t now_us, struct overview *overview, struct why *why)
{
	enum err err = ledger_read_head(txn, &overview->head);

	if (err == OK)
		err = venues_read(txn, &overview->venues);
	if (err == OK)
		err = query_policies_in_force(txn, overview->head.size, NULL, &overview->policies, why);
	if (err == OK)
		err = read_sums(txn, &overview->venues, &overview->sums);
	if (err == OK)
		err = venues_json(txn, &overview->venues, &overview->sums, now_us, overview->venue_rows);
	if (err == OK)
		err = population_read(txn, &overview->policies, &overview->population);
	if (err == OK)
		err = policies_json(&overview->population, &overview->venues, overview->policy_rows);
	if (err == OK)
		err = shared_contracts(txn, &overview->shared, &overview->searched_from);
	return err;
}

enum err query_overview(struct store_txn *txn, uint64_t now_us, json_t **ret_json, struct why *why)
{
	struct overview overview = {.venue_rows = json_array(), .policy_rows = json_array()};
	enum err err;

	array_init(&overview.sums, sizeof(struct sums));
	err = gather(txn, now_us, &overview, why);
	if (err == OK)
		err = query_take(
		    json_pack("{s:o, s:o, s:O, s:o, s:o, s:O, s:O, s:o}", "ledger_size",
			query_number(overview.head.size), "time", query_time(overview.head.last_time_us), "venues",
			overview.venue_rows, "totals", totals_json(array_at(&overview.sums, 0)), "enterprises",
			enterprises_json(&overview.population), "policies", overview.policy_rows, "shared_contracts",
			overview.shared, "searched_from", query_number(overview.searched_from)),
		    ret_json);
	json_decref(overview.venue_rows);
	json_decref(overview.policy_rows);
	json_decref(overview.shared);
	population_done(&overview.population);
	array_done(&overview.policies);
	array_done(&overview.sums);
	venues_done(&overview.venues);
	return err;
}

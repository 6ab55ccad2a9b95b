/*
 * Each counted trade of the searched entries is kept in 16 bytes: a fingerprint of its contract hash, and where it is.
 * Sorted by fingerprint, the trades of one contract lie side by side. What the fingerprints say is checked against the
 * hashes themselves before anything is shown.
 */
#include "daemon/shared.h"

#include <string.h>

#include "daemon/chain.h"
#include "daemon/query_internal.h"
#include "daemon/venues.h"

struct sighting {
	uint64_t fingerprint;
	uint32_t offset; /* from the first entry searched */
	uint16_t venue_number;
};
_Static_assert(OVERVIEW_SCAN_MAX <= UINT32_MAX, "offsets are 32 bits");

/* Sightings of one contract at two venues or more: a run of the sorted array. */
struct group {
	size_t start, count;
	uint32_t first_offset;
};

static int compare_sightings(const void *a, const void *b)
{
	const struct sighting *left = a, *right = b;

	if (left->fingerprint != right->fingerprint)
		return left->fingerprint < right->fingerprint ? -1 : 1;
	return (left->offset > right->offset) - (left->offset < right->offset);
}

static int compare_groups(const void *a, const void *b)
{
	const struct group *left = a, *right = b;

	return (left->first_offset > right->first_offset) - (left->first_offset < right->first_offset);
}

static enum err see(struct store_txn *txn, const struct venues *venues, uint64_t index, uint32_t offset,
    struct arena *arena, struct array *sightings)
{
	struct chain_item item;
	struct sighting *sighting;
	struct hash hash;
	struct reader reader;
	enum err err;

	arena_reset(arena);
	err = chain_item_read(txn, index, arena, &item);
	if (err != OK || item.entry.kind != ENTRY_RECORD || item.record.kind != RECORD_TRADE ||
	    item.entry.record.disposition != DISPOSITION_COUNTED)
		return err;
	sighting = array_add(sightings);
	if (sighting == NULL)
		return ERR_MEMORY;
	/* Hashed once more: a venue may write any bytes as a contract hash, and could else fill one group at will. */
	hash = hash_sha256(item.trade.contract_hash);
	reader = reader_of(hash_slice(&hash));
	sighting->fingerprint = reader_u64(&reader);
	sighting->offset = offset;
	sighting->venue_number = venues_number(venues, item.entry.record.venue);
	return sighting->venue_number != 0 ? OK : ERR_DAMAGED;
}

static enum err find_groups(const struct array *sightings, struct array *groups)
{
	for (size_t start = 0, end; start < sightings->count; start = end) {
		const struct sighting *first = array_at(sightings, start), *other;
		bool is_shared = false;
		struct group *group;

		for (end = start + 1; end < sightings->count; end++) {
			other = array_at(sightings, end);
			if (other->fingerprint != first->fingerprint)
				break;
			is_shared = is_shared || other->venue_number != first->venue_number;
		}
		if (!is_shared)
			continue;
		group = array_add(groups);
		if (group == NULL)
			return ERR_MEMORY;
		*group = (struct group){start, end - start, first->offset};
	}
	array_sort(groups, compare_groups);
	return OK;
}

struct group_view {
	struct store_txn *txn;
	uint64_t searched_from;
	const struct array *sightings;
	const struct group *group;
};

/* The first trade of the contract at each venue. */
static enum err add_trades(
    const struct group_view *view, uint8_t ret_hash[static HASH_SIZE], struct arena *arena, json_t *trades)
{
	uint8_t is_venue_shown[VENUES_MAX + 1] = {0};
	struct touched touched;
	bool has_hash = false;
	struct chain_item item;
	enum err err = OK;

	for (size_t i = 0; i < view->group->count && err == OK; i++) {
		const struct sighting *sighting = array_at(view->sightings, view->group->start + i);
		uint64_t index = view->searched_from + sighting->offset;

		if (is_venue_shown[sighting->venue_number])
			continue;
		arena_reset(arena);
		err = chain_item_read(view->txn, index, arena, &item);
		if (err != OK || item.trade.contract_hash.size != HASH_SIZE)
			return err != OK ? err : ERR_DAMAGED;
		touched_get(view->txn, index, &touched);
		if (touched.state == TRADE_VOIDED)
			continue;
		if (!has_hash)
			memcpy(ret_hash, item.trade.contract_hash.data, HASH_SIZE);
		else if (memcmp(ret_hash, item.trade.contract_hash.data, HASH_SIZE) != 0)
			continue;
		has_hash = true;
		is_venue_shown[sighting->venue_number] = 1;
		err = query_append(
		    trades, json_pack("{s:o, s:o, s:o, s:s, s:s}", "venue", query_slice(item.entry.record.venue),
				"trade_no", query_slice(item.trade.trade_no), "index", query_number(index), "supplier",
				item.supplier.text, "buyer", item.buyer.text));
	}
	return err;
}

static enum err add_group(const struct group_view *view, struct arena *arena, json_t *contracts)
{
	uint8_t hash[HASH_SIZE] = {0};
	char hex[2 * HASH_SIZE + 1];
	json_t *trades = json_array();
	enum err err = add_trades(view, hash, arena, trades);

	hex_format(slice_of(hash, sizeof(hash)), hex);
	if (err == OK && json_array_size(trades) > 1)
		err = query_append(contracts, json_pack("{s:s, s:O}", "contract_hash", hex, "trades", trades));
	json_decref(trades);
	return err;
}

enum err shared_contracts(struct store_txn *txn, json_t **ret_json, uint64_t *ret_searched_from)
{
	uint64_t size = ledger_size(txn), from = size > OVERVIEW_SCAN_MAX ? size - OVERVIEW_SCAN_MAX : 0;
	struct array sightings, groups;
	struct venues venues;
	struct arena arena;
	json_t *contracts = json_array();
	enum err err;

	array_init(&sightings, sizeof(struct sighting));
	array_init(&groups, sizeof(struct group));
	arena_init(&arena, CHAIN_ARENA_SIZE);
	err = venues_read(txn, &venues);
	for (uint64_t index = from; index < size && err == OK; index++)
		err = see(txn, &venues, index, (uint32_t)(index - from), &arena, &sightings);
	array_sort(&sightings, compare_sightings);
	if (err == OK)
		err = find_groups(&sightings, &groups);
	for (size_t i = 0; i < groups.count && err == OK && json_array_size(contracts) < OVERVIEW_SHARED_MAX; i++) {
		struct group_view view = {txn, from, &sightings, array_at(&groups, i)};

		err = add_group(&view, &arena, contracts);
	}
	venues_done(&venues);
	arena_done(&arena);
	array_done(&groups);
	array_done(&sightings);
	if (err != OK) {
		json_decref(contracts);
		return err;
	}
	*ret_searched_from = from;
	return query_take(contracts, ret_json);
}

#include "daemon/rowplan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/life.h"

/* A cell's place in the order of rows and cells, as one number: months, the party's place, and what is in a cell's key. */
#define MONTH_BITS 16
#define PARTY_BITS 18
#define KIND_BITS 4
#define FLAG_BITS 5

_Static_assert(2 * PUSH_RECORDS_MAX <= 1u << PARTY_BITS, "a place for each party");
_Static_assert(PRODUCT_OTHER < 1 << KIND_BITS && CELL_FLAGS_ALL < 1u << FLAG_BITS, "all of a key");
_Static_assert(SIDE_BUYER - SIDE_SUPPLIER == 1, "one bit a side");
_Static_assert(2 * MONTH_BITS + PARTY_BITS + KIND_BITS + FLAG_BITS + 1 <= 64, "one number");

struct share {
	uint64_t cell;
	uint32_t record;
};

/* A party with the number by which it was met. */
struct met {
	struct code code;
	uint32_t number;
};

/* ---- parties */

struct register_of_push {
	uint32_t *slots; /* 1 + the number of a party; open addressing, at most half full */
	size_t slot_count;
	struct met *met;
	size_t met_count;
};

/* Whoever chooses codes that collide makes a worker slower for his own push, and nothing else. */
static size_t slot_of(const struct register_of_push *parties, struct slice text)
{
	uint64_t first, second, hash;
	size_t slot;

	assert(text.size == USCI_SIZE);
	memcpy(&first, text.data, sizeof(first));
	memcpy(&second, text.data + USCI_SIZE - sizeof(second), sizeof(second));
	hash = (first * 0x9e3779b97f4a7c15u ^ second) * 0x9e3779b97f4a7c15u;
	slot = (size_t)(hash >> 32) & (parties->slot_count - 1);
	while (
	    parties->slots[slot] != 0 && !slice_equal(code_slice(&parties->met[parties->slots[slot] - 1].code), text))
		slot = (slot + 1) & (parties->slot_count - 1);
	return slot;
}

static uint32_t meet(struct register_of_push *parties, struct slice text)
{
	size_t slot = slot_of(parties, text);

	if (parties->slots[slot] == 0) {
		struct met *met = &parties->met[parties->met_count++];

		met->code = code_of(text);
		met->number = (uint32_t)parties->met_count - 1;
		parties->slots[slot] = (uint32_t)parties->met_count;
	}
	return parties->slots[slot] - 1;
}

static int compare_met(const void *a, const void *b)
{
	const struct met *left = a, *right = b;

	return memcmp(left->code.text, right->code.text, USCI_SIZE);
}

static enum err open_register(size_t trade_count, struct arena *arena, struct register_of_push *ret_parties)
{
	struct register_of_push parties = {.slot_count = 8};

	while (parties.slot_count < 4 * trade_count)
		parties.slot_count *= 2;
	parties.slots = arena_alloc(arena, parties.slot_count * sizeof(*parties.slots));
	parties.met = arena_alloc(arena, 2 * (trade_count + 1) * sizeof(*parties.met));
	if (parties.slots == NULL || parties.met == NULL)
		return ERR_MEMORY;
	memset(parties.slots, 0, parties.slot_count * sizeof(*parties.slots));
	*ret_parties = parties;
	return OK;
}

/* Puts the parties into order, and their places where their numbers were. */
static enum err set_places(struct register_of_push *parties, size_t record_count, const struct record *records,
    struct arena *arena, struct rowplan *plan)
{
	uint32_t *places = arena_alloc(arena, (parties->met_count + 1) * sizeof(*places));

	plan->codes = arena_alloc(arena, (parties->met_count + 1) * sizeof(*plan->codes));
	if (places == NULL || plan->codes == NULL)
		return ERR_MEMORY;
	qsort(parties->met, parties->met_count, sizeof(*parties->met), compare_met);
	for (size_t i = 0; i < parties->met_count; i++) {
		plan->codes[i] = parties->met[i].code;
		places[parties->met[i].number] = (uint32_t)i;
	}
	plan->code_count = parties->met_count;
	for (size_t i = 0; i < record_count; i++) {
		if (records[i].kind != RECORD_TRADE)
			continue;
		plan->parties[i].supplier = places[plan->parties[i].supplier];
		plan->parties[i].buyer = places[plan->parties[i].buyer];
	}
	return OK;
}

static enum err plan_parties(
    const struct record *records, size_t record_count, size_t trade_count, struct arena *arena, struct rowplan *plan)
{
	struct register_of_push parties;
	enum err err = open_register(trade_count, arena, &parties);

	plan->parties = arena_alloc(arena, (record_count + 1) * sizeof(*plan->parties));
	if (err != OK || plan->parties == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < record_count; i++) {
		const struct trade *trade = &records[i].trade;

		plan->parties[i] = (struct rowplan_parties){0};
		if (records[i].kind == RECORD_TRADE)
			plan->parties[i] =
			    (struct rowplan_parties){meet(&parties, trade->supplier), meet(&parties, trade->buyer)};
	}
	return set_places(&parties, record_count, records, arena, plan);
}

bool rowplan_find(const struct rowplan *plan, const struct code *code, size_t *ret_place)
{
	size_t low = 0, high = plan->code_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(plan->codes[middle].text, code->text, USCI_SIZE);

		if (order == 0) {
			*ret_place = middle;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* ---- cells */

/* What a trade adds to the cell of either of its parties. */
static void share_of_supplier(const struct trade *trade, struct cell_key *ret_key, struct cell_sums *ret_sums)
{
	const struct touched untouched = {0};
	const struct policy_fact fact = life_fact(trade, NULL, SIDE_SUPPLIER, false, &untouched);
	struct code code = code_of(trade->supplier);

	cell_of_fact(&fact, &code, 0, ret_key, ret_sums);
}

void rowplan_sums(const struct trade *trade, struct cell_sums *ret_sums)
{
	struct cell_key key;

	share_of_supplier(trade, &key, ret_sums);
}

static uint64_t cell_pack(const struct cell_key *key, enum side side, uint32_t party)
{
	uint64_t cell = key->settled_month;

	cell = cell << PARTY_BITS | party;
	cell = cell << MONTH_BITS | key->signed_month;
	cell = cell << 1 | (unsigned)(side - SIDE_SUPPLIER);
	cell = cell << KIND_BITS | (unsigned)key->product_kind;
	return cell << FLAG_BITS | key->flags;
}

static unsigned take_bits(uint64_t *cell, unsigned count)
{
	unsigned bits = (unsigned)(*cell & ((1u << count) - 1));

	*cell >>= count;
	return bits;
}

static struct cell_key cell_unpack(const struct rowplan *plan, uint64_t cell)
{
	struct cell_key key = {.venue_number = 0};

	key.flags = (uint8_t)take_bits(&cell, FLAG_BITS);
	key.product_kind = (enum product_kind)take_bits(&cell, KIND_BITS);
	key.side = take_bits(&cell, 1) == 0 ? SIDE_SUPPLIER : SIDE_BUYER;
	key.signed_month = (uint16_t)take_bits(&cell, MONTH_BITS);
	key.code = plan->codes[take_bits(&cell, PARTY_BITS)];
	key.settled_month = (uint16_t)cell;
	return key;
}

/*
 * By cell, and of one cell by record, as they came: digit by digit, from the last on, without those that are all alike,
 * as most of the months are. Gives back which of the two arrays holds them then.
 */
static struct share *sort_shares(struct share *shares, struct share *spare, size_t share_count)
{
	enum { DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS };

	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
		size_t ends[DIGITS] = {0}, end = 0;
		struct share *sorted = spare;

		for (size_t i = 0; i < share_count; i++)
			ends[shares[i].cell >> shift & (DIGITS - 1)]++;
		if (share_count == 0 || ends[shares[0].cell >> shift & (DIGITS - 1)] == share_count)
			continue;
		for (size_t digit = 0; digit < DIGITS; digit++) {
			size_t count = ends[digit];

			ends[digit] = end;
			end += count;
		}
		for (size_t i = 0; i < share_count; i++)
			sorted[ends[shares[i].cell >> shift & (DIGITS - 1)]++] = shares[i];
		spare = shares;
		shares = sorted;
	}
	return shares;
}

static size_t count_cells(const struct share *shares, size_t share_count)
{
	size_t count = 0;

	for (size_t i = 0; i < share_count; i++)
		count += i == 0 || shares[i].cell != shares[i - 1].cell;
	return count;
}

static void add_share(struct rowplan_cell *cell, const struct cell_sums *sums)
{
	bool fits = cell_sums_combine(&cell->sums, sums, false);

	/* Amounts of one push are far below what 64 bits hold. */
	assert(fits);
	(void)fits;
	cell->share_count++;
}

/* `sums` of each record, which are alike for both parties. */
static enum err set_cells(const struct share *shares, size_t share_count, const struct cell_sums *sums,
    struct arena *arena, struct rowplan *plan)
{
	struct rowplan_cell *cell = NULL;

	plan->cells = arena_alloc(arena, (count_cells(shares, share_count) + 1) * sizeof(*plan->cells));
	plan->shares = arena_alloc(arena, (share_count + 1) * sizeof(*plan->shares));
	if (plan->cells == NULL || plan->shares == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < share_count; i++) {
		if (i == 0 || shares[i].cell != shares[i - 1].cell) {
			cell = &plan->cells[plan->cell_count++];
			*cell = (struct rowplan_cell){.key = cell_unpack(plan, shares[i].cell), .first_share = i};
		}
		add_share(cell, &sums[shares[i].record]);
		plan->shares[i] = shares[i].record;
	}
	return OK;
}

static enum err plan_cells(
    const struct record *records, size_t record_count, size_t trade_count, struct arena *arena, struct rowplan *plan)
{
	struct share *shares = arena_alloc(arena, (2 * trade_count + 1) * sizeof(*shares));
	struct share *spare = arena_alloc(arena, (2 * trade_count + 1) * sizeof(*spare));
	struct cell_sums *sums = arena_alloc(arena, (record_count + 1) * sizeof(*sums));
	size_t share_count = 0;

	if (shares == NULL || spare == NULL || sums == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < record_count; i++) {
		const struct rowplan_parties *parties = &plan->parties[i];
		struct cell_key key;

		if (records[i].kind != RECORD_TRADE)
			continue;
		share_of_supplier(&records[i].trade, &key, &sums[i]);
		shares[share_count++] = (struct share){cell_pack(&key, SIDE_SUPPLIER, parties->supplier), (uint32_t)i};
		shares[share_count++] = (struct share){cell_pack(&key, SIDE_BUYER, parties->buyer), (uint32_t)i};
	}
	return set_cells(sort_shares(shares, spare, share_count), share_count, sums, arena, plan);
}

enum err rowplan_make(const struct record *records, size_t record_count, struct arena *arena, struct rowplan *ret_plan)
{
	struct rowplan plan = {.code_count = 0};
	size_t trade_count = 0;
	enum err err;

	assert(record_count <= PUSH_RECORDS_MAX);
	for (size_t i = 0; i < record_count; i++)
		trade_count += records[i].kind == RECORD_TRADE;
	err = plan_parties(records, record_count, trade_count, arena, &plan);
	if (err == OK)
		err = plan_cells(records, record_count, trade_count, arena, &plan);
	if (err == OK)
		*ret_plan = plan;
	return err;
}

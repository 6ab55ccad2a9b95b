/*
 * The newest ledger's genesis carries the entry 0 of the one before, and that one in turn: read from the newest to the
 * oldest, in a loop, and turned round.
 */
#include "proto/eras.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE ((size_t)CONTINUED_LEDGERS_MAX * 4 * ENTRY_SIZE_MAX)

static enum err read_era(struct slice bytes, struct eras *eras, struct why *why)
{
	struct era *era = &eras->list[eras->count];
	struct entry entry;
	char id[2 * HASH_SIZE + 1];
	enum err err = entry_decode(bytes, &eras->arena, &entry);

	if (err == ERR_MEMORY)
		return err;
	if (err != OK || entry.kind != ENTRY_GENESIS)
		return why_set(why, ERR_DAMAGED, "it is no genesis entry");
	era->genesis = calloc(1, sizeof(*era->genesis));
	if (era->genesis == NULL)
		return ERR_MEMORY;
	eras->count++;
	era->note = entry.genesis.note;
	era->time_us = entry.time_us;
	era->end = UINT64_MAX;
	era->leaf = hash_leaf(bytes);
	hex_format(hash_slice(&era->leaf), id);
	memcpy(era->ledger_id, id, LEDGER_ID_SIZE);
	era->ledger_id[LEDGER_ID_SIZE] = '\0';
	err = genesis_check(era->note, true, era->genesis, why);
	if (err == OK && era->genesis->rules > RULES_VERSION)
		err = why_set(
		    why, ERR_DAMAGED, "it asks for a later rules version than this program knows; use a newer one");
	return err;
}

/* The newer one against one that is older: names and keys of a ledger are never another one's. */
static enum err compare(const struct era *newer, const struct era *older, struct why *why)
{
	if (strcmp(newer->genesis->origin, older->genesis->origin) == 0 ||
	    key_has_same_material(&newer->genesis->ledger_key, &older->genesis->ledger_key))
		return why_set(why, ERR_DAMAGED, "it has the origin or the key of ledger %s, which it continues",
		    older->ledger_id);
	if (newer->time_us != older->time_us)
		return why_set(why, ERR_DAMAGED, "its time is not that of the genesis of ledger %s", older->ledger_id);
	if (newer->genesis->continued.size < older->genesis->continued.size)
		return why_set(why, ERR_DAMAGED, "it takes over less than ledger %s had taken over", older->ledger_id);
	return OK;
}

static void turn_round(struct eras *eras)
{
	for (size_t i = 0; i < eras->count / 2; i++) {
		struct era era = eras->list[i];

		eras->list[i] = eras->list[eras->count - 1 - i];
		eras->list[eras->count - 1 - i] = era;
	}
	for (size_t i = 0; i + 1 < eras->count; i++)
		eras->list[i].end = eras->list[i + 1].genesis->continued.size;
}

enum err eras_load(struct slice entry, struct eras *ret_eras, struct why *why)
{
	struct slice bytes = entry;
	bool is_oldest = false;
	enum err err = OK;

	memset(ret_eras, 0, sizeof(*ret_eras));
	arena_init(&ret_eras->arena, ARENA_SIZE);
	while (err == OK && !is_oldest) {
		const struct continued *continued;

		if (ret_eras->count == CONTINUED_LEDGERS_MAX)
			return why_set(
			    why, ERR_DAMAGED, "it continues more than %d ledgers", CONTINUED_LEDGERS_MAX - 1);
		err = read_era(bytes, ret_eras, why);
		for (size_t i = 0; i + 1 < ret_eras->count && err == OK; i++)
			err = compare(&ret_eras->list[i], &ret_eras->list[ret_eras->count - 1], why);
		if (err != OK)
			break;
		continued = &ret_eras->list[ret_eras->count - 1].genesis->continued;
		is_oldest = continued->size == 0;
		bytes = slice_of(continued->entry, continued->entry_size);
	}
	if (err == OK)
		turn_round(ret_eras);
	return err;
}

void eras_done(struct eras *eras)
{
	for (size_t i = 0; i < eras->count; i++)
		free(eras->list[i].genesis);
	arena_done(&eras->arena);
	eras->count = 0;
}

#include "client/recordset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/record.h"

#define KEY_SIZE RECORDSET_KEY_SIZE
#define SLOTS_FIRST 1024

/* One table for both kinds of keys: the number's and the content's. */
struct recordset_slot {
	uint8_t key[KEY_SIZE];
	uint64_t stored; /* a number's value plus 1, or how many of a content; 0: free */
};

void recordset_init(struct recordset *set)
{
	*set = (struct recordset){0};
}

void recordset_done(struct recordset *set)
{
	free(set->slots);
	recordset_init(set);
}

/* The slot that holds `key`, or the free one where it belongs. There is always a free one. */
static struct recordset_slot *slot_find(const struct recordset *set, const uint8_t *key)
{
	uint64_t at;

	memcpy(&at, key, sizeof(at)); /* the bytes are a hash: any of them will do */
	for (;; at++) {
		struct recordset_slot *slot = &set->slots[at & (set->slot_count - 1)];

		if (slot->stored == 0 || memcmp(slot->key, key, KEY_SIZE) == 0)
			return slot;
	}
}

static enum err set_grow(struct recordset *set)
{
	struct recordset larger = {.slot_count = set->slot_count == 0 ? SLOTS_FIRST : 2 * set->slot_count};

	larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
	if (larger.slots == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < set->slot_count; i++)
		if (set->slots[i].stored != 0)
			*slot_find(&larger, set->slots[i].key) = set->slots[i];
	larger.used_count = set->used_count;
	free(set->slots);
	*set = larger;
	return OK;
}

enum err recordset_key_of(struct slice record, struct recordset_key *ret_key)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	struct record decoded;
	struct arena arena;
	size_t fault_count;
	enum err err;

	arena_init(&arena, 4 * RECORD_SIZE_MAX);
	err = record_decode(record, &arena, &decoded, faults, &fault_count);
	if (err == OK) {
		uint8_t tag[2] = {'n', (uint8_t)decoded.kind};
		struct slice parts[2] = {slice_of(tag, sizeof(tag)), record_number(&decoded)};
		struct hash number = hash_sha256_parts(parts, 2), content = hash_leaf(record);

		memcpy(ret_key->number, number.bytes, KEY_SIZE);
		memcpy(ret_key->content, content.bytes, KEY_SIZE);
	}
	arena_done(&arena);
	return err;
}

enum err recordset_add(struct recordset *set, const struct recordset_key *key, uint64_t value)
{
	struct recordset_slot *slot;

	if (4 * (set->used_count + 2) > 3 * set->slot_count && set_grow(set) != OK)
		return ERR_MEMORY;
	slot = slot_find(set, key->number);
	if (slot->stored == 0) {
		memcpy(slot->key, key->number, KEY_SIZE);
		slot->stored = value + 1;
		set->used_count++;
	}
	slot = slot_find(set, key->content);
	if (slot->stored == 0) {
		memcpy(slot->key, key->content, KEY_SIZE);
		set->used_count++;
	}
	slot->stored++;
	return OK;
}

void recordset_change(struct recordset *set, const struct recordset_key *key, uint64_t value)
{
	struct recordset_slot *slot;

	assert(set->slot_count > 0);
	slot = slot_find(set, key->number);
	assert(slot->stored != 0);
	slot->stored = value + 1;
}

struct recordset_found recordset_find(const struct recordset *set, const struct recordset_key *key)
{
	struct recordset_found found = {false, 0, 0};
	const struct recordset_slot *slot;

	if (set->slot_count == 0)
		return found;
	slot = slot_find(set, key->number);
	if (slot->stored != 0) {
		found.has_number = true;
		found.value = slot->stored - 1;
	}
	found.same_count = slot_find(set, key->content)->stored;
	return found;
}

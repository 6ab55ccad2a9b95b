#include "client/recordset.h"

#include <stdlib.h>
#include <string.h>

#include "proto/record.h"

#define KEY_SIZE 16
#define SLOTS_FIRST 1024

/* One table for both kinds of keys: the number's and the content's. */
struct recordset_slot {
	uint8_t key[KEY_SIZE];
	uint64_t value; /* one more than it is; 0: free */
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

		if (slot->value == 0 || memcmp(slot->key, key, KEY_SIZE) == 0)
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
		if (set->slots[i].value != 0)
			*slot_find(&larger, set->slots[i].key) = set->slots[i];
	larger.used_count = set->used_count;
	free(set->slots);
	*set = larger;
	return OK;
}

static enum err keys_of(struct slice bytes, struct hash *ret_number, struct hash *ret_content)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	struct record record;
	struct arena arena;
	size_t fault_count;
	enum err err;

	arena_init(&arena, 4 * RECORD_SIZE_MAX);
	err = record_decode(bytes, &arena, &record, faults, &fault_count);
	if (err == OK) {
		uint8_t tag[2] = {'n', (uint8_t)record.kind};
		struct slice parts[2] = {slice_of(tag, sizeof(tag)), record_number(&record)};

		*ret_number = hash_sha256_parts(parts, 2);
		*ret_content = hash_leaf(bytes);
	}
	arena_done(&arena);
	return err;
}

static void slot_fill(struct recordset *set, const struct hash *key, uint64_t value)
{
	struct recordset_slot *slot = slot_find(set, key->bytes);

	if (slot->value != 0)
		return;
	memcpy(slot->key, key->bytes, KEY_SIZE);
	slot->value = value + 1;
	set->used_count++;
}

enum err recordset_add(struct recordset *set, struct slice record, uint64_t value)
{
	struct hash number, content;
	enum err err;

	err = keys_of(record, &number, &content);
	if (err == OK && 4 * (set->used_count + 2) > 3 * set->slot_count)
		err = set_grow(set);
	if (err != OK)
		return err;
	slot_fill(set, &number, value);
	slot_fill(set, &content, value);
	return OK;
}

enum err recordset_find(
    const struct recordset *set, struct slice record, enum recordset_match *ret_match, uint64_t *ret_value)
{
	const struct recordset_slot *slot;
	struct hash number, content;
	enum err err;

	err = keys_of(record, &number, &content);
	if (err != OK)
		return err;
	*ret_match = RECORDSET_NEW;
	if (set->slot_count == 0)
		return OK;
	slot = slot_find(set, content.bytes);
	if (slot->value != 0) {
		*ret_match = RECORDSET_SAME;
		*ret_value = slot->value - 1;
		return OK;
	}
	slot = slot_find(set, number.bytes);
	if (slot->value != 0) {
		*ret_match = RECORDSET_OTHER;
		*ret_value = slot->value - 1;
	}
	return OK;
}

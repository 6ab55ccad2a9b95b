#include "daemon/overlay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024u
#define CACHE_LINE_SIZE 64u
#define EXPECTED_LINES 4u /* of a row: itself, its key, and the greater part of most values */
#define VALUE_SLACK 32u   /* bytes a value may grow in place: a cell gains a digit or two at a time */

/* The hash is kept beside the row, so that only the row that is looked for is touched. */
struct slot {
	struct overlay_row *row; /* NULL for none */
	uint32_t hash;
};

struct overlay {
	struct arena arena;
	size_t row_count, row_capacity;
	unsigned late_db;
	struct dirty {
		struct overlay_row **rows; /* has room for every row */
		size_t count;
	} dirty, late;
	uint64_t change_count;
	struct slot *slots; /* open addressing */
	size_t slot_count;  /* a power of two, at least twice the rows */
	uint64_t clear_count;
};

struct overlay *overlay_new(size_t size_max, unsigned late_db)
{
	struct overlay *overlay = calloc(1, sizeof(*overlay));

	if (overlay == NULL)
		return NULL;
	overlay->late_db = late_db;
	arena_init(&overlay->arena, size_max);
	overlay->slot_count = SLOTS_FIRST;
	overlay->slots = calloc(SLOTS_FIRST, sizeof(*overlay->slots));
	if (overlay->slots == NULL) {
		overlay_free(overlay);
		return NULL;
	}
	return overlay;
}

void overlay_free(struct overlay *overlay)
{
	if (overlay == NULL)
		return;
	arena_done(&overlay->arena);
	free(overlay->dirty.rows);
	free(overlay->late.rows);
	free(overlay->slots);
	free(overlay);
}

void overlay_clear(struct overlay *overlay)
{
	if (overlay->row_count > 0)
		memset(overlay->slots, 0, overlay->slot_count * sizeof(*overlay->slots));
	overlay->row_count = overlay->dirty.count = overlay->late.count = 0;
	overlay->clear_count++;
	arena_reset(&overlay->arena);
}

/* Eight bytes at a step. Whoever chooses keys that collide makes a venue's own group slower, and nothing else. */
static uint32_t hash_of(unsigned db, struct slice key)
{
	uint64_t hash = 14695981039346656037u ^ db ^ (uint64_t)key.size << 32, word;
	size_t place = 0;

	for (; place + sizeof(word) <= key.size; place += sizeof(word)) {
		memcpy(&word, key.data + place, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	for (; place < key.size; place++)
		hash = (hash ^ key.data[place]) * 1099511628211u;
	return (uint32_t)(hash ^ hash >> 29);
}

/* The slot of the row, or the empty one where it would go. */
static size_t slot_of(const struct overlay *overlay, uint32_t hash, unsigned db, struct slice key)
{
	size_t mask = overlay->slot_count - 1, slot = hash & mask;

	for (; overlay->slots[slot].row != NULL; slot = (slot + 1) & mask) {
		const struct overlay_row *row = overlay->slots[slot].row;

		if (overlay->slots[slot].hash == hash && row->db == db && slice_equal(row->key, key))
			break;
	}
	return slot;
}

struct overlay_row *overlay_find(const struct overlay *overlay, unsigned db, struct slice key)
{
	return overlay->slots[slot_of(overlay, hash_of(db, key), db, key)].row;
}

uint32_t overlay_expect(const struct overlay *overlay, unsigned db, struct slice key)
{
	uint32_t hash = hash_of(db, key);

	__builtin_prefetch(&overlay->slots[hash & (overlay->slot_count - 1)]);
	return hash;
}

void overlay_expect_row(const struct overlay *overlay, uint32_t hash)
{
	const struct overlay_row *row = overlay->slots[hash & (overlay->slot_count - 1)].row;

	for (size_t line = 0; row != NULL && line < EXPECTED_LINES; line++)
		__builtin_prefetch((const uint8_t *)row + line * CACHE_LINE_SIZE);
}

uint64_t overlay_change_count(const struct overlay *overlay)
{
	return overlay->change_count;
}

uint64_t overlay_clear_count(const struct overlay *overlay)
{
	return overlay->clear_count;
}

static enum err grow_slots(struct overlay *overlay)
{
	size_t count = overlay->slot_count * 2, mask = count - 1;
	struct slot *slots = calloc(count, sizeof(*slots));

	if (slots == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < overlay->slot_count; i++) {
		size_t slot = overlay->slots[i].hash & mask;

		if (overlay->slots[i].row == NULL)
			continue;
		while (slots[slot].row != NULL)
			slot = (slot + 1) & mask;
		slots[slot] = overlay->slots[i];
	}
	free(overlay->slots);
	overlay->slots = slots;
	overlay->slot_count = count;
	return OK;
}

static enum err grow_dirty(struct dirty *dirty, size_t capacity)
{
	struct overlay_row **rows = reallocarray(dirty->rows, capacity, sizeof(struct overlay_row *));

	if (rows == NULL)
		return ERR_MEMORY;
	dirty->rows = rows;
	return OK;
}

static enum err reserve(struct overlay *overlay)
{
	if (overlay->row_count == overlay->row_capacity) {
		size_t capacity = overlay->row_capacity == 0 ? SLOTS_FIRST : 2 * overlay->row_capacity;

		if (grow_dirty(&overlay->dirty, capacity) != OK || grow_dirty(&overlay->late, capacity) != OK)
			return ERR_MEMORY;
		overlay->row_capacity = capacity;
	}
	return 2 * (overlay->row_count + 1) > overlay->slot_count ? grow_slots(overlay) : OK;
}

/* The arena says NULL for both; a full overlay can be written and cleared. */
static enum err no_room(const struct overlay *overlay, size_t size)
{
	return overlay->arena.used_size + size + 64 > overlay->arena.max ? ERR_TOO_LARGE : ERR_MEMORY;
}

static void make_dirty(struct overlay *overlay, struct overlay_row *row)
{
	struct dirty *dirty = row->db == overlay->late_db ? &overlay->late : &overlay->dirty;

	overlay->change_count++;
	if (row->is_dirty)
		return;
	row->is_dirty = true;
	dirty->rows[dirty->count++] = row;
}

static size_t capacity_of(size_t size)
{
	return size + size / 2 + VALUE_SLACK;
}

/* Memory for a value of this size, with room to grow. */
static enum err alloc_value(struct overlay *overlay, size_t size, uint8_t **ret_bytes, size_t *ret_capacity)
{
	size_t capacity = capacity_of(size);
	uint8_t *bytes = arena_alloc(&overlay->arena, capacity);

	if (bytes == NULL)
		return no_room(overlay, capacity);
	*ret_bytes = bytes;
	*ret_capacity = capacity;
	return OK;
}

/*
 * A row that is wholly there or not at all: a failure leaves the overlay as it was. Key and first value lie behind the
 * row, for whoever touches one touches all.
 */
static enum err add_row(
    struct overlay *overlay, unsigned db, struct slice key, const struct slice *value, bool is_dirty)
{
	size_t value_size = value != NULL ? value->size : 0, capacity = capacity_of(value_size), whole;
	struct overlay_row *row;
	uint8_t *bytes;
	uint32_t hash;
	enum err err = reserve(overlay);

	if (err != OK)
		return err;
	whole = sizeof(*row) + key.size + capacity;
	row = arena_alloc(&overlay->arena, whole);
	if (row == NULL)
		return no_room(overlay, whole);
	bytes = (uint8_t *)(row + 1);
	memcpy(bytes, key.data, key.size);
	if (value_size > 0)
		memcpy(bytes + key.size, value->data, value_size);
	*row = (struct overlay_row){.db = db,
	    .key = slice_of(bytes, key.size),
	    .value = slice_of(bytes + key.size, value_size),
	    .capacity = capacity,
	    .is_absent = value == NULL};
	hash = hash_of(db, key);
	overlay->slots[slot_of(overlay, hash, db, key)] = (struct slot){row, hash};
	overlay->row_count++;
	if (is_dirty)
		make_dirty(overlay, row);
	return OK;
}

/* The row's bytes, which are the overlay's own; a slice only says that others must not write them. */
static uint8_t *own_bytes(const struct overlay_row *row)
{
	const union {
		const uint8_t *in;
		uint8_t *out;
	} bytes = {.in = row->value.data};

	return bytes.out;
}

enum err overlay_edit(struct overlay *overlay, struct overlay_row *row, size_t size, uint8_t **ret_bytes)
{
	uint8_t *bytes = own_bytes(row);
	enum err err = OK;

	if (size > row->capacity) {
		err = alloc_value(overlay, size, &bytes, &row->capacity);
		if (err != OK)
			return err;
		if (!row->is_absent && row->value.size > 0)
			memcpy(bytes, row->value.data, row->value.size);
	}
	row->value = slice_of(bytes, size);
	row->is_absent = false;
	make_dirty(overlay, row);
	*ret_bytes = bytes;
	return OK;
}

static enum err change_row(struct overlay *overlay, struct overlay_row *row, const struct slice *value, bool is_dirty)
{
	uint8_t *bytes = own_bytes(row);
	enum err err = OK;

	if (value != NULL && value->size > row->capacity)
		err = alloc_value(overlay, value->size, &bytes, &row->capacity);
	if (err != OK)
		return err;
	if (value != NULL) {
		if (value->size > 0)
			memmove(bytes, value->data, value->size);
		row->value = slice_of(bytes, value->size);
	}
	row->is_absent = value == NULL;
	if (is_dirty)
		make_dirty(overlay, row);
	return OK;
}

enum err overlay_set(struct overlay *overlay, unsigned db, struct slice key, const struct slice *value, bool is_dirty)
{
	struct overlay_row *row = overlay_find(overlay, db, key);

	if (row == NULL)
		return add_row(overlay, db, key, value, is_dirty);
	return change_row(overlay, row, value, is_dirty);
}

static int compare_rows(const void *a, const void *b)
{
	const struct overlay_row *left = *(struct overlay_row *const *)a, *right = *(struct overlay_row *const *)b;

	if (left->db != right->db)
		return left->db < right->db ? -1 : 1;
	return slice_compare(left->key, right->key);
}

static enum err write_dirty(
    struct dirty *dirty, enum err (*write)(void *cookie, const struct overlay_row *row), void *cookie)
{
	size_t written_count = 0;
	enum err err = OK;

	if (dirty->count == 0)
		return OK;
	qsort(dirty->rows, dirty->count, sizeof(struct overlay_row *), compare_rows);
	while (written_count < dirty->count && err == OK) {
		err = write(cookie, dirty->rows[written_count]);
		if (err == OK)
			dirty->rows[written_count++]->is_dirty = false;
	}
	dirty->count -= written_count;
	memmove(dirty->rows, dirty->rows + written_count, dirty->count * sizeof(struct overlay_row *));
	return err;
}

enum err overlay_write(struct overlay *overlay, bool with_late,
    enum err (*write)(void *cookie, const struct overlay_row *row), void *cookie)
{
	enum err err = write_dirty(&overlay->dirty, write, cookie);

	return err == OK && with_late ? write_dirty(&overlay->late, write, cookie) : err;
}

bool overlay_is_half_full(const struct overlay *overlay)
{
	return overlay->arena.used_size > overlay->arena.max / 2;
}

void overlay_settle(struct overlay *overlay)
{
	assert(overlay->dirty.count == 0);
	if (overlay->late.count == 0 && overlay_is_half_full(overlay))
		overlay_clear(overlay);
}

/* A store in a folder of its own, and short words for texts as keys and values. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/store.h"

#ifndef MAP_SIZE
#define MAP_SIZE (64u << 20)
#endif
#define PAGE_SIZE 4096

struct place {
	char folder[64];
	struct store *store;
	struct store_txn *txn;
	struct why why;
};

static inline enum err open_at(struct place *place, uint64_t map_size, enum store_mode mode)
{
	return store_open(place->folder, map_size, mode, &place->store, &place->why);
}

static inline int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->folder, sizeof(place->folder), "/tmp/subsidyd-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	assert_int_equal(open_at(place, MAP_SIZE, STORE_CREATE), OK);
	*state = place;
	return 0;
}

static inline void close_store(struct place *place)
{
	store_abort(place->txn);
	store_close(place->store);
	place->txn = NULL;
	place->store = NULL;
}

static inline void remove_files(const struct place *place)
{
	static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", place->folder, names[i]);
		unlink(path);
	}
}

static inline int teardown(void **state)
{
	struct place *place = *state;

	close_store(place);
	remove_files(place);
	rmdir(place->folder);
	free(place);
	return 0;
}

static inline void create_again(struct place *place, uint64_t map_size, enum store_mode mode)
{
	close_store(place);
	remove_files(place);
	if (open_at(place, map_size, mode) != OK)
		fail_msg("%s", place->why.text);
}

static inline void begin(struct place *place)
{
	assert_int_equal(store_write(place->store, &place->txn), OK);
}

static inline void commit(struct place *place)
{
	assert_int_equal(store_commit(place->txn), OK);
	place->txn = NULL;
}

static inline void put(struct place *place, unsigned db, const char *key, const char *value)
{
	store_put(place->txn, db, slice_text(key), slice_text(value));
}

/* What is stored in a transaction; "" when absent. */
static const char *value_of(struct store_txn *txn, unsigned db, const char *key)
{
	static char text[64];
	struct slice value;

	if (!store_get(txn, db, slice_text(key), &value))
		return "";
	assert_true(value.size < sizeof(text));
	memcpy(text, value.data, value.size);
	text[value.size] = '\0';
	return text;
}

static inline void put_block(struct place *place, uint32_t number)
{
	static const uint8_t block[PAGE_SIZE];
	char key[16];

	snprintf(key, sizeof(key), "%08u", number);
	store_put(place->txn, STORE_ENTRIES, slice_text(key), slice_of(block, sizeof(block)));
}

#endif

/* subsidyd verify: what it finds in every database, in the guard and in the file, and its exit codes. */
#include "ledger_full.h"

#include "daemon/verify.h"

#define EXIT_DIFFERENT 6
#define EXIT_DAMAGED 9

struct place {
	struct ledger_fixture fixture;
	struct config config;
	char guard_path[80];
	char text[4096]; /* what the last run wrote */
};

static void open_store(struct place *place)
{
	struct ledger_fixture *fixture = &place->fixture;

	assert_int_equal(store_open(fixture->folder, LEDGER_MAP_SIZE, STORE_OPEN, &fixture->store, &fixture->why), OK);
	assert_int_equal(store_write(fixture->store, &fixture->txn), OK);
}

static void close_store(struct place *place)
{
	if (place->fixture.txn != NULL)
		assert_int_equal(store_commit(place->fixture.txn), OK);
	store_close(place->fixture.store);
	place->fixture.txn = NULL;
	place->fixture.store = NULL;
}

/* A full ledger with its guard, closed. */
static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct guard *guard;

	ledger_setup(&place->fixture);
	ledger_fill(&place->fixture);
	ledger_leave(&place->fixture);
	ledger_make_guard(&place->fixture, place->guard_path, &guard);
	guard_close(guard);
	close_store(place);
	place->config.data = place->fixture.folder;
	place->config.guard = place->guard_path;
	place->config.map_size = LEDGER_MAP_SIZE;
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	unlink(place->guard_path);
	ledger_teardown(&place->fixture);
	free(place);
	return 0;
}

/* A file, for another process may write into it. */
static int verify(struct place *place)
{
	FILE *out = tmpfile();
	size_t size;
	int code;

	assert_non_null(out);
	code = verify_run(&place->config, out);
	rewind(out);
	size = fread(place->text, 1, sizeof(place->text) - 1, out);
	place->text[size] = '\0';
	fclose(out);
	return code;
}

static void expect(struct place *place, int want, const char *what)
{
	int code = verify(place);

	if (code != want || strstr(place->text, what) == NULL)
		fail_msg("exit code %d, wanted %d with \"%s\" in\n%s", code, want, what, place->text);
}

static void agrees_with_a_sound_ledger(void **state)
{
	struct place *place = *state;

	expect(place, 0, "\nverified\n");
	assert_non_null(strstr(place->text, "4 with 11 records"));
	assert_non_null(strstr(place->text, "guard "));
	assert_non_null(strstr(place->text, "3 enterprises under 1 policies: cells and chains agree"));
}

/* The n-th row of a database; false when it has fewer. */
static bool find_row(struct place *place, unsigned db, size_t number, struct buf *ret_key, struct buf *ret_value)
{
	struct store_cursor cursor;
	bool is_there;

	store_cursor_open(&cursor, place->fixture.txn, db);
	is_there = store_cursor_first(&cursor);
	for (size_t i = 0; i < number && is_there; i++)
		is_there = store_cursor_next(&cursor);
	if (is_there) {
		buf_clear(ret_key);
		buf_clear(ret_value);
		buf_add_slice(ret_key, cursor.key);
		buf_add_slice(ret_value, cursor.value);
	}
	store_cursor_close(&cursor);
	return is_there;
}

static void put(struct place *place, unsigned db, struct slice key, struct slice value)
{
	open_store(place);
	store_put(place->fixture.txn, db, key, value);
	close_store(place);
}

static void drop(struct place *place, unsigned db, struct slice key)
{
	open_store(place);
	store_delete(place->fixture.txn, db, key);
	close_store(place);
}

/* One row more, one byte changed, one row less: in every database that a ledger has. */
static void finds_a_changed_row_of_every_database(void **state)
{
	struct place *place = *state;
	struct buf key, value, changed;
	unsigned db_count = 0;

	buf_init(&key, 1024);
	buf_init(&value, 1u << 20);
	buf_init(&changed, 1u << 20);
	for (unsigned db = 0; db <= STORE_TRADES + 2; db++) {
		bool is_there;
		char name[40] = "database ", last_key[] = "\xff\xff\xff";

		if (db == STORE_TREE || db == STORE_TRADES) /* too small for a tile; no venue has number 0 */
			continue;
		open_store(place);
		is_there = find_row(place, db, db == STORE_META ? 1 : 0, &key, &value);
		close_store(place);
		if (!is_there)
			fail_msg("database %u is empty", db);
		store_db_name(db, name + strlen(name));
		put(place, db, slice_of(last_key, 3), slice_text("x"));
		expect(place, EXIT_DIFFERENT, name);
		assert_non_null(strstr(place->text, "row ffffff is there, but no entry accounts for it"));
		drop(place, db, slice_of(last_key, 3));
		buf_clear(&changed);
		buf_add_slice(&changed, buf_slice(&value));
		changed.data[changed.size - 1] ^= 1;
		put(place, db, buf_slice(&key), buf_slice(&changed));
		expect(place, EXIT_DIFFERENT, db == STORE_ENTRIES ? "entry 0" : name);
		drop(place, db, buf_slice(&key));
		expect(place, EXIT_DIFFERENT, db == STORE_ENTRIES ? "entry 0: it is missing" : name);
		if (db != STORE_ENTRIES)
			assert_non_null(strstr(place->text, "is missing"));
		put(place, db, buf_slice(&key), buf_slice(&value));
		db_count++;
	}
	assert_int_equal(db_count, STORE_FIXED_COUNT - 1 + 2);
	expect(place, 0, "verified");
	buf_done(&key);
	buf_done(&value);
	buf_done(&changed);
}

static void finds_a_tile_that_should_not_be(void **state)
{
	static const uint8_t key[13] = {0, 0, 0, 0, 1}, value[HASH_SIZE];
	struct place *place = *state;

	put(place, STORE_TREE, slice_of(key, sizeof(key)), slice_of(value, sizeof(value)));
	expect(place, EXIT_DIFFERENT, "database tree");
}

/* The last entry's salt was random: that it was changed shows in the head alone. */
static void finds_a_changed_salt_of_the_last_entry(void **state)
{
	struct place *place = *state;
	struct arena arena;
	struct entry entry;
	struct buf bytes;
	uint8_t key[STATE_U64_SIZE];
	uint64_t last = place->fixture.ledger.head.size - 1;

	arena_init(&arena, 8u * ENTRY_SIZE_MAX);
	buf_init(&bytes, ENTRY_SIZE_MAX);
	open_store(place);
	assert_int_equal(ledger_entry(place->fixture.txn, last, &arena, &entry), OK);
	entry.salt[3] ^= 1;
	assert_int_equal(entry_encode(&entry, &bytes), OK);
	close_store(place);
	put(place, STORE_ENTRIES, state_u64(last, key), buf_slice(&bytes));
	expect(place, EXIT_DIFFERENT, "database meta: row head differs");
	buf_done(&bytes);
	arena_done(&arena);
}

static void make_guard(struct place *place, uint64_t size, const struct hash *root)
{
	struct guard *guard;
	struct head head;

	ledger_sign_head(&place->fixture, size, root, &head);
	unlink(place->guard_path);
	assert_int_equal(guard_create(place->guard_path, head_note(&head), &guard, &place->fixture.why), OK);
	guard_close(guard);
}

static void finds_a_guard_that_is_not_of_this_ledger(void **state)
{
	struct place *place = *state;
	struct hash root = frontier_root(&place->fixture.ledger.head.frontier), other = hash_empty();
	uint64_t size = place->fixture.ledger.head.size;

	make_guard(place, size + 1, &root);
	expect(place, EXIT_DAMAGED, "this is an older copy");
	make_guard(place, size, &other);
	expect(place, EXIT_DAMAGED, "are not those of the checkpoint it signed");
	unlink(place->guard_path);
	expect(place, EXIT_DAMAGED, "FAILED");
	make_guard(place, size, &root);
	expect(place, 0, "verified");
}

static void finds_a_data_file_cut_short(void **state)
{
	struct place *place = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/data.mdb", place->fixture.folder);
	assert_int_equal(truncate(path, 3 * 4096), 0);
	expect(place, EXIT_DAMAGED, "cut short");
}

static void tells_trouble_from_damage(void **state)
{
	struct place *place = *state;

	open_store(place);
	expect(place, 1, "NOT VERIFIED: another process holds the data folder");
	close_store(place);
	place->config.data = place->guard_path + 1; /* no such folder */
	expect(place, 1, "NOT VERIFIED");
	place->config.data = place->fixture.folder;
	setenv("TMPDIR", "/tmp/subsidyd-test-there-is-none", 1);
	expect(place, 1, "TMPDIR names another place");
	unsetenv("TMPDIR");
	expect(place, 0, "verified");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(agrees_with_a_sound_ledger, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_changed_row_of_every_database, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_tile_that_should_not_be, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_changed_salt_of_the_last_entry, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_guard_that_is_not_of_this_ledger, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_data_file_cut_short, setup, teardown),
	    cmocka_unit_test_setup_teardown(tells_trouble_from_damage, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

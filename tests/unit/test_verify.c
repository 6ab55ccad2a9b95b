/* subsidyd verify: what it finds in every database, in the guard and in the file, and its exit codes. */
#include <dirent.h>
#include <sys/file.h>

#include "ledger_full.h"

#include "folder.h"

#include "daemon/compare.h"
#include "daemon/finding.h"
#include "daemon/verify.h"

struct place {
	struct ledger_fixture fixture;
	struct config config;
	struct verify_options options;
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
	place->options.config = &place->config;
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
	code = verify_run(&place->options, out);
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
	assert_non_null(strstr(place->text, "3 enterprises under 1 policies: 0.00 yuan"));
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
		expect(place, db == STORE_ENTRIES ? FINDING_INVALID : FINDING_STATE, name);
		assert_non_null(
		    strstr(place->text, db == STORE_ENTRIES ? "row ffffff is there, but its key is no index"
							    : "row ffffff is there, but no entry accounts for it"));
		drop(place, db, slice_of(last_key, 3));
		buf_clear(&changed);
		buf_add_slice(&changed, buf_slice(&value));
		changed.data[changed.size - 1] ^= 1;
		put(place, db, buf_slice(&key), buf_slice(&changed));
		expect(place, db == STORE_ENTRIES ? FINDING_INVALID : FINDING_STATE,
		    db == STORE_ENTRIES ? "FAILED (invalid): entry 0: " : name);
		drop(place, db, buf_slice(&key));
		expect(place, db == STORE_ENTRIES ? FINDING_GAP : FINDING_STATE,
		    db == STORE_ENTRIES ? "FAILED (gap): entry 0: it is missing" : name);
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
	expect(place, FINDING_STATE, "FAILED (state differs): database tree");
}

static uint64_t ledger_end(const struct place *place)
{
	return place->fixture.ledger.head.size;
}

/* The last entry's salt was random: that it was changed shows in the head alone. */
static void finds_a_changed_salt_of_the_last_entry(void **state)
{
	struct place *place = *state;
	struct arena arena;
	struct entry entry;
	struct buf bytes;
	uint8_t key[STATE_U64_SIZE];
	uint64_t last = ledger_end(place) - 1;
	char wanted[80];

	arena_init(&arena, 8u * ENTRY_SIZE_MAX);
	buf_init(&bytes, ENTRY_SIZE_MAX);
	open_store(place);
	assert_int_equal(ledger_entry(place->fixture.txn, last, &arena, &entry), OK);
	entry.salt[3] ^= 1;
	assert_int_equal(entry_encode(&entry, &bytes), OK);
	close_store(place);
	put(place, STORE_ENTRIES, state_u64(last, key), buf_slice(&bytes));
	snprintf(wanted, sizeof(wanted), "FAILED (invalid): entry %llu: it was changed", (unsigned long long)last);
	expect(place, FINDING_INVALID, wanted);
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
	uint64_t size = ledger_end(place);
	char wanted[80];

	make_guard(place, size + 1, &root);
	snprintf(wanted, sizeof(wanted), "FAILED (unusable): entry %llu: it is missing: ", (unsigned long long)size);
	expect(place, FINDING_UNUSABLE, wanted);
	make_guard(place, size, &other);
	expect(place, FINDING_UNUSABLE, "are not those of the checkpoint it signed");
	unlink(place->guard_path);
	expect(place, FINDING_UNUSABLE, "FAILED (unusable): the ledger does not match its guard file");
	make_guard(place, size, &root);
	expect(place, 0, "verified");
}

static void finds_a_data_file_cut_short(void **state)
{
	struct place *place = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/data.mdb", place->fixture.folder);
	assert_int_equal(truncate(path, 3 * 4096), 0);
	expect(place, FINDING_UNUSABLE, "cut short");
}

/* Entries behind the head's end, with a key that is an index; and a head that is none, which hides nothing else. */
static void finds_entries_beyond_the_head_and_a_head_that_is_none(void **state)
{
	struct place *place = *state;
	struct buf key, value;
	uint8_t index[STATE_U64_SIZE];
	char wanted[80];

	buf_init(&key, 1024);
	buf_init(&value, 1u << 20);
	put(place, STORE_ENTRIES, state_u64(ledger_end(place) + 1, index), slice_text("x"));
	snprintf(wanted, sizeof(wanted), "FAILED (invalid): entry %llu: it is there",
	    (unsigned long long)ledger_end(place) + 1);
	expect(place, FINDING_INVALID, wanted);
	drop(place, STORE_ENTRIES, state_u64(ledger_end(place) + 1, index));
	open_store(place);
	assert_true(find_row(place, STORE_META, 0, &key, &value));
	close_store(place);
	drop(place, STORE_META, buf_slice(&key));
	expect(place, FINDING_STATE, "FAILED (state differs): database meta: row head is missing");
	put(place, STORE_META, buf_slice(&key), slice_text("x"));
	expect(place, FINDING_STATE, "FAILED (state differs): database meta: row head differs");
	put(place, STORE_CELLS, slice_text("x"), slice_text("x"));
	drop(place, STORE_ENTRIES, state_u64(7, index));
	expect(place, FINDING_GAP, "FAILED (gap): entry 7: it is missing, and later ones are there");
	buf_done(&key);
	buf_done(&value);
}

/* The entries end early: where the head says otherwise, and where head and all went back with them. */
static void finds_entries_missing_at_the_end(void **state)
{
	struct place *place = *state;
	uint8_t index[STATE_U64_SIZE];
	char wanted[80];

	drop(place, STORE_ENTRIES, state_u64(ledger_end(place) - 1, index));
	drop(place, STORE_ENTRIES, state_u64(ledger_end(place) - 2, index));
	snprintf(wanted, sizeof(wanted), "FAILED (missing): entry %llu: ", (unsigned long long)ledger_end(place) - 2);
	expect(place, FINDING_MISSING, wanted);
}

/* ---- a kept state */

static void set_kept(struct place *place, const char *from, const char *keep)
{
	place->options.from_path = from;
	place->options.keep_path = keep;
}

static size_t count_files(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	assert_non_null(dir);
	for (struct dirent *item = readdir(dir); item != NULL; item = readdir(dir))
		count += item->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* A byte of its data file. */
static void damage_kept(const char *folder)
{
	DIR *dir = opendir(folder);
	char path[512] = "";
	FILE *file;
	int byte;

	assert_non_null(dir);
	for (struct dirent *item = readdir(dir); item != NULL; item = readdir(dir))
		if (strncmp(item->d_name, "state-", 6) == 0)
			snprintf(path, sizeof(path), "%s/%.20s/data.mdb", folder, item->d_name);
	closedir(dir);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 4096 * 5 + 100, SEEK_SET), 0);
	byte = fgetc(file);
	assert_int_equal(fseek(file, -1, SEEK_CUR), 0);
	assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
	fclose(file);
}

static void edit_mark(const char *folder, const char *what, const char *by)
{
	char path[128], text[4096], *place;
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/kept.json", folder);
	file = fopen(path, "r+");
	assert_non_null(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = '\0';
	place = strstr(text, what);
	assert_non_null(place);
	memcpy(place, by, strlen(by));
	rewind(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
}

static void keeps_a_state_and_goes_on_from_it(void **state)
{
	struct place *place = *state;
	char folder[100], counts[80], path[128];
	uint64_t size = ledger_end(place);

	snprintf(folder, sizeof(folder), "%s.kept", place->fixture.folder);
	set_kept(place, folder, NULL);
	expect(place, 1, "NOT VERIFIED");
	set_kept(place, NULL, folder);
	expect(place, 0, "kept         the state of size");
	assert_int_equal(count_files(folder), 3); /* kept.json, the lock, one state */
	set_kept(place, folder, folder);
	snprintf(counts, sizeof(counts), "kept         %llu entries by hash and chain", (unsigned long long)size);
	/* What a crash left is removed with the state before. */
	snprintf(path, sizeof(path), "%s/state-crashX", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	expect(place, 0, counts);
	assert_non_null(strstr(place->text, "entries      0: "));
	assert_int_equal(count_files(folder), 3);
	/* A run that finds something keeps nothing new, and leaves what is kept. */
	put(place, STORE_CELLS, slice_text("x"), slice_text("x"));
	expect(place, FINDING_STATE, "database cells: row x");
	drop(place, STORE_CELLS, slice_text("x"));
	assert_int_equal(count_files(folder), 3);
	set_kept(place, folder, NULL);
	expect(place, 0, counts);
	folder_remove(folder);
}

/* Where the ledger can't say who it is, the kept state still can. */
static void expect_another_ledger_of_the_mark(struct place *place, const char *folder)
{
	static const uint8_t name[] = "identity";
	struct slice key = slice_of(name, sizeof(name) - 1), row;
	struct buf value;

	buf_init(&value, 4096);
	open_store(place);
	assert_true(store_get(place->fixture.txn, STORE_META, key, &row));
	buf_add_slice(&value, row);
	close_store(place);
	drop(place, STORE_META, key);
	expect(place, FINDING_STATE, "database meta: row identity is missing");
	edit_mark(folder, place->fixture.ledger_id, "0123456789abcdef");
	expect(place, 1, "kept.json is not of the state beside it");
	edit_mark(folder, "0123456789abcdef", place->fixture.ledger_id);
	put(place, STORE_META, key, buf_slice(&value));
	buf_done(&value);
}

static void says_what_is_wrong_with_a_kept_state(void **state)
{
	struct place *place = *state;
	char folder[100], path[160], text[40], hex[2 * HASH_SIZE + 1], wrong_hex[2 * HASH_SIZE + 1];
	uint64_t size = ledger_end(place);
	struct hash root = hash_empty();
	int fd;

	hex_format(hash_slice(&root), wrong_hex);

	snprintf(folder, sizeof(folder), "%s.kept", place->fixture.folder);
	set_kept(place, NULL, folder);
	expect(place, 0, "verified");
	set_kept(place, folder, NULL);
	edit_mark(folder, "\"schema\":\"1", "\"schema\":\"9");
	expect(place, 1, "kept under schema 9 and rules version 1, this program has 1 and 1; leave --from out");
	edit_mark(folder, "\"schema\":\"9", "\"schema\":\"1");
	edit_mark(folder, "\"rules\":\"1", "\"rules\":\"2");
	expect(place, 1, "kept under schema 1 and rules version 2");
	edit_mark(folder, "\"rules\":\"2", "\"rules\":\"1");
	edit_mark(folder, "kept/v1", "kept/v2");
	expect(place, 1, "not of a state that this program keeps");
	edit_mark(folder, "kept/v2", "kept/v1");
	edit_mark(folder, place->fixture.ledger_id, "0123456789abcdef");
	expect(place, 1, "was kept of ledger 0123456789abcdef, this is ledger");
	edit_mark(folder, "0123456789abcdef", place->fixture.ledger_id);
	edit_mark(folder, "\"store\":\"state-", "\"store\":\"../te-");
	expect(place, 1, "kept.json: damaged");
	edit_mark(folder, "\"store\":\"../te-", "\"store\":\"state-");
	/* A size that the ledger does not have, and one that the store does not have. */
	snprintf(text, sizeof(text), "\"size\":\"%llu", (unsigned long long)size);
	edit_mark(folder, text, "\"size\":\"99");
	snprintf(path, sizeof(path), "FAILED (missing): entry %llu: it is missing", (unsigned long long)size);
	expect(place, FINDING_MISSING, path);
	edit_mark(folder, "\"size\":\"99", "\"size\":\"10");
	expect(place, 1, "kept.json is not of the state beside it");
	edit_mark(folder, "\"size\":\"10", text);
	expect(place, 0, "verified");
	root = frontier_root(&place->fixture.ledger.head.frontier);
	hex_format(hash_slice(&root), hex);
	edit_mark(folder, hex, wrong_hex);
	expect(place, 1, "kept.json is not of the state beside it");
	edit_mark(folder, wrong_hex, hex);
	expect_another_ledger_of_the_mark(place, folder);
	expect(place, 0, "verified");
	/* Another run is at it. */
	snprintf(path, sizeof(path), "%s/lock", folder);
	fd = open(path, O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	expect(place, 1, "another verify is using the kept folder");
	close(fd);
	/* A byte of the store. */
	damage_kept(folder);
	expect(place, 1, "is damaged: it is not what was kept");
	/* Names that lead elsewhere, or are none of those that are given. */
	edit_mark(folder, "\"store\":\"state-", "\"store\":\"state-../../");
	expect(place, 1, "kept.json: damaged");
	edit_mark(folder, "\"store\":\"state-", "\"store\":\"state-\\u0041");
	expect(place, 1, "kept.json: damaged");
	folder_remove(folder);
}

/* The ledger behind the kept state was changed where the state can't tell. */
static void finds_a_changed_entry_before_the_kept_state(void **state)
{
	struct place *place = *state;
	uint8_t bytes[ENTRY_SIZE_MAX], key[STATE_U64_SIZE];
	char folder[100];
	struct slice stored;
	size_t size;

	snprintf(folder, sizeof(folder), "%s.kept", place->fixture.folder);
	set_kept(place, NULL, folder);
	expect(place, 0, "verified");
	set_kept(place, folder, NULL);
	open_store(place);
	assert_true(ledger_bytes(place->fixture.txn, 9, &stored));
	size = stored.size;
	memcpy(bytes, stored.data, size);
	close_store(place);
	bytes[size / 2] ^= 1;
	put(place, STORE_ENTRIES, state_u64(9, key), slice_of(bytes, size));
	expect(place, FINDING_INVALID, "FAILED (invalid): entry 9: ");
	drop(place, STORE_ENTRIES, state_u64(9, key));
	expect(place, FINDING_GAP, "FAILED (gap): entry 9: ");
	folder_remove(folder);
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
	    cmocka_unit_test_setup_teardown(finds_entries_beyond_the_head_and_a_head_that_is_none, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_entries_missing_at_the_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_a_state_and_goes_on_from_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(says_what_is_wrong_with_a_kept_state, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_changed_entry_before_the_kept_state, setup, teardown),
	    cmocka_unit_test_setup_teardown(tells_trouble_from_damage, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

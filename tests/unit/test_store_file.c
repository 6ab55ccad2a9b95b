/* The file under the store: modes, its lock, and what a full or cut one gives. */
#include "store_fixture.h"

#include <sys/resource.h>
#include <sys/stat.h>

static void refuses_modes_that_do_not_fit_the_folder(void **state)
{
	struct place *place = *state, other = {.folder = "/tmp/subsidyd-test-there-is-none"};

	close_store(place);
	assert_int_equal(open_at(place, MAP_SIZE, STORE_CREATE), ERR_INVALID);
	assert_non_null(strstr(place->why.text, "already"));
	assert_int_equal(open_at(place, MAP_SIZE, STORE_SCRATCH), ERR_INVALID);
	remove_files(place);
	assert_int_equal(open_at(place, MAP_SIZE, STORE_OPEN), ERR_NOT_FOUND);
	assert_non_null(strstr(place->why.text, "subsidyd init"));
	assert_int_equal(open_at(&other, MAP_SIZE, STORE_OPEN), ERR_NOT_FOUND);
	assert_int_equal(open_at(&other, MAP_SIZE, STORE_CREATE), ERR_NOT_FOUND);
	snprintf(other.folder, sizeof(other.folder), "/dev/null"); /* not a folder */
	assert_int_equal(open_at(&other, MAP_SIZE, STORE_CREATE), ERR_IO);
	assert_null(place->store);
	assert_null(other.store);
	/* The refusals left nothing behind that stands in the way. */
	assert_int_equal(open_at(place, MAP_SIZE, STORE_CREATE), OK);
}

static void keeps_a_second_user_out(void **state)
{
	struct place *place = *state;
	struct store *second = NULL;

	assert_int_equal(store_open(place->folder, MAP_SIZE, STORE_OPEN, &second, &place->why), ERR_LOCKED);
	assert_non_null(strstr(place->why.text, place->folder));
	assert_null(second);
	close_store(place);
	assert_int_equal(open_at(place, MAP_SIZE, STORE_OPEN), OK);
}

static void makes_a_scratch_store(void **state)
{
	struct place *place = *state;

	create_again(place, MAP_SIZE, STORE_SCRATCH);
	begin(place);
	put(place, STORE_META, "a", "1");
	store_create_trades(place->txn, 1);
	commit(place);
	assert_int_equal(store_read(place->store, &place->txn), OK);
	assert_string_equal(value_of(place->txn, STORE_META, "a"), "1");
	assert_true(store_has_db(place->txn, STORE_TRADES + 1));
}

static void answers_a_full_map_and_keeps_what_it_has(void **state)
{
	struct place *place = *state;
	uint32_t count = 0;

	create_again(place, 1u << 20, STORE_CREATE);
	begin(place);
	put_block(place, 0);
	put(place, STORE_META, "a", "1");
	commit(place);
	begin(place);
	while (store_error(place->txn) == OK && count < 1000)
		put_block(place, ++count);
	assert_int_equal(store_error(place->txn), ERR_DISK_FULL);
	assert_int_equal(store_commit(place->txn), ERR_DISK_FULL);
	begin(place);
	assert_string_equal(value_of(place->txn, STORE_META, "a"), "1");
	assert_string_equal(value_of(place->txn, STORE_ENTRIES, "00000001"), "");
	put(place, STORE_META, "a", "2");
	commit(place);
	close_store(place);
	if (open_at(place, 1u << 20, STORE_OPEN) != OK)
		fail_msg("%s", place->why.text);
}

static void tells_how_much_room_is_left(void **state)
{
	struct place *place = *state;
	struct store_usage usage, later;
	struct stat status;
	char path[128];

	store_usage(place->store, &usage);
	snprintf(path, sizeof(path), "%s/data.mdb", place->folder);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(usage.used_size, status.st_size); /* new, and not extended yet */
	assert_int_equal(usage.map_size, MAP_SIZE);
	assert_true(usage.used_size > 0 && usage.used_size < MAP_SIZE && usage.disk_free_size > 0);
	assert_int_equal(usage.page_size, PAGE_SIZE);
	begin(place);
	for (uint32_t i = 0; i < 100; i++)
		put_block(place, i);
	commit(place);
	store_usage(place->store, &later);
	assert_true(later.used_size >= usage.used_size + 100 * PAGE_SIZE);
}

static void takes_a_smaller_map_where_the_system_refuses(void **state)
{
	struct place *place = *state;
	struct store_usage usage;

	close_store(place);
	if (open_at(place, 1ULL << 50, STORE_OPEN) != OK)
		fail_msg("%s", place->why.text);
	store_usage(place->store, &usage);
	assert_true(usage.map_size < 1ULL << 50 && usage.map_size >= 64ULL << 30);
	begin(place);
	put(place, STORE_META, "a", "1");
	commit(place);
}

/* A sanitizer maps far more than that for itself. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

static void refuses_a_map_below_64_gib_where_more_was_asked_for(void **state)
{
	struct place *place = *state;
	struct rlimit before, limit;
	enum err err;

	if (IS_SANITIZED)
		skip();
	close_store(place);
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	limit = before;
	limit.rlim_cur = 60ULL << 30;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	err = open_at(place, 1ULL << 50, STORE_OPEN);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	assert_int_equal(err, ERR_MEMORY);
	assert_int_equal(open_at(place, 1ULL << 50, STORE_OPEN), OK);
}

static void finds_a_file_that_was_cut_short(void **state)
{
	struct place *place = *state;
	struct store_usage usage;
	char path[128];
	off_t size;

	begin(place);
	for (uint32_t i = 0; i < 40; i++)
		put_block(place, i);
	commit(place);
	store_usage(place->store, &usage);
	close_store(place);
	snprintf(path, sizeof(path), "%s/data.mdb", place->folder);
	size = (off_t)usage.used_size;
	assert_int_equal(truncate(path, size), 0); /* what its pages need and no more */
	assert_int_equal(open_at(place, MAP_SIZE, STORE_OPEN), OK);
	close_store(place);
	for (size -= 1; size >= 0; size -= size % PAGE_SIZE == 0 ? PAGE_SIZE : size % PAGE_SIZE) {
		assert_int_equal(truncate(path, size), 0);
		if (open_at(place, MAP_SIZE, STORE_OPEN) != ERR_DAMAGED)
			fail_msg("cut at %lld: %s", (long long)size, place->why.text);
	}
}

/* Whatever a transaction frees of its own last pages is never written; the file must be as long as its pages all the same. */
static void keeps_the_file_as_long_as_its_pages(void **state)
{
	/* Blocks put and how many of the last are deleted again: within what is extended ahead, beyond it, up to the map. */
	static const uint32_t rows[][2] = {{1000, 100}, {1, 0}, {1, 0}, {4500, 200}, {2400, 200}};
	struct place *place = *state;
	struct store_usage usage;
	struct stat status;
	char path[128], key[16];
	uint32_t number = 0;

	snprintf(path, sizeof(path), "%s/data.mdb", place->folder);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(place);
		store_usage(place->store, &usage);
		assert_int_equal(stat(path, &status), 0);
		assert_true(status.st_size > (off_t)usage.used_size);
		for (uint32_t n = 0; n < rows[i][0]; n++)
			put_block(place, number++);
		for (uint32_t n = 0; n < rows[i][1]; n++) {
			snprintf(key, sizeof(key), "%08u", --number);
			store_delete(place->txn, STORE_ENTRIES, slice_text(key));
		}
		commit(place);
		store_usage(place->store, &usage);
		assert_int_equal(stat(path, &status), 0);
		if (status.st_size < (off_t)usage.used_size)
			fail_msg("row %zu: %lld bytes of %llu", i, (long long)status.st_size,
			    (unsigned long long)usage.used_size);
	}
	assert_true(usage.used_size > MAP_SIZE - (12u << 20));
	close_store(place);
	assert_int_equal(open_at(place, MAP_SIZE, STORE_OPEN), OK);
}

static void bounds_its_readers(void **state)
{
	struct place *place = *state;
	struct store_txn *readers[READERS_MAX], *further;

	for (size_t i = 0; i < READERS_MAX; i++)
		assert_int_equal(store_read(place->store, &readers[i]), OK);
	store_check_readers(place->store); /* all of them live */
	assert_int_equal(store_read(place->store, &further), ERR_MEMORY);
	store_abort(readers[0]);
	assert_int_equal(store_read(place->store, &readers[0]), OK);
	for (size_t i = 0; i < READERS_MAX; i++)
		store_abort(readers[i]);
}

/* Ended ones are used again: they see what was committed meanwhile, and no more of them are kept than the bound says. */
static void keeps_a_bounded_number_of_readers(void **state)
{
	struct place *place = *state;
	struct store_txn *readers[READERS_KEPT_MAX + 1], *txn;
	struct slice value;

	assert_int_equal(store_readers_kept(place->store), 0);
	for (unsigned round = 0; round < 3; round++) {
		/* One less than the bound, as many, one more. */
		size_t count = READERS_KEPT_MAX - 1 + round;
		uint8_t number = (uint8_t)round;

		assert_int_equal(store_write(place->store, &txn), OK);
		store_put(txn, STORE_META, slice_text("round"), slice_of(&number, 1));
		assert_int_equal(store_commit(txn), OK);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(store_read(place->store, &readers[i]), OK);
			assert_true(store_get(readers[i], STORE_META, slice_text("round"), &value));
			assert_int_equal(value.data[0], round);
		}
		assert_int_equal(store_readers_kept(place->store), 0);
		store_fail(readers[0], ERR_DAMAGED); /* must not stick to whoever reads next */
		for (size_t i = 0; i < count; i++)
			store_abort(readers[i]);
		assert_int_equal(store_readers_kept(place->store), count < READERS_KEPT_MAX ? count : READERS_KEPT_MAX);
	}
	for (size_t i = 0; i < READERS_KEPT_MAX; i++) {
		assert_int_equal(store_read(place->store, &readers[i]), OK);
		assert_int_equal(store_error(readers[i]), OK);
	}
	for (size_t i = 0; i < READERS_KEPT_MAX; i++)
		store_abort(readers[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(refuses_modes_that_do_not_fit_the_folder, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_a_second_user_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(makes_a_scratch_store, setup, teardown),
	    cmocka_unit_test_setup_teardown(answers_a_full_map_and_keeps_what_it_has, setup, teardown),
	    cmocka_unit_test_setup_teardown(tells_how_much_room_is_left, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_a_smaller_map_where_the_system_refuses, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_map_below_64_gib_where_more_was_asked_for, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_file_that_was_cut_short, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_the_file_as_long_as_its_pages, setup, teardown),
	    cmocka_unit_test_setup_teardown(bounds_its_readers, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_a_bounded_number_of_readers, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

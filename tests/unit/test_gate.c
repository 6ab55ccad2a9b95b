/* The gate, with clocks that the test sets and a store of which only the sizes matter. */
#include "daemon/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "tests/unit/folder.h"

#define S 1000000ULL /* microseconds */
#define LAST_US (1790000000ULL * S)
#define AHEAD_US (CLOCK_AHEAD_MAX_S * S)
#define REST_US (CLOCK_REST_MAX_S * S)
#define MIB (1ULL << 20)

static uint64_t wall_us, monotonic_us;

uint64_t clock_now_us(void)
{
	return wall_us;
}

uint64_t clock_monotonic_us(void)
{
	return monotonic_us;
}

struct place {
	char folder[64];
	struct store *store;
	struct gate gate;
};

static const struct gate_group small = {.byte_size = 1000, .row_count = 10};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct why why = {.text = ""};

	snprintf(place->folder, sizeof(place->folder), "/tmp/subsidyd-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	if (store_open(place->folder, 4 * ROOM_SHORT, STORE_CREATE, &place->store, &why) != OK)
		fail_msg("%s", why.text);
	wall_us = LAST_US + 60 * S;
	monotonic_us = 1000;
	gate_init(&place->gate, place->store, LAST_US);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	store_close(place->store);
	folder_remove(place->folder);
	free(place);
	return 0;
}

static enum err enter(struct place *place)
{
	return gate_enter(&place->gate, &small, wall_us, LAST_US);
}

/* What the gate says when the wall clock stands there. */
static void expect_at(struct place *place, uint64_t now_us, enum err err)
{
	wall_us = now_us;
	gate_look(&place->gate, LAST_US);
	assert_int_equal(place->gate.obstacle, err);
	assert_int_equal(enter(place), err);
}

static void believes_a_start_up_to_a_holiday_after_the_last_entry(void **state)
{
	static const struct {
		uint64_t now_us;
		enum err err;
	} rows[] = {{LAST_US, OK}, {LAST_US + 9 * 86400 * S, OK}, {LAST_US + REST_US, OK},
	    {LAST_US + REST_US + 1, ERR_CLOCK}, {LAST_US + 400 * 86400 * S, ERR_CLOCK}, {LAST_US - 1, OK},
	    {LAST_US - 400 * 86400 * S, OK}, {0, OK}};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wall_us = rows[i].now_us;
		gate_init(&place->gate, place->store, LAST_US);
		if (place->gate.obstacle != rows[i].err || enter(place) != rows[i].err)
			fail_msg("row %zu: %s", i, err_name(place->gate.obstacle));
	}
}

static void closes_on_a_jump_of_more_than_a_day_and_opens_when_the_clock_is_right(void **state)
{
	struct place *place = *state;
	uint64_t start_us = wall_us;

	monotonic_us += 5 * S;
	expect_at(place, start_us + 5 * S + AHEAD_US, OK);
	expect_at(place, start_us + 5 * S + AHEAD_US + 1, ERR_CLOCK);
	expect_at(place, start_us + 5 * S, OK);
	/* Many small jumps are a large one. */
	expect_at(place, start_us + 5 * S + AHEAD_US / 2, OK);
	expect_at(place, start_us + 5 * S + AHEAD_US, OK);
	expect_at(place, start_us + 5 * S + AHEAD_US + AHEAD_US / 2, ERR_CLOCK);
	/* Time that passes is no jump. */
	monotonic_us += 10 * AHEAD_US;
	expect_at(place, start_us + 5 * S + 10 * AHEAD_US, OK);
	expect_at(place, start_us + 5 * S + 11 * AHEAD_US + 1, ERR_CLOCK);
}

static void goes_on_with_a_clock_that_is_behind(void **state)
{
	struct place *place = *state;

	expect_at(place, LAST_US - 2 * S, OK);
	assert_true(place->gate.is_behind);
	expect_at(place, LAST_US - CLOCK_BEHIND_MAX_S * S, OK);
	assert_false(place->gate.is_behind);
	expect_at(place, LAST_US - CLOCK_BEHIND_MAX_S * S - 1, OK);
	assert_true(place->gate.is_behind);
	expect_at(place, 0, OK);
	expect_at(place, LAST_US + 60 * S, OK);
	assert_false(place->gate.is_behind);
}

/* A machine whose clock lost its battery: it starts in the past, and is set right soon. */
static void learns_the_time_when_a_clock_that_began_behind_is_set_right(void **state)
{
	struct place *place = *state;

	wall_us = LAST_US - 10000 * 86400 * S;
	gate_init(&place->gate, place->store, LAST_US);
	assert_int_equal(enter(place), OK);
	expect_at(place, LAST_US + REST_US + 1, ERR_CLOCK);
	expect_at(place, LAST_US + 7 * 86400 * S, OK);
	/* From here on it is known. */
	expect_at(place, LAST_US + 7 * 86400 * S + AHEAD_US + 1, ERR_CLOCK);
	expect_at(place, LAST_US + 7 * 86400 * S, OK);
}

static void opens_on_the_operators_word_and_for_that_time_only(void **state)
{
	struct place *place = *state;
	uint64_t year_us = 365 * 86400 * S, start_us = wall_us;

	gate_trust(&place->gate); /* there was no doubt: no jump is allowed in advance */
	expect_at(place, start_us + year_us, ERR_CLOCK);
	gate_trust(&place->gate);
	assert_int_equal(enter(place), OK);
	expect_at(place, start_us + year_us + AHEAD_US, OK);
	expect_at(place, start_us + year_us + AHEAD_US + 1, ERR_CLOCK);
	expect_at(place, start_us + year_us, OK);
	/* At a start, too. */
	gate_init(&place->gate, place->store, LAST_US);
	assert_int_equal(place->gate.obstacle, ERR_CLOCK);
	gate_trust(&place->gate);
	assert_int_equal(enter(place), OK);
}

static void asks_for_what_is_added_and_for_the_pages_that_are_copied(void **state)
{
	struct store_usage usage = {.used_size = 100 * MIB, .page_size = 4096};
	struct gate_group group = {.byte_size = 1000, .row_count = 100 * MIB / 4096};

	(void)state;
	assert_int_equal(gate_room_needed(&small, &usage), ROOM_RESERVE + 1000 * ROOM_PER_BYTE + 10 * 4096);
	assert_int_equal(gate_room_needed(&group, &usage), ROOM_RESERVE + 1000 * ROOM_PER_BYTE + 100 * MIB);
	group.row_count++; /* no more are copied than there are */
	assert_int_equal(gate_room_needed(&group, &usage), ROOM_RESERVE + 1000 * ROOM_PER_BYTE + 100 * MIB);
}

static void knows_when_room_is_short(void **state)
{
	static const struct {
		uint64_t map_size, map_left, disk_free_size;
		bool was_short, is_short;
	} rows[] = {
	    {16 * ROOM_SHORT, ROOM_SHORT, ROOM_SHORT, false, false},
	    {16 * ROOM_SHORT, ROOM_SHORT - 1, ROOM_SHORT, false, true},
	    {16 * ROOM_SHORT, ROOM_SHORT, ROOM_SHORT - 1, false, true},
	    {16 * ROOM_SHORT, ROOM_SHORT / 8 * 9, ROOM_SHORT / 8 * 9, true, false},
	    {16 * ROOM_SHORT, ROOM_SHORT / 8 * 9 - 1, ROOM_SHORT / 8 * 9, true, true},
	    {16 * ROOM_SHORT, ROOM_SHORT / 8 * 9, ROOM_SHORT / 8 * 9 - 1, true, true},
	    {1024 * MIB, 128 * MIB, ROOM_SHORT, false, false},
	    {1024 * MIB, 128 * MIB - 1, ROOM_SHORT, false, true},
	    {1024 * MIB, 144 * MIB, ROOM_SHORT * 2, true, false},
	    {1024 * MIB, 144 * MIB - 1, ROOM_SHORT * 2, true, true},
	    {MAP_SIZE_MIN, 2 * ROOM_RESERVE, ROOM_SHORT, false, false},
	    {MAP_SIZE_MIN, 2 * ROOM_RESERVE - 1, ROOM_SHORT, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_usage usage = {.map_size = rows[i].map_size,
		    .used_size = rows[i].map_size - rows[i].map_left,
		    .disk_free_size = rows[i].disk_free_size};

		if (gate_is_short(&usage, rows[i].was_short) != rows[i].is_short)
			fail_msg("row %zu", i);
	}
}

static uint64_t used_size(struct place *place)
{
	struct store_usage usage;

	store_usage(place->store, &usage);
	return usage.used_size;
}

/* The longest file that a process may write is a disk that the test can fill and empty. */
static void set_disk_left(struct place *place, uint64_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size == UINT64_MAX ? limit.rlim_max : used_size(place) + size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void goes_through_the_stages_and_back(void **state)
{
	struct place *place = *state;
	struct gate_group large = {.byte_size = 10 * MIB, .row_count = 0};
	uint64_t needed = ROOM_RESERVE + 10 * MIB * ROOM_PER_BYTE;

	set_disk_left(place, ROOM_SHORT);
	expect_at(place, wall_us, OK);
	assert_false(place->gate.is_room_short);
	set_disk_left(place, ROOM_SHORT - 1);
	expect_at(place, wall_us, OK);
	assert_true(place->gate.is_room_short);
	/* It is not taken back at the bound, where it would come and go. */
	set_disk_left(place, ROOM_SHORT + ROOM_SHORT / ROOM_SHORT_SHARE - 1);
	expect_at(place, wall_us, OK);
	assert_true(place->gate.is_room_short);
	set_disk_left(place, needed);
	assert_int_equal(gate_enter(&place->gate, &large, wall_us, LAST_US), OK);
	set_disk_left(place, needed - 1);
	assert_int_equal(gate_enter(&place->gate, &large, wall_us, LAST_US), ERR_DISK_FULL);
	/* It stays so until there is room for what was refused, or something got through. */
	gate_look(&place->gate, LAST_US);
	assert_int_equal(place->gate.obstacle, ERR_DISK_FULL);
	set_disk_left(place, needed);
	gate_look(&place->gate, LAST_US);
	assert_int_equal(place->gate.obstacle, OK);
	set_disk_left(place, needed - 1);
	assert_int_equal(gate_enter(&place->gate, &large, wall_us, LAST_US), ERR_DISK_FULL);
	assert_int_equal(enter(place), OK);
	gate_look(&place->gate, LAST_US);
	assert_int_equal(place->gate.obstacle, OK);
	/* Below the reserve it is closed before anybody asks. */
	set_disk_left(place, ROOM_RESERVE);
	gate_look(&place->gate, LAST_US);
	assert_int_equal(place->gate.obstacle, OK);
	set_disk_left(place, ROOM_RESERVE - 1);
	gate_look(&place->gate, LAST_US);
	assert_int_equal(place->gate.obstacle, ERR_DISK_FULL);
	set_disk_left(place, 0);
	expect_at(place, wall_us, ERR_DISK_FULL);
	set_disk_left(place, UINT64_MAX);
	expect_at(place, wall_us, OK);
	assert_false(place->gate.is_room_short);
}

/* A quarter of the room as of the last look, in pages; and nothing once it is short. */
static void owes_no_more_than_there_is_room_for(void **state)
{
	struct place *place = *state;
	uint64_t rows = (ROOM_SHORT + 8 * 4096) / ROOM_OWED_SHARE / 4096;

	set_disk_left(place, ROOM_SHORT + 8 * 4096);
	assert_int_equal(enter(place), OK);
	assert_int_equal(ROOM_OWED_SHARE, 4);
	assert_true(gate_may_owe(&place->gate, 0));
	assert_true(gate_may_owe(&place->gate, rows - 1));
	assert_true(gate_may_owe(&place->gate, rows));
	assert_false(gate_may_owe(&place->gate, rows + 1));
	set_disk_left(place, ROOM_SHORT);
	gate_look(&place->gate, LAST_US);
	assert_true(gate_may_owe(&place->gate, rows - 2));
	assert_false(gate_may_owe(&place->gate, rows - 1));
	set_disk_left(place, ROOM_SHORT - 1);
	assert_int_equal(enter(place), OK);
	assert_false(gate_may_owe(&place->gate, 0));
	set_disk_left(place, UINT64_MAX);
	assert_int_equal(enter(place), OK);
	assert_true(gate_may_owe(&place->gate, rows));
}

static void names_the_clock_first(void **state)
{
	struct place *place = *state;

	set_disk_left(place, 0);
	expect_at(place, wall_us + 2 * AHEAD_US, ERR_CLOCK);
	expect_at(place, wall_us - 2 * AHEAD_US, ERR_DISK_FULL);
	set_disk_left(place, UINT64_MAX);
	expect_at(place, wall_us, OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(believes_a_start_up_to_a_holiday_after_the_last_entry, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		closes_on_a_jump_of_more_than_a_day_and_opens_when_the_clock_is_right, setup, teardown),
	    cmocka_unit_test_setup_teardown(goes_on_with_a_clock_that_is_behind, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		learns_the_time_when_a_clock_that_began_behind_is_set_right, setup, teardown),
	    cmocka_unit_test_setup_teardown(opens_on_the_operators_word_and_for_that_time_only, setup, teardown),
	    cmocka_unit_test_setup_teardown(asks_for_what_is_added_and_for_the_pages_that_are_copied, setup, teardown),
	    cmocka_unit_test(knows_when_room_is_short),
	    cmocka_unit_test_setup_teardown(goes_through_the_stages_and_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(owes_no_more_than_there_is_room_for, setup, teardown),
	    cmocka_unit_test_setup_teardown(names_the_clock_first, setup, teardown),
	};
	log_open(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Why this much room: a commit must not find the map or the disk full half way. What a group adds is a small multiple of
 * its bytes. What it changes is copied: LMDB never writes over a page in use, so each changed row may cost a page, and
 * in a large ledger the rows of a push lie far apart. But no more pages can be copied than there are.
 */
#include "daemon/gate.h"

#include "daemon/clock.h"
#include "daemon/log.h"
#include "proto/date.h"

#define US 1000000ULL /* microseconds of a second */
#define MIB (1ULL << 20)

/* So that the warning comes before the first refusal, whatever the group. Pages of 4 KiB. */
_Static_assert(ROOM_RESERVE + (uint64_t)GROUP_SIZE_MAX * ROOM_PER_BYTE +
		       ((uint64_t)GROUP_RECORDS_MAX * ROOM_ROWS_PER_RECORD + 2 * UNFOLDED_MAX) * 4096 <=
		   ROOM_SHORT,
    "the largest group fits while the room is ample, with the cells that were left for it");

/* ---- the clock */

static void set_base(struct gate *gate, uint64_t now_us, uint64_t ahead_max_s)
{
	gate->base_wall_us = now_us;
	gate->base_monotonic_us = clock_monotonic_us();
	gate->ahead_max_us = ahead_max_s * US;
}

static uint64_t expected_us(const struct gate *gate)
{
	return gate->base_wall_us + (clock_monotonic_us() - gate->base_monotonic_us);
}

/* Once for each time that the clock falls behind. */
static void watch_behind(struct gate *gate, uint64_t now_us, uint64_t last_time_us)
{
	bool is_behind = now_us < last_time_us && last_time_us - now_us > CLOCK_BEHIND_MAX_S * US;

	if (is_behind && !gate->is_behind)
		log_warn("the machine's clock is %llu s behind the last entry: new entries follow that one's time and "
			 "are flagged",
		    (unsigned long long)((last_time_us - now_us) / US));
	else if (!is_behind && gate->is_behind)
		log_notice("the machine's clock has come up with the last entry");
	gate->is_behind = is_behind;
}

static enum err check_clock(struct gate *gate, uint64_t now_us, uint64_t last_time_us)
{
	watch_behind(gate, now_us, last_time_us);
	if (now_us > expected_us(gate) + gate->ahead_max_us)
		return ERR_CLOCK;
	/* A start whose clock was behind knew no better than the last entry's time. Now it does. */
	if (gate->ahead_max_us != CLOCK_AHEAD_MAX_S * US && now_us >= last_time_us)
		set_base(gate, now_us, CLOCK_AHEAD_MAX_S);
	return OK;
}

void gate_trust(struct gate *gate)
{
	char time_text[TIME_TEXT_SIZE];
	uint64_t now_us = clock_now_us();

	time_format(now_us, time_text);
	if (gate->obstacle == ERR_CLOCK)
		set_base(gate, now_us, CLOCK_AHEAD_MAX_S);
	log_notice("SIGUSR1: the machine's clock, %s, %s", time_text,
	    gate->obstacle == ERR_CLOCK ? "is taken for right on the operator's word" : "was not in doubt");
}

/* ---- the room */

static uint64_t less(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t map_left(const struct store_usage *usage)
{
	return usage->map_size > usage->used_size ? usage->map_size - usage->used_size : 0;
}

uint64_t gate_room_needed(const struct gate_group *group, const struct store_usage *usage)
{
	return ROOM_RESERVE + group->byte_size * ROOM_PER_BYTE +
	       less(group->row_count * usage->page_size, usage->used_size);
}

bool gate_is_short(const struct store_usage *usage, bool was_short)
{
	uint64_t bound_map = usage->map_size / ROOM_SHORT_SHARE, bound_disk = ROOM_SHORT;

	if (bound_map < 2 * ROOM_RESERVE)
		bound_map = 2 * ROOM_RESERVE;
	bound_map = less(bound_map, ROOM_SHORT);
	if (was_short) {
		bound_map += bound_map / ROOM_SHORT_SHARE;
		bound_disk += bound_disk / ROOM_SHORT_SHARE;
	}
	return map_left(usage) < bound_map || usage->disk_free_size < bound_disk;
}

static void watch_room(struct gate *gate, const struct store_usage *usage)
{
	bool is_short = gate_is_short(usage, gate->is_room_short);

	if (is_short && !gate->is_room_short)
		log_warn(
		    "room is short: %llu MiB left of the map, %llu MiB of the disk; make room on the disk, or raise "
		    "map_size and restart",
		    (unsigned long long)(map_left(usage) / MIB), (unsigned long long)(usage->disk_free_size / MIB));
	else if (!is_short && gate->is_room_short)
		log_notice("there is ample room again");
	gate->is_room_short = is_short;
}

static enum err check_room(struct gate *gate, const struct gate_group *group)
{
	struct store_usage usage;
	uint64_t room, needed;

	store_usage(gate->store, &usage);
	watch_room(gate, &usage);
	room = less(map_left(&usage), usage.disk_free_size);
	gate->room_size = room;
	gate->page_size = usage.page_size;
	needed = group != NULL ? gate_room_needed(group, &usage) : ROOM_RESERVE;
	if (group == NULL && needed < gate->refused_room_size)
		needed = gate->refused_room_size;
	if (room < needed) {
		if (group != NULL)
			gate->refused_room_size = needed;
		return ERR_DISK_FULL;
	}
	gate->refused_room_size = 0;
	return OK;
}

bool gate_may_owe(const struct gate *gate, uint64_t row_count)
{
	return !gate->is_room_short && row_count * gate->page_size <= gate->room_size / ROOM_OWED_SHARE;
}

/* ---- both */

static void say_clock(const struct gate *gate, uint64_t now_us)
{
	char now_text[TIME_TEXT_SIZE], expected_text[TIME_TEXT_SIZE];

	time_format(now_us, now_text);
	time_format(expected_us(gate), expected_text);
	log_error(
	    "read-only: the machine's clock says %s, where %s is expected; set it right, or say that it is right: "
	    "kill -USR1 (systemctl kill -s USR1 subsidyd)",
	    now_text, expected_text);
}

static void say_room(const struct gate *gate)
{
	uint64_t needed = gate->refused_room_size > ROOM_RESERVE ? gate->refused_room_size : ROOM_RESERVE;
	struct store_usage usage;

	store_usage(gate->store, &usage);
	log_error("read-only: %llu MiB of room are asked for, %llu MiB are left of the map, %llu MiB of the disk; make "
		  "room on the disk, or raise map_size and restart",
	    (unsigned long long)((needed + MIB - 1) / MIB), (unsigned long long)(map_left(&usage) / MIB),
	    (unsigned long long)(usage.disk_free_size / MIB));
}

static void set_obstacle(struct gate *gate, enum err obstacle, uint64_t now_us)
{
	enum err before = gate->obstacle;

	gate->obstacle = obstacle;
	if (obstacle == before)
		return;
	if (obstacle == ERR_CLOCK)
		say_clock(gate, now_us);
	else if (obstacle != OK)
		say_room(gate);
	else
		log_notice("the ledger takes new entries again");
}

enum err gate_enter(struct gate *gate, const struct gate_group *group, uint64_t now_us, uint64_t last_time_us)
{
	enum err clock_err = check_clock(gate, now_us, last_time_us), room_err = check_room(gate, group);

	set_obstacle(gate, clock_err != OK ? clock_err : room_err, now_us);
	return gate->obstacle;
}

void gate_look(struct gate *gate, uint64_t last_time_us)
{
	uint64_t now_us = clock_now_us();
	enum err clock_err = check_clock(gate, now_us, last_time_us), room_err = check_room(gate, NULL);

	set_obstacle(gate, clock_err != OK ? clock_err : room_err, now_us);
}

void gate_init(struct gate *gate, struct store *store, uint64_t last_time_us)
{
	*gate = (struct gate){.store = store, .obstacle = OK};
	set_base(gate, last_time_us, CLOCK_REST_MAX_S);
	gate_look(gate, last_time_us);
}

/*
 * The gate: may the ledger take new entries now? It watches the clock and the room, says so to the log where that
 * changes, and answers for each group before its transaction begins. The writer owns it; no other thread may use it.
 *
 * The clock. An entry with a wrong year could not be taken back, and every later entry would have to follow it. So a wall
 * clock that runs more than CLOCK_AHEAD_MAX_S ahead of where it ought to be (where it was trusted last, and what the
 * monotonic clock counted since) closes the gate, until it is right again or an operator says that it is (gate_trust).
 * At a start there is no earlier reading: the last entry's time takes its place, and a clock up to CLOCK_REST_MAX_S
 * ahead of that is trusted, for a ledger rests over holidays. A clock that is behind closes nothing: times rise all the
 * same, entries are flagged, and refusing would make of one entry from the future a ledger that is closed until then.
 *
 * The room, of map and disk, has stages. Ample; short, which is a warning and a metric while every possible group still
 * fits; out, where a group may not fit and is refused whole. Smaller ones go on as long as they fit above the reserve.
 */
#ifndef DAEMON_GATE_H
#define DAEMON_GATE_H

#include "daemon/store.h"

struct gate {
	struct store *store;

	/* Where the wall clock was trusted last, and how far ahead of that it may be. */
	uint64_t base_wall_us, base_monotonic_us, ahead_max_us;
	bool is_behind;			/* of the last entry, and it was said */

	bool is_room_short;
	uint64_t room_size, page_size;	/* bytes: of map and disk as of the last look, and of a page */
	uint64_t refused_room_size;	/* what a refused group asked for; 0 when none was refused since one got through */

	enum err obstacle;		/* OK, ERR_CLOCK, ERR_DISK_FULL: as of the last look */
};

/* What a group may need: its records, its bytes, and the rows it may change. */
struct gate_group {
	uint64_t byte_size, row_count;
};

/* `last_time_us` is the last entry's. */
void gate_init(struct gate *gate, struct store *store, uint64_t last_time_us);
/* For a group that would be given the time `now_us`. OK, ERR_CLOCK, ERR_DISK_FULL. */
enum err gate_enter(struct gate *gate, const struct gate_group *group, uint64_t now_us, uint64_t last_time_us) must_check;
/* Between groups: gate.obstacle is then what it is now. */
void gate_look(struct gate *gate, uint64_t last_time_us);
/* The operator's word that the clock is right. Changes nothing where it is not doubted. */
void gate_trust(struct gate *gate);

/*
 * May a commit leave so many changed rows in memory, for a later one to write? Only where that later one is sure to have
 * the room: not once it is short, and before that no more than a part of it (ROOM_OWED_SHARE).
 */
bool gate_may_owe(const struct gate *gate, uint64_t row_count);

/* Bytes of room asked for before such a group is written into a store of this use. */
uint64_t gate_room_needed(const struct gate_group *group, const struct store_usage *usage);
/*
 * Is the room short? A small map is so later, with an eighth left: whoever chose it knows that not every group fits. And
 * once it is short it is so for a little longer, for at the bound it would come and go.
 */
bool gate_is_short(const struct store_usage *usage, bool was_short);

#endif

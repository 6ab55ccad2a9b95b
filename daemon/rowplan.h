/*
 * The row plan of a push: who is party to its trades, and what these add to which cells, each party and each cell once and in
 * the order of their rows. It is made of the records alone, in a worker; the writer, which decides what counts, then
 * looks for each row once a push instead of once a record.
 */
#ifndef DAEMON_ROWPLAN_H
#define DAEMON_ROWPLAN_H

#include "daemon/cells.h"
#include "proto/record.h"

/* Places in `codes`. */
struct rowplan_parties {
	uint32_t supplier, buyer;
};

struct rowplan_cell {
	struct cell_key key;		/* without the venue's number; of parties that the bureau did not relate */
	struct cell_sums sums;		/* of all trades in it, as if all counted */
	size_t first_share, share_count;	/* which trades these are */
};

struct rowplan {
	struct code *codes;		/* of all parties, ascending */
	size_t code_count;
	struct rowplan_parties *parties;	/* of each record; of refunds zeros */
	struct rowplan_cell *cells;	/* in the order of rows, and within them of cells */
	size_t cell_count;
	uint32_t *shares;		/* places of records, cell by cell: each trade twice, once a side */
};

/* Of at most PUSH_RECORDS_MAX records that were decoded; all in the arena. ERR_MEMORY. */
enum err rowplan_make(const struct record *records, size_t record_count, struct arena *arena, struct rowplan *ret_plan) must_check;
/* The place of a party in `codes`; false where the push has no trade of it. */
bool rowplan_find(const struct rowplan *plan, const struct code *code, size_t *ret_place);
/* What a trade that counts adds to a cell of either party. */
void rowplan_sums(const struct trade *trade, struct cell_sums *ret_sums);

#endif

/*
 * Which rows of a file are to be pushed.
 *
 * The rows of one number (a trade's or a refund's, each for itself) are laid beside the feed's records of that number,
 * and each record takes one row of its content away: that row was pushed before. Whatever else has a number that the
 * file or the feed shows twice is pushed too, for the ledger records all that is well-formed: it notes a duplicate,
 * which does not count, and the clerk is warned. But a number that the feed has, and that no row shows as the feed has
 * it, is a fault: somebody has changed a row that was pushed, and a duplicate would not be what they mean.
 */
#ifndef CLIENT_PLAN_H
#define CLIENT_PLAN_H

#include <jansson.h>

#include "client/recordset.h"
#include "client/rows.h"

/* A row whose number another one has: indexes into rows->records. */
struct plan_repeat {
	size_t index, first;
};

struct plan {
	size_t *indexes;		/* of the rows to push, into rows->records, as the file orders them */
	size_t count;
	uint64_t skipped_count;
	struct plan_repeat *repeats;	/* of them, those that will not count; at most CLIENT_ERRORS_MAX */
	size_t repeat_count;
	uint64_t repeat_total;
};

/* `feed` is NULL where only the file is looked at. Complains of changed rows to `rows`; then nothing may be pushed.
 * ERR_MEMORY, or what record_decode says. */
enum err plan_make(struct rows *rows, const struct recordset *feed, struct plan *ret_plan) must_check;
void plan_done(struct plan *plan);

/* A line for each repeated row on stderr. */
void plan_warn(const struct plan *plan, const struct rows *rows);
/* The same as [{"row","number","first_row"}]; NULL without memory. */
json_t *plan_warnings(const struct plan *plan, const struct rows *rows) must_check;

#endif

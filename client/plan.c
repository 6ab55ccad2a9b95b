#include "client/plan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "client/out.h"
#include "proto/record.h"

struct planning {
	struct rows *rows;
	const struct recordset *feed;
	struct recordset seen; /* the rows; a number's value is the row that stands for it */
	bool *is_held;         /* by row: the feed has it */
	struct plan plan;
};

/* ---- deciding */

static struct recordset_found feed_find(const struct planning *planning, const struct recordset_key *key)
{
	static const struct recordset nothing = {0};

	return recordset_find(planning->feed != NULL ? planning->feed : &nothing, key);
}

/* The feed's n records of a content take its first n rows away. A row that was taken away stands for its number, for
 * its record comes before whatever is pushed now; without one it is the number's first row. */
static enum err row_match(struct planning *planning, size_t index)
{
	struct recordset_found before;
	struct recordset_key key;
	enum err err;

	err = recordset_key_of(rows_record(planning->rows, index), &key);
	if (err != OK)
		return err;
	before = recordset_find(&planning->seen, &key);
	planning->is_held[index] = before.same_count < feed_find(planning, &key).same_count;
	err = recordset_add(&planning->seen, &key, index);
	if (err == OK && planning->is_held[index] && before.has_number && !planning->is_held[before.value])
		recordset_change(&planning->seen, &key, index);
	return err;
}

/* The number, as text that lives as long as the arena. */
static enum err number_of(
    const struct rows *rows, size_t index, struct arena *arena, enum column *ret_column, struct slice *ret_number)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	struct record record;
	size_t fault_count;
	enum err err;

	err = record_decode(rows_record(rows, index), arena, &record, faults, &fault_count);
	if (err != OK)
		return err;
	*ret_column = record.kind == RECORD_TRADE ? COLUMN_TRADE_NO : COLUMN_ADJUST_NO;
	*ret_number = record_number(&record);
	return OK;
}

static enum err changed_complain(struct planning *planning, size_t index, uint64_t feed_index)
{
	struct slice number;
	enum column column;
	struct arena arena;
	enum err err;

	arena_init(&arena, 4 * RECORD_SIZE_MAX);
	err = number_of(planning->rows, index, &arena, &column, &number);
	if (err == OK)
		rows_complain(planning->rows, planning->rows->records[index].row, column, number,
		    "the feed holds this number with other content, as record %" PRIu64, feed_index);
	arena_done(&arena);
	return err;
}

static enum err row_plan(struct planning *planning, size_t index)
{
	struct plan *plan = &planning->plan;
	struct recordset_found in_feed;
	struct recordset_key key;
	size_t first;
	enum err err;

	if (planning->is_held[index]) {
		plan->skipped_count++;
		return OK;
	}
	err = recordset_key_of(rows_record(planning->rows, index), &key);
	if (err != OK)
		return err;
	in_feed = feed_find(planning, &key);
	first = (size_t)recordset_find(&planning->seen, &key).value;
	if (in_feed.has_number && !planning->is_held[first])
		return changed_complain(planning, index, in_feed.value);
	plan->indexes[plan->count++] = index;
	if (first == index)
		return OK;
	if (plan->repeat_count < CLIENT_ERRORS_MAX)
		plan->repeats[plan->repeat_count++] = (struct plan_repeat){index, first};
	plan->repeat_total++;
	return OK;
}

enum err plan_make(struct rows *rows, const struct recordset *feed, struct plan *ret_plan)
{
	struct planning planning = {.rows = rows, .feed = feed};
	size_t count = rows->record_count, repeat_max = count < CLIENT_ERRORS_MAX ? count : CLIENT_ERRORS_MAX;
	enum err err = OK;

	recordset_init(&planning.seen);
	planning.is_held = calloc(count + 1, sizeof(*planning.is_held));
	planning.plan.indexes = calloc(count + 1, sizeof(*planning.plan.indexes));
	planning.plan.repeats = calloc(repeat_max + 1, sizeof(*planning.plan.repeats));
	if (planning.is_held == NULL || planning.plan.indexes == NULL || planning.plan.repeats == NULL)
		err = ERR_MEMORY;
	for (size_t i = 0; err == OK && i < count; i++)
		err = row_match(&planning, i);
	for (size_t i = 0; err == OK && i < count; i++)
		err = row_plan(&planning, i);
	if (err == OK)
		err = rows->err;
	recordset_done(&planning.seen);
	free(planning.is_held);
	if (err == OK)
		*ret_plan = planning.plan;
	else
		plan_done(&planning.plan);
	return err;
}

void plan_done(struct plan *plan)
{
	free(plan->indexes);
	free(plan->repeats);
	*plan = (struct plan){0};
}

/* ---- telling */

/* {"row","number","first_row"} */
static json_t *warning_make(const struct plan_repeat *repeat, const struct rows *rows)
{
	struct slice number;
	enum column column;
	struct arena arena;
	json_t *warning = NULL;

	arena_init(&arena, 4 * RECORD_SIZE_MAX);
	if (number_of(rows, repeat->index, &arena, &column, &number) == OK)
		warning = json_pack("{s:I,s:s%,s:I}", "row", (json_int_t)rows->records[repeat->index].row, "number",
		    (const char *)number.data, number.size, "first_row", (json_int_t)rows->records[repeat->first].row);
	arena_done(&arena);
	return warning;
}

json_t *plan_warnings(const struct plan *plan, const struct rows *rows)
{
	json_t *warnings = json_array();

	for (size_t i = 0; i < plan->repeat_count; i++) {
		if (json_array_append_new(warnings, warning_make(&plan->repeats[i], rows)) == 0)
			continue;
		json_decref(warnings);
		return NULL;
	}
	return warnings;
}

void plan_warn(const struct plan *plan, const struct rows *rows)
{
	for (size_t i = 0; i < plan->repeat_count; i++) {
		json_t *warning = warning_make(&plan->repeats[i], rows);

		out_info("subsidy: row %" PRIu64 ": number %s stands in row %" PRIu64
			 " already; the ledger will record it as duplicate, it does not count",
		    rows->records[plan->repeats[i].index].row, json_text_or(warning, "number", "?"),
		    rows->records[plan->repeats[i].first].row);
		json_decref(warning);
	}
	if (plan->repeat_total > plan->repeat_count)
		out_info("subsidy: and so do %" PRIu64 " rows more", plan->repeat_total - plan->repeat_count);
}

/* Which rows of a file are pushed, skipped or refused, for each way in which numbers can repeat. */
#include "client/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/client_fixture.h"

/*
 * A record is three letters: its kind (t or r), its number, its content; a file or a feed is such words. What is to
 * happen is a word a row: "new", "skip", "fault", or "warn:R", which is new and repeats row R. The head is row 1.
 */
struct planning_case {
	const char *feed, *file, *outcome;
};

static void row_read(const char *word, uint64_t number, struct rows *rows)
{
	bool is_trade = word[0] == 't';
	struct row row = fixture_row(is_trade ? fixture_trade : fixture_refund);
	const char digits[2][2] = {{word[1], '\0'}, {word[2], '\0'}};

	row.number = number;
	row.cells[is_trade ? COLUMN_TRADE_NO : COLUMN_ADJUST_NO] = slice_text(digits[0]);
	row.cells[is_trade ? COLUMN_VOUCHER_NO : COLUMN_REASON_CODE] = slice_text(digits[1]);
	row_add(&row, rows);
}

/* Words as rows 2, 3 … */
static void rows_read(const char *words, struct rows *rows)
{
	uint64_t number = 2;

	rows_init(rows);
	for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
		row_read(at, number++, rows);
		at += strcspn(at, " ");
	}
	assert_int_equal(rows->fault_total, 0);
	assert_int_equal(rows->record_count, number - 2);
}

static void feed_read(const char *words, struct recordset *feed)
{
	struct recordset_key key;
	struct rows rows;

	rows_read(words, &rows);
	recordset_init(feed);
	for (size_t i = 0; i < rows.record_count; i++) {
		assert_int_equal(recordset_key_of(rows_record(&rows, i), &key), OK);
		assert_int_equal(recordset_add(feed, &key, i), OK);
	}
	rows_done(&rows);
}

static bool is_fault(const struct rows *rows, uint64_t row)
{
	for (size_t i = 0; i < rows->fault_count; i++)
		if (rows->faults[i].row == row)
			return true;
	return false;
}

/* What the plan does with each row, in the words of a case. */
static void outcome_tell(const struct rows *rows, const struct plan *plan, char *text, size_t size)
{
	size_t planned = 0, repeat = 0;
	FILE *file = fmemopen(text, size, "w");

	assert_non_null(file);
	for (size_t i = 0; i < rows->record_count; i++) {
		const char *between = i > 0 ? " " : "";

		if (is_fault(rows, rows->records[i].row)) {
			fprintf(file, "%sfault", between);
		} else if (planned == plan->count || plan->indexes[planned] != i) {
			fprintf(file, "%sskip", between);
		} else if (repeat < plan->repeat_count && plan->repeats[repeat].index == i) {
			fprintf(file, "%swarn:%u", between, (unsigned)rows->records[plan->repeats[repeat++].first].row);
			planned++;
		} else {
			fprintf(file, "%snew", between);
			planned++;
		}
	}
	fclose(file);
	assert_int_equal(planned, plan->count);
	assert_int_equal(repeat, plan->repeat_total);
	assert_int_equal(plan->count + plan->skipped_count + rows->fault_total, rows->record_count);
}

static void decides_for_each_row(void **state)
{
	static const struct planning_case cases[] = {
	    {"", "", ""},
	    {"", "t1a t2a", "new new"},
	    {"t1a", "t1a t2a", "skip new"},
	    /* the same content twice */
	    {"", "t1a t1a", "new warn:2"},
	    {"t1a", "t1a t1a", "skip warn:2"},
	    {"t1a t1a", "t1a t1a", "skip skip"},
	    {"t1a t1a", "t1a", "skip"},
	    /* other content */
	    {"", "t1a t1b", "new warn:2"},
	    {"t1a", "t1a t1b", "skip warn:2"},
	    {"t1a t1b", "t1a t1b", "skip skip"},
	    {"t1a t1b", "t1b t1a", "skip skip"},
	    {"t1a t1b", "t1b t1c", "skip warn:2"},
	    /* three of one number, pushed in any number of pieces */
	    {"", "t1a t2a t1b t1a", "new new warn:2 warn:2"},
	    {"t1a", "t1a t2a t1b t1a", "skip new warn:2 warn:2"},
	    {"t1a t2a", "t1a t2a t1b t1a", "skip skip warn:2 warn:2"},
	    {"t1a t2a t1b", "t1a t2a t1b t1a", "skip skip skip warn:2"},
	    {"t1a t2a t1b t1a", "t1a t2a t1b t1a", "skip skip skip skip"},
	    /* the row that the feed has comes later in the file: it is the one that counts */
	    {"t1b", "t1a t1b", "warn:3 skip"},
	    {"t1b", "t1a t1b t1b", "warn:3 skip warn:3"},
	    {"t1b t1a", "t1c t1a t1b", "warn:3 skip skip"},
	    /* a changed row of a number the feed has */
	    {"t1a", "t1b", "fault"},
	    {"t1a", "t1b t1c t2a", "fault fault new"},
	    {"t1a t1b", "t2a t1c", "new fault"},
	    {"t1a t2a", "t1b t2a", "fault skip"},
	    /* refunds have numbers of their own */
	    {"", "t1a r1a", "new new"},
	    {"t1a", "r1a", "new"},
	    {"t1a", "t1a r1a r1b", "skip new warn:3"},
	    {"r1a", "r1a r1a", "skip warn:2"},
	    {"r1a", "t1a r1b", "new fault"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char outcome[200] = "";
		struct recordset feed;
		struct plan plan;
		struct rows rows;

		feed_read(cases[i].feed, &feed);
		rows_read(cases[i].file, &rows);
		assert_int_equal(plan_make(&rows, &feed, &plan), OK);
		outcome_tell(&rows, &plan, outcome, sizeof(outcome));
		if (strcmp(outcome, cases[i].outcome) != 0)
			fail_msg("feed \"%s\", file \"%s\": %s", cases[i].feed, cases[i].file, outcome);
		plan_done(&plan);
		rows_done(&rows);
		recordset_done(&feed);
	}
}

static void looks_at_a_file_alone(void **state)
{
	char outcome[200] = "";
	struct plan plan;
	struct rows rows;

	(void)state;
	rows_read("t1a r1a t1a t1b r1b", &rows);
	assert_int_equal(plan_make(&rows, NULL, &plan), OK);
	outcome_tell(&rows, &plan, outcome, sizeof(outcome));
	assert_string_equal(outcome, "new new warn:2 warn:2 warn:3");
	plan_done(&plan);
	rows_done(&rows);
}

static void names_a_changed_row_by_its_number(void **state)
{
	struct recordset feed;
	struct plan plan;
	struct rows rows;

	(void)state;
	feed_read("t9a t1a r2a", &feed);
	rows_read("t1b r2b", &rows);
	assert_int_equal(plan_make(&rows, &feed, &plan), OK);
	assert_int_equal(rows.fault_total, 2);
	assert_int_equal(plan.count, 0);
	assert_int_equal(rows.faults[0].row, 2);
	assert_string_equal(rows.faults[0].column, "trade_no");
	assert_string_equal(rows.faults[0].value, "1");
	assert_string_equal(rows.faults[0].rule, "the feed holds this number with other content, as record 1");
	assert_int_equal(rows.faults[1].row, 3);
	assert_string_equal(rows.faults[1].column, "adjust_no");
	assert_string_equal(rows.faults[1].value, "2");
	plan_done(&plan);
	rows_done(&rows);
	recordset_done(&feed);
}

static void warns_with_row_numbers(void **state)
{
	json_t *warnings, *expected;
	struct plan plan;
	struct rows rows;

	(void)state;
	rows_read("t1a r2a t1b r2a", &rows);
	assert_int_equal(plan_make(&rows, NULL, &plan), OK);
	warnings = plan_warnings(&plan, &rows);
	expected = json_pack("[{s:i,s:s,s:i},{s:i,s:s,s:i}]", "row", 4, "number", "1", "first_row", 2, "row", 5,
	    "number", "2", "first_row", 3);
	assert_non_null(expected);
	assert_true(json_equal(warnings, expected));
	json_decref(expected);
	json_decref(warnings);
	plan_done(&plan);
	rows_done(&rows);
}

static void warns_people_in_a_sentence(void **state)
{
	FILE *printed = tmpfile();
	int saved = dup(STDERR_FILENO);
	char text[400] = "";
	struct plan plan;
	struct rows rows;

	(void)state;
	rows_read("t1a t2a t1b", &rows);
	assert_int_equal(plan_make(&rows, NULL, &plan), OK);
	assert_non_null(printed);
	assert_true(saved >= 0 && fflush(stderr) == 0 && dup2(fileno(printed), STDERR_FILENO) >= 0);
	plan_warn(&plan, &rows);
	assert_true(fflush(stderr) == 0 && dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	rewind(printed);
	assert_true(fread(text, 1, sizeof(text) - 1, printed) > 0);
	assert_string_equal(text, "subsidy: row 4: number 1 stands in row 2 already; "
				  "the ledger will record it as duplicate, it does not count\n");
	fclose(printed);
	plan_done(&plan);
	rows_done(&rows);
}

static void keeps_so_many_warnings_and_counts_all(void **state)
{
	struct plan plan;
	struct rows rows;

	(void)state;
	for (size_t count = CLIENT_ERRORS_MAX - 1; count <= CLIENT_ERRORS_MAX + 1; count++) {
		rows_init(&rows);
		for (uint64_t i = 0; i <= count; i++)
			row_read("r1a", i + 2, &rows);
		assert_int_equal(plan_make(&rows, NULL, &plan), OK);
		assert_int_equal(plan.repeat_total, count);
		assert_int_equal(plan.repeat_count, count < CLIENT_ERRORS_MAX ? count : CLIENT_ERRORS_MAX);
		assert_int_equal(plan.count, count + 1);
		plan_done(&plan);
		rows_done(&rows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decides_for_each_row),
	    cmocka_unit_test(looks_at_a_file_alone),
	    cmocka_unit_test(names_a_changed_row_by_its_number),
	    cmocka_unit_test(warns_with_row_numbers),
	    cmocka_unit_test(warns_people_in_a_sentence),
	    cmocka_unit_test(keeps_so_many_warnings_and_counts_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

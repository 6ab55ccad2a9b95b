/* subsidy feed: a venue's feed as the ledger holds it, for reconciliation; and what of it does not count. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/commands.h"
#include "client/monthly.h"
#include "client/out.h"
#include "client/view.h"
#include "client/word.h"
#include "proto/date.h"
#include "proto/money.h"
#include "proto/record.h"
#include "proto/text.h"

#define ARENA_SIZE (1u << 20) /* what one record decodes to */
#define RECORD_COLUMNS 8
#define RECORD_COLUMNS_CSV 9 /* a table for people has the words' meaning below it */

/* What was asked for. */
struct showing {
	const uint16_t *month; /* NULL: all */
	bool is_csv;
};

/* ---- the feed */

/* Keys that were stolen, and what came of the trades they signed. */
static void distrusted_add(struct table *table, const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		long long from = (long long)json_integer_value(json_object_get(row, "from"));
		long long order = (long long)json_integer_value(json_object_get(row, "order"));
		long long held = (long long)json_integer_value(json_object_get(row, "held"));
		const char *key = json_text_or(row, "key", "-");

		table_word(table, "distrusted");
		if (json_is_true(json_object_get(row, "is_done")))
			table_cellf(
			    table, "%s, from entry %lld on, by order %lld: %lld trades held", key, from, order, held);
		else
			table_cellf(table, "%s, from entry %lld on, by order %lld: %lld trades held, more to come", key,
			    from, order, held);
		table_style(table, TABLE_BAD);
	}
}

static enum exit_code head_print(const json_t *answer)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, false}};
	const json_t *push = json_object_get(answer, "last_push"), *keys = json_object_get(answer, "keys");
	struct table table;

	table_init(&table, columns, 2);
	view_field(&table, "venue", answer, "venue");
	view_field(&table, "name", answer, "name");
	view_field(&table, "generation", answer, "generation");
	view_field(&table, "records", answer, "size");
	view_field(&table, "root", answer, "root");
	for (size_t i = 0; i < json_array_size(keys); i++) {
		table_word(&table, i == 0 ? "keys" : "");
		table_cell(&table, json_string_value(json_array_get(keys, i)));
	}
	if (json_is_integer(json_object_get(answer, "suspended_by"))) {
		table_word(&table, "suspended");
		table_cellf(&table, "by ledger entry %lld: nothing can be pushed until it is resumed",
		    (long long)json_integer_value(json_object_get(answer, "suspended_by")));
		table_style(&table, TABLE_BAD);
	}
	distrusted_add(&table, json_object_get(answer, "distrusted"));
	table_word(&table, "last push");
	if (json_is_object(push))
		table_cellf(&table, "%s, ledger entry %lld, %lld records from %lld on", json_text_or(push, "time", "-"),
		    (long long)json_integer_value(json_object_get(push, "index")),
		    (long long)json_integer_value(json_object_get(push, "count")),
		    (long long)json_integer_value(json_object_get(push, "start")));
	else
		table_word(&table, "none");
	view_field(&table, "ledger size", answer, "ledger_size");
	return view_print(&table);
}

/* Each word that stands in the table is explained once. */
static void dispositions_explain(const json_t *rows)
{
	for (int i = DISPOSITION_COUNTED + 1; i < DISPOSITION_COUNT; i++) {
		const char *name = disposition_name((enum disposition)i);
		size_t at = 0;

		while (at < json_array_size(rows) &&
		       strcmp(json_text_or(json_array_get(rows, at), "disposition", ""), name) != 0)
			at++;
		if (at < json_array_size(rows))
			view_say("%s: %s.", word_text(name), disposition_sentence((enum disposition)i));
	}
}

/* A spreadsheet has no lines for what the sums are sums of. */
static void notes_print_csv(const json_t *answer)
{
	out_info("subsidy: %s, %" JSON_INTEGER_FORMAT " records at ledger size %" JSON_INTEGER_FORMAT
		 "; trades by month of settlement, refunds by month of occurrence",
	    json_text_or(answer, "venue", "-"), json_integer_value(json_object_get(answer, "size")),
	    json_integer_value(json_object_get(answer, "ledger_size")));
}

static void notes_print(const json_t *answer)
{
	printf("\n%s\n%s\n",
	    T("Trades stand under the month of their settlement, refunds under that in which they occurred."),
	    T("\"all\" are the records that were pushed: \"counted\" and \"not_counted\" together."));
	dispositions_explain(json_object_get(answer, "months"));
}

static enum exit_code sums_print(const json_t *answer, const struct showing *showing)
{
	struct monthly *monthly = monthly_new();
	struct why why = {""};
	struct table table;
	enum exit_code code;
	enum err err;

	err = monthly == NULL ? ERR_MEMORY : monthly_add_answer(monthly, json_object_get(answer, "months"), &why);
	if (err != OK) {
		monthly_free(monthly);
		return out_fail(err, &why, NULL);
	}
	table_init(&table, monthly_columns, MONTHLY_COLUMN_COUNT);
	monthly_fill(monthly, showing->month, &table);
	monthly_free(monthly);
	if (showing->is_csv) {
		notes_print_csv(answer);
		return view_print_csv(&table);
	}
	code = view_print(&table);
	if (code == EXIT_OK)
		notes_print(answer);
	return code;
}

static enum exit_code feed_show(const struct settings *settings, const char *path, const struct showing *showing)
{
	json_t *answer = NULL;
	enum exit_code code = view_get(settings, path, &answer);

	if (code != EXIT_OK || answer == NULL)
		return code;
	if (!showing->is_csv) {
		code = head_print(answer);
		printf("\n");
	}
	if (code == EXIT_OK)
		code = sums_print(answer, showing);
	json_decref(answer);
	return code;
}

/* ---- what does not count */

/* The record's own day and sum; they are in its bytes. False where these can't be read. */
static bool record_read(const json_t *row, struct arena *arena, uint32_t *ret_date, uint64_t *ret_amount_fen)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	struct slice text = slice_text(json_text_or(row, "record", ""));
	uint8_t bytes[RECORD_SIZE_MAX];
	struct record record;
	size_t size, fault_count;

	arena_reset(arena);
	if (base64_parse(text, bytes, sizeof(bytes), &size) != OK ||
	    record_decode(slice_of(bytes, size), arena, &record, faults, &fault_count) != OK)
		return false;
	*ret_date = record_latest_date(&record);
	*ret_amount_fen = record.kind == RECORD_TRADE ? record.trade.amount_fen : record.refund.amount_fen;
	return true;
}

static void record_add(struct table *table, const json_t *row, uint32_t date, uint64_t amount_fen)
{
	char date_text[DATE_TEXT_SIZE], amount[MONEY_TEXT_SIZE];

	date_format(date, date_text);
	money_format((int64_t)amount_fen, amount);
	view_cell(table, row, "feed_index");
	view_cell(table, row, "index");
	view_cell_word(table, row, "kind");
	view_cell(table, row, "number");
	table_cell(table, date_text);
	table_cell(table, amount);
	view_cell_word(table, row, "disposition");
	view_cell(table, row, "refers");
	if (table->column_count == RECORD_COLUMNS_CSV)
		table_cell(table, view_meaning(json_text_or(row, "disposition", "")));
}

/* Fills the table, and adds the rows that it shows to `shown`. */
static enum err records_add(
    struct table *table, const json_t *rows, const uint16_t *month, json_t *shown, struct why *why)
{
	enum err err = OK;
	struct arena arena;
	uint64_t amount_fen;
	uint32_t date;

	arena_init(&arena, ARENA_SIZE);
	for (size_t i = 0; err == OK && i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);

		if (!record_read(row, &arena, &date, &amount_fen)) {
			err = why_set(why, ERR_SYNTAX, "record %lld of the feed",
			    (long long)json_integer_value(json_object_get(row, "feed_index")));
		} else if (month == NULL || month_of_date(date) == *month) {
			record_add(table, row, date, amount_fen);
			err = json_array_append(shown, row) == 0 ? OK : ERR_MEMORY;
		}
	}
	arena_done(&arena);
	return err;
}

static enum exit_code records_print(const json_t *rows, const struct showing *showing)
{
	static const struct table_column columns[RECORD_COLUMNS_CSV] = {{"feed index", true}, {"entry", true},
	    {"kind", false}, {"number", false}, {"date", false}, {"amount", true}, {"why", false}, {"see entry", true},
	    {"meaning", false}};
	json_t *shown = json_array();
	struct why why = {""};
	struct table table;
	enum exit_code code;
	enum err err;

	table_init(&table, columns, showing->is_csv ? RECORD_COLUMNS_CSV : RECORD_COLUMNS);
	err = records_add(&table, rows, showing->month, shown, &why);
	if (err != OK) {
		table_done(&table);
		code = out_fail(err, &why, NULL);
	} else if (showing->is_csv) {
		code = view_print_csv(&table);
	} else if (json_array_size(shown) == 0) {
		table_done(&table);
		printf("%s\n",
		    showing->month != NULL ? T("Every record of that month counts.") : T("Every record counts."));
		code = EXIT_OK;
	} else {
		code = view_print(&table);
		printf("\n");
		dispositions_explain(shown);
	}
	json_decref(shown);
	return code;
}

static enum exit_code not_counted_show(const struct settings *settings, struct buf *path, const struct showing *showing)
{
	static const struct view_pages pages = {"records", "next", "from"};
	json_t *answer = NULL;
	enum exit_code code;

	buf_add_text(path, "/records?not_counted=1");
	code = view_get_pages(settings, buf_text(path), &pages, true, &answer);
	if (code == EXIT_OK && answer != NULL)
		code = records_print(json_object_get(answer, "records"), showing);
	json_decref(answer);
	return code;
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	const char *month_text = args_text(args, "month");
	struct showing showing = {.month = NULL};
	enum exit_code code;
	uint16_t month = 0;
	struct buf path;

	if (!view_wants_csv(settings, args, &showing.is_csv))
		return EXIT_USAGE;
	if (month_text != NULL && month_parse(slice_text(month_text), &month) != OK)
		return out_usage("--month %s is not a month like 2026-11", month_text);
	if (month_text != NULL)
		showing.month = &month;
	view_path_init(&path, "/v1/feeds/");
	link_escape(&path, args->words[0]);
	if (args_has(args, "not-counted"))
		code = not_counted_show(settings, &path, &showing);
	else
		code = feed_show(settings, buf_text(&path), &showing);
	buf_done(&path);
	return code;
}

static const struct option options[] = {
    {"not-counted", NULL, "the records that do not count, and why", false},
    {"month", "YYYY-MM", "this month only (of the tables; --json is never cut)", false},
    {"csv", NULL, "as CSV for a spreadsheet", false},
    {0},
};

const struct command cmd_feed = {
    .name = "feed",
    .usage = "VENUE [--not-counted] [--month YYYY-MM] [--csv]",
    .summary = "a venue's feed as the ledger holds it, month by month; what does not count",
    .help =
	"For the end of a month: compare the sums with the venue's own books. For each month, kind and disposition\n"
	"the number of records and their sums, and the totals. Needs an access code of the venue, of the bureau\n"
	"or of an auditor. CSV is UTF-8 with a byte order mark; open it with codes and numbers as text.\n"
	"\n"
	"  subsidy feed qddex --month 2026-06\n"
	"  subsidy feed qddex --month 2026-06 --csv > qddex-2026-06.csv\n"
	"  subsidy feed qddex --not-counted\n",
    .options = options,
    .word_min = 1,
    .word_max = 1,
    .run = run,
};

/*
 * subsidy push: a file of trades and refunds becomes signed pushes, each acknowledged by a receipt that verified.
 *
 * Every row is looked at before anything is signed. Rows that the feed has are left out (plan.h says which), so that
 * the same file, or a longer one of the same month, can be pushed again at any time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client/check.h"
#include "client/client.h"
#include "client/commands.h"
#include "client/csv.h"
#include "client/faults.h"
#include "client/file.h"
#include "client/guide.h"
#include "client/jsonl.h"
#include "client/out.h"
#include "client/plan.h"
#include "client/progress.h"
#include "client/push.h"
#include "client/push_sync.h"
#include "client/table.h"
#include "client/word.h"
#include "proto/date.h"
#include "proto/text.h"

#define PUSH_OVERHEAD (NOTE_SIZE_MAX + CHECKPOINT_SIZE_MAX) /* of a push's body, besides its records */
#define RECORD_OVERHEAD 4                                   /* tag and size of one record in it */

struct pushing {
	const struct settings *settings;
	const struct args *args;
	struct rows rows;
	struct push_session session;
	struct progress progress;
	uint64_t row_max, size_max; /* of one push */
	struct plan plan;
	size_t done_count, under_way_count; /* of the plan's rows */
	/* what has come of them */
	uint64_t tally[DISPOSITION_COUNT];
	uint64_t resent_count; /* of an earlier run's push, acknowledged now */
	uint64_t known_count;  /* acknowledged, but recorded earlier: their receipt isn't this one */
	uint64_t ledger_size;
	json_t *receipts;
};

/* ---- reading the file */

static bool has_suffix(const char *path, const char *suffix)
{
	size_t size = strlen(path), suffix_size = strlen(suffix);

	return size > suffix_size && strcasecmp(path + size - suffix_size, suffix) == 0;
}

static enum exit_code rows_read(const char *path, struct rows *rows)
{
	bool is_csv = has_suffix(path, ".csv");
	struct why why = {""}, where = {""};
	enum err err;
	FILE *file;

	if (!is_csv && !has_suffix(path, ".jsonl"))
		return out_usage("the file's name must end in .csv or .jsonl; found \"%s\"", path);
	file = fopen(path, "re");
	if (file == NULL) {
		(void)why_set(&why, ERR_IO, "%s: %m", path);
		return out_fail(ERR_IO, &why, NULL);
	}
	err = is_csv ? csv_read(file, rows, &why) : jsonl_read(file, rows, &why);
	(void)fclose(file);
	if (err == ERR_TOO_MANY)
		(void)why_set(&why, err, "more than %d rows; split the file", CSV_ROWS_MAX);
	(void)why_set(&where, err, "%s: %s", path, why.text);
	return err == OK ? EXIT_OK : out_fail(err, &where, "nothing was sent");
}

/* ---- what is new */

static enum exit_code plan_decide(struct pushing *pushing)
{
	enum err err = plan_make(&pushing->rows, feedstate_records(pushing->session.state), &pushing->plan);

	if (err != OK)
		return out_fail(err, NULL, NULL);
	if (pushing->rows.fault_total > 0)
		return faults_print(pushing->settings, &pushing->rows,
		    "nothing was signed; a wrong trade is refunded in full and pushed again under a new number");
	if (!pushing->settings->is_json)
		plan_warn(&pushing->plan, &pushing->rows);
	return EXIT_OK;
}

/* ---- sending */

/* The next push's rows: as many as fit. */
static size_t chunk_count(const struct pushing *pushing)
{
	uint64_t size = PUSH_OVERHEAD;
	size_t count = 0;

	while (pushing->done_count + count < pushing->plan.count && count < pushing->row_max) {
		size +=
		    pushing->rows.records[pushing->plan.indexes[pushing->done_count + count]].size + RECORD_OVERHEAD;
		if (count > 0 && size > pushing->size_max)
			break;
		count++;
	}
	return count;
}

static void on_progress(void *cookie, uint64_t sent_size, uint64_t total_size)
{
	struct pushing *pushing = cookie;
	uint64_t share = total_size > 0 ? sent_size * pushing->under_way_count / total_size : 0;

	progress_show(&pushing->progress, pushing->done_count + share);
}

/* The ledger named records of a check; the file's reader wants rows. */
static enum exit_code check_complain(struct pushing *pushing, const struct link_answer *answer)
{
	uint64_t start = feedstate_frontier(pushing->session.state)->size;
	const json_t *list = json_object_get(answer->json, "errors"), *error;
	char next[128];
	size_t i;

	json_array_foreach(list, i, error)
	{
		json_int_t index = json_integer_value(json_object_get(error, "index"));
		uint64_t place = (uint64_t)index - start, row = 0;

		if (index >= 0 && (uint64_t)index >= start && place < pushing->under_way_count)
			row = pushing->rows.records[pushing->plan.indexes[pushing->done_count + place]].row;
		rows_complain(&pushing->rows, row, column_by_name(slice_text(json_text_or(error, "field", ""))),
		    slice_of("", 0), "%s", json_text_or(error, "reason", T("refused without a reason")));
	}
	(void)snprintf(
	    next, sizeof(next), T("%zu rows before these are pushed, the rest was not sent"), pushing->done_count);
	return pushing->rows.fault_total > 0 ? faults_print(pushing->settings, &pushing->rows, next)
					     : out_fail_answer(answer);
}

/* Takes note of a receipt that verified. `pushed_count` are the rows that it acknowledges. */
static enum exit_code receipt_take(
    struct pushing *pushing, const struct receipt *receipt, const char *path, uint64_t pushed_count)
{
	for (int i = 0; i < DISPOSITION_COUNT; i++)
		pushing->tally[i] += receipt->tally[i];
	if (pushed_count > receipt->count)
		pushing->known_count += pushed_count - receipt->count;
	pushing->ledger_size = receipt->ledger_size;
	return json_array_append_new(pushing->receipts, json_string(path)) == 0 ? EXIT_OK
										: out_fail(ERR_MEMORY, NULL, NULL);
}

static enum exit_code chunk_push(struct pushing *pushing, size_t count)
{
	struct slice *records = calloc(count, sizeof(*records));
	struct link_answer answer = {.why = {""}};
	struct receipt receipt;
	enum exit_code code;
	char *path = NULL;

	if (records == NULL)
		return out_fail(ERR_MEMORY, NULL, NULL);
	for (size_t i = 0; i < count; i++)
		records[i] = rows_record(&pushing->rows, pushing->plan.indexes[pushing->done_count + i]);
	pushing->under_way_count = count;
	code = push_check(&pushing->session, records, count, &answer);
	if (code == EXIT_REFUSED && answer.err == ERR_RECORDS)
		code = check_complain(pushing, &answer);
	link_answer_done(&answer);
	if (code == EXIT_OK)
		code = push_sign(&pushing->session, records, count);
	if (code == EXIT_OK)
		code = push_send(&pushing->session, &receipt, &path);
	if (code == EXIT_OK)
		code = receipt_take(pushing, &receipt, path, count);
	if (code == EXIT_OK)
		pushing->done_count += count;
	pushing->under_way_count = 0;
	free(path);
	free(records);
	return code;
}

/* What an earlier run signed and did not hear back from. */
static enum exit_code pending_push(struct pushing *pushing)
{
	struct push_session *session = &pushing->session;
	uint64_t size = feedstate_frontier(session->state)->size;
	struct receipt receipt;
	enum exit_code code;
	char *path = NULL;

	if (feedstate_pending(session->state).size == 0)
		return EXIT_OK;
	out_info("subsidy: first the push that an earlier run left without an answer");
	code = push_send(session, &receipt, &path);
	pushing->resent_count = feedstate_frontier(session->state)->size - size;
	if (code == EXIT_OK)
		code = receipt_take(pushing, &receipt, path, pushing->resent_count);
	free(path);
	if (code == EXIT_OK && link_has_token(session->link))
		code = push_sync(session);
	return code;
}

static enum exit_code push_all(struct pushing *pushing)
{
	enum exit_code code = EXIT_OK;

	progress_begin(&pushing->progress, PROGRESS_ROWS, pushing->plan.count);
	while (code == EXIT_OK && pushing->done_count < pushing->plan.count) {
		progress_show(&pushing->progress, pushing->done_count);
		code = chunk_push(pushing, chunk_count(pushing));
	}
	progress_end(&pushing->progress);
	if (code != EXIT_OK && pushing->done_count > 0)
		out_info("         %zu of %zu new rows were pushed and acknowledged before that", pushing->done_count,
		    pushing->plan.count);
	return code;
}

/* ---- the summary */

static enum exit_code summary_print_json(const struct pushing *pushing)
{
	const struct push_session *session = &pushing->session;
	json_t *not_counted = json_object();

	for (int i = DISPOSITION_COUNTED + 1; i < DISPOSITION_COUNT; i++)
		if (pushing->tally[i] > 0)
			(void)json_object_set_new(not_counted, disposition_name((enum disposition)i),
			    json_integer((json_int_t)pushing->tally[i]));
	return out_json(json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:O,s:I,s:o}", "venue", session->venue,
	    "generation", (json_int_t)session->generation, "feed_size",
	    (json_int_t)feedstate_frontier(session->state)->size, "ledger_size", (json_int_t)pushing->ledger_size,
	    "rows", (json_int_t)pushing->rows.record_count, "new", (json_int_t)pushing->done_count, "skipped",
	    (json_int_t)pushing->plan.skipped_count, "resent", (json_int_t)pushing->resent_count, "known",
	    (json_int_t)pushing->known_count, "counted", (json_int_t)pushing->tally[DISPOSITION_COUNTED], "not_counted",
	    not_counted, "receipts", pushing->receipts, "warning_count", (json_int_t)pushing->plan.repeat_total,
	    "warnings", plan_warnings(&pushing->plan, &pushing->rows)));
}

static enum exit_code summary_print(const struct pushing *pushing)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, true}, {NULL, false}};
	const struct push_session *session = &pushing->session;
	size_t receipt_count = json_array_size(pushing->receipts);
	struct table table;
	enum err err;

	if (pushing->settings->is_json)
		return summary_print_json(pushing);
	table_init(&table, columns, 3);
	table_word(&table, "new");
	table_cellf(&table, "%zu", pushing->done_count);
	table_word(&table, "pushed and acknowledged");
	table_word(&table, "skipped");
	table_cellf(&table, "%" PRIu64, pushing->plan.skipped_count);
	table_word(&table, "already in the feed");
	if (pushing->resent_count > 0) {
		table_word(&table, "resent");
		table_cellf(&table, "%" PRIu64, pushing->resent_count);
		table_word(&table, "an earlier run's, acknowledged now");
	}
	if (pushing->known_count > 0) {
		table_word(&table, "known");
		table_cellf(&table, "%" PRIu64, pushing->known_count);
		table_word(&table, "the ledger had them from an earlier push");
	}
	for (int i = DISPOSITION_COUNTED; i < DISPOSITION_COUNT; i++) {
		enum disposition disposition = (enum disposition)i;

		if (pushing->tally[i] == 0)
			continue;
		word_cell(&table, disposition_name(disposition));
		table_style(&table, disposition == DISPOSITION_COUNTED ? TABLE_GOOD : TABLE_WARN);
		table_cellf(&table, "%" PRIu64, pushing->tally[i]);
		table_cell(&table, disposition_sentence(disposition));
	}
	err = table_print(&table, stdout);
	table_done(&table);
	if (pushing->plan.count == 0)
		out_info("subsidy: all rows were there already; nothing was sent");
	if (receipt_count > 0)
		out_info(receipt_count == 1 ? "subsidy: %zu receipt in %s; ledger size %" PRIu64
					    : "subsidy: %zu receipts in %s; ledger size %" PRIu64,
		    receipt_count, session->receipts_folder, pushing->ledger_size);
	return out_printed(err);
}

/* ---- without the ledger */

static enum exit_code file_check(struct pushing *pushing)
{
	enum err err = plan_make(&pushing->rows, NULL, &pushing->plan);
	size_t push_count = 0;

	if (err != OK)
		return out_fail(err, NULL, NULL);
	for (; pushing->done_count < pushing->plan.count; push_count++)
		pushing->done_count += chunk_count(pushing);
	return check_print(pushing->settings, &pushing->rows, &pushing->plan, push_count);
}

static enum exit_code template_write(const struct args *args)
{
	const char *language = args_text(args, "template"), *path = args_text(args, "o");
	bool is_chinese = strcmp(language, "zh") == 0;
	struct why why = {""};
	struct buf csv;
	enum err err;

	if (!is_chinese && strcmp(language, "en") != 0)
		return out_usage("--template is zh or en; found \"%s\"", language);
	if (args->word_count > 0)
		return out_usage("--template takes no venue and no file; -o FILE says where it goes");
	buf_init(&csv, CLIENT_FILE_SIZE_MAX);
	guide_template(is_chinese, &csv);
	err = csv.err;
	if (err == OK && path != NULL)
		err = file_create(path, buf_slice(&csv), 0644, &why);
	else if (err == OK)
		(void)fwrite(csv.data, 1, csv.size, stdout);
	buf_done(&csv);
	return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
}

/* ---- the command */

static enum exit_code signer_load(struct pushing *pushing)
{
	const char *path = args_text(pushing->args, "key");
	struct why why = {""};
	enum err err;

	if (path == NULL)
		return out_usage("say which key signs: --key FILE (or --check, to look at the file alone)");
	err = file_load_signer(path, &pushing->session.signer, &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	if (strcmp(signer_key(pushing->session.signer)->name, pushing->session.venue) == 0)
		return EXIT_OK;
	return out_usage("%s is the key of \"%s\", not of %s", path, signer_key(pushing->session.signer)->name,
	    pushing->session.venue);
}

static enum exit_code file_push(struct pushing *pushing)
{
	struct push_session *session = &pushing->session;
	enum exit_code code = push_begin(session);

	if (code == EXIT_OK)
		code = pending_push(pushing);
	if (code == EXIT_OK)
		code = plan_decide(pushing);
	if (code == EXIT_OK)
		code = push_all(pushing);
	if (code == EXIT_OK)
		code = summary_print(pushing);
	push_end(session);
	return code;
}

static enum exit_code push_run(const struct settings *settings, const struct args *args)
{
	static const uint64_t row_range[2] = {1, PUSH_RECORDS_MAX};
	struct pushing pushing = {.settings = settings, .args = args};
	const char *path;
	enum exit_code code;

	if (args_has(args, "template"))
		return template_write(args);
	if (args_has(args, "o"))
		return out_usage("-o goes with --template; receipts go to --receipts FOLDER");
	if (args->word_count != 2)
		return out_usage_show(cmd_push.name, cmd_push.usage);
	path = args->words[1];
	if (!venue_id_is_valid(slice_text(args->words[0])))
		return out_usage("a venue's id is lower-case letters, digits and '-'; found \"%s\"", args->words[0]);
	if (!args_number(args, "rows", row_range, CLIENT_PUSH_RECORDS, &pushing.row_max))
		return EXIT_USAGE;
	/* Who shows a certificate, or says how large a push may be, may send more than a stranger. */
	pushing.size_max = settings->cert != NULL || args_has(args, "rows") ? PUSH_SIZE_MAX : CLIENT_PUSH_SIZE_MAX;
	pushing.session = (struct push_session){.settings = settings,
	    .venue = args->words[0],
	    .receipts = args_text(args, "receipts"),
	    .on_progress = on_progress,
	    .cookie = &pushing};
	rows_init(&pushing.rows);
	pushing.rows.today = date_of_time((uint64_t)time(NULL) * 1000000);
	pushing.receipts = json_array();
	code = rows_read(path, &pushing.rows);
	if (code == EXIT_OK && pushing.rows.fault_total > 0)
		code = faults_print(settings, &pushing.rows, "nothing was sent; mend these rows and repeat");
	else if (code == EXIT_OK && args_has(args, "check"))
		code = file_check(&pushing);
	else if (code == EXIT_OK && (code = signer_load(&pushing)) == EXIT_OK)
		code = file_push(&pushing);
	json_decref(pushing.receipts);
	signer_free(pushing.session.signer);
	plan_done(&pushing.plan);
	rows_done(&pushing.rows);
	return code;
}

static const struct option options[] = {
    {"key", "FILE", "the venue's private key", false},
    {"check", NULL, "only look at the file: no key, no network", false},
    {"receipts", "FOLDER", "where receipts go; by default into the state folder", false},
    {"rows", "N", "rows of one push, 1 to 65536; by default 10000, or fewer where no certificate is shown", false},
    {"template", "zh|en", "write an empty file's head and two example rows, in Chinese or in English", false},
    {"o", "FILE", "where the template goes; by default standard output", false},
    {0},
};

const struct command cmd_push = {
    .name = "push",
    .usage = "VENUE FILE.csv|FILE.jsonl --key FILE [--check] [--receipts FOLDER] [--rows N]\n"
	     "       subsidy push --template zh|en [-o FILE]",
    .summary = "push trades and refunds to the ledger",
    .help = "Reads a file of trades and refunds, complains of every wrong row at once (and then sends nothing), signs\n"
	    "what the feed does not have yet, sends it, and keeps the ledger's receipts. Rows that were pushed before\n"
	    "are skipped, so pushing a file again is safe; after a lost answer or a crash just repeat the command.\n"
	    "A row that repeats a number of the file is pushed too, with a warning: the ledger records it as a\n"
	    "duplicate that does not count. A pushed row that was changed is an error, and nothing is signed.\n"
	    "\n"
	    "CSV files may come as spreadsheets save them: UTF-8, GB18030 (GBK) or \"Unicode text\", separated by\n"
	    "commas, semicolons or tabs; row 1 names the columns, in English or Chinese, in any order. Format the\n"
	    "columns of codes and numbers as text before anything is entered, or the spreadsheet loses their digits.\n"
	    "An amount is 1234.50 or 1,234.50, a day 2025-01-05, 2025/1/5 or 2025年1月5日. What can be read in more\n"
	    "than one way is refused, with its row, column, value and rule. FORMAT.md describes every column.\n"
	    "\n"
	    "  subsidy push --template zh -o 2026-11.csv\n"
	    "  subsidy push qddex 2026-11.csv --check\n"
	    "  subsidy push qddex 2026-11.csv --key qddex.key --receipts receipts\n"
	    "\n"
	    "What was pushed is remembered in the state folder. Where that is lost, give the venue's access code with\n"
	    "--token FILE: the feed is then fetched from the ledger, and believed only where your key has signed it.\n",
    .options = options,
    .word_max = 2,
    .run = push_run,
};

/* subsidy trades: an enterprise's trades and refunds, newest first, and why some do not count. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/commands.h"
#include "client/out.h"
#include "client/view.h"
#include "client/word.h"
#include "proto/record.h"
#include "proto/text.h"

/* The day that matters: of the settlement, of the refund, or of the entry. */
static void date_add(struct table *table, const json_t *row)
{
	const char *date = json_text_or(row, "settled_on", json_text_or(row, "occurred_on", NULL));

	if (date != NULL)
		table_cell(table, date);
	else
		table_cellf(table, "%.10s", json_text_or(row, "time", "-"));
}

static void party_add(struct table *table, const json_t *row)
{
	const char *name = json_text_or(row, "counterparty_name", NULL);

	table_cell(table, name != NULL ? name : json_text_or(row, "counterparty", json_text_or(row, "name", NULL)));
}

static void disposition_add(struct table *table, const json_t *row)
{
	const char *disposition = json_text_or(row, "disposition", NULL),
		   *state = json_text_or(row, "state", "counted");

	if (strcmp(state, "counted") != 0) {
		word_cell(table, state);
		table_style(table, TABLE_BAD);
	} else if (disposition == NULL) {
		table_cell(table, "");
	} else if (strcmp(disposition, disposition_name(DISPOSITION_COUNTED)) == 0) {
		table_word(table, "yes");
	} else {
		word_cell(table, disposition);
		table_style(table, TABLE_BAD);
	}
}

/* "qd-flat: yes, qd-tiered: window" */
static void policies_add(struct table *table, const json_t *row)
{
	const json_t *policies = json_object_get(row, "policies");
	struct buf text;

	buf_init(&text, CLIENT_ANSWER_SIZE_MAX);
	for (size_t i = 0; i < json_array_size(policies); i++) {
		const json_t *policy = json_array_get(policies, i);
		bool is_eligible = json_is_true(json_object_get(policy, "eligible"));

		buf_printf(&text, "%s%s: %s", i > 0 ? ", " : "", json_text_or(policy, "policy", "-"),
		    is_eligible ? T("yes") : word_text(json_text_or(policy, "gate", "-")));
	}
	table_cell(table, buf_text(&text));
	buf_done(&text);
}

static enum exit_code rows_print(const json_t *rows)
{
	static const char *const keys[] = {"amount", "tax", "refunded"};
	static const struct table_column columns[] = {{"entry", true}, {"date", false}, {"kind", false},
	    {"venue", false}, {"number", false}, {"side", false}, {"counterparty", false}, {"amount", true},
	    {"tax", true}, {"refunded", true}, {"counts", false}, {"takes part in", false}};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		view_cell(&table, row, "index");
		date_add(&table, row);
		view_cell_word(&table, row, "kind");
		view_cell(&table, row, "venue");
		view_cell(&table, row, "number");
		view_cell_word(&table, row, "side");
		party_add(&table, row);
		for (size_t j = 0; j < sizeof(keys) / sizeof(keys[0]); j++)
			view_cell(&table, row, keys[j]);
		disposition_add(&table, row);
		policies_add(&table, row);
	}
	return view_print(&table);
}

static void word_explain(json_t *seen, const char *word)
{
	if (view_meaning(word) == NULL || json_object_get(seen, word) != NULL)
		return;
	(void)json_object_set_new(seen, word, json_true());
	view_say("%s: %s.", word_text(word), view_meaning(word));
}

/* The reason that the officers gave. */
static void reason_say(const json_t *row)
{
	const char *state = json_text_or(row, "state", json_text_or(row, "kind", "-"));
	const char *reason = json_text_or(row, "state_reason", json_text_or(row, "effect_reason", NULL));

	if (reason != NULL)
		view_say("Entry %lld is %s: %s", (long long)json_integer_value(json_object_get(row, "index")),
		    word_text(state), reason);
}

/* Why a trade does not count, or takes no part in a policy: each word that occurs is explained once. */
static void words_explain(const json_t *rows)
{
	json_t *seen = json_object();

	printf("\n");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i), *policies = json_object_get(row, "policies");

		reason_say(row);
		word_explain(seen, json_text_or(row, "disposition", NULL));
		for (size_t j = 0; j < json_array_size(policies); j++)
			word_explain(seen, json_text_or(json_array_get(policies, j), "gate", NULL));
	}
	json_decref(seen);
}

static enum exit_code answer_print(const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "trades");
	enum exit_code code;

	view_say("%s, %s, at ledger size %lld", json_text_or(answer, "name", T("(not registered)")),
	    json_text_or(answer, "code", "-"), (long long)json_integer_value(json_object_get(answer, "ledger_size")));
	printf("\n");
	code = rows_print(rows);
	if (json_array_size(rows) == 0)
		view_say("There are no trades.");
	words_explain(rows);
	return code;
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	static const struct view_pages pages = {"trades", "cursor", "cursor"};
	json_t *answer = NULL;
	struct buf path;
	enum exit_code code;

	view_path_enterprise(&path, args->words[0]);
	buf_add_text(&path, "/trades");
	view_path_query(&path, "as_of", args_text(args, "as-of"));
	code = view_get_pages(settings, buf_text(&path), &pages, args_has(args, "all"), &answer);
	if (code == EXIT_OK && answer != NULL)
		code = answer_print(answer);
	json_decref(answer);
	buf_done(&path);
	return code;
}

static const struct option options[] = {
    {"as-of", "SIZE|DATE", "as the ledger stood at this size, or at the end of this day", false},
    {"all", NULL, "every page", false},
    {0},
};

const struct command cmd_trades = {
    .name = "trades",
    .usage = "CODE [--as-of SIZE|DATE] [--all]",
    .summary = "an enterprise's trades and refunds, and why some do not count",
    .help = "Newest first. A trade that does not count stays in the ledger, and the word in its column is explained\n"
	    "below the table.\n"
	    "\n"
	    "  subsidy trades 91370202MA0XTE011C\n"
	    "  subsidy trades 91370202MA0XTE011C --all --json\n",
    .options = options,
    .word_min = 1,
    .word_max = 1,
    .run = run,
};

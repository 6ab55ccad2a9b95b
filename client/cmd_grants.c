/* subsidy grants: to whom access codes were granted, by their hashes. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/commands.h"
#include "client/out.h"
#include "client/view.h"
#include "proto/order.h"
#include "proto/usci.h"

/* Complains by itself: false is a usage error. An enterprise's code in its one form. */
static bool subject_add(struct buf *path, const char *subject)
{
	struct grant grant;
	struct buf text;
	char formatted[64];
	bool is_subject;

	if (subject == NULL)
		return true;
	buf_init(&text, USCI_TEXT_SIZE_MAX);
	is_subject =
	    grant_subject_parse(slice_text(subject), &grant) == OK ||
	    (usci_normalise(slice_text(subject), &text) == OK && grant_subject_parse(buf_slice(&text), &grant) == OK);
	buf_done(&text);
	if (!is_subject) {
		(void)out_usage("--subject %s is neither bureau, auditor, venue:ID nor an enterprise's code", subject);
		return false;
	}
	grant_subject_format(&grant, formatted);
	view_path_query(path, "subject", formatted);
	return true;
}

static enum exit_code rows_print(const json_t *answer, bool is_csv)
{
	static const char *const keys[] = {"index", "item", "subject", "holder", "expires", "revoked_by", "token_hash"};
	static const struct table_column columns[] = {{"entry", true}, {"item", true}, {"subject", false},
	    {"holder", false}, {"expires", false}, {"revoked by", true}, {"token hash", false}};
	const json_t *rows = json_object_get(answer, "grants");
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(rows); i++)
		for (size_t j = 0; j < sizeof(keys) / sizeof(keys[0]); j++) {
			if (strcmp(keys[j], "subject") == 0)
				view_cell_word(&table, json_array_get(rows, i), keys[j]);
			else
				view_cell(&table, json_array_get(rows, i), keys[j]);
			if (strcmp(keys[j], "revoked_by") == 0)
				table_style(&table, TABLE_BAD);
		}
	return is_csv ? view_print_csv(&table) : view_print(&table);
}

static void grant_count_print(const json_t *answer)
{
	long long count = (long long)json_integer_value(json_object_get(answer, "count"));

	if (json_array_size(json_object_get(answer, "grants")) > 0)
		printf("\n");
	view_say(count == 1 ? "%lld grant." : "%lld grants.", count);
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	static const struct view_pages pages = {"grants", "cursor", "cursor"};
	json_t *answer = NULL;
	struct buf path;
	enum exit_code code = EXIT_USAGE;
	bool is_csv;

	view_path_init(&path, "/v1/grants");
	if (view_wants_csv(settings, args, &is_csv) && subject_add(&path, args_text(args, "subject")))
		code = view_get_pages(settings, buf_text(&path), &pages, is_csv || args_has(args, "all"), &answer);
	if (code == EXIT_OK && answer != NULL) {
		code = rows_print(answer, is_csv);
		if (!is_csv)
			grant_count_print(answer);
	}
	json_decref(answer);
	buf_done(&path);
	return code;
}

static const struct option options[] = {
    {"subject", "SUBJECT", "bureau, auditor, venue:ID or an enterprise's code; otherwise all", false},
    {"all", NULL, "every page", false},
    {"csv", NULL, "every page as CSV for a spreadsheet", false},
    {0},
};

const struct command cmd_grants = {
    .name = "grants",
    .usage = "[--subject SUBJECT] [--all|--csv]",
    .summary = "to whom access codes were granted, and which were revoked",
    .help = "In the order in which they were granted. The ledger knows a code's hash only; by it an order revokes the\n"
	    "code. Needs an access code of the bureau or of an auditor.\n"
	    "\n"
	    "  subsidy grants --subject 91370202MA0XTE011C\n"
	    "  subsidy grants --csv > grants.csv\n",
    .options = options,
    .run = run,
};

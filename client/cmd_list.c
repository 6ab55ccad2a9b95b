/* subsidy list: all enterprises, and what each has accrued. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/commands.h"
#include "client/out.h"
#include "client/view.h"
#include "client/word.h"
#include "proto/text.h"

/* The enterprise's row of that policy; the first one where none is named. */
static const json_t *policy_find(const json_t *enterprise, const char *id)
{
	const json_t *policies = json_object_get(enterprise, "policies");

	for (size_t i = 0; i < json_array_size(policies); i++) {
		const json_t *policy = json_array_get(policies, i);

		if (id == NULL || strcmp(json_text_or(policy, "policy", ""), id) == 0)
			return policy;
	}
	return NULL;
}

/* "capped", or why there is no award; nothing where there is an award as usual. */
static void remark_add(struct table *table, const json_t *policy)
{
	const char *reason = json_string_value(json_array_get(json_object_get(policy, "reasons"), 0));

	if (json_is_true(json_object_get(policy, "capped"))) {
		table_word(table, "capped");
		table_style(table, TABLE_GOOD);
	} else {
		word_cell(table, reason != NULL ? reason : "");
		table_style(table, TABLE_FAINT);
	}
}

static enum exit_code rows_print(const json_t *answer, const char *policy_id)
{
	static const struct table_column columns[] = {{"code", false}, {"name", false}, {"registered", false},
	    {"lists", false}, {"volume", true}, {"award", true}, {"remaining", true}, {"remark", false}};
	const json_t *rows = json_object_get(answer, "enterprises");
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i), *policy = policy_find(row, policy_id);

		view_cell(&table, row, "code");
		view_cell(&table, row, "name");
		view_cell(&table, row, "registered");
		if (json_is_false(json_object_get(row, "registered")))
			table_style(&table, TABLE_WARN);
		view_cell(&table, row, "lists");
		view_cell(&table, policy, "eligible_volume");
		view_cell(&table, policy, "award");
		view_cell(&table, policy, "remaining");
		remark_add(&table, policy);
	}
	return view_print(&table);
}

/* Everything for a spreadsheet, which has no lines for notes: each row says whose figures it shows. */
static enum exit_code rows_print_csv(const json_t *answer, const char *policy_id)
{
	static const struct table_column columns[] = {{"code", false}, {"name", false}, {"registered", false},
	    {"lists", false}, {"policy", false}, {"status", false}, {"volume", true}, {"award", true},
	    {"remaining", true}, {"remark", false}};
	const json_t *rows = json_object_get(answer, "enterprises");
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i), *policy = policy_find(row, policy_id);

		view_cell(&table, row, "code");
		view_cell(&table, row, "name");
		view_cell(&table, row, "registered");
		view_cell(&table, row, "lists");
		view_cell(&table, policy, "policy");
		table_cell(&table, policy != NULL ? view_status(policy) : NULL);
		view_cell(&table, policy, "eligible_volume");
		view_cell(&table, policy, "award");
		view_cell(&table, policy, "remaining");
		remark_add(&table, policy);
	}
	out_info("subsidy: %zu enterprises at ledger size %" JSON_INTEGER_FORMAT
		 "; an accrual is no promise of payment",
	    json_array_size(rows), json_integer_value(json_object_get(answer, "ledger_size")));
	return view_print_csv(&table);
}

/* The remarks that occur, each explained once. */
static void remarks_explain(const json_t *answer, const char *policy_id)
{
	const json_t *rows = json_object_get(answer, "enterprises");
	json_t *seen = json_object();

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *policy = policy_find(json_array_get(rows, i), policy_id);
		const char *reason = json_string_value(json_array_get(json_object_get(policy, "reasons"), 0));

		if (view_meaning(reason) == NULL || json_object_get(seen, reason) != NULL)
			continue;
		(void)json_object_set_new(seen, reason, json_true());
		view_say("%s: %s.", reason, view_meaning(reason));
	}
	json_decref(seen);
}

static enum exit_code answer_print(const json_t *answer)
{
	const char *policy_id = json_string_value(json_object_get(answer, "policy"));
	const json_t *first = json_array_get(json_object_get(answer, "enterprises"), 0);
	long long count = (long long)json_integer_value(json_object_get(answer, "count"));
	long long ledger_size = (long long)json_integer_value(json_object_get(answer, "ledger_size"));
	enum exit_code code = rows_print(answer, policy_id);

	if (code != EXIT_OK)
		return code;
	printf("\n");
	if (policy_id != NULL) {
		view_say("%lld enterprises at ledger size %lld; figures of policy %s.", count, ledger_size, policy_id);
		remarks_explain(answer, policy_id);
		view_caveat(policy_find(first, policy_id));
	} else {
		view_say("%lld enterprises at ledger size %lld; no policy is in force.", count, ledger_size);
	}
	return EXIT_OK;
}

/* The ledger would refuse it, too, but as a request that is wrong, not as a command. */
static bool sort_fits(const char *sort)
{
	static const char *const sorts[] = {"code", "award", "volume"};

	for (size_t i = 0; sort != NULL && i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (strcmp(sort, sorts[i]) == 0)
			return true;
	if (sort != NULL)
		(void)out_usage("--sort %s: the orders are code, award and volume", sort);
	return sort == NULL;
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	static const struct view_pages pages = {"enterprises", "cursor", "cursor"};
	static const char *const names[] = {"sort", "policy", "list", "find"};
	json_t *answer = NULL;
	struct buf path;
	enum exit_code code;
	bool is_csv;

	if (!view_wants_csv(settings, args, &is_csv) || !sort_fits(args_text(args, "sort")))
		return EXIT_USAGE;
	view_path_init(&path, "/v1/enterprises");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		view_path_query(&path, names[i], args_text(args, names[i]));
	view_path_query(&path, "as_of", args_text(args, "as-of"));
	code = view_get_pages(settings, buf_text(&path), &pages, is_csv || args_has(args, "all"), &answer);
	if (code == EXIT_OK && answer != NULL && is_csv)
		code = rows_print_csv(answer, json_string_value(json_object_get(answer, "policy")));
	else if (code == EXIT_OK && answer != NULL)
		code = answer_print(answer);
	json_decref(answer);
	buf_done(&path);
	return code;
}

static const struct option options[] = {
    {"sort", "BY", "code (the default), award or volume, the largest first", false},
    {"policy", "ID", "whose figures are shown; otherwise the first by name", false},
    {"list", "NAME", "only enterprises on this list", false},
    {"find", "TEXT", "only those with this in code or name", false},
    {"as-of", "SIZE|DATE", "as the ledger stood at this size, or at the end of this day", false},
    {"all", NULL, "every page", false},
    {"csv", NULL, "every page as CSV for a spreadsheet", false},
    {0},
};

const struct command cmd_list = {
    .name = "list",
    .usage = "[--sort code|award|volume] [--policy ID] [--list NAME] [--find TEXT] [--as-of SIZE|DATE] [--all|--csv]",
    .summary = "all enterprises, and what each has accrued",
    .help = "Needs an access code of the bureau or of an auditor. Enterprises that traded without being on the\n"
	    "register are shown, too.\n"
	    "\n"
	    "  subsidy list --sort award --all\n"
	    "  subsidy list --csv > enterprises.csv\n"
	    "  subsidy list --find 青岛 --as-of 2026-06-30\n",
    .options = options,
    .run = run,
};

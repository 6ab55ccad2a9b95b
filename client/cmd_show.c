/* subsidy show: one enterprise, its figures under every policy, and its months. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/commands.h"
#include "client/out.h"
#include "client/view.h"
#include "proto/text.h"

static enum exit_code head_print(const json_t *answer)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, false}};
	struct table table;

	table_init(&table, columns, 2);
	view_field(&table, "enterprise", answer, "name");
	view_field(&table, "code", answer, "code");
	view_field(&table, "registered", answer, "registered");
	view_field(&table, "lists", answer, "lists");
	view_field(&table, "ledger size", answer, "ledger_size");
	return view_print(&table);
}

static enum exit_code policies_print(const json_t *policies)
{
	static const struct table_column columns[] = {{"policy", false}, {"as supplier", true}, {"as buyer", true},
	    {"volume", true}, {"award", true}, {"cap", true}, {"remaining", true}, {"capped", false},
	    {"status", false}};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(policies); i++) {
		const json_t *policy = json_array_get(policies, i);

		view_cell(&table, policy, "policy");
		view_cell(&table, policy, "supplier_volume");
		view_cell(&table, policy, "buyer_volume");
		view_cell(&table, policy, "eligible_volume");
		view_cell(&table, policy, "award");
		view_cell(&table, policy, "cap");
		view_cell(&table, policy, "remaining");
		view_cell(&table, policy, "capped");
		if (json_is_true(json_object_get(policy, "capped")))
			table_style(&table, TABLE_GOOD);
		table_cell(&table, view_status(policy));
	}
	return view_print(&table);
}

/* What a row of figures can't say: the title, where the cap was reached, why there is no award, the years. */
static void policy_notes(const json_t *policy)
{
	const char *id = json_text_or(policy, "policy", "-");
	const json_t *capped_at = json_object_get(policy, "capped_at"), *reasons = json_object_get(policy, "reasons");
	const json_t *years = json_object_get(policy, "years");

	view_say("%s: %s, version %lld.", id, json_text_or(policy, "title", ""),
	    (long long)json_integer_value(json_object_get(policy, "version")));
	if (json_is_object(capped_at))
		view_say("  The cap was reached with trade %s, ledger entry %lld.",
		    json_text_or(capped_at, "trade_no", "-"),
		    (long long)json_integer_value(json_object_get(capped_at, "index")));
	for (size_t i = 0; i < json_array_size(reasons); i++) {
		const char *reason = json_string_value(json_array_get(reasons, i)), *meaning = view_meaning(reason);

		view_say("  No award: %s.", meaning != NULL ? meaning : reason != NULL ? reason : "-");
	}
	for (size_t i = 0; i < json_array_size(years); i++) {
		const json_t *year = json_array_get(years, i);

		view_say(json_is_true(json_object_get(year, "capped")) ? "  %lld: volume %s, award %s, capped."
								       : "  %lld: volume %s, award %s.",
		    (long long)json_integer_value(json_object_get(year, "year")),
		    json_text_or(year, "eligible_volume", "-"), json_text_or(year, "award", "-"));
	}
}

static enum exit_code months_print(const json_t *months)
{
	static const char *const keys[] = {
	    "month", "side", "venue", "trades", "amount", "tax", "refunded", "not_counted"};
	static const struct table_column columns[] = {{"month", false}, {"side", false}, {"venue", false},
	    {"trades", true}, {"amount", true}, {"tax", true}, {"refunded", true}, {"not counted", true}};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(months); i++)
		for (size_t j = 0; j < sizeof(keys) / sizeof(keys[0]); j++)
			if (strcmp(keys[j], "side") == 0)
				view_cell_word(&table, json_array_get(months, i), keys[j]);
			else
				view_cell(&table, json_array_get(months, i), keys[j]);
	return view_print(&table);
}

static enum exit_code answer_print(const json_t *answer)
{
	const json_t *policies = json_object_get(answer, "policies"), *months = json_object_get(answer, "months");
	enum exit_code code = head_print(answer);

	printf("\n");
	if (code == EXIT_OK)
		code = policies_print(policies);
	if (json_array_size(policies) == 0)
		view_say("No policy is in force.");
	for (size_t i = 0; i < json_array_size(policies); i++)
		policy_notes(json_array_get(policies, i));
	printf("\n");
	if (code == EXIT_OK)
		code = months_print(months);
	if (json_array_size(months) == 0)
		view_say("There are no trades.");
	view_caveat(policies);
	return code;
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	json_t *answer = NULL;
	struct buf path;
	enum exit_code code;

	view_path_enterprise(&path, args->words[0]);
	view_path_query(&path, "as_of", args_text(args, "as-of"));
	code = view_get(settings, buf_text(&path), &answer);
	if (code == EXIT_OK && answer != NULL)
		code = answer_print(answer);
	json_decref(answer);
	buf_done(&path);
	return code;
}

static const struct option options[] = {
    {"as-of", "SIZE|DATE", "as the ledger stood at this size, or at the end of this day", false},
    {0},
};

const struct command cmd_show = {
    .name = "show",
    .usage = "CODE [--as-of SIZE|DATE]",
    .summary = "what an enterprise has accrued, policy by policy, and its months",
    .help = "CODE is the enterprise's unified social credit code. An enterprise's own access code shows that\n"
	    "enterprise; one of the bureau or of an auditor shows any.\n"
	    "\n"
	    "  subsidy show 91370202MA0XTE011C\n"
	    "  subsidy show 91370202MA0XTE011C --as-of 2026-06-30 --json\n",
    .options = options,
    .word_min = 1,
    .word_max = 1,
    .run = run,
};

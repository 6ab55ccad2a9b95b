/* subsidy explain: how an enterprise's figure came about, step by step. */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/commands.h"
#include "client/out.h"
#include "client/view.h"

static enum exit_code head_print(const json_t *answer)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, false}};
	struct table table;

	table_init(&table, columns, 2);
	view_field(&table, "enterprise", answer, "name");
	view_field(&table, "code", answer, "code");
	table_cell(&table, "policy");
	table_cellf(&table, "%s, version %lld, adopted as ledger entry %lld", json_text_or(answer, "policy", "-"),
	    (long long)json_integer_value(json_object_get(answer, "version")),
	    (long long)json_integer_value(json_object_get(answer, "policy_index")));
	table_cell(&table, "status");
	table_cell(&table, view_status(answer));
	view_field(&table, "title", json_object_get(answer, "policy_text"), "title");
	view_field(&table, "basis", json_object_get(answer, "policy_text"), "basis");
	view_field(&table, "ledger size", answer, "ledger_size");
	return view_print(&table);
}

/* Steps of one calendar year come under its number. */
static void steps_print(const json_t *steps)
{
	json_int_t year = 0;

	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);
		json_int_t step_year = json_integer_value(json_object_get(step, "year"));

		if (step_year != year && step_year != 0)
			printf("    %lld\n", (long long)step_year);
		year = step_year;
		printf("%3zu ", i + 1);
		view_say("%s", json_text_or(step, "text", json_text_or(step, "step", "-")));
	}
}

static enum exit_code answer_print(const json_t *answer)
{
	const json_t *capped_at = json_object_get(answer, "capped_at");
	enum exit_code code = head_print(answer);

	if (code != EXIT_OK)
		return code;
	printf("\n");
	steps_print(json_object_get(answer, "steps"));
	view_say("\nAward: %s", json_text_or(answer, "award", "none, for the policy sets no rate"));
	if (json_is_object(capped_at))
		view_say("The cap was reached with trade %s, ledger entry %lld.",
		    json_text_or(capped_at, "trade_no", "-"),
		    (long long)json_integer_value(json_object_get(capped_at, "index")));
	view_caveat(answer);
	return EXIT_OK;
}

/* Without --policy: the one in force, or the first by name, which the enterprise's own figures list. */
static enum exit_code run(const struct settings *settings, const struct args *args)
{
	json_t *answer = NULL;
	struct buf path;
	enum exit_code code;

	view_path_init(&path, "/v1/enterprises/");
	link_escape(&path, args->words[0]);
	buf_add_text(&path, "/explain");
	view_path_query(&path, "policy", args_text(args, "policy"));
	view_path_query(&path, "as_of", args_text(args, "as-of"));
	code = view_get(settings, buf_text(&path), &answer);
	if (code == EXIT_OK && answer != NULL)
		code = answer_print(answer);
	json_decref(answer);
	buf_done(&path);
	return code;
}

static const struct option options[] = {
    {"policy", "ID", "which policy; otherwise the first by name", false},
    {"as-of", "SIZE|DATE", "as the ledger stood at this size, or at the end of this day", false},
    {0},
};

const struct command cmd_explain = {
    .name = "explain",
    .usage = "CODE [--policy ID] [--as-of SIZE|DATE]",
    .summary = "how an enterprise's award comes about, step by step",
    .help =
	"Every step, from the trades that each rule turns away to the cap, with the figures that lead to the next.\n"
	"\n"
	"  subsidy explain 91370202MA0XTE011C\n"
	"  subsidy explain 91370202MA0XTE011C --policy qd-2025-47-5 --as-of 2026-06-30\n",
    .options = options,
    .word_min = 1,
    .word_max = 1,
    .run = run,
};

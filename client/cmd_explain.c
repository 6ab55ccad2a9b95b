/* subsidy explain: how an enterprise's figure came about, step by step. */
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
	table_word(&table, "policy");
	table_cellf(&table, "%s, version %lld, adopted as ledger entry %lld", json_text_or(answer, "policy", "-"),
	    (long long)json_integer_value(json_object_get(answer, "version")),
	    (long long)json_integer_value(json_object_get(answer, "policy_index")));
	table_word(&table, "status");
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
	printf("\n");
	view_say("Award: %s", json_text_or(answer, "award", T("none, for the policy sets no rate")));
	if (json_is_object(capped_at))
		view_say("The cap was reached with trade %s, ledger entry %lld.",
		    json_text_or(capped_at, "trade_no", "-"),
		    (long long)json_integer_value(json_object_get(capped_at, "index")));
	view_caveat(answer);
	return EXIT_OK;
}

/* The first policy by name, which the enterprise's own figures list. */
static enum exit_code policy_choose(const struct settings *settings, const char *path, json_t **ret_id)
{
	struct settings quiet = *settings;
	json_t *answer = NULL, *policies;
	enum exit_code code;

	quiet.is_json = false;
	code = view_get(&quiet, path, &answer);
	if (code != EXIT_OK)
		return code;
	policies = json_object_get(answer, "policies");
	*ret_id = json_incref(json_object_get(json_array_get(policies, 0), "policy"));
	if (!json_is_string(*ret_id)) {
		struct why why;

		(void)why_set(&why, ERR_NOT_FOUND, "no policy is in force");
		code = out_fail(ERR_NOT_FOUND, &why, NULL);
	} else if (json_array_size(policies) > 1) {
		out_info(
		    "There are %zu policies; this is %s. Another one: --policy ID, as `subsidy policies` lists them.",
		    json_array_size(policies), json_string_value(*ret_id));
	}
	json_decref(answer);
	return code;
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	const char *policy = args_text(args, "policy"), *as_of = args_text(args, "as-of");
	json_t *answer = NULL, *chosen = NULL;
	struct buf enterprise_path, path;
	enum exit_code code = EXIT_OK;

	view_path_enterprise(&enterprise_path, args->words[0]);
	view_path_init(&path, buf_text(&enterprise_path));
	buf_add_text(&path, "/explain");
	view_path_query(&enterprise_path, "as_of", as_of);
	if (policy == NULL)
		code = policy_choose(settings, buf_text(&enterprise_path), &chosen);
	view_path_query(&path, "policy", policy != NULL ? policy : json_string_value(chosen));
	view_path_query(&path, "as_of", as_of);
	if (code == EXIT_OK)
		code = view_get(settings, buf_text(&path), &answer);
	if (code == EXIT_OK && answer != NULL)
		code = answer_print(answer);
	json_decref(chosen);
	json_decref(answer);
	buf_done(&path);
	buf_done(&enterprise_path);
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

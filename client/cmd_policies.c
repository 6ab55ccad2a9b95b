/* subsidy policies: the policies in force. */
#include <stdio.h>

#include "client/client.h"
#include "client/commands.h"
#include "client/out.h"
#include "client/view.h"
#include "proto/text.h"

static enum exit_code rows_print(const json_t *rows)
{
	static const struct table_column columns[] = {{"policy", false}, {"version", true}, {"from", false},
	    {"to", false}, {"cap", true}, {"title", false}, {"basis", false}, {"entry", true}, {"adopted", false},
	    {"status", false}};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i), *text = json_object_get(row, "text");
		const json_t *window = json_object_get(text, "window");

		view_cell(&table, row, "policy");
		view_cell(&table, row, "version");
		view_cell(&table, window, "from");
		view_cell(&table, window, "to");
		view_cell(&table, json_object_get(text, "cap"), "amount");
		view_cell(&table, row, "title");
		view_cell(&table, row, "basis");
		view_cell(&table, row, "index");
		table_cellf(&table, "%.10s", json_text_or(row, "adopted", "-"));
		table_cell(&table, view_status(row));
	}
	return view_print(&table);
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	json_t *answer = NULL;
	enum exit_code code = view_get(settings, "/v1/policies", &answer);

	(void)args;
	if (code == EXIT_OK && answer != NULL) {
		code = rows_print(json_object_get(answer, "policies"));
		if (json_array_size(json_object_get(answer, "policies")) == 0)
			view_say("No policy is in force.");
		else
			view_caveat(json_object_get(answer, "policies"));
	}
	json_decref(answer);
	return code;
}

const struct command cmd_policies = {
    .name = "policies",
    .usage = "",
    .summary = "the policies in force",
    .help = "The newest version of each. --json shows their whole texts, as the officers signed them.\n"
	    "\n"
	    "  subsidy policies\n"
	    "  subsidy policies --json\n",
    .run = run,
};

/* subsidy overview: the whole ledger on one screen. */
#include <stdio.h>

#include "client/client.h"
#include "client/commands.h"
#include "client/out.h"
#include "client/view.h"
#include "proto/text.h"

#define SILENT_DAYS 7 /* a venue that pushed nothing for so long is worth a look */

static enum exit_code venues_print(const json_t *answer)
{
	static const struct table_column columns[] = {{"venue", false}, {"name", false}, {"feed", true},
	    {"last push", false}, {"days ago", true}, {"records", true}, {"counted", true}, {"amount", true},
	    {"not counted", false}};
	const json_t *venues = json_object_get(answer, "venues"), *totals = json_object_get(answer, "totals");
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(venues); i++) {
		const json_t *venue = json_array_get(venues, i), *silent = json_object_get(venue, "days_silent");

		view_cell(&table, venue, "venue");
		view_cell(&table, venue, "name");
		view_cell(&table, venue, "feed_size");
		if (json_is_integer(json_object_get(venue, "suspended_by"))) {
			table_word(&table, "suspended");
			table_style(&table, TABLE_BAD);
		} else {
			table_cellf(&table, "%.16s", json_text_or(venue, "last_push", T("never")));
		}
		view_cell(&table, venue, "days_silent");
		if (!json_is_integer(silent) || json_integer_value(silent) >= SILENT_DAYS)
			table_style(&table, TABLE_WARN);
		view_cell(&table, venue, "records");
		view_cell(&table, venue, "counted");
		view_cell(&table, venue, "amount");
		view_cell_counts(&table, json_object_get(venue, "not_counted"));
	}
	table_word(&table, "all");
	for (size_t i = 1; i < 5; i++)
		table_cell(&table, "");
	view_cell(&table, totals, "records");
	view_cell(&table, totals, "counted");
	view_cell(&table, totals, "amount");
	view_cell_counts(&table, json_object_get(totals, "not_counted"));
	return view_print(&table);
}

static void distrusts_say(const json_t *venues)
{
	for (size_t i = 0; i < json_array_size(venues); i++) {
		const json_t *venue = json_array_get(venues, i), *order = json_object_get(venue, "distrusting");

		if (json_is_integer(order))
			view_say("A key of %s is distrusted by entry %lld; its trades are being put on hold, and the "
				 "figures change until they all are.",
			    json_text_or(venue, "venue", "-"), (long long)json_integer_value(order));
	}
}

static enum exit_code policies_print(const json_t *policies)
{
	static const struct table_column columns[] = {
	    {"policy", false}, {"award", true}, {"enterprises", true}, {"capped", true}, {"status", false}};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(policies); i++) {
		const json_t *policy = json_array_get(policies, i);

		view_cell(&table, policy, "policy");
		view_cell(&table, policy, "award");
		view_cell(&table, policy, "enterprises");
		view_cell(&table, policy, "capped");
		table_cell(&table, view_status(policy));
	}
	return view_print(&table);
}

static enum exit_code shared_print(const json_t *contracts)
{
	static const char *const keys[] = {"venue", "trade_no", "index", "supplier", "buyer"};
	static const struct table_column columns[] = {{"contract", false}, {"venue", false}, {"trade", false},
	    {"entry", true}, {"supplier", false}, {"buyer", false}};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(contracts); i++) {
		const json_t *contract = json_array_get(contracts, i), *trades = json_object_get(contract, "trades");

		for (size_t j = 0; j < json_array_size(trades); j++) {
			table_cellf(&table, "%.12s…", json_text_or(contract, "contract_hash", "-"));
			for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
				view_cell(&table, json_array_get(trades, j), keys[k]);
		}
	}
	return view_print(&table);
}

static enum exit_code answer_print(const json_t *answer)
{
	const json_t *enterprises = json_object_get(answer, "enterprises"),
		     *policies = json_object_get(answer, "policies");
	const json_t *contracts = json_object_get(answer, "shared_contracts"),
		     *totals = json_object_get(answer, "totals");
	enum exit_code code;

	view_say("The ledger has %lld entries, the last of %s.",
	    (long long)json_integer_value(json_object_get(answer, "ledger_size")), json_text_or(answer, "time", "-"));
	printf("\n");
	code = venues_print(answer);
	distrusts_say(json_object_get(answer, "venues"));
	printf("\n");
	view_say("Refunded: %s. Enterprises: %lld registered, %lld trading.", json_text_or(totals, "refunded", "-"),
	    (long long)json_integer_value(json_object_get(enterprises, "registered")),
	    (long long)json_integer_value(json_object_get(enterprises, "trading")));
	printf("\n");
	if (code == EXIT_OK)
		code = policies_print(policies);
	if (code == EXIT_OK && json_array_size(contracts) > 0) {
		printf("\n");
		view_say("Contracts that more than one venue has trades of (looked for from entry %lld on):",
		    (long long)json_integer_value(json_object_get(answer, "searched_from")));
		code = shared_print(contracts);
	}
	view_caveat(policies);
	return code;
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	json_t *answer = NULL;
	enum exit_code code = view_get(settings, "/v1/overview", &answer);

	(void)args;
	if (code == EXIT_OK && answer != NULL)
		code = answer_print(answer);
	json_decref(answer);
	return code;
}

const struct command cmd_overview = {
    .name = "overview",
    .usage = "",
    .summary = "the whole ledger: venues, sums, policies, what is worth a look",
    .help = "Needs an access code of the bureau or of an auditor.\n"
	    "\n"
	    "  subsidy overview\n"
	    "  subsidy overview --json\n",
    .run = run,
};

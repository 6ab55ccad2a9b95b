/* subsidy statement: what an enterprise keeps as its own proof. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/commands.h"
#include "client/out.h"
#include "client/statement_fetch.h"
#include "client/statement_verify.h"
#include "client/view.h"
#include "proto/text.h"

/* The code in the form in which the ledger has it. */
static bool code_read(const char *word, struct statement_fetch *fetch)
{
	struct buf text;
	bool is_code;

	buf_init(&text, USCI_TEXT_SIZE_MAX);
	is_code = usci_normalise(slice_text(word), &text) == OK && text.size == USCI_SIZE;
	if (is_code)
		memcpy(fetch->code, text.data, USCI_SIZE);
	buf_done(&text);
	return is_code;
}

static json_t *summary_json(const struct statement_fetch *fetch, const char *folder)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:O}", "folder", folder, "origin",
	    fetch->ledger->origin, "ledger_id", fetch->ledger->id, "code", fetch->code, "size",
	    (json_int_t)fetch->head.checkpoint.size, "entries", (json_int_t)fetch->entry_count, "withheld",
	    (json_int_t)fetch->withheld_count, "acts", (json_int_t)fetch->act_count, "has_claim", fetch->has_claim,
	    "policies", fetch->policies);
}

static enum exit_code policies_print(const json_t *policies)
{
	static const struct table_column columns[] = {
	    {"policy", false}, {"version", true}, {"volume", true}, {"award", true}};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(policies); i++) {
		const json_t *policy = json_array_get(policies, i);

		view_cell(&table, policy, "policy");
		view_cell(&table, policy, "version");
		view_cell(&table, policy, "eligible_volume");
		view_cell(&table, policy, "award");
	}
	return view_print(&table);
}

/* An honest ledger withholds only duplicates that name others; what stands before one is on its word. */
static void withheld_say(const struct statement_fetch *fetch)
{
	if (fetch->withheld_count == 0)
		return;
	out_info("subsidy: withheld entries, which name others: %" PRIu64
		 ". Before each of them the chain proves nothing,",
	    fetch->withheld_count);
	out_info("         only an auditor's replay does");
}

static enum exit_code summary_print(
    const struct settings *settings, const struct statement_fetch *fetch, const char *folder)
{
	withheld_say(fetch);
	if (settings->is_json)
		return out_json(summary_json(fetch, folder));
	out_info("subsidy: %s holds the %" PRIu64 " entries of %s up to size %" PRIu64 ", every one proven", folder,
	    fetch->entry_count, fetch->code, fetch->head.checkpoint.size);
	return policies_print(fetch->policies);
}

/* What `subsidy verify` finds in it, before it gets its name. */
static enum exit_code statement_check_stage(const struct statement_fetch *fetch)
{
	struct key keys[PIN_KEYS_MAX];
	struct statement_check check = {
	    .keys = keys, .key_count = pin_keys(fetch->ledger, keys), .ledger_id = fetch->ledger->id};
	struct statement_facts facts;
	enum exit_code code = statement_prove(stage_path(fetch->stage), &check, &facts);

	if (code == EXIT_UNVERIFIED)
		out_info("         nothing is kept of it: ask the bureau, and an auditor, about it");
	return code;
}

static enum exit_code statement_make(const struct settings *settings, struct statement_fetch *fetch, const char *folder)
{
	struct ledger_id ledger;
	struct why why = {""};
	enum exit_code code;
	enum err err;

	code = pin_ledger(fetch->link, settings, LINK_SERVER, &ledger);
	if (code != EXIT_OK)
		return code;
	fetch->ledger = &ledger;
	err = stage_begin(folder, &fetch->stage, &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	code = statement_fetch_all(fetch);
	if (code == EXIT_OK)
		code = statement_check_stage(fetch);
	if (code == EXIT_OK) {
		err = stage_commit(fetch->stage, &why);
		code = err == OK ? summary_print(settings, fetch, folder) : out_fail(err, &why, NULL);
	}
	stage_free(fetch->stage);
	fetch->stage = NULL;
	fetch->ledger = NULL;
	return code;
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	const char *folder = args_text(args, "o");
	struct statement_fetch *fetch;
	struct why why = {""};
	struct buf path;
	enum exit_code code;
	enum err err;

	if (folder == NULL)
		return out_usage("say where it goes: -o FOLDER");
	fetch = calloc(1, sizeof(*fetch));
	if (fetch == NULL)
		return out_fail(ERR_MEMORY, NULL, NULL);
	statement_fetch_init(fetch);
	view_path_enterprise(&path, args->words[0]);
	fetch->path = buf_text(&path);
	err = code_read(args->words[0], fetch) ? link_open(settings, &fetch->link, &why) : OK;
	if (fetch->code[0] == '\0')
		code = out_usage("\"%s\" is not a unified social credit code", args->words[0]);
	else
		code = err == OK ? statement_make(settings, fetch, folder) : out_fail(err, &why, NULL);
	link_close(fetch->link);
	statement_fetch_done(fetch);
	free(fetch);
	buf_done(&path);
	return code;
}

static const struct option options[] = {
    {"o", "FOLDER", "where it goes; must not exist yet, or be empty", false},
    {0},
};

const struct command cmd_statement = {
    .name = "statement",
    .usage = "CODE -o FOLDER",
    .summary = "an enterprise's own proof: every entry that concerned it, to keep and to check offline",
    .help =
	"Fetches every entry that concerned the enterprise up to the newest published checkpoint, each with its\n"
	"proof; the bureau's acts; the ledger's claim where the chain ends; and how each policy's figure comes about.\n"
	"Each proof is checked as it arrives, and the whole as by `subsidy verify FOLDER`: where anything fails,\n"
	"nothing is kept, and the exit code is 6. `subsidy verify FOLDER` does it again at any time, without asking\n"
	"anybody, and `subsidy receipt check FOLDER` asks whether the ledger still contains it. Make one now and\n"
	"then, each in a folder of its own. Entries hold amounts and counterparties, so guard the folder.\n"
	"\n"
	"  subsidy statement 91370202MA0XTE011C -o statement-2026-11 --token own.token\n"
	"  subsidy statement 91370202MA0XTE011C -o statement-2026-11 --json\n",
    .options = options,
    .word_min = 1,
    .word_max = 1,
    .run = run,
};

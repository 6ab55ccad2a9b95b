/* subsidy verify: proof files, by themselves. */
#include "client/out.h"
#include "client/prooffile.h"
#include "client/view.h"

/* The worst of what came of the files. */
static enum exit_code worse(enum exit_code a, enum exit_code b)
{
	return a == EXIT_UNVERIFIED || b == EXIT_OK ? a : b;
}

static enum exit_code verify_files(const struct settings *settings, const struct args *args, const struct key *key)
{
	json_t *rows = json_array();
	enum exit_code code = EXIT_OK, shown;
	struct prooffile file;
	struct table table;

	table_init(&table, prooffile_columns, PROOFFILE_COLUMNS);
	for (size_t i = 0; i < args->word_count; i++) {
		prooffile_init(&file);
		shown = prooffile_load(args->words[i], key, &file);
		if (shown == EXIT_OK) {
			prooffile_row(&file, args->words[i], &table);
			(void)json_array_append_new(rows, prooffile_json(&file, args->words[i]));
		}
		code = worse(code, shown);
		prooffile_done(&file);
	}
	if (settings->is_json) {
		shown = out_json(json_pack("{s:O}", "proven", rows));
		table_done(&table);
	} else {
		shown = view_print(&table);
	}
	json_decref(rows);
	return worse(code, shown);
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	struct why why = {""};
	struct key key;
	enum err err = prooffile_key(settings, &key, &why);

	if (err == ERR_NOT_FOUND)
		return out_usage(
		    "nothing is remembered of %s: say whose signature it must be: --vkey KEY", settings->server);
	return err == OK ? verify_files(settings, args, &key) : out_fail(err, &why, NULL);
}

const struct command cmd_verify = {
    .name = "verify",
    .usage = "FILE.tlog-proof… --vkey KEY",
    .summary = "check receipts and proofs, without asking anybody",
    .help =
	"For each file: the checkpoint is signed by the key, and its root contains the bytes that the file carries.\n"
	"KEY is the ledger's public key, for receipts and proofs of entries, or a venue's, for proofs of records in\n"
	"its feed; without --vkey it is the one remembered of --server. No network is used. `subsidy receipt check`\n"
	"asks besides whether the ledger still contains what it signed.\n"
	"\n"
	"  subsidy verify receipts/*.tlog-proof --vkey \"$(cat ledger.vkey)\"\n"
	"  subsidy verify receipts/qddex-1-0000000000-0000000002.tlog-proof --json\n",
    .word_min = 1,
    .word_max = ARGS_MAX,
    .run = run,
};

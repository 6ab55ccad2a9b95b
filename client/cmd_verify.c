/* subsidy verify: proof files, by themselves. */
#include "client/out.h"
#include "client/prooffile.h"
#include "client/quorumfile.h"
#include "client/view.h"

/* The worst of what came of the files. */
static enum exit_code worse(enum exit_code a, enum exit_code b)
{
	return a == EXIT_UNVERIFIED || b == EXIT_OK ? a : b;
}

/* Is the proof's checkpoint cosigned as the policy file asks? Complains by itself. */
static enum exit_code check_quorum(
    const struct trust *trust, const struct key *key, const struct prooffile *file, const char *path)
{
	struct why why = {""}, whole;
	enum err err = trust == NULL ? OK : quorumfile_check(trust, key, file->proof.note, &why);

	if (err == OK)
		return EXIT_OK;
	(void)why_set(&whole, err, "%s: %s", path, why.text);
	(void)out_fail(err, &whole, "what it proves, the ledger alone has signed for");
	return EXIT_UNVERIFIED;
}

/* `trust` may be NULL. */
static enum exit_code verify_files(
    const struct settings *settings, const struct args *args, const struct key *key, const struct trust *trust)
{
	json_t *rows = json_array();
	enum exit_code code = EXIT_OK, shown;
	struct prooffile file;
	struct table table;

	table_init(&table, prooffile_columns, PROOFFILE_COLUMNS);
	for (size_t i = 0; i < args->word_count; i++) {
		prooffile_init(&file);
		shown = prooffile_load(args->words[i], key, &file);
		if (shown == EXIT_OK)
			shown = check_quorum(trust, key, &file, args->words[i]);
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
	const char *policy = args_text(args, "policy");
	struct trust *trust = NULL;
	struct why why = {""};
	struct key key;
	enum exit_code code;
	enum err err = prooffile_key(settings, &key, &why);

	if (err == ERR_NOT_FOUND)
		return out_usage(
		    "nothing is remembered of %s: say whose signature it must be: --vkey KEY", settings->server);
	if (err != OK)
		return out_fail(err, &why, NULL);
	code = policy != NULL ? quorumfile_load(policy, &trust) : EXIT_OK;
	if (code == EXIT_OK)
		code = verify_files(settings, args, &key, trust);
	trust_free(trust);
	return code;
}

static const struct option options[] = {
    {"policy", "FILE", "the checkpoints are cosigned as this policy file asks", false},
    {0},
};

const struct command cmd_verify = {
    .name = "verify",
    .usage = "FILE.tlog-proof… --vkey KEY [--policy FILE]",
    .summary = "check receipts and proofs, without asking anybody",
    .help =
	"For each file: the checkpoint is signed by the key, and its root contains the bytes that the file carries.\n"
	"KEY is the ledger's public key, for receipts and proofs of entries, or a venue's, for proofs of records in\n"
	"its feed; without --vkey it is the one remembered of --server. No network is used. `subsidy receipt check`\n"
	"asks besides whether the ledger still contains what it signed. With --policy the checkpoints' cosignatures\n"
	"must make the quorum of a file of C2SP tlog-policy, so that not the ledger alone stands for them.\n"
	"\n"
	"  subsidy verify receipts/*.tlog-proof --vkey \"$(cat ledger.vkey)\"\n"
	"  subsidy verify receipts/qddex-1-0000000000-0000000002.tlog-proof --json\n"
	"  subsidy verify proof.tlog-proof --policy witnesses.policy\n",
    .options = options,
    .word_min = 1,
    .word_max = ARGS_MAX,
    .run = run,
};

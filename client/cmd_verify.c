/* subsidy verify: proof files and statements, by themselves. */
#include <stdlib.h>

#include "client/out.h"
#include "client/prooffile.h"
#include "client/quorumfile.h"
#include "client/statement_files.h"
#include "client/statement_verify.h"
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
    const struct settings *settings, const struct args *args, const struct ledger_id *ledger, const struct trust *trust)
{
	json_t *rows = json_array();
	enum exit_code code = EXIT_OK, shown;
	struct prooffile file;
	struct table table;

	table_init(&table, prooffile_columns, PROOFFILE_COLUMNS);
	for (size_t i = 0; i < args->word_count; i++) {
		prooffile_init(&file);
		shown = prooffile_load(args->words[i], ledger, &file);
		if (shown == EXIT_OK)
			shown = check_quorum(trust, &file.signer, &file, args->words[i]);
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

static enum exit_code fail_key(const struct settings *settings, enum err err, const struct why *why)
{
	if (err == ERR_NOT_FOUND)
		return out_usage(
		    "nothing is remembered of %s: say whose signature it must be: --vkey KEY", settings->server);
	return out_fail(err, why, NULL);
}

static enum exit_code run_files(const struct settings *settings, const struct args *args, const struct trust *trust)
{
	struct why why = {""};
	struct ledger_id ledger;
	enum err err = prooffile_keys(settings, &ledger, &why);

	return err == OK ? verify_files(settings, args, &ledger, trust) : fail_key(settings, err, &why);
}

/* ---- a statement */

/* Whose signature it may be: --vkey or what is remembered, and the policy file's logs. */
struct given {
	struct key *keys;
	size_t key_count;
	struct ledger_id pinned;
	bool is_pinned;
};

static enum err read_given(
    const struct settings *settings, const struct trust *trust, struct given *given, struct why *why)
{
	size_t log_count = trust == NULL ? 0 : trust_log_count(trust);
	struct ledger_id ledger;
	enum err err;

	given->keys = calloc(log_count + PIN_KEYS_MAX, sizeof(*given->keys));
	if (given->keys == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < log_count; i++)
		given->keys[given->key_count++] = *trust_log_key(trust, i);
	if (settings->vkey == NULL && settings->server == NULL && log_count > 0)
		return OK;
	err = prooffile_keys(settings, &ledger, why);
	if (err == ERR_NOT_FOUND && log_count > 0)
		return OK;
	if (err != OK)
		return err;
	/* A statement may be older than the ledger's present key. */
	given->key_count += pin_keys(&ledger, &given->keys[given->key_count]);
	/* Whoever remembers the key remembers the ledger's id as well. */
	given->is_pinned = settings->vkey == NULL;
	given->pinned = ledger;
	return OK;
}

static enum exit_code run_statement(const struct settings *settings, const char *folder, const struct trust *trust)
{
	struct given given = {.key_count = 0};
	struct statement_check check = {.trust = trust, .is_json = settings->is_json};
	struct why why = {""};
	enum exit_code code;
	enum err err = read_given(settings, trust, &given, &why);

	check.keys = given.keys;
	check.key_count = given.key_count;
	check.ledger_id = given.is_pinned ? given.pinned.id : NULL;
	code = err == OK ? statement_verify(folder, &check) : fail_key(settings, err, &why);
	free(given.keys);
	return code;
}

/* ---- which of them */

/* A folder that is no statement, or one among several words; false where there is nothing to complain of. */
static bool complain_of_words(const struct args *args)
{
	for (size_t i = 0; i < args->word_count; i++) {
		const char *word = args->words[i];

		if (!statement_files_has(word, "."))
			continue;
		if (statement_is_folder(word) && args->word_count == 1)
			return false;
		if (statement_is_folder(word))
			out_usage("one statement at a time: %s is a folder", word);
		else if (statement_files_has(word, "tile") && statement_files_has(word, "ledger.json"))
			out_usage(
			    "%s is a copy of a whole ledger: `subsidyd verify --export %s` replays it", word, word);
		else
			out_usage("%s is a folder, but not one of a statement: it has no %s", word, STATEMENT_FILE);
		return true;
	}
	return false;
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	const char *policy = args_text(args, "policy");
	struct trust *trust = NULL;
	enum exit_code code = EXIT_OK;

	if (complain_of_words(args))
		return EXIT_USAGE;
	if (policy != NULL)
		code = quorumfile_load(policy, NULL, &trust);
	if (code == EXIT_OK)
		code = statement_is_folder(args->words[0]) ? run_statement(settings, args->words[0], trust)
							   : run_files(settings, args, trust);
	trust_free(trust);
	return code;
}

static const struct option options[] = {
    {"policy", "FILE", "the checkpoints are cosigned as this policy file asks", false},
    {0},
};

const struct command cmd_verify = {
    .name = "verify",
    .usage = "FILE.tlog-proof… | FOLDER --vkey KEY [--policy FILE]",
    .summary = "check receipts, proofs and statements, without asking anybody",
    .help =
	"For each file: the checkpoint is signed by the key, and its root contains the bytes that the file carries.\n"
	"KEY is the ledger's public key, for receipts and proofs of entries, or a venue's, for proofs of records in\n"
	"its feed; without --vkey it is the one remembered of --server. No network is used. `subsidy receipt check`\n"
	"asks besides whether the ledger still contains what it signed. With --policy the checkpoints' cosignatures\n"
	"must make the quorum of a file of C2SP tlog-policy, so that not the ledger alone stands for them.\n"
	"\n"
	"Of a FOLDER as `subsidy statement` writes it everything is followed from the signatures of venues, officers\n"
	"and ledger: no entry of the enterprise is missing or added, each says what was signed, and each policy gives\n"
	"the award that the statement names. What is wrong first is named by its file; the exit code is then 6. The\n"
	"logs of a --policy file are taken as KEY, too.\n"
	"\n"
	"  subsidy verify receipts/*.tlog-proof --vkey \"$(cat ledger.vkey)\"\n"
	"  subsidy verify receipts/qddex-1-0000000000-0000000002.tlog-proof --json\n"
	"  subsidy verify proof.tlog-proof --policy witnesses.policy\n"
	"  subsidy verify statement-2026 --vkey \"$(cat ledger.vkey)\"\n",
    .options = options,
    .word_min = 1,
    .word_max = ARGS_MAX,
    .run = run,
};

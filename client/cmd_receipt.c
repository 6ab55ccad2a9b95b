/* subsidy receipt check: receipts, and that the ledger still contains what it signed in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/kept.h"
#include "client/out.h"
#include "client/prooffile.h"
#include "client/view.h"

struct checking {
	const struct settings *settings;
	struct link *link;
	struct ledger_id ledger;
	struct kept_head newest; /* asked for once, with the first receipt that is one */
	bool has_newest;
	struct table table;
	json_t *rows;
};

/* Is the receipt's checkpoint part of the ledger as it is now? */
static enum exit_code ask_ledger(struct checking *checking, const struct prooffile *file, const char *path)
{
	struct kept_question question = {.link = checking->link, .key = &checking->ledger.key, .is_of_receipt = true};
	struct kept_head held;
	struct why why = {""};
	char *evidence_path = NULL;
	enum exit_code code = EXIT_OK;
	enum err err;

	kept_head_init(&held);
	err = asprintf(&evidence_path, "%s.evidence.json", path) < 0 ? ERR_MEMORY : OK;
	if (err != OK)
		evidence_path = NULL;
	if (err == OK)
		err = kept_read_head(file->proof.note, &file->signer, &held, &why);
	if (err != OK) {
		code = out_fail(err, &why, NULL);
		goto out;
	}
	question.evidence_path = evidence_path;
	if (!checking->has_newest) {
		code = kept_latest(&question, &held, &checking->newest);
		checking->has_newest = code == EXIT_OK;
	}
	if (code == EXIT_OK)
		code = kept_check(&question, &held, &checking->newest);
out:
	free(evidence_path);
	kept_head_done(&held);
	return code;
}

static enum exit_code check_file(struct checking *checking, const char *path)
{
	struct prooffile file;
	enum exit_code code;

	prooffile_init(&file);
	code = prooffile_load(path, &checking->ledger, &file);
	if (code == EXIT_OK && file.is_of_feed) {
		code = out_usage("%s is of a feed, not of the ledger; `subsidy verify` checks it", path);
	} else if (code == EXIT_OK) {
		code = ask_ledger(checking, &file, path);
	}
	if (code == EXIT_OK) {
		prooffile_row(&file, path, &checking->table);
		(void)json_array_append_new(checking->rows, prooffile_json(&file, path));
	}
	prooffile_done(&file);
	return code;
}

/* The first that can't be reached ends it, for the others would only say so again. */
static enum exit_code check_all(struct checking *checking, const struct args *args)
{
	enum exit_code code = EXIT_OK, shown = EXIT_OK;

	for (size_t i = 1; i < args->word_count && shown != EXIT_UNREACHABLE; i++) {
		shown = check_file(checking, args->words[i]);
		if (code == EXIT_OK || shown == EXIT_UNVERIFIED)
			code = shown;
	}
	if (checking->settings->is_json) {
		shown = out_json(json_pack("{s:O, s:I}", "contained", checking->rows, "ledger_size",
		    (json_int_t)checking->newest.checkpoint.size));
		table_done(&checking->table);
	} else {
		shown = view_print(&checking->table);
	}
	if (code == EXIT_OK && shown == EXIT_OK)
		out_info("subsidy: the ledger, of size %llu now, contains all that it signed here",
		    (unsigned long long)checking->newest.checkpoint.size);
	return code != EXIT_OK ? code : shown;
}

/* --vkey, or what follows from what is remembered of the address; at the first contact what the server says. */
static enum exit_code find_key(struct checking *checking)
{
	struct why why = {""};
	enum err err;

	if (checking->settings->vkey == NULL && checking->settings->server != NULL)
		return pin_ledger(checking->link, checking->settings, LINK_SERVER, &checking->ledger);
	err = prooffile_keys(checking->settings, &checking->ledger, &why);
	return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	struct checking checking = {.settings = settings};
	struct why why = {""};
	enum exit_code code;
	enum err err;

	if (strcmp(args->words[0], "check") != 0)
		return out_usage("`subsidy receipt` has check; found \"%s\"", args->words[0]);
	err = link_open(settings, &checking.link, &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	kept_head_init(&checking.newest);
	table_init(&checking.table, prooffile_columns, PROOFFILE_COLUMNS);
	checking.rows = json_array();
	code = find_key(&checking);
	if (code == EXIT_OK)
		code = check_all(&checking, args);
	else
		table_done(&checking.table);
	json_decref(checking.rows);
	kept_head_done(&checking.newest);
	link_close(checking.link);
	return code;
}

const struct command cmd_receipt = {
    .name = "receipt",
    .usage = "check FILE.tlog-proof…",
    .summary = "check receipts, and that the ledger still contains what it signed in them",
    .help =
	"First each receipt by itself, as `subsidy verify` does: signature, hashes, entry. Then the ledger's newest\n"
	"checkpoint is fetched, and the proof that the one in the receipt is part of it. A ledger that was set back\n"
	"or replaced can't give that proof: then it is said, exit code 6, and both checkpoints are written to\n"
	"FILE.evidence.json, for the bureau and the other venues. Do it now and then, and after any repair of the\n"
	"ledger. The key is --vkey, else the one remembered of the server. No access code is needed.\n"
	"\n"
	"  subsidy receipt check receipts/*.tlog-proof\n"
	"  subsidy receipt check receipts/*.tlog-proof --vkey \"$(cat ledger.vkey)\" --json\n",
    .word_min = 2,
    .word_max = ARGS_MAX,
    .run = run,
};

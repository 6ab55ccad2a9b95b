/* subsidy receipt check: receipts, and that the ledger still contains what it signed in them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/kept.h"
#include "client/out.h"
#include "client/prooffile.h"
#include "client/statement_ask.h"
#include "client/statement_files.h"
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

/* PATH.evidence.json, of a folder beside it. */
static char *evidence_path_make(const char *path)
{
	size_t size = strlen(path);
	char *text;

	while (size > 1 && path[size - 1] == '/')
		size--;
	return asprintf(&text, "%.*s.evidence.json", (int)size, path) < 0 ? NULL : text;
}

/* Is the receipt's checkpoint part of the ledger as it is now? And of a statement (`facts` is not NULL), is its chain? */
static enum exit_code ask_ledger(
    struct checking *checking, struct slice note, const struct statement_facts *facts, const char *path)
{
	struct kept_question question = {.link = checking->link, .ledger = &checking->ledger, .is_of_receipt = true};
	struct kept_head held;
	struct why why = {""};
	char *evidence_path = evidence_path_make(path);
	enum exit_code code = EXIT_OK;
	enum err err;

	kept_head_init(&held);
	err = evidence_path == NULL ? ERR_MEMORY : OK;
	if (err == OK)
		err = kept_read_head(note, pin_signer(&checking->ledger, note), &held, &why);
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
	if (code == EXIT_OK && facts != NULL && link_has_token(checking->link))
		code = statement_ask_chain(
		    &(struct statement_question){.folder = path, .kept = &question, .facts = facts, .held = &held});
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
		code = ask_ledger(checking, file.proof.note, NULL, path);
	}
	if (code == EXIT_OK) {
		prooffile_row(&file, path, &checking->table);
		(void)json_array_append_new(checking->rows, prooffile_json(&file, path));
	}
	prooffile_done(&file);
	return code;
}

static void statement_row_add(struct checking *checking, const struct statement_facts *facts, const char *path)
{
	bool is_chain_checked = link_has_token(checking->link);
	struct table *table = &checking->table;

	table_cell(table, path);
	table_cellf(table, "%" PRIu64, facts->last_index);
	table_cell(table, "statement");
	table_cell(table, NULL);
	table_cell(table, checking->ledger.key.name);
	table_cellf(table, "%" PRIu64, facts->size);
	(void)json_array_append_new(checking->rows,
	    json_pack("{s:s, s:I, s:s, s:n, s:s, s:I, s:b, s:b}", "file", path, "index", (json_int_t)facts->last_index,
		"kind", "statement", "time", "origin", checking->ledger.key.name, "size", (json_int_t)facts->size,
		"has_claim", facts->has_claim, "chain_checked", is_chain_checked));
	if (!is_chain_checked)
		out_info("subsidy: %s: whether entry %" PRIu64
			 " was the last one only the enterprise's own access code can ask: --token FILE",
		    path, facts->last_index);
}

static enum exit_code check_statement(struct checking *checking, const char *path)
{
	struct key keys[PIN_KEYS_MAX];
	struct statement_check check = {.keys = keys,
	    .key_count = pin_keys(&checking->ledger, keys),
	    .ledger_id = checking->ledger.id[0] != '\0' ? checking->ledger.id : NULL};
	struct statement_facts facts;
	struct buf note;
	struct why why = {""};
	enum exit_code code = statement_prove(path, &check, &facts);
	enum err err;

	if (code != EXIT_OK)
		return code;
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	err = statement_files_read(path, STATEMENT_CHECKPOINT_FILE, &note, &why);
	code = err == OK ? ask_ledger(checking, buf_slice(&note), &facts, path) : out_fail(err, &why, NULL);
	if (code == EXIT_OK)
		statement_row_add(checking, &facts, path);
	buf_done(&note);
	return code;
}

/* The first that can't be reached ends it, for the others would only say so again. */
static enum exit_code check_all(struct checking *checking, const struct args *args)
{
	enum exit_code code = EXIT_OK, shown = EXIT_OK;

	for (size_t i = 1; i < args->word_count && shown != EXIT_UNREACHABLE; i++) {
		shown = statement_is_folder(args->words[i]) ? check_statement(checking, args->words[i])
							    : check_file(checking, args->words[i]);
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
	struct ledger_id known;
	struct key keys[PIN_KEYS_MAX];
	struct why why = {""};
	enum err err;

	if (checking->settings->vkey == NULL && checking->settings->server != NULL)
		return pin_ledger(checking->link, checking->settings, LINK_SERVER, &checking->ledger);
	err = prooffile_keys(checking->settings, &checking->ledger, &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	/* A key that was given up for the next one is no reason to accuse the ledger. */
	if (pin_recall(checking->settings, LINK_SERVER, &known, NULL) != OK)
		return EXIT_OK;
	for (size_t i = pin_keys(&known, keys); i-- > 0;)
		if (key_equal(&keys[i], &checking->ledger.key)) {
			checking->ledger = known;
			break;
		}
	return EXIT_OK;
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
    .usage = "check FILE.tlog-proof… FOLDER…",
    .summary = "check receipts and statements, and that the ledger still contains what it signed in them",
    .help =
	"First each receipt by itself, as `subsidy verify` does: signature, hashes, entry. Then the ledger's newest\n"
	"checkpoint is fetched, and the proof that the one in the receipt is part of it. A ledger that was set back\n"
	"or replaced can't give that proof: then it is said, exit code 6, and both checkpoints are written to\n"
	"FILE.evidence.json, for the bureau and the other venues. Do it now and then, and after any repair of the\n"
	"ledger. The key is --vkey, else the one remembered of the server. No access code is needed.\n"
	"\n"
	"FOLDER is a statement, as `subsidy statement` writes it: it is checked as by `subsidy verify`, then in the\n"
	"same way. With the access code of the enterprise the ledger is asked besides for the entries since: they\n"
	"must lead to the one with which the statement ends. A claim that had left one out is convicted by the two.\n"
	"\n"
	"  subsidy receipt check receipts/*.tlog-proof\n"
	"  subsidy receipt check receipts/*.tlog-proof --vkey \"$(cat ledger.vkey)\" --json\n"
	"  subsidy receipt check statement-2026-11 --token own.token\n",
    .word_min = 2,
    .word_max = ARGS_MAX,
    .run = run,
};

/* subsidy export: a copy of the whole ledger, checked while it is made. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/file.h"
#include "client/kept.h"
#include "client/out.h"
#include "client/pin.h"
#include "client/progress.h"
#include "client/quorumfile.h"
#include "client/tilefolder.h"
#include "client/view.h"

#define PATH_SIZE_MAX 8192

struct exporting {
	const struct settings *settings;
	const char *path;
	const char *policy_path; /* NULL: none was given */
	struct link *link;
	struct ledger_id ledger;
	struct kept_head newest;
	struct buf policy;
	struct tilefolder *folder;
	struct progress progress;
};

static enum err path_of(const struct exporting *exporting, const char *name, struct buf *ret_path)
{
	buf_init(ret_path, PATH_SIZE_MAX);
	buf_printf(ret_path, "%s/%s", exporting->path, name);
	return ret_path->err;
}

/* ERR_NOT_FOUND where there is none. */
static enum err load(const struct exporting *exporting, const char *name, struct buf *ret_bytes, struct why *why)
{
	struct buf path;
	enum err err = path_of(exporting, name, &path);

	if (err == OK)
		err = file_read(buf_text(&path), ret_bytes, why);
	buf_done(&path);
	return err;
}

static enum err store(const struct exporting *exporting, const char *name, struct slice bytes, struct why *why)
{
	struct buf path;
	enum err err = path_of(exporting, name, &path);

	if (err == OK)
		err = file_write(buf_text(&path), bytes, 0644, why);
	buf_done(&path);
	return err;
}

static enum err identity_format(const struct ledger_id *ledger, struct buf *ret_text)
{
	char vkey[KEY_VKEY_SIZE];
	json_t *vkeys = json_array();

	for (size_t i = 0; i < ledger->valid_count; i++) {
		key_format(&ledger->valid[i], vkey);
		(void)json_array_append_new(vkeys, json_string(vkey));
	}
	key_format(&ledger->valid[0], vkey);
	return json_format(json_pack("{s:s, s:s, s:s, s:o}", "origin", ledger->origin, "ledger_id", ledger->id, "vkey",
			       vkey, "vkeys", vkeys),
	    JSON_COMPACT, ret_text);
}

/* Nobody's cosignature is asked for, where the user asked for none. */
static void plain_policy_format(const struct ledger_id *ledger, struct buf *ret_text)
{
	char vkey[KEY_VKEY_SIZE];

	for (size_t i = 0; i < ledger->valid_count; i++) {
		key_format(&ledger->valid[i], vkey);
		buf_printf(ret_text, "log %s\n", vkey);
	}
	buf_printf(ret_text, "quorum %s\n", "none");
}

/* Whose signatures the copy's checkpoint has: for whoever verifies the copy with tools of their own. */
static enum exit_code policy_make(struct exporting *exporting)
{
	struct slice note = buf_slice(&exporting->newest.note);
	struct trust *trust = NULL;
	struct why why = {""};
	enum exit_code code;
	enum err err;

	if (exporting->policy_path == NULL) {
		plain_policy_format(&exporting->ledger, &exporting->policy);
		return exporting->policy.err == OK ? EXIT_OK : out_fail(exporting->policy.err, NULL, NULL);
	}
	code = quorumfile_load(exporting->policy_path, &exporting->policy, &trust);
	if (code != EXIT_OK)
		return code;
	err = quorumfile_check(trust, pin_signer(&exporting->ledger, note), note, &why);
	trust_free(trust);
	if (err == OK)
		return EXIT_OK;
	(void)out_fail(err, &why, "nothing was copied; what the witnesses have not cosigned yet they may have soon");
	return EXIT_UNVERIFIED;
}

/* Its keys may have changed since. */
static bool is_same_ledger(const struct exporting *exporting, const struct buf *found)
{
	json_t *json = json_loadb((const char *)found->data, found->size, JSON_REJECT_DUPLICATES, NULL);
	bool is_same = strcmp(json_text_or(json, "origin", ""), exporting->ledger.origin) == 0 &&
		       strcmp(json_text_or(json, "ledger_id", ""), exporting->ledger.id) == 0;

	json_decref(json);
	return is_same;
}

/* ledger.json says whose copy it is; a copy of another ledger is not written over. */
static enum exit_code claim_folder(const struct exporting *exporting)
{
	struct buf wanted, found;
	struct why why = {""};
	enum exit_code code = EXIT_OK;
	enum err err;

	buf_init(&wanted, CLIENT_FILE_SIZE_MAX);
	buf_init(&found, CLIENT_FILE_SIZE_MAX);
	err = identity_format(&exporting->ledger, &wanted);
	if (err == OK)
		err = file_make_folder(exporting->path, &why);
	if (err == OK)
		err = load(exporting, "ledger.json", &found, &why);
	if (err == ERR_NOT_FOUND)
		err = store(exporting, "ledger.json", buf_slice(&wanted), &why);
	else if (err == OK && !slice_equal(buf_slice(&found), buf_slice(&wanted)) && is_same_ledger(exporting, &found))
		err = store(exporting, "ledger.json", buf_slice(&wanted), &why);
	else if (err == OK && !slice_equal(buf_slice(&found), buf_slice(&wanted)))
		code = out_usage("%s/ledger.json is of another ledger: choose another folder", exporting->path);
	if (err != OK)
		code = out_fail(err, &why, NULL);
	buf_done(&found);
	buf_done(&wanted);
	return code;
}

/* The copy may have been made before: what was signed then must be part of what is signed now. */
static enum exit_code check_history(struct exporting *exporting)
{
	struct kept_question question = {.link = exporting->link, .ledger = &exporting->ledger};
	struct kept_head held;
	struct buf bytes, evidence_path;
	struct why why = {""};
	bool has_held;
	enum exit_code code = EXIT_OK;
	enum err err;

	kept_head_init(&held);
	buf_init(&bytes, CHECKPOINT_SIZE_MAX);
	err = path_of(exporting, "evidence.json", &evidence_path);
	if (err == OK)
		err = load(exporting, "checkpoint", &bytes, &why);
	has_held = err == OK;
	if (err == OK)
		err = kept_read_head(buf_slice(&bytes), pin_signer(&exporting->ledger, buf_slice(&bytes)), &held, &why);
	if (err != OK && err != ERR_NOT_FOUND) {
		code =
		    out_fail(err, &why, "the folder's file checkpoint is not one of this ledger; remove or restore it");
		goto out;
	}
	question.evidence_path = buf_text(&evidence_path);
	code = kept_latest(&question, has_held ? &held : NULL, &exporting->newest);
	if (code == EXIT_OK && has_held)
		code = kept_check(&question, &held, &exporting->newest);
out:
	buf_done(&evidence_path);
	buf_done(&bytes);
	kept_head_done(&held);
	return code;
}

static void on_progress(void *cookie, uint64_t done_count, uint64_t total_count)
{
	struct exporting *exporting = cookie;

	(void)total_count;
	progress_show(&exporting->progress, done_count);
}

static enum exit_code summary_print(const struct exporting *exporting)
{
	const struct tilefolder *folder = exporting->folder;

	if (exporting->settings->is_json)
		return out_json(json_pack("{s:s, s:s, s:I, s:I, s:I}", "folder", exporting->path, "origin",
		    exporting->ledger.origin, "size", (json_int_t)exporting->newest.checkpoint.size, "fetched",
		    (json_int_t)folder->fetched_count, "kept", (json_int_t)folder->kept_count));
	out_info("subsidy: %s holds the %" PRIu64 " entries of %s, every one verified", exporting->path,
	    exporting->newest.checkpoint.size, exporting->ledger.origin);
	return EXIT_OK;
}

static enum exit_code export_ledger(struct exporting *exporting)
{
	struct tilefolder *folder = exporting->folder;
	struct why why = {""};
	enum exit_code code;
	enum err err;

	code = pin_ledger(exporting->link, exporting->settings, LINK_SERVER, &exporting->ledger);
	if (code == EXIT_OK)
		code = claim_folder(exporting);
	if (code == EXIT_OK)
		code = check_history(exporting);
	if (code == EXIT_OK)
		code = policy_make(exporting);
	if (code != EXIT_OK)
		return code;
	*folder = (struct tilefolder){.link = exporting->link,
	    .path = exporting->path,
	    .checkpoint = &exporting->newest.checkpoint,
	    .on_progress = on_progress,
	    .cookie = exporting};
	progress_begin(&exporting->progress, PROGRESS_ENTRIES, exporting->newest.checkpoint.size);
	code = tilefolder_fill(folder);
	progress_end(&exporting->progress);
	if (code != EXIT_OK)
		return code;
	/* Last: whoever reads the copy finds all that this checkpoint covers. */
	err = store(exporting, "policy", buf_slice(&exporting->policy), &why);
	if (err == OK)
		err = store(exporting, "checkpoint", buf_slice(&exporting->newest.note), &why);
	return err == OK ? summary_print(exporting) : out_fail(err, &why, NULL);
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	struct exporting exporting = {
	    .settings = settings, .path = args->words[0], .policy_path = args_text(args, "policy")};
	struct why why = {""};
	enum exit_code code;
	enum err err = link_open(settings, &exporting.link, &why);

	if (err != OK)
		return out_fail(err, &why, NULL);
	kept_head_init(&exporting.newest);
	buf_init(&exporting.policy, CLIENT_FILE_SIZE_MAX);
	exporting.folder = calloc(1, sizeof(*exporting.folder));
	code = exporting.folder == NULL ? out_fail(ERR_MEMORY, NULL, NULL) : export_ledger(&exporting);
	free(exporting.folder);
	buf_done(&exporting.policy);
	kept_head_done(&exporting.newest);
	link_close(exporting.link);
	return code;
}

static const struct option options[] = {
    {"policy", "FILE", "the checkpoint is cosigned as this policy file asks; the copy holds the file", false},
    {0},
};

const struct command cmd_export = {
    .name = "export",
    .usage = "FOLDER [--policy FILE]",
    .summary = "copy the whole ledger into static files, and verify it while doing so",
    .help =
	"Writes checkpoint, hash tiles and entries under the paths of C2SP tlog-tiles, so that FOLDER, put behind any\n"
	"web server, is a mirror that other programs can read; ledger.json, which says whose copy it is; and policy,\n"
	"in the form of C2SP tlog-policy, which says whose signatures its checkpoint has: the ledger's own or, with\n"
	"--policy, those that FILE asks for. Nothing is written that the signed checkpoint does not cover. Repeat the\n"
	"command to bring a copy up to date, or after it was broken off: what is there and right is not fetched\n"
	"again. If the ledger does not contain any more what it signed at the last time, that is said, with exit code\n"
	"6 and the evidence in FOLDER. Needs an access code of the bureau or of an auditor; entries are not public,\n"
	"so guard the folder.\n"
	"\n"
	"  subsidy export mirror --token auditor.token\n"
	"  subsidy export mirror --token auditor.token --policy witnesses.policy\n",
    .options = options,
    .word_min = 1,
    .word_max = 1,
    .run = run,
};

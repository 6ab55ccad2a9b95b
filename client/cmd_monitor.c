/* subsidy monitor: follows a ledger, and cosigns what it has checked. */
#include <string.h>

#include "client/commands.h"
#include "client/file.h"
#include "client/monitor.h"
#include "client/out.h"
#include "client/quorumfile.h"

static enum exit_code terms_read(const struct args *args, struct monitor_terms *terms)
{
	static const uint64_t interval_range[2] = {1, MONITOR_INTERVAL_MAX_S};
	static const uint64_t stale_range[2] = {1, MONITOR_STALE_MAX_S};
	uint64_t interval_s;

	if (!args_number(args, "interval", interval_range, MONITOR_INTERVAL_S, &interval_s) ||
	    !args_number(args, "stale", stale_range, MONITOR_STALE_S, &terms->stale_s))
		return EXIT_USAGE;
	if (terms->settings->server == NULL)
		return out_usage("say which ledger to follow: --server URL");
	terms->is_once = args_has(args, "once");
	terms->interval_s = (unsigned)interval_s;
	terms->hook = args_text(args, "hook");
	terms->evidence_folder = args_text(args, "evidence");
	return EXIT_OK;
}

static enum exit_code signer_load(const char *path, struct signer **ret_signer)
{
	struct signer *signer = NULL;
	struct why why = {""};
	enum err err = file_load_signer(path, &signer, &why);

	if (err != OK)
		return out_fail(err, &why, NULL);
	if (signer_key(signer)->type != KEY_COSIGNATURE) {
		(void)why_set(&why, ERR_KEY_FILE, "%s: not a witness's key", path);
		signer_free(signer);
		return out_fail(ERR_KEY_FILE, &why, "make one with `subsidy key new NAME --type cosignature`");
	}
	*ret_signer = signer;
	return EXIT_OK;
}

static enum exit_code run(const struct settings *settings, const struct args *args)
{
	struct monitor_terms terms = {.settings = settings};
	const char *key = args_text(args, "key"), *policy = args_text(args, "feed-witnesses");
	struct signer *signer = NULL;
	struct trust *trust = NULL;
	struct link *link = NULL;
	struct why why = {""};
	enum exit_code code = terms_read(args, &terms);
	enum err err;

	if (code == EXIT_OK && key != NULL)
		code = signer_load(key, &signer);
	if (code == EXIT_OK && policy != NULL)
		code = quorumfile_load(policy, NULL, &trust);
	if (code != EXIT_OK)
		goto out;
	terms.signer = signer;
	terms.trust = trust;
	err = link_open(settings, &link, &why);
	code = err == OK ? monitor_run(&terms, link) : out_fail(err, &why, NULL);
	link_close(link);
out:
	trust_free(trust);
	signer_free(signer);
	return code;
}

static const struct option options[] = {
    {"once", NULL, "one round, then end: for a timer", false},
    {"interval", "SECONDS", "between two rounds (10)", false},
    {"stale", "SECONDS", "alarm after so long without a valid answer (300)", false},
    {"key", "FILE", "cosign with this witness's key", false},
    {"feed-witnesses", "FILE", "give each checkpoint to the witnesses of this policy file", false},
    {"hook", "COMMAND", "run by /bin/sh at an alarm", false},
    {"evidence", "FOLDER", "where evidence is written (the state folder)", false},
    {0},
};

const struct command cmd_monitor = {
    .name = "monitor",
    .usage = "[--once] [--interval SECONDS] [--stale SECONDS] [--key FILE] [--feed-witnesses FILE] [--hook COMMAND] "
	     "[--evidence FOLDER]",
    .summary = "follow a ledger: alarm where it contradicts itself, cosign where it does not",
    .help =
	"Asks again and again for the ledger's newest checkpoint, verifies its signature and that it extends the one\n"
	"seen before, and remembers it. No access code is needed. With --key each checkpoint is cosigned, once it is\n"
	"on disk, and the cosignature handed to the ledger; a key belongs to one monitor and one state folder.\n"
	"With --feed-witnesses others are asked for their cosignatures, too: the witnesses with a URL in a file of\n"
	"C2SP tlog-policy. Each new size is told on stdout.\n"
	"Alarms: rollback (a smaller size than before), fork (another history), bad_signature, another_ledger: the\n"
	"evidence is written, the hook run, and the end is exit code 6. After --stale seconds without a valid answer\n"
	"the alarm is stale: the hook is run, and the monitor goes on. The hook finds SUBSIDY_ALARM,\n"
	"SUBSIDY_EVIDENCE (a file) and SUBSIDY_ORIGIN in its environment, and has 30 seconds.\n"
	"\n"
	"  subsidy monitor --server https://subsidy.example.gov.cn --hook 'mail -s \"$SUBSIDY_ALARM\" ops'\n"
	"  subsidy monitor --key witness.key --evidence evidence --json\n"
	"  subsidy monitor --once --stale 3600 --feed-witnesses witnesses.policy\n",
    .options = options,
    .word_min = 0,
    .word_max = 0,
    .run = run,
};

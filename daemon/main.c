/* subsidyd, the subsidy ledger's daemon. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "daemon/backup.h"
#include "daemon/config.h"
#include "daemon/init.h"
#include "daemon/memory.h"
#include "daemon/restore.h"
#include "daemon/server.h"
#include "daemon/verify.h"
#include "proto/key.h"
#include "proto/version.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_DAMAGED = 9, /* the ledger must not be served: damaged, rolled back, or not that of its guard */
};

/* Options that only some commands take. */
enum {
	TAKES_GENESIS = 1,
	TAKES_FOLDER = 2, /* an argument, which must be there */
	TAKES_NO_REPLAY = 4,
	TAKES_LOSS = 8,    /* --accept-loss, and then --genesis or --describe */
	TAKES_VERIFY = 16, /* --export, --vkey, --keep, --from, --threads */
};

struct options {
	const char *config_file, *genesis_file;
	const char *folder;
	bool skips_replay;
	bool accepts_loss, describes;
	const char *last_known_file;
	bool has_verify;
	struct verify_options verify; /* but for the configuration */
};

struct command {
	const char *name; /* "" for the daemon itself */
	const char *usage, *summary;
	unsigned takes;
	int (*run)(const struct config *config, const struct options *options);
};

/* Every error of a command ends here: one line, and its exit code. */
static int fail(enum err err, const struct why *why)
{
	/* Nothing is known to be wrong with the ledger then. */
	if (memory_was_short())
		err = ERR_MEMORY;
	log_error("%s%s%s", err_sentence(err), why->text[0] != '\0' ? ": " : "", why->text);
	return err == ERR_DAMAGED || err == ERR_GUARD || err == ERR_ROLLED_BACK ? EXIT_DAMAGED : EXIT_FAILED;
}

static int run_server(const struct config *config, const struct options *options)
{
	struct server *server = NULL;
	struct why why = {.text = ""};
	enum err err = server_open(config, &server, &why);

	(void)options;
	if (err != OK)
		return fail(err, &why);
	err = server_run(server);
	server_close(server);
	return err == OK ? EXIT_DONE : EXIT_DAMAGED;
}

static int run_init(const struct config *config, const struct options *options)
{
	struct why why = {.text = ""};
	enum err err = ledger_init(config, options->genesis_file, &why);

	if (err != OK)
		return fail(err, &why);
	printf("%s: a new ledger, guarded by %s\n", config->data, config->guard);
	return EXIT_DONE;
}

static int run_check(const struct config *config, const struct options *options)
{
	struct buf findings;
	size_t count;

	(void)options;
	buf_init(&findings, 1u << 20);
	count = config_check(config, &findings);
	fputs(buf_text(&findings), stdout);
	if (count == 0)
		puts("the configuration is good");
	buf_done(&findings);
	return count > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run_verify(const struct config *config, const struct options *options)
{
	struct verify_options verify = options->verify;

	verify.config = config;
	return verify_run(&verify, stdout);
}

static int run_backup(const struct config *config, const struct options *options)
{
	const struct backup_options backup = {.folder = options->folder, .skips_replay = options->skips_replay};
	struct why why = {.text = ""};
	enum err err = backup_run(config, &backup, stdout, &why);

	return err == OK ? EXIT_DONE : fail(err, &why);
}

static int run_restore(const struct config *config, const struct options *options)
{
	const struct restore_options restore = {.folder = options->folder,
	    .skips_replay = options->skips_replay,
	    .accepts_loss = options->accepts_loss,
	    .describes = options->describes,
	    .genesis_file = options->genesis_file,
	    .last_known_file = options->last_known_file};
	struct why why = {.text = ""};
	enum err err = restore_run(config, &restore, stdout, &why);

	return err == OK ? EXIT_DONE : fail(err, &why);
}

static const struct command commands[] = {
    {"", "-c FILE", "serves the ledger", 0, run_server},
    {"init", "-c FILE --genesis FILE", "makes a new ledger from the officers' genesis note", TAKES_GENESIS, run_init},
    {"check", "-c FILE", "says what is wrong with a configuration", 0, run_check},
    {"verify", "-c FILE | --export FOLDER", "replays the whole ledger and compares everything stored", TAKES_VERIFY,
	run_verify},
    {"backup", "-c FILE [--no-replay] DEST", "makes a verified copy while the daemon runs, or without it",
	TAKES_FOLDER | TAKES_NO_REPLAY, run_backup},
    {"restore", "-c FILE [--no-replay] BACKUP", "puts a copy in place of a lost ledger, if the guard allows it",
	TAKES_FOLDER | TAKES_NO_REPLAY | TAKES_LOSS, run_restore},
    {"restore", "-c FILE BACKUP --accept-loss --genesis FILE", "lets a new ledger take over what is left of one", 0,
	NULL},
    {"restore", "-c FILE BACKUP --accept-loss --describe", "writes what the draft of its genesis needs", 0, NULL},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *out)
{
	fputs("usage:\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		char usage[64];

		snprintf(usage, sizeof(usage), "%s%s%s", commands[i].name, commands[i].name[0] != '\0' ? " " : "",
		    commands[i].usage);
		fprintf(out, "  subsidyd %-52s %s\n", usage, commands[i].summary);
	}
	fputs("  subsidyd --help | --version\n"
	      "Instead of -c FILE, --config FILE may be written. For example:\n\n"
	      "  subsidyd check -c /etc/subsidyd/subsidyd.conf\n"
	      "  subsidyd init -c /etc/subsidyd/subsidyd.conf --genesis genesis.note\n"
	      "  subsidyd -c /etc/subsidyd/subsidyd.conf\n"
	      "  subsidyd backup -c /etc/subsidyd/subsidyd.conf /backup/2026-11-24\n"
	      "  subsidyd verify -c /etc/subsidyd/subsidyd.conf --from audit --keep audit\n"
	      "  subsidyd verify --export mirror --vkey \"$SUBSIDY_VKEY\"\n\n"
	      "Options of verify:\n"
	      "  --export FOLDER  a copy that `subsidy export` made, instead of the ledger of a configuration\n"
	      "  --vkey KEY       the key that must have signed the copy's checkpoint, besides that in ledger.json\n"
	      "  --keep FOLDER    keep the replayed state there when all is well\n"
	      "  --from FOLDER    go on from the state kept there: entries before are only hashed\n"
	      "  --threads N      1 to 64; otherwise as many as there are cores\n\n"
	      "Options of backup and restore:\n"
	      "  --no-replay        look at the copy's head and tree alone\n"
	      "  --last-known FILE  of --describe: the newest checkpoint that a venue or an auditor holds\n\n"
	      "Signals: TERM and INT answer what is in work and end, HUP reads the certificates and the\n"
	      "policy of the witnesses again, USR1 says that the machine's clock is right, where the log doubts it.\n"
	      "Exit codes: 0 done, 1 failed, 2 wrong usage, 9 the ledger must not be served; and of verify\n"
	      "9 the data file or the guard can't be used, 10 something is invalid, 11 the end is missing,\n"
	      "12 something in between is missing, 13 stored state is not what the entries give.\n",
	    out);
}

static int usage_error(const char *what)
{
	fprintf(stderr, "subsidyd: %s\n          `subsidyd --help` shows each command, with examples\n", what);
	return EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* The data file is a map: where its disk fails, or it was cut, reading it raises this. */
static void on_bus_error(int signal)
{
	static const char line[] = "subsidyd: stopping: the data file could not be read (SIGBUS)\n";
	ssize_t written = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)signal, (void)written;
	_exit(EXIT_DAMAGED);
}

static int run(const struct command *command, const struct options *options)
{
	struct sigaction action = {.sa_handler = on_bus_error};
	struct why why = {.text = ""};
	struct config config;
	enum err err;
	int exit_code;

	memory_init();
	err = key_global_init();
	sigaction(SIGBUS, &action, NULL);
	/* Meant for a daemon that serves: before it does, and for other commands, they mean nothing. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk */
	json_object_seed(0);
	if (err == OK && options->config_file == NULL)
		return command->run(NULL, options);
	if (err == OK)
		err = config_load(options->config_file, &config, &why);
	if (err != OK)
		return fail(err, &why);
	log_open(config.log);
	exit_code = command->run(&config, options);
	config_done(&config);
	return exit_code;
}

static const char *find_loss_fault(const struct options *options)
{
	bool has_genesis = options->genesis_file != NULL;

	if (options->folder == NULL)
		return "the folder of the backup is missing";
	if (!options->accepts_loss && (has_genesis || options->describes))
		return "--genesis and --describe of restore go with --accept-loss";
	if (options->accepts_loss && has_genesis == options->describes)
		return "--accept-loss goes with one of --genesis FILE and --describe";
	if (options->last_known_file != NULL && !options->describes)
		return "--last-known goes with --describe";
	return NULL;
}

/* What is missing, or there and not the command's: a sentence; NULL where all is well. */
static const char *find_fault(const struct command *command, const struct options *options)
{
	bool takes_folder = (command->takes & TAKES_FOLDER) != 0, is_export = options->verify.export_path != NULL;

	if ((command->takes & TAKES_VERIFY) == 0 && options->has_verify)
		return "--export, --vkey, --keep, --from and --threads are for verify";
	if (is_export && options->config_file != NULL)
		return "verify takes -c FILE or --export FOLDER, not both";
	if (options->verify.vkey != NULL && !is_export)
		return "--vkey goes with --export";
	if (options->config_file == NULL && !is_export)
		return "the configuration is missing: -c FILE";
	if ((command->takes & TAKES_LOSS) != 0)
		return find_loss_fault(options);
	if (options->accepts_loss || options->describes || options->last_known_file != NULL)
		return "--accept-loss, --describe and --last-known are for restore";
	if ((command->takes & TAKES_GENESIS) != 0 && options->genesis_file == NULL)
		return "the genesis note is missing: --genesis FILE";
	if ((command->takes & TAKES_GENESIS) == 0 && options->genesis_file != NULL)
		return "--genesis is for init and restore --accept-loss";
	if (takes_folder && options->folder == NULL)
		return "the folder of the backup is missing";
	if (!takes_folder && options->folder != NULL)
		return "too many arguments";
	if ((command->takes & TAKES_NO_REPLAY) == 0 && options->skips_replay)
		return "--no-replay is for backup and restore";
	return NULL;
}

static bool parse_threads(const char *text, unsigned *ret_count)
{
	uint64_t count;

	if (decimal_parse(slice_text(text), VERIFY_THREADS_MAX, &count) != OK || count == 0)
		return false;
	*ret_count = (unsigned)count;
	return true;
}

/* An option of verify by its letter, which is none on the command line; false for a value that can't be. */
static bool take_verify_option(int letter, const char *value, struct options *options)
{
	options->has_verify = true;
	switch (letter) {
	case 'E': options->verify.export_path = value; return true;
	case 'V': options->verify.vkey = value; return true;
	case 'K': options->verify.keep_path = value; return true;
	case 'F': options->verify.from_path = value; return true;
	default: return parse_threads(value, &options->verify.thread_count);
	}
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"genesis", required_argument, NULL, 'g'},
	    {"no-replay", no_argument, NULL, 'n'},
	    {"accept-loss", no_argument, NULL, 'a'},
	    {"describe", no_argument, NULL, 'd'},
	    {"last-known", required_argument, NULL, 'l'},
	    {"export", required_argument, NULL, 'E'},
	    {"vkey", required_argument, NULL, 'V'},
	    {"keep", required_argument, NULL, 'K'},
	    {"from", required_argument, NULL, 'F'},
	    {"threads", required_argument, NULL, 'T'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'},
	    {NULL, 0, NULL, 0},
	};
	struct options options = {.config_file = NULL};
	const struct command *command;
	const char *fault;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
		switch (option) {
		case 'c': options.config_file = optarg; break;
		case 'g': options.genesis_file = optarg; break;
		case 'n': options.skips_replay = true; break;
		case 'a': options.accepts_loss = true; break;
		case 'd': options.describes = true; break;
		case 'l': options.last_known_file = optarg; break;
		case 'E':
		case 'V':
		case 'K':
		case 'F':
		case 'T':
			if (!take_verify_option(option, optarg, &options))
				return usage_error("--threads takes a number from 1 to 64");
			break;
		case 'h': help(stdout); return EXIT_DONE;
		case 'v': puts("subsidyd " SUBSIDY_VERSION); return EXIT_DONE;
		default: return usage_error("the command line was not understood");
		}
	}
	command = find_command(optind < argc ? argv[optind] : "");
	if (command == NULL || argc - optind > 2)
		return usage_error(command == NULL ? "no such command" : "too many arguments");
	if (argc - optind == 2)
		options.folder = argv[optind + 1];
	fault = find_fault(command, &options);
	return fault != NULL ? usage_error(fault) : run(command, &options);
}

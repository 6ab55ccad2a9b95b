/* What `subsidyd check` looks at beyond the file itself: every finding, not only the first. */
#include "daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/log_signers.h"
#include "daemon/tls.h"
#include "daemon/trustfile.h"

struct findings {
	struct buf *text;
	size_t count;
};

static void add(struct findings *findings, const char *setting, const char *path, const char *what)
{
	buf_printf(findings->text, "%s: %s: %s\n", setting, path, what);
	findings->count++;
}

static void check_folder(struct findings *findings, const char *setting, const char *path)
{
	struct stat stat_;

	if (stat(path, &stat_) != 0)
		add(findings, setting, path, strerror(errno));
	else if (!S_ISDIR(stat_.st_mode))
		add(findings, setting, path, "not a folder");
	else if (access(path, W_OK | X_OK) != 0)
		add(findings, setting, path, "this user can't write in that folder");
}

/* The file itself may be made later; its folder must be there. */
static void check_folder_of(struct findings *findings, const char *setting, const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	check_folder(findings, setting, dirname(copy));
}

/* `subsidyd init` makes this folder, but not the one that it lies in. */
static void check_folder_or_parent(struct findings *findings, const char *setting, const char *path)
{
	struct stat stat_;

	if (stat(path, &stat_) != 0 && errno == ENOENT)
		check_folder_of(findings, setting, path);
	else
		check_folder(findings, setting, path);
}

/* What a key of the ledger must be, whichever it is; where all are, their names are compared as at a start. */
static void check_ledger_key(struct findings *findings, const char *setting, const char *path)
{
	char text[KEY_FILE_SIZE_MAX];
	struct signer *signer = NULL;
	struct stat stat;
	ssize_t size = -1;
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	if (path == NULL)
		return;
	if (fd < 0 || fstat(fd, &stat) != 0 || (size = read(fd, text, sizeof(text))) < 0) {
		add(findings, setting, path, strerror(errno));
		goto out;
	}
	if ((stat.st_mode & S_IRWXO) != 0)
		add(findings, setting, path, "others can read this private key; chmod 600");
	if (size > 0 && text[size - 1] == '\n')
		size--;
	if ((size_t)size == sizeof(text) || signer_parse(slice_of(text, (size_t)size), &signer) != OK)
		add(findings, setting, path, "not a private key, as `subsidy key new` makes them");
	else if (signer_key(signer)->type != KEY_ED25519)
		add(findings, setting, path, "a ledger's key is of type ed25519");
out:
	signer_free(signer);
	key_wipe(text, sizeof(text));
	if (fd >= 0)
		close(fd);
}

static void add_why(struct findings *findings, const char *section, const struct why *why)
{
	buf_printf(findings->text, "%s %s\n", section, why->text);
	findings->count++;
}

/* No key is given where the ledger's own are no good: that is said already. */
static void check_witnesses(struct findings *findings, const char *path, const struct key *keys, size_t key_count)
{
	static const char setting[] = "[witness] policy:";
	struct why why = {.text = ""};
	struct trust *trust;

	if (trustfile_read(path, &trust, &why) != OK) {
		add_why(findings, setting, &why);
		return;
	}
	if (trustfile_check_witnesses(path, trust, &why) != OK)
		add_why(findings, setting, &why);
	if (key_count > 0 && trustfile_check_log(path, trust, keys, key_count, &why) != OK)
		add_why(findings, setting, &why);
	trust_free(trust);
}

/* Gives the public halves of the checkpoint keys, none where something is wrong with one of all. */
static size_t check_ledger_keys(
    struct findings *findings, const struct config *config, struct key ret_keys[static LOG_KEYS_MAX])
{
	struct log_signers signers;
	size_t count = findings->count;
	struct why why = {.text = ""};

	check_ledger_key(findings, "[ledger] key", config->ledger_key);
	check_ledger_key(findings, "[ledger] next_key", config->next_ledger_key);
	check_ledger_key(findings, "[ledger] heads_key", config->heads_key);
	check_ledger_key(findings, "[ledger] next_heads_key", config->next_heads_key);
	if (findings->count > count)
		return 0;
	if (config_load_signers(config, &signers, &why) != OK) {
		add_why(findings, "[ledger]", &why);
		return 0;
	}
	count = log_signers_checkpoint_keys(&signers, ret_keys);
	log_signers_done(&signers);
	return count;
}

static void check_tls(struct findings *findings, const char *section, const struct tls_files *files)
{
	struct tls *tls;
	struct why why;

	why.text[0] = '\0';
	if (tls_new(files, &tls, &why) == OK) {
		tls_free(tls);
		return;
	}
	add_why(findings, section, &why);
}

static void note_inherited(struct findings *findings, const char *section, const char *listen)
{
	if (listen == NULL)
		buf_printf(findings->text,
		    "note: [%s] has no listen: the service manager has to pass a socket named %s "
		    "(FileDescriptorName=%s)\n",
		    section, section, section);
}

/* The mode is what counts where a service manager hands the file on as well. */
static void check_tls_key(struct findings *findings, const char *setting, const char *path)
{
	struct stat stat_;

	if (stat(path, &stat_) == 0 && (stat_.st_mode & S_IRWXO) != 0)
		add(findings, setting, path, "others can read this private key; chmod 600");
}

/* The daemon has a socket in it. */
static void check_socket(struct findings *findings, const char *data)
{
	struct sockaddr_un address;
	struct why why = {.text = ""};

	if (control_address(data, &address, &why) == OK)
		return;
	buf_printf(findings->text, "%s\n", why.text);
	findings->count++;
}

size_t config_check(const struct config *config, struct buf *findings_text)
{
	struct findings findings = {.text = findings_text};
	const struct tls_files feed = {
	    .certificate = config->feed_certificate, .key = config->feed_key, .client_ca = config->feed_client_ca};
	const struct tls_files public = {.certificate = config->public_certificate, .key = config->public_key};
	struct key ledger_keys[LOG_KEYS_MAX];
	size_t ledger_key_count;

	check_folder_or_parent(&findings, "[ledger] data", config->data);
	check_socket(&findings, config->data);
	check_folder_of(&findings, "[ledger] guard", config->guard);
	ledger_key_count = check_ledger_keys(&findings, config, ledger_keys);
	check_tls(&findings, "[feed]", &feed);
	check_tls(&findings, "[public]", &public);
	check_tls_key(&findings, "[feed] key", config->feed_key);
	check_tls_key(&findings, "[public] key", config->public_key);
	if (config->witness_policy != NULL)
		check_witnesses(&findings, config->witness_policy, ledger_keys, ledger_key_count);
	note_inherited(&findings, "feed", config->feed_listen);
	note_inherited(&findings, "public", config->public_listen);
	if (config->addresses != NULL)
		check_folder_of(&findings, "[run] addresses", config->addresses);
	return findings.count;
}

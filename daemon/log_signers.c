#include "daemon/log_signers.h"

#include <string.h>

#include "daemon/keyfile.h"
#include "proto/claim.h"

/* The first is the origin's name giver: genesis and every order ask for keys of that name, and of claim keys behind it. */
static enum err check_name(
    const struct log_signers *signers, const char *path, bool is_of_claims, const struct key *key, struct why *why)
{
	const char *origin = signers->count > 0 ? signer_key(signers->signers[0])->name : key->name;

	if (key->type != KEY_ED25519)
		return why_set(why, ERR_KEY_FILE, "%s: a ledger's key is of type ed25519", path);
	if (is_of_claims && !claim_key_is_own(key, origin))
		return why_set(why, ERR_KEY_FILE, "%s: the name of a claim key is %s%s, not %s", path, origin,
		    CLAIM_KEY_SUFFIX, key->name);
	if (!is_of_claims && strcmp(key->name, origin) != 0)
		return why_set(
		    why, ERR_KEY_FILE, "%s: the name of a checkpoint key is %s, not %s", path, origin, key->name);
	return OK;
}

static enum err load(struct log_signers *signers, const char *path, bool is_of_claims, struct why *why)
{
	struct signer *signer;
	enum err err;

	if (path == NULL)
		return OK;
	err = keyfile_load(path, &signer, why);
	if (err != OK)
		return err;
	err = check_name(signers, path, is_of_claims, signer_key(signer), why);
	if (err == OK)
		signers->signers[signers->count++] = signer;
	else
		signer_free(signer);
	return err;
}

enum err log_signers_load(const struct log_signer_files *files, struct log_signers *ret_signers, struct why *why)
{
	struct log_signers signers = {.count = 0};
	enum err err = load(&signers, files->key, false, why);

	if (err == OK)
		err = load(&signers, files->next_key, false, why);
	if (err == OK)
		err = load(&signers, files->heads_key, true, why);
	if (err == OK)
		err = load(&signers, files->next_heads_key, true, why);
	if (err == OK)
		*ret_signers = signers;
	else
		log_signers_done(&signers);
	return err;
}

void log_signers_done(struct log_signers *signers)
{
	for (size_t i = 0; i < signers->count; i++)
		signer_free(signers->signers[i]);
	signers->count = 0;
}

size_t log_signers_checkpoint_keys(const struct log_signers *signers, struct key ret_keys[static LOG_KEYS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < signers->count && count < LOG_KEYS_MAX; i++)
		if (log_key_use_of(signer_key(signers->signers[i]), signer_key(signers->signers[0])->name) ==
		    LOG_KEY_CHECKPOINT)
			ret_keys[count++] = *signer_key(signers->signers[i]);
	return count;
}

static struct signer *find(const struct log_signers *signers, const struct key *key)
{
	for (size_t i = 0; i < signers->count; i++)
		if (key_equal(signer_key(signers->signers[i]), key))
			return signers->signers[i];
	return NULL;
}

bool log_signers_hold(const struct log_signers *signers, const struct key *key)
{
	return find(signers, key) != NULL;
}

enum err log_signers_pick(const struct log_signers *signers, const struct log_keys *keys, enum log_key_use use,
    uint64_t size, struct log_signing *ret_signing, struct why *why)
{
	struct log_signing signing = {.count = 0};
	struct key valid[LOG_KEYS_MAX];
	char vkey[KEY_VKEY_SIZE];

	signing.count = log_keys_valid(keys, use, size, valid);
	for (size_t i = 0; i < signing.count; i++) {
		signing.signers[i] = find(signers, &valid[i]);
		if (signing.signers[i] != NULL)
			continue;
		key_format(&valid[i], vkey);
		return use == LOG_KEY_CHECKPOINT
			   ? why_set(why, ERR_KEY_FILE,
				 "none of the configured keys is the valid key %s of this ledger; name the file of its "
				 "private half as key or next_key",
				 vkey)
			   : why_set(why, ERR_KEY_FILE,
				 "none of the configured keys is the valid claim key %s of this ledger; name the file "
				 "of "
				 "its private half as heads_key or next_heads_key",
				 vkey);
	}
	*ret_signing = signing;
	return OK;
}

enum err log_signers_sign(
    const struct log_signers *signers, const struct log_keys *keys, struct head *head, struct why *why)
{
	struct log_signing signing;
	enum err err = log_signers_pick(signers, keys, LOG_KEY_CHECKPOINT, head->size, &signing, why);

	/* A checkpoint key's name is the origin. */
	return err != OK ? err : head_sign(head, keys->keys[0].key.name, signing.signers, signing.count);
}

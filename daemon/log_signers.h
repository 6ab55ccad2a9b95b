/*
 * The private halves of the ledger's own keys that this daemon holds: those of valid keys, and of one that an order is
 * to add next. Which of them sign is said by the ledger (state.h), never by the configuration.
 */
#ifndef DAEMON_LOG_SIGNERS_H
#define DAEMON_LOG_SIGNERS_H

#include "daemon/head.h"
#include "daemon/state.h"

#define LOG_SIGNERS_MAX (2 * LOG_KEYS_MAX)

struct log_signers {
	size_t count;
	struct signer *signers[LOG_SIGNERS_MAX];
};

/* Key files; NULL where there is none. `key` must be given. */
struct log_signer_files {
	const char *key, *next_key, *heads_key, *next_heads_key;
};
/* ERR_KEY_FILE with the file and what is wrong: no Ed25519 key, or not of the name that it must have. Nothing is held
 * after an error. */
enum err log_signers_load(const struct log_signer_files *files, struct log_signers *ret_signers, struct why *why) must_check;
void log_signers_done(struct log_signers *signers);
/* The public halves of those for checkpoints: one, or two. */
size_t log_signers_checkpoint_keys(const struct log_signers *signers, struct key ret_keys[static LOG_KEYS_MAX]);
bool log_signers_hold(const struct log_signers *signers, const struct key *key);

/* Those of the keys of this use that are valid at the size, the older first; perhaps none of claim keys. */
struct log_signing {
	size_t count;
	struct signer *signers[LOG_KEYS_MAX];
};
/* ERR_KEY_FILE where the private half of one is not held: names it, and the setting that is to name its file. */
enum err log_signers_pick(const struct log_signers *signers, const struct log_keys *keys, enum log_key_use use,
    uint64_t size, struct log_signing *ret_signing, struct why *why) must_check;
/* The note of a head whose size and root are set, by every checkpoint key that is valid at that size. Also ERR_MEMORY. */
enum err log_signers_sign(const struct log_signers *signers, const struct log_keys *keys, struct head *head,
    struct why *why) must_check;

#endif

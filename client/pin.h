/*
 * Which ledger is this? GET /v1/ledger (of a copy, /ledger.json) names origin, ledger id and keys; they are compared with --vkey, or with
 * what the state folder remembers for this server. The first one seen is remembered, and said. While the ledger changes
 * its key both sign: then the next one, proven by an order under a checkpoint that the remembered one signed, is taken over.
 * A --vkey that is remembered, be it as an older one, names the ledger by it: what came after it decides. Of any other it
 * is the user's word that it signs now.
 */
#ifndef CLIENT_PIN_H
#define CLIENT_PIN_H

#include "client/link.h"
#include "proto/checkpoint.h"

#define PIN_KEYS_MAX (PIN_OLDER_MAX + 1)

struct ledger_id {
	char origin[ORIGIN_TEXT_SIZE];
	char id[LEDGER_ID_SIZE + 1];	/* 16 hex digits */
	struct key key;			/* signs its checkpoints: what is remembered, or the newest that follows from it */
	size_t older_count;		/* keys that were remembered before: what they signed stays signed */
	struct key older[PIN_OLDER_MAX];
	uint64_t older_size[PIN_OLDER_MAX];	/* up to which size each signed alone: a larger checkpoint needs the key after it */
	uint64_t size;			/* at the time of asking; 0 of a copy in plain files */
	size_t valid_count;		/* all that sign now, the older first; at the time of asking */
	struct key valid[LOG_KEYS_MAX];
	size_t past_count;		/* ids of ledgers that it says it continues, oldest first; when asked, not when recalled */
	char past[CONTINUED_LEDGERS_MAX][LEDGER_ID_SIZE + 1];
};

/*
 * The key among the ledger's that must have signed the checkpoint of this note: the present one, or where the note does
 * not name it one before it that signed alone at that size; the present one where there is none such.
 */
const struct key *pin_signer(const struct ledger_id *ledger, struct slice note);

/* The present key and those before it, the newest first; how many they are. */
size_t pin_keys(const struct ledger_id *ledger, struct key ret_keys[static PIN_KEYS_MAX]);

/* Asks at `door` and compares. On anything but EXIT_OK it has complained; EXIT_UNVERIFIED where the key differs. */
enum exit_code pin_ledger(struct link *link, const struct settings *settings, enum link_door door,
    struct ledger_id *ret_ledger) must_check;

/* What is remembered of that door's address, without asking anybody. ERR_NOT_FOUND, ERR_CONFIG, ERR_IO, ERR_SYNTAX. */
enum err pin_recall(const struct settings *settings, enum link_door door, struct ledger_id *ret_ledger,
    struct why *why) must_check;

#endif

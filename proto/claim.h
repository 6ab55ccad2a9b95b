/*
 * Claims: what the ledger says, under its own signature, about where an enterprise's chain of entries ends at a size.
 * Whoever holds one and the entries that the chain leads to knows that none before `size` was kept back.
 *
 *	subsidy.head/v1
 *	<origin>
 *	<ledger id>
 *	<code>
 *	<index of the newest entry below the size that concerns the enterprise>
 *	<size>
 *	<base64 of the root at that size>
 *
 * The text of a note (FORMAT.md, "Claims"), signed by claim keys: Ed25519, named "<origin>/heads". No checkpoint can be
 * taken for a claim nor a claim for a checkpoint, for their keys' names and their lines differ.
 */
#ifndef PROTO_CLAIM_H
#define PROTO_CLAIM_H

#include "proto/checkpoint.h"
#include "proto/usci.h"

#define CLAIM_HEADER "subsidy.head/v1"
#define CLAIM_KEY_SUFFIX "/heads"

struct claim {
	char origin[ORIGIN_TEXT_SIZE];
	char ledger_id[LEDGER_ID_SIZE + 1];
	char code[USCI_SIZE + 1];
	uint64_t last_index;		/* at least 1, for entry 0 concerns nobody; below size */
	uint64_t size;
	struct hash root;
};

/* Exactly the seven lines, each in its one spelling. ERR_SYNTAX with the line that is wrong. */
enum err claim_parse(struct slice text, struct claim *ret_claim, struct why *why) must_check;
void claim_format(const struct claim *claim, struct buf *ret_text);
/* An Ed25519 key with the name of this ledger's claim keys. */
bool claim_key_is_own(const struct key *key, const char *origin);

#endif

/*
 * Checking a statement's folder (FORMAT.md, "Statements") without asking anybody: nothing is trusted but the ledger's
 * public key. What the folder says is followed from the signatures of venues, officers and ledger to the award, with the
 * arithmetic of the daemon.
 */
#ifndef CLIENT_STATEMENT_VERIFY_H
#define CLIENT_STATEMENT_VERIFY_H

#include "client/client.h"
#include "proto/checkpoint.h"
#include "proto/trust.h"
#include "proto/usci.h"

struct statement_check {
	/* One of these must have signed the checkpoint, or be the key with which a ledger began that announced those that did. */
	const struct key *keys;
	size_t key_count;
	const char *ledger_id;		/* NULL where only the keys are known */
	const struct trust *trust;	/* NULL where no cosignatures are asked for */
	bool is_json;			/* the result for programs, on stdout */
};

/* What a statement that was proven is of. */
struct statement_facts {
	char origin[ORIGIN_TEXT_SIZE];
	char ledger_id[LEDGER_ID_SIZE + 1];
	char code[USCI_SIZE + 1];
	uint64_t size;			/* of the ledger */
	uint64_t last_index;		/* the newest entry of the enterprise */
	bool has_claim;			/* and the ledger has signed that it is */
};

/* Is the folder a statement's? */
bool statement_is_folder(const char *folder);
/* Complains by itself, of the first thing that is wrong and by the name of its file: EXIT_UNVERIFIED. */
enum exit_code statement_verify(const char *folder, const struct statement_check *check) must_check;
/* The same where it is but a part of something: what is right is not said. */
enum exit_code statement_prove(const char *folder, const struct statement_check *check,
    struct statement_facts *ret_facts) must_check;

#endif

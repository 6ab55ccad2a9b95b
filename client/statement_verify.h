/*
 * Checking a statement's folder (FORMAT.md, "Statements") without asking anybody: nothing is trusted but the ledger's
 * public key. What the folder says is followed from the signatures of venues, officers and ledger to the award, with the
 * arithmetic of the daemon.
 */
#ifndef CLIENT_STATEMENT_VERIFY_H
#define CLIENT_STATEMENT_VERIFY_H

#include "client/client.h"
#include "proto/trust.h"

struct statement_check {
	/* One of these must have signed the checkpoint, or be the key with which a ledger began that announced those that did. */
	const struct key *keys;
	size_t key_count;
	const char *ledger_id;		/* NULL where only the keys are known */
	const struct trust *trust;	/* NULL where no cosignatures are asked for */
	bool is_json;			/* the result for programs, on stdout */
};

/* Is the folder a statement's? */
bool statement_is_folder(const char *folder);
/* Complains by itself, of the first thing that is wrong and by the name of its file: EXIT_UNVERIFIED. */
enum exit_code statement_verify(const char *folder, const struct statement_check *check) must_check;

#endif

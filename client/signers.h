/*
 * The keys that --key names, loaded; they are wiped by signers_done.
 */
#ifndef CLIENT_SIGNERS_H
#define CLIENT_SIGNERS_H

#include "client/client.h"
#include "proto/note.h"

struct signers {
	size_t count;
	struct signer *signers[NOTE_SIGNATURES_MAX];
};

/* Every --key, none twice. Complains by itself; signers_done is due in any case. */
enum exit_code signers_load(const struct args *args, struct signers *signers) must_check;
void signers_done(struct signers *signers);

#endif

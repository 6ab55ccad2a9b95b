/*
 * Handing cosignatures in: POST /v1/cosignatures.
 */
#ifndef CLIENT_COSIGNER_H
#define CLIENT_COSIGNER_H

#include "client/kept.h"

struct cosigner {
	struct link *link;
	enum err told;			/* what was complained of last, so that it is said once */
};

/* The checkpoint under the ledger's own lines alone, of which there are two while it changes its key: what others sign,
 * and what their lines are added to. */
enum err cosigner_note(const struct kept_head *head, struct buf *ret_note) must_check;
/* The same and a fresh cosignature of our own. */
enum err cosigner_sign(const struct kept_head *head, const struct signer *signer, struct buf *ret_note) must_check;
/* Complains by itself, of the same cause once in a row. ERR_NOT_FOUND: the server takes none (it serves files only). */
enum err cosigner_post(struct cosigner *cosigner, struct slice note);

#endif

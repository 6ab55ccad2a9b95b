/*
 * Access: who asks, by the bearer token, and what they may see. The token is 32 random bytes in hex; the ledger
 * knows its SHA-256 only, from the officers' grant. Foreign and absent look alike: whoever asks for what is not theirs
 * is answered before anything is looked up. Reads no clock; any thread, in its own transaction.
 */
#ifndef DAEMON_ACCESS_H
#define DAEMON_ACCESS_H

#include "daemon/state.h"

#define ACCESS_TOKEN_SIZE 32	/* bytes */

struct viewer {
	struct grant grant;
};

/* Which grants a route is for. */
enum access {
	ACCESS_OPEN,		/* anyone, without a token */
	ACCESS_OVERSIGHT,	/* bureau and auditors */
	ACCESS_VENUE,		/* those, and the venue that the path names */
	ACCESS_ENTERPRISE,	/* those, and the enterprise that the path names */
	ACCESS_ANY,		/* whoever was granted any; the route looks at whose the thing is */
};

/*
 * `bearer` is the text of the token, data NULL when none was sent; `today` (YYYYMMDD) is the present day in Shanghai,
 * and a grant is valid through its last day. ERR_UNAUTHORIZED; after it look at store_error.
 */
enum err access_identify(struct store_txn *txn, struct slice bearer, uint32_t today, struct viewer *ret_viewer,
    struct why *why) must_check;
/* May the viewer take a route of this kind, on this venue or enterprise? ERR_FORBIDDEN, ERR_NOT_FOUND. */
enum err access_check(const struct viewer *viewer, enum access access, struct slice subject, struct why *why) must_check;
/* Bureau or auditor: what they read is logged. */
bool access_is_oversight(const struct viewer *viewer);
/* The one ERR_NOT_FOUND for a venue or an enterprise that is absent, or somebody else's. */
enum err access_absent(enum access access, struct why *why);

#endif

/*
 * Learning what the ledger holds of a feed and this folder does not: after the state folder was lost, or came back
 * from a backup. What comes is believed only where our own key has signed it.
 */
#ifndef CLIENT_PUSH_SYNC_H
#define CLIENT_PUSH_SYNC_H

#include "client/push.h"

/* Needs an access code that may read the feed. EXIT_UNVERIFIED where the ledger's feed does not extend what is here,
 * or is not signed by our key: then nothing may be signed. */
enum exit_code push_sync(struct push_session *session) must_check;

#endif

/*
 * Pushing to one feed: checking, signing, sending until answered, verifying, and learning what the ledger holds.
 *
 * The order is what matters: a push is checked by the ledger, signed, written to disk, sent; its records become part
 * of the local state only when a receipt that verified has come back. Functions complain by themselves; on anything
 * but EXIT_OK the session is to be ended.
 */
#ifndef CLIENT_PUSH_H
#define CLIENT_PUSH_H

#include "client/feedstate.h"
#include "client/link.h"
#include "client/pin.h"
#include "client/receipt.h"

struct push_session {
	/* given */
	const struct settings *settings;
	const char *venue;
	const char *receipts;		/* folder; NULL for one in the state folder */
	struct signer *signer;
	void (*on_progress)(void *cookie, uint64_t sent_size, uint64_t total_size);
	void *cookie;
	/* opened by push_begin */
	struct link *link;
	struct ledger_id ledger;
	struct feedstate *state;
	char *path;			/* "/v1/feeds/<venue>" */
	char *receipts_folder;
	uint32_t generation;		/* 0 until the ledger has said it */
};

/* Connects, identifies the ledger, takes the feed's lock, and, with an access code, fetches what is not here yet. */
enum exit_code push_begin(struct push_session *session) must_check;
void push_end(struct push_session *session);

/* Has the ledger try the records behind those it holds; nothing is stored. On EXIT_REFUSED with answer->err
 * ERR_RECORDS it has not complained: the caller knows the rows. */
enum exit_code push_check(struct push_session *session, const struct slice *records, size_t record_count,
    struct link_answer *ret_answer) must_check;
/* Signs the feed with these records added, and makes it the pending push. */
enum exit_code push_sign(struct push_session *session, const struct slice *records, size_t record_count) must_check;
/* Sends the pending push until it is answered. *ret_path, the receipt's file, is freed by the caller. */
enum exit_code push_send(struct push_session *session, struct receipt *ret_receipt, char **ret_path) must_check;

#endif

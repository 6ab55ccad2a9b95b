/*
 * What a venue's client remembers of its feed: <state>/<ledger id>/<venue>/
 *
 *	lock	flock'd for the life of the process: two pushes at a time would fork the feed
 *	records	every record the ledger has acknowledged: u32 size (big-endian) and the bytes, one after the other
 *	feed	JSON: generation, number of records, size of `records`, the last note and the newest ledger checkpoint
 *	pending	the body of the push that is under way, byte for byte, until it is answered
 *
 * `feed` is replaced by rename and is what counts: bytes of `records` beyond the size it names are the remains of a
 * crash and are cut. Nothing is signed that does not extend what is here, and `pending` is on disk before it is sent,
 * so that whatever happens the same bytes are sent again and never others in their place.
 */
#ifndef CLIENT_FEEDSTATE_H
#define CLIENT_FEEDSTATE_H

#include "client/recordset.h"
#include "proto/feed.h"

struct feedstate;

/* Makes the folder where it is missing. ERR_LOCKED, ERR_IO (also where the files contradict each other), ERR_MEMORY. */
enum err feedstate_open(const char *state, const char *ledger_id, const char *venue, struct feedstate **ret_state,
    struct why *why) must_check;
void feedstate_close(struct feedstate *state);

const char *feedstate_folder(const struct feedstate *state);
/* 0 as long as nothing is known of this feed. */
uint32_t feedstate_generation(const struct feedstate *state);
/* The acknowledged records, with those staged since. */
const struct frontier *feedstate_frontier(const struct feedstate *state);
const struct recordset *feedstate_records(const struct feedstate *state);
/* The newest ledger checkpoint that was verified; empty if none. */
struct slice feedstate_checkpoint(const struct feedstate *state);

/* The body that awaits its answer; size 0 if none does. */
struct slice feedstate_pending(const struct feedstate *state);
enum err feedstate_save_pending(struct feedstate *state, struct slice body, struct why *why) must_check;
/* For a push that was refused: it has changed nothing, and its note binds nobody. */
enum err feedstate_drop_pending(struct feedstate *state, struct why *why) must_check;

/* Adds a record behind the others. It counts only after feedstate_commit; after an error the state is to be closed. */
enum err feedstate_stage(struct feedstate *state, struct slice record, struct why *why) must_check;
/* What was staged is acknowledged: `note` is the feed's checkpoint, which must be that of all records
 * (ERR_FEED_ROOT, ERR_FEED_SIZE otherwise); `checkpoint` a ledger's or empty, to keep the one before. Removes the
 * pending push if all of it is here now. */
enum err feedstate_commit(struct feedstate *state, uint32_t generation, struct slice note, struct slice checkpoint,
    struct why *why) must_check;

#endif

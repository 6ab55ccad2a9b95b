/*
 * What a monitor remembers of a ledger: <state>/monitor-<ledger id>/
 *
 *	lock	flock'd for the life of the process: two monitors at a time could cosign two histories
 *	state	JSON: the newest checkpoint that was verified, when the ledger answered last, and the size that each
 *		witness is known to have cosigned
 *
 * `state` is replaced by rename and on disk before anything is cosigned: whatever is cosigned extends it.
 */
#ifndef CLIENT_MONITORSTATE_H
#define CLIENT_MONITORSTATE_H

#include "client/kept.h"

struct monitorstate;

/* Makes the folder where it is missing. ERR_LOCKED, ERR_IO (also where the file is not one of ours), ERR_MEMORY. */
enum err monitorstate_open(const char *state, const char *ledger_id, struct monitorstate **ret_state,
    struct why *why) must_check;
void monitorstate_close(struct monitorstate *state);

const char *monitorstate_folder(const struct monitorstate *state);
/* NULL as long as none was verified. */
const struct kept_head *monitorstate_head(const struct monitorstate *state);
/* Seconds since 1970; 0 for never. */
uint64_t monitorstate_seen_s(const struct monitorstate *state);
/* The ledger answered with this head, which extends the one held. On disk with OK; after an error close the state. */
enum err monitorstate_take(struct monitorstate *state, const struct kept_head *head, uint64_t seen_s,
    struct why *why) must_check;

/* What a witness cosigned last; 0 where nothing is known. It is advice only: the witness itself knows. */
uint64_t monitorstate_witness(const struct monitorstate *state, const struct key *witness);
/* Kept with the next monitorstate_take. */
void monitorstate_set_witness(struct monitorstate *state, const struct key *witness, uint64_t size);

#endif

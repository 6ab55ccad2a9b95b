/*
 * Feeding witnesses: those of a policy file that have an address are given each new checkpoint, and what they cosign is
 * handed to the ledger. One that fails keeps nobody waiting: it is left alone for a while, longer each time.
 */
#ifndef CLIENT_FEEDING_H
#define CLIENT_FEEDING_H

#include "client/cosigner.h"
#include "client/monitorstate.h"
#include "proto/trust.h"

struct feeding;

/* `trust` must outlive it. NULL on lack of memory. */
struct feeding *feeding_new(const struct trust *trust);
void feeding_free(struct feeding *feeding);

struct feeding_round {
	struct link *link;
	struct cosigner *cosigner;
	struct monitorstate *state;	/* what each witness cosigned last; told of what it cosigns now */
	const struct kept_head *head;	/* verified, and on disk */
	uint64_t now_ms;		/* of a clock that only goes on */
	unsigned interval_s;		/* between rounds */
	/* Asked before each witness: is the monitor to end? */
	bool (*is_ending)(void *cookie);
	void *cookie;
};
/* Complains by itself of each witness that fails. Gives how many cosigned. */
unsigned feeding_run(struct feeding *feeding, const struct feeding_round *round);

/* How long a witness is left alone after so many failures in a row: two rounds, four, … */
uint64_t feeding_pause_ms(unsigned failures, unsigned interval_s);

#endif

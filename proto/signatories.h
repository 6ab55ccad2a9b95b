/*
 * Who signed an order: which officers in office a note names, whose signatures hold, and whether they make the quorum
 * that the order's type asks for.
 */
#ifndef PROTO_SIGNATORIES_H
#define PROTO_SIGNATORIES_H

#include "proto/order.h"

/* A note can carry NOTE_SIGNATURES_MAX lines, so no more keys than that can matter. */
struct signatories {
	size_t count;
	struct key keys[NOTE_SIGNATURES_MAX];
	struct signatory {		/* whose key it is */
		char name[OFFICER_NAME_SIZE_MAX + 1];
		enum officer_role role;
	} officers[NOTE_SIGNATURES_MAX];
};

/* Adds those of the officer's keys that the note names; begin with count 0. */
void signatories_add(struct signatories *signatories, const struct note *note, const struct officer *officer);
/*
 * ERR_UNKNOWN_KEY where none of them signed, ERR_SIGNATURE where a line does not hold. Where the quorum is not met, that is
 * said in `why` and in *ret_is_quorum, and no error: the same order may have been carried out already.
 */
enum err signatories_verify(const struct signatories *signatories, const struct note *note, const struct order *order,
    const struct quorums *quorums, bool *ret_is_quorum, struct why *why) must_check;

#endif

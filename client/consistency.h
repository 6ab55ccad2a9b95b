/*
 * The proof that the ledger at one size is part of itself at a later one, from whoever serves it: GET /v1/consistency,
 * or the hash tiles of a copy that is plain files.
 */
#ifndef CLIENT_CONSISTENCY_H
#define CLIENT_CONSISTENCY_H

#include "client/link.h"
#include "proto/tree.h"

/*
 * PROOF(from, D[to]), not verified, for from <= to. ERR_PROOF: the answer is no proof by its form. Else what the link
 * says. *ret_answer is filled always, for complaints and as evidence; done with link_answer_done.
 */
enum err consistency_ask(struct link *link, uint64_t from, uint64_t to, struct tree_path *ret_path,
    struct link_answer *ret_answer) must_check;

#endif

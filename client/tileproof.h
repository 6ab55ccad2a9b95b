/*
 * A consistency proof made from hash tiles: for copies of a ledger that are served as plain files and can't answer
 * GET /v1/consistency. Tiles are believed for what they are; that they are right shows when the proof is verified.
 */
#ifndef CLIENT_TILEPROOF_H
#define CLIENT_TILEPROOF_H

#include "client/link.h"
#include "proto/tree.h"

/* PROOF(from, D[to]) from the server's tiles of size `to`. from <= to. ERR_PROOF: a tile is not as long as its name
 * says; else what the link says. */
enum err tileproof_consistency(struct link *link, uint64_t from, uint64_t to, struct tree_path *ret_path,
    struct why *why) must_check;

#endif

/*
 * A venue's feed: its own small transparency log. The push message, the feed's origin, and the feed checkpoint.
 */
#ifndef PROTO_FEED_H
#define PROTO_FEED_H

#include "proto/checkpoint.h"

#define PUSH_VERSION 1

/* 1..32 of a-z 0-9 '-', starting with a letter. */
bool venue_id_is_valid(struct slice venue);
/* "<venue>/<ledger id>/<generation>" */
void feed_origin_format(const char *venue, const char *ledger_id, uint32_t generation, char ret_origin[static ORIGIN_TEXT_SIZE]);

struct push {
	uint64_t start;
	size_t record_count;
	struct slice *records;			/* in the arena; point into the decoded bytes or the arena */
	struct slice note;
	struct slice ledger_checkpoint;		/* may be empty */
};

/* ERR_SYNTAX, ERR_TOO_MANY, ERR_EMPTY_PUSH, ERR_TOO_LARGE; unknown fields are ERR_SYNTAX. */
enum err push_decode(struct slice bytes, struct arena *arena, struct push *ret_push, struct why *why) must_check;
/* ERR_TOO_LARGE, ERR_MEMORY */
enum err push_encode(const struct push *push, struct buf *ret_bytes) must_check;

#endif

/*
 * The NOTE file: orders with their signatures and items, as they wait for officers and then go to the ledger.
 *
 *	{"note":"…","items":["…",…]}		the body of POST /v1/orders
 *	[{…},{…}]				a bundle: a long list, divided, and signed in one act
 *	subsidy.genesis/v1 …			a genesis note, as it is: what `subsidyd init --genesis` takes
 */
#ifndef CLIENT_BUNDLE_H
#define CLIENT_BUNDLE_H

#include "client/client.h"
#include "proto/order.h"

struct bundle_order {
	struct buf note;
	struct slice *items;		/* in the arena */
	size_t item_count;
};

struct bundle {
	bool is_genesis;		/* one order, no items */
	struct bundle_order *orders;
	size_t order_count;
	struct arena arena;
};

void bundle_init(struct bundle *bundle);
void bundle_done(struct bundle *bundle);
/* Copies. ERR_MEMORY. */
enum err bundle_add(struct bundle *bundle, struct slice note, const struct slice *items, size_t item_count) must_check;
/* A genesis text, signed by one of its officers. Errors as bundle_sign. */
enum err bundle_add_genesis(struct bundle *bundle, struct slice text, struct signer *signer, struct why *why) must_check;
/* The whole of a NOTE file. ERR_SYNTAX, ERR_MEMORY, ERR_TOO_LARGE with the reason. */
enum err bundle_parse(struct slice bytes, struct bundle *bundle, struct why *why) must_check;
enum err bundle_format(const struct bundle *bundle, struct buf *ret_bytes) must_check;
/* Adds the signer's line to every note that has none of it. ERR_INVALID where all have; ERR_UNKNOWN_KEY where the
 * key is of no officer that the genesis names. */
enum err bundle_sign(struct bundle *bundle, const struct signer *signer, struct why *why) must_check;

#endif

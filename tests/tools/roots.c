/*
 * Prints roots of a stopped ledger's tree, computed from the bytes of the
 *entries alone: so that tests can compare every checkpoint that was ever shown
 *with what the ledger holds now.
 *
 *	roots FOLDER < SIZES	a size and its root in hex, one a line; sizes in
 *decimal, one a line, ascending
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/ledger.h"

#define MAP_SIZE (1ULL << 30)

static void check(enum err err, const char *what)
{
	if (err == OK)
		return;
	fprintf(stderr, "roots: %s: %s\n", what, err_sentence(err));
	exit(1);
}

static void append_to(struct frontier *frontier, struct store_txn *txn, uint64_t size)
{
	while (frontier->size < size) {
		struct slice bytes;
		struct hash leaf;

		if (!ledger_bytes(txn, frontier->size, &bytes))
			check(ERR_NOT_FOUND, "an entry below a size that was asked for");
		leaf = hash_leaf(bytes);
		frontier_append(frontier, &leaf);
	}
}

int main(int argc, char **argv)
{
	struct why why = {.text = ""};
	struct frontier frontier;
	struct store *store;
	struct store_txn *txn;
	uint64_t size;

	if (argc != 2) {
		fprintf(stderr, "usage: roots FOLDER < SIZES\n");
		return 2;
	}
	check(store_open(argv[1], MAP_SIZE, STORE_OPEN, &store, &why), argv[1]);
	check(store_read(store, &txn), argv[1]);
	frontier_init(&frontier);
	while (scanf("%" SCNu64, &size) == 1) {
		char text[2 * HASH_SIZE + 1];
		struct hash root;

		if (size < frontier.size)
			check(ERR_INVALID, "sizes that do not ascend");
		append_to(&frontier, txn, size);
		root = frontier_root(&frontier);
		hex_format(hash_slice(&root), text);
		printf("%" PRIu64 " %s\n", size, text);
	}
	store_abort(txn);
	store_close(store);
	return 0;
}

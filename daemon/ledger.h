/*
 * The ledger: appending entries to the hash chain and the tree, and reading both back.
 *
 * `struct ledger` is the head in memory; it belongs to the thread that holds the write transaction (the writer, or a
 * replay). ledger_append gives an entry its time, salt and predecessor, stores its bytes, and keeps frontier and tile
 * roots; ledger_save writes the head row, in the same transaction. Readers need only a transaction.
 */
#ifndef DAEMON_LEDGER_H
#define DAEMON_LEDGER_H

#include "daemon/tiles.h"
#include "proto/checkpoint.h"
#include "proto/entry.h"

#define LEDGER_SCHEMA 1		/* layout of the derived databases */
#define LEDGER_TREE 0		/* tree number of the ledger itself in STORE_TREE; feeds count from 1 */

/* The head row: everything that appending needs. */
struct ledger_head {
	uint64_t size;			/* entries */
	uint64_t folded;		/* entries whose effect is in the stored cells; all other databases are complete */
	uint64_t last_time_us;
	struct hash last_leaf;
	struct frontier frontier;
};

/* Constants of one ledger, from its genesis; read once. */
struct ledger_identity {
	char origin[ORIGIN_TEXT_SIZE];
	char ledger_id[LEDGER_ID_SIZE + 1];
	uint32_t rules;
	struct key ledger_key;
};

/* What the sequencer fixed for one command. The fold sees nothing else of the world. */
struct stamp {
	uint64_t time_us;		/* of the command's first entry; each further one is 1 us later */
	uint32_t flags;			/* of its first entry: ENTRY_FLAG_* */
	uint8_t seed[32];		/* salts are SHA-256(seed || u64 index), cut to SALT_SIZE */
};

/* An entry as it is stored: its bytes, their leaf hash, and its salt (NULL where they don't decode). */
struct ledger_stored {
	struct slice bytes;
	struct hash leaf;
	const uint8_t *salt;
};

/* Entries that were made elsewhere to follow the head's last, and what they make of the head. */
struct ledger_made {
	enum err err;			/* why not all are there */
	size_t count;
	const uint8_t *bytes;
	const size_t *ends;		/* of each entry's bytes, one behind the other */
	const struct tiles_root *tiles;
	size_t tile_count;
	struct frontier frontier;
	struct hash last_leaf;
	uint64_t last_time_us;
	bool must_fold;			/* see struct ledger */
};

struct scribe;

struct ledger {
	struct ledger_head head;
	struct stamp stamp;		/* of the command being applied */
	uint64_t command_start;		/* index of its first entry */
	/*
	 * The writer: the cells of what is appended may be stored later, until an entry comes that a reader could not
	 * account for by itself (unfolded.h); then `folded` has to reach the size in the same transaction.
	 */
	bool may_lag, must_fold;
	struct buf scratch;		/* encoded entry */
	struct scribe *scribe;		/* makes the record entries of pushes (scribe.h); NULL: they are made one by one */
	/* What one slice of a distrust may do: DISTRUST_SLICE_MAX, DISTRUST_LOOK_MAX, or less in tests. */
	uint64_t slice_trades_max, slice_look_max;
	/*
	 * Replay: where the entries that are stored come from (false: there is none), or NULL. Salts are theirs, and every
	 * entry must equal the stored one.
	 */
	bool (*stored)(void *cookie, uint64_t index, struct ledger_stored *ret_stored);
	void *stored_cookie;
	struct store_txn *original;	/* Replay: the original's transaction */
	bool is_different;		/* set by the first entry that doesn't; which one: */
	uint64_t different_index;
};

/* Reads the head row (all zero in a new store). ERR_DAMAGED. */
enum err ledger_load(struct ledger *ledger, struct store_txn *txn) must_check;
void ledger_done(struct ledger *ledger);
/* The stamp for a command at wall-clock time `now_us`: strictly after the last entry; flags a clock that stepped back. */
struct stamp ledger_stamp(const struct ledger *ledger, uint64_t now_us, const uint8_t seed[static 32]);
void ledger_begin_command(struct ledger *ledger, const struct stamp *stamp);
/* Completes and stores the entry; gives its index. Errors stick to the transaction. */
uint64_t ledger_append(struct ledger *ledger, struct store_txn *txn, struct entry *entry);
/* Stores entries of the command in hand. Errors stick to the transaction. */
void ledger_append_made(struct ledger *ledger, struct store_txn *txn, const struct ledger_made *made);
/*
 * Entry 0 of a ledger that continues another one, as it stands: the chain goes on from `last_leaf`, the leaf of the genesis
 * that the entries behind it were written after. Errors stick to the transaction.
 */
void ledger_append_first(struct ledger *ledger, struct store_txn *txn, struct slice bytes, const struct hash *last_leaf);
void ledger_save(const struct ledger *ledger, struct store_txn *txn);
/* May the stored cells lack what such an entry adds? A trade that counts; and what adds nothing: a push, evidence. */
bool ledger_may_lag_behind(const struct entry *entry);
/* Says that every cell is stored by the end of this transaction. */
void ledger_set_folded(struct ledger *ledger);

/* Readers. Size of the ledger in this transaction. */
uint64_t ledger_size(struct store_txn *txn);
enum err ledger_read_head(struct store_txn *txn, struct ledger_head *ret_head) must_check;
enum err ledger_read_identity(struct store_txn *txn, struct ledger_identity *ret_identity) must_check;
/* The ledger id alone, which every push is compared with: reading the key costs as much as half a signature. */
enum err ledger_read_id(struct store_txn *txn, char ret_id[static LEDGER_ID_SIZE + 1]) must_check;
void ledger_save_identity(struct store_txn *txn, const struct ledger_identity *identity);
/* The entry's bytes; false when absent. */
bool ledger_bytes(struct store_txn *txn, uint64_t index, struct slice *ret_bytes);
/* Decoded; slices point into the arena. ERR_NOT_FOUND, ERR_DAMAGED. */
enum err ledger_entry(struct store_txn *txn, uint64_t index, struct arena *arena, struct entry *ret_entry) must_check;
/* Size of the ledger at the end of a Shanghai day: the number of entries with an earlier time than the next day's start. */
enum err ledger_size_at(struct store_txn *txn, uint32_t date, uint64_t *ret_size) must_check;

/*
 * Hashes of the ledger's tree at this transaction, for proofs. The source lives in the caller's storage. It remembers the
 * leaves that it hashed last, for the proofs of a group of new entries share most of theirs.
 */
struct ledger_source {
	struct store_txn *txn;
	struct tree_source source;
	struct frontier edge;			/* of the stored head, where it is trusted */
	struct {
		uint64_t number;		/* 1 + the leaf's index; 0 for none */
		struct hash hash;
	} leaves[TILE_WIDTH];			/* a leaf's place is its index modulo their number */
};
void ledger_source_init(struct ledger_source *source, struct store_txn *txn);
/* The same, but what the stored head's frontier has is taken from there: for proofs of new entries. */
enum err ledger_source_init_edge(struct ledger_source *source, struct store_txn *txn) must_check;
/* The same tree's leaves, for its tiles. */
struct tiles_leaves ledger_leaves(struct store_txn *txn);
/* A tlog-proof of entry `index` under `note`, a checkpoint of `size`, with the entry's bytes as `extra`. */
enum err ledger_proof(struct ledger_source *source, uint64_t index, uint64_t size, struct slice note, struct buf *ret_proof) must_check;

#endif

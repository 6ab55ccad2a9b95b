/*
 * The rows of the derived databases: their types, and reading and writing them. Nothing here decides anything.
 *
 * Every `_get` answers false when the row is absent and puts the transaction in error (ERR_DAMAGED) when it does not
 * decode; look at store_error before believing an absence. Any thread, in its own transaction.
 */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include "daemon/ledger.h"
#include "proto/feed.h"
#include "proto/life.h"
#include "proto/order.h"

/* A licensed venue. */
struct venue {
	char id[VENUE_ID_SIZE_MAX + 1];
	char name[VENUE_NAME_SIZE_MAX + 1];
	uint16_t number;		/* 1.., in order of licensing */
	uint32_t generation;		/* of the open feed */
	uint64_t license_index;		/* order entry */
	uint64_t version;		/* newest order on this venue: the version of everything a worker looked at */
	uint64_t suspended_index;	/* the order that suspended it, 0 while it is not */
	size_t key_count;		/* valid ones */
	struct key keys[VENUE_KEYS_MAX];
	uint64_t key_since[VENUE_KEYS_MAX];	/* order entry that brought each */
	size_t retired_count;
	struct venue_retired {		/* valid for entries between the two orders */
		struct key key;
		uint64_t since, until;
	} retired[VENUE_KEYS_EVER_MAX];
};
bool venue_get(struct store_txn *txn, struct slice id, struct venue *ret_venue);
/* Is there one? The rest of it is not looked at. */
bool venue_is_licensed(struct store_txn *txn, struct slice id);
bool venue_get_by_number(struct store_txn *txn, uint16_t number, struct venue *ret_venue);
void venue_put(struct store_txn *txn, const struct venue *venue);
uint16_t venue_count(struct store_txn *txn);
/* The number alone of a row of STORE_VENUES, without the cost of parsing its keys. */
bool venue_number_decode(struct slice value, uint16_t *ret_number);

/* A feed: one generation of a venue's log. */
struct feed {
	uint32_t number;		/* its tree in STORE_TREE, 1.. */
	uint64_t last_push;		/* index of its newest push entry, 0 for none */
	struct frontier frontier;
};
bool feed_get(struct store_txn *txn, uint16_t venue_number, uint32_t generation, struct feed *ret_feed);
void feed_put(struct store_txn *txn, uint16_t venue_number, uint32_t generation, const struct feed *feed);
uint32_t feed_count(struct store_txn *txn);
/* The push that covers a feed index, and the one that ends at or covers size - 1. False when there is none. */
bool push_get(struct store_txn *txn, uint32_t feed_number, uint64_t feed_index, uint64_t *ret_push_index);
void push_put(struct store_txn *txn, uint32_t feed_number, uint64_t start, uint64_t push_index);

/* A key that an order distrusts: how far its trades have been put on hold. */
struct distrust {
	uint64_t order_index;
	uint16_t venue_number;
	struct key key;
	uint64_t from, end;		/* push entries it is about: from <= index < end */
	uint32_t generation;		/* of the next record to look at; 0 once done */
	uint64_t feed_index;		/* of that record */
	uint64_t held;			/* trades put on hold so far */
	bool is_done;
};
bool distrust_get(struct store_txn *txn, uint64_t order_index, struct distrust *ret_distrust);
void distrust_put(struct store_txn *txn, const struct distrust *distrust);
/* The one with the lowest order index that is not below `least`. */
bool distrust_next(struct store_txn *txn, uint64_t least, struct distrust *ret_distrust);
/* The oldest that is not done. */
bool distrust_find_pending(struct store_txn *txn, struct distrust *ret_distrust);
/* Where the trust in this key ended so far: the lowest `from` of its orders. False while it is trusted. */
bool distrust_find_from(struct store_txn *txn, uint16_t venue_number, const struct key *key, uint64_t *ret_from);
/* Was a key of that venue ever distrusted? */
bool distrust_of_venue(struct store_txn *txn, uint16_t venue_number);

/* A signed history that contradicts the one held: the entry that keeps its checkpoint. */
bool evidence_get(struct store_txn *txn, uint32_t feed_number, uint64_t size, uint64_t *ret_index);
void evidence_put(struct store_txn *txn, uint32_t feed_number, uint64_t size, uint64_t index);

/* trade_no -> first trade of that number; adjust_no likewise. */
bool trade_find(struct store_txn *txn, uint16_t venue_number, struct slice trade_no, uint64_t *ret_index);
/* The first trade of its number; else false, and *ret_first is the index of that. */
bool trade_put(struct store_txn *txn, uint16_t venue_number, struct slice trade_no, uint64_t index, uint64_t *ret_first);
bool adjust_find(struct store_txn *txn, uint16_t venue_number, struct slice adjust_no, uint64_t *ret_index);
void adjust_put(struct store_txn *txn, uint16_t venue_number, struct slice adjust_no, uint64_t index);

/* All zero for a trade that nothing was done to. */
void touched_get(struct store_txn *txn, uint64_t trade_index, struct touched *ret_touched);
void touched_put(struct store_txn *txn, uint64_t trade_index, const struct touched *touched);

/* Whoever appears in an entry. */
struct party {
	uint64_t last_index;		/* newest entry that concerns it, 0 for none */
	uint64_t total_fen;		/* of its counted trades, as supplier and as buyer: bounds every sum */
};
void party_get(struct store_txn *txn, const struct code *code, struct party *ret_party);
void party_put(struct store_txn *txn, const struct code *code, const struct party *party);
/* The same found once: read when opened, written when saved. The code must outlive it. A write transaction's. */
struct party_row {
	struct store_row row;
	struct party party;
};
void party_open(struct party_row *row, struct store_txn *txn, const struct code *code);
uint32_t party_expect(struct store_txn *txn, const struct code *code);	/* see store_row_expect */
void party_save(struct party_row *row);

/* The register. */
bool account_get(struct store_txn *txn, const struct code *code, struct account *ret_account);
void account_put(struct store_txn *txn, const struct code *code, const struct account *account);
/* In any order of the two. */
bool relation_get(struct store_txn *txn, const struct code *a, const struct code *b, uint64_t *ret_index);
void relation_put(struct store_txn *txn, const struct code *a, const struct code *b, uint64_t index);

/* Reconciliation: sums over every record of a venue. 128 bits, so that no number of refused records overflows. */
__extension__ typedef unsigned __int128 wide_fen;
struct venue_month {
	uint64_t records;
	wide_fen amount_fen, tax_fen;
};
void venue_month_get(struct store_txn *txn, uint16_t venue_number, uint16_t month, enum record_kind kind,
    enum disposition disposition, struct venue_month *ret_month);
void venue_month_put(struct store_txn *txn, uint16_t venue_number, uint16_t month, enum record_kind kind,
    enum disposition disposition, const struct venue_month *venue_month);
struct venue_month_key {
	uint16_t venue_number, month;
	enum record_kind kind;
	enum disposition disposition;
};
bool venue_month_decode(struct slice key, struct slice value, struct venue_month_key *ret_key, struct venue_month *ret_month);
/* "1234.50" of any size. `ret_text` holds 48 bytes. */
void wide_format(wide_fen fen, char ret_text[static 48]);

/* Officers in office and their quorums. */
bool officer_get(struct store_txn *txn, struct slice name, struct officer *ret_officer);
bool officer_decode(struct slice key, struct slice value, struct officer *ret_officer);
void officer_put(struct store_txn *txn, const struct officer *officer);
/* Out of office; the keys stay known as that name's. */
void officer_delete(struct store_txn *txn, const char *name);
/* Whose key is it, or was it? `ret_name` holds OFFICER_NAME_SIZE_MAX + 1 bytes. */
bool officer_key_find(struct store_txn *txn, const struct key *key, char ret_name[static OFFICER_NAME_SIZE_MAX + 1]);
/* The roles of all in office, for quorums. ERR_DAMAGED. */
enum err officer_roles(struct store_txn *txn, enum officer_role ret_roles[static OFFICERS_MAX], size_t *ret_count) must_check;
enum err quorums_get(struct store_txn *txn, struct quorums *ret_quorums) must_check;
enum err quorums_put(struct store_txn *txn, const struct quorums *quorums) must_check;

/*
 * The ledger's own keys, in the order in which they came: the first is that of genesis. A key is valid for the sizes
 * that cover the order that added it and not the one that retired it.
 */
enum log_key_use { LOG_KEY_CHECKPOINT = 1, LOG_KEY_HEADS };
struct log_key {
	struct key key;
	enum log_key_use use;
	uint64_t since, until;		/* order entries; 0: genesis, and not retired */
};
struct log_keys {
	size_t count;
	struct log_key keys[LOG_KEYS_EVER_MAX];
};
/* ERR_DAMAGED. */
enum err log_keys_get(struct store_txn *txn, struct log_keys *ret_keys) must_check;
void log_keys_put(struct store_txn *txn, const struct log_keys *keys);
/* The key of the identity is the only one again: another ledger begins. */
void log_keys_forget(struct store_txn *txn);
/* What a key of this ledger is for: its name says it. */
enum log_key_use log_key_use_of(const struct key *key, const char *origin);
bool log_key_is_valid(const struct log_key *key, uint64_t size);
/* Those of a use that are valid at the size, the older first; how many. */
size_t log_keys_valid(const struct log_keys *keys, enum log_key_use use, uint64_t size,
    struct key ret_keys[static LOG_KEYS_MAX]);
/* Was the material ever a key of the ledger, under whatever name? */
bool log_keys_have_material(const struct log_keys *keys, const struct key *key);
/*
 * A checkpoint of this ledger: of its origin, and signed by a checkpoint key that was valid at its size. A retired key
 * vouches for nothing later: who found it must not be able to stop a ledger. ERR_NOTE, ERR_FEED_ORIGIN,
 * ERR_UNKNOWN_KEY, ERR_SIGNATURE.
 */
enum err log_keys_read_checkpoint(const struct log_keys *keys, const struct note *note,
    struct checkpoint *ret_checkpoint, struct why *why) must_check;

/* Policies: every version ever adopted; the one in force at a size is the last before it. */
bool policy_find(struct store_txn *txn, struct slice id, uint64_t size, uint64_t *ret_order_index, uint32_t *ret_version);
void policy_put(struct store_txn *txn, struct slice id, uint64_t order_index, uint32_t version);
size_t policy_ids(struct store_txn *txn, uint64_t size, char (*ret_ids)[POLICY_ID_SIZE_MAX + 1], size_t max);
/* The policy an order adopted. ERR_DAMAGED when the entry is no such order. */
enum err policy_read(struct store_txn *txn, uint64_t order_index, struct policy *ret_policy) must_check;
/* Its text as signed (compact JSON). */
enum err policy_read_text(struct store_txn *txn, uint64_t order_index, struct buf *ret_text) must_check;

bool order_find(struct store_txn *txn, struct slice id, uint64_t *ret_index);
void order_put(struct store_txn *txn, struct slice id, uint64_t index);

struct grant_row {
	struct grant grant;
	uint64_t index;			/* order entry */
	uint32_t item;
	uint64_t revoked_index;		/* the order that revoked it, 0 while it holds */
};
bool grant_get(struct store_txn *txn, const uint8_t token_hash[static HASH_SIZE], struct grant_row *ret_row);
void grant_put(struct store_txn *txn, const struct grant_row *row);

/* Bytes of u64 keys and values. */
#define STATE_U64_SIZE 8
struct slice state_u64(uint64_t value, uint8_t ret_bytes[static STATE_U64_SIZE]);

#endif

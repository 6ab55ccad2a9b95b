/*
 * A set of records, asked by number and by content: how many of this content are in it, and is its number? Trades and
 * refunds have name spaces of their own. Keys are 128 bits of SHA-256, so that two million records take 200 MB.
 */
#ifndef CLIENT_RECORDSET_H
#define CLIENT_RECORDSET_H

#include "client/client.h"

#define RECORDSET_KEY_SIZE 16

struct recordset {
	struct recordset_slot *slots;
	size_t slot_count, used_count;
};

/* What the set knows of a record. */
struct recordset_key {
	uint8_t number[RECORDSET_KEY_SIZE], content[RECORDSET_KEY_SIZE];
};

struct recordset_found {
	bool has_number;
	uint64_t value;			/* of the number; 0 where the set does not have it */
	uint64_t same_count;		/* records of exactly this content */
};

/* `record` is canonical bytes. ERR_MEMORY, or what record_decode says. */
enum err recordset_key_of(struct slice record, struct recordset_key *ret_key) must_check;

void recordset_init(struct recordset *set);
void recordset_done(struct recordset *set);
/* One more record of this content. A number that is there already keeps its value. ERR_MEMORY. */
enum err recordset_add(struct recordset *set, const struct recordset_key *key, uint64_t value) must_check;
/* Gives a number that is there another value. */
void recordset_change(struct recordset *set, const struct recordset_key *key, uint64_t value);
struct recordset_found recordset_find(const struct recordset *set, const struct recordset_key *key);

#endif

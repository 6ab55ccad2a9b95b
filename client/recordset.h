/*
 * A set of records, asked by number and by content: is this record in it, or another one of its number? Trades and
 * refunds have name spaces of their own. Keys are 128 bits of SHA-256, so that two million records take 140 MB.
 */
#ifndef CLIENT_RECORDSET_H
#define CLIENT_RECORDSET_H

#include "client/client.h"

enum recordset_match { RECORDSET_NEW, RECORDSET_SAME, RECORDSET_OTHER };

struct recordset {
	struct recordset_slot *slots;
	size_t slot_count, used_count;
};

void recordset_init(struct recordset *set);
void recordset_done(struct recordset *set);
/* `record` is canonical bytes. Of a number that is there already only the content is added. ERR_MEMORY, or what
 * record_decode says. */
enum err recordset_add(struct recordset *set, struct slice record, uint64_t value) must_check;
/* RECORDSET_OTHER: the number is there, with other content only. *ret_value is that of the first such record. */
enum err recordset_find(const struct recordset *set, struct slice record, enum recordset_match *ret_match,
    uint64_t *ret_value) must_check;

#endif

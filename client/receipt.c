#include "client/receipt.h"

#include <inttypes.h>
#include <string.h>

/* The path, the entry's bytes and what is decoded from them. */
#define ARENA_SIZE (1u << 20)

static enum err checkpoint_of(
    struct slice bytes, struct slice *ret_text, struct checkpoint *ret_checkpoint, struct why *why)
{
	struct note note;
	enum err err;

	err = note_parse(bytes, &note, why);
	if (err == OK)
		err = checkpoint_parse(note.text, ret_checkpoint, why);
	if (err == OK)
		*ret_text = note.text;
	return err;
}

/* The ledger must not be smaller than it was, nor another at the same size. */
static enum err growth_check(struct slice last_bytes, const struct checkpoint *now, struct why *why)
{
	struct checkpoint last;
	struct slice text;
	enum err err;

	if (last_bytes.size == 0)
		return OK;
	err = checkpoint_of(last_bytes, &text, &last, why);
	if (err != OK)
		return err;
	if (now->size < last.size)
		return why_set(
		    why, ERR_ROLLED_BACK, "it signed size %" PRIu64 " and now signs %" PRIu64, last.size, now->size);
	if (now->size == last.size && !hash_equal(&now->root, &last.root))
		return why_set(why, ERR_ROLLED_BACK, "it signed two roots at size %" PRIu64, now->size);
	return OK;
}

/* The entry's note isn't ours: is it a later one of the same feed and key? */
static enum err later_note(
    struct slice bytes, const struct receipt_terms *terms, const struct checkpoint *sent, struct why *why)
{
	struct checkpoint checkpoint;
	struct note note;
	uint64_t signed_by;
	enum err err;

	err = note_parse(bytes, &note, why);
	if (err == OK)
		err = checkpoint_parse(note.text, &checkpoint, why);
	if (err == OK &&
	    (note_verify(&note, terms->venue_key, 1, &signed_by) != OK || strcmp(checkpoint.origin, sent->origin) != 0))
		err = why_set(why, ERR_PROOF, "it is of a note that was not sent and that our key did not sign");
	if (err == OK && checkpoint.size <= sent->size)
		err = why_set(why, ERR_PROOF, "it is of another push, which does not hold what was sent");
	if (err != OK)
		return err;
	return why_set(why, ERR_FEED_SIZE,
	    "the ledger holds %" PRIu64 " records of this feed, more than were sent from here", checkpoint.size);
}

static enum err entry_check(
    const struct entry *entry, const struct receipt_terms *terms, struct receipt *receipt, struct why *why)
{
	struct slice sent_text, entry_text;
	struct checkpoint sent, stored;
	enum err err;

	if (entry->kind != ENTRY_PUSH)
		return why_set(why, ERR_PROOF, "it is of an entry of kind %s", entry_kind_name(entry->kind));
	if (!slice_equal(entry->push.venue, slice_text(terms->venue)) || entry->push.generation != terms->generation)
		return why_set(why, ERR_PROOF, "it is of another feed");
	err = checkpoint_of(terms->note, &sent_text, &sent, why);
	if (err == OK)
		err = checkpoint_of(entry->push.note, &entry_text, &stored, why);
	if (err != OK)
		return err;
	if (!slice_equal(sent_text, entry_text))
		return later_note(entry->push.note, terms, &sent, why);
	if (entry->push.start + entry->push.count != sent.size)
		return why_set(why, ERR_PROOF, "its records do not end where the note does");
	/* That the tally adds up is part of an entry's being one. */
	for (size_t i = 0; i < entry->push.tally_count; i++)
		receipt->tally[entry->push.tally[i].disposition] = entry->push.tally[i].count;
	receipt->start = entry->push.start;
	receipt->count = entry->push.count;
	receipt->first_index = entry->push.first_index;
	receipt->time_us = entry->time_us;
	return OK;
}

enum err receipt_verify(
    struct slice text, const struct receipt_terms *terms, struct receipt *ret_receipt, struct why *why)
{
	struct receipt receipt = {0};
	struct checkpoint checkpoint;
	struct arena arena;
	struct entry entry;
	struct proof proof;
	enum err err;

	arena_init(&arena, ARENA_SIZE);
	err = proof_parse(text, &arena, &proof, why);
	if (err == OK)
		err = proof_verify(&proof, terms->ledger, &checkpoint, why);
	if (err == OK && entry_decode(proof.extra, &arena, &entry) != OK)
		err = why_set(why, ERR_PROOF, "what it proves is not an entry");
	if (err == OK)
		err = growth_check(terms->last_checkpoint, &checkpoint, why);
	if (err == OK)
		err = entry_check(&entry, terms, &receipt, why);
	if (err == OK) {
		receipt.index = proof.index;
		receipt.ledger_size = checkpoint.size;
		receipt.checkpoint = proof.note;
		*ret_receipt = receipt;
	}
	arena_done(&arena);
	return err;
}

#include "daemon/evidence.h"

#include <stdlib.h>
#include <string.h>

enum err evidence_of_push(const struct ingest *ingest, struct store_txn *txn, struct evidence *ret_evidence)
{
	struct evidence evidence = {.venue = slice_text(ingest->venue.id),
	    .generation = ingest->generation,
	    .feed_number = ingest->feed.number,
	    .size = ingest->checkpoint.size,
	    .note = ingest->push.note};

	if (!push_get(txn, ingest->feed.number, ingest->conflict_index, &evidence.push_index))
		return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
	*ret_evidence = evidence;
	return OK;
}

static enum err wrong(struct why *why, const char *text)
{
	return why_set(why, ERR_DAMAGED, "%s", text);
}

/* The note's own checkpoint: signed, and of this feed. */
static enum err read_checkpoint(const struct entry *entry, struct store_txn *txn, const struct venue *venue,
    struct checkpoint *ret_checkpoint, struct why *why)
{
	struct ledger_identity identity;
	char origin[ORIGIN_TEXT_SIZE];
	uint64_t signed_by;
	struct note *note = malloc(sizeof(*note));
	enum err err = note == NULL ? ERR_MEMORY : ledger_read_identity(txn, &identity);

	if (err == OK && note_parse(entry->evidence.note, note, NULL) != OK)
		err = wrong(why, "its note is no signed note");
	if (err == OK && note_verify(note, venue->keys, venue->key_count, &signed_by) != OK)
		err = wrong(why, "its note is not signed by a key that the venue had then");
	if (err == OK && checkpoint_parse(note->text, ret_checkpoint, NULL) != OK)
		err = wrong(why, "its note is no checkpoint");
	if (err == OK) {
		feed_origin_format(venue->id, identity.ledger_id, entry->evidence.generation, origin);
		if (strcmp(origin, ret_checkpoint->origin) != 0 || ret_checkpoint->size != entry->evidence.size)
			err = wrong(why, "its note is of another feed or size");
	}
	free(note);
	return err;
}

/* Where the size is held, the held root is another one. */
static enum err check_differs(
    struct store_txn *txn, const struct feed *feed, const struct checkpoint *checkpoint, struct why *why)
{
	struct frontier frontier;
	struct hash root;
	enum err err;

	if (checkpoint->size > feed->frontier.size)
		return OK;
	err = feed_frontier(txn, feed, checkpoint->size, &frontier);
	if (err != OK)
		return err;
	root = frontier_root(&frontier);
	return hash_equal(&root, &checkpoint->root) ? wrong(why, "its checkpoint is the one held: no conflict") : OK;
}

static enum err check_push(const struct entry *entry, struct store_txn *txn, const struct feed *feed, struct why *why)
{
	struct arena arena;
	struct entry push;
	uint64_t found;
	enum err err;

	arena_init(&arena, 4 * ENTRY_SIZE_MAX);
	err = ledger_entry(txn, entry->evidence.push_index, &arena, &push);
	if (err != ERR_MEMORY &&
	    (err != OK || push.kind != ENTRY_PUSH || push.push.start >= entry->evidence.size ||
		!push_get(txn, feed->number, push.push.start, &found) || found != entry->evidence.push_index))
		err = wrong(why, "it names no push of this feed that its checkpoint could contradict");
	arena_done(&arena);
	return err;
}

enum err evidence_of_entry(
    const struct entry *entry, struct store_txn *txn, struct evidence *ret_evidence, struct why *why)
{
	struct checkpoint checkpoint;
	struct venue venue;
	struct feed feed;
	uint64_t index;
	enum err err;

	if (!venue_get(txn, entry->evidence.venue, &venue) || venue.generation != entry->evidence.generation ||
	    venue.suspended_index != 0 || !feed_get(txn, venue.number, venue.generation, &feed))
		return wrong(why, "evidence of a feed that was not open");
	if (evidence_get(txn, feed.number, entry->evidence.size, &index))
		return wrong(why, "evidence of this feed and size was kept before");
	err = read_checkpoint(entry, txn, &venue, &checkpoint, why);
	if (err == OK)
		err = check_differs(txn, &feed, &checkpoint, why);
	if (err == OK)
		err = check_push(entry, txn, &feed, why);
	if (err == OK)
		*ret_evidence = (struct evidence){.venue = entry->evidence.venue,
		    .generation = entry->evidence.generation,
		    .feed_number = feed.number,
		    .size = entry->evidence.size,
		    .note = entry->evidence.note,
		    .push_index = entry->evidence.push_index};
	return err;
}

#include "daemon/ingest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "daemon/spare.h"
#include "daemon/tiles.h"
#include "proto/date.h"

void ingest_init(struct ingest *ingest, const char *venue_id, struct slice body, bool is_check)
{
	memset(ingest, 0, sizeof(*ingest));
	assert(strlen(venue_id) <= VENUE_ID_SIZE_MAX);
	snprintf(ingest->venue_id, sizeof(ingest->venue_id), "%s", venue_id);
	ingest->body = body;
	ingest->is_check = is_check;
	arena_init_from(&ingest->arena, PUSH_ARENA_MAX, &spare_source);
}

void ingest_done(struct ingest *ingest)
{
	arena_done(&ingest->arena);
}

uint64_t ingest_new_count(const struct ingest *ingest)
{
	return ingest->push.record_count - ingest->held_count;
}

static enum err add_fault(struct ingest *ingest, uint64_t feed_index, const struct record_fault *fault)
{
	ingest->fault_total++;
	if (ingest->fault_count == ERRORS_REPORTED_MAX)
		return OK;
	if (ingest->faults == NULL) {
		ingest->faults = arena_alloc(&ingest->arena, ERRORS_REPORTED_MAX * sizeof(*ingest->faults));
		if (ingest->faults == NULL)
			return ERR_MEMORY;
	}
	ingest->faults[ingest->fault_count].feed_index = feed_index;
	ingest->faults[ingest->fault_count].fault = *fault;
	ingest->fault_count++;
	return OK;
}

static enum err faults_text(const struct ingest *ingest, struct why *why)
{
	const struct ingest_fault *first = &ingest->faults[0];

	return why_set_cause(why, ERR_RECORDS, &first->fault.reason,
	    "%llu faults; the first: record %llu, %s: ", (unsigned long long)ingest->fault_total,
	    (unsigned long long)first->feed_index, first->fault.field);
}

/* Decodes every record, so that all that is wrong is told at once. */
static enum err decode_records(struct ingest *ingest, struct why *why)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	struct push *push = &ingest->push;
	size_t fault_count = 0;
	enum err err;

	ingest->records = arena_alloc(&ingest->arena, push->record_count * sizeof(*ingest->records));
	ingest->leaves = arena_alloc(&ingest->arena, push->record_count * sizeof(*ingest->leaves));
	if (ingest->records == NULL || ingest->leaves == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < push->record_count; i++) {
		err = record_decode(push->records[i], &ingest->arena, &ingest->records[i], faults, &fault_count);
		if (err == ERR_MEMORY)
			return err;
		for (size_t f = 0; err != OK && f < fault_count; f++)
			if (add_fault(ingest, push->start + i, &faults[f]) != OK)
				return ERR_MEMORY;
		ingest->leaves[i] = hash_leaf(push->records[i]);
	}
	return ingest->fault_total > 0 ? faults_text(ingest, why) : OK;
}

/* What the writer would else have to go through all records for. */
static enum err look_through(struct ingest *ingest)
{
	for (size_t i = 0; i < ingest->push.record_count; i++) {
		uint32_t date = record_latest_date(&ingest->records[i]);

		if (date > ingest->latest_date)
			ingest->latest_date = date;
	}
	return ingest->is_check
		   ? OK
		   : rowplan_make(ingest->records, ingest->push.record_count, &ingest->arena, &ingest->plan);
}

enum err ingest_decode(struct ingest *ingest, struct why *why)
{
	enum err err = push_decode(ingest->body, &ingest->arena, &ingest->push, why);

	if (err != OK)
		return err;
	if (ingest->push.start > TREE_SIZE_MAX - PUSH_RECORDS_MAX)
		return why_set(why, ERR_SYNTAX, "start lies beyond what a feed can hold");
	err = decode_records(ingest, why);
	if (err != OK)
		return err;
	err = look_through(ingest);
	if (err != OK)
		return err;
	if (ingest->is_check)
		return ingest->push.note.size == 0
			   ? OK
			   : why_set(why, ERR_NOTE, "a check takes the records without a note; leave the note out");
	err = note_parse(ingest->push.note, &ingest->note, why);
	if (err != OK)
		return err;
	err = checkpoint_parse(ingest->note.text, &ingest->checkpoint, why);
	return err == OK || err == ERR_MEMORY ? err : ERR_NOTE;
}

enum err ingest_init_decoded(struct ingest *ingest, const char *venue_id, const struct ingest_parts *parts)
{
	ingest_init(ingest, venue_id, slice_of(NULL, 0), false);
	ingest->push = (struct push){.start = parts->start,
	    .record_count = parts->record_count,
	    .records = parts->bytes,
	    .note = parts->note_bytes};
	ingest->records = parts->records;
	ingest->leaves = parts->leaves;
	ingest->note = *parts->note;
	ingest->checkpoint = *parts->checkpoint;
	return look_through(ingest);
}

/* ---- the feed as it is held */

void feed_lookup_init(struct feed_lookup *lookup, struct store_txn *txn, const struct feed *feed)
{
	*lookup = (struct feed_lookup){.txn = txn, .feed = feed};
	arena_init(&lookup->arena, 4 * ENTRY_SIZE_MAX);
}

void feed_lookup_done(struct feed_lookup *lookup)
{
	arena_done(&lookup->arena);
}

static enum err lookup_index(struct feed_lookup *lookup, uint64_t feed_index, uint64_t *ret_index)
{
	struct entry entry;
	uint64_t push_index;
	enum err err;

	if (feed_index - lookup->start >= lookup->count) {
		if (!push_get(lookup->txn, lookup->feed->number, feed_index, &push_index))
			return store_error(lookup->txn) != OK ? store_error(lookup->txn) : ERR_DAMAGED;
		arena_reset(&lookup->arena);
		err = ledger_entry(lookup->txn, push_index, &lookup->arena, &entry);
		if (err == ERR_MEMORY)
			return err;
		if (err != OK || entry.kind != ENTRY_PUSH || feed_index - entry.push.start >= entry.push.count)
			return ERR_DAMAGED;
		lookup->start = entry.push.start;
		lookup->count = entry.push.count;
		lookup->first_index = entry.push.first_index;
	}
	*ret_index = lookup->first_index + (feed_index - lookup->start);
	return OK;
}

static enum err lookup_record(void *cookie, uint64_t feed_index, struct slice *ret_record)
{
	struct feed_lookup *lookup = cookie;
	struct entry entry;
	uint64_t index;
	enum err err = lookup_index(lookup, feed_index, &index);

	if (err != OK)
		return err;
	arena_reset(&lookup->arena);
	err = ledger_entry(lookup->txn, index, &lookup->arena, &entry);
	if (err == ERR_MEMORY)
		return err;
	if (err != OK || entry.kind != ENTRY_RECORD || entry.record.feed_index != feed_index)
		return ERR_DAMAGED;
	*ret_record = entry.record.record;
	return OK;
}

static enum err lookup_leaf(void *cookie, uint64_t feed_index, struct hash *ret_hash)
{
	struct slice record;
	enum err err = lookup_record(cookie, feed_index, &record);

	if (err == OK)
		*ret_hash = hash_leaf(record);
	return err;
}

struct tiles_leaves feed_lookup_leaves(struct feed_lookup *lookup)
{
	return (struct tiles_leaves){.leaf = lookup_leaf, .cookie = lookup, .entry = lookup_record};
}

static enum err lookup_hash(void *cookie, unsigned level, uint64_t index, struct hash *ret_hash)
{
	struct feed_lookup *lookup = cookie;
	struct tiles_leaves leaves = feed_lookup_leaves(lookup);

	return tiles_hash(lookup->txn, lookup->feed->number, &leaves, level, index, ret_hash);
}

struct tree_source feed_lookup_source(struct feed_lookup *lookup)
{
	return (struct tree_source){.hash = lookup_hash, .cookie = lookup};
}

enum err feed_frontier(struct store_txn *txn, const struct feed *feed, uint64_t size, struct frontier *ret_frontier)
{
	struct feed_lookup lookup;
	struct tree_source source = feed_lookup_source(&lookup);
	enum err err;

	assert(size <= feed->frontier.size);
	if (size == feed->frontier.size) {
		*ret_frontier = feed->frontier;
		return OK;
	}
	feed_lookup_init(&lookup, txn, feed);
	err = tree_frontier(&source, size, ret_frontier);
	feed_lookup_done(&lookup);
	return err;
}

enum err feed_record_index(struct store_txn *txn, const struct feed *feed, uint64_t feed_index, uint64_t *ret_index)
{
	struct feed_lookup lookup;
	enum err err;

	assert(feed_index < feed->frontier.size);
	feed_lookup_init(&lookup, txn, feed);
	err = lookup_index(&lookup, feed_index, ret_index);
	feed_lookup_done(&lookup);
	return err;
}

/* ---- the push against it */

_Static_assert(VENUE_KEYS_EVER_MAX <= 64, "one bit a key");

/* Signed by a valid key (*ret_retired is 0), or at least by retired ones (a bit for each)? */
static enum err check_signature(const struct ingest *ingest, uint64_t *ret_retired, struct why *why)
{
	const struct venue *venue = &ingest->venue;
	uint64_t signed_by, retired = 0;
	enum err err = note_verify(&ingest->note, venue->keys, venue->key_count, &signed_by);

	for (size_t i = 0; i < venue->retired_count && (err == ERR_UNKNOWN_KEY || (err == OK && retired != 0)); i++) {
		if (!note_names_key(&ingest->note, &venue->retired[i].key))
			continue;
		err = note_verify(&ingest->note, &venue->retired[i].key, 1, &signed_by);
		if (err == OK)
			retired |= 1ULL << i;
	}
	if (err == ERR_UNKNOWN_KEY && venue->key_count == 0)
		return why_set(why, err,
		    "%s has no valid key since its last one was revoked; the bureau must bring in a new one",
		    venue->id);
	if (err == ERR_UNKNOWN_KEY)
		return why_set(why, err,
		    venue->key_count > 1 ? "the feed checkpoint carries no signature by a key of %s; its licence names "
					   "among others key id %02x%02x%02x%02x"
					 : "the feed checkpoint carries no signature by a key of %s; its licence names "
					   "the key id %02x%02x%02x%02x",
		    venue->id, venue->keys[0].id[0], venue->keys[0].id[1], venue->keys[0].id[2], venue->keys[0].id[3]);
	if (err != OK)
		return why_set(why, err,
		    "the signature of the feed checkpoint does not match its text; sign exactly the three lines");
	*ret_retired = retired;
	return OK;
}

static enum err wrong_origin(const struct ingest *ingest, const char *ledger_id, struct why *why)
{
	char origin[ORIGIN_TEXT_SIZE];

	feed_origin_format(ingest->venue.id, ledger_id, ingest->venue.generation, origin);
	return why_set(
	    why, ERR_FEED_ORIGIN, "the feed checkpoint is of %s, this feed is %s", ingest->checkpoint.origin, origin);
}

/* The feed as it will be; whether it came so, the writer sees. */
static void look_ahead(struct ingest *ingest)
{
	const struct ingest_foreseen *foreseen = ingest->foreseen;

	if (foreseen != NULL && ingest->venue.version == foreseen->venue_version &&
	    ingest->feed.number == foreseen->feed_number)
		ingest->feed.frontier = foreseen->after;
}

/* Of which of the venue's feeds is the checkpoint? Sets `generation` and `feed`. */
static enum err find_feed(struct ingest *ingest, struct store_txn *txn, const char *ledger_id, struct why *why)
{
	const char *slash = strrchr(ingest->checkpoint.origin, '/');
	char origin[ORIGIN_TEXT_SIZE];
	uint64_t generation;

	if (slash == NULL || decimal_parse(slice_text(slash + 1), ingest->venue.generation, &generation) != OK ||
	    generation == 0)
		return wrong_origin(ingest, ledger_id, why);
	feed_origin_format(ingest->venue.id, ledger_id, (uint32_t)generation, origin);
	if (strcmp(origin, ingest->checkpoint.origin) != 0)
		return wrong_origin(ingest, ledger_id, why);
	if (!feed_get(txn, ingest->venue.number, (uint32_t)generation, &ingest->feed))
		return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
	ingest->generation = (uint32_t)generation;
	look_ahead(ingest);
	return OK;
}

static enum err check_size(const struct ingest *ingest, struct why *why)
{
	uint64_t size = ingest->push.start + ingest->push.record_count;

	if (ingest->checkpoint.size == size)
		return OK;
	return why_set(why, ERR_FEED_SIZE,
	    "the feed checkpoint says %llu records, start %llu and %zu records make %llu",
	    (unsigned long long)ingest->checkpoint.size, (unsigned long long)ingest->push.start,
	    ingest->push.record_count, (unsigned long long)size);
}

/* The feed's tree with the push: here, for a worker has the time that the writer has not. */
static enum err compute_tree(struct ingest *ingest, struct store_txn *txn)
{
	size_t record_count = ingest->push.record_count;
	enum err err = feed_frontier(txn, &ingest->feed, ingest->push.start, &ingest->frontier);

	if (err != OK)
		return err;
	ingest->tile_count = 0;
	ingest->tiles = arena_alloc(&ingest->arena, tiles_root_count_max(record_count) * sizeof(*ingest->tiles));
	if (ingest->tiles == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < record_count; i++)
		ingest->tile_count +=
		    tiles_complete(&ingest->frontier, &ingest->leaves[i], ingest->tiles + ingest->tile_count);
	ingest->root = frontier_root(&ingest->frontier);
	return OK;
}

/* Compares the leading records that the feed holds already. */
static enum err compare_held(struct ingest *ingest, struct store_txn *txn, struct why *why)
{
	uint64_t held = ingest->feed.frontier.size - ingest->push.start;
	struct feed_lookup lookup;
	struct hash hash;
	enum err err = OK;

	if (held > ingest->push.record_count)
		held = ingest->push.record_count;
	feed_lookup_init(&lookup, txn, &ingest->feed);
	for (uint64_t i = 0; i < held && err == OK; i++) {
		err = lookup_leaf(&lookup, ingest->push.start + i, &hash);
		if (err != OK || hash_equal(&hash, &ingest->leaves[i]))
			continue;
		ingest->conflict_index = ingest->push.start + i;
		err = why_set(why, ERR_FEED_CONFLICT,
		    "record %llu differs from the one held; what is held stays. A wrong record is refunded in "
		    "full and "
		    "pushed again under a new number",
		    (unsigned long long)(ingest->push.start + i));
	}
	feed_lookup_done(&lookup);
	ingest->held_count = held;
	return err;
}

/* The records against the feed. */
static enum err check_records(struct ingest *ingest, struct store_txn *txn, struct why *why)
{
	enum err err;

	if (ingest->push.start > ingest->feed.frontier.size)
		return why_set(why, ERR_FEED_GAP,
		    "the push starts at record %llu, but %llu are held; push from %llu on",
		    (unsigned long long)ingest->push.start, (unsigned long long)ingest->feed.frontier.size,
		    (unsigned long long)ingest->feed.frontier.size);
	err = compute_tree(ingest, txn);
	if (err != OK)
		return err;
	if (!ingest->is_check && !hash_equal(&ingest->root, &ingest->checkpoint.root))
		return why_set(why, ERR_FEED_ROOT,
		    "the signed root is not the root of the %llu records held before %llu and the %zu sent",
		    (unsigned long long)ingest->push.start, (unsigned long long)ingest->push.start,
		    ingest->push.record_count);
	return compare_held(ingest, txn, why);
}

/* Was one of the retired keys that signed valid for this entry? */
static bool was_valid(const struct venue *venue, uint64_t retired, uint64_t index)
{
	for (size_t i = 0; i < venue->retired_count; i++)
		if ((retired >> i & 1) != 0 && venue->retired[i].since < index && index < venue->retired[i].until)
			return true;
	return false;
}

/*
 * Signed by retired keys, or of a feed that was closed. It is told what it could know already, or that it comes too
 * late: never what is held, for the key may be a thief's.
 */
static enum err check_retry(
    struct ingest *ingest, struct store_txn *txn, uint64_t retired, const char *ledger_id, struct why *why)
{
	uint64_t push_index;
	enum err err = check_size(ingest, NULL);

	if (err == OK)
		err = check_records(ingest, txn, NULL);
	if (err != OK && err != ERR_FEED_SIZE && err != ERR_FEED_GAP && err != ERR_FEED_ROOT &&
	    err != ERR_FEED_CONFLICT)
		return err;
	if (err == OK && ingest_new_count(ingest) == 0) {
		if (!push_get(txn, ingest->feed.number, ingest->checkpoint.size - 1, &push_index))
			return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
		if (retired == 0 || was_valid(&ingest->venue, retired, push_index))
			return OK;
	}
	if (retired != 0)
		return why_set(why, ERR_UNKNOWN_KEY,
		    "the key of this signature was revoked; %s signs with another one now", ingest->venue.id);
	return wrong_origin(ingest, ledger_id, why);
}

/* The checkpoint, and the records under it. */
static enum err check_signed(struct ingest *ingest, struct store_txn *txn, struct why *why)
{
	char ledger_id[LEDGER_ID_SIZE + 1];
	uint64_t retired = 0;
	enum err err;

	/* Before anything else: whoever can't sign learns nothing of the feed. */
	err = check_signature(ingest, &retired, why);
	if (err == OK)
		err = ledger_read_id(txn, ledger_id);
	if (err == OK)
		err = find_feed(ingest, txn, ledger_id, why);
	if (err != OK)
		return err;
	if (retired != 0 || ingest->generation != ingest->venue.generation)
		return check_retry(ingest, txn, retired, ledger_id, why);
	err = check_size(ingest, why);
	return err != OK ? err : check_records(ingest, txn, why);
}

enum err ingest_check(struct ingest *ingest, struct store_txn *txn, struct why *why)
{
	enum err err;

	ingest->is_checked = false;
	ingest->held_count = 0;
	if (!venue_get(txn, slice_text(ingest->venue_id), &ingest->venue))
		return store_error(txn) != OK ? store_error(txn)
					      : why_set(why, ERR_VENUE, "no venue %s is licensed", ingest->venue_id);
	ingest->generation = ingest->venue.generation;
	if (!feed_get(txn, ingest->venue.number, ingest->generation, &ingest->feed))
		return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
	if (ingest->venue.suspended_index != 0)
		return why_set(why, ERR_SUSPENDED,
		    "%s was suspended by entry %llu and can push nothing until the bureau resumes it", ingest->venue_id,
		    (unsigned long long)ingest->venue.suspended_index);
	err = ingest->is_check ? check_records(ingest, txn, why) : check_signed(ingest, txn, why);
	ingest->is_checked = err == OK;
	return err;
}

enum err ingest_check_ahead(struct ingest *ingest, const struct ingest_foreseen *foreseen, struct store_txn *txn)
{
	enum err err = ERR_FEED_BUSY;

	assert(!ingest->is_check);
	ingest->foreseen = foreseen;
	/* What is held is compared with what is stored: not yet. */
	if (ingest->push.start == foreseen->after.size)
		err = ingest_check(ingest, txn, NULL);
	ingest->foreseen = NULL;
	return err;
}

void ingest_foresee(const struct ingest *ingest, struct ingest_foreseen *ret_foreseen)
{
	assert(ingest->is_checked);
	*ret_foreseen = (struct ingest_foreseen){
	    .venue_version = ingest->venue.version, .feed_number = ingest->feed.number, .after = ingest->frontier};
}

bool ingest_is_stale(const struct ingest *ingest, struct store_txn *txn)
{
	struct venue venue;
	struct feed feed;

	return !ingest->is_checked || !venue_get(txn, slice_text(ingest->venue_id), &venue) ||
	       venue.version != ingest->venue.version || !feed_get(txn, venue.number, ingest->generation, &feed) ||
	       !frontier_equal(&feed.frontier, &ingest->feed.frontier);
}

enum err ingest_check_dates(struct ingest *ingest, uint32_t today, struct why *why)
{
	char found[DATE_TEXT_SIZE], limit[DATE_TEXT_SIZE];

	if (ingest->latest_date <= today)
		return OK;
	date_format(today, limit);
	for (size_t i = ingest->held_count; i < ingest->push.record_count; i++) {
		uint32_t date = record_latest_date(&ingest->records[i]);
		struct record_fault fault;

		if (date <= today)
			continue;
		date_format(date, found);
		fault.field = ingest->records[i].kind == RECORD_TRADE ? "settled_on" : "occurred_on";
		why_set(&fault.reason, ERR_INVALID, "%s lies after the day of ingest, %s", found, limit);
		if (add_fault(ingest, ingest->push.start + i, &fault) != OK)
			return ERR_MEMORY;
	}
	return ingest->fault_total > 0 ? faults_text(ingest, why) : OK;
}

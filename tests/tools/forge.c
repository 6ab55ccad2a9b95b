/*
 * A forger who has the program and every key: makes another history of a stopped ledger, with all its hashes, links,
 * roots and derived state in order, so that tests can show what finds it out: not the file, but whoever has kept
 * something that was signed before.
 *
 *	forge FOLDER NEW until SIZE           the ledger as it was at that size
 *	forge FOLDER NEW without INDEX        without the command that entry INDEX is of
 *	forge FOLDER NEW amount INDEX KEY     the trade of that entry is one yuan dearer; KEY is its venue's private key,
 *	                                      which signs the feed anew from there on
 *
 * NEW is a folder without a ledger. Up to the change the entries are the old ones; from there on every command is carried
 * out anew, at its old time and with new salts. What is refused then (a refund of what is not there, a push of a feed with a
 * hole) is left out, too. The new size is printed, and how many commands were left out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/fold.h"
#include "daemon/keyfile.h"
#include "daemon/replay.h"
#include "proto/date.h"

#define MAP_SIZE (1ULL << 30)
#define ENTRIES_MAX 65536 /* of a ledger that is forged, for all is held in memory */

struct forge {
	struct store_txn *old;
	uint64_t old_size;
	struct store_txn *txn; /* of the new ledger */
	struct ledger ledger;
	struct arena arena;
	uint64_t left_out;

	/* the change */
	uint64_t skipped;      /* the command that begins here, or UINT64_MAX */
	uint64_t dearer_index; /* the trade, or UINT64_MAX */
	struct signer *venue;  /* signs its feed anew, or NULL */
};

static void check(enum err err, const char *what)
{
	if (err == OK)
		return;
	fprintf(stderr, "forge: %s: %s\n", what, err_sentence(err));
	exit(1);
}

static struct entry entry_at(struct forge *forge, uint64_t index)
{
	struct entry entry;

	check(ledger_entry(forge->old, index, &forge->arena, &entry), "an entry");
	return entry;
}

/* Where the command begins that entry `index` is of. */
static uint64_t command_of(struct forge *forge, uint64_t index)
{
	struct entry entry = entry_at(forge, index);

	while (entry.kind == ENTRY_RECORD)
		entry = entry_at(forge, ++index);
	if (entry.kind == ENTRY_PUSH)
		return entry.push.first_index;
	return entry.kind == ENTRY_EFFECT ? entry.effect.order_index : index;
}

static void begin_command(struct forge *forge, const struct entry *first)
{
	struct stamp stamp;
	uint8_t seed[32];

	key_random(seed, sizeof(seed));
	stamp = ledger_stamp(&forge->ledger, first->time_us, seed);
	ledger_begin_command(&forge->ledger, &stamp);
}

static void end_command(struct forge *forge)
{
	check(store_error(forge->txn), "the fold");
	ledger_save(&forge->ledger, forge->txn);
}

/* The slices of a distrust follow their order at once: what they do is the same. */
static void fold_slices(struct forge *forge)
{
	uint64_t size;
	uint8_t seed[32];

	do {
		struct stamp stamp;

		size = forge->ledger.head.size;
		key_random(seed, sizeof(seed));
		stamp = fold_distrust_stamp(&forge->ledger, forge->ledger.head.last_time_us, seed);
		ledger_begin_command(&forge->ledger, &stamp);
		fold_distrust_slice(&forge->ledger, forge->txn);
		end_command(forge);
	} while (forge->ledger.head.size > size);
}

static enum err carry_out_order(struct forge *forge, const struct entry *entry)
{
	struct order_plan plan;
	struct why why = {{0}};
	enum err err;

	order_plan_init(&plan, entry->order.note, entry->order.items, entry->order.item_count);
	err = order_plan_decode(&plan, &why);
	if (err == OK)
		err = order_check(&plan, forge->txn, date_of_time(entry->time_us), &why);
	if (err == OK) {
		begin_command(forge, entry);
		fold_order(&forge->ledger, forge->txn, &plan);
		end_command(forge);
	}
	order_plan_done(&plan);
	if (err == OK)
		fold_slices(forge);
	return err;
}

static enum err keep_evidence(struct forge *forge, const struct entry *entry)
{
	struct evidence evidence;
	struct why why = {{0}};
	enum err err = evidence_of_entry(entry, forge->txn, &evidence, &why);

	if (err == OK) {
		begin_command(forge, entry);
		fold_evidence(&forge->ledger, forge->txn, &evidence);
		end_command(forge);
	}
	return err;
}

/* ---- pushes */

static struct slice dearer(struct forge *forge, struct slice bytes)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	struct record record;
	size_t fault_count;
	struct buf made;
	uint8_t *copy;

	check(record_decode(bytes, &forge->arena, &record, faults, &fault_count), "the record");
	if (record.kind != RECORD_TRADE)
		check(ERR_INVALID, "the record is no trade");
	record.trade.amount_fen += 100;
	buf_init(&made, RECORD_SIZE_MAX);
	check(record_encode(&record, &made), "the record");
	copy = arena_alloc(&forge->arena, made.size);
	if (copy == NULL)
		check(ERR_MEMORY, "the record");
	memcpy(copy, made.data, made.size);
	bytes = slice_of(copy, made.size);
	buf_done(&made);
	return bytes;
}

/* The feed's checkpoint over what the new ledger holds and these records. */
static struct slice sign_feed(struct forge *forge, const struct entry *push, const struct slice *records, size_t count)
{
	char id[VENUE_ID_SIZE_MAX + 1] = {0};
	struct checkpoint checkpoint;
	struct venue venue;
	struct feed feed;
	struct buf text, note;
	struct slice made;
	struct note old;
	uint8_t *copy;

	memcpy(id, push->push.venue.data, push->push.venue.size);
	check(note_parse(push->push.note, &old, NULL), "the note");
	check(checkpoint_parse(old.text, &checkpoint, NULL), "the note");
	if (!venue_get(forge->txn, slice_text(id), &venue) ||
	    !feed_get(forge->txn, venue.number, push->push.generation, &feed))
		check(ERR_NOT_FOUND, "the feed");
	for (size_t i = 0; i < count; i++) {
		struct hash leaf = hash_leaf(records[i]);

		frontier_append(&feed.frontier, &leaf);
	}
	checkpoint.root = frontier_root(&feed.frontier);
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	checkpoint_format(&checkpoint, &text);
	check(note_sign(buf_slice(&text), &forge->venue, 1, &note), "the note");
	copy = arena_alloc(&forge->arena, note.size);
	if (copy == NULL)
		check(ERR_MEMORY, "the note");
	memcpy(copy, note.data, note.size);
	made = slice_of(copy, note.size);
	buf_done(&text);
	buf_done(&note);
	return made;
}

/* Was it this key that signed the push? */
static bool is_of_signer(const struct forge *forge, const struct entry *push)
{
	struct note note;

	return forge->venue != NULL && note_parse(push->push.note, &note, NULL) == OK &&
	       note_names_key(&note, signer_key(forge->venue));
}

static void say_refused(uint64_t index, enum err err, const struct why *why)
{
	fprintf(stderr, "forge: entry %" PRIu64 " is left out: %s: %s\n", index, err_sentence(err), why->text);
}

static enum err carry_out_push(struct forge *forge, const struct entry *first, uint64_t push_index)
{
	struct entry entry = entry_at(forge, push_index);
	struct slice *records = calloc(entry.push.count, sizeof(*records));
	struct push push = {.start = first->record.feed_index, .records = records, .note = entry.push.note};
	char venue[VENUE_ID_SIZE_MAX + 1] = {0};
	struct why why = {{0}};
	struct ingest ingest;
	struct buf body;
	enum err err;

	if (records == NULL)
		check(ERR_MEMORY, "a push");
	for (uint64_t i = entry.push.first_index; i < push_index; i++) {
		struct slice bytes = entry_at(forge, i).record.record;

		records[push.record_count++] = i == forge->dearer_index ? dearer(forge, bytes) : bytes;
	}
	if (is_of_signer(forge, &entry))
		push.note = sign_feed(forge, &entry, records, push.record_count);
	memcpy(venue, entry.push.venue.data, entry.push.venue.size);
	buf_init(&body, PUSH_SIZE_MAX + NOTE_SIZE_MAX);
	check(push_encode(&push, &body), "a push");
	ingest_init(&ingest, venue, buf_slice(&body), false);
	err = ingest_decode(&ingest, &why);
	if (err == OK)
		err = ingest_check(&ingest, forge->txn, &why);
	if (err == OK) {
		begin_command(forge, first);
		fold_push(&forge->ledger, forge->txn, &ingest);
		end_command(forge);
	}
	if (err != OK)
		say_refused(push_index, err, &why);
	ingest_done(&ingest);
	buf_done(&body);
	free(records);
	return err;
}

/* ---- all commands */

/* Gives the index behind the command. */
static uint64_t carry_out(struct forge *forge, uint64_t index)
{
	struct entry first = entry_at(forge, index), entry = first;
	bool is_skipped = index == forge->skipped;
	enum err err = OK;

	switch (first.kind) {
	case ENTRY_ORDER: err = is_skipped ? OK : carry_out_order(forge, &first); break;
	case ENTRY_EVIDENCE: err = is_skipped ? OK : keep_evidence(forge, &first); break;
	case ENTRY_RECORD:
		while (entry.kind == ENTRY_RECORD)
			entry = entry_at(forge, ++index);
		err = is_skipped ? OK : carry_out_push(forge, &first, index);
		break;
	case ENTRY_EFFECT: /* made by its order */
	case ENTRY_PUSH:
	case ENTRY_GENESIS: break;
	}
	forge->left_out += is_skipped || err != OK;
	return index + 1;
}

/* The entries before the change, as they were. */
static void copy_until(struct store *store, struct forge *forge, uint64_t size)
{
	struct replay_task task = {.original = forge->old, .scratch = store, .size = size, .takes_entries = true};
	struct replay_counts counts;
	struct finding finding = {.kind = FINDING_NONE};
	enum err err = replay_run(&task, &counts, &finding);

	if (err != OK)
		fprintf(stderr, "forge: %s\n", finding.why.text);
	check(err, "the entries before");
}

static void forge_tail(struct store *store, struct forge *forge, uint64_t from)
{
	uint64_t index = from;

	check(store_write(store, &forge->txn), "the new ledger");
	check(ledger_load(&forge->ledger, forge->txn), "the new ledger");
	while (index < forge->old_size)
		index = carry_out(forge, index);
	check(store_commit(forge->txn), "the new ledger");
}

int main(int argc, char **argv)
{
	struct forge forge = {.skipped = UINT64_MAX, .dearer_index = UINT64_MAX};
	const char *verb = argc > 3 ? argv[3] : "";
	struct store *old, *new;
	struct why why = {{0}};
	uint64_t index, from;

	if (argc != (strcmp(verb, "amount") == 0 ? 6 : 5)) {
		fprintf(stderr, "usage: forge FOLDER NEW until SIZE | without INDEX | amount INDEX KEY\n");
		return 2;
	}
	check(key_global_init(), "the libraries");
	arena_init(&forge.arena, (size_t)ENTRIES_MAX * 4096);
	check(store_open(argv[1], MAP_SIZE, STORE_OPEN, &old, &why), argv[1]);
	check(store_open(argv[2], MAP_SIZE, STORE_CREATE, &new, &why), argv[2]);
	check(store_read(old, &forge.old), argv[1]);
	forge.old_size = ledger_size(forge.old);
	index = from = strtoull(argv[4], NULL, 10);
	if (strcmp(verb, "until") != 0)
		from = command_of(&forge, index);
	if (strcmp(verb, "without") == 0)
		forge.skipped = from;
	else if (strcmp(verb, "amount") == 0)
		forge.dearer_index = index;
	if (argc == 6)
		check(keyfile_load(argv[5], &forge.venue, &why), argv[5]);
	copy_until(new, &forge, from);
	forge.ledger.head.size = from;
	if (strcmp(verb, "until") != 0)
		forge_tail(new, &forge, from);
	printf("%" PRIu64 " %" PRIu64 "\n", forge.ledger.head.size, forge.left_out);
	store_abort(forge.old);
	store_close(new);
	store_close(old);
	ledger_done(&forge.ledger);
	signer_free(forge.venue);
	arena_done(&forge.arena);
	return 0;
}

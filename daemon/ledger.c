#include "daemon/ledger.h"

#include <assert.h>
#include <string.h>

#include "proto/date.h"

#define HEAD_ROW_MAX (3 * 8 + HASH_SIZE + 8 + TREE_DEPTH_MAX * HASH_SIZE)
#define IDENTITY_ROW_MAX 1024

static struct slice u64_key(uint64_t value, uint8_t ret_key[static 8])
{
	for (unsigned i = 0; i < 8; i++)
		ret_key[i] = (uint8_t)(value >> (56 - 8 * i));
	return slice_of(ret_key, 8);
}

static enum err head_decode(struct slice row, struct ledger_head *ret_head)
{
	struct reader reader = reader_of(row);
	struct ledger_head head;
	struct slice leaf;

	head.size = reader_u64(&reader);
	head.folded = reader_u64(&reader);
	head.last_time_us = reader_u64(&reader);
	leaf = reader_bytes(&reader, HASH_SIZE);
	if (reader.is_short || frontier_decode(reader.rest, &head.frontier) != OK || head.frontier.size != head.size ||
	    head.folded > head.size)
		return ERR_DAMAGED;
	memcpy(head.last_leaf.bytes, leaf.data, HASH_SIZE);
	*ret_head = head;
	return OK;
}

enum err ledger_read_head(struct store_txn *txn, struct ledger_head *ret_head)
{
	struct slice row;

	if (store_get(txn, STORE_META, slice_text("head"), &row))
		return head_decode(row, ret_head);
	return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
}

enum err ledger_load(struct ledger *ledger, struct store_txn *txn)
{
	struct slice row;
	enum err err = OK;

	memset(ledger, 0, sizeof(*ledger));
	frontier_init(&ledger->head.frontier);
	buf_init(&ledger->scratch, ENTRY_SIZE_MAX);
	ledger->slice_trades_max = DISTRUST_SLICE_MAX;
	ledger->slice_look_max = DISTRUST_LOOK_MAX;
	if (store_get(txn, STORE_META, slice_text("head"), &row))
		err = head_decode(row, &ledger->head);
	return err != OK ? err : store_error(txn);
}

void ledger_done(struct ledger *ledger)
{
	buf_done(&ledger->scratch);
}

struct stamp ledger_stamp(const struct ledger *ledger, uint64_t now_us, const uint8_t seed[static 32])
{
	struct stamp stamp = {.time_us = now_us};

	memcpy(stamp.seed, seed, sizeof(stamp.seed));
	if (ledger->head.size > 0 && now_us <= ledger->head.last_time_us) {
		stamp.time_us = ledger->head.last_time_us + 1;
		/* Entries of one burst may run a little ahead of the clock, a microsecond each; that is no step back. */
		if (ledger->head.last_time_us - now_us > GROUP_RECORDS_MAX * 2)
			stamp.flags |= ENTRY_FLAG_CLOCK_STEPPED_BACK;
	}
	return stamp;
}

void ledger_begin_command(struct ledger *ledger, const struct stamp *stamp)
{
	ledger->stamp = *stamp;
	ledger->command_start = ledger->head.size;
}

static void set_salt(struct ledger *ledger, uint64_t index, struct entry *entry)
{
	uint8_t key[8];
	struct slice parts[2] = {slice_of(ledger->stamp.seed, sizeof(ledger->stamp.seed)), u64_key(index, key)};
	struct hash hash;

	hash = hash_sha256_parts(parts, 2);
	memcpy(entry->salt, hash.bytes, SALT_SIZE);
}

static void set_different(struct ledger *ledger, uint64_t index)
{
	if (!ledger->is_different)
		ledger->different_index = index;
	ledger->is_different = true;
}

/* In a replay: it must be the stored one, whose leaf hash is known. */
static struct hash leaf_of_stored(
    struct ledger *ledger, uint64_t index, const struct ledger_stored *stored, struct slice bytes)
{
	if (stored != NULL && slice_equal(stored->bytes, bytes))
		return stored->leaf;
	set_different(ledger, index);
	return hash_leaf(bytes);
}

bool ledger_may_lag_behind(const struct entry *entry)
{
	/* A refund that counts refers to its trade. */
	if (entry->kind == ENTRY_RECORD)
		return entry->record.disposition == DISPOSITION_COUNTED && entry->record.refers == 0;
	return entry->kind == ENTRY_PUSH || entry->kind == ENTRY_EVIDENCE;
}

static void advance(struct ledger *ledger, size_t count, bool must_fold)
{
	ledger->head.size += count;
	if (!ledger->may_lag)
		ledger->head.folded = ledger->head.size;
	ledger->must_fold |= must_fold;
}

uint64_t ledger_append(struct ledger *ledger, struct store_txn *txn, struct entry *entry)
{
	struct ledger_head *head = &ledger->head;
	uint64_t index = head->size;
	uint8_t key[8];
	struct ledger_stored stored;
	bool is_replay = ledger->stored != NULL,
	     is_stored = is_replay && ledger->stored(ledger->stored_cookie, index, &stored);
	struct slice bytes;
	enum err err;

	if (store_error(txn) != OK)
		return index;
	assert(index < TREE_SIZE_MAX);
	entry->time_us = ledger->stamp.time_us + (index - ledger->command_start);
	if (!entry_time_is_valid(entry->time_us)) {
		/* A clock beyond every date; in a replay an entry that can't have been made so. */
		if (is_replay)
			set_different(ledger, index);
		else
			store_fail(txn, ERR_INVALID);
		return index;
	}
	entry->flags = index == ledger->command_start ? ledger->stamp.flags : 0;
	entry->previous = head->last_leaf;
	memset(entry->salt, 0, SALT_SIZE);
	if (entry->kind != ENTRY_RECORD) {
		/* In a replay the salt is the stored one, for it was random; everything else must come out the same. */
		if (!is_replay)
			set_salt(ledger, index, entry);
		else if (is_stored && stored.salt != NULL)
			memcpy(entry->salt, stored.salt, SALT_SIZE);
	}
	buf_clear(&ledger->scratch);
	err = entry_encode(entry, &ledger->scratch);
	if (err != OK) {
		/* What may enter was bounded before; only memory can be short here. */
		store_fail(txn, err);
		return index;
	}
	bytes = buf_slice(&ledger->scratch);
	store_append(txn, STORE_ENTRIES, u64_key(index, key), bytes);
	head->last_leaf =
	    is_replay ? leaf_of_stored(ledger, index, is_stored ? &stored : NULL, bytes) : hash_leaf(bytes);
	tiles_append(txn, LEDGER_TREE, &head->frontier, &head->last_leaf);
	head->last_time_us = entry->time_us;
	advance(ledger, 1, !ledger_may_lag_behind(entry));
	return index;
}

void ledger_append_made(struct ledger *ledger, struct store_txn *txn, const struct ledger_made *made)
{
	struct ledger_head *head = &ledger->head;
	size_t start = 0;
	uint8_t key[8];

	assert(ledger->stored == NULL);
	if (made->err != OK)
		store_fail(txn, made->err);
	if (store_error(txn) != OK || made->count == 0)
		return;
	for (size_t i = 0; i < made->count; i++) {
		store_append(txn, STORE_ENTRIES, u64_key(head->size + i, key),
		    slice_of(made->bytes + start, made->ends[i] - start));
		start = made->ends[i];
	}
	tiles_put(txn, LEDGER_TREE, made->tiles, made->tile_count);
	head->last_leaf = made->last_leaf;
	head->frontier = made->frontier;
	head->last_time_us = made->last_time_us;
	advance(ledger, made->count, made->must_fold);
}

void ledger_append_first(struct ledger *ledger, struct store_txn *txn, struct slice bytes, const struct hash *last_leaf)
{
	struct ledger_head *head = &ledger->head;
	struct hash leaf = hash_leaf(bytes);
	uint8_t key[8];

	assert(head->size == 0);
	store_append(txn, STORE_ENTRIES, u64_key(0, key), bytes);
	tiles_append(txn, LEDGER_TREE, &head->frontier, &leaf);
	head->last_leaf = *last_leaf;
	head->last_time_us = ledger->stamp.time_us;
	head->size = head->folded = 1;
}

void ledger_save(const struct ledger *ledger, struct store_txn *txn)
{
	struct buf row;

	buf_init(&row, HEAD_ROW_MAX);
	buf_u64(&row, ledger->head.size);
	buf_u64(&row, ledger->head.folded);
	buf_u64(&row, ledger->head.last_time_us);
	buf_add_slice(&row, hash_slice(&ledger->head.last_leaf));
	frontier_encode(&ledger->head.frontier, &row);
	if (row.err != OK)
		store_fail(txn, row.err);
	else
		store_put(txn, STORE_META, slice_text("head"), buf_slice(&row));
	buf_done(&row);
}

void ledger_set_folded(struct ledger *ledger)
{
	ledger->head.folded = ledger->head.size;
	ledger->must_fold = false;
}

uint64_t ledger_size(struct store_txn *txn)
{
	struct ledger_head head;
	enum err err = ledger_read_head(txn, &head);

	if (err != OK)
		store_fail(txn, err);
	return err == OK ? head.size : 0;
}

/* The stored identity, as far as it is read without work: parsing a key checks that it is a point of its curve. */
struct identity_row {
	uint32_t rules;
	struct slice origin, id, vkey;
};

static enum err read_identity_row(struct store_txn *txn, struct identity_row *ret_row)
{
	struct identity_row identity;
	struct reader reader;
	struct slice row;

	if (!store_get(txn, STORE_META, slice_text("identity"), &row))
		return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
	reader = reader_of(row);
	if (reader_u32(&reader) != LEDGER_SCHEMA)
		return ERR_DAMAGED;
	identity.rules = reader_u32(&reader);
	identity.origin = reader_sized(&reader);
	identity.id = reader_sized(&reader);
	identity.vkey = reader_sized(&reader);
	if (!reader_is_done(&reader) || identity.origin.size >= ORIGIN_TEXT_SIZE || identity.id.size != LEDGER_ID_SIZE)
		return ERR_DAMAGED;
	*ret_row = identity;
	return OK;
}

enum err ledger_read_identity(struct store_txn *txn, struct ledger_identity *ret_identity)
{
	struct ledger_identity identity = {0};
	struct identity_row row;
	enum err err = read_identity_row(txn, &row);

	if (err != OK)
		return err;
	if (key_parse(row.vkey, &identity.ledger_key) != OK)
		return ERR_DAMAGED;
	identity.rules = row.rules;
	memcpy(identity.origin, row.origin.data, row.origin.size);
	memcpy(identity.ledger_id, row.id.data, row.id.size);
	*ret_identity = identity;
	return OK;
}

enum err ledger_read_id(struct store_txn *txn, char ret_id[static LEDGER_ID_SIZE + 1])
{
	struct identity_row row;
	enum err err = read_identity_row(txn, &row);

	if (err != OK)
		return err;
	memcpy(ret_id, row.id.data, LEDGER_ID_SIZE);
	ret_id[LEDGER_ID_SIZE] = '\0';
	return OK;
}

void ledger_save_identity(struct store_txn *txn, const struct ledger_identity *identity)
{
	char vkey[KEY_VKEY_SIZE];
	struct buf row;

	key_format(&identity->ledger_key, vkey);
	buf_init(&row, IDENTITY_ROW_MAX);
	buf_u32(&row, LEDGER_SCHEMA);
	buf_u32(&row, identity->rules);
	buf_sized(&row, slice_text(identity->origin));
	buf_sized(&row, slice_text(identity->ledger_id));
	buf_sized(&row, slice_text(vkey));
	if (row.err != OK)
		store_fail(txn, row.err);
	else
		store_put(txn, STORE_META, slice_text("identity"), buf_slice(&row));
	buf_done(&row);
}

bool ledger_bytes(struct store_txn *txn, uint64_t index, struct slice *ret_bytes)
{
	uint8_t key[8];

	return store_get(txn, STORE_ENTRIES, u64_key(index, key), ret_bytes);
}

enum err ledger_entry(struct store_txn *txn, uint64_t index, struct arena *arena, struct entry *ret_entry)
{
	struct slice bytes;
	enum err err;

	if (!ledger_bytes(txn, index, &bytes))
		return store_error(txn) != OK ? store_error(txn) : ERR_NOT_FOUND;
	err = entry_decode(bytes, arena, ret_entry);
	return err == OK || err == ERR_MEMORY ? err : ERR_DAMAGED;
}

/* Time of one entry, for the search by date. */
static enum err time_at(struct store_txn *txn, struct arena *arena, uint64_t index, uint64_t *ret_time_us)
{
	struct entry entry;
	enum err err;

	arena_reset(arena);
	err = ledger_entry(txn, index, arena, &entry);
	if (err == OK)
		*ret_time_us = entry.time_us;
	return err == ERR_NOT_FOUND ? ERR_DAMAGED : err;
}

enum err ledger_size_at(struct store_txn *txn, uint32_t date, uint64_t *ret_size)
{
	uint64_t limit_us = date_start_us(date_add_days(date, 1)), low = 0, high = ledger_size(txn), time_us;
	struct arena arena;
	enum err err = store_error(txn);

	arena_init(&arena, 4 * ENTRY_SIZE_MAX);
	/* Times rise strictly, so the first entry that is not before the limit is found by halving. */
	while (err == OK && low < high) {
		uint64_t middle = low + (high - low) / 2;

		err = time_at(txn, &arena, middle, &time_us);
		if (err == OK && time_us < limit_us)
			low = middle + 1;
		else
			high = middle;
	}
	arena_done(&arena);
	if (err == OK)
		*ret_size = low;
	return err;
}

static enum err bytes_of_entry(void *cookie, uint64_t index, struct slice *ret_bytes)
{
	struct store_txn *txn = cookie;

	if (ledger_bytes(txn, index, ret_bytes))
		return OK;
	return store_error(txn) != OK ? store_error(txn) : ERR_DAMAGED;
}

static enum err leaf_of_entry(void *cookie, uint64_t index, struct hash *ret_hash)
{
	struct slice bytes;
	enum err err = bytes_of_entry(cookie, index, &bytes);

	if (err == OK)
		*ret_hash = hash_leaf(bytes);
	return err;
}

struct tiles_leaves ledger_leaves(struct store_txn *txn)
{
	return (struct tiles_leaves){.leaf = leaf_of_entry, .cookie = txn, .entry = bytes_of_entry};
}

/* Entries don't change, so neither do their leaves. */
static enum err leaf_of_source(void *cookie, uint64_t index, struct hash *ret_hash)
{
	struct ledger_source *source = cookie;
	size_t place = index % TILE_WIDTH;
	enum err err = OK;

	if (source->leaves[place].number != index + 1) {
		err = leaf_of_entry(source->txn, index, &source->leaves[place].hash);
		source->leaves[place].number = err == OK ? index + 1 : 0;
	}
	if (err == OK)
		*ret_hash = source->leaves[place].hash;
	return err;
}

static enum err hash_of_source(void *cookie, unsigned level, uint64_t index, struct hash *ret_hash)
{
	struct ledger_source *source = cookie;
	struct tiles_leaves leaves = {.leaf = leaf_of_source, .cookie = source};

	return tiles_hash(source->txn, LEDGER_TREE, &leaves, level, index, ret_hash);
}

/*
 * The roots of the stored head's frontier need not be hashed again: a proof of a new entry goes along the edge of the
 * tree, and consists of little else. Without this it would read and hash up to 255 entries, and as many stored roots on
 * each level of tiles. Whether the head is right is not for this source to show: that is compared at every start.
 */
static enum err hash_along_edge(void *cookie, unsigned level, uint64_t index, struct hash *ret_hash)
{
	struct ledger_source *source = cookie;
	const struct frontier *edge = &source->edge;

	if ((edge->size >> level & 1) == 0 || index != (edge->size >> level) - 1)
		return hash_of_source(cookie, level, index, ret_hash);
	*ret_hash = edge->hashes[frontier_count(edge->size >> level >> 1)];
	return OK;
}

void ledger_source_init(struct ledger_source *source, struct store_txn *txn)
{
	source->txn = txn;
	source->source = (struct tree_source){.hash = hash_of_source, .cookie = source};
	for (size_t i = 0; i < TILE_WIDTH; i++)
		source->leaves[i].number = 0;
}

enum err ledger_source_init_edge(struct ledger_source *source, struct store_txn *txn)
{
	struct ledger_head head;
	enum err err = ledger_read_head(txn, &head);

	if (err != OK)
		return err;
	ledger_source_init(source, txn);
	source->source.hash = hash_along_edge;
	source->edge = head.frontier;
	return OK;
}

enum err ledger_proof(
    struct ledger_source *source, uint64_t index, uint64_t size, struct slice note, struct buf *ret_proof)
{
	struct proof proof = {.has_extra = true, .index = index, .note = note};
	enum err err;

	if (index >= size)
		return ERR_NOT_FOUND;
	err = tree_inclusion(&source->source, index, size, &proof.path);
	if (err != OK)
		return err;
	if (!ledger_bytes(source->txn, index, &proof.extra))
		return store_error(source->txn) != OK ? store_error(source->txn) : ERR_DAMAGED;
	proof_format(&proof, ret_proof);
	return ret_proof->err;
}

#include "daemon/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "daemon/crew.h"
#include "daemon/state.h"
#include "proto/tile.h"
#include "proto/trust.h"

#define IDENTITY_SIZE_MAX 65536 /* bytes of ledger.json */
#define COMMIT_BUNDLES 256      /* between commits of the store that is loaded */

/* ---- files */

/* ERR_NOT_FOUND, ERR_TOO_LARGE (longer than the buffer's maximum), ERR_IO, ERR_MEMORY. */
static enum err read_file(const struct mirror *mirror, const char *name, struct buf *ret_bytes, struct why *why)
{
	static const size_t step = 65536;
	char path[PATH_MAX];
	uint8_t *block = malloc(step);
	ssize_t size = -1;
	int fd = -1;
	enum err err = OK;

	if (block == NULL)
		return ERR_MEMORY;
	if (snprintf(path, sizeof(path), "%s/%s", mirror->path, name) >= (int)sizeof(path))
		err = why_set(why, ERR_TOO_LARGE, "the folder's path is too long: %s", mirror->path);
	if (err == OK)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (err == OK && fd < 0)
		err = why_set(why, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO, "can't read %s: %s",
		    path, strerror(errno));
	buf_clear(ret_bytes);
	while (err == OK && (size = read(fd, block, step)) > 0) {
		buf_add(ret_bytes, block, (size_t)size);
		err = ret_bytes->err;
	}
	if (err == OK && size < 0)
		err = why_set(why, ERR_IO, "can't read %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(block);
	return err;
}

static enum err read_tile(const struct mirror *mirror, const struct tile *tile, struct buf *ret_bytes, struct why *why)
{
	char name[TILE_PATH_SIZE + 8] = "tile/";

	tile_format(tile, name + strlen(name));
	return read_file(mirror, name, ret_bytes, why);
}

static bool is_there(const struct mirror *mirror, const struct tile *tile)
{
	char name[TILE_PATH_SIZE], path[PATH_MAX];

	tile_format(tile, name);
	return snprintf(path, sizeof(path), "%s/tile/%s", mirror->path, name) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

/* ---- whose copy it is */

static enum err wrong_file(enum err err, const char *name, struct finding *finding)
{
	if (err == ERR_NOT_FOUND)
		return finding_set(finding, FINDING_MISSING, "%s: there is no such file in the folder", name);
	if (err == ERR_TOO_LARGE)
		return finding_set(finding, FINDING_INVALID, "%s: longer than it can be", name);
	return err;
}

/* A key of the ledger; one that is there already is passed over. */
static bool add_key(struct mirror *mirror, const char *vkey)
{
	struct key key;

	if (vkey == NULL || key_parse(slice_text(vkey), &key) != OK || strcmp(key.name, mirror->origin) != 0)
		return false;
	for (size_t i = 0; i < mirror->key_count; i++)
		if (key_equal(&mirror->keys[i], &key))
			return true;
	if (mirror->key_count == LOG_KEYS_EVER_MAX)
		return false;
	mirror->keys[mirror->key_count++] = key;
	return true;
}

static bool parse_identity(struct slice bytes, struct mirror *mirror)
{
	json_t *json = json_loadb((const char *)bytes.data, bytes.size, JSON_REJECT_DUPLICATES, NULL);
	json_t *vkeys = json_object_get(json, "vkeys");
	const char *origin = "", *id = "", *vkey = NULL;
	bool is_good = json != NULL &&
		       json_unpack(json, "{s:s, s:s, s:s}", "origin", &origin, "ledger_id", &id, "vkey", &vkey) == 0 &&
		       origin_is_valid(slice_text(origin)) && strlen(origin) < ORIGIN_TEXT_SIZE &&
		       strlen(id) == LEDGER_ID_SIZE;

	if (is_good) {
		snprintf(mirror->origin, sizeof(mirror->origin), "%s", origin);
		snprintf(mirror->ledger_id, sizeof(mirror->ledger_id), "%s", id);
		is_good = add_key(mirror, vkey);
	}
	for (size_t i = 0; is_good && i < json_array_size(vkeys); i++)
		is_good = add_key(mirror, json_string_value(json_array_get(vkeys, i)));
	json_decref(json);
	return is_good;
}

static enum err read_identity(struct mirror *mirror, struct finding *finding)
{
	struct buf bytes;
	enum err err;

	buf_init(&bytes, IDENTITY_SIZE_MAX);
	err = wrong_file(read_file(mirror, "ledger.json", &bytes, &finding->why), "ledger.json", finding);
	if (err == OK && !parse_identity(buf_slice(&bytes), mirror))
		err = finding_set(finding, FINDING_INVALID, "ledger.json: does not name a ledger and its key");
	buf_done(&bytes);
	return err;
}

static enum err check_checkpoint(
    struct mirror *mirror, struct slice bytes, const struct key *trusted, struct finding *finding)
{
	struct note *note = malloc(sizeof(*note));
	struct why why = {""};
	uint64_t signed_by;
	enum err err = note == NULL ? ERR_MEMORY : note_parse(bytes, note, &why);

	if (err == OK)
		err = checkpoint_parse(note->text, &mirror->checkpoint, &why);
	if (err != OK && err != ERR_MEMORY)
		err = finding_set(finding, FINDING_INVALID, "checkpoint: it is none: %s", why.text);
	if (err == OK && strcmp(mirror->checkpoint.origin, mirror->origin) != 0)
		err = finding_set(finding, FINDING_INVALID, "checkpoint: it is of %s, ledger.json of %s",
		    mirror->checkpoint.origin, mirror->origin);
	if (err == OK && note_verify(note, mirror->keys, mirror->key_count, &signed_by) != OK)
		err = finding_set(finding, FINDING_INVALID, "checkpoint: it is not signed by a key in ledger.json");
	if (err == OK && trusted != NULL && note_verify(note, trusted, 1, &signed_by) != OK)
		err = finding_set(finding, FINDING_INVALID, "checkpoint: it is not signed by the key of --vkey");
	if (err == OK && mirror->checkpoint.size == 0)
		err = finding_set(finding, FINDING_MISSING, "entry 0: it is missing: the checkpoint is of no entries");
	if (err == OK) {
		memcpy(mirror->note, bytes.data, bytes.size);
		mirror->note_size = bytes.size;
	}
	free(note);
	return err;
}

enum err mirror_open(const char *path, const struct key *trusted, struct mirror *ret_mirror, struct finding *finding)
{
	struct mirror *mirror = ret_mirror;
	struct buf bytes;
	enum err err = OK;

	if (access(path, X_OK) != 0)
		return why_set(&finding->why, ERR_IO, "can't look into %s: %s", path, strerror(errno));
	memset(mirror, 0, sizeof(*mirror));
	mirror->path = path;
	buf_init(&bytes, CHECKPOINT_SIZE_MAX);
	err = read_identity(mirror, finding);
	if (err == OK)
		err = wrong_file(read_file(mirror, "checkpoint", &bytes, &finding->why), "checkpoint", finding);
	if (err == OK)
		err = check_checkpoint(mirror, buf_slice(&bytes), trusted, finding);
	buf_done(&bytes);
	return err;
}

/* ---- bundles */

static void set_broken(struct mirror *mirror, const struct tile *tile, uint64_t index, const char *what)
{
	char name[TILE_PATH_SIZE];

	if (mirror->is_broken)
		return;
	tile_format(tile, name);
	mirror->is_broken = true;
	mirror->broken_index = index;
	why_set(
	    &mirror->broken, ERR_DAMAGED, "entry %llu: its bundle tile/%s %s", (unsigned long long)index, name, what);
}

/* As many of its entries as it has. */
static void load_bundle(struct mirror *mirror, const struct tile *tile, struct slice bytes, struct store_txn *txn)
{
	struct reader reader = reader_of(bytes);
	uint64_t first = tile->index * TILE_WIDTH;
	uint8_t key[STATE_U64_SIZE];

	for (unsigned i = 0; i < tile->width; i++) {
		struct slice entry = reader_sized(&reader);

		if (reader.is_short) {
			set_broken(mirror, tile, first + i, "ends within it");
			return;
		}
		/* An empty value would be taken for an entry that is not there. */
		if (entry.size == 0) {
			set_broken(mirror, tile, first + i, "holds nothing of it");
			return;
		}
		store_append(txn, STORE_ENTRIES, state_u64(first + i, key), entry);
	}
	if (!reader_is_done(&reader))
		set_broken(mirror, tile, first + tile->width, "has bytes behind its last entry");
}

static enum err load_some(
    struct mirror *mirror, struct store_txn *txn, uint64_t first, uint64_t count, struct finding *finding)
{
	struct buf bytes;
	enum err err = OK;

	buf_init(&bytes, BUNDLE_SIZE_MAX + 1);
	for (uint64_t i = first; i < first + count && err == OK; i++) {
		struct tile tile = {.is_bundle = true, .index = i};

		tile.width = tile_width(0, i, mirror->checkpoint.size);
		if (tile.width == 0)
			break;
		err = read_tile(mirror, &tile, &bytes, &finding->why);
		if (err == OK)
			load_bundle(mirror, &tile, buf_slice(&bytes), txn);
		else if (err == ERR_TOO_LARGE)
			set_broken(mirror, &tile, i * TILE_WIDTH, "is longer than a bundle can be");
		if (err == ERR_NOT_FOUND || err == ERR_TOO_LARGE)
			err = OK; /* what is not there shows in the replay */
		if (err == OK)
			err = store_error(txn);
	}
	buf_done(&bytes);
	return err;
}

enum err mirror_load(struct mirror *mirror, struct store *store, struct finding *finding)
{
	uint64_t bundle_count = (mirror->checkpoint.size + TILE_WIDTH - 1) / TILE_WIDTH;
	struct store_txn *txn;
	enum err err = OK;

	for (uint64_t i = 0; i < bundle_count && err == OK; i += COMMIT_BUNDLES) {
		err = store_write(store, &txn);
		if (err != OK)
			break;
		err = load_some(mirror, txn, i, COMMIT_BUNDLES, finding);
		if (err == OK)
			err = store_commit(txn);
		else
			store_abort(txn);
	}
	return err;
}

/* ---- what the replay gave */

/* The chain holds the hash of every entry but the last; the tile of its hash says whether it was that one. */
static enum err name_wrong_root(const struct mirror *mirror, const struct ledger_head *head, struct finding *finding)
{
	uint64_t last = head->size - 1;
	struct tile tile = {.index = last / TILE_WIDTH, .width = tile_width(0, last / TILE_WIDTH, head->size)};
	struct buf bytes;
	enum err err;

	buf_init(&bytes, TILE_WIDTH * HASH_SIZE);
	err = read_tile(mirror, &tile, &bytes, NULL);
	if (err == OK && bytes.size == (size_t)tile.width * HASH_SIZE &&
	    memcmp(bytes.data + (last % TILE_WIDTH) * HASH_SIZE, head->last_leaf.bytes, HASH_SIZE) != 0)
		err = finding_set(finding, FINDING_INVALID,
		    "entry %llu: it was changed: it does not give the checkpoint's root", (unsigned long long)last);
	else if (err != ERR_MEMORY)
		err = finding_set(finding, FINDING_INVALID,
		    "checkpoint: its root is not that of these entries: they are another history");
	buf_done(&bytes);
	return err;
}

static enum err check_identity(
    const struct mirror *mirror, const struct ledger_identity *identity, struct finding *finding)
{
	if (strcmp(identity->ledger_id, mirror->ledger_id) != 0)
		return finding_set(finding, FINDING_INVALID, "ledger.json: it names ledger %s; entry 0 makes %s",
		    mirror->ledger_id, identity->ledger_id);
	if (strcmp(identity->origin, mirror->origin) != 0)
		return finding_set(finding, FINDING_INVALID, "ledger.json: it names origin %s; entry 0 names %s",
		    mirror->origin, identity->origin);
	return OK;
}

static bool names_key(const struct mirror *mirror, const struct key *key)
{
	for (size_t i = 0; i < mirror->key_count; i++)
		if (key_equal(&mirror->keys[i], key))
			return true;
	return false;
}

/*
 * The ledger signs with every checkpoint key that is valid at a size. A line that is not there, or that was changed into one
 * of nobody, leaves the others good, but is damage all the same.
 */
static enum err check_signers(
    const struct mirror *mirror, const struct log_keys *keys, const struct note *note, struct finding *finding)
{
	struct key valid[LOG_KEYS_MAX];
	size_t count = log_keys_valid(keys, LOG_KEY_CHECKPOINT, mirror->checkpoint.size, valid);
	uint64_t signed_by = 0;
	char vkey[KEY_VKEY_SIZE];

	if (note_verify(note, valid, count, &signed_by) != OK)
		return finding_set(finding, FINDING_INVALID,
		    "checkpoint: it is not signed by a key that was the ledger's at size %llu",
		    (unsigned long long)mirror->checkpoint.size);
	for (size_t i = 0; i < count; i++) {
		key_format(&valid[i], vkey);
		if (!names_key(mirror, &valid[i]))
			return finding_set(finding, FINDING_INVALID,
			    "ledger.json: it does not name %s, which was the ledger's at size %llu", vkey,
			    (unsigned long long)mirror->checkpoint.size);
		if ((signed_by >> i & 1) == 0)
			return finding_set(finding, FINDING_INVALID,
			    "checkpoint: the line of %s is missing, which was the ledger's at size %llu", vkey,
			    (unsigned long long)mirror->checkpoint.size);
	}
	return OK;
}

/* The keys in ledger.json are no stranger's, and those that were valid then have signed the checkpoint. */
static enum err check_keys(const struct mirror *mirror, struct store_txn *txn, struct finding *finding)
{
	struct log_keys *keys = malloc(sizeof(*keys));
	struct note *note = malloc(sizeof(*note));
	enum err err = keys == NULL || note == NULL ? ERR_MEMORY : log_keys_get(txn, keys);

	for (size_t i = 0; err == OK && i < mirror->key_count; i++) {
		bool is_own = false;

		for (size_t k = 0; k < keys->count && !is_own; k++)
			is_own = key_equal(&keys->keys[k].key, &mirror->keys[i]);
		if (!is_own)
			err = finding_set(
			    finding, FINDING_INVALID, "ledger.json: it names a key that is none of the ledger's");
	}
	if (err == OK)
		err = note_parse(slice_of(mirror->note, mirror->note_size), note, NULL);
	if (err == OK)
		err = check_signers(mirror, keys, note, finding);
	free(note);
	free(keys);
	return err;
}

static enum err check_replayed(const struct mirror *mirror, struct store_txn *txn, struct finding *finding)
{
	struct ledger_identity identity;
	struct ledger_head head;
	struct hash root;
	enum err err = ledger_read_identity(txn, &identity);

	if (err == OK)
		err = ledger_read_head(txn, &head);
	if (err == OK)
		err = check_identity(mirror, &identity, finding);
	if (err == OK)
		err = check_keys(mirror, txn, finding);
	if (err != OK)
		return err;
	root = frontier_root(&head.frontier);
	return hash_equal(&root, &mirror->checkpoint.root) ? OK : name_wrong_root(mirror, &head, finding);
}

/* ---- tiles of hashes */

/* Tiles are numbered through: those of level 0, then those of level 1, and so on. */
struct tiles_check {
	const struct mirror *mirror;
	struct store *entries, *replayed;
	uint64_t tile_count;
	atomic_uint_fast64_t next;
	struct {
		uint64_t number; /* of the tile that this thread ended with, where that is not right or can't be read */
		enum err err;
		struct finding finding;
	} found[VERIFY_THREADS_MAX];
};

static uint64_t level_tiles(const struct mirror *mirror, unsigned level)
{
	uint64_t hashes = mirror->checkpoint.size >> (TILE_HEIGHT * level);

	return hashes / TILE_WIDTH + (hashes % TILE_WIDTH > 0);
}

static struct tile nth_tile(const struct mirror *mirror, uint64_t number)
{
	struct tile tile = {.level = 0};

	while (number >= level_tiles(mirror, tile.level))
		number -= level_tiles(mirror, tile.level++);
	tile.index = number;
	tile.width = tile_width(tile.level, number, mirror->checkpoint.size);
	return tile;
}

/* The tile is not there: is any behind it in its level? */
static enum err absent_tile(const struct mirror *mirror, const struct tile *tile, struct finding *finding)
{
	char name[TILE_PATH_SIZE];
	struct tile later = *tile;
	bool is_gap = false;

	tile_format(tile, name);
	for (later.index++; later.index < level_tiles(mirror, tile->level) && !is_gap; later.index++) {
		later.width = tile_width(later.level, later.index, mirror->checkpoint.size);
		is_gap = is_there(mirror, &later);
	}
	return finding_set(finding, is_gap ? FINDING_GAP : FINDING_MISSING,
	    is_gap ? "tile/%s: it is missing, and later ones are there" : "tile/%s: it is missing", name);
}

static enum err check_tile(const struct mirror *mirror, struct store_txn *replayed, const struct tile *tile,
    struct buf *scratch, struct finding *finding)
{
	struct tiles_leaves leaves = ledger_leaves(replayed);
	char name[TILE_PATH_SIZE];
	struct buf want;
	enum err err = read_tile(mirror, tile, scratch, &finding->why);
	bool is_too_long = err == ERR_TOO_LARGE;

	if (err == ERR_NOT_FOUND)
		return absent_tile(mirror, tile, finding);
	if (err != OK && !is_too_long)
		return err;
	buf_init(&want, TILE_WIDTH * HASH_SIZE);
	err = tiles_encode(replayed, LEDGER_TREE, &leaves, tile, &want);
	if (err == OK && (is_too_long || !slice_equal(buf_slice(&want), buf_slice(scratch)))) {
		tile_format(tile, name);
		err = finding_set(finding, FINDING_STATE, "tile/%s: it differs from what the entries give", name);
	}
	buf_done(&want);
	return err;
}

static enum err check_some(void *cookie, unsigned number)
{
	struct tiles_check *check = cookie;
	struct store_txn *entries = NULL, *replayed = NULL;
	struct buf scratch;
	uint64_t next;
	enum err err = store_read(check->entries, &entries);

	buf_init(&scratch, TILE_WIDTH * HASH_SIZE);
	if (err == OK)
		err = store_read(check->replayed, &replayed);
	if (err == OK)
		store_borrow_entries(replayed, entries);
	/* Drawn in order, so everything before a wrong tile was drawn by somebody. */
	while (err == OK && (next = atomic_fetch_add(&check->next, 1)) < check->tile_count) {
		struct tile tile = nth_tile(check->mirror, next);

		err = check_tile(check->mirror, replayed, &tile, &scratch, &check->found[number].finding);
		check->found[number].number = next;
		check->found[number].err = err;
	}
	buf_done(&scratch);
	store_abort(replayed);
	store_abort(entries);
	return err;
}

/* The first tile of all threads' that is wrong or can't be read; OK where none is. */
static enum err first_found(const struct tiles_check *check, unsigned thread_count, struct finding *finding)
{
	uint64_t first = UINT64_MAX;
	enum err err = OK;

	for (unsigned i = 0; i < thread_count; i++) {
		if (check->found[i].err == OK || check->found[i].number >= first)
			continue;
		first = check->found[i].number;
		err = check->found[i].err;
		*finding = check->found[i].finding;
	}
	return err;
}

static enum err check_tiles(
    struct tiles_check *check, unsigned thread_count, uint64_t *ret_tile_count, struct finding *finding)
{
	enum err err, found;

	for (unsigned level = 0; level < TILE_LEVELS; level++)
		check->tile_count += level_tiles(check->mirror, level);
	err = crew_run(thread_count, check_some, check);
	if (err != OK) {
		found = first_found(check, thread_count, finding);
		return found != OK ? found : err;
	}
	*ret_tile_count = check->tile_count;
	return OK;
}

static bool takes_signer(const struct trust *trust, const struct mirror *mirror)
{
	for (size_t i = 0; i < mirror->key_count; i++)
		if (trust_takes_log(trust, &mirror->keys[i]))
			return true;
	return false;
}

static enum err check_quorum(const struct mirror *mirror, const struct trust *trust, struct finding *finding)
{
	struct note *note = malloc(sizeof(*note));
	uint64_t cosigned = 0;
	enum err err = note == NULL ? ERR_MEMORY : note_parse(slice_of(mirror->note, mirror->note_size), note, NULL);

	if (err == OK && !takes_signer(trust, mirror))
		err = finding_set(finding, FINDING_INVALID, "policy: it names other logs than %s", mirror->origin);
	if (err == OK)
		err = trust_cosigned(trust, note, &cosigned);
	if (err == ERR_SIGNATURE)
		err = finding_set(finding, FINDING_INVALID,
		    "checkpoint: a cosignature of a witness that policy names does not verify");
	if (err == OK && !trust_is_met(trust, cosigned))
		err = finding_set(finding, FINDING_INVALID, "checkpoint: it is not cosigned as policy asks (quorum %s)",
		    trust_quorum(trust));
	free(note);
	return err;
}

/* What the copy says of who signed its checkpoint must be so; copies of earlier programs say nothing. */
static enum err check_policy(const struct mirror *mirror, struct finding *finding)
{
	struct trust *trust = NULL;
	struct why why = {""};
	struct buf bytes;
	enum err err;

	buf_init(&bytes, TRUST_SIZE_MAX);
	err = read_file(mirror, "policy", &bytes, &finding->why);
	if (err == ERR_NOT_FOUND) {
		buf_done(&bytes);
		return OK;
	}
	err = wrong_file(err, "policy", finding);
	if (err == OK) {
		err = trust_parse(buf_slice(&bytes), &trust, &why);
		if (err != OK && err != ERR_MEMORY)
			err = finding_set(finding, FINDING_INVALID, "policy: %s", why.text);
	}
	if (err == OK)
		err = check_quorum(mirror, trust, finding);
	trust_free(trust);
	buf_done(&bytes);
	return err;
}

enum err mirror_check(const struct mirror *mirror, struct store *entries, struct store *replayed, unsigned thread_count,
    uint64_t *ret_tile_count, struct finding *finding)
{
	struct tiles_check *check = calloc(1, sizeof(*check));
	struct store_txn *txn = NULL;
	enum err err = check == NULL ? ERR_MEMORY : store_read(replayed, &txn);

	if (err == OK)
		err = check_replayed(mirror, txn, finding);
	store_abort(txn);
	if (err == OK) {
		check->mirror = mirror;
		check->entries = entries;
		check->replayed = replayed;
		err = check_tiles(check, thread_count, ret_tile_count, finding);
	}
	if (err == OK)
		err = check_policy(mirror, finding);
	free(check);
	return err;
}

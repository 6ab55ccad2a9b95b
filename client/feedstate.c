#include "client/feedstate.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/file.h"
#include "proto/text.h"

#define STATE_VERSION 1
#define STATE_SIZE_MAX (4u << 20) /* bytes of `feed`: two notes in JSON */
#define REMEDY "move the folder away and push with --token FILE, which builds it anew from the ledger"

struct feedstate {
	char *folder, *feed_path, *records_path, *pending_path;
	int lock_fd;
	FILE *records; /* open for appending at store_size */
	/* as `feed` says */
	bool is_known;
	uint32_t generation;
	uint64_t store_size;
	struct buf note, checkpoint;
	/* of all records, also staged ones */
	struct frontier frontier;
	struct recordset set;
	uint64_t staged_size; /* bytes of `records` */
	struct buf pending;
};

/* ---- the file `feed` */

static enum err feed_damaged(const struct feedstate *state, struct why *why, const char *what)
{
	return why_set(why, ERR_IO, "%s: %s; " REMEDY, state->feed_path, what);
}

/* The counts and notes of a parsed `feed`. False where it isn't one of ours. */
static bool feed_take(struct feedstate *state, json_t *json, struct checkpoint *ret_checkpoint)
{
	const char *note, *checkpoint;
	json_int_t version, generation, store_size;
	struct note parsed;

	if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:I,s:I,s:I,s:s,s:s}", "version", &version, "generation",
		&generation, "store_size", &store_size, "note", &note, "checkpoint", &checkpoint) != 0)
		return false;
	if (version != STATE_VERSION || generation < 1 || generation > FEED_GENERATIONS_MAX || store_size < 0)
		return false;
	buf_add_text(&state->note, note);
	buf_add_text(&state->checkpoint, checkpoint);
	if (state->note.err != OK || state->checkpoint.err != OK)
		return false;
	if (note_parse(buf_slice(&state->note), &parsed, NULL) != OK ||
	    checkpoint_parse(parsed.text, ret_checkpoint, NULL) != OK)
		return false;
	state->generation = (uint32_t)generation;
	state->store_size = (uint64_t)store_size;
	state->is_known = true;
	return true;
}

/* Nothing there yet is fine: *ret_checkpoint is then that of an empty feed. */
static enum err feed_load(struct feedstate *state, struct checkpoint *ret_checkpoint, struct why *why)
{
	struct buf bytes;
	json_t *json = NULL;
	enum err err;

	*ret_checkpoint = (struct checkpoint){.size = 0, .root = hash_empty()};
	buf_init(&bytes, STATE_SIZE_MAX);
	err = file_read(state->feed_path, &bytes, why);
	if (err == ERR_NOT_FOUND) {
		err = OK;
	} else if (err == OK) {
		json = json_loadb((const char *)bytes.data, bytes.size, JSON_REJECT_DUPLICATES, NULL);
		if (!feed_take(state, json, ret_checkpoint))
			err = feed_damaged(state, why, T("not what was written there"));
	}
	json_decref(json);
	buf_done(&bytes);
	return err;
}

static enum err feed_store(struct feedstate *state, struct why *why)
{
	json_t *json;
	char *text;
	enum err err;

	json = json_pack("{s:i,s:I,s:I,s:s%,s:s%}", "version", STATE_VERSION, "generation",
	    (json_int_t)state->generation, "store_size", (json_int_t)state->staged_size, "note",
	    (const char *)state->note.data, state->note.size, "checkpoint",
	    state->checkpoint.size > 0 ? (const char *)state->checkpoint.data : "", state->checkpoint.size);
	text = json != NULL ? json_dumps(json, JSON_INDENT(1)) : NULL;
	json_decref(json);
	if (text == NULL)
		return why_set(why, ERR_MEMORY, "%s", state->feed_path);
	err = file_write(state->feed_path, slice_text(text), 0600, why);
	free(text);
	return err;
}

/* ---- the file `records` */

/* Reads the next record, which must end by `limit`. ERR_IO where it does not. */
static enum err record_read(FILE *file, uint64_t limit, uint64_t *at, struct buf *ret_record)
{
	uint8_t head[4], bytes[RECORD_SIZE_MAX];
	struct reader reader;
	uint32_t size;

	if (*at + sizeof(head) > limit || fread(head, 1, sizeof(head), file) != sizeof(head))
		return ERR_IO;
	reader = reader_of(slice_of(head, sizeof(head)));
	size = reader_u32(&reader);
	if (size > RECORD_SIZE_MAX || *at + sizeof(head) + size > limit || fread(bytes, 1, size, file) != size)
		return ERR_IO;
	*at += sizeof(head) + size;
	buf_clear(ret_record);
	buf_add(ret_record, bytes, size);
	return ret_record->err;
}

/* The record that comes next in the feed. */
static enum err set_add(struct feedstate *state, struct slice record)
{
	struct recordset_key key;
	enum err err = recordset_key_of(record, &key);

	return err == OK ? recordset_add(&state->set, &key, state->frontier.size) : err;
}

/* Everything up to the size that `feed` names, which must give the root that its note signs. */
static enum err records_load(struct feedstate *state, const struct checkpoint *checkpoint, struct why *why)
{
	struct buf record;
	uint64_t at = 0;
	enum err err = OK;

	buf_init(&record, RECORD_SIZE_MAX);
	while (err == OK && at < state->store_size) {
		err = record_read(state->records, state->store_size, &at, &record);
		if (err == OK)
			err = set_add(state, buf_slice(&record));
		if (err == OK) {
			struct hash leaf = hash_leaf(buf_slice(&record));

			frontier_append(&state->frontier, &leaf);
		}
	}
	buf_done(&record);
	if (err == ERR_MEMORY)
		return err;
	if (err == OK && state->frontier.size == checkpoint->size) {
		struct hash root = frontier_root(&state->frontier);

		if (hash_equal(&root, &checkpoint->root))
			return OK;
	}
	return why_set(why, ERR_IO, "%s: damaged at byte %" PRIu64 "; " REMEDY, state->records_path, at);
}

static enum err records_open(struct feedstate *state, const struct checkpoint *checkpoint, struct why *why)
{
	struct stat stat;
	enum err err;
	int fd;

	fd = open(state->records_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_set(why, ERR_IO, "%s: %m", state->records_path);
	state->records = fdopen(fd, "r+");
	if (state->records == NULL) {
		close(fd);
		return why_set(why, ERR_IO, "%s: %m", state->records_path);
	}
	err = records_load(state, checkpoint, why);
	if (err != OK)
		return err;
	state->staged_size = state->store_size;
	if (fstat(fd, &stat) != 0)
		return why_set(why, ERR_IO, "%s: %m", state->records_path);
	if ((uint64_t)stat.st_size > state->store_size &&
	    (ftruncate(fd, (off_t)state->store_size) != 0 || fsync(fd) != 0))
		return why_set(why, ERR_IO, "%s: %m", state->records_path);
	if (fseeko(state->records, (off_t)state->store_size, SEEK_SET) != 0)
		return why_set(why, ERR_IO, "%s: %m", state->records_path);
	return file_sync_folder(state->folder, why);
}

/* ---- the file `pending` */

struct pending {
	struct push push;
	struct arena arena;
};

static enum err pending_parse(const struct feedstate *state, struct pending *ret_pending, struct why *why)
{
	arena_init(&ret_pending->arena, (size_t)PUSH_RECORDS_MAX * 64 + PUSH_SIZE_MAX);
	if (push_decode(buf_slice(&state->pending), &ret_pending->arena, &ret_pending->push, why) == OK &&
	    ret_pending->push.start <= state->frontier.size)
		return OK;
	arena_done(&ret_pending->arena);
	return why_set(why, ERR_IO, "%s: not a push of this feed; " REMEDY, state->pending_path);
}

static enum err pending_load(struct feedstate *state, struct why *why)
{
	struct pending pending;
	bool is_over;
	enum err err;

	err = file_read(state->pending_path, &state->pending, why);
	if (err == ERR_NOT_FOUND)
		return OK;
	if (err == OK)
		err = pending_parse(state, &pending, why);
	if (err != OK)
		return err;
	/* Answered, written to `feed`, and then the process ended before the file was removed. */
	is_over = pending.push.start + pending.push.record_count <= state->frontier.size;
	arena_done(&pending.arena);
	return is_over ? feedstate_drop_pending(state, why) : OK;
}

struct slice feedstate_pending(const struct feedstate *state)
{
	return buf_slice(&state->pending);
}

enum err feedstate_save_pending(struct feedstate *state, struct slice body, struct why *why)
{
	assert(state->pending.size == 0);
	buf_add_slice(&state->pending, body);
	if (state->pending.err != OK)
		return why_set(why, state->pending.err, "%s", state->pending_path);
	return file_write(state->pending_path, body, 0600, why);
}

enum err feedstate_drop_pending(struct feedstate *state, struct why *why)
{
	buf_clear(&state->pending);
	if (unlink(state->pending_path) != 0 && errno != ENOENT)
		return why_set(why, ERR_IO, "%s: %m", state->pending_path);
	return file_sync_folder(state->folder, why);
}

/* ---- opening */

static enum err lock_take(struct feedstate *state, struct why *why)
{
	enum err err = file_lock_folder(state->folder, &state->lock_fd, why);

	return err == ERR_LOCKED ? why_set(why, err, "%s: another push of this feed is running", state->folder) : err;
}

static enum err state_load(struct feedstate *state, struct why *why)
{
	struct checkpoint checkpoint;
	enum err err;

	err = file_make_folder(state->folder, why);
	if (err == OK)
		err = lock_take(state, why);
	if (err == OK)
		err = feed_load(state, &checkpoint, why);
	if (err == OK)
		err = records_open(state, &checkpoint, why);
	if (err == OK)
		err = pending_load(state, why);
	return err;
}

enum err feedstate_open(
    const char *state, const char *ledger_id, const char *venue, struct feedstate **ret_state, struct why *why)
{
	struct feedstate *opened = calloc(1, sizeof(*opened));
	enum err err = ERR_MEMORY;

	if (opened == NULL)
		return ERR_MEMORY;
	opened->lock_fd = -1;
	frontier_init(&opened->frontier);
	recordset_init(&opened->set);
	buf_init(&opened->note, NOTE_SIZE_MAX);
	buf_init(&opened->checkpoint, CHECKPOINT_SIZE_MAX);
	buf_init(&opened->pending, PUSH_SIZE_MAX);
	if (asprintf(&opened->folder, "%s/%s/%s", state, ledger_id, venue) < 0)
		opened->folder = NULL;
	else if (asprintf(&opened->feed_path, "%s/feed", opened->folder) < 0)
		opened->feed_path = NULL;
	else if (asprintf(&opened->records_path, "%s/records", opened->folder) < 0)
		opened->records_path = NULL;
	else if (asprintf(&opened->pending_path, "%s/pending", opened->folder) < 0)
		opened->pending_path = NULL;
	else
		err = state_load(opened, why);
	if (err == OK)
		*ret_state = opened;
	else
		feedstate_close(opened);
	return err;
}

void feedstate_close(struct feedstate *state)
{
	if (state == NULL)
		return;
	buf_done(&state->pending);
	buf_done(&state->checkpoint);
	buf_done(&state->note);
	recordset_done(&state->set);
	if (state->records != NULL)
		(void)fclose(state->records); /* what wasn't committed doesn't count */
	if (state->lock_fd >= 0)
		close(state->lock_fd);
	free(state->pending_path);
	free(state->records_path);
	free(state->feed_path);
	free(state->folder);
	free(state);
}

/* ---- reading and changing */

const char *feedstate_folder(const struct feedstate *state)
{
	return state->folder;
}

uint32_t feedstate_generation(const struct feedstate *state)
{
	return state->is_known ? state->generation : 0;
}

const struct frontier *feedstate_frontier(const struct feedstate *state)
{
	return &state->frontier;
}

const struct recordset *feedstate_records(const struct feedstate *state)
{
	return &state->set;
}

struct slice feedstate_checkpoint(const struct feedstate *state)
{
	return buf_slice(&state->checkpoint);
}

enum err feedstate_stage(struct feedstate *state, struct slice record, struct why *why)
{
	struct hash leaf = hash_leaf(record);
	struct buf head;
	enum err err;

	if (record.size > RECORD_SIZE_MAX)
		return why_set(why, ERR_TOO_LARGE, "record %" PRIu64 " is larger than %d bytes", state->frontier.size,
		    RECORD_SIZE_MAX);
	err = set_add(state, record);
	if (err != OK)
		return why_set(why, err, "record %" PRIu64 " of the feed", state->frontier.size);
	buf_init(&head, sizeof(uint32_t));
	buf_u32(&head, (uint32_t)record.size);
	if (head.err != OK)
		err = head.err;
	else if (fwrite(head.data, 1, head.size, state->records) != head.size ||
		 fwrite(record.data, 1, record.size, state->records) != record.size)
		err = why_set(why, errno == ENOSPC ? ERR_DISK_FULL : ERR_IO, "%s: %m", state->records_path);
	buf_done(&head);
	if (err != OK)
		return err;
	frontier_append(&state->frontier, &leaf);
	state->staged_size += sizeof(uint32_t) + record.size;
	return OK;
}

/* The note must be the checkpoint of exactly the records that are here. */
static enum err note_matches(const struct feedstate *state, struct slice note, struct why *why)
{
	struct hash root = frontier_root(&state->frontier);
	struct checkpoint checkpoint;
	struct note parsed;
	enum err err;

	err = note_parse(note, &parsed, why);
	if (err == OK)
		err = checkpoint_parse(parsed.text, &checkpoint, why);
	if (err != OK)
		return err;
	if (checkpoint.size != state->frontier.size)
		return why_set(why, ERR_FEED_SIZE, "it says %" PRIu64 ", there are %" PRIu64, checkpoint.size,
		    state->frontier.size);
	if (!hash_equal(&checkpoint.root, &root))
		return why_set(why, ERR_FEED_ROOT, "of %" PRIu64 " records", checkpoint.size);
	return OK;
}

enum err feedstate_commit(
    struct feedstate *state, uint32_t generation, struct slice note, struct slice checkpoint, struct why *why)
{
	struct pending pending;
	bool is_over;
	enum err err;

	assert(generation >= 1);
	err = note_matches(state, note, why);
	if (err != OK)
		return err;
	if (fflush(state->records) != 0 || fsync(fileno(state->records)) != 0)
		return why_set(why, errno == ENOSPC ? ERR_DISK_FULL : ERR_IO, "%s: %m", state->records_path);
	state->generation = generation;
	buf_clear(&state->note);
	buf_add_slice(&state->note, note);
	if (checkpoint.size > 0) {
		buf_clear(&state->checkpoint);
		buf_add_slice(&state->checkpoint, checkpoint);
	}
	if (state->note.err != OK || state->checkpoint.err != OK)
		return why_set(why, ERR_TOO_LARGE, "%s: the note or the ledger's checkpoint", state->feed_path);
	err = feed_store(state, why);
	if (err != OK)
		return err;
	state->is_known = true;
	state->store_size = state->staged_size;
	if (state->pending.size == 0)
		return OK;
	err = pending_parse(state, &pending, why);
	if (err != OK)
		return err;
	is_over = pending.push.start + pending.push.record_count <= state->frontier.size;
	arena_done(&pending.arena);
	return is_over ? feedstate_drop_pending(state, why) : OK;
}

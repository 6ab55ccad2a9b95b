#include "client/monitorstate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/file.h"
#include "client/out.h"
#include "proto/text.h"

#define STATE_VERSION 1
#define STATE_SIZE_MAX (64u << 10) /* bytes: a note and TRUST_WITNESSES_MAX public keys, in JSON */

struct monitorstate {
	char *folder, *path;
	int lock_fd;
	bool has_head;
	struct kept_head head;
	uint64_t seen_s;
	json_t *witnesses; /* public key: size */
};

/* ---- the file `state` */

static bool witnesses_are_valid(json_t *witnesses)
{
	const char *vkey;
	json_t *size;

	if (json_object_size(witnesses) > TRUST_WITNESSES_MAX)
		return false;
	json_object_foreach(witnesses, vkey, size)
	{
		if (!json_is_integer(size) || json_integer_value(size) < 0 ||
		    (uint64_t)json_integer_value(size) > TREE_SIZE_MAX)
			return false;
	}
	return true;
}

/* False where it isn't one of ours. */
static bool state_take(struct monitorstate *state, json_t *json)
{
	json_int_t version, seen_s;
	const char *text;
	struct note note;
	json_t *witnesses;

	if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:I, s:I, s:s, s:o}", "version", &version, "seen", &seen_s,
		"checkpoint", &text, "witnesses", &witnesses) != 0)
		return false;
	if (version != STATE_VERSION || seen_s < 0 || !json_is_object(witnesses) || !witnesses_are_valid(witnesses))
		return false;
	buf_add_text(&state->head.note, text);
	if (state->head.note.err != OK || note_parse(buf_slice(&state->head.note), &note, NULL) != OK ||
	    checkpoint_parse(note.text, &state->head.checkpoint, NULL) != OK)
		return false;
	json_decref(state->witnesses);
	state->witnesses = json_incref(witnesses);
	state->seen_s = (uint64_t)seen_s;
	state->has_head = true;
	return true;
}

/* Nothing there yet is fine. */
static enum err state_load(struct monitorstate *state, struct why *why)
{
	struct buf bytes;
	json_t *json = NULL;
	enum err err;

	buf_init(&bytes, STATE_SIZE_MAX);
	err = file_read(state->path, &bytes, why);
	if (err == ERR_NOT_FOUND) {
		err = OK;
	} else if (err == OK) {
		json = json_loadb((const char *)bytes.data, bytes.size, JSON_REJECT_DUPLICATES, NULL);
		if (!state_take(state, json))
			err = why_set(why, ERR_IO,
			    "%s: not what was written there; find out why before you move it away: a monitor without "
			    "it believes the next checkpoint it sees",
			    state->path);
	}
	json_decref(json);
	buf_done(&bytes);
	return err;
}

static enum err state_store(const struct monitorstate *state, struct why *why)
{
	json_t *json;
	struct buf bytes;
	enum err err;

	json = json_pack("{s:i, s:I, s:s%, s:O}", "version", STATE_VERSION, "seen", (json_int_t)state->seen_s,
	    "checkpoint", (const char *)state->head.note.data, state->head.note.size, "witnesses", state->witnesses);
	buf_init(&bytes, STATE_SIZE_MAX);
	err = json_format(json, JSON_INDENT(1), &bytes);
	if (err == OK)
		err = file_write(state->path, buf_slice(&bytes), 0600, why);
	buf_done(&bytes);
	return err;
}

/* ---- opening */

static enum err lock_take(struct monitorstate *state, struct why *why)
{
	enum err err = file_lock_folder(state->folder, &state->lock_fd, why);

	return err == ERR_LOCKED ? why_set(why, err, "%s: another monitor of this ledger is running", state->folder)
				 : err;
}

enum err monitorstate_open(const char *state, const char *ledger_id, struct monitorstate **ret_state, struct why *why)
{
	struct monitorstate *opened = calloc(1, sizeof(*opened));
	enum err err = ERR_MEMORY;

	if (opened == NULL)
		return ERR_MEMORY;
	opened->lock_fd = -1;
	kept_head_init(&opened->head);
	opened->witnesses = json_object();
	if (asprintf(&opened->folder, "%s/monitor-%s", state, ledger_id) < 0)
		opened->folder = NULL;
	else if (asprintf(&opened->path, "%s/state", opened->folder) < 0)
		opened->path = NULL;
	else if (opened->witnesses != NULL)
		err = file_make_folder(opened->folder, why);
	if (err == OK)
		err = lock_take(opened, why);
	if (err == OK)
		err = state_load(opened, why);
	if (err == OK)
		*ret_state = opened;
	else
		monitorstate_close(opened);
	return err;
}

void monitorstate_close(struct monitorstate *state)
{
	if (state == NULL)
		return;
	json_decref(state->witnesses);
	kept_head_done(&state->head);
	if (state->lock_fd >= 0)
		close(state->lock_fd);
	free(state->path);
	free(state->folder);
	free(state);
}

/* ---- asking and changing */

const char *monitorstate_folder(const struct monitorstate *state)
{
	return state->folder;
}

const struct kept_head *monitorstate_head(const struct monitorstate *state)
{
	return state->has_head ? &state->head : NULL;
}

uint64_t monitorstate_seen_s(const struct monitorstate *state)
{
	return state->seen_s;
}

enum err monitorstate_take(struct monitorstate *state, const struct kept_head *head, uint64_t seen_s, struct why *why)
{
	buf_clear(&state->head.note);
	buf_add_slice(&state->head.note, buf_slice(&head->note));
	if (state->head.note.err != OK)
		return state->head.note.err;
	state->head.checkpoint = head->checkpoint;
	state->has_head = true;
	state->seen_s = seen_s;
	return state_store(state, why);
}

uint64_t monitorstate_witness(const struct monitorstate *state, const struct key *witness)
{
	char vkey[KEY_VKEY_SIZE];

	key_format(witness, vkey);
	return (uint64_t)json_integer_value(json_object_get(state->witnesses, vkey));
}

void monitorstate_set_witness(struct monitorstate *state, const struct key *witness, uint64_t size)
{
	char vkey[KEY_VKEY_SIZE];

	key_format(witness, vkey);
	/* Witnesses of earlier policy files: forgetting them costs one question more. */
	if (json_object_get(state->witnesses, vkey) == NULL &&
	    json_object_size(state->witnesses) >= TRUST_WITNESSES_MAX)
		(void)json_object_clear(state->witnesses);
	(void)json_object_set_new(state->witnesses, vkey, json_integer((json_int_t)size));
}

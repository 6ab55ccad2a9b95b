#include "client/pin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/file.h"
#include "client/out.h"
#include "proto/entry.h"
#include "proto/order.h"
#include "proto/text.h"

/* <state>/ledger-<address>: the vkey, the ledger id, and the vkeys before, the newest first, a line each; behind each of
 * these the size up to which it signed alone. */
static enum err pin_path(const struct settings *settings, enum link_door door, struct buf *ret_path, struct why *why)
{
	const char *address = settings->server;

	if (door == LINK_FEED && settings->feed != NULL)
		address = settings->feed;
	if (address == NULL)
		return why_set(why, ERR_CONFIG, "no address: give %s URL", door == LINK_FEED ? "--feed" : "--server");
	address += strncmp(address, "https://", strlen("https://")) == 0 ? strlen("https://") : 0;
	buf_add_text(ret_path, settings->state);
	buf_add_text(ret_path, "/ledger-");
	for (; *address != '\0'; address++)
		buf_u8(ret_path, (uint8_t)(*address == '/' ? '_' : *address));
	return ret_path->err;
}

/* The next line of `rest`, without its newline; what follows stays in `rest`. */
static struct slice line_take(struct slice *rest)
{
	const uint8_t *end = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
	size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
	struct slice line = {rest->data, size};

	size += end != NULL;
	rest->data += size;
	rest->size -= size;
	return line;
}

static bool ledger_id_is_valid(struct slice text)
{
	uint8_t bytes[LEDGER_ID_SIZE / 2];

	return hex_parse(text, bytes, sizeof(bytes)) == OK;
}

/* The ledger's key is named as its origin. */
static bool ledger_set(struct ledger_id *ledger, const struct key *key, struct slice id)
{
	if (!ledger_id_is_valid(id) || strlen(key->name) >= sizeof(ledger->origin))
		return false;
	*ledger = (struct ledger_id){.key = *key};
	memcpy(ledger->origin, key->name, strlen(key->name)); /* the rest is zero */
	memcpy(ledger->id, id.data, id.size);
	return true;
}

/* The lines behind the first two. */
static bool older_read(struct slice *rest, struct ledger_id *ledger)
{
	while (rest->size > 0 && ledger->older_count < PIN_OLDER_MAX) {
		struct slice line = line_take(rest);
		const uint8_t *space = line.size > 0 ? memchr(line.data, ' ', line.size) : NULL;
		size_t vkey_size = space != NULL ? (size_t)(space - line.data) : 0, i = ledger->older_count;

		if (space == NULL || key_parse(slice_of(line.data, vkey_size), &ledger->older[i]) != OK ||
		    decimal_parse(
			slice_of(space + 1, line.size - vkey_size - 1), TREE_SIZE_MAX, &ledger->older_size[i]) != OK)
			return false;
		ledger->older_count++;
	}
	return rest->size == 0;
}

enum err pin_recall(const struct settings *settings, enum link_door door, struct ledger_id *ret_ledger, struct why *why)
{
	struct buf path, bytes;
	struct slice rest, vkey, id;
	struct ledger_id ledger;
	struct key key;
	enum err err;

	buf_init(&path, HTTP_TARGET_SIZE_MAX);
	buf_init(&bytes, CLIENT_FILE_SIZE_MAX);
	err = pin_path(settings, door, &path, why);
	if (err == OK)
		err = file_read(buf_text(&path), &bytes, why);
	if (err != OK)
		goto out;
	rest = buf_slice(&bytes);
	vkey = line_take(&rest);
	id = line_take(&rest);
	if (key_parse(vkey, &key) != OK || !ledger_set(&ledger, &key, id) || !older_read(&rest, &ledger))
		err = why_set(why, ERR_SYNTAX, "%s: not the lines that were remembered", buf_text(&path));
	else
		*ret_ledger = ledger;
out:
	buf_done(&bytes);
	buf_done(&path);
	return err;
}

static enum err pin_remember(
    const struct settings *settings, enum link_door door, const struct ledger_id *ledger, struct why *why)
{
	char vkey[KEY_VKEY_SIZE];
	struct buf path, bytes;
	enum err err;

	buf_init(&path, HTTP_TARGET_SIZE_MAX);
	buf_init(&bytes, CLIENT_FILE_SIZE_MAX);
	err = pin_path(settings, door, &path, why);
	key_format(&ledger->key, vkey);
	buf_printf(&bytes, "%s\n%s\n", vkey, ledger->id);
	for (size_t i = 0; i < ledger->older_count; i++) {
		key_format(&ledger->older[i], vkey);
		buf_printf(&bytes, "%s %" PRIu64 "\n", vkey, ledger->older_size[i]);
	}
	if (err == OK)
		err = file_make_folder(settings->state, why);
	if (err == OK)
		err = file_write(buf_text(&path), buf_slice(&bytes), 0600, why);
	buf_done(&bytes);
	buf_done(&path);
	return err;
}

/* [{"origin","ledger_id","size"}]; a ledger that continues none has an empty one, or says nothing. */
static bool past_parse(const json_t *json, struct ledger_id *ret_ledger)
{
	const json_t *row;
	size_t i;

	if (json == NULL)
		return true;
	if (!json_is_array(json) || json_array_size(json) >= CONTINUED_LEDGERS_MAX)
		return false;
	json_array_foreach(json, i, row)
	{
		struct slice id = slice_text(json_text_or(row, "ledger_id", ""));

		if (!ledger_id_is_valid(id))
			return false;
		memcpy(ret_ledger->past[i], id.data, id.size);
	}
	ret_ledger->past_count = i;
	return true;
}

static bool is_key_of(const struct key *key, const char *origin)
{
	return key->type == KEY_ED25519 && strcmp(key->name, origin) == 0;
}

/* "vkeys", where there is more than the one of "vkey". */
static bool valid_parse(const json_t *json, struct ledger_id *ledger)
{
	const json_t *vkeys = json_object_get(json, "vkeys");
	size_t count = json_array_size(vkeys);

	ledger->valid[ledger->valid_count++] = ledger->key;
	if (vkeys == NULL)
		return true;
	if (count < 1 || count > LOG_KEYS_MAX)
		return false;
	for (ledger->valid_count = 0; ledger->valid_count < count; ledger->valid_count++) {
		const char *text = json_string_value(json_array_get(vkeys, ledger->valid_count));
		struct key *key = &ledger->valid[ledger->valid_count];

		if (text == NULL || key_parse(slice_text(text), key) != OK || !is_key_of(key, ledger->origin))
			return false;
	}
	return true;
}

/* {"origin","ledger_id","vkey","vkeys","size","continues"}; a copy has no size of its own. */
static bool ledger_parse(const json_t *json, struct ledger_id *ret_ledger)
{
	const char *vkey = json_text_or(json, "vkey", ""), *origin = json_text_or(json, "origin", "");
	const json_t *size = json_object_get(json, "size");
	struct key key;

	if (key_parse(slice_text(vkey), &key) != OK || !is_key_of(&key, origin))
		return false;
	if (size != NULL && (!json_is_integer(size) || json_integer_value(size) < 0))
		return false;
	if (!ledger_set(ret_ledger, &key, slice_text(json_text_or(json, "ledger_id", ""))))
		return false;
	ret_ledger->size = (uint64_t)json_integer_value(size);
	return valid_parse(json, ret_ledger) && past_parse(json_object_get(json, "continues"), ret_ledger);
}

/* ---- from one key to the next */

static bool is_among(const struct key *key, const struct key *keys, size_t key_count)
{
	for (size_t i = 0; i < key_count; i++)
		if (key_equal(key, &keys[i]))
			return true;
	return false;
}

const struct key *pin_signer(const struct ledger_id *ledger, struct slice note_bytes)
{
	struct checkpoint checkpoint;
	struct note note;

	if (note_parse(note_bytes, &note, NULL) != OK || note_names_key(&note, &ledger->key) ||
	    checkpoint_parse(note.text, &checkpoint, NULL) != OK)
		return &ledger->key;
	for (size_t i = 0; i < ledger->older_count; i++)
		if (checkpoint.size <= ledger->older_size[i] && note_names_key(&note, &ledger->older[i]))
			return &ledger->older[i];
	return &ledger->key;
}

size_t pin_keys(const struct ledger_id *ledger, struct key ret_keys[static PIN_KEYS_MAX])
{
	ret_keys[0] = ledger->key;
	for (size_t i = 0; i < ledger->older_count; i++)
		ret_keys[i + 1] = ledger->older[i];
	return ledger->older_count + 1;
}

/* The key is the present one from now on; the one before it signed alone up to that size. */
static void key_take(struct ledger_id *ledger, const struct key *key, uint64_t size)
{
	size_t kept = ledger->older_count < PIN_OLDER_MAX ? ledger->older_count : PIN_OLDER_MAX - 1;

	memmove(&ledger->older[1], &ledger->older[0], kept * sizeof(ledger->older[0]));
	memmove(&ledger->older_size[1], &ledger->older_size[0], kept * sizeof(ledger->older_size[0]));
	ledger->older[0] = ledger->key;
	ledger->older_size[0] = size;
	ledger->older_count = kept + 1;
	ledger->key = *key;
}

/* Where nothing else says it: what was signed so far. A copy in plain files does not say how much that is. */
static uint64_t size_so_far(const struct ledger_id *seen)
{
	return seen->size > 0 ? seen->size : TREE_SIZE_MAX;
}

/* Is it the proof, under a checkpoint that the known key signed, of an order that adds the next? From which entry on? */
static enum err order_check_next(
    struct slice bytes, const struct ledger_id *known, const struct key *next, uint64_t *ret_index, struct why *why)
{
	struct order *order = malloc(sizeof(*order));
	struct checkpoint checkpoint;
	struct arena arena;
	struct proof proof;
	struct entry entry;
	struct note note;
	enum err err = order == NULL ? ERR_MEMORY : OK;

	arena_init(&arena, ORDER_ARENA_SIZE);
	if (err == OK)
		err = proof_parse(bytes, &arena, &proof, why);
	if (err == OK)
		err = proof_verify(&proof, &known->key, &checkpoint, why);
	if (err == OK && (entry_decode(proof.extra, &arena, &entry) != OK || entry.kind != ENTRY_ORDER))
		err = why_set(why, ERR_PROOF, "what it proves is not an order");
	if (err == OK)
		err = note_parse(entry.order.note, &note, why);
	if (err == OK)
		err = order_parse(note.text, entry.order.items, entry.order.item_count, &arena, order, why);
	if (err == OK && (order->type != ORDER_LOG_KEY || strcmp(order->ledger_id, known->id) != 0 ||
			     strcmp(order->origin, known->origin) != 0 ||
			     !is_among(next, order->added_log_keys, order->added_log_key_count)))
		err = why_set(why, ERR_PROOF, "what it proves does not add that key");
	if (err == OK)
		*ret_index = proof.index;
	arena_done(&arena);
	free(order);
	return err;
}

/* The proof that /v1/keys gives of the order behind a key, or "". */
static const char *order_of(const json_t *json, const struct key *next)
{
	const json_t *rows = json_object_get(json, "keys"), *row;
	char vkey[KEY_VKEY_SIZE];
	size_t i;

	key_format(next, vkey);
	json_array_foreach(rows, i, row)
	{
		if (strcmp(json_text_or(row, "vkey", ""), vkey) == 0)
			return json_text_or(row, "order", "");
	}
	return "";
}

/* Both sign now: the known key vouches for the next, which is then the one to remember. */
static enum exit_code key_follow(struct link *link, const struct settings *settings, enum link_door door,
    struct ledger_id *known, const struct key *next)
{
	struct link_request request = {.door = door, .path = "/v1/keys", .is_anonymous = true};
	struct link_answer answer;
	char vkey[KEY_VKEY_SIZE];
	uint64_t index = 0;
	enum exit_code code = EXIT_OK;
	enum err err;

	err = link_ask(link, &request, &answer);
	/* A copy in plain files; the known key signs as before. */
	if (err == ERR_NOT_FOUND)
		goto out;
	if (err != OK) {
		code = out_fail_answer(&answer);
		goto out;
	}
	err = order_check_next(slice_text(order_of(answer.json, next)), known, next, &index, &answer.why);
	if (err != OK) {
		(void)out_fail(err, &answer.why,
		    "the ledger says that its key changes, and does not prove it: ask its operator; send nothing "
		    "before");
		code = err == ERR_MEMORY ? EXIT_OTHER : EXIT_UNVERIFIED;
		goto out;
	}
	key_take(known, next, index);
	err = pin_remember(settings, door, known, &answer.why);
	key_format(next, vkey);
	if (err == OK)
		out_info(
		    "subsidy: ledger %s changes its key; the new one is remembered, the old one vouches for it: %s",
		    known->id, vkey);
	else
		code = out_fail(err, &answer.why, NULL);
out:
	link_answer_done(&answer);
	return code;
}

static enum exit_code fail_unverified(const struct why *why, const char *next)
{
	(void)out_fail(ERR_UNKNOWN_KEY, why, next);
	return EXIT_UNVERIFIED;
}

/* The key that was given, or the older of two: then the next, where that one vouches for it. */
static enum exit_code pin_first(
    struct link *link, const struct settings *settings, enum link_door door, struct ledger_id *seen)
{
	const struct key *newest = &seen->valid[seen->valid_count - 1];
	char vkey[KEY_VKEY_SIZE];
	struct why why = {""};
	enum err err;

	if (settings->vkey == NULL)
		seen->key = seen->valid[0];
	err = pin_remember(settings, door, seen, &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	if (settings->vkey == NULL) {
		key_format(&seen->key, vkey);
		out_info("subsidy: first contact with ledger %s; its key is remembered: %s", seen->id, vkey);
	}
	return key_equal(newest, &seen->key) ? EXIT_OK : key_follow(link, settings, door, seen, newest);
}

/* Of a key that is remembered it is known what came after it, whoever names it now. */
static bool is_remembered(const struct key *key, const struct ledger_id *known)
{
	return key_equal(key, &known->key) || is_among(key, known->older, known->older_count);
}

/* Of any other --vkey is the user's word: it must be one of those that sign. */
static enum exit_code given_take(const struct key *given, struct ledger_id *seen)
{
	char vkey[KEY_VKEY_SIZE];
	struct why why = {""};

	if (is_among(given, seen->valid, seen->valid_count)) {
		seen->key = *given;
		return EXIT_OK;
	}
	key_format(&seen->valid[seen->valid_count - 1], vkey);
	(void)why_set(&why, ERR_UNKNOWN_KEY, "the server's key is %s, not the one that --vkey names", vkey);
	if (strcmp(given->name, seen->origin) != 0)
		return fail_unverified(&why, "ask the ledger's operator which key is right; send nothing before");
	/* Its key of before, perhaps. What vouched for the next one is signed by the keys of now alone. */
	return fail_unverified(&why,
	    "send nothing before you have compared the server's key with the one that the ledger's operator has given "
	    "you on paper; where they are the same, the one that you named was changed: --vkey KEY");
}

static bool continues(const struct ledger_id *seen, const struct ledger_id *known)
{
	for (size_t i = 0; i < seen->past_count; i++)
		if (strcmp(seen->past[i], known->id) == 0)
			return true;
	return false;
}

static enum exit_code fail_other(const struct ledger_id *known, const struct ledger_id *seen)
{
	bool is_same_ledger = strcmp(known->id, seen->id) == 0 && strcmp(known->origin, seen->origin) == 0;
	const struct key *newest = &seen->valid[seen->valid_count - 1];
	char vkey[KEY_VKEY_SIZE];
	struct why why = {""};

	if (!is_same_ledger) {
		(void)why_set(&why, ERR_UNKNOWN_KEY,
		    key_equal(&known->key, &seen->key)
			? "this address was ledger %s of %s, and now says it is %s of %s"
			: "this address was ledger %s of %s, and now says it is %s of %s, with another key",
		    known->id, known->origin, seen->id, seen->origin);
		if (continues(seen, known))
			return fail_unverified(&why, "it says that it continues the one that is remembered, which lost "
						     "what it had signed: compare its "
						     "key with the one that the ledger's operator has given you on "
						     "paper, then remove the file ledger-… "
						     "of this address from the state folder; what the old ledger "
						     "signed is checked with --vkey OLD-KEY");
		return fail_unverified(&why, "ask the ledger's operator; if the change is meant, remove the file "
					     "ledger-… of this address from the "
					     "state folder");
	}
	key_format(newest, vkey);
	(void)why_set(&why, ERR_UNKNOWN_KEY, "the key that is remembered of ledger %s signs no more; it now says %s",
	    known->id, vkey);
	/* A thief of a retired key says so, too. */
	if (is_among(newest, known->older, known->older_count))
		return fail_unverified(&why,
		    "this key had been given up for the next one: ask the ledger's operator why it is back; if that is "
		    "meant, remove the file ledger-… of this address from the state folder");
	return fail_unverified(&why,
	    "compare the new key with the one that the ledger's operator has given you on paper; where "
	    "they are the same, say it once: --vkey KEY");
}

static enum exit_code pin_compare(
    struct link *link, const struct settings *settings, enum link_door door, struct ledger_id *seen)
{
	struct ledger_id known;
	struct key given;
	struct why why = {""};
	const struct key *newest = &seen->valid[seen->valid_count - 1];
	bool is_known, is_given = settings->vkey != NULL;
	enum exit_code code = EXIT_OK;
	enum err err;

	if (is_given && key_parse(slice_text(settings->vkey), &given) != OK)
		return out_usage("--vkey is not a public key: name+xxxxxxxx+base64");
	err = pin_recall(settings, door, &known, &why);
	if (err != OK && err != ERR_NOT_FOUND)
		return out_fail(err, &why, NULL);
	is_known = err == OK;
	if (is_given && is_known && is_remembered(&given, &known))
		is_given = false;
	if (is_given)
		code = given_take(&given, seen);
	if (code != EXIT_OK)
		return code;
	if (!is_known)
		return pin_first(link, settings, door, seen);
	if (strcmp(known.id, seen->id) != 0 || strcmp(known.origin, seen->origin) != 0)
		return fail_other(&known, seen);
	if (is_among(&known.key, seen->valid, seen->valid_count)) {
		/* Only forward: a key that was given up for the next does not come back. */
		if (!key_equal(newest, &known.key) && !is_among(newest, known.older, known.older_count))
			code = key_follow(link, settings, door, &known, newest);
	} else if (is_given) {
		key_take(&known, &seen->key, size_so_far(seen));
		err = pin_remember(settings, door, &known, &why);
		code = err == OK ? EXIT_OK : out_fail(err, &why, NULL);
	} else {
		return fail_other(&known, seen);
	}
	if (!is_given)
		seen->key = known.key;
	memcpy(seen->older, known.older, sizeof(seen->older));
	memcpy(seen->older_size, known.older_size, sizeof(seen->older_size));
	seen->older_count = known.older_count;
	return code;
}

enum exit_code pin_ledger(
    struct link *link, const struct settings *settings, enum link_door door, struct ledger_id *ret_ledger)
{
	struct link_request request = {.door = door, .path = "/v1/ledger", .is_anonymous = true};
	struct link_answer answer;
	struct ledger_id seen;
	enum exit_code code;

	if (link_ask(link, &request, &answer) == ERR_NOT_FOUND && answer.json == NULL) {
		/* No problem document: a copy in plain files, as `subsidy export` writes it. */
		link_answer_done(&answer);
		request.path = "/ledger.json";
		(void)link_ask(link, &request, &answer);
	}
	if (answer.err != OK) {
		code = out_fail_answer(&answer);
		goto out;
	}
	if (!ledger_parse(answer.json, &seen)) {
		(void)why_set(&answer.why, ERR_SYNTAX, "the answer does not say which ledger this is");
		code = out_fail(ERR_SYNTAX, &answer.why, "is this the address of a subsidy ledger?");
		goto out;
	}
	code = pin_compare(link, settings, door, &seen);
	if (code == EXIT_OK)
		*ret_ledger = seen;
out:
	link_answer_done(&answer);
	return code;
}

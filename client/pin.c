#include "client/pin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/file.h"
#include "client/out.h"
#include "proto/text.h"

/* <state>/ledger-<address>: the vkey and the ledger id, a line each. */
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

enum err pin_recall(const struct settings *settings, enum link_door door, struct ledger_id *ret_ledger, struct why *why)
{
	struct buf path, bytes;
	struct slice rest, vkey, id;
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
	if (rest.size != 0 || key_parse(vkey, &key) != OK || !ledger_set(ret_ledger, &key, id))
		err = why_set(why, ERR_SYNTAX, "%s: not the two lines that were remembered", buf_text(&path));
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

/* {"origin","ledger_id","vkey","size","continues"}; a copy has no size of its own. */
static bool ledger_parse(const json_t *json, struct ledger_id *ret_ledger)
{
	const char *vkey = json_text_or(json, "vkey", ""), *origin = json_text_or(json, "origin", "");
	const json_t *size = json_object_get(json, "size");
	struct key key;

	if (key_parse(slice_text(vkey), &key) != OK || key.type != KEY_ED25519 || strcmp(key.name, origin) != 0)
		return false;
	if (size != NULL && (!json_is_integer(size) || json_integer_value(size) < 0))
		return false;
	if (!ledger_set(ret_ledger, &key, slice_text(json_text_or(json, "ledger_id", ""))))
		return false;
	ret_ledger->size = (uint64_t)json_integer_value(size);
	return past_parse(json_object_get(json, "continues"), ret_ledger);
}

static enum exit_code fail_unverified(const struct why *why, const char *next)
{
	(void)out_fail(ERR_UNKNOWN_KEY, why, next);
	return EXIT_UNVERIFIED;
}

static enum exit_code pin_compare(const struct settings *settings, enum link_door door, const struct ledger_id *seen)
{
	struct ledger_id known;
	struct why why = {""};
	struct key given;
	enum err err;

	if (settings->vkey != NULL) {
		if (key_parse(slice_text(settings->vkey), &given) != OK)
			return out_usage("--vkey is not a public key: name+xxxxxxxx+base64");
		if (!key_equal(&given, &seen->key)) {
			(void)why_set(&why, ERR_UNKNOWN_KEY,
			    "the server's key is %s+…, not the one that --vkey names (%s+…)", seen->key.name,
			    given.name);
			return fail_unverified(
			    &why, "ask the ledger's operator which key is right; send nothing before");
		}
	}
	err = pin_recall(settings, door, &known, &why);
	if (err == ERR_NOT_FOUND) {
		err = pin_remember(settings, door, seen, &why);
		if (err == OK && settings->vkey == NULL) {
			char vkey[KEY_VKEY_SIZE];

			key_format(&seen->key, vkey);
			out_info("subsidy: first contact with ledger %s; its key is remembered: %s", seen->id, vkey);
		}
		return err == OK ? EXIT_OK : out_fail(err, &why, NULL);
	}
	if (err != OK)
		return out_fail(err, &why, NULL);
	if (key_equal(&known.key, &seen->key) && strcmp(known.id, seen->id) == 0)
		return EXIT_OK;
	(void)why_set(&why, ERR_UNKNOWN_KEY,
	    key_equal(&known.key, &seen->key)
		? "this address was ledger %s of %s, and now says it is %s of %s"
		: "this address was ledger %s of %s, and now says it is %s of %s, with another key",
	    known.id, known.origin, seen->id, seen->origin);
	return fail_unverified(&why, "ask the ledger's operator; if the change is meant, remove the file ledger-… of "
				     "this address from the state "
				     "folder");
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
	code = pin_compare(settings, door, &seen);
	if (code == EXIT_OK)
		*ret_ledger = seen;
out:
	link_answer_done(&answer);
	return code;
}

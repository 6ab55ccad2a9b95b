/*
 * The genesis text: who may act, and how many must agree, from the first entry on.
 *
 * The note is signed by every officer it names and by the ledger, and a note carries a bounded number of
 * signatures; so a ledger begins with at most one officer fewer than that.
 */
#include "proto/order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/order_internal.h"
#include "proto/text.h"

#define GENESIS_OFFICERS_MAX (NOTE_SIGNATURES_MAX - 1)
#define RANDOM_SIZE sizeof(((struct genesis *)NULL)->random)

_Static_assert(GENESIS_OFFICERS_MAX <= OFFICERS_MAX, "a genesis names no more officers than a ledger holds");

static bool shares_key(const struct officer *a, const struct officer *b)
{
	for (size_t i = 0; i < a->key_count; i++)
		for (size_t j = 0; j < b->key_count; j++)
			if (key_has_same_material(&a->keys[i], &b->keys[j]))
				return true;
	return false;
}

/* Two names with one key between them would be one person who signs twice. */
static enum err check_distinct(const struct genesis *genesis, const struct officer *officer, struct why *why)
{
	for (size_t i = 0; i < officer->key_count; i++)
		if (key_has_same_material(&officer->keys[i], &genesis->ledger_key))
			return why_set(why, ERR_INVALID, "officer %s has the ledger's own key", officer->name);
	for (const struct officer *other = genesis->officers; other < officer; other++) {
		if (strcmp(other->name, officer->name) == 0)
			return why_set(why, ERR_INVALID, "two officers are named %s", officer->name);
		if (shares_key(other, officer))
			return why_set(
			    why, ERR_INVALID, "officers %s and %s have a key in common", other->name, officer->name);
	}
	return OK;
}

static enum err read_officers(const json_t *json, struct genesis *genesis, struct why *why)
{
	size_t count = json_array_size(json);

	if (!json_is_array(json) || count == 0 || count > GENESIS_OFFICERS_MAX)
		return why_set(why, ERR_INVALID,
		    "\"officers\" is not an array of 1 to %d officers (each signs the genesis note)",
		    GENESIS_OFFICERS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct why cause = {""};
		enum err err = order_json_officer(json_array_get(json, i), &genesis->officers[i], &cause);

		if (err != OK)
			return why_set_cause(why, err, &cause, "officer %zu: ", i + 1);
		if ((err = check_distinct(genesis, &genesis->officers[i], why)) != OK)
			return err;
		genesis->officer_count++;
	}
	return OK;
}

static enum err check_quorums(const struct genesis *genesis, struct why *why)
{
	enum officer_role roles[OFFICERS_MAX];

	for (size_t i = 0; i < genesis->officer_count; i++)
		roles[i] = genesis->officers[i].role;
	return quorums_check_reachable(&genesis->quorums, roles, genesis->officer_count, why);
}

static enum err set_origin(struct slice origin, struct genesis *genesis, struct why *why)
{
	if (origin.size > ORIGIN_SIZE_MAX || !origin_is_valid(origin))
		return why_set(
		    why, ERR_INVALID, "the origin is not a schema-less URL of at most %d bytes", ORIGIN_SIZE_MAX);
	order_text_copy(origin, genesis->origin, sizeof(genesis->origin));
	return OK;
}

/* One history, one origin: a ledger that lost something goes on under another name. */
static enum err read_continued(const json_t *json, struct genesis *genesis, struct why *why)
{
	struct why cause = {""};
	enum err err;

	if (json == NULL)
		return OK;
	err = continued_read(json, &genesis->continued, &cause);
	if (err != OK)
		return why_set_cause(why, err, &cause, "\"continues\": ");
	if (strcmp(genesis->continued.origin, genesis->origin) == 0)
		return why_set(why, ERR_INVALID,
		    "the ledger has the origin of the one that it continues, %s: it needs another one, and another key",
		    genesis->origin);
	return OK;
}

/* What a draft and a finished text have in common; genesis->origin is set. */
static enum err read_common(const json_t *root, struct genesis *genesis, struct why *why)
{
	const json_t *ledger_key = json_object_get(root, "ledger_key");
	enum err err;

	if (!json_is_string(ledger_key) ||
	    key_parse(slice_of(json_string_value(ledger_key), json_string_length(ledger_key)), &genesis->ledger_key) !=
		OK)
		return why_set(why, ERR_INVALID, "\"ledger_key\" is not a public key <name>+<key id>+<base64>");
	if (genesis->ledger_key.type != KEY_ED25519)
		return why_set(why, ERR_INVALID, "the ledger's key is not Ed25519, so strangers could not check it");
	if (strcmp(genesis->ledger_key.name, genesis->origin) != 0)
		return why_set(
		    why, ERR_INVALID, "the ledger's key must be named as the origin, \"%s\"", genesis->origin);
	if ((err = read_officers(json_object_get(root, "officers"), genesis, why)) != OK ||
	    (err = quorums_parse(json_object_get(root, "quorums"), &genesis->quorums, why)) != OK ||
	    (err = check_quorums(genesis, why)) != OK)
		return err;
	return read_continued(json_object_get(root, "continues"), genesis, why);
}

static enum err read_object(const json_t *root, struct genesis *genesis, struct why *why)
{
	static const char *const keys[] = {"rules", "random", "ledger_key", "officers", "quorums", "continues"};
	const json_t *rules = json_object_get(root, "rules");
	struct slice random;
	enum err err;

	if ((err = order_json_keys(root, keys, 5, 6, why)) != OK)
		return err;
	if (!json_is_integer(rules) || json_integer_value(rules) != RULES_VERSION)
		return why_set(why, ERR_INVALID, "\"rules\" is not %d, the version this program knows", RULES_VERSION);
	genesis->rules = RULES_VERSION;
	if ((err = order_json_text(root, "random", 2 * RANDOM_SIZE, &random, why)) != OK)
		return err;
	if (hex_parse(random, genesis->random, RANDOM_SIZE) != OK)
		return why_set(why, ERR_INVALID, "\"random\" is not %zu lower-case hex digits", 2 * RANDOM_SIZE);
	return read_common(root, genesis, why);
}

static enum err write_text(const struct genesis *genesis, struct buf *ret_text)
{
	char random[2 * RANDOM_SIZE + 1], ledger_key[KEY_VKEY_SIZE];
	json_t *quorums = quorums_format(&genesis->quorums);
	enum err err;

	hex_format(slice_of(genesis->random, RANDOM_SIZE), random);
	key_format(&genesis->ledger_key, ledger_key);
	buf_printf(ret_text, GENESIS_HEADER "\n%s\n{\"rules\":%u,\"random\":\"%s\",\"ledger_key\":", genesis->origin,
	    genesis->rules, random);
	order_json_add_string(ret_text, slice_text(ledger_key));
	buf_add_text(ret_text, ",\"officers\":[");
	for (size_t i = 0; i < genesis->officer_count; i++) {
		if (i > 0)
			buf_u8(ret_text, ',');
		order_json_add_officer(ret_text, &genesis->officers[i]);
	}
	buf_add_text(ret_text, "],\"quorums\":");
	err = quorums == NULL ? ERR_MEMORY : order_json_add(ret_text, quorums);
	if (genesis->continued.size > 0) {
		buf_add_text(ret_text, ",\"continues\":");
		continued_format(&genesis->continued, ret_text);
	}
	buf_add_text(ret_text, "}\n");
	json_decref(quorums);
	return err == OK ? ret_text->err : err;
}

static enum err compare(struct slice text, const struct genesis *genesis, struct why *why)
{
	struct buf written;
	enum err err;

	buf_init(&written, NOTE_TEXT_SIZE_MAX);
	err = write_text(genesis, &written);
	if (err == OK || err == ERR_TOO_LARGE)
		err = order_json_compare(text, &written, TEXT("the genesis text"), why);
	buf_done(&written);
	return err;
}

enum err genesis_parse(struct slice text, struct genesis *ret_genesis, struct why *why)
{
	struct slice rest = text, header, origin, line;
	struct genesis *genesis = NULL;
	json_t *root = NULL;
	enum err err;

	if (text.size > NOTE_TEXT_SIZE_MAX)
		return why_set(why, ERR_TOO_LARGE, "the genesis text has %zu bytes; %d are allowed", text.size,
		    NOTE_TEXT_SIZE_MAX);
	if (!order_line_take(&rest, &header) || !order_line_take(&rest, &origin) || !order_line_take(&rest, &line) ||
	    rest.size > 0)
		return why_set(why, ERR_SYNTAX, "a genesis text has exactly three lines");
	if (!slice_equal(header, slice_text(GENESIS_HEADER)))
		return why_set(why, ERR_SYNTAX, "the first line is not %s", GENESIS_HEADER);
	genesis = calloc(1, sizeof(*genesis));
	if (genesis == NULL)
		return why_set(why, ERR_MEMORY, "not enough memory for the genesis text");
	if ((err = set_origin(origin, genesis, why)) != OK ||
	    (err = order_json_load(line, TEXT("the third line"), &root, why)) != OK ||
	    (err = read_object(root, genesis, why)) != OK || (err = compare(text, genesis, why)) != OK)
		goto out;
	*ret_genesis = *genesis;
out:
	json_decref(root);
	free(genesis);
	return err;
}

enum err genesis_compose(const json_t *draft, const uint8_t random[static 32], struct buf *ret_text, struct why *why)
{
	static const char *const keys[] = {"origin", "ledger_key", "officers", "quorums", "continues"};
	struct genesis *genesis = NULL;
	struct slice origin;
	struct buf text;
	enum err err;

	buf_init(&text, NOTE_TEXT_SIZE_MAX);
	if ((err = order_json_keys(draft, keys, 4, 5, why)) != OK ||
	    (err = order_json_text(draft, "origin", ORIGIN_SIZE_MAX, &origin, why)) != OK)
		goto out;
	genesis = calloc(1, sizeof(*genesis));
	if (genesis == NULL) {
		err = why_set(why, ERR_MEMORY, "not enough memory for the genesis text");
		goto out;
	}
	genesis->rules = RULES_VERSION;
	memcpy(genesis->random, random, RANDOM_SIZE);
	if ((err = set_origin(origin, genesis, why)) != OK || (err = read_common(draft, genesis, why)) != OK)
		goto out;
	if ((err = write_text(genesis, &text)) != OK) {
		why_set(why, err, "the genesis text is larger than %d bytes", NOTE_TEXT_SIZE_MAX);
		goto out;
	}
	/* The proof that what is about to be signed can be read. */
	if ((err = genesis_parse(buf_slice(&text), genesis, why)) != OK)
		goto out;
	buf_add_slice(ret_text, buf_slice(&text));
	err = ret_text->err;
out:
	free(genesis);
	buf_done(&text);
	return err;
}

/* ---- the note */

/* Every officer must have signed with at least one key. */
static enum err check_officers_signed(const struct note *note, const struct genesis *genesis, struct why *why)
{
	for (size_t i = 0; i < genesis->officer_count; i++) {
		const struct officer *officer = &genesis->officers[i];
		uint64_t signed_by;
		enum err err = note_verify(note, officer->keys, officer->key_count, &signed_by);

		if (err == ERR_UNKNOWN_KEY)
			return why_set(why, ERR_QUORUM,
			    "officer %s has not signed the genesis; every officer it names must", officer->name);
		if (err != OK)
			return why_set(
			    why, err, "the signature of officer %s does not match the genesis", officer->name);
	}
	return OK;
}

enum err genesis_check(
    struct slice note_bytes, bool needs_ledger_signature, struct genesis *ret_genesis, struct why *why)
{
	struct genesis *genesis = malloc(sizeof(*genesis));
	struct note note;
	uint64_t signed_by;
	enum err err;

	if (genesis == NULL)
		return ERR_MEMORY;
	err = note_parse(note_bytes, &note, why);
	if (err == OK)
		err = genesis_parse(note.text, genesis, why);
	if (err == OK)
		err = check_officers_signed(&note, genesis, why);
	if (err == OK && needs_ledger_signature) {
		err = note_verify(&note, &genesis->ledger_key, 1, &signed_by);
		if (err != OK)
			err = why_set(why, err, "the ledger's own signature under the genesis is missing or wrong");
	}
	if (err == OK)
		*ret_genesis = *genesis;
	free(genesis);
	return err;
}

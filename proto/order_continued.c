/*
 * What a genesis says of the ledger that it continues. It carries that ledger's own genesis entry, since officers, keys
 * and quorums of it judge the entries that are taken over; and its last known checkpoint, since that says what is lost.
 * Whether entries and signatures bear it out is for whoever holds the entries.
 */
#include "proto/order_internal.h"

#include <stdlib.h>
#include <string.h>

#include "proto/entry.h"

#define ARENA_SIZE ((size_t)4 * ENTRY_SIZE_MAX)

static enum err read_names(const json_t *json, struct continued *continued, struct why *why)
{
	struct slice origin, id;
	uint8_t bytes[LEDGER_ID_SIZE / 2];
	enum err err = order_json_text(json, "origin", ORIGIN_SIZE_MAX, &origin, why);

	if (err == OK)
		err = order_json_text(json, "ledger_id", LEDGER_ID_SIZE, &id, why);
	if (err != OK)
		return err;
	if (!origin_is_valid(origin))
		return why_set(why, ERR_INVALID, "the origin of the ledger that is continued is not valid");
	if (hex_parse(id, bytes, sizeof(bytes)) != OK)
		return why_set(why, ERR_INVALID, "\"ledger_id\" is not %d lower-case hex digits", LEDGER_ID_SIZE);
	order_text_copy(origin, continued->origin, sizeof(continued->origin));
	order_text_copy(id, continued->ledger_id, sizeof(continued->ledger_id));
	return OK;
}

static enum err read_size(const json_t *json, struct continued *continued, struct why *why)
{
	const json_t *size = json_object_get(json, "size");
	struct slice root;
	size_t root_size;
	enum err err;

	if (!json_is_integer(size) || json_integer_value(size) < 1 ||
	    (uint64_t)json_integer_value(size) > TREE_SIZE_MAX)
		return why_set(why, ERR_INVALID, "\"size\" is not the size of a ledger");
	continued->size = (uint64_t)json_integer_value(size);
	err = order_json_text(json, "root", BASE64_SIZE(HASH_SIZE), &root, why);
	if (err != OK)
		return err;
	if (base64_parse(root, continued->root.bytes, HASH_SIZE, &root_size) != OK || root_size != HASH_SIZE)
		return why_set(why, ERR_INVALID, "\"root\" is not a hash in base64");
	return OK;
}

static enum err read_checkpoint(const json_t *json, struct continued *continued, struct why *why)
{
	const json_t *text = json_object_get(json, "checkpoint");
	const struct checkpoint *checkpoint = &continued->checkpoint;
	struct note note;
	enum err err;

	if (!json_is_string(text) || json_string_length(text) > sizeof(continued->note))
		return why_set(why, ERR_INVALID, "\"checkpoint\" is not a signed checkpoint");
	continued->note_size = json_string_length(text);
	memcpy(continued->note, json_string_value(text), continued->note_size);
	err = note_parse(slice_of(continued->note, continued->note_size), &note, why);
	if (err == OK)
		err = checkpoint_parse(note.text, &continued->checkpoint, why);
	if (err != OK)
		return err;
	if (strcmp(checkpoint->origin, continued->origin) != 0)
		return why_set(why, ERR_INVALID, "the checkpoint is of %s, the ledger that is continued is %s",
		    checkpoint->origin, continued->origin);
	if (checkpoint->size < continued->size)
		return why_set(why, ERR_INVALID,
		    "the checkpoint is of %llu entries, fewer than the %llu that are taken over: a newer one is known",
		    (unsigned long long)checkpoint->size, (unsigned long long)continued->size);
	if (checkpoint->size == continued->size && !hash_equal(&checkpoint->root, &continued->root))
		return why_set(why, ERR_INVALID, "the checkpoint of that size has another root");
	return OK;
}

/* The first two lines name what kind of text it is, and of which ledger; the rest is read when entries are judged by it. */
static bool is_genesis_of(struct slice note_bytes, const char *origin)
{
	struct slice header, line, rest;
	struct note note;

	if (note_parse(note_bytes, &note, NULL) != OK)
		return false;
	rest = note.text;
	return order_line_take(&rest, &header) && slice_equal(header, slice_text(GENESIS_HEADER)) &&
	       order_line_take(&rest, &line) && slice_equal(line, slice_text(origin));
}

static enum err check_entry(const struct continued *continued, struct why *why)
{
	struct slice bytes = slice_of(continued->entry, continued->entry_size);
	struct hash leaf = hash_leaf(bytes);
	char id[2 * HASH_SIZE + 1];
	struct arena arena;
	struct entry entry;
	enum err err;

	hex_format(hash_slice(&leaf), id);
	if (memcmp(id, continued->ledger_id, LEDGER_ID_SIZE) != 0)
		return why_set(
		    why, ERR_INVALID, "the ledger id is not that of the genesis entry (%.*s)", LEDGER_ID_SIZE, id);
	arena_init(&arena, ARENA_SIZE);
	err = entry_decode(bytes, &arena, &entry);
	if (err == OK && (entry.kind != ENTRY_GENESIS || !is_genesis_of(entry.genesis.note, continued->origin)))
		err = ERR_INVALID;
	arena_done(&arena);
	return err == OK || err == ERR_MEMORY
		   ? err
		   : why_set(why, ERR_INVALID, "\"genesis\" is not the genesis entry of that ledger");
}

static enum err read_entry(const json_t *json, struct continued *continued, struct why *why)
{
	const json_t *text = json_object_get(json, "genesis");

	if (!json_is_string(text) || json_string_length(text) > BASE64_SIZE(sizeof(continued->entry)) ||
	    base64_parse(slice_of(json_string_value(text), json_string_length(text)), continued->entry,
		sizeof(continued->entry), &continued->entry_size) != OK)
		return why_set(why, ERR_INVALID, "\"genesis\" is not a genesis entry of at most %d bytes in base64",
		    CONTINUED_ENTRY_SIZE_MAX);
	return check_entry(continued, why);
}

enum err continued_read(const json_t *json, struct continued *ret_continued, struct why *why)
{
	static const char *const keys[] = {"origin", "ledger_id", "checkpoint", "size", "root", "genesis"};
	struct continued *continued = calloc(1, sizeof(*continued));
	enum err err;

	if (continued == NULL)
		return ERR_MEMORY;
	if ((err = order_json_keys(json, keys, 6, 6, why)) == OK && (err = read_names(json, continued, why)) == OK &&
	    (err = read_size(json, continued, why)) == OK && (err = read_checkpoint(json, continued, why)) == OK)
		err = read_entry(json, continued, why);
	if (err == OK)
		*ret_continued = *continued;
	free(continued);
	return err;
}

static void add_base64(struct buf *buf, struct slice bytes)
{
	buf_u8(buf, '"');
	base64_add(buf, bytes);
	buf_u8(buf, '"');
}

void continued_format(const struct continued *continued, struct buf *ret_json)
{
	buf_add_text(ret_json, "{\"origin\":");
	order_json_add_string(ret_json, slice_text(continued->origin));
	buf_printf(ret_json, ",\"ledger_id\":\"%s\",\"checkpoint\":", continued->ledger_id);
	order_json_add_string(ret_json, slice_of(continued->note, continued->note_size));
	buf_printf(ret_json, ",\"size\":%llu,\"root\":", (unsigned long long)continued->size);
	add_base64(ret_json, hash_slice(&continued->root));
	buf_add_text(ret_json, ",\"genesis\":");
	add_base64(ret_json, slice_of(continued->entry, continued->entry_size));
	buf_u8(ret_json, '}');
}

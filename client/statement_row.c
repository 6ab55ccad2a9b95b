#include "client/statement_row.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/kept.h"
#include "client/out.h"
#include "proto/feed.h"
#include "proto/limits.h"

#define ARENA_SIZE (8u * ENTRY_SIZE_MAX)

void statement_row_init(struct statement_row *row)
{
	*row = (struct statement_row){.index = 0};
	arena_init(&row->arena, ARENA_SIZE);
}

void statement_row_done(struct statement_row *row)
{
	arena_done(&row->arena);
}

static bool number_read(const json_t *object, const char *name, uint64_t max, uint64_t *ret_number)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max)
		return false;
	*ret_number = (uint64_t)json_integer_value(value);
	return true;
}

static bool hash_read(const json_t *object, const char *name, struct hash *ret_hash)
{
	size_t size;

	return base64_parse(slice_text(json_text_or(object, name, "")), ret_hash->bytes, HASH_SIZE, &size) == OK &&
	       size == HASH_SIZE;
}

/* ---- the entry */

static enum err bytes_read(const char *text, struct statement_row *row)
{
	uint8_t *bytes = arena_alloc(&row->arena, ENTRY_SIZE_MAX);
	size_t size;

	if (bytes == NULL)
		return ERR_MEMORY;
	if (base64_parse(slice_text(text), bytes, ENTRY_SIZE_MAX, &size) != OK)
		return ERR_SYNTAX;
	row->bytes = slice_of(bytes, size);
	row->leaf = hash_leaf(row->bytes);
	return OK;
}

static enum err envelope_read(const json_t *json, struct statement_row *row)
{
	const json_t *entry = json_object_get(json, "entry");

	if (!number_read(json, "index", TREE_SIZE_MAX - 1, &row->index) || !kept_path_read(json, &row->path))
		return ERR_SYNTAX;
	row->is_withheld = json_is_null(entry);
	if (row->is_withheld)
		return hash_read(json, "leaf", &row->leaf) ? OK : ERR_SYNTAX;
	return json_is_string(entry) ? bytes_read(json_string_value(entry), row) : ERR_SYNTAX;
}

/* The entry, or the leaf in its place, is in the tree. */
static enum err entry_read(
    const json_t *json, const struct checkpoint *checkpoint, struct statement_row *row, struct why *why)
{
	enum err err;

	arena_reset(&row->arena);
	row->feed = NULL;
	row->order = NULL;
	row->act_index = 0;
	err = envelope_read(json, row);
	if (err == ERR_SYNTAX)
		return why_set(why, err, "a row is not of the form of a statement's");
	if (err != OK)
		return err;
	if (row->index >= checkpoint->size ||
	    tree_verify_inclusion(row->index, checkpoint->size, &row->leaf, &row->path, &checkpoint->root) != OK)
		return why_set(why, ERR_PROOF, "entry %" PRIu64 " is not proven to be in the ledger of size %" PRIu64,
		    row->index, checkpoint->size);
	if (row->is_withheld)
		return OK;
	err = entry_decode(row->bytes, &row->arena, &row->entry);
	return err == OK || err == ERR_MEMORY
		   ? err
		   : why_set(why, ERR_PROOF, "entry %" PRIu64 " is in the ledger, and is no entry", row->index);
}

/* ---- what comes with it */

/* The record is in the feed that the note speaks of. Whose signature that is, the acts must tell. */
static enum err feed_check(struct statement_row *row, struct why *why)
{
	struct checkpoint checkpoint;
	struct proof proof;
	struct note note;
	struct hash leaf;
	struct slice venue = row->entry.record.venue;
	enum err err = proof_parse(slice_text(row->feed), &row->arena, &proof, NULL);

	if (err == ERR_MEMORY)
		return err;
	if (err == OK)
		err = note_parse(proof.note, &note, NULL);
	if (err == OK)
		err = checkpoint_parse(note.text, &checkpoint, NULL);
	if (err != OK)
		goto refused;
	leaf = hash_leaf(proof.extra);
	if (proof.has_extra && slice_equal(proof.extra, row->entry.record.record) &&
	    proof.index == row->entry.record.feed_index && strlen(checkpoint.origin) > venue.size &&
	    memcmp(checkpoint.origin, venue.data, venue.size) == 0 && checkpoint.origin[venue.size] == '/' &&
	    tree_verify_inclusion(proof.index, checkpoint.size, &leaf, &proof.path, &checkpoint.root) == OK)
		return OK;
refused:
	return why_set(
	    why, ERR_PROOF, "the record of entry %" PRIu64 " is not proven to be in its venue's feed", row->index);
}

/* The items member of the order that a note's last line is. */
static enum err items_read(const char *text, uint64_t *ret_count, struct hash *ret_root)
{
	struct note note;
	struct slice line;
	json_t *order;
	bool is_read;
	enum err err = note_parse(slice_text(text), &note, NULL);

	if (err != OK)
		return err;
	line = slice_of(note.text.data, note.text.size - 1);
	for (size_t i = line.size; i > 0; i--)
		if (line.data[i - 1] == '\n') {
			line = slice_of(line.data + i, line.size - i);
			break;
		}
	order = json_loadb((const char *)line.data, line.size, JSON_REJECT_DUPLICATES, NULL);
	is_read = number_read(json_object_get(order, "items"), "count", ORDER_ITEMS_MAX, ret_count) &&
		  hash_read(json_object_get(order, "items"), "root", ret_root);
	json_decref(order);
	return is_read ? OK : ERR_SYNTAX;
}

static enum err order_check(const struct statement_row *row, struct why *why)
{
	const json_t *order = row->order, *line = json_object_get(order, "line");
	uint64_t order_index, item, count, signed_count;
	struct tree_path path;
	struct hash root, leaf;
	enum err err = OK;

	if (!number_read(order, "index", TREE_SIZE_MAX, &order_index) ||
	    !number_read(order, "item", ORDER_ITEMS_MAX - 1, &item) ||
	    !number_read(order, "count", ORDER_ITEMS_MAX, &count) || !json_is_string(line) ||
	    !kept_path_read(order, &path))
		err = ERR_PROOF;
	if (err == OK)
		err = items_read(json_text_or(order, "note", ""), &signed_count, &root);
	if (err == OK && (order_index != row->entry.effect.order_index || item != row->entry.effect.item ||
			     count != signed_count || item >= count))
		err = ERR_PROOF;
	if (err == OK) {
		leaf = hash_leaf(slice_of(json_string_value(line), json_string_length(line)));
		err = tree_verify_inclusion(item, count, &leaf, &path, &root);
	}
	return err == OK ? OK
			 : why_set(why, ERR_PROOF,
			       "entry %" PRIu64 " is not proven to be of an order that officers signed", row->index);
}

/* Each kind has what belongs to it, and nothing else. Trades are also held by orders without items. */
static enum err companions_check(const json_t *json, struct statement_row *row, struct why *why)
{
	bool is_record = !row->is_withheld && row->entry.kind == ENTRY_RECORD;
	bool is_effect = !row->is_withheld && row->entry.kind == ENTRY_EFFECT;
	const json_t *feed = json_object_get(json, "feed"), *order = json_object_get(json, "order");
	bool is_of_act = is_effect && json_is_null(order) && row->entry.effect.kind == EFFECT_HELD;

	if (json_is_string(feed) != is_record || json_is_object(order) != (is_effect && !is_of_act) ||
	    (!row->is_withheld && !is_record && !is_effect))
		return why_set(why, ERR_PROOF, "entry %" PRIu64 " does not come with what belongs to it", row->index);
	if (is_record) {
		row->feed = json_string_value(feed);
		return feed_check(row, why);
	}
	if (is_of_act)
		row->act_index = row->entry.effect.order_index;
	else if (is_effect)
		row->order = order;
	return row->order != NULL ? order_check(row, why) : OK;
}

enum err statement_row_read(
    const json_t *json, const struct checkpoint *checkpoint, struct statement_row *row, struct why *why)
{
	enum err err = entry_read(json, checkpoint, row, why);

	return err == OK ? companions_check(json, row, why) : err;
}

enum err statement_act_read(
    const json_t *json, const struct checkpoint *checkpoint, struct statement_row *row, struct why *why)
{
	enum err err = entry_read(json, checkpoint, row, why);
	bool is_act;

	if (err != OK)
		return err;
	is_act =
	    !row->is_withheld && (row->index == 0 ? row->entry.kind == ENTRY_GENESIS
						  : row->entry.kind == ENTRY_ORDER && row->entry.order.item_count == 0);
	return is_act ? OK
		      : why_set(why, ERR_PROOF, "entry %" PRIu64 " is not an act of the bureau as it should be",
			    row->index);
}

struct statement_link statement_row_link(const struct statement_row *row)
{
	struct statement_link link = {.is_any = row->is_withheld};

	for (size_t i = 0; !row->is_withheld && i < row->entry.link_count; i++)
		link.indexes[link.count++] = row->entry.links[i];
	return link;
}

bool statement_link_holds(const struct statement_link *link, uint64_t index)
{
	bool is_held = link->is_any;

	for (size_t i = 0; i < link->count; i++)
		is_held = is_held || link->indexes[i] == index;
	return is_held;
}

/*
 * Proofs: that an entry is in the ledger, that a record is in its venue's feed, that the ledger has only grown; and one
 * entry as it is. Proofs are under the newest published checkpoint, and made from entries and stored tile roots.
 */
#include "daemon/api_internal.h"

#include "daemon/query_internal.h"

#define PROOF_TYPE "text/plain; charset=utf-8"
#define NOT_GIVEN UINT64_MAX

/* The same for whoever may not see it and for whoever asks for what is not there. */
static enum err absent_entry(struct why *why)
{
	return why_set(why, ERR_NOT_FOUND, "no entry of this index is known to this access code");
}

/* ---- whose entry is it? */

static bool is_of_venue(const struct entry *entry, struct slice venue)
{
	switch (entry->kind) {
	case ENTRY_RECORD: return slice_equal(entry->record.venue, venue);
	case ENTRY_PUSH: return slice_equal(entry->push.venue, venue);
	case ENTRY_EVIDENCE: return slice_equal(entry->evidence.venue, venue);
	case ENTRY_GENESIS:
	case ENTRY_ORDER:
	case ENTRY_EFFECT: break;
	}
	return false;
}

static enum err check_owner(struct reading *reading, struct store_txn *txn, uint64_t index)
{
	const struct grant *grant = &reading->viewer.grant;
	struct slice name = slice_text(grant->name);
	struct code code = {.text = ""};
	struct chain_item item;
	struct arena arena;
	bool is_own;
	enum err err;

	if (grant->subject == SUBJECT_ENTERPRISE)
		code = code_of(name);
	if (index >= reading->head.size)
		return absent_entry(&reading->why);
	if (access_is_oversight(&reading->viewer))
		return OK;
	arena_init(&arena, CHAIN_ARENA_SIZE);
	err = chain_item_read(txn, index, &arena, &item);
	if (err == OK) {
		is_own = grant->subject == SUBJECT_VENUE ? is_of_venue(&item.entry, name)
							 : chain_item_is_shown(&item, &code);
		err = is_own ? OK : absent_entry(&reading->why);
	}
	arena_done(&arena);
	return err;
}

/* For a size that no checkpoint is at hand for. */
static enum err prove_bare(struct reading *reading, struct store_txn *txn, uint64_t index, uint64_t size)
{
	struct ledger_source source;
	struct tree_path path;
	enum err err;

	if (size <= index || size > reading->head.size)
		return why_set(&reading->why, ERR_BAD_REQUEST, "size: entry %llu is in the sizes from %llu to %llu",
		    (unsigned long long)index, (unsigned long long)index + 1, (unsigned long long)reading->head.size);
	ledger_source_init(&source, txn);
	err = tree_inclusion(&source.source, index, size, &path);
	return err != OK ? err
			 : query_take(json_pack("{s:o, s:o, s:o}", "index", query_number(index), "size",
					  query_number(size), "hashes", query_path(&path)),
			       &reading->json);
}

/* A parameter that must be there. */
static enum err needed_number(struct reading *reading, const char *name, uint64_t *ret_value)
{
	uint64_t value = NOT_GIVEN;
	enum err err = api_number(reading->target, name, TREE_SIZE_MAX, &value, &reading->why);

	if (err == OK && value == NOT_GIVEN)
		err = why_set(&reading->why, ERR_BAD_REQUEST, "%s is needed", name);
	if (err == OK)
		*ret_value = value;
	return err;
}

/* ---- the routes */

enum err api_proof(struct reading *reading, struct store_txn *txn)
{
	uint64_t index = 0, size = reading->head.size;
	struct ledger_source source;
	enum err err = needed_number(reading, "index", &index);

	if (err == OK)
		err = api_number(reading->target, "size", TREE_SIZE_MAX, &size, &reading->why);
	if (err == OK)
		err = check_owner(reading, txn, index);
	if (err != OK)
		return err;
	if (size != reading->head.size)
		return prove_bare(reading, txn, index, size);
	err = ledger_source_init_edge(&source, txn);
	if (err != OK)
		return err;
	reading->content_type = PROOF_TYPE;
	buf_init(&reading->body, RECEIPT_SIZE_MAX);
	return ledger_proof(&source, index, size, head_note(&reading->head), &reading->body);
}

enum err api_consistency(struct reading *reading, struct store_txn *txn)
{
	uint64_t from = 0, to = 0;
	struct ledger_source source;
	struct tree_path path;
	enum err err = needed_number(reading, "from", &from);

	if (err == OK)
		err = needed_number(reading, "to", &to);
	if (err == OK && (from > to || to > reading->head.size))
		err = why_set(&reading->why, ERR_BAD_REQUEST,
		    "from and to are sizes of the ledger, up to %llu, and from is "
		    "not the larger one",
		    (unsigned long long)reading->head.size);
	if (err != OK)
		return err;
	ledger_source_init(&source, txn);
	err = tree_consistency(&source.source, from, to, &path);
	return err != OK ? err
			 : query_take(json_pack("{s:o, s:o, s:o}", "from", query_number(from), "to", query_number(to),
					  "hashes", query_path(&path)),
			       &reading->json);
}

enum err api_feed_proof(struct reading *reading, struct store_txn *txn)
{
	struct api_feed_named named;
	uint64_t index = 0;
	enum err err = needed_number(reading, "index", &index);

	if (err == OK)
		err = api_find_feed(reading, txn, &named);
	if (err == OK && index >= named.feed.frontier.size)
		err = why_set(&reading->why, ERR_NOT_FOUND, "the feed holds %llu records: there is no record %llu",
		    (unsigned long long)named.feed.frontier.size, (unsigned long long)index);
	if (err != OK)
		return err;
	reading->content_type = PROOF_TYPE;
	buf_init(&reading->body, RECEIPT_SIZE_MAX);
	return query_feed_proof(txn, &named.feed, index, &reading->body);
}

enum err api_entry(struct reading *reading, struct store_txn *txn)
{
	uint64_t index;

	if (decimal_parse(reading->subject, TREE_SIZE_MAX, &index) != OK || index >= reading->head.size)
		return absent_entry(&reading->why);
	return query_entry(txn, index, &reading->json);
}

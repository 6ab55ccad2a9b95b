/*
 * The ledger's own keys: which they are and since when, with the proof of the order that brought each; and what the claim
 * keys sign, where an enterprise's chain ends at a size.
 */
#include "daemon/api_internal.h"

#include <string.h>

#include "daemon/query_internal.h"
#include "proto/claim.h"

#define CLAIM_TYPE "text/plain; charset=utf-8"

static json_t *vkey_json(const struct key *key)
{
	char vkey[KEY_VKEY_SIZE];

	key_format(key, vkey);
	return json_string(vkey);
}

/* ---- which ledger, and which keys */

enum err api_ledger(struct reading *reading, struct store_txn *txn)
{
	const struct ledger_identity *identity = &reading->api->identity;
	struct key valid[LOG_KEYS_MAX];
	struct log_keys keys;
	json_t *vkeys = json_array();
	enum err err = log_keys_get(txn, &keys);
	size_t count = err == OK ? log_keys_valid(&keys, LOG_KEY_CHECKPOINT, reading->head.size, valid) : 0;

	if (err == OK && count == 0)
		err = ERR_DAMAGED;
	for (size_t i = 0; i < count && err == OK; i++)
		err = vkeys == NULL ? ERR_MEMORY : query_append(vkeys, vkey_json(&valid[i]));
	/* The oldest of two: whoever remembers it finds it as long as it signs. */
	if (err == OK)
		err = query_take(json_pack("{s:s, s:s, s:O, s:O, s:o, s:I, s:o}", "origin", identity->origin,
				     "ledger_id", identity->ledger_id, "vkey", json_array_get(vkeys, 0), "vkeys", vkeys,
				     "size", query_number(reading->head.size), "rules", (json_int_t)identity->rules,
				     "continues", api_past_json(reading->api)),
		    &reading->json);
	json_decref(vkeys);
	return err;
}

/* Of the entry that brought the key; null for genesis's. */
static enum err order_json(struct reading *reading, struct store_txn *txn, uint64_t index, json_t **ret_json)
{
	if (index == 0)
		return query_take(json_null(), ret_json);
	return api_receipt(txn, &reading->head, index, ret_json);
}

static enum err add_key(struct reading *reading, struct store_txn *txn, const struct log_key *key, json_t *keys)
{
	json_t *order = NULL;
	/* An order that the head does not cover yet has not happened. */
	bool is_retired = key->until != 0 && key->until < reading->head.size;
	enum err err = order_json(reading, txn, key->since, &order);

	return err != OK ? err
			 : query_append(keys, json_pack("{s:o, s:s, s:o, s:o, s:o}", "vkey", vkey_json(&key->key),
						  "use", key->use == LOG_KEY_CHECKPOINT ? "checkpoint" : "heads",
						  "since", query_number(key->since), "until",
						  is_retired ? query_number(key->until) : json_null(), "order", order));
}

enum err api_keys(struct reading *reading, struct store_txn *txn)
{
	const struct ledger_identity *identity = &reading->api->identity;
	json_t *rows = json_array();
	struct log_keys keys;
	enum err err = rows == NULL ? ERR_MEMORY : log_keys_get(txn, &keys);

	for (size_t i = 0; err == OK && i < keys.count; i++)
		if (keys.keys[i].since < reading->head.size)
			err = add_key(reading, txn, &keys.keys[i], rows);
	if (err == OK)
		err = query_take(json_pack("{s:s, s:s, s:O}", "origin", identity->origin, "ledger_id",
				     identity->ledger_id, "keys", rows),
		    &reading->json);
	json_decref(rows);
	return err;
}

/* ---- claims */

/* The newest entry below the claim's size that concerns the enterprise. ERR_NOT_FOUND where there is none. */
static enum err find_last(struct reading *reading, struct store_txn *txn, struct claim *claim)
{
	struct code code = code_of(slice_text(claim->code));
	struct chain_item item;
	struct chain chain;
	enum err err = OK;

	chain_begin(&chain, txn, &code, claim->size, AS_OF_WALK_MAX);
	if (chain_next(&chain, &item))
		claim->last_index = item.index;
	else
		err = chain.err != OK ? chain.err : access_absent(ACCESS_ENTERPRISE, &reading->why);
	chain_done(&chain);
	if (err == ERR_TOO_LARGE)
		err = why_set(&reading->why, ERR_BAD_REQUEST,
		    "size: more than %d entries of this enterprise lie behind it; ask for a newer one", AS_OF_WALK_MAX);
	return err;
}

static enum err find_root(struct reading *reading, struct store_txn *txn, struct claim *claim)
{
	struct ledger_source source;
	struct frontier frontier;
	enum err err = OK;

	claim->root = reading->head.root;
	if (claim->size == reading->head.size)
		return OK;
	ledger_source_init(&source, txn);
	err = tree_frontier(&source.source, claim->size, &frontier);
	if (err == OK)
		claim->root = frontier_root(&frontier);
	return err;
}

/* By the claim keys of today, whatever the size: a retired key signs nothing any more. */
static enum err find_signers(struct reading *reading, struct store_txn *txn, struct log_signing *ret_signing)
{
	struct log_keys keys;
	enum err err = log_keys_get(txn, &keys);

	if (err == OK)
		err = log_signers_pick(
		    reading->api->signers, &keys, LOG_KEY_HEADS, reading->head.size, ret_signing, &reading->why);
	if (err == OK && ret_signing->count == 0)
		err = why_set(&reading->why, ERR_NOT_FOUND,
		    "this ledger has no claim key: as long as no order (log.key) has added one, it makes no claims");
	return err;
}

enum err api_head(struct reading *reading, struct store_txn *txn)
{
	struct claim claim = {.size = reading->head.size};
	struct log_signing signing;
	struct buf text;
	enum err err;

	if (reading->subject.size != USCI_SIZE || usci_check(reading->subject, NULL) != USCI_OK)
		return access_absent(ACCESS_ENTERPRISE, &reading->why);
	err = api_number(reading->target, "size", TREE_SIZE_MAX, &claim.size, &reading->why);
	if (err == OK && (claim.size == 0 || claim.size > reading->head.size))
		err = why_set(&reading->why, ERR_BAD_REQUEST, "size: the ledger's sizes are 1 to %llu",
		    (unsigned long long)reading->head.size);
	if (err != OK)
		return err;
	memcpy(claim.origin, reading->api->identity.origin, sizeof(claim.origin));
	memcpy(claim.ledger_id, reading->api->identity.ledger_id, sizeof(claim.ledger_id));
	memcpy(claim.code, reading->subject.data, USCI_SIZE);
	err = find_last(reading, txn, &claim);
	if (err == OK)
		err = find_root(reading, txn, &claim);
	if (err == OK)
		err = find_signers(reading, txn, &signing);
	if (err != OK)
		return err;
	reading->content_type = CLAIM_TYPE;
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	buf_init(&reading->body, CHECKPOINT_SIZE_MAX);
	claim_format(&claim, &text);
	err = text.err != OK ? text.err : note_sign(buf_slice(&text), signing.signers, signing.count, &reading->body);
	buf_done(&text);
	return err;
}

/* What the folds of pushes and orders share, and the entries that are neither. */
#include "daemon/fold_internal.h"

#include <assert.h>
#include <string.h>

#include "daemon/cells.h"
#include "proto/date.h"

void fold_set_links(struct store_txn *txn, const struct code *codes, size_t code_count, struct entry *entry)
{
	struct party party;

	entry->link_count = code_count;
	for (size_t i = 0; i < code_count; i++) {
		party_get(txn, &codes[i], &party);
		entry->links[i] = party.last_index;
	}
}

void fold_advance_parties(struct store_txn *txn, const struct code *codes, size_t code_count, uint64_t index)
{
	struct party party;

	for (size_t i = 0; i < code_count; i++) {
		party_get(txn, &codes[i], &party);
		party.last_index = index;
		party_put(txn, &codes[i], &party);
	}
}

void fold_file_uncounted(struct store_txn *txn, const struct uncounted *uncounted, bool is_removal)
{
	const struct cell_sums one = {.trades = 1};
	const struct trade *trade = uncounted->trade;

	for (enum side side = SIDE_SUPPLIER; side <= SIDE_BUYER; side++) {
		struct cell_key key = {.settled_month = month_of_date(trade->settled_on),
		    .code = side == SIDE_SUPPLIER ? *uncounted->supplier : *uncounted->buyer,
		    .signed_month = month_of_date(trade->signed_on),
		    .venue_number = uncounted->venue_number,
		    .side = side,
		    .product_kind = trade->product_kind,
		    .flags = CELL_NOT_COUNTED};

		cells_change(txn, &key, &one, is_removal);
	}
}

void fold_refile(struct store_txn *txn, const struct trade *trade, uint16_t venue_number, bool is_listed,
    const struct touched *from, const struct touched *to)
{
	const struct touched *const shapes[] = {from, to};

	for (enum side side = SIDE_SUPPLIER; side <= SIDE_BUYER; side++) {
		struct code code = code_of(side == SIDE_SUPPLIER ? trade->supplier : trade->buyer);

		for (size_t i = 0; i < 2; i++) {
			struct policy_fact fact;
			struct cell_key key;
			struct cell_sums sums;

			if (shapes[i] == NULL)
				continue;
			fact = life_fact(trade, NULL, side, is_listed, shapes[i]);
			cell_of_fact(&fact, &code, venue_number, &key, &sums);
			cells_change(txn, &key, &sums, i == 0);
		}
	}
}

uint64_t fold_evidence(struct ledger *ledger, struct store_txn *txn, const struct evidence *evidence)
{
	struct entry entry = {.kind = ENTRY_EVIDENCE};
	uint64_t index;

	entry.evidence.venue = evidence->venue;
	entry.evidence.generation = evidence->generation;
	entry.evidence.size = evidence->size;
	entry.evidence.note = evidence->note;
	entry.evidence.push_index = evidence->push_index;
	index = ledger_append(ledger, txn, &entry);
	evidence_put(txn, evidence->feed_number, evidence->size, index);
	return index;
}

/* Who the ledger is and who may act. Those in office before are none any more. */
static void put_genesis(struct store_txn *txn, const struct genesis *genesis, const char *ledger_id)
{
	struct ledger_identity identity = {.rules = genesis->rules, .ledger_key = genesis->ledger_key};
	enum err err;

	memcpy(identity.origin, genesis->origin, sizeof(identity.origin));
	memcpy(identity.ledger_id, ledger_id, LEDGER_ID_SIZE);
	ledger_save_identity(txn, &identity);
	for (size_t i = 0; i < genesis->officer_count; i++)
		officer_put(txn, &genesis->officers[i]);
	err = quorums_put(txn, &genesis->quorums);
	if (err != OK)
		store_fail(txn, err);
}

void fold_genesis(struct ledger *ledger, struct store_txn *txn, struct slice note, const struct genesis *genesis)
{
	struct entry entry = {.kind = ENTRY_GENESIS};
	char id[2 * HASH_SIZE + 1];

	assert(ledger->head.size == 0);
	entry.genesis.note = note;
	ledger_append(ledger, txn, &entry);
	if (store_error(txn) != OK)
		return;
	/* The ledger id is the first digits of the genesis entry's leaf hash, so it can't be chosen. */
	hex_format(hash_slice(&ledger->head.last_leaf), id);
	put_genesis(txn, genesis, id);
}

void fold_continued(struct ledger *ledger, struct store_txn *txn, struct slice entry, const struct eras *eras)
{
	const struct era *oldest = &eras->list[0];

	ledger_append_first(ledger, txn, entry, &oldest->leaf);
	put_genesis(txn, oldest->genesis, oldest->ledger_id);
}

void fold_era(struct store_txn *txn, const struct era *era)
{
	struct store_cursor cursor;
	struct officer officer;
	bool is_there;

	do {
		store_cursor_open(&cursor, txn, STORE_OFFICERS);
		is_there = store_cursor_first(&cursor);
		if (is_there && !officer_decode(cursor.key, cursor.value, &officer)) {
			store_fail(txn, ERR_DAMAGED);
			is_there = false;
		}
		store_cursor_close(&cursor);
		if (is_there)
			officer_delete(txn, officer.name);
	} while (is_there);
	log_keys_forget(txn);
	put_genesis(txn, era->genesis, era->ledger_id);
}

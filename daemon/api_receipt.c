/*
 * Receipts, and the answer to a push around one. Every push has such an answer made, so it is written as text, and those
 * of one group share the source of their proofs.
 */
#include "daemon/api_internal.h"

#include "daemon/query_internal.h"
#include "proto/jsontext.h"

/* A stored entry that a published head should cover. */
static enum err prove(struct ledger_source *source, const struct head *head, uint64_t index, struct buf *ret_proof)
{
	enum err err = ledger_proof(source, index, head->size, head_note(head), ret_proof);

	return err == ERR_NOT_FOUND ? ERR_DAMAGED : err;
}

enum err api_receipt(struct store_txn *txn, const struct head *head, uint64_t index, json_t **ret_receipt)
{
	struct ledger_source source;
	struct buf proof;
	enum err err = ledger_source_init_edge(&source, txn);

	buf_init(&proof, RECEIPT_SIZE_MAX);
	if (err == OK)
		err = prove(&source, head, index, &proof);
	if (err == OK)
		err = query_take(query_slice(buf_slice(&proof)), ret_receipt);
	buf_done(&proof);
	return err;
}

static void put_number(struct buf *text, const char *name, uint64_t number)
{
	jsontext_name(text, name);
	jsontext_number(text, number);
}

static void put_answer(
    const struct push_answer *answer, const struct entry *entry, struct slice proof, struct buf *text)
{
	jsontext_object(text);
	jsontext_name(text, "venue");
	jsontext_string(text, slice_text(answer->venue_id));
	put_number(text, "generation", answer->generation);
	put_number(text, "feed_size", answer->feed_size);
	put_number(text, "new", answer->new_count);
	put_number(text, "held", answer->is_told_again ? entry->push.count : answer->held_count);
	jsontext_name(text, "push");
	query_push_text(answer->push_index, entry, text);
	put_number(text, "ledger_size", answer->head->size);
	jsontext_name(text, "receipt");
	jsontext_string(text, proof);
	jsontext_object_end(text);
	buf_u8(text, '\n');
}

enum err api_push_text(struct ledger_source *source, const struct push_answer *answer, struct buf *ret_text)
{
	struct arena arena;
	struct entry entry;
	struct buf proof;
	enum err err;

	arena_init(&arena, CHAIN_ARENA_SIZE);
	buf_init(&proof, RECEIPT_SIZE_MAX);
	err = query_push_read(source->txn, answer->push_index, &arena, &entry);
	if (err == OK)
		err = prove(source, answer->head, answer->push_index, &proof);
	if (err == OK) {
		put_answer(answer, &entry, buf_slice(&proof), ret_text);
		err = ret_text->err;
	}
	buf_done(&proof);
	arena_done(&arena);
	return err;
}

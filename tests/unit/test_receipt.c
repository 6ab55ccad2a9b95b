/* Receipts: a true one of this very push is taken, and every way of being another one is refused. */
#include "client/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEDGER_ID "00112233aabbccdd"
#define ORIGIN "ledger.example/qd"

/* How a receipt may be made; each field one way in which it can be wrong. */
struct recipe {
	const char *venue; /* of the entry */
	uint32_t generation;
	uint64_t start, count; /* of the entry */
	uint64_t note_size;    /* of the feed checkpoint within it */
	uint64_t ledger_size;  /* of the checkpoint; the entry is the last leaf but one */
	bool is_strangers_note, is_strangers_checkpoint, is_order, has_no_entry;
};

static const struct recipe good = {"qddex", 1, 10, 5, 15, 4, false, false, false, false};

static struct signer *ledger, *venue, *stranger;

static struct signer *signer_make(const char *name, uint8_t first)
{
	uint8_t secret[32] = {first};
	struct signer *signer = NULL;

	assert_int_equal(signer_from_secret(KEY_ED25519, slice_text(name), secret, &signer), OK);
	return signer;
}

static int keys_begin(void **state)
{
	(void)state;
	if (key_global_init() != OK)
		return -1;
	ledger = signer_make(ORIGIN, 1);
	venue = signer_make("qddex", 2);
	stranger = signer_make("qddex", 3);
	return 0;
}

static int keys_end(void **state)
{
	(void)state;
	signer_free(ledger);
	signer_free(venue);
	signer_free(stranger);
	return 0;
}

static void note_make(const struct checkpoint *checkpoint, struct signer *signer, struct buf *ret_note)
{
	struct buf text;

	buf_init(&text, NOTE_TEXT_SIZE_MAX);
	buf_init(ret_note, NOTE_SIZE_MAX);
	checkpoint_format(checkpoint, &text);
	assert_int_equal(note_sign(buf_slice(&text), &signer, 1, ret_note), OK);
	buf_done(&text);
}

static void feed_note_make(uint64_t size, bool is_strangers, struct buf *ret_note)
{
	struct checkpoint checkpoint = {.size = size, .root = hash_sha256(slice_of(&size, sizeof(size)))};

	feed_origin_format("qddex", LEDGER_ID, 1, checkpoint.origin);
	note_make(&checkpoint, is_strangers ? stranger : venue, ret_note);
}

/* The proof of leaf ledger_size - 2 in a tree of other leaves. */
static void receipt_make(const struct recipe *recipe, struct buf *ret_text)
{
	struct entry entry = {.time_us = 1767225600000000, .salt = {1}, .kind = ENTRY_PUSH};
	struct hash leaves[8];
	struct checkpoint checkpoint = {.origin = ORIGIN, .size = recipe->ledger_size};
	struct proof proof = {.has_extra = !recipe->has_no_entry, .index = recipe->ledger_size - 2};
	struct buf feed_note, bytes, note;

	feed_note_make(recipe->note_size, recipe->is_strangers_note, &feed_note);
	if (recipe->is_order) {
		entry.kind = ENTRY_ORDER;
		entry.order.note = buf_slice(&feed_note);
	} else {
		entry.push.venue = slice_text(recipe->venue);
		entry.push.generation = recipe->generation;
		entry.push.start = recipe->start;
		entry.push.count = recipe->count;
		entry.push.first_index = 1;
		entry.push.note = buf_slice(&feed_note);
		entry.push.tally_count = 1;
		entry.push.tally[0].disposition = DISPOSITION_COUNTED;
		entry.push.tally[0].count = recipe->count;
	}
	buf_init(&bytes, ENTRY_SIZE_MAX);
	assert_int_equal(entry_encode(&entry, &bytes), OK);
	proof.extra = buf_slice(&bytes);
	for (uint64_t i = 0; i < recipe->ledger_size; i++)
		leaves[i] = i == proof.index ? hash_leaf(proof.extra) : hash_sha256(slice_of(&i, sizeof(i)));
	checkpoint.root = tree_root(leaves, recipe->ledger_size);
	assert_int_equal(recipe->ledger_size, 4);
	proof.path.count = 2;
	proof.path.hashes[0] = leaves[3];
	proof.path.hashes[1] = hash_node(&leaves[0], &leaves[1]);
	note_make(&checkpoint, recipe->is_strangers_checkpoint ? stranger : ledger, &note);
	proof.note = buf_slice(&note);
	buf_init(ret_text, 1 << 20);
	proof_format(&proof, ret_text);
	assert_int_equal(ret_text->err, OK);
	buf_done(&note);
	buf_done(&bytes);
	buf_done(&feed_note);
}

/* The receipt against what was sent: a note of 15 records. `last_size` 0: no checkpoint was seen before. */
static enum err verify(const struct recipe *recipe, uint64_t last_size, struct receipt *ret_receipt)
{
	struct checkpoint last = {.origin = ORIGIN, .size = last_size, .root = hash_empty()};
	struct receipt_terms terms = {
	    .ledger = signer_key(ledger),
	    .venue_key = signer_key(venue),
	    .venue = "qddex",
	    .generation = 1,
	};
	struct buf text, sent, last_note;
	struct why why;
	enum err err;

	feed_note_make(15, false, &sent);
	note_make(&last, ledger, &last_note);
	terms.note = buf_slice(&sent);
	if (last_size > 0)
		terms.last_checkpoint = buf_slice(&last_note);
	receipt_make(recipe, &text);
	err = receipt_verify(buf_slice(&text), &terms, ret_receipt, &why);
	buf_done(&text);
	buf_done(&last_note);
	buf_done(&sent);
	return err;
}

static void takes_a_true_receipt(void **state)
{
	struct receipt receipt;

	(void)state;
	assert_int_equal(verify(&good, 0, &receipt), OK);
	assert_int_equal(receipt.index, 2);
	assert_int_equal(receipt.start, 10);
	assert_int_equal(receipt.count, 5);
	assert_int_equal(receipt.tally[DISPOSITION_COUNTED], 5);
	assert_int_equal(receipt.ledger_size, 4);
	assert_int_equal(receipt.time_us, 1767225600000000);
}

static void refuses_every_other_receipt(void **state)
{
	struct recipe recipes[] = {good, good, good, good, good, good, good, good, good};
	static const enum err errors[] = {ERR_PROOF, ERR_PROOF, ERR_PROOF, ERR_PROOF, ERR_PROOF, ERR_UNKNOWN_KEY,
	    ERR_PROOF, ERR_PROOF, ERR_FEED_SIZE};

	(void)state;
	recipes[0].venue = "sddex";
	recipes[1].generation = 2;
	recipes[2].count = 4;
	recipes[3].start = 11;
	recipes[4].is_order = true;
	recipes[5].is_strangers_checkpoint = true;
	recipes[6].has_no_entry = true;
	recipes[7].note_size = 20;
	recipes[7].is_strangers_note = true;
	recipes[8].note_size = 20;
	recipes[8].count = 10;
	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
		struct receipt receipt;
		enum err err = verify(&recipes[i], 0, &receipt);

		if (err != errors[i])
			fail_msg("row %zu: %s", i, err_name(err));
	}
}

static void refuses_a_ledger_that_shrank_or_split(void **state)
{
	struct receipt receipt;

	(void)state;
	assert_int_equal(verify(&good, 3, &receipt), OK);
	assert_int_equal(verify(&good, 4, &receipt), ERR_ROLLED_BACK); /* another root at this size */
	assert_int_equal(verify(&good, 5, &receipt), ERR_ROLLED_BACK);
}

static void refuses_a_receipt_with_any_byte_changed(void **state)
{
	struct receipt_terms terms = {.venue = "qddex", .generation = 1};
	struct receipt receipt;
	struct buf text, sent;
	struct why why;

	(void)state;
	terms.ledger = signer_key(ledger);
	terms.venue_key = signer_key(venue);
	feed_note_make(15, false, &sent);
	terms.note = buf_slice(&sent);
	receipt_make(&good, &text);
	for (size_t i = 0; i < text.size; i++) {
		text.data[i] ^= 1;
		if (receipt_verify(buf_slice(&text), &terms, &receipt, &why) == OK)
			fail_msg("byte %zu", i);
		text.data[i] ^= 1;
		if (receipt_verify(slice_of(text.data, i), &terms, &receipt, &why) == OK)
			fail_msg("cut at %zu", i);
	}
	buf_done(&text);
	buf_done(&sent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_a_true_receipt),
	    cmocka_unit_test(refuses_every_other_receipt),
	    cmocka_unit_test(refuses_a_ledger_that_shrank_or_split),
	    cmocka_unit_test(refuses_a_receipt_with_any_byte_changed),
	};
	return cmocka_run_group_tests(tests, keys_begin, keys_end);
}

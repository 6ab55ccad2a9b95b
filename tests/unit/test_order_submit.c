#include "client/order_submit.h"

#include "tests/unit/order_fixture.h"

#include "proto/entry.h"

#define TEXT "subsidy.order/v1\na\nb\n{}\n"
#define OTHER_TEXT "subsidy.order/v1\na\nb\n{ }\n"

static struct signer *signer_of(const char *name, unsigned number)
{
	struct hash secret = hash_sha256(slice_of(&number, sizeof(number)));
	struct signer *signer = NULL;

	assert_int_equal(signer_from_secret(KEY_ED25519, slice_text(name), secret.bytes, &signer), OK);
	return signer;
}

static void note_make(const char *text, struct signer *signer, struct buf *ret_note)
{
	buf_init(ret_note, NOTE_SIZE_MAX);
	assert_int_equal(note_sign(slice_text(text), &signer, 1, ret_note), OK);
}

/* A ledger of two entries, whose second is an order of this note and these items; its receipt. */
static void receipt_make(struct slice note, const struct slice *items, size_t item_count, const struct signer *ledger,
    struct buf *ret_receipt)
{
	struct slice *copies = calloc(item_count + 1, sizeof(*copies));
	struct entry entry = {.time_us = 1600000000000000, .kind = ENTRY_ORDER};
	struct hash leaves[2] = {{{1}}};
	struct checkpoint checkpoint = {.size = 2};
	struct proof proof = {.has_extra = true, .index = 1};
	struct buf bytes, text, signed_note;
	struct signer *signers[1];

	assert_non_null(copies);
	for (size_t i = 0; i < item_count; i++)
		copies[i] = items[i];
	entry.order.note = note;
	entry.order.items = copies;
	entry.order.item_count = item_count;
	buf_init(&bytes, ENTRY_SIZE_MAX);
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	buf_init(&signed_note, CHECKPOINT_SIZE_MAX);
	buf_init(ret_receipt, FIXTURE_TEXT_MAX);
	assert_int_equal(entry_encode(&entry, &bytes), OK);
	leaves[1] = hash_leaf(buf_slice(&bytes));
	checkpoint.root = tree_root(leaves, 2);
	snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", signer_key(ledger)->name);
	checkpoint_format(&checkpoint, &text);
	signers[0] = (struct signer *)(uintptr_t)ledger;
	assert_int_equal(note_sign(buf_slice(&text), signers, 1, &signed_note), OK);
	proof.extra = buf_slice(&bytes);
	proof.path.count = 1;
	proof.path.hashes[0] = leaves[0];
	proof.note = buf_slice(&signed_note);
	proof_format(&proof, ret_receipt);
	buf_done(&signed_note);
	buf_done(&text);
	buf_done(&bytes);
	free(copies);
}

static void takes_the_receipt_of_the_order_and_of_no_other(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *items[3];
		size_t item_count;
		unsigned officer, ledger;
		enum err err;
	} rows[] = {
	    {"the order itself", TEXT, {"one", "two"}, 2, 21, 1, OK},
	    {"the order as another officer signed it first", TEXT, {"one", "two"}, 2, 22, 1, OK},
	    {"another text", OTHER_TEXT, {"one", "two"}, 2, 21, 1, ERR_PROOF},
	    {"another item", TEXT, {"one", "three"}, 2, 21, 1, ERR_PROOF},
	    {"an item less", TEXT, {"one"}, 1, 21, 1, ERR_PROOF},
	    {"an item more", TEXT, {"one", "two", "three"}, 3, 21, 1, ERR_PROOF},
	    {"another ledger", TEXT, {"one", "two"}, 2, 21, 2, ERR_UNKNOWN_KEY},
	};
	struct slice items[2] = {slice_text("one"), slice_text("two")};
	struct bundle_order order = {.items = items, .item_count = 2};
	struct signer *li = signer_of("li", 21), *ledger = signer_of(FIXTURE_ORIGIN, 1);

	(void)state;
	note_make(TEXT, li, &order.note);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct signer *officer = signer_of("li", rows[i].officer);
		struct signer *signing = signer_of(FIXTURE_ORIGIN, rows[i].ledger);
		struct slice stored[3];
		struct buf note, receipt;
		struct why why = {""};
		uint64_t index = 0;
		enum err err;

		for (size_t j = 0; j < rows[i].item_count; j++)
			stored[j] = slice_text(rows[i].items[j]);
		note_make(rows[i].text, officer, &note);
		receipt_make(buf_slice(&note), stored, rows[i].item_count, signing, &receipt);
		err = order_submit_check(buf_slice(&receipt), &order, signer_key(ledger), &index, &why);
		if (err != rows[i].err || (err == OK && index != 1))
			fail_msg("%s: %s, %s", rows[i].name, err_name(err), why.text);
		buf_done(&receipt);
		buf_done(&note);
		signer_free(signing);
		signer_free(officer);
	}
	buf_done(&order.note);
	signer_free(ledger);
	signer_free(li);
}

static void refuses_a_receipt_with_any_bit_turned(void **state)
{
	struct slice items[1] = {slice_text("one")};
	struct bundle_order order = {.items = items, .item_count = 1};
	struct signer *li = signer_of("li", 21), *ledger = signer_of(FIXTURE_ORIGIN, 1);
	struct buf receipt;
	uint64_t index = 0;

	(void)state;
	note_make(TEXT, li, &order.note);
	receipt_make(buf_slice(&order.note), items, 1, ledger, &receipt);
	assert_int_equal(order_submit_check(buf_slice(&receipt), &order, signer_key(ledger), &index, NULL), OK);
	for (size_t i = 0; i < receipt.size; i++) {
		receipt.data[i] ^= 1;
		if (order_submit_check(buf_slice(&receipt), &order, signer_key(ledger), &index, NULL) == OK)
			fail_msg("byte %zu may be another", i);
		receipt.data[i] ^= 1;
	}
	assert_int_not_equal(order_submit_check(slice_of("", 0), &order, signer_key(ledger), &index, NULL), OK);
	buf_done(&receipt);
	buf_done(&order.note);
	signer_free(ledger);
	signer_free(li);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_the_receipt_of_the_order_and_of_no_other),
	    cmocka_unit_test(refuses_a_receipt_with_any_bit_turned),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

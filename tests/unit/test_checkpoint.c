/* Checkpoints and receipts: the published vectors, every line that may be wrong, and every way a receipt may lie. */
#include "proto/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DASH "\xe2\x80\x94 "
#define ORIGIN "subsidy.example/ledger1"
#define ROOT "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="
#define LOG_VKEY ORIGIN "+aa6dea01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define WITNESS_VKEY "witness.example/bureau+adda3fdd+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"
#define TEXT ORIGIN "\n8\n" ROOT "\n"
#define NOTE                                                                                                           \
	TEXT "\n" DASH ORIGIN                                                                                          \
	     " qm3qARJhljcAQuteB58xeuD/Kee8yLLAhWZCIc/zWIUxWk+MraNXf14twKlk728wYlKjR71OJwV8CvnUx0jTiBWZuwQ=\n" DASH    \
	     "witness.example/bureau rdo/3QAAAABkGFDL/WBDmGYdb8pweBiKkkD9UtR+I0peg4/+IarE6FECj+e7RM+SC4gtc3BTa2edOrbC" \
	     "QMxf/AhTCWf5i0rvzaRRCQ==\n"
#define HEADER "c2sp.org/tlog-proof@v1\n"
#define PATH                                                                                                           \
	"vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=\n"                                                               \
	"yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=\n"                                                               \
	"037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=\n"
/* Leaf 5 is the bytes 40414243. */
#define EXTRA "extra QEFCQw==\n"
#define PROOF HEADER EXTRA "index 5\n" PATH "\n" NOTE

static struct key key_of(const char *vkey)
{
	struct key key;

	assert_int_equal(key_parse(slice_text(vkey), &key), OK);
	return key;
}

static int init(void **state)
{
	(void)state;
	return key_global_init() == OK ? 0 : -1;
}

static void reads_and_writes_the_published_checkpoint(void **state)
{
	struct checkpoint checkpoint;
	char hex[2 * HASH_SIZE + 1];
	struct buf text;

	(void)state;
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	assert_int_equal(checkpoint_parse(slice_text(TEXT), &checkpoint, NULL), OK);
	assert_string_equal(checkpoint.origin, ORIGIN);
	assert_int_equal(checkpoint.size, 8);
	hex_format(hash_slice(&checkpoint.root), hex);
	assert_string_equal(hex, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
	checkpoint_format(&checkpoint, &text);
	assert_string_equal(buf_text(&text), TEXT);
	buf_done(&text);
}

static void refuses_every_malformed_line(void **state)
{
	static const char *const rows[] = {
	    "",
	    "\n",
	    ORIGIN,
	    ORIGIN "\n",
	    ORIGIN "\n8\n",
	    ORIGIN "\n8\n" ROOT,
	    "\n8\n" ROOT "\n",
	    "two words\n8\n" ROOT "\n",
	    "a+b\n8\n" ROOT "\n",
	    "https://subsidy.example\n8\n" ROOT "\n",
	    ORIGIN "\n\n" ROOT "\n",
	    ORIGIN "\n08\n" ROOT "\n",
	    ORIGIN "\n+8\n" ROOT "\n",
	    ORIGIN "\n-8\n" ROOT "\n",
	    ORIGIN "\n8 \n" ROOT "\n",
	    ORIGIN "\n0x8\n" ROOT "\n",
	    ORIGIN "\n9007199254740993\n" ROOT "\n",
	    ORIGIN "\n18446744073709551624\n" ROOT "\n",
	    ORIGIN "\n8\n\n",
	    ORIGIN "\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg\n",
	    ORIGIN "\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyh=\n",
	    ORIGIN "\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQw==\n",
	    ORIGIN "\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQygA\n",
	    ORIGIN "\n8\n" ROOT " \n",
	    ORIGIN "\n8\n" ROOT "\nextension\n",
	    ORIGIN "\n8\n" ROOT "\n\n",
	    "\n" TEXT,
	};
	struct checkpoint checkpoint = {.size = 99};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct why why = {""};

		if (checkpoint_parse(slice_text(rows[i]), &checkpoint, &why) != ERR_SYNTAX)
			fail_msg("row %zu is taken: %s", i, rows[i]);
		assert_true(why.text[0] != '\0');
	}
	assert_int_equal(checkpoint.size, 99);
}

static void takes_sizes_to_the_largest(void **state)
{
	static const char *const rows[] = {
	    ORIGIN "\n0\n" ROOT "\n", ORIGIN "\n9007199254740991\n" ROOT "\n", ORIGIN "\n9007199254740992\n" ROOT "\n"};
	static const uint64_t sizes[] = {0, TREE_SIZE_MAX - 1, TREE_SIZE_MAX};
	struct checkpoint checkpoint;
	struct buf text;

	(void)state;
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(checkpoint_parse(slice_text(rows[i]), &checkpoint, NULL), OK);
		assert_int_equal(checkpoint.size, sizes[i]);
		buf_clear(&text);
		checkpoint_format(&checkpoint, &text);
		assert_string_equal(buf_text(&text), rows[i]);
	}
	buf_done(&text);
}

static void judges_origins(void **state)
{
	static const struct {
		const char *origin;
		bool is_valid;
	} rows[] = {
	    {"", false},
	    {"a", true},
	    {ORIGIN, true},
	    {"qdex/0123456789abcdef/1", true},
	    {"a:b", true},
	    {"a//b", true},
	    {"http://a", false},
	    {"://", false},
	    {"a b", false},
	    {"a+b", false},
	    {"a\xe3\x80\x80", false},
	    {"a\nb", false},
	};
	char origin[ORIGIN_SIZE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (origin_is_valid(slice_text(rows[i].origin)) != rows[i].is_valid)
			fail_msg("%s", rows[i].origin);
	memset(origin, 'o', sizeof(origin));
	assert_true(origin_is_valid(slice_of(origin, ORIGIN_SIZE_MAX - 1)));
	assert_true(origin_is_valid(slice_of(origin, ORIGIN_SIZE_MAX)));
	assert_false(origin_is_valid(slice_of(origin, ORIGIN_SIZE_MAX + 1)));
}

static void reads_and_writes_the_published_proof(void **state)
{
	static const char *const rows[] = {
	    PROOF,
	    HEADER "index 5\n" PATH "\n" NOTE,
	    HEADER "index 0\n\n" NOTE,
	    HEADER "extra \nindex 9007199254740991\n\n" NOTE,
	};
	struct arena arena;
	struct buf bytes;

	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&bytes, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct proof proof;
		struct why why = {""};

		if (proof_parse(slice_text(rows[i]), &arena, &proof, &why) != OK)
			fail_msg("row %zu: %s", i, why.text);
		assert_int_equal(proof.has_extra, strstr(rows[i], "extra") != NULL);
		assert_true(slice_equal(proof.note, slice_text(NOTE)));
		buf_clear(&bytes);
		proof_format(&proof, &bytes);
		assert_string_equal(buf_text(&bytes), rows[i]);
	}
	buf_done(&bytes);
	arena_done(&arena);
}

static void refuses_malformed_proofs(void **state)
{
	static const char *const rows[] = {
	    "",
	    "c2sp.org/tlog-proof@v1",
	    HEADER,
	    "c2sp.org/tlog-proof@v2\n" EXTRA "index 5\n" PATH "\n" NOTE,
	    HEADER EXTRA,
	    HEADER "extra QEFCQw=\nindex 5\n" PATH "\n" NOTE,
	    HEADER "extra QEFCQx==\nindex 5\n" PATH "\n" NOTE,
	    HEADER "extra  QEFCQw==\nindex 5\n" PATH "\n" NOTE,
	    HEADER EXTRA EXTRA "index 5\n" PATH "\n" NOTE,
	    HEADER "index 5\n" EXTRA PATH "\n" NOTE,
	    HEADER EXTRA PATH "\n" NOTE,
	    HEADER EXTRA "index\n" PATH "\n" NOTE,
	    HEADER EXTRA "index 05\n" PATH "\n" NOTE,
	    HEADER EXTRA "index 5 \n" PATH "\n" NOTE,
	    HEADER EXTRA "index 9007199254740992\n" PATH "\n" NOTE,
	    HEADER EXTRA "index 5\n",
	    HEADER EXTRA "index 5\n" PATH,
	    HEADER EXTRA "index 5\n" PATH NOTE,
	    HEADER EXTRA "index 5\n" PATH "\n",
	    HEADER EXTRA "index 5\nvBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZ\n\n" NOTE,
	    HEADER EXTRA "index 5\nvBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms\n\n" NOTE,
	    HEADER "\n" EXTRA "index 5\n" PATH "\n" NOTE,
	};
	struct proof proof = {.index = 99};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct why why = {""};

		if (proof_parse(slice_text(rows[i]), &arena, &proof, &why) != ERR_SYNTAX)
			fail_msg("row %zu is taken: %s", i, rows[i]);
		assert_true(why.text[0] != '\0');
	}
	assert_int_equal(proof.index, 99);
	arena_done(&arena);
}

static enum err parse_sized(size_t extra_size, size_t hash_count, size_t note_size)
{
	uint8_t *zeros = calloc(1, ENTRY_SIZE_MAX + 1);
	struct proof proof;
	struct arena arena;
	struct buf bytes;
	enum err err;

	assert_non_null(zeros);
	arena_init(&arena, 1 << 20);
	buf_init(&bytes, 1 << 20);
	buf_add_text(&bytes, HEADER "extra ");
	base64_add(&bytes, slice_of(zeros, extra_size));
	buf_add_text(&bytes, "\nindex 0\n");
	for (size_t i = 0; i < hash_count; i++) {
		base64_add(&bytes, slice_of(zeros, HASH_SIZE));
		buf_u8(&bytes, '\n');
	}
	buf_u8(&bytes, '\n');
	buf_add(&bytes, zeros, note_size);
	err = proof_parse(buf_slice(&bytes), &arena, &proof, NULL);
	if (err == OK) {
		assert_int_equal(proof.extra.size, extra_size);
		assert_int_equal(proof.path.count, hash_count);
		assert_int_equal(proof.note.size, note_size);
	}
	buf_done(&bytes);
	arena_done(&arena);
	free(zeros);
	return err;
}

static void keeps_the_limits_of_a_proof(void **state)
{
	static const struct {
		size_t extra_size, hash_count, note_size;
		enum err err;
	} rows[] = {
	    {ENTRY_SIZE_MAX - 1, 1, 1, OK},
	    {ENTRY_SIZE_MAX, 1, 1, OK},
	    {ENTRY_SIZE_MAX + 1, 1, 1, ERR_TOO_LARGE},
	    {1, TREE_DEPTH_MAX - 1, 1, OK},
	    {1, TREE_DEPTH_MAX, 1, OK},
	    {1, TREE_DEPTH_MAX + 1, 1, ERR_TOO_LARGE},
	    {1, 1, CHECKPOINT_SIZE_MAX - 1, OK},
	    {1, 1, CHECKPOINT_SIZE_MAX, OK},
	    {1, 1, CHECKPOINT_SIZE_MAX + 1, ERR_TOO_LARGE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (parse_sized(rows[i].extra_size, rows[i].hash_count, rows[i].note_size) != rows[i].err)
			fail_msg("row %zu", i);
}

static void says_when_the_arena_is_full(void **state)
{
	struct proof proof;
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(proof_parse(slice_text(PROOF), &arena, &proof, NULL), ERR_MEMORY);
	arena_done(&arena);
}

static enum err verify(const char *text, const struct key *key, struct checkpoint *ret_checkpoint, struct why *why)
{
	struct proof proof;
	struct arena arena;
	enum err err;

	arena_init(&arena, 1 << 20);
	err = proof_parse(slice_text(text), &arena, &proof, why);
	if (err == OK)
		err = proof_verify(&proof, key, ret_checkpoint, why);
	arena_done(&arena);
	return err;
}

static void verifies_the_published_receipt(void **state)
{
	struct key ledger = key_of(LOG_VKEY);
	struct checkpoint checkpoint;
	struct why why = {""};

	(void)state;
	if (verify(PROOF, &ledger, &checkpoint, &why) != OK)
		fail_msg("%s", why.text);
	assert_string_equal(checkpoint.origin, ORIGIN);
	assert_int_equal(checkpoint.size, 8);
}

static void refuses_receipts_that_lie(void **state)
{
	static const struct {
		const char *what, *text;
		enum err err;
	} rows[] = {
	    {"no entry", HEADER "index 5\n" PATH "\n" NOTE, ERR_PROOF},
	    {"another entry", HEADER "extra QEFCRA==\nindex 5\n" PATH "\n" NOTE, ERR_PROOF},
	    {"another index", HEADER EXTRA "index 4\n" PATH "\n" NOTE, ERR_PROOF},
	    {"an index beyond the tree", HEADER EXTRA "index 13\n" PATH "\n" NOTE, ERR_PROOF},
	    {"no hashes", HEADER EXTRA "index 5\n\n" NOTE, ERR_PROOF},
	    {"no note", HEADER EXTRA "index 5\n" PATH "\n" TEXT, ERR_SYNTAX},
	    {"nobody's signature", HEADER EXTRA "index 5\n" PATH "\n" TEXT "\n" DASH "a AAAAAAA=\n", ERR_UNKNOWN_KEY},
	    {"a bad signature", HEADER EXTRA "index 5\n" PATH "\n" TEXT "\n" DASH ORIGIN " qm3qAQA=\n", ERR_SIGNATURE},
	};
	struct key ledger = key_of(LOG_VKEY), witness = key_of(WITNESS_VKEY);
	struct checkpoint checkpoint = {.size = 99};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct why why = {""};
		enum err err = verify(rows[i].text, &ledger, &checkpoint, &why);

		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].what, err_name(err));
		assert_true(why.text[0] != '\0');
	}
	/* Signed in truth by this key, but of a ledger of another name. */
	assert_int_equal(verify(PROOF, &witness, &checkpoint, NULL), ERR_PROOF);
	assert_int_equal(checkpoint.size, 99);
}

static void refuses_a_ledgers_signature_under_what_is_no_checkpoint(void **state)
{
	struct signer *signer;
	struct proof proof = {.has_extra = true, .extra = slice_text("entry")};
	struct checkpoint checkpoint;
	struct buf note;
	static const uint8_t secret[32] = {7};

	(void)state;
	buf_init(&note, NOTE_SIZE_MAX);
	assert_int_equal(signer_from_secret(KEY_ED25519, slice_text(ORIGIN), secret, &signer), OK);
	assert_int_equal(note_sign(slice_text(TEXT "extension\n"), &signer, 1, &note), OK);
	proof.note = buf_slice(&note);
	assert_int_equal(proof_verify(&proof, signer_key(signer), &checkpoint, NULL), ERR_SYNTAX);
	signer_free(signer);
	buf_done(&note);
}

static void proves_the_only_entry_of_a_ledger_if_it_is_there(void **state)
{
	static const uint8_t secret[32] = {7};
	struct proof proof = {.has_extra = true, .extra = slice_text("")};
	struct checkpoint signed_checkpoint = {.origin = ORIGIN, .size = 1}, checkpoint;
	struct signer *signer;
	struct buf text, note;

	(void)state;
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	signed_checkpoint.root = hash_leaf(proof.extra);
	checkpoint_format(&signed_checkpoint, &text);
	assert_int_equal(signer_from_secret(KEY_ED25519, slice_text(ORIGIN), secret, &signer), OK);
	assert_int_equal(note_sign(buf_slice(&text), &signer, 1, &note), OK);
	proof.note = buf_slice(&note);
	assert_int_equal(proof_verify(&proof, signer_key(signer), &checkpoint, NULL), OK);
	assert_int_equal(checkpoint.size, 1);
	/* This entry is empty, which is not the same as none. */
	proof.has_extra = false;
	assert_int_equal(proof_verify(&proof, signer_key(signer), &checkpoint, NULL), ERR_PROOF);
	signer_free(signer);
	buf_done(&note);
	buf_done(&text);
}

/* A venue's key proves records of its own feeds, and nothing of a ledger; a ledger's key the other way round. */
static void tells_a_feeds_proof_by_its_origin(void **state)
{
	static const struct {
		const char *origin;
		bool is_feed;
	} rows[] = {
	    {"qddex/0123456789abcdef/1", true},
	    {"qddex/0123456789abcdef/1000", true},
	    {"qddex/0123456789abcdef/0", false},
	    {"qddex/0123456789abcdef/01", false},
	    {"qddex/0123456789abcdef/1001", false},
	    {"qddex/0123456789abcdef/", false},
	    {"qddex/0123456789abcdef", false},
	    {"qddex/0123456789abcde/1", false},
	    {"qddex/0123456789abcdef0/1", false},
	    {"qddex/0123456789abcdeF/1", false},
	    {"qddex/0123456789abcdef/1/1", false},
	    {"qddex2/0123456789abcdef/1", false},
	    {"qdde/0123456789abcdef/1", false},
	    {"qddex", false},
	    {"sddex/0123456789abcdef/1", false},
	};
	static const uint8_t secret[32] = {7};
	struct proof proof = {.has_extra = true, .extra = slice_text("a record")};
	struct checkpoint signed_checkpoint = {.size = 1}, checkpoint;
	struct signer *signer;
	struct buf text, note;

	(void)state;
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	signed_checkpoint.root = hash_leaf(proof.extra);
	assert_int_equal(signer_from_secret(KEY_ED25519, slice_text("qddex"), secret, &signer), OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&text);
		buf_clear(&note);
		snprintf(signed_checkpoint.origin, sizeof(signed_checkpoint.origin), "%s", rows[i].origin);
		checkpoint_format(&signed_checkpoint, &text);
		assert_int_equal(note_sign(buf_slice(&text), &signer, 1, &note), OK);
		proof.note = buf_slice(&note);
		if (proof_verify_feed(&proof, signer_key(signer), &checkpoint, NULL) !=
		    (rows[i].is_feed ? OK : ERR_PROOF))
			fail_msg("%s as a feed's", rows[i].origin);
		if (proof_verify(&proof, signer_key(signer), &checkpoint, NULL) !=
		    (strcmp(rows[i].origin, "qddex") == 0 ? OK : ERR_PROOF))
			fail_msg("%s as a ledger's", rows[i].origin);
	}
	signer_free(signer);
	buf_done(&note);
	buf_done(&text);
}

static void reads_no_truncation_of_a_receipt_as_genuine(void **state)
{
	struct key ledger = key_of(LOG_VKEY);
	const size_t without_witness = strlen(PROOF) - strlen(strstr(PROOF, DASH "witness"));
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t cut = 0; cut < strlen(PROOF); cut++) {
		struct checkpoint checkpoint;
		struct proof proof;
		enum err err = proof_parse(slice_of(PROOF, cut), &arena, &proof, NULL);

		if (err == OK)
			err = proof_verify(&proof, &ledger, &checkpoint, NULL);
		/* Without the witness's line it is a receipt still. */
		if ((err == OK) != (cut == without_witness))
			fail_msg("cut at %zu: %s", cut, err_name(err));
	}
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_and_writes_the_published_checkpoint),
	    cmocka_unit_test(refuses_every_malformed_line),
	    cmocka_unit_test(takes_sizes_to_the_largest),
	    cmocka_unit_test(judges_origins),
	    cmocka_unit_test(reads_and_writes_the_published_proof),
	    cmocka_unit_test(refuses_malformed_proofs),
	    cmocka_unit_test(keeps_the_limits_of_a_proof),
	    cmocka_unit_test(says_when_the_arena_is_full),
	    cmocka_unit_test(verifies_the_published_receipt),
	    cmocka_unit_test(refuses_receipts_that_lie),
	    cmocka_unit_test(refuses_a_ledgers_signature_under_what_is_no_checkpoint),
	    cmocka_unit_test(proves_the_only_entry_of_a_ledger_if_it_is_there),
	    cmocka_unit_test(tells_a_feeds_proof_by_its_origin),
	    cmocka_unit_test(reads_no_truncation_of_a_receipt_as_genuine),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}

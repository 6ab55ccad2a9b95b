/* Claims: the published vector both ways, every line that may be wrong, and which keys are claim keys. */
#include "proto/claim.h"

#include "proto/note.h"
#include "tests/unit/key_fixture.h"

#define DASH "\xe2\x80\x94 "
#define HEADS_VKEY LOG_NAME "/heads+ed163fce+AewXK5OtXlY79JMscOEkUDTDVGfvLv1NZOv4GWg0Z+K/"
#define HEAD "subsidy.head/v1\n"
#define LEDGER_ID_LINE "0123456789abcdef\n"
#define CODE "91370200MA00000015\n"
#define ROOT "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
#define START HEAD LOG_NAME "\n" LEDGER_ID_LINE CODE
#define TEXT START "6\n8\n" ROOT
#define NOTE                                                                                                           \
	TEXT "\n" DASH LOG_NAME                                                                                        \
	     "/heads 7RY/zudjQVIHZrpW/YyB7d+3gdSTftpwtWZ5+4OO9jdKMoQDgduScLiJjpjlxB7mXo+sw2hgqScLR4xCK2UjYhdedA8=\n"

static struct key key_of(const char *vkey)
{
	struct key key;

	assert_int_equal(key_parse(slice_text(vkey), &key), OK);
	return key;
}

static void reads_and_writes_the_published_claim(void **state)
{
	struct key key = key_of(HEADS_VKEY);
	char hex[2 * HASH_SIZE + 1];
	uint64_t verified = 0;
	struct claim claim;
	struct note note;
	struct buf text;

	(void)state;
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	assert_int_equal(note_parse(slice_text(NOTE), &note, NULL), OK);
	assert_int_equal(note_verify(&note, &key, 1, &verified), OK);
	assert_int_equal(claim_parse(note.text, &claim, NULL), OK);
	assert_string_equal(claim.origin, LOG_NAME);
	assert_string_equal(claim.ledger_id, "0123456789abcdef");
	assert_string_equal(claim.code, "91370200MA00000015");
	assert_int_equal(claim.last_index, 6);
	assert_int_equal(claim.size, 8);
	hex_format(hash_slice(&claim.root), hex);
	assert_string_equal(hex, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
	claim_format(&claim, &text);
	assert_string_equal(buf_text(&text), TEXT);
	buf_done(&text);
}

static void refuses_every_malformed_line(void **state)
{
	static const struct {
		const char *text, *word;
	} rows[] = {
	    {"", "exactly 7 lines"},
	    {"\n\n\n\n\n\n\n", "not a claim"},
	    {LOG_NAME "\n8\n" ROOT, "exactly 7 lines"},
	    {START "6\n8\n", "exactly 7 lines"},
	    {START "6\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=", "exactly 7 lines"},
	    {TEXT "\n", "exactly 7 lines"},
	    {TEXT "extension\n", "exactly 7 lines"},
	    {"subsidy.head/v2\n" LOG_NAME "\n" LEDGER_ID_LINE CODE "6\n8\n" ROOT, "not a claim"},
	    {"subsidy.head/v1 \n" LOG_NAME "\n" LEDGER_ID_LINE CODE "6\n8\n" ROOT, "not a claim"},
	    {HEAD "\n" LEDGER_ID_LINE CODE "6\n8\n" ROOT, "line 2"},
	    {HEAD "two words\n" LEDGER_ID_LINE CODE "6\n8\n" ROOT, "line 2"},
	    {HEAD "https://subsidy.example\n" LEDGER_ID_LINE CODE "6\n8\n" ROOT, "line 2"},
	    {HEAD LOG_NAME "\n0123456789ABCDEF\n" CODE "6\n8\n" ROOT, "line 3"},
	    {HEAD LOG_NAME "\n0123456789abcde\n" CODE "6\n8\n" ROOT, "line 3"},
	    {HEAD LOG_NAME "\n0123456789abcdef0\n" CODE "6\n8\n" ROOT, "line 3"},
	    {HEAD LOG_NAME "\n" LEDGER_ID_LINE "91370200MA00000016\n6\n8\n" ROOT, "line 4"},
	    {HEAD LOG_NAME "\n" LEDGER_ID_LINE "91370200ma00000015\n6\n8\n" ROOT, "line 4"},
	    {HEAD LOG_NAME "\n" LEDGER_ID_LINE "91370200MA0000001\n6\n8\n" ROOT, "line 4"},
	    {HEAD LOG_NAME "\n" LEDGER_ID_LINE "91370200MA000000155\n6\n8\n" ROOT, "line 4"},
	    {START "06\n8\n" ROOT, "line 5"},
	    {START "+6\n8\n" ROOT, "line 5"},
	    {START "6 \n8\n" ROOT, "line 5"},
	    {START "\n8\n" ROOT, "line 5"},
	    {START "0\n8\n" ROOT, "line 5"},
	    {START "8\n8\n" ROOT, "line 5"},
	    {START "9\n8\n" ROOT, "line 5"},
	    {START "0\n1\n" ROOT, "line 5"},
	    {START "18446744073709551617\n8\n" ROOT, "line 5"},
	    {START "6\n08\n" ROOT, "line 6"},
	    {START "6\n0\n" ROOT, "line 6"},
	    {START "6\n-8\n" ROOT, "line 6"},
	    {START "6\n\n" ROOT, "line 6"},
	    {START "6\n9007199254740993\n" ROOT, "line 6"},
	    {START "6\n8\n\n", "line 7"},
	    {START "6\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg\n", "line 7"},
	    {START "6\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyh=\n", "line 7"},
	    {START "6\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQw==\n", "line 7"},
	    {START "6\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQygA\n", "line 7"},
	};
	struct claim claim = {.size = 99};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct why why = {""};

		if (claim_parse(slice_text(rows[i].text), &claim, &why) != ERR_SYNTAX)
			fail_msg("row %zu is taken: %s", i, rows[i].text);
		if (strstr(why.text, rows[i].word) == NULL)
			fail_msg("row %zu says: %s", i, why.text);
	}
	assert_int_equal(claim.size, 99);
}

static void takes_numbers_to_the_largest(void **state)
{
	static const char *const rows[] = {START "1\n2\n" ROOT, START "9007199254740990\n9007199254740991\n" ROOT,
	    START "9007199254740991\n9007199254740992\n" ROOT};
	static const uint64_t sizes[] = {2, TREE_SIZE_MAX - 1, TREE_SIZE_MAX};
	struct claim claim;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(claim_parse(slice_text(rows[i]), &claim, NULL), OK);
		assert_int_equal(claim.size, sizes[i]);
		assert_int_equal(claim.last_index, sizes[i] - 1);
	}
}

static void knows_claim_keys_by_name_and_type(void **state)
{
	static const struct {
		enum key_type type;
		const char *name;
		bool is_own;
	} rows[] = {
	    {KEY_ED25519, LOG_NAME "/heads", true},
	    {KEY_ED25519, LOG_NAME, false},
	    {KEY_ED25519, LOG_NAME "/head", false},
	    {KEY_ED25519, LOG_NAME "/heads/heads", false},
	    {KEY_ED25519, LOG_NAME "2/heads", false},
	    {KEY_ED25519, "subsidy.example/ledger2/heads", false},
	    {KEY_ED25519, "/heads", false},
	    {KEY_SM2, LOG_NAME "/heads", false},
	    {KEY_COSIGNATURE, LOG_NAME "/heads", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct signer *signer =
		    signer_of_hex(rows[i].type, rows[i].name, rows[i].type == KEY_SM2 ? SM2_SECRET : SECRET_1);

		if (claim_key_is_own(signer_key(signer), LOG_NAME) != rows[i].is_own)
			fail_msg("row %zu: %s", i, rows[i].name);
		signer_free(signer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_and_writes_the_published_claim),
	    cmocka_unit_test(refuses_every_malformed_line),
	    cmocka_unit_test(takes_numbers_to_the_largest),
	    cmocka_unit_test(knows_claim_keys_by_name_and_type),
	};

	return cmocka_run_group_tests_name("claim", tests, init, NULL);
}

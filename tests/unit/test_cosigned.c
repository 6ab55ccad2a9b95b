/* Cosignatures under a head: which lines are taken, the newest of each witness, and the longest note there can be. */
#include "daemon/cosigned.h"

#include "witness_fixture.h"

/* The example of FORMAT.md. */
#define VECTOR                                                                                                         \
	CHECKPOINT_TEXT "\n\xe2\x80\x94 " LOG_NAME                                                                     \
			" qm3qARJhljcAQuteB58xeuD/Kee8yLLAhWZCIc/zWIUxWk+MraNXf14twKlk728wYlKjR71OJwV8CvnUx0jTiBWZu"   \
			"wQ=\n\xe2\x80\x94 " WITNESS_NAME                                                              \
			" rdo/3QAAAABkGFDL/WBDmGYdb8pweBiKkkD9UtR+I0peg4/+IarE6FECj+e7RM+SC4gtc3BTa2edOrbCQMxf/AhTC"   \
			"Wf5i0rvzaRRCQ==\n"

static void reads_the_published_cosignature(void **state)
{
	struct cosigned cosigned = {.head = {.size = 8}};
	struct key key;
	struct head found;
	struct note note;

	(void)state;
	assert_int_equal(key_parse(slice_text(WITNESS_VKEY), &key), OK);
	assert_int_equal(note_parse(slice_text(VECTOR), &note, NULL), OK);
	assert_int_equal(cosignatures_read(&note, &key, 1, &cosigned.cosignatures, NULL), OK);
	assert_int_equal(cosigned.cosignatures.count, 1);
	assert_int_equal(cosigned.cosignatures.lines[0].time_s, 1679315147);
	assert_true(key_equal(&cosigned.cosignatures.lines[0].key, &key));
	/* And back: the ledger's own note with this line is the vector again. */
	cosigned.head.note_size = strlen(VECTOR) - strlen(strstr(VECTOR, "\xe2\x80\x94 " WITNESS_NAME));
	memcpy(cosigned.head.note, VECTOR, cosigned.head.note_size);
	cosigned_head(&cosigned, &found);
	assert_true(slice_equal(head_note(&found), slice_text(VECTOR)));
	assert_int_equal(found.size, 8);
}

/* A note over head `size` with lines of witnesses, and what of it is taken by keys of witnesses. */
static enum err read_lines(const char *witnesses, uint64_t size, uint64_t text_size, unsigned key_count,
    struct cosignatures *ret_cosignatures, struct why *why)
{
	struct head head = witness_head(size), other = witness_head(text_size);
	struct key keys[COSIGNATURES_MAX];
	struct note note, parsed;
	struct buf bytes, lines;
	enum err err;

	for (unsigned i = 0; i < key_count; i++)
		keys[i] = witness_key(i);
	/* Lines over another text are made under that one, and moved. */
	buf_init(&lines, NOTE_SIZE_MAX);
	buf_add_slice(&lines, head_note(&other));
	for (size_t i = 0; witnesses[i] != '\0'; i++)
		witness_add_line(&lines, (unsigned)(witnesses[i] - '0'), 100 + i);
	assert_int_equal(note_parse(buf_slice(&lines), &parsed, NULL), OK);
	buf_init(&bytes, NOTE_SIZE_MAX);
	buf_add_slice(&bytes, head_note(&head));
	buf_add(&bytes, lines.data + other.note_size, lines.size - other.note_size);
	assert_int_equal(note_parse(buf_slice(&bytes), &note, NULL), OK);
	err = cosignatures_read(&note, keys, key_count, ret_cosignatures, why);
	buf_done(&lines);
	buf_done(&bytes);
	return err;
}

static void takes_the_lines_of_known_witnesses(void **state)
{
	static const struct {
		const char *witnesses;
		uint64_t text_size;
		unsigned key_count;
		enum err err;
		size_t count;
	} rows[] = {
	    {"0", 7, 1, OK, 1},
	    {"012", 7, 3, OK, 3},
	    {"015", 7, 3, OK, 2}, /* the sixth is not known */
	    {"000", 7, 3, OK, 1},
	    {"", 7, 3, ERR_UNKNOWN_KEY, 0},
	    {"4", 7, 3, ERR_UNKNOWN_KEY, 0},
	    {"0", 7, 0, ERR_UNKNOWN_KEY, 0},
	    {"0", 8, 1, ERR_SIGNATURE, 0}, /* over another text */
	    {"10", 8, 1, ERR_SIGNATURE, 0},
	    {"1", 8, 1, ERR_UNKNOWN_KEY, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cosignatures found = {.count = 77};
		struct why why = {""};
		enum err err = read_lines(rows[i].witnesses, 7, rows[i].text_size, rows[i].key_count, &found, &why);

		if (err != rows[i].err || found.count != (err == OK ? rows[i].count : 77))
			fail_msg("row %zu: %s, %zu", i, err_name(err), found.count);
		if (err != OK && why.text[0] == '\0')
			fail_msg("row %zu: no reason", i);
	}
}

/* Key ids are four bytes: two witnesses of one name may share one. */
static void tells_witnesses_of_one_id_apart(void **state)
{
	static const uint32_t secrets[2] = {172426, 197957};
	struct head head = witness_head(7);
	struct cosignatures found;
	struct key keys[2];
	struct buf bytes;
	struct note note;

	(void)state;
	for (size_t signing = 0; signing < 2; signing++) {
		buf_init(&bytes, NOTE_SIZE_MAX);
		buf_add_slice(&bytes, head_note(&head));
		for (size_t i = 0; i < 2; i++) {
			uint8_t secret[32] = {0}, signature[KEY_SIGNATURE_MAX];
			struct signer *signer;
			size_t size;

			memcpy(secret, &secrets[i], sizeof(secrets[i]));
			assert_int_equal(
			    signer_from_secret(KEY_COSIGNATURE, slice_text(WITNESS_NAME), secret, &signer), OK);
			keys[i] = *signer_key(signer);
			if (i == signing) {
				assert_int_equal(note_parse(head_note(&head), &note, NULL), OK);
				assert_int_equal(signer_cosign(signer, note.text, 100, signature, &size), OK);
				note_add_line(&bytes, &keys[i], slice_of(signature, size));
			}
			signer_free(signer);
		}
		assert_memory_equal(keys[0].id, keys[1].id, KEY_ID_SIZE);
		assert_false(key_equal(&keys[0], &keys[1]));
		assert_int_equal(note_parse(buf_slice(&bytes), &note, NULL), OK);
		assert_int_equal(cosignatures_read(&note, keys, 2, &found, NULL), OK);
		assert_int_equal(found.count, 1);
		assert_true(key_equal(&found.lines[0].key, &keys[signing]));
		assert_int_equal(cosignatures_read(&note, &keys[1 - signing], 1, &found, NULL), ERR_SIGNATURE);
		buf_done(&bytes);
	}
}

static void keeps_the_newest_of_each(void **state)
{
	struct cosignatures all = {.count = 0}, one;
	static const struct {
		unsigned witness;
		uint64_t time_s;
		bool is_taken;
		size_t count;
	} rows[] = {{3, 10, true, 1}, {3, 10, false, 1}, {3, 9, false, 1}, {4, 1, true, 2}, {3, 11, true, 2},
	    {4, 0, false, 2}, {3, UINT64_MAX, true, 2}, {3, 12, false, 2}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		one = witness_cosign(rows[i].witness, 7, rows[i].time_s);
		assert_int_equal(cosignatures_add(&all, &one.lines[0]), rows[i].is_taken);
		assert_int_equal(all.count, rows[i].count);
	}
	assert_int_equal(all.lines[0].time_s, UINT64_MAX);
	assert_int_equal(all.lines[1].time_s, 1);
}

static void knows_whose_they_are(void **state)
{
	struct trust *trust = witness_trust(0, 5, "quorum w0\n"), *other = witness_trust(4, 9, "quorum w4\n");
	struct cosignatures all = {.count = 0};

	(void)state;
	for (unsigned i = 2; i < 6; i++) {
		struct cosignatures one = witness_cosign(i, 7, 1);

		cosignatures_add(&all, &one.lines[0]);
	}
	assert_int_equal(cosignatures_bits(&all, trust), 0x3c);
	assert_int_equal(cosignatures_bits(&all, other), 0x3);
	cosignatures_keep(&all, other);
	assert_int_equal(all.count, 2);
	assert_int_equal(cosignatures_bits(&all, trust), 0x30);
	trust_free(trust);
	trust_free(other);
}

/* The longest names of all, and as many lines as may be: the note is still one that everybody reads. */
static void fills_a_checkpoint_with_the_longest_lines(void **state)
{
	char name[KEY_NAME_SIZE_MAX + 1];
	struct cosigned cosigned = {.head = {.size = TREE_SIZE_MAX}};
	struct signer *ledger[2];
	struct buf text, note;
	struct head found;
	struct note parsed;

	(void)state;
	memset(name, 'n', KEY_NAME_SIZE_MAX);
	name[KEY_NAME_SIZE_MAX] = '\0';
	ledger[0] = signer_of_hex(KEY_ED25519, name, SECRET_1);
	ledger[1] = signer_of_hex(KEY_ED25519, name, SECRET_2);
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	buf_printf(&text, "%s\n%llu\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n", name, TREE_SIZE_MAX);
	assert_int_equal(note_sign(buf_slice(&text), ledger, 2, &note), OK);
	memcpy(cosigned.head.note, note.data, note.size);
	cosigned.head.note_size = note.size;
	for (unsigned i = 0; i < COSIGNATURES_MAX; i++) {
		struct cosignature line = {.time_s = 1};
		uint8_t secret[32] = {3, (uint8_t)i};
		struct signer *signer;
		size_t size;

		assert_int_equal(signer_from_secret(KEY_COSIGNATURE, slice_text(name), secret, &signer), OK);
		line.key = *signer_key(signer);
		assert_int_equal(signer_cosign(signer, buf_slice(&text), 1, line.bytes, &size), OK);
		assert_int_equal(size, COSIGNATURE_SIZE);
		assert_true(cosignatures_add(&cosigned.cosignatures, &line));
		signer_free(signer);
	}
	cosigned_head(&cosigned, &found);
	assert_int_equal(note_parse(head_note(&found), &parsed, NULL), OK);
	assert_int_equal(parsed.signature_count, NOTE_SIGNATURES_MAX);
	for (unsigned i = 0; i < 2; i++)
		signer_free(ledger[i]);
	buf_done(&text);
	buf_done(&note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_the_published_cosignature),
	    cmocka_unit_test(takes_the_lines_of_known_witnesses),
	    cmocka_unit_test(tells_witnesses_of_one_id_apart),
	    cmocka_unit_test(keeps_the_newest_of_each),
	    cmocka_unit_test(knows_whose_they_are),
	    cmocka_unit_test(fills_a_checkpoint_with_the_longest_lines),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}

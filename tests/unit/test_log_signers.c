/* The private halves that the daemon holds: their files, and which of them sign. */
#include "daemon/log_signers.h"

#include "order_fixture.h"

#include "tests/unit/folder.h"

#define HEADS FIXTURE_ORIGIN "/heads"

static char folder[] = "/tmp/subsidyd-test-XXXXXX";

static int setup(void **state)
{
	(void)state;
	memcpy(folder, "/tmp/subsidyd-test-XXXXXX", sizeof(folder));
	return key_global_init() == OK && mkdtemp(folder) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

/* Writes a new key's file; its path is the caller's to free. */
static char *make(enum key_type type, const char *name, struct key *ret_key)
{
	static unsigned number;
	struct signer *signer;
	struct buf text;
	FILE *file;
	char *path;

	assert_true(asprintf(&path, "%s/%u.key", folder, number++) > 0);
	assert_int_equal(signer_generate(type, slice_text(name), &signer), OK);
	*ret_key = *signer_key(signer);
	buf_init(&text, 4096);
	assert_int_equal(signer_format(signer, &text), OK);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
	assert_int_equal(fclose(file), 0);
	buf_done(&text);
	signer_free(signer);
	return path;
}

static void holds_what_the_files_have(void **state)
{
	struct key keys[4], stranger;
	char *paths[5] = {make(KEY_ED25519, FIXTURE_ORIGIN, &keys[0]), make(KEY_ED25519, FIXTURE_ORIGIN, &keys[1]),
	    make(KEY_ED25519, HEADS, &keys[2]), make(KEY_ED25519, HEADS, &keys[3]),
	    make(KEY_ED25519, FIXTURE_ORIGIN, &stranger)};
	struct log_signer_files files = {.key = paths[0]};
	struct log_signers signers;

	(void)state;
	assert_int_equal(log_signers_load(&files, &signers, NULL), OK);
	assert_int_equal(signers.count, 1);
	assert_true(log_signers_hold(&signers, &keys[0]) && !log_signers_hold(&signers, &keys[1]));
	log_signers_done(&signers);
	files = (struct log_signer_files){paths[0], paths[1], paths[2], paths[3]};
	assert_int_equal(log_signers_load(&files, &signers, NULL), OK);
	assert_int_equal(signers.count, LOG_SIGNERS_MAX);
	for (size_t i = 0; i < 4; i++)
		assert_true(log_signers_hold(&signers, &keys[i]));
	assert_false(log_signers_hold(&signers, &stranger));
	log_signers_done(&signers);
	for (size_t i = 0; i < 5; i++)
		free(paths[i]);
}

static void refuses_keys_of_other_types_and_names(void **state)
{
	struct key key;
	char *right = make(KEY_ED25519, FIXTURE_ORIGIN, &key), *heads = make(KEY_ED25519, HEADS, &key),
	     *sm2 = make(KEY_SM2, FIXTURE_ORIGIN, &key), *other = make(KEY_ED25519, "subsidy.example/ledger2", &key),
	     *sm2_heads = make(KEY_SM2, HEADS, &key);
	const struct {
		struct log_signer_files files;
		const char *words;
	} rows[] = {
	    {{.key = sm2}, "of type ed25519"},
	    {{.key = "/nowhere"}, "can't read"},
	    {{.key = right, .next_key = other}, "the name of a checkpoint key is " FIXTURE_ORIGIN},
	    {{.key = right, .next_key = heads}, "the name of a checkpoint key is " FIXTURE_ORIGIN},
	    {{.key = right, .next_key = sm2}, "of type ed25519"},
	    {{.key = right, .heads_key = right}, "the name of a claim key is " HEADS},
	    {{.key = right, .heads_key = sm2_heads}, "of type ed25519"},
	    {{.key = right, .next_heads_key = other}, "the name of a claim key is " HEADS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct log_signers signers = {.count = 7};
		struct why why = {""};

		if (log_signers_load(&rows[i].files, &signers, &why) != ERR_KEY_FILE ||
		    strstr(why.text, rows[i].words) == NULL)
			fail_msg("row %zu: %s", i, why.text);
		assert_int_equal(signers.count, 7);
	}
	free(right);
	free(heads);
	free(sm2);
	free(other);
	free(sm2_heads);
}

static void the_ledger_says_who_signs(void **state)
{
	struct signer *first, *next, *heads;
	struct log_signers held;
	struct log_signing signing;
	struct log_keys keys = {.count = 3};
	struct why why = {""};

	(void)state;
	assert_int_equal(signer_generate(KEY_ED25519, slice_text(FIXTURE_ORIGIN), &first), OK);
	assert_int_equal(signer_generate(KEY_ED25519, slice_text(FIXTURE_ORIGIN), &next), OK);
	assert_int_equal(signer_generate(KEY_ED25519, slice_text(HEADS), &heads), OK);
	keys.keys[0] = (struct log_key){.key = *signer_key(first), .use = LOG_KEY_CHECKPOINT, .until = 20};
	keys.keys[1] = (struct log_key){.key = *signer_key(next), .use = LOG_KEY_CHECKPOINT, .since = 10};
	keys.keys[2] = (struct log_key){.key = *signer_key(heads), .use = LOG_KEY_HEADS, .since = 15};
	/* In the order of the ledger, not of the configuration. */
	held = (struct log_signers){.count = 2, .signers = {next, first}};
	assert_int_equal(log_signers_pick(&held, &keys, LOG_KEY_CHECKPOINT, 10, &signing, NULL), OK);
	assert_true(signing.count == 1 && signing.signers[0] == first);
	assert_int_equal(log_signers_pick(&held, &keys, LOG_KEY_CHECKPOINT, 11, &signing, NULL), OK);
	assert_true(signing.count == 2 && signing.signers[0] == first && signing.signers[1] == next);
	assert_int_equal(log_signers_pick(&held, &keys, LOG_KEY_CHECKPOINT, 21, &signing, NULL), OK);
	assert_true(signing.count == 1 && signing.signers[0] == next);
	assert_int_equal(log_signers_pick(&held, &keys, LOG_KEY_HEADS, 15, &signing, NULL), OK);
	assert_int_equal(signing.count, 0);
	assert_int_equal(log_signers_pick(&held, &keys, LOG_KEY_HEADS, 16, &signing, &why), ERR_KEY_FILE);
	assert_non_null(strstr(why.text, "heads_key"));
	held = (struct log_signers){.count = 1, .signers = {next}};
	assert_int_equal(log_signers_pick(&held, &keys, LOG_KEY_CHECKPOINT, 11, &signing, &why), ERR_KEY_FILE);
	assert_non_null(strstr(why.text, "next_key"));
	assert_int_equal(log_signers_pick(&held, &keys, LOG_KEY_CHECKPOINT, 21, &signing, &why), OK);
	signer_free(first);
	signer_free(next);
	signer_free(heads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(holds_what_the_files_have),
	    cmocka_unit_test(refuses_keys_of_other_types_and_names),
	    cmocka_unit_test(the_ledger_says_who_signs),
	};

	return cmocka_run_group_tests_name("log_signers", tests, setup, teardown);
}

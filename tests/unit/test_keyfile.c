/* Key files: what subsidy key new writes is read, anything else is refused with its path. */
#include "daemon/keyfile.h"

#include "order_fixture.h"

#include <unistd.h>

static char path[] = "/tmp/subsidyd-test-XXXXXX";

static int setup(void **state)
{
	int fd;

	(void)state;
	memcpy(path, "/tmp/subsidyd-test-XXXXXX", sizeof(path));
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return key_global_init() == OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_file(struct slice bytes)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
	assert_int_equal(fclose(file), 0);
}

static void reads_what_was_written(void **state)
{
	static const enum key_type types[] = {KEY_ED25519, KEY_SM2, KEY_COSIGNATURE};
	char name[KEY_NAME_SIZE_MAX + 1];

	(void)state;
	memset(name, 'n', KEY_NAME_SIZE_MAX); /* as long as a name may be */
	name[KEY_NAME_SIZE_MAX] = '\0';
	for (size_t i = 0; i < 3; i++) {
		struct signer *signer, *loaded;
		struct buf text;
		struct why why;

		buf_init(&text, 4096);
		assert_int_equal(signer_generate(types[i], slice_text(name), &signer), OK);
		assert_int_equal(signer_format(signer, &text), OK);
		write_file(buf_slice(&text));
		if (keyfile_load(path, &loaded, &why) != OK)
			fail_msg("type %zu: %s", i, why.text);
		assert_true(key_equal(signer_key(loaded), signer_key(signer)));
		signer_free(signer);
		signer_free(loaded);
		buf_done(&text);
	}
}

static void expect_refusal(const char *file, const char *reason)
{
	struct signer *signer = NULL;
	struct why why = {""};

	assert_int_equal(keyfile_load(file, &signer, &why), ERR_KEY_FILE);
	assert_null(signer);
	if (strstr(why.text, file) == NULL || strstr(why.text, reason) == NULL)
		fail_msg("\"%s\", wanted \"%s\"", why.text, reason);
}

static void refuses_anything_else_by_name(void **state)
{
	char vkey[KEY_VKEY_SIZE], *text;
	struct key key = fixture_key(KEY_ED25519, "name", 1);

	(void)state;
	expect_refusal("/tmp/subsidyd-test-there-is-none", "can't read the key file");
	expect_refusal("/tmp", "can't read the key file");
	write_file(slice_text(""));
	expect_refusal(path, "is not a private key");
	key_format(&key, vkey);
	write_file(slice_text(vkey));
	expect_refusal(path, "is not a private key; subsidy key new makes one");
	text = fixture_repeat('x', KEY_FILE_SIZE_MAX + 1);
	write_file(slice_of(text, KEY_FILE_SIZE_MAX - 1));
	expect_refusal(path, "is not a private key");
	write_file(slice_of(text, KEY_FILE_SIZE_MAX));
	expect_refusal(path, "is too long");
	write_file(slice_of(text, KEY_FILE_SIZE_MAX + 1));
	expect_refusal(path, "is too long");
	free(text);
}

/* A key that is cut or changed is none, and what is said of it shows nothing of its secret. */
static void refuses_a_damaged_key_without_showing_it(void **state)
{
	struct signer *signer;
	struct buf text;

	(void)state;
	buf_init(&text, 4096);
	assert_int_equal(signer_generate(KEY_ED25519, slice_text("name"), &signer), OK);
	assert_int_equal(signer_format(signer, &text), OK);
	for (size_t cut = 1; cut < text.size - 1; cut++) {
		write_file(slice_of(text.data, cut));
		expect_refusal(path, "is not a private key");
	}
	for (size_t at = 0; at < text.size; at++) {
		struct signer *loaded = NULL;
		struct why why = {""};

		text.data[at] ^= 1;
		write_file(buf_slice(&text));
		/* Another secret is refused too: the key id belongs to the public key. */
		assert_int_equal(keyfile_load(path, &loaded, &why), ERR_KEY_FILE);
		assert_null(strstr(why.text, "+"));
		text.data[at] ^= 1;
	}
	signer_free(signer);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(reads_what_was_written, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_anything_else_by_name, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_damaged_key_without_showing_it, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

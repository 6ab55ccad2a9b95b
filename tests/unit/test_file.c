/* Files: bounded reading, secrets only from private files, replacing and creating. */
#include "client/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/client_fixture.h"

static char *folder;

static int folder_begin(void **state)
{
	(void)state;
	folder = fixture_folder();
	return folder != NULL && key_global_init() == OK ? 0 : -1;
}

static int folder_end(void **state)
{
	(void)state;
	fixture_folder_remove(folder);
	return 0;
}

static const char *path_of(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void reads_up_to_its_maximum(void **state)
{
	static const struct {
		size_t max;
		enum err err;
	} vectors[] = {{4, ERR_TOO_LARGE}, {5, OK}, {6, OK}};
	struct why why;

	(void)state;
	assert_int_equal(file_write(path_of("five"), slice_text("12345"), 0600, &why), OK);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf bytes;

		buf_init(&bytes, vectors[i].max);
		if (file_read(path_of("five"), &bytes, &why) != vectors[i].err)
			fail_msg("row %zu", i);
		if (vectors[i].err == OK)
			assert_true(slice_equal(buf_slice(&bytes), slice_text("12345")));
		buf_done(&bytes);
	}
}

static void tells_missing_files_and_folders_apart(void **state)
{
	struct buf bytes;
	struct why why;

	(void)state;
	buf_init(&bytes, 100);
	assert_int_equal(file_read(path_of("none"), &bytes, &why), ERR_NOT_FOUND);
	assert_int_equal(file_read_given(path_of("none"), &bytes, &why), ERR_IO);
	assert_non_null(strstr(why.text, path_of("none")));
	assert_int_equal(file_read_secret(path_of("none"), &bytes, &why), ERR_IO);
	assert_int_equal(file_read(folder, &bytes, &why), ERR_IO);
	assert_int_equal(file_write(path_of("none/file"), slice_text("x"), 0600, &why), ERR_IO);
	buf_done(&bytes);
}

static void replaces_but_never_creates_twice(void **state)
{
	struct buf bytes;
	struct stat stat_of;
	struct why why;

	(void)state;
	assert_int_equal(file_create(path_of("new"), slice_text("one"), 0600, &why), OK);
	assert_int_equal(file_create(path_of("new"), slice_text("two"), 0600, &why), ERR_IO);
	buf_init(&bytes, 100);
	assert_int_equal(file_read(path_of("new"), &bytes, &why), OK);
	assert_true(slice_equal(buf_slice(&bytes), slice_text("one")));
	assert_int_equal(file_write(path_of("new"), slice_text("three"), 0600, &why), OK);
	buf_clear(&bytes);
	assert_int_equal(file_read(path_of("new"), &bytes, &why), OK);
	assert_true(slice_equal(buf_slice(&bytes), slice_text("three")));
	buf_done(&bytes);
	assert_int_equal(stat(path_of("new"), &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0600);
}

static void makes_folders_with_their_parents(void **state)
{
	struct why why;

	(void)state;
	assert_int_equal(file_make_folder(path_of("a/b/c"), &why), OK);
	assert_int_equal(file_make_folder(path_of("a/b/c"), &why), OK);
	assert_int_equal(file_write(path_of("a/b/c/file"), slice_text("x"), 0600, &why), OK);
	assert_int_equal(file_make_folder(path_of("a/b/c/file/d"), &why), ERR_IO);
}

static void loads_keys_from_private_files_only(void **state)
{
	struct signer *signer = NULL, *loaded = NULL;
	struct buf text;
	struct why why;

	(void)state;
	buf_init(&text, 1000);
	assert_int_equal(signer_generate(KEY_ED25519, slice_text("qddex"), &signer), OK);
	assert_int_equal(signer_format(signer, &text), OK);
	buf_add_text(&text, "\n");
	assert_int_equal(file_create(path_of("key"), buf_slice(&text), 0600, &why), OK);
	assert_int_equal(file_load_signer(path_of("key"), &loaded, &why), OK);
	assert_true(key_equal(signer_key(loaded), signer_key(signer)));
	assert_int_equal(chmod(path_of("key"), 0640), 0);
	signer_free(loaded);
	loaded = NULL;
	assert_int_equal(file_load_signer(path_of("key"), &loaded, &why), ERR_KEY_FILE);
	assert_non_null(strstr(why.text, "640"));
	assert_int_equal(chmod(path_of("key"), 0600), 0);
	assert_int_equal(file_write(path_of("key"), slice_text("PRIVATE+KEY+x"), 0600, &why), OK);
	assert_int_equal(file_load_signer(path_of("key"), &loaded, &why), ERR_KEY_FILE);
	assert_null(loaded);
	signer_free(signer);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_up_to_its_maximum),
	    cmocka_unit_test(tells_missing_files_and_folders_apart),
	    cmocka_unit_test(replaces_but_never_creates_twice),
	    cmocka_unit_test(makes_folders_with_their_parents),
	    cmocka_unit_test(loads_keys_from_private_files_only),
	};
	return cmocka_run_group_tests(tests, folder_begin, folder_end);
}

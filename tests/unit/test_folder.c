/* Files that are there whole or not at all, and the lock of a folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/folder.h"

struct place {
	char folder[64];
	struct why why;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->folder, sizeof(place->folder), "/tmp/subsidyd-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"a", "b", "lock"};
	struct place *place = *state;
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", place->folder, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(place->folder), 0);
	free(place);
	return 0;
}

static void writes_a_file_once(void **state)
{
	struct place *place = *state;
	char path[PATH_MAX];
	struct stat status;
	struct buf bytes;

	assert_false(folder_has(place->folder, "a"));
	buf_init(&bytes, 5);
	assert_int_equal(folder_read(place->folder, "a", &bytes, &place->why), ERR_NOT_FOUND);
	assert_int_equal(folder_write(place->folder, "a", slice_text("first"), &place->why), OK);
	assert_true(folder_has(place->folder, "a"));
	assert_int_equal(folder_write(place->folder, "a", slice_text("other"), &place->why), ERR_IO);
	assert_int_equal(folder_read(place->folder, "a", &bytes, &place->why), OK);
	assert_string_equal(buf_text(&bytes), "first");
	buf_done(&bytes);
	buf_init(&bytes, 4);
	assert_int_equal(folder_read(place->folder, "a", &bytes, &place->why), ERR_TOO_LARGE);
	buf_done(&bytes);
	assert_int_equal(folder_path(place->folder, "a", path, &place->why), OK);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void says_when_the_disk_is_full(void **state)
{
	struct place *place = *state;
	struct rlimit before, small;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 4;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(folder_write(place->folder, "a", slice_text("first"), &place->why), ERR_DISK_FULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(folder_has(place->folder, "a"));
}

static void gives_no_name_that_is_taken(void **state)
{
	struct place *place = *state;
	char a[PATH_MAX], b[PATH_MAX];

	assert_int_equal(folder_write(place->folder, "a", slice_text("a"), &place->why), OK);
	assert_int_equal(folder_path(place->folder, "a", a, &place->why), OK);
	assert_int_equal(folder_path(place->folder, "b", b, &place->why), OK);
	assert_int_equal(folder_rename(a, b, &place->why), OK);
	assert_false(folder_has(place->folder, "a"));
	assert_int_equal(folder_write(place->folder, "a", slice_text("again"), &place->why), OK);
	assert_int_equal(folder_rename(a, b, &place->why), ERR_INVALID);
	assert_true(folder_has(place->folder, "a"));
	assert_int_equal(folder_sync("/nowhere/at/all", &place->why), ERR_IO);
}

static void is_locked_once(void **state)
{
	struct place *place = *state;
	int first, second;

	assert_int_equal(folder_lock(place->folder, &first, &place->why), OK);
	assert_int_equal(folder_lock(place->folder, &second, &place->why), ERR_LOCKED);
	assert_non_null(strstr(place->why.text, place->folder));
	close(first);
	assert_int_equal(folder_lock(place->folder, &second, &place->why), OK);
	close(second);
}

static void keeps_paths_within_their_size(void **state)
{
	struct place *place = *state;
	static char folder[PATH_MAX + 1];
	char path[PATH_MAX];

	for (size_t size = PATH_MAX - 4; size <= PATH_MAX - 2; size++) {
		memset(folder, 'x', size);
		folder[size] = '\0';
		assert_int_equal(
		    folder_path(folder, "a", path, &place->why), size <= PATH_MAX - 3 ? OK : ERR_TOO_LARGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(writes_a_file_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(says_when_the_disk_is_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(gives_no_name_that_is_taken, setup, teardown),
	    cmocka_unit_test_setup_teardown(is_locked_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_paths_within_their_size, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

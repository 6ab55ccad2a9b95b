/* A folder that appears whole or not at all. */
#include "client/stage.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/file.h"
#include "tests/unit/client_fixture.h"

static char *folder;

static int folder_begin(void **state)
{
	(void)state;
	folder = fixture_folder();
	return folder != NULL ? 0 : -1;
}

static int folder_end(void **state)
{
	(void)state;
	fixture_folder_remove(folder);
	return 0;
}

static char *path_of(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static size_t count_in(const char *path)
{
	DIR *open = opendir(path);
	size_t count = 0;

	assert_non_null(open);
	while (readdir(open) != NULL)
		count++;
	closedir(open);
	return count - 2;
}

static void expect_file(const char *name, const char *content)
{
	struct buf bytes;

	buf_init(&bytes, 64);
	assert_int_equal(file_read(path_of(name), &bytes, NULL), OK);
	assert_string_equal(buf_text(&bytes), content);
	buf_done(&bytes);
}

static struct stage *begin(const char *name)
{
	struct stage *stage;
	struct why why = {""};

	if (stage_begin(path_of(name), &stage, &why) != OK)
		fail_msg("%s", why.text);
	return stage;
}

static void add(struct stage *stage, const char *name, const char *content)
{
	struct why why = {""};

	if (stage_write(stage, name, slice_text(content), &why) != OK)
		fail_msg("%s", why.text);
}

static void appears_with_the_commit(void **state)
{
	static const char *const targets[] = {"new", "new with slashes//", "a/b/c", "empty"};

	(void)state;
	assert_int_equal(mkdir(path_of("empty"), 0700), 0);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct stage *stage = begin(targets[i]);
		struct stat found;
		char name[64];

		add(stage, "one", "1");
		add(stage, "sub/two", "2");
		add(stage, "sub/three", "");
		assert_true(stat(path_of(targets[i]), &found) != 0 || count_in(path_of(targets[i])) == 0);
		assert_string_not_equal(stage_path(stage), path_of(targets[i]));
		assert_int_equal(stage_commit(stage, NULL), OK);
		assert_int_equal(stat(stage_path(stage), &found), 0);
		assert_int_equal(found.st_mode & 0777u, 0700);
		stage_free(stage);
		(void)snprintf(name, sizeof(name), "%s/sub/two", targets[i]);
		expect_file(name, "2");
		assert_int_equal(count_in(path_of(targets[i])), 2);
	}
	/* Nothing else is left beside them. */
	assert_int_equal(count_in(folder), 4);
}

static void leaves_nothing_without_it(void **state)
{
	struct stage *stage = begin("target");

	(void)state;
	add(stage, "sub/one", "1");
	/* A link is removed, what it points to stays. */
	assert_int_equal(file_write(path_of("kept"), slice_text("kept"), 0600, NULL), OK);
	{
		char link[512];

		(void)snprintf(link, sizeof(link), "%s/sub/link", stage_path(stage));
		assert_int_equal(symlink(path_of("kept"), link), 0);
	}
	stage_free(stage);
	assert_int_equal(count_in(folder), 1);
	expect_file("kept", "kept");
	stage_free(NULL);
}

static void begins_again(void **state)
{
	struct stage *stage = begin("target");

	(void)state;
	add(stage, "sub/one", "1");
	add(stage, "two", "2");
	assert_int_equal(stage_clear(stage, NULL), OK);
	assert_int_equal(count_in(stage_path(stage)), 0);
	add(stage, "sub/one", "again");
	assert_int_equal(stage_commit(stage, NULL), OK);
	stage_free(stage);
	expect_file("target/sub/one", "again");
	assert_int_equal(count_in(path_of("target")), 1);
}

static void writes_over_nothing(void **state)
{
	struct stage *stage = NULL, *late;
	struct why why = {""};

	(void)state;
	assert_int_equal(mkdir(path_of("full"), 0700), 0);
	assert_int_equal(file_write(path_of("full/x"), slice_text("x"), 0600, NULL), OK);
	assert_int_equal(file_write(path_of("file"), slice_text("x"), 0600, NULL), OK);
	assert_int_equal(stage_begin(path_of("full"), &stage, &why), ERR_IO);
	assert_non_null(strstr(why.text, "is not empty"));
	assert_int_equal(stage_begin(path_of("file"), &stage, &why), ERR_IO);
	assert_int_equal(stage_begin(path_of("file/below"), &stage, &why), ERR_IO);
	assert_null(stage);
	assert_int_equal(count_in(folder), 2);
	/* The same name twice, and a target that was filled meanwhile. */
	stage = begin("target");
	add(stage, "one", "1");
	assert_int_equal(stage_write(stage, "one", slice_text("2"), &why), ERR_IO);
	late = begin("target");
	add(late, "late", "1");
	assert_int_equal(stage_commit(stage, &why), OK);
	assert_int_equal(stage_commit(late, &why), ERR_IO);
	stage_free(stage);
	stage_free(late);
	expect_file("target/one", "1");
	assert_int_equal(count_in(path_of("target")), 1);
	assert_int_equal(count_in(folder), 3);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_begin, folder_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(appears_with_the_commit),
	    IN_FOLDER(leaves_nothing_without_it),
	    IN_FOLDER(begins_again),
	    IN_FOLDER(writes_over_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

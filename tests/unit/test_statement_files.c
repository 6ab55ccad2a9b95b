/* Statements' folders: names in their one form, in the order of their indexes, and no more of them than allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/statement_files.h"
#include "tests/unit/client_fixture.h"

#include <sys/stat.h>

static void make(const char *folder, const char *name)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
}

static char *folder_with(const char *part)
{
	char *folder = fixture_folder(), path[256];

	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/%s", folder, part);
	assert_int_equal(mkdir(path, 0700), 0);
	return folder;
}

static void lists_indexes_in_their_order(void **state)
{
	static const uint64_t wanted[] = {0, 7, 12, 9007199254740992};
	char *folder = folder_with("entries");
	const struct statement_part part = {folder, "entries", ".tlog-proof", 10};
	struct array indexes;
	struct why why;

	(void)state;
	make(folder, "entries/0000000000000012.tlog-proof");
	make(folder, "entries/9007199254740992.tlog-proof"); /* 2^53: the largest index is below it, and has no proof */
	make(folder, "entries/0000000000000000.tlog-proof");
	make(folder, "entries/0000000000000007.tlog-proof");
	make(folder, "entries/.hidden");
	assert_int_equal(statement_files_list(&part, &indexes, &why), OK);
	assert_int_equal(indexes.count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(*(uint64_t *)array_at(&indexes, i) == wanted[i]);
	array_done(&indexes);
	fixture_folder_remove(folder);
}

static void refuses_other_names(void **state)
{
	static const char *const names[] = {"7.tlog-proof", "0000000000000007.json", "00000000000000007.tlog-proof",
	    "000000000000000x.tlog-proof", "0000000000000007.tlog-proof~", "9007199254740993.tlog-proof", "README"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *folder = folder_with("acts"), path[256];
		const struct statement_part part = {folder, "acts", ".tlog-proof", 10};
		struct array indexes;
		struct why why;

		snprintf(path, sizeof(path), "acts/%s", names[i]);
		make(folder, path);
		assert_int_equal(statement_files_list(&part, &indexes, &why), ERR_INVALID);
		assert_non_null(strstr(why.text, path));
		array_done(&indexes);
		fixture_folder_remove(folder);
	}
}

static void bounds_the_files_of_a_part(void **state)
{
	static const struct {
		size_t max;
		enum err err;
	} rows[] = {{4, OK}, {3, OK}, {2, ERR_TOO_LARGE}};
	char *folder = folder_with("entries");
	struct array indexes;
	struct why why;
	size_t count;

	(void)state;
	make(folder, "entries/0000000000000001.tlog-proof");
	make(folder, "entries/0000000000000002.tlog-proof");
	make(folder, "entries/0000000000000003.tlog-proof");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct statement_part part = {folder, "entries", ".tlog-proof", rows[i].max};

		assert_int_equal(statement_files_list(&part, &indexes, &why), rows[i].err);
		array_done(&indexes);
		assert_int_equal(statement_files_count(&part, &count, &why), OK);
		assert_int_equal(count, 3);
	}
	fixture_folder_remove(folder);
}

static void takes_a_missing_part_for_an_empty_one(void **state)
{
	char *folder = folder_with("entries");
	const struct statement_part part = {folder, "withheld", ".json", 1};
	struct array indexes;
	struct why why;

	(void)state;
	assert_int_equal(statement_files_list(&part, &indexes, &why), OK);
	assert_int_equal(indexes.count, 0);
	array_done(&indexes);
	fixture_folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_indexes_in_their_order),
	    cmocka_unit_test(refuses_other_names),
	    cmocka_unit_test(bounds_the_files_of_a_part),
	    cmocka_unit_test(takes_a_missing_part_for_an_empty_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

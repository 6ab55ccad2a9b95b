/* The folder of letters: all of them or none, for its owner alone, and never over something. */
#include "client/order_letter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/order_token.h"
#include "tests/unit/client_fixture.h"

#define CODE "91370202MA0XTE011C"
#define PATH_SIZE 256

static const struct letter_issue issue = {
    .origin = "ledger.example/1", .order_id = "order-1", .server = "https://ledger.example", .issued_on = 20261124};

static char *folder;

static const char *path_of(const char *name)
{
	static char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void grants_make(struct items *items, const char *const *subjects, size_t count)
{
	items_init(items, ORDER_GRANT_ADD, 20271124);
	for (size_t i = 0; i < count; i++) {
		struct item_row row = {
		    .number = i + 2, .columns = 1u << ITEM_SUBJECT | 1u << ITEM_HOLDER | 1u << ITEM_SUBJECT_NAME};

		row.cells[ITEM_SUBJECT] = slice_text(subjects[i]);
		row.cells[ITEM_HOLDER] = slice_text("张三");
		row.cells[ITEM_SUBJECT_NAME] = slice_text(i == 0 ? "甲公司" : "");
		items_add(items, &row);
	}
	assert_int_equal(items->fault_total, 0);
	assert_int_equal(items->item_count, count);
}

static void expect_mode(const char *name, mode_t mode)
{
	struct stat status;

	if (stat(path_of(name), &status) != 0)
		fail_msg("%s is not there", name);
	if ((status.st_mode & 0777u) != mode)
		fail_msg("%s: %o", name, status.st_mode & 0777u);
}

static void expect_nothing(const char *name)
{
	if (access(path_of(name), F_OK) == 0)
		fail_msg("%s is there", name);
}

static void writes_a_letter_each_and_a_list_for_their_owner_alone(void **state)
{
	static const char *const subjects[] = {CODE, CODE, "venue:x", "venue:x", "venue:x-2", "bureau"};
	static const char *const names[] = {CODE ".html", CODE "_2.html", "venue-x.html", "venue-x_2.html",
	    "venue-x-2.html", "bureau.html", "index.html"};
	struct items items;
	char name[PATH_SIZE + 8];

	(void)state;
	(void)umask(0);
	grants_make(&items, subjects, 6);
	snprintf(name, sizeof(name), "%s//", path_of("all"));
	assert_int_equal(order_letter_keep(name, &issue, &items), EXIT_OK);
	expect_mode("all", 0700);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "all/%s", names[i]);
		expect_mode(name, 0600);
	}
	expect_nothing("all.new");
	items_done(&items);
}

static void takes_an_empty_folder_and_no_other(void **state)
{
	static const char *const subjects[] = {CODE};
	struct items items;
	FILE *file;

	(void)state;
	grants_make(&items, subjects, 1);
	assert_int_equal(mkdir(path_of("empty"), 0755), 0);
	assert_int_equal(order_letter_keep(path_of("empty"), &issue, &items), EXIT_OK);
	expect_mode("empty", 0700);
	assert_int_equal(order_letter_keep(path_of("empty"), &issue, &items), EXIT_OTHER);
	expect_nothing("empty.new");
	expect_mode("empty/index.html", 0600);
	file = fopen(path_of("file"), "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(order_letter_keep(path_of("file"), &issue, &items), EXIT_OTHER);
	expect_nothing("file.new");
	items_done(&items);
}

static void leaves_nothing_of_letters_that_were_not_finished(void **state)
{
	static const char *const subjects[] = {CODE, "bureau", "auditor"};
	static char holder[LETTER_SIZE_MAX + 1];
	struct items items;

	(void)state;
	memset(holder, 'x', sizeof(holder) - 1);
	grants_make(&items, subjects, 3);
	items.items[2].holder = holder;
	assert_int_not_equal(order_letter_keep(path_of("half"), &issue, &items), EXIT_OK);
	expect_nothing("half");
	expect_nothing("half.new");
	items_done(&items);
}

static void does_not_go_on_with_what_was_interrupted(void **state)
{
	static const char *const subjects[] = {CODE};
	struct items items;

	(void)state;
	grants_make(&items, subjects, 1);
	assert_int_equal(mkdir(path_of("cut.new"), 0700), 0);
	assert_int_equal(order_letter_keep(path_of("cut"), &issue, &items), EXIT_OTHER);
	expect_nothing("cut");
	expect_mode("cut.new", 0700);
	items_done(&items);
}

static int setup(void **state)
{
	(void)state;
	folder = fixture_folder();
	return folder != NULL && key_global_init() == OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fixture_folder_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_a_letter_each_and_a_list_for_their_owner_alone),
	    cmocka_unit_test(takes_an_empty_folder_and_no_other),
	    cmocka_unit_test(leaves_nothing_of_letters_that_were_not_finished),
	    cmocka_unit_test(does_not_go_on_with_what_was_interrupted),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

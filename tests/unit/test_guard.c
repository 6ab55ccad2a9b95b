/* The guard survives a write cut anywhere, and refuses whatever is not its own file. */
#include "daemon/guard.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/certificate.h"

#define FILE_SIZE_MAX 65536

static char folder[FOLDER_SIZE], path[PATH_SIZE];
static uint8_t before[FILE_SIZE_MAX], after[FILE_SIZE_MAX], torn[FILE_SIZE_MAX];

static size_t read_file(uint8_t *bytes)
{
	int fd = open(path, O_RDONLY);
	ssize_t size = read(fd, bytes, FILE_SIZE_MAX);

	assert_true(fd >= 0 && size > 0);
	close(fd);
	return (size_t)size;
}

static void write_file(const uint8_t *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	close(fd);
}

static void create(const char *note)
{
	struct guard *guard;
	struct why why;

	unlink(path);
	assert_int_equal(guard_create(path, slice_text(note), &guard, &why), OK);
	guard_close(guard);
}

static void append(const char *note)
{
	struct guard *guard;
	struct why why;

	assert_int_equal(guard_open(path, &guard, &why), OK);
	assert_int_equal(guard_write(guard, slice_text(note)), OK);
	guard_close(guard);
}

static void assert_newest(const char *note, uint64_t sequence)
{
	struct guard *guard;
	struct why why;

	assert_int_equal(guard_open(path, &guard, &why), OK);
	assert_true(slice_equal(guard_newest(guard), slice_text(note)));
	assert_int_equal(guard_sequence(guard), sequence);
	guard_close(guard);
}

static void gives_back_the_newest_note(void **state)
{
	char note[32];
	struct stat first, last;

	(void)state;
	create("note 1");
	assert_newest("note 1", 1);
	assert_int_equal(stat(path, &first), 0);
	assert_int_equal(first.st_mode & 0777, 0600);
	for (unsigned i = 2; i < 10; i++) {
		snprintf(note, sizeof(note), "note %u", i);
		append(note);
		assert_newest(note, i);
	}
	assert_int_equal(stat(path, &last), 0);
	assert_int_equal(first.st_size, last.st_size);
}

static void keeps_the_longest_note(void **state)
{
	static const size_t sizes[] = {1, CHECKPOINT_SIZE_MAX - 1, CHECKPOINT_SIZE_MAX};
	char note[CHECKPOINT_SIZE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(note, 'a' + (int)i, sizes[i]);
		note[sizes[i]] = '\0';
		create("first");
		append(note);
		assert_newest(note, 2);
	}
}

static void refuses_an_existing_file(void **state)
{
	struct guard *guard;
	struct why why;

	(void)state;
	create("mine");
	assert_int_equal(guard_create(path, slice_text("other"), &guard, &why), ERR_GUARD);
	assert_non_null(strstr(why.text, path));
	assert_newest("mine", 1);
}

static void refuses_what_is_no_guard(void **state)
{
	struct guard *guard;
	struct why why;
	size_t size;

	(void)state;
	unlink(path);
	assert_int_equal(guard_open(path, &guard, &why), ERR_GUARD);
	assert_non_null(strstr(why.text, "missing"));
	write_file((const uint8_t *)"", 0);
	assert_int_equal(guard_open(path, &guard, &why), ERR_GUARD);
	create("a note");
	size = read_file(before);
	write_file(before, size - 1);
	assert_int_equal(guard_open(path, &guard, &why), ERR_GUARD);
	memset(after, 0, size);
	write_file(after, size);
	assert_int_equal(guard_open(path, &guard, &why), ERR_GUARD);
	assert_int_equal(guard_open("/nonexistent/guard", &guard, &why), ERR_GUARD);
	assert_int_equal(guard_create("/nonexistent/guard", slice_text("x"), &guard, &why), ERR_IO);
}

/* Every cut of the second and of the third write leaves the note before it, or the whole new one. */
static void falls_back_when_a_write_was_cut_anywhere(void **state)
{
	(void)state;
	for (unsigned writes = 1; writes <= 2; writes++) {
		const char *old_note = writes == 1 ? "first checkpoint" : "second checkpoint";
		const char *new_note = writes == 1 ? "second checkpoint" : "third checkpoint, longer than the first";
		size_t size, changed_count = 0;

		create("first checkpoint");
		if (writes == 2)
			append(old_note);
		size = read_file(before);
		append(new_note);
		assert_int_equal(read_file(after), size);
		memcpy(torn, before, size);
		for (size_t i = 0; i < size; i++) {
			bool is_whole = memcmp(torn, after, size) == 0;

			if (before[i] == after[i])
				continue;
			if (changed_count > 0) {
				write_file(torn, size);
				if (is_whole)
					assert_newest(new_note, writes + 1);
				else
					assert_newest(old_note, writes);
			}
			torn[i] = after[i];
			changed_count++;
		}
		assert_true(changed_count > strlen(new_note));
		write_file(torn, size);
		assert_newest(new_note, writes + 1);
	}
}

static void falls_back_when_any_byte_of_the_newest_flips(void **state)
{
	size_t size, flipped_count = 0;

	(void)state;
	create("first checkpoint");
	size = read_file(before);
	append("second checkpoint");
	assert_int_equal(read_file(after), size);
	for (size_t i = 0; i < size; i++) {
		if (before[i] == after[i])
			continue;
		memcpy(torn, after, size);
		torn[i] ^= 0x40;
		write_file(torn, size);
		assert_newest("first checkpoint", 1);
		flipped_count++;
	}
	assert_true(flipped_count > 40);
	/* And with both slots spoiled there is nothing left to trust. */
	for (size_t i = 0; i < size; i++)
		torn[i] ^= 0x40;
	write_file(torn, size);
	{
		struct guard *guard;
		struct why why;

		assert_int_equal(guard_open(path, &guard, &why), ERR_GUARD);
	}
}

static void writes_on_after_a_fall_back(void **state)
{
	size_t size;

	(void)state;
	create("first checkpoint");
	append("second checkpoint");
	size = read_file(after);
	after[8] ^= 1; /* the newest is in the first slot: its sequence */
	write_file(after, size);
	assert_newest("first checkpoint", 1);
	append("second again");
	assert_newest("second again", 2);
}

static void is_held_by_one_process(void **state)
{
	struct guard *guard, *other;
	struct why why;
	int status;
	pid_t child;

	(void)state;
	create("mine");
	assert_int_equal(guard_open(path, &guard, &why), OK);
	child = fork();
	if (child == 0)
		_exit(guard_open(path, &other, &why) == ERR_LOCKED ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	guard_close(guard);
}

static int set_up(void **state)
{
	(void)state;
	folder_make(folder);
	folder_path(folder, "guard", path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_back_the_newest_note),
	    cmocka_unit_test(keeps_the_longest_note),
	    cmocka_unit_test(refuses_an_existing_file),
	    cmocka_unit_test(refuses_what_is_no_guard),
	    cmocka_unit_test(falls_back_when_a_write_was_cut_anywhere),
	    cmocka_unit_test(falls_back_when_any_byte_of_the_newest_flips),
	    cmocka_unit_test(writes_on_after_a_fall_back),
	    cmocka_unit_test(is_held_by_one_process),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

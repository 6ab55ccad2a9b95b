/* Copies of a store in use: what they hold, and what ends them. */
#include "store_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "daemon/copy.h"

#define ENOUGH_MS 60000
#define ROWS 2000 /* of a page each: more than any pipe holds */

static void fill(struct place *place)
{
	begin(place);
	for (uint32_t i = 0; i < ROWS; i++)
		put_block(place, i);
	put(place, STORE_META, "who", "first");
	commit(place);
}

static int open_file(const struct place *place, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", place->folder, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void remove_file(const struct place *place, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", place->folder, name);
	unlink(path);
}

/* Waits for the copy and frees it; its outcome. */
static enum err finish(struct place *place, struct mailbox *mailbox, uint64_t *ret_size)
{
	struct mail *mail = mailbox_wait(mailbox, ENOUGH_MS);
	enum err err;

	assert_non_null(mail);
	err = copy_result(copy_of(mail), ret_size, &place->why);
	copy_free(copy_of(mail));
	return err;
}

static enum err run(struct place *place, int fd, uint64_t limit_ms, uint64_t *ret_size)
{
	struct mailbox *mailbox;
	struct copy *copy;
	enum err err;

	assert_int_equal(mailbox_new(1, &mailbox), OK);
	assert_int_equal(copy_start(place->store, fd, limit_ms, mailbox, &copy), OK);
	err = finish(place, mailbox, ret_size);
	mailbox_free(mailbox);
	return err;
}

static void copies_what_was_committed(void **state)
{
	struct place *place = *state, copied = {.folder = ""};
	struct stat stat;
	uint64_t size;
	char from[192], to[192];
	int fd = open_file(place, "copy");

	fill(place);
	begin(place);
	put(place, STORE_META, "who", "second");
	commit(place);
	/* A transaction that is not committed is not in it. */
	begin(place);
	put(place, STORE_META, "more", "yes");
	store_abort(place->txn);
	place->txn = NULL;
	assert_int_equal(run(place, fd, ENOUGH_MS, &size), OK);
	assert_int_equal(fstat(fd, &stat), 0);
	assert_int_equal(stat.st_size, size);
	close(fd);
	snprintf(copied.folder, sizeof(copied.folder), "/tmp/subsidyd-test-XXXXXX");
	assert_non_null(mkdtemp(copied.folder));
	snprintf(from, sizeof(from), "%s/copy", place->folder);
	snprintf(to, sizeof(to), "%s/data.mdb", copied.folder);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(open_at(&copied, MAP_SIZE, STORE_OPEN), OK);
	assert_int_equal(store_read(copied.store, &copied.txn), OK);
	assert_string_equal(value_of(copied.txn, STORE_META, "who"), "second");
	assert_string_equal(value_of(copied.txn, STORE_META, "more"), "");
	close_store(&copied);
	remove_files(&copied);
	rmdir(copied.folder);
}

/* Into a pipe that the test may or may not empty. */
static void gives_up_after_its_limit(void **state)
{
	static const struct {
		unsigned limit_ms, pause_ms;
		enum err want;
	} rows[] = {{ENOUGH_MS, 0, OK}, {100, 60, ERR_OVERLOADED}};
	struct place *place = *state;

	fill(place);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static uint8_t block[1 << 20];
		struct mailbox *mailbox;
		struct copy *copy;
		uint64_t size, taken = 0;
		ssize_t more;
		enum err err;
		int ends[2];

		assert_int_equal(pipe(ends), 0);
		assert_int_equal(mailbox_new(1, &mailbox), OK);
		assert_int_equal(copy_start(place->store, ends[1], rows[i].limit_ms, mailbox, &copy), OK);
		while (mailbox_count(mailbox) == 0) {
			struct pollfd poll_fd = {.fd = ends[0], .events = POLLIN};

			usleep(rows[i].pause_ms * 1000);
			if (poll(&poll_fd, 1, 10) == 1) {
				more = read(ends[0], block, sizeof(block));
				assert_true(more > 0);
				taken += (uint64_t)more;
			}
		}
		err = finish(place, mailbox, &size);
		assert_int_equal(err, rows[i].want);
		if (err == ERR_OVERLOADED)
			assert_non_null(strstr(place->why.text, "longer than"));
		else
			assert_true(taken <= size);
		close(ends[0]);
		close(ends[1]);
		mailbox_free(mailbox);
	}
	/* Its reader is gone: the store goes on as before. */
	begin(place);
	put(place, STORE_META, "after", "yes");
	commit(place);
}

/* Whether the write that is under way ends well, or fails since nobody reads. */
static void ends_when_told(void **state)
{
	struct place *place = *state;
	struct mailbox *mailbox;
	struct copy *copy;
	static uint8_t block[1 << 20];
	uint64_t size;
	int ends[2];

	fill(place);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(mailbox_new(1, &mailbox), OK);
	assert_int_equal(copy_start(place->store, ends[1], ENOUGH_MS, mailbox, &copy), OK);
	copy_stop(copy);
	while (mailbox_count(mailbox) == 0)
		if (read(ends[0], block, sizeof(block)) < 0)
			usleep(1000);
	assert_int_equal(finish(place, mailbox, &size), ERR_STOPPING);
	assert_non_null(strstr(place->why.text, "given up"));
	close(ends[0]);
	close(ends[1]);
	mailbox_free(mailbox);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(mailbox_new(1, &mailbox), OK);
	assert_int_equal(copy_start(place->store, ends[1], ENOUGH_MS, mailbox, &copy), OK);
	assert_true(read(ends[0], block, sizeof(block)) > 0);
	copy_stop(copy);
	signal(SIGPIPE, SIG_IGN);
	close(ends[0]);
	assert_int_not_equal(finish(place, mailbox, &size), OK);
	close(ends[1]);
	mailbox_free(mailbox);
}

static void says_when_the_disk_is_full(void **state)
{
	struct place *place = *state;
	struct rlimit before, small;
	uint64_t size;
	int fd;

	fill(place);
	fd = open_file(place, "copy");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 1 << 20;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(run(place, fd, ENOUGH_MS, &size), ERR_DISK_FULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	close(fd);
	remove_file(place, "copy");
	/* Without threads, too. */
	fd = open("/dev/full", O_WRONLY);
	assert_int_equal(store_copy(place->store, fd), ERR_DISK_FULL);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(copies_what_was_committed, setup, teardown),
	    cmocka_unit_test_setup_teardown(gives_up_after_its_limit, setup, teardown),
	    cmocka_unit_test_setup_teardown(ends_when_told, setup, teardown),
	    cmocka_unit_test_setup_teardown(says_when_the_disk_is_full, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The feed's folder: what was committed survives a crash at any byte, what was not is cut, and nobody else writes. */
#include "client/feedstate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/file.h"
#include "tests/unit/client_fixture.h"

#define LEDGER_ID "00112233aabbccdd"

struct world {
	char *folder;
	struct signer *signer;
	struct slice records[3];
};

static int world_begin(void **state)
{
	static const uint8_t secret[32] = {7};
	struct world *world = calloc(1, sizeof(*world));

	if (world == NULL || key_global_init() != OK)
		return -1;
	world->folder = fixture_folder();
	world->records[0] = fixture_record("T-1", "100");
	world->records[1] = fixture_record("T-2", "200");
	world->records[2] = fixture_record("T-3", "300");
	*state = world;
	return signer_from_secret(KEY_ED25519, slice_text("qddex"), secret, &world->signer) == OK ? 0 : -1;
}

static int world_end(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < 3; i++)
		fixture_free(world->records[i]);
	signer_free(world->signer);
	fixture_folder_remove(world->folder);
	free(world);
	return 0;
}

static struct feedstate *open_state(const struct world *world)
{
	struct feedstate *state = NULL;
	struct why why = {""};

	if (feedstate_open(world->folder, LEDGER_ID, "qddex", &state, &why) != OK)
		fail_msg("%s", why.text);
	return state;
}

static enum err try_open(const struct world *world)
{
	struct feedstate *state = NULL;
	struct why why = {""};
	enum err err = feedstate_open(world->folder, LEDGER_ID, "qddex", &state, &why);

	if (err == OK)
		feedstate_close(state);
	return err;
}

/* The feed's note over the first `count` records. */
static void note_make(const struct world *world, size_t count, struct buf *ret_note)
{
	struct signer *signers[1] = {world->signer};
	struct checkpoint checkpoint = {.size = count};
	struct frontier frontier;
	struct buf text;

	frontier_init(&frontier);
	for (size_t i = 0; i < count; i++) {
		struct hash leaf = hash_leaf(world->records[i]);

		frontier_append(&frontier, &leaf);
	}
	checkpoint.root = frontier_root(&frontier);
	feed_origin_format("qddex", LEDGER_ID, 1, checkpoint.origin);
	buf_init(&text, NOTE_TEXT_SIZE_MAX);
	buf_init(ret_note, NOTE_SIZE_MAX);
	checkpoint_format(&checkpoint, &text);
	assert_int_equal(note_sign(buf_slice(&text), signers, 1, ret_note), OK);
	buf_done(&text);
}

/* Stages the records first..count and commits. */
static void commit(struct feedstate *state, const struct world *world, size_t first, size_t count)
{
	struct why why = {""};
	struct buf note;

	note_make(world, count, &note);
	for (size_t i = first; i < count; i++)
		assert_int_equal(feedstate_stage(state, world->records[i], &why), OK);
	if (feedstate_commit(state, 1, buf_slice(&note), slice_of("", 0), &why) != OK)
		fail_msg("%s", why.text);
	buf_done(&note);
}

static void body_make(const struct world *world, size_t start, size_t count, struct buf *ret_body)
{
	struct slice records[3];
	struct push push = {.start = start, .record_count = count - start, .records = records};
	struct buf note;

	memcpy(records, world->records, sizeof(records));
	push.records += start;
	note_make(world, count, &note);
	push.note = buf_slice(&note);
	buf_init(ret_body, PUSH_SIZE_MAX);
	assert_int_equal(push_encode(&push, ret_body), OK);
	buf_done(&note);
}

static char *path_of(const struct world *world, const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/" LEDGER_ID "/qddex/%s", world->folder, name) > 0);
	return path;
}

static struct buf content_of(const struct world *world, const char *name)
{
	char *path = path_of(world, name);
	struct why why = {""};
	struct buf bytes;

	buf_init(&bytes, 1 << 20);
	if (file_read(path, &bytes, &why) != OK)
		fail_msg("%s", why.text);
	free(path);
	return bytes;
}

static void put_content(const struct world *world, const char *name, struct slice bytes)
{
	char *path = path_of(world, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
	fclose(file);
	free(path);
}

static bool exists(const struct world *world, const char *name)
{
	char *path = path_of(world, name);
	bool is_there = access(path, F_OK) == 0;

	free(path);
	return is_there;
}

static struct recordset_found held_of(const struct feedstate *state, struct slice record)
{
	struct recordset_key key;

	assert_int_equal(recordset_key_of(record, &key), OK);
	return recordset_find(feedstate_records(state), &key);
}

static void begins_empty_and_remembers_what_was_committed(void **cmocka_state)
{
	struct world *world = *cmocka_state;
	struct feedstate *state = open_state(world);

	assert_int_equal(feedstate_generation(state), 0);
	assert_int_equal(feedstate_frontier(state)->size, 0);
	assert_int_equal(feedstate_pending(state).size, 0);
	commit(state, world, 0, 2);
	feedstate_close(state);
	state = open_state(world);
	assert_int_equal(feedstate_generation(state), 1);
	assert_int_equal(feedstate_frontier(state)->size, 2);
	assert_int_equal(held_of(state, world->records[1]).same_count, 1);
	assert_int_equal(held_of(state, world->records[1]).value, 1);
	assert_false(held_of(state, world->records[2]).has_number);
	commit(state, world, 2, 3);
	feedstate_close(state);
	state = open_state(world);
	assert_int_equal(feedstate_frontier(state)->size, 3);
	feedstate_close(state);
}

static void forgets_what_was_staged_and_not_committed(void **cmocka_state)
{
	struct world *world = *cmocka_state;
	struct feedstate *state = open_state(world);
	struct why why = {""};

	commit(state, world, 0, 1);
	assert_int_equal(feedstate_stage(state, world->records[1], &why), OK);
	assert_int_equal(feedstate_frontier(state)->size, 2);
	feedstate_close(state);
	state = open_state(world);
	assert_int_equal(feedstate_frontier(state)->size, 1);
	/* The place is free again. */
	commit(state, world, 1, 3);
	feedstate_close(state);
	state = open_state(world);
	assert_int_equal(feedstate_frontier(state)->size, 3);
	feedstate_close(state);
}

static void cuts_a_tail_torn_at_any_byte(void **cmocka_state)
{
	struct world *world = *cmocka_state;
	struct feedstate *state = open_state(world);
	struct buf committed, longer;

	commit(state, world, 0, 2);
	feedstate_close(state);
	committed = content_of(world, "records");
	buf_init(&longer, 1 << 20);
	buf_add_slice(&longer, buf_slice(&committed));
	buf_u32(&longer, (uint32_t)world->records[2].size);
	buf_add_slice(&longer, world->records[2]);
	for (size_t size = committed.size; size <= longer.size; size++) {
		struct buf after;

		put_content(world, "records", slice_of(longer.data, size));
		state = open_state(world);
		assert_int_equal(feedstate_frontier(state)->size, 2);
		feedstate_close(state);
		after = content_of(world, "records");
		assert_true(slice_equal(buf_slice(&after), buf_slice(&committed)));
		buf_done(&after);
	}
	buf_done(&longer);
	buf_done(&committed);
}

static void names_damage_within_what_was_committed(void **cmocka_state)
{
	struct world *world = *cmocka_state;
	struct feedstate *state = open_state(world);
	struct buf records, feed;

	commit(state, world, 0, 2);
	feedstate_close(state);
	records = content_of(world, "records");
	feed = content_of(world, "feed");
	for (size_t i = 0; i < records.size; i++) {
		put_content(world, "records", slice_of(records.data, i));
		if (try_open(world) != ERR_IO)
			fail_msg("cut at byte %zu is not seen", i);
		records.data[i] ^= 1;
		put_content(world, "records", buf_slice(&records));
		if (try_open(world) != ERR_IO)
			fail_msg("flip in byte %zu is not seen", i);
		records.data[i] ^= 1;
	}
	put_content(world, "records", buf_slice(&records));
	for (size_t i = 0; i + 1 < feed.size; i++) {
		put_content(world, "feed", slice_of(feed.data, i));
		if (try_open(world) != ERR_IO)
			fail_msg("feed cut at byte %zu is not seen", i);
	}
	put_content(world, "feed", buf_slice(&feed));
	/* What a rename never reached is no one's. */
	put_content(world, "feed.new", slice_of(feed.data, feed.size / 2));
	put_content(world, "pending.new", slice_of(feed.data, feed.size / 2));
	assert_int_equal(try_open(world), OK);
	buf_done(&feed);
	buf_done(&records);
}

static void keeps_the_pending_push_byte_for_byte_until_it_is_committed(void **cmocka_state)
{
	struct world *world = *cmocka_state;
	struct feedstate *state = open_state(world);
	struct why why = {""};
	struct buf body;

	body_make(world, 0, 2, &body);
	assert_int_equal(feedstate_save_pending(state, buf_slice(&body), &why), OK);
	feedstate_close(state);
	state = open_state(world);
	assert_true(slice_equal(feedstate_pending(state), buf_slice(&body)));
	/* Half of it is not all of it. */
	commit(state, world, 0, 1);
	assert_true(slice_equal(feedstate_pending(state), buf_slice(&body)));
	commit(state, world, 1, 2);
	assert_int_equal(feedstate_pending(state).size, 0);
	assert_false(exists(world, "pending"));
	feedstate_close(state);
	/* The process ended between `feed` and the removal. */
	put_content(world, "pending", buf_slice(&body));
	state = open_state(world);
	assert_int_equal(feedstate_pending(state).size, 0);
	assert_false(exists(world, "pending"));
	feedstate_close(state);
	buf_done(&body);
}

static void drops_a_refused_push(void **cmocka_state)
{
	struct world *world = *cmocka_state;
	struct feedstate *state = open_state(world);
	struct why why = {""};
	struct buf body;

	body_make(world, 0, 3, &body);
	assert_int_equal(feedstate_save_pending(state, buf_slice(&body), &why), OK);
	assert_int_equal(feedstate_drop_pending(state, &why), OK);
	assert_int_equal(feedstate_pending(state).size, 0);
	assert_int_equal(feedstate_save_pending(state, buf_slice(&body), &why), OK);
	feedstate_close(state);
	buf_done(&body);
}

static void refuses_a_pending_push_that_is_none(void **cmocka_state)
{
	struct world *world = *cmocka_state;
	struct buf body;

	assert_int_equal(try_open(world), OK);
	put_content(world, "pending", slice_text("garbage"));
	assert_int_equal(try_open(world), ERR_IO);
	body_make(world, 1, 3, &body); /* begins behind what is here */
	put_content(world, "pending", buf_slice(&body));
	assert_int_equal(try_open(world), ERR_IO);
	buf_done(&body);
}

static void commits_only_under_the_note_of_its_records(void **cmocka_state)
{
	struct world *world = *cmocka_state;
	struct feedstate *state = open_state(world);
	struct why why = {""};
	struct buf note;

	assert_int_equal(feedstate_stage(state, world->records[0], &why), OK);
	note_make(world, 2, &note);
	assert_int_equal(feedstate_commit(state, 1, buf_slice(&note), slice_of("", 0), &why), ERR_FEED_SIZE);
	assert_int_equal(feedstate_stage(state, world->records[2], &why), OK);
	assert_int_equal(feedstate_commit(state, 1, buf_slice(&note), slice_of("", 0), &why), ERR_FEED_ROOT);
	feedstate_close(state);
	buf_done(&note);
	state = open_state(world);
	assert_int_equal(feedstate_frontier(state)->size, 0);
	feedstate_close(state);
}

static void keeps_the_newest_ledger_checkpoint(void **cmocka_state)
{
	struct world *world = *cmocka_state;
	struct feedstate *state = open_state(world);
	struct why why = {""};
	struct buf note;

	note_make(world, 1, &note);
	assert_int_equal(feedstate_stage(state, world->records[0], &why), OK);
	assert_int_equal(feedstate_commit(state, 1, buf_slice(&note), slice_text("one"), &why), OK);
	assert_int_equal(feedstate_commit(state, 1, buf_slice(&note), slice_of("", 0), &why), OK);
	feedstate_close(state);
	state = open_state(world);
	assert_true(slice_equal(feedstate_checkpoint(state), slice_text("one")));
	feedstate_close(state);
	buf_done(&note);
}

static void locks_a_second_process_out(void **cmocka_state)
{
	struct world *world = *cmocka_state;
	struct feedstate *state = open_state(world);
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct feedstate *other = NULL;
		struct why why = {""};

		_exit(feedstate_open(world->folder, LEDGER_ID, "qddex", &other, &why) == ERR_LOCKED ? 0 : 1);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	feedstate_close(state);
	assert_int_equal(try_open(world), OK);
}

static void shows_its_files_to_nobody_else(void **cmocka_state)
{
	static const char *const names[] = {"feed", "records", "lock", "pending", ""};
	struct world *world = *cmocka_state;
	struct feedstate *state = open_state(world);
	struct why why = {""};
	struct buf body;

	commit(state, world, 0, 1);
	body_make(world, 1, 2, &body);
	assert_int_equal(feedstate_save_pending(state, buf_slice(&body), &why), OK);
	feedstate_close(state);
	buf_done(&body);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = path_of(world, names[i]);
		struct stat stat_of;

		assert_int_equal(stat(path, &stat_of), 0);
		if ((stat_of.st_mode & 077) != 0)
			fail_msg("row %zu: mode %o", i, (unsigned)stat_of.st_mode);
		free(path);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(begins_empty_and_remembers_what_was_committed),
	    TEST(forgets_what_was_staged_and_not_committed),
	    TEST(cuts_a_tail_torn_at_any_byte),
	    TEST(names_damage_within_what_was_committed),
	    TEST(keeps_the_pending_push_byte_for_byte_until_it_is_committed),
	    TEST(drops_a_refused_push),
	    TEST(refuses_a_pending_push_that_is_none),
	    TEST(commits_only_under_the_note_of_its_records),
	    TEST(keeps_the_newest_ledger_checkpoint),
	    TEST(locks_a_second_process_out),
	    TEST(shows_its_files_to_nobody_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Making a ledger: what comes of a genesis note, and everything that is refused before anything is made. */
#include "ledger_full.h"

#include "daemon/init.h"
#include "daemon/verify.h"
#include "daemon/writer.h"

struct place {
	struct ledger_fixture fixture; /* for its keys; the ledger is made elsewhere */
	struct config config;
	char folder[64], data[96], guard[96], key[96], note[96];
	struct why why;
};

static void write_file(const char *path, struct slice bytes)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
	assert_int_equal(fclose(file), 0);
}

static void write_key(const struct place *place, const struct signer *signer)
{
	struct buf text;

	buf_init(&text, 4096);
	assert_int_equal(signer_format(signer, &text), OK);
	write_file(place->key, buf_slice(&text));
	buf_done(&text);
}

static void write_note(struct place *place, size_t signature_count, bool is_ledger_signed)
{
	struct buf note;

	buf_init(&note, LEDGER_NOTE_MAX);
	ledger_genesis_note(&place->fixture, signature_count, is_ledger_signed, &note);
	write_file(place->note, buf_slice(&note));
	buf_done(&note);
}

/* A key file and a note that every officer signed, beside an empty place. */
static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	ledger_setup(&place->fixture);
	snprintf(place->folder, sizeof(place->folder), "/tmp/subsidyd-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->data, sizeof(place->data), "%s/data", place->folder);
	snprintf(place->guard, sizeof(place->guard), "%s/guard", place->folder);
	snprintf(place->key, sizeof(place->key), "%s/key", place->folder);
	snprintf(place->note, sizeof(place->note), "%s/note", place->folder);
	place->config = (struct config){
	    .data = place->data, .guard = place->guard, .ledger_key = place->key, .map_size = LEDGER_MAP_SIZE};
	write_key(place, place->fixture.ledger_signer);
	write_note(place, LEDGER_OFFICERS, false);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	ledger_remove_folder(place->data);
	unlink(place->guard);
	unlink(place->key);
	unlink(place->note);
	rmdir(place->folder);
	ledger_teardown(&place->fixture);
	free(place);
	return 0;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* Opens what was made as the daemon would, and as an auditor would. */
static void expect_ledger(struct place *place)
{
	const struct log_signers signers = {.count = 1, .signers = {place->fixture.ledger_signer}};
	const struct verify_options options = {.config = &place->config};
	struct head_box *box = head_box_new();
	struct store_txn *txn;
	struct store *store;
	struct guard *guard;
	struct entry entry;
	struct arena arena;
	struct head head;
	FILE *out;

	assert_int_equal(store_open(place->data, LEDGER_MAP_SIZE, STORE_OPEN, &store, &place->why), OK);
	assert_int_equal(guard_open(place->guard, &guard, &place->why), OK);
	if (writer_open_head(store, guard, &signers, box, &place->why) != OK)
		fail_msg("%s", place->why.text);
	head_get(box, &head);
	assert_int_equal(head.size, 1);
	assert_int_equal(guard_sequence(guard), 1);
	assert_true(slice_equal(guard_newest(guard), head_note(&head)));
	assert_int_equal(store_read(store, &txn), OK);
	arena_init(&arena, 8u * ENTRY_SIZE_MAX);
	assert_int_equal(ledger_entry(txn, 0, &arena, &entry), OK);
	assert_int_equal(entry.kind, ENTRY_GENESIS);
	arena_done(&arena);
	store_abort(txn);
	guard_close(guard);
	store_close(store);
	head_box_free(box);
	out = fopen("/dev/null", "w");
	assert_non_null(out);
	assert_int_equal(verify_run(&options, out), 0);
	fclose(out);
}

static void makes_a_ledger_that_verifies(void **state)
{
	struct place *place = *state;

	if (ledger_init(&place->config, place->note, &place->why) != OK)
		fail_msg("%s", place->why.text);
	expect_ledger(place);
}

static void takes_a_note_that_the_ledger_signed_already(void **state)
{
	struct place *place = *state;

	write_note(place, LEDGER_OFFICERS, true);
	assert_int_equal(mkdir(place->data, 0700), 0); /* the folder may be there, if it is empty */
	if (ledger_init(&place->config, place->note, &place->why) != OK)
		fail_msg("%s", place->why.text);
	expect_ledger(place);
}

static void expect_refusal(struct place *place, enum err want, const char *reason)
{
	enum err err = ledger_init(&place->config, place->note, &place->why);

	if (err != want || strstr(place->why.text, reason) == NULL)
		fail_msg("%s, \"%s\"; wanted %s, \"%s\"", err_name(err), place->why.text, err_name(want), reason);
}

static void refuses_a_place_where_there_is_something(void **state)
{
	struct place *place = *state;
	char other_data[128];

	assert_int_equal(ledger_init(&place->config, place->note, &place->why), OK);
	expect_refusal(place, ERR_GUARD, "there is a guard file already");
	unlink(place->guard);
	expect_refusal(place, ERR_INVALID, "there is a ledger in");
	assert_false(is_there(place->guard));
	/* With a guard of another ledger no data folder is made. */
	snprintf(other_data, sizeof(other_data), "%s/other", place->folder);
	place->config.data = other_data;
	write_file(place->guard, slice_text("anything"));
	expect_refusal(place, ERR_GUARD, place->guard);
	assert_false(is_there(other_data));
	place->config.data = place->data;
}

static void refuses_a_note_that_is_not_signed_by_all(void **state)
{
	struct place *place = *state;

	for (size_t count = 1; count < LEDGER_OFFICERS; count++) {
		write_note(place, count, false);
		expect_refusal(place, ERR_QUORUM, "has not signed the genesis");
	}
	assert_false(is_there(place->data));
	assert_false(is_there(place->guard));
}

static void refuses_a_key_that_the_genesis_does_not_name(void **state)
{
	struct place *place = *state;
	struct signer *other = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 101);

	write_key(place, other);
	expect_refusal(place, ERR_KEY_FILE, "names another ledger key");
	write_file(place->key, slice_text("nonsense"));
	expect_refusal(place, ERR_KEY_FILE, place->key);
	assert_false(is_there(place->data));
	assert_false(is_there(place->guard));
	signer_free(other);
}

static void refuses_files_that_hold_no_genesis(void **state)
{
	struct place *place = *state;
	char *text = fixture_repeat('x', NOTE_SIZE_MAX + 1);

	write_file(place->note, slice_text("nonsense"));
	expect_refusal(place, ERR_NOTE, "");
	write_file(place->note, slice_of(text, NOTE_SIZE_MAX));
	expect_refusal(place, ERR_NOTE, "");
	write_file(place->note, slice_of(text, NOTE_SIZE_MAX + 1));
	expect_refusal(place, ERR_TOO_LARGE, "is longer than a genesis note may be");
	unlink(place->note);
	expect_refusal(place, ERR_IO, place->note);
	assert_int_equal(ledger_init(&place->config, "/dev/zero", &place->why), ERR_TOO_LARGE); /* reads no further */
	assert_int_equal(ledger_init(&place->config, place->folder, &place->why), ERR_IO);
	assert_false(is_there(place->data));
	free(text);
}

static void refuses_a_folder_that_can_not_be_made(void **state)
{
	struct place *place = *state;
	char data[128];

	snprintf(data, sizeof(data), "%s/none/data", place->folder);
	place->config.data = data;
	expect_refusal(place, ERR_IO, "can't make the data folder");
	assert_false(is_there(place->guard));
	place->config.data = place->key; /* a file */
	expect_refusal(place, ERR_IO, place->key);
	place->config.data = place->data;
}

static void refuses_a_folder_in_use(void **state)
{
	struct place *place = *state;

	place->config.data = place->fixture.folder; /* whose store is open */
	expect_refusal(place, ERR_LOCKED, "another process is using");
	assert_false(is_there(place->guard));
	place->config.data = place->data;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(makes_a_ledger_that_verifies, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_a_note_that_the_ledger_signed_already, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_place_where_there_is_something, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_note_that_is_not_signed_by_all, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_key_that_the_genesis_does_not_name, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_files_that_hold_no_genesis, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_folder_that_can_not_be_made, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_folder_in_use, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Opening a ledger for service: what its guard file, its key and its stored head must be. */
#include "ledger_full.h"

#include "daemon/writer.h"

struct place {
	struct ledger_fixture fixture;
	char guard_path[80];
	struct guard *guard;
	struct head_box *box;
	struct hash roots[64]; /* of every size */
	uint64_t size;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct frontier frontier;

	ledger_setup(&place->fixture);
	ledger_fill(&place->fixture);
	place->size = place->fixture.ledger.head.size;
	assert_true(place->size < 64);
	frontier_init(&frontier);
	for (uint64_t i = 0; i < place->size; i++) {
		struct slice bytes;
		struct hash leaf;

		assert_true(ledger_bytes(place->fixture.txn, i, &bytes));
		leaf = hash_leaf(bytes);
		frontier_append(&frontier, &leaf);
		place->roots[i + 1] = frontier_root(&frontier);
	}
	ledger_leave(&place->fixture);
	place->box = head_box_new();
	snprintf(place->guard_path, sizeof(place->guard_path), "%s.guard", place->fixture.folder);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	guard_close(place->guard);
	unlink(place->guard_path);
	head_box_free(place->box);
	ledger_teardown(&place->fixture);
	free(place);
	return 0;
}

/* A new guard file that holds a checkpoint like this, signed by this key. */
static void make_guard(
    struct place *place, uint64_t size, const struct hash *root, const char *origin, struct signer *signer)
{
	struct head head = {.size = size, .root = *root};

	guard_close(place->guard);
	unlink(place->guard_path);
	assert_int_equal(head_sign(&head, origin, &signer, 1), OK);
	assert_int_equal(guard_create(place->guard_path, head_note(&head), &place->guard, &place->fixture.why), OK);
}

static enum err open_with(struct place *place, struct signer *signer)
{
	const struct log_signers signers = {.count = 1, .signers = {signer}};

	place->fixture.why.text[0] = '\0';
	return writer_open_head(place->fixture.store, place->guard, &signers, place->box, &place->fixture.why);
}

/* Refused like this, with nothing published and the guard as it was. */
static void expect_refusal(struct place *place, struct signer *signer, enum err want, const char *reason)
{
	struct head head;
	enum err err = open_with(place, signer);

	if (err != want || strstr(place->fixture.why.text, reason) == NULL)
		fail_msg(
		    "%s, \"%s\"; wanted %s, \"%s\"", err_name(err), place->fixture.why.text, err_name(want), reason);
	head_get(place->box, &head);
	assert_int_equal(head.size, 0);
	assert_int_equal(guard_sequence(place->guard), 1);
}

static void publishes_the_head_that_the_guard_holds(void **state)
{
	struct place *place = *state;
	struct signer *signer = place->fixture.ledger_signer;
	struct head head;

	make_guard(place, place->size, &place->roots[place->size], FIXTURE_ORIGIN, signer);
	if (open_with(place, signer) != OK)
		fail_msg("%s", place->fixture.why.text);
	head_get(place->box, &head);
	assert_int_equal(head.size, place->size);
	assert_memory_equal(&head.root, &place->roots[place->size], sizeof(head.root));
	assert_int_equal(head.time_us, place->fixture.ledger.head.last_time_us);
	assert_true(slice_equal(head_note(&head), guard_newest(place->guard)));
	assert_int_equal(guard_sequence(place->guard), 1);
}

/* A crash between commit and guard, or many of them. */
static void guards_again_where_the_guard_is_behind(void **state)
{
	struct place *place = *state;
	struct signer *signer = place->fixture.ledger_signer;
	struct head head;

	for (uint64_t size = 1; size < place->size; size++) {
		make_guard(place, size, &place->roots[size], FIXTURE_ORIGIN, signer);
		if (open_with(place, signer) != OK)
			fail_msg("size %llu: %s", (unsigned long long)size, place->fixture.why.text);
		head_get(place->box, &head);
		assert_int_equal(head.size, place->size);
		assert_true(slice_equal(head_note(&head), guard_newest(place->guard)));
		assert_int_equal(guard_sequence(place->guard), 2);
	}
}

static void refuses_a_ledger_older_than_its_guard(void **state)
{
	struct place *place = *state;
	struct signer *signer = place->fixture.ledger_signer;

	make_guard(place, place->size + 1, &place->roots[place->size], FIXTURE_ORIGIN, signer);
	expect_refusal(place, signer, ERR_GUARD, "this is an older copy");
}

static void refuses_a_ledger_other_than_its_guard(void **state)
{
	struct place *place = *state;
	struct signer *signer = place->fixture.ledger_signer;

	for (uint64_t size = 1; size <= place->size; size++) {
		make_guard(place, size, &place->roots[size == 1 ? 2 : size - 1], FIXTURE_ORIGIN, signer);
		expect_refusal(place, signer, ERR_GUARD, "are not those of the checkpoint it signed");
	}
}

static void refuses_a_guard_of_another_ledger(void **state)
{
	struct place *place = *state;
	struct signer *signer = place->fixture.ledger_signer,
		      *other = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 101);
	const struct hash *root = &place->roots[place->size];

	make_guard(place, place->size, root, FIXTURE_ORIGIN, other);
	expect_refusal(place, signer, ERR_GUARD, "belongs to another ledger");
	make_guard(place, place->size, root, "subsidy.example/ledger2", signer);
	expect_refusal(place, signer, ERR_GUARD, "belongs to another ledger");
	guard_close(place->guard);
	unlink(place->guard_path);
	assert_int_equal(
	    guard_create(place->guard_path, slice_text("no note"), &place->guard, &place->fixture.why), OK);
	expect_refusal(place, signer, ERR_GUARD, "belongs to another ledger");
	signer_free(other);
}

static void refuses_another_key_than_the_ledgers(void **state)
{
	struct place *place = *state;
	struct signer *other = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 101);

	make_guard(place, place->size, &place->roots[place->size], FIXTURE_ORIGIN, place->fixture.ledger_signer);
	expect_refusal(place, other, ERR_KEY_FILE, FIXTURE_ORIGIN);
	signer_free(other);
}

/* Adds keys to the ledger by an order; gives the size of the ledger before it. */
static uint64_t add_keys(struct place *place, const struct signer *first, const struct signer *second)
{
	struct ledger_fixture *fixture = &place->fixture;
	char vkeys[2][KEY_VKEY_SIZE];
	uint64_t index;

	key_format(signer_key(first), vkeys[0]);
	key_format(signer_key(second), vkeys[1]);
	assert_int_equal(store_write(fixture->store, &fixture->txn), OK);
	index = ledger_order(fixture,
	    (struct ledger_order){.type = ORDER_LOG_KEY,
		.body = json_pack("{s:[s,s],s:[],s:s}", "add", vkeys[0], vkeys[1], "retire", "reason", "because")});
	ledger_leave(fixture);
	return index;
}

/* As after a crash between the commit of the order and the guard: what is guarded is the checkpoint before. */
static void signs_with_every_valid_key(void **state)
{
	struct place *place = *state;
	struct signer *first = place->fixture.ledger_signer,
		      *next = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 101),
		      *heads = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN "/heads", 102);
	struct log_signers signers = {.count = 3, .signers = {next, heads, first}};
	struct key keys[2] = {*signer_key(first), *signer_key(next)};
	uint64_t signed_by = 0;
	struct note note;
	struct head head;

	make_guard(place, place->size, &place->roots[place->size], FIXTURE_ORIGIN, first);
	assert_int_equal(add_keys(place, next, heads), place->size);
	for (unsigned i = 0; i < 2; i++) {
		if (writer_open_head(place->fixture.store, place->guard, &signers, place->box, &place->fixture.why) !=
		    OK)
			fail_msg("%s", place->fixture.why.text);
		head_get(place->box, &head);
		assert_int_equal(head.size, place->size + 1);
		assert_int_equal(note_parse(head_note(&head), &note, NULL), OK);
		assert_int_equal(note_verify(&note, keys, 2, &signed_by), OK);
		assert_int_equal(note.signature_count, 2);
		assert_int_equal(signed_by, 3);
		assert_memory_equal(note.signatures[0].key_id, keys[0].id, KEY_ID_SIZE);
		assert_true(slice_equal(guard_newest(place->guard), head_note(&head)));
	}
	signer_free(next);
	signer_free(heads);
}

static void refuses_a_start_without_a_valid_key(void **state)
{
	struct place *place = *state;
	struct signer *first = place->fixture.ledger_signer,
		      *next = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 101),
		      *heads = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN "/heads", 102);
	const struct {
		struct log_signers signers;
		const char *words;
	} rows[] = {
	    {{.count = 2, .signers = {first, heads}}, "key or next_key"},
	    {{.count = 2, .signers = {next, heads}}, "key or next_key"},
	    {{.count = 2, .signers = {first, next}}, "heads_key or next_heads_key"},
	};

	make_guard(place, place->size, &place->roots[place->size], FIXTURE_ORIGIN, first);
	add_keys(place, next, heads);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(writer_open_head(place->fixture.store, place->guard, &rows[i].signers, place->box,
				     &place->fixture.why),
		    ERR_KEY_FILE);
		assert_non_null(strstr(place->fixture.why.text, rows[i].words));
		assert_int_equal(guard_sequence(place->guard), 1);
	}
	signer_free(next);
	signer_free(heads);
}

/* The copy has not heard of the key that signed what is guarded; it is refused for being older, in these words. */
static void refuses_an_older_copy_whoever_signed_the_newer(void **state)
{
	struct place *place = *state;
	struct signer *next = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 101);

	make_guard(place, place->size + 5, &place->roots[place->size], FIXTURE_ORIGIN, next);
	expect_refusal(place, place->fixture.ledger_signer, ERR_GUARD, "this is an older copy");
	make_guard(place, place->size, &place->roots[place->size], FIXTURE_ORIGIN, next);
	expect_refusal(place, place->fixture.ledger_signer, ERR_GUARD, "belongs to another ledger");
	signer_free(next);
}

static void refuses_a_stored_head_that_is_not_of_the_entries(void **state)
{
	struct place *place = *state;
	struct ledger *ledger = &place->fixture.ledger;

	make_guard(place, 3, &place->roots[3], FIXTURE_ORIGIN, place->fixture.ledger_signer);
	ledger->head.frontier.hashes[0].bytes[0] ^= 1;
	assert_int_equal(store_write(place->fixture.store, &place->fixture.txn), OK);
	ledger_save(ledger, place->fixture.txn);
	assert_int_equal(store_commit(place->fixture.txn), OK);
	place->fixture.txn = NULL;
	expect_refusal(place, place->fixture.ledger_signer, ERR_DAMAGED, "the stored head does not match the entries");
}

static void refuses_later_rules_than_it_knows(void **state)
{
	struct place *place = *state;
	struct ledger_identity identity;

	make_guard(place, place->size, &place->roots[place->size], FIXTURE_ORIGIN, place->fixture.ledger_signer);
	assert_int_equal(store_write(place->fixture.store, &place->fixture.txn), OK);
	assert_int_equal(ledger_read_identity(place->fixture.txn, &identity), OK);
	identity.rules = RULES_VERSION + 1;
	ledger_save_identity(place->fixture.txn, &identity);
	assert_int_equal(store_commit(place->fixture.txn), OK);
	place->fixture.txn = NULL;
	expect_refusal(place, place->fixture.ledger_signer, ERR_DAMAGED, "use a newer one");
}

static void refuses_a_store_without_identity_or_head(void **state)
{
	static const char *const keys[] = {"identity", "head"};
	struct place *place = *state;

	make_guard(place, place->size, &place->roots[place->size], FIXTURE_ORIGIN, place->fixture.ledger_signer);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(store_write(place->fixture.store, &place->fixture.txn), OK);
		store_delete(place->fixture.txn, STORE_META, slice_text(keys[i]));
		assert_int_equal(store_commit(place->fixture.txn), OK);
		place->fixture.txn = NULL;
		expect_refusal(place, place->fixture.ledger_signer, ERR_DAMAGED, "");
		assert_int_equal(store_write(place->fixture.store, &place->fixture.txn), OK);
		ledger_save_identity(place->fixture.txn, &(struct ledger_identity){.origin = FIXTURE_ORIGIN,
							     .ledger_id = FIXTURE_LEDGER_ID,
							     .rules = RULES_VERSION,
							     .ledger_key = *signer_key(place->fixture.ledger_signer)});
		assert_int_equal(store_commit(place->fixture.txn), OK);
		place->fixture.txn = NULL;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(publishes_the_head_that_the_guard_holds, setup, teardown),
	    cmocka_unit_test_setup_teardown(guards_again_where_the_guard_is_behind, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_ledger_older_than_its_guard, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_ledger_other_than_its_guard, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_guard_of_another_ledger, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_another_key_than_the_ledgers, setup, teardown),
	    cmocka_unit_test_setup_teardown(signs_with_every_valid_key, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_start_without_a_valid_key, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_an_older_copy_whoever_signed_the_newer, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_stored_head_that_is_not_of_the_entries, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_later_rules_than_it_knows, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_store_without_identity_or_head, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

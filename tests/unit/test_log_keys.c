/* The ledger's own keys: what a log.key order may change, from where on a key is valid, and what its signature is worth. */
#include "ledger_fixture.h"

#include "daemon/state.h"

#define HEADS FIXTURE_ORIGIN "/heads"

static int setup(void **state)
{
	struct ledger_fixture *fixture = calloc(1, sizeof(*fixture));

	ledger_setup(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	ledger_teardown(*state);
	free(*state);
	return 0;
}

static struct key key_of(const char *name, unsigned number)
{
	struct signer *signer = ledger_make_signer(KEY_ED25519, name, number);
	struct key key = *signer_key(signer);

	signer_free(signer);
	return key;
}

static json_t *vkeys(const struct key *keys, size_t count)
{
	json_t *array = json_array();
	char vkey[KEY_VKEY_SIZE];

	for (size_t i = 0; i < count; i++) {
		key_format(&keys[i], vkey);
		assert_int_equal(json_array_append_new(array, json_string(vkey)), 0);
	}
	return array;
}

static struct ledger_order change(
    const struct key *add, size_t add_count, const struct key *retire, size_t retire_count)
{
	return (struct ledger_order){.type = ORDER_LOG_KEY,
	    .body = json_pack("{s:o,s:o,s:s}", "add", vkeys(add, add_count), "retire", vkeys(retire, retire_count),
		"reason", "because"),
	    .signers = {1 + OFFICER_LI, 1 + OFFICER_ZHAO}};
}

static uint64_t add(struct ledger_fixture *fixture, const struct key *key)
{
	return ledger_order(fixture, change(key, 1, NULL, 0));
}

static uint64_t retire(struct ledger_fixture *fixture, const struct key *key)
{
	return ledger_order(fixture, change(NULL, 0, key, 1));
}

/* Is refused with these words, and changes nothing. */
static void refuse(struct ledger_fixture *fixture, struct ledger_order order, const char *words)
{
	struct hash before = ledger_digest(fixture->txn), after;
	uint64_t index;

	if (ledger_try_order(fixture, &order, &index) != ERR_REFUSED || strstr(fixture->why.text, words) == NULL)
		fail_msg("wanted \"%s\", got \"%s\"", words, fixture->why.text);
	after = ledger_digest(fixture->txn);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void has_the_key_of_genesis_alone_before_any_order(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct key valid[LOG_KEYS_MAX];
	struct log_keys keys;

	assert_int_equal(log_keys_get(fixture->txn, &keys), OK);
	assert_int_equal(keys.count, 1);
	assert_int_equal(log_keys_valid(&keys, LOG_KEY_HEADS, 1, valid), 0);
	assert_int_equal(log_keys_valid(&keys, LOG_KEY_CHECKPOINT, 0, valid), 0);
	assert_int_equal(log_keys_valid(&keys, LOG_KEY_CHECKPOINT, 1, valid), 1);
	assert_true(key_equal(&valid[0], signer_key(fixture->ledger_signer)));
}

static void keys_are_valid_from_the_order_that_adds_to_the_one_that_retires(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct key first = *signer_key(fixture->ledger_signer), next = key_of(FIXTURE_ORIGIN, 101), valid[LOG_KEYS_MAX];
	uint64_t since, until;
	struct log_keys keys;

	ledger_register(fixture, "91370200MA00000015", "Alpha", NULL);
	since = add(fixture, &next);
	ledger_register(fixture, "91370200MA00000015", "Beta", NULL);
	until = retire(fixture, &first);
	assert_int_equal(log_keys_get(fixture->txn, &keys), OK);
	assert_int_equal(keys.count, 2);
	assert_int_equal(keys.keys[0].until, until);
	assert_int_equal(keys.keys[1].since, since);
	assert_int_equal(keys.keys[1].until, 0);
	assert_int_equal(log_keys_valid(&keys, LOG_KEY_CHECKPOINT, since, valid), 1);
	assert_true(key_equal(&valid[0], &first));
	for (uint64_t size = since + 1; size <= until; size++) {
		assert_int_equal(log_keys_valid(&keys, LOG_KEY_CHECKPOINT, size, valid), 2);
		assert_true(key_equal(&valid[0], &first) && key_equal(&valid[1], &next));
	}
	assert_int_equal(log_keys_valid(&keys, LOG_KEY_CHECKPOINT, until + 1, valid), 1);
	assert_true(key_equal(&valid[0], &next));
}

static void keeps_checkpoint_keys_and_claim_keys_apart(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct key heads[2] = {key_of(HEADS, 102), key_of(HEADS, 103)}, valid[LOG_KEYS_MAX];
	struct log_keys keys;

	ledger_order(fixture, change(heads, 2, NULL, 0));
	assert_int_equal(log_keys_get(fixture->txn, &keys), OK);
	assert_int_equal(log_keys_valid(&keys, LOG_KEY_CHECKPOINT, ledger_size(fixture->txn), valid), 1);
	assert_int_equal(log_keys_valid(&keys, LOG_KEY_HEADS, ledger_size(fixture->txn), valid), 2);
	assert_true(key_equal(&valid[0], &heads[0]) && key_equal(&valid[1], &heads[1]));
	/* All of them may go, unlike those of checkpoints. */
	ledger_order(fixture, change(NULL, 0, heads, 2));
	assert_int_equal(log_keys_get(fixture->txn, &keys), OK);
	assert_int_equal(log_keys_valid(&keys, LOG_KEY_HEADS, ledger_size(fixture->txn), valid), 0);
}

static void holds_the_bounds_of_valid_keys(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct key first = *signer_key(fixture->ledger_signer), next = key_of(FIXTURE_ORIGIN, 101),
		   third = key_of(FIXTURE_ORIGIN, 104),
		   heads[3] = {key_of(HEADS, 102), key_of(HEADS, 103), key_of(HEADS, 105)};

	refuse(fixture, change(NULL, 0, &first, 1), "no checkpoint key left");
	refuse(fixture, change(NULL, 0, &next, 1), "no valid key");
	add(fixture, &next);
	refuse(fixture, change(&third, 1, NULL, 0), "3 checkpoint keys");
	refuse(fixture, change(NULL, 0, (struct key[]){first, next}, 2), "no checkpoint key left");
	refuse(fixture, change(heads, 3, NULL, 0), "3 claim keys");
	add(fixture, &heads[0]);
	add(fixture, &heads[1]);
	refuse(fixture, change(&heads[2], 1, NULL, 0), "3 claim keys");
	/* One out, one in, by one order. */
	ledger_order(fixture, change(&third, 1, &first, 1));
	ledger_order(fixture, change(&heads[2], 1, &heads[0], 1));
	refuse(fixture, change(NULL, 0, &first, 1), "no valid key");
}

static void takes_no_key_twice_and_nobody_elses(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *venue = ledger_license(fixture, KEY_ED25519, "qddex"),
		      *qian = ledger_make_signer(KEY_ED25519, "qian", 302);
	struct key next = key_of(FIXTURE_ORIGIN, 101), same = key_of(HEADS, 100),
		   officers = key_of(FIXTURE_ORIGIN, 200), venues = key_of(HEADS, 300),
		   former = key_of(FIXTURE_ORIGIN, 302), other_venues = key_of("qddex", 303),
		   revoked = key_of(FIXTURE_ORIGIN, 300);

	refuse(fixture, change(&same, 1, NULL, 0), "the ledger's own key, or was");
	refuse(fixture, change(&officers, 1, NULL, 0), "the key of officer li");
	refuse(fixture, change(&venues, 1, NULL, 0), "a key of venue qddex");
	ledger_order(
	    fixture, (struct ledger_order){.type = ORDER_OFFICER_ADD, .body = ledger_officer(qian, NULL, "auditor")});
	ledger_order(fixture, (struct ledger_order){.type = ORDER_OFFICER_REMOVE,
				  .body = json_pack("{s:s,s:s}", "name", "qian", "reason", "because")});
	refuse(fixture, change(&former, 1, NULL, 0), "in office or earlier");
	ledger_order(
	    fixture, (struct ledger_order){.type = ORDER_VENUE_KEY,
			 .body = json_pack("{s:s,s:o,s:o,s:b,s:s}", "venue", "qddex", "add", vkeys(&other_venues, 1),
			     "revoke", vkeys(signer_key(venue), 1), "new_generation", 0, "reason", "because")});
	refuse(fixture, change(&revoked, 1, NULL, 0), "a key of venue qddex");
	add(fixture, &next);
	retire(fixture, &next);
	refuse(fixture, change(&next, 1, NULL, 0), "the ledger's own key, or was");
	signer_free(venue);
	signer_free(qian);
}

static void no_officer_gets_a_key_that_was_the_ledgers(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *qian = ledger_make_signer(KEY_ED25519, "qian", 101);
	struct key next = key_of(FIXTURE_ORIGIN, 101);

	add(fixture, &next);
	retire(fixture, &next);
	refuse(fixture,
	    (struct ledger_order){.type = ORDER_OFFICER_ADD,
		.body = ledger_officer(qian, NULL, "auditor"),
		.signers = {1 + OFFICER_LI, 1 + OFFICER_ZHAO}},
	    "the ledger's own key, or was");
	signer_free(qian);
}

/* The check alone, as the daemon does it before an order is new. */
static enum err check_live(struct ledger_fixture *fixture, const struct key *key, const struct log_signers *signers)
{
	struct ledger_order order = change(key, 1, NULL, 0);
	struct order_plan plan;
	struct buf note;
	enum err err;

	buf_init(&note, LEDGER_NOTE_MAX);
	ledger_order_note(fixture, &order, &note);
	order_plan_init(&plan, buf_slice(&note), NULL, 0);
	plan.signers = signers;
	assert_int_equal(order_plan_decode(&plan, &fixture->why), OK);
	err = order_check(&plan, fixture->txn, ledger_today(fixture), &fixture->why);
	order_plan_done(&plan);
	buf_done(&note);
	return err;
}

static void a_new_key_must_be_held_when_it_is_new_and_not_in_a_replay(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *next = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 101);
	struct log_signers signers = {.count = 1, .signers = {fixture->ledger_signer}};

	assert_int_equal(check_live(fixture, signer_key(next), &signers), ERR_REFUSED);
	assert_non_null(strstr(fixture->why.text, "does not hold the private half"));
	signers.signers[signers.count++] = next;
	assert_int_equal(check_live(fixture, signer_key(next), &signers), OK);
	assert_int_equal(check_live(fixture, signer_key(next), NULL), OK);
	signer_free(next);
}

static void holds_the_bound_of_keys_ever(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct key next = key_of(HEADS, 1000), last = key_of(HEADS, 1001), heads[2] = {key_of(HEADS, 1002), last};
	struct log_keys keys;

	assert_int_equal(log_keys_get(fixture->txn, &keys), OK);
	while (keys.count < LOG_KEYS_EVER_MAX - 2) {
		keys.keys[keys.count] = (struct log_key){.key = key_of(HEADS, 400 + (unsigned)keys.count),
		    .use = LOG_KEY_HEADS,
		    .since = keys.count,
		    .until = keys.count + 1};
		keys.count++;
	}
	log_keys_put(fixture->txn, &keys);
	add(fixture, &next);
	refuse(fixture, change(heads, 2, &next, 1), "more than 64 keys in all");
	add(fixture, &last);
	retire(fixture, &next);
	refuse(fixture, change(heads, 1, NULL, 0), "more than 64 keys in all");
	assert_int_equal(log_keys_get(fixture->txn, &keys), OK);
	assert_int_equal(keys.count, LOG_KEYS_EVER_MAX);
}

static void damaged_rows_are_damage(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct key next = key_of(FIXTURE_ORIGIN, 101);
	struct log_keys keys;
	struct slice row;
	struct buf bytes;

	add(fixture, &next);
	assert_true(store_get(fixture->txn, STORE_META, slice_text("log_keys"), &row));
	buf_init(&bytes, 4096);
	buf_add_slice(&bytes, row);
	for (size_t size = 0; size < bytes.size; size++) {
		store_put(fixture->txn, STORE_META, slice_text("log_keys"), slice_of(bytes.data, size));
		if (log_keys_get(fixture->txn, &keys) != ERR_DAMAGED)
			fail_msg("cut to %zu bytes it is taken", size);
	}
	buf_u8(&bytes, 0);
	store_put(fixture->txn, STORE_META, slice_text("log_keys"), buf_slice(&bytes));
	assert_int_equal(log_keys_get(fixture->txn, &keys), ERR_DAMAGED);
	/* The use of the first key, and a first key that is not that of genesis. */
	bytes.data[1] = 3;
	store_put(fixture->txn, STORE_META, slice_text("log_keys"), slice_of(bytes.data, bytes.size - 1));
	assert_int_equal(log_keys_get(fixture->txn, &keys), ERR_DAMAGED);
	bytes.data[1] = 0;
	store_put(fixture->txn, STORE_META, slice_text("log_keys"), slice_of(bytes.data, bytes.size - 1));
	assert_int_equal(log_keys_get(fixture->txn, &keys), ERR_DAMAGED);
	bytes.data[1] = LOG_KEY_CHECKPOINT;
	store_put(fixture->txn, STORE_META, slice_text("log_keys"), slice_of(bytes.data, bytes.size - 1));
	assert_int_equal(log_keys_get(fixture->txn, &keys), OK);
	keys.keys[0].key = next;
	log_keys_put(fixture->txn, &keys);
	assert_int_equal(log_keys_get(fixture->txn, &keys), ERR_DAMAGED);
	buf_done(&bytes);
}

/* What a note of this size, origin and signer is worth. */
static enum err read_checkpoint(
    const struct log_keys *keys, uint64_t size, const char *origin, struct signer *const *signers, size_t signer_count)
{
	struct checkpoint checkpoint = {.size = size}, found = {.size = 0};
	struct buf text, bytes;
	struct note note;
	enum err err;

	snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", origin);
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	buf_init(&bytes, CHECKPOINT_SIZE_MAX);
	checkpoint_format(&checkpoint, &text);
	assert_int_equal(note_sign(buf_slice(&text), signers, signer_count, &bytes), OK);
	assert_int_equal(note_parse(buf_slice(&bytes), &note, NULL), OK);
	err = log_keys_read_checkpoint(keys, &note, &found, NULL);
	assert_int_equal(found.size, err == OK ? size : 0);
	buf_done(&text);
	buf_done(&bytes);
	return err;
}

static void a_signature_is_worth_something_where_its_key_was_valid(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *first = fixture->ledger_signer, *next = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 101),
		      *heads = ledger_make_signer(KEY_ED25519, HEADS, 102),
		      *stranger = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 103), *both[2] = {first, next},
		      *odd[2] = {stranger, next};
	struct key added[2] = {*signer_key(next), *signer_key(heads)};
	uint64_t since = ledger_order(fixture, change(added, 2, NULL, 0)), until = retire(fixture, signer_key(first));
	struct log_keys keys;

	assert_int_equal(log_keys_get(fixture->txn, &keys), OK);
	assert_int_equal(read_checkpoint(&keys, since, FIXTURE_ORIGIN, &first, 1), OK);
	assert_int_equal(read_checkpoint(&keys, since, FIXTURE_ORIGIN, &next, 1), ERR_UNKNOWN_KEY);
	assert_int_equal(read_checkpoint(&keys, since + 1, FIXTURE_ORIGIN, &next, 1), OK);
	assert_int_equal(read_checkpoint(&keys, until, FIXTURE_ORIGIN, both, 2), OK);
	assert_int_equal(read_checkpoint(&keys, until, FIXTURE_ORIGIN, &first, 1), OK);
	/* A retired key may have been found by anybody. */
	assert_int_equal(read_checkpoint(&keys, until + 1, FIXTURE_ORIGIN, &first, 1), ERR_UNKNOWN_KEY);
	assert_int_equal(read_checkpoint(&keys, until + 1000, FIXTURE_ORIGIN, odd, 2), OK);
	assert_int_equal(read_checkpoint(&keys, until, FIXTURE_ORIGIN, &stranger, 1), ERR_UNKNOWN_KEY);
	/* A claim key signs no checkpoint, and neither is one of another origin a checkpoint of this ledger. */
	assert_int_equal(read_checkpoint(&keys, until, FIXTURE_ORIGIN, &heads, 1), ERR_UNKNOWN_KEY);
	assert_int_equal(read_checkpoint(&keys, until, HEADS, &heads, 1), ERR_FEED_ORIGIN);
	assert_int_equal(read_checkpoint(&keys, until, "subsidy.example/ledger2", &first, 1), ERR_FEED_ORIGIN);
	signer_free(next);
	signer_free(heads);
	signer_free(stranger);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(has_the_key_of_genesis_alone_before_any_order),
	    TEST(keys_are_valid_from_the_order_that_adds_to_the_one_that_retires),
	    TEST(keeps_checkpoint_keys_and_claim_keys_apart),
	    TEST(holds_the_bounds_of_valid_keys),
	    TEST(takes_no_key_twice_and_nobody_elses),
	    TEST(no_officer_gets_a_key_that_was_the_ledgers),
	    TEST(a_new_key_must_be_held_when_it_is_new_and_not_in_a_replay),
	    TEST(holds_the_bound_of_keys_ever),
	    TEST(damaged_rows_are_damage),
	    TEST(a_signature_is_worth_something_where_its_key_was_valid),
	};

	return cmocka_run_group_tests_name("log_keys", tests, NULL, NULL);
}

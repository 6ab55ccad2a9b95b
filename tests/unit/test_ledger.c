/* Chain, times, salts, sizes by day, proofs at every size, and what a replay compares. */
#include "ledger_fixture.h"

#define ARENA_SIZE (8u * ENTRY_SIZE_MAX)

static char a[USCI_SIZE + 1], b[USCI_SIZE + 1];
static struct hash leaves[LEDGER_PUSH_RECORDS];

static int setup(void **state)
{
	struct ledger_fixture *fixture = malloc(sizeof(*fixture));

	fixture_code(1, a);
	fixture_code(2, b);
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

/* Pushes `count` trades at the end of the feed. */
static uint64_t push_trades(struct ledger_fixture *fixture, struct signer *signer, uint64_t start, size_t count)
{
	static struct record records[LEDGER_PUSH_RECORDS];
	static char numbers[LEDGER_PUSH_RECORDS][24];

	for (size_t i = 0; i < count; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "T%llu", (unsigned long long)start + i);
		records[i] = ledger_trade(numbers[i], a, b, 1000);
	}
	return ledger_push(fixture, signer, "qddex", leaves, start, records, count);
}

static void fill(struct ledger_fixture *fixture, size_t record_count)
{
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");

	push_trades(fixture, signer, 0, record_count);
	ledger_register(fixture, a, "Alpha", "default");
	ledger_save(&fixture->ledger, fixture->txn);
	signer_free(signer);
}

static void chains_entries_and_lets_their_times_rise(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct hash last = {{0}};
	uint64_t size, last_time_us = 0;
	struct entry entry;
	struct arena arena;

	fill(fixture, 5);
	size = ledger_size(fixture->txn);
	/* Genesis, license, 5 records and their push, order and effect. */
	assert_int_equal(size, 10);
	arena_init(&arena, ARENA_SIZE);
	for (uint64_t i = 0; i < size; i++) {
		struct slice bytes;

		ledger_get(fixture, i, &arena, &entry);
		assert_memory_equal(&entry.previous, &last, sizeof(last));
		assert_true(entry.time_us > last_time_us);
		/* The clock stands still, so each entry is a microsecond behind the one before. */
		assert_int_equal(entry.time_us, LEDGER_NOW_US + i);
		assert_int_equal(entry.flags, 0);
		last_time_us = entry.time_us;
		assert_true(ledger_bytes(fixture->txn, i, &bytes));
		last = hash_leaf(bytes);
	}
	assert_memory_equal(&fixture->ledger.head.last_leaf, &last, sizeof(last));
	assert_int_equal(fixture->ledger.head.last_time_us, last_time_us);
	assert_int_equal(fixture->ledger.head.folded, size);
	arena_done(&arena);
}

static void gives_a_salt_to_all_but_records(void **state)
{
	static const uint8_t zero[SALT_SIZE];
	struct ledger_fixture *fixture = *state;
	uint8_t salts[10][SALT_SIZE];
	struct entry entry;
	struct arena arena;

	fill(fixture, 5);
	arena_init(&arena, ARENA_SIZE);
	for (uint64_t i = 0; i < 10; i++) {
		ledger_get(fixture, i, &arena, &entry);
		memcpy(salts[i], entry.salt, SALT_SIZE);
		assert_int_equal(memcmp(entry.salt, zero, SALT_SIZE) == 0, entry.kind == ENTRY_RECORD);
		for (uint64_t before = 0; before < i && entry.kind != ENTRY_RECORD; before++)
			assert_memory_not_equal(salts[before], salts[i], SALT_SIZE);
	}
	arena_done(&arena);
}

/* SHA-256(seed || index), cut. */
static void makes_salts_of_seed_and_index(void **state)
{
	struct ledger_fixture *fixture = *state;
	static const uint8_t seed[32] = {1, 2, 3}; /* the fixture's */
	uint8_t index[8] = {0, 0, 0, 0, 0, 0, 0, 1};
	struct slice parts[] = {slice_of(seed, sizeof(seed)), slice_of(index, sizeof(index))};
	struct hash want = hash_sha256_parts(parts, 2);
	struct entry entry;
	struct arena arena;

	ledger_register(fixture, a, "Alpha", NULL);
	arena_init(&arena, ARENA_SIZE);
	ledger_get(fixture, 1, &arena, &entry);
	assert_memory_equal(entry.salt, want.bytes, SALT_SIZE);
	arena_done(&arena);
}

static void sequences_on_when_the_clock_steps_back(void **state)
{
	/* What the clock shows after an entry at 1 s past the start. The first of a command bears the flag. */
	static const uint64_t burst_us = GROUP_RECORDS_MAX * 2;
	const uint64_t last_us = LEDGER_NOW_US + 1000000;
	const struct {
		uint64_t now_us, time_us;
		uint32_t flags;
	} rows[] = {{last_us + 5, last_us + 5, 0}, {last_us + 1, last_us + 1, 0}, {last_us, last_us + 1, 0},
	    {last_us - 1, last_us + 1, 0}, {last_us - burst_us, last_us + 1, 0},
	    {last_us - burst_us - 1, last_us + 1, ENTRY_FLAG_CLOCK_STEPPED_BACK},
	    {0, last_us + 1, ENTRY_FLAG_CLOCK_STEPPED_BACK}};
	struct ledger_fixture *fixture = *state;
	uint8_t seed[32] = {0};
	struct ledger empty = {.head = {.size = 0}};
	struct entry entry;
	struct arena arena;

	fixture->ledger.head.last_time_us = last_us;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stamp stamp = ledger_stamp(&fixture->ledger, rows[i].now_us, seed);

		if (stamp.time_us != rows[i].time_us || stamp.flags != rows[i].flags)
			fail_msg("row %zu: %llu, flags %u", i, (unsigned long long)stamp.time_us, stamp.flags);
	}
	assert_int_equal(ledger_stamp(&empty, 0, seed).flags, 0);
	fixture->now_us = 5;
	ledger_register(fixture, a, "Alpha", NULL);
	arena_init(&arena, ARENA_SIZE);
	ledger_get(fixture, 1, &arena, &entry);
	assert_int_equal(entry.flags, ENTRY_FLAG_CLOCK_STEPPED_BACK);
	assert_int_equal(entry.time_us, last_us + 1);
	ledger_get(fixture, 2, &arena, &entry);
	assert_int_equal(entry.flags, 0);
	assert_int_equal(entry.time_us, last_us + 2);
	arena_done(&arena);
}

/* An entry as the original has it; the buffers are the next call's. */
static bool stored_entry(void *cookie, uint64_t index, struct ledger_stored *ret_stored)
{
	static struct entry entry;
	struct ledger_fixture *original = cookie;
	struct arena arena;

	if (!ledger_bytes(original->txn, index, &ret_stored->bytes))
		return false;
	arena_init(&arena, ARENA_SIZE);
	assert_int_equal(entry_decode(ret_stored->bytes, &arena, &entry), OK);
	arena_done(&arena);
	ret_stored->leaf = hash_leaf(ret_stored->bytes);
	ret_stored->salt = entry.salt;
	return true;
}

/* An entry that could not be read again is never made. */
static void appends_nothing_beyond_the_last_date(void **state)
{
	const uint64_t end_us = date_start_us(DATE_YEAR_MAX * 10000 + 1231);
	struct ledger_fixture *fixture = *state;
	struct entry entry = {.kind = ENTRY_EFFECT, .link_count = 1};
	struct stamp stamp = {.time_us = end_us - 2};
	uint64_t size = fixture->ledger.head.size;

	entry.effect.order_index = 1;
	entry.effect.kind = EFFECT_REGISTERED;
	entry.effect.code = slice_text(a);
	entry.effect.name = slice_text("A");
	ledger_begin_command(&fixture->ledger, &stamp);
	for (uint64_t i = 0; i < 2; i++)
		assert_int_equal(ledger_append(&fixture->ledger, fixture->txn, &entry), size + i);
	assert_int_equal(store_error(fixture->txn), OK);
	fixture->ledger.stored = stored_entry;
	fixture->ledger.stored_cookie = fixture;
	(void)ledger_append(&fixture->ledger, fixture->txn, &entry);
	assert_true(fixture->ledger.is_different);
	assert_int_equal(fixture->ledger.different_index, size + 2);
	assert_int_equal(store_error(fixture->txn), OK);
	fixture->ledger.stored = NULL;
	(void)ledger_append(&fixture->ledger, fixture->txn, &entry);
	assert_int_equal(store_error(fixture->txn), ERR_INVALID);
	assert_int_equal(fixture->ledger.head.size, size + 2);
}

static void finds_its_size_at_the_end_of_a_day(void **state)
{
	struct ledger_fixture *fixture = *state;
	uint64_t size;

	/* Genesis at the first microsecond of today; the effect of each order is a microsecond later. */
	fixture->now_us = date_start_us(date_add_days(LEDGER_TODAY, 1)) - 2;
	ledger_register(fixture, a, "Alpha", NULL); /* the last two of today */
	ledger_register(fixture, a, "Alpha", NULL); /* the first two of the next day: the day begins now */
	fixture->now_us = date_start_us(date_add_days(LEDGER_TODAY, 2)) - 1;
	ledger_order(fixture,
	    (struct ledger_order){.type = ORDER_VENUE_LICENSE,

		.body = json_pack("{s:s,s:s,s:[o]}", "venue", "v", "name", "V", "keys", fixture_vkey("v", 1))});
	ledger_save(&fixture->ledger, fixture->txn);
	const struct {
		int32_t days;
		uint64_t size;
	} rows[] = {{-365, 0}, {-1, 0}, {0, 3}, {1, 6}, {2, 6}, {3, 6}, {365, 6}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ledger_size_at(fixture->txn, date_add_days(LEDGER_TODAY, rows[i].days), &size), OK);
		if (size != rows[i].size)
			fail_msg("%d days on: %llu", rows[i].days, (unsigned long long)size);
	}
	assert_int_equal(ledger_size_at(fixture->txn, 20991231, &size), OK);
	assert_int_equal(size, 6);
}

static struct slice entry_key(uint64_t index, uint8_t ret_key[static 8])
{
	for (unsigned i = 0; i < 8; i++)
		ret_key[i] = (uint8_t)(index >> (56 - 8 * i));
	return slice_of(ret_key, 8);
}

static void takes_missing_and_broken_entries_for_damage(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_source source;
	struct entry entry;
	struct arena arena;
	struct hash hash;
	uint8_t key[8];
	uint64_t size;

	fill(fixture, 5);
	arena_init(&arena, ARENA_SIZE);
	assert_int_equal(ledger_entry(fixture->txn, 10, &arena, &entry), ERR_NOT_FOUND);
	store_put(fixture->txn, STORE_ENTRIES, entry_key(5, key), slice_text("nonsense"));
	assert_int_equal(ledger_entry(fixture->txn, 5, &arena, &entry), ERR_DAMAGED);
	assert_int_equal(ledger_size_at(fixture->txn, LEDGER_TODAY, &size), ERR_DAMAGED);
	store_delete(fixture->txn, STORE_ENTRIES, entry_key(5, key));
	assert_int_equal(ledger_size_at(fixture->txn, LEDGER_TODAY, &size), ERR_DAMAGED);
	ledger_source_init(&source, fixture->txn);
	assert_int_equal(source.source.hash(source.source.cookie, 0, 4, &hash), OK);
	assert_int_equal(source.source.hash(source.source.cookie, 0, 5, &hash), ERR_DAMAGED);
	arena_done(&arena);
}

static struct slice sign_checkpoint(
    struct ledger_fixture *fixture, uint64_t size, const struct hash *root, struct buf *text, struct buf *ret_note)
{
	struct checkpoint checkpoint = {.origin = FIXTURE_ORIGIN, .size = size, .root = *root};

	buf_clear(text);
	buf_clear(ret_note);
	checkpoint_format(&checkpoint, text);
	assert_int_equal(note_sign(buf_slice(text), &fixture->ledger_signer, 1, ret_note), OK);
	return buf_slice(ret_note);
}

/* For every size, every entry below it (of the large sizes, each 37th): a receipt that a client accepts. */
static void proves_every_entry_at_every_size(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct buf text, note, proof_text;
	struct ledger_source source;
	struct arena arena;
	struct frontier frontier;
	uint64_t size;

	fill(fixture, 300);
	/* One source for all: what it remembers of entries 0 to 44 must not be taken for entries 256 to 300. */
	ledger_source_init(&source, fixture->txn);
	size = ledger_size(fixture->txn);
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	buf_init(&proof_text, FIXTURE_TEXT_MAX);
	arena_init(&arena, ARENA_SIZE);
	frontier_init(&frontier);
	for (uint64_t n = 1; n <= size; n++) {
		struct hash leaf, root;
		struct slice bytes;

		assert_true(ledger_bytes(fixture->txn, n - 1, &bytes));
		leaf = hash_leaf(bytes);
		frontier_append(&frontier, &leaf);
		if (n > 20 && n != 256 && n != 257 && n != size)
			continue;
		root = frontier_root(&frontier);
		sign_checkpoint(fixture, n, &root, &text, &note);
		for (uint64_t index = 0; index<n; index += n> 20 ? 37 : 1) {
			struct checkpoint checkpoint;
			struct proof proof;

			buf_clear(&proof_text);
			arena_reset(&arena);
			assert_int_equal(ledger_proof(&source, index, n, buf_slice(&note), &proof_text), OK);
			assert_int_equal(proof_parse(buf_slice(&proof_text), &arena, &proof, &fixture->why), OK);
			if (proof_verify(&proof, signer_key(fixture->ledger_signer), &checkpoint, &fixture->why) != OK)
				fail_msg("entry %llu at %llu: %s", (unsigned long long)index, (unsigned long long)n,
				    fixture->why.text);
			assert_true(ledger_bytes(fixture->txn, index, &bytes));
			assert_true(proof.has_extra && slice_equal(proof.extra, bytes));
			assert_int_equal(proof.index, index);
		}
		assert_int_equal(ledger_proof(&source, n, n, buf_slice(&note), &proof_text), ERR_NOT_FOUND);
	}
	buf_done(&text);
	buf_done(&note);
	buf_done(&proof_text);
	arena_done(&arena);
}

static void saves_and_loads_its_head(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_head head;
	struct ledger again;

	fill(fixture, 9);
	assert_int_equal(ledger_read_head(fixture->txn, &head), OK);
	assert_int_equal(head.size, fixture->ledger.head.size);
	assert_true(frontier_equal(&head.frontier, &fixture->ledger.head.frontier));
	ledger_commit(fixture);
	assert_int_equal(ledger_load(&again, fixture->txn), OK);
	assert_int_equal(again.head.size, head.size);
	assert_int_equal(again.head.folded, head.folded);
	assert_int_equal(again.head.last_time_us, head.last_time_us);
	assert_memory_equal(&again.head.last_leaf, &head.last_leaf, sizeof(head.last_leaf));
	assert_true(frontier_equal(&again.head.frontier, &head.frontier));
	ledger_done(&again);
}

/* Puts the row cut at every place, then longer by a byte, and with another size in it; then takes it away. */
static void takes_any_other_head_row_for_damage(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct slice key = slice_text("head"), row;
	struct ledger_head head;
	struct ledger again;
	uint8_t bytes[1024];
	size_t size;

	fill(fixture, 9);
	assert_true(store_get(fixture->txn, STORE_META, key, &row));
	size = row.size;
	memcpy(bytes, row.data, size);
	bytes[size] = 0;
	for (size_t cut = 0; cut <= size + 1; cut++) {
		store_put(fixture->txn, STORE_META, key, slice_of(bytes, cut));
		if ((ledger_read_head(fixture->txn, &head) == OK) != (cut == size))
			fail_msg("row of %zu bytes", cut);
		assert_int_equal(ledger_load(&again, fixture->txn), cut == size ? OK : ERR_DAMAGED);
		ledger_done(&again);
	}
	bytes[7]++; /* not the frontier's size */
	store_put(fixture->txn, STORE_META, key, slice_of(bytes, size));
	assert_int_equal(ledger_read_head(fixture->txn, &head), ERR_DAMAGED);
	store_delete(fixture->txn, STORE_META, key);
	assert_int_equal(ledger_read_head(fixture->txn, &head), ERR_DAMAGED);
	assert_int_equal(ledger_size(fixture->txn), 0);
	assert_int_equal(store_error(fixture->txn), ERR_DAMAGED);
	assert_int_equal(ledger_read_head(fixture->txn, &head), ERR_DAMAGED);
}

static void keeps_its_identity(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct slice key = slice_text("identity"), row, genesis;
	struct ledger_identity identity;
	char hex[2 * HASH_SIZE + 1];
	uint8_t bytes[1024];
	struct hash leaf;
	size_t size;

	assert_int_equal(ledger_read_identity(fixture->txn, &identity), OK);
	assert_string_equal(identity.origin, FIXTURE_ORIGIN);
	assert_int_equal(identity.rules, RULES_VERSION);
	assert_true(key_equal(&identity.ledger_key, signer_key(fixture->ledger_signer)));
	assert_true(ledger_bytes(fixture->txn, 0, &genesis));
	leaf = hash_leaf(genesis);
	hex_format(hash_slice(&leaf), hex);
	hex[LEDGER_ID_SIZE] = '\0';
	assert_string_equal(identity.ledger_id, hex);
	assert_true(store_get(fixture->txn, STORE_META, key, &row));
	size = row.size;
	memcpy(bytes, row.data, size);
	bytes[size] = 0;
	for (size_t cut = 0; cut <= size + 1; cut++) {
		store_put(fixture->txn, STORE_META, key, slice_of(bytes, cut));
		if (ledger_read_identity(fixture->txn, &identity) != (cut == size ? OK : ERR_DAMAGED))
			fail_msg("row of %zu bytes", cut);
	}
	/* An origin or an id of another size than there is room for. */
	for (size_t origin_size = ORIGIN_TEXT_SIZE - 1; origin_size <= ORIGIN_TEXT_SIZE; origin_size++) {
		for (size_t id_size = LEDGER_ID_SIZE - 1; id_size <= LEDGER_ID_SIZE + 1; id_size++) {
			static const char text[ORIGIN_TEXT_SIZE] = {'x'};
			bool is_right = origin_size < ORIGIN_TEXT_SIZE && id_size == LEDGER_ID_SIZE;
			char vkey[KEY_VKEY_SIZE];
			struct buf other;

			key_format(signer_key(fixture->ledger_signer), vkey);
			buf_init(&other, 1024);
			buf_u32(&other, LEDGER_SCHEMA);
			buf_u32(&other, RULES_VERSION);
			buf_sized(&other, slice_of(text, origin_size));
			buf_sized(&other, slice_of(text, id_size));
			buf_sized(&other, slice_text(vkey));
			store_put(fixture->txn, STORE_META, key, buf_slice(&other));
			assert_int_equal(ledger_read_identity(fixture->txn, &identity), is_right ? OK : ERR_DAMAGED);
			buf_done(&other);
		}
	}
	bytes[3] = LEDGER_SCHEMA + 1;
	store_put(fixture->txn, STORE_META, key, slice_of(bytes, size));
	assert_int_equal(ledger_read_identity(fixture->txn, &identity), ERR_DAMAGED);
	store_delete(fixture->txn, STORE_META, key);
	assert_int_equal(ledger_read_identity(fixture->txn, &identity), ERR_DAMAGED);
}

/* Appends two records and an effect to a fresh copy that compares itself with the original; one may be changed. */
static void compare(struct ledger_fixture *fixture, struct ledger_fixture *copy, unsigned changed)
{
	struct arena arena;
	struct entry entry;

	arena_init(&arena, ARENA_SIZE);
	copy->ledger.stored = stored_entry;
	copy->ledger.stored_cookie = fixture;
	for (uint64_t i = 1; i < ledger_size(fixture->txn); i++) {
		struct stamp stamp;

		arena_reset(&arena);
		ledger_get(fixture, i, &arena, &entry);
		stamp = (struct stamp){.time_us = entry.time_us, .flags = entry.flags};
		if (i == changed)
			stamp.flags ^= ENTRY_FLAG_CLOCK_STEPPED_BACK;
		ledger_begin_command(&copy->ledger, &stamp);
		memset(entry.salt, 0xee, SALT_SIZE); /* comes from the original, or is zero */
		assert_int_equal(ledger_append(&copy->ledger, copy->txn, &entry), i);
	}
	assert_int_equal(store_error(copy->txn), OK);
	copy->ledger.stored = NULL;
	arena_done(&arena);
}

static void names_the_first_entry_that_a_replay_makes_otherwise(void **state)
{
	struct ledger_fixture *fixture = *state;

	fill(fixture, 3);
	for (unsigned changed = 0; changed < 8; changed++) {
		struct ledger_fixture copy;

		ledger_setup(&copy);
		compare(fixture, &copy, changed);
		assert_int_equal(copy.ledger.is_different, changed > 0);
		if (changed > 0)
			assert_int_equal(copy.ledger.different_index, changed);
		else
			assert_true(frontier_equal(&copy.ledger.head.frontier, &fixture->ledger.head.frontier));
		ledger_teardown(&copy);
	}
}

/* What may enter was bounded before; what slips through all the same must not be stored in part. */
static void fails_on_an_entry_too_large_to_encode(void **state)
{
	struct ledger_fixture *fixture = *state;
	char *text = fixture_repeat('x', NOTE_SIZE_MAX);
	struct slice item = slice_of(text, 1000);
	struct entry entry = {.kind = ENTRY_ORDER, .order = {slice_of(text, NOTE_SIZE_MAX), 1, &item}};
	uint64_t size = fixture->ledger.head.size;

	ledger_stamp_now(fixture);
	ledger_append(&fixture->ledger, fixture->txn, &entry);
	assert_int_equal(store_error(fixture->txn), ERR_TOO_LARGE);
	assert_int_equal(fixture->ledger.head.size, size);
	free(text);
}

static void appends_nothing_to_a_transaction_in_error(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct entry entry = {.kind = ENTRY_RECORD};
	uint64_t size = fixture->ledger.head.size;

	store_fail(fixture->txn, ERR_DISK_FULL);
	ledger_append(&fixture->ledger, fixture->txn, &entry);
	assert_int_equal(fixture->ledger.head.size, size);
	assert_int_equal(store_error(fixture->txn), ERR_DISK_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(chains_entries_and_lets_their_times_rise, setup, teardown),
	    cmocka_unit_test_setup_teardown(gives_a_salt_to_all_but_records, setup, teardown),
	    cmocka_unit_test_setup_teardown(makes_salts_of_seed_and_index, setup, teardown),
	    cmocka_unit_test_setup_teardown(sequences_on_when_the_clock_steps_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(appends_nothing_beyond_the_last_date, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_its_size_at_the_end_of_a_day, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_missing_and_broken_entries_for_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(proves_every_entry_at_every_size, setup, teardown),
	    cmocka_unit_test_setup_teardown(saves_and_loads_its_head, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_any_other_head_row_for_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_its_identity, setup, teardown),
	    cmocka_unit_test_setup_teardown(names_the_first_entry_that_a_replay_makes_otherwise, setup, teardown),
	    cmocka_unit_test_setup_teardown(fails_on_an_entry_too_large_to_encode, setup, teardown),
	    cmocka_unit_test_setup_teardown(appends_nothing_to_a_transaction_in_error, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every derived row: written, and read again as it was. */
#include "ledger_fixture.h"

#include "daemon/state.h"

static char text_a[USCI_SIZE + 1], text_b[USCI_SIZE + 1], text_c[USCI_SIZE + 1];
static struct code a, b, c;

static int setup(void **state)
{
	struct ledger_fixture *fixture = malloc(sizeof(*fixture));

	fixture_code(1, text_a);
	fixture_code(2, text_b);
	fixture_code(3, text_c);
	a = code_of(slice_text(text_a));
	b = code_of(slice_text(text_b));
	c = code_of(slice_text(text_c));
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

static struct venue make_venue(const char *id, uint16_t number, size_t key_count)
{
	struct venue venue = {
	    .number = number, .generation = 7, .license_index = 1234567890123, .key_count = key_count};

	snprintf(venue.id, sizeof(venue.id), "%s", id);
	snprintf(venue.name, sizeof(venue.name), "Exchange %u", number);
	for (unsigned i = 0; i < key_count; i++)
		venue.keys[i] = fixture_key(i % 2 == 0 ? KEY_ED25519 : KEY_SM2, id, 10 + i);
	venue.version = 1234567890124;
	venue.suspended_index = 1234567890125;
	for (unsigned i = 0; i < key_count; i++)
		venue.key_since[i] = 100 + i;
	venue.retired_count = key_count == VENUE_KEYS_MAX ? VENUE_KEYS_EVER_MAX : 0;
	for (unsigned i = 0; i < venue.retired_count; i++)
		venue.retired[i] = (struct venue_retired){
		    .key = fixture_key(KEY_SM2, id, 30 + i % 2), .since = 200 + i, .until = 300 + i};
	return venue;
}

static void expect_venue(const struct venue *venue, const struct venue *want)
{
	assert_string_equal(venue->id, want->id);
	assert_string_equal(venue->name, want->name);
	assert_int_equal(venue->number, want->number);
	assert_int_equal(venue->generation, want->generation);
	assert_int_equal(venue->license_index, want->license_index);
	assert_int_equal(venue->key_count, want->key_count);
	for (size_t i = 0; i < want->key_count; i++) {
		assert_true(key_equal(&venue->keys[i], &want->keys[i]));
		assert_memory_equal(venue->keys[i].id, want->keys[i].id, KEY_ID_SIZE);
	}
	assert_int_equal(venue->version, want->version);
	assert_int_equal(venue->suspended_index, want->suspended_index);
	assert_memory_equal(venue->key_since, want->key_since, sizeof(want->key_since));
	assert_int_equal(venue->retired_count, want->retired_count);
	for (size_t i = 0; i < want->retired_count; i++) {
		assert_true(key_equal(&venue->retired[i].key, &want->retired[i].key));
		assert_int_equal(venue->retired[i].since, want->retired[i].since);
		assert_int_equal(venue->retired[i].until, want->retired[i].until);
	}
}

static void keeps_venues_by_id_and_number(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct store_txn *txn = fixture->txn;
	struct venue full = make_venue("z-full", 1, VENUE_KEYS_MAX), small = make_venue("a", 2, 1), found;
	char long_id[VENUE_ID_SIZE_MAX + 2];
	static const uint8_t row[2] = {1, 2};
	uint16_t number = 0;

	assert_true(venue_number_decode(slice_of(row, 2), &number) && number == 0x0102);
	assert_false(venue_number_decode(slice_of(row, 1), &number));
	memset(full.id + 6, 'x', VENUE_ID_SIZE_MAX - 6); /* as long as an id and a name may be */
	memset(full.name, 'N', VENUE_NAME_SIZE_MAX);
	assert_int_equal(venue_count(txn), 0);
	venue_put(txn, &full);
	venue_put(txn, &small);
	assert_int_equal(venue_count(txn), 2);
	assert_true(venue_get(txn, slice_text(full.id), &found));
	expect_venue(&found, &full);
	assert_true(venue_get(txn, slice_text("a"), &found));
	expect_venue(&found, &small);
	assert_true(venue_get_by_number(txn, 1, &found));
	expect_venue(&found, &full);
	assert_true(venue_get_by_number(txn, 2, &found));
	expect_venue(&found, &small);
	assert_false(venue_get_by_number(txn, 3, &found));
	assert_false(venue_get(txn, slice_text("b"), &found));
	assert_false(venue_get(txn, slice_text(""), &found));
	memset(long_id, 'z', sizeof(long_id));
	assert_false(venue_get(txn, slice_of(long_id, sizeof(long_id)), &found));
	assert_int_equal(store_error(txn), OK);
}

static void keeps_feeds_by_venue_and_generation(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct feed feed = {.number = 3, .last_push = 99}, found;
	struct hash leaf = hash_empty();

	frontier_init(&feed.frontier);
	for (int i = 0; i < 7; i++)
		frontier_append(&feed.frontier, &leaf);
	assert_int_equal(feed_count(fixture->txn), 0);
	feed_put(fixture->txn, 1, 2, &feed);
	assert_int_equal(feed_count(fixture->txn), 1);
	assert_true(feed_get(fixture->txn, 1, 2, &found));
	assert_int_equal(found.number, 3);
	assert_int_equal(found.last_push, 99);
	assert_true(frontier_equal(&found.frontier, &feed.frontier));
	assert_false(feed_get(fixture->txn, 1, 1, &found));
	assert_false(feed_get(fixture->txn, 2, 2, &found));
	assert_int_equal(store_error(fixture->txn), OK);
}

static void finds_the_push_that_covers_a_record(void **state)
{
	static const struct {
		uint32_t feed;
		uint64_t index, want; /* 0: none */
	} rows[] = {{1, 0, 50}, {1, 9, 50}, {1, 10, 60}, {1, 299, 60}, {1, 300, 70}, {1, 1u << 30, 70}, {2, 0, 0},
	    {2, 4, 0}, {2, 5, 80}, {3, 0, 0}, {0, 9, 0}};
	struct ledger_fixture *fixture = *state;
	uint64_t index;

	push_put(fixture->txn, 1, 0, 50);
	push_put(fixture->txn, 1, 10, 60);
	push_put(fixture->txn, 1, 300, 70);
	push_put(fixture->txn, 2, 5, 80);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		index = 0;
		if (push_get(fixture->txn, rows[i].feed, rows[i].index, &index) != (rows[i].want != 0) ||
		    index != rows[i].want)
			fail_msg("row %zu: %llu", i, (unsigned long long)index);
	}
}

static void finds_numbers_at_their_venue(void **state)
{
	struct ledger_fixture *fixture = *state;
	uint64_t index;

	store_create_trades(fixture->txn, 1);
	store_create_trades(fixture->txn, 2);
	assert_true(trade_put(fixture->txn, 1, slice_text("T2"), 5, &index));
	assert_true(trade_put(fixture->txn, 1, slice_text("T1"), 6, &index));
	assert_false(trade_put(fixture->txn, 1, slice_text("T1"), 7, &index));
	assert_int_equal(index, 6);
	assert_false(trade_put(fixture->txn, 1, slice_text("T2"), 7, &index));
	assert_int_equal(index, 5);
	adjust_put(fixture->txn, 1, slice_text("T2"), 7);
	assert_true(trade_find(fixture->txn, 1, slice_text("T1"), &index) && index == 6);
	assert_true(trade_find(fixture->txn, 1, slice_text("T2"), &index) && index == 5);
	assert_false(trade_find(fixture->txn, 1, slice_text("T"), &index));
	assert_false(trade_find(fixture->txn, 2, slice_text("T1"), &index));
	assert_false(trade_find(fixture->txn, 3, slice_text("T1"), &index));
	assert_true(adjust_find(fixture->txn, 1, slice_text("T2"), &index) && index == 7);
	assert_false(adjust_find(fixture->txn, 2, slice_text("T2"), &index));
	assert_false(adjust_find(fixture->txn, 1, slice_text("T1"), &index));
	assert_int_equal(store_error(fixture->txn), OK);
}

static void keeps_what_refunds_took_and_what_parties_hold(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct touched touched = {.refunded_fen = 1, .refunded_tax_fen = 2};
	struct party party = {3, 4};

	touched_get(fixture->txn, 8, &touched);
	assert_int_equal(touched.refunded_fen + touched.refunded_tax_fen, 0);
	touched = (struct touched){
	    .refunded_fen = 1ULL << 40, .refunded_tax_fen = 17, .state = TRADE_HELD, .state_index = 99};
	touched_put(fixture->txn, 8, &touched);
	touched = (struct touched){0};
	touched_get(fixture->txn, 8, &touched);
	assert_int_equal(touched.refunded_fen, 1ULL << 40);
	assert_int_equal(touched.refunded_tax_fen, 17);
	assert_int_equal(touched.state, TRADE_HELD);
	assert_int_equal(touched.state_index, 99);
	party_get(fixture->txn, &a, &party);
	assert_int_equal(party.last_index + party.total_fen, 0);
	party = (struct party){1ULL << 50, (uint64_t)INT64_MAX};
	party_put(fixture->txn, &a, &party);
	party_get(fixture->txn, &b, &party);
	assert_int_equal(party.last_index, 0);
	party_get(fixture->txn, &a, &party);
	assert_int_equal(party.last_index, 1ULL << 50);
	assert_int_equal(party.total_fen, INT64_MAX);
}

static void keeps_the_register(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct account account = {.list_count = LISTS_MAX, .index = 77}, found;

	memset(account.name, 'n', PARTY_NAME_SIZE_MAX);
	for (unsigned i = 0; i < LISTS_MAX; i++) {
		memset(account.lists[i], 'l', LIST_NAME_SIZE_MAX);
		account.lists[i][0] = (char)('a' + i);
	}
	account_put(fixture->txn, &a, &account);
	assert_false(account_get(fixture->txn, &b, &found));
	memset(&found, 0xee, sizeof(found));
	assert_true(account_get(fixture->txn, &a, &found));
	assert_string_equal(found.name, account.name);
	assert_int_equal(found.list_count, LISTS_MAX);
	assert_int_equal(found.index, 77);
	for (unsigned i = 0; i < LISTS_MAX; i++)
		assert_string_equal(found.lists[i], account.lists[i]);
	account = (struct account){.name = "", .index = 78};
	account_put(fixture->txn, &a, &account);
	assert_true(account_get(fixture->txn, &a, &found));
	assert_string_equal(found.name, "");
	assert_int_equal(found.list_count, 0);
}

static void finds_a_relation_in_any_order_of_the_two(void **state)
{
	struct ledger_fixture *fixture = *state;
	uint64_t index;

	relation_put(fixture->txn, &b, &a, 5);
	assert_true(relation_get(fixture->txn, &a, &b, &index) && index == 5);
	assert_true(relation_get(fixture->txn, &b, &a, &index) && index == 5);
	assert_false(relation_get(fixture->txn, &a, &c, &index));
	assert_false(relation_get(fixture->txn, &c, &b, &index));
	relation_put(fixture->txn, &a, &c, 6);
	assert_false(relation_get(fixture->txn, &b, &c, &index));
	assert_true(relation_get(fixture->txn, &c, &a, &index) && index == 6);
	assert_true(code_equal(&a, &a) && !code_equal(&a, &b));
}

static void keeps_wide_sums_of_a_month(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct venue_month month = {5, (wide_fen)1 << 100 | 3, (wide_fen)1 << 70}, found;
	struct venue_month_key key;
	struct store_cursor cursor;

	venue_month_put(fixture->txn, 3, 421, RECORD_REFUND, DISPOSITION_OVERFLOW, &month);
	venue_month_get(fixture->txn, 3, 421, RECORD_REFUND, DISPOSITION_OVERFLOW, &found);
	assert_int_equal(found.records, 5);
	assert_true(found.amount_fen == month.amount_fen && found.tax_fen == month.tax_fen);
	venue_month_get(fixture->txn, 3, 421, RECORD_TRADE, DISPOSITION_OVERFLOW, &found);
	assert_true(found.records == 0 && found.amount_fen == 0);
	store_cursor_open(&cursor, fixture->txn, STORE_VENUE_MONTHS);
	assert_true(store_cursor_first(&cursor));
	assert_true(venue_month_decode(cursor.key, cursor.value, &key, &found));
	assert_int_equal(key.venue_number, 3);
	assert_int_equal(key.month, 421);
	assert_int_equal(key.kind, RECORD_REFUND);
	assert_int_equal(key.disposition, DISPOSITION_OVERFLOW);
	/* u16 venue, u16 month, u8 kind, u8 disposition: what no record can have is no such row. */
	static const uint8_t bad[][7] = {{0, 3, 1, 165, 0, 7, 0}, {0, 3, 1, 165, 3, 7, 0}, {0, 3, 1, 165, 2, 0, 0},
	    {0, 3, 1, 165, 2, DISPOSITION_COUNT, 0}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (venue_month_decode(slice_of(bad[i], 6), cursor.value, &key, &found))
			fail_msg("key %zu", i);
	assert_false(venue_month_decode(slice_of(cursor.key.data, 5), cursor.value, &key, &found));
	assert_false(
	    venue_month_decode(slice_of((const uint8_t[7]){0, 3, 1, 165, 2, 7, 0}, 7), cursor.value, &key, &found));
	store_cursor_close(&cursor);
}

static void writes_wide_sums_as_yuan(void **state)
{
	static const struct {
		uint64_t high, low;
		const char *text;
	} rows[] = {{0, 0, "0.00"}, {0, 7, "0.07"}, {0, 50, "0.50"}, {0, 100, "1.00"}, {0, 123450, "1234.50"},
	    {0, UINT64_MAX, "184467440737095516.15"}, {1, 0, "184467440737095516.16"},
	    {UINT64_MAX, UINT64_MAX, "3402823669209384634633746074317682114.55"}};
	char text[48];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wide_format((wide_fen)rows[i].high << 64 | rows[i].low, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void keeps_officers_and_quorums(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct officer officer = {.name = "qian", .role = ROLE_AUDITOR, .key_count = OFFICER_KEYS_MAX}, found;
	struct quorums quorums, again;
	static const uint8_t no_role[] = {0, 0}, late_role[] = {ROLE_COUNT, 0}, last_role[] = {ROLE_COUNT - 1, 0};

	for (unsigned i = 0; i < OFFICER_KEYS_MAX; i++)
		officer.keys[i] = fixture_key(i % 2 == 0 ? KEY_SM2 : KEY_ED25519, "qian", 30 + i);
	officer_put(fixture->txn, &officer);
	assert_true(officer_get(fixture->txn, slice_text("qian"), &found));
	assert_string_equal(found.name, "qian");
	assert_int_equal(found.role, ROLE_AUDITOR);
	assert_int_equal(found.key_count, OFFICER_KEYS_MAX);
	for (unsigned i = 0; i < OFFICER_KEYS_MAX; i++)
		assert_true(key_equal(&found.keys[i], &officer.keys[i]));
	assert_true(officer_get(fixture->txn, slice_text("li"), &found)); /* of the genesis, with both keys */
	assert_int_equal(found.key_count, 2);
	assert_false(officer_get(fixture->txn, slice_text("zhou"), &found));
	assert_false(officer_get(fixture->txn, slice_text(""), &found));
	assert_int_equal(store_error(fixture->txn), OK);
	assert_false(officer_decode(slice_text("x"), slice_of(no_role, 2), &found));
	assert_false(officer_decode(slice_text("x"), slice_of(late_role, 2), &found));
	assert_true(officer_decode(slice_text("x"), slice_of(last_role, 2), &found));
	assert_int_equal(quorums_get(fixture->txn, &quorums), OK);
	assert_int_equal(quorums.fallback.slot_count, 2);
	quorums.fallback.slots[1] = 1u << ROLE_LEADER;
	assert_int_equal(quorums_put(fixture->txn, &quorums), OK);
	assert_int_equal(quorums_get(fixture->txn, &again), OK);
	assert_memory_equal(&again, &quorums, sizeof(quorums));
	store_put(fixture->txn, STORE_META, slice_text("quorums"), slice_text("{}"));
	assert_int_equal(quorums_get(fixture->txn, &again), ERR_DAMAGED);
	store_put(fixture->txn, STORE_META, slice_text("quorums"), slice_text("{\"default\":"));
	assert_int_equal(quorums_get(fixture->txn, &again), ERR_DAMAGED);
	store_delete(fixture->txn, STORE_META, slice_text("quorums"));
	assert_int_equal(quorums_get(fixture->txn, &again), ERR_DAMAGED);
}

static void finds_the_policy_in_force_at_a_size(void **state)
{
	static const struct {
		const char *id;
		uint64_t size;
		uint32_t version; /* 0: none */
	} rows[] = {{"p", 0, 0}, {"p", 10, 0}, {"p", 11, 1}, {"p", 20, 1}, {"p", 21, 4}, {"p", 1000, 4}, {"p0", 15, 0},
	    {"p0", 16, 2}, {"o", 1000, 0}, {"q", 1000, 0}, {"", 1000, 0}};
	struct ledger_fixture *fixture = *state;
	char ids[POLICIES_MAX][POLICY_ID_SIZE_MAX + 1], long_id[POLICY_ID_SIZE_MAX + 2];
	uint32_t version;
	uint64_t index;

	policy_put(fixture->txn, slice_text("p"), 10, 1);
	policy_put(fixture->txn, slice_text("p"), 20, 4);
	policy_put(fixture->txn, slice_text("p0"), 15, 2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		version = 0;
		if (policy_find(fixture->txn, slice_text(rows[i].id), rows[i].size, &index, &version) !=
			(rows[i].version != 0) ||
		    version != rows[i].version)
			fail_msg("row %zu: %u", i, version);
		if (version != 0)
			assert_int_equal(index, version == 1 ? 10 : version == 4 ? 20 : 15);
	}
	assert_int_equal(policy_ids(fixture->txn, 10, ids, POLICIES_MAX), 0);
	assert_int_equal(policy_ids(fixture->txn, 11, ids, POLICIES_MAX), 1);
	assert_int_equal(policy_ids(fixture->txn, 1000, ids, POLICIES_MAX), 2);
	assert_string_equal(ids[0], "p");
	assert_string_equal(ids[1], "p0");
	assert_int_equal(policy_ids(fixture->txn, 1000, ids, 1), 1);
	memset(long_id, 'l', sizeof(long_id));
	policy_put(fixture->txn, slice_of(long_id, POLICY_ID_SIZE_MAX), 30, 9);
	assert_true(policy_find(fixture->txn, slice_of(long_id, POLICY_ID_SIZE_MAX), 31, &index, &version));
	assert_false(policy_find(fixture->txn, slice_of(long_id, POLICY_ID_SIZE_MAX + 1), 31, &index, &version));
	assert_int_equal(store_error(fixture->txn), OK);
}

static void keeps_grants_and_orders(void **state)
{
	static const struct grant grants[] = {{.subject = SUBJECT_BUREAU, .expires = 20270101, .holder = "h"},
	    {.subject = SUBJECT_AUDITOR, .expires = 20270102},
	    {.subject = SUBJECT_VENUE, .name = "qddex", .expires = 20270103},
	    {.subject = SUBJECT_ENTERPRISE, .expires = 20270104}};
	struct ledger_fixture *fixture = *state;
	struct grant_row row, found;
	uint64_t index;

	for (unsigned i = 0; i < 4; i++) {
		row = (struct grant_row){.grant = grants[i], .index = 100 + i, .item = 1000 + i};
		memset(row.grant.token_hash, (int)i + 1, HASH_SIZE);
		if (row.grant.subject == SUBJECT_ENTERPRISE) {
			memcpy(row.grant.name, a.text, USCI_SIZE);
			memset(row.grant.holder, 'h', GRANT_HOLDER_SIZE_MAX);
		}
		grant_put(fixture->txn, &row);
		memset(&found, 0xee, sizeof(found));
		assert_true(grant_get(fixture->txn, row.grant.token_hash, &found));
		assert_int_equal(found.index, row.index);
		assert_int_equal(found.item, row.item);
		assert_int_equal(found.grant.subject, row.grant.subject);
		assert_int_equal(found.grant.expires, row.grant.expires);
		assert_string_equal(found.grant.name, row.grant.name);
		assert_string_equal(found.grant.holder, row.grant.holder);
		assert_memory_equal(found.grant.token_hash, row.grant.token_hash, HASH_SIZE);
	}
	memset(row.grant.token_hash, 0, HASH_SIZE);
	assert_false(grant_get(fixture->txn, row.grant.token_hash, &found));
	order_put(fixture->txn, slice_text("o-1"), 12);
	assert_true(order_find(fixture->txn, slice_text("o-1"), &index) && index == 12);
	assert_false(order_find(fixture->txn, slice_text("o-"), &index));
	assert_int_equal(store_error(fixture->txn), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(keeps_venues_by_id_and_number, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_feeds_by_venue_and_generation, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_the_push_that_covers_a_record, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_numbers_at_their_venue, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_what_refunds_took_and_what_parties_hold, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_the_register, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_a_relation_in_any_order_of_the_two, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_wide_sums_of_a_month, setup, teardown),
	    cmocka_unit_test(writes_wide_sums_as_yuan),
	    cmocka_unit_test_setup_teardown(keeps_officers_and_quorums, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_the_policy_in_force_at_a_size, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_grants_and_orders, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Derived rows that are not as they were written: shorter, longer, beyond their bounds. All of it is damage. */
#include "ledger_fixture.h"

#include "daemon/state.h"

static struct code a, b;

static int setup(void **state)
{
	struct ledger_fixture *fixture = malloc(sizeof(*fixture));

	fixture_code(1, a.text);
	fixture_code(2, b.text);
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

static const uint8_t token[HASH_SIZE] = {4};

static void read_venue(struct store_txn *txn)
{
	struct venue venue;

	(void)venue_get(txn, slice_text("v"), &venue);
}

static void read_venue_by_number(struct store_txn *txn)
{
	struct venue venue;

	(void)venue_get_by_number(txn, 1, &venue);
}

static void read_feed(struct store_txn *txn)
{
	struct feed feed;

	(void)feed_get(txn, 1, 1, &feed);
}

static void read_push(struct store_txn *txn)
{
	uint64_t index;

	(void)push_get(txn, 1, 0, &index);
}

static void read_trade(struct store_txn *txn)
{
	uint64_t index;

	(void)trade_find(txn, 1, slice_text("T"), &index);
}

static void read_adjust(struct store_txn *txn)
{
	uint64_t index;

	(void)adjust_find(txn, 1, slice_text("T"), &index);
}

static void read_touched(struct store_txn *txn)
{
	struct touched touched;

	touched_get(txn, 1, &touched);
}

static void read_party(struct store_txn *txn)
{
	struct party party;

	party_get(txn, &a, &party);
}

static void read_account(struct store_txn *txn)
{
	struct account account;

	(void)account_get(txn, &a, &account);
}

static void read_relation(struct store_txn *txn)
{
	uint64_t index;

	(void)relation_get(txn, &a, &b, &index);
}

static void read_month(struct store_txn *txn)
{
	struct venue_month month;

	venue_month_get(txn, 1, 1, RECORD_TRADE, DISPOSITION_COUNTED, &month);
}

static void read_officer(struct store_txn *txn)
{
	struct officer officer;

	(void)officer_get(txn, slice_text("li"), &officer);
}

static void read_policy(struct store_txn *txn)
{
	uint64_t index;
	uint32_t version;

	(void)policy_find(txn, slice_text("p"), 100, &index, &version);
}

static void read_order(struct store_txn *txn)
{
	uint64_t index;

	(void)order_find(txn, slice_text("o"), &index);
}

static void read_grant(struct store_txn *txn)
{
	struct grant_row row;

	(void)grant_get(txn, token, &row);
}

static void read_evidence(struct store_txn *txn)
{
	uint64_t index;

	(void)evidence_get(txn, 1, 3, &index);
}

static const struct {
	unsigned db;
	void (*read)(struct store_txn *txn);
} readers[] = {{STORE_VENUES, read_venue}, {STORE_VENUES, read_venue_by_number}, {STORE_FEEDS, read_feed},
    {STORE_PUSHES, read_push}, {STORE_TRADES + 1, read_trade}, {STORE_ADJUSTS, read_adjust},
    {STORE_TOUCHED, read_touched}, {STORE_HEADS, read_party}, {STORE_ACCOUNTS, read_account},
    {STORE_RELATIONS, read_relation}, {STORE_VENUE_MONTHS, read_month}, {STORE_OFFICERS, read_officer},
    {STORE_POLICIES, read_policy}, {STORE_ORDERS, read_order}, {STORE_GRANTS, read_grant},
    {STORE_EVIDENCE, read_evidence}};

/* The first row of a database, with its value replaced. */
static enum err read_changed(struct ledger_fixture *fixture, size_t reader, const uint8_t *value, size_t size)
{
	struct store_cursor cursor;
	struct slice key;
	uint8_t key_bytes[511];
	enum err err;

	store_cursor_open(&cursor, fixture->txn, readers[reader].db);
	assert_true(store_cursor_first(&cursor));
	memcpy(key_bytes, cursor.key.data, cursor.key.size);
	key = slice_of(key_bytes, cursor.key.size);
	store_cursor_close(&cursor);
	store_put(fixture->txn, readers[reader].db, key, slice_of(value, size));
	readers[reader].read(fixture->txn);
	err = store_error(fixture->txn);
	store_abort(fixture->txn);
	assert_int_equal(store_write(fixture->store, &fixture->txn), OK);
	return err;
}

static void put_one_of_each(struct ledger_fixture *fixture)
{
	struct store_txn *txn = fixture->txn;
	struct venue venue = {.id = "v", .name = "Exchange", .number = 1, .generation = 1, .key_count = 2};
	struct feed feed = {.number = 1};
	struct account account = {.name = "Alpha", .list_count = 2, .lists = {"one", "two"}};
	struct venue_month month = {1, 2, 3};
	struct grant_row grant = {.grant = {.subject = SUBJECT_VENUE, .name = "v", .holder = "h", .expires = 20270101}};
	struct hash leaf = hash_empty();
	uint64_t first;

	frontier_init(&feed.frontier);
	for (int i = 0; i < 3; i++)
		frontier_append(&feed.frontier, &leaf);
	memcpy(grant.grant.token_hash, token, HASH_SIZE);
	venue.keys[0] = fixture_key(KEY_ED25519, "v", 10);
	venue.keys[1] = fixture_key(KEY_SM2, "v", 11);
	venue_put(txn, &venue);
	store_create_trades(txn, 1);
	feed_put(txn, 1, 1, &feed);
	push_put(txn, 1, 0, 5);
	assert_true(trade_put(txn, 1, slice_text("T"), 5, &first));
	adjust_put(txn, 1, slice_text("T"), 6);
	evidence_put(txn, 1, 3, 9);
	touched_put(txn, 1, &(struct touched){.refunded_fen = 1, .refunded_tax_fen = 2});
	party_put(txn, &a, &(struct party){1, 2});
	account_put(txn, &a, &account);
	relation_put(txn, &a, &b, 5);
	venue_month_put(txn, 1, 1, RECORD_TRADE, DISPOSITION_COUNTED, &month);
	policy_put(txn, slice_text("p"), 5, 1);
	order_put(txn, slice_text("o"), 5);
	grant_put(txn, &grant);
}

static void takes_shorter_and_longer_rows_for_damage(void **state)
{
	struct ledger_fixture *fixture = *state;
	uint8_t value[4096];

	put_one_of_each(fixture);
	ledger_commit(fixture);
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		struct store_cursor cursor;
		size_t size;

		store_cursor_open(&cursor, fixture->txn, readers[i].db);
		assert_true(store_cursor_first(&cursor));
		size = cursor.value.size;
		memcpy(value, cursor.value.data, size);
		value[size] = 0;
		store_cursor_close(&cursor);
		for (size_t cut = 0; cut <= size + 1; cut++)
			if (read_changed(fixture, i, value, cut) != (cut == size ? OK : ERR_DAMAGED))
				fail_msg("reader %zu: a row of %zu bytes instead of %zu", i, cut, size);
		/* A wrong byte may read as another value, but never as anything beyond the row's bounds. */
		for (size_t at = 0; at < size; at++) {
			value[at] ^= 0xff;
			(void)read_changed(fixture, i, value, size);
			value[at] ^= 0xff;
		}
	}
}

static void add_venue_key(struct buf *row, size_t material_size)
{
	static const uint8_t material[KEY_MATERIAL_MAX + 1];

	buf_u8(row, KEY_SM2);
	buf_sized(row, slice_text("v"));
	buf_add(row, material, KEY_ID_SIZE);
	buf_sized(row, slice_of(material, material_size));
}

static void make_venue_row(unsigned keys, unsigned retired, size_t material_size, struct buf *row)
{
	buf_clear(row);
	buf_u16(row, 1);
	buf_u32(row, 1);
	buf_u64(row, 1);
	buf_u64(row, 1);
	buf_u64(row, 0);
	buf_sized(row, slice_text("V"));
	buf_u8(row, (uint8_t)keys);
	buf_u8(row, (uint8_t)retired);
	for (unsigned i = 0; i < keys; i++) {
		buf_u64(row, 1);
		add_venue_key(row, material_size);
	}
	for (unsigned i = 0; i < retired; i++) {
		buf_u64(row, 1);
		buf_u64(row, 2);
		add_venue_key(row, material_size);
	}
}

/* Sizes and counts in rows that are larger than what holds them. */
static void takes_rows_beyond_their_bounds_for_damage(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct buf row;

	put_one_of_each(fixture);
	ledger_commit(fixture);
	buf_init(&row, 1u << 16);
	for (unsigned lists = LISTS_MAX; lists <= LISTS_MAX + 1; lists++) {
		for (size_t name_size = PARTY_NAME_SIZE_MAX; name_size <= PARTY_NAME_SIZE_MAX + 1; name_size++) {
			for (size_t list_size = LIST_NAME_SIZE_MAX; list_size <= LIST_NAME_SIZE_MAX + 1; list_size++) {
				static const char text[PARTY_NAME_SIZE_MAX + 1] = {'x'};
				bool is_right = lists == LISTS_MAX && name_size == PARTY_NAME_SIZE_MAX &&
						list_size == LIST_NAME_SIZE_MAX;

				buf_clear(&row);
				buf_u64(&row, 1);
				buf_sized(&row, slice_of(text, name_size));
				buf_u8(&row, (uint8_t)lists);
				for (unsigned i = 0; i < lists; i++)
					buf_sized(&row, slice_of(text, list_size));
				assert_int_equal(
				    read_changed(fixture, 8, row.data, row.size), is_right ? OK : ERR_DAMAGED);
			}
		}
	}
	for (unsigned keys = VENUE_KEYS_MAX; keys <= VENUE_KEYS_MAX + 1; keys++)
		for (unsigned retired = VENUE_KEYS_EVER_MAX; retired <= VENUE_KEYS_EVER_MAX + 1; retired++)
			for (size_t size = KEY_MATERIAL_MAX; size <= KEY_MATERIAL_MAX + 1; size++) {
				bool is_right = keys == VENUE_KEYS_MAX && retired == VENUE_KEYS_EVER_MAX &&
						size == KEY_MATERIAL_MAX;

				make_venue_row(keys, retired, size, &row);
				assert_int_equal(
				    read_changed(fixture, 0, row.data, row.size), is_right ? OK : ERR_DAMAGED);
			}
	for (unsigned trade_state = TRADE_COUNTED; trade_state <= TRADE_VOIDED + 1; trade_state++) {
		buf_clear(&row);
		buf_u64(&row, 1);
		buf_u64(&row, 1);
		buf_u8(&row, (uint8_t)trade_state);
		buf_u64(&row, 1);
		assert_int_equal(
		    read_changed(fixture, 6, row.data, row.size), trade_state <= TRADE_VOIDED ? OK : ERR_DAMAGED);
	}
	buf_done(&row);
}

static void takes_a_misshapen_push_key_for_damage(void **state)
{
	static const uint8_t key[13] = {0, 0, 0, 1}, value[8] = {7};
	struct ledger_fixture *fixture = *state;
	uint64_t index;

	ledger_commit(fixture);
	for (size_t size = 4; size <= 13; size++) {
		store_put(fixture->txn, STORE_PUSHES, slice_of(key, size), slice_of(value, 8));
		assert_int_equal(push_get(fixture->txn, 1, 5, &index), size == 12);
		assert_int_equal(store_error(fixture->txn), size == 12 ? OK : ERR_DAMAGED);
		store_abort(fixture->txn);
		assert_int_equal(store_write(fixture->store, &fixture->txn), OK);
	}
}

static void takes_a_misshapen_policy_key_for_damage(void **state)
{
	/* Without the NUL, too short, and a text where the index should be. */
	static const char *const keys[] = {"p-12345678", "p",
	    "p\0"
	    "1234567890"};
	static const size_t sizes[] = {10, 1, 12};
	static const uint8_t version[4] = {0, 0, 0, 1};
	struct ledger_fixture *fixture = *state;
	char ids[2][POLICY_ID_SIZE_MAX + 1];
	uint64_t index;
	uint32_t found;

	ledger_commit(fixture);
	for (size_t i = 0; i < 3; i++) {
		store_put(fixture->txn, STORE_POLICIES, slice_of(keys[i], sizes[i]), slice_of(version, 4));
		assert_int_equal(policy_ids(fixture->txn, 1000, ids, 2), 0);
		assert_int_equal(store_error(fixture->txn), ERR_DAMAGED);
		store_abort(fixture->txn);
		assert_int_equal(store_write(fixture->store, &fixture->txn), OK);
		store_put(fixture->txn, STORE_POLICIES, slice_of(keys[i], sizes[i]), slice_of(version, 4));
		assert_false(policy_find(fixture->txn, slice_text("q"), 1000, &index, &found));
		if (store_error(fixture->txn) != ERR_DAMAGED)
			fail_msg("key %zu", i);
		store_abort(fixture->txn);
		assert_int_equal(store_write(fixture->store, &fixture->txn), OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(takes_a_misshapen_push_key_for_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_a_misshapen_policy_key_for_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_shorter_and_longer_rows_for_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_rows_beyond_their_bounds_for_damage, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A feed that has grown: its frontier and its records at earlier sizes. */
#include "ledger_fixture.h"

#define TRADES 600

static char a[USCI_SIZE + 1], b[USCI_SIZE + 1];
static struct hash leaves[LEDGER_PUSH_RECORDS];
static struct record trades[TRADES];
static char numbers[TRADES][8];
static struct signer *venue_signer;

static int setup(void **state)
{
	struct ledger_fixture *fixture = malloc(sizeof(*fixture));

	fixture_code(1, a);
	fixture_code(2, b);
	for (size_t i = 0; i < TRADES; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "T%03zu", i);
		trades[i] = ledger_trade(numbers[i], a, b, 1000 + i);
	}
	ledger_setup(fixture);
	venue_signer = ledger_license(fixture, KEY_ED25519, "qddex");
	ledger_push(fixture, venue_signer, "qddex", leaves, 0, trades, 5);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	signer_free(venue_signer);
	ledger_teardown(*state);
	free(*state);
	return 0;
}

static void fill(struct ledger_fixture *fixture, struct feed *ret_feed)
{
	static const size_t counts[] = {1, 6, 100, 256, 1, 231};
	uint64_t start = 5;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		ledger_push(fixture, venue_signer, "qddex", leaves, start, trades + start, counts[i]);
		start += counts[i];
	}
	assert_int_equal(start, TRADES);
	assert_true(feed_get(fixture->txn, 1, 1, ret_feed));
}

static void gives_the_frontier_of_every_earlier_size(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct frontier want, found;
	struct feed feed;

	fill(fixture, &feed);
	frontier_init(&want);
	for (uint64_t size = 0; size <= TRADES; size++) {
		assert_int_equal(feed_frontier(fixture->txn, &feed, size, &found), OK);
		if (!frontier_equal(&found, &want))
			fail_msg("size %llu", (unsigned long long)size);
		if (size < TRADES)
			frontier_append(&want, &leaves[size]);
	}
}

static void finds_every_record_of_a_feed(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct arena arena;
	struct feed feed;

	fill(fixture, &feed);
	arena_init(&arena, 8u * ENTRY_SIZE_MAX);
	for (uint64_t i = 0; i < TRADES; i++) {
		struct entry entry;
		uint64_t index;

		arena_reset(&arena);
		assert_int_equal(feed_record_index(fixture->txn, &feed, i, &index), OK);
		ledger_get(fixture, index, &arena, &entry);
		assert_int_equal(entry.kind, ENTRY_RECORD);
		assert_int_equal(entry.record.feed_index, i);
	}
	arena_done(&arena);
}

static void takes_rows_that_lead_elsewhere_for_damage(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_push push = {.signer = venue_signer,
	    .venue = "qddex",
	    .start = 5,
	    .records = trades + 5,
	    .record_count = 2,
	    .earlier = leaves};
	struct feed feed;
	struct frontier frontier;
	uint64_t index, right;

	assert_true(feed_get(fixture->txn, 1, 1, &feed));
	assert_true(push_get(fixture->txn, 1, 0, &right));
	/* A record, the genesis, and beyond the end; then a push that begins elsewhere. */
	for (uint64_t wrong = 0; wrong <= right + 1; wrong++) {
		push_put(fixture->txn, 1, 0, wrong);
		assert_int_equal(feed_record_index(fixture->txn, &feed, 0, &index), wrong == right ? OK : ERR_DAMAGED);
		assert_int_equal(feed_frontier(fixture->txn, &feed, 1, &frontier), wrong == right ? OK : ERR_DAMAGED);
	}
	push_put(fixture->txn, 1, 0, right);
	assert_int_equal(ledger_try_push(fixture, &push, &index), OK);
	assert_true(feed_get(fixture->txn, 1, 1, &feed));
	push_put(fixture->txn, 1, 0, index); /* that of records 5 and 6 */
	assert_int_equal(feed_record_index(fixture->txn, &feed, 0, &index), ERR_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(gives_the_frontier_of_every_earlier_size, setup, teardown),
	    cmocka_unit_test_setup_teardown(finds_every_record_of_a_feed, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_rows_that_lead_elsewhere_for_damage, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

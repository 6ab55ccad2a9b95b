/* Entries that a scribe makes: those that would have been made one by one, stored at the end or not at all. */
#define LEDGER_PUSH_RECORDS 2100
#include "feed_fixture.h"
#include "replay_fixture.h"

#include "daemon/scribe.h"

static struct feed_of_records feed;
static struct hash leaves[LEDGER_PUSH_RECORDS];

static int setup(void **state)
{
	struct ledger_fixture *fixture = malloc(sizeof(*fixture));

	ledger_setup(fixture);
	assert_int_equal(scribe_start(&fixture->ledger.scribe), OK);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct ledger_fixture *fixture = *state;

	scribe_stop(fixture->ledger.scribe);
	ledger_teardown(fixture);
	free(fixture);
	return 0;
}

static void expect_the_same_again(struct ledger_fixture *fixture)
{
	if (ledger_replay(fixture, &fixture->why) != OK)
		fail_msg("%s", fixture->why.text);
}

static void makes_what_is_made_one_by_one(void **state)
{
	/* Below, at and above what it is asked for; and through several tiles, behind records that are held. */
	static const size_t counts[] = {
	    SCRIBE_RECORDS_MIN - 1, SCRIBE_RECORDS_MIN, SCRIBE_RECORDS_MIN + 1, LEDGER_PUSH_RECORDS};
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	size_t held = 0;
	uint64_t index;

	assert_int_equal(ledger_try_relate(fixture, firms[0], firms[1], &index), OK);
	fill(&feed, 1);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct signer *other;
		char venue[32];

		snprintf(venue, sizeof(venue), "venue-%zu", i);
		other = ledger_license(fixture, KEY_ED25519, venue);
		ledger_push(fixture, other, venue, leaves, 0, feed.records, counts[i]);
		assert_int_equal(fixture->ledger.head.frontier.size, fixture->ledger.head.size);
		signer_free(other);
	}
	for (; held < LEDGER_PUSH_RECORDS; held += held < 700 ? 700 : 1400)
		ledger_push(fixture, signer, "qddex", leaves, held < 700 ? 0 : held - 300,
		    feed.records + (held < 700 ? 0 : held - 300), held < 700 ? 700 : LEDGER_PUSH_RECORDS - held + 300);
	signer_free(signer);
	expect_the_same_again(fixture);
}

/* A clock that went back is said of the first entry of a command alone. */
static void flags_the_first_entry(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	uint64_t first = fixture->ledger.head.size;
	struct entry entry;
	struct arena arena;

	fill(&feed, 2);
	fixture->now_us -= 86400000000u;
	ledger_push(fixture, signer, "qddex", leaves, 0, feed.records, SCRIBE_RECORDS_MIN);
	signer_free(signer);
	arena_init(&arena, 8 * ENTRY_SIZE_MAX);
	for (uint64_t i = 0; i < 2; i++) {
		ledger_get(fixture, first + i, &arena, &entry);
		assert_int_equal(entry.kind, ENTRY_RECORD);
		assert_int_equal(entry.flags, i == 0 ? ENTRY_FLAG_CLOCK_STEPPED_BACK : 0);
	}
	arena_done(&arena);
	expect_the_same_again(fixture);
}

static void says_what_cells_must_hold(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_ED25519, "qddex");
	uint64_t folded;

	ledger_set_folded(&fixture->ledger);
	folded = fixture->ledger.head.folded;
	fixture->ledger.may_lag = true;
	for (unsigned i = 0; i < LEDGER_PUSH_RECORDS; i++) {
		snprintf(feed.trade_nos[i], sizeof(feed.trade_nos[i]), "T%u", i);
		feed.records[i] = ledger_trade(feed.trade_nos[i], firms[0], firms[1], 1);
	}
	ledger_push(fixture, signer, "qddex", leaves, 0, feed.records, SCRIBE_RECORDS_MIN);
	assert_false(fixture->ledger.must_fold);
	assert_int_equal(fixture->ledger.head.folded, folded);
	/* One of the next is no trade that counts. */
	feed.records[SCRIBE_RECORDS_MIN + 3] = feed.records[0];
	ledger_push(fixture, signer, "qddex", leaves, SCRIBE_RECORDS_MIN, feed.records + SCRIBE_RECORDS_MIN,
	    SCRIBE_RECORDS_MIN);
	assert_true(fixture->ledger.must_fold);
	signer_free(signer);
	ledger_set_folded(&fixture->ledger);
	ledger_save(&fixture->ledger, fixture->txn);
	expect_the_same_again(fixture);
}

static void stores_nothing_for_a_transaction_in_error(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct slice records[2] = {slice_text("a"), slice_text("b")};
	struct scribe_push push = {.venue = slice_text("qddex"),
	    .generation = 1,
	    .records = records,
	    .count = sizeof(records) / sizeof(records[0])};
	struct ledger_head before = fixture->ledger.head;

	ledger_stamp_now(fixture);
	assert_int_equal(scribe_begin(fixture->ledger.scribe, &fixture->ledger, &push), OK);
	scribe_tell(fixture->ledger.scribe, &(struct scribe_line){.disposition = DISPOSITION_COUNTED, .link_count = 2});
	store_fail(fixture->txn, ERR_IO);
	scribe_end(fixture->ledger.scribe, &fixture->ledger, fixture->txn);
	assert_memory_equal(&before, &fixture->ledger.head, sizeof(before));
	assert_int_equal(store_error(fixture->txn), ERR_IO);
}

static void begins_nothing_beyond_every_date(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct slice record = slice_text("a");
	struct scribe_push push = {.venue = slice_text("qddex"), .generation = 1, .records = &record, .count = 1};
	uint64_t last_us = date_start_us(DATE_YEAR_MAX * 10000 + 1231) - 1;

	ledger_stamp_now(fixture);
	fixture->ledger.stamp.time_us = last_us;
	assert_int_equal(scribe_begin(fixture->ledger.scribe, &fixture->ledger, &push), ERR_INVALID);
	fixture->ledger.stamp.time_us = last_us - 1;
	assert_int_equal(scribe_begin(fixture->ledger.scribe, &fixture->ledger, &push), OK);
	scribe_end(fixture->ledger.scribe, &fixture->ledger, fixture->txn);
}

static void ends_without_having_begun(void **state)
{
	struct scribe *scribe;

	(void)state;
	assert_int_equal(scribe_start(&scribe), OK);
	scribe_stop(scribe);
	scribe_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(makes_what_is_made_one_by_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(flags_the_first_entry, setup, teardown),
	    cmocka_unit_test_setup_teardown(says_what_cells_must_hold, setup, teardown),
	    cmocka_unit_test_setup_teardown(stores_nothing_for_a_transaction_in_error, setup, teardown),
	    cmocka_unit_test_setup_teardown(begins_nothing_beyond_every_date, setup, teardown),
	    cmocka_unit_test(ends_without_having_begun),
	};
	return cmocka_run_group_tests(tests, set_firms, NULL);
}

/* A push that is checked as if the one before it were written. */
#define LEDGER_PUSH_RECORDS 700
#include "ledger_fixture.h"

#define TRADES 700

static char a[USCI_SIZE + 1], b[USCI_SIZE + 1];
static struct hash leaves[LEDGER_PUSH_RECORDS];
static struct record trades[TRADES];
static char numbers[TRADES][8];
static struct signer *venue_signer;

/* Records from `start` on, decoded; those before are as the venue has them. */
struct checked {
	struct ingest ingest;
	struct buf body;
};

static void begin(struct ledger_fixture *fixture, uint64_t start, size_t count, struct checked *checked)
{
	const struct ledger_push push = {.signer = venue_signer,
	    .venue = "qddex",
	    .start = start,
	    .records = trades + start,
	    .record_count = count,
	    .earlier = leaves};

	buf_init(&checked->body, PUSH_SIZE_MAX);
	ledger_push_body(fixture, &push, &checked->body);
	ingest_init(&checked->ingest, "qddex", buf_slice(&checked->body), false);
	assert_int_equal(ingest_decode(&checked->ingest, &fixture->why), OK);
}

static void end(struct checked *checked)
{
	ingest_done(&checked->ingest);
	buf_done(&checked->body);
}

/* Five records held; the next 300 checked; and what these make of the feed. */
struct place {
	struct ledger_fixture fixture;
	struct checked before;
	struct ingest_foreseen foreseen;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct ledger_fixture *fixture = &place->fixture;

	fixture_code(1, a);
	fixture_code(2, b);
	for (size_t i = 0; i < TRADES; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "T%03zu", i);
		trades[i] = ledger_trade(numbers[i], a, b, 1000 + i);
	}
	ledger_setup(fixture);
	for (size_t i = 0; i < TRADES; i++)
		leaves[i] = ledger_leaf_of(&trades[i]);
	venue_signer = ledger_license(fixture, KEY_ED25519, "qddex");
	ledger_push(fixture, venue_signer, "qddex", leaves, 0, trades, 5);
	begin(fixture, 5, 300, &place->before);
	assert_int_equal(ingest_check(&place->before.ingest, fixture->txn, &fixture->why), OK);
	ingest_foresee(&place->before.ingest, &place->foreseen);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	end(&place->before);
	signer_free(venue_signer);
	ledger_teardown(&place->fixture);
	free(place);
	return 0;
}

static void write_push(struct place *place, const struct checked *checked)
{
	fold_push(&place->fixture.ledger, place->fixture.txn, &checked->ingest);
	assert_int_equal(store_error(place->fixture.txn), OK);
}

static void goes_on_from_what_is_not_written_yet(void **state)
{
	struct place *place = *state;
	struct store_txn *txn = place->fixture.txn;
	struct frontier want, found;
	struct checked next;
	struct feed feed;

	begin(&place->fixture, 305, 395, &next);
	assert_int_equal(ingest_check(&next.ingest, txn, &place->fixture.why), ERR_FEED_GAP);
	assert_int_equal(ingest_check_ahead(&next.ingest, &place->foreseen, txn), OK);
	assert_int_equal(ingest_new_count(&next.ingest), 395);
	assert_true(ingest_is_stale(&next.ingest, txn));
	write_push(place, &place->before);
	assert_false(ingest_is_stale(&next.ingest, txn));
	write_push(place, &next);
	/* Tiles that either of them completed are where every earlier size looks for them. */
	assert_true(feed_get(txn, 1, 1, &feed));
	assert_int_equal(feed.frontier.size, TRADES);
	frontier_init(&want);
	for (uint64_t size = 0; size < TRADES; size++) {
		assert_int_equal(feed_frontier(txn, &feed, size, &found), OK);
		assert_true(frontier_equal(&found, &want));
		frontier_append(&want, &leaves[size]);
	}
	assert_true(frontier_equal(&feed.frontier, &want));
	end(&next);
}

/* The one before was written while this one was about to be checked. */
static void takes_the_feed_as_it_is_where_it_has_come_so(void **state)
{
	struct place *place = *state;
	struct checked next;

	begin(&place->fixture, 305, 1, &next);
	write_push(place, &place->before);
	assert_int_equal(ingest_check_ahead(&next.ingest, &place->foreseen, place->fixture.txn), OK);
	assert_false(ingest_is_stale(&next.ingest, place->fixture.txn));
	end(&next);
}

static void is_stale_where_it_came_otherwise(void **state)
{
	struct place *place = *state;
	struct store_txn *txn = place->fixture.txn;
	struct checked next, other;

	begin(&place->fixture, 305, 1, &next);
	assert_int_equal(ingest_check_ahead(&next.ingest, &place->foreseen, txn), OK);
	begin(&place->fixture, 5, 299, &other);
	assert_int_equal(ingest_check(&other.ingest, txn, &place->fixture.why), OK);
	write_push(place, &other);
	assert_true(ingest_is_stale(&next.ingest, txn));
	assert_int_equal(ingest_check(&next.ingest, txn, &place->fixture.why), ERR_FEED_GAP);
	end(&other);
	end(&next);
}

static void expect_waits(struct place *place, uint64_t start, size_t count, bool is_looked_at)
{
	enum err err;

	struct checked next;

	begin(&place->fixture, start, count, &next);
	err = ingest_check_ahead(&next.ingest, &place->foreseen, place->fixture.txn);
	assert_int_not_equal(err, OK);
	assert_int_equal(err != ERR_FEED_BUSY, is_looked_at);
	assert_true(ingest_is_stale(&next.ingest, place->fixture.txn));
	end(&next);
}

static void leaves_all_else_to_its_turn(void **state)
{
	struct place *place = *state;
	struct ingest_foreseen foreseen = place->foreseen;

	/* The same again, an overlap, a gap; what is held there can't be looked at yet. */
	expect_waits(place, 5, 300, false);
	expect_waits(place, 304, 2, false);
	expect_waits(place, 306, 1, false);
	/* Another tree than the venue signed; another licence, another feed. */
	place->foreseen.after.hashes[0].bytes[0] ^= 1;
	expect_waits(place, 305, 1, true);
	place->foreseen = foreseen;
	place->foreseen.venue_version++;
	expect_waits(place, 305, 1, true);
	place->foreseen = foreseen;
	place->foreseen.feed_number++;
	expect_waits(place, 305, 1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(goes_on_from_what_is_not_written_yet, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_the_feed_as_it_is_where_it_has_come_so, setup, teardown),
	    cmocka_unit_test_setup_teardown(is_stale_where_it_came_otherwise, setup, teardown),
	    cmocka_unit_test_setup_teardown(leaves_all_else_to_its_turn, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

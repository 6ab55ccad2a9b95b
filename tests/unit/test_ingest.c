/* What is checked of a push: each refusal by its error, and that a refusal changes nothing. */
#include "ledger_fixture.h"

#define TRADES 20

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

/* Records 5 and 6 for a feed that holds 5, right in every respect. */
static struct ledger_push next_push(void)
{
	return (struct ledger_push){.signer = venue_signer,
	    .venue = "qddex",
	    .start = 5,
	    .records = trades + 5,
	    .record_count = 2,
	    .earlier = leaves};
}

/* The push must be refused like this, and nothing may have changed. */
static void expect_refusal(
    struct ledger_fixture *fixture, const struct ledger_push *push, enum err err, const char *reason)
{
	struct hash before = ledger_digest(fixture->txn), after;
	uint64_t index, size = fixture->ledger.head.size;
	enum err found;

	fixture->why.text[0] = '\0';
	found = ledger_try_push(fixture, push, &index);
	if (found != err || strstr(fixture->why.text, reason) == NULL)
		fail_msg("%s, \"%s\"; wanted %s, \"%s\"", err_name(found), fixture->why.text, err_name(err), reason);
	after = ledger_digest(fixture->txn);
	assert_memory_equal(&after, &before, sizeof(after));
	assert_int_equal(fixture->ledger.head.size, size);
}

static void takes_the_next_records(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_push push = next_push();
	uint64_t index, size = fixture->ledger.head.size;
	struct feed feed;

	assert_int_equal(ledger_try_push(fixture, &push, &index), OK);
	assert_int_equal(index, size + 2);
	assert_true(feed_get(fixture->txn, 1, 1, &feed));
	assert_int_equal(feed.frontier.size, 7);
	assert_int_equal(feed.last_push, index);
}

static void refuses_what_does_not_continue_the_feed(void **state)
{
	struct ledger_fixture *fixture = *state;
	char other_ledger[ORIGIN_TEXT_SIZE], other_generation[ORIGIN_TEXT_SIZE], other_venue[ORIGIN_TEXT_SIZE];
	const char *const origins[] = {other_ledger, other_generation, other_venue};
	struct hash root = hash_empty();
	struct ledger_push push = next_push();

	feed_origin_format("qddex", "0123456789abcdef", 1, other_ledger);
	feed_origin_format("qddex", fixture->ledger_id, 2, other_generation);
	feed_origin_format("qddey", fixture->ledger_id, 1, other_venue);
	for (size_t i = 0; i < 3; i++) {
		push.origin = origins[i];
		expect_refusal(fixture, &push, ERR_FEED_ORIGIN, origins[i]);
	}
	push = next_push();
	push.size = 6;
	expect_refusal(fixture, &push, ERR_FEED_SIZE, "6 records, start 5 and 2 records make 7");
	push.size = 8;
	expect_refusal(fixture, &push, ERR_FEED_SIZE, "8 records");
	push = next_push();
	push.root = &root;
	expect_refusal(fixture, &push, ERR_FEED_ROOT, "the 5 records held before 5 and the 2 sent");
	push = next_push();
	push.start = 6;
	expect_refusal(fixture, &push, ERR_FEED_GAP, "starts at record 6, but 5 are held; push from 5 on");
	push = next_push();
	push.venue = "sddex";
	expect_refusal(fixture, &push, ERR_VENUE, "sddex");
}

static void refuses_what_the_venue_did_not_sign(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_push push = next_push();
	struct signer *stranger = ledger_make_signer(KEY_ED25519, "qddex", 301),
		      *other_name = ledger_make_signer(KEY_ED25519, "sddex", 300);

	push.signer = stranger;
	expect_refusal(fixture, &push, ERR_UNKNOWN_KEY, "no signature by a key of qddex");
	push.signer = other_name;
	expect_refusal(fixture, &push, ERR_UNKNOWN_KEY, "no signature by a key of qddex");
	/* Whoever can't sign learns nothing of the feed, not even that there is a gap. */
	push.start = 9;
	push.origin = "nonsense";
	expect_refusal(fixture, &push, ERR_UNKNOWN_KEY, "no signature by a key of qddex");
	signer_free(stranger);
	signer_free(other_name);
}

static void refuses_other_content_than_is_held(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct record changed[7];
	struct ledger_push push = next_push();

	push.start = 1;
	push.records = changed;
	push.record_count = 6;
	for (size_t place = 0; place < 6; place++) {
		memcpy(changed, trades + 1, 6 * sizeof(changed[0]));
		changed[place].trade.amount_fen++;
		if (place < 4) {
			char reason[32];

			snprintf(reason, sizeof(reason), "record %zu differs", place + 1);
			expect_refusal(fixture, &push, ERR_FEED_CONFLICT, reason);
		}
	}
	push.record_count = 4; /* everything held, the last one other */
	memcpy(changed, trades + 1, 4 * sizeof(changed[0]));
	changed[3].trade.amount_fen++;
	expect_refusal(fixture, &push, ERR_FEED_CONFLICT, "record 4 differs");
}

/* Takes a good body apart, lets a note or records of another be put in, and tries the result. */
static enum err try_changed(struct ledger_fixture *fixture, struct slice body, void (*change)(struct push *push))
{
	struct arena arena;
	struct push push;
	struct buf changed;
	uint64_t index;
	enum err err;

	arena_init(&arena, PUSH_ARENA_MAX);
	buf_init(&changed, PUSH_SIZE_MAX);
	assert_int_equal(push_decode(body, &arena, &push, &fixture->why), OK);
	change(&push);
	assert_int_equal(push_encode(&push, &changed), OK);
	err = ledger_apply_push(fixture, "qddex", buf_slice(&changed), &index);
	buf_done(&changed);
	arena_done(&arena);
	return err;
}

static char note_text[NOTE_SIZE_MAX];

static void flip_signature(struct push *push)
{
	char *place;

	memcpy(note_text, push->note.data, push->note.size);
	place = note_text + push->note.size - 20; /* within the base64 of the signature */
	*place = *place == 'A' ? 'B' : 'A';
	push->note = slice_of(note_text, push->note.size);
}

static void drop_note(struct push *push)
{
	push->note = slice_of(NULL, 0);
}

static void swap_records(struct push *push)
{
	struct slice first = push->records[0];

	push->records[0] = push->records[1];
	push->records[1] = first;
}

static void drop_record(struct push *push)
{
	push->record_count--;
}

static void start_late(struct push *push)
{
	push->start = TREE_SIZE_MAX - PUSH_RECORDS_MAX + 1;
}

static void start_at_limit(struct push *push)
{
	push->start = TREE_SIZE_MAX - PUSH_RECORDS_MAX;
}

static void leave(struct push *push)
{
	(void)push;
}

static void refuses_a_genuine_note_over_anything_else(void **state)
{
	static const struct {
		void (*change)(struct push *push);
		enum err err;
	} rows[] = {{flip_signature, ERR_SIGNATURE}, {drop_note, ERR_NOTE}, {swap_records, ERR_FEED_ROOT},
	    {drop_record, ERR_FEED_SIZE}, {start_late, ERR_SYNTAX}, {start_at_limit, ERR_FEED_SIZE}, {leave, OK}};
	struct ledger_fixture *fixture = *state;
	struct ledger_push push = next_push();
	struct buf body;

	buf_init(&body, PUSH_SIZE_MAX);
	ledger_push_body(fixture, &push, &body);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum err err = try_changed(fixture, buf_slice(&body), rows[i].change);

		if (err != rows[i].err)
			fail_msg("row %zu: %s, %s", i, err_name(err), fixture->why.text);
	}
	buf_done(&body);
}

static void refuses_bytes_that_are_no_push(void **state)
{
	struct ledger_fixture *fixture = *state;
	uint64_t index;

	assert_int_equal(ledger_apply_push(fixture, "qddex", slice_text("nonsense"), &index), ERR_SYNTAX);
	assert_int_equal(ledger_apply_push(fixture, "qddex", slice_of("\x08\x01\x10\x05", 4), &index), ERR_EMPTY_PUSH);
}

static void takes_sm2_signatures(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct signer *signer = ledger_license(fixture, KEY_SM2, "sddex");
	struct ledger_push push = {.signer = signer, .venue = "sddex", .records = trades, .record_count = 2};
	uint64_t index;

	assert_int_equal(ledger_try_push(fixture, &push, &index), OK);
	push.signer = venue_signer; /* qddex's key under a feed of sddex */
	expect_refusal(fixture, &push, ERR_UNKNOWN_KEY, "sddex");
	signer_free(signer);
}

static void appends_the_rest_of_what_overlaps(void **state)
{
	/* Start and count of a push onto five records, and how many of it are new. */
	static const struct {
		uint64_t start;
		size_t count, new_count;
	} rows[] = {{0, 5, 0}, {4, 1, 0}, {2, 2, 0}, {0, 6, 1}, {5, 1, 0}, {3, 6, 3}, {9, 1, 1}, {0, 10, 0}};
	struct ledger_fixture *fixture = *state;

	for (size_t i = 0; i < 10; i++)
		leaves[i] = ledger_leaf_of(&trades[i]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ledger_push push = next_push();
		uint64_t index, size = fixture->ledger.head.size;
		struct entry entry;
		struct arena arena;

		push.start = rows[i].start;
		push.records = trades + rows[i].start;
		push.record_count = rows[i].count;
		assert_int_equal(ledger_try_push(fixture, &push, &index), OK);
		if (fixture->ledger.head.size - size != (rows[i].new_count == 0 ? 0 : rows[i].new_count + 1))
			fail_msg(
			    "row %zu: %llu new entries", i, (unsigned long long)(fixture->ledger.head.size - size));
		if (rows[i].new_count == 0)
			continue;
		arena_init(&arena, 8u * ENTRY_SIZE_MAX);
		ledger_get(fixture, index, &arena, &entry);
		assert_int_equal(entry.push.count, rows[i].new_count);
		assert_int_equal(entry.push.start, rows[i].start + rows[i].count - rows[i].new_count);
		arena_done(&arena);
	}
}

/* ---- an ingest by itself */

static void begin(
    struct ledger_fixture *fixture, const struct ledger_push *push, struct ingest *ingest, struct buf *body)
{
	buf_init(body, PUSH_SIZE_MAX);
	ledger_push_body(fixture, push, body);
	ingest_init(ingest, push->venue, buf_slice(body), false);
	assert_int_equal(ingest_decode(ingest, &fixture->why), OK);
}

static void end(struct ingest *ingest, struct buf *body)
{
	ingest_done(ingest);
	buf_done(body);
}

static void is_stale_once_the_feed_has_grown(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_push push = next_push(), other = next_push();
	struct ingest ingest;
	struct signer *signer;
	struct buf body;
	uint64_t index;

	push.record_count = 3;
	begin(fixture, &push, &ingest, &body);
	assert_true(ingest_is_stale(&ingest, fixture->txn)); /* not checked yet */
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), OK);
	assert_false(ingest_is_stale(&ingest, fixture->txn));
	assert_int_equal(ingest_new_count(&ingest), 3);
	signer = ledger_license(fixture, KEY_ED25519, "sddex"); /* another's business */
	assert_false(ingest_is_stale(&ingest, fixture->txn));
	assert_int_equal(ledger_try_push(fixture, &other, &index), OK);
	assert_true(ingest_is_stale(&ingest, fixture->txn));
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), OK);
	assert_int_equal(ingest_new_count(&ingest), 1);
	assert_int_equal(ingest.held_count, 2);
	assert_int_equal(ingest.feed.frontier.size, 7);
	signer_free(signer);
	end(&ingest, &body);
}

static void is_stale_once_the_licence_is_another(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_push push = next_push();
	struct ingest ingest;
	struct venue venue;
	struct feed feed;
	struct buf body;

	begin(fixture, &push, &ingest, &body);
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), OK);
	assert_true(venue_get(fixture->txn, slice_text("qddex"), &venue));
	assert_true(feed_get(fixture->txn, 1, 1, &feed));
	venue.version++;
	venue_put(fixture->txn, &venue);
	assert_true(ingest_is_stale(&ingest, fixture->txn));
	venue.version--;
	venue_put(fixture->txn, &venue);
	assert_false(ingest_is_stale(&ingest, fixture->txn));
	venue.generation++;
	venue.version++;
	venue_put(fixture->txn, &venue);
	feed_put(fixture->txn, 1, 2, &feed);
	assert_true(ingest_is_stale(&ingest, fixture->txn));
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), ERR_FEED_ORIGIN);
	assert_false(ingest.is_checked); /* any more */
	end(&ingest, &body);
}

static void order_about_the_venue(struct ledger_fixture *fixture, enum order_type type)
{
	ledger_order(fixture,
	    (struct ledger_order){.type = type, .body = json_pack("{s:s,s:s}", "venue", "qddex", "reason", "x")});
}

/* Checked by a worker, then an order comes, then it is the push's turn with the writer. */
static void is_stale_once_an_order_was_about_the_venue(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_push push = next_push();
	struct signer *other = ledger_make_signer(KEY_ED25519, "qddex", 77);
	char old_key[KEY_VKEY_SIZE], new_key[KEY_VKEY_SIZE];
	struct ingest ingest;
	struct buf body;

	begin(fixture, &push, &ingest, &body);
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), OK);
	order_about_the_venue(fixture, ORDER_VENUE_SUSPEND);
	assert_true(ingest_is_stale(&ingest, fixture->txn));
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), ERR_SUSPENDED);
	order_about_the_venue(fixture, ORDER_VENUE_RESUME);
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), OK);
	key_format(signer_key(venue_signer), old_key);
	key_format(signer_key(other), new_key);
	ledger_order(fixture, (struct ledger_order){.type = ORDER_VENUE_KEY,
				  .body = json_pack("{s:s,s:[s],s:[s],s:b,s:s}", "venue", "qddex", "add", new_key,
				      "revoke", old_key, "new_generation", 0, "reason", "x")});
	assert_true(ingest_is_stale(&ingest, fixture->txn));
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), ERR_UNKNOWN_KEY);
	signer_free(other);
	end(&ingest, &body);
}

static void tells_what_is_held_where_it_refuses(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_push push = next_push();
	struct ingest ingest;
	struct buf body;

	push.start = 7;
	begin(fixture, &push, &ingest, &body);
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), ERR_FEED_GAP);
	assert_false(ingest.is_checked);
	assert_int_equal(ingest.feed.frontier.size, 5);
	end(&ingest, &body);
}

static void refuses_dates_after_the_day_of_ingest(void **state)
{
	static const uint32_t tomorrow = 20261125;
	struct ledger_fixture *fixture = *state;
	struct record records[4] = {
	    trades[5], trades[6], ledger_refund("A1", "T001", 1, 0), ledger_refund("A2", "T001", 1, 0)};
	struct ledger_push push = next_push();
	struct ingest ingest;
	struct buf body;

	records[0].trade.settled_on = LEDGER_TODAY;
	records[1].trade.settled_on = tomorrow;
	records[2].refund.occurred_on = LEDGER_TODAY - 1;
	records[3].refund.occurred_on = tomorrow;
	push.records = records;
	push.record_count = 4;
	begin(fixture, &push, &ingest, &body);
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), OK);
	assert_int_equal(ingest_check_dates(&ingest, tomorrow, &fixture->why), OK);
	assert_int_equal(ingest_check_dates(&ingest, LEDGER_TODAY, &fixture->why), ERR_RECORDS);
	assert_int_equal(ingest.fault_total, 2);
	assert_int_equal(ingest.faults[0].feed_index, 6);
	assert_string_equal(ingest.faults[0].fault.field, "settled_on");
	assert_non_null(
	    strstr(ingest.faults[0].fault.reason.text, "2026-11-25 lies after the day of ingest, 2026-11-24"));
	assert_int_equal(ingest.faults[1].feed_index, 8);
	assert_string_equal(ingest.faults[1].fault.field, "occurred_on");
	end(&ingest, &body);
	expect_refusal(fixture, &push, ERR_RECORDS, "2 faults; the first: record 6, settled_on");
	/* Held already: whatever day it is. */
	fixture->now_us = date_start_us(tomorrow);
	ledger_push(fixture, venue_signer, "qddex", leaves, 5, records, 4);
	begin(fixture, &push, &ingest, &body);
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), OK);
	assert_int_equal(ingest_check_dates(&ingest, LEDGER_TODAY, &fixture->why), OK);
	end(&ingest, &body);
}

static void lists_faults_up_to_the_limit(void **state)
{
	static struct slice slices[ERRORS_REPORTED_MAX + 1];
	struct push push = {.start = 10, .records = slices};
	struct buf good, body;

	(void)state;
	buf_init(&good, RECORD_SIZE_MAX);
	assert_int_equal(record_encode(&trades[0], &good), OK);
	for (size_t count = ERRORS_REPORTED_MAX - 1; count <= ERRORS_REPORTED_MAX + 1; count++) {
		struct ingest ingest;
		struct why why;

		for (size_t i = 0; i < count; i++)
			slices[i] = slice_text("x");
		slices[3] = buf_slice(&good);
		push.record_count = count;
		buf_init(&body, PUSH_SIZE_MAX);
		assert_int_equal(push_encode(&push, &body), OK);
		ingest_init(&ingest, "qddex", buf_slice(&body), true);
		assert_int_equal(ingest_decode(&ingest, &why), ERR_RECORDS);
		assert_int_equal(ingest.fault_total, count - 1);
		assert_int_equal(ingest.fault_count, count - 1 < ERRORS_REPORTED_MAX ? count - 1 : ERRORS_REPORTED_MAX);
		assert_int_equal(ingest.faults[2].feed_index, 12);
		assert_int_equal(ingest.faults[3].feed_index, 14); /* the good one has none */
		end(&ingest, &body);
	}
	buf_done(&good);
}

static void checks_records_without_a_note(void **state)
{
	struct ledger_fixture *fixture = *state;
	struct ledger_push pushed = next_push();
	struct buf body, bare;
	struct ingest ingest;
	struct arena arena;
	struct push push;

	buf_init(&body, PUSH_SIZE_MAX);
	buf_init(&bare, PUSH_SIZE_MAX);
	arena_init(&arena, PUSH_ARENA_MAX);
	ledger_push_body(fixture, &pushed, &body);
	ingest_init(&ingest, "qddex", buf_slice(&body), true);
	assert_int_equal(ingest_decode(&ingest, &fixture->why), ERR_NOTE);
	ingest_done(&ingest);
	assert_int_equal(push_decode(buf_slice(&body), &arena, &push, &fixture->why), OK);
	push.note = slice_of(NULL, 0);
	assert_int_equal(push_encode(&push, &bare), OK);
	ingest_init(&ingest, "qddex", buf_slice(&bare), true);
	assert_int_equal(ingest_decode(&ingest, &fixture->why), OK);
	assert_int_equal(ingest_check(&ingest, fixture->txn, &fixture->why), OK);
	assert_int_equal(ingest_new_count(&ingest), 2);
	ingest_done(&ingest);
	arena_done(&arena);
	buf_done(&body);
	buf_done(&bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(takes_the_next_records, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_what_does_not_continue_the_feed, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_what_the_venue_did_not_sign, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_other_content_than_is_held, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_a_genuine_note_over_anything_else, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_bytes_that_are_no_push, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_sm2_signatures, setup, teardown),
	    cmocka_unit_test_setup_teardown(appends_the_rest_of_what_overlaps, setup, teardown),
	    cmocka_unit_test_setup_teardown(is_stale_once_the_feed_has_grown, setup, teardown),
	    cmocka_unit_test_setup_teardown(is_stale_once_the_licence_is_another, setup, teardown),
	    cmocka_unit_test_setup_teardown(is_stale_once_an_order_was_about_the_venue, setup, teardown),
	    cmocka_unit_test_setup_teardown(tells_what_is_held_where_it_refuses, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_dates_after_the_day_of_ingest, setup, teardown),
	    cmocka_unit_test_setup_teardown(lists_faults_up_to_the_limit, setup, teardown),
	    cmocka_unit_test_setup_teardown(checks_records_without_a_note, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

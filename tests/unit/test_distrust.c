/* A venue's stolen key: what it signed from an index on is held, in slices, and a replay gives the same. */
#include "distrust_fixture.h"

/* ---- what is held */

static void holds_what_the_key_signed_from_that_entry_on(void **state)
{
	struct world *world = *state;
	uint64_t from, index;
	struct arena arena;
	struct entry entry;

	world->fixture.ledger.slice_trades_max = 100;
	push_trades(world, world->stolen, "A", 2);
	push_trades(world, world->sound, "B", 2);
	from = push_trades(world, world->stolen, "C", 2); /* its push entry is the first of them */
	push_trades(world, world->sound, "D", 2);
	push_trades(world, world->stolen, "E", 2);
	push_trades(world, world->stolen, "E", 2); /* duplicates count for nothing */
	index = distrust(world, world->stolen, from);
	assert_int_equal(world->fixture.ledger.head.size, index + 5);
	assert_true(row(world, index).is_done);
	assert_int_equal(row(world, index).held, 4);
	assert_int_equal(count_held(world, "A", 2) + count_held(world, "B", 2) + count_held(world, "D", 2), 0);
	assert_int_equal(count_held(world, "C", 2) + count_held(world, "E", 2), 4);
	arena_init(&arena, CHAIN_ARENA_SIZE);
	ledger_get(&world->fixture, index + 1, &arena, &entry);
	assert_int_equal(entry.effect.kind, EFFECT_HELD);
	assert_int_equal(entry.effect.order_index, index);
	assert_int_equal(entry.effect.item, 0);
	assert_true(slice_equal(entry.effect.trade_no, slice_text("C0")));
	arena_done(&arena);
	assert_int_equal(slice(world), 0);
	expect_sound(world);
	/* One entry further, and the push is not among them. */
	refuse(world, world->stolen, from, "is distrusted already");
	refuse(world, world->stolen, from + 1, "is distrusted already");
}

static void leaves_the_push_before_from_alone(void **state)
{
	struct world *world = *state;
	uint64_t first = push_trades(world, world->stolen, "A", 2), index;

	push_trades(world, world->stolen, "B", 1);
	index = distrust(world, world->stolen, first + 1);
	assert_int_equal(row(world, index).held, 1);
	assert_int_equal(count_held(world, "A", 2), 0);
	expect_sound(world);
}

/* Key ids are four bytes: a push may name the stolen key, and be signed by another one of the same name and id. */
static void leaves_a_key_of_the_same_id_alone(void **state)
{
	struct world *world = *state;
	struct signer *stolen = ledger_make_signer(KEY_ED25519, VENUE, 19260),
		      *twin = ledger_make_signer(KEY_ED25519, VENUE, 21119);
	uint64_t from, index;

	assert_memory_equal(signer_key(stolen)->id, signer_key(twin)->id, KEY_ID_SIZE);
	assert_false(key_equal(signer_key(stolen), signer_key(twin)));
	ledger_order(&world->fixture,
	    (struct ledger_order){.type = ORDER_VENUE_KEY, .body = keys_body(VENUE, stolen, NULL, false)});
	ledger_order(&world->fixture,
	    (struct ledger_order){.type = ORDER_VENUE_KEY, .body = keys_body(VENUE, twin, NULL, false)});
	from = push_trades(world, twin, "A", 1);
	push_trades(world, stolen, "B", 1);
	push_trades(world, twin, "C", 1);
	index = distrust(world, stolen, from);
	assert_true(row(world, index).is_done);
	assert_int_equal(count_held(world, "B", 1), 1);
	assert_int_equal(count_held(world, "A", 1) + count_held(world, "C", 1), 0);
	expect_sound(world);
	signer_free(stolen);
	signer_free(twin);
}

static struct hash cells_digest(struct world *world)
{
	struct hash digest = hash_empty();
	struct store_cursor cursor;

	store_cursor_open(&cursor, world->fixture.txn, STORE_CELLS);
	for (bool is_there = store_cursor_first(&cursor); is_there; is_there = store_cursor_next(&cursor)) {
		struct slice parts[] = {hash_slice(&digest), cursor.key, cursor.value};

		digest = hash_sha256_parts(parts, 3);
	}
	store_cursor_close(&cursor);
	return digest;
}

static void takes_the_cells_along(void **state)
{
	struct world *world = *state;
	struct hash before, after;
	uint64_t from = push_trades(world, world->stolen, "A", 2);
	char number[3] = "A0";

	before = cells_digest(world);
	distrust(world, world->stolen, from);
	after = cells_digest(world);
	assert_memory_not_equal(&before, &after, sizeof(before));
	for (; number[1] < '2'; number[1]++)
		change(world, ORDER_TRADE_RELEASE, number);
	after = cells_digest(world);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(count_held(world, "A", 2), 0);
	expect_sound(world);
}

static void goes_on_in_slices_between_other_commands(void **state)
{
	struct world *world = *state;
	uint64_t from = push_trades(world, world->stolen, "A", 4), index;

	push_trades(world, world->sound, "B", 3);
	push_trades(world, world->stolen, "C", 4);
	index = distrust(world, world->stolen, from);
	assert_int_equal(row(world, index).held, 3);
	assert_false(row(world, index).is_done);
	expect_sound(world);
	push_trades(world, world->sound, "D", 2);
	assert_int_equal(slice(world), 3);
	expect_sound(world);
	assert_int_equal(count_held(world, "C", 4), 2);
	/* Two of them one behind the other, in the same microsecond of the clock. */
	assert_int_equal(slice(world), 2);
	expect_sound(world);
	assert_true(row(world, index).is_done);
	assert_int_equal(row(world, index).held, 8);
	assert_int_equal(slice(world), 0);
	assert_int_equal(count_held(world, "A", 4) + count_held(world, "C", 4), 8);
	assert_int_equal(count_held(world, "B", 3) + count_held(world, "D", 2), 0);
	expect_sound(world);
}

static uint64_t state_index_of(struct world *world, const char *trade_no)
{
	struct touched touched;
	uint64_t index;

	assert_true(trade_find(world->fixture.txn, 1, slice_text(trade_no), &index));
	touched_get(world->fixture.txn, index, &touched);
	return touched.state_index;
}

static void leaves_to_other_orders_what_they_did_since(void **state)
{
	struct world *world = *state;
	uint64_t from = push_trades(world, world->stolen, "A", 9), index;

	change(world, ORDER_TRADE_HOLD, "A4");
	change(world, ORDER_TRADE_HOLD, "A5");
	change(world, ORDER_TRADE_HOLD, "A6");
	change(world, ORDER_TRADE_RELEASE, "A6"); /* before the order: it counts as any other */
	assert_int_equal(state_index_of(world, "A6"), 0);
	index = distrust(world, world->stolen, from);
	change(world, ORDER_TRADE_RELEASE, "A0"); /* held by it, and examined */
	change(world, ORDER_TRADE_RELEASE, "A4"); /* not reached, held by another */
	change(world, ORDER_TRADE_VOID, "A7");
	change(world, ORDER_TRADE_HOLD, "A8");
	change(world, ORDER_TRADE_RELEASE, "A8"); /* not reached either, and examined since */
	refund(world, "R1", "A3");
	refund(world, "R2", "A1");
	expect_sound(world);
	assert_true(state_index_of(world, "A0") > index);
	assert_int_equal(slice(world), 2); /* A3 and A6 */
	assert_true(row(world, index).is_done);
	assert_int_equal(state_of(world, "A0"), TRADE_COUNTED);
	assert_int_equal(state_of(world, "A3"), TRADE_HELD);
	assert_int_equal(state_of(world, "A4"), TRADE_COUNTED);
	assert_int_equal(state_of(world, "A5"), TRADE_HELD);
	assert_int_equal(state_of(world, "A6"), TRADE_HELD);
	assert_int_equal(state_of(world, "A7"), TRADE_VOIDED);
	assert_int_equal(state_of(world, "A8"), TRADE_COUNTED);
	change(world, ORDER_TRADE_RELEASE, "A3");
	expect_sound(world);
}

static void carries_out_the_older_of_two_first(void **state)
{
	struct world *world = *state;
	uint64_t from = push_trades(world, world->stolen, "A", 5), first, second;

	push_trades(world, world->sound, "B", 5);
	first = distrust(world, world->stolen, from);
	second = distrust(world, world->sound, from);
	assert_int_equal(row(world, second).held, 3); /* its first slice is right behind it all the same */
	assert_int_equal(slice(world), 2);
	assert_true(row(world, first).is_done);
	assert_false(row(world, second).is_done);
	expect_sound(world);
	assert_int_equal(slice(world), 2);
	assert_true(row(world, second).is_done);
	assert_int_equal(count_held(world, "A", 5) + count_held(world, "B", 5), 10);
	expect_sound(world);
}

/* A push signed by both keys is held by the order that comes first, and once. */
static void holds_once_what_two_stolen_keys_signed(void **state)
{
	struct world *world = *state;
	struct record records[4] = {ledger_trade("A0", world->a, world->b, 10),
	    ledger_trade("A1", world->a, world->b, 10), ledger_trade("A2", world->a, world->b, 10),
	    ledger_trade("A3", world->a, world->b, 10)};
	struct ledger_push push = {
	    .signer = world->stolen, .venue = VENUE, .records = records, .record_count = 4, .earlier = world->leaves};
	uint64_t index, first, second;
	struct buf body, note, twice;
	struct arena arena;
	struct push message;

	buf_init(&body, PUSH_SIZE_MAX);
	buf_init(&note, NOTE_SIZE_MAX);
	buf_init(&twice, PUSH_SIZE_MAX);
	arena_init(&arena, PUSH_ARENA_MAX);
	ledger_push_body(&world->fixture, &push, &body);
	assert_int_equal(push_decode(buf_slice(&body), &arena, &message, NULL), OK);
	assert_int_equal(note_add_signature(message.note, world->sound, &note), OK);
	message.note = buf_slice(&note);
	assert_int_equal(push_encode(&message, &twice), OK);
	assert_int_equal(ledger_apply_push(&world->fixture, VENUE, buf_slice(&twice), &index), OK);
	arena_done(&arena);
	buf_done(&twice);
	buf_done(&note);
	buf_done(&body);
	first = distrust(world, world->stolen, index);
	second = distrust(world, world->sound, index);
	assert_int_equal(row(world, first).held + row(world, second).held, 4);
	assert_int_equal(slice(world), 0);
	assert_true(row(world, first).is_done);
	assert_true(row(world, second).is_done);
	expect_sound(world);
}

static void spans_generations(void **state)
{
	struct world *world = *state;
	uint64_t from, index;

	push_trades(world, world->stolen, "A", 1);
	from = push_trades(world, world->stolen, "B", 1);
	ledger_order(&world->fixture,
	    (struct ledger_order){.type = ORDER_VENUE_KEY, .body = keys_body(VENUE, NULL, NULL, true)});
	index = distrust(world, world->stolen, from);
	assert_int_equal(row(world, index).held, 1);
	assert_true(row(world, index).is_done);
	assert_int_equal(count_held(world, "A", 1), 0);
	expect_sound(world);
	/* And one that begins behind all of the first feed. */
	index = distrust(world, world->sound, index);
	assert_int_equal(row(world, index).held, 0);
	assert_true(row(world, index).is_done);
	expect_sound(world);
}

static void begins_earlier_by_another_order(void **state)
{
	struct world *world = *state;
	uint64_t from = push_trades(world, world->stolen, "A", 2), later = push_trades(world, world->stolen, "B", 2),
		 index;

	distrust(world, world->stolen, later);
	change(world, ORDER_TRADE_RELEASE, "B0");
	index = distrust(world, world->stolen, from);
	assert_int_equal(row(world, index).held, 2);
	assert_int_equal(count_held(world, "A", 2), 2);
	assert_int_equal(state_of(world, "B0"), TRADE_COUNTED); /* it was examined under the first order */
	refuse(world, world->stolen, from, "is distrusted already");
	expect_sound(world);
}

/* A slice that finds nothing within what it may look at leaves no entry, and goes on from there. */
static void looks_at_no_more_than_it_may(void **state)
{
	struct world *world = *state;
	uint64_t from = push_trades(world, world->sound, "A", 1), size, steps = 0, index;

	for (unsigned i = 0; i < 8; i++)
		push_trades(world, world->sound, "A", 1);
	push_trades(world, world->stolen, "B", 2);
	for (unsigned i = 0; i < 8; i++)
		push_trades(world, world->sound, "A", 1);
	world->fixture.ledger.slice_look_max = 3;
	index = distrust(world, world->stolen, from);
	size = world->fixture.ledger.head.size;
	assert_int_equal(row(world, index).feed_index, 3);
	expect_sound(world);
	assert_int_equal(slice(world), 0);
	assert_int_equal(row(world, index).feed_index, 6);
	expect_sound(world);
	while (!row(world, index).is_done && steps++ < 100) {
		(void)slice(world);
		expect_sound(world);
	}
	assert_true(steps > 3);
	assert_int_equal(world->fixture.ledger.head.size, size + 2);
	assert_int_equal(count_held(world, "B", 2), 2);
}

/* Of one record each: 1 for the push, 16 for its signature, 1 for the record. */
static void counts_a_signature_as_so_many_looks(void **state)
{
	struct world *world = *state;
	uint64_t from = push_trades(world, world->stolen, "A", 1), index;
	const char *names[] = {"B", "C", "D", "E"};

	for (size_t i = 0; i < 4; i++)
		push_trades(world, world->stolen, names[i], 1);
	world->fixture.ledger.slice_look_max = 2 * 18;
	index = distrust(world, world->stolen, from);
	assert_int_equal(row(world, index).held, 2);
	world->fixture.ledger.slice_look_max = 2 * 18 + 1;
	assert_int_equal(slice(world), 3);
	assert_int_equal(row(world, index).held, 5);
	expect_sound(world);
}

/* ---- keys */

static void revokes_the_only_key(void **state)
{
	struct world *world = *state;
	struct signer *only = ledger_license(&world->fixture, KEY_ED25519, "sddex"),
		      *next = ledger_make_signer(KEY_ED25519, "sddex", 302);
	struct record record = ledger_trade("S1", world->a, world->b, 1000);
	struct ledger_push push = {.signer = only, .venue = "sddex", .records = &record, .record_count = 1};
	struct hash leaf;
	uint64_t from = world->fixture.ledger.head.size - 1, index;
	struct venue venue;

	distrust(world, only, from);
	assert_true(venue_get(world->fixture.txn, slice_text("sddex"), &venue));
	assert_int_equal(venue.key_count, 0);
	assert_int_equal(venue.retired_count, 1);
	assert_int_equal(ledger_try_push(&world->fixture, &push, &index), ERR_UNKNOWN_KEY);
	push.signer = next;
	assert_int_equal(ledger_try_push(&world->fixture, &push, &index), ERR_UNKNOWN_KEY);
	assert_non_null(strstr(world->fixture.why.text, "has no valid key"));
	ledger_order(&world->fixture,
	    (struct ledger_order){.type = ORDER_VENUE_KEY, .body = keys_body("sddex", next, NULL, false)});
	ledger_push(&world->fixture, next, "sddex", &leaf, 0, &record, 1);
	expect_sound(world);
	signer_free(only);
	signer_free(next);
}

static void takes_a_key_that_was_revoked_before(void **state)
{
	struct world *world = *state;
	uint64_t from = push_trades(world, world->stolen, "A", 1), revoked, index;

	revoked = ledger_order(&world->fixture,
	    (struct ledger_order){.type = ORDER_VENUE_KEY, .body = keys_body(VENUE, NULL, world->stolen, false)});
	push_trades(world, world->sound, "B", 1);
	refuse(world, world->stolen, revoked, "the key was revoked by entry");
	index = distrust(world, world->stolen, from);
	assert_int_equal(row(world, index).end, revoked);
	assert_int_equal(count_held(world, "A", 1), 1);
	expect_sound(world);
}

static void refuses_what_makes_no_sense(void **state)
{
	struct world *world = *state;
	struct signer *nobody = ledger_make_signer(KEY_ED25519, "nowhere", 400),
		      *foreign = ledger_make_signer(KEY_ED25519, VENUE, 401);
	uint64_t licensed = 1, index;
	struct venue venue;

	refuse(world, nobody, 1, "no venue nowhere is licensed");
	refuse(world, foreign, 1, "never had the key");
	assert_true(venue_get(world->fixture.txn, slice_text(VENUE), &venue));
	refuse(world, world->sound, venue.key_since[1] - 1, "is valid from entry");
	index = distrust(world, world->sound, venue.key_since[1]);
	assert_true(row(world, index).is_done);
	index = distrust(world, world->stolen, licensed);
	assert_true(row(world, index).is_done);
	expect_sound(world);
	signer_free(nobody);
	signer_free(foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(holds_what_the_key_signed_from_that_entry_on, setup, teardown),
	    cmocka_unit_test_setup_teardown(leaves_the_push_before_from_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(leaves_a_key_of_the_same_id_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_the_cells_along, setup, teardown),
	    cmocka_unit_test_setup_teardown(goes_on_in_slices_between_other_commands, setup, teardown),
	    cmocka_unit_test_setup_teardown(leaves_to_other_orders_what_they_did_since, setup, teardown),
	    cmocka_unit_test_setup_teardown(carries_out_the_older_of_two_first, setup, teardown),
	    cmocka_unit_test_setup_teardown(holds_once_what_two_stolen_keys_signed, setup, teardown),
	    cmocka_unit_test_setup_teardown(spans_generations, setup, teardown),
	    cmocka_unit_test_setup_teardown(begins_earlier_by_another_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(looks_at_no_more_than_it_may, setup, teardown),
	    cmocka_unit_test_setup_teardown(counts_a_signature_as_so_many_looks, setup, teardown),
	    cmocka_unit_test_setup_teardown(revokes_the_only_key, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_a_key_that_was_revoked_before, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_what_makes_no_sense, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

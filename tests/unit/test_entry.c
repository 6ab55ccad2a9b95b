/* Entries: each kind both ways against its vector. */
#include "proto/entry.h"

#include "entry_fixture.h"

static void gives_back_each_vector(void **state)
{
	struct hash previous = {{0}};

	(void)state;
	for (size_t i = 0; i < LEDGER_SIZE; i++) {
		struct arena arena;
		struct entry entry;
		struct buf hex, again;
		struct slice bytes = bytes_of_hex(ledger[i], &hex);

		arena_init(&arena, ARENA_MAX);
		buf_init(&again, ENTRY_SIZE_MAX);
		assert_int_equal(entry_decode(bytes, &arena, &entry), OK);
		assert_true(hash_equal(&entry.previous, &previous));
		assert_int_equal(entry_encode(&entry, &again), OK);
		assert_true(slice_equal(buf_slice(&again), bytes));
		previous = hash_leaf(bytes);
		buf_done(&again);
		buf_done(&hex);
		arena_done(&arena);
	}
}

static void reads_genesis_and_orders(void **state)
{
	struct opened o;

	(void)state;
	open_entry(genesis_hex, &o);
	assert_int_equal(o.entry.kind, ENTRY_GENESIS);
	assert_true(o.entry.time_us == EPOCH);
	assert_int_equal(o.entry.salt[0], 0xa0);
	assert_int_equal(o.entry.link_count, 0);
	assert_true(slice_equal(o.entry.genesis.note, slice_text("subsidy.genesis/v1\nexample\n")));
	close_entry(&o);

	open_entry(order_hex, &o);
	assert_int_equal(o.entry.kind, ENTRY_ORDER);
	assert_int_equal(o.entry.flags, 0);
	assert_int_equal(o.entry.salt[SALT_SIZE - 1], 0xa1);
	assert_true(slice_equal(o.entry.order.note, slice_text("subsidy.order/v1\nregister\n")));
	assert_int_equal(o.entry.order.item_count, 2);
	assert_int_equal(o.entry.order.items[1].data[0], '{');
	close_entry(&o);

	open_entry(order_relate_hex, &o);
	assert_int_equal(o.entry.flags, ENTRY_FLAG_CLOCK_STEPPED_BACK);
	assert_int_equal(o.entry.order.item_count, 1);
	close_entry(&o);
}

static void reads_records(void **state)
{
	static const uint8_t no_salt[SALT_SIZE];
	struct opened o;

	(void)state;
	open_entry(record_trade_hex, &o);
	assert_int_equal(o.entry.kind, ENTRY_RECORD);
	assert_memory_equal(o.entry.salt, no_salt, SALT_SIZE);
	assert_int_equal(o.entry.link_count, 2);
	assert_int_equal(o.entry.links[0], 2);
	assert_int_equal(o.entry.links[1], 3);
	assert_true(slice_equal(o.entry.record.venue, slice_text("qddex")));
	assert_int_equal(o.entry.record.generation, 1);
	assert_int_equal(o.entry.record.feed_index, 0);
	assert_int_equal(o.entry.record.record.size, 324);
	assert_int_equal(o.entry.record.disposition, DISPOSITION_COUNTED);
	assert_int_equal(o.entry.record.refers, 0);
	close_entry(&o);

	open_entry(record_refund_hex, &o);
	assert_int_equal(o.entry.record.feed_index, 1);
	assert_int_equal(o.entry.record.record.size, 102);
	assert_int_equal(o.entry.record.refers, 4);
	close_entry(&o);
}

static void reads_a_push(void **state)
{
	struct opened o;
	struct hash hash = hash_sha256(slice_text("\x01\x01"));

	(void)state;
	open_entry(push_hex, &o);
	assert_int_equal(o.entry.kind, ENTRY_PUSH);
	assert_true(slice_equal(o.entry.push.venue, slice_text("qddex")));
	assert_int_equal(o.entry.push.generation, 1);
	assert_int_equal(o.entry.push.start, 0);
	assert_int_equal(o.entry.push.count, 2);
	assert_int_equal(o.entry.push.first_index, 4);
	assert_int_equal(o.entry.push.note.size, 92);
	assert_int_equal(o.entry.push.tally_count, 1);
	assert_int_equal(o.entry.push.tally[0].disposition, DISPOSITION_COUNTED);
	assert_int_equal(o.entry.push.tally[0].count, 2);
	assert_true(hash_equal(&o.entry.push.dispositions_hash, &hash));
	close_entry(&o);
}

static void reads_effects(void **state)
{
	struct opened o;

	(void)state;
	open_entry(registered_hex, &o);
	assert_int_equal(o.entry.kind, ENTRY_EFFECT);
	assert_int_equal(o.entry.link_count, 1);
	assert_int_equal(o.entry.links[0], 0);
	assert_int_equal(o.entry.effect.order_index, 1);
	assert_int_equal(o.entry.effect.item, 0);
	assert_int_equal(o.entry.effect.kind, EFFECT_REGISTERED);
	assert_true(slice_equal(o.entry.effect.code, slice_text("91370200264574251E")));
	assert_true(slice_equal(o.entry.effect.name, slice_text("海尔智家股份有限公司")));
	assert_int_equal(o.entry.effect.list_count, 1);
	assert_true(slice_equal(o.entry.effect.lists[0], slice_text("default")));
	close_entry(&o);

	open_entry(related_hex, &o);
	assert_int_equal(o.entry.effect.kind, EFFECT_RELATED);
	assert_int_equal(o.entry.effect.order_index, 7);
	assert_true(slice_equal(o.entry.effect.code, slice_text("91370200264574251E")));
	assert_true(slice_equal(o.entry.effect.second, slice_text("91370202MA0XTE011C")));
	assert_int_equal(o.entry.link_count, 2);
	close_entry(&o);
}

static void reads_effects_on_trades_and_lists(void **state)
{
	static const enum effect_kind kinds[] = {EFFECT_HELD, EFFECT_RELEASED, EFFECT_VOIDED};
	struct opened o;

	(void)state;
	open_entry(held_hex, &o);
	assert_int_equal(o.entry.effect.kind, EFFECT_HELD);
	assert_int_equal(o.entry.effect.order_index, 9);
	assert_true(slice_equal(o.entry.effect.venue, slice_text("qddex")));
	assert_true(slice_equal(o.entry.effect.trade_no, slice_text("QD-2025-000123")));
	assert_int_equal(o.entry.effect.trade_index, 4);
	assert_int_equal(o.entry.link_count, 2);
	/* The three differ in their field's number alone. */
	for (size_t i = 0; i < 3; i++) {
		struct arena arena;
		struct entry entry;
		struct buf bytes;

		arena_init(&arena, ARENA_MAX);
		buf_init(&bytes, ENTRY_SIZE_MAX);
		o.entry.effect.kind = kinds[i];
		assert_int_equal(entry_encode(&o.entry, &bytes), OK);
		assert_int_equal(bytes.data[71], (6 + i) << 3 | 2);
		assert_int_equal(entry_decode(buf_slice(&bytes), &arena, &entry), OK);
		assert_int_equal(entry.effect.kind, kinds[i]);
		assert_true(effect_is_of_trade(entry.effect.kind));
		buf_done(&bytes);
		arena_done(&arena);
	}
	close_entry(&o);

	open_entry(delisted_hex, &o);
	assert_int_equal(o.entry.effect.kind, EFFECT_DELISTED);
	assert_true(slice_equal(o.entry.effect.code, slice_text("91370200264574251E")));
	assert_int_equal(o.entry.effect.list_count, 1);
	assert_false(effect_is_of_trade(o.entry.effect.kind));
	close_entry(&o);
}

static void reads_evidence(void **state)
{
	struct opened o;

	(void)state;
	open_entry(evidence_hex, &o);
	assert_int_equal(o.entry.kind, ENTRY_EVIDENCE);
	assert_int_equal(o.entry.link_count, 0);
	assert_true(slice_equal(o.entry.evidence.venue, slice_text("qddex")));
	assert_int_equal(o.entry.evidence.generation, 1);
	assert_int_equal(o.entry.evidence.size, 2);
	assert_int_equal(o.entry.evidence.note.size, 92);
	assert_int_equal(o.entry.evidence.push_index, 6);
	close_entry(&o);
}

static void names_each_kind(void **state)
{
	(void)state;
	assert_string_equal(entry_kind_name(ENTRY_GENESIS), "genesis");
	assert_string_equal(entry_kind_name(ENTRY_RECORD), "record");
	assert_string_equal(entry_kind_name(ENTRY_PUSH), "push");
	assert_string_equal(entry_kind_name(ENTRY_ORDER), "order");
	assert_string_equal(entry_kind_name(ENTRY_EFFECT), "effect");
	assert_string_equal(entry_kind_name(ENTRY_EVIDENCE), "evidence");
	assert_string_equal(effect_kind_name(EFFECT_REGISTERED), "registered");
	assert_string_equal(effect_kind_name(EFFECT_RELATED), "related");
	assert_string_equal(effect_kind_name(EFFECT_DELISTED), "delisted");
	assert_string_equal(effect_kind_name(EFFECT_HELD), "held");
	assert_string_equal(effect_kind_name(EFFECT_RELEASED), "released");
	assert_string_equal(effect_kind_name(EFFECT_VOIDED), "voided");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_back_each_vector),
	    cmocka_unit_test(reads_genesis_and_orders),
	    cmocka_unit_test(reads_records),
	    cmocka_unit_test(reads_a_push),
	    cmocka_unit_test(reads_effects),
	    cmocka_unit_test(reads_effects_on_trades_and_lists),
	    cmocka_unit_test(reads_evidence),
	    cmocka_unit_test(names_each_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Offices: who may sign what at which place of the ledger, out of the acts of a ledger that the fold made; and what is
 * not an act, comes twice, or leaves something out.
 */
#include "proto/offices.h"

#include "daemon/chain.h"
#include "tests/unit/world.h"

#define FIRM world_firms[0]

/* Takes every act of the ledger below `size`; `skipped` is left out (0: none is). */
static enum err take_acts(
    struct world *world, uint64_t size, uint64_t skipped, struct offices *offices, struct why *why)
{
	struct store_txn *txn = world_read(world);
	struct arena arena;
	struct entry entry;
	struct slice bytes;
	enum err err = OK;

	arena_init(&arena, CHAIN_ARENA_SIZE);
	offices_init(offices);
	for (uint64_t index = 0; index < size && err == OK; index++) {
		arena_reset(&arena);
		assert_int_equal(ledger_entry(txn, index, &arena, &entry), OK);
		assert_true(ledger_bytes(txn, index, &bytes));
		if (index == 0)
			err = offices_begin(offices, &entry, bytes, why);
		else if (entry.kind == ENTRY_ORDER && entry.order.item_count == 0 && index != skipped)
			err = offices_take(offices, index, &entry, why);
	}
	arena_done(&arena);
	store_abort(txn);
	return err;
}

static uint64_t venue_order(struct world *world, enum order_type type)
{
	json_t *body = json_pack("{s:s, s:s}", "venue", world_venues[0], "reason", "送检");
	uint64_t size = world_order(world, type, body, NULL, 0);

	json_decref(body);
	return size;
}

static uint64_t officer_add(struct world *world, const char *name)
{
	struct signer *signer = world_signer(name, 77);
	json_t *body = json_pack("{s:s, s:s, s:[o]}", "name", name, "role", "clerk", "keys", world_vkey(signer));
	uint64_t size = world_order(world, ORDER_OFFICER_ADD, body, NULL, 0);

	json_decref(body);
	signer_free(signer);
	return size;
}

static uint64_t officer_remove(struct world *world, const char *name)
{
	json_t *body = json_pack("{s:s, s:s}", "name", name, "reason", "调离");
	uint64_t size = world_order(world, ORDER_OFFICER_REMOVE, body, NULL, 0);

	json_decref(body);
	return size;
}

static struct world *make_world(void)
{
	struct world *world = world_new();

	world_license(world, 0);                                        /* 1 */
	world_license(world, 1);                                        /* 2 */
	venue_order(world, ORDER_VENUE_SUSPEND);                        /* 3 */
	venue_order(world, ORDER_VENUE_RESUME);                         /* 4 */
	officer_add(world, "sun");                                      /* 5 */
	officer_remove(world, "sun");                                   /* 6 */
	world_adopt(world, WORLD_FLAT);                                 /* 7 */
	world_register(world, FIRM, "甲公司（样例）", "default", NULL); /* 8, 9 */
	return world;
}

static void knows_who_is_in_office(void **state)
{
	static const struct {
		uint64_t size;
		size_t venues, officers, policies;
		bool is_suspended;
	} rows[] = {{1, 0, 2, 0, false}, {2, 1, 2, 0, false}, {3, 2, 2, 0, false}, {4, 2, 2, 0, true},
	    {5, 2, 2, 0, false}, {6, 2, 3, 0, false}, {7, 2, 2, 0, false}, {8, 2, 2, 1, false}, {10, 2, 2, 1, false}};
	struct world *world = make_world();
	struct offices *offices = malloc(sizeof(*offices));
	struct key keys[LOG_KEYS_EVER_MAX];
	struct why why;

	(void)state;
	assert_non_null(offices);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (take_acts(world, rows[i].size, 0, offices, &why) != OK)
			fail_msg("size %u: %s", (unsigned)rows[i].size, why.text);
		assert_int_equal(offices->venues.count, rows[i].venues);
		assert_int_equal(offices->officers.count, rows[i].officers);
		assert_int_equal(offices->policies.count, rows[i].policies);
		if (rows[i].venues > 0) {
			const struct offices_venue *venue = array_at(&offices->venues, 0);

			assert_string_equal(venue->id, world_venues[0]);
			assert_int_equal(venue->suspended_index != 0, rows[i].is_suspended);
		}
		assert_string_equal(offices->ledger_id, world->ledger_id);
		assert_int_equal(offices_valid_keys(offices, false, keys), 1);
		assert_true(key_equal(&keys[0], signer_key(world->ledger_key)));
		assert_int_equal(offices_valid_keys(offices, true, keys), 0);
		assert_true(offices_had_key(offices, signer_key(world->ledger_key)));
		assert_false(offices_had_key(offices, signer_key(world->officers[0])));
		assert_int_equal(offices_finish(offices, &why), OK);
		offices_done(offices);
	}
	free(offices);
	world_free(world);
}

static void notices_an_act_that_others_depend_on(void **state)
{
	static const struct {
		uint64_t skipped;
		const char *word;
	} rows[] = {{1, "licenses"}, {3, "suspended or resumed twice"}, {5, "added or removed twice"}};
	struct world *world = make_world();
	struct offices *offices = malloc(sizeof(*offices));

	(void)state;
	assert_non_null(offices);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct why why = {""};

		assert_int_equal(take_acts(world, 10, rows[i].skipped, offices, &why), ERR_INVALID);
		if (strstr(why.text, rows[i].word) == NULL)
			fail_msg("%s", why.text);
		offices_done(offices);
	}
	free(offices);
	world_free(world);
}

static void read_entry(struct world *world, uint64_t index, struct arena *arena, struct entry *ret_entry)
{
	struct store_txn *txn = world_read(world);

	arena_reset(arena);
	assert_int_equal(ledger_entry(txn, index, arena, ret_entry), OK);
	store_abort(txn);
}

static void takes_acts_alone_and_each_once(void **state)
{
	struct world *world = make_world();
	struct offices *offices = malloc(sizeof(*offices));
	struct arena arena;
	struct entry entry;
	struct why why = {""};

	(void)state;
	assert_non_null(offices);
	arena_init(&arena, CHAIN_ARENA_SIZE);
	assert_int_equal(take_acts(world, 8, 0, offices, &why), OK);
	read_entry(world, 8, &arena, &entry); /* an order with items */
	assert_int_equal(offices_take(offices, 8, &entry, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "it has items"));
	read_entry(world, 9, &arena, &entry); /* its effect */
	assert_int_equal(offices_take(offices, 9, &entry, &why), ERR_INVALID);
	assert_int_equal(offices_begin(offices, &entry, slice_text(""), &why), ERR_INVALID);
	read_entry(world, 2, &arena, &entry); /* behind others */
	assert_int_equal(offices_take(offices, 2, &entry, &why), ERR_INVALID);
	offices_done(offices);

	/* The same order at two places. */
	assert_int_equal(take_acts(world, 3, 0, offices, &why), OK);
	read_entry(world, 3, &arena, &entry);
	assert_int_equal(offices_take(offices, 3, &entry, &why), OK);
	read_entry(world, 4, &arena, &entry);
	assert_int_equal(offices_take(offices, 4, &entry, &why), OK);
	assert_int_equal(offices_finish(offices, &why), OK);
	read_entry(world, 3, &arena, &entry);
	assert_int_equal(offices_take(offices, 5, &entry, &why), OK);
	assert_int_equal(offices_finish(offices, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "carried out once"));
	offices_done(offices);
	arena_done(&arena);
	free(offices);
	world_free(world);
}

static void takes_an_order_in_its_time_alone(void **state)
{
	static const struct {
		int64_t days;
		enum err err;
	} rows[] = {{0, OK}, {10, OK}, {11, ERR_INVALID}, {-20, OK}, {-21, ERR_INVALID}};
	struct world *world = make_world();
	struct offices *offices = malloc(sizeof(*offices));
	struct arena arena;
	struct entry entry;
	struct why why;

	(void)state;
	assert_non_null(offices);
	arena_init(&arena, CHAIN_ARENA_SIZE);
	/* world_order has them expire ten days later. */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(take_acts(world, 7, 0, offices, &why), OK);
		read_entry(world, 7, &arena, &entry);
		entry.time_us = (uint64_t)((int64_t)entry.time_us + rows[i].days * 86400 * 1000000);
		if (offices_take(offices, 7, &entry, &why) != rows[i].err)
			fail_msg("row %zu: %s", i, why.text);
		offices_done(offices);
	}
	arena_done(&arena);
	free(offices);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_who_is_in_office),
	    cmocka_unit_test(notices_an_act_that_others_depend_on),
	    cmocka_unit_test(takes_acts_alone_and_each_once),
	    cmocka_unit_test(takes_an_order_in_its_time_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

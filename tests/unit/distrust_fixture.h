/*
 * A venue with two keys, one of which will be stolen: pushes by either, orders that distrust one, slices as the writer
 * makes them, and replays.
 */
#ifndef TESTS_UNIT_DISTRUST_FIXTURE_H
#define TESTS_UNIT_DISTRUST_FIXTURE_H

#define LEDGER_PUSH_RECORDS (DISTRUST_SLICE_MAX + 2)
#define LEDGER_MAP_SIZE (256u << 20)
#include "replay_fixture.h"

#include "daemon/chain.h"

#define VENUE "qddex"

struct world {
	struct ledger_fixture fixture;
	struct signer *stolen, *sound;
	struct hash *leaves;
	uint64_t feed_size;
	char a[USCI_SIZE + 1], b[USCI_SIZE + 1];
};

static inline json_t *keys_body(const char *venue, const struct signer *add, const struct signer *revoke, bool is_new)
{
	char added[KEY_VKEY_SIZE], revoked[KEY_VKEY_SIZE];

	if (add != NULL)
		key_format(signer_key(add), added);
	if (revoke != NULL)
		key_format(signer_key(revoke), revoked);
	return json_pack("{s:s,s:[s*],s:[s*],s:b,s:s}", "venue", venue, "add", add != NULL ? added : NULL, "revoke",
	    revoke != NULL ? revoked : NULL, "new_generation", is_new, "reason", "because");
}

/* A venue with two keys, of both kinds. */
static inline int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	ledger_setup(&world->fixture);
	fixture_code(1, world->a);
	fixture_code(2, world->b);
	world->leaves = calloc(2 * LEDGER_PUSH_RECORDS, sizeof(*world->leaves));
	world->stolen = ledger_license(&world->fixture, KEY_ED25519, VENUE);
	world->sound = ledger_make_signer(KEY_SM2, VENUE, 301);
	ledger_order(&world->fixture,
	    (struct ledger_order){.type = ORDER_VENUE_KEY, .body = keys_body(VENUE, world->sound, NULL, false)});
	world->fixture.ledger.slice_trades_max = 3;
	*state = world;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *world = *state;

	signer_free(world->stolen);
	signer_free(world->sound);
	ledger_teardown(&world->fixture);
	free(world->leaves);
	free(world);
	return 0;
}

/* Pushes trades named PREFIX0, PREFIX1, …; the index of their push entry. */
static inline uint64_t push_trades(struct world *world, struct signer *signer, const char *prefix, size_t count)
{
	static struct record records[LEDGER_PUSH_RECORDS];
	static char numbers[LEDGER_PUSH_RECORDS][32];
	uint64_t index;

	for (size_t i = 0; i < count; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%s%zu", prefix, i);
		records[i] = ledger_trade(numbers[i], world->a, world->b, 1000);
	}
	index = ledger_push(&world->fixture, signer, VENUE, world->leaves, world->feed_size, records, count);
	world->feed_size += count;
	return index;
}

static inline json_t *distrust_body(const struct signer *signer, uint64_t from)
{
	char vkey[KEY_VKEY_SIZE];

	key_format(signer_key(signer), vkey);
	return json_pack("{s:s,s:s,s:I,s:s}", "venue", signer_key(signer)->name, "key", vkey, "from", (json_int_t)from,
	    "reason", "stolen");
}

static inline struct ledger_order distrust_order(struct world *world, const struct signer *signer, uint64_t from)
{
	return (struct ledger_order){.type = ORDER_VENUE_DISTRUST,
	    .body = distrust_body(signer, from),
	    .made_at_size = world->fixture.ledger.head.size,
	    .signers = {1 + OFFICER_LI, 1 + OFFICER_ZHAO}};
}

static inline uint64_t distrust(struct world *world, const struct signer *signer, uint64_t from)
{
	return ledger_order(&world->fixture, distrust_order(world, signer, from));
}

static inline void refuse(struct world *world, const struct signer *signer, uint64_t from, const char *reason)
{
	struct ledger_order order = distrust_order(world, signer, from);
	uint64_t size = world->fixture.ledger.head.size, index;

	assert_int_equal(ledger_try_order(&world->fixture, &order, &index), ERR_REFUSED);
	if (strstr(world->fixture.why.text, reason) == NULL)
		fail_msg("\"%s\", wanted \"%s\"", world->fixture.why.text, reason);
	assert_int_equal(world->fixture.ledger.head.size, size);
}

/* One slice, as the writer makes it; how many trades it held. */
static inline uint64_t slice(struct world *world)
{
	static const uint8_t seed[32] = {1, 2, 3};
	struct ledger_fixture *fixture = &world->fixture;
	uint64_t size = fixture->ledger.head.size;
	struct stamp stamp = fold_distrust_stamp(&fixture->ledger, fixture->now_us, seed);

	ledger_begin_command(&fixture->ledger, &stamp);
	fold_distrust_slice(&fixture->ledger, fixture->txn);
	ledger_save(&fixture->ledger, fixture->txn);
	assert_int_equal(store_error(fixture->txn), OK);
	return fixture->ledger.head.size - size;
}

static inline struct distrust row(struct world *world, uint64_t order_index)
{
	struct distrust distrust;

	assert_true(distrust_get(world->fixture.txn, order_index, &distrust));
	return distrust;
}

static inline enum trade_state state_of(struct world *world, const char *trade_no)
{
	struct touched touched;
	uint64_t index;

	assert_true(trade_find(world->fixture.txn, 1, slice_text(trade_no), &index));
	touched_get(world->fixture.txn, index, &touched);
	return touched.state;
}

static inline size_t count_held(struct world *world, const char *prefix, size_t count)
{
	char number[16];
	size_t held = 0;

	for (size_t i = 0; i < count; i++) {
		snprintf(number, sizeof(number), "%s%zu", prefix, i);
		held += state_of(world, number) == TRADE_HELD ? 1 : 0;
	}
	return held;
}

static inline void change(struct world *world, enum order_type type, const char *trade_no)
{
	uint64_t index;

	if (ledger_try_trade(&world->fixture, type, VENUE, trade_no, &index) != OK)
		fail_msg("%s: %s", trade_no, world->fixture.why.text);
}

static inline void refund(struct world *world, const char *adjust_no, const char *trade_no)
{
	struct record record = ledger_refund(adjust_no, trade_no, 100, 10);

	ledger_push(&world->fixture, world->sound, VENUE, world->leaves, world->feed_size++, &record, 1);
}

static inline enum err replay(struct world *world, struct why *why)
{
	return ledger_replay(&world->fixture, why);
}

static inline void expect_sound(struct world *world)
{
	struct why why = {""};

	if (replay(world, &why) != OK)
		fail_msg("%s", why.text);
}

static inline void expect_damage(struct world *world, const char *reason)
{
	struct why why = {""};

	assert_int_equal(replay(world, &why), ERR_DAMAGED);
	if (strstr(why.text, reason) == NULL)
		fail_msg("\"%s\", wanted \"%s\"", why.text, reason);
}

#endif

/* How many past trades one order may file anew: one below the limit, at it, and one above it. */
#define LEDGER_MAP_SIZE (1u << 30)
#define LEDGER_PUSH_RECORDS (RELATE_TRADES_MAX / 2)
#include "ledger_fixture.h"

static char a[USCI_SIZE + 1], b[USCI_SIZE + 1], c[USCI_SIZE + 1], d[USCI_SIZE + 1];
static struct hash leaves[RELATE_TRADES_MAX + 16];
static struct record records[LEDGER_PUSH_RECORDS];
static char numbers[LEDGER_PUSH_RECORDS][12];
static uint64_t feed_size;

/* The next trades of the feed, all of two enterprises. */
static void push_trades(
    struct ledger_fixture *fixture, struct signer *signer, size_t count, const char *supplier, const char *buyer)
{
	for (size_t i = 0; i < count; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "T%07llu", (unsigned long long)feed_size + i);
		records[i] = ledger_trade(numbers[i], supplier, buyer, 1000);
	}
	ledger_push(fixture, signer, "qddex", leaves, feed_size, records, count);
	feed_size += count;
}

/* One order that relates a with b, and a with c. */
static enum err check_relating(struct ledger_fixture *fixture)
{
	struct ledger_order order = {
	    .type = ORDER_ENTERPRISE_RELATE, .item_count = 2, .signers = {1 + OFFICER_LI, 1 + OFFICER_ZHAO}};
	struct order_item items[] = {
	    {.code = slice_text(a), .second = slice_text(b)}, {.code = slice_text(a), .second = slice_text(c)}};
	struct order_plan plan;
	struct buf lines[2], note;
	enum err err;

	buf_init(&note, LEDGER_NOTE_MAX);
	for (size_t i = 0; i < 2; i++)
		order.items[i] = ledger_item(order.type, &items[i], &lines[i]);
	ledger_order_note(fixture, &order, &note);
	order_plan_init(&plan, buf_slice(&note), order.items, 2);
	assert_int_equal(order_plan_decode(&plan, &fixture->why), OK);
	err = order_check(&plan, fixture->txn, LEDGER_TODAY, &fixture->why);
	order_plan_done(&plan);
	buf_done(&note);
	for (size_t i = 0; i < 2; i++)
		buf_done(&lines[i]);
	return err;
}

static void expect_relating(struct ledger_fixture *fixture, const char *refusal)
{
	enum err err = check_relating(fixture);

	assert_int_equal(err, refusal != NULL ? ERR_REFUSED : OK);
	if (refusal != NULL)
		assert_non_null(strstr(fixture->why.text, refusal));
}

static void counts_past_trades_between_the_two(void **state)
{
	struct ledger_fixture fixture;
	struct signer *signer;

	(void)state;
	fixture_code(1, a);
	fixture_code(2, b);
	fixture_code(3, c);
	fixture_code(4, d);
	ledger_setup(&fixture);
	signer = ledger_license(&fixture, KEY_ED25519, "qddex");
	push_trades(&fixture, signer, LEDGER_PUSH_RECORDS, a, b);
	push_trades(&fixture, signer, LEDGER_PUSH_RECORDS - 1, c, a); /* whoever of the two supplied */
	/* Refunds, what does not count, and trades with others are not filed anew. */
	struct record other[] = {ledger_refund("A1", "T0000001", 10, 1), ledger_trade("T0000001", a, b, 1000),
	    ledger_trade("TA", a, a, 1000), ledger_trade("TB", a, d, 1000), ledger_trade("TC", b, c, 1000)};
	ledger_push(&fixture, signer, "qddex", leaves, feed_size, other, 5);
	feed_size += 5;
	ledger_register(&fixture, a, "Alpha", NULL);
	expect_relating(&fixture, NULL);
	push_trades(&fixture, signer, 1, a, c);
	expect_relating(&fixture, NULL);
	push_trades(&fixture, signer, 1, a, c);
	expect_relating(&fixture, "item 2: with it 100001 past trades would be filed anew");
	signer_free(signer);
	ledger_teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_past_trades_between_the_two),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* How many past trades one order may file anew: at the limit, and one above it. */
#define LEDGER_MAP_SIZE (1u << 30)
#define LEDGER_PUSH_RECORDS (RELATE_TRADES_MAX / 2)
#include "ledger_fixture.h"

static char a[USCI_SIZE + 1], b[USCI_SIZE + 1], c[USCI_SIZE + 1], d[USCI_SIZE + 1];
static struct hash leaves[RELATE_TRADES_MAX + 16];
static struct record records[LEDGER_PUSH_RECORDS];
static char numbers[LEDGER_PUSH_RECORDS][12];

/* As many trades of two enterprises as a push carries. */
static void push_trades(
    struct ledger_fixture *fixture, struct signer *signer, uint64_t start, const char *supplier, const char *buyer)
{
	for (size_t i = 0; i < LEDGER_PUSH_RECORDS; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "T%07llu", (unsigned long long)start + i);
		records[i] = ledger_trade(numbers[i], supplier, buyer, 1000);
	}
	ledger_push(fixture, signer, "qddex", leaves, start, records, LEDGER_PUSH_RECORDS);
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

static void counts_past_trades_between_the_two(void **state)
{
	struct ledger_fixture fixture;
	struct signer *signer;
	uint64_t start = 0;

	(void)state;
	fixture_code(1, a);
	fixture_code(2, b);
	fixture_code(3, c);
	fixture_code(4, d);
	ledger_setup(&fixture);
	signer = ledger_license(&fixture, KEY_ED25519, "qddex");
	push_trades(&fixture, signer, start, a, b);
	start += LEDGER_PUSH_RECORDS;
	push_trades(&fixture, signer, start, c, a); /* whoever of the two supplied */
	start += LEDGER_PUSH_RECORDS;
	/* Refunds, what does not count, and trades with others are not filed anew. */
	struct record other[] = {ledger_refund("A1", "T0000001", 10, 1), ledger_trade("T0000001", a, b, 1000),
	    ledger_trade("TA", a, a, 1000), ledger_trade("TB", a, d, 1000), ledger_trade("TC", b, c, 1000)};
	ledger_push(&fixture, signer, "qddex", leaves, start, other, 5);
	start += 5;
	ledger_register(&fixture, a, "Alpha", NULL);
	if (check_relating(&fixture) != OK)
		fail_msg("%s", fixture.why.text);
	records[0] = ledger_trade("TD", a, c, 1000);
	ledger_push(&fixture, signer, "qddex", leaves, start, records, 1);
	assert_int_equal(check_relating(&fixture), ERR_REFUSED);
	assert_non_null(strstr(fixture.why.text, "item 2: with it 100001 past trades would be filed anew"));
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

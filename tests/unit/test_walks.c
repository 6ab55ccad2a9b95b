/*
 * The bounds of what one answer or one order reads, at their real size: a ledger of two million entries, nearly all of
 * one enterprise's chain.
 */
#define LEDGER_MAP_SIZE (1u << 30)
#include "ledger_fixture.h"

#include "daemon/query.h"

#define COMMIT_ENTRIES 20000 /* between commits: bounds the pages that wait */

static char a[USCI_SIZE + 1], b[USCI_SIZE + 1], c[USCI_SIZE + 1];
static uint64_t newest; /* of a's chain */

/* Makes a's chain longer by `count` small entries, as a register that is corrected again and again would. */
static void lengthen(struct ledger_fixture *fixture, uint64_t count)
{
	struct code code = code_of(slice_text(a));
	struct party party;

	party_get(fixture->txn, &code, &party);
	for (uint64_t i = 0; i < count; i++) {
		struct entry entry = {.kind = ENTRY_EFFECT, .link_count = 1, .links = {newest}};

		entry.effect.order_index = 1;
		entry.effect.kind = EFFECT_REGISTERED;
		entry.effect.code = slice_text(a);
		entry.effect.name = slice_text("A");
		if (i % COMMIT_ENTRIES == 0) {
			ledger_commit(fixture);
			ledger_stamp_now(fixture);
		}
		newest = ledger_append(&fixture->ledger, fixture->txn, &entry);
	}
	party.last_index = newest;
	party_put(fixture->txn, &code, &party);
	ledger_save(&fixture->ledger, fixture->txn);
	assert_int_equal(store_error(fixture->txn), OK);
	ledger_commit(fixture);
}

/* At the size before the newest entry, so that the chain has to be walked, that entry too. */
static enum err read_past(struct ledger_fixture *fixture)
{
	struct code code = code_of(slice_text(a));
	struct history *history = NULL;
	enum err err = history_read(fixture->txn, &code, newest, &history, &fixture->why);

	history_free(history);
	return err;
}

static enum err relate(struct ledger_fixture *fixture)
{
	struct order_item item = {.code = slice_text(a), .second = slice_text(c)};
	struct ledger_order order = {
	    .type = ORDER_ENTERPRISE_RELATE, .item_count = 1, .signers = {1 + OFFICER_LI, 1 + OFFICER_ZHAO}};
	struct order_plan plan;
	struct buf line, note;
	enum err err;

	buf_init(&note, LEDGER_NOTE_MAX);
	order.items[0] = ledger_item(order.type, &item, &line);
	ledger_order_note(fixture, &order, &note);
	order_plan_init(&plan, buf_slice(&note), order.items, 1);
	assert_int_equal(order_plan_decode(&plan, &fixture->why), OK);
	err = order_check(&plan, fixture->txn, LEDGER_TODAY, &fixture->why);
	order_plan_done(&plan);
	buf_done(&note);
	buf_done(&line);
	return err;
}

static size_t count_shared(struct ledger_fixture *fixture, uint64_t *ret_searched_from)
{
	json_t *answer;
	size_t count;

	assert_int_equal(query_overview(fixture->txn, fixture->now_us, &answer, &fixture->why), OK);
	count = json_array_size(json_object_get(answer, "shared_contracts"));
	*ret_searched_from = (uint64_t)json_integer_value(json_object_get(answer, "searched_from"));
	json_decref(answer);
	return count;
}

static void bounds_the_entries_that_are_read(void **state)
{
	static const struct {
		uint64_t length;
		enum err past, relation;
	} rows[] = {
	    {AS_OF_WALK_MAX - 1, OK, OK}, {AS_OF_WALK_MAX, OK, OK}, {AS_OF_WALK_MAX + 1, ERR_TOO_LARGE, ERR_REFUSED}};
	struct ledger_fixture fixture;
	struct signer *first, *second;
	struct hash leaves[1];
	uint64_t length = 0, early, from;

	(void)state;
	_Static_assert(AS_OF_WALK_MAX == RELATE_WALK_MAX, "one chain shows both");
	fixture_code(1, a);
	fixture_code(2, b);
	fixture_code(3, c);
	ledger_setup(&fixture);
	first = ledger_license(&fixture, KEY_ED25519, "qddex");
	second = ledger_license(&fixture, KEY_ED25519, "sddex");
	struct record trades[] = {ledger_trade("T1", b, c, 1000)};
	early = ledger_push(&fixture, first, "qddex", leaves, 0, trades, 1) - 1;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum err past, relation;

		lengthen(&fixture, rows[i].length - length);
		length = rows[i].length;
		past = read_past(&fixture);
		if (past == ERR_TOO_LARGE)
			assert_non_null(strstr(fixture.why.text, "more than 1000000 entries"));
		relation = relate(&fixture);
		if (relation == ERR_REFUSED)
			assert_non_null(strstr(fixture.why.text, "item 1: more than 1000000 entries"));
		if (past != rows[i].past || relation != rows[i].relation)
			fail_msg(
			    "%llu entries: %s, %s", (unsigned long long)length, err_name(past), err_name(relation));
	}

	/* The contract of T1 was traded at the other venue as well; who looks far enough back sees both. */
	ledger_push(&fixture, second, "sddex", leaves, 0, trades, 1);
	lengthen(&fixture, early + OVERVIEW_SCAN_MAX - 1 - fixture.ledger.head.size);
	for (uint64_t beyond = 0; beyond < 3; beyond++) {
		assert_int_equal(count_shared(&fixture, &from), beyond < 2 ? 1 : 0);
		assert_int_equal(from, early - 1 + beyond);
		lengthen(&fixture, 1);
	}
	signer_free(first);
	signer_free(second);
	ledger_teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bounds_the_entries_that_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

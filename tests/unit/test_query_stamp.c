/*
 * What may be remembered of an answer: one stamp, one answer; and a cap that was found before is what a search finds.
 * A ledger in which everything happens that changes an answer, looked at after each step.
 */
#include "tests/unit/query_fixture.h"

#include "proto/text.h"

#define STEPS_MAX 40
#define LANGUAGES 2
#define FIRMS 4

#define POLICY(id, version, cap)                                                                                       \
	"{'policy':'" id "','version':" version ",'status':'published','title':'t','basis':'b','window':{'from':"      \
	"'2025-01-01','to':'2025-12-31'},'base':'gross','enterprises':'all','related':'exclude','venues':['qddex',"    \
	"'sddex'],'rate':{'type':'flat','ppm':50000},'cap':{'amount':'" cap "'}}"

struct seen {
	struct query_stamp stamp;
	char *text; /* without the ledger's size; NULL: no such enterprise */
};

struct look {
	struct seen seen[STEPS_MAX][FIRMS][LANGUAGES];
	size_t step_count, same_count;
	struct query_answer known[FIRMS]; /* whose caps go from step to step */
};

static char *without_size(const struct query_answer *answer)
{
	size_t behind = answer->text.size - answer->size_end;
	char *text = calloc(1, answer->size_start + behind + 1);

	assert_non_null(text);
	memcpy(text, answer->text.data, answer->size_start);
	memcpy(text + answer->size_start, answer->text.data + answer->size_end, behind);
	return text;
}

static struct seen ask(struct store_txn *txn, const struct code *code, enum text_language language)
{
	struct query_answer answer;
	struct query_stamp stamp = query_stamp(txn, code);
	struct seen seen = {.stamp = stamp};
	struct why why;

	text_use(language);
	query_answer_init(&answer);
	if (query_enterprise(txn, code, ledger_size(txn), &answer, &why) == OK) {
		seen.text = without_size(&answer);
		assert_int_equal(answer.stamp.last_index, stamp.last_index);
		assert_int_equal(answer.stamp.order_count, stamp.order_count);
	}
	query_answer_done(&answer);
	text_use(TEXT_ENGLISH);
	return seen;
}

/* With what is known the answer is the same as without, at this size and at every earlier one. */
static void compare_with_known(struct look *look, struct store_txn *txn, const struct code *code, size_t firm)
{
	struct query_answer *known = &look->known[firm], fresh;
	struct why why;

	for (uint64_t size = ledger_size(txn); size > 0; size--) {
		size_t before = known->caps.count;
		enum err err;

		query_answer_init(&fresh);
		err = query_enterprise(txn, code, size, &fresh, &why);
		assert_int_equal(query_enterprise(txn, code, size, known, &why), err);
		if (err == OK && !slice_equal(buf_slice(&fresh.text), buf_slice(&known->text)))
			fail_msg("at %llu of %llu: %.*s\nknown %.*s", (unsigned long long)size,
			    (unsigned long long)ledger_size(txn), (int)fresh.text.size, (char *)fresh.text.data,
			    (int)known->text.size, (char *)known->text.data);
		assert_true(err != OK || (fresh.stamp.last_index != 0) == (size == ledger_size(txn)));
		assert_true(known->caps.count >= before);
		query_answer_done(&fresh);
	}
}

static void look_at(struct look *look, struct world *world)
{
	struct store_txn *txn = world_read(world);

	assert_true(look->step_count < STEPS_MAX);
	for (size_t firm = 0; firm < FIRMS; firm++) {
		struct code code = world_code(world_firms[firm]);

		for (enum text_language language = TEXT_ENGLISH; language <= TEXT_CHINESE; language++) {
			struct seen seen = ask(txn, &code, language);

			for (size_t step = 0; step < look->step_count; step++) {
				const struct seen *before = &look->seen[step][firm][language];

				if (before->stamp.last_index != seen.stamp.last_index ||
				    before->stamp.order_count != seen.stamp.order_count)
					continue;
				look->same_count++;
				if (before->text != NULL && strcmp(before->text, seen.text) != 0)
					fail_msg("step %zu and %zu: %s\n%s", step, look->step_count, before->text,
					    seen.text);
			}
			look->seen[look->step_count][firm][language] = seen;
		}
		compare_with_known(look, txn, &code, firm);
	}
	look->step_count++;
	store_abort(txn);
}

static uint64_t change(struct world *world, enum order_type type, const char *trade_no)
{
	const struct order_item item = {
	    .venue = slice_text("qddex"), .trade_no = slice_text(trade_no), .reason = slice_text("r")};

	return world_item(world, type, &item);
}

static void happen(struct look *look, struct world *world)
{
	const struct order_item off = {.code = slice_text(A), .reason = slice_text("r")};

	look_at(look, world);
	world_adopt(world, POLICY("small", "1", "60.00"));
	look_at(look, world);
	world_adopt(world, POLICY("large", "1", "110.00"));
	look_at(look, world);
	world_push_trade(world, 0, plain("T4", A, D, 500)); /* B and C are not concerned */
	look_at(look, world);
	world_push_trade(world, 1, plain("T5", C, A, 700));
	world_push_trade(world, 1, plain("T6", B, A, 800));
	look_at(look, world);
	world_push_trade(world, 1, plain("T6", B, A, 900)); /* a duplicate */
	look_at(look, world);
	world_push_refund(world, 0, "R3", "T1", WORLD_YUAN(700), 0);
	look_at(look, world);
	world_push_refund(world, 0, "R4", "T1", WORLD_YUAN(700), 0); /* more than is left */
	look_at(look, world);
	change(world, ORDER_TRADE_HOLD, "T4");
	look_at(look, world);
	world_push_trade(world, 1, plain("T7", B, A, 900));
	look_at(look, world);
	change(world, ORDER_TRADE_RELEASE, "T4");
	look_at(look, world);
	change(world, ORDER_TRADE_VOID, "T4");
	look_at(look, world);
	world_relate(world, A, B);
	look_at(look, world);
	world_push_trade(world, 0, plain("T8", A, D, 3000));
	look_at(look, world);
	world_adopt(world, POLICY("small", "2", "20.00"));
	look_at(look, world);
	world_item(world, ORDER_ENTERPRISE_DELIST, &off);
	look_at(look, world);
	world_register(world, C, "丙公司（样例）", "default", NULL);
	look_at(look, world);
	world_register(world, A, "甲公司", "default", NULL);
	look_at(look, world);
}

static struct look *look_new(void)
{
	struct look *look = calloc(1, sizeof(*look));

	assert_non_null(look);
	for (size_t i = 0; i < FIRMS; i++)
		query_answer_init(&look->known[i]);
	return look;
}

static void look_free(struct look *look)
{
	for (size_t step = 0; step < look->step_count; step++)
		for (size_t i = 0; i < FIRMS * LANGUAGES; i++)
			free(look->seen[step][i / LANGUAGES][i % LANGUAGES].text);
	for (size_t i = 0; i < FIRMS; i++)
		query_answer_done(&look->known[i]);
	free(look);
}

static void one_stamp_is_one_answer(void **state)
{
	struct world *world = make_world();
	struct look *look = look_new();

	(void)state;
	happen(look, world);
	/* There were answers to compare; and caps of several policies were remembered. */
	assert_true(look->same_count > 5);
	assert_true(look->known[0].caps.count >= 3);
	look_free(look);
	world_free(world);
}

/* What was found later says nothing in a transaction that began before. */
static void says_nothing_in_an_earlier_transaction(void **state)
{
	struct world *world = make_world();
	struct code code = world_code(A);
	struct query_answer known, fresh;
	struct store_txn *before, *after;
	struct why why;

	(void)state;
	world_adopt(world, POLICY("small", "1", "60.00"));
	query_answer_init(&known);
	query_answer_init(&fresh);
	before = world_read(world);
	world_push_refund(world, 0, "R3", "T1", WORLD_YUAN(700), 0);
	after = world_read(world);
	assert_int_equal(query_enterprise(after, &code, ledger_size(after), &known, &why), OK);
	assert_int_equal(known.caps.count, 1);
	assert_int_equal(query_enterprise(before, &code, ledger_size(before), &known, &why), OK);
	assert_int_equal(query_enterprise(before, &code, ledger_size(before), &fresh, &why), OK);
	assert_true(slice_equal(buf_slice(&known.text), buf_slice(&fresh.text)));
	query_answer_done(&known);
	query_answer_done(&fresh);
	store_abort(before);
	store_abort(after);
	world_free(world);
}

/* Caps of policies that are gone don't add up. */
static void keeps_no_more_caps_than_there_are_policies(void **state)
{
	struct world *world = make_world();
	struct code code = world_code(A);
	struct history_cap *cap;
	struct query_answer known;
	struct store_txn *txn;
	struct why why;

	(void)state;
	world_adopt(world, POLICY("small", "1", "60.00"));
	for (size_t others = POLICIES_MAX - 1; others <= POLICIES_MAX; others++) {
		query_answer_init(&known);
		for (size_t i = 0; i < others; i++) {
			cap = array_add(&known.caps);
			cap->policy_index = 1000 + i;
		}
		txn = world_read(world);
		assert_int_equal(query_enterprise(txn, &code, ledger_size(txn), &known, &why), OK);
		assert_int_equal(known.caps.count, others < POLICIES_MAX ? POLICIES_MAX : 1);
		store_abort(txn);
		query_answer_done(&known);
	}
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_stamp_is_one_answer),
	    cmocka_unit_test(says_nothing_in_an_earlier_transaction),
	    cmocka_unit_test(keeps_no_more_caps_than_there_are_policies),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

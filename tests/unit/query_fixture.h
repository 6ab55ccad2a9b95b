/*
 * What the tests of answers share: comparing JSON, and a small world whose figures were worked out by hand.
 */
#ifndef TESTS_UNIT_QUERY_FIXTURE_H
#define TESTS_UNIT_QUERY_FIXTURE_H

#include "daemon/query.h"

#include "tests/unit/world.h"

#define A world_firms[0]
#define B world_firms[1]
#define C world_firms[2]
#define D world_firms[3]

/* JSON with single quotes must equal what is at the path ("policies.0.award") of an answer. */
static inline const json_t *at_path(const json_t *json, const char *path)
{
	char step[64];

	while (*path != '\0') {
		size_t size = strcspn(path, ".");

		assert_true(size < sizeof(step));
		memcpy(step, path, size);
		step[size] = '\0';
		json =
		    json_is_array(json) ? json_array_get(json, strtoul(step, NULL, 10)) : json_object_get(json, step);
		path += size + (path[size] == '.' ? 1 : 0);
	}
	return json;
}

static inline void expect(const json_t *answer, const char *path, const char *single_quoted)
{
	const json_t *found = at_path(answer, path);
	char text[2048];
	char *found_text;
	json_t *wanted;

	assert_true(strlen(single_quoted) < sizeof(text));
	for (size_t i = 0; i <= strlen(single_quoted); i++)
		text[i] = single_quoted[i] == '\'' ? '"' : single_quoted[i];
	wanted = json_loads(text, JSON_DECODE_ANY, NULL);
	if (wanted == NULL)
		fail_msg("%s: not JSON: %s", path, text);
	if (!json_equal(found, wanted)) {
		found_text = json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
		fail_msg("%s: %s\nwanted %s", path, found_text != NULL ? found_text : "nothing", text);
	}
	json_decref(wanted);
}

/* query_enterprise and query_explain with nothing known before; the first one's text is read again. */
static inline enum err ask_enterprise(
    struct store_txn *txn, const struct code *code, uint64_t size, json_t **ret_json, struct why *why)
{
	struct query_answer answer;
	enum err err;

	*ret_json = NULL;
	query_answer_init(&answer);
	err = query_enterprise(txn, code, size, &answer, why);
	if (err == OK) {
		assert_int_equal(answer.text.data[answer.text.size - 1], '\n');
		*ret_json = json_loadb((const char *)answer.text.data, answer.text.size, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(*ret_json);
	}
	query_answer_done(&answer);
	return err;
}

static inline enum err ask_explain(struct store_txn *txn, const struct code *code, uint64_t size, const char *policy_id,
    json_t **ret_json, struct why *why)
{
	struct query_answer answer;
	enum err err;

	*ret_json = NULL;
	query_answer_init(&answer);
	err = query_explain(txn, code, size, policy_id, &answer.caps, ret_json, why);
	query_answer_done(&answer);
	return err;
}

struct expectation {
	const char *path, *json;
};

static inline void expect_all(const json_t *answer, const struct expectation *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect(answer, rows[i].path, rows[i].json);
}

#define EXPECT_ALL(answer, rows) expect_all(answer, rows, sizeof(rows) / sizeof((rows)[0]))

static inline struct trade plain(const char *trade_no, const char *supplier, const char *buyer, uint64_t yuan)
{
	struct trade trade = world_trade(trade_no, supplier, buyer, WORLD_YUAN(yuan));

	trade.tax_fen = 0;
	return trade;
}

/*
 * A and B are registered, C trades without; every kind of thing happens to A.
 *
 *	index	entry
 *	0	genesis
 *	1, 2	licences of qddex and sddex
 *	3, 4	A registered		5, 6	B registered
 *	7	the flat policy adopted
 *	8, 9	qddex T1 A -> B 1000.00
 *	10, 11	qddex T2 A -> A 1000.00, self_trade
 *	12, 13	sddex T1 B -> A 2000.00, the contract of qddex's T1
 *	14..16	qddex T1 C -> D, duplicate_trade; T3 A -> C 400.00, compute
 *	17, 18	qddex R1 takes 200.00 from T1
 *	19, 20	A and C related
 *	21, 22	qddex R2 of no trade
 */
static inline struct world *make_world(void)
{
	struct world *world = world_new();
	static const uint8_t other_contract[HASH_SIZE] = {1};
	struct trade trade;

	world_license(world, 0);
	world_license(world, 1);
	world_register(world, A, "甲公司（样例）", "default", "pilot");
	world_register(world, B, "乙公司（样例）", "pilot", NULL);
	assert_int_equal(world_adopt(world, WORLD_FLAT), 8);
	world_push_trade(world, 0, plain("T1", A, B, 1000));
	world_push_trade(world, 0, plain("T2", A, A, 1000));
	world_push_trade(world, 1, plain("T1", B, A, 2000));
	world_add_trade(world, plain("T1", C, D, 77));
	trade = plain("T3", A, C, 400);
	trade.product_kind = PRODUCT_COMPUTE;
	trade.contract_hash = slice_of(other_contract, HASH_SIZE);
	world_add_trade(world, trade);
	world_push(world, 0);
	world_push_refund(world, 0, "R1", "T1", WORLD_YUAN(200), 0);
	world_relate(world, A, C);
	assert_int_equal(world_push_refund(world, 0, "R2", "T9", WORLD_YUAN(1), 0), 23);
	return world;
}

static inline struct venue venue_of(struct store_txn *txn, unsigned number)
{
	struct venue venue;

	assert_true(venue_get(txn, slice_text(world_venues[number]), &venue));
	return venue;
}

#endif

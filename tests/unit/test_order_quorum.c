/* Quorums: exact matching, the rules of the table, and the words of a refusal. */
#include "proto/order.h"

#include "tests/unit/order_fixture.h"

#define C (1u << ROLE_CLERK)
#define R (1u << ROLE_REVIEWER)
#define L (1u << ROLE_LEADER)
#define A (1u << ROLE_AUDITOR)

struct quorum_row {
	const char *name;
	struct quorum quorum;
	size_t signer_count;
	enum officer_role roles[4];
	bool is_met;
};

static void matches_each_slot_with_an_officer_of_its_own(void **state)
{
	static const struct quorum_row rows[] = {
	    {"both there", {2, {C, R | L}}, 2, {ROLE_CLERK, ROLE_REVIEWER}, true},
	    {"order of signers", {2, {C, R | L}}, 2, {ROLE_LEADER, ROLE_CLERK}, true},
	    {"one officer can't fill two slots", {2, {C, C}}, 1, {ROLE_CLERK}, false},
	    {"one officer can't fill two mixed slots", {2, {R | L, L}}, 1, {ROLE_LEADER}, false},
	    {"two clerks", {2, {C, C}}, 2, {ROLE_CLERK, ROLE_CLERK}, true},
	    {"wrong role", {2, {C, R}}, 2, {ROLE_CLERK, ROLE_CLERK}, false},
	    {"auditor is no reviewer", {2, {C, R | L}}, 2, {ROLE_CLERK, ROLE_AUDITOR}, false},
	    {"greedy puts the leader first", {2, {R | L, L}}, 2, {ROLE_LEADER, ROLE_REVIEWER}, true},
	    {"greedy by slots", {3, {C | R | L, R | L, L}}, 3, {ROLE_LEADER, ROLE_REVIEWER, ROLE_CLERK}, true},
	    {"wide slots share one", {3, {C | R, C | R, C | R | L}}, 3, {ROLE_LEADER, ROLE_LEADER, ROLE_CLERK}, false},
	    {"more signers than slots", {2, {C, R}}, 4, {ROLE_AUDITOR, ROLE_REVIEWER, ROLE_LEADER, ROLE_CLERK}, true},
	    {"nobody", {1, {C}}, 0, {ROLE_CLERK}, false},
	    {"an empty quorum is never met", {0, {0}}, 1, {ROLE_CLERK}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (quorum_is_met(&rows[i].quorum, rows[i].roles, rows[i].signer_count) != rows[i].is_met)
			fail_msg("%s", rows[i].name);
}

/* Every way to put signers into slots, as a number in the base of the signers. */
static bool is_met_by_trying(const struct quorum *quorum, const enum officer_role *roles, size_t signer_count)
{
	unsigned ways = 1;

	for (size_t i = 0; i < quorum->slot_count; i++)
		ways *= (unsigned)signer_count;
	for (unsigned way = 0; way < ways; way++) {
		unsigned rest = way, used = 0;
		size_t slot = 0;

		for (; slot < quorum->slot_count; slot++, rest /= (unsigned)signer_count) {
			unsigned signer = rest % (unsigned)signer_count;

			if ((used >> signer & 1u) != 0 || (quorum->slots[slot] >> roles[signer] & 1) == 0)
				break;
			used |= 1u << signer;
		}
		if (slot == quorum->slot_count)
			return true;
	}
	return false;
}

static void agrees_with_trying_every_way(void **state)
{
	unsigned seed = 1, met = 0, tried = 4000;

	(void)state;
	for (unsigned i = 0; i < tried; i++) {
		struct quorum quorum = {.slot_count = 1 + i % 4};
		enum officer_role roles[5];
		size_t signer_count = 1 + i / 4 % 5;
		bool wanted;

		for (size_t j = 0; j < quorum.slot_count; j++)
			quorum.slots[j] = (uint8_t)(((seed = seed * 1103515245u + 12345u) >> 16) % 15u + 1u) << 1;
		for (size_t j = 0; j < signer_count; j++)
			roles[j] = (enum officer_role)(1 + ((seed = seed * 1103515245u + 12345u) >> 16) % 4u);
		wanted = is_met_by_trying(&quorum, roles, signer_count);
		met += wanted;
		if (quorum_is_met(&quorum, roles, signer_count) != wanted)
			fail_msg("case %u", i);
	}
	/* Both answers were well tried. */
	assert_in_range(met, tried / 10, tried - tried / 10);
}

static void says_what_is_asked_for(void **state)
{
	static const struct {
		struct quorum quorum;
		const char *text;
	} rows[] = {
	    {{2, {C, R | L}}, "1 clerk and 1 reviewer or leader"},
	    {{1, {C}}, "1 clerk"},
	    {{3, {C, L, C}}, "2 clerks and 1 leader"},
	    {{2, {R | L, R | L}}, "2 reviewers or leaders"},
	    {{2, {A, C | R | L}}, "1 auditor and 1 clerk or reviewer or leader"},
	};
	struct why text;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		quorum_format(&rows[i].quorum, &text);
		assert_string_equal(text.text, rows[i].text);
	}
}

static enum err parse(const char *text, struct quorums *ret_quorums, struct why *why)
{
	json_t *json = json_loads(text, 0, NULL);
	enum err err;

	assert_non_null(json);
	err = quorums_parse(json, ret_quorums, why);
	json_decref(json);
	return err;
}

static const char all_quorums[] =
    "{\"default\":[[\"clerk\"],[\"reviewer\",\"leader\"]],\"venue.license\":[[\"clerk\"],[\"leader\"]],"
    "\"grant.add\":[[\"clerk\"],[\"clerk\"]],\"grant.add:enterprise\":[[\"clerk\"]]}";

static void finds_the_quorum_of_an_order(void **state)
{
	struct quorums quorums;
	struct why why;

	(void)state;
	assert_int_equal(parse(all_quorums, &quorums, &why), OK);
	assert_ptr_equal(quorum_for(&quorums, ORDER_POLICY_ADOPT, false), &quorums.fallback);
	assert_ptr_equal(quorum_for(&quorums, ORDER_VENUE_LICENSE, false), &quorums.by_type[ORDER_VENUE_LICENSE]);
	assert_ptr_equal(quorum_for(&quorums, ORDER_VENUE_LICENSE, true), &quorums.by_type[ORDER_VENUE_LICENSE]);
	assert_ptr_equal(quorum_for(&quorums, ORDER_GRANT_ADD, false), &quorums.by_type[ORDER_GRANT_ADD]);
	assert_ptr_equal(quorum_for(&quorums, ORDER_GRANT_ADD, true), &quorums.grant_enterprise);
	assert_int_equal(quorums.fallback.slots[1], R | L);
	assert_int_equal(parse("{\"default\":[[\"clerk\"],[\"clerk\"]]}", &quorums, &why), OK);
	assert_ptr_equal(quorum_for(&quorums, ORDER_GRANT_ADD, true), &quorums.fallback);
}

static void formats_what_it_parsed(void **state)
{
	struct quorums quorums;
	struct why why;
	json_t *json;
	char *text;

	(void)state;
	assert_int_equal(parse(all_quorums, &quorums, &why), OK);
	json = quorums_format(&quorums);
	text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, all_quorums);
	free(text);
	json_decref(json);
}

static void refuses_a_bad_table(void **state)
{
	static const struct fixture_refusal rows[] = {
	    {"\"default\"", "\"defaults\"", ERR_INVALID, "\"default\" is missing"},
	    {"\"venue.license\"", "\"venue.licence\"", ERR_INVALID, "unknown key: \"venue.licence\""},
	    {"[[\"clerk\"],[\"leader\"]]", "[[\"clerk\"]]", ERR_INVALID, "\"venue.license\" asks for 1 signatures"},
	    {"[[\"clerk\"],[\"clerk\"]]", "[[\"clerk\"]]", ERR_INVALID, "\"grant.add\" asks for 1 signatures"},
	    {"[[\"clerk\"]]", "[]", ERR_INVALID, "\"grant.add:enterprise\" asks for 0 signatures"},
	    {"[[\"clerk\"],[\"reviewer\",\"leader\"]]", "[[\"clerk\"]]", ERR_INVALID,
		"\"default\" asks for 1 signatures"},
	    {"[[\"clerk\"],[\"leader\"]]", "\"clerk\"", ERR_INVALID, "is not an array"},
	    {"[\"leader\"]", "[]", ERR_INVALID, "a slot is not an array of roles"},
	    {"[\"leader\"]", "\"leader\"", ERR_INVALID, "a slot is not an array of roles"},
	    {"[\"leader\"]", "[\"chief\"]", ERR_INVALID, "unknown role: chief"},
	    {"[\"leader\"]", "[7]", ERR_INVALID, "unknown role: not a string"},
	    {"[\"reviewer\",\"leader\"]", "[\"leader\",\"leader\"]", ERR_INVALID, "names the role leader twice"},
	};
	struct quorums quorums;
	struct why why;
	struct buf text;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fixture_replace(all_quorums, rows[i].from, rows[i].to, &text);
		fixture_expect(&rows[i], parse(buf_text(&text), &quorums, &why), &why, buf_text(&text));
	}
	assert_int_equal(parse("[]", &quorums, &why), ERR_INVALID);
	buf_done(&text);
}

static void takes_as_many_slots_as_allowed(void **state)
{
	struct quorums quorums;
	struct why why;

	(void)state;
	for (size_t count = QUORUM_SLOTS_MAX - 1; count <= QUORUM_SLOTS_MAX + 1; count++) {
		json_t *slots = json_array(), *json = json_pack("{s:o}", "default", slots);

		for (size_t i = 0; i < count; i++)
			json_array_append_new(slots, json_pack("[s]", "clerk"));
		assert_int_equal(quorums_parse(json, &quorums, &why), count <= QUORUM_SLOTS_MAX ? OK : ERR_INVALID);
		json_decref(json);
	}
	assert_int_equal(quorums.fallback.slot_count, QUORUM_SLOTS_MAX);
}

static void finds_each_role_by_its_name(void **state)
{
	(void)state;
	for (int role = ROLE_CLERK; role < ROLE_COUNT; role++)
		assert_int_equal(officer_role_by_name(officer_role_name((enum officer_role)role)), role);
	assert_int_equal(officer_role_by_name("Clerk"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(matches_each_slot_with_an_officer_of_its_own),
	    cmocka_unit_test(agrees_with_trying_every_way),
	    cmocka_unit_test(says_what_is_asked_for),
	    cmocka_unit_test(finds_the_quorum_of_an_order),
	    cmocka_unit_test(formats_what_it_parsed),
	    cmocka_unit_test(refuses_a_bad_table),
	    cmocka_unit_test(takes_as_many_slots_as_allowed),
	    cmocka_unit_test(finds_each_role_by_its_name),
	};
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}

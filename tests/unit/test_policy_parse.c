/* Parsing: defaults, every key, and refusals that name the key, the rule and what would be right. */
#include "proto/policy.h"

#include "policy_fixture.h"

static void fills_in_the_careful_defaults(void **state)
{
	struct policy policy = fixture_policy("{}");

	(void)state;
	assert_string_equal(policy.id, "qd-2025-47-5");
	assert_int_equal(policy.version, 1);
	assert_true(policy.is_assumed);
	assert_int_equal(policy.from, 20250101);
	assert_int_equal(policy.to, 20261231);
	assert_int_equal(policy.date_basis, DATE_SETTLED);
	assert_true(policy.has_side[SIDE_SUPPLIER] && policy.has_side[SIDE_BUYER]);
	assert_int_equal(policy.base, BASE_NET);
	assert_int_equal(policy.venue_count, 2);
	assert_string_equal(policy.venues[1], "sddex");
	assert_true(policy.is_listed_only);
	assert_string_equal(policy.list, "default");
	assert_string_equal(policy.exclude_list, "");
	assert_int_equal(policy.related, RELATED_EXCLUDE);
	assert_true(policy.excludes_other_subsidy);
	assert_false(policy.has_threshold || policy.has_growth || policy.has_pool || policy.may_review_lower);
	assert_int_equal(policy.cap_fen, YUAN(300000));
	assert_int_equal(policy.cap_scope, CAP_TERM);
	assert_int_equal(policy.round_unit_fen, 100);
	assert_int_equal(policy.round_mode, MONEY_FLOOR);
	assert_int_equal(policy.instalment_count, 0);
}

static void reads_every_key(void **state)
{
	struct policy policy = fixture_policy(
	    "{'status':'published','version':4294967295,'date_basis':'signed','sides':['buyer','supplier'],'base':'"
	    "gross',"
	    "'enterprises':'listed','list':'pilot_2','exclude_list':'black','related':'flag','other_subsidy':'allow',"
	    "'exclude_product_kinds':['compute','other'],'threshold':{'trades':3,'contracts':2,'amount':'100000.00'},"
	    "'rate':{'by_side':{'supplier':{'type':'slab','tiers':[{'up_to':'10','ppm':0},{'up_to':null,'ppm':10000000}"
	    "]},"
	    "'buyer':{'type':'fixed','amount':'0.01'}}},'growth':{'from':'2024-01-01','to':'2024-12-31'},"
	    "'cap':{'amount':'5000000.00','scope':'term'},'round':{'unit_fen':10000,'mode':'half_up'},"
	    "'pool':{'amount':'100000000.00','method':'rank'},'review':'lower','instalments':[500000,500000],"
	    "'clawback':'recompute'}");

	(void)state;
	assert_false(policy.is_assumed);
	assert_int_equal(policy.version, UINT32_MAX);
	assert_int_equal(policy.date_basis, DATE_SIGNED);
	assert_int_equal(policy.base, BASE_GROSS);
	assert_string_equal(policy.list, "pilot_2");
	assert_string_equal(policy.exclude_list, "black");
	assert_int_equal(policy.related, RELATED_FLAG);
	assert_false(policy.excludes_other_subsidy);
	assert_true(policy.excludes_kind[PRODUCT_COMPUTE] && policy.excludes_kind[PRODUCT_OTHER]);
	assert_false(policy.excludes_kind[PRODUCT_DATASET]);
	assert_true(policy.has_threshold);
	assert_int_equal(policy.threshold_trades, 3);
	assert_int_equal(policy.threshold_contracts, 2);
	assert_int_equal(policy.threshold_fen, YUAN(100000));
	assert_true(policy.has_rate && policy.is_by_side);
	assert_int_equal(policy.rate.type, RATE_SLAB);
	assert_int_equal(policy.rate.tier_count, 2);
	assert_int_equal(policy.rate.tiers[0].up_to_fen, 1000);
	assert_int_equal(policy.rate.tiers[1].rate_ppm, RATE_PPM_MAX);
	assert_true(policy.rate.tiers[1].is_last);
	assert_int_equal(policy.buyer_rate.type, RATE_FIXED);
	assert_int_equal(policy.buyer_rate.fixed_fen, 1);
	assert_int_equal(policy.growth_to, 20241231);
	assert_int_equal(policy.round_unit_fen, 10000);
	assert_int_equal(policy.round_mode, MONEY_HALF_UP);
	assert_int_equal(policy.pool_fen, YUAN(100000000));
	assert_int_equal(policy.pool_method, POOL_RANK);
	assert_true(policy.may_review_lower);
	assert_int_equal(policy.instalment_count, 2);
	policy = fixture_policy("{'sides':['buyer'],'enterprises':'all','list':null,'exclude_list':null,'rate':null,"
				"'threshold':null,'growth':null,'pool':null,'review':null,'instalments':null}");
	assert_false(policy.has_side[SIDE_SUPPLIER]);
	assert_false(policy.is_listed_only || policy.has_rate || policy.has_threshold || policy.has_growth);
}

static const struct refusal {
	const char *changes, *says[3];
} refusals[] = {
    {"{'capp':1}", {"capp:", "unknown key", "cap, round"}},
    {"{'cap_per_trade':'1.00'}", {"cap_per_trade:", "monthly sums", "no cap per trade or pair"}},
    {"{'minimum_trade':'1.00'}", {"minimum_trade:", "monthly sums", "no minimum trade"}},
    {"{'cap':{'amount':'1.00','per_pair':'1.00'}}", {"cap.per_pair:", "monthly sums"}},
    {"{'cap':{'amount':'1.00','scope':'pair'}}", {"cap.scope:", "monthly sums"}},
    {"{'threshold':{'min_trade':'1.00'}}", {"threshold.min_trade:", "monthly sums"}},
    {"{'policy':'a b'}", {"policy:", "letters, digits", "found \"a b\""}},
    {"{'policy':''}", {"policy:", "1 to 64"}},
    {"{'policy':7}", {"policy:", "must be a string", "a whole number"}},
    {"{'version':0}", {"version:", "from 1 to 4294967295", "is 0"}},
    {"{'version':4294967296}", {"version:", "from 1 to 4294967295"}},
    {"{'version':1.0}", {"version:", "whole number", "fraction"}},
    {"{'version':'1'}", {"version:", "whole number", "a string"}},
    {"{'status':'draft'}", {"status:", "\"assumed\" or \"published\"", "\"draft\""}},
    {"{'status':null}", {"status:", "null"}},
    {"{'title':''}", {"title:", "1 to 200 bytes"}},
    {"{'title':'a\\u0001'}", {"title:", "control characters"}},
    {"{'basis':[]}", {"basis:", "a list"}},
    {"{'window':null}", {"window:", "must be an object", "null"}},
    {"{'window':{'from':'2025-01-01'}}", {"window.to:", "required"}},
    {"{'window':{'from':'2025-01-15','to':'2026-12-31'}}", {"window.from:", "first day of a month", "monthly"}},
    {"{'window':{'from':'2025-01-01','to':'2026-12-30'}}", {"window.to:", "last day of a month", "monthly"}},
    {"{'window':{'from':'2025-02-01','to':'2025-01-31'}}", {"window.to:", "after"}},
    {"{'window':{'from':'2025-02-30','to':'2025-12-31'}}", {"window.from:", "calendar day", "2025-02-30"}},
    {"{'window':{'from':'2025-1-1','to':'2025-12-31'}}", {"window.from:", "calendar day"}},
    {"{'window':{'from':20250101,'to':'2025-12-31'}}", {"window.from:", "must be a string"}},
    {"{'window':{'from':'2025-01-01','to':'2045-01-31'}}", {"window:", "touches 21", "may touch 20"}},
    {"{'date_basis':'ingested'}", {"date_basis:", "\"settled\" or \"signed\""}},
    {"{'sides':[]}", {"sides:", "1 to 2"}},
    {"{'sides':['broker']}", {"sides[0]:", "\"supplier\" or \"buyer\""}},
    {"{'sides':['buyer','buyer']}", {"sides[1]:", "twice"}},
    {"{'sides':'buyer'}", {"sides:", "must be a list"}},
    {"{'base':'vat'}", {"base:", "\"gross\" or \"net\""}},
    {"{'venues':[]}", {"venues:", "1 to 64"}},
    {"{'venues':['Qddex']}", {"venues[0]:", "lower-case"}},
    {"{'venues':['a','b','a']}", {"venues[2]:", "twice"}},
    {"{'venues':['abcdefghijklmnopqrstuvwxyzabcdefg']}", {"venues[0]:", "1 to 32"}},
    {"{'enterprises':'some'}", {"enterprises:", "\"all\" or \"listed\""}},
    {"{'enterprises':'all','list':'default'}", {"list:", "no meaning"}},
    {"{'list':null}", {"list:", "must name a list"}},
    {"{'list':'A'}", {"list:", "lower-case"}},
    {"{'exclude_list':'default'}", {"exclude_list:", "no enterprise could qualify"}},
    {"{'exclude_list':5}", {"exclude_list:", "must be a string"}},
    {"{'related':'maybe'}", {"related:", "\"exclude\" or \"flag\" or \"allow\""}},
    {"{'other_subsidy':'flag'}", {"other_subsidy:", "\"exclude\" or \"allow\""}},
    {"{'exclude_product_kinds':['gold']}", {"exclude_product_kinds[0]:", "\"dataset\"", "\"gold\""}},
    {"{'exclude_product_kinds':['api','api']}", {"exclude_product_kinds[1]:", "twice"}},
    {"{'exclude_product_kinds':null}", {"exclude_product_kinds:", "must be a list"}},
    {"{'threshold':{}}", {"threshold:", "asks for nothing", "null"}},
    {"{'threshold':{'trades':-1}}", {"threshold.trades:", "from 0"}},
    {"{'threshold':{'trades':true}}", {"threshold.trades:", "true or false"}},
    {"{'threshold':{'amount':100}}", {"threshold.amount:", "in a string", "\"300000.00\""}},
    {"{'threshold':[]}", {"threshold:", "must be an object"}},
    {"{'rate':{}}", {"rate.type:", "required", "\"flat\""}},
    {"{'rate':0.05}", {"rate:", "must be an object"}},
    {"{'rate':{'type':'linear'}}", {"rate.type:", "\"flat\" or \"marginal\" or \"slab\" or \"fixed\""}},
    {"{'rate':{'type':'flat'}}", {"rate.ppm:", "required"}},
    {"{'rate':{'type':'flat','ppm':0}}", {"rate.ppm:", "from 1 to 10000000"}},
    {"{'rate':{'type':'flat','ppm':10000001}}", {"rate.ppm:", "from 1 to 10000000"}},
    {"{'rate':{'type':'flat','ppm':50000.0}}", {"rate.ppm:", "whole number", "fraction"}},
    {"{'rate':{'type':'flat','ppm':1,'tiers':[]}}", {"rate.tiers:", "unknown key", "type, ppm"}},
    {"{'rate':{'type':'slab','ppm':1}}", {"rate.ppm:", "unknown key", "type, tiers"}},
    {"{'rate':{'type':'slab','tiers':[]}}", {"rate.tiers:", "1 to 32"}},
    {"{'rate':{'type':'slab','tiers':[{'up_to':'1','ppm':1}]}}", {"rate.tiers[0].up_to:", "null in the last"}},
    {"{'rate':{'type':'slab','tiers':[{'up_to':null,'ppm':1},{'up_to':null,'ppm':1}]}}",
	{"rate.tiers[0].up_to:", "null in the last tier, and there alone"}},
    {"{'rate':{'type':'marginal','tiers':[{'up_to':'2','ppm':1},{'up_to':'2','ppm':1},{'up_to':null,'ppm':1}]}}",
	{"rate.tiers[1].up_to:", "larger"}},
    {"{'rate':{'type':'marginal','tiers':[{'up_to':'0','ppm':1},{'up_to':null,'ppm':1}]}}",
	{"rate.tiers[0].up_to:", "at least \"0.01\""}},
    {"{'rate':{'type':'marginal','tiers':[{'ppm':1}]}}", {"rate.tiers[0].up_to:", "required"}},
    {"{'rate':{'type':'marginal','tiers':[{'up_to':null,'ppm':1,'cap':1}]}}", {"rate.tiers[0].cap:", "unknown key"}},
    {"{'rate':{'type':'fixed','amount':'0'}}", {"rate.amount:", "at least \"0.01\""}},
    {"{'rate':{'by_side':{'supplier':{'type':'flat','ppm':1}}}}", {"rate.by_side.buyer:", "required"}},
    {"{'rate':{'by_side':{'supplier':{'type':'flat','ppm':1},'buyer':null}}}",
	{"rate.by_side.buyer:", "must be an object", "null"}},
    {"{'rate':{'type':'flat','by_side':{}}}", {"rate.type:", "unknown key"}},
    {"{'sides':['buyer'],'rate':{'by_side':{'supplier':{'type':'flat','ppm':1},'buyer':{'type':'flat','ppm':1}}}}",
	{"rate.by_side:", "both sides"}},
    {"{'rate':{'by_side':{'supplier':{'type':'slab','tiers':[{'up_to':1,'ppm':1},{'up_to':null,'ppm':1}]},'buyer':{}}}"
     "}",
	{"rate.by_side.supplier.tiers[0].up_to:", "in a string"}},
    {"{'growth':{'from':'2024-01-01','to':'2025-01-31'}}", {"growth.to:", "before the window"}},
    {"{'growth':{'from':'2024-01-02','to':'2024-12-31'}}", {"growth.from:", "first day"}},
    {"{'growth':{'from':'2024-01-01','to':'2024-12-31'},'cap':{'amount':'1','scope':'year'}}",
	{"growth:", "cap.scope \"year\""}},
    {"{'cap':{}}", {"cap.amount:", "required"}},
    {"{'cap':{'amount':'0.00'}}", {"cap.amount:", "at least \"0.01\""}},
    {"{'cap':{'amount':'300,000.00'}}", {"cap.amount:", "at most two decimals", "300,000.00"}},
    {"{'cap':{'amount':'1.005'}}", {"cap.amount:", "at most two decimals"}},
    {"{'cap':{'amount':'-1.00'}}", {"cap.amount:", "at most two decimals"}},
    {"{'cap':{'amount':300000.00}}", {"cap.amount:", "in a string", "fraction"}},
    {"{'cap':{'amount':'92233720368547758.08'}}", {"cap.amount:", "larger than an amount can be"}},
    {"{'cap':{'amount':'92233720368547758.07','scope':'year'}}", {"cap.amount:", "2 years"}},
    {"{'cap':null}", {"cap:", "must be an object"}},
    {"{'round':{'unit_fen':0,'mode':'floor'}}", {"round.unit_fen:", "from 1 to 30000000"}},
    {"{'round':{'unit_fen':30000001,'mode':'floor'}}", {"round.unit_fen:", "from 1 to 30000000"}},
    {"{'round':{'unit_fen':100}}", {"round.mode:", "required"}},
    {"{'round':{'unit_fen':100,'mode':'up'}}", {"round.mode:", "\"floor\" or \"half_up\""}},
    {"{'pool':{'amount':'1.00'}}", {"pool.method:", "required"}},
    {"{'pool':{'amount':'1.00','method':'lottery'}}", {"pool.method:", "\"prorata\" or \"first_come\" or \"rank\""}},
    {"{'pool':{'amount':'0','method':'rank'}}", {"pool.amount:", "at least"}},
    {"{'review':'raise'}", {"review:", "\"lower\""}},
    {"{'review':true}", {"review:", "\"lower\"", "true or false"}},
    {"{'instalments':[]}", {"instalments:", "1 to 12"}},
    {"{'instalments':[600000,300000]}", {"instalments:", "sum to 1000000", "sum to 900000"}},
    {"{'instalments':[1000001]}", {"instalments[0]:", "from 1 to 1000000"}},
    {"{'instalments':[1000000,0]}", {"instalments[1]:", "from 1 to 1000000"}},
    {"{'instalments':[0.5,0.5]}", {"instalments[0]:", "whole number"}},
    {"{'clawback':'none'}", {"clawback:", "\"recompute\"", "\"none\""}},
    {"{'clawback':null}", {"clawback:", "\"recompute\"", "null"}},
};

static void refuses_and_says_key_and_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		json_t *json = fixture_json(refusals[i].changes);
		struct policy policy;
		struct why why = {""};
		enum err err;

		memset(&policy, 0x5a, sizeof(policy));
		err = policy_parse(json, &policy, &why);
		if (err != ERR_INVALID)
			fail_msg("%s: %s", refusals[i].changes, err_name(err));
		if (strncmp(why.text, refusals[i].says[0], strlen(refusals[i].says[0])) != 0)
			fail_msg("%s: %s", refusals[i].changes, why.text);
		for (size_t k = 1; k < 3 && refusals[i].says[k] != NULL; k++)
			if (strstr(why.text, refusals[i].says[k]) == NULL)
				fail_msg("%s: %s", refusals[i].changes, why.text);
		assert_int_equal(policy.id[0], 0x5a);
		assert_int_equal(policy_parse(json, &policy, NULL), ERR_INVALID);
		json_decref(json);
	}
}

static void misses_each_required_key(void **state)
{
	static const char *const required[] = {
	    "policy", "version", "status", "title", "basis", "window", "venues", "cap"};
	struct policy policy;
	char expected[WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		json_t *json = fixture_json("{}");
		struct why why = {""};

		assert_int_equal(json_object_del(json, required[i]), 0);
		assert_int_equal(policy_parse(json, &policy, &why), ERR_INVALID);
		snprintf(expected, sizeof(expected), "%s: this key is required and is missing", required[i]);
		assert_string_equal(why.text, expected);
		json_decref(json);
	}
	assert_int_equal(policy_parse(NULL, &policy, NULL), ERR_INVALID);
}

/* Lists and texts at their limit and one beyond. */
static void holds_each_limit(void **state)
{
	static const struct {
		const char *key;
		size_t max;
	} texts[] = {{"policy", POLICY_ID_SIZE_MAX}, {"title", POLICY_TEXT_SIZE_MAX}, {"basis", POLICY_TEXT_SIZE_MAX},
	    {"list", LIST_NAME_SIZE_MAX}, {"exclude_list", LIST_NAME_SIZE_MAX}};
	struct policy policy;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t size = texts[i].max - 1; size <= texts[i].max + 1; size++) {
			json_t *json = fixture_json("{}");
			char text[POLICY_TEXT_SIZE_MAX + 2];

			memset(text, 'x', size);
			json_object_set_new(json, texts[i].key, json_stringn(text, size));
			assert_int_equal(policy_parse(json, &policy, NULL), size <= texts[i].max ? OK : ERR_INVALID);
			json_decref(json);
		}
	}
	for (size_t count = POLICY_VENUES_MAX - 1; count <= POLICY_VENUES_MAX + 1; count++) {
		json_t *json = fixture_json("{}"), *venues = json_array();

		for (size_t i = 0; i < count; i++)
			json_array_append_new(venues, json_sprintf("venue-%zu", i));
		json_object_set_new(json, "venues", venues);
		assert_int_equal(policy_parse(json, &policy, NULL), count <= POLICY_VENUES_MAX ? OK : ERR_INVALID);
		json_decref(json);
	}
	for (size_t count = POLICY_TIERS_MAX - 1; count <= POLICY_TIERS_MAX + 1; count++) {
		json_t *json = fixture_json("{}"), *tiers = json_array();

		for (size_t i = 0; i < count; i++)
			json_array_append_new(
			    tiers, json_pack("{s:o, s:i}", "up_to",
				       i + 1 == count ? json_null() : json_sprintf("%zu", i + 1), "ppm", 5));
		json_object_set_new(json, "rate", json_pack("{s:s, s:o}", "type", "marginal", "tiers", tiers));
		assert_int_equal(policy_parse(json, &policy, NULL), count <= POLICY_TIERS_MAX ? OK : ERR_INVALID);
		json_decref(json);
	}
	for (int count = POLICY_INSTALMENTS_MAX - 1; count <= POLICY_INSTALMENTS_MAX + 1; count++) {
		json_t *json = fixture_json("{}"), *parts = json_array();

		for (int i = 1; i < count; i++)
			json_array_append_new(parts, json_integer(1));
		json_array_append_new(parts, json_integer(MONEY_EXACT_UNIT - count + 1));
		json_object_set_new(json, "instalments", parts);
		assert_int_equal(policy_parse(json, &policy, NULL), count <= POLICY_INSTALMENTS_MAX ? OK : ERR_INVALID);
		json_decref(json);
	}
	policy =
	    fixture_policy("{'window':{'from':'2025-12-01','to':'2044-01-31'},'cap':{'amount':'1','scope':'year'}}");
	assert_int_equal(policy_period_count(&policy), POLICY_YEARS_MAX);
}

static void quotes_outside_text_masked_and_cut(void **state)
{
	json_t *json = fixture_json("{'\\u001b[2青岛青岛青岛青岛青岛青岛青岛青岛':1}");
	struct policy policy;
	struct why why;

	(void)state;
	assert_int_equal(policy_parse(json, &policy, &why), ERR_INVALID);
	assert_ptr_equal(strstr(why.text, "?[2青岛青岛青岛青岛青岛青岛…: unknown key"), why.text);
	json_decref(json);
}

static void refuses_text_that_is_not_one_strict_json_value(void **state)
{
	static const struct {
		const char *text;
		enum err err;
		const char *says;
	} rows[] = {
	    {"", ERR_SYNTAX, "not JSON"},
	    {"{", ERR_SYNTAX, "not JSON"},
	    {"{} {}", ERR_SYNTAX, "not JSON"},
	    {"{\"policy\":\"\xff\"}", ERR_SYNTAX, "not JSON"},
	    {"{\"policy\":\"a\\u0000b\"}", ERR_SYNTAX, "not JSON"},
	    {"{\"version\":99999999999999999999}", ERR_SYNTAX, "too big"},
	    {"{\"cap\":1,\"cap\":1}", ERR_INVALID, "twice"},
	    {"{\"cap\":{\"amount\":\"1\",\"amount\":\"1\"}}", ERR_INVALID, "amount"},
	    {"5", ERR_INVALID, "must be an object"},
	    {"[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]", ERR_SYNTAX, "deeper than 16"},
	    {"[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]", ERR_INVALID, "must be an object"},
	    {"[\"\\\"[[[[[[[[[[[[[[[[[[[[[\"]", ERR_INVALID, "must be an object"},
	    {"[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]", ERR_INVALID, "must be an object"},
	};
	struct policy policy;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct why why = {""};
		enum err err = policy_parse_text(slice_text(rows[i].text), &policy, &why);

		if (err != rows[i].err || strstr(why.text, rows[i].says) == NULL)
			fail_msg("%s: %s, %s", rows[i].text, err_name(err), why.text);
	}
}

static void bounds_the_text(void **state)
{
	static char text[ORDER_BODY_SIZE_MAX + 1];
	json_t *json = fixture_json("{}");
	char *compact = json_dumps(json, JSON_COMPACT);
	struct policy policy;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, compact, strlen(compact));
	assert_int_equal(policy_parse_text(slice_of(text, ORDER_BODY_SIZE_MAX - 1), &policy, NULL), OK);
	assert_int_equal(policy_parse_text(slice_of(text, ORDER_BODY_SIZE_MAX), &policy, NULL), OK);
	assert_int_equal(policy_parse_text(slice_of(text, ORDER_BODY_SIZE_MAX + 1), &policy, NULL), ERR_TOO_LARGE);
	free(compact);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fills_in_the_careful_defaults),
	    cmocka_unit_test(reads_every_key),
	    cmocka_unit_test(refuses_and_says_key_and_rule),
	    cmocka_unit_test(misses_each_required_key),
	    cmocka_unit_test(holds_each_limit),
	    cmocka_unit_test(quotes_outside_text_masked_and_cut),
	    cmocka_unit_test(refuses_text_that_is_not_one_strict_json_value),
	    cmocka_unit_test(bounds_the_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

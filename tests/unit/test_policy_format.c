/* Formatting: every default written out, in one order, and parsed back to the same policy. */
#include "proto/policy.h"

#include "policy_fixture.h"

static void writes_every_default_in_order(void **state)
{
	static const char expected[] =
	    "{'policy':'qd-2025-47-5','version':1,'status':'assumed','title':'数据流通交易奖补',"
	    "'basis':'青政办字〔2025〕47号 "
	    "(五)','window':{'from':'2025-01-01','to':'2026-12-31'},'date_basis':'settled',"
	    "'sides':['supplier','buyer'],'base':'net','venues':['qddex','sddex'],'enterprises':'listed','list':'"
	    "default',"
	    "'exclude_list':null,'related':'exclude','other_subsidy':'exclude','exclude_product_kinds':[],'threshold':"
	    "null,"
	    "'rate':{'type':'flat','ppm':50000},'growth':null,'cap':{'amount':'300000.00','scope':'term'},"
	    "'round':{'unit_fen':100,'mode':'floor'},'pool':null,'review':null,'instalments':null,'clawback':'"
	    "recompute'}";
	struct policy policy = fixture_policy("{}");
	json_t *json = policy_format(&policy);
	char *text;

	(void)state;
	assert_non_null(json);
	text = json_dumps(json, JSON_COMPACT);
	for (char *c = text; *c != '\0'; c++)
		if (*c == '"')
			*c = '\'';
	assert_string_equal(text, expected);
	free(text);
	json_decref(json);
}

static void parses_back_what_it_wrote(void **state)
{
	static const char *const changes[] = {
	    "{}",
	    "{'rate':null,'enterprises':'all'}",
	    "{'status':'published','date_basis':'signed','sides':['buyer'],'base':'gross','list':'a','exclude_list':'b'"
	    "}",
	    "{'related':'flag','other_subsidy':'allow','exclude_product_kinds':['other','dataset']}",
	    "{'related':'allow','threshold':{'trades':3,'contracts':2,'amount':'0.01'}}",
	    "{'rate':{'type':'marginal','tiers':[{'up_to':'1','ppm':100},{'up_to':'2','ppm':0},{'up_to':null,'ppm':1}]}"
	    "}",
	    "{'rate':{'type':'slab','tiers':[{'up_to':null,'ppm':7}]},'growth':{'from':'2024-01-01','to':'2024-01-31'}"
	    "}",
	    "{'rate':{'by_side':{'supplier':{'type':'fixed','amount':'5'},'buyer':{'type':'flat','ppm':9}}}}",
	    "{'cap':{'amount':'92233720368547758.07'},'round':{'unit_fen':1,'mode':'half_up'}}",
	    "{'cap':{'amount':'1','scope':'year'},'pool':{'amount':'2.5','method':'prorata'}}",
	    "{'pool':{'amount':'2.5','method':'first_come'},'review':'lower','instalments':[300000,700000]}",
	    "{'pool':{'amount':'2.5','method':'rank'},'instalments':[1000000]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct policy policy = fixture_policy(changes[i]), back;
		json_t *json = policy_format(&policy);
		struct why why = {""};

		assert_non_null(json);
		if (policy_parse(json, &back, &why) != OK)
			fail_msg("%s: %s", changes[i], why.text);
		if (memcmp(&policy, &back, sizeof(policy)) != 0)
			fail_msg("%s: another policy", changes[i]);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_every_default_in_order),
	    cmocka_unit_test(parses_back_what_it_wrote),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

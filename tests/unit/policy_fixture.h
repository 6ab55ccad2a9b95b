/*
 * What the policy tests share: a sample policy that is changed key by key, and facts that are changed field by field.
 * JSON is written with single quotes here, so that it can be read.
 */
#ifndef TESTS_UNIT_POLICY_FIXTURE_H
#define TESTS_UNIT_POLICY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "proto/date.h"
#include "proto/policy.h"

#define YUAN(n) ((int64_t)(n)*100)

/* The required keys, and 5 % flat. */
#define SAMPLE                                                                                                         \
	"{'policy':'qd-2025-47-5','version':1,'status':'assumed','title':'数据流通交易奖补',"                  \
	"'basis':'青政办字〔2025〕47号 (五)','window':{'from':'2025-01-01','to':'2026-12-31'},"                \
	"'venues':['qddex','sddex'],'rate':{'type':'flat','ppm':50000},'cap':{'amount':'300000.00'}}"

static inline json_t *fixture_load(const char *single_quoted)
{
	char text[4096];
	json_error_t error;
	json_t *json;

	assert_true(strlen(single_quoted) < sizeof(text));
	for (size_t i = 0; i <= strlen(single_quoted); i++)
		text[i] = single_quoted[i] == '\'' ? '"' : single_quoted[i];
	json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (json == NULL)
		fail_msg("%s in %s", error.text, text);
	return json;
}

/* The sample with the top-level keys of `changes` set. */
static inline json_t *fixture_json(const char *changes)
{
	json_t *json = fixture_load(SAMPLE), *changed = fixture_load(changes);

	assert_int_equal(json_object_update(json, changed), 0);
	json_decref(changed);
	return json;
}

static inline struct policy fixture_policy(const char *changes)
{
	json_t *json = fixture_json(changes);
	struct policy policy;
	struct why why = {""};

	if (policy_parse(json, &policy, &why) != OK)
		fail_msg("%s: %s", changes, why.text);
	json_decref(json);
	return policy;
}

/* One supplier's trade of that amount, settled and signed in June 2025, without tax. */
static inline struct policy_fact fixture_fact(int64_t amount_fen)
{
	return (struct policy_fact){.settled_month = month_of_date(20250601),
	    .signed_month = month_of_date(20250601),
	    .venue = "qddex",
	    .side = SIDE_SUPPLIER,
	    .product_kind = PRODUCT_DATASET,
	    .trades = 1,
	    .contracts = 1,
	    .amount_fen = amount_fen};
}

static inline struct policy_result fixture_evaluate(
    const struct policy *policy, const struct policy_fact *facts, size_t fact_count)
{
	struct policy_result result;
	struct policy_sums sums;

	policy_sums_init(&sums, true);
	for (size_t i = 0; i < fact_count; i++)
		assert_int_equal(policy_add(policy, &sums, &facts[i]), OK);
	assert_int_equal(policy_evaluate(policy, &sums, &result), OK);
	return result;
}

/* A small generator of test numbers: the same on every machine. */
static inline uint32_t fixture_random(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33) % below;
}

#endif

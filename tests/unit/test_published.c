/* The three heads: what becomes a candidate when, and what publishes it. Times are the test's. */
#include "daemon/published.h"

#include "witness_fixture.h"

#define INTERVAL_US 5000000u
#define TIMEOUT_US 30000000u
#define STEPS_MAX 16

static const struct published_settings settings = {.interval_us = INTERVAL_US, .timeout_us = TIMEOUT_US};

/* At `at_ms` since the start, with a latest head of `latest`, after the cosignature of `witness` for `size`, if any. */
struct step {
	uint64_t at_ms, latest;
	int witness; /* -1: none */
	uint64_t size, time_s;
	/* What then holds. */
	enum published_event event;
	uint64_t published, candidate;
};

struct row {
	const char *name, *policy;
	unsigned witness_count;
	struct step steps[STEPS_MAX]; /* up to one of a latest head of 0 */
};

#define NOTHING(at, latest, published, candidate)                                                                      \
	{                                                                                                              \
		at, latest, -1, 0, 0, PUBLISHED_NOTHING, published, candidate                                          \
	}
#define TIMEOUT(at, latest, published, candidate)                                                                      \
	{                                                                                                              \
		at, latest, -1, 0, 0, PUBLISHED_BY_TIMEOUT, published, candidate                                       \
	}
#define QUORUM_NOW(at, latest, published, candidate)                                                                   \
	{                                                                                                              \
		at, latest, -1, 0, 0, PUBLISHED_BY_QUORUM, published, candidate                                        \
	}
#define COSIGN(at, latest, witness, size, published, candidate)                                                        \
	{                                                                                                              \
		at, latest, witness, size, 1000, PUBLISHED_NOTHING, published, candidate                               \
	}
#define QUORUM(at, latest, witness, size, published, candidate)                                                        \
	{                                                                                                              \
		at, latest, witness, size, 1000, PUBLISHED_BY_QUORUM, published, candidate                             \
	}

/* A start publishes 10. */
static const struct row rows[] = {
    {"nothing new, nothing to do", "quorum w0\n", 1,
	{NOTHING(0, 10, 10, 10), NOTHING(5000, 10, 10, 10), NOTHING(100000, 10, 10, 10)}},
    {"no sooner than the interval", "quorum w0\n", 1,
	{NOTHING(0, 11, 10, 10), NOTHING(4999, 12, 10, 10), NOTHING(5000, 13, 10, 13)}},
    {"at once, where the interval is over", "quorum w0\n", 1, {NOTHING(60000, 10, 10, 10), NOTHING(60001, 11, 10, 11)}},
    {"the candidate stays under load", "quorum w0\n", 1,
	{NOTHING(5000, 11, 10, 11), NOTHING(5001, 500, 10, 11), NOTHING(20000, 9000, 10, 11),
	    QUORUM(20001, 9500, 0, 11, 11, 11), NOTHING(20002, 9600, 11, 9600)}},
    {"the interval is from candidate to candidate", "quorum w0\n", 1,
	{NOTHING(5000, 11, 10, 11), QUORUM(6000, 12, 0, 11, 11, 11), NOTHING(9999, 13, 11, 11),
	    NOTHING(10000, 14, 11, 14)}},
    {"one of any", "group g any w0 w1 w2\nquorum g\n", 3, {NOTHING(5000, 11, 10, 11), QUORUM(5001, 11, 2, 11, 11, 11)}},
    {"all of all", "group g all w0 w1 w2\nquorum g\n", 3,
	{NOTHING(5000, 11, 10, 11), COSIGN(5001, 12, 2, 11, 10, 11), COSIGN(5002, 13, 0, 11, 10, 11),
	    QUORUM(5003, 14, 1, 11, 11, 11)}},
    {"two of three", "group g 2 w0 w1 w2\nquorum g\n", 3,
	{NOTHING(5000, 11, 10, 11), COSIGN(5001, 12, 2, 11, 10, 11), QUORUM(5003, 14, 0, 11, 11, 11)}},
    {"one and two of three", "group g 2 w1 w2 w3\ngroup h all w0 g\nquorum h\n", 4,
	{NOTHING(5000, 11, 10, 11), COSIGN(5001, 12, 2, 11, 10, 11), COSIGN(5002, 12, 3, 11, 10, 11),
	    QUORUM(5003, 14, 0, 11, 11, 11)}},
    {"one witness does not count twice", "group g 2 w0 w1 w2\nquorum g\n", 3,
	{NOTHING(5000, 11, 10, 11), COSIGN(5001, 12, 2, 11, 10, 11), {5002, 12, 2, 11, 1001, PUBLISHED_NOTHING, 10, 11},
	    {5003, 12, 2, 11, 999, PUBLISHED_NOTHING, 10, 11}}},
    {"who is not in the quorum does not count", "quorum w0\n", 2,
	{NOTHING(5000, 11, 10, 11), COSIGN(5001, 12, 1, 11, 10, 11), QUORUM(5002, 12, 0, 11, 11, 11)}},
    {"no quorum at all", "quorum none\n", 1,
	{NOTHING(4999, 11, 10, 10), QUORUM_NOW(5000, 11, 11, 11), NOTHING(9999, 12, 11, 11),
	    QUORUM_NOW(10000, 13, 13, 13)}},
    {"the time is up, to the microsecond", "quorum w0\n", 1,
	{NOTHING(5000, 11, 10, 11), NOTHING(34999, 12, 10, 11), TIMEOUT(35000, 13, 11, 11), NOTHING(35001, 13, 11, 13),
	    TIMEOUT(65001, 14, 13, 13)}},
    {"late, for the published head", "group g 2 w0 w1 w2\nquorum g\n", 3,
	{NOTHING(5000, 11, 10, 11), COSIGN(5001, 12, 2, 11, 10, 11), TIMEOUT(35000, 12, 11, 11),
	    COSIGN(35000, 11, 1, 11, 11, 11)}},
    {"stale: of a head that is neither", "quorum w0\n", 1,
	{NOTHING(5000, 11, 10, 11), COSIGN(5001, 12, 0, 9, 10, 11), COSIGN(5002, 12, 0, 12, 10, 11),
	    COSIGN(5003, 12, 0, 10, 10, 11), QUORUM(5004, 12, 0, 11, 11, 11), NOTHING(10000, 12, 11, 12),
	    COSIGN(10001, 12, 0, 11, 11, 12)}},
    {"never a smaller one", "quorum w0\n", 1, {NOTHING(5000, 9, 10, 10), NOTHING(50000, 1, 10, 10)}},
};

static void run_step(const struct row *row, size_t number, struct published *published)
{
	const struct step *step = &row->steps[number];
	struct head latest = witness_head(step->latest), found;
	struct published_counts counts;
	enum published_event event;
	uint64_t now_us = 1000 + step->at_ms * 1000;

	if (step->witness >= 0) {
		struct cosignatures cosignatures = witness_cosign((unsigned)step->witness, step->size, step->time_s);

		published_add(published, step->size, &cosignatures);
	}
	event = published_poke(published, &latest, now_us);
	published_count(published, now_us, &counts);
	published_head(published, &found);
	if (event != step->event || counts.size != step->published || counts.candidate_size != step->candidate ||
	    found.size != step->published)
		fail_msg("%s, step %zu: event %d, published %llu, candidate %llu", row->name, number, (int)event,
		    (unsigned long long)counts.size, (unsigned long long)counts.candidate_size);
	published_candidate(published, &found);
	if (found.size != step->candidate)
		fail_msg(
		    "%s, step %zu: %llu is shown as the candidate", row->name, number, (unsigned long long)found.size);
}

static struct published *start(unsigned witness_count, const char *policy)
{
	struct head latest = witness_head(10);
	struct published *published;

	assert_int_equal(
	    published_new(&settings, witness_trust(0, witness_count - 1, policy), &latest, 1000, &published), OK);
	return published;
}

static void publishes_what_is_due(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct published *published = start(rows[i].witness_count, rows[i].policy);

		for (size_t k = 0; k < STEPS_MAX && rows[i].steps[k].latest != 0; k++)
			run_step(&rows[i], k, published);
		published_free(published);
	}
	published_free(NULL);
}

static void add(struct published *published, unsigned witness, uint64_t size, uint64_t time_s)
{
	struct cosignatures cosignatures = witness_cosign(witness, size, time_s);

	published_add(published, size, &cosignatures);
}

static void keeps_every_cosignature_of_both(void **state)
{
	struct published *published = start(3, "group g 2 w0 w1 w2\nquorum g\n");
	struct head latest = witness_head(11), found;
	const struct trust *trust = published_trust(published);

	(void)state;
	published_head(published, &found);
	assert_int_equal(witness_count_lines(&found, trust), 0);
	add(published, 1, 10, 5);
	assert_int_equal(published_poke(published, &latest, 6000000), PUBLISHED_NOTHING);
	add(published, 0, 11, 5);
	assert_int_equal(published_cosigned(published, 10), 2);
	assert_int_equal(published_cosigned(published, 11), 1);
	assert_int_equal(published_cosigned(published, 12), 0);
	assert_false(published_is_met(published, 11));
	published_head(published, &found);
	assert_int_equal(witness_count_lines(&found, trust), 1);
	published_candidate(published, &found);
	assert_int_equal(witness_count_lines(&found, trust), 1);
	add(published, 2, 11, 5);
	assert_true(published_is_met(published, 11));
	assert_int_equal(published_poke(published, &latest, 6000001), PUBLISHED_BY_QUORUM);
	/* One more than the quorum, late. */
	add(published, 1, 11, 5);
	published_head(published, &found);
	assert_int_equal(found.size, 11);
	assert_int_equal(witness_count_lines(&found, trust), 3);
	assert_int_equal(published_cosigned(published, 11), 7);
	assert_int_equal(published_cosigned(published, 10), 0);
	assert_false(published_is_met(published, 10));
	published_free(published);
}

static void counts_what_happened(void **state)
{
	struct published *published = start(2, "group g all w0 w1\nquorum g\n");
	struct head latest = witness_head(11);
	struct published_counts counts;

	(void)state;
	published_count(published, 4001000, &counts);
	assert_int_equal(counts.age_us, 4000000);
	assert_int_equal(counts.candidate_age_us, 0);
	assert_false(counts.is_quorum_met);
	assert_int_equal(published_poke(published, &latest, 6000000), PUBLISHED_NOTHING);
	add(published, 1, 11, 5);
	add(published, 1, 11, 5); /* no newer: not counted */
	add(published, 1, 11, 4);
	add(published, 1, 11, 6);
	add(published, 1, 99, 7);
	published_count(published, 7000000, &counts);
	assert_int_equal(counts.candidate_age_us, 1000000);
	assert_int_equal(counts.timeouts, 0);
	assert_int_equal(published_poke(published, &latest, 36000000), PUBLISHED_BY_TIMEOUT);
	published_count(published, 36000007, &counts);
	assert_int_equal(counts.age_us, 7);
	assert_int_equal(counts.candidate_age_us, 0);
	assert_int_equal(counts.timeouts, 1);
	assert_false(counts.is_quorum_met);
	assert_int_equal(counts.witness_count, 2);
	assert_string_equal(counts.witnesses[1].name, "w1");
	assert_int_equal(counts.witnesses[0].cosignatures, 0);
	assert_int_equal(counts.witnesses[1].cosignatures, 2);
	add(published, 0, 11, 5);
	published_count(published, 36000007, &counts);
	assert_true(counts.is_quorum_met); /* late */
	published_free(published);
}

/* w0 and w1 before, w1 and w2 afterwards, in other places. */
/* Whoever they are of. */
static size_t count_signatures(const struct head *head)
{
	struct note note;

	assert_int_equal(note_parse(head_note(head), &note, NULL), OK);
	return note.signature_count;
}

static void takes_another_policy(void **state)
{
	struct published *published = start(2, "group g all w0 w1\nquorum g\n");
	struct head latest = witness_head(11), found;
	struct published_counts counts;

	(void)state;
	assert_int_equal(published_poke(published, &latest, 6000000), PUBLISHED_NOTHING);
	add(published, 1, 11, 5);
	add(published, 0, 10, 5);
	add(published, 0, 11, 5);
	published_candidate(published, &found);
	assert_int_equal(count_signatures(&found), 1 + 2);
	published_set_trust(published, witness_trust(1, 2, "group g all w1 w2\nquorum g\n"));
	assert_int_equal(published_cosigned(published, 11), 1); /* w1 is the first one now */
	assert_int_equal(published_cosigned(published, 10), 0);
	published_candidate(published, &found);
	assert_int_equal(count_signatures(&found), 1 + 1);
	published_head(published, &found);
	assert_int_equal(witness_count_lines(&found, published_trust(published)), 0);
	published_count(published, 6000000, &counts);
	assert_string_equal(counts.witnesses[0].name, "w1");
	assert_int_equal(counts.witnesses[0].cosignatures, 1);
	assert_int_equal(counts.witnesses[1].cosignatures, 0);
	/* What was on its way from one that was dismissed is left out. */
	add(published, 0, 11, 6);
	assert_int_equal(published_cosigned(published, 11), 1);
	assert_int_equal(published_poke(published, &latest, 6000001), PUBLISHED_NOTHING);
	add(published, 2, 11, 6);
	assert_int_equal(published_poke(published, &latest, 6000002), PUBLISHED_BY_QUORUM);
	published_head(published, &found);
	assert_int_equal(witness_count_lines(&found, published_trust(published)), 2);
	published_free(published);
}

/* A quorum that is easier to meet publishes what waits. */
static void publishes_by_the_new_quorum(void **state)
{
	struct published *published = start(2, "group g all w0 w1\nquorum g\n");
	struct head latest = witness_head(11);

	(void)state;
	assert_int_equal(published_poke(published, &latest, 6000000), PUBLISHED_NOTHING);
	add(published, 1, 11, 5);
	assert_int_equal(published_poke(published, &latest, 6000001), PUBLISHED_NOTHING);
	published_set_trust(published, witness_trust(0, 1, "quorum w1\n"));
	assert_int_equal(published_poke(published, &latest, 6000002), PUBLISHED_BY_QUORUM);
	published_free(published);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(publishes_what_is_due),
	    cmocka_unit_test(keeps_every_cosignature_of_both),
	    cmocka_unit_test(counts_what_happened),
	    cmocka_unit_test(takes_another_policy),
	    cmocka_unit_test(publishes_by_the_new_quorum),
	};
	return cmocka_run_group_tests(tests, init, NULL);
}

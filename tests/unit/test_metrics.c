/* Metrics: the text form that Prometheus reads, with every number in its place, and within its bound. */
#include "daemon/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct venue_counts venues[VENUE_COUNTS];

static void fill(struct metrics *metrics, struct http_counters *http, uint64_t *refusals, uint64_t value)
{
	memset(metrics, 0, sizeof(*metrics));
	*http = (struct http_counters){.requests = {value, value, value}, .connections_open = value};
	for (size_t i = 0; i < ERR_COUNT; i++)
		refusals[i] = value;
	metrics->ledger_size = metrics->ledger_time_us = value;
	metrics->published = (struct published_counts){.size = value,
	    .age_us = value,
	    .is_quorum_met = true,
	    .candidate_age_us = value,
	    .timeouts = value,
	    .witness_count = 2,
	    .witnesses = {{"bureau", value}, {"\"w\"", 7}}};
	metrics->answers = (struct answers_counts){.count = value, .size = value, .found = value};
	metrics->memory_size = value;
	metrics->now_us = value;
	metrics->rss_anon_size = value;
	metrics->writer = (struct writer_counts){.groups = value,
	    .commit_us.sum = value,
	    .unfolded = value,
	    .is_read_only = true,
	    .read_only_cause = ERR_DISK_FULL,
	    .is_room_short = true};
	metrics->venues = venues;
	metrics->store = (struct store_usage){.used_size = value, .map_size = value, .disk_free_size = value};
	metrics->http = http;
	metrics->refusals = refusals;
}

static void set_up_text(struct metrics *metrics, struct buf *ret_text)
{
	buf_init(ret_text, METRICS_SIZE_MAX);
	metrics_format(metrics, ret_text);
	assert_int_equal(ret_text->err, OK);
}

static void has_lines(struct metrics *metrics, const char *const *lines, size_t count)
{
	struct buf text;

	set_up_text(metrics, &text);
	for (size_t i = 0; i < count; i++)
		if (strstr(buf_text(&text), lines[i]) == NULL)
			fail_msg("missing:%s", lines[i]);
	buf_done(&text);
}

#define HAS_LINES(metrics, ...)                                                                                        \
	has_lines(metrics, (const char *const[]){__VA_ARGS__},                                                         \
	    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void has_a_line_for_each_number(void **state)
{
	static const char *const lines[] = {"\nsubsidy_ledger_entries 1500000\n",
	    "\nsubsidy_ledger_time_seconds 1.500000\n", "\nsubsidy_group_seconds_sum 1.500000\n",
	    "\nsubsidy_groups_total 1500000\n", "\nsubsidy_unfolded_entries 1500000\n",
	    "\nsubsidy_read_only{cause=\"disk_full\"} 1\n", "\nsubsidy_read_only{cause=\"clock_suspect\"} 0\n",
	    "\nsubsidy_store_room_short 1\n", "\nsubsidy_rss_anon_bytes 1500000\n",
	    "\nsubsidy_refusals_total{error=\"feed_conflict\"} 1500000\n",
	    "\nsubsidy_http_requests_total{listener=\"public\"} 1500000\n", "\nsubsidy_memory_bytes 1500000\n",
	    "\nsubsidy_answers_remembered 1500000\n", "\nsubsidy_answers_remembered_bytes 1500000\n",
	    "\nsubsidy_answers_recalled_total 1500000\n", "\nsubsidy_published_entries 1500000\n",
	    "\nsubsidy_published_age_seconds 1.500000\n", "\nsubsidy_published_quorum_met 1\n",
	    "\nsubsidy_candidate_age_seconds 1.500000\n", "\nsubsidy_published_timeouts_total 1500000\n",
	    "\nsubsidy_witness_cosignatures_total{witness=\"bureau\"} 1500000\n",
	    "\nsubsidy_witness_cosignatures_total{witness=\"\\\"w\\\"\"} 7\n"};
	uint64_t refusals[ERR_COUNT];
	struct http_counters http;
	struct metrics metrics;
	struct buf text;

	(void)state;
	fill(&metrics, &http, refusals, 1500000);
	buf_init(&text, METRICS_SIZE_MAX);
	metrics_format(&metrics, &text);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (strstr(buf_text(&text), lines[i]) == NULL)
			fail_msg("missing:%s", lines[i]);
	buf_done(&text);
}

/* Every value belongs to a family whose type was given before, and each type is given once. */
static void gives_every_name_a_type(void **state)
{
	uint64_t refusals[ERR_COUNT];
	struct http_counters http;
	struct metrics metrics;
	char family[128] = "", *line, *rest = NULL;
	struct buf text;
	char *copy;

	(void)state;
	fill(&metrics, &http, refusals, 3);
	buf_init(&text, METRICS_SIZE_MAX);
	metrics_format(&metrics, &text);
	copy = strdup(buf_text(&text));
	for (line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		char type[16];

		if (strncmp(line, "# HELP ", 7) == 0)
			continue;
		if (sscanf(line, "# TYPE %127s %15s", family, type) == 2) {
			char again[160];

			snprintf(again, sizeof(again), "# TYPE %s ", family);
			if (strstr(strstr(buf_text(&text), again) + 1, again) != NULL)
				fail_msg("twice: %s", again);
		} else if (strncmp(line, family, strlen(family)) != 0) {
			fail_msg("%s stands under %s", line, family);
		}
	}
	free(copy);
	buf_done(&text);
}

static void set_venue(size_t number, const char *id, uint64_t records, uint64_t last_push_us)
{
	struct venue_counts *venue = &venues[number];

	snprintf(venue->id, sizeof(venue->id), "%s", id);
	for (size_t i = 0; i < DISPOSITION_COUNT; i++)
		venue->records[i] = records;
	venue->last_push_us = last_push_us;
}

static void counts_each_venue_by_disposition(void **state)
{
	uint64_t refusals[ERR_COUNT];
	struct http_counters http;
	struct metrics metrics;

	(void)state;
	fill(&metrics, &http, refusals, 1500000);
	set_venue(7, "qddex", 5, 250000);
	HAS_LINES(&metrics, "\nsubsidy_venue_records_total{venue=\"qddex\",disposition=\"counted\"} 5\n",
	    "\nsubsidy_venue_records_total{venue=\"qddex\",disposition=\"overflow\"} 5\n",
	    "\nsubsidy_venue_push_age_seconds{venue=\"qddex\"} 1.250000\n");
	/* A clock that was set back. */
	venues[7].last_push_us = 1500001;
	HAS_LINES(&metrics, "\nsubsidy_venue_push_age_seconds{venue=\"qddex\"} 0.000000\n");
	memset(venues, 0, sizeof(venues));
}

static void escapes_what_would_end_a_label(void **state)
{
	uint64_t refusals[ERR_COUNT];
	struct http_counters http;
	struct metrics metrics;

	(void)state;
	fill(&metrics, &http, refusals, 1);
	set_venue(1, "a\"b\\c\nd", 1, 1);
	HAS_LINES(&metrics, "\nsubsidy_venue_push_age_seconds{venue=\"a\\\"b\\\\c\\nd\"} ");
	memset(venues, 0, sizeof(venues));
}

static void puts_a_value_into_the_first_bucket_that_holds_it(void **state)
{
	static const struct {
		uint64_t value;
		size_t bucket;
	} rows[] = {{0, 0}, {999, 0}, {1000, 0}, {1001, 1}, {2500, 1}, {2501, 2}, {10000000, 11}, {10000001, 12},
	    {UINT64_MAX / 2, 12}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct histogram histogram = {.sum = 0};

		histogram_add(&histogram, commit_us_bounds, rows[i].value);
		if (histogram.buckets[rows[i].bucket] != 1 || histogram.sum != rows[i].value)
			fail_msg("%llu is not in bucket %zu", (unsigned long long)rows[i].value, rows[i].bucket);
	}
}

static void gives_buckets_as_sums_of_all_below(void **state)
{
	uint64_t refusals[ERR_COUNT];
	struct http_counters http;
	struct metrics metrics;

	(void)state;
	fill(&metrics, &http, refusals, 1);
	metrics.writer.commit_us.sum = 0;
	histogram_add(&metrics.writer.commit_us, commit_us_bounds, 500);
	histogram_add(&metrics.writer.commit_us, commit_us_bounds, 2000);
	histogram_add(&metrics.writer.commit_us, commit_us_bounds, 20000000);
	histogram_add(&metrics.writer.group_records, group_records_bounds, 65536);
	HAS_LINES(&metrics, "\nsubsidy_group_seconds_bucket{le=\"0.001000\"} 1\n",
	    "\nsubsidy_group_seconds_bucket{le=\"0.002500\"} 2\n",
	    "\nsubsidy_group_seconds_bucket{le=\"10.000000\"} 2\n", "\nsubsidy_group_seconds_bucket{le=\"+Inf\"} 3\n",
	    "\nsubsidy_group_seconds_sum 20.002500\n", "\nsubsidy_group_seconds_count 3\n",
	    "\nsubsidy_group_records_bucket{le=\"50000\"} 0\n", "\nsubsidy_group_records_bucket{le=\"100000\"} 1\n",
	    "\nsubsidy_group_records_sum 65536\n");
}

static void fits_with_all_venues_and_the_largest_numbers(void **state)
{
	uint64_t refusals[ERR_COUNT];
	struct http_counters http;
	struct metrics metrics;
	struct buf text;

	(void)state;
	fill(&metrics, &http, refusals, UINT64_MAX);
	for (size_t i = 1; i < VENUE_COUNTS; i++)
		set_venue(i, "a23456789012345678901234567890-z", UINT64_MAX, 0);
	set_up_text(&metrics, &text);
	assert_true(text.size < METRICS_SIZE_MAX / 4 * 3);
	buf_done(&text);
	memset(venues, 0, sizeof(venues));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(has_a_line_for_each_number),
	    cmocka_unit_test(gives_every_name_a_type),
	    cmocka_unit_test(counts_each_venue_by_disposition),
	    cmocka_unit_test(escapes_what_would_end_a_label),
	    cmocka_unit_test(puts_a_value_into_the_first_bucket_that_holds_it),
	    cmocka_unit_test(gives_buckets_as_sums_of_all_below),
	    cmocka_unit_test(fits_with_all_venues_and_the_largest_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

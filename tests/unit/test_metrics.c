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

static void fill(struct metrics *metrics, struct http_counters *http, uint64_t *refusals, uint64_t value)
{
	memset(metrics, 0, sizeof(*metrics));
	*http = (struct http_counters){.requests = {value, value, value}, .connections_open = value};
	for (size_t i = 0; i < ERR_COUNT; i++)
		refusals[i] = value;
	metrics->ledger_size = metrics->ledger_time_us = value;
	metrics->memory_size = value;
	metrics->writer = (struct writer_counts){.groups = value, .commit_us_sum = value, .is_read_only = true};
	metrics->store = (struct store_usage){.used_size = value, .map_size = value, .disk_free_size = value};
	metrics->http = http;
	metrics->refusals = refusals;
}

static void has_a_line_for_each_number(void **state)
{
	static const char *const lines[] = {"\nsubsidy_ledger_entries 1500000\n",
	    "\nsubsidy_ledger_time_seconds 1.500000\n", "\nsubsidy_group_seconds_sum 1.500000\n",
	    "\nsubsidy_group_seconds_count 1500000\n", "\nsubsidy_read_only 1\n",
	    "\nsubsidy_refusals_total{error=\"feed_conflict\"} 1500000\n",
	    "\nsubsidy_http_requests_total{listener=\"public\"} 1500000\n", "\nsubsidy_memory_bytes 1500000\n"};
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

static void fits_with_the_largest_numbers(void **state)
{
	uint64_t refusals[ERR_COUNT];
	struct http_counters http;
	struct metrics metrics;
	struct buf text;

	(void)state;
	fill(&metrics, &http, refusals, UINT64_MAX);
	buf_init(&text, METRICS_SIZE_MAX);
	metrics_format(&metrics, &text);
	assert_int_equal(text.err, OK);
	assert_true(text.size < METRICS_SIZE_MAX / 2);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(has_a_line_for_each_number),
	    cmocka_unit_test(gives_every_name_a_type),
	    cmocka_unit_test(fits_with_the_largest_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The daemon's numbers in the text form of Prometheus (version 0.0.4). Pure: the caller collects, this writes.
 * Names of people and enterprises are no metrics; of venues there are at most VENUES_MAX, of witnesses COSIGNATURES_MAX.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "daemon/answers.h"
#include "daemon/http.h"
#include "daemon/published.h"
#include "daemon/writer.h"

#define METRICS_SIZE_MAX (2u << 20)	/* bytes: some lines of a hundred bytes for each of VENUES_MAX, and room */

struct metrics {
	uint64_t now_us, start_us;
	uint64_t ledger_size, ledger_time_us;
	struct published_counts published;
	uint32_t rules_version;
	size_t commands_in_work, jobs_in_work;
	struct answers_counts answers;
	uint64_t memory_size;		/* bytes the program holds for itself, the data file aside */
	uint64_t rss_anon_size;		/* bytes the kernel counts as this program's own; 0 where it does not say */
	struct writer_counts writer;
	const struct venue_counts *venues;	/* VENUE_COUNTS of them */
	struct store_usage store;
	const struct http_counters *http;
	const uint64_t *refusals;	/* ERR_COUNT of them */
};

/* Errors stick to the buffer. */
void metrics_format(const struct metrics *metrics, struct buf *ret_text);

#endif

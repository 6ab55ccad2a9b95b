/*
 * The daemon's numbers in the text form of Prometheus (version 0.0.4). Pure: the caller collects, this writes.
 * Names of people, venues and enterprises are no metrics.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "daemon/http.h"
#include "daemon/writer.h"

#define METRICS_SIZE_MAX 65536	/* bytes: a hundred lines of a hundred bytes, and room */

struct metrics {
	uint64_t ledger_size, ledger_time_us;
	size_t commands_in_work, jobs_in_work;
	uint64_t memory_size;		/* bytes the program holds for itself, the data file aside */
	struct writer_counts writer;
	struct store_usage store;
	const struct http_counters *http;
	const uint64_t *refusals;	/* ERR_COUNT of them */
};

/* Errors stick to the buffer. */
void metrics_format(const struct metrics *metrics, struct buf *ret_text);

#endif

#include "daemon/metrics.h"

#include <inttypes.h>

/* Microseconds as a decimal number of seconds. */
static void add_seconds(struct buf *text, const char *name, uint64_t value_us)
{
	buf_printf(text, "%s %" PRIu64 ".%06u\n", name, value_us / 1000000, (unsigned)(value_us % 1000000));
}

static void add_head(struct buf *text, const char *name, const char *type, const char *help)
{
	buf_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add(struct buf *text, const char *name, const char *type, const char *help, uint64_t value)
{
	add_head(text, name, type, help);
	buf_printf(text, "%s %" PRIu64 "\n", name, value);
}

static void add_ledger(struct buf *text, const struct metrics *metrics)
{
	add(text, "subsidy_ledger_entries", "gauge", "Entries of the ledger, as of its newest signed checkpoint.",
	    metrics->ledger_size);
	add_head(text, "subsidy_ledger_time_seconds", "gauge", "Time of the newest entry.");
	add_seconds(text, "subsidy_ledger_time_seconds", metrics->ledger_time_us);
	add(text, "subsidy_store_used_bytes", "gauge", "Bytes of the data file in use.", metrics->store.used_size);
	add(text, "subsidy_store_map_bytes", "gauge", "Bytes the data file may grow to.", metrics->store.map_size);
	add(text, "subsidy_store_disk_free_bytes", "gauge", "Bytes free on its disk.", metrics->store.disk_free_size);
}

static void add_writer(struct buf *text, const struct metrics *metrics)
{
	const struct writer_counts *writer = &metrics->writer;

	add(text, "subsidy_groups_total", "counter", "Groups the writer has taken.", writer->groups);
	add(text, "subsidy_commands_total", "counter", "Pushes and orders that reached the writer.", writer->commands);
	add(text, "subsidy_commands_refused_total", "counter", "Of these, refused by the writer.", writer->refused);
	add(text, "subsidy_records_total", "counter", "Records stored.", writer->records);
	add_head(text, "subsidy_group_seconds", "summary", "Time from a group's begin to its durable end.");
	add_seconds(text, "subsidy_group_seconds_sum", writer->commit_us_sum);
	buf_printf(text, "subsidy_group_seconds_count %" PRIu64 "\n", writer->groups);
	add_head(text, "subsidy_group_seconds_max", "gauge", "The longest such time since the start.");
	add_seconds(text, "subsidy_group_seconds_max", writer->commit_us_max);
	add(text, "subsidy_group_records_max", "gauge", "Records of the largest group.", writer->group_records_max);
	add(text, "subsidy_commands_waiting", "gauge", "Commands that wait for the writer.", writer->waiting);
	add(text, "subsidy_commands_in_work", "gauge", "Commands given to the writer and not back yet.",
	    metrics->commands_in_work);
	add(text, "subsidy_jobs_in_work", "gauge", "Jobs that wait for a worker or are in one.", metrics->jobs_in_work);
	add(text, "subsidy_read_only", "gauge", "1 while no new entries are taken.", writer->is_read_only);
}

static void add_refusals(struct buf *text, const uint64_t *refusals)
{
	static const char name[] = "subsidy_refusals_total";

	add_head(text, name, "counter", "Pushes and orders that were refused, by error.");
	for (size_t i = 0; i < ERR_COUNT; i++)
		if (refusals[i] > 0)
			buf_printf(text, "%s{error=\"%s\"} %" PRIu64 "\n", name, err_name((enum err)i), refusals[i]);
}

static void add_http(struct buf *text, const struct http_counters *http)
{
	static const char *const tags[] = {[HTTP_FEED] = "feed", [HTTP_PUBLIC] = "public", [HTTP_METRICS] = "metrics"};

	add_head(text, "subsidy_http_requests_total", "counter", "Requests, by listener.");
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		buf_printf(
		    text, "subsidy_http_requests_total{listener=\"%s\"} %" PRIu64 "\n", tags[i], http->requests[i]);
	add_head(text, "subsidy_http_replies_total", "counter", "Answers, by first digit of the status.");
	for (size_t i = 2; i < sizeof(http->replies) / sizeof(http->replies[0]); i++)
		buf_printf(text, "subsidy_http_replies_total{status=\"%zuxx\"} %" PRIu64 "\n", i, http->replies[i]);
	add(text, "subsidy_http_connections_total", "counter", "Connections accepted.", http->connections_accepted);
	add(text, "subsidy_http_connections_refused_total", "counter", "Connections over a limit.",
	    http->refused_connections);
	add(text, "subsidy_http_reading_refused_total", "counter", "Requests refused while too many bytes were held.",
	    http->refused_reading);
	add(text, "subsidy_http_timeouts_total", "counter", "Connections cut by a deadline.", http->timeouts);
	add(text, "subsidy_http_clients_left_total", "counter", "Clients gone before their answer.",
	    http->clients_left);
	add(text, "subsidy_http_connections", "gauge", "Connections open.", http->connections_open);
	add(text, "subsidy_http_requests_in_work", "gauge", "Requests not answered yet.", http->requests_in_work);
	add(text, "subsidy_http_body_bytes", "gauge", "Bytes held for requests.", http->body_bytes_held);
}

void metrics_format(const struct metrics *metrics, struct buf *ret_text)
{
	add_ledger(ret_text, metrics);
	add_writer(ret_text, metrics);
	add_refusals(ret_text, metrics->refusals);
	add_http(ret_text, metrics->http);
	add(ret_text, "subsidy_memory_bytes", "gauge", "Memory the program holds for itself, the data file aside.",
	    metrics->memory_size);
}

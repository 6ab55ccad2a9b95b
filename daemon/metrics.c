#include "daemon/metrics.h"

#include <inttypes.h>

#include "daemon/tls.h"
#include "proto/version.h"

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

/* A label's value: backslash, quote and newline are written with a backslash. */
static void add_label(struct buf *text, const char *name, const char *value)
{
	buf_printf(text, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			buf_printf(text, "\\n");
		else
			buf_printf(text, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
	}
	buf_printf(text, "\"");
}

/* Seconds from then to now; a clock that was set back makes nothing older than now. */
static uint64_t age_us(const struct metrics *metrics, uint64_t then_us)
{
	return then_us < metrics->now_us ? metrics->now_us - then_us : 0;
}

static void add_program(struct buf *text, const struct metrics *metrics)
{
	add_head(text, "subsidy_build_info", "gauge", "1, for its labels.");
	buf_printf(text, "subsidy_build_info{");
	add_label(text, "version", SUBSIDY_VERSION);
	buf_printf(text, ",rules=\"%" PRIu32 "\",", metrics->rules_version);
	add_label(text, "openssl", tls_library());
	buf_printf(text, "} 1\n");
	add_head(text, "subsidy_start_time_seconds", "gauge", "Time of the start.");
	add_seconds(text, "subsidy_start_time_seconds", metrics->start_us);
	add(text, "subsidy_memory_bytes", "gauge", "Memory the program holds for itself, the data file aside.",
	    metrics->memory_size);
	add(text, "subsidy_rss_anon_bytes", "gauge", "RssAnon of /proc/self/status: the same, as the kernel counts it.",
	    metrics->rss_anon_size);
}

/* Buckets are cumulative in the text. Bounds and sum in microseconds become seconds. */
static void add_histogram(
    struct buf *text, const char *name, const struct histogram *histogram, const uint64_t *bounds, bool is_time)
{
	uint64_t count = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		count += histogram->buckets[i];
		if (is_time)
			buf_printf(text, "%s_bucket{le=\"%" PRIu64 ".%06u\"} %" PRIu64 "\n", name, bounds[i] / 1000000,
			    (unsigned)(bounds[i] % 1000000), count);
		else
			buf_printf(text, "%s_bucket{le=\"%" PRIu64 "\"} %" PRIu64 "\n", name, bounds[i], count);
	}
	count += histogram->buckets[HISTOGRAM_BUCKETS];
	buf_printf(text, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
	if (is_time)
		buf_printf(text, "%s_sum %" PRIu64 ".%06u\n", name, histogram->sum / 1000000,
		    (unsigned)(histogram->sum % 1000000));
	else
		buf_printf(text, "%s_sum %" PRIu64 "\n", name, histogram->sum);
	buf_printf(text, "%s_count %" PRIu64 "\n", name, count);
}

static void add_venues(struct buf *text, const struct metrics *metrics)
{
	static const char records[] = "subsidy_venue_records_total", age[] = "subsidy_venue_push_age_seconds";

	add_head(text, records, "counter", "Records stored since the start, by venue and disposition.");
	for (size_t i = 0; i < VENUE_COUNTS; i++) {
		const struct venue_counts *venue = &metrics->venues[i];

		for (unsigned j = 1; venue->id[0] != '\0' && j < DISPOSITION_COUNT; j++) {
			buf_printf(text, "%s{", records);
			add_label(text, "venue", venue->id);
			buf_printf(text, ",disposition=\"%s\"} %" PRIu64 "\n", disposition_name((enum disposition)j),
			    venue->records[j]);
		}
	}
	add_head(text, age, "gauge",
	    "Time since the venue's last push that brought records; none for one that never pushed.");
	for (size_t i = 0; i < VENUE_COUNTS; i++) {
		const struct venue_counts *venue = &metrics->venues[i];
		uint64_t value_us = age_us(metrics, venue->last_push_us);

		if (venue->id[0] == '\0')
			continue;
		buf_printf(text, "%s{", age);
		add_label(text, "venue", venue->id);
		buf_printf(text, "} %" PRIu64 ".%06u\n", value_us / 1000000, (unsigned)(value_us % 1000000));
	}
}

/* One line for each cause, so that a graph does not begin with its first incident. */
static void add_read_only(struct buf *text, const struct writer_counts *writer)
{
	static const enum err causes[] = {ERR_DISK_FULL, ERR_CLOCK};

	add_head(text, "subsidy_read_only", "gauge",
	    "1 while no new entries are taken, or the last push was refused for want of room.");
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		buf_printf(text, "subsidy_read_only{cause=\"%s\"} %d\n", err_name(causes[i]),
		    writer->is_read_only && writer->read_only_cause == causes[i]);
	add(text, "subsidy_store_room_short", "gauge", "1 while the room of map or disk is so short that it is logged.",
	    writer->is_room_short);
}

static void add_ledger(struct buf *text, const struct metrics *metrics)
{
	add(text, "subsidy_ledger_entries", "gauge", "Entries of the ledger, as of its newest signed checkpoint.",
	    metrics->ledger_size);
	add_head(text, "subsidy_ledger_time_seconds", "gauge", "Time of the newest entry.");
	add_seconds(text, "subsidy_ledger_time_seconds", metrics->ledger_time_us);
	add_head(text, "subsidy_checkpoint_age_seconds", "gauge", "Time since the newest entry.");
	add_seconds(text, "subsidy_checkpoint_age_seconds", age_us(metrics, metrics->ledger_time_us));
	add(text, "subsidy_store_used_bytes", "gauge", "Bytes of the data file in use.", metrics->store.used_size);
	add(text, "subsidy_store_map_bytes", "gauge", "Bytes the data file may grow to.", metrics->store.map_size);
	add(text, "subsidy_store_disk_free_bytes", "gauge", "Bytes free on its disk.", metrics->store.disk_free_size);
}

/* Where there are no witnesses the newest head is published at once, and nothing is missing. */
static void add_published(struct buf *text, const struct published_counts *published)
{
	static const char cosignatures[] = "subsidy_witness_cosignatures_total";

	add(text, "subsidy_published_entries", "gauge", "Entries of the published head.", published->size);
	add_head(text, "subsidy_published_age_seconds", "gauge", "Time since that head was published.");
	add_seconds(text, "subsidy_published_age_seconds", published->age_us);
	add(text, "subsidy_published_quorum_met", "gauge", "1 while its quorum of witnesses has cosigned it.",
	    published->is_quorum_met);
	add_head(text, "subsidy_candidate_age_seconds", "gauge",
	    "Time that the next head has waited for its quorum; 0 while none waits.");
	add_seconds(text, "subsidy_candidate_age_seconds", published->candidate_age_us);
	add(text, "subsidy_published_timeouts_total", "counter", "Heads published without their quorum.",
	    published->timeouts);
	add_head(text, cosignatures, "counter", "Cosignatures taken since the start, by witness.");
	for (size_t i = 0; i < published->witness_count; i++) {
		buf_printf(text, "%s{", cosignatures);
		add_label(text, "witness", published->witnesses[i].name);
		buf_printf(text, "} %" PRIu64 "\n", published->witnesses[i].cosignatures);
	}
}

static void add_distrusts(struct buf *text, const struct writer_counts *writer)
{
	add(text, "subsidy_distrusts_under_way", "gauge",
	    "Orders that distrust a venue's key and have not put all of its trades on hold yet.",
	    writer->distrusts_pending);
	add(text, "subsidy_distrust_slices_total", "counter", "Slices the writer has made for such orders.",
	    writer->distrust_slices);
	add(text, "subsidy_distrust_held_total", "counter", "Trades put on hold in them.", writer->distrust_held);
	add_head(text, "subsidy_distrust_slice_seconds_max", "gauge", "The longest such slice since the start.");
	add_seconds(text, "subsidy_distrust_slice_seconds_max", writer->distrust_us_max);
}

static void add_writer(struct buf *text, const struct metrics *metrics)
{
	const struct writer_counts *writer = &metrics->writer;

	add(text, "subsidy_groups_total", "counter", "Groups the writer has taken.", writer->groups);
	add(text, "subsidy_commands_total", "counter", "Pushes and orders that reached the writer.", writer->commands);
	add(text, "subsidy_commands_refused_total", "counter", "Of these, refused by the writer.", writer->refused);
	add(text, "subsidy_records_total", "counter", "Records stored.", writer->records);
	add_head(text, "subsidy_group_seconds", "histogram", "Time from a group's begin to its durable end.");
	add_histogram(text, "subsidy_group_seconds", &writer->commit_us, commit_us_bounds, true);
	add_head(text, "subsidy_group_seconds_max", "gauge", "The longest such time since the start.");
	add_seconds(text, "subsidy_group_seconds_max", writer->commit_us_max);
	add_head(text, "subsidy_group_records", "histogram", "Records of a group, an order counted as one.");
	add_histogram(text, "subsidy_group_records", &writer->group_records, group_records_bounds, false);
	add(text, "subsidy_group_records_max", "gauge", "Records of the largest group.", writer->group_records_max);
	add(text, "subsidy_commands_waiting", "gauge", "Commands that wait for the writer.", writer->waiting);
	add(text, "subsidy_commands_in_work", "gauge", "Commands given to the writer and not back yet.",
	    metrics->commands_in_work);
	add(text, "subsidy_jobs_in_work", "gauge", "Jobs that wait for a worker or are in one.", metrics->jobs_in_work);
	add(text, "subsidy_unfolded_entries", "gauge",
	    "Entries since the sums by month were last stored; whoever reads adds them.", writer->unfolded);
	add_distrusts(text, writer);
	add_read_only(text, writer);
}

static void add_answers(struct buf *text, const struct answers_counts *answers)
{
	add(text, "subsidy_answers_remembered", "gauge", "Enterprises of which an answer is remembered.",
	    answers->count);
	add(text, "subsidy_answers_remembered_bytes", "gauge", "Bytes of these.", answers->size);
	add(text, "subsidy_answers_recalled_total", "counter", "Answers given out of memory.", answers->found);
}

static void add_refusals(struct buf *text, const uint64_t *refusals)
{
	static const char name[] = "subsidy_refusals_total";

	add_head(text, name, "counter", "Pushes, orders and cosignatures that were refused, by error.");
	for (size_t i = 0; i < ERR_COUNT; i++)
		if (i != OK)
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
	add_program(ret_text, metrics);
	add_ledger(ret_text, metrics);
	add_published(ret_text, &metrics->published);
	add_writer(ret_text, metrics);
	add_venues(ret_text, metrics);
	add_answers(ret_text, &metrics->answers);
	add_refusals(ret_text, metrics->refusals);
	add_http(ret_text, metrics->http);
}

/* The ledger as a whole: its newest checkpoint, its identity, what the bureau sees of it, and how it is. */
#include "daemon/answers.h"
#include "daemon/api_internal.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/eras.h"
#include "daemon/metrics.h"
#include "daemon/publisher.h"

#define TEXT_TYPE "text/plain; charset=utf-8"

void api_published(const struct api *api, struct head *ret_head)
{
	head_get(api->published, ret_head);
}

void api_checkpoint(struct api *api, struct http_request *request, struct slice subject)
{
	struct head head;

	(void)subject;
	api_published(api, &head);
	http_reply_header(request, "Cache-Control", "public, max-age=2");
	http_reply(request, 200, TEXT_TYPE, head_note(&head));
}

enum err api_identify(struct api *api, struct store_txn *txn, struct why *why)
{
	struct eras *eras = calloc(1, sizeof(*eras));
	struct slice entry;
	enum err err = eras == NULL ? ERR_MEMORY : ledger_read_identity(txn, &api->identity);

	if (err == OK && !ledger_bytes(txn, 0, &entry))
		err = ERR_DAMAGED;
	if (err == OK)
		err = eras_load(entry, eras, why);
	for (size_t i = 0; err == OK && i + 1 < eras->count; i++) {
		struct past_ledger *past = &api->past[api->past_count++];

		memcpy(past->origin, eras->list[i].genesis->origin, sizeof(past->origin));
		memcpy(past->ledger_id, eras->list[i].ledger_id, sizeof(past->ledger_id));
		past->size = eras->list[i].end;
	}
	if (eras != NULL)
		eras_done(eras);
	free(eras);
	return err;
}

json_t *api_past_json(const struct api *api)
{
	json_t *list = json_array();

	for (size_t i = 0; i < api->past_count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "origin", api->past[i].origin, "ledger_id",
						api->past[i].ledger_id, "size", (json_int_t)api->past[i].size));
	return list;
}

void api_health(struct api *api, struct http_request *request, struct slice subject)
{
	(void)api, (void)subject;
	http_reply(request, 200, TEXT_TYPE, slice_text("ok\n"));
}

enum err api_obstacle(const struct api *api)
{
	struct writer_counts counts;

	if (api->is_rolled_back)
		return ERR_ROLLED_BACK;
	if (api->is_stopping)
		return ERR_STOPPING;
	writer_counts(api->writer, &counts);
	return counts.is_read_only ? counts.read_only_cause : OK;
}

void api_ready(struct api *api, struct http_request *request, struct slice subject)
{
	enum err obstacle = api_obstacle(api);
	char text[64];

	(void)subject;
	if (obstacle == OK) {
		http_reply(request, 200, TEXT_TYPE, slice_text("ok\n"));
		return;
	}
	snprintf(text, sizeof(text), "%s\n", err_name(obstacle));
	http_reply(request, 503, TEXT_TYPE, slice_text(text));
}

/* RssAnon of /proc/self/status in bytes; 0 where it is not told. */
static uint64_t read_rss_anon(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	unsigned long long size_kib = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "RssAnon: %llu kB", &size_kib) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return size_kib * 1024;
}

void api_metrics(struct api *api, struct http_request *request, struct slice subject)
{
	struct metrics metrics = {.http = http_counters(api->http), .refusals = api->refusals};
	struct mallinfo2 memory = mallinfo2();
	struct venue_counts *venues = malloc(VENUE_COUNTS * sizeof(*venues));
	struct head head;
	struct buf text;

	(void)subject;
	if (venues == NULL) {
		http_reply_problem(request, ERR_MEMORY, NULL, NULL);
		return;
	}
	writer_venue_counts(api->writer, venues);
	metrics.venues = venues;
	metrics.now_us = clock_now_us();
	metrics.rules_version = api->identity.rules;
	metrics.rss_anon_size = read_rss_anon();
	head_get(api->head, &head);
	metrics.ledger_size = head.size;
	metrics.ledger_time_us = head.time_us;
	metrics.published = (struct published_counts){.size = head.size, .is_quorum_met = true};
	if (api->publisher != NULL)
		publisher_count(api->publisher, &metrics.published);
	metrics.commands_in_work = api->command_count;
	metrics.jobs_in_work = pool_job_count(api->pool);
	metrics.answers = answers_counts(api->answers);
	writer_counts(api->writer, &metrics.writer);
	metrics.start_us = metrics.writer.start_us;
	store_usage(api->store, &metrics.store);
	metrics.memory_size = memory.arena + memory.hblkhd;
	buf_init(&text, METRICS_SIZE_MAX);
	metrics_format(&metrics, &text);
	if (text.err != OK)
		http_reply_problem(request, text.err, NULL, NULL);
	else
		http_reply(request, 200, "text/plain; version=0.0.4; charset=utf-8", buf_slice(&text));
	buf_done(&text);
	free(venues);
}

enum err api_policies(struct reading *reading, struct store_txn *txn)
{
	uint64_t size = ledger_size(txn);

	return size == 0 ? store_error(txn) : query_policies(txn, size, &reading->json, &reading->why);
}

enum err api_overview(struct reading *reading, struct store_txn *txn)
{
	return query_overview(txn, reading->now_us, &reading->json, &reading->why);
}

enum err api_grants(struct reading *reading, struct store_txn *txn)
{
	struct grants_query query = {.subject = NULL};
	struct grant subject;
	struct slice text;
	enum err err = api_page_begin(reading, &query.page);

	if (err == OK && target_parameter(reading->target, "subject", &text)) {
		if (grant_subject_parse(text, &subject) != OK)
			return why_set(&reading->why, ERR_BAD_REQUEST,
			    "subject is bureau, auditor, venue:ID or an enterprise's code");
		query.subject = &subject;
	}
	if (err == OK)
		err = query_grants(txn, &query, &reading->json);
	return err != OK ? err : api_page_end(reading, &query.page);
}

#include "daemon/api.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/answers.h"
#include "daemon/api_internal.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "proto/date.h"

#define ON_FEED (1u << HTTP_FEED)
#define ON_PUBLIC (1u << HTTP_PUBLIC)
#define ON_METRICS (1u << HTTP_METRICS)
#define ON_BOTH (ON_FEED | ON_PUBLIC)
#define ON_ALL (ON_BOTH | ON_METRICS)

static const char *const none[] = {NULL};
static const char *const push_parameters[] = {"check", NULL};
static const char *const records_parameters[] = {"from", "not_counted", "limit", "generation", NULL};
static const char *const receipt_parameters[] = {"size", "generation", NULL};
static const char *const list_parameters[] = {"cursor", "limit", "sort", "policy", "list", "find", "as_of", NULL};
static const char *const grants_parameters[] = {"cursor", "limit", "subject", NULL};
static const char *const as_of_parameters[] = {"as_of", NULL};
static const char *const trades_parameters[] = {"cursor", "limit", "as_of", NULL};
static const char *const explain_parameters[] = {"policy", "as_of", NULL};
static const char *const statement_parameters[] = {"cursor", "limit", NULL};
static const char *const head_parameters[] = {"size", NULL};
static const char *const acts_parameters[] = {"size", "cursor", "limit", NULL};
static const char *const generation_parameters[] = {"generation", NULL};
static const char *const proof_parameters[] = {"index", "size", NULL};
static const char *const feed_proof_parameters[] = {"index", "generation", NULL};
static const char *const consistency_parameters[] = {"from", "to", NULL};

/* clang-format off */
static const struct route routes[] = {
	{HTTP_POST, "/v1/feeds/{}", ON_FEED, ACCESS_OPEN, push_parameters, .handle = api_push},
	{HTTP_GET, "/v1/feeds/{}", ON_BOTH, ACCESS_VENUE, none, .read = api_feed},
	{HTTP_GET, "/v1/feeds/{}/records", ON_BOTH, ACCESS_VENUE, records_parameters, .read = api_feed_records, .is_long = true},
	{HTTP_GET, "/v1/feeds/{}/receipt", ON_BOTH, ACCESS_VENUE, receipt_parameters, .read = api_feed_receipt},
	{HTTP_GET, "/v1/feeds/{}/proof", ON_BOTH, ACCESS_VENUE, feed_proof_parameters, .read = api_feed_proof},
	{HTTP_GET, "/v1/feeds/{}/tile/{*}", ON_BOTH, ACCESS_VENUE, generation_parameters, .read = api_feed_tile},
	{HTTP_POST, "/v1/orders", ON_PUBLIC, ACCESS_OPEN, none, .handle = api_order},
	{HTTP_GET, "/v1/enterprises", ON_PUBLIC, ACCESS_OVERSIGHT, list_parameters, .read = api_enterprises, .is_long = true},
	{HTTP_GET, "/v1/enterprises/{}", ON_PUBLIC, ACCESS_ENTERPRISE, as_of_parameters, .read = api_enterprise,
	    .is_remembered = true},
	{HTTP_GET, "/v1/enterprises/{}/trades", ON_PUBLIC, ACCESS_ENTERPRISE, trades_parameters, .read = api_trades, .is_long = true},
	{HTTP_GET, "/v1/enterprises/{}/explain", ON_PUBLIC, ACCESS_ENTERPRISE, explain_parameters, .read = api_explain,
	    .is_remembered = true},
	{HTTP_GET, "/v1/enterprises/{}/statement", ON_PUBLIC, ACCESS_ENTERPRISE, statement_parameters,
	    .read = api_statement, .is_long = true},
	{HTTP_GET, "/v1/enterprises/{}/acts", ON_PUBLIC, ACCESS_ENTERPRISE, acts_parameters, .read = api_acts, .is_long = true},
	{HTTP_GET, "/v1/enterprises/{}/head", ON_PUBLIC, ACCESS_ENTERPRISE, head_parameters, .read = api_head},
	{HTTP_GET, "/v1/grants", ON_PUBLIC, ACCESS_OVERSIGHT, grants_parameters, .read = api_grants, .is_long = true},
	{HTTP_GET, "/v1/policies", ON_PUBLIC, ACCESS_OVERSIGHT, none, .read = api_policies},
	{HTTP_GET, "/v1/overview", ON_PUBLIC, ACCESS_OVERSIGHT, none, .read = api_overview, .is_long = true},
	{HTTP_GET, "/v1/entries/{}", ON_PUBLIC, ACCESS_OVERSIGHT, none, .read = api_entry},
	{HTTP_GET, "/v1/proof", ON_BOTH, ACCESS_ANY, proof_parameters, .read = api_proof},
	{HTTP_GET, "/v1/consistency", ON_BOTH, ACCESS_OPEN, consistency_parameters, .read = api_consistency},
	{HTTP_GET, "/tile/entries/{*}", ON_PUBLIC, ACCESS_OVERSIGHT, none, .read = api_bundle},
	{HTTP_GET, "/tile/{*}", ON_PUBLIC, ACCESS_OPEN, none, .read = api_tile},
	{HTTP_GET, "/v1/ledger", ON_BOTH, ACCESS_OPEN, none, .read = api_ledger},
	{HTTP_GET, "/v1/keys", ON_BOTH, ACCESS_OPEN, none, .read = api_keys},
	{HTTP_GET, "/checkpoint", ON_BOTH, ACCESS_OPEN, none, .handle = api_checkpoint},
	{HTTP_GET, "/v1/candidate", ON_PUBLIC, ACCESS_OPEN, none, .handle = api_candidate},
	{HTTP_POST, "/v1/cosignatures", ON_PUBLIC, ACCESS_OPEN, none, .handle = api_cosignatures},
	{HTTP_GET, "/healthz", ON_ALL, ACCESS_OPEN, none, .handle = api_health},
	{HTTP_GET, "/readyz", ON_ALL, ACCESS_OPEN, none, .handle = api_ready},
	{HTTP_GET, "/metrics", ON_METRICS, ACCESS_OPEN, none, .handle = api_metrics},
};
/* clang-format on */
#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

size_t api_route_count(void)
{
	return ROUTE_COUNT;
}

const struct route *api_route_at(size_t position)
{
	return &routes[position];
}

/* Up to the next '/' behind the first byte. */
static size_t segment_size(struct slice rest)
{
	const uint8_t *end = rest.size > 1 ? memchr(rest.data + 1, '/', rest.size - 1) : NULL;

	return end == NULL ? rest.size : (size_t)(end - rest.data);
}

static bool matches(const char *pattern, struct slice path, struct slice *ret_subject)
{
	struct slice rest = slice_text(pattern), subject = slice_of("", 0);

	while (rest.size > 0 && path.size > 0) {
		struct slice wanted = slice_of(rest.data, segment_size(rest));
		struct slice found = slice_of(path.data, segment_size(path));

		if (slice_equal(rest, slice_text("/{*}")) && found.size > 1) {
			*ret_subject = subject.size > 0 ? subject : slice_of(path.data + 1, path.size - 1);
			return true;
		}
		if (slice_equal(wanted, slice_text("/{}")) && found.size > 1)
			subject = slice_of(found.data + 1, found.size - 1);
		else if (!slice_equal(wanted, found))
			return false;
		rest = slice_of(rest.data + wanted.size, rest.size - wanted.size);
		path = slice_of(path.data + found.size, path.size - found.size);
	}
	if (rest.size > 0 || path.size > 0)
		return false;
	*ret_subject = subject;
	return true;
}

enum err api_route(enum http_tag tag, enum http_method method, struct slice path, const struct route **ret_route,
    struct slice *ret_subject, const char **ret_allowed, struct why *why)
{
	bool has_get = false, has_post = false;
	struct slice subject;

	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if ((routes[i].tags & (1u << tag)) == 0 || !matches(routes[i].pattern, path, &subject))
			continue;
		if (routes[i].method == method) {
			*ret_route = &routes[i];
			*ret_subject = subject;
			return OK;
		}
		has_get = has_get || routes[i].method == HTTP_GET;
		has_post = has_post || routes[i].method == HTTP_POST;
	}
	if (!has_get && !has_post)
		return why_set(why, ERR_NOT_FOUND, "this listener has no such address");
	*ret_allowed = !has_post ? "GET, HEAD" : has_get ? "GET, HEAD, POST" : "POST";
	return why_set(why, ERR_METHOD, "the methods of this address are %s", *ret_allowed);
}

enum err api_init(struct api *api)
{
	const struct answers_limits limits = {
	    .count_max = ANSWERS_KEPT_MAX, .size_max = ANSWERS_SIZE_MAX, .text_size_max = ANSWER_KEPT_SIZE_MAX};

	cursor_secret_init(&api->cursor_secret);
	LIST_INIT(&api->feed_queues);
	STAILQ_INIT(&api->stored);
	return answers_new(&limits, &api->answers);
}

void api_done(struct api *api)
{
	assert(LIST_EMPTY(&api->feed_queues) && STAILQ_EMPTY(&api->stored) && api->command_count == 0);
	answers_free(api->answers);
	cursor_secret_done(&api->cursor_secret);
}

bool api_is_alive(const struct api *api, uint64_t limit_us)
{
	return api->command_count == 0 || clock_monotonic_us() - api->progress_us < limit_us;
}

/* ---- log lines and refusals */

void api_log_begin(const struct http_request *request, enum err err, const struct why *why, struct logline *ret_line)
{
	const struct route *route;
	struct slice subject;
	const char *allowed;
	char text[64];

	http_log_begin(request, err, ret_line);
	if (api_route(http_request_tag(request), http_request_method(request), http_request_path(request), &route,
		&subject, &allowed, NULL) == OK) {
		snprintf(text, sizeof(text), "%s %s", route->method == HTTP_POST ? "POST" : "GET", route->pattern);
		logline_text(ret_line, "route", slice_text(text));
	}
	if (err != OK && why != NULL && why->text[0] != '\0')
		logline_text(ret_line, "why", slice_text(why_english(why)));
}

/* What is the machine's fault is an error; a conflict an alarm: a venue has signed two histories, or its key is in
 * other hands. */
static bool is_alarm(enum err err)
{
	return err == ERR_FEED_CONFLICT || err_status(err) == 500;
}

void api_refuse(struct http_request *request, enum err err, const struct why *why, json_t *extra)
{
	struct logline line;

	api_log_begin(request, err, why, &line);
	if (is_alarm(err))
		log_error("%s", line.text);
	else
		log_info("%s", line.text);
	http_reply_problem(request, err, why, extra);
}

void api_refuse_command(struct api *api, struct http_request *request, const struct refusal *refusal)
{
	struct logline line;

	api->refusals[refusal->err]++;
	api_log_begin(request, refusal->err, refusal->why, &line);
	if (refusal->venue != NULL)
		logline_text(&line, "venue", slice_text(refusal->venue));
	if (is_alarm(refusal->err))
		log_error("%s", line.text);
	else
		log_notice("%s", line.text);
	http_reply_problem(request, refusal->err, refusal->why, refusal->extra);
}

/* ---- readings */

/* Who asks, and may they ask this? */
static enum err admit(struct reading *reading, struct store_txn *txn)
{
	struct why *why = &reading->why;
	enum err err = OK;

	if (reading->route->access != ACCESS_OPEN)
		err = access_identify(txn, reading->bearer, date_of_time(reading->now_us), &reading->viewer, why);
	if (err == OK)
		err = access_check(&reading->viewer, reading->route->access, reading->subject, why);
	if (err == OK)
		err = target_check_parameters(reading->target, reading->route->parameters, why);
	return err;
}

static void run_reading(struct job *job)
{
	struct reading *reading = mail_of(job, struct reading, job);
	struct store_txn *txn;
	enum err err;

	api_published(reading->api, &reading->published);
	head_get(reading->api->head, &reading->head);
	err = store_read(reading->api->store, &txn);
	if (err != OK) {
		reading->err = err;
		return;
	}
	memory_watch();
	err = admit(reading, txn);
	if (err == OK)
		err = reading->route->read(reading, txn);
	/* What a transaction in error calls absent may be there. */
	if (store_error(txn) != OK)
		err = store_error(txn);
	/* And what there was no memory for may look damaged. */
	if (memory_was_short())
		err = ERR_MEMORY;
	store_abort(txn);
	reading->err = err;
}

/* Who has read, or was refused to read, what; of the bureau and of auditors it is kept, of others for debugging. */
static void log_reading(const struct reading *reading)
{
	const struct grant *grant = &reading->viewer.grant;
	enum log_level level = is_alarm(reading->err)                                        ? LOG_LEVEL_ERROR
			       : reading->err != OK || access_is_oversight(&reading->viewer) ? LOG_LEVEL_INFO
											     : LOG_LEVEL_DEBUG;
	struct logline line;
	char viewer[64];

	if (!log_is_on(level))
		return;
	api_log_begin(reading->request, reading->err, &reading->why, &line);
	if (grant->subject != 0) {
		grant_subject_format(grant, viewer);
		logline_text(&line, "viewer", slice_text(viewer));
		logline_text(&line, "holder", slice_text(grant->holder));
	}
	/* An access code in the place of a name is longer than any. */
	if (reading->subject.size > 0 && reading->subject.size <= VENUE_ID_SIZE_MAX)
		logline_text(&line, "of", reading->subject);
	if (level == LOG_LEVEL_ERROR)
		log_error("%s", line.text);
	else if (level == LOG_LEVEL_INFO)
		log_info("%s", line.text);
	else
		log_debug("%s", line.text);
}

static void reading_free(struct reading *reading)
{
	query_answer_done(&reading->answer);
	buf_done(&reading->body);
	free(reading);
}

static void reply_reading(struct reading *reading)
{
	if (reading->err != OK) {
		json_decref(reading->json);
		http_reply_problem(reading->request, reading->err, &reading->why, NULL);
	} else if (reading->content_type != NULL) {
		if (reading->cache_control != NULL)
			http_reply_header(reading->request, "Cache-Control", reading->cache_control);
		http_reply(reading->request, 200, reading->content_type, buf_slice(&reading->body));
	} else if (reading->answer.text.size > 0) {
		http_reply(reading->request, 200, "application/json", buf_slice(&reading->answer.text));
	} else {
		http_reply_json(reading->request, 200, reading->json);
	}
}

static void on_read(struct job *job)
{
	struct reading *reading = mail_of(job, struct reading, job);
	struct code code;

	if (job->is_cancelled)
		reading->err = ERR_STOPPING;
	log_reading(reading);
	if (reading->err == OK && reading->route->is_remembered) {
		code = code_of(reading->subject);
		answers_keep(reading->api->answers, &code, job->language, &reading->answer);
	}
	reply_reading(reading);
	reading_free(reading);
}

/*
 * The answer is known already: it is given in the loop, without a worker. What isn't as simple as that, a parameter or
 * a refusal, goes the long way.
 */
static bool is_answered_at_once(struct reading *reading, const struct code *code)
{
	struct query_stamp stamp;
	struct store_txn *txn;
	struct slice text;
	bool is_found;

	if (reading->route->read != api_enterprise || reading->target->parameter_count > 0 ||
	    store_read(reading->api->store, &txn) != OK)
		return false;
	memory_watch();
	is_found = admit(reading, txn) == OK;
	if (is_found) {
		stamp = query_stamp(txn, code);
		is_found =
		    answers_find(reading->api->answers, code, reading->job.language, &stamp, ledger_size(txn), &text);
	}
	is_found = is_found && store_error(txn) == OK && !memory_was_short();
	store_abort(txn);
	if (is_found) {
		log_reading(reading);
		http_reply(reading->request, 200, "application/json", text);
	}
	return is_found;
}

/* True where it is answered; else what is known goes along to the worker. */
static bool recall(struct reading *reading)
{
	struct code code;

	if (reading->subject.size != USCI_SIZE)
		return false;
	code = code_of(reading->subject);
	if (is_answered_at_once(reading, &code))
		return true;
	memset(&reading->viewer, 0, sizeof(reading->viewer));
	reading->why.text[0] = '\0';
	answers_add_caps(reading->api->answers, &code, &reading->answer.caps);
	return false;
}

/* As of an earlier size chains are read, which may have a million entries. */
static bool is_short(const struct reading *reading)
{
	struct slice value;

	return !reading->route->is_long && !target_parameter(reading->target, "as_of", &value);
}

static void begin_reading(
    struct api *api, struct http_request *request, const struct route *route, struct slice subject)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	struct why why = {.text = ""};
	enum err err;

	if (reading == NULL) {
		api_refuse(request, ERR_MEMORY, &why, NULL);
		return;
	}
	reading->job = (struct job){.work = run_reading, .done = on_read, .language = http_request_language(request)};
	reading->api = api;
	reading->request = request;
	reading->route = route;
	reading->target = http_request_target(request);
	reading->subject = subject;
	reading->bearer = http_request_bearer(request);
	reading->now_us = clock_now_us();
	reading->job.is_short = is_short(reading);
	query_answer_init(&reading->answer);
	if (route->is_remembered && recall(reading)) {
		reading_free(reading);
		return;
	}
	err = pool_submit(api->pool, &reading->job);
	if (err != OK) {
		api_refuse(request, err, &why, NULL);
		reading_free(reading);
	}
}

void api_handle(struct http_request *request, void *cookie)
{
	struct api *api = cookie;
	const struct route *route;
	const char *allowed = NULL;
	struct slice subject;
	struct why why = {.text = ""};
	enum err err = api_route(http_request_tag(request), http_request_method(request), http_request_path(request),
	    &route, &subject, &allowed, &why);

	if (err == ERR_METHOD)
		http_reply_header(request, "Allow", allowed);
	if (err == OK && route->handle != NULL)
		err = http_request_check_parameters(request, route->parameters, &why);
	if (err != OK)
		api_refuse(request, err, &why, NULL);
	else if (route->handle != NULL)
		route->handle(api, request, subject);
	else
		begin_reading(api, request, route, subject);
}

/* ---- commands */

enum err api_submit(struct api *api, struct command *command)
{
	enum err err;

	if (api->is_rolled_back)
		return ERR_ROLLED_BACK;
	/* The mailbox they come back through holds no more than this. */
	if (api->command_count >= COMMANDS_WAITING_MAX)
		return ERR_OVERLOADED;
	err = writer_submit(api->writer, command);
	if (err == OK && api->command_count++ == 0)
		api->progress_us = clock_monotonic_us();
	return err;
}

void api_command_is_back(struct api *api)
{
	assert(api->command_count > 0);
	api->command_count--;
	api->progress_us = clock_monotonic_us();
}

void api_run_receipt(struct api *api, struct job *job)
{
	if (pool_submit(api->pool, job) == OK)
		return;
	job->is_cancelled = false;
	job_run(job);
	job->done(job);
}

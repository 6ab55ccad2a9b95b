/* Requests as routes see them, and the answers. */
#include "daemon/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>

#include "daemon/connection.h"
#include "daemon/http_request.h"
#include "daemon/logline.h"
#include "daemon/memory.h"

#define JOINED_SIZE_MAX 16384 /* bytes: the longest TLS record */

enum http_method http_request_method(const struct http_request *request)
{
	return request->method;
}

const struct target *http_request_target(const struct http_request *request)
{
	return &request->target;
}

struct slice http_request_path(const struct http_request *request)
{
	return request->target.path;
}

bool http_request_parameter(const struct http_request *request, const char *name, struct slice *ret_value)
{
	return target_parameter(&request->target, name, ret_value);
}

enum err http_request_check_parameters(const struct http_request *request, const char *const *known, struct why *why)
{
	return target_check_parameters(&request->target, known, why);
}

const char *http_request_header(const struct http_request *request, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(request->evrequest), name);
}

bool http_request_is_of_type(const struct http_request *request, const char *media_type)
{
	const char *value = http_request_header(request, "Content-Type");
	size_t size = value == NULL ? 0 : strcspn(value, "; \t");

	return size > 0 && size == strlen(media_type) && strncasecmp(value, media_type, size) == 0;
}

enum text_language http_request_language(const struct http_request *request)
{
	return request->language;
}

struct slice http_request_body(const struct http_request *request)
{
	return request->body;
}

struct slice http_request_bearer(const struct http_request *request)
{
	static const char scheme[] = "Bearer ";
	const char *value = http_request_header(request, "Authorization");

	if (value == NULL || strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
		return slice_of(NULL, 0);
	return slice_text(value + sizeof(scheme) - 1);
}

const char *http_request_peer(const struct http_request *request)
{
	return request->peer;
}

uint64_t http_request_id(const struct http_request *request)
{
	return request->id;
}

void http_log_begin(const struct http_request *request, enum err err, struct logline *ret_line)
{
	static const char *const listeners[] = {
	    [HTTP_FEED] = "feed", [HTTP_PUBLIC] = "public", [HTTP_METRICS] = "metrics"};

	logline_begin(ret_line);
	logline_number(ret_line, "request", request->id);
	logline_text(ret_line, "peer", slice_text(request->peer));
	logline_text(ret_line, "listener", slice_text(listeners[request->tag]));
	if (request->body.size > 0)
		logline_number(ret_line, "bytes", request->body.size);
	logline_number(ret_line, "status", err == OK ? 200 : (uint64_t)err_status(err));
	if (err != OK)
		logline_text(ret_line, "error", slice_text(err_name(err)));
}

enum http_tag http_request_tag(const struct http_request *request)
{
	return request->tag;
}

void http_request_set_user(struct http_request *request, void *user)
{
	request->user = user;
}

void *http_request_user(const struct http_request *request)
{
	return request->user;
}

/* Text of our own: printable, so that it can't end its line. */
static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

void http_reply_header(struct http_request *request, const char *name, const char *value)
{
	assert(is_printable(name) && is_printable(value));
	if (strcasecmp(name, "Cache-Control") == 0)
		request->has_cache_control = true;
	/* It fails only for want of memory; an answer without this header is then the best there is. */
	(void)evhttp_add_header(evhttp_request_get_output_headers(request->evrequest), name, value);
}

/* evhttp has written the whole answer. */
static void on_complete(struct evhttp_request *evrequest, void *cookie)
{
	(void)evrequest;
	connection_on_complete(cookie);
}

/*
 * Head and body are two pieces of memory, and each piece would be a TLS record and a write(2) of its own, which costs more
 * than to copy a short answer into one piece. Without memory for that it stays as it is.
 */
static void join_output(const struct connection *connection)
{
	struct evbuffer *output = bufferevent_get_output(connection->bufferevent);

	if (evbuffer_get_length(output) <= JOINED_SIZE_MAX)
		(void)evbuffer_pullup(output, -1);
}

/* Answers with what the output buffer holds, and frees the request. */
static void send_reply(struct http_request *request, int status, const char *content_type)
{
	struct evhttp_request *evrequest = request->evrequest;
	struct evbuffer *output = evhttp_request_get_output_buffer(evrequest);
	struct connection *connection = request->connection;
	bool must_close = request->must_close || *request->is_stopping;
	char size_text[24];

	assert(status >= 200 && status <= 599);
	if (!request->has_cache_control)
		http_reply_header(request, "Cache-Control", "no-store");
	http_reply_header(request, "X-Content-Type-Options", "nosniff");
	if (content_type != NULL)
		http_reply_header(request, "Content-Type", content_type);
	if (must_close)
		http_reply_header(request, "Connection", "close");
	if (request->is_head) {
		/* evhttp neither counts nor leaves out a body here. */
		snprintf(size_text, sizeof(size_text), "%zu", evbuffer_get_length(output));
		http_reply_header(request, "Content-Length", size_text);
		evbuffer_drain(output, evbuffer_get_length(output));
	}
	request->counters->replies[status / 100]++;
	request->counters->requests_in_work--;
	free(request);
	if (connection != NULL) {
		connection_on_reply(connection, must_close);
		evhttp_request_set_on_complete_cb(evrequest, on_complete, connection);
	}
	/* Where the client was seen leaving, this only frees what is evhttp's. */
	evhttp_send_reply(evrequest, status, NULL, NULL);
	if (connection != NULL)
		join_output(connection);
}

/* There is no memory for the answer: one that needs next to none. */
static void send_out_of_memory(struct http_request *request)
{
	static const char text[] = "out of memory\n";
	struct evbuffer *output = evhttp_request_get_output_buffer(request->evrequest);

	evbuffer_drain(output, evbuffer_get_length(output));
	(void)evbuffer_add_reference(output, text, sizeof(text) - 1, NULL, NULL);
	request->must_close = true;
	send_reply(request, err_status(ERR_MEMORY), "text/plain");
}

void http_reply(struct http_request *request, int status, const char *content_type, struct slice body)
{
	struct evbuffer *output = evhttp_request_get_output_buffer(request->evrequest);

	if (body.size > 0 && evbuffer_add(output, body.data, body.size) != 0)
		send_out_of_memory(request);
	else
		send_reply(request, status, content_type);
}

static void free_text(const void *data, size_t size, void *text)
{
	(void)data, (void)size;
	free(text);
}

static void reply_json(struct http_request *request, int status, const char *content_type, json_t *json)
{
	struct evbuffer *output = evhttp_request_get_output_buffer(request->evrequest);
	char *text;
	size_t size;

	memory_watch();
	text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
	json_decref(json);
	if (memory_was_short()) {
		/* jansson leaves out a key that it has no memory for, and goes on. */
		free(text);
		text = NULL;
	}
	if (text == NULL) {
		send_out_of_memory(request);
		return;
	}
	size = strlen(text);
	text[size] = '\n'; /* in the place of the NUL, which nothing needs any more */
	if (evbuffer_add_reference(output, text, size + 1, free_text, text) != 0) {
		free(text);
		send_out_of_memory(request);
		return;
	}
	send_reply(request, status, content_type);
}

void http_reply_text(struct http_request *request, int status, const char *content_type, struct buf *text)
{
	struct evbuffer *output = evhttp_request_get_output_buffer(request->evrequest);
	struct buf taken = *text;

	assert(text->err == OK && text->size > 0);
	buf_init(text, taken.max);
	if (evbuffer_add_reference(output, taken.data, taken.size, free_text, taken.data) != 0) {
		free(taken.data);
		send_out_of_memory(request);
		return;
	}
	send_reply(request, status, content_type);
}

void http_reply_json(struct http_request *request, int status, json_t *json)
{
	reply_json(request, status, "application/json", json);
}

void http_reply_problem(struct http_request *request, enum err err, const struct why *why, json_t *extra)
{
	int status = err_status(err);
	enum text_language before = text_language();
	json_t *problem;

	text_use(request->language);
	problem = json_pack("{s:o, s:s, s:i}", "type", json_sprintf("urn:subsidy:error:%s", err_name(err)), "title",
	    err_sentence(err), "status", status);
	text_use(before);
	assert(err != OK && err < ERR_COUNT);
	/* A text that is no UTF-8 after all is left out. */
	if (problem != NULL && why != NULL && why->text[0] != '\0')
		json_object_set_new(problem, "detail", json_string(why->text));
	if (problem != NULL && extra != NULL && json_object_update_missing(problem, extra) != 0) {
		json_decref(problem);
		problem = NULL;
	}
	json_decref(extra);
	http_reply_header(request, "Content-Language", request->language == TEXT_CHINESE ? "zh" : "en");
	if (status == 401)
		http_reply_header(request, "WWW-Authenticate", "Bearer");
	if (status == 429 || status == 503)
		http_reply_header(request, "Retry-After", HTTP_RETRY_AFTER);
	reply_json(request, status, "application/problem+json", problem);
}

/*
 * One easy handle per link, so that connections are kept between requests. HTTP/1.1, no redirects, no proxies'
 * surprises: what answers is the ledger or an error.
 *
 * What a lost answer means is decided by curl's own clock: as long as a request's preparation never ended
 * (CURLINFO_PRETRANSFER_TIME is zero) not one byte of it has left, and nothing can have come of it.
 */
#include "client/link.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/file.h"
#include "proto/hash.h"
#include "proto/text.h"

#define TOKEN_SIZE 32
#define PROBLEM_PREFIX "urn:subsidy:error:"

struct link {
	const struct settings *settings;
	CURL *curl;
	struct curl_slist *headers;       /* of every request */
	struct curl_slist *headers_token; /* the same with the access code */
	char curl_error[CURL_ERROR_SIZE];
};

/* ---- opening */

static bool is_https(const char *url)
{
	return url == NULL || strncmp(url, "https://", strlen("https://")) == 0;
}

/*
 * "http://", a name of this machine, a port or none, and then a path or the end. Whatever else could stand there ("@", a
 * longer name) would lead elsewhere.
 */
static bool is_loopback(const char *url)
{
	static const char *const hosts[] = {"http://127.0.0.1", "http://[::1]", "http://localhost"};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		const char *rest = url + strlen(hosts[i]);

		if (strncmp(url, hosts[i], strlen(hosts[i])) != 0)
			continue;
		if (*rest == ':')
			rest += 1 + strspn(rest + 1, "0123456789");
		return *rest == '/' || *rest == '\0';
	}
	return false;
}

/* Who typed the code from a letter may have kept the gaps between its groups. */
static struct slice blanks_remove(struct buf *bytes)
{
	size_t size = 0;

	for (size_t i = 0; i < bytes->size; i++)
		if (bytes->data[i] == '\0' || strchr(" \t\r\n", bytes->data[i]) == NULL)
			bytes->data[size++] = bytes->data[i];
	return slice_of(bytes->data, size);
}

/* The file is 64 hex digits and blanks; the header is all that keeps them. */
static enum err token_load(struct link *link, const char *path, struct why *why)
{
	static const char begin[] = "Authorization: Bearer ";
	char header[sizeof(begin) + 2 * TOKEN_SIZE];
	uint8_t token[TOKEN_SIZE];
	struct slice text;
	struct buf bytes;
	enum err err;

	buf_init(&bytes, CLIENT_FILE_SIZE_MAX);
	err = file_read_secret(path, &bytes, why);
	if (err != OK)
		goto out;
	text = blanks_remove(&bytes);
	if (hex_parse(text, token, sizeof(token)) != OK) {
		err =
		    why_set(why, ERR_KEY_FILE, "%s: an access code is %d lower-case hex digits", path, 2 * TOKEN_SIZE);
		goto out;
	}
	memcpy(header, begin, sizeof(begin) - 1);
	hex_format(slice_of(token, sizeof(token)), header + sizeof(begin) - 1);
	link->headers_token = curl_slist_append(NULL, header);
	for (struct curl_slist *at = link->headers; at != NULL && link->headers_token != NULL; at = at->next)
		if (curl_slist_append(link->headers_token, at->data) == NULL)
			err = ERR_MEMORY;
	if (link->headers_token == NULL)
		err = ERR_MEMORY;
	key_wipe(header, sizeof(header));
	key_wipe(token, sizeof(token));
out:
	if (bytes.data != NULL)
		key_wipe(bytes.data, bytes.size);
	buf_done(&bytes);
	return err;
}

enum err link_open(const struct settings *settings, struct link **ret_link, struct why *why)
{
	struct link *link;
	enum err err = ERR_MEMORY;

	if (!is_https(settings->server) || !is_https(settings->feed))
		return why_set(why, ERR_CONFIG, "an address must begin with https://; found %s",
		    is_https(settings->server) ? settings->feed : settings->server);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ERR_MEMORY;
	link = calloc(1, sizeof(*link));
	if (link == NULL)
		goto out;
	link->settings = settings;
	link->curl = curl_easy_init();
	/* "Expect:" because waiting for a 100 costs a round trip, and a second where nobody sends one. */
	link->headers = curl_slist_append(NULL, "Expect:");
	if (link->curl == NULL || link->headers == NULL)
		goto out;
	/* Programs get what the ledger says to all: no header. */
	if (text_language() == TEXT_CHINESE && curl_slist_append(link->headers, "Accept-Language: zh") == NULL)
		goto out;
	err = settings->token != NULL ? token_load(link, settings->token, why) : OK;
	if (err == OK) {
		*ret_link = link;
		return OK;
	}
out:
	if (link != NULL)
		link_close(link);
	else
		curl_global_cleanup();
	return err;
}

void link_close(struct link *link)
{
	if (link == NULL)
		return;
	if (link->headers_token != NULL)
		key_wipe(link->headers_token->data, strlen(link->headers_token->data));
	curl_slist_free_all(link->headers_token);
	curl_slist_free_all(link->headers);
	curl_easy_cleanup(link->curl);
	free(link);
	curl_global_cleanup();
}

bool link_has_token(const struct link *link)
{
	return link->headers_token != NULL;
}

/* ---- one request */

struct exchange {
	const struct link_request *request;
	struct link_answer *answer;
};

static size_t exchange_on_data(char *data, size_t size, size_t count, void *cookie)
{
	struct exchange *exchange = cookie;

	buf_add(&exchange->answer->body, data, size * count);
	return exchange->answer->body.err == OK ? size * count : 0;
}

static int exchange_on_progress(
    void *cookie, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	struct exchange *exchange = cookie;

	(void)down_total;
	(void)down;
	(void)up_total;
	if (exchange->request->on_progress != NULL && up >= 0)
		exchange->request->on_progress(
		    exchange->request->cookie, (uint64_t)up, (uint64_t)exchange->request->body.size);
	return 0;
}

static bool set_tls(CURL *curl, const struct settings *settings, const char *url)
{
	bool is_ok = curl_easy_setopt(
			 curl, CURLOPT_PROTOCOLS_STR, url != NULL && is_loopback(url) ? "http" : "https") == CURLE_OK;

	is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
	if (settings->ca != NULL) {
		/* Only these: the system's own authorities would make a private one pointless. */
		is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_CAINFO, settings->ca) == CURLE_OK;
		is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
	}
	if (settings->cert != NULL && url == NULL) {
		is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_SSLCERT, settings->cert) == CURLE_OK;
		is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_SSLKEY, settings->cert) == CURLE_OK;
	}
	return is_ok;
}

static bool set_request(CURL *curl, struct exchange *exchange, const char *url)
{
	const struct link_request *request = exchange->request;
	long timeout_s = request->timeout_s != 0 ? (long)request->timeout_s : (long)CLIENT_REQUEST_TIMEOUT_S;
	bool is_ok = curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK;

	is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
	is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CLIENT_CONNECT_TIMEOUT_S) == CURLE_OK;
	is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_s) == CURLE_OK;
	is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, exchange_on_data) == CURLE_OK;
	is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange) == CURLE_OK;
	is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
	is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, exchange_on_progress) == CURLE_OK;
	is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_XFERINFODATA, exchange) == CURLE_OK;
	if (request->content_type != NULL) {
		is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK;
		is_ok = is_ok &&
			curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size) == CURLE_OK;
		is_ok = is_ok && curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
				     request->body.size > 0 ? (const char *)request->body.data : "") == CURLE_OK;
	}
	return is_ok;
}

/* ---- what came of it */

static enum err error_of_status(int status)
{
	switch (status) {
	case 400: return ERR_BAD_REQUEST;
	case 401: return ERR_UNAUTHORIZED;
	case 403: return ERR_FORBIDDEN;
	case 404: return ERR_NOT_FOUND;
	case 405: return ERR_METHOD;
	case 409: return ERR_REFUSED;
	case 413: return ERR_TOO_LARGE;
	case 415: return ERR_MEDIA_TYPE;
	case 422: return ERR_INVALID;
	case 429: return ERR_FEED_BUSY;
	case 503: return ERR_OVERLOADED;
	default: return ERR_IO;
	}
}

/* No whole answer: what is certain about the request? */
static enum err conclude_lost(
    CURL *curl, CURLcode code, const struct link *link, struct exchange *exchange, const char *url)
{
	struct why *why = &exchange->answer->why;
	curl_off_t left_us = 0;
	const char *text = link->curl_error[0] != '\0' ? link->curl_error : curl_easy_strerror(code);

	if (exchange->answer->body.err != OK)
		text = T("the answer is longer than expected");
	(void)curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &left_us);
	if (exchange->answer->body.err != OK && exchange->request->content_type == NULL)
		return why_set(why, ERR_TOO_LARGE, "%s: %s", url, text);
	if (code == CURLE_OUT_OF_MEMORY)
		return why_set(why, ERR_MEMORY, "%s", url);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return why_set(why, ERR_UNREACHABLE, "%s: its certificate was refused: %s", url, text);
	if (left_us == 0 || exchange->request->content_type == NULL)
		return why_set(why, ERR_UNREACHABLE, "%s: %s", url, text);
	return why_set(why, ERR_UNCERTAIN, "%s: %s", url, text);
}

/* A whole answer other than 200. */
static enum err conclude_refused(struct exchange *exchange, const char *url)
{
	struct link_answer *answer = exchange->answer;
	bool is_ours = exchange->request->url == NULL;
	const char *type = is_ours ? json_string_value(json_object_get(answer->json, "type")) : NULL;
	const char *detail = json_string_value(json_object_get(answer->json, "detail"));
	enum err err = ERR_COUNT;

	if (type != NULL && strncmp(type, PROBLEM_PREFIX, strlen(PROBLEM_PREFIX)) == 0)
		err = err_by_name(type + strlen(PROBLEM_PREFIX));
	if (err < ERR_COUNT && err != OK)
		return why_set(&answer->why, err, "%s", detail != NULL ? detail : "");
	/* Not a problem document of ours: something between us and the ledger spoke. */
	if (answer->status >= 500 && exchange->request->content_type != NULL)
		return why_set(
		    &answer->why, ERR_UNCERTAIN, "%s: HTTP status %d without an explanation", url, answer->status);
	return why_set(&answer->why, error_of_status(answer->status),
	    type == NULL && is_ours ? "%s: HTTP status %d; is this the address of a subsidy ledger?"
				    : "%s: HTTP status %d",
	    url, answer->status);
}

static void answer_parse(CURL *curl, struct link_answer *answer)
{
	const char *type = NULL;
	curl_off_t retry_after_s = 0;
	long status = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	(void)curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after_s);
	answer->status = (int)status;
	answer->retry_after_s =
	    retry_after_s > 0 && retry_after_s <= CLIENT_WAIT_MAX_S ? (unsigned)retry_after_s : CLIENT_WAIT_MAX_S;
	if (retry_after_s <= 0)
		answer->retry_after_s = 0;
	if (type != NULL && strcspn(type, "; ") < sizeof(answer->type))
		memcpy(answer->type, type, strcspn(type, "; ")); /* the rest is zero */
	if (type != NULL && (strncmp(type, "application/json", strlen("application/json")) == 0 ||
				strncmp(type, "application/problem+json", strlen("application/problem+json")) == 0))
		answer->json =
		    json_loadb((const char *)answer->body.data, answer->body.size, JSON_REJECT_DUPLICATES, NULL);
}

/* Adds the body's type in front of the lent headers, which aren't copied: the access code stays in one place. */
static CURLcode perform(CURL *curl, const struct link_request *request, struct curl_slist *given)
{
	struct curl_slist type = {.next = given};
	char line[128];

	if (request->content_type != NULL) {
		(void)snprintf(line, sizeof(line), "Content-Type: %s", request->content_type);
		type.data = line;
		given = &type;
	}
	if (curl_easy_setopt(curl, CURLOPT_HTTPHEADER, given) != CURLE_OK)
		return CURLE_OUT_OF_MEMORY;
	return curl_easy_perform(curl);
}

/* The whole address. ERR_CONFIG where there is none, or one that nothing may be sent to. */
static enum err url_make(
    const struct settings *settings, const struct link_request *request, struct buf *ret_url, struct why *why)
{
	const char *base = settings->server;
	size_t base_size;

	if (request->url != NULL) {
		if (!is_https(request->url) && !is_loopback(request->url))
			return why_set(why, ERR_CONFIG,
			    "%s: an address must begin with https://, or with http:// and an address of this machine",
			    request->url);
		buf_add_text(ret_url, request->url);
	} else {
		if (request->door == LINK_FEED && settings->feed != NULL)
			base = settings->feed;
		if (base == NULL)
			return why_set(why, ERR_CONFIG, "no address: give %s URL",
			    request->door == LINK_FEED ? "--feed" : "--server");
		base_size = strlen(base);
		while (base_size > 0 && base[base_size - 1] == '/')
			base_size--;
		buf_add(ret_url, base, base_size);
		buf_add_text(ret_url, request->path);
	}
	return buf_text(ret_url)[0] != '\0' ? OK
					    : why_set(why, ERR_CONFIG, "the request to %s could not be made",
						  request->url != NULL ? request->url : base);
}

enum err link_ask(struct link *link, const struct link_request *request, struct link_answer *ret_answer)
{
	const struct settings *settings = link->settings;
	struct exchange exchange = {.request = request, .answer = ret_answer};
	struct curl_slist *given = link->headers_token;
	struct buf url;
	CURLcode code;

	*ret_answer = (struct link_answer){.why = {""}};
	buf_init(&ret_answer->body, request->answer_max != 0 ? request->answer_max : CLIENT_ANSWER_SIZE_MAX);
	buf_init(&url, HTTP_TARGET_SIZE_MAX);
	ret_answer->err = url_make(settings, request, &url, &ret_answer->why);
	if (ret_answer->err != OK)
		goto out;
	curl_easy_reset(link->curl);
	link->curl_error[0] = '\0';
	if (request->is_anonymous || request->url != NULL || given == NULL)
		given = link->headers;
	if (!set_tls(link->curl, settings, request->url) || !set_request(link->curl, &exchange, buf_text(&url)) ||
	    curl_easy_setopt(link->curl, CURLOPT_ERRORBUFFER, link->curl_error) != CURLE_OK) {
		ret_answer->err =
		    why_set(&ret_answer->why, ERR_CONFIG, "the request to %s could not be made", buf_text(&url));
		goto out;
	}
	code = perform(link->curl, request, given);
	if (code != CURLE_OK) {
		ret_answer->err = conclude_lost(link->curl, code, link, &exchange, buf_text(&url));
		goto out;
	}
	answer_parse(link->curl, ret_answer);
	ret_answer->err = ret_answer->status == 200 ? OK : conclude_refused(&exchange, buf_text(&url));
out:
	buf_done(&url);
	return ret_answer->err;
}

enum err link_get(struct link *link, const char *path, struct link_answer *ret_answer)
{
	struct link_request request = {.door = LINK_SERVER, .path = path};

	if (link_ask(link, &request, ret_answer) == OK && ret_answer->json == NULL)
		ret_answer->err = why_set(&ret_answer->why, ERR_SYNTAX,
		    "%s: the answer is not JSON; is --server the address of a subsidy ledger?", path);
	return ret_answer->err;
}

void link_answer_done(struct link_answer *answer)
{
	json_decref(answer->json);
	answer->json = NULL;
	buf_done(&answer->body);
}

void link_escape(struct buf *buf, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
		if ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') ||
		    strchr("-._~", *at) != NULL)
			buf_u8(buf, *at);
		else
			buf_printf(buf, "%%%02X", *at);
}

/* The route table, parameters, and pages that are bound to viewer and query. */
#include "daemon/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "daemon/api_internal.h"
#include "daemon/clock.h"
#include "tests/unit/world.h"

/* ---- routes */

static void finds_each_route_and_its_subject(void **state)
{
	static const struct {
		enum http_tag tag;
		enum http_method method;
		const char *path, *subject;
		enum err err;
		const char *allowed; /* with ERR_METHOD */
	} rows[] = {
	    {HTTP_FEED, HTTP_POST, "/v1/feeds/qddex", "qddex", OK, NULL},
	    {HTTP_FEED, HTTP_GET, "/v1/feeds/qddex", "qddex", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/feeds/qddex", "qddex", OK, NULL},
	    {HTTP_FEED, HTTP_GET, "/v1/feeds/q/records", "q", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/feeds/q/receipt", "q", OK, NULL},
	    {HTTP_PUBLIC, HTTP_POST, "/v1/orders", "", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/enterprises", "", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/enterprises/91370202MA0XTE011C", "91370202MA0XTE011C", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/enterprises/x/trades", "x", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/enterprises/x/explain", "x", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/policies", "", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/overview", "", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/entries/5", "5", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/proof", "", OK, NULL},
	    {HTTP_FEED, HTTP_GET, "/v1/consistency", "", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/tile/0/x001/x234/067.p/8", "0/x001/x234/067.p/8", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/tile/0", "0", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/tile/entries/x001/067", "x001/067", OK, NULL},
	    {HTTP_FEED, HTTP_GET, "/v1/feeds/tile/tile/0/000", "tile", OK, NULL},
	    {HTTP_FEED, HTTP_GET, "/v1/feeds/q/tile/entries/x001/000.p/1", "q", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/feeds/q/proof", "q", OK, NULL},
	    {HTTP_FEED, HTTP_GET, "/v1/ledger", "", OK, NULL},
	    {HTTP_FEED, HTTP_GET, "/checkpoint", "", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/candidate", "", OK, NULL},
	    {HTTP_PUBLIC, HTTP_POST, "/v1/cosignatures", "", OK, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/healthz", "", OK, NULL},
	    {HTTP_METRICS, HTTP_GET, "/readyz", "", OK, NULL},
	    {HTTP_METRICS, HTTP_GET, "/metrics", "", OK, NULL},
	    /* Other methods. */
	    {HTTP_PUBLIC, HTTP_POST, "/v1/feeds/qddex", NULL, ERR_METHOD, "GET, HEAD"},
	    {HTTP_FEED, HTTP_DELETE, "/v1/feeds/qddex", NULL, ERR_METHOD, "GET, HEAD, POST"},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/orders", NULL, ERR_METHOD, "POST"},
	    {HTTP_FEED, HTTP_POST, "/v1/ledger", NULL, ERR_METHOD, "GET, HEAD"},
	    {HTTP_PUBLIC, HTTP_POST, "/tile/0/000", NULL, ERR_METHOD, "GET, HEAD"},
	    /* Other listeners. */
	    {HTTP_FEED, HTTP_POST, "/v1/orders", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_FEED, HTTP_GET, "/v1/enterprises", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/cosignatures", NULL, ERR_METHOD, "POST"},
	    {HTTP_PUBLIC, HTTP_POST, "/v1/candidate", NULL, ERR_METHOD, "GET, HEAD"},
	    {HTTP_FEED, HTTP_GET, "/v1/candidate", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_FEED, HTTP_POST, "/v1/cosignatures", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_FEED, HTTP_GET, "/metrics", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/metrics", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_METRICS, HTTP_GET, "/v1/ledger", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_FEED, HTTP_GET, "/tile/0/000", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_METRICS, HTTP_GET, "/tile/0/000", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/grants", "", OK, NULL},
	    {HTTP_FEED, HTTP_GET, "/v1/grants", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_METRICS, HTTP_GET, "/v1/overview", NULL, ERR_NOT_FOUND, NULL},
	    /* Other paths. */
	    {HTTP_PUBLIC, HTTP_GET, "/", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/ledger/", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/ledgers", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/feeds/", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/tile", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/tile/", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/feeds/q/tile", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/feeds/q/tile/", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/enterprises/", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/enterprises/x/", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/v1/enterprises/x/trades/y", NULL, ERR_NOT_FOUND, NULL},
	    {HTTP_PUBLIC, HTTP_GET, "/V1/ledger", NULL, ERR_NOT_FOUND, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct route *route = NULL;
		const char *allowed = NULL;
		struct slice subject = slice_text("none");
		struct why why = {.text = ""};
		enum err err =
		    api_route(rows[i].tag, rows[i].method, slice_text(rows[i].path), &route, &subject, &allowed, &why);

		if (err != rows[i].err)
			fail_msg("row %zu, %s: %s", i, rows[i].path, err_name(err));
		if (err == OK &&
		    (route->method != rows[i].method || !slice_equal(subject, slice_text(rows[i].subject))))
			fail_msg("row %zu, %s: subject %.*s", i, rows[i].path, (int)subject.size, subject.data);
		if (err == ERR_METHOD && strcmp(allowed, rows[i].allowed) != 0)
			fail_msg("row %zu, %s: %s", i, rows[i].path, allowed);
	}
}

static bool allows_anyone(const char *pattern)
{
	static const char *const open[] = {"/v1/orders", "/v1/ledger", "/v1/keys", "/checkpoint", "/v1/candidate",
	    "/v1/cosignatures", "/healthz", "/readyz", "/metrics", "/tile/{*}", "/v1/consistency"};

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		if (strcmp(pattern, open[i]) == 0)
			return true;
	return false;
}

static void asks_for_a_grant_wherever_data_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_route_count(); i++) {
		const struct route *route = api_route_at(i);
		bool is_push = route->method == HTTP_POST && strcmp(route->pattern, "/v1/feeds/{}") == 0;

		if ((route->handle == NULL) == (route->read == NULL))
			fail_msg("%s: one of handle and read", route->pattern);
		/* Only readings look at tokens; some need a worker but no token. */
		if (route->handle != NULL && route->access != ACCESS_OPEN)
			fail_msg("%s: access %d", route->pattern, (int)route->access);
		if ((route->access == ACCESS_OPEN) != (is_push || allows_anyone(route->pattern)))
			fail_msg("%s is for others", route->pattern);
		if ((route->access == ACCESS_VENUE || route->access == ACCESS_ENTERPRISE) &&
		    strstr(route->pattern, "{}") == NULL)
			fail_msg("%s names no subject", route->pattern);
	}
}

/* What reads many entries, or many enterprises, must not hold up what doesn't. */
static void knows_what_takes_long(void **state)
{
	static const char *const wanted[] = {"/v1/feeds/{}/records", "/v1/enterprises", "/v1/enterprises/{}/trades",
	    "/v1/enterprises/{}/statement", "/v1/enterprises/{}/acts", "/v1/grants", "/v1/overview"};
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < api_route_count(); i++) {
		if (!api_route_at(i)->is_long)
			continue;
		assert_true(found < sizeof(wanted) / sizeof(wanted[0]));
		assert_string_equal(api_route_at(i)->pattern, wanted[found++]);
	}
	assert_int_equal(found, sizeof(wanted) / sizeof(wanted[0]));
}

/* ---- parameters */

static struct target *parse(const char *text)
{
	static struct target target;
	struct why why;

	if (target_decode(slice_text(text), &target, &why) != OK)
		fail_msg("%s: %s", text, why.text);
	return &target;
}

static void reads_numbers_flags_and_limits(void **state)
{
	static const struct {
		const char *text;
		enum err number, flag, limit;
		uint64_t value;
		bool is_set;
		size_t rows;
	} rows[] = {
	    {"/?a=1", OK, OK, OK, 9, false, PAGE_ROWS_DEFAULT},
	    {"/?n=0&f=1&limit=1", OK, OK, OK, 0, true, 1},
	    {"/?n=99&limit=999", OK, OK, OK, 99, false, 999},
	    {"/?n=100&limit=1000", OK, OK, OK, 100, false, PAGE_ROWS_MAX},
	    {"/?n=101&limit=1001", ERR_BAD_REQUEST, OK, ERR_BAD_REQUEST, 9, false, 0},
	    {"/?n=&f=&limit=", ERR_BAD_REQUEST, ERR_BAD_REQUEST, ERR_BAD_REQUEST, 9, false, 0},
	    {"/?n=01&f=0&limit=0", ERR_BAD_REQUEST, ERR_BAD_REQUEST, ERR_BAD_REQUEST, 9, false, 0},
	    {"/?n=-1&f=yes&limit=-1", ERR_BAD_REQUEST, ERR_BAD_REQUEST, ERR_BAD_REQUEST, 9, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct target *target = parse(rows[i].text);
		uint64_t value = 9;
		bool is_set = false;
		size_t limit = 0;

		if (api_number(target, "n", 100, &value, NULL) != rows[i].number || value != rows[i].value)
			fail_msg("%s: number %llu", rows[i].text, (unsigned long long)value);
		if (api_flag(target, "f", &is_set, NULL) != rows[i].flag || is_set != rows[i].is_set)
			fail_msg("%s: flag %d", rows[i].text, is_set);
		if (api_limit(target, &limit, NULL) != rows[i].limit || limit != rows[i].rows)
			fail_msg("%s: limit %zu", rows[i].text, limit);
	}
}

static void reads_texts_that_fit(void **state)
{
	char text[4] = "old";

	(void)state;
	assert_int_equal(api_text(parse("/"), "t", sizeof(text), text, NULL), OK);
	assert_string_equal(text, "old");
	assert_int_equal(api_text(parse("/?t=abcd"), "t", sizeof(text), text, NULL), ERR_BAD_REQUEST);
	assert_int_equal(api_text(parse("/?t="), "t", sizeof(text), text, NULL), ERR_BAD_REQUEST);
	assert_string_equal(text, "old");
	assert_int_equal(api_text(parse("/?t=abc"), "t", sizeof(text), text, NULL), OK);
	assert_string_equal(text, "abc");
	assert_int_equal(api_text(parse("/?t=a"), "t", sizeof(text), text, NULL), OK);
	assert_string_equal(text, "a");
}

/* A ledger of genesis on 2026-01-05, and a licence and a registration (entries 1, 2, 3) the day after. */
static void takes_a_size_or_a_day_for_as_of(void **state)
{
	static const struct {
		const char *text;
		enum err err;
		uint64_t size;
	} rows[] = {
	    {"/", OK, 4},
	    {"/?as_of=1", OK, 1},
	    {"/?as_of=3", OK, 3},
	    {"/?as_of=4", OK, 4},
	    {"/?as_of=5", ERR_BAD_REQUEST, 0},
	    {"/?as_of=0", ERR_BAD_REQUEST, 0},
	    {"/?as_of=9007199254740993", ERR_BAD_REQUEST, 0},
	    {"/?as_of=2026-01-04", ERR_BAD_REQUEST, 0},
	    {"/?as_of=2026-01-05", OK, 1},
	    {"/?as_of=2026-01-06", OK, 4},
	    {"/?as_of=2026-02-30", ERR_BAD_REQUEST, 0},
	    {"/?as_of=", ERR_BAD_REQUEST, 0},
	    {"/?as_of=x", ERR_BAD_REQUEST, 0},
	};
	struct world *world = world_new();
	struct store_txn *txn;

	(void)state;
	world->now_us += 86400ULL * 1000000;
	world_license(world, 0);
	assert_int_equal(world_register(world, world_firms[0], "firm", NULL, NULL), 4);
	txn = world_read(world);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t size = 0;
		struct why why = {.text = ""};

		if (api_as_of(parse(rows[i].text), txn, &size, &why) != rows[i].err || size != rows[i].size)
			fail_msg("%s: %llu %s", rows[i].text, (unsigned long long)size, why.text);
	}
	store_abort(txn);
	world_free(world);
}

/* ---- pages */

static const char *const page_parameters[] = {"cursor", "limit", "sort", "find", NULL};
static const struct route page_route = {.parameters = page_parameters};

/* One request for a page, by the viewer of that number. */
static enum err begin_page(
    struct api *api, unsigned viewer, const char *text, struct reading *ret_reading, struct query_page *ret_page)
{
	*ret_reading = (struct reading){.api = api, .route = &page_route, .target = parse(text)};
	ret_reading->viewer.grant.token_hash[0] = (uint8_t)viewer;
	return api_page_begin(ret_reading, ret_page);
}

/* The cursor of the page that ended at `after`. */
static void end_page(struct reading *reading, uint64_t after, char ret_cursor[static CURSOR_TEXT_SIZE])
{
	struct query_page page = {.ret_after = after};

	reading->json = json_object();
	assert_int_equal(api_page_end(reading, &page), OK);
	snprintf(ret_cursor, CURSOR_TEXT_SIZE, "%s", json_string_value(json_object_get(reading->json, "cursor")));
	json_decref(reading->json);
}

static void goes_on_where_the_page_ended(void **state)
{
	struct api *api = calloc(1, sizeof(*api));
	char cursor[CURSOR_TEXT_SIZE], text[256];
	struct query_page page;
	struct reading reading;

	(void)state;
	assert_int_equal(api_init(api), OK);
	assert_int_equal(begin_page(api, 1, "/rows?sort=code&limit=7", &reading, &page), OK);
	assert_int_equal(page.after, 0);
	assert_int_equal(page.limit, 7);
	end_page(&reading, 1234, cursor);
	/* In any order. */
	snprintf(text, sizeof(text), "/rows?cursor=%s&limit=7&sort=code", cursor);
	assert_int_equal(begin_page(api, 1, text, &reading, &page), OK);
	assert_int_equal(page.after, 1234);
	snprintf(text, sizeof(text), "/rows?sort=code&limit=7&cursor=%s", cursor);
	assert_int_equal(begin_page(api, 1, text, &reading, &page), OK);
	api_done(api);
	free(api);
}

static void refuses_a_cursor_of_another_viewer_or_query(void **state)
{
	static const struct {
		unsigned viewer;
		const char *format;
	} rows[] = {
	    {2, "/rows?sort=code&find=&cursor=%s"},
	    {1, "/row?sort=code&find=&cursor=%s"},
	    {1, "/rows?sort=codf&find=&cursor=%s"},
	    {1, "/rows?find=code&sort=&cursor=%s"},
	    {1, "/rows?sort=code&cursor=%s"},
	    {1, "/rows?sort=code&find=&limit=100&cursor=%s"},
	    {1, "/rows?sort=code&find=&cursor=0%s"},
	    {1, "/rows?sort=code&find=&cursor="},
	};
	struct api *api = calloc(1, sizeof(*api));
	char cursor[CURSOR_TEXT_SIZE], text[256];
	struct query_page page;
	struct reading reading;

	(void)state;
	assert_int_equal(api_init(api), OK);
	assert_int_equal(begin_page(api, 1, "/rows?sort=code&find=", &reading, &page), OK);
	end_page(&reading, 1234, cursor);
	snprintf(text, sizeof(text), "/rows?sort=code&find=&cursor=%s", cursor);
	assert_int_equal(begin_page(api, 1, text, &reading, &page), OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *place = strstr(rows[i].format, "%s");
		size_t size = place != NULL ? (size_t)(place - rows[i].format) : strlen(rows[i].format);

		snprintf(text, sizeof(text), "%.*s%s", (int)size, rows[i].format, place != NULL ? cursor : "");
		if (begin_page(api, rows[i].viewer, text, &reading, &page) != ERR_BAD_REQUEST)
			fail_msg("row %zu was taken: %s", i, text);
	}
	api_done(api);
	free(api);
}

static void has_no_cursor_at_the_end(void **state)
{
	struct query_page page = {.ret_after = 0};
	struct reading reading = {.json = json_object()};

	(void)state;
	assert_int_equal(api_page_end(&reading, &page), OK);
	assert_true(json_is_null(json_object_get(reading.json, "cursor")));
	json_decref(reading.json);
}

/* The watchdog's question: is the writer stuck on something it was given? */
static void is_alive_while_the_writer_gives_back(void **state)
{
	struct api api = {.command_count = 0};

	(void)state;
	assert_true(api_is_alive(&api, 1000000));
	api.command_count = 1;
	api.progress_us = clock_monotonic_us() - 500000;
	assert_true(api_is_alive(&api, 60000000));
	assert_false(api_is_alive(&api, 500000));
	api_command_is_back(&api);
	assert_true(api_is_alive(&api, 500000));
	assert_in_range(clock_monotonic_us() - api.progress_us, 0, 60000000);
	/* The next silence counts from here, not from the command before. */
	api.command_count = 1;
	assert_true(api_is_alive(&api, 60000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_each_route_and_its_subject),
	    cmocka_unit_test(knows_what_takes_long),
	    cmocka_unit_test(asks_for_a_grant_wherever_data_is_read),
	    cmocka_unit_test(reads_numbers_flags_and_limits),
	    cmocka_unit_test(reads_texts_that_fit),
	    cmocka_unit_test(takes_a_size_or_a_day_for_as_of),
	    cmocka_unit_test(goes_on_where_the_page_ended),
	    cmocka_unit_test(refuses_a_cursor_of_another_viewer_or_query),
	    cmocka_unit_test(has_no_cursor_at_the_end),
	    cmocka_unit_test(is_alive_while_the_writer_gives_back),
	};

	return key_global_init() == OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

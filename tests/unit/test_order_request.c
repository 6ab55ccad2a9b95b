/* The body of POST /v1/orders. */
#include "proto/order.h"

#include "tests/unit/order_fixture.h"

struct decoded {
	struct arena arena;
	struct slice note, *items;
	size_t item_count;
	struct why why;
};

static int setup(void **state)
{
	struct decoded *decoded = calloc(1, sizeof(*decoded));

	if (decoded == NULL)
		return -1;
	arena_init(&decoded->arena, ORDER_ARENA_SIZE);
	*state = decoded;
	return 0;
}

static int teardown(void **state)
{
	struct decoded *decoded = *state;

	arena_done(&decoded->arena);
	free(decoded);
	return 0;
}

static enum err decode(struct decoded *decoded, struct slice bytes)
{
	arena_reset(&decoded->arena);
	decoded->why.text[0] = '\0';
	return order_request_decode(
	    bytes, &decoded->arena, &decoded->note, &decoded->items, &decoded->item_count, &decoded->why);
}

static void decodes_what_it_encoded(void **state)
{
	static const char note[] = "text \"quoted\" \\ 青岛\n\n— name c2ln\n";
	struct slice items[2] = {slice_text("{\"code\":\"a\\\"b\"}"), slice_text("{}")};
	struct decoded *decoded = *state;
	struct buf bytes;

	buf_init(&bytes, FIXTURE_TEXT_MAX);
	assert_int_equal(order_request_encode(slice_text(note), items, 2, &bytes), OK);
	assert_string_equal(buf_text(&bytes), "{\"note\":\"text \\\"quoted\\\" \\\\ 青岛\\n\\n— name c2ln\\n\","
					      "\"items\":[\"{\\\"code\\\":\\\"a\\\\\\\"b\\\"}\",\"{}\"]}");
	assert_int_equal(decode(decoded, buf_slice(&bytes)), OK);
	assert_true(slice_equal(decoded->note, slice_text(note)));
	assert_int_equal(decoded->item_count, 2);
	assert_true(slice_equal(decoded->items[0], items[0]));
	assert_true(slice_equal(decoded->items[1], items[1]));
	buf_clear(&bytes);
	assert_int_equal(order_request_encode(slice_text(note), NULL, 0, &bytes), OK);
	assert_int_equal(decode(decoded, buf_slice(&bytes)), OK);
	assert_int_equal(decoded->item_count, 0);
	buf_done(&bytes);
}

static void takes_an_order_without_items(void **state)
{
	struct decoded *decoded = *state;

	assert_int_equal(decode(decoded, slice_text(" {\n \"note\" : \"\\u9752\" } ")), OK);
	assert_true(slice_equal(decoded->note, slice_text("青")));
	assert_int_equal(decoded->item_count, 0);
}

static void refuses_other_requests(void **state)
{
	static const struct {
		const char *text;
		enum err err;
		const char *reason;
	} rows[] = {
	    {"", ERR_BAD_REQUEST, "not valid JSON"},
	    {"[]", ERR_BAD_REQUEST, "not a JSON object"},
	    {"{\"items\":[]}", ERR_BAD_REQUEST, "the key \"note\" is missing"},
	    {"{\"note\":1}", ERR_BAD_REQUEST, "\"note\" is not a text"},
	    {"{\"note\":\"\"}", ERR_BAD_REQUEST, "\"note\" is not a text"},
	    {"{\"note\":\"n\",\"items\":{}}", ERR_BAD_REQUEST, "\"items\" is not an array"},
	    {"{\"note\":\"n\",\"items\":[1]}", ERR_BAD_REQUEST, "an item is not a text"},
	    {"{\"note\":\"n\",\"items\":[\"\"]}", ERR_BAD_REQUEST, "an item is not a text"},
	    {"{\"note\":\"n\",\"item\":[]}", ERR_BAD_REQUEST, "unknown key: \"item\""},
	    {"{\"note\":\"n\",\"note\":\"m\"}", ERR_BAD_REQUEST, "duplicate"},
	    {"{\"note\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}", ERR_BAD_REQUEST, "nested deeper"},
	};
	struct decoded *decoded = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum err err = decode(decoded, slice_text(rows[i].text));

		if (err != rows[i].err || strstr(decoded->why.text, rows[i].reason) == NULL)
			fail_msg("%s: %s, \"%s\"", rows[i].text, err_name(err), decoded->why.text);
	}
}

static void holds_the_limit_of_note_and_items_together(void **state)
{
	struct decoded *decoded = *state;
	struct buf bytes;

	buf_init(&bytes, FIXTURE_TEXT_MAX);
	for (size_t size = ORDER_BODY_SIZE_MAX - 1; size <= ORDER_BODY_SIZE_MAX + 1; size++) {
		char *note = fixture_repeat('n', size - 100), *item = fixture_repeat('i', 100);
		struct slice items[1] = {slice_text(item)};

		buf_clear(&bytes);
		assert_int_equal(order_request_encode(slice_text(note), items, 1, &bytes), OK);
		assert_int_equal(decode(decoded, buf_slice(&bytes)), size <= ORDER_BODY_SIZE_MAX ? OK : ERR_TOO_LARGE);
		free(note);
		free(item);
	}
	assert_non_null(strstr(decoded->why.text, "divide the order"));
	buf_done(&bytes);
}

static void holds_the_limit_of_items(void **state)
{
	struct slice *items = calloc(ORDER_ITEMS_MAX + 1, sizeof(*items));
	struct decoded *decoded = *state;
	struct buf bytes;

	assert_non_null(items);
	buf_init(&bytes, FIXTURE_TEXT_MAX);
	for (size_t i = 0; i <= ORDER_ITEMS_MAX; i++)
		items[i] = slice_text("i");
	for (size_t count = ORDER_ITEMS_MAX - 1; count <= ORDER_ITEMS_MAX + 1; count++) {
		buf_clear(&bytes);
		assert_int_equal(order_request_encode(slice_text("n"), items, count, &bytes), OK);
		assert_int_equal(decode(decoded, buf_slice(&bytes)), count <= ORDER_ITEMS_MAX ? OK : ERR_TOO_LARGE);
	}
	buf_done(&bytes);
	free(items);
}

static void holds_the_limit_of_the_body(void **state)
{
	char *text = fixture_repeat(' ', HTTP_PUBLIC_BODY_MAX + 1);
	struct decoded *decoded = *state;

	memcpy(text, "{\"note\":\"n\"}", strlen("{\"note\":\"n\"}"));
	assert_int_equal(decode(decoded, slice_of(text, HTTP_PUBLIC_BODY_MAX - 1)), OK);
	assert_int_equal(decode(decoded, slice_of(text, HTTP_PUBLIC_BODY_MAX)), OK);
	assert_int_equal(decode(decoded, slice_of(text, HTTP_PUBLIC_BODY_MAX + 1)), ERR_TOO_LARGE);
	free(text);
}

static void encodes_only_text(void **state)
{
	struct slice item = slice_text("line\nline");
	struct buf bytes;

	(void)state;
	buf_init(&bytes, FIXTURE_TEXT_MAX);
	assert_int_equal(order_request_encode(slice_text("a\xff\n"), NULL, 0, &bytes), ERR_INVALID);
	assert_int_equal(order_request_encode(slice_text("a\tb\n"), NULL, 0, &bytes), ERR_INVALID);
	assert_int_equal(order_request_encode(slice_text("a\n"), &item, 1, &bytes), ERR_INVALID);
	assert_int_equal(bytes.size, 0);
	buf_done(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decodes_what_it_encoded),
	    cmocka_unit_test(takes_an_order_without_items),
	    cmocka_unit_test(refuses_other_requests),
	    cmocka_unit_test(holds_the_limit_of_note_and_items_together),
	    cmocka_unit_test(holds_the_limit_of_items),
	    cmocka_unit_test(holds_the_limit_of_the_body),
	    cmocka_unit_test(encodes_only_text),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

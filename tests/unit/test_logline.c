/* Pairs of a log line: what is quoted, what is escaped, and what no longer fits. */
#include "daemon/logline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void writes_pairs_in_order(void **state)
{
	struct logline line;

	(void)state;
	logline_begin(&line);
	assert_string_equal(line.text, "");
	logline_number(&line, "request", 0);
	logline_text(&line, "peer", slice_text("2001:db8::1"));
	logline_number(&line, "bytes", UINT64_MAX);
	assert_string_equal(line.text, "request=0 peer=2001:db8::1 bytes=18446744073709551615");
	logline_begin(&line);
	assert_string_equal(line.text, "");
}

/* A reader of pairs must never be led to take a value for a pair. */
static void quotes_what_is_not_plain(void **state)
{
	static const struct {
		const char *value;
		size_t size;
		const char *expected;
	} rows[] = {
	    {"a.Z_0:/-+", 9, "k=a.Z_0:/-+"},
	    {"", 0, "k=\"\""},
	    {"a b", 3, "k=\"a b\""},
	    {"a=b", 3, "k=\"a=b\""},
	    {"a\" status=\"200", 14, "k=\"a\\\" status=\\\"200\""},
	    {"a\\", 2, "k=\"a\\\\\""},
	    {"财务部", 9, "k=\"财务部\""},
	    {"a\nb", 3, "k=\"a\nb\""},
	    {"a\0b", 3, "k=\"a?b\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct logline line;

		logline_begin(&line);
		logline_text(&line, "k", slice_of(rows[i].value, rows[i].size));
		if (strcmp(line.text, rows[i].expected) != 0)
			fail_msg("row %zu: %s", i, line.text);
	}
}

static void leaves_out_what_does_not_fit_whole(void **state)
{
	static char long_text[LOG_LINE_SIZE_MAX];

	(void)state;
	memset(long_text, '"', sizeof(long_text));
	/* 64 bytes are kept back for what the log adds: a line of 1984, of which "a=1 k=" and two quotes take 8. */
	for (size_t size = 987; size <= 990; size++) {
		struct logline line;

		logline_begin(&line);
		logline_number(&line, "a", 1);
		logline_text(&line, "k", slice_of(long_text, size));
		logline_number(&line, "b", 2);
		if (size == 987)
			assert_int_equal(line.size, 8 + 2 * 987); /* and the next pair found no room */
		else if (size == 988)
			assert_int_equal(line.size, LOG_LINE_SIZE_MAX - 64);
		else
			assert_string_equal(line.text, "a=1");
		assert_int_equal(strlen(line.text), line.size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_pairs_in_order),
	    cmocka_unit_test(quotes_what_is_not_plain),
	    cmocka_unit_test(leaves_out_what_does_not_fit_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

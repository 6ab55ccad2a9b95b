/* Sets of records: same content, same number with other content, and neither; also after growing. */
#include "client/recordset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/client_fixture.h"

static void tells_same_other_and_new_apart(void **state)
{
	struct slice first = fixture_record("T-1", "100"), changed = fixture_record("T-1", "101");
	struct slice second = fixture_record("T-2", "100"), garbage = slice_text("garbage");
	enum recordset_match match;
	struct recordset set;
	uint64_t value = 99;

	(void)state;
	recordset_init(&set);
	assert_int_equal(recordset_find(&set, first, &match, &value), OK);
	assert_int_equal(match, RECORDSET_NEW);
	assert_int_equal(recordset_add(&set, first, 0), OK);
	assert_int_equal(recordset_find(&set, first, &match, &value), OK);
	assert_int_equal(match, RECORDSET_SAME);
	assert_int_equal(value, 0);
	assert_int_equal(recordset_find(&set, changed, &match, &value), OK);
	assert_int_equal(match, RECORDSET_OTHER);
	assert_int_equal(recordset_find(&set, second, &match, &value), OK);
	assert_int_equal(match, RECORDSET_NEW);
	/* A duplicate that was pushed on purpose is known from then on; the number keeps its first place. */
	assert_int_equal(recordset_add(&set, changed, 7), OK);
	assert_int_equal(recordset_find(&set, changed, &match, &value), OK);
	assert_int_equal(match, RECORDSET_SAME);
	assert_int_equal(value, 7);
	assert_int_equal(recordset_find(&set, first, &match, &value), OK);
	assert_int_equal(match, RECORDSET_SAME);
	assert_int_equal(value, 0);
	assert_int_not_equal(recordset_add(&set, garbage, 1), OK);
	recordset_done(&set);
	fixture_free(first);
	fixture_free(changed);
	fixture_free(second);
}

static void keeps_everything_while_it_grows(void **state)
{
	enum { COUNT = 3000 };
	struct recordset set;

	(void)state;
	recordset_init(&set);
	for (uint64_t round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < COUNT; i++) {
			enum recordset_match match;
			struct slice record;
			char number[24];
			uint64_t value = 0;

			(void)snprintf(number, sizeof(number), "T-%u", (unsigned)i);
			record = fixture_record(number, "100");
			if (round == 0)
				assert_int_equal(recordset_add(&set, record, i), OK);
			assert_int_equal(recordset_find(&set, record, &match, &value), OK);
			if (match != RECORDSET_SAME || value != i)
				fail_msg("row %u of round %u", (unsigned)i, (unsigned)round);
			fixture_free(record);
		}
	}
	recordset_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_same_other_and_new_apart),
	    cmocka_unit_test(keeps_everything_while_it_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Feeds: venue ids, origins, and the push message with everything it refuses. */
#include "proto/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mutate.h"

/* FORMAT.md shows this one. */
/* clang-format off */
static const char push_hex[] =
    "0801" /* 1 version: 1 */
    "1ac402080112bf020a0e51442d323032352d3030303132331214e99d92e695b0e3809432303235e3809537e58fb7"
    "1a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20012a0744532d3030303732"
    "15e98193e8b7afe5aea2e6b581e695b0e68daee99b86380142123931333730323030323634353734323531454a1e"
    "e6b5b7e5b094e699bae5aeb6e882a1e4bbbde69c89e99990e585ace58fb8521239313337303230324d4130585445"
    "303131435a18e7a4bae4be8be695b0e68daee69c89e99990e585ace58fb862123931333730323032303030303030"
    "3031395168959aef3a70c09fab0378018001fefbd309880183fcd3099201104a59505a2d323032352d3030303132"
    "339a011432353337323030303030303031323334353637389a0112333730303230303133303132333435363738a0"
    "0101a80103" /* 3 records: the trade above, 324 bytes */
    "1a6608011a620a0c544b2d323032352d30303031120e51442d323032352d30303031323318ce958f0120888f0828"
    "ecfcd30932075155414c4954593a15e983a8e58886e695b0e68daee4b88de59088e6a0bc42143235333732303030"
    "303030303837363534333231" /* 3 records: the refund above, 102 bytes */
    "225c71646465782f303132333435363738396162636465662f310a320a6c72344f35523275765061795056667a78"
    "6435456c566948416a5a64675a714363783030785341627a596f3d0a0ae28094207164646578204141414141413d"
    "3d0a"; /* 4 note: feed checkpoint (signature shortened for this example) */

/* clang-format on */

#define ARENA_MAX (4u << 20)

static struct why why;

static enum err decode(struct slice bytes)
{
	struct arena arena;
	struct push push;
	enum err err;

	arena_init(&arena, ARENA_MAX);
	why.text[0] = '\0';
	err = push_decode(bytes, &arena, &push, &why);
	assert_true(err == OK ? why.text[0] == '\0' : strlen(why.text) > 10);
	arena_done(&arena);
	return err;
}

static void knows_a_venue_id(void **state)
{
	static const struct {
		const char *venue;
		bool is_valid;
	} rows[] = {
	    {"qddex", true},
	    {"a", true},
	    {"a-9-", true},
	    {"zaz09", true},
	    {"abcdefghijklmnopqrstuvwxyz012345", true},
	    {"abcdefghijklmnopqrstuvwxyz0123456", false},
	    {"", false},
	    {"9a", false},
	    {"-a", false},
	    {"aB", false},
	    {"a_b", false},
	    {"a/b", false},
	    {"a b", false},
	    {"a{", false},
	    {"a:", false},
	    {"数", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (venue_id_is_valid(slice_text(rows[i].venue)) != rows[i].is_valid)
			fail_msg("'%s'", rows[i].venue);
	assert_false(venue_id_is_valid(slice_of("a\0b", 3)));
}

static void forms_the_origin(void **state)
{
	char origin[ORIGIN_TEXT_SIZE];

	(void)state;
	feed_origin_format("qddex", "0123456789abcdef", 1, origin);
	assert_string_equal(origin, "qddex/0123456789abcdef/1");
	feed_origin_format("abcdefghijklmnopqrstuvwxyz012345", "0123456789abcdef", UINT32_MAX, origin);
	assert_int_equal(strlen(origin), FEED_ORIGIN_SIZE_MAX);
}

static void decodes_the_vector_without_copying(void **state)
{
	struct arena arena;
	struct push push;
	struct buf hex, again;
	struct slice bytes = bytes_of_hex(push_hex, &hex);

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(push_decode(bytes, &arena, &push, NULL), OK);
	assert_int_equal(push.start, 0);
	assert_int_equal(push.record_count, 2);
	assert_int_equal(push.records[0].size, 324);
	assert_int_equal(push.records[1].size, 102);
	assert_ptr_equal(push.records[0].data, bytes.data + 5);
	assert_int_equal(push.note.data[0], 'q');
	assert_int_equal(push.note.data[push.note.size - 1], '\n');
	assert_int_equal(push.ledger_checkpoint.size, 0);
	buf_init(&again, PUSH_SIZE_MAX);
	assert_int_equal(push_encode(&push, &again), OK);
	assert_true(slice_equal(buf_slice(&again), bytes));
	buf_done(&again);
	buf_done(&hex);
	arena_done(&arena);
}

static void gives_back_what_was_encoded(void **state)
{
	struct slice records[] = {slice_text("one"), slice_text(""), slice_text("three")};
	struct push push = {
	    .start = TREE_SIZE_MAX - 3,
	    .record_count = 3,
	    .records = records,
	    .note = slice_text("note"),
	    .ledger_checkpoint = slice_text("checkpoint"),
	};
	struct push again;
	struct arena arena;
	struct buf bytes;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	buf_init(&bytes, PUSH_SIZE_MAX);
	buf_add(&bytes, "before", 6);
	assert_int_equal(push_encode(&push, &bytes), OK);
	assert_int_equal(push_decode(slice_of(bytes.data + 6, bytes.size - 6), &arena, &again, NULL), OK);
	assert_true(again.start == push.start);
	assert_int_equal(again.record_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(slice_equal(again.records[i], records[i]));
	assert_true(slice_equal(again.note, push.note));
	assert_true(slice_equal(again.ledger_checkpoint, push.ledger_checkpoint));
	buf_done(&bytes);
	arena_done(&arena);
}

static void judges_each_form(void **state)
{
	static const struct {
		const char *name, *hex;
		enum err err;
	} rows[] = {
	    {"the smallest",
		"0801"
		"1a0178"
		"22016e",
		OK},
	    {"without a note, as for a mere check",
		"0801"
		"1a0178",
		OK},
	    {"fields in another order",
		"22016e"
		"1a0178"
		"0801"
		"1007"
		"1a0179",
		OK},
	    {"a start of 0 written out",
		"0801"
		"1000"
		"1a0178"
		"22016e",
		OK},
	    {"an empty record",
		"0801"
		"1a00"
		"22016e",
		OK},
	    {"a ledger checkpoint",
		"0801"
		"1a0178"
		"22016e"
		"2a0163",
		OK},
	    {"nothing", "", ERR_SYNTAX},
	    {"no version",
		"1a0178"
		"22016e",
		ERR_SYNTAX},
	    {"version 0",
		"0800"
		"1a0178"
		"22016e",
		ERR_SYNTAX},
	    {"version 2",
		"0802"
		"1a0178"
		"22016e",
		ERR_SYNTAX},
	    {"version 2^32 + 1",
		"088180808010"
		"1a0178"
		"22016e",
		ERR_SYNTAX},
	    {"no records",
		"0801"
		"22016e",
		ERR_EMPTY_PUSH},
	    {"an empty note",
		"0801"
		"1a0178"
		"2200",
		ERR_SYNTAX},
	    {"an empty ledger checkpoint",
		"0801"
		"1a0178"
		"22016e"
		"2a00",
		ERR_SYNTAX},
	    {"version twice",
		"0801"
		"0801"
		"1a0178"
		"22016e",
		ERR_SYNTAX},
	    {"start twice",
		"0801"
		"1001"
		"1001"
		"1a0178"
		"22016e",
		ERR_SYNTAX},
	    {"note twice",
		"0801"
		"1a0178"
		"22016e"
		"22016e",
		ERR_SYNTAX},
	    {"ledger checkpoint twice",
		"0801"
		"1a0178"
		"22016e"
		"2a0163"
		"2a0163",
		ERR_SYNTAX},
	    {"field 6",
		"0801"
		"1a0178"
		"22016e"
		"3001",
		ERR_SYNTAX},
	    {"field 6 of bytes",
		"0801"
		"1a0178"
		"22016e"
		"320178",
		ERR_SYNTAX},
	    {"field 2^29 - 1",
		"0801"
		"1a0178"
		"22016e"
		"f8ffffff0f01",
		ERR_SYNTAX},
	    {"field 0",
		"0801"
		"1a0178"
		"22016e"
		"0001",
		ERR_SYNTAX},
	    {"version as bytes",
		"0a0101"
		"1a0178"
		"22016e",
		ERR_SYNTAX},
	    {"a record as a number",
		"0801"
		"1801"
		"1a0178"
		"22016e",
		ERR_SYNTAX},
	    {"note as a number",
		"0801"
		"1a0178"
		"2001",
		ERR_SYNTAX},
	    {"a fixed number",
		"0801"
		"1a0178"
		"22016e"
		"1501000000",
		ERR_SYNTAX},
	    {"a trailing zero",
		"0801"
		"1a0178"
		"22016e"
		"00",
		ERR_SYNTAX},
	    {"trailing bytes",
		"0801"
		"1a0178"
		"22016e"
		"ffff",
		ERR_SYNTAX},
	    {"a record beyond the end",
		"0801"
		"22016e"
		"1a0278",
		ERR_SYNTAX},
	    {"a start at the last place",
		"0801"
		"10ffffffffffffff0f"
		"1a0178"
		"22016e",
		OK},
	    {"a start beyond",
		"0801"
		"1080808080808080"
		"10"
		"1a0178"
		"22016e",
		ERR_SYNTAX},
	    {"a start of 2^64 - 1",
		"0801"
		"10ffffffffffffffffff01"
		"1a0178"
		"22016e",
		ERR_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf hex;
		enum err err = decode(bytes_of_hex(rows[i].hex, &hex));

		if (err != rows[i].err)
			fail_msg("%s: %s, not %s: %s", rows[i].name, err_name(err), err_name(rows[i].err), why.text);
		buf_done(&hex);
	}
}

static void refuses_a_push_cut_inside_a_field(void **state)
{
	struct buf hex;
	struct slice bytes = bytes_of_hex(push_hex, &hex);
	/* After the first record, the second, and the note a message ends: those cuts are pushes of less. */
	static const size_t ends[] = {2 + 3 + 324, 2 + 3 + 324 + 2 + 102};

	(void)state;
	for (size_t size = 0; size < bytes.size; size++)
		if (size != ends[0] && size != ends[1] && decode(slice_of(bytes.data, size)) == OK)
			fail_msg("cut to %zu bytes it was taken", size);
	assert_int_equal(decode(slice_of(bytes.data, ends[0])), OK);
	assert_int_equal(decode(bytes), OK);
	buf_done(&hex);
}

static void keeps_its_limits(void **state)
{
	static const struct {
		const char *name;
		size_t record_count, record_size, note_size, checkpoint_size;
		enum err err;
	} rows[] = {
	    {"records - 1", PUSH_RECORDS_MAX - 1, 1, 1, 0, OK},
	    {"records", PUSH_RECORDS_MAX, 1, 1, 0, OK},
	    {"records + 1", PUSH_RECORDS_MAX + 1, 1, 1, 0, ERR_TOO_MANY},
	    {"note - 1", 1, 1, NOTE_SIZE_MAX - 1, 0, OK},
	    {"note", 1, 1, NOTE_SIZE_MAX, 0, OK},
	    {"note + 1", 1, 1, NOTE_SIZE_MAX + 1, 0, ERR_TOO_LARGE},
	    {"checkpoint - 1", 1, 1, 1, CHECKPOINT_SIZE_MAX - 1, OK},
	    {"checkpoint", 1, 1, 1, CHECKPOINT_SIZE_MAX, OK},
	    {"checkpoint + 1", 1, 1, 1, CHECKPOINT_SIZE_MAX + 1, ERR_TOO_LARGE},
	    {"size - 1", 1, PUSH_SIZE_MAX - 2 - 5 - 3 - 1, 1, 0, OK},
	    {"size", 1, PUSH_SIZE_MAX - 2 - 5 - 3, 1, 0, OK},
	    {"size + 1", 1, PUSH_SIZE_MAX - 2 - 5 - 3 + 1, 1, 0, ERR_TOO_LARGE},
	};
	uint8_t *content = calloc(1, PUSH_SIZE_MAX);

	(void)state;
	assert_non_null(content);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf bytes;
		enum err err;

		buf_init(&bytes, PUSH_SIZE_MAX + 1000);
		buf_add(&bytes, "\x08\x01", 2);
		for (size_t k = 0; k < rows[i].record_count; k++)
			add_part(&bytes, 3, slice_of(content, rows[i].record_size));
		add_part(&bytes, 4, slice_of(content, rows[i].note_size));
		if (rows[i].checkpoint_size != 0)
			add_part(&bytes, 5, slice_of(content, rows[i].checkpoint_size));
		assert_int_equal(bytes.err, OK);
		err = decode(buf_slice(&bytes));
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
		buf_done(&bytes);
	}
	free(content);
}

static void does_not_encode_beyond_the_limit(void **state)
{
	uint8_t *content = calloc(1, PUSH_SIZE_MAX);
	struct slice record = slice_of(content, PUSH_SIZE_MAX - 2 - 5 - 3);
	struct push push = {.record_count = 1, .records = &record, .note = slice_text("n")};
	struct buf bytes;

	(void)state;
	assert_non_null(content);
	buf_init(&bytes, PUSH_SIZE_MAX + 1000);
	assert_int_equal(push_encode(&push, &bytes), OK);
	assert_int_equal(bytes.size, PUSH_SIZE_MAX);
	buf_clear(&bytes);
	record.size++;
	assert_int_equal(push_encode(&push, &bytes), ERR_TOO_LARGE);
	buf_done(&bytes);
	/* A buffer that is itself too small says so. */
	buf_init(&bytes, 100);
	assert_int_equal(push_encode(&push, &bytes), ERR_TOO_LARGE);
	buf_done(&bytes);
	free(content);
}

static void says_when_memory_is_short(void **state)
{
	struct arena arena;
	struct push push;
	struct buf hex;
	struct slice bytes = bytes_of_hex(push_hex, &hex);

	(void)state;
	arena_init(&arena, 16);
	assert_int_equal(push_decode(bytes, &arena, &push, &why), ERR_MEMORY);
	arena_done(&arena);
	buf_done(&hex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knows_a_venue_id),
	    cmocka_unit_test(forms_the_origin),
	    cmocka_unit_test(decodes_the_vector_without_copying),
	    cmocka_unit_test(gives_back_what_was_encoded),
	    cmocka_unit_test(judges_each_form),
	    cmocka_unit_test(refuses_a_push_cut_inside_a_field),
	    cmocka_unit_test(keeps_its_limits),
	    cmocka_unit_test(does_not_encode_beyond_the_limit),
	    cmocka_unit_test(says_when_memory_is_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

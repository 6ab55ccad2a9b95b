/* Entries: each rule of the envelope and of each body at its bounds. */
#include "proto/entry.h"

#include "entry_fixture.h"
#include "proto/date.h"

/* An encoding made by hand, so that entries can be wrong: what entry_encode itself would refuse by assertion. */
static enum err decode_body(unsigned number, struct slice body, size_t link_count, const uint64_t *links)
{
	static uint8_t memory[2 * ENTRY_SIZE_MAX];
	static const uint8_t zero[HASH_SIZE], one[HASH_SIZE] = {1}, salt[SALT_SIZE];
	struct wire_writer writer = wire_writer_of(memory, sizeof(memory));

	wire_put_number(&writer, 1, ENTRY_VERSION);
	wire_put_number(&writer, 2, EPOCH);
	wire_put_bytes(&writer, 3, slice_of(number == 7 ? zero : one, HASH_SIZE));
	if (number != 8)
		wire_put_bytes(&writer, 4, slice_of(salt, SALT_SIZE));
	if (link_count != 0) {
		uint8_t *opened = wire_open(&writer, 6);

		for (size_t i = 0; i < link_count; i++)
			wire_put_varint(&writer, links[i]);
		wire_close(&writer, opened);
	}
	wire_put_bytes(&writer, number, body);
	assert_false(writer.is_full);
	return decode(wire_written(&writer));
}

static uint8_t body_memory[2 * ENTRY_SIZE_MAX];
static uint8_t content[ENTRY_SIZE_MAX];
static const uint64_t links[] = {0, 0, 0};

static struct wire_writer body_begin(void)
{
	return wire_writer_of(body_memory, sizeof(body_memory));
}

static void asks_for_the_envelope(void **state)
{
	static const struct {
		const char *name;
		uint64_t time_us;
		size_t previous_size, salt_size;
		bool is_genesis, has_previous;
		enum err err;
	} rows[] = {
	    {"an order", EPOCH, HASH_SIZE, SALT_SIZE, false, true, OK},
	    {"time 0", 0, HASH_SIZE, SALT_SIZE, false, true, ERR_INVALID},
	    {"time 1", 1, HASH_SIZE, SALT_SIZE, false, true, OK},
	    {"the last time", 4102329600000000 - 1, HASH_SIZE, SALT_SIZE, false, true, OK},
	    {"a time beyond", 4102329600000000, HASH_SIZE, SALT_SIZE, false, true, ERR_INVALID},
	    {"a time of 2^64 - 1", UINT64_MAX, HASH_SIZE, SALT_SIZE, false, true, ERR_INVALID},
	    {"a short previous", EPOCH, HASH_SIZE - 1, SALT_SIZE, false, true, ERR_INVALID},
	    {"a long previous", EPOCH, HASH_SIZE + 1, SALT_SIZE, false, true, ERR_INVALID},
	    {"no previous", EPOCH, 0, SALT_SIZE, false, true, ERR_INVALID},
	    {"a short salt", EPOCH, HASH_SIZE, SALT_SIZE - 1, false, true, ERR_INVALID},
	    {"a long salt", EPOCH, HASH_SIZE, SALT_SIZE + 1, false, true, ERR_INVALID},
	    {"no salt", EPOCH, HASH_SIZE, 0, false, true, ERR_INVALID},
	    {"genesis", EPOCH, HASH_SIZE, SALT_SIZE, true, false, OK},
	    {"genesis after something", EPOCH, HASH_SIZE, SALT_SIZE, true, true, ERR_INVALID},
	};
	static const uint8_t zero[HASH_SIZE + 1], one[HASH_SIZE + 1] = {1};

	(void)state;
	assert_true(date_start_us(DATE_YEAR_MAX * 10000 + 1231) == 4102329600000000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		uint8_t *opened;
		enum err err;

		wire_put_number(&writer, 1, ENTRY_VERSION);
		wire_put_number(&writer, 2, rows[i].time_us);
		wire_put_bytes(&writer, 3, slice_of(rows[i].has_previous ? one : zero, rows[i].previous_size));
		wire_put_bytes(&writer, 4, slice_of(zero, rows[i].salt_size));
		opened = wire_open(&writer, rows[i].is_genesis ? 7 : 10);
		wire_put_bytes(&writer, 1, slice_text("note"));
		wire_close(&writer, opened);
		err = decode(wire_written(&writer));
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
	}
}

static void refuses_a_salt_on_records_and_an_entry_without_body(void **state)
{
	struct buf hex, bytes;
	struct parts parts;

	(void)state;
	parts = parts_of(bytes_of_hex(record_trade_hex, &hex));
	buf_init(&bytes, ENTRY_SIZE_MAX);
	for (size_t i = 0; i < 3; i++)
		buf_add_slice(&bytes, parts.rows[i]);
	assert_int_equal(decode(buf_slice(&bytes)), ERR_SYNTAX);
	add_part(&bytes, 4, slice_of(content, SALT_SIZE));
	for (size_t i = 3; i < parts.count; i++)
		buf_add_slice(&bytes, parts.rows[i]);
	assert_int_equal(decode(buf_slice(&bytes)), ERR_INVALID);
	buf_done(&bytes);
	buf_done(&hex);
}

static void keeps_notes_within_their_sizes(void **state)
{
	static const unsigned numbers[] = {7, 10};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (size_t size = NOTE_SIZE_MAX - 1; size <= NOTE_SIZE_MAX + 1; size++) {
			struct wire_writer writer = body_begin();

			wire_put_bytes(&writer, 1, slice_of(content, size));
			assert_int_equal(decode_body(numbers[i], wire_written(&writer), 0, links),
			    size > NOTE_SIZE_MAX ? ERR_INVALID : OK);
		}
	/* An order's items need its note. */
	{
		struct wire_writer writer = body_begin();

		wire_put_bytes(&writer, 2, slice_text("item"));
		assert_int_equal(decode_body(10, wire_written(&writer), 0, links), ERR_INVALID);
	}
}

static void keeps_order_items_within_their_count(void **state)
{
	(void)state;
	for (size_t count = ORDER_ITEMS_MAX - 1; count <= ORDER_ITEMS_MAX + 1; count++) {
		struct wire_writer writer = body_begin();

		wire_put_bytes(&writer, 1, slice_text("note"));
		for (size_t i = 0; i < count; i++)
			wire_put_bytes(
			    &writer, 2, slice_text("an item line of some sixty bytes, as they are in real orders"));
		if (count > ORDER_ITEMS_MAX)
			assert_int_equal(decode_body(10, wire_written(&writer), 0, links), ERR_INVALID);
		else
			assert_int_equal(decode_body(10, wire_written(&writer), 0, links), OK);
	}
	{
		struct wire_writer writer = body_begin();

		wire_put_bytes(&writer, 1, slice_text("note"));
		wire_put_element(&writer, 2, slice_text(""));
		assert_int_equal(decode_body(10, wire_written(&writer), 0, links), ERR_INVALID);
	}
}

static void checks_a_record_entry(void **state)
{
	static const struct {
		const char *name, *venue;
		uint64_t generation, feed_index, record_size, disposition, refers;
		size_t link_count;
		enum err err;
	} rows[] = {
	    {"counted", "a", 1, 0, 1, 1, 0, 2, OK},
	    {"duplicate trade", "a", 1, 0, 1, 2, 1, 2, OK},
	    {"duplicate adjustment of a known trade", "a", 1, 0, 1, 3, 1, 2, OK},
	    {"duplicate adjustment of an unknown trade", "a", 1, 0, 1, 3, 1, 0, OK},
	    {"self trade", "a", 1, 0, 1, 4, 0, 2, OK},
	    {"refund unknown", "a", 1, 0, 1, 5, 0, 0, OK},
	    {"refund unknown, one link", "a", 1, 0, 1, 5, 0, 1, ERR_INVALID},
	    {"refund exceeds", "a", 1, 0, 1, 6, 1, 2, OK},
	    {"overflow", "a", 1, 0, 1, 7, 0, 2, OK},
	    {"disposition 8", "a", 1, 0, 1, 8, 0, 2, ERR_INVALID},
	    {"disposition 0", "a", 1, 0, 1, 0, 0, 2, ERR_INVALID},
	    {"counted, no links", "a", 1, 0, 1, 1, 0, 0, ERR_INVALID},
	    {"counted, one link", "a", 1, 0, 1, 1, 0, 1, ERR_INVALID},
	    {"counted, three links", "a", 1, 0, 1, 1, 0, 3, ERR_INVALID},
	    {"duplicate trade, no links", "a", 1, 0, 1, 2, 1, 0, ERR_INVALID},
	    {"duplicate adjustment, one link", "a", 1, 0, 1, 3, 1, 1, ERR_INVALID},
	    {"refund of a trade that doesn't count", "a", 1, 0, 1, 5, 1, 2, OK},
	    {"generation 0", "a", 0, 0, 1, 1, 0, 2, ERR_INVALID},
	    {"the last generation", "a", FEED_GENERATIONS_MAX, 0, 1, 1, 0, 2, OK},
	    {"a generation beyond", "a", FEED_GENERATIONS_MAX + 1, 0, 1, 1, 0, 2, ERR_INVALID},
	    {"the last feed index", "a", 1, TREE_SIZE_MAX - 1, 1, 1, 0, 2, OK},
	    {"a feed index beyond", "a", 1, TREE_SIZE_MAX, 1, 1, 0, 2, ERR_INVALID},
	    {"no record", "a", 1, 0, 0, 1, 0, 2, ERR_INVALID},
	    {"the largest record", "a", 1, 0, RECORD_SIZE_MAX, 1, 0, 2, OK},
	    {"a record beyond", "a", 1, 0, RECORD_SIZE_MAX + 1, 1, 0, 2, ERR_INVALID},
	    {"refers to the last", "a", 1, 0, 1, 1, TREE_SIZE_MAX - 1, 2, OK},
	    {"refers beyond", "a", 1, 0, 1, 1, TREE_SIZE_MAX, 2, ERR_INVALID},
	    {"no venue", "", 1, 0, 1, 1, 0, 2, ERR_INVALID},
	    {"a bad venue", "A", 1, 0, 1, 1, 0, 2, ERR_INVALID},
	};
	static const uint64_t far[] = {1, TREE_SIZE_MAX - 1}, beyond[] = {1, TREE_SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		enum err err;

		wire_put_bytes(&writer, 1, slice_text(rows[i].venue));
		wire_put_number(&writer, 2, rows[i].generation);
		wire_put_number(&writer, 3, rows[i].feed_index);
		wire_put_bytes(&writer, 4, slice_of(content, rows[i].record_size));
		wire_put_number(&writer, 5, rows[i].disposition);
		wire_put_number(&writer, 6, rows[i].refers);
		err = decode_body(8, wire_written(&writer), rows[i].link_count, links);
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
		if (i == 0) {
			assert_int_equal(decode_body(8, wire_written(&writer), 2, far), OK);
			assert_int_equal(decode_body(8, wire_written(&writer), 2, beyond), ERR_INVALID);
		}
	}
}

static void checks_a_push_entry(void **state)
{
	static const struct {
		const char *name;
		uint64_t start, count, first_index;
		size_t note_size;
		uint64_t tally[8][2]; /* disposition, count; ends with 0 */
		size_t hash_size, link_count;
		enum err err;
	} rows[] = {
	    {"one", 0, 1, 1, 1, {{1, 1}}, 32, 0, OK},
	    {"all dispositions", 0, 28, 1, 1, {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 6}, {7, 7}}, 32, 0, OK},
	    {"the most", 0, PUSH_RECORDS_MAX, 1, 1, {{7, PUSH_RECORDS_MAX}}, 32, 0, OK},
	    {"more", 0, PUSH_RECORDS_MAX + 1, 1, 1, {{7, PUSH_RECORDS_MAX + 1}}, 32, 0, ERR_INVALID},
	    {"none", 0, 0, 1, 1, {{0, 0}}, 32, 0, ERR_INVALID},
	    {"no tally", 0, 1, 1, 1, {{0, 0}}, 32, 0, ERR_INVALID},
	    {"a tally too low", 0, 3, 1, 1, {{1, 1}, {2, 1}}, 32, 0, ERR_INVALID},
	    {"a tally too high", 0, 3, 1, 1, {{1, 1}, {2, 3}}, 32, 0, ERR_INVALID},
	    {"a tally that wraps around", 0, 1, 1, 1, {{1, UINT64_MAX}, {2, 2}}, 32, 0, ERR_INVALID},
	    {"a tally with none", 0, 1, 1, 1, {{1, 0}, {2, 1}}, 32, 0, ERR_INVALID},
	    {"a tally descending", 0, 2, 1, 1, {{2, 1}, {1, 1}}, 32, 0, ERR_INVALID},
	    {"a tally twice", 0, 2, 1, 1, {{2, 1}, {2, 1}}, 32, 0, ERR_INVALID},
	    {"disposition 8", 0, 1, 1, 1, {{8, 1}}, 32, 0, ERR_INVALID},
	    {"the last start", TREE_SIZE_MAX - 1, 1, 1, 1, {{1, 1}}, 32, 0, OK},
	    {"a start beyond", TREE_SIZE_MAX, 1, 1, 1, {{1, 1}}, 32, 0, ERR_INVALID},
	    {"first index 0", 0, 1, 0, 1, {{1, 1}}, 32, 0, ERR_INVALID},
	    {"the last first index", 0, 1, TREE_SIZE_MAX - 1, 1, {{1, 1}}, 32, 0, OK},
	    {"a first index beyond", 0, 1, TREE_SIZE_MAX, 1, {{1, 1}}, 32, 0, ERR_INVALID},
	    {"no note", 0, 1, 1, 0, {{1, 1}}, 32, 0, ERR_INVALID},
	    {"the largest note", 0, 1, 1, NOTE_SIZE_MAX, {{1, 1}}, 32, 0, OK},
	    {"a note beyond", 0, 1, 1, NOTE_SIZE_MAX + 1, {{1, 1}}, 32, 0, ERR_INVALID},
	    {"no hash", 0, 1, 1, 1, {{1, 1}}, 0, 0, ERR_INVALID},
	    {"a short hash", 0, 1, 1, 1, {{1, 1}}, 31, 0, ERR_INVALID},
	    {"a long hash", 0, 1, 1, 1, {{1, 1}}, 33, 0, ERR_INVALID},
	    {"links", 0, 1, 1, 1, {{1, 1}}, 32, 2, ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		enum err err;

		wire_put_number(&writer, 1, 1);
		wire_put_bytes(&writer, 2, slice_text("qddex"));
		wire_put_number(&writer, 3, 1);
		wire_put_number(&writer, 4, rows[i].start);
		wire_put_number(&writer, 5, rows[i].count);
		wire_put_number(&writer, 6, rows[i].first_index);
		wire_put_bytes(&writer, 7, slice_of(content, rows[i].note_size));
		for (size_t k = 0; k < 8 && rows[i].tally[k][0] != 0; k++) {
			uint8_t *opened = wire_open(&writer, 8);

			wire_put_number(&writer, 1, rows[i].tally[k][0]);
			wire_put_number(&writer, 2, rows[i].tally[k][1]);
			wire_close(&writer, opened);
		}
		wire_put_bytes(&writer, 9, slice_of(content, rows[i].hash_size));
		err = decode_body(9, wire_written(&writer), rows[i].link_count, links);
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
	}
}

#define CODE_A "91370200264574251E"
#define CODE_B "91370202MA0XTE011C"
#define LIST_32 "abcdefghijklmnopqrstuvwxyz-_0123"

static void checks_a_registered_effect(void **state)
{
	static const struct {
		const char *name;
		uint64_t order_index, item;
		const char *code;
		size_t name_size, link_count;
		const char *lists[4];
		enum err err;
	} rows[] = {
	    {"plain", 1, 0, CODE_A, 1, 1, {NULL}, OK},
	    {"order 0", 0, 0, CODE_A, 1, 1, {NULL}, ERR_INVALID},
	    {"the last order", TREE_SIZE_MAX - 1, 0, CODE_A, 1, 1, {NULL}, OK},
	    {"an order beyond", TREE_SIZE_MAX, 0, CODE_A, 1, 1, {NULL}, ERR_INVALID},
	    {"the last item", 1, ORDER_ITEMS_MAX - 1, CODE_A, 1, 1, {NULL}, OK},
	    {"an item beyond", 1, ORDER_ITEMS_MAX, CODE_A, 1, 1, {NULL}, ERR_INVALID},
	    {"a wrong code", 1, 0, "91370200264574251F", 1, 1, {NULL}, ERR_INVALID},
	    {"no code", 1, 0, "", 1, 1, {NULL}, ERR_INVALID},
	    {"no name", 1, 0, CODE_A, 0, 1, {NULL}, ERR_INVALID},
	    {"the longest name", 1, 0, CODE_A, PARTY_NAME_SIZE_MAX, 1, {NULL}, OK},
	    {"a name beyond", 1, 0, CODE_A, PARTY_NAME_SIZE_MAX + 1, 1, {NULL}, ERR_INVALID},
	    {"no link", 1, 0, CODE_A, 1, 0, {NULL}, ERR_INVALID},
	    {"two links", 1, 0, CODE_A, 1, 2, {NULL}, ERR_INVALID},
	    {"lists", 1, 0, CODE_A, 1, 1, {"a", "a-", "b_9", LIST_32}, ERR_INVALID},
	    {"lists ascending", 1, 0, CODE_A, 1, 1, {"a", "a-", LIST_32, "b_9"}, OK},
	    {"lists descending", 1, 0, CODE_A, 1, 1, {"b", "a", NULL}, ERR_INVALID},
	    {"lists twice", 1, 0, CODE_A, 1, 1, {"a", "a", NULL}, ERR_INVALID},
	    {"an empty list name", 1, 0, CODE_A, 1, 1, {"", NULL}, ERR_INVALID},
	    {"a long list name", 1, 0, CODE_A, 1, 1, {LIST_32 "4", NULL}, ERR_INVALID},
	    {"an upper-case list name", 1, 0, CODE_A, 1, 1, {"A", NULL}, ERR_INVALID},
	    {"a spaced list name", 1, 0, CODE_A, 1, 1, {"a b", NULL}, ERR_INVALID},
	};

	(void)state;
	memset(content, 'x', PARTY_NAME_SIZE_MAX + 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		uint8_t *opened;
		enum err err;

		wire_put_number(&writer, 1, rows[i].order_index);
		wire_put_number(&writer, 2, rows[i].item);
		opened = wire_open(&writer, 3);
		wire_put_bytes(&writer, 1, slice_text(rows[i].code));
		wire_put_bytes(&writer, 2, slice_of(content, rows[i].name_size));
		for (size_t k = 0; k < 4 && rows[i].lists[k] != NULL; k++)
			wire_put_element(&writer, 3, slice_text(rows[i].lists[k]));
		wire_close(&writer, opened);
		err = decode_body(11, wire_written(&writer), rows[i].link_count, links);
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
	}
	for (size_t count = LISTS_MAX - 1; count <= LISTS_MAX + 1; count++) {
		struct wire_writer writer = body_begin();
		uint8_t *opened;

		wire_put_number(&writer, 1, 1);
		opened = wire_open(&writer, 3);
		wire_put_bytes(&writer, 1, slice_text(CODE_A));
		wire_put_bytes(&writer, 2, slice_text("name"));
		for (size_t i = 0; i < count; i++)
			wire_put_element(&writer, 3, slice_of("abcdefghijklmnopqrstuvwxyz" + i, 1));
		wire_close(&writer, opened);
		assert_int_equal(
		    decode_body(11, wire_written(&writer), 1, links), count > LISTS_MAX ? ERR_INVALID : OK);
	}
}

static void checks_a_related_effect(void **state)
{
	static const struct {
		const char *name, *first, *second;
		size_t link_count;
		enum err err;
	} rows[] = {
	    {"ascending", CODE_A, CODE_B, 2, OK},
	    {"descending", CODE_B, CODE_A, 2, ERR_INVALID},
	    {"the same twice", CODE_A, CODE_A, 2, ERR_INVALID},
	    {"no second", CODE_A, "", 2, ERR_INVALID},
	    {"a wrong second", CODE_A, "91370202MA0XTE011D", 2, ERR_INVALID},
	    {"a wrong first", "91370200264574251F", CODE_B, 2, ERR_INVALID},
	    {"no links", CODE_A, CODE_B, 0, ERR_INVALID},
	    {"one link", CODE_A, CODE_B, 1, ERR_INVALID},
	    {"three links", CODE_A, CODE_B, 3, ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		uint8_t *opened;
		enum err err;

		wire_put_number(&writer, 1, 1);
		opened = wire_open(&writer, 4);
		wire_put_bytes(&writer, 1, slice_text(rows[i].first));
		wire_put_bytes(&writer, 2, slice_text(rows[i].second));
		wire_close(&writer, opened);
		err = decode_body(11, wire_written(&writer), rows[i].link_count, links);
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
	}
	{
		struct wire_writer writer = body_begin();

		wire_put_number(&writer, 1, 1);
		assert_int_equal(decode_body(11, wire_written(&writer), 1, links), ERR_SYNTAX);
	}
}

static void checks_an_effect_on_a_trade(void **state)
{
	static const struct {
		const char *name;
		const char *venue, *trade_no;
		uint64_t trade_index;
		size_t link_count;
		enum err err;
	} rows[] = {
	    {"as it should be", "qddex", "T1", 4, 2, OK},
	    {"no venue", "", "T1", 4, 2, ERR_INVALID},
	    {"a venue that is none", "Qddex", "T1", 4, 2, ERR_INVALID},
	    {"no number", "qddex", "", 4, 2, ERR_INVALID},
	    {"a number of 64", "qddex", "1234567890123456789012345678901234567890123456789012345678901234", 4, 2, OK},
	    {"a number of 65", "qddex", "12345678901234567890123456789012345678901234567890123456789012345", 4, 2,
		ERR_INVALID},
	    {"a number with a space", "qddex", "T 1", 4, 2, ERR_INVALID},
	    {"no trade", "qddex", "T1", 0, 2, ERR_INVALID},
	    {"the last index", "qddex", "T1", TREE_SIZE_MAX - 1, 2, OK},
	    {"an index beyond", "qddex", "T1", TREE_SIZE_MAX, 2, ERR_INVALID},
	    {"no links", "qddex", "T1", 4, 0, ERR_INVALID},
	    {"one link", "qddex", "T1", 4, 1, ERR_INVALID},
	};

	(void)state;
	for (unsigned number = 6; number <= 8; number++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct wire_writer writer = body_begin();
			uint8_t *opened;
			enum err err;

			wire_put_number(&writer, 1, 1);
			opened = wire_open(&writer, number);
			wire_put_bytes(&writer, 1, slice_text(rows[i].venue));
			wire_put_bytes(&writer, 2, slice_text(rows[i].trade_no));
			wire_put_number(&writer, 3, rows[i].trade_index);
			wire_close(&writer, opened);
			err = decode_body(11, wire_written(&writer), rows[i].link_count, links);
			if (err != rows[i].err)
				fail_msg("%u, %s: %s", number, rows[i].name, err_name(err));
		}
}

static void checks_a_delisted_effect(void **state)
{
	static const struct {
		const char *name;
		const char *code, *lists[3];
		size_t link_count;
		enum err err;
	} rows[] = {
	    {"as it should be", "91370200264574251E", {"a", "b"}, 1, OK},
	    {"a wrong code", "913702002645742510", {"a"}, 1, ERR_INVALID},
	    {"no list", "91370200264574251E", {NULL}, 1, ERR_INVALID},
	    {"lists that fall", "91370200264574251E", {"b", "a"}, 1, ERR_INVALID},
	    {"a list twice", "91370200264574251E", {"a", "a"}, 1, ERR_INVALID},
	    {"a list in capitals", "91370200264574251E", {"A"}, 1, ERR_INVALID},
	    {"no link", "91370200264574251E", {"a"}, 0, ERR_INVALID},
	    {"two links", "91370200264574251E", {"a"}, 2, ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		uint8_t *opened;
		enum err err;

		wire_put_number(&writer, 1, 1);
		opened = wire_open(&writer, 5);
		wire_put_bytes(&writer, 1, slice_text(rows[i].code));
		for (size_t j = 0; rows[i].lists[j] != NULL; j++)
			wire_put_element(&writer, 2, slice_text(rows[i].lists[j]));
		wire_close(&writer, opened);
		err = decode_body(11, wire_written(&writer), rows[i].link_count, links);
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
	}
}

static void checks_evidence(void **state)
{
	static const struct {
		const char *name;
		const char *venue;
		uint64_t generation, size;
		size_t note_size;
		uint64_t push_index;
		size_t link_count;
		enum err err;
	} rows[] = {
	    {"as it should be", "qddex", 1, 1, 1, 1, 0, OK},
	    {"the most of all", "qddex", FEED_GENERATIONS_MAX, TREE_SIZE_MAX, NOTE_SIZE_MAX, TREE_SIZE_MAX - 1, 0, OK},
	    {"no venue", "", 1, 1, 1, 1, 0, ERR_INVALID},
	    {"generation 0", "qddex", 0, 1, 1, 1, 0, ERR_INVALID},
	    {"a generation beyond", "qddex", FEED_GENERATIONS_MAX + 1, 1, 1, 1, 0, ERR_INVALID},
	    {"size 0", "qddex", 1, 0, 1, 1, 0, ERR_INVALID},
	    {"a size beyond", "qddex", 1, TREE_SIZE_MAX + 1, 1, 1, 0, ERR_INVALID},
	    {"no note", "qddex", 1, 1, 0, 1, 0, ERR_INVALID},
	    {"a note beyond", "qddex", 1, 1, NOTE_SIZE_MAX + 1, 1, 0, ERR_INVALID},
	    {"no push", "qddex", 1, 1, 1, 0, 0, ERR_INVALID},
	    {"a push beyond", "qddex", 1, 1, 1, TREE_SIZE_MAX, 0, ERR_INVALID},
	    {"a link", "qddex", 1, 1, 1, 1, 1, ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_writer writer = body_begin();
		enum err err;

		wire_put_bytes(&writer, 1, slice_text(rows[i].venue));
		wire_put_number(&writer, 2, rows[i].generation);
		wire_put_number(&writer, 3, rows[i].size);
		wire_put_bytes(&writer, 4, slice_of(content, rows[i].note_size));
		wire_put_number(&writer, 5, rows[i].push_index);
		err = decode_body(12, wire_written(&writer), rows[i].link_count, links);
		if (err != rows[i].err)
			fail_msg("%s: %s", rows[i].name, err_name(err));
	}
}

static void keeps_entries_within_their_size(void **state)
{
	struct slice item;
	struct entry entry = {.kind = ENTRY_ORDER, .time_us = EPOCH};
	struct buf bytes;
	size_t size;

	(void)state;
	memset(content, 'x', sizeof(content));
	entry.order.item_count = 1;
	entry.order.items = &item;
	entry.order.note = slice_of(content, 30000);
	item = slice_of(content, 30000);
	buf_init(&bytes, 2 * ENTRY_SIZE_MAX);
	assert_int_equal(entry_encode(&entry, &bytes), OK);
	item.size += ENTRY_SIZE_MAX - bytes.size;
	for (size = ENTRY_SIZE_MAX - 1; size <= ENTRY_SIZE_MAX + 1; size++) {
		struct slice whole = item;

		item.size = whole.size + size - ENTRY_SIZE_MAX;
		buf_clear(&bytes);
		assert_int_equal(entry_encode(&entry, &bytes), size > ENTRY_SIZE_MAX ? ERR_TOO_LARGE : OK);
		if (size <= ENTRY_SIZE_MAX) {
			assert_int_equal(bytes.size, size);
			assert_int_equal(decode(buf_slice(&bytes)), OK);
		}
		item = whole;
	}
	buf_clear(&bytes);
	buf_add(&bytes, content, ENTRY_SIZE_MAX);
	assert_int_equal(decode(buf_slice(&bytes)), ERR_SYNTAX);
	buf_u8(&bytes, 'x');
	assert_int_equal(decode(buf_slice(&bytes)), ERR_TOO_LARGE);
	buf_done(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(asks_for_the_envelope),
	    cmocka_unit_test(refuses_a_salt_on_records_and_an_entry_without_body),
	    cmocka_unit_test(keeps_notes_within_their_sizes),
	    cmocka_unit_test(keeps_order_items_within_their_count),
	    cmocka_unit_test(checks_a_record_entry),
	    cmocka_unit_test(checks_a_push_entry),
	    cmocka_unit_test(checks_a_registered_effect),
	    cmocka_unit_test(checks_a_related_effect),
	    cmocka_unit_test(checks_an_effect_on_a_trade),
	    cmocka_unit_test(checks_a_delisted_effect),
	    cmocka_unit_test(checks_evidence),
	    cmocka_unit_test(keeps_entries_within_their_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

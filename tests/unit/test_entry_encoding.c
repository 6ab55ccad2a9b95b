/* Entries: one encoding only at each level, whatever protobuf alone would take. */
#include "proto/entry.h"

#include "entry_fixture.h"

static void refuses_an_entry_cut_anywhere_or_with_more(void **state)
{
	(void)state;
	for (size_t v = 0; v < LEDGER_SIZE; v++) {
		struct buf hex;
		struct slice bytes = bytes_of_hex(ledger[v], &hex);
		size_t whole = bytes.size;

		for (size_t size = 0; size < whole; size++)
			if (decode(slice_of(bytes.data, size)) == OK)
				fail_msg("entry %zu cut to %zu bytes was taken", v, size);
		for (unsigned byte = 0; byte < 256; byte++) {
			buf_u8(&hex, (uint8_t)byte);
			if (decode(buf_slice(&hex)) == OK)
				fail_msg("entry %zu with byte %02x after it was taken", v, byte);
			hex.size = whole;
		}
		buf_done(&hex);
	}
}

/* Where the messages of an entry lie, by the places of nested ones. */
static const struct {
	const char *hex;
	size_t depth, path[MUTATE_DEPTH_MAX];
	unsigned repeated, optional; /* field numbers that may be there more than once, or not at all */
} levels[] = {
    {genesis_hex, 0, {0}, 0, 0},
    {genesis_hex, 1, {4}, 0, 0},
    {order_hex, 0, {0}, 0, 0},
    {order_hex, 1, {4}, 2, 2},
    {registered_hex, 0, {0}, 0, 0},
    {registered_hex, 1, {5}, 0, 0},
    {registered_hex, 2, {5, 1}, 0, 3},
    {registered_second_hex, 1, {5}, 0, 2},
    {registered_second_hex, 2, {5, 2}, 0, 0},
    {record_trade_hex, 0, {0}, 0, 0},
    {record_trade_hex, 1, {4}, 0, 0},
    {record_refund_hex, 0, {0}, 0, 0},
    {record_refund_hex, 1, {4}, 0, 0},
    {push_hex, 0, {0}, 0, 0},
    {push_hex, 1, {4}, 0, 0},
    {push_hex, 2, {4, 6}, 0, 0},
    {order_relate_hex, 0, {0}, 0, 5},
    {order_relate_hex, 1, {5}, 2, 2},
    {related_hex, 0, {0}, 0, 0},
    {related_hex, 1, {5}, 0, 0},
    {related_hex, 2, {5, 1}, 0, 0},
};

static unsigned field_number(size_t level, size_t at)
{
	struct buf hex;
	struct parts parts = parts_of(bytes_of_hex(levels[level].hex, &hex));
	unsigned number;

	for (size_t i = 0; i < levels[level].depth; i++)
		parts = parts_of(part_field(parts.rows[levels[level].path[i]]).bytes);
	number = at < parts.count ? part_field(parts.rows[at]).number : 0;
	buf_done(&hex);
	return number;
}

static bool may_pass(size_t level, size_t at, enum mutation mutation)
{
	unsigned number = field_number(level, at);

	switch (mutation) {
	case MUTATE_NOTHING: return true;
	case MUTATE_DOUBLED: return number == levels[level].repeated;
	case MUTATE_SWAPPED: return number == levels[level].repeated && number == field_number(level, at + 1);
	case MUTATE_DROPPED:
		/* Without its feed index, item or refers an entry speaks of number 0: another entry, not this one. */
		return number == levels[level].optional ||
		       (levels[level].hex == record_refund_hex && levels[level].depth == 1 &&
			   (number == 3 || number == 6));
	case MUTATE_LONG_TAG:
	case MUTATE_LONG_VALUE:
	case MUTATE_WRONG_TYPE:
	case MUTATE_UNKNOWN_NUMBER:
	case MUTATE_UNKNOWN_BYTES:
	case MUTATE_COUNT: return false;
	}
	return false;
}

static void refuses_every_second_encoding(void **state)
{
	unsigned count = 0;

	(void)state;
	for (size_t level = 0; level < sizeof(levels) / sizeof(levels[0]); level++) {
		struct buf hex, bytes;
		struct slice good = bytes_of_hex(levels[level].hex, &hex);

		buf_init(&bytes, ENTRY_SIZE_MAX);
		for (enum mutation mutation = 0; mutation < MUTATE_COUNT; mutation++)
			for (size_t at = 0; mutate(good, levels[level].path, levels[level].depth, at, mutation, &bytes);
			     at++) {
				enum err err = decode(buf_slice(&bytes));
				bool is_unknown = mutation == MUTATE_UNKNOWN_NUMBER || mutation == MUTATE_UNKNOWN_BYTES;
				bool is_long = mutation == MUTATE_LONG_TAG || mutation == MUTATE_LONG_VALUE;

				count++;
				if ((err == OK) != may_pass(level, at, mutation) || (is_unknown && err != ERR_SYNTAX) ||
				    (is_long && err != ERR_NOT_CANONICAL))
					fail_msg("level %zu, %s field %u: %s", level, mutation_name(mutation),
					    field_number(level, at), err_name(err));
			}
		buf_done(&bytes);
		buf_done(&hex);
	}
	assert_true(count > 500);
}

/* Bytes of the vector with the first `from` replaced by a `to` of equal length, all hex. */
static enum err decode_replaced(const char *vector, const char *from, const char *to)
{
	static char text[4096];
	const char *place = strstr(vector, from);
	struct buf hex;
	enum err err;

	assert_int_equal(strlen(from), strlen(to));
	if (place == NULL)
		fail_msg("%s is not in the vector", from);
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - vector), vector, to, place + strlen(from));
	err = decode(bytes_of_hex(text, &hex));
	buf_done(&hex);
	return err;
}

static void refuses_what_protobuf_alone_would_take(void **state)
{
	static const struct {
		const char *name, *vector, *from, *to;
		enum err err;
	} rows[] = {
	    {"the vector itself", related_hex, "32020505", "32020505", OK},
	    {"other links", related_hex, "32020505", "32020500", OK},
	    {"unpacked links", related_hex, "32020505", "30053005", ERR_NOT_CANONICAL},
	    {"links packed in two parts", record_refund_hex, "32020404", "32013200", ERR_SYNTAX},
	    {"a link cut", record_refund_hex, "32020404", "32020484", ERR_SYNTAX},
	    {"a long link", record_refund_hex, "32020404", "32028400", ERR_NOT_CANONICAL},
	    {"a link in two bytes", related_hex, "32020505", "32028101", ERR_INVALID},
	    {"NUL in a venue", push_hex, "12057164646578", "12057164640078", ERR_NOT_CANONICAL},
	    {"NUL in an item", order_relate_hex, "5d2c2273616c74", "5d2c2200616c74", ERR_NOT_CANONICAL},
	    {"a line break in an item", order_relate_hex, "5d2c2273616c74", "5d2c220a616c74", ERR_INVALID},
	    {"invalid UTF-8 in an item", order_relate_hex, "5d2c2273616c74", "5d2c22ff616c74", ERR_INVALID},
	    {"invalid UTF-8 in a name", registered_hex, "e6b5b7e5b094", "e6b5b7e5b0ff", ERR_INVALID},
	    {"an unknown disposition", push_hex, "42040801", "42040808", ERR_INVALID},
	    {"disposition 0 written out", push_hex, "42040801", "42040800", ERR_NOT_CANONICAL},
	    {"an empty tally", push_hex, "420408011002", "420408011000", ERR_NOT_CANONICAL},
	    {"a tally of another sum", push_hex, "420408011002", "420408011001", ERR_INVALID},
	    {"entry version 2", push_hex, "080110", "080210", ERR_INVALID},
	    {"push version 2", push_hex, "0801120571", "0802120571", ERR_INVALID},
	    {"unknown flags", order_relate_hex, "2801525d", "2802525d", ERR_INVALID},
	    {"known and unknown flags", order_relate_hex, "2801525d", "2803525d", ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum err err = decode_replaced(rows[i].vector, rows[i].from, rows[i].to);

		if (err != rows[i].err)
			fail_msg("%s: %s, not %s", rows[i].name, err_name(err), err_name(rows[i].err));
	}
}

static void accepts_no_changed_bit_but_another_entry(void **state)
{
	(void)state;
	for (size_t v = 0; v < LEDGER_SIZE; v++) {
		struct buf hex, again;
		struct slice bytes = bytes_of_hex(ledger[v], &hex);

		buf_init(&again, ENTRY_SIZE_MAX);
		for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
			struct arena arena;
			struct entry entry;

			hex.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			arena_init(&arena, ARENA_MAX);
			if (entry_decode(bytes, &arena, &entry) == OK) {
				buf_clear(&again);
				assert_int_equal(entry_encode(&entry, &again), OK);
				assert_true(slice_equal(buf_slice(&again), bytes));
			}
			arena_done(&arena);
			hex.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		buf_done(&again);
		buf_done(&hex);
	}
}

static void bounds_the_memory_of_hostile_entries(void **state)
{
	struct buf bytes, hex;
	struct arena arena;
	struct entry entry;

	(void)state;
	buf_init(&bytes, ENTRY_SIZE_MAX);
	while (bytes.size + 2 <= ENTRY_SIZE_MAX)
		buf_add(&bytes, "\x32\x00", 2);
	arena_init(&arena, 64u << 20);
	assert_int_equal(entry_decode(buf_slice(&bytes), &arena, &entry), ERR_SYNTAX);
	assert_true(arena.used_size <= 4 * ENTRY_SIZE_MAX);
	arena_done(&arena);
	buf_done(&bytes);
	arena_init(&arena, 256);
	assert_int_equal(entry_decode(bytes_of_hex(record_trade_hex, &hex), &arena, &entry), ERR_MEMORY);
	arena_done(&arena);
	buf_done(&hex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refuses_an_entry_cut_anywhere_or_with_more),
	    cmocka_unit_test(refuses_every_second_encoding),
	    cmocka_unit_test(refuses_what_protobuf_alone_would_take),
	    cmocka_unit_test(accepts_no_changed_bit_but_another_entry),
	    cmocka_unit_test(bounds_the_memory_of_hostile_entries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

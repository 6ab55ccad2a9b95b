/* Records: one encoding only, every second one refused. */
#include "proto/record.h"

#include "record_fixture.h"

static void refuses_a_record_cut_anywhere(void **state)
{
	const char *const vectors[] = {trade_hex, refund_hex};

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct buf hex;
		struct slice bytes = bytes_of_hex(vectors[v], &hex);

		for (size_t size = 0; size < bytes.size; size++)
			if (decode(slice_of(bytes.data, size)) == OK)
				fail_msg("vector %zu cut to %zu bytes was taken", v, size);
		buf_done(&hex);
	}
}

static void refuses_trailing_bytes(void **state)
{
	const char *const vectors[] = {trade_hex, refund_hex};
	struct buf hex;

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct slice bytes = bytes_of_hex(vectors[v], &hex);

		for (unsigned byte = 0; byte < 256; byte++) {
			buf_u8(&hex, (uint8_t)byte);
			if (decode(buf_slice(&hex)) == OK)
				fail_msg("vector %zu with byte %02x after it was taken", v, byte);
			hex.size = bytes.size;
		}
		buf_done(&hex);
	}
}

/* What a mutation at any field must come to. */
static void expect_mutation(enum mutation mutation, enum err err, unsigned number)
{
	switch (mutation) {
	case MUTATE_NOTHING: assert_int_equal(err, OK); break;
	case MUTATE_UNKNOWN_NUMBER:
	case MUTATE_UNKNOWN_BYTES: assert_int_equal(err, ERR_SYNTAX); break;
	case MUTATE_SWAPPED:
	case MUTATE_LONG_TAG:
	case MUTATE_LONG_VALUE: assert_int_equal(err, ERR_NOT_CANONICAL); break;
	case MUTATE_DOUBLED:
	case MUTATE_WRONG_TYPE:
	case MUTATE_DROPPED:
	case MUTATE_COUNT:
		if (err == OK)
			fail_msg("%s field %u was taken", mutation_name(mutation), number);
		break;
	}
}

static bool is_optional(bool is_trade, unsigned number)
{
	return is_trade ? number == 9 || number == 11 || number == 12 || number == 14 || number == 19
			: number == 4 || number == 7 || number == 8;
}

static void refuses_every_second_encoding(void **state)
{
	const char *const vectors[] = {trade_hex, refund_hex};
	const size_t path[] = {1};
	unsigned count = 0;

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct buf hex, bytes;
		struct slice good = bytes_of_hex(vectors[v], &hex);

		buf_init(&bytes, RECORD_SIZE_MAX);
		for (size_t depth = 0; depth < 2; depth++)
			for (enum mutation mutation = 0; mutation < MUTATE_COUNT; mutation++)
				for (size_t at = 0; mutate(good, path, depth, at, mutation, &bytes); at++) {
					struct parts parts = parts_of(good);
					unsigned number;

					if (depth == 1)
						parts = parts_of(part_field(parts.rows[1]).bytes);
					number = part_field(parts.rows[at]).number;
					count++;
					/* A third invoice, or their other order, is another record, as is one without. */
					if (depth == 1 && v == 0 && number == 19 &&
					    (mutation == MUTATE_DOUBLED ||
						(mutation == MUTATE_SWAPPED &&
						    part_field(parts.rows[at + 1]).number == 19)))
						continue;
					if (mutation == MUTATE_DROPPED && depth == 1 && is_optional(v == 0, number)) {
						assert_int_equal(decode(buf_slice(&bytes)), OK);
						continue;
					}
					expect_mutation(mutation, decode(buf_slice(&bytes)), number);
				}
		buf_done(&bytes);
		buf_done(&hex);
	}
	assert_true(count > 200);
}

static void refuses_what_protobuf_alone_would_take(void **state)
{
	static const struct {
		const char *name, *vector, *from, *to, *field;
		enum err err;
	} rows[] = {
	    {"the vector itself", trade_hex, "2001", "2001", NULL, OK},
	    {"the refund itself", refund_hex, "5155414c495459", "5155414c495459", NULL, OK},
	    {"a default written out: tax 0", trade_hex, "70c09fab03", "7000", "", ERR_NOT_CANONICAL},
	    {"a default written out: empty broker", trade_hex, "6212393133373032303230303030303030313951", "6200", "",
		ERR_NOT_CANONICAL},
	    {"a default written out: empty reason", refund_hex, "3a15e983a8e58886e695b0e68daee4b88de59088e6a0bc",
		"3a00", "", ERR_NOT_CANONICAL},
	    {"NUL at a text's end", trade_hex, "0a0e51442d323032352d303030313233", "0a0e51442d323032352d303030313200",
		"", ERR_NOT_CANONICAL},
	    {"NUL inside a text", trade_hex, "0a0e51442d323032352d303030313233", "0a0e51442d003032352d303030313233", "",
		ERR_NOT_CANONICAL},
	    {"a text of one NUL", trade_hex, "0a0e51442d323032352d303030313233", "0a0100", "", ERR_NOT_CANONICAL},
	    {"invalid UTF-8", trade_hex, "3215e98193e8b7afe5", "3215e98193e8b7afff", "product_name", ERR_INVALID},
	    {"a surrogate", trade_hex, "3215e98193e8b7afe5aea2", "3215e98193e8b7afeda080", "product_name", ERR_INVALID},
	    {"an overlong form", trade_hex, "3215e98193e8b7afe5aea2", "3215e98193e8b7afe08080", "product_name",
		ERR_INVALID},
	    {"a line break", trade_hex, "3215e98193e8b7afe5aea2", "3215e98193e8b7af0a6162", "product_name",
		ERR_INVALID},
	    {"an enum of 0", trade_hex, "2001", "2000", "", ERR_NOT_CANONICAL},
	    {"an enum absent", trade_hex, "2001", "", "contract_kind", ERR_INVALID},
	    {"an enum beyond", trade_hex, "2001", "2005", "contract_kind", ERR_INVALID},
	    {"an enum of -1, ten bytes", trade_hex, "2001", "20ffffffffffffffffff01", "contract_kind",
		ERR_NOT_CANONICAL},
	    {"an enum of -1, five bytes", trade_hex, "2001", "20ffffffff0f", "contract_kind", ERR_INVALID},
	    {"an enum of 2^32 + 1", trade_hex, "2001", "208180808010", "", ERR_NOT_CANONICAL},
	    {"a number of 32 bits and more", trade_hex, "7801", "788180808010", "", ERR_NOT_CANONICAL},
	    {"a number of more than 64 bits", trade_hex, "7801", "78ffffffffffffffffff7f", "", ERR_NOT_CANONICAL},
	    {"a fixed number", trade_hex, "7801", "7d01000000", "", ERR_SYNTAX},
	    {"a group", trade_hex, "7801", "7b7c", "", ERR_SYNTAX},
	    {"a field of number 0", trade_hex, "7801", "78010001", "", ERR_SYNTAX},
	    {"a size beyond the message", trade_hex, "a80103", "aa017f41", "", ERR_SYNTAX},
	    {"a size of 2^64 - 1", trade_hex, "a80103", "aa01ffffffffffffffffff01", "", ERR_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum err err = decode_replaced(rows[i].vector, rows[i].from, rows[i].to);

		if (err != rows[i].err)
			fail_msg("%s: %s, not %s (%s)", rows[i].name, err_name(err), err_name(rows[i].err),
			    err == OK ? "" : faults[0].reason.text);
		if (err != OK && err != ERR_NOT_CANONICAL && strcmp(faults[0].field, rows[i].field) != 0)
			fail_msg("%s: names field %s, not %s", rows[i].name, faults[0].field, rows[i].field);
	}
}

static void refuses_other_bodies_and_versions(void **state)
{
	static const struct {
		const char *name, *hex;
		enum err err;
	} rows[] = {
	    {"nothing", "", ERR_SYNTAX},
	    {"a version alone", "0801", ERR_SYNTAX},
	    {"an empty trade", "08011200", ERR_INVALID},
	    {"an empty refund", "08011a00", ERR_INVALID},
	    {"version 2", "08021200", ERR_INVALID},
	    {"no version", "1200", ERR_INVALID},
	    {"two bodies", "080112001a00", ERR_NOT_CANONICAL},
	    {"two bodies of a kind", "080112001200", ERR_NOT_CANONICAL},
	    {"an unknown body", "08012200", ERR_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf hex;
		enum err err = decode(bytes_of_hex(rows[i].hex, &hex));

		if (err != rows[i].err)
			fail_msg("%s: %s, not %s", rows[i].name, err_name(err), err_name(rows[i].err));
		buf_done(&hex);
	}
}

static void accepts_no_changed_byte_but_another_record(void **state)
{
	const char *const vectors[] = {trade_hex, refund_hex};

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct buf hex;
		struct slice good = bytes_of_hex(vectors[v], &hex);

		for (size_t at = 0; at < good.size; at++)
			for (unsigned bit = 0; bit < 8; bit++) {
				struct arena arena;
				struct record record;
				struct buf again;

				hex.data[at] ^= (uint8_t)(1u << bit);
				arena_init(&arena, ARENA_MAX);
				buf_init(&again, RECORD_SIZE_MAX);
				if (record_decode(good, &arena, &record, faults, &fault_count) == OK) {
					assert_int_equal(record_check(&record, faults, &fault_count), OK);
					assert_int_equal(record_encode(&record, &again), OK);
					assert_true(slice_equal(buf_slice(&again), good));
				}
				buf_done(&again);
				arena_done(&arena);
				hex.data[at] ^= (uint8_t)(1u << bit);
			}
		assert_int_equal(decode(good), OK);
		buf_done(&hex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refuses_a_record_cut_anywhere),
	    cmocka_unit_test(refuses_trailing_bytes),
	    cmocka_unit_test(refuses_every_second_encoding),
	    cmocka_unit_test(refuses_what_protobuf_alone_would_take),
	    cmocka_unit_test(refuses_other_bodies_and_versions),
	    cmocka_unit_test(accepts_no_changed_byte_but_another_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

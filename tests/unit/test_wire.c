/* The wire format's writer and reader at their edges. What messages make of them is in the tests of each. */
#include "proto/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	uint64_t value;
	size_t size;
	uint8_t bytes[WIRE_VARINT_MAX];
} varints[] = {
    {0, 1, {0x00}},
    {1, 1, {0x01}},
    {127, 1, {0x7f}},
    {128, 2, {0x80, 0x01}},
    {16383, 2, {0xff, 0x7f}},
    {16384, 3, {0x80, 0x80, 0x01}},
    {UINT32_MAX, 5, {0xff, 0xff, 0xff, 0xff, 0x0f}},
    {UINT64_MAX, 10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}},
};
#define VARINT_COUNT (sizeof(varints) / sizeof(varints[0]))

static void writes_numbers_in_the_fewest_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < VARINT_COUNT; i++) {
		uint8_t memory[WIRE_VARINT_MAX + 1];

		/* Exactly enough room, one more, one less. */
		for (size_t room = varints[i].size - 1; room <= varints[i].size + 1 && room <= sizeof(memory); room++) {
			struct wire_writer writer = wire_writer_of(memory, room);

			wire_put_varint(&writer, varints[i].value);
			assert_int_equal(writer.is_full, room < varints[i].size);
			if (!writer.is_full)
				assert_true(
				    slice_equal(wire_written(&writer), slice_of(varints[i].bytes, varints[i].size)));
		}
	}
}

static void reads_the_numbers_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < VARINT_COUNT; i++) {
		uint8_t bytes[1 + WIRE_VARINT_MAX] = {0x08};
		struct slice rest = slice_of(bytes, 1 + varints[i].size);
		struct wire_field field;

		memcpy(bytes + 1, varints[i].bytes, varints[i].size);
		for (size_t size = 1; size < rest.size; size++) {
			struct slice cut = slice_of(bytes, size);

			assert_int_equal(wire_next(&cut, &field), ERR_SYNTAX);
			assert_int_equal(cut.size, size);
		}
		assert_int_equal(wire_next(&rest, &field), OK);
		assert_int_equal(rest.size, 0);
		assert_int_equal(field.number, 1);
		assert_int_equal(field.type, WIRE_VARINT);
		assert_true(field.value == varints[i].value);
	}
}

static void refuses_what_is_no_field(void **state)
{
	static const struct {
		const char *name;
		size_t size;
		const char *bytes;
	} rows[] = {
	    {"field 0", 2, "\x00\x01"},
	    {"a fixed 64-bit number", 9, "\x09........"},
	    {"a group's begin", 1, "\x0b"},
	    {"a group's end", 1, "\x0c"},
	    {"a fixed 32-bit number", 5, "\x0d...."},
	    {"wire type 6", 2, "\x0e\x01"},
	    {"wire type 7", 2, "\x0f\x01"},
	    {"a tag beyond 32 bits", 6, "\x88\x80\x80\x80\x10\x01"},
	    {"a number beyond 64 bits", 11, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"},
	    {"a number of eleven bytes", 12, "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"},
	    {"a size one beyond the end", 3, "\x0a\x02x"},
	    {"a size of 2^64 - 1", 12, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"},
	};
	struct wire_field field;
	struct slice last = slice_of("\xf8\xff\xff\xff\x0f\x01", 6);

	(void)state;
	assert_int_equal(wire_next(&last, &field), OK);
	assert_int_equal(field.number, (1u << 29) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice rest = slice_of(rows[i].bytes, rows[i].size);

		if (wire_next(&rest, &field) != ERR_SYNTAX)
			fail_msg("%s was taken", rows[i].name);
	}
}

static void nests_messages_of_any_size(void **state)
{
	static const size_t sizes[] = {0, 1, 127, 128, 16383, 16384, 65535};
	static uint8_t content[65535], memory[65535 + 32], exact[65535 + 32];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct wire_writer writer = wire_writer_of(memory, sizeof(memory));
		uint8_t *opened = wire_open(&writer, 1);
		struct wire_field field;
		struct slice rest;

		wire_put_bytes(&writer, 2, slice_of(content, sizes[i]));
		wire_close(&writer, opened);
		rest = wire_written(&writer);
		assert_int_equal(wire_next(&rest, &field), OK);
		assert_int_equal(rest.size, 0);
		rest = field.bytes;
		if (sizes[i] == 0) {
			assert_int_equal(rest.size, 0);
			continue;
		}
		assert_int_equal(wire_next(&rest, &field), OK);
		assert_int_equal(field.bytes.size, sizes[i]);
		/* The message's own size and the slack are enough. */
		{
			size_t size = wire_written(&writer).size;
			struct wire_writer tight = wire_writer_of(exact, size + WIRE_SLACK);

			opened = wire_open(&tight, 1);
			wire_put_bytes(&tight, 2, slice_of(content, sizes[i]));
			wire_close(&tight, opened);
			assert_true(slice_equal(wire_written(&tight), slice_of(memory, size)));
		}
	}
}

static void stays_full_once_something_did_not_fit(void **state)
{
	uint8_t memory[4];
	struct wire_writer writer = wire_writer_of(memory, sizeof(memory));
	uint8_t *opened;

	(void)state;
	wire_put_bytes(&writer, 1, slice_text("abc"));
	assert_true(writer.is_full);
	wire_put_number(&writer, 1, 1);
	opened = wire_open(&writer, 2);
	assert_null(opened);
	wire_close(&writer, opened);
	assert_true(writer.is_full);
	/* Room for a tag and a size, and not. */
	for (size_t room = 0; room <= sizeof(memory); room++) {
		writer = wire_writer_of(memory, room);
		opened = wire_open(&writer, 1);
		assert_int_equal(opened == NULL, room < sizeof(memory));
		assert_int_equal(writer.is_full, room < sizeof(memory));
	}
	assert_true(wire_written(&writer).size <= sizeof(memory));
}

static void gives_memory_within_its_bound(void **state)
{
	struct arena arena;
	_Alignas(16) uint8_t block[64];
	struct wire_memory memory = {.arena = &arena, .left = 64};
	ProtobufCAllocator allocator = wire_allocator(&memory);

	(void)state;
	arena_init(&arena, 1024);
	assert_non_null(allocator.alloc(allocator.allocator_data, 1));
	assert_int_equal(memory.left, 48); /* an arena gives sixteen at a time, so they are counted */
	assert_non_null(allocator.alloc(allocator.allocator_data, 48));
	assert_null(allocator.alloc(allocator.allocator_data, 1));
	assert_null(allocator.alloc(allocator.allocator_data, SIZE_MAX));
	assert_true(memory.is_over);
	assert_int_equal(wire_unpack_error(&memory), ERR_SYNTAX);
	memory = (struct wire_memory){.arena = &arena, .left = 4096};
	assert_null(allocator.alloc(allocator.allocator_data, 4096));
	assert_int_equal(wire_unpack_error(&memory), ERR_MEMORY);
	arena_done(&arena);
	memory = (struct wire_memory){.at = block, .left = sizeof(block)};
	assert_ptr_equal(allocator.alloc(allocator.allocator_data, 17), block);
	assert_ptr_equal(allocator.alloc(allocator.allocator_data, 32), block + 32);
	assert_null(allocator.alloc(allocator.allocator_data, 1));
	assert_true(memory.is_over);
	assert_false(memory.is_out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_numbers_in_the_fewest_bytes),
	    cmocka_unit_test(reads_the_numbers_back),
	    cmocka_unit_test(refuses_what_is_no_field),
	    cmocka_unit_test(nests_messages_of_any_size),
	    cmocka_unit_test(stays_full_once_something_did_not_fit),
	    cmocka_unit_test(gives_memory_within_its_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

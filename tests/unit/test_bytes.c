/* Bytes: limits of buffers and arenas, readers that can't run over, and the text forms, strict in both directions. */
#include "proto/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void orders_slices_like_memcmp_and_the_shorter_first(void **state)
{
	static const char *const ascending[] = {"", "a", "aa", "ab", "b", "\x80"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ascending); i++) {
		for (size_t k = 0; k < COUNT_OF(ascending); k++) {
			struct slice a = slice_text(ascending[i]), b = slice_text(ascending[k]);
			int order = slice_compare(a, b);

			if ((order > 0) - (order < 0) != (i > k) - (i < k) || slice_equal(a, b) != (i == k))
				fail_msg("'%s' and '%s'", ascending[i], ascending[k]);
		}
	}
	assert_true(slice_equal(slice_of(NULL, 0), slice_text("")));
	assert_int_equal(slice_compare(slice_of(NULL, 0), slice_of(NULL, 0)), 0);
}

static void fills_a_buffer_to_its_maximum_and_no_further(void **state)
{
	static const struct {
		size_t max;
		enum err err;
	} rows[] = {{999, ERR_TOO_LARGE}, {1000, OK}, {1001, OK}};
	uint8_t data[1000];

	(void)state;
	memset(data, 'x', sizeof(data));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf whole, parts, printed;

		buf_init(&whole, rows[i].max);
		buf_init(&parts, rows[i].max);
		buf_init(&printed, rows[i].max);
		buf_add(&whole, data, sizeof(data));
		buf_printf(&printed, "%.*s", (int)sizeof(data), (const char *)data);
		for (size_t k = 0; k < sizeof(data); k++)
			buf_u8(&parts, 'x');
		if (whole.err != rows[i].err || parts.err != rows[i].err || printed.err != rows[i].err)
			fail_msg("a maximum of %zu: %d, %d, %d", rows[i].max, whole.err, parts.err, printed.err);
		if (rows[i].err == OK) {
			assert_true(slice_equal(buf_slice(&whole), slice_of(data, sizeof(data))));
			assert_true(slice_equal(buf_slice(&parts), buf_slice(&whole)));
			assert_true(slice_equal(buf_slice(&printed), buf_slice(&whole)));
		}
		buf_done(&whole);
		buf_done(&parts);
		buf_done(&printed);
	}
}

static void keeps_a_buffers_error_until_it_is_cleared(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 4);
	buf_add_text(&buf, "abc");
	buf_u16(&buf, 1);
	assert_int_equal(buf.err, ERR_TOO_LARGE);
	buf_u8(&buf, 'd');
	buf_printf(&buf, "%d", 4);
	buf_add_text(&buf, "");
	base64_add(&buf, slice_text("a"));
	assert_int_equal(buf.err, ERR_TOO_LARGE);
	assert_int_equal(buf.size, 3);
	assert_int_equal(buf_slice(&buf).size, 0);
	assert_string_equal(buf_text(&buf), "");

	buf_clear(&buf);
	assert_int_equal(buf.err, OK);
	buf_printf(&buf, "%03d%c", 7, 'x');
	assert_string_equal(buf_text(&buf), "007x");
	assert_int_equal(buf.size, 4);
	buf_done(&buf);
	assert_string_equal(buf_text(&buf), "");
	buf_init(&buf, 4);
	buf_add_text(&buf, "new");
	assert_string_equal(buf_text(&buf), "new");
	buf_done(&buf);
}

static void prints_what_needs_more_room_than_there_is(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10000);
	for (unsigned i = 0; i < 500; i++)
		buf_printf(&buf, "%s%u", i == 0 ? "" : ",", i % 10);
	assert_int_equal(buf.err, OK);
	assert_int_equal(buf.size, 999);
	for (size_t i = 0; i < buf.size; i++)
		assert_int_equal(buf.data[i], i % 2 == 1 ? ',' : '0' + (int)(i / 2 % 10));
	assert_int_equal(buf_text(&buf)[999], '\0');
	buf_done(&buf);
}

static void writes_numbers_big_endian_and_reads_them_back(void **state)
{
	static const uint8_t expected[] = {0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd,
	    0xfe, 0xff, 0x00, 0x03, 'a', 'b', 'c', 0x00, 0x00};
	struct reader reader;
	struct buf buf;

	(void)state;
	buf_init(&buf, sizeof(expected));
	buf_u8(&buf, 0xf1);
	buf_u16(&buf, 0xf2f3);
	buf_u32(&buf, 0xf4f5f6f7);
	buf_u64(&buf, 0xf8f9fafbfcfdfeff);
	buf_sized(&buf, slice_text("abc"));
	buf_sized(&buf, slice_of(NULL, 0));
	assert_int_equal(buf.err, OK);
	assert_int_equal(buf.size, sizeof(expected));
	assert_memory_equal(buf.data, expected, sizeof(expected));

	reader = reader_of(buf_slice(&buf));
	assert_int_equal(reader_u8(&reader), 0xf1);
	assert_int_equal(reader_u16(&reader), 0xf2f3);
	assert_int_equal(reader_u32(&reader), 0xf4f5f6f7);
	assert_true(reader_u64(&reader) == 0xf8f9fafbfcfdfeff);
	assert_true(slice_equal(reader_sized(&reader), slice_text("abc")));
	assert_false(reader_is_done(&reader));
	assert_int_equal(reader_sized(&reader).size, 0);
	assert_true(reader_is_done(&reader));
	buf_done(&buf);
}

static void reads_zero_after_running_short(void **state)
{
	static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7};

	(void)state;
	/* One byte less than each read wants, in a block of its own so that a sanitizer sees an overrun. */
	for (unsigned kind = 0; kind < 5; kind++) {
		static const size_t wants[] = {1, 2, 4, 8, 7};
		size_t size = wants[kind] - 1;
		uint8_t *exact = malloc(size + 1);
		struct reader reader = reader_of(slice_of(exact, size));
		uint64_t value = 0;

		assert_non_null(exact);
		memcpy(exact, data, size);
		switch (kind) {
		case 0: value = reader_u8(&reader); break;
		case 1: value = reader_u16(&reader); break;
		case 2: value = reader_u32(&reader); break;
		case 3: value = reader_u64(&reader); break;
		case 4: value = reader_bytes(&reader, 7).size; break;
		}
		if (value != 0 || !reader.is_short || reader_u8(&reader) != 0 || reader_bytes(&reader, 0).data != NULL)
			fail_msg("a read of %zu from %zu bytes", wants[kind], size);
		assert_false(reader_is_done(&reader));
		free(exact);
	}
}

static void refuses_a_size_beyond_the_end_and_trailing_bytes(void **state)
{
	static const uint8_t longer[] = {0, 3, 'a', 'b'}, trailing[] = {0, 1, 'a', 'b'};
	struct reader reader = reader_of(slice_of(longer, sizeof(longer)));

	(void)state;
	assert_null(reader_sized(&reader).data);
	assert_true(reader.is_short);
	reader = reader_of(slice_of(trailing, sizeof(trailing)));
	assert_int_equal(reader_sized(&reader).size, 1);
	assert_false(reader.is_short);
	assert_false(reader_is_done(&reader));
}

static void gives_aligned_memory_up_to_the_maximum(void **state)
{
	struct arena arena;
	uint8_t *previous = NULL;

	(void)state;
	arena_init(&arena, 3 * 16);
	assert_non_null(arena_alloc(&arena, 16));
	assert_null(arena_alloc(&arena, 33));
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_non_null(arena_alloc(&arena, 31));
	assert_int_equal(arena.used_size, 48);
	assert_null(arena_alloc(&arena, 1));
	assert_null(arena_alloc(&arena, 0));
	arena_done(&arena);

	arena_init(&arena, SIZE_MAX);
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX - 15));
	for (size_t size = 0; size < 2000; size += 7) {
		uint8_t *place = arena_alloc(&arena, size);

		assert_non_null(place);
		assert_true((uintptr_t)place % 16 == 0 && place != previous);
		memset(place, 0xa5, size);
		previous = place;
	}
	arena_done(&arena);
}

static void keeps_what_it_gave_out_until_it_is_reset(void **state)
{
	static const size_t sizes[] = {10, 5000, 100, 70000, 3, 2000000, 16, 4000};
	struct slice copies[COUNT_OF(sizes)];
	struct arena arena;

	(void)state;
	arena_init(&arena, (size_t)1 << 22);
	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			uint8_t *data = malloc(sizes[i]);

			assert_non_null(data);
			memset(data, (int)(16 * round + i), sizes[i]);
			copies[i] = arena_copy(&arena, slice_of(data, sizes[i]));
			free(data);
			assert_non_null(copies[i].data);
			assert_int_equal(copies[i].size, sizes[i]);
		}
		for (size_t i = 0; i < COUNT_OF(sizes); i++)
			for (size_t k = 0; k < sizes[i]; k++)
				if (copies[i].data[k] != 16 * round + i)
					fail_msg("round %u, copy %zu, byte %zu", round, i, k);
		arena_reset(&arena);
		assert_int_equal(arena.used_size, 0);
	}
	arena_done(&arena);
	assert_null(arena.blocks);
}

static void uses_its_memory_again_after_a_reset(void **state)
{
	struct arena arena;
	void *first, *second;

	(void)state;
	arena_init(&arena, 100000);
	first = arena_alloc(&arena, 4000);
	second = arena_alloc(&arena, 4000);
	arena_reset(&arena);
	assert_ptr_equal(arena_alloc(&arena, 4000), first);
	assert_ptr_equal(arena_alloc(&arena, 4000), second);
	arena_reset(&arena);
	/* None of the blocks at hand is large enough for this one. */
	first = arena_alloc(&arena, 90000);
	assert_non_null(first);
	memset(first, 0xa5, 90000);
	arena_done(&arena);
}

static void tells_an_empty_copy_from_a_failed_one(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 15);
	assert_non_null(arena_copy(&arena, slice_of(NULL, 0)).data);
	assert_null(arena_copy(&arena, slice_text("a")).data);
	arena_done(&arena);
}

static void formats_and_parses_hex(void **state)
{
	static const char *const bad[] = {"", "0", "0123456789abcd", "0123456789abcdef0", "0123456789abcdef00",
	    "0123456789abcdeF", "0123456789abcdeg", "0123456789abcde ", "0x23456789abcdef", "0123456789abcde/",
	    "0123456789abcde:", "0123456789abcde`"};
	uint8_t bytes[8];
	char text[17];

	(void)state;
	memset(bytes, 0x5a, sizeof(bytes));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (hex_parse(slice_text(bad[i]), bytes, sizeof(bytes)) != ERR_SYNTAX)
			fail_msg("accepted '%s'", bad[i]);
	for (size_t i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0x5a);
	assert_int_equal(hex_parse(slice_text("0123456789abcdef"), bytes, sizeof(bytes)), OK);
	assert_memory_equal(bytes, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
	hex_format(slice_of(bytes, sizeof(bytes)), text);
	assert_string_equal(text, "0123456789abcdef");
	assert_int_equal(hex_parse(slice_text(""), bytes, 0), OK);
}

static void formats_and_parses_base64(void **state)
{
	/* RFC 4648 section 10, and the two digits that are not letters or numbers. */
	static const char *const rows[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xfb\xef\xbe", "++++"},
	    {"\xff\xff\xff", "////"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct slice plain = slice_text(rows[i][0]), text = slice_text(rows[i][1]);
		struct buf buf;
		uint8_t bytes[8];
		size_t size = 99;

		buf_init(&buf, BASE64_SIZE(plain.size));
		base64_add(&buf, plain);
		if (!slice_equal(buf_slice(&buf), text))
			fail_msg("'%s' became '%s'", rows[i][0], buf_text(&buf));
		buf_done(&buf);
		if (base64_parse(text, bytes, plain.size, &size) != OK || !slice_equal(slice_of(bytes, size), plain))
			fail_msg("'%s' was not read back", rows[i][1]);
		if (plain.size > 0) {
			assert_int_equal(base64_parse(text, bytes, plain.size - 1, &size), ERR_TOO_LARGE);
			assert_int_equal(base64_parse(text, bytes, plain.size + 1, &size), OK);
			buf_init(&buf, BASE64_SIZE(plain.size) - 1);
			base64_add(&buf, plain);
			assert_int_equal(buf.err, ERR_TOO_LARGE);
			buf_done(&buf);
		}
	}
}

static void refuses_base64_that_is_not_canonical(void **state)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zm8", "=",
	    "==", "===", "====", "Z===", "Zg==Zg==", "Zg= =", "Zm9v\n", " Zm9", "Zm9v    ", "Zh==", "Zm9=", "Zm-_",
	    "Zm9vYg==\n", "Zg=g", "Zm8=Zm9v", "Zm9\x80"};
	uint8_t bytes[16] = {0};
	size_t size = 99;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (base64_parse(slice_text(bad[i]), bytes, sizeof(bytes), &size) != ERR_SYNTAX || size != 99)
			fail_msg("accepted '%s'", bad[i]);
	for (size_t i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0);
}

static void parses_decimals_up_to_their_maximum(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		enum err err;
		uint64_t value;
	} rows[] = {
	    {"0", 0, OK, 0},
	    {"99", 100, OK, 99},
	    {"100", 100, OK, 100},
	    {"101", 100, ERR_OVERFLOW, 0},
	    {"18446744073709551614", UINT64_MAX, OK, UINT64_MAX - 1},
	    {"18446744073709551615", UINT64_MAX, OK, UINT64_MAX},
	    {"18446744073709551616", UINT64_MAX, ERR_OVERFLOW, 0},
	    {"99999999999999999999999", UINT64_MAX, ERR_OVERFLOW, 0},
	    {"99999999999999999999999x", UINT64_MAX, ERR_SYNTAX, 0},
	    {"", 100, ERR_SYNTAX, 0},
	    {"00", 100, ERR_SYNTAX, 0},
	    {"01", 100, ERR_SYNTAX, 0},
	    {"+1", 100, ERR_SYNTAX, 0},
	    {"-1", 100, ERR_SYNTAX, 0},
	    {" 1", 100, ERR_SYNTAX, 0},
	    {"1 ", 100, ERR_SYNTAX, 0},
	    {"1.0", 100, ERR_SYNTAX, 0},
	    {"1/", 100, ERR_SYNTAX, 0},
	    {"1:", 100, ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t value = 77;
		enum err err = decimal_parse(slice_text(rows[i].text), rows[i].max, &value);

		if (err != rows[i].err || value != (err == OK ? rows[i].value : 77))
			fail_msg("'%s': %s", rows[i].text, err_name(err));
	}
}

/* Each row also behind 0..16 letters and before 0..8, so that every row crosses the eight-byte steps. */
static void knows_well_formed_utf8(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		bool is_text;
	} rows[] = {
#define ROW(text, is_text) {text, sizeof(text) - 1, is_text}
	    ROW("", true),
	    ROW(" ", true),
	    ROW("~", true),
	    ROW("\x1f", false),
	    ROW("\x7f", false),
	    ROW("\0", false),
	    ROW("\n", false),
	    ROW("\t", false),
	    ROW("\x80", false),
	    ROW("\xbf", false),
	    ROW("\xc0\x80", false),
	    ROW("\xc1\xbf", false),
	    ROW("\xc2\x80", true),
	    ROW("\xdf\xbf", true),
	    ROW("\xc2", false),
	    ROW("\xc2\xc0", false),
	    ROW("\xc2\x7f", false),
	    ROW("\xe0\x9f\xbf", false),
	    ROW("\xe0\xa0\x80", true),
	    ROW("\xed\x9f\xbf", true),
	    ROW("\xed\xa0\x80", false),
	    ROW("\xed\xbf\xbf", false),
	    ROW("\xee\x80\x80", true),
	    ROW("\xef\xbf\xbf", true),
	    ROW("\xe9\x9d", false),
	    ROW("\xe9\x9d\x92", true),
	    ROW("\xe9\x9d\xc2", false),
	    ROW("\xe9\x9d\x12", false),
	    ROW("\xf0\x8f\xbf\xbf", false),
	    ROW("\xf0\x90\x80\x80", true),
	    ROW("\xf4\x8f\xbf\xbf", true),
	    ROW("\xf4\x90\x80\x80", false),
	    ROW("\xf5\x80\x80\x80", false),
	    ROW("\xff", false),
	    ROW("\xf0\x9f\x98", false),
	    ROW("\xf0\x9f\x98\x80", true),
	    ROW("\xf0\x9f\x98\xc0", false),
	    ROW("\xf0\x9f\xc0\x80", false),
	    ROW("\xe9\x9d\x92\x92", false),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t before = 0; before <= 16; before++) {
			for (size_t after = 0; after <= 8; after++) {
				size_t size = before + rows[i].size + after;
				uint8_t *text = malloc(size + 1);

				assert_non_null(text);
				memset(text, 'a', size);
				memcpy(text + before, rows[i].text, rows[i].size);
				if (utf8_is_text(slice_of(text, size)) != rows[i].is_text)
					fail_msg("row %zu behind %zu and before %zu letters", i, before, after);
				free(text);
			}
		}
	}
}

static void knows_each_control_character_in_each_place(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 0x80; c++) {
		for (size_t at = 0; at < 16; at++) {
			uint8_t text[16];

			memset(text, 'z', sizeof(text));
			text[at] = (uint8_t)c;
			if (utf8_is_text(slice_of(text, sizeof(text))) != (c >= 0x20 && c != 0x7f))
				fail_msg("0x%02x at %zu", c, at);
		}
	}
}

static void knows_visible_ascii(void **state)
{
	(void)state;
	assert_false(ascii_is_visible(slice_text("")));
	for (unsigned c = 0; c < 256; c++) {
		const uint8_t text[] = {'a', (uint8_t)c};

		if (ascii_is_visible(slice_of(text, 2)) != (c >= 0x21 && c <= 0x7e))
			fail_msg("0x%02x", c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(orders_slices_like_memcmp_and_the_shorter_first),
	    cmocka_unit_test(fills_a_buffer_to_its_maximum_and_no_further),
	    cmocka_unit_test(keeps_a_buffers_error_until_it_is_cleared),
	    cmocka_unit_test(prints_what_needs_more_room_than_there_is),
	    cmocka_unit_test(writes_numbers_big_endian_and_reads_them_back),
	    cmocka_unit_test(reads_zero_after_running_short),
	    cmocka_unit_test(refuses_a_size_beyond_the_end_and_trailing_bytes),
	    cmocka_unit_test(gives_aligned_memory_up_to_the_maximum),
	    cmocka_unit_test(keeps_what_it_gave_out_until_it_is_reset),
	    cmocka_unit_test(uses_its_memory_again_after_a_reset),
	    cmocka_unit_test(tells_an_empty_copy_from_a_failed_one),
	    cmocka_unit_test(formats_and_parses_hex),
	    cmocka_unit_test(formats_and_parses_base64),
	    cmocka_unit_test(refuses_base64_that_is_not_canonical),
	    cmocka_unit_test(parses_decimals_up_to_their_maximum),
	    cmocka_unit_test(knows_well_formed_utf8),
	    cmocka_unit_test(knows_each_control_character_in_each_place),
	    cmocka_unit_test(knows_visible_ascii),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

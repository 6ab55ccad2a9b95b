/* Charsets: what is given out is UTF-8 without its mark, whatever the file was; what could be two things is refused. */
#include "client/charset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT(bytes) bytes, sizeof(bytes) - 1

static FILE *file_of(const void *bytes, size_t size)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	rewind(file);
	return file;
}

/* Reads all in pieces of `max` bytes; gives how it ended. */
static enum err file_read_all(struct charset_reader *reader, size_t max, struct buf *ret_text)
{
	uint8_t block[64];
	size_t size;
	enum err err;

	while ((err = charset_read(reader, block, max, &size)) == OK && size > 0)
		buf_add(ret_text, block, size);
	return err;
}

static void reads_what_spreadsheets_save(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum charset charset;
		const char *text;
	} vectors[] = {
	    {TEXT(""), CHARSET_UTF8, ""},
	    {TEXT("a,b\n"), CHARSET_UTF8, "a,b\n"},
	    {TEXT("金额"), CHARSET_UTF8, "金额"},
	    {TEXT("\xef\xbb\xbf金额"), CHARSET_UTF8, "金额"},
	    {TEXT("\xef\xbb\xbf"), CHARSET_UTF8, ""},
	    {TEXT("\xef\xbb\xbf\xc2\xb7"), CHARSET_UTF8, "·"},
	    {TEXT("𠮷é"), CHARSET_UTF8, "𠮷é"},
	    {TEXT("\xbd\xf0\xb6\xee,\xc3\xc5"), CHARSET_GB18030, "金额,门"},
	    {TEXT("\x95\x34\xb2\x35\xbd\xf0"), CHARSET_GB18030, "𠮷金"},
	    {TEXT("\xa3\xa4\xbd\xf0"), CHARSET_GB18030, "￥金"},
	    {TEXT("\xff\xfe\xd1\x91\x9d\x98\n\0"), CHARSET_UTF16LE, "金额\n"},
	    {TEXT("\xfe\xff\x91\xd1\x98\x9d\0\n"), CHARSET_UTF16BE, "金额\n"},
	    {TEXT("\xff\xfe\x42\xd8\xb7\xdf"), CHARSET_UTF16LE, "𠮷"},
	    {TEXT("\xff\xfe"), CHARSET_UTF16LE, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		for (size_t max = 4; max <= 64; max += 20) {
			FILE *file = file_of(vectors[i].bytes, vectors[i].size);
			struct charset_reader reader;
			struct buf text;

			buf_init(&text, 1024);
			assert_int_equal(charset_open(&reader, file, NULL), OK);
			if (reader.charset != vectors[i].charset || file_read_all(&reader, max, &text) != OK ||
			    strcmp(buf_text(&text), vectors[i].text) != 0)
				fail_msg("row %zu: %s: %s", i, charset_name(reader.charset), buf_text(&text));
			charset_close(&reader);
			buf_done(&text);
			fclose(file);
		}
}

static void gives_out_all_before_the_first_byte_that_is_no_text(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum charset charset;
		const char *text;
		uint8_t bad_byte;
	} vectors[] = {
	    {TEXT("\xff"), CHARSET_GB18030, "", 0xff},
	    {TEXT("a\x80"), CHARSET_GB18030, "a", 0x80},
	    {TEXT("\xbd\xf0\xff\xbd\xf0"), CHARSET_GB18030, "金", 0xff},
	    {TEXT("\xbd\xf0\xb6"), CHARSET_GB18030, "金", 0xb6},
	    {TEXT("\xef\xbb\xbf"
		  "a\xbd\xf0"),
		CHARSET_UTF8, "a", 0xbd},
	    {TEXT("金额\xe9"), CHARSET_UTF8, "金额", 0xe9},
	    {TEXT("金额\xbd税额"), CHARSET_UTF8, "金额", 0xbd},
	    {TEXT("金额\xed\xa0\x80金额金额"), CHARSET_UTF8, "金额", 0xed},
	    {TEXT("金额\xe0\x80\x80金额金额"), CHARSET_UTF8, "金额", 0xe0},
	    {TEXT("金额\xf4\x90\x80\x80金额金额"), CHARSET_UTF8, "金额", 0xf4},
	    {TEXT("金额\xc0\x80金额"), CHARSET_UTF8, "金额", 0xc0},
	    {TEXT("\xff\xfe\xd1\x91\x00"), CHARSET_UTF16LE, "金", 0x00},
	    {TEXT("\xff\xfe\xd1\x91\x00\xdc"), CHARSET_UTF16LE, "金", 0x00},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		FILE *file = file_of(vectors[i].bytes, vectors[i].size);
		struct charset_reader reader;
		struct buf text;

		buf_init(&text, 1024);
		assert_int_equal(charset_open(&reader, file, NULL), OK);
		if (reader.charset != vectors[i].charset || file_read_all(&reader, 64, &text) != ERR_SYNTAX ||
		    strcmp(buf_text(&text), vectors[i].text) != 0 || reader.bad_byte != vectors[i].bad_byte)
			fail_msg(
			    "row %zu: %s: %s, %02x", i, charset_name(reader.charset), buf_text(&text), reader.bad_byte);
		charset_close(&reader);
		buf_done(&text);
		fclose(file);
	}
}

static void refuses_what_it_would_have_to_guess(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *why;
	} vectors[] = {
	    {TEXT("caf\xc3\xa9"), "UTF-8 or GB18030"},
	    {TEXT("\xc2\xb7\xc4\xaa"), "UTF-8 or GB18030"},
	    {TEXT("PK\3\4 and so on"), "workbook"},
	    {TEXT("\xd0\xcf\x11\xe0 and so on"), "workbook"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		FILE *file = file_of(vectors[i].bytes, vectors[i].size);
		struct charset_reader reader;
		struct why why = {""};

		if (charset_open(&reader, file, &why) != ERR_SYNTAX || strstr(why.text, vectors[i].why) == NULL)
			fail_msg("row %zu: %s", i, why.text);
		fclose(file);
	}
}

static void finds_no_seam_between_blocks(void **state)
{
	enum { ROUNDS = 3 * CHARSET_BLOCK_SIZE / 2 };
	static const uint8_t gb[] = {0xbd, 0xf0}, wide[] = {0x95, 0x34, 0xb2, 0x35};

	(void)state;
	/* An odd start puts the border of a block into a character. */
	for (size_t shift = 0; shift < 4; shift++) {
		FILE *file = tmpfile();
		struct charset_reader reader;
		struct buf text;
		size_t size = shift;

		assert_non_null(file);
		for (size_t i = 0; i < shift; i++)
			fputc('a', file);
		for (size_t i = 0; i < ROUNDS; i++) {
			bool is_wide = i % 5 == 0;

			assert_int_equal(fwrite(is_wide ? wide : gb, 1, is_wide ? 4 : 2, file), is_wide ? 4 : 2);
			size += is_wide ? 4 : 3;
		}
		rewind(file);
		buf_init(&text, 1u << 20);
		assert_int_equal(charset_open(&reader, file, NULL), OK);
		assert_int_equal(file_read_all(&reader, 61, &text), OK);
		assert_int_equal(text.size, size);
		assert_true(utf8_is_text(buf_slice(&text)));
		charset_close(&reader);
		buf_done(&text);
		fclose(file);
	}
}

static FILE *pipe_of(const char *text)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), (int)strlen(text));
	assert_int_equal(close(ends[1]), 0);
	return fdopen(ends[0], "r");
}

static void says_of_a_pipe_that_it_can_not_be_read_twice(void **state)
{
	FILE *file = pipe_of("a,b");
	struct charset_reader reader;
	struct why why = {""};

	(void)state;
	assert_non_null(file);
	assert_int_equal(charset_open(&reader, file, &why), ERR_IO);
	assert_non_null(strstr(why.text, "twice"));
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_spreadsheets_save),
	    cmocka_unit_test(gives_out_all_before_the_first_byte_that_is_no_text),
	    cmocka_unit_test(refuses_what_it_would_have_to_guess),
	    cmocka_unit_test(finds_no_seam_between_blocks),
	    cmocka_unit_test(says_of_a_pipe_that_it_can_not_be_read_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

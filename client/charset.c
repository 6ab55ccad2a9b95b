#include "client/charset.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const iconv_t no_converter = (iconv_t)-1;

const char *charset_name(enum charset charset)
{
	switch (charset) {
	case CHARSET_UTF8: return "UTF-8";
	case CHARSET_GB18030: return "GB18030";
	case CHARSET_UTF16LE:
	case CHARSET_UTF16BE: return "UTF-16";
	}
	return "";
}

/* ---- looking through */

/* What the file is as UTF-8, byte by byte. */
struct scan {
	uint64_t offset, start; /* of this byte, of the character it is in */
	unsigned missing;       /* bytes of that character */
	uint8_t low, high;      /* bounds of the next of them */
	bool is_wide;           /* that character has three bytes or four, as Chinese ones have */
	uint64_t wide_count, pair_count, bad_count;
	uint64_t first_bad; /* offset */
};

static void scan_bad(struct scan *scan)
{
	if (scan->bad_count++ == 0)
		scan->first_bad = scan->start;
	scan->missing = 0;
}

/* RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
static void scan_lead(struct scan *scan, uint8_t byte)
{
	scan->start = scan->offset;
	scan->low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
	scan->high = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
	scan->is_wide = byte >= 0xe0;
	if (byte >= 0xc2 && byte <= 0xf4)
		scan->missing = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
	else if (byte >= 0x80)
		scan_bad(scan);
}

static void scan_byte(struct scan *scan, uint8_t byte)
{
	if (scan->missing > 0 && (byte < scan->low || byte > scan->high))
		scan_bad(scan);
	if (scan->missing == 0) {
		scan_lead(scan, byte);
	} else {
		scan->low = 0x80;
		scan->high = 0xbf;
		if (--scan->missing == 0 && scan->is_wide)
			scan->wide_count++;
		else if (scan->missing == 0)
			scan->pair_count++;
	}
	scan->offset++;
}

static enum err file_scan(FILE *file, struct scan *scan, struct why *why)
{
	uint8_t block[CHARSET_BLOCK_SIZE];
	size_t size;

	while ((size = fread(block, 1, sizeof(block), file)) > 0)
		for (size_t i = 0; i < size; i++)
			scan_byte(scan, block[i]);
	if (scan->missing > 0)
		scan_bad(scan);
	return ferror(file) ? why_set(why, ERR_IO, "%m") : OK;
}

static enum err file_go_to(FILE *file, long place, struct why *why)
{
	if (fseek(file, place, SEEK_SET) == 0)
		return OK;
	return why_set(why, ERR_IO, "the file must be read twice, which this one does not allow: %m");
}

/* ---- deciding */

static enum err unmarked_decide(struct charset_reader *reader, const struct scan *scan, struct why *why)
{
	/* Pairs of such bytes are Latin letters in UTF-8 and Chinese characters in GB18030: nobody can tell. */
	if (scan->bad_count == 0 && scan->pair_count > 0 && scan->wide_count == 0)
		return why_set(
		    why, ERR_SYNTAX, "the file may be UTF-8 or GB18030, its letters differ; save it as \"CSV UTF-8\"");
	/* A few wrong bytes in much UTF-8 come from a broken program; as GB18030 every name would be garbled. */
	reader->charset = scan->bad_count <= scan->wide_count ? CHARSET_UTF8 : CHARSET_GB18030;
	return OK;
}

/* The file's mark decides, or what is in it. */
static enum err charset_decide(struct charset_reader *reader, struct why *why)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum charset charset;
	} marks[] = {
	    {"\xef\xbb\xbf", 3, CHARSET_UTF8}, {"\xff\xfe", 2, CHARSET_UTF16LE}, {"\xfe\xff", 2, CHARSET_UTF16BE}};
	uint8_t start[4];
	size_t size = fread(start, 1, sizeof(start), reader->file), mark_size = 0;
	struct scan scan = {0};
	enum err err;

	if (size == 4 && (memcmp(start, "PK\3\4", 4) == 0 || memcmp(start, "\xd0\xcf\x11\xe0", 4) == 0))
		return why_set(why, ERR_SYNTAX,
		    "this is a spreadsheet's workbook with another name; open it and save it as \"CSV UTF-8\"");
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && mark_size == 0; i++)
		if (size >= marks[i].size && memcmp(start, marks[i].bytes, marks[i].size) == 0) {
			reader->charset = marks[i].charset;
			mark_size = marks[i].size;
		}
	err = file_go_to(reader->file, (long)mark_size, why);
	if (err == OK)
		err = file_scan(reader->file, &scan, why);
	if (err == OK && mark_size == 0)
		err = unmarked_decide(reader, &scan, why);
	if (err == OK)
		err = file_go_to(reader->file, (long)mark_size, why);
	reader->is_broken = reader->charset == CHARSET_UTF8 && scan.bad_count > 0;
	reader->rest_size = reader->is_broken ? scan.first_bad : scan.offset;
	return err;
}

static const char *iconv_name(enum charset charset)
{
	switch (charset) {
	case CHARSET_UTF8: return "UTF-8";
	case CHARSET_GB18030: return "GB18030";
	case CHARSET_UTF16LE: return "UTF-16LE";
	case CHARSET_UTF16BE: return "UTF-16BE";
	}
	return "";
}

enum err charset_open(struct charset_reader *reader, FILE *file, struct why *why)
{
	enum err err;

	memset(reader, 0, sizeof(*reader));
	reader->file = file;
	reader->converter = no_converter;
	err = charset_decide(reader, why);
	if (err != OK || reader->charset == CHARSET_UTF8)
		return err;
	reader->converter = iconv_open("UTF-8", iconv_name(reader->charset));
	if (reader->converter == no_converter)
		return why_set(why, errno == ENOMEM ? ERR_MEMORY : ERR_IO, "this system can't read %s: %m",
		    charset_name(reader->charset));
	return OK;
}

void charset_close(struct charset_reader *reader)
{
	if (reader->converter != no_converter)
		(void)iconv_close(reader->converter);
	reader->converter = no_converter;
}

/* ---- reading */

static enum err plain_read(struct charset_reader *reader, uint8_t *ret_text, size_t max, size_t *ret_size)
{
	size_t wanted = reader->rest_size < max ? (size_t)reader->rest_size : max, size;
	int byte;

	size = fread(ret_text, 1, wanted, reader->file);
	reader->rest_size -= size;
	if (ferror(reader->file))
		return ERR_IO;
	if (size == 0 && reader->is_broken && (byte = getc(reader->file)) != EOF) {
		reader->bad_byte = (uint8_t)byte;
		return ERR_SYNTAX;
	}
	*ret_size = size;
	return OK;
}

enum err charset_read(struct charset_reader *reader, uint8_t *ret_text, size_t max, size_t *ret_size)
{
	char *in = (char *)reader->block, *out = (char *)ret_text;
	size_t out_rest = max;
	bool is_done;

	assert(max >= 4);
	if (reader->converter == no_converter)
		return plain_read(reader, ret_text, max, ret_size);
	reader->block_size +=
	    fread(reader->block + reader->block_size, 1, sizeof(reader->block) - reader->block_size, reader->file);
	if (ferror(reader->file))
		return ERR_IO;
	is_done = iconv(reader->converter, &in, &reader->block_size, &out, &out_rest) != (size_t)-1;
	memmove(reader->block, in, reader->block_size);
	/* A character that the block's end cut is whole next time; one that the file's end cuts never is. */
	if (!is_done && out_rest == max) {
		reader->bad_byte = reader->block[0];
		return ERR_SYNTAX;
	}
	*ret_size = max - out_rest;
	return OK;
}

/*
 * Which characters a file's bytes are. Spreadsheets save what they like: UTF-8, GB18030 (what Chinese Windows calls
 * ANSI; GBK and GB2312 are parts of it) or UTF-16 ("Unicode text").
 *
 * A file is looked through before any of it is given out. A byte order mark decides; without one, text that is UTF-8
 * throughout is UTF-8, and all else GB18030. What could be both, or is nearly UTF-8, is refused: a name must not be
 * guessed. Nothing is replaced: the first byte that is no text ends the reading with an error.
 */
#ifndef CLIENT_CHARSET_H
#define CLIENT_CHARSET_H

#include <iconv.h>
#include <stdio.h>

#include "client/client.h"

enum charset { CHARSET_UTF8, CHARSET_GB18030, CHARSET_UTF16LE, CHARSET_UTF16BE };

#define CHARSET_BLOCK_SIZE 16384

struct charset_reader {
	FILE *file;
	enum charset charset;
	uint64_t rest_size;		/* bytes of the file before its end, or before the first that is no UTF-8 */
	bool is_broken;			/* that byte stands there */
	iconv_t converter;		/* unless it is UTF-8 */
	uint8_t block[CHARSET_BLOCK_SIZE];
	size_t block_size;		/* bytes of the file that aren't converted yet */
	uint8_t bad_byte;		/* what ERR_SYNTAX was about */
};

/* For people: "UTF-8". */
const char *charset_name(enum charset charset);
/* Looks through the file, which must be one that can be read twice. ERR_IO, ERR_MEMORY; ERR_SYNTAX for a workbook or
 * what could be UTF-8 and GB18030. After OK, and only then, close it. */
enum err charset_open(struct charset_reader *reader, FILE *file, struct why *why) must_check;
void charset_close(struct charset_reader *reader);
/* The next bytes in UTF-8, without the mark; at least 4 must fit. Size 0 at the end. ERR_IO; ERR_SYNTAX at a byte that is
 * no text, once all before it is given out. */
enum err charset_read(struct charset_reader *reader, uint8_t *ret_text, size_t max, size_t *ret_size) must_check;

#endif

/*
 * Bytes: a slice that owns nothing, a buffer that can't exist without its maximum, a reader that can't run over
 * its end, an arena for what one message needs, and the two text forms of bytes (hex, base64).
 *
 * Buffers and readers are sticky: after an error every call is a no-op, so a body is straight lines and the
 * error is looked at once, at the end. No function here logs, and none keeps a pointer it was given.
 */
#ifndef PROTO_BYTES_H
#define PROTO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

struct slice {
	const uint8_t *data;
	size_t size;
};

struct slice slice_of(const void *data, size_t size);
struct slice slice_text(const char *text);		/* without the NUL */
bool slice_equal(struct slice a, struct slice b);
int slice_compare(struct slice a, struct slice b);	/* memcmp order, shorter first */

/* A growing buffer. `max` bounds it; a write beyond sets `err` to ERR_TOO_LARGE, a failed malloc to ERR_MEMORY. */
struct buf {
	uint8_t *data;
	size_t size;
	size_t capacity;
	size_t max;
	enum err err;
};

void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf);				/* frees; the buffer may be initialised again */
void buf_clear(struct buf *buf);			/* empties, keeps the memory, clears the error */
void buf_add(struct buf *buf, const void *data, size_t size);
void buf_add_slice(struct buf *buf, struct slice slice);
void buf_add_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) printf_like(2, 3);
/* Big-endian numbers, and a slice behind its u16 size (asserts size <= 65535). */
void buf_u8(struct buf *buf, uint8_t value);
void buf_u16(struct buf *buf, uint16_t value);
void buf_u32(struct buf *buf, uint32_t value);
void buf_u64(struct buf *buf, uint64_t value);
void buf_sized(struct buf *buf, struct slice slice);
struct slice buf_slice(const struct buf *buf);
/* NUL-terminates without counting the NUL; "" on error. Valid until the next call. */
const char *buf_text(struct buf *buf);

/* Reads what the buf_u* functions wrote. After running short, every call answers zero and `is_short` is set. */
struct reader {
	struct slice rest;
	bool is_short;
};

struct reader reader_of(struct slice slice);
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
struct slice reader_bytes(struct reader *reader, size_t size);
struct slice reader_sized(struct reader *reader);
/* True if nothing was short and nothing is left: trailing bytes are an error. */
bool reader_is_done(const struct reader *reader);

/* Where an arena's memory comes from, if not from malloc. */
struct arena_source {
	void *(*take)(size_t size);			/* aligned as malloc aligns; NULL on lack of memory */
	void (*give)(void *memory, size_t size);	/* back, with the size it was asked for by */
};

/* Bump allocator for the parts of decoded messages: freed all at once. Not zeroed. */
struct arena {
	struct arena_block *blocks;
	size_t used_size;	/* bytes given out since init or reset */
	size_t max;
	const struct arena_source *source;	/* NULL: malloc */
};

void arena_init(struct arena *arena, size_t max);
void arena_init_from(struct arena *arena, size_t max, const struct arena_source *source);
void arena_reset(struct arena *arena);			/* forgets what was given out, keeps the memory */
void arena_done(struct arena *arena);
void *arena_alloc(struct arena *arena, size_t size);	/* 16-byte aligned; NULL at the maximum */
struct slice arena_copy(struct arena *arena, struct slice slice);	/* data NULL on failure */

/* Lower-case hex. `ret_text` holds 2 * size + 1 bytes. */
void hex_format(struct slice bytes, char *ret_text);
/* Exactly `size` bytes from 2 * size digits, lower case only. ERR_SYNTAX. */
enum err hex_parse(struct slice text, uint8_t *ret_bytes, size_t size) must_check;

/* Standard base64 with padding (RFC 4648 section 4). */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4)
void base64_add(struct buf *buf, struct slice bytes);
/* Strict: no white space, canonical padding and tail bits. ERR_SYNTAX, ERR_TOO_LARGE beyond `max` bytes. */
enum err base64_parse(struct slice text, uint8_t *ret_bytes, size_t max, size_t *ret_size) must_check;

/* ASCII decimal without sign or leading zeros, at most `max`. ERR_SYNTAX, ERR_OVERFLOW. */
enum err decimal_parse(struct slice text, uint64_t max, uint64_t *ret_value) must_check;

/* Valid UTF-8 (RFC 3629: no overlongs, surrogates or beyond U+10FFFF) without U+0000..U+001F and U+007F. */
bool utf8_is_text(struct slice text);
/* 0x21..0x7E only, at least one byte. */
bool ascii_is_visible(struct slice text);

#endif

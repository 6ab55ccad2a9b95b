#include "proto/bytes.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Slices */

struct slice slice_of(const void *data, size_t size)
{
	return (struct slice){.data = data, .size = size};
}

struct slice slice_text(const char *text)
{
	return slice_of(text, strlen(text));
}

bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int slice_compare(struct slice a, struct slice b)
{
	size_t size = a.size < b.size ? a.size : b.size;
	int order = size == 0 ? 0 : memcmp(a.data, b.data, size);

	return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/*
 * Buffers. `capacity` never exceeds `max` and one byte more is allocated than it says, so that buf_text and
 * vsnprintf always have room for their NUL.
 */

#define BUF_CAPACITY_FIRST 64

void buf_init(struct buf *buf, size_t max)
{
	assert(max <= SIZE_MAX / 4);
	*buf = (struct buf){.max = max, .err = OK};
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){.max = buf->max, .err = OK};
}

void buf_clear(struct buf *buf)
{
	buf->size = 0;
	buf->err = OK;
}

static bool buf_grow(struct buf *buf, size_t size)
{
	size_t capacity = buf->capacity < BUF_CAPACITY_FIRST ? BUF_CAPACITY_FIRST : 2 * buf->capacity;
	uint8_t *data;

	if (size > buf->max - buf->size) {
		buf->err = ERR_TOO_LARGE;
		return false;
	}
	if (capacity < buf->size + size)
		capacity = buf->size + size;
	if (capacity > buf->max)
		capacity = buf->max;
	data = realloc(buf->data, capacity + 1);
	if (data == NULL) {
		buf->err = ERR_MEMORY;
		return false;
	}
	buf->data = data;
	buf->capacity = capacity;
	return true;
}

/* The place for `size` further bytes, already counted; NULL when there is an error. */
static uint8_t *buf_extend(struct buf *buf, size_t size)
{
	uint8_t *place;

	if (buf->err != OK)
		return NULL;
	if (size > buf->capacity - buf->size && !buf_grow(buf, size))
		return NULL;
	place = buf->data + buf->size;
	buf->size += size;
	return place;
}

void buf_add(struct buf *buf, const void *data, size_t size)
{
	uint8_t *place = size == 0 ? NULL : buf_extend(buf, size);

	if (place != NULL)
		memcpy(place, data, size);
}

void buf_add_slice(struct buf *buf, struct slice slice)
{
	buf_add(buf, slice.data, slice.size);
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list arguments, again;
	size_t room, size;
	int printed;

	if (buf->err != OK)
		return;
	room = buf->data == NULL ? 0 : buf->capacity - buf->size + 1;
	va_start(arguments, format);
	va_copy(again, arguments);
	printed = vsnprintf(room == 0 ? NULL : (char *)buf->data + buf->size, room, format, arguments);
	size = printed < 0 ? 0 : (size_t)printed;
	if (printed < 0) {
		buf->err = ERR_MEMORY;
	} else if (size < room) {
		buf->size += size;
	} else if (buf_grow(buf, size)) {
		vsnprintf((char *)buf->data + buf->size, size + 1, format, again);
		buf->size += size;
	}
	va_end(again);
	va_end(arguments);
}

void buf_u8(struct buf *buf, uint8_t value)
{
	uint8_t *place = buf_extend(buf, 1);

	if (place != NULL)
		place[0] = value;
}

void buf_u16(struct buf *buf, uint16_t value)
{
	uint8_t *place = buf_extend(buf, 2);

	if (place == NULL)
		return;
	place[0] = (uint8_t)(value >> 8);
	place[1] = (uint8_t)value;
}

void buf_u32(struct buf *buf, uint32_t value)
{
	uint8_t *place = buf_extend(buf, 4);

	for (unsigned i = 0; place != NULL && i < 4; i++)
		place[i] = (uint8_t)(value >> (24 - 8 * i));
}

void buf_u64(struct buf *buf, uint64_t value)
{
	uint8_t *place = buf_extend(buf, 8);

	for (unsigned i = 0; place != NULL && i < 8; i++)
		place[i] = (uint8_t)(value >> (56 - 8 * i));
}

void buf_sized(struct buf *buf, struct slice slice)
{
	assert(slice.size <= UINT16_MAX);
	buf_u16(buf, (uint16_t)slice.size);
	buf_add_slice(buf, slice);
}

struct slice buf_slice(const struct buf *buf)
{
	return buf->err == OK ? slice_of(buf->data, buf->size) : slice_of(NULL, 0);
}

const char *buf_text(struct buf *buf)
{
	if (buf->err != OK || buf->data == NULL)
		return "";
	buf->data[buf->size] = '\0';
	return (const char *)buf->data;
}

/* Readers */

struct reader reader_of(struct slice slice)
{
	return (struct reader){.rest = slice};
}

static const uint8_t *reader_take(struct reader *reader, size_t size)
{
	const uint8_t *data = reader->rest.data;

	if (reader->is_short || size > reader->rest.size) {
		reader->is_short = true;
		return NULL;
	}
	if (size > 0) {
		reader->rest.data += size;
		reader->rest.size -= size;
	}
	return data;
}

uint8_t reader_u8(struct reader *reader)
{
	const uint8_t *data = reader_take(reader, 1);

	return data == NULL ? 0 : data[0];
}

uint16_t reader_u16(struct reader *reader)
{
	const uint8_t *data = reader_take(reader, 2);

	if (data == NULL)
		return 0;
	return (uint16_t)(data[0] << 8 | data[1]);
}

static uint32_t load_u32(const uint8_t *data)
{
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

uint32_t reader_u32(struct reader *reader)
{
	const uint8_t *data = reader_take(reader, 4);

	return data == NULL ? 0 : load_u32(data);
}

uint64_t reader_u64(struct reader *reader)
{
	const uint8_t *data = reader_take(reader, 8);

	return data == NULL ? 0 : (uint64_t)load_u32(data) << 32 | load_u32(data + 4);
}

struct slice reader_bytes(struct reader *reader, size_t size)
{
	const uint8_t *data = reader_take(reader, size);

	return slice_of(data, data == NULL ? 0 : size);
}

struct slice reader_sized(struct reader *reader)
{
	return reader_bytes(reader, reader_u16(reader));
}

bool reader_is_done(const struct reader *reader)
{
	return !reader->is_short && reader->rest.size == 0;
}

/*
 * Arenas. The blocks form one chain in the order they were made; `arena->blocks` is the one in use: those before
 * it are full, those after it are spare from before a reset. Block sizes double, so a chain is short and a reset
 * cheap. Sizes are counted rounded up, so `max` bounds the memory and not only what was asked for.
 */

#define ARENA_ALIGNMENT 16
#define ARENA_BLOCK_MIN ((size_t)4096)
#define ARENA_BLOCK_MAX ((size_t)1 << 20)

struct arena_block {
	struct arena_block *previous;
	struct arena_block *next;
	size_t used_size;
	size_t capacity;
	alignas(ARENA_ALIGNMENT) uint8_t data[];
};

static_assert(alignof(max_align_t) >= ARENA_ALIGNMENT, "malloc aligns what an arena gives out");

void arena_init(struct arena *arena, size_t max)
{
	arena_init_from(arena, max, NULL);
}

void arena_init_from(struct arena *arena, size_t max, const struct arena_source *source)
{
	*arena = (struct arena){.max = max, .source = source};
}

static struct arena_block *take_block(const struct arena *arena, size_t capacity)
{
	size_t size = sizeof(struct arena_block) + capacity;

	return arena->source != NULL ? arena->source->take(size) : malloc(size);
}

static void give_block(const struct arena *arena, struct arena_block *block)
{
	if (arena->source != NULL)
		arena->source->give(block, sizeof(*block) + block->capacity);
	else
		free(block);
}

void arena_reset(struct arena *arena)
{
	struct arena_block *block = arena->blocks;

	arena->used_size = 0;
	if (block == NULL)
		return;
	block->used_size = 0;
	while (block->previous != NULL) {
		block = block->previous;
		block->used_size = 0;
	}
	arena->blocks = block;
}

void arena_done(struct arena *arena)
{
	struct arena_block *block, *next;

	arena_reset(arena);
	for (block = arena->blocks; block != NULL; block = next) {
		next = block->next;
		give_block(arena, block);
	}
	arena->blocks = NULL;
}

/* Makes a block with room for `size` bytes the one in use: a spare one, or a new one behind the last. */
static struct arena_block *arena_advance(struct arena *arena, size_t size)
{
	struct arena_block *last = arena->blocks, *block;
	size_t capacity = ARENA_BLOCK_MIN;

	while (last != NULL && last->next != NULL) {
		last = last->next;
		if (last->capacity >= size)
			return arena->blocks = last;
	}
	if (last != NULL)
		capacity = last->capacity < ARENA_BLOCK_MAX / 2 ? 2 * last->capacity : ARENA_BLOCK_MAX;
	if (capacity < size)
		capacity = size;
	if (capacity > SIZE_MAX - sizeof(*block))
		return NULL;
	block = take_block(arena, capacity);
	if (block == NULL)
		return NULL;
	block->previous = last;
	block->next = NULL;
	block->used_size = 0;
	block->capacity = capacity;
	if (last != NULL)
		last->next = block;
	return arena->blocks = block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t room = arena->max - arena->used_size;
	void *place;

	/* Two callers never get the same address, not even for nothing. A size that wraps around becomes 0. */
	size = size == 0 ? ARENA_ALIGNMENT : (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
	if (size == 0 || size > room)
		return NULL;
	if (block == NULL || size > block->capacity - block->used_size) {
		block = arena_advance(arena, size);
		if (block == NULL)
			return NULL;
	}
	place = block->data + block->used_size;
	block->used_size += size;
	arena->used_size += size;
	return place;
}

struct slice arena_copy(struct arena *arena, struct slice slice)
{
	void *place;

	if (slice.size == 0)
		return slice_of("", 0);
	place = arena_alloc(arena, slice.size);
	if (place == NULL)
		return slice_of(NULL, 0);
	memcpy(place, slice.data, slice.size);
	return slice_of(place, slice.size);
}

/* Text forms. Each parser looks at everything first and writes second: a refused text leaves no trace. */

void hex_format(struct slice bytes, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.size; i++) {
		ret_text[2 * i] = digits[bytes.data[i] >> 4];
		ret_text[2 * i + 1] = digits[bytes.data[i] & 15];
	}
	ret_text[2 * bytes.size] = '\0';
}

static bool is_decimal(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
	return is_decimal(c) || (c >= 'a' && c <= 'f');
}

static unsigned hex_value(uint8_t c)
{
	return c <= '9' ? (unsigned)c - '0' : (unsigned)c - 'a' + 10;
}

enum err hex_parse(struct slice text, uint8_t *ret_bytes, size_t size)
{
	if (text.size % 2 != 0 || text.size / 2 != size)
		return ERR_SYNTAX;
	for (size_t i = 0; i < text.size; i++)
		if (!is_hex(text.data[i]))
			return ERR_SYNTAX;
	for (size_t i = 0; i < size; i++)
		ret_bytes[i] = (uint8_t)(hex_value(text.data[2 * i]) << 4 | hex_value(text.data[2 * i + 1]));
	return OK;
}

void base64_add(struct buf *buf, struct slice bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *in = bytes.data;
	uint8_t *out;
	size_t i;

	if (bytes.size == 0)
		return;
	out = buf_extend(buf, BASE64_SIZE(bytes.size));
	if (out == NULL)
		return;
	for (i = 0; i + 3 <= bytes.size; i += 3, out += 4) {
		out[0] = (uint8_t)digits[in[i] >> 2];
		out[1] = (uint8_t)digits[(in[i] & 3) << 4 | in[i + 1] >> 4];
		out[2] = (uint8_t)digits[(in[i + 1] & 15) << 2 | in[i + 2] >> 6];
		out[3] = (uint8_t)digits[in[i + 2] & 63];
	}
	if (i == bytes.size)
		return;
	out[0] = (uint8_t)digits[in[i] >> 2];
	out[1] = (uint8_t)digits[(in[i] & 3) << 4 | (i + 1 < bytes.size ? in[i + 1] >> 4 : 0)];
	out[2] = i + 1 < bytes.size ? (uint8_t)digits[(in[i + 1] & 15) << 2] : '=';
	out[3] = '=';
}

/* 0..63, or -1. */
static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (is_decimal(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum err base64_parse(struct slice text, uint8_t *ret_bytes, size_t max, size_t *ret_size)
{
	size_t digit_count = text.size, size, out = 0;
	uint32_t bits = 0;

	if (text.size % 4 != 0)
		return ERR_SYNTAX;
	for (unsigned i = 0; i < 2 && digit_count > 0 && text.data[digit_count - 1] == '='; i++)
		digit_count--;
	for (size_t i = 0; i < digit_count; i++)
		if (base64_value(text.data[i]) < 0)
			return ERR_SYNTAX;
	/* The last digit of a short group carries four or two bits of nothing, which must be zero. */
	if (digit_count % 4 == 2 && (base64_value(text.data[digit_count - 1]) & 15) != 0)
		return ERR_SYNTAX;
	if (digit_count % 4 == 3 && (base64_value(text.data[digit_count - 1]) & 3) != 0)
		return ERR_SYNTAX;
	size = text.size / 4 * 3 - (text.size - digit_count);
	if (size > max)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < digit_count; i++) {
		bits = bits << 6 | (uint32_t)base64_value(text.data[i]);
		if (i % 4 != 0)
			ret_bytes[out++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	*ret_size = size;
	return OK;
}

enum err decimal_parse(struct slice text, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (text.size == 0 || (text.size > 1 && text.data[0] == '0'))
		return ERR_SYNTAX;
	for (size_t i = 0; i < text.size; i++)
		if (!is_decimal(text.data[i]))
			return ERR_SYNTAX;
	for (size_t i = 0; i < text.size; i++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value))
			return ERR_OVERFLOW;
	if (value > max)
		return ERR_OVERFLOW;
	*ret_value = value;
	return OK;
}

/* Size of the character at `data` that begins with a byte >= 0x80, or 0 if it is not well-formed (RFC 3629). */
static size_t utf8_size(const uint8_t *data, size_t size)
{
	uint8_t lead = data[0];
	uint8_t second_min = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80; /* below: overlong */
	uint8_t second_max = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf; /* above: surrogate, too far */
	size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

	if (lead < 0xc2 || lead > 0xf4 || size < want)
		return 0;
	if (data[1] < second_min || data[1] > second_max)
		return 0;
	for (size_t i = 2; i < want; i++)
		if ((data[i] & 0xc0) != 0x80)
			return 0;
	return want;
}

/* True if all eight bytes are 0x20..0x7E. With no high bit set, neither sum carries into the next byte unless
 * a byte below it was already refused. */
static bool is_ascii_text_8(const uint8_t *data)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return ((word | (word - 0x20 * ones) | (word + ones)) & (0x80 * ones)) == 0;
}

bool utf8_is_text(struct slice text)
{
	const uint8_t *data = text.data;
	size_t i = 0;

	while (i < text.size) {
		if (text.size - i >= 8 && is_ascii_text_8(data + i)) {
			i += 8;
		} else if (data[i] >= 0x80) {
			size_t size = utf8_size(data + i, text.size - i);

			if (size == 0)
				return false;
			i += size;
		} else if (data[i] < 0x20 || data[i] == 0x7f) {
			return false;
		} else {
			i++;
		}
	}
	return true;
}

bool ascii_is_visible(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x21 || text.data[i] > 0x7e)
			return false;
	return text.size > 0;
}

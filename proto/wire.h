/*
 * The protobuf wire format, as far as our messages use it: variable-length numbers and sized bytes.
 *
 * Shared by record.c, feed.c and entry.c alone. The writer makes the one canonical encoding: fields in the order
 * of the calls, minimal varints, absent where the value is the default. The reader takes the fields of one
 * message apart without copying. The allocator lets protobuf-c decode within a bound, since a hostile message of many
 * tiny fields would otherwise cost fifty times its size.
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <assert.h>
#include <string.h>

#include <protobuf-c/protobuf-c.h>

#include "proto/bytes.h"

#define WIRE_VARINT_MAX 10 /* bytes of a 64-bit number */
#define WIRE_LENGTH_MAX 3  /* bytes of a nested message's size: below 2^21, far beyond ENTRY_SIZE_MAX */
#define WIRE_SLACK 8       /* what unfinished lengths may need beyond the message's own size, three levels deep */

enum wire_type { WIRE_VARINT = 0, WIRE_BYTES = 2 };

/* Sticky: once something didn't fit, every call is a no-op. */
struct wire_writer {
	uint8_t *start, *at, *end;
	bool is_full;
};

static inline struct wire_writer wire_writer_of(uint8_t *memory, size_t size)
{
	return (struct wire_writer){.start = memory, .at = memory, .end = memory + size};
}

static inline struct slice wire_written(const struct wire_writer *writer)
{
	return (struct slice){writer->start, (size_t)(writer->at - writer->start)};
}

static inline void wire_put_varint(struct wire_writer *writer, uint64_t value)
{
	if (writer->end - writer->at < WIRE_VARINT_MAX && !writer->is_full) {
		/* Near the end: what fits depends on the number. */
		ptrdiff_t size = 1;

		for (uint64_t rest = value >> 7; rest != 0; rest >>= 7)
			size++;
		writer->is_full = writer->end - writer->at < size;
	}
	if (writer->is_full)
		return;
	for (; value >= 0x80; value >>= 7)
		*writer->at++ = (uint8_t)(value | 0x80);
	*writer->at++ = (uint8_t)value;
}

static inline void wire_put_tag(struct wire_writer *writer, unsigned field, enum wire_type type)
{
	wire_put_varint(writer, field << 3 | (unsigned)type);
}

/* A number; nothing for 0. */
static inline void wire_put_number(struct wire_writer *writer, unsigned field, uint64_t value)
{
	if (value == 0)
		return;
	wire_put_tag(writer, field, WIRE_VARINT);
	wire_put_varint(writer, value);
}

/* Bytes or text of a repeated field: written even if empty. */
static inline void wire_put_element(struct wire_writer *writer, unsigned field, struct slice value)
{
	wire_put_tag(writer, field, WIRE_BYTES);
	wire_put_varint(writer, value.size);
	if (writer->is_full || (size_t)(writer->end - writer->at) < value.size) {
		writer->is_full = true;
		return;
	}
	if (value.size != 0)
		memcpy(writer->at, value.data, value.size);
	writer->at += value.size;
}

/* Bytes or text; nothing if empty. */
static inline void wire_put_bytes(struct wire_writer *writer, unsigned field, struct slice value)
{
	if (value.size != 0)
		wire_put_element(writer, field, value);
}

/* A nested message begins. The answer goes to wire_close. */
uint8_t *wire_open(struct wire_writer *writer, unsigned field);
/* Puts the size in front of what was written since. */
void wire_close(struct wire_writer *writer, uint8_t *opened);

/* One field of a message being read. */
struct wire_field {
	unsigned number; /* 1 or more */
	enum wire_type type;
	uint64_t value;     /* WIRE_VARINT */
	struct slice bytes; /* WIRE_BYTES: points into what is read */
};

/* Takes one field off *rest (not empty). ERR_SYNTAX: cut, another wire type, or a number beyond 64 bits. */
enum err wire_next(struct slice *rest, struct wire_field *ret_field) must_check;

/* Memory for one protobuf-c message, `left` bytes at most: from `at` on (16-byte aligned), or from an arena. */
struct wire_memory {
	uint8_t *at; /* NULL: the arena */
	struct arena *arena;
	size_t left;
	bool is_over; /* the message asked for more than `left` */
	bool is_out;  /* the arena is at its end */
};

/* The memory must outlive the allocator. Freeing does nothing. */
ProtobufCAllocator wire_allocator(struct wire_memory *memory);
/* Why protobuf-c's unpack gave NULL: ERR_MEMORY if the arena gave nothing, else ERR_SYNTAX. */
enum err wire_unpack_error(const struct wire_memory *memory);

/* Bytes and text as protobuf-c holds them. Text ends at its first NUL, which the re-encoding then shows. */
static inline struct slice wire_bytes(ProtobufCBinaryData data)
{
	return (struct slice){data.data, data.len};
}

static inline struct slice wire_text(const char *text)
{
	return (struct slice){(const uint8_t *)text, strlen(text)};
}

#endif

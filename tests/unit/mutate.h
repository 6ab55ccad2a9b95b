/*
 * Second encodings of a protobuf message: takes a valid one apart, changes one thing at one level of nesting, and
 * puts it together again with the right sizes. For the tests of what must have one encoding only.
 */
#ifndef TESTS_UNIT_MUTATE_H
#define TESTS_UNIT_MUTATE_H

#include <assert.h>
#include <stdio.h>

#include "proto/wire.h"

#define MUTATE_PARTS_MAX 40
#define MUTATE_DEPTH_MAX 3

enum mutation {
	MUTATE_NOTHING,        /* puts it together as it was */
	MUTATE_DOUBLED,        /* the field twice */
	MUTATE_SWAPPED,        /* the field after its successor */
	MUTATE_DROPPED,        /* without the field */
	MUTATE_LONG_TAG,       /* a non-minimal tag */
	MUTATE_LONG_VALUE,     /* a non-minimal number or size */
	MUTATE_WRONG_TYPE,     /* the wire type of a number for bytes, and the other way round */
	MUTATE_UNKNOWN_NUMBER, /* a field nobody knows after it */
	MUTATE_UNKNOWN_BYTES,
	MUTATE_COUNT
};

static inline const char *mutation_name(enum mutation mutation)
{
	static const char *const names[MUTATE_COUNT] = {"nothing", "doubled", "swapped", "dropped", "long tag",
	    "long value", "wrong type", "unknown number", "unknown bytes"};

	return names[mutation];
}

/* The fields of a message, each with its tag. */
struct parts {
	size_t count;
	struct slice rows[MUTATE_PARTS_MAX];
};

static inline struct parts parts_of(struct slice message)
{
	struct parts parts = {0};
	struct wire_field field;

	while (message.size > 0) {
		struct slice before = message;
		enum err err = wire_next(&message, &field);

		assert(err == OK && parts.count < MUTATE_PARTS_MAX);
		parts.rows[parts.count++] = slice_of(before.data, before.size - message.size);
	}
	return parts;
}

static inline struct wire_field part_field(struct slice part)
{
	struct wire_field field;
	enum err err = wire_next(&part, &field);

	assert(err == OK && part.size == 0);
	return field;
}

static inline size_t varint_size(struct slice bytes)
{
	size_t size = 1;

	while (bytes.data[size - 1] >= 0x80)
		size++;
	return size;
}

/* Appends a varint with one needless byte. */
static inline void add_long_varint(struct buf *buf, struct slice varint)
{
	buf_add(buf, varint.data, varint.size - 1);
	buf_u8(buf, varint.data[varint.size - 1] | 0x80);
	buf_u8(buf, 0);
}

static inline void add_part(struct buf *buf, unsigned field, struct slice bytes)
{
	uint8_t memory[2 * WIRE_VARINT_MAX];
	struct wire_writer writer = wire_writer_of(memory, sizeof(memory));

	wire_put_tag(&writer, field, WIRE_BYTES);
	wire_put_varint(&writer, bytes.size);
	buf_add_slice(buf, wire_written(&writer));
	buf_add_slice(buf, bytes);
}

static inline void add_mutated(struct buf *buf, struct slice part, enum mutation mutation)
{
	size_t tag_size = varint_size(part);
	struct slice tag = slice_of(part.data, tag_size);
	struct slice rest = slice_of(part.data + tag_size, part.size - tag_size);
	size_t value_size = varint_size(rest);

	switch (mutation) {
	case MUTATE_DROPPED: break;
	case MUTATE_LONG_TAG:
		add_long_varint(buf, tag);
		buf_add_slice(buf, rest);
		break;
	case MUTATE_LONG_VALUE:
		buf_add_slice(buf, tag);
		add_long_varint(buf, slice_of(rest.data, value_size));
		buf_add(buf, rest.data + value_size, rest.size - value_size);
		break;
	case MUTATE_WRONG_TYPE:
		buf_u8(buf, part.data[0] ^ WIRE_BYTES);
		buf_add(buf, part.data + 1, part.size - 1);
		break;
	case MUTATE_DOUBLED:
		buf_add_slice(buf, part);
		buf_add_slice(buf, part);
		break;
	case MUTATE_UNKNOWN_NUMBER:
		buf_add_slice(buf, part);
		buf_add(buf, "\xf8\x01\x01", 3); /* field 31: 1 */
		break;
	case MUTATE_UNKNOWN_BYTES:
		buf_add_slice(buf, part);
		buf_add(buf, "\xfa\x01\x01x", 4); /* field 31: "x" */
		break;
	case MUTATE_NOTHING:
	case MUTATE_SWAPPED:
	case MUTATE_COUNT: buf_add_slice(buf, part); break;
	}
}

/*
 * Changes part `at` of the message that `path` leads to: path[0] is the place of a nested message among the parts
 * of the outermost, and so on, `depth` steps. False if there is no such part (or, to swap, no other after it).
 */
static inline bool mutate(
    struct slice message, const size_t *path, size_t depth, size_t at, enum mutation mutation, struct buf *ret_bytes)
{
	struct parts levels[MUTATE_DEPTH_MAX + 1];
	struct buf inner, outer;
	bool is_done = false;

	assert(depth <= MUTATE_DEPTH_MAX);
	buf_init(&inner, 1 << 20);
	buf_init(&outer, 1 << 20);
	levels[0] = parts_of(message);
	for (size_t i = 0; i < depth; i++)
		levels[i + 1] = parts_of(part_field(levels[i].rows[path[i]]).bytes);
	if (at >= levels[depth].count || (mutation == MUTATE_SWAPPED && at + 1 >= levels[depth].count))
		goto out;
	if (mutation == MUTATE_SWAPPED) {
		struct slice first = levels[depth].rows[at];

		levels[depth].rows[at] = levels[depth].rows[at + 1];
		levels[depth].rows[at + 1] = first;
	}
	for (size_t i = 0; i < levels[depth].count; i++)
		add_mutated(&inner, levels[depth].rows[i], i == at ? mutation : MUTATE_NOTHING);
	for (size_t level = depth; level-- > 0;) {
		buf_clear(&outer);
		for (size_t i = 0; i < levels[level].count; i++)
			if (i == path[level])
				add_part(&outer, part_field(levels[level].rows[i]).number, buf_slice(&inner));
			else
				buf_add_slice(&outer, levels[level].rows[i]);
		buf_clear(&inner);
		buf_add_slice(&inner, buf_slice(&outer));
	}
	assert(inner.err == OK && outer.err == OK);
	buf_clear(ret_bytes);
	buf_add_slice(ret_bytes, buf_slice(&inner));
	is_done = true;
out:
	buf_done(&inner);
	buf_done(&outer);
	return is_done;
}

/* Bytes of a hex literal, in memory that lives as long as `buf`. */
static inline struct slice bytes_of_hex(const char *hex, struct buf *buf)
{
	uint8_t bytes[4096];
	size_t size = strlen(hex) / 2;
	enum err err;

	assert(size <= sizeof(bytes));
	err = hex_parse(slice_text(hex), bytes, size);
	assert(err == OK);
	buf_init(buf, sizeof(bytes));
	buf_add(buf, bytes, size);
	return buf_slice(buf);
}

#endif

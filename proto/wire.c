#include "proto/wire.h"

uint8_t *wire_open(struct wire_writer *writer, unsigned field)
{
	uint8_t *opened;

	wire_put_tag(writer, field, WIRE_BYTES);
	if (writer->is_full || writer->end - writer->at < WIRE_LENGTH_MAX) {
		writer->is_full = true;
		return NULL;
	}
	opened = writer->at;
	writer->at += WIRE_LENGTH_MAX;
	return opened;
}

void wire_close(struct wire_writer *writer, uint8_t *opened)
{
	const uint8_t *body;
	size_t size;

	if (writer->is_full)
		return;
	assert(opened != NULL);
	body = opened + WIRE_LENGTH_MAX;
	size = (size_t)(writer->at - body);
	assert(size < (size_t)1 << 7 * WIRE_LENGTH_MAX);
	writer->at = opened;
	wire_put_varint(writer, size);
	memmove(writer->at, body, size);
	writer->at += size;
}

static enum err next_varint(struct slice *rest, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (size_t i = 0; i < rest->size && i < WIRE_VARINT_MAX; i++) {
		uint8_t byte = rest->data[i];

		if (i == WIRE_VARINT_MAX - 1 && byte > 1)
			return ERR_SYNTAX;
		value |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (byte < 0x80) {
			*rest = slice_of(rest->data + i + 1, rest->size - i - 1);
			*ret_value = value;
			return OK;
		}
	}
	return ERR_SYNTAX;
}

enum err wire_next(struct slice *rest, struct wire_field *ret_field)
{
	struct slice after = *rest;
	struct wire_field field = {0};
	uint64_t tag;

	if (next_varint(&after, &tag) != OK || tag > UINT32_MAX || tag >> 3 == 0)
		return ERR_SYNTAX;
	field.number = (unsigned)(tag >> 3);
	switch (tag & 7) {
	case WIRE_VARINT:
		field.type = WIRE_VARINT;
		if (next_varint(&after, &field.value) != OK)
			return ERR_SYNTAX;
		break;
	case WIRE_BYTES:
		field.type = WIRE_BYTES;
		if (next_varint(&after, &field.value) != OK || field.value > after.size)
			return ERR_SYNTAX;
		field.bytes = slice_of(after.data, (size_t)field.value);
		after = slice_of(after.data + field.bytes.size, after.size - field.bytes.size);
		break;
	default: return ERR_SYNTAX;
	}
	*rest = after;
	*ret_field = field;
	return OK;
}

static void *memory_alloc(void *cookie, size_t size)
{
	struct wire_memory *memory = cookie;
	size_t taken = (size + 15) / 16 * 16;
	void *pointer = memory->at;

	if (size > memory->left || taken > memory->left) {
		memory->is_over = true;
		return NULL;
	}
	memory->left -= taken;
	if (pointer != NULL) {
		memory->at += taken;
		return pointer;
	}
	pointer = arena_alloc(memory->arena, size);
	if (pointer == NULL)
		memory->is_out = true;
	return pointer;
}

static void memory_free(void *cookie, void *pointer)
{
	(void)cookie;
	(void)pointer;
}

ProtobufCAllocator wire_allocator(struct wire_memory *memory)
{
	return (ProtobufCAllocator){.alloc = memory_alloc, .free = memory_free, .allocator_data = memory};
}

enum err wire_unpack_error(const struct wire_memory *memory)
{
	return memory->is_out ? ERR_MEMORY : ERR_SYNTAX;
}

/*
 * A push may be 24 MiB, so it is read by hand, without copying: one pass counts the records, one takes them. It
 * isn't hashed or kept, so its fields may come in any order; but each once, and none unknown, for what a venue
 * means must not be guessed.
 */
#include "proto/feed.h"

#include <assert.h>
#include <stdio.h>

#include "proto/wire.h"

/* Field numbers of PbPush. */
enum { PUSH_FIELD_VERSION = 1, PUSH_FIELD_START, PUSH_FIELD_RECORDS, PUSH_FIELD_NOTE, PUSH_FIELD_LEDGER_CHECKPOINT };

bool venue_id_is_valid(struct slice venue)
{
	if (venue.size < 1 || venue.size > VENUE_ID_SIZE_MAX || venue.data[0] < 'a' || venue.data[0] > 'z')
		return false;
	for (size_t i = 1; i < venue.size; i++) {
		uint8_t byte = venue.data[i];

		if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-'))
			return false;
	}
	return true;
}

void feed_origin_format(
    const char *venue, const char *ledger_id, uint32_t generation, char ret_origin[static ORIGIN_TEXT_SIZE])
{
	int size;

	assert(venue_id_is_valid(slice_text(venue)));
	assert(slice_text(ledger_id).size == LEDGER_ID_SIZE);
	size = snprintf(ret_origin, ORIGIN_TEXT_SIZE, "%s/%s/%u", venue, ledger_id, (unsigned)generation);
	assert(size > 0 && size <= FEED_ORIGIN_SIZE_MAX);
}

/* Takes one field of a push over into *push; records are counted, and stored where there is room for them. */
static enum err take_field(const struct wire_field *field, struct push *push, uint64_t *version, struct why *why)
{
	bool is_number = field->number == PUSH_FIELD_VERSION || field->number == PUSH_FIELD_START;
	struct slice *bytes;
	size_t size_max;

	if (field->number > PUSH_FIELD_LEDGER_CHECKPOINT)
		return why_set(why, ERR_SYNTAX, "the push has a field of unknown number, %u", field->number);
	if (field->type != (is_number ? WIRE_VARINT : WIRE_BYTES))
		return why_set(why, ERR_SYNTAX, "field %u of the push is of the wrong type", field->number);
	switch (field->number) {
	case PUSH_FIELD_VERSION: *version = field->value; return OK;
	case PUSH_FIELD_START: push->start = field->value; return OK;
	case PUSH_FIELD_RECORDS:
		if (push->record_count == PUSH_RECORDS_MAX)
			return why_set(why, ERR_TOO_MANY, "a push may carry at most %d records", PUSH_RECORDS_MAX);
		if (push->records != NULL)
			push->records[push->record_count] = field->bytes;
		push->record_count++;
		return OK;
	default: break;
	}
	bytes = field->number == PUSH_FIELD_NOTE ? &push->note : &push->ledger_checkpoint;
	size_max = field->number == PUSH_FIELD_NOTE ? NOTE_SIZE_MAX : CHECKPOINT_SIZE_MAX;
	if (field->bytes.size < 1)
		return why_set(why, ERR_SYNTAX, "field %u of the push is there and empty", field->number);
	if (field->bytes.size > size_max)
		return why_set(why, ERR_TOO_LARGE, "field %u of the push has %zu bytes, at most %zu are allowed",
		    field->number, field->bytes.size, size_max);
	*bytes = field->bytes;
	return OK;
}

/* One pass over the fields, storing records if push->records is set. */
static enum err take_fields(struct slice bytes, struct push *push, uint64_t *version, struct why *why)
{
	struct slice rest = bytes;
	unsigned seen = 0;
	enum err err;

	push->record_count = 0;
	while (rest.size > 0) {
		size_t at = bytes.size - rest.size;
		struct wire_field field;

		err = wire_next(&rest, &field);
		if (err != OK)
			return why_set(
			    why, err, "the push is not a protobuf message, from byte %zu of %zu on", at, bytes.size);
		err = take_field(&field, push, version, why);
		if (err != OK)
			return err;
		if (field.number == PUSH_FIELD_RECORDS)
			continue;
		if ((seen & 1u << field.number) != 0)
			return why_set(why, ERR_SYNTAX, "field %u of the push is there twice", field.number);
		seen |= 1u << field.number;
	}
	return OK;
}

enum err push_decode(struct slice bytes, struct arena *arena, struct push *ret_push, struct why *why)
{
	struct push push = {0};
	uint64_t version = 0;
	enum err err;

	if (bytes.size > PUSH_SIZE_MAX)
		return why_set(
		    why, ERR_TOO_LARGE, "the push has %zu bytes, at most %u are allowed", bytes.size, PUSH_SIZE_MAX);
	err = take_fields(bytes, &push, &version, why);
	if (err != OK)
		return err;
	if (version != PUSH_VERSION)
		return why_set(why, ERR_SYNTAX, "the push's version must be %d; found %llu", PUSH_VERSION,
		    (unsigned long long)version);
	if (push.record_count == 0)
		return why_set(why, ERR_EMPTY_PUSH, "the push carries no record");
	if (push.start > TREE_SIZE_MAX - push.record_count)
		return why_set(why, ERR_SYNTAX, "the push's start, %llu, is beyond what a feed can hold",
		    (unsigned long long)push.start);
	push.records = arena_alloc(arena, push.record_count * sizeof(*push.records));
	if (push.records == NULL)
		return why_set(why, ERR_MEMORY, "no memory for the push's %zu records", push.record_count);
	err = take_fields(bytes, &push, &version, why);
	assert(err == OK);
	*ret_push = push;
	return OK;
}

/* Tag, size, bytes: the bytes go straight to the buffer. */
static void add_bytes(struct buf *buf, unsigned field, struct slice bytes)
{
	uint8_t memory[2 * WIRE_VARINT_MAX];
	struct wire_writer writer = wire_writer_of(memory, sizeof(memory));

	wire_put_tag(&writer, field, WIRE_BYTES);
	wire_put_varint(&writer, bytes.size);
	buf_add_slice(buf, wire_written(&writer));
	buf_add_slice(buf, bytes);
}

enum err push_encode(const struct push *push, struct buf *ret_bytes)
{
	uint8_t memory[4 * WIRE_VARINT_MAX];
	struct wire_writer writer = wire_writer_of(memory, sizeof(memory));
	size_t before = ret_bytes->size;

	assert(push->record_count >= 1 && push->record_count <= PUSH_RECORDS_MAX);
	assert(push->note.size <= NOTE_SIZE_MAX && push->ledger_checkpoint.size <= CHECKPOINT_SIZE_MAX);
	wire_put_number(&writer, PUSH_FIELD_VERSION, PUSH_VERSION);
	wire_put_number(&writer, PUSH_FIELD_START, push->start);
	buf_add_slice(ret_bytes, wire_written(&writer));
	for (size_t i = 0; i < push->record_count; i++)
		add_bytes(ret_bytes, PUSH_FIELD_RECORDS, push->records[i]);
	if (push->note.size != 0)
		add_bytes(ret_bytes, PUSH_FIELD_NOTE, push->note);
	if (push->ledger_checkpoint.size != 0)
		add_bytes(ret_bytes, PUSH_FIELD_LEDGER_CHECKPOINT, push->ledger_checkpoint);
	if (ret_bytes->err == OK && ret_bytes->size - before > PUSH_SIZE_MAX)
		return ERR_TOO_LARGE;
	return ret_bytes->err;
}

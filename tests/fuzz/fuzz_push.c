/* Any bytes as a push: what is taken lies within the bytes, and means the same after encoding and decoding. */
#include "proto/feed.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct slice part, struct slice whole)
{
	assert(part.size == 0 || (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_of(data, size);
	struct push push, again;
	struct arena arena;
	struct buf encoded;
	struct why why;
	enum err err;

	arena_init(&arena, 4 << 20);
	buf_init(&encoded, PUSH_SIZE_MAX);
	err = push_decode(bytes, &arena, &push, &why);
	if (err == OK) {
		check_within(push.note, bytes);
		check_within(push.ledger_checkpoint, bytes);
		err = push_encode(&push, &encoded);
		assert(err == OK && encoded.size <= size);
		err = push_decode(buf_slice(&encoded), &arena, &again, &why);
		assert(err == OK && again.start == push.start && again.record_count == push.record_count);
		assert(slice_equal(again.note, push.note));
		assert(slice_equal(again.ledger_checkpoint, push.ledger_checkpoint));
		for (size_t i = 0; i < push.record_count; i++) {
			check_within(push.records[i], bytes);
			assert(slice_equal(push.records[i], again.records[i]));
		}
	} else {
		assert(why.text[0] != '\0');
	}
	buf_done(&encoded);
	arena_done(&arena);
	return 0;
}

/* Any bytes as an entry: what is taken encodes to the same bytes. */
#include "proto/entry.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_of(data, size);
	struct entry entry;
	struct arena arena;
	struct buf again;
	enum err err;

	arena_init(&arena, 1 << 20);
	buf_init(&again, ENTRY_SIZE_MAX);
	err = entry_decode(bytes, &arena, &entry);
	if (err == OK) {
		err = entry_encode(&entry, &again);
		assert(err == OK && slice_equal(buf_slice(&again), bytes));
	} else {
		assert(err == ERR_SYNTAX || err == ERR_NOT_CANONICAL || err == ERR_INVALID || err == ERR_TOO_LARGE);
	}
	buf_done(&again);
	arena_done(&arena);
	return 0;
}

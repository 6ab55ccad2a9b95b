/* Any bytes as a record: what is taken passes its own rules, and encodes to the same bytes. */
#include "proto/record.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct record_fault faults[RECORD_FAULTS_MAX];
	struct slice bytes = slice_of(data, size);
	struct record record;
	struct arena arena;
	struct buf again;
	size_t fault_count;
	enum err err;

	arena_init(&arena, 1 << 20);
	buf_init(&again, RECORD_SIZE_MAX);
	err = record_decode(bytes, &arena, &record, faults, &fault_count);
	if (err == OK) {
		assert(fault_count == 0);
		err = record_check(&record, faults, &fault_count);
		assert(err == OK && fault_count == 0);
		err = record_encode(&record, &again);
		assert(err == OK && slice_equal(buf_slice(&again), bytes));
	} else {
		assert(err == ERR_INVALID || err == ERR_SYNTAX || err == ERR_NOT_CANONICAL || err == ERR_TOO_LARGE);
		assert(fault_count >= 1 && fault_count <= RECORD_FAULTS_MAX);
		for (size_t i = 0; i < fault_count; i++)
			assert(utf8_is_text(slice_text(faults[i].reason.text)));
	}
	buf_done(&again);
	arena_done(&arena);
	return 0;
}

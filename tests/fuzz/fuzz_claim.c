/* Claims: whatever is taken is, written again, the same bytes, and keeps its bounds. */
#include "proto/claim.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct claim claim;
	struct why why;
	struct buf again;

	if (claim_parse(slice_of(data, size), &claim, &why) != OK)
		return 0;
	expect(claim.last_index >= 1 && claim.last_index < claim.size && claim.size <= TREE_SIZE_MAX);
	buf_init(&again, NOTE_TEXT_SIZE_MAX);
	claim_format(&claim, &again);
	expect(again.err == OK && slice_equal(buf_slice(&again), slice_of(data, size)));
	buf_done(&again);
	return 0;
}

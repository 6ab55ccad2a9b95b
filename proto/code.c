#include "proto/code.h"

#include <assert.h>
#include <string.h>

struct code code_of(struct slice text)
{
	struct code code = {0};

	assert(text.size == USCI_SIZE);
	memcpy(code.text, text.data, USCI_SIZE);
	return code;
}

struct slice code_slice(const struct code *code)
{
	return slice_of(code->text, USCI_SIZE);
}

bool code_equal(const struct code *a, const struct code *b)
{
	return memcmp(a->text, b->text, USCI_SIZE) == 0;
}

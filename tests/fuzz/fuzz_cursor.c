/* Cursors from outside: whatever is taken back is exactly what would be written for its position. */
#include "daemon/cursor.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* All zero, so that the corpus can hold cursors that are right. */
	static const struct cursor_secret secret;
	char text[CURSOR_TEXT_SIZE];
	struct cursor_place place;

	if (cursor_parse(&secret, slice_text("fuzz"), slice_of(data, size), &place, NULL) != OK)
		return 0;
	cursor_format(&secret, slice_text("fuzz"), &place, text);
	if (size != CURSOR_TEXT_SIZE - 1 || memcmp(data, text, size) != 0)
		abort();
	return 0;
}

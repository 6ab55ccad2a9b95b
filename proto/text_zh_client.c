/* Chinese of what the client says. */
#include "proto/text.h"

/* clang-format off */
const struct text_row text_zh_client[] = {
	{NULL, NULL},
};
/* clang-format on */

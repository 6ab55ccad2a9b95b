/* Chinese of the client's help. */
#include "proto/text.h"

/* clang-format off */
const struct text_row text_zh_help[] = {
	{NULL, NULL},
};
/* clang-format on */

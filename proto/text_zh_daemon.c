#include "proto/text.h"

const struct text_row text_zh_daemon[] = {
	{NULL, NULL},
};

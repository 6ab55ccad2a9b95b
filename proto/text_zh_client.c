#include "proto/text.h"

const struct text_row text_zh_client[] = {
	{NULL, NULL},
};

/* Internals shared by entry*.c, and by nothing else. */
#ifndef PROTO_ENTRY_INTERNAL_H
#define PROTO_ENTRY_INTERNAL_H

#include "proto/entry.h"

/* Every rule that can be seen in the entry itself. */
bool entry_is_valid(const struct entry *entry);

#endif

/*
 * JSON written straight into a buffer: for answers of a fixed shape that are asked for often. What is read, and every
 * answer whose shape depends on what it finds, is jansson's; both write the same bytes for the same value.
 *
 * A value or a name puts the comma before it where one is due. Texts must be UTF-8. The buffer keeps the error.
 */
#ifndef PROTO_JSONTEXT_H
#define PROTO_JSONTEXT_H

#include "proto/bytes.h"

void jsontext_object(struct buf *text);			/* begins one */
void jsontext_object_end(struct buf *text);
void jsontext_array(struct buf *text);			/* begins one */
void jsontext_array_end(struct buf *text);
void jsontext_name(struct buf *text, const char *name);	/* of the member that follows; ours, and needs no escapes */
void jsontext_string(struct buf *text, struct slice value);
void jsontext_number(struct buf *text, uint64_t value);
void jsontext_bool(struct buf *text, bool value);
void jsontext_null(struct buf *text);

#endif

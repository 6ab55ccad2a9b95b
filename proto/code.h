/* An enterprise's unified social credit code, as a value: what chains, cells and registers are kept under. */
#ifndef PROTO_CODE_H
#define PROTO_CODE_H

#include "proto/usci.h"

struct code {
	char text[USCI_SIZE + 1];
};
struct code code_of(struct slice text);		/* asserts the size */
struct slice code_slice(const struct code *code);
bool code_equal(const struct code *a, const struct code *b);

#endif

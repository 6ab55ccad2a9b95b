/*
 * Words of the API (a kind, a side, a disposition, a state, a gate, a reason) for people: tables show them in the
 * person's language. What a machine reads (--json, --csv) has them as they are.
 */
#ifndef CLIENT_WORD_H
#define CLIENT_WORD_H

#include "client/table.h"

/* The word in the person's language; one that isn't known as it is. */
const char *word_text(const char *word);
/* As a cell; NULL is "-". */
void word_cell(struct table *table, const char *word);

#endif

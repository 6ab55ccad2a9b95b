/*
 * How people and spreadsheets write amounts, dates and numbers, and which of it can only mean one thing.
 *
 * Functions that parse give NULL, or the rule that was broken: a whole sentence for the clerk who mends the cell.
 * Nothing is guessed; what FORMAT.md, "Ways of writing", does not list is refused.
 */
#ifndef CLIENT_CELL_H
#define CLIENT_CELL_H

#include "client/client.h"

/* Without white space at both ends: ASCII, U+00A0, U+3000, and the byte order mark U+FEFF that some programs repeat. */
struct slice cell_trim(struct slice text);
/* The text itself where nothing is to be done; otherwise a copy in the arena with half-width characters for full-width
 * ones, trimmed again. The text itself where the arena is full. */
struct slice cell_narrow(struct slice text, struct arena *arena);
/* Without the apostrophe by which a spreadsheet marks text. */
struct slice cell_unquote(struct slice text);

/* `is_comma_doubtful`: the file's cells are not separated by commas, so one may be a decimal point. */
const char *cell_parse_amount(struct slice text, bool is_comma_doubtful, uint64_t *ret_fen) must_check;
const char *cell_parse_date(struct slice text, uint32_t *ret_date) must_check;
/* What a spreadsheet makes of a number or a text that it takes for one: NULL, or why it can't be what was meant. */
const char *cell_check_number(struct slice text) must_check;
/* A control character inside a cell, which no field may have: NULL or the rule. */
const char *cell_check_text(struct slice text) must_check;

#endif

/*
 * Reading JSON Lines: one object a line, keys as the English columns, values as strings. `invoice_no` may be an
 * array of strings, `instalment` a number; null is as good as absent. Unknown and doubled keys are faults.
 */
#ifndef CLIENT_JSONL_H
#define CLIENT_JSONL_H

#include <stdio.h>

#include "client/row.h"

/* Adds every row's record or faults; rows are lines, empty ones are skipped. ERR_IO, ERR_MEMORY, ERR_TOO_MANY. */
enum err jsonl_read(FILE *file, struct rows *rows, struct why *why) must_check;

#endif

/*
 * What a clerk is told of a column: an example, and its rule in Chinese. The template and the list of faults are made
 * of it, so that whoever mends a cell sees what a right one looks like.
 */
#ifndef CLIENT_GUIDE_H
#define CLIENT_GUIDE_H

#include "client/column.h"

/* A cell that passes, in English or with Chinese words; "" for COLUMN_COUNT. */
const char *guide_example(enum column column, bool is_chinese);
/* A whole sentence; "" for COLUMN_COUNT. */
const char *guide_rule_chinese(enum column column);
/* Do people's settings (LC_ALL, LC_MESSAGES, LANG, the first that says anything) ask for Chinese? */
bool guide_is_chinese(void);

/* A CSV file for a spreadsheet: the columns' names, one trade and one refund. */
void guide_template(bool is_chinese, struct buf *ret_csv);

#endif

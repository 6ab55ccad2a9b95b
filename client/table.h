/*
 * Tables for people: columns as wide as their widest cell on a terminal (wcwidth: a Chinese character takes two
 * columns), numbers to the right, a bold head and coloured words only where out_has_color allows.
 *
 *	table_init(&table, columns, 3);
 *	table_cell(&table, "qddex"); table_cellf(&table, "%d", n); table_cell(&table, "1234.50");	one row
 *	table_print(&table, stdout);
 *	table_done(&table);
 */
#ifndef CLIENT_TABLE_H
#define CLIENT_TABLE_H

#include <stdio.h>

#include "client/client.h"

#define TABLE_COLUMNS_MAX 16

enum table_style { TABLE_PLAIN, TABLE_GOOD, TABLE_WARN, TABLE_BAD, TABLE_FAINT };

struct table_column {
	const char *title;		/* in English; all NULL: no head */
	bool is_number;			/* aligned to the right */
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	struct table_cell *cells;	/* row by row */
	size_t cell_count, cell_capacity;
	bool has_failed;		/* out of memory: told once, by table_print */
};

/* `columns` must outlive the table. */
void table_init(struct table *table, const struct table_column *columns, size_t column_count);
void table_done(struct table *table);
/* The next cell; copied, control characters escaped. NULL prints as "-". */
void table_cell(struct table *table, const char *text);
/* A text of ours, valid as long as the table: people read it in their language, a CSV has it in English. */
void table_word(struct table *table, const char *english);
/* The format is translated, too. */
void table_cellf(struct table *table, const char *format, ...) printf_like(2, 3);
/* Colour of the cell added last. */
void table_style(struct table *table, enum table_style style);
/* With titles and words in the reader's language. An unfinished last row is filled up. ERR_MEMORY, ERR_IO. */
enum err table_print(const struct table *table, FILE *file);
/* The same for spreadsheets: RFC 4180 in UTF-8 with a byte order mark, the titles first, an empty cell for NULL. A text
 * (no number) that begins with = + - or @ gets an apostrophe in front. ERR_MEMORY, ERR_IO. */
enum err table_print_csv(const struct table *table, FILE *file);

/* Columns that UTF-8 text takes on a terminal. */
size_t table_width(const char *text);

#endif

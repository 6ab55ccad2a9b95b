#include "client/jsonl.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text.h"

#define LINE_SIZE_MAX CSV_FIELD_SIZE_MAX /* bytes of one object: ten times the largest record */

/* The text of a value into `texts`, invoice numbers joined with ';'. False for another type. */
static bool value_take(const json_t *value, enum column column, struct buf *texts)
{
	size_t i;
	const json_t *item;

	if (json_is_string(value)) {
		buf_add(texts, json_string_value(value), json_string_length(value));
		return true;
	}
	if (json_is_integer(value) && column == COLUMN_INSTALMENT) {
		buf_printf(texts, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return true;
	}
	if (!json_is_array(value) || column != COLUMN_INVOICE_NO)
		return false;
	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return false;
		if (i > 0)
			buf_add_text(texts, ";");
		buf_add(texts, json_string_value(item), json_string_length(item));
	}
	return true;
}

static const char *type_rule(enum column column)
{
	if (column == COLUMN_INVOICE_NO)
		return T("must be a string, or an array of strings");
	if (column == COLUMN_INSTALMENT)
		return T("must be a number or a string");
	return T("must be a string");
}

/* Every key of the object to its column. The row's cells point into `texts`. */
static void object_take(json_t *object, uint64_t number, struct buf *texts, struct rows *rows)
{
	size_t starts[COLUMN_COUNT], ends[COLUMN_COUNT];
	uint64_t fault_total = rows->fault_total;
	struct row row = {.number = number, .head_number = number};
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		enum column column = column_by_name(slice_text(key));

		/* Chinese names are for people's spreadsheets. */
		if (column == COLUMN_COUNT || strcmp(column_name(column), key) != 0) {
			rows_complain(rows, number, COLUMN_COUNT, slice_text(key), "there is no key of this name");
			continue;
		}
		if (json_is_null(value))
			continue;
		starts[column] = texts->size;
		if (!value_take(value, column, texts))
			rows_complain(rows, number, column, slice_of("", 0), "%s", type_rule(column));
		ends[column] = texts->size;
		row.columns |= 1u << column;
	}
	if (texts->err != OK)
		rows->err = texts->err;
	if (rows->fault_total != fault_total || rows->err != OK)
		return;
	for (enum column column = 0; column < COLUMN_COUNT; column++)
		if ((row.columns & 1u << column) != 0)
			row.cells[column] =
			    slice_of(texts->data != NULL ? (const void *)(texts->data + starts[column]) : "",
				ends[column] - starts[column]);
	/* Keys may be left out; each row is its own head, so that a missing one is named for every row. */
	rows->missing_told = 0;
	row_add(&row, rows);
}

static bool is_blank(const char *line, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r' && line[i] != '\n')
			return false;
	return true;
}

static void line_take(const char *line, size_t size, uint64_t number, struct rows *rows)
{
	json_error_t error;
	struct buf texts;
	json_t *object;

	object = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL) {
		rows_complain(rows, number, COLUMN_COUNT, slice_of("", 0), "not JSON: %s (at byte %d)", error.text,
		    error.position);
		return;
	}
	buf_init(&texts, LINE_SIZE_MAX);
	if (json_is_object(object))
		object_take(object, number, &texts, rows);
	else
		rows_complain(rows, number, COLUMN_COUNT, slice_of("", 0), "must be one object in braces");
	buf_done(&texts);
	json_decref(object);
}

/* fgets with a size: a line without an end must not take all memory. Size 0 at the end of the file. */
static size_t line_read(FILE *file, char *ret_line, size_t max)
{
	size_t size = 0;
	int byte = 0;

	while (size < max && byte != '\n' && (byte = getc(file)) != EOF)
		ret_line[size++] = (char)byte;
	return size;
}

enum err jsonl_read(FILE *file, struct rows *rows, struct why *why)
{
	char *line = malloc(LINE_SIZE_MAX + 1);
	uint64_t number = 0;
	size_t size;

	if (line == NULL)
		return ERR_MEMORY;
	while (rows->err == OK && (size = line_read(file, line, LINE_SIZE_MAX + 1)) > 0) {
		const char *start = line;

		if (++number == 1 && size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
			start += 3;
			size -= 3;
		}
		if (size > LINE_SIZE_MAX) {
			rows->err = why_set(why, ERR_TOO_LARGE, "line %llu is longer than %d bytes",
			    (unsigned long long)number, LINE_SIZE_MAX);
		} else if (!is_blank(start, size)) {
			line_take(start, size, number, rows);
		}
	}
	free(line);
	if (rows->err == OK && ferror(file))
		return why_set(why, ERR_IO, "%m");
	return rows->err;
}

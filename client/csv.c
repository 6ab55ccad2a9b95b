#include "client/csv.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_MAX COLUMN_COUNT /* of one row: a further one has no column */
#define ROW_SIZE_MAX ((size_t)CELLS_MAX * (CSV_FIELD_SIZE_MAX + 1))
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct reading {
	struct rows *rows;
	uint64_t number;   /* of the row being read */
	size_t cell_count; /* of it, also those beyond CELLS_MAX */
	bool has_content;  /* some cell of it is not empty */
	bool has_head;
	bool was_carriage_return; /* the row before ended in one, and nothing has come since */
	struct buf bytes;         /* of its cells, one after the other */
	size_t ends[CELLS_MAX];
	size_t column_count;
	enum column columns[CELLS_MAX]; /* as the head named them; COLUMN_COUNT for an unknown one */
};

static void reading_on_cell(void *data, size_t size, void *cookie)
{
	struct reading *reading = cookie;

	reading->was_carriage_return = false;
	if (reading->cell_count < CELLS_MAX) {
		buf_add(&reading->bytes, data, size);
		reading->ends[reading->cell_count] = reading->bytes.size;
	}
	reading->cell_count++;
	reading->has_content = reading->has_content || size > 0;
}

static struct slice reading_cell(const struct reading *reading, size_t index)
{
	size_t start = index > 0 ? reading->ends[index - 1] : 0;
	const uint8_t *bytes = reading->bytes.data != NULL ? reading->bytes.data : (const uint8_t *)"";

	return slice_of(bytes + start, reading->ends[index] - start);
}

static void head_take(struct reading *reading)
{
	uint32_t seen = 0;

	reading->has_head = true;
	for (size_t i = 0; i < reading->cell_count && i < CELLS_MAX; i++) {
		struct slice name = reading_cell(reading, i);
		enum column column = column_by_name(name);

		reading->columns[reading->column_count++] = column;
		if (!utf8_is_text(name))
			row_complain(reading->rows, reading->number, COLUMN_COUNT, slice_of("", 0),
			    "column %zu is not UTF-8 text; save the file as \"CSV UTF-8\"", i + 1);
		else if (column == COLUMN_COUNT)
			row_complain(
			    reading->rows, reading->number, column, name, "column %zu has no known name", i + 1);
		else if ((seen & 1u << column) != 0)
			row_complain(reading->rows, reading->number, column, name,
			    "column %zu has a name that stood before", i + 1);
		if (column != COLUMN_COUNT)
			seen |= 1u << column;
	}
	if (reading->cell_count > CELLS_MAX)
		row_complain(reading->rows, reading->number, COLUMN_COUNT, slice_of("", 0),
		    "there are %zu columns; there can be %d", reading->cell_count, CELLS_MAX);
}

static void row_take(struct reading *reading)
{
	struct row row = {.number = reading->number};

	if (reading->cell_count != reading->column_count) {
		row_complain(reading->rows, reading->number, COLUMN_COUNT, slice_of("", 0),
		    "has %zu cells, the first row %zu; is a comma missing, or not within quotes?", reading->cell_count,
		    reading->column_count);
		return;
	}
	for (size_t i = 0; i < reading->cell_count; i++) {
		if (reading->columns[i] == COLUMN_COUNT)
			continue;
		row.columns |= 1u << reading->columns[i];
		row.cells[reading->columns[i]] = reading_cell(reading, i);
	}
	row_add(&row, reading->rows);
}

/* `end` is the character that ended the row, -1 at the end of the file. CR LF ends one row, not two. */
static void reading_on_row(int end, void *cookie)
{
	struct reading *reading = cookie;

	if (end == '\n' && reading->was_carriage_return) {
		reading->was_carriage_return = false;
		return;
	}
	reading->number++;
	if (reading->bytes.err != OK)
		reading->rows->err = reading->bytes.err;
	else if (reading->has_content && !reading->has_head)
		head_take(reading);
	else if (reading->has_content)
		row_take(reading);
	reading->was_carriage_return = end == '\r';
	reading->cell_count = 0;
	reading->has_content = false;
	buf_clear(&reading->bytes);
}

/* libcsv's buffer holds one cell: a file without a closing quote must not take all memory. */
static void *cell_realloc(void *memory, size_t size)
{
	return size <= CSV_FIELD_SIZE_MAX + 1024 ? realloc(memory, size) : NULL;
}

static enum err parser_why(struct csv_parser *parser, const struct reading *reading, struct why *why)
{
	unsigned long long row = reading->number + 1;

	if (csv_error(parser) == CSV_EPARSE)
		return why_set(why, ERR_SYNTAX, "row %llu: a quote stands where none may, or one is not closed", row);
	return why_set(why, ERR_TOO_LARGE, "row %llu: a cell is longer than %d bytes; is a quote not closed?", row,
	    CSV_FIELD_SIZE_MAX);
}

static enum err blocks_read(FILE *file, struct csv_parser *parser, struct reading *reading, struct why *why)
{
	uint8_t block[16384];
	size_t size, skip;
	bool is_first = true;

	while ((size = fread(block, 1, sizeof(block), file)) > 0) {
		skip = is_first && size >= 3 && memcmp(block, BYTE_ORDER_MARK, 3) == 0 ? 3 : 0;
		is_first = false;
		if (csv_parse(parser, block + skip, size - skip, reading_on_cell, reading_on_row, reading) !=
		    size - skip)
			return parser_why(parser, reading, why);
		if (reading->rows->err != OK)
			return reading->rows->err;
	}
	if (ferror(file))
		return why_set(why, ERR_IO, "%m");
	if (csv_fini(parser, reading_on_cell, reading_on_row, reading) != 0)
		return parser_why(parser, reading, why);
	if (reading->rows->err == OK && !reading->has_head)
		return why_set(why, ERR_SYNTAX, "the file is empty; its first row must name the columns");
	return reading->rows->err;
}

enum err csv_read(FILE *file, struct rows *rows, struct why *why)
{
	struct reading reading = {.rows = rows};
	struct csv_parser parser;
	enum err err;

	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) != 0)
		return ERR_MEMORY;
	csv_set_realloc_func(&parser, cell_realloc);
	buf_init(&reading.bytes, ROW_SIZE_MAX);
	err = blocks_read(file, &parser, &reading, why);
	buf_done(&reading.bytes);
	csv_free(&parser);
	return err;
}

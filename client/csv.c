#include "client/csv.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "client/cell.h"
#include "client/charset.h"
#include "client/out.h"

_Static_assert((int)COLUMN_COUNT <= CSV_CELLS_MAX, "a venue's row fits");

#define ROW_SIZE_MAX ((size_t)CSV_CELLS_MAX * (CSV_FIELD_SIZE_MAX + 1))

/* ---- any CSV file, row by row */

struct reading {
	enum err (*on_row)(void *cookie, const struct csv_row *row);
	void *cookie;
	char separator;           /* between cells */
	enum err err;             /* of on_row, or of memory */
	uint64_t number;          /* of the row being read */
	size_t cell_count;        /* of it, also those beyond CSV_CELLS_MAX */
	bool has_content;         /* some cell of it is not empty */
	bool was_carriage_return; /* the row before ended in one, and nothing has come since */
	struct buf bytes;         /* of its cells, one after the other */
	size_t ends[CSV_CELLS_MAX];
};

static void reading_on_cell(void *data, size_t size, void *cookie)
{
	struct reading *reading = cookie;

	reading->was_carriage_return = false;
	if (reading->cell_count < CSV_CELLS_MAX) {
		buf_add(&reading->bytes, data, size);
		reading->ends[reading->cell_count] = reading->bytes.size;
	}
	reading->cell_count++;
	reading->has_content = reading->has_content || size > 0;
}

static void row_hand_on(struct reading *reading)
{
	const uint8_t *bytes = reading->bytes.data != NULL ? reading->bytes.data : (const uint8_t *)"";
	struct csv_row row = {
	    .number = reading->number, .separator = reading->separator, .cell_count = reading->cell_count};

	for (size_t i = 0, start = 0; i < reading->cell_count && i < CSV_CELLS_MAX; start = reading->ends[i++])
		row.cells[i] = slice_of(bytes + start, reading->ends[i] - start);
	reading->err = reading->on_row(reading->cookie, &row);
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
	if (reading->err == OK)
		reading->err = reading->bytes.err;
	if (reading->err == OK && reading->has_content)
		row_hand_on(reading);
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

/* A byte that is no text. Everything before it was parsed. */
static enum err byte_why(const struct charset_reader *reader, const struct reading *reading, struct why *why)
{
	unsigned long long row = reading->number + 1;

	if (reader->charset == CHARSET_UTF8)
		return why_set(why, ERR_SYNTAX,
		    "row %llu: the byte 0x%02x is not UTF-8 text, which the file is otherwise; write the cell again",
		    row, reader->bad_byte);
	if (reader->charset == CHARSET_GB18030)
		return why_set(why, ERR_SYNTAX,
		    "row %llu: the byte 0x%02x is neither UTF-8 nor GB18030 text; save the file as \"CSV UTF-8\"", row,
		    reader->bad_byte);
	return why_set(why, ERR_SYNTAX,
	    "row %llu: is not UTF-16 text, as the file's beginning says; save it as \"CSV UTF-8\"", row);
}

/* What stands between the cells of the first row with content. Names of columns hold none of these, so that nothing is
 * guessed: with another separator than this none would be known. */
static char separator_find(struct slice text)
{
	size_t commas = 0, semicolons = 0, tabs = 0;
	bool is_quoted = false, has_content = false;

	for (size_t i = 0; i < text.size; i++) {
		char byte = (char)text.data[i];

		if ((byte == '\n' || byte == '\r') && !is_quoted && has_content)
			break;
		is_quoted = is_quoted != (byte == '"');
		has_content = has_content || strchr(" \r\n", byte) == NULL;
		if (!is_quoted) {
			commas += byte == ',';
			semicolons += byte == ';';
			tabs += byte == '\t';
		}
	}
	if (commas > 0 || semicolons + tabs == 0)
		return ',';
	return tabs > 0 ? '\t' : ';';
}

static void form_tell(const struct charset_reader *reader, char separator)
{
	if (reader->charset == CHARSET_UTF8 && separator == ',')
		return;
	out_info("subsidy: the file is read as %s text with %s between the cells", charset_name(reader->charset),
	    separator == ','   ? "commas"
	    : separator == ';' ? "semicolons"
			       : "tabs");
}

static enum err blocks_read(
    struct charset_reader *reader, struct csv_parser *parser, struct reading *reading, struct why *why)
{
	uint8_t block[CHARSET_BLOCK_SIZE];
	bool is_first = true;
	size_t size;
	enum err err;

	while ((err = charset_read(reader, block, sizeof(block), &size)) == OK && size > 0) {
		if (is_first) {
			reading->separator = separator_find(slice_of(block, size));
			csv_set_delim(parser, (unsigned char)reading->separator);
			form_tell(reader, reading->separator);
			is_first = false;
		}
		if (csv_parse(parser, block, size, reading_on_cell, reading_on_row, reading) != size)
			return parser_why(parser, reading, why);
		if (reading->err != OK)
			return reading->err;
	}
	if (err == ERR_SYNTAX)
		return byte_why(reader, reading, why);
	if (err != OK)
		return why_set(why, err, "%m");
	if (csv_fini(parser, reading_on_cell, reading_on_row, reading) != 0)
		return parser_why(parser, reading, why);
	return reading->err;
}

static enum err file_parse(FILE *file, struct reading *reading, struct why *why)
{
	struct charset_reader reader;
	struct csv_parser parser;
	enum err err = charset_open(&reader, file, why);

	if (err != OK)
		return err;
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) != 0) {
		charset_close(&reader);
		return ERR_MEMORY;
	}
	csv_set_realloc_func(&parser, cell_realloc);
	err = blocks_read(&reader, &parser, reading, why);
	csv_free(&parser);
	charset_close(&reader);
	return err;
}

enum err csv_scan(
    FILE *file, enum err (*on_row)(void *cookie, const struct csv_row *row), void *cookie, struct why *why)
{
	struct reading reading = {.on_row = on_row, .cookie = cookie};
	enum err err;

	buf_init(&reading.bytes, ROW_SIZE_MAX);
	err = file_parse(file, &reading, why);
	buf_done(&reading.bytes);
	return err;
}

/* ---- a venue's file */

struct sheet {
	struct rows *rows;
	bool has_head;
	uint64_t head_number;
	size_t column_count;
	enum column columns[CSV_CELLS_MAX]; /* as the head named them; COLUMN_COUNT for an unknown one */
	bool is_named[CSV_CELLS_MAX];       /* the head says something there */
};

static void head_take(struct sheet *sheet, const struct csv_row *row)
{
	uint32_t seen = 0;

	sheet->has_head = true;
	sheet->head_number = row->number;
	for (size_t i = 0; i < row->cell_count && i < CSV_CELLS_MAX; i++) {
		struct slice name = cell_trim(row->cells[i]);
		enum column column = column_by_name(name);

		sheet->is_named[i] = name.size > 0;
		sheet->columns[sheet->column_count++] = column;
		if (!utf8_is_text(name))
			rows_complain(sheet->rows, row->number, COLUMN_COUNT, name,
			    "the name of column %zu holds a line break or another control character", i + 1);
		else if (column == COLUMN_COUNT && sheet->is_named[i])
			rows_complain(sheet->rows, row->number, column, name, "column %zu has no known name", i + 1);
		else if (column != COLUMN_COUNT && (seen & 1u << column) != 0)
			rows_complain(
			    sheet->rows, row->number, column, name, "column %zu has a name that stood before", i + 1);
		if (column != COLUMN_COUNT)
			seen |= 1u << column;
	}
	if (row->cell_count > CSV_CELLS_MAX)
		rows_complain(sheet->rows, row->number, COLUMN_COUNT, slice_of("", 0),
		    "there are %zu columns; there can be %d", row->cell_count, COLUMN_COUNT);
}

/* Spreadsheets save rows and columns that once held something. */
static bool is_blank(const struct csv_row *row)
{
	for (size_t i = 0; i < row->cell_count && i < CSV_CELLS_MAX; i++)
		if (cell_trim(row->cells[i]).size > 0)
			return false;
	return row->cell_count <= CSV_CELLS_MAX;
}

static void row_take(struct sheet *sheet, const struct csv_row *cells)
{
	struct row row = {
	    .number = cells->number,
	    .head_number = sheet->head_number,
	    .is_comma_doubtful = cells->separator != ',',
	};

	if (cells->cell_count != sheet->column_count) {
		rows_complain(sheet->rows, cells->number, COLUMN_COUNT, slice_of("", 0),
		    "has %zu cells, the first row %zu; is a comma missing, or not within quotes?", cells->cell_count,
		    sheet->column_count);
		return;
	}
	for (size_t i = 0; i < cells->cell_count; i++) {
		if (!sheet->is_named[i] && cell_trim(cells->cells[i]).size > 0)
			rows_complain(sheet->rows, cells->number, COLUMN_COUNT, cells->cells[i],
			    "stands in column %zu, which the first row does not name", i + 1);
		if (sheet->columns[i] == COLUMN_COUNT)
			continue;
		row.columns |= 1u << sheet->columns[i];
		row.cells[sheet->columns[i]] = cells->cells[i];
	}
	row_add(&row, sheet->rows);
}

static enum err sheet_on_row(void *cookie, const struct csv_row *row)
{
	struct sheet *sheet = cookie;

	if (is_blank(row))
		return OK;
	if (sheet->has_head)
		row_take(sheet, row);
	else
		head_take(sheet, row);
	return sheet->rows->err;
}

enum err csv_read(FILE *file, struct rows *rows, struct why *why)
{
	struct sheet sheet = {.rows = rows};
	enum err err = csv_scan(file, sheet_on_row, &sheet, why);

	if (err == OK && !sheet.has_head)
		err = why_set(why, ERR_SYNTAX, "the file is empty; its first row must name the columns");
	return err;
}

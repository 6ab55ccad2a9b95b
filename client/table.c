#include "client/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "client/out.h"
#include "proto/text.h"

#define GAP "  "

struct table_cell {
	char *text;
	enum table_style style;
	bool is_absent;   /* NULL was given */
	const char *word; /* a text of ours, which people read in their language; NULL: `text` is what it is */
};

/* Decodes by hand, so that widths don't hang on the locale's charset: one character, or one wrong byte. */
static size_t character_next(const unsigned char *at, wchar_t *ret_character)
{
	size_t size = *at < 0x80 ? 1 : *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc2 ? 2 : 1;
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned value = *at & masks[size];

	for (size_t i = 1; i < size; i++) {
		if ((at[i] & 0xc0) != 0x80) {
			*ret_character = 0xfffd;
			return 1;
		}
		value = value << 6 | (at[i] & 0x3fu);
	}
	*ret_character = (wchar_t)value;
	return size;
}

size_t table_width(const char *text)
{
	size_t width = 0;

	for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
		wchar_t character;
		int columns;

		at += character_next(at, &character);
		columns = wcwidth(character);
		width += columns >= 0 ? (size_t)columns : 1;
	}
	return width;
}

void table_init(struct table *table, const struct table_column *columns, size_t column_count)
{
	assert(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
	*table = (struct table){.columns = columns, .column_count = column_count};
}

void table_done(struct table *table)
{
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i].text);
	free(table->cells);
	*table = (struct table){0};
}

/* Control characters as \xHH, the way out_text does it. */
static char *escape(const char *text)
{
	char *copy = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&copy, &size);

	if (file == NULL)
		return NULL;
	out_text(file, text);
	if (fclose(file) != 0) {
		free(copy);
		return NULL;
	}
	return copy;
}

void table_cell(struct table *table, const char *text)
{
	char *copy;

	if (table->has_failed)
		return;
	if (table->cell_count == table->cell_capacity) {
		size_t capacity = table->cell_capacity == 0 ? 64 : 2 * table->cell_capacity;
		struct table_cell *cells = reallocarray(table->cells, capacity, sizeof(*cells));

		if (cells == NULL) {
			table->has_failed = true;
			return;
		}
		table->cells = cells;
		table->cell_capacity = capacity;
	}
	copy = escape(text != NULL ? text : "-");
	if (copy == NULL) {
		table->has_failed = true;
		return;
	}
	table->cells[table->cell_count++] = (struct table_cell){.text = copy, .is_absent = text == NULL};
}

void table_word(struct table *table, const char *english)
{
	size_t before = table->cell_count;

	table_cell(table, english);
	if (table->cell_count > before)
		table->cells[before].word = english;
}

/* What people see of a cell. */
static const char *cell_shown(const struct table_cell *cell)
{
	return cell->word != NULL ? text_of(cell->word) : cell->text;
}

void table_cellf(struct table *table, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vasprintf(&text, text_of(format), arguments);
	va_end(arguments);
	if (size < 0) {
		table->has_failed = true;
		return;
	}
	table_cell(table, text);
	free(text);
}

void table_style(struct table *table, enum table_style style)
{
	if (table->has_failed)
		return;
	assert(table->cell_count > 0);
	table->cells[table->cell_count - 1].style = style;
}

static const char *style_code(enum table_style style)
{
	switch (style) {
	case TABLE_PLAIN: return "";
	case TABLE_GOOD: return "\033[32m";
	case TABLE_WARN: return "\033[33m";
	case TABLE_BAD: return "\033[31m";
	case TABLE_FAINT: return "\033[2m";
	}
	return "";
}

static void pad(FILE *file, size_t columns)
{
	while (columns-- > 0)
		fputc(' ', file);
}

/* One cell and the gap behind it; nothing is printed after a row's last word. */
static void cell_print(FILE *file, const char *text, const char *code, size_t width, unsigned place)
{
	enum { IS_NUMBER = 1, IS_LAST = 2 };
	size_t space = width - table_width(text);

	if (place & IS_NUMBER)
		pad(file, space);
	fprintf(file, "%s%s%s", code, text, code[0] != '\0' ? "\033[0m" : "");
	if (place & IS_LAST)
		return;
	if (!(place & IS_NUMBER))
		pad(file, space);
	fputs(GAP, file);
}

static void row_print(const struct table *table, FILE *file, size_t first, const size_t *widths)
{
	bool has_color = out_has_color(file);
	size_t count = table->column_count;

	for (size_t i = 0; i < count; i++) {
		const struct table_cell *cell = first + i < table->cell_count ? &table->cells[first + i] : NULL;

		cell_print(file, cell != NULL ? cell_shown(cell) : "",
		    cell != NULL && has_color ? style_code(cell->style) : "", widths[i],
		    (table->columns[i].is_number ? 1u : 0u) | (i + 1 == count ? 2u : 0u));
	}
	fputc('\n', file);
}

enum err table_print(const struct table *table, FILE *file)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0}, count = table->column_count;
	bool has_head = false;

	if (table->has_failed)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++) {
		has_head = has_head || table->columns[i].title != NULL;
		widths[i] = table->columns[i].title != NULL ? table_width(text_of(table->columns[i].title)) : 0;
	}
	for (size_t i = 0; i < table->cell_count; i++) {
		size_t width = table_width(cell_shown(&table->cells[i]));

		if (width > widths[i % count])
			widths[i % count] = width;
	}
	for (size_t i = 0; has_head && i < count; i++)
		cell_print(file, table->columns[i].title != NULL ? text_of(table->columns[i].title) : "",
		    out_has_color(file) ? "\033[1m" : "", widths[i],
		    (table->columns[i].is_number ? 1u : 0u) | (i + 1 == count ? 2u : 0u));
	if (has_head)
		fputc('\n', file);
	for (size_t first = 0; first < table->cell_count; first += count)
		row_print(table, file, first, widths);
	return ferror(file) ? ERR_IO : OK;
}

/* ---- for spreadsheets */

/* Where a text begins like a formula, a spreadsheet would compute it; an apostrophe keeps it a text. */
static void csv_cell_print(FILE *file, const char *text, bool is_number)
{
	bool is_quoted = strpbrk(text, ",\"\r\n") != NULL;

	if (is_quoted)
		fputc('"', file);
	if (!is_number && text[0] != '\0' && strchr("=+-@", text[0]) != NULL)
		fputc('\'', file);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	if (is_quoted)
		fputc('"', file);
}

static void csv_mark_print(FILE *file, size_t column, size_t count)
{
	fputs(column + 1 < count ? "," : "\r\n", file);
}

enum err table_print_csv(const struct table *table, FILE *file)
{
	size_t count = table->column_count;

	if (table->has_failed)
		return ERR_MEMORY;
	fputs("\xef\xbb\xbf", file);
	for (size_t i = 0; i < count; i++) {
		csv_cell_print(file, table->columns[i].title != NULL ? table->columns[i].title : "", false);
		csv_mark_print(file, i, count);
	}
	for (size_t i = 0; i < table->cell_count || i % count != 0; i++) {
		const struct table_cell *cell = i < table->cell_count ? &table->cells[i] : NULL;

		if (cell != NULL && !cell->is_absent)
			csv_cell_print(file, cell->text, table->columns[i % count].is_number);
		csv_mark_print(file, i % count, count);
	}
	return ferror(file) ? ERR_IO : OK;
}

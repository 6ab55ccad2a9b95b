#include "client/order_list.h"

#include <inttypes.h>

#include "client/csv.h"
#include "client/out.h"
#include "client/table.h"

struct reading {
	struct items *items;
	bool has_head;
	uint32_t seen;
	size_t column_count;
	enum item_column columns[CSV_CELLS_MAX]; /* as the head named them; ITEM_COLUMN_COUNT for an unknown one */
};

static enum item_column item_column_by_name(enum order_type type, struct slice name)
{
	enum item_column column = ITEM_CODE;

	for (; column < ITEM_COLUMN_COUNT; column++)
		if (items_has_column(type, column) && (slice_equal(name, slice_text(items_columns[column].name)) ||
							  slice_equal(name, slice_text(items_columns[column].chinese))))
			break;
	return column;
}

static void head_take(struct reading *reading, const struct csv_row *row)
{
	struct items *items = reading->items;
	struct why rule;

	reading->has_head = true;
	reading->column_count = row->cell_count;
	for (size_t i = 0; i < row->cell_count && i < CSV_CELLS_MAX; i++) {
		struct slice name = items_trim(row->cells[i]);
		enum item_column column = item_column_by_name(items->type, name);

		reading->columns[i] = column;
		if (column == ITEM_COLUMN_COUNT) {
			(void)why_set(&rule, ERR_INVALID, "column %zu has no known name", i + 1);
			items_complain(items, row->number, column, name, rule.text);
			continue;
		}
		if ((reading->seen & 1u << column) != 0)
			items_complain(items, row->number, column, name, "a column of this name stood before");
		reading->seen |= 1u << column;
	}
	for (enum item_column column = ITEM_CODE; column < ITEM_COLUMN_COUNT; column++) {
		if (!items_needs_column(items, column) || (reading->seen & 1u << column) != 0)
			continue;
		(void)why_set(&rule, ERR_INVALID, "the column %s (%s) is missing", items_columns[column].name,
		    items_columns[column].chinese);
		items_complain(items, row->number, column, slice_of("", 0), rule.text);
	}
}

static void row_take(struct reading *reading, const struct csv_row *cells)
{
	struct item_row row = {.number = cells->number};
	struct why rule;

	if (cells->cell_count != reading->column_count) {
		(void)why_set(&rule, ERR_INVALID,
		    "has %zu cells, the first row %zu; is a comma missing, or not within quotes?", cells->cell_count,
		    reading->column_count);
		items_complain(reading->items, cells->number, ITEM_COLUMN_COUNT, slice_of("", 0), rule.text);
		return;
	}
	for (size_t i = 0; i < cells->cell_count && i < CSV_CELLS_MAX; i++) {
		if (reading->columns[i] == ITEM_COLUMN_COUNT)
			continue;
		row.columns |= 1u << reading->columns[i];
		row.cells[reading->columns[i]] = cells->cells[i];
	}
	/* Faults of the head would be told again in every row. */
	for (enum item_column column = ITEM_CODE; column < ITEM_COLUMN_COUNT; column++)
		if (items_needs_column(reading->items, column) && (reading->seen & 1u << column) == 0)
			return;
	items_add(reading->items, &row);
}

static enum err reading_on_row(void *cookie, const struct csv_row *row)
{
	struct reading *reading = cookie;

	if (reading->has_head)
		row_take(reading, row);
	else
		head_take(reading, row);
	return reading->items->err;
}

enum err order_list_read(struct items *items, FILE *file, struct why *why)
{
	struct reading reading = {.items = items};
	enum err err = csv_scan(file, reading_on_row, &reading, why);

	if (err != OK)
		return err;
	if (!reading.has_head)
		return why_set(why, ERR_SYNTAX, "the file is empty; its first row must name the columns");
	if (items->item_count == 0 && items->fault_total == 0)
		return why_set(why, ERR_SYNTAX, "there is nothing below the first row");
	return OK;
}

/* ---- its faults */

static enum exit_code faults_print_json(const struct items *items)
{
	json_t *list = json_array();

	for (size_t i = 0; i < items->fault_count; i++) {
		const struct item_fault *fault = &items->faults[i];
		json_t *value = utf8_is_text(slice_text(fault->value)) ? json_string(fault->value) : json_null();

		if (json_array_append_new(list, json_pack("{s:I,s:s,s:o,s:s}", "row", (json_int_t)fault->row, "column",
						    fault->column, "value", value, "rule", fault->rule)) != 0) {
			json_decref(list);
			return out_fail(ERR_MEMORY, NULL, NULL);
		}
	}
	return out_json(json_pack("{s:I,s:o}", "error_count", (json_int_t)items->fault_total, "errors", list));
}

/* Every fault, for people on stderr. Gives EXIT_REFUSED. */
enum exit_code order_list_print_faults(const struct items *items, const struct settings *settings)
{
	static const struct table_column columns[] = {
	    {"row", true}, {"column", false}, {"value", false}, {"rule", false}};
	struct why why = {""};
	struct table table;

	if (settings->is_json) {
		if (faults_print_json(items) != EXIT_OK)
			return EXIT_OTHER;
	} else {
		table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
		for (size_t i = 0; i < items->fault_count; i++) {
			const struct item_fault *fault = &items->faults[i];

			if (fault->row > 0)
				table_cellf(&table, "%" PRIu64, fault->row);
			else
				table_cell(&table, NULL);
			table_cell(&table, fault->column[0] != '\0' ? fault->column : NULL);
			table_cell(&table, fault->value);
			table_cell(&table, fault->rule);
		}
		(void)table_print(&table, stderr);
		table_done(&table);
	}
	(void)why_set(
	    &why, ERR_INVALID, "%" PRIu64 " %s", items->fault_total, items->fault_total == 1 ? "error" : "errors");
	return out_fail(ERR_INVALID, &why, "nothing was signed; mend the list and repeat");
}

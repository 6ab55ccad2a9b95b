#include "client/faults.h"

#include <inttypes.h>
#include <stdlib.h>

#include "client/out.h"
#include "client/table.h"

static int fault_compare(const void *a, const void *b)
{
	const struct row_fault *left = a, *right = b;

	return left->row < right->row ? -1 : left->row > right->row;
}

static enum exit_code faults_print_json(const struct rows *rows)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->fault_count; i++) {
		const struct row_fault *fault = &rows->faults[i];

		if (json_array_append_new(list, json_pack("{s:I,s:s,s:s,s:s}", "row", (json_int_t)fault->row, "column",
						    fault->column, "value", fault->value, "rule", fault->rule)) != 0) {
			json_decref(list);
			return out_fail(ERR_MEMORY, NULL, NULL);
		}
	}
	return out_json(json_pack("{s:I,s:o}", "error_count", (json_int_t)rows->fault_total, "errors", list));
}

enum exit_code faults_print(const struct settings *settings, struct rows *rows, const char *next)
{
	static const struct table_column columns[] = {
	    {"row", true}, {"column", false}, {"value", false}, {"rule", false}};
	struct why why = {""};
	struct table table;

	qsort(rows->faults, rows->fault_count, sizeof(*rows->faults), fault_compare);
	if (settings->is_json) {
		if (faults_print_json(rows) != EXIT_OK)
			return EXIT_OTHER;
	} else {
		table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
		for (size_t i = 0; i < rows->fault_count; i++) {
			table_cellf(&table, "%" PRIu64, rows->faults[i].row);
			table_cell(&table, rows->faults[i].column[0] != '\0' ? rows->faults[i].column : NULL);
			table_cell(&table, rows->faults[i].value);
			table_cell(&table, rows->faults[i].rule);
		}
		(void)table_print(&table, stderr);
		table_done(&table);
	}
	(void)why_set(
	    &why, ERR_RECORDS, "%" PRIu64 " %s", rows->fault_total, rows->fault_total == 1 ? "error" : "errors");
	(void)out_fail(ERR_RECORDS, &why, next);
	return EXIT_REFUSED;
}

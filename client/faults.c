#include "client/faults.h"

#include <inttypes.h>
#include <stdlib.h>

#include "client/guide.h"
#include "client/out.h"
#include "client/table.h"
#include "proto/text.h"

static int fault_compare(const void *a, const void *b)
{
	const struct row_fault *left = a, *right = b;

	return left->row < right->row ? -1 : left->row > right->row;
}

static enum column column_of(const struct row_fault *fault)
{
	return column_by_name(slice_text(fault->column));
}

static const char *example_of(const struct row_fault *fault, bool is_chinese)
{
	return guide_example(column_of(fault), is_chinese);
}

static enum exit_code faults_print_json(const struct rows *rows)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->fault_count; i++) {
		const struct row_fault *fault = &rows->faults[i];

		if (json_array_append_new(list,
			json_pack("{s:I,s:s,s:s,s:s,s:s}", "row", (json_int_t)fault->row, "column", fault->column,
			    "value", fault->value, "rule", fault->rule, "example", example_of(fault, false))) != 0) {
			json_decref(list);
			return out_fail(ERR_MEMORY, NULL, NULL);
		}
	}
	return out_json(json_pack("{s:I,s:o}", "error_count", (json_int_t)rows->fault_total, "errors", list));
}

/* A line for each, for who reads Chinese: the column's own rule says all of it; the fault as such stands behind it. */
static void faults_print_chinese(const struct rows *rows)
{
	for (size_t i = 0; i < rows->fault_count; i++) {
		const struct row_fault *fault = &rows->faults[i];
		enum column column = column_of(fault);

		if (column == COLUMN_COUNT)
			out_info("第%" PRIu64 "行：%s%s%s", fault->row, fault->value,
			    fault->value[0] != '\0' ? " " : "", fault->rule);
		else
			out_info("第%" PRIu64 "行 %s：“%s” %s例如：%s （%s）", fault->row, column_chinese(column),
			    fault->value, guide_rule_chinese(column), example_of(fault, true), fault->rule);
	}
}

static void faults_print_table(const struct rows *rows)
{
	static const struct table_column columns[] = {
	    {"row", true}, {"column", false}, {"value", false}, {"example", false}, {"rule", false}};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < rows->fault_count; i++) {
		const struct row_fault *fault = &rows->faults[i];

		table_cellf(&table, "%" PRIu64, fault->row);
		table_cell(&table, fault->column[0] != '\0' ? fault->column : NULL);
		table_cell(&table, fault->value);
		table_cell(&table, example_of(fault, false));
		table_cell(&table, fault->rule);
	}
	(void)table_print(&table, stderr);
	table_done(&table);
}

enum exit_code faults_print(const struct settings *settings, struct rows *rows, const char *next)
{
	struct why why = {""};

	/* A list of nothing has no place to sort. */
	if (rows->fault_count > 0)
		qsort(rows->faults, rows->fault_count, sizeof(*rows->faults), fault_compare);
	if (settings->is_json) {
		if (faults_print_json(rows) != EXIT_OK)
			return EXIT_OTHER;
	} else if (text_language() == TEXT_CHINESE) {
		faults_print_chinese(rows);
	} else {
		faults_print_table(rows);
	}
	(void)why_set(
	    &why, ERR_RECORDS, rows->fault_total == 1 ? "%" PRIu64 " error" : "%" PRIu64 " errors", rows->fault_total);
	(void)out_fail(ERR_RECORDS, &why, next);
	return EXIT_REFUSED;
}

#include "client/rows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/money.h"
#include "proto/text.h"

#define ROWS_SIZE_MAX ((size_t)CSV_ROWS_MAX * 1024) /* bytes of all records of a file; most take about 250 */
#define VALUE_SHOWN_MAX 60                          /* bytes of a cell that a complaint repeats */

void rows_init(struct rows *rows)
{
	*rows = (struct rows){.err = OK};
	buf_init(&rows->bytes, ROWS_SIZE_MAX);
}

void rows_done(struct rows *rows)
{
	for (size_t i = 0; i < rows->fault_count; i++) {
		free(rows->faults[i].value);
		free(rows->faults[i].rule);
	}
	free(rows->faults);
	free(rows->records);
	buf_done(&rows->bytes);
	*rows = (struct rows){.err = OK};
}

struct slice rows_record(const struct rows *rows, size_t index)
{
	assert(index < rows->record_count);
	return slice_of(rows->bytes.data + rows->records[index].offset, rows->records[index].size);
}

/* Room for one more in an array of `size`-byte things, or false. */
static bool grow(void **array, size_t count, size_t *capacity, size_t size)
{
	size_t larger = *capacity == 0 ? 64 : 2 * *capacity;
	void *grown;

	if (count < *capacity)
		return true;
	grown = reallocarray(*array, larger, size);
	if (grown == NULL)
		return false;
	*array = grown;
	*capacity = larger;
	return true;
}

/* The cell's text, cut at a character's boundary; of what is not UTF-8 only the ASCII letters as they are. */
static char *value_shown(struct slice value)
{
	bool is_text = utf8_is_text(value);
	size_t size = value.size;
	struct buf text;
	char *copy;

	if (size > VALUE_SHOWN_MAX) {
		size = VALUE_SHOWN_MAX;
		while (is_text && size > 0 && (value.data[size] & 0xc0) == 0x80)
			size--;
	}
	buf_init(&text, 4 * VALUE_SHOWN_MAX + sizeof("…"));
	for (size_t i = 0; i < size; i++) {
		bool is_plain = value.data[i] >= 0x20 && value.data[i] != 0x7f && (is_text || value.data[i] < 0x80);

		buf_printf(&text, is_plain ? "%c" : "\\x%02x", value.data[i]);
	}
	if (size < value.size)
		buf_add_text(&text, "…");
	copy = text.err == OK ? strdup(buf_text(&text)) : NULL;
	buf_done(&text);
	return copy;
}

static void fault_add(struct rows *rows, uint64_t number, enum column column, struct slice value, const char *rule)
{
	void *array = rows->faults;
	struct row_fault fault = {.row = number, .column = column_name(column)};

	rows->fault_total++;
	if (rows->fault_count == CLIENT_ERRORS_MAX)
		return;
	fault.value = value_shown(value);
	fault.rule = strdup(rule);
	if (fault.value == NULL || fault.rule == NULL ||
	    !grow(&array, rows->fault_count, &rows->fault_capacity, sizeof(fault))) {
		free(fault.value);
		free(fault.rule);
		rows->err = ERR_MEMORY;
		return;
	}
	rows->faults = array;
	rows->faults[rows->fault_count++] = fault;
}

void rows_complain(struct rows *rows, uint64_t number, enum column column, struct slice value, const char *format, ...)
{
	char *rule = NULL;
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vasprintf(&rule, text_of(format), arguments);
	va_end(arguments);
	if (size < 0) {
		rows->err = ERR_MEMORY;
		return;
	}
	fault_add(rows, number, column, value, rule);
	free(rule);
}

void rows_add(struct rows *rows, uint64_t number, const struct record *record)
{
	size_t offset = rows->bytes.size;
	void *array = rows->records;
	enum err err;

	if (rows->record_count == CSV_ROWS_MAX) {
		rows->err = ERR_TOO_MANY;
		return;
	}
	err = record_encode(record, &rows->bytes);
	if (err == OK)
		err = rows->bytes.err;
	if (err == OK && !grow(&array, rows->record_count, &rows->record_capacity, sizeof(*rows->records)))
		err = ERR_MEMORY;
	if (err != OK) {
		rows->err = err;
		return;
	}
	rows->records = array;
	rows->records[rows->record_count++] = (struct row_record){
	    .offset = offset,
	    .size = (uint32_t)(rows->bytes.size - offset),
	    .row = number,
	};
	rows->err = record->kind == RECORD_TRADE
			? money_add(rows->amount_fen, (int64_t)record->trade.amount_fen, &rows->amount_fen)
			: money_add(rows->refunded_fen, (int64_t)record->refund.amount_fen, &rows->refunded_fen);
	rows->trade_count += record->kind == RECORD_TRADE;
	rows->refund_count += record->kind == RECORD_REFUND;
}

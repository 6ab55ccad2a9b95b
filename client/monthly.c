#include "client/monthly.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/out.h"
#include "client/word.h"
#include "proto/date.h"
#include "proto/limits.h"
#include "proto/money.h"

#define MONTH_COUNT ((DATE_YEAR_MAX - DATE_YEAR_MIN + 1) * 12)
#define KIND_COUNT (RECORD_REFUND + 1)

static const char *const kind_names[KIND_COUNT] = {[RECORD_TRADE] = "trade", [RECORD_REFUND] = "refund"};

struct month {
	struct monthly_sum sums[KIND_COUNT][DISPOSITION_COUNT];
};

struct monthly {
	struct month months[MONTH_COUNT];
	struct month total;
	struct monthly_sum all[KIND_COUNT]; /* added first: while these fit, any part of them does */
};

const struct table_column monthly_columns[MONTHLY_COLUMN_COUNT] = {{"month", false}, {"kind", false},
    {"disposition", false}, {"records", true}, {"amount", true}, {"tax", true}, {"net", true}};
const struct table_column monthly_file_columns[MONTHLY_FILE_COLUMN_COUNT] = {
    {"month", false}, {"kind", false}, {"records", true}, {"amount", true}, {"tax", true}};

struct monthly *monthly_new(void)
{
	return calloc(1, sizeof(struct monthly));
}

void monthly_free(struct monthly *monthly)
{
	free(monthly);
}

/* ---- adding */

static enum err sum_add(struct monthly_sum *sum, const struct monthly_sum *more)
{
	enum err err = money_add(sum->amount_fen, more->amount_fen, &sum->amount_fen);

	if (err == OK)
		err = money_add(sum->tax_fen, more->tax_fen, &sum->tax_fen);
	sum->records += more->records;
	return err;
}

static enum err month_add(struct monthly *monthly, uint16_t month, enum record_kind kind, enum disposition disposition,
    const struct monthly_sum *more)
{
	enum err err = sum_add(&monthly->all[kind], more);

	if (err == OK)
		err = sum_add(&monthly->total.sums[kind][disposition], more);
	return err == OK ? sum_add(&monthly->months[month].sums[kind][disposition], more) : err;
}

static bool kind_parse(const char *text, enum record_kind *ret_kind)
{
	*ret_kind = strcmp(text, kind_names[RECORD_REFUND]) == 0 ? RECORD_REFUND : RECORD_TRADE;
	return strcmp(text, kind_names[*ret_kind]) == 0;
}

static bool disposition_parse(const char *text, enum disposition *ret_disposition)
{
	for (int i = DISPOSITION_COUNTED; i < DISPOSITION_COUNT; i++)
		if (strcmp(text, disposition_name((enum disposition)i)) == 0) {
			*ret_disposition = (enum disposition)i;
			return true;
		}
	return false;
}

static enum err row_add_answer(struct monthly *monthly, const json_t *row, struct why *why)
{
	json_int_t records = json_integer_value(json_object_get(row, "records"));
	struct monthly_sum more = {.records = (uint64_t)records};
	const char *month_text = json_text_or(row, "month", "");
	enum disposition disposition;
	enum record_kind kind;
	uint16_t month;

	if (month_parse(slice_text(month_text), &month) != OK || month >= MONTH_COUNT || records < 0 ||
	    !kind_parse(json_text_or(row, "kind", ""), &kind) ||
	    !disposition_parse(json_text_or(row, "disposition", ""), &disposition) ||
	    money_parse(slice_text(json_text_or(row, "amount", "")), &more.amount_fen) != OK ||
	    money_parse(slice_text(json_text_or(row, "tax", "")), &more.tax_fen) != OK)
		return why_set(why, ERR_SYNTAX, "the sums of month \"%s\" can't be read", month_text);
	return month_add(monthly, month, kind, disposition, &more);
}

enum err monthly_add_answer(struct monthly *monthly, const json_t *months, struct why *why)
{
	enum err err = OK;

	for (size_t i = 0; err == OK && i < json_array_size(months); i++)
		err = row_add_answer(monthly, json_array_get(months, i), why);
	return err;
}

enum err monthly_add_rows(struct monthly *monthly, const struct rows *rows)
{
	struct record_fault faults[RECORD_FAULTS_MAX];
	struct monthly_sum more = {.records = 1};
	struct record record;
	struct arena arena;
	enum err err = OK;
	size_t fault_count;

	arena_init(&arena, 4 * RECORD_SIZE_MAX);
	for (size_t i = 0; err == OK && i < rows->record_count; i++) {
		arena_reset(&arena);
		err = record_decode(rows_record(rows, i), &arena, &record, faults, &fault_count);
		if (err != OK)
			break;
		more.amount_fen =
		    (int64_t)(record.kind == RECORD_TRADE ? record.trade.amount_fen : record.refund.amount_fen);
		more.tax_fen = (int64_t)(record.kind == RECORD_TRADE ? record.trade.tax_fen : record.refund.tax_fen);
		err = month_add(
		    monthly, month_of_date(record_latest_date(&record)), record.kind, DISPOSITION_COUNTED, &more);
	}
	arena_done(&arena);
	return err;
}

/* ---- showing */

/* The sum of a kind's dispositions from `first` on. */
static struct monthly_sum kind_sum(const struct month *month, enum record_kind kind, int first)
{
	struct monthly_sum sum = {0};

	for (int i = first; i < DISPOSITION_COUNT; i++) {
		sum.records += month->sums[kind][i].records;
		sum.amount_fen += month->sums[kind][i].amount_fen;
		sum.tax_fen += month->sums[kind][i].tax_fen;
	}
	return sum;
}

static void sum_fill(struct table *table, const struct monthly_sum *sum)
{
	char text[MONEY_TEXT_SIZE];

	table_cellf(table, "%" PRIu64, sum->records);
	money_format(sum->amount_fen, text);
	table_cell(table, text);
	money_format(sum->tax_fen, text);
	table_cell(table, text);
}

static void row_fill(struct table *table, const char *const words[static 3], const struct monthly_sum *sum)
{
	char text[MONEY_TEXT_SIZE];

	for (size_t i = 0; i < 3; i++)
		word_cell(table, words[i]);
	sum_fill(table, sum);
	money_format(sum->amount_fen - sum->tax_fen, text);
	table_cell(table, text);
}

static void kind_fill(struct table *table, const char *name, const struct month *month, enum record_kind kind)
{
	const struct monthly_sum *sums = month->sums[kind];
	struct monthly_sum not_counted = kind_sum(month, kind, DISPOSITION_COUNTED + 1);
	struct monthly_sum all = kind_sum(month, kind, DISPOSITION_COUNTED);
	const char *words[3] = {name, kind_names[kind], disposition_name(DISPOSITION_COUNTED)};

	row_fill(table, words, &sums[DISPOSITION_COUNTED]);
	for (int i = DISPOSITION_COUNTED + 1; i < DISPOSITION_COUNT; i++) {
		words[2] = disposition_name((enum disposition)i);
		if (sums[i].records > 0)
			row_fill(table, words, &sums[i]);
	}
	words[2] = "not_counted";
	row_fill(table, words, &not_counted);
	words[2] = "all";
	row_fill(table, words, &all);
}

static void month_fill(struct table *table, const char *name, const struct month *month)
{
	const struct monthly_sum *trades = &month->sums[RECORD_TRADE][DISPOSITION_COUNTED];
	const struct monthly_sum *refunds = &month->sums[RECORD_REFUND][DISPOSITION_COUNTED];
	const char *const words[3] = {name, "trade - refund", disposition_name(DISPOSITION_COUNTED)};
	/* Both are positive, so that the difference fits. */
	const struct monthly_sum balance = {.records = trades->records + refunds->records,
	    .amount_fen = trades->amount_fen - refunds->amount_fen,
	    .tax_fen = trades->tax_fen - refunds->tax_fen};

	kind_fill(table, name, month, RECORD_TRADE);
	kind_fill(table, name, month, RECORD_REFUND);
	row_fill(table, words, &balance);
}

static bool has_records(const struct month *month)
{
	return kind_sum(month, RECORD_TRADE, DISPOSITION_COUNTED).records > 0 ||
	       kind_sum(month, RECORD_REFUND, DISPOSITION_COUNTED).records > 0;
}

void monthly_fill(const struct monthly *monthly, const uint16_t *month, struct table *table)
{
	char name[MONTH_TEXT_SIZE];

	for (uint16_t i = 0; i < MONTH_COUNT; i++) {
		if (month != NULL ? i != *month : !has_records(&monthly->months[i]))
			continue;
		month_format(i, name);
		month_fill(table, name, &monthly->months[i]);
	}
	if (month == NULL)
		month_fill(table, "total", &monthly->total);
}

void monthly_fill_file(const struct monthly *monthly, struct table *table)
{
	char name[MONTH_TEXT_SIZE];

	for (uint16_t i = 0; i <= MONTH_COUNT; i++) {
		const struct month *month = i < MONTH_COUNT ? &monthly->months[i] : &monthly->total;

		for (enum record_kind kind = RECORD_TRADE; kind <= RECORD_REFUND; kind++) {
			const struct monthly_sum *sum = &month->sums[kind][DISPOSITION_COUNTED];

			if (i < MONTH_COUNT && sum->records == 0)
				continue;
			if (i < MONTH_COUNT)
				month_format(i, name);
			word_cell(table, i < MONTH_COUNT ? name : "total");
			word_cell(table, kind_names[kind]);
			sum_fill(table, sum);
		}
	}
}

json_t *monthly_json_file(const struct monthly *monthly)
{
	char name[MONTH_TEXT_SIZE], amount[MONEY_TEXT_SIZE], tax[MONEY_TEXT_SIZE];
	json_t *list = json_array();

	for (uint16_t i = 0; i < MONTH_COUNT; i++) {
		for (enum record_kind kind = RECORD_TRADE; kind <= RECORD_REFUND; kind++) {
			const struct monthly_sum *sum = &monthly->months[i].sums[kind][DISPOSITION_COUNTED];

			if (sum->records == 0)
				continue;
			month_format(i, name);
			money_format(sum->amount_fen, amount);
			money_format(sum->tax_fen, tax);
			if (json_array_append_new(
				list, json_pack("{s:s,s:s,s:I,s:s,s:s}", "month", name, "kind", kind_names[kind],
					  "records", (json_int_t)sum->records, "amount", amount, "tax", tax)) != 0) {
				json_decref(list);
				return NULL;
			}
		}
	}
	return list;
}

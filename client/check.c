#include "client/check.h"

#include "client/monthly.h"
#include "client/out.h"
#include "proto/money.h"

static enum exit_code check_print_json(
    const struct rows *rows, const struct plan *plan, size_t push_count, const struct monthly *monthly)
{
	char amount[MONEY_TEXT_SIZE], refunded[MONEY_TEXT_SIZE];

	money_format(rows->amount_fen, amount);
	money_format(rows->refunded_fen, refunded);
	return out_json(json_pack("{s:I,s:I,s:s,s:I,s:s,s:o,s:I,s:I,s:o}", "rows", (json_int_t)rows->record_count,
	    "trades", (json_int_t)rows->trade_count, "amount", amount, "refunds", (json_int_t)rows->refund_count,
	    "refunded", refunded, "months", monthly_json_file(monthly), "pushes", (json_int_t)push_count,
	    "warning_count", (json_int_t)plan->repeat_total, "warnings", plan_warnings(plan, rows)));
}

static enum exit_code check_print_table(
    const struct rows *rows, const struct plan *plan, size_t push_count, const struct monthly *monthly)
{
	struct table table;
	enum err err;

	plan_warn(plan, rows);
	table_init(&table, monthly_file_columns, MONTHLY_FILE_COLUMN_COUNT);
	monthly_fill_file(monthly, &table);
	err = table_print(&table, stdout);
	table_done(&table);
	if (err != OK)
		return out_printed(err);
	out_info("subsidy: every row is well-formed; nothing was sent");
	out_info(plan->count == 1 ? "         to be sent: %zu row in %zu push, less those that the feed has already"
		 : push_count == 1
		     ? "         to be sent: %zu rows in %zu push, less those that the feed has already"
		     : "         to be sent: %zu rows in %zu pushes, less those that the feed has already",
	    plan->count, push_count);
	return EXIT_OK;
}

enum exit_code check_print(
    const struct settings *settings, const struct rows *rows, const struct plan *plan, size_t push_count)
{
	struct monthly *monthly = monthly_new();
	enum exit_code code;
	enum err err;

	err = monthly == NULL ? ERR_MEMORY : monthly_add_rows(monthly, rows);
	if (err != OK)
		code = out_fail(err, NULL, NULL);
	else if (settings->is_json)
		code = check_print_json(rows, plan, push_count, monthly);
	else
		code = check_print_table(rows, plan, push_count, monthly);
	monthly_free(monthly);
	return code;
}
